//! Where the calls of a key go that finds its own nodes full: all nodes, in an order of the key's own.
//!
//! The owners of slots that the key's hash is mixed into, one after the other: each node comes as often as it
//! owns slots, so by its weight, and when a node joins or leaves only what it owned changes its place. An order
//! that is each key's own does not pour the overflow of a hot node onto its one neighbour, as the next on a ring
//! would. After so many draws the nodes that were not drawn come by their index, so that nobody is left out.

use seawall_core::{GOLDEN, mix};

use crate::{Member, NodeState, slots::Table};

/// How many draws there are. With the bounds at 1.25 of a share, about a fifth of all places is free at least:
/// one call in a thousand gets through all of them without finding one.
const DRAWS: u64 = 32;

/// The nodes that can take a call, for as long as the caller asks.
pub(crate) fn detour(table: &Table, hash: u64) -> impl Iterator<Item = &Member> {
    let drawn = (1..=DRAWS).map(move |at| {
        let slot = table.slot_of(mix(hash.wrapping_add(GOLDEN.wrapping_mul(at))));
        table.member(table.word(slot).owner())
    });
    drawn.chain(all(table, hash)).filter(|member| takes_calls(member))
}

/// All that have a cell, beginning at one of the key's own.
fn all(table: &Table, hash: u64) -> impl Iterator<Item = &Member> {
    let members = move || (0..table.cells() as u16).map_while(|index| table.resolve(index));
    // Counted when the draws are over, and not before.
    std::iter::once_with(move || {
        let count = members().count();
        let first = ((u128::from(mix(hash)) * count as u128) >> 64) as usize;
        members().skip(first).chain(members().take(first))
    })
    .flatten()
}

fn takes_calls(member: &Member) -> bool {
    member.state() == NodeState::Active && member.weight() > 0
}
