//! Which of two stamps that wrap is the later one.

use std::cmp::Ordering;

/// Compares two counters that are kept in `bits` bits: the later is the one that is reached from the
/// other by less than half a turn.
///
/// Right as long as the two are less than half a turn apart.
#[inline]
pub(crate) const fn compare(left: u64, right: u64, bits: u32) -> Ordering {
    let turn = 1_u64 << bits;
    let ahead = left.wrapping_sub(right) & (turn - 1);
    if ahead == 0 {
        Ordering::Equal
    } else if ahead < turn / 2 {
        Ordering::Greater
    } else {
        Ordering::Less
    }
}
