//! In which order parts take calls, so that each has its share at every moment.
//!
//! # How it decides
//!
//! Of `W` calls, a part of weight `w` is due `w`. Its `k`-th call (from 0) has a window:
//!
//! ```text
//!  not before floor(k * W / w)                    before ceil((k + 1) * W / w)
//! ```
//!
//! Whoever's window is open and closes first takes the call. On one line that serves the most urgent first,
//! all windows are met if that is possible at all, and here it is, since the weights add up to `W` (Baruah et
//! al., "Proportionate Progress", 1996). A part that is in its windows has `floor` or `ceil` of its share.
//!
//! # What it promises
//!
//! 1. After `t` calls from the beginning a part of weight `w` has had `t * w / W`, rounded up or down.
//! 2. In any `t` calls in a row it has had that, with less than two more or less; of two parts, less than one.

use std::{cmp::Reverse, collections::BinaryHeap};

/// The order of the parts in `W` calls, after which it begins anew; the weights add up to `W`.
pub(crate) fn sequence(weights: &[u32]) -> Vec<u8> {
    let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
    let opens = |part: usize, call: u64| call * total / u64::from(weights[part]);
    let closes = |part: usize, call: u64| ((call + 1) * total).div_ceil(u64::from(weights[part]));
    // Whose next window is not open yet, by when it opens; and whose is, by when it closes.
    let mut waiting: BinaryHeap<_> = (0..weights.len())
        .filter(|&part| weights[part] > 0)
        .map(|part| Reverse((0, part, 0)))
        .collect();
    let mut open = BinaryHeap::new();
    let turn = |now| {
        while let Some(Reverse((_, part, call))) =
            waiting.peek().filter(|next| next.0.0 <= now).copied()
        {
            waiting.pop();
            open.push(Reverse((closes(part, call), part, call)));
        }
        let Reverse((_, part, call)) =
            open.pop().expect("as many calls as weights: no place is left empty");
        if call + 1 < u64::from(weights[part]) {
            waiting.push(Reverse((opens(part, call + 1), part, call + 1)));
        }
        part as u8
    };
    (0..total).map(turn).collect()
}

/// Divides the weights by what they have in common.
pub(crate) fn reduced(weights: &[u32]) -> Vec<u32> {
    const fn common(one: u32, other: u32) -> u32 {
        if other == 0 { one } else { common(other, one % other) }
    }
    let divisor = weights.iter().copied().fold(0, common).max(1);
    weights.iter().map(|weight| weight / divisor).collect()
}
