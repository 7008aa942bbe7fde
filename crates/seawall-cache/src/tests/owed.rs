//! What is owed to the second level, beside a list of all that was ever owed.

use std::collections::VecDeque;

use proptest::prelude::*;

use crate::{
    cache::level::recovery::{Ends, Pending},
    l2::Tag,
};

#[derive(Clone, Debug)]
enum Step {
    Key(u8),
    Tag(u8),
    All,
    /// A part is taken, to be told.
    Take,
    /// What was taken first was told.
    Told,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..4_u8).prop_map(Step::Key),
        2 => (0..4_u8).prop_map(Step::Tag),
        1 => Just(Step::All),
        3 => Just(Step::Take),
        3 => Just(Step::Told),
    ];
    prop::collection::vec(step, 0..40)
}

fn ends(step: &Step) -> Ends<u8> {
    match step {
        Step::Key(key) => Ends::keys(vec![*key]),
        Step::Tag(tag) => Ends::tags(vec![Tag(u64::from(*tag))]),
        _ => Ends::all(),
    }
}

/// Whether ending `this` ends what `other` is.
fn covers(this: &Ends<u8>, other: &Ends<u8>) -> bool {
    this.all
        || !other.all
            && other.keys.iter().all(|key| this.keys.contains(key))
            && other.tags.iter().all(|tag| this.tags.contains(tag))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Promises 1 and 3: what is owed stays so until it was taken after it was owed, and told.
    #[test]
    fn what_is_owed_is_owed_until_it_was_told(steps in steps()) {
        let mut pending = Pending::default();
        let mut owed: Vec<(usize, Ends<u8>)> = Vec::new();
        let mut taken = VecDeque::new();
        for (at, step) in steps.iter().enumerate() {
            match step {
                Step::Take => taken.push_back((at, pending.part(), pending.count)),
                Step::Told => {
                    let Some((before, part, count)) = taken.pop_front() else { continue };
                    pending.settle(&part, count);
                    owed.retain(|(at, of)| *at > before || !covers(&part, of));
                }
                step => {
                    pending.add(ends(step));
                    owed.push((at, ends(step)));
                }
            }
            for (_, of) in &owed {
                prop_assert!(of.keys.iter().all(|key| pending.has(key)), "{of:?}");
                prop_assert!(of.tags.iter().all(|tag| pending.has_tag(tag)), "{of:?}");
                prop_assert!(!of.all || pending.has(&u8::MAX), "{of:?}");
            }
        }
        while pending.len() > 0 {
            pending.settle(&pending.part(), pending.count); // it comes to an end
        }
    }
}
