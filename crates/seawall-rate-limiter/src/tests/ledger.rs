//! The ledger. The promises are those of [`ledger`](crate::ledger); periods of a few nanoseconds let a
//! reference try each of them.

mod changes;
mod gcra;
mod histories;
mod kept;
mod reference;
mod returns;
mod traces;
mod worst;

use std::time::Duration;

use proptest::prelude::*;
use seawall_core::Nanos;

use crate::{Denied, Policy, Quota, ledger::Ledger};

const MS: u64 = 1_000_000;

fn quota(cells: u32, nanos: u64) -> Quota {
    Quota::new(cells, Duration::from_nanos(nanos)).expect("a sound quota")
}

fn burst(quota: Quota, burst: u32) -> Quota {
    quota.burst(burst).expect("a sound burst")
}

fn policy() -> impl Strategy<Value = Policy> {
    prop::sample::select(vec![
        Policy::Gcra,
        Policy::FixedWindow,
        Policy::SlidingWindow,
        Policy::SlidingLog,
    ])
}

prop_compose! {
    /// One that a reference can count nanosecond by nanosecond.
    fn small(policies: impl Strategy<Value = Policy>)(
        policy in policies,
        cells in 1..=6_u32,
        more in 0..34_u64,
        burst in 1..=8_u32,
    ) -> Quota {
        let quota = quota(cells, u64::from(cells) + more).policy(policy);
        if policy == Policy::Gcra { quota.burst(burst).expect("a sound burst") } else { quota }
    }
}

fn ms(time: u64) -> Nanos {
    Nanos::from_millis(time)
}

fn wait<T>(time: u64) -> Result<T, Denied> {
    Err(Denied::Wait(time * MS))
}

/// What is left of each quota.
fn left(ledger: &Ledger, now: Nanos) -> Vec<u64> {
    ledger.standings(now).map(|standing| standing.remaining).collect()
}
