//! Generations wrap: at 2^20 in the word, earlier in what is tagged with fewer of their bits. Nothing
//! must be seen of it.

use std::time::Duration;

use seawall_core::{Clock, Outcome};

use super::outside::Scripted;
use crate::{
    CircuitBreaker, State, Window,
    machine::{Machine, Role, Ticket},
    window::Totals,
};

const OPEN_MS: u64 = 10;

/// A machine with everything that is tagged with a generation, at `generation`.
fn machine(window: Window, generation: u32) -> Machine {
    let config = CircuitBreaker::builder("wrap")
        .clock(Clock::manual().0)
        .window(window)
        .minimum_calls(4)
        .consecutive_failures(4)
        .slow_call(Duration::from_secs(60), 1.0)
        .hung_calls(Duration::from_secs(60), 1)
        .half_open_probes(1)
        .build()
        .expect("sound settings")
        .config();
    let mut machine = Machine::new(&config, seawall_core::Nanos::ZERO, 1);
    machine.start_at_generation(generation);
    machine
}

fn settle(machine: &Machine, ticket: Ticket, outcome: Outcome, outside: &Scripted) {
    machine.settle(ticket, outcome, false, outside);
}

#[test]
fn a_circuit_turns_through_the_wrap_of_its_generation() {
    let windows = [Window::count(8), Window::time(Duration::from_secs(10))];
    // Where the tags of the time window and the calls in flight, of the count window, and of the word
    // wrap.
    for (window, wrap) in windows.into_iter().flat_map(|w| [12, 16, 20].map(|bits| (w, 1 << bits)))
    {
        let outside = Scripted::new(Duration::from_millis(OPEN_MS));
        let machine = machine(window, wrap - 5);
        let mut now = 1_000;

        for _ in 0..10 {
            now += 1;
            let here = outside.at(now);
            let stale = machine.admit(&here).expect("it is closed");
            for failed in 1..=4 {
                assert_eq!(machine.word().state(), State::Closed);
                let ticket = machine.admit(&here).expect("it is closed");
                assert_eq!(ticket.role(), Role::Watched);
                settle(&machine, ticket, Outcome::Failure, &here);
                let totals = Totals { calls: failed, failed, slow: 0 };
                let opened = machine.word().state() == State::Open;
                assert_eq!(
                    machine.totals(here.now),
                    if opened { Totals::default() } else { totals }
                );
            }
            assert_eq!(machine.word().state(), State::Open, "at {wrap}");

            now += OPEN_MS;
            let here = outside.at(now);
            let probe = machine.admit(&here).expect("the open time is over");
            assert_eq!(probe.role(), Role::Probe);
            settle(&machine, stale, Outcome::Failure, &here);
            assert_eq!(machine.word().state(), State::HalfOpen, "a stale failure is dropped");
            settle(&machine, probe, Outcome::Success, &here);
            assert_eq!(machine.word().state(), State::Closed);
            assert_eq!(machine.totals(here.now), Totals::default());
            assert_eq!(machine.overdue(outside.at(now + 600_000).now), Some(0));
        }
        assert_eq!(machine.stats.stale.get(), 10);
        assert_eq!(machine.recorded(), Some(40));
    }
}
