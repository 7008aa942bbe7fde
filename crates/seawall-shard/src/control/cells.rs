//! Who has which index of a table, also of those who have left: they may come back.

use std::collections::HashMap;

use seawall_core::Name;

use crate::Node;

/// The indexes, by what a member is told apart by: its name and its zone.
#[derive(Default)]
pub(super) struct Cells {
    /// A name has as many entries as it has been in zones.
    by_name: HashMap<String, Vec<(Option<Name>, u16)>>,
    len: usize,
}

impl Cells {
    /// The n-th of the nodes has the n-th index.
    pub(super) fn new(nodes: &[Node]) -> Self {
        let mut cells = Self::default();
        (0..).zip(nodes).for_each(|(index, node)| cells.give(node, index));
        cells
    }

    /// How many have one.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn of(&self, node: &Node) -> Option<u16> {
        let of_name = self.by_name.get(node.name.as_str())?;
        of_name.iter().find(|(zone, _)| *zone == node.zone).map(|&(_, index)| index)
    }

    /// Gives a node one, who has none.
    pub(super) fn give(&mut self, node: &Node, index: u16) {
        let of_name = self.by_name.entry(node.name.to_string());
        let of_name = of_name.or_insert_with(|| Vec::with_capacity(1)); // nearly none moves
        of_name.push((node.zone.clone(), index));
        self.len += 1;
    }
}
