//! Both sides of a move: whom a call asks beside its first node, in each phase. Promise 6 of the module's page.

use std::{
    collections::BTreeMap,
    future::{Ready, ready},
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

use parking_lot::Mutex;
use seawall_core::{Error, Reason, Rejection};
use seawall_shard::{
    Node, Read, ShardMap, Sharded,
    migration::{MigrationSpec, Phase, Stretch},
    sharded::{Access, WhileMoving},
};
use seawall_test::{Task, allocations};
use tower::Service;

use crate::sharded_support::map;

/// A version, and what was written; nothing where it was deleted.
type Row = (u64, Option<&'static str>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ask {
    key: u64,
    write: Option<Row>,
    /// The slot and the epoch that it was told.
    told: Option<(u32, u64)>,
}

/// One node: its rows, what came to it, and how it behaves.
#[derive(Clone, Default)]
struct Store(Arc<Mutex<Rows>>);

#[derive(Default)]
struct Rows {
    rows: BTreeMap<u64, Row>,
    came: Vec<Ask>,
    fails: bool,
    waits: bool,
}

impl Store {
    fn row(&self, key: u64) -> Option<Row> {
        self.0.lock().rows.get(&key).copied()
    }

    fn calls(&self) -> usize {
        self.0.lock().came.len()
    }
}

impl Service<Ask> for Store {
    type Response = Option<Row>;
    type Error = &'static str;
    type Future = Ready<Result<Option<Row>, &'static str>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        if self.0.lock().waits {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, ask: Ask) -> Self::Future {
        let mut store = self.0.lock();
        store.came.push(ask);
        if store.fails {
            return ready(Err("gone"));
        }
        let Some((version, value)) = ask.write else {
            return ready(Ok(store.rows.get(&ask.key).copied()));
        };
        let had = store.rows.entry(ask.key).or_insert((0, None));
        // A version of 0 asks for one: the owner gives it.
        let version = if version == 0 { had.0 + 1 } else { version };
        if had.0 < version {
            *had = (version, value);
        }
        ready(Ok(Some(*had)))
    }
}

/// What a user says of such a store.
#[derive(Clone, Copy)]
struct Rules {
    copies: bool,
}

impl WhileMoving<Ask, Option<Row>> for Rules {
    fn tell(&self, ask: &mut Ask, slot: u32, epoch: u64) {
        ask.told = Some((slot, epoch));
    }

    fn copy(&self, ask: &Ask) -> Option<Ask> {
        self.copies.then_some(*ask)
    }

    fn is_unknown(&self, row: &Option<Row>) -> bool {
        row.is_none()
    }

    fn forward(&self, ask: Ask, written: &Option<Row>) -> Option<Ask> {
        Some(Ask { write: *written, ..ask })
    }
}

type OfRules =
    Sharded<Store, fn(&Ask) -> u64, fn(&Ask) -> Access, seawall_shard::sharded::Once, Rules>;

/// A slot that moves from one of two nodes to a third.
struct Move {
    shards: ShardMap,
    service: OfRules,
    spec: MigrationSpec,
    slot: u32,
    source: Store,
    target: Store,
}

const RULES: Rules = Rules { copies: true };

impl Move {
    fn new(rules: Rules) -> Self {
        let shards = map(["a", "b"], 1);
        let mut next = shards.topology();
        next.add(Node::new("late")).expect("it is new");
        let plan = shards.plan(&next).expect("it is sound");
        let slot = *plan.moves()[0].slots.start();
        let owner = shards.replicas_of_slot(slot).expect("it is there").owner().name().to_owned();
        let spec = shards.migrate(&next).expect("it is sound").spec().expect("it is not over");
        let (source, target) = (Store::default(), Store::default());
        let access: fn(&Ask) -> Access = |ask| match ask.write {
            Some(_) => Access::Write,
            None => Access::Read(Read::Primary),
        };
        let service = Sharded::new(shards.clone(), key as fn(&Ask) -> u64).access(access);
        service.insert(owner, source.clone());
        service.insert("late", target.clone());
        Self { shards, service: service.while_moving(rules), spec, slot, source, target }
    }

    fn key(&self) -> u64 {
        u64::from(self.slot) << 56
    }

    fn to(&mut self, phase: Phase) {
        let rest = |slots| Stretch { slots, legs: 0, back: false, phase: None, cursor: None };
        let moves = Stretch { phase: Some(phase), ..rest(1) };
        let all = [rest(self.slot), moves, rest(self.shards.slots() - self.slot - 1)];
        self.spec.epoch += 1;
        self.spec.slots = all.into_iter().filter(|stretch| stretch.slots > 0).collect();
        self.shards.follow(&self.spec).expect("it is the next one");
    }

    fn ask(&self, write: Option<Row>) -> Ask {
        Ask { key: self.key(), write, told: None }
    }

    fn answer(&self, write: Option<Row>) -> Result<Option<Row>, Error<&'static str>> {
        let mut service = self.service.clone();
        match Task::new().poll(pin!(service.call(self.ask(write)))) {
            Poll::Ready(answer) => answer,
            Poll::Pending => panic!("the call waits"),
        }
    }

    fn write(&self, value: &'static str) -> Result<Option<Row>, Error<&'static str>> {
        self.answer(Some((0, Some(value))))
    }

    fn read(&self) -> Result<Option<Row>, Error<&'static str>> {
        self.answer(None)
    }
}

fn key(ask: &Ask) -> u64 {
    ask.key
}

#[test]
fn in_each_phase_a_write_is_told_to_those_who_must_know_it_with_the_owners_version() {
    let mut each = Move::new(RULES);
    let at = |each: &Move| (each.source.row(each.key()), each.target.row(each.key()));
    assert_eq!(each.write("rests"), Ok(Some((1, Some("rests")))));
    assert_eq!(at(&each), (Some((1, Some("rests"))), None));

    for (version, phase) in (2..).zip([Phase::Copying, Phase::CatchUp]) {
        each.to(phase);
        let row = Some((version, Some(phase.as_str())));
        assert_eq!(each.write(phase.as_str()), Ok(row));
        assert_eq!(at(&each), (row, row));
    }

    each.to(Phase::HandOff);
    let refused = each.write("nobody takes it").expect_err("nobody may write");
    assert_eq!(refused.rejection().map(Rejection::reason), Some(Reason::Overloaded));

    each.to(Phase::DualRead);
    let both = Some((4, Some("dual")));
    assert_eq!(each.write("dual"), Ok(both));
    assert_eq!(at(&each), (both, both));

    each.to(Phase::CleanUp);
    let last = Some((5, Some("alone")));
    assert_eq!(each.write("alone"), Ok(last));
    assert_eq!(at(&each), (both, last));
    assert_eq!(each.service.snapshot().counters["both_sides"], 3);
}

#[test]
fn a_read_that_finds_nothing_asks_the_other_side_in_the_dual_read_alone() {
    for phase in [Phase::Copying, Phase::CatchUp, Phase::HandOff, Phase::DualRead, Phase::CleanUp] {
        let mut each = Move::new(RULES);
        assert!(each.write("old").is_ok());
        each.to(phase);
        let found = if phase == Phase::CleanUp { None } else { Some((1, Some("old"))) };
        assert_eq!(each.read(), Ok(found), "{phase:?}");
        let asked = usize::from(matches!(phase, Phase::DualRead | Phase::CleanUp));
        assert_eq!(each.target.calls(), asked, "{phase:?}");
    }
}

#[test]
fn a_read_that_finds_a_value_or_a_deletion_asks_nobody_else() {
    for value in [Some("a value"), None] {
        let mut each = Move::new(RULES);
        assert!(each.write("old").is_ok());
        each.to(Phase::DualRead);
        assert!(each.answer(Some((7, value))).is_ok()); // to both
        let before = each.source.calls();

        assert_eq!(each.read(), Ok(Some((7, value))));

        assert_eq!(each.source.calls(), before);
    }
}

#[test]
fn a_write_that_the_other_side_fails_to_take_is_not_acknowledged() {
    let mut each = Move::new(RULES);
    each.to(Phase::Copying);
    each.target.0.lock().fails = true;
    assert_eq!(each.write("half"), Err(Error::Inner("gone")));
}

#[test]
fn a_write_is_answered_by_its_owner() {
    let mut each = Move::new(RULES);
    each.to(Phase::Copying);
    each.target.0.lock().rows.insert(each.key(), (9, Some("copied")));
    assert_eq!(each.write("first"), Ok(Some((1, Some("first")))));
}

#[test]
fn a_write_waits_for_the_other_side_and_is_acknowledged_after_it() {
    let mut each = Move::new(RULES);
    each.to(Phase::Copying);
    each.target.0.lock().waits = true;
    let mut service = each.service.clone();
    let mut write = pin!(service.call(each.ask(Some((0, Some("both"))))));
    let task = Task::new();
    assert!(task.poll(write.as_mut()).is_pending());
    assert_eq!((each.source.calls(), each.target.calls()), (1, 0));

    each.target.0.lock().waits = false;

    assert_eq!(task.poll(write.as_mut()), Poll::Ready(Ok(Some((1, Some("both"))))));
    assert_eq!(each.target.row(each.key()), Some((1, Some("both"))));
}

#[test]
fn where_the_other_side_has_no_service_a_write_is_refused_unmade_and_a_read_only_if_it_needs_it() {
    let mut each = Move::new(RULES);
    let reason = |answer: Result<_, Error<&'static str>>| {
        answer.expect_err("it is refused").rejection().map(Rejection::reason)
    };
    each.to(Phase::Copying);
    each.service.remove("late");
    assert_eq!(reason(each.write("half")), Some(Reason::NoShard));
    assert_eq!(each.source.calls(), 0);

    each.service.insert("late", each.target.clone());
    each.to(Phase::DualRead);
    assert!(each.write("both").is_ok());
    let source = each.service.services().into_iter().find(|name| *name != "late");
    each.service.remove(&source.expect("it has one"));
    assert_eq!(each.read(), Ok(Some((1, Some("both")))));
    each.target.0.lock().rows.clear();
    assert_eq!(reason(each.read()), Some(Reason::NoShard));
}

/// So that a fence lets it in, or knows that it is late.
#[test]
fn a_request_is_told_the_slot_and_the_epoch_of_its_route_at_both_sides() {
    let mut each = Move::new(RULES);
    for phase in [None, Some(Phase::Copying), Some(Phase::CatchUp), Some(Phase::DualRead)] {
        phase.into_iter().for_each(|phase| each.to(phase));
        assert!(each.write("told").is_ok() && each.read().is_ok());
        let told = Some((each.slot, each.shards.move_epoch()));
        let last = |store: &Store| store.0.lock().came.last().and_then(|ask| ask.told);
        assert_eq!(last(&each.source), told, "{phase:?}");
        let of_target = phase.and(told);
        assert_eq!(last(&each.target), of_target, "{phase:?}");
    }
}

/// One that waits for its owner, which becomes the source meanwhile: it is told the route by then.
#[test]
fn a_write_that_has_waited_goes_by_the_route_of_then() {
    let mut each = Move::new(RULES);
    each.source.0.lock().waits = true;
    let mut service = each.service.clone();
    let mut write = pin!(service.call(each.ask(Some((0, Some("late"))))));
    let task = Task::new();
    assert!(task.poll(write.as_mut()).is_pending());

    each.to(Phase::Copying);
    each.source.0.lock().waits = false;

    assert!(task.poll(write.as_mut()).is_ready());
    assert_eq!(each.target.row(each.key()), Some((1, Some("late"))));
    assert_eq!(each.source.0.lock().came[0].told, Some((each.slot, each.shards.move_epoch())));
}

/// It was chosen when its node had the key, and that has been emptied meanwhile.
#[test]
fn a_read_that_has_waited_does_not_go_where_the_key_has_left() {
    let mut each = Move::new(RULES);
    assert!(each.write("old").is_ok());
    each.target.0.lock().rows.insert(each.key(), (1, Some("old")));
    each.source.0.lock().waits = true;
    let mut service = each.service.clone();
    let mut read = pin!(service.call(each.ask(None)));
    let task = Task::new();
    assert!(task.poll(read.as_mut()).is_pending());

    each.to(Phase::CleanUp);
    *each.source.0.lock() = Rows::default();

    assert_eq!(task.poll(read.as_mut()), Poll::Ready(Ok(Some((1, Some("old"))))));
}

#[test]
fn what_is_not_copied_goes_to_one_side() {
    let mut each = Move::new(Rules { copies: false });
    each.to(Phase::DualRead);
    assert!(each.write("alone").is_ok());
    assert_eq!((each.source.calls(), each.target.calls()), (0, 1));
}

#[test]
fn two_closures_are_enough_where_no_epoch_is_told() {
    let mut each = Move::new(RULES);
    let mut service = Sharded::new(each.shards.clone(), key as fn(&Ask) -> u64)
        .access(|ask: &Ask| match ask.write {
            Some(_) => Access::Write,
            None => Access::OwnerFirst,
        })
        .both_sides(
            |row: &Option<Row>| row.is_none(),
            |ask: Ask, row: &Option<Row>| Some(Ask { write: *row, ..ask }),
        );
    for name in each.service.services() {
        let store = if name == "late" { &each.target } else { &each.source };
        service.insert(name, store.clone());
    }
    each.source.0.lock().rows.insert(each.key(), (3, Some("old")));
    each.to(Phase::DualRead);
    let task = Task::new();

    let read = task.poll(pin!(service.call(each.ask(None))));
    assert_eq!(read, Poll::Ready(Ok(Some((3, Some("old"))))));
    let written = task.poll(pin!(service.call(each.ask(Some((4, Some("new")))))));
    assert_eq!(written, Poll::Ready(Ok(Some((4, Some("new"))))));
    assert_eq!(each.source.row(each.key()), each.target.row(each.key()));
}

#[test]
fn no_call_to_both_sides_allocates() {
    let mut each = Move::new(RULES);
    each.to(Phase::DualRead);
    assert!(each.write("both").is_ok());
    [&each.source, &each.target].iter().for_each(|store| store.0.lock().came.reserve(100));
    let mut service = each.service.clone();
    let task = Task::new();

    let (answer, count) =
        allocations(|| task.poll(pin!(service.call(each.ask(Some((0, Some("again"))))))));

    assert_eq!((answer, count), (Poll::Ready(Ok(Some((2, Some("again"))))), 0));
}
