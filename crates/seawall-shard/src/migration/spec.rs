//! What is kept of a migration, and told to other processes: plain data.

use seawall_core::ConfigError;

use crate::{
    Node, PlacementSpec,
    migration::{Phase, fence::HIGHEST},
    spec::MOST_SLOT_BITS,
};

/// The version of what a saved migration means. Another one is refused, and never understood half.
pub(crate) const FORMAT: u32 = 1;

/// A migration as it stands: who has it goes on with it, or routes by it.
///
/// A slot's way from one placement to the other has the same legs in every process, so where it is on it is
/// said in a few numbers. The epochs of two specs of one migration say which is newer.
///
/// # Examples
///
/// How does a second process learn that slots move?
///
/// ```
/// # use seawall_shard::{Node, ShardMap};
/// let ours = ShardMap::builder("ours").nodes([Node::new("db-a"), Node::new("db-b")]).build()?;
/// let mut next = ours.topology();
/// next.add(Node::new("db-c"))?;
/// let migration = ours.migrate(&next)?;
///
/// let spec = migration.spec().expect("it is not over"); // from a store that both can read
/// let theirs = ShardMap::builder("theirs").spec(spec.from.clone()).build()?;
/// theirs.follow(&spec)?;
/// assert_eq!(theirs.write_route(b"user:42").epoch(), ours.write_route(b"user:42").epoch());
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct MigrationSpec {
    /// The version of what the other fields mean: 1.
    pub format: u32,
    /// The epoch of its last [`Step`].
    pub epoch: u64,
    /// The placement that it began with.
    pub from: PlacementSpec,
    /// The nodes that it leads to.
    pub to: Vec<Node>,
    /// Whether it goes back to where it began.
    #[cfg_attr(feature = "serde", serde(default))]
    pub back: bool,
    /// Where each slot is, by slot: stretches that are as many as there are slots.
    pub slots: Vec<Stretch>,
}

/// Slots that follow each other and are at the same place of their ways.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Stretch {
    /// How many slots.
    pub slots: u32,
    /// How many legs from the beginning: where they rest, or where their leg began.
    pub legs: u8,
    /// Whether their leg leads back.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "crate::spec::is_default"))]
    pub back: bool,
    /// In which phase of the leg they are; `None` where they rest.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub phase: Option<Phase>,
    /// How far the mover has got in it: what he said himself.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub cursor: Option<String>,
}

/// One step of a migration: what changes with an epoch.
///
/// A log of them, in the order of their epochs, is a migration as much as a [`MigrationSpec`] is, and each is
/// small.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Step {
    /// The epoch that begins with it: one more than the last.
    pub epoch: u64,
    /// Whether the migration goes back to where it began.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "crate::spec::is_default"))]
    pub back: bool,
    /// Which slots get where.
    pub turns: Vec<SlotsTurn>,
}

/// Slots that follow each other and get to another place of their ways.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct SlotsTurn {
    /// The first of the slots.
    pub first: u32,
    /// How many they are, and where they get.
    pub to: Stretch,
}

impl MigrationSpec {
    /// Takes the next step; what has been taken already changes nothing.
    ///
    /// For a store that keeps a spec and a log of steps: what comes out has lost the cursors of the slots that
    /// got on, and is as good.
    ///
    /// # Errors
    ///
    /// Where steps are missing between the spec's epoch and this one's, and where it names slots that there
    /// are not.
    pub fn apply(&mut self, step: &Step) -> Result<(), ConfigError> {
        if step.epoch <= self.epoch {
            return Ok(());
        }
        check_next(step.epoch, self.epoch)?;
        let count: u64 = self.slots.iter().map(|stretch| u64::from(stretch.slots)).sum();
        if count > 1 << MOST_SLOT_BITS {
            let rule = format!("at most {}", 1 << MOST_SLOT_BITS);
            return Err(ConfigError::new("slots", count, rule));
        }
        let mut slots: Vec<Stretch> = Vec::new();
        for stretch in &self.slots {
            let one = Stretch { slots: 1, ..stretch.clone() };
            slots.extend(std::iter::repeat_n(one, stretch.slots as usize));
        }
        for turn in &step.turns {
            let first = turn.first as usize;
            let range = first..first.saturating_add(turn.to.slots as usize);
            let Some(turned) = slots.get_mut(range) else {
                return Err(ConfigError::new("turns.first", turn.first, "a slot that there is"));
            };
            turned.fill(Stretch { slots: 1, ..turn.to.clone() });
        }
        slots.dedup_by(|next, last| {
            let same = Stretch { slots: last.slots, ..next.clone() } == *last;
            last.slots += u32::from(same);
            same
        });
        (self.epoch, self.back, self.slots) = (step.epoch, step.back, slots);
        Ok(())
    }
}

/// Whether a [`Fence`](crate::migration::Fence) can tell it from others.
pub(crate) fn check_epoch(epoch: u64) -> Result<(), ConfigError> {
    if epoch < HIGHEST {
        return Ok(());
    }
    Err(ConfigError::new("epoch", epoch, format!("below {HIGHEST}")))
}

pub(crate) fn check_next(epoch: u64, last: u64) -> Result<(), ConfigError> {
    let next = last.saturating_add(1);
    if epoch == next {
        return check_epoch(epoch);
    }
    let rule = format!("{next}, or a whole spec: steps are missing");
    Err(ConfigError::new("epoch", epoch, rule))
}
