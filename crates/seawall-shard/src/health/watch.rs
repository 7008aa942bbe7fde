//! Whose health is watched: what has members, and can leave one out.

use seawall_core::{ConfigError, Name};

use crate::{Balance, Node, NodeState, ShardMap, Topology};

/// A thing with members that checks can leave out: a [`Balance`], a [`ShardMap`], or one of your own.
pub trait Watch {
    /// What a check is given of a member.
    type Member;

    /// The members of this moment.
    fn members(&self) -> Vec<Found>;

    /// What a check of this member is given; `None` where it has left.
    fn member(&self, found: &Found) -> Option<Self::Member>;

    /// Leaves members out, or takes them up again. Marks of who has left say nothing.
    fn mark(&self, marks: &[Mark]);
}

/// A member that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// Its name.
    pub name: Name,
    /// Another number for another one of that name, where one can take the place of one.
    pub id: u64,
    /// Whether it is left out at present, by whomever.
    pub is_down: bool,
}

impl Found {
    /// A member that was found.
    pub fn new(name: impl Into<Name>, id: u64, is_down: bool) -> Self {
        Self { name: name.into(), id, is_down }
    }
}

/// Whether a member is to be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mark {
    /// Its name.
    pub name: Name,
    /// Its number, as it was [found](Found::id) with.
    pub id: u64,
    /// Whether it is to be left out.
    pub down: bool,
}

impl Mark {
    pub(crate) const fn new(name: Name, id: u64, down: bool) -> Self {
        Self { name, id, down }
    }
}

/// A check is given what the peer was given; who comes back is taken up slowly, as the balance is set.
impl<T: Clone> Watch for Balance<T> {
    type Member = T;

    fn members(&self) -> Vec<Found> {
        self.found()
    }

    fn member(&self, found: &Found) -> Option<T> {
        self.value_of(&found.name, found.id)
    }

    fn mark(&self, marks: &[Mark]) {
        for mark in marks {
            self.set_exactly(&mark.name, mark.id, !mark.down);
        }
    }
}

/// A check is given the node. Who is ill is [`Down`](NodeState::Down); who is draining stays so, and who was
/// set down by hand is not taken up.
impl Watch for ShardMap {
    type Member = Node;

    fn members(&self) -> Vec<Found> {
        let found = |node: &Node| Found::new(node.name.clone(), 0, node.state == NodeState::Down);
        self.with_topology(|topology| topology.nodes().iter().map(found).collect())
    }

    fn member(&self, found: &Found) -> Option<Node> {
        self.with_topology(|topology| topology.node(&found.name).cloned())
    }

    fn mark(&self, marks: &[Mark]) {
        let mut present = self.topology();
        if follow(&mut present, marks).is_ok_and(|turned| turned > 0) {
            // All in one update. It cannot be refused: a state moves no slot, and who left is passed over.
            _ = self.update(|topology| follow(topology, marks).map(drop));
        }
    }
}

/// Sets the states that are to change; how many did.
fn follow(topology: &mut Topology, marks: &[Mark]) -> Result<usize, ConfigError> {
    let mut turned = 0;
    for mark in marks {
        let state = match (topology.node(&mark.name).map(|node| node.state), mark.down) {
            (Some(NodeState::Active), true) => NodeState::Down,
            (Some(NodeState::Down), false) => NodeState::Active,
            _ => continue,
        };
        topology.set_state(&mark.name, state)?;
        turned += 1;
    }
    Ok(turned)
}
