//! Models of a set and of the store; the promises are those of [`set`](super::super).
//!
//! Each was seen to fail with the broken variant that it names.

use std::sync::Arc;

use seawall_core::model::{model, race};

use super::super::{
    budget::Budget,
    queues::Ghost,
    slot::pin,
    tags::Tag,
    ways::{Gone, Node, Put, Set},
};

/// A set whose keys all have one tag: so it is the keys that tell.
struct One {
    set: Set<u8, u64>,
    budget: Budget,
}

const KEY: u8 = 7;
const OTHER: u8 = 8;

impl One {
    fn of_limit(limit: u64) -> Self {
        Self { set: Set::empty(), budget: Budget::new(limit) }
    }

    fn holding(entries: &[(u8, u64)]) -> Arc<Self> {
        let one = Self::of_limit(100);
        for (key, entry) in entries {
            assert_eq!(one.put(*key, *entry, 1), Some(None));
        }
        Arc::new(one)
    }

    fn tag() -> Tag {
        Tag::of(1)
    }

    /// What was replaced, or had to go; none if there was no room.
    fn put(&self, key: u8, entry: u64, weight: u32) -> Option<Option<u64>> {
        let node = Box::new(Node { key, entry, weight, ghost: Ghost::of(u64::from(key)) });
        let entry = |gone: Option<Gone<'_, u8, u64>>| {
            gone.map(|(Gone::Former(gone) | Gone::Other(gone))| gone.entry)
        };
        match self.set.put(node, Self::tag(), &self.budget, &pin()) {
            Put::Done(gone) => Some(entry(gone)),
            Put::NoRoom(..) => None,
        }
    }

    fn find(&self, key: u8) -> Option<u64> {
        self.set.find(Self::tag(), |other| *other == key, &pin()).map(|node| node.entry)
    }

    fn take(&self, key: u8) -> Option<u64> {
        let pin = pin();
        let gone = self.set.take(Self::tag(), |other| *other == key, &self.budget, &pin);
        gone.map(|gone| gone.entry)
    }
}

/// Promise 3: an entry that is replaced is found all the time, the one or the other.
/// Caught when broken: by vacating the slot before the new one is put in, nothing is found.
#[test]
fn a_key_that_is_replaced_is_never_missed() {
    model(|| {
        let one = One::holding(&[(KEY, 1)]);
        let (found, replaced) = race(&one, |one| one.find(KEY), |one| one.put(KEY, 2, 1));
        assert!(matches!(found, Some(1 | 2)), "{found:?}");
        assert_eq!(replaced, Some(Some(1)));
        assert_eq!(one.find(KEY), Some(2));
    });
}

/// Promises 1 and 2: a slot that goes from key to key gives neither to who asks for the other, and what
/// was removed is not seen by who comes after.
/// Caught when broken: with a `find` that trusts the tag, it finds the other key's.
#[test]
fn a_slot_that_goes_to_another_key_is_not_taken_for_the_former() {
    model(|| {
        let one = One::holding(&[(KEY, 1)]);
        let (taken, found) = race(
            &one,
            |one| {
                let taken = one.take(KEY);
                assert_eq!(one.find(KEY), None, "removed, and found");
                assert_eq!(one.put(OTHER, 2, 1), Some(None));
                taken
            },
            |one| one.find(KEY),
        );
        assert_eq!(taken, Some(1));
        assert!(matches!(found, None | Some(1)), "{found:?}");
        assert_eq!(one.find(OTHER), Some(2));
        assert_eq!((one.budget.entries(), one.budget.weight()), (1, 1));
    });
}

/// Promises 2 and 5: a publish and a removal of one key come one after the other, and each entry ends once,
/// or stays and is counted.
/// Caught when broken: without the set's lock in `take`, it takes out what was published meanwhile, and what
/// is counted is not what is left.
#[test]
fn a_publish_and_a_removal_agree_on_what_is_left() {
    model(|| {
        let one = One::holding(&[(KEY, 1)]);
        let (published, taken) = race(&one, |one| one.put(KEY, 2, 3), |one| one.take(KEY));
        let left = one.find(KEY);
        let mut seen: Vec<_> = [published.flatten(), taken, left].into_iter().flatten().collect();
        seen.sort_unstable();
        assert_eq!(seen, [1, 2], "each ends once, or stays");
        assert_eq!(one.budget.entries(), usize::from(left.is_some()));
        assert_eq!(one.budget.weight(), if left.is_some() { 3 } else { 0 });
    });
}

/// Two sets with one budget.
struct Two {
    sets: [Set<u8, u64>; 2],
    budget: Budget,
}

impl Two {
    fn with_limit(limit: u64) -> Self {
        Self { sets: [Set::empty(), Set::empty()], budget: Budget::new(limit) }
    }

    fn put(&self, at: usize, weight: u32) -> bool {
        let node = Box::new(Node { key: KEY, entry: 1, weight, ghost: Ghost::of(1) });
        matches!(self.sets[at].put(node, One::tag(), &self.budget, &pin()), Put::Done(_))
    }

    fn held(&self) -> usize {
        let holds = |set: &&Set<u8, u64>| set.find(One::tag(), |key| *key == KEY, &pin()).is_some();
        self.sets.iter().filter(holds).count()
    }
}

/// Promise 4: what two writers put into different sets does not weigh more than both may.
/// Caught when broken: with a `Budget::exchange` that looks first and adds then, both go in.
#[test]
fn two_sets_together_hold_no_more_than_they_may() {
    model(|| {
        let two = Arc::new(Two::with_limit(3));
        let (a, b) = race(&two, |two| two.put(0, 2), |two| two.put(1, 2));
        assert!(a || b, "there is room for one of them");
        let held = two.held();
        assert_eq!(held, 1, "there is no room for both");
        assert_eq!((two.budget.entries(), two.budget.weight()), (1, 2));
    });
}
