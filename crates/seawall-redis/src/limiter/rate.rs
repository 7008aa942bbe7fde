//! A quota in whole microseconds and parts of one, so that nothing is ever rounded.
//!
//! A cell of 3 a second takes 333 333 microseconds and one part of three; a cell of 100 a second takes
//! 10 000, and there are no parts. Prices and debts are counted so, here and in the script, and the
//! script's doubles hold each of these numbers exactly: microseconds stay below 2^51 (18 years of debt
//! after the year 2040 are no more), parts below 2^43, and a thousand times that still below 2^53.

use std::time::Duration;

use seawall_rate_limiter::Quota;

/// Microseconds, and parts of one, of which the [`Rate`] knows how many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) micros: u64,
    pub(super) parts: u64,
}

/// How a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    /// A cell takes so many parts of a microsecond …
    cell: u128,
    /// … of which there are so many.
    pub(super) parts: u64,
    /// How many cells may be owed.
    pub(super) burst: u32,
}

impl Rate {
    pub(super) fn of(quota: &Quota) -> Self {
        let (nanos, parts) = (quota.period().as_nanos(), u128::from(quota.cells()) * 1_000);
        let common = greatest_common_divisor(nanos, parts);
        // At most a thousand times 2^32, which fits.
        let parts = (parts / common) as u64;
        Self { cell: nanos / common, parts, burst: quota.most_at_once() }
    }

    /// What `cells` take.
    pub(super) fn price(self, cells: u32) -> Span {
        let whole = self.cell * u128::from(cells);
        let parts = u128::from(self.parts);
        // A quota sees to it that a burst is at most 18 years, and nobody asks for more than a burst.
        Span { micros: (whole / parts) as u64, parts: (whole % parts) as u64 }
    }

    /// What may be owed.
    pub(super) fn most(self) -> Span {
        self.price(self.burst)
    }

    /// How many cells can be taken where so much is owed.
    pub(super) fn remaining(self, debt: Span) -> u64 {
        let room = self.whole(self.most()).saturating_sub(self.whole(debt));
        (room / self.cell.max(1)) as u64
    }

    /// How long it is until no more than `most` is owed, where so much is owed now.
    pub(super) fn wait(self, owed: Span) -> Duration {
        let over = self.whole(owed).saturating_sub(self.whole(self.most()));
        micros(over.div_ceil(u128::from(self.parts)))
    }

    /// The two together.
    pub(super) fn sum(self, one: Span, other: Span) -> Span {
        let whole = self.whole(one) + self.whole(other);
        let parts = u128::from(self.parts);
        Span { micros: (whole / parts) as u64, parts: (whole % parts) as u64 }
    }

    /// How long it is until all is paid off.
    pub(super) fn full_in(self, debt: Span) -> Duration {
        micros(self.whole(debt).div_ceil(u128::from(self.parts)))
    }

    fn whole(self, span: Span) -> u128 {
        u128::from(span.micros) * u128::from(self.parts) + u128::from(span.parts)
    }
}

fn micros(micros: u128) -> Duration {
    Duration::from_micros(micros.min(u128::from(u64::MAX)) as u64)
}

const fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
#[path = "../tests/rate.rs"]
mod tests;
