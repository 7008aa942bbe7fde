//! One set: sixteen slots, the line that says what is in them, and the writers' lock.
//!
//! ```text
//!   line 0                                        lines 1, 2
//!  +------------+------+------+----------------+  +---------+- … -+----------+
//!  | tags 0..16 | uses | lock | queues, ghosts |  | slot 0  |     | slot 15  |
//!  +------------+------+------+----------------+  +---------+- … -+----------+
//! ```
//!
//! A look reads line 0, one slot, and the entry. An entry never moves from slot to slot: one that is
//! there all the time is found, whatever happens to its neighbours.
//!
//! # Who writes
//!
//! All but `uses` is written under the lock. An entry that takes another's place does so in one swap:
//! who looks for its key meanwhile sees the one or the other.
//!
//! Nothing of the user's runs under the lock but `Eq` of keys: what is taken out comes back as
//! [`Retired`], to be dropped after the lock is given back.

use seawall_core::sync::Mutex;

use super::{
    budget::Budget,
    queues::{Ghost, Queues},
    slot::{Pin, Retired, Slot},
    tags::{Tag, Tags, Uses, WAYS},
};

#[cfg_attr(not(seawall_loom), repr(C, align(64)))]
pub(super) struct Set<K, E> {
    tags: Tags,
    uses: Uses,
    queues: Mutex<Queues>,
    slots: [Slot<Node<K, E>>; WAYS],
}

/// What a slot points to.
pub(super) struct Node<K, E> {
    pub(super) key: K,
    pub(super) entry: E,
    pub(super) weight: u32,
    pub(super) ghost: Ghost,
}

/// What came of a try to put an entry in.
pub(super) enum Put<'p, K, E> {
    /// It is in, for one that had its key, or had to go, or for none.
    Done(Option<Gone<'p, K, E>>),
    /// It weighs too much as yet. One went, if there was any.
    NoRoom(Box<Node<K, E>>, Option<Gone<'p, K, E>>),
}

/// What went to make room.
pub(super) enum Gone<'p, K, E> {
    /// The former entry of the key.
    Former(Retired<'p, Node<K, E>>),
    /// Another key's.
    Other(Retired<'p, Node<K, E>>),
}

impl<K, E> Set<K, E> {
    pub(super) fn empty() -> Self {
        Self {
            tags: Tags::default(),
            uses: Uses::default(),
            queues: Mutex::new(Queues::default()),
            slots: std::array::from_fn(|_| Slot::empty()),
        }
    }
}

impl<K: Send + Sync + 'static, E: Send + Sync + 'static> Set<K, E> {
    /// The entry of the key that `is` it, which counts as a use.
    #[inline]
    pub(super) fn find<'p>(
        &'p self,
        tag: Tag,
        is: impl Fn(&K) -> bool,
        pin: &'p Pin,
    ) -> Option<&'p Node<K, E>> {
        let (slot, node) = self.seek(tag, is, pin)?;
        self.uses.add(slot);
        Some(node)
    }

    #[inline]
    fn seek<'p>(
        &'p self,
        tag: Tag,
        is: impl Fn(&K) -> bool,
        pin: &'p Pin,
    ) -> Option<(usize, &'p Node<K, E>)> {
        self.tags.find(tag, |slot| {
            let node = self.slots[slot].look(pin)?;
            is(&node.key).then_some((slot, node))
        })
    }

    /// Tries to put `node` in, for at most one other.
    pub(super) fn put<'p>(
        &self,
        node: Box<Node<K, E>>,
        tag: Tag,
        budget: &Budget,
        pin: &'p Pin,
    ) -> Put<'p, K, E>
    where
        K: Eq,
    {
        let mut queues = self.queues.lock();
        if let Some((slot, former)) = self.seek(tag, |key| *key == node.key, pin) {
            return if budget.exchange(former.weight, node.weight) {
                Put::Done(self.slots[slot].swap(Some(node), pin).map(Gone::Former))
            } else {
                queues.leave(slot);
                Put::NoRoom(node, self.vacate(slot, budget, pin).map(Gone::Former))
            };
        }
        if let Some(slot) = self.tags.vacant()
            && budget.exchange(0, node.weight)
        {
            queues.enter(slot, node.ghost);
            budget.entered();
            let _nobody = self.slots[slot].swap(Some(node), pin);
            self.label(slot, tag);
            return Put::Done(None);
        }
        let Some((slot, old)) = self.evict_from(&mut queues, pin) else {
            return Put::NoRoom(node, None);
        };
        if budget.exchange(old, node.weight) {
            queues.enter(slot, node.ghost);
            let other = self.slots[slot].swap(Some(node), pin).map(Gone::Other);
            self.label(slot, tag);
            Put::Done(other)
        } else {
            Put::NoRoom(node, self.vacate(slot, budget, pin).map(Gone::Other))
        }
    }

    /// Takes out the entry of the key that `is` it.
    pub(super) fn take<'p>(
        &self,
        tag: Tag,
        is: impl Fn(&K) -> bool,
        budget: &Budget,
        pin: &'p Pin,
    ) -> Option<Retired<'p, Node<K, E>>> {
        let mut queues = self.queues.lock();
        let (slot, _) = self.seek(tag, is, pin)?;
        queues.leave(slot);
        self.vacate(slot, budget, pin)
    }

    /// Takes out what is in `slot`, if it is `node`.
    pub(super) fn take_from<'p>(
        &self,
        slot: usize,
        node: &Node<K, E>,
        budget: &Budget,
        pin: &'p Pin,
    ) -> Option<Retired<'p, Node<K, E>>> {
        let mut queues = self.queues.lock();
        self.slots[slot].look(pin).filter(|now| std::ptr::eq(*now, node))?;
        queues.leave(slot);
        self.vacate(slot, budget, pin)
    }

    /// Takes out what is worth least.
    pub(super) fn evict<'p>(
        &self,
        budget: &Budget,
        pin: &'p Pin,
    ) -> Option<Retired<'p, Node<K, E>>> {
        let mut queues = self.queues.lock();
        let (slot, _) = self.evict_from(&mut queues, pin)?;
        self.vacate(slot, budget, pin)
    }

    /// What is in each slot now.
    pub(super) fn nodes<'p>(
        &'p self,
        pin: &'p Pin,
    ) -> impl Iterator<Item = (usize, &'p Node<K, E>)> {
        (0..WAYS).filter_map(|slot| Some((slot, self.slots[slot].look(pin)?)))
    }

    /// Takes the slot that is worth least out of the queues, and says what it weighs.
    fn evict_from(&self, queues: &mut Queues, pin: &Pin) -> Option<(usize, u32)> {
        let (slot, haunts) = queues.evict(&self.uses)?;
        let node = self.slots[slot].look(pin)?;
        if haunts {
            queues.haunt(node.ghost);
        }
        Some((slot, node.weight))
    }

    /// Says what is in a slot, which nobody has asked for yet. Under the lock.
    fn label(&self, slot: usize, tag: Tag) {
        self.tags.set(slot, Some(tag));
        self.uses.forget(slot);
    }

    /// Empties a slot that is in no queue. Under the lock.
    fn vacate<'p>(
        &self,
        slot: usize,
        budget: &Budget,
        pin: &'p Pin,
    ) -> Option<Retired<'p, Node<K, E>>> {
        let gone = self.slots[slot].swap(None, pin)?;
        self.tags.set(slot, None);
        budget.left(gone.weight);
        Some(gone)
    }
}

#[cfg(all(test, not(seawall_loom), target_pointer_width = "64"))]
mod tests {
    use super::{Node, Set};

    #[test]
    fn a_set_is_three_lines_and_an_entry_takes_little_besides_itself() {
        assert_eq!(size_of::<Set<u64, u64>>(), 3 * 64);
        assert_eq!(size_of::<Node<u64, u64>>(), 2 * 8 + 8);
    }
}
