//! Whose turn it is where keys take turns.

use std::time::Duration;

use seawall_core::Priority;

use crate::{
    conformance::{
        Stand,
        stand::{Job, job, well},
        suite::Bench,
    },
    job::{Cancelled, State, Verdict},
    storage::{Enqueued, Look, Room, Scope, Settings, Storage},
};

fn of(key: &str, name: &str) -> Job {
    job(name).key(key)
}

async fn fair<S: Storage>(bench: &Bench<S>) -> Stand<S> {
    bench.open(Settings::new(100_000).fair_keys()).await
}

/// All jobs of a key at once.
async fn push_all<S: Storage>(stand: &Stand<S>, key: &str, names: &[&str]) {
    let jobs = names.iter().map(|name| of(key, name)).collect();
    stand.enqueue(jobs, Room::Refuse).await;
}

/// Who has ten thousand jobs, and one with ten that comes later: they go in turns.
pub(super) async fn no_key_waits_for_anothers_backlog<S: Storage>(bench: Bench<S>) {
    let stand = fair(&bench).await;
    for _ in 0..10 {
        stand.enqueue(vec![of("many", "many"); 1_000], Room::Refuse).await;
    }
    stand.pass(5);
    stand.enqueue(vec![of("few", "few"); 10], Room::Refuse).await;

    let mut begun = stand.names(2).await; // what came first is first, once
    for _ in 0..3 {
        begun.extend(stand.names(7).await);
    }

    let last = begun.iter().rposition(|name| name == "few");
    let before = begun[..last.expect("it has turns")].iter();
    assert!(before.filter(|name| *name == "many").count() < 20, "{begun:?}");
    assert_eq!(begun.iter().filter(|name| *name == "few").count(), 10, "{begun:?}");
}

pub(super) async fn keys_go_round<S: Storage>(bench: Bench<S>) {
    let stand = fair(&bench).await;
    push_all(&stand, "ada", &["a1", "a2", "a3", "a4"]).await;
    push_all(&stand, "bob", &["b1", "b2"]).await;
    stand.push(job("nobody's")).await;
    push_all(&stand, "eve", &["e1", "e2", "e3"]).await;

    assert_eq!(stand.names(6).await, ["a1", "b1", "nobody's", "e1", "a2", "b2"]);
    stand.push(of("bob", "b3")).await; // his turn is over, so he has nothing to wait for
    assert_eq!(stand.names(10).await, ["b3", "e2", "a3", "e3", "a4"]);
}

/// A key's turn comes by its claims, and not by how fast they end.
pub(super) async fn who_ends_first_has_no_more_turns<S: Storage>(bench: Bench<S>) {
    let stand = fair(&bench).await;
    push_all(&stand, "ada", &["a1", "a2", "a3", "a4", "a5", "a6"]).await;
    push_all(&stand, "bob", &["b1", "b2", "b3", "b4"]).await;
    for held in stand.claim(4).await {
        if held.key.as_deref() == Some("ada") {
            stand.settle(held.lease, Verdict::DONE).await;
        }
    }

    assert_eq!(stand.names(4).await, ["a3", "b3", "a4", "b4"]);
}

/// Whoever is alone need not wait for others that there are not, and gets all that he asks for.
pub(super) async fn one_key_alone_goes_as_fast_as_none<S: Storage>(bench: Bench<S>) {
    let stand = fair(&bench).await;
    stand.enqueue(vec![of("ada", "a"); 100], Room::Refuse).await;

    assert_eq!(stand.names(64).await.len(), 64);
    assert_eq!(stand.names(64).await.len(), 36);
}

/// Within a key, jobs go by their turn; the place in line is the key's, whichever of its jobs has it.
pub(super) async fn the_urgent_one_takes_its_keys_place<S: Storage>(bench: Bench<S>) {
    let stand = fair(&bench).await;
    push_all(&stand, "ada", &["a1", "a2", "a3"]).await;
    push_all(&stand, "bob", &["b1", "b2", "b3"]).await;
    assert_eq!(stand.names(2).await, ["a1", "b1"]);
    // Of all keys the same priority: "a2" is next, then "b2".
    stand.push(of("bob", "urgent").priority(Priority(129))).await;

    assert_eq!(stand.names(10).await, ["urgent", "a2", "b2", "a3", "b3"]);

    // A key without jobs has nothing to make up for, whichever of the next ones is first.
    stand.push(of("ada", "a4")).await;
    stand.push(of("ada", "urgent").priority(Priority(129))).await;
    stand.push(job("nobody's").priority(Priority(129))).await;
    assert_eq!(stand.names(1).await, ["urgent"]);
}

/// So nobody gains a turn by jobs that he cancels, and nobody loses his by that.
pub(super) async fn a_place_passes_to_the_next_of_its_key<S: Storage>(bench: Bench<S>) {
    let stand = fair(&bench).await;
    push_all(&stand, "ada", &["a1"]).await;
    let second = stand.push(of("ada", "a2")).await;
    let third = stand.push(of("ada", "a3").replace("a3", Scope::Queued)).await;
    push_all(&stand, "ada", &["a4", "a5"]).await;
    push_all(&stand, "bob", &["b1", "b2", "b3"]).await;
    assert_eq!(stand.names(2).await, ["a1", "b1"]);
    stand.pass(1);

    assert_eq!(well(stand.storage.cancel(vec![second]).await), [Cancelled::Now]);
    let again = of("ada", "a3 again").replace("a3", Scope::Queued);
    assert_eq!(stand.offer(again).await, Enqueued::Replaced(third));

    assert_eq!(stand.names(10).await, ["a4", "b2", "a5", "b3", "a3 again"]);

    // An urgent one that is withdrawn has not brought its key back to where it stood.
    push_all(&stand, "ada", &["a6", "a7"]).await;
    push_all(&stand, "bob", &["b4", "b5"]).await;
    assert_eq!(stand.names(1).await, ["a6"]);
    let urgent = stand.push(of("ada", "urgent").priority(Priority::CRITICAL)).await;
    assert_eq!(well(stand.storage.cancel(vec![urgent]).await), [Cancelled::Now]);
    assert_eq!(stand.names(10).await, ["b4", "a7", "b5"]);
}

/// A point is worth a second from when the key was served: what is more important goes first, but not for ever.
pub(super) async fn priorities_age_between_keys<S: Storage>(bench: Bench<S>) {
    let stand = fair(&bench).await;
    push_all(&stand, "ada", &["a1", "a2"]).await;
    let first = stand.claim(1).await.remove(0);
    stand.settle(first.lease, Verdict::DONE).await;
    stand.pass(63);
    stand.push(of("bob", "in time").priority(Priority::HIGH)).await;
    stand.pass(2);
    stand.push(of("eve", "too late").priority(Priority::HIGH)).await;

    assert_eq!(stand.names(10).await, ["in time", "a2", "too late"]);

    // In one claim as in several: the next of a key may come before what stood behind the first.
    push_all(&stand, "ada", &["a3"]).await;
    let high = |name| of("bob", name).priority(Priority::HIGH);
    stand.enqueue(vec![high("b1"), high("b2")], Room::Refuse).await;
    assert_eq!(stand.names(10).await, ["b1", "b2", "a3"]);
}

pub(super) async fn a_key_at_its_limit_leaves_its_turn_to_others<S: Storage>(bench: Bench<S>) {
    let stand = bench.open(Settings::new(100).key_limit(2).fair_keys()).await;
    push_all(&stand, "ada", &["a1", "a2", "a3", "a4"]).await;
    push_all(&stand, "bob", &["b1", "b2", "b3"]).await;

    let held = stand.claim(2).await;
    assert_eq!(held[0].payload, b"a1");
    assert_eq!(stand.names(10).await, ["a2", "b2"], "two of each");
    assert_eq!(stand.names(10).await, [""; 0]);

    // First bob's ends, and then ada's: so he is first.
    stand.settle(held[1].lease, Verdict::DONE).await;
    stand.settle(held[0].lease, Verdict::Release).await;
    assert_eq!(stand.names(1).await, ["b3"]);
    assert_eq!(stand.names(10).await, ["a1"], "what is given back is first of its key");

    // Who comes while his key is at its limit is in line when it is not any more, and not before.
    let stand = bench.open(Settings::new(100).key_limit(1).fair_keys()).await;
    push_all(&stand, "ada", &["a1"]).await;
    let held = stand.only().await;
    push_all(&stand, "ada", &["a2"]).await;
    stand.push(job("nobody's")).await;
    stand.settle(held.lease, Verdict::DONE).await;
    assert_eq!(stand.names(10).await, ["nobody's", "a2"]);
}

/// What comes back, or comes due, stands in its key's line; and a dead worker's share is no loss to it.
pub(super) async fn what_comes_back_takes_turns_too<S: Storage>(bench: Bench<S>) {
    let stand = fair(&bench).await;
    let soon = Duration::from_secs(10);
    let later = vec![of("ada", "later").delay(soon); 3];
    stand.enqueue(later, Room::Refuse).await;
    stand.push(of("bob", "bob's").delay(soon)).await;
    push_all(&stand, "ada", &["a1"]).await;
    assert_eq!(stand.names(10).await, ["a1"]);

    // The lease of "a1" is over, and all the others are due.
    stand.pass(30);
    assert_eq!(stand.names(2).await, ["later", "bob's"]);
    assert_eq!(stand.names(10).await, ["later", "later", "a1"]);
}

/// A job's own time is told, wherever it stands.
pub(super) async fn a_turn_changes_nothing_of_a_jobs_time<S: Storage>(bench: Bench<S>) {
    let stand = fair(&bench).await;
    push_all(&stand, "ada", &["a1", "a2"]).await;
    let oldest = async || stand.stats().await.oldest_ready;
    stand.pass(7);
    assert_eq!(stand.names(1).await, ["a1"]);
    stand.push(of("bob", "b1")).await;

    let seven = Duration::from_secs(7);
    assert_eq!(oldest().await, Some(seven));
    let ready = Look::In { state: State::Ready, limit: 10, before: None };
    let ready = well(stand.storage.inspect(ready).await);
    assert!(ready.len() == 2 && ready.iter().all(|job| job.due_in.is_zero()), "{ready:?}");
    stand.pass(1);
    let held = stand.claim(10).await;
    let waited: Vec<_> = held.iter().map(|job| job.waited.as_secs()).collect();
    assert_eq!(waited, [1, 8]);
    assert_eq!(oldest().await, None);
}

/// Room is made by whoever has more waiting than his turn.
pub(super) async fn who_has_many_is_shed_before_who_has_one<S: Storage>(bench: Bench<S>) {
    let stand = bench.open(Settings::new(4).fair_keys()).await;
    push_all(&stand, "ada", &["a1", "a2", "a3"]).await;
    stand.pass(1);
    let bob = stand.push(of("bob", "b1")).await;

    for _ in 0..2 {
        let urgent = vec![job("urgent").priority(Priority::HIGH)];
        let answers = stand.enqueue(urgent, Room::Shed).await;
        assert!(matches!(answers[0], Enqueued::New { shed: Some(shed), .. } if shed != bob));
    }
    assert_eq!(stand.names(10).await, ["urgent", "urgent", "a1", "b1"]);
}
