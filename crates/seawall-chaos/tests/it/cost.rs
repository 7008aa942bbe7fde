//! What it costs a call that is not struck: no allocation, no reading of the clock.

use std::{
    future::{Future, Ready, ready},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
};

use seawall_chaos::{Chaos, Clock, ConfigError, Injected, Plan};
use seawall_core::Nanos;

/// How often `work` allocates.
fn allocations(work: impl FnOnce()) -> u64 {
    seawall_test::allocations(work).1
}

fn finish<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a call that is not struck waits for nothing"),
    }
}

fn fetch() -> Ready<Result<u32, Injected>> {
    ready(Ok(7))
}

/// Armed, and striking about one call in a million: none of those below.
fn rarely() -> Plan {
    Plan::new().error(0.000_001)
}

fn timeless(name: &'static str) -> Result<Chaos, ConfigError> {
    Chaos::builder(name)
        .seed(7)
        .clock(Clock::custom(|| panic!("it has nothing to ask the clock for")))
        .on_event(|_| panic!("there is nothing to tell"))
        .build()
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(7)))), 1);
}

#[test]
fn a_disarmed_chaos_neither_allocates_nor_reads_the_clock() -> Result<(), ConfigError> {
    let chaos = timeless("db")?;

    let count = allocations(|| {
        for _ in 0..1000 {
            assert_eq!(finish(chaos.call(fetch)), Ok(7));
            assert_eq!(finish(chaos.pass()), Ok(()));
            assert_eq!(chaos.strike(), None);
        }
    });

    assert_eq!(count, 0);
    Ok(())
}

#[test]
fn a_call_that_an_armed_chaos_lets_pass_allocates_nothing() -> Result<(), ConfigError> {
    let chaos = Chaos::builder("db").seed(7).build()?;
    chaos.arm(rarely())?;

    let count = allocations(|| {
        for _ in 0..1000 {
            assert_eq!(finish(chaos.call(fetch)), Ok(7));
        }
    });

    assert_eq!(count, 0);
    assert_eq!(chaos.snapshot().counters["calls"], 1000);
    Ok(())
}

#[test]
fn the_clock_is_read_to_arm_and_never_for_a_call() -> Result<(), ConfigError> {
    let readings = Arc::new(AtomicU32::new(0));
    let count = readings.clone();
    let clock = Clock::custom(move || Nanos(count.fetch_add(1, Relaxed).into()));
    let chaos = Chaos::builder("db").seed(7).clock(clock).build()?;
    chaos.arm(Plan::new().error(0.5))?;

    for _ in 0..1000 {
        let _ = finish(chaos.call(fetch));
    }
    chaos.disarm();

    assert_eq!(readings.load(Relaxed), 1);
    Ok(())
}

#[cfg(feature = "tower")]
mod layer {
    use seawall_chaos::{ChaosLayer, ChaosService};
    use tower::{Layer, Service, service_fn};

    use super::*;

    fn called_a_thousand_times<S>(service: &mut ChaosService<S>) -> u64
    where
        S: Service<u32, Response = u32, Error = Injected> + Clone,
    {
        allocations(|| {
            for _ in 0..1000 {
                let readiness = service.poll_ready(&mut Context::from_waker(Waker::noop()));
                assert_eq!(readiness, Poll::Ready(Ok(())));
                assert_eq!(finish(service.call(1)), Ok(7));
            }
        })
    }

    #[test]
    fn a_disarmed_layer_neither_allocates_nor_reads_the_clock() -> Result<(), ConfigError> {
        let mut service = ChaosLayer::new(timeless("db")?).layer(service_fn(|_| fetch()));

        assert_eq!(called_a_thousand_times(&mut service), 0);
        Ok(())
    }

    #[test]
    fn a_call_that_an_armed_layer_lets_pass_allocates_nothing() -> Result<(), ConfigError> {
        let chaos = Chaos::builder("db").seed(7).build()?;
        let mut service = ChaosLayer::new(chaos.clone()).layer(service_fn(|_| fetch()));
        chaos.arm(rarely())?;

        assert_eq!(called_a_thousand_times(&mut service), 0);
        Ok(())
    }
}
