//! Models of readers that look up while the updater writes; the promises are those of [`crate::slots`].

use std::sync::Arc;

use super::{model, race, race_of_three};
use crate::{Member, Node, route::Routing, slots::Table, word::Word};

fn member(name: &'static str) -> Member {
    Member::new(&Node::new(name), &Routing::default())
}

/// Two slots, both of node `a` at index 0.
fn table(cells: usize) -> Arc<Table> {
    Arc::new(Table::new(&[Word::of([0]); 2], vec![member("a")], cells))
}

/// What a look-up sees in a slot: the names.
fn seen(table: &Table, slot: usize) -> Vec<String> {
    let table = table.newest();
    let nodes = table.word(slot).nodes();
    nodes.map(|index| table.member(index).name().to_owned()).collect()
}

/// Promises 2 and 3: each slot is as it was or as it will be, and whom it names can be resolved.
///
/// Caught when broken: with a Relaxed store of the word, or a Relaxed load of it, a word names a member whose
/// cell is empty; with a cell that is written after the word, the same; with owner and replica stored one
/// after the other, a reader sees `b` as owner and replica, or `a`.
#[test]
fn a_slot_is_old_or_new_and_names_whom_it_named() {
    model(|| {
        let table = table(2);

        let ((), first, second) = race_of_three(
            &table,
            |table| {
                table.admit(1, member("b"));
                table.store(0, Word::of([1, 0]));
                table.store(1, Word::of([1]));
            },
            |table| seen(table, 0),
            |table| seen(table, 1),
        );

        assert!(first == ["a"] || first == ["b", "a"], "{first:?}");
        assert!(second == ["a"] || second == ["b"], "{second:?}");
        assert_eq!(
            (seen(&table, 0), seen(&table, 1)),
            (vec!["b".into(), "a".into()], vec!["b".into()])
        );
    });
}

/// Promise 3: an index that is used again, in the table that follows, is not taken for what it was before.
///
/// Node `a` has index 0 and leaves; then `b`, which has index 1, moves to index 0 of a new table, where `c`
/// gets index 1.
///
/// Caught when broken: with a reader that takes the word from one table and the member from the newest, `b`
/// is seen as `c` and `a` as `b` in slots that were never theirs; with a table that is handed on before its
/// words and members are in, a reader finds it empty.
#[test]
fn an_index_that_is_used_again_is_never_the_wrong_node() {
    model(|| {
        let words = [Word::of([0]), Word::of([1])];
        let first = Arc::new(Table::new(&words, vec![member("a"), member("b")], 2));

        let ((), (slot_0, slot_1)) = race(
            &first,
            |first| {
                first.store(0, Word::of([1])); // `a` leaves, and `b` takes over
                let stays = first.member(1).clone();
                let second = Arc::new(Table::new(&[Word::of([0]); 2], vec![stays], 2));
                first.follow_with(Arc::clone(&second));
                second.admit(1, member("c")); // `c` takes over slot 0
                second.store(0, Word::of([1]));
            },
            |first| (seen(first, 0), seen(first, 1)),
        );

        assert!(["a", "b", "c"].iter().any(|name| slot_0 == [*name]), "{slot_0:?}");
        assert_eq!(slot_1, ["b"], "nobody else ever had it");
    });
}
