//! Points on a circle, and which of them comes next: what ketama and `ring_hash` are read from.
//!
//! # How it is found
//!
//! The points are sorted, and hashes: spread evenly. So the top bits of what is looked for say where to
//! begin, and the point is there or a step or two further. At a thousand points or a million it takes the
//! same number of instructions, where a binary search takes ten or twenty turns that no CPU can foretell.
//!
//! ```text
//!  top two bits    00     01     10     11
//!  starts        [  0      1      3      3  ]            a start for each value of the top bits
//!  points        [ 0x1..  0x5..  0x7..  0xd.. | 0xff.. ]  sorted, and a sentinel at the end
//!  owners        [  2      0      1      2    |   2    ]  the sentinel is owned as the first is: the wrap
//! ```
//!
//! # What it promises
//!
//! 1. `owner(p)` is that of the first point which is not below `p`, and of the first of all beyond the last.
//! 2. Of equal points the one that was given first answers.

use std::fmt;

/// A place on the circle.
pub(super) trait Point: Copy + Ord {
    /// The place that no other is beyond.
    const LAST: Self;

    /// What is left of it without its lowest bits.
    fn above(self, lowest: u32) -> usize;
}

impl Point for u32 {
    const LAST: Self = Self::MAX;

    #[inline]
    fn above(self, lowest: u32) -> usize {
        (self >> lowest) as usize
    }
}

impl Point for u64 {
    const LAST: Self = Self::MAX;

    #[inline]
    fn above(self, lowest: u32) -> usize {
        (self >> lowest) as usize
    }
}

/// A circle of points, each of which has an owner.
#[derive(Clone)]
pub(super) struct Points<P> {
    points: Box<[P]>,
    owners: Box<[u16]>,
    starts: Box<[u32]>,
    /// How many bits of a point its start does not see.
    lowest: u32,
}

impl<P: Point> Points<P> {
    /// Of at least one point, and fewer than 2^24; where two are equal, the one given first answers.
    pub(super) fn new(mut pairs: Vec<(P, u16)>) -> Self {
        pairs.sort_by_key(|(point, _)| *point); // stable: promise 2
        let bits = usize::BITS - pairs.len().leading_zeros(); // at least as many starts as points
        let lowest = 8 * size_of::<P>() as u32 - bits;
        let mut starts = Vec::with_capacity(1 << bits);
        for (at, (point, _)) in pairs.iter().enumerate() {
            while starts.len() <= point.above(lowest) {
                starts.push(at as u32);
            }
        }
        starts.resize(1 << bits, pairs.len() as u32); // beyond the last point: the sentinel
        pairs.push((P::LAST, pairs[0].1));
        let (points, owners): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        Self { points: points.into(), owners: owners.into(), starts: starts.into(), lowest }
    }

    /// Who owns the first point that is not below `point`.
    #[inline]
    pub(super) fn owner(&self, point: P) -> usize {
        let mut at = self.starts[point.above(self.lowest)] as usize;
        while self.points[at] < point {
            at += 1; // ends at the sentinel at the latest: nothing is beyond it
        }
        self.owners[at].into()
    }

    /// All points in their order, and who owns each.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (P, usize)> {
        let real = self.points.len() - 1;
        self.points[..real].iter().zip(&self.owners).map(|(point, owner)| (*point, (*owner).into()))
    }
}

/// So many points: a page of them tells nobody anything.
impl<P> fmt::Debug for Points<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} points", self.points.len() - 1)
    }
}
