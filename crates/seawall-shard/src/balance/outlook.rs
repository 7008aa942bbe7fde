//! What a pick must look out for: nothing, those who are out, or nothing since too many are.
//!
//! # How it decides
//!
//! Found by looking at all peers, under a lock, whenever one of them turns; kept in one word that picks read,
//! so that a pick costs the same whether there are ten peers or a thousand:
//!
//! | peers | sight | a pick |
//! |---|---|---|
//! | all in, and none of them just back | `All` | looks at no standing |
//! | some out, or just back | `Some` | skips who is out, and takes who is just back now and then |
//! | more than a share out | `Panic` | takes all: those who are left would only follow |
//!
//! ```text
//!  63        44 43                                       2 1      0
//! +------------+------------------------------------------+--------+
//! |     -      |  until: who comes back, or is back long  | sight  |
//! +------------+------------------------------------------+--------+
//! ```
//!
//! From `until` on somebody's standing has changed by the time alone, and the next pick looks again.
//!
//! # What it promises
//!
//! 1. A pick that sees a sight sees the standings that it was found from, or later ones: once a pick has met
//!    an ejection, no later one of its thread takes the ejected.
//!
//! # Synchronization
//!
//! `store` (Release) after the standings are changed; `read` (Acquire) before they are read.

use std::sync::Arc;

use seawall_core::{
    Ratio,
    sync::atomic::{
        AtomicU64,
        Ordering::{Acquire, Release},
    },
};

use super::{peer::Peer, standing::Moment};

/// What a pick must look out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// All are in.
    All,
    /// Some are out, or have been.
    Some,
    /// Too many are out: all are taken.
    Panic,
}

#[derive(Debug)]
pub(crate) struct Outlook(AtomicU64);

impl Outlook {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(pack(Sight::All, Moment::NEVER)))
    }

    /// The sight, where the time has not passed it.
    #[inline]
    pub(crate) fn read(&self, now: Moment) -> Option<Sight> {
        let word = self.0.load(Acquire); // pairs with `store`: sees the standings behind it
        let sight = match word & 3 {
            0 => Sight::All,
            1 => Sight::Some,
            _ => Sight::Panic,
        };
        (now < Moment::from_units(word >> 2)).then_some(sight)
    }

    /// Looks at all peers and keeps what it finds; one thread at a time.
    pub(crate) fn survey<V>(
        &self,
        peers: &[Arc<Peer<V>>],
        now: Moment,
        ramp: u64,
        panic_above: Ratio,
    ) -> Sight {
        let (sight, until) = found(peers, now, ramp, panic_above);
        self.0.store(pack(sight, until), Release); // pairs with `read`: after the standings
        sight
    }
}

const fn pack(sight: Sight, until: Moment) -> u64 {
    until.units() << 2 | sight as u64
}

fn found<V>(peers: &[Arc<Peer<V>>], now: Moment, ramp: u64, panic_above: Ratio) -> (Sight, Moment) {
    let (mut out, mut ramping, mut until) = (0, 0, Moment::NEVER);
    for peer in peers {
        let stand = peer.standing.read();
        out += u64::from(!stand.is_in(now));
        if stand.down {
            continue; // until somebody says otherwise
        }
        let full = stand.full(ramp);
        ramping += u64::from(stand.is_in(now) && now < full);
        let turn = if stand.is_in(now) { full } else { stand.since };
        if turn > now {
            until = until.min(turn);
        }
    }
    let sight = match (out, ramping) {
        (0, 0) => Sight::All,
        _ if Ratio::of(out, peers.len() as u64) > panic_above => Sight::Panic,
        _ => Sight::Some,
    };
    (sight, until)
}
