//! The promises of a timeline, as its users see them.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    future::{Future, pending, ready},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::Poll,
};

use futures_util::FutureExt as _;
use proptest::prelude::*;
use seawall_cache::{
    BoxError,
    timeline::{
        Delivery, Event, Item, Memory, Page, Pushed, Rebuilt, Rest, Store, Threshold, Ticket,
        Timeline, Turn,
    },
};
use seawall_test::Task;
use tokio::sync::oneshot;

type Lists = Timeline<u32, u32, Memory<u32, u32>>;
type Loaded = Result<Rebuilt<u32>, BoxError>;

fn timeline(length: usize) -> Lists {
    let store = Memory::new(100).expect("room");
    Timeline::builder("home").length(length).chunk(3).store(store).build().expect("sound settings")
}

fn item(id: u32) -> Item<u32> {
    Item::new(u64::from(id / 2), id) // pairs share a score
}

fn items(ids: impl IntoIterator<Item = u32>) -> Vec<Item<u32>> {
    ids.into_iter().map(item).collect()
}

fn now<F: Future>(future: F) -> F::Output {
    future.now_or_never().expect("nothing to wait for")
}

async fn nothing(_: u32) -> Loaded {
    Ok(Rebuilt::complete([]))
}

async fn no_lists(_: Vec<u32>) -> Result<[(u32, Rebuilt<u32>); 0], BoxError> {
    Ok([])
}

fn read(lists: &Lists, list: u32, below: Option<Item<u32>>, count: usize) -> Page<u32> {
    now(lists.read(&list, below.as_ref(), count, nothing)).expect("no failure")
}

fn counter(lists: &Lists, name: &str) -> u64 {
    lists.snapshot().counters[name]
}

#[test]
fn a_push_to_an_absent_list_does_not_create_it() {
    let lists = timeline(10);
    let pushed = now(lists.push(&item(1), &[7])).expect("in memory");
    assert_eq!((pushed.reached, pushed.absent), (0, 1));
    assert_eq!(read(&lists, 7, None, 5).items, []);
    assert_eq!((counter(&lists, "skipped"), counter(&lists, "rebuilds")), (1, 1));
}

#[test]
fn an_item_pushed_twice_stands_once() {
    let lists = timeline(10);
    read(&lists, 7, None, 5);
    for _ in 0..2 {
        now(lists.push(&item(1), &[7])).expect("in memory");
    }
    assert_eq!(read(&lists, 7, None, 5).items, items([1]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cap_of_800_holds_under_64_concurrent_pushes() {
    let lists = timeline(800);
    read(&lists, 7, None, 1);
    let pushers: Vec<_> = (0..64)
        .map(|pusher| {
            let lists = lists.clone();
            tokio::spawn(async move {
                for id in 0..20 {
                    lists.push(&item(id * 64 + pusher), &[7]).await.expect("in memory");
                    assert!(read(&lists, 7, None, 2_000).items.len() <= 800);
                }
            })
        })
        .collect();
    for pusher in pushers {
        pusher.await.expect("no panic");
    }
    let page = read(&lists, 7, None, 2_000);
    assert_eq!(page.items, items((480..1_280).rev()));
    assert_eq!(page.rest, Rest::TruncatedBelow(item(480)));
}

#[test]
fn a_rebuild_that_races_with_100_pushes_loses_none_and_loads_once() {
    let lists = timeline(800);
    let loads = AtomicUsize::new(0);
    let (end, ended) = oneshot::channel::<()>();
    let ended = ended.shared();
    let load = |_| {
        loads.fetch_add(1, Relaxed);
        let ended = ended.clone();
        async move {
            ended.await?;
            Ok(Rebuilt::newest(items(10..20)))
        }
    };
    let (one, two) = (Task::new(), Task::new());
    let mut first = pin!(lists.read(&7, None, 800, load));
    let mut second = pin!(lists.read(&7, None, 800, load));
    assert!(one.poll(first.as_mut()).is_pending());
    assert!(two.poll(second.as_mut()).is_pending());
    for id in 100..200 {
        now(lists.push(&item(id), &[7])).expect("in memory");
    }

    end.send(()).expect("it is waited for");

    for page in [one.poll(first), two.poll(second)] {
        let Poll::Ready(Ok(page)) = page else { panic!("the load has ended") };
        assert_eq!(page.items, items((10..20).chain(100..200).rev()));
        assert_eq!(page.rest, Rest::TruncatedBelow(item(10)));
    }
    assert_eq!(loads.load(Relaxed), 1);
}

#[test]
fn a_list_removed_while_it_is_rebuilt_is_rebuilt_again() {
    let lists = timeline(800);
    let (end, ended) = oneshot::channel::<()>();
    let task = Task::new();
    let mut ended = Some(ended);
    let mut call = pin!(lists.read(&7, None, 9, |_| {
        let ended = ended.take().expect("one load");
        async move {
            ended.await?;
            Ok(Rebuilt::complete(items([1])))
        }
    }));
    assert!(task.poll(call.as_mut()).is_pending());
    now(lists.remove(&[7])).expect("in memory");
    now(lists.push(&item(2), &[7])).expect("in memory"); // no list gathers it

    let load = |_| ready(Ok(Rebuilt::complete(items([1, 2]))));
    let page = now(lists.read(&7, None, 9, load)).expect("loads, and waits for no other load");
    assert_eq!(page.items, items([2, 1]));
    end.send(()).expect("it is waited for");

    assert!(task.poll(call).is_ready());
    assert_eq!(read(&lists, 7, None, 9).items, items([2, 1]));
}

#[test]
fn a_list_evicted_while_it_is_rebuilt_loses_no_push_that_came_before_a_read() {
    let store = Memory::new(1).expect("room");
    let lists: Lists =
        Timeline::builder("home").length(3).store(store).build().expect("sound settings");
    let (end, ended) = oneshot::channel::<()>();
    let mut ended = Some(ended);
    let slow = |_| {
        let ended = ended.take().expect("one load");
        async move {
            ended.await?;
            Ok(Rebuilt::complete(items(1..=4))) // as the source was before all pushes
        }
    };
    let (one, two) = (Task::new(), Task::new());
    let mut first = pin!(lists.read(&7, None, 9, slow));
    assert!(one.poll(first.as_mut()).is_pending());
    assert_eq!(now(lists.push(&item(5), &[7])).expect("in memory").reached, 1, "it is gathered");

    read(&lists, 8, None, 9); // evicts 7, and what it has gathered
    assert_eq!(now(lists.push(&item(6), &[7])).expect("in memory").absent, 1);
    let loads = Cell::new(0);
    let mut later = pin!(lists.read(&7, None, 9, |_| {
        loads.set(loads.get() + 1);
        ready(Ok(Rebuilt::complete(items(1..=6))))
    }));
    assert!(two.poll(later.as_mut()).is_pending(), "one loads already");
    end.send(()).expect("it is waited for");

    let Poll::Ready(Ok(page)) = one.poll(first) else { panic!("its load has ended") };
    assert_eq!(page.items, items([4, 3, 2]), "no push came before this read");
    let Poll::Ready(Ok(page)) = two.poll(later) else { panic!("it loads for itself") };
    assert_eq!(page.items, items([6, 5, 4]));
    assert_eq!((loads.get(), read(&lists, 7, None, 9).items), (1, items([6, 5, 4])));
}

#[test]
fn a_load_that_fails_is_told_and_the_next_read_tries_again() {
    let lists = timeline(10);
    let failed = now(lists.read(&7, None, 5, |_| ready(Loaded::Err("no database".into()))));
    assert!(failed.is_err());
    now(lists.push(&item(3), &[7])).expect("in memory"); // gathered: nothing is lost by the failure
    assert_eq!(read(&lists, 7, None, 5).items, items([3]));
}

#[test]
fn a_cursor_is_stable_under_concurrent_inserts() {
    let lists = timeline(100);
    read(&lists, 7, None, 1);
    for id in (10..50).step_by(2) {
        now(lists.push(&item(id), &[7])).expect("in memory");
    }
    let (mut seen, mut below) = (Vec::new(), None);
    for new in 100.. {
        let page = read(&lists, 7, below, 3);
        seen.extend(page.items);
        let Rest::More(cursor) = page.rest else { break };
        below = Some(cursor);
        now(lists.push(&item(new), &[7])).expect("in memory");
    }
    assert_eq!(seen, items((10..50).step_by(2).rev()));
}

#[test]
fn a_fan_out_that_stopped_goes_on_at_its_cursor() {
    let lists = timeline(10);
    for list in 0..8 {
        read(&lists, list, None, 1);
    }
    let mut first = lists.fan_out(item(1), 0..10);
    now(first.push_chunk()).expect("in memory");
    assert_eq!(first.done(), 3);

    let mut second = lists.fan_out(item(1), 0..10).resume(first.done());
    while now(second.push_chunk()).expect("in memory").is_some() {}

    assert_eq!(second.done(), 10);
    assert_eq!((counter(&lists, "pushed"), counter(&lists, "skipped")), (8, 2));
    assert!((0..8).all(|list| read(&lists, list, None, 5).items == items([1])));
}

#[test]
fn the_longest_unread_list_is_evicted() {
    let store: Memory<u32, u32> = Memory::new(2).expect("room");
    for list in [1, 2] {
        now(store.open(&list)).expect("in memory");
    }
    now(store.read(&[1], None, 1)).expect("in memory");
    now(store.open(&3)).expect("in memory");
    let pushed = now(store.push(&[1, 2, 3], &item(1), 9)).expect("in memory");
    assert_eq!((pushed.reached, pushed.absent, store.lists()), (2, 1, 2));
    assert_eq!(now(store.push(&[2], &item(1), 9)).expect("in memory").absent, 1);
}

#[test]
fn a_list_that_is_removed_gives_back_its_room() {
    let store: Memory<u32, u32> = Memory::new(2).expect("room");
    now(store.open(&1)).expect("in memory");
    now(store.remove(&[1])).expect("in memory");
    for list in [2, 3, 4] {
        now(store.open(&list)).expect("in memory");
    }
    assert_eq!(store.lists(), 2);
}

#[test]
fn a_deleted_item_is_dropped_at_read_and_the_cursor_stays() {
    let mut page = Page { items: items([5, 4]), rest: Rest::More(item(4)) };
    page.retain(|id| *id != 4);
    assert_eq!(page, Page { items: items([5]), rest: Rest::More(item(4)) });
}

#[test]
fn a_ticket_of_an_earlier_life_installs_nothing() {
    let store: Memory<u32, u32> = Memory::new(2).expect("room");
    let earlier = now(store.open(&7)).expect("in memory");
    now(store.remove(&[7])).expect("in memory");
    let later = now(store.open(&7)).expect("in memory");

    for (ticket, installed) in [(earlier, false), (later, true)] {
        let done = now(store.install(&7, ticket, Rebuilt::complete([]), 9)).expect("in memory");
        assert_eq!(done, installed);
    }
}

/// What was pushed after it went is nowhere: to install what was loaded before would lose that.
#[test]
fn a_list_evicted_while_it_is_rebuilt_is_not_installed() {
    let store: Memory<u32, u32> = Memory::new(2).expect("room");
    let ticket = now(store.open(&7)).expect("in memory");
    assert_eq!(now(store.push(&[7], &item(1), 9)).expect("in memory").reached, 1);
    for other in [8, 9] {
        now(store.open(&other)).expect("in memory");
    }
    assert_eq!(now(store.push(&[7], &item(2), 9)).expect("in memory").absent, 1);

    let loaded = Rebuilt::complete([item(1)]);
    assert!(!now(store.install(&7, ticket, loaded, 9)).expect("in memory"));
    assert!(now(store.read(&[7], None, 5)).expect("in memory")[0].is_none());
}

#[test]
fn a_merged_page_ends_where_the_first_list_stops_to_know() {
    let cut = Page { items: items([9, 7]), rest: Rest::TruncatedBelow(item(7)) };
    let whole = Page { items: items([8, 7, 4]), rest: Rest::Complete };
    let merged = Page::merge([cut, whole], 5);
    assert_eq!(merged, Page { items: items([9, 8, 7]), rest: Rest::TruncatedBelow(item(7)) });
}

#[test]
fn nonsense_is_refused_by_name() {
    let length = Timeline::builder("home").length(0).build::<u32, u32>().expect_err("no room");
    assert!(length.to_string().contains("length"));
    assert!(Timeline::builder("home").chunk(0).build::<u32, u32>().is_err());
    assert!(Memory::<u32, u32>::new(0).is_err());
    assert!(Threshold::new(10, 11).is_err() && Threshold::new(0, 0).is_err());
}

/// Follower 0 follows author 1 (whose list is 1); each step the author's followers change, and he posts.
fn author_at_the_edge(followers: &[u64], settle: &[bool]) {
    let lists = timeline(1_000);
    let threshold = Threshold::new(100, 80).expect("sound marks");
    let (mut delivery, mut posted) = (Delivery::Push, Vec::new());
    read(&lists, 0, None, 1);
    read(&lists, 1, None, 1);
    for (id, (count, settle)) in (0..).zip(followers.iter().zip(settle)) {
        delivery = threshold.next(delivery, *count);
        posted.push(id);
        now(lists.push(&item(id), &[1])).expect("in memory");
        if delivery.pushes() {
            now(lists.push(&item(id), &[0])).expect("in memory");
        }
        if *settle && delivery == Delivery::Both {
            for old in read(&lists, 1, None, 1_000).items {
                now(lists.push(&old, &[0])).expect("in memory");
            }
            delivery = delivery.settled();
        }
        let from: &[u32] = if delivery.pulls() { &[0, 1] } else { &[0] };
        let (mut seen, mut below) = (Vec::new(), None);
        loop {
            let page = now(lists.read_merged(from, below.as_ref(), 3, no_lists)).expect("reads");
            seen.extend(page.items);
            let Rest::More(cursor) = page.rest else { break };
            below = Some(cursor);
        }
        assert_eq!(seen, items(posted.iter().rev().copied()));
    }
}

#[derive(Clone, Debug)]
enum Step {
    Push(u32, u32),
    Open(u32),
    Install(u32, BTreeSet<u32>, bool),
    Read(u32, Option<u32>, usize),
    Remove(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let (list, id) = (0_u32..3, 0_u32..30);
    prop_oneof![
        6 => (list.clone(), id.clone()).prop_map(|(list, id)| Step::Push(list, id)),
        2 => list.clone().prop_map(Step::Open),
        2 => (list.clone(), prop::collection::btree_set(id.clone(), 0..8), any::<bool>())
            .prop_map(|(list, ids, complete)| Step::Install(list, ids, complete)),
        4 => (list.clone(), prop::option::of(id), 1_usize..6)
            .prop_map(|(list, below, count)| Step::Read(list, below, count)),
        1 => list.prop_map(Step::Remove),
    ]
}

/// The slow model: all ids that a list ever got, of which it holds the newest `LENGTH` above its floor.
#[derive(Default)]
struct Model {
    all: BTreeSet<u32>,
    floor: u32,
    cut: bool,
    live: bool,
}

const LENGTH: usize = 5;

impl Model {
    fn settle(&mut self) {
        let from = self.floor;
        let held: Vec<_> = self.all.iter().rev().copied().filter(|id| *id >= from).collect();
        if held.len() > LENGTH {
            (self.floor, self.cut) = (held[LENGTH - 1], true);
        }
    }

    fn page(&self, below: Option<u32>, count: usize) -> Page<u32> {
        let under = |id: &u32| *id >= self.floor && below.is_none_or(|below| *id < below);
        let held: Vec<_> = self.all.iter().rev().copied().filter(under).collect();
        let rest = if held.len() > count {
            Rest::More(item(held[count - 1]))
        } else if self.cut {
            Rest::TruncatedBelow(item(below.map_or(self.floor, |below| below.min(self.floor))))
        } else {
            Rest::Complete
        };
        Page { items: items(held.into_iter().take(count)), rest }
    }
}

proptest! {
    #[test]
    fn an_author_who_crosses_the_threshold_neither_duplicates_nor_drops_items(
        followers in prop::collection::vec(60_u64..120, 1..40),
        settle in prop::collection::vec(any::<bool>(), 40),
    ) {
        author_at_the_edge(&followers, &settle);
    }

    #[test]
    fn lists_in_any_order_of_steps_are_as_the_slow_model(
        steps in prop::collection::vec(step(), 1..80)
    ) {
        let store = Memory::new(3).expect("room");
        let (mut model, mut tickets) = (BTreeMap::<u32, Model>::new(), BTreeMap::new());
        for step in steps {
            match step {
                Step::Push(list, id) => {
                    let pushed = now(store.push(&[list], &item(id), LENGTH)).expect("in memory");
                    prop_assert_eq!(pushed.reached == 1, model.contains_key(&list));
                    if let Some(model) = model.get_mut(&list) {
                        model.all.insert(id);
                        model.settle();
                    }
                }
                Step::Open(list) => {
                    tickets.insert(list, now(store.open(&list)).expect("in memory"));
                    model.entry(list).or_default();
                }
                Step::Install(list, ids, complete) => {
                    let Some(ticket) = tickets.get(&list) else { continue };
                    let rebuilt = items(ids.iter().copied());
                    let rebuilt =
                        if complete { Rebuilt::complete(rebuilt) } else { Rebuilt::newest(rebuilt) };
                    let done = now(store.install(&list, *ticket, rebuilt, LENGTH)).expect("in memory");
                    prop_assert_eq!(done, model.contains_key(&list));
                    let Some(model) = model.get_mut(&list) else { continue };
                    if let Some(lowest) = ids.first().filter(|_| !complete) {
                        (model.floor, model.cut) = (model.floor.max(*lowest), true);
                    }
                    model.all.extend(ids);
                    model.live = true;
                    model.settle();
                }
                Step::Read(list, below, count) => {
                    let cursor = below.map(item);
                    let page = now(store.read(&[list], cursor.as_ref(), count)).expect("in memory");
                    let right = model.get(&list).filter(|model| model.live);
                    prop_assert_eq!(&page[0], &right.map(|model| model.page(below, count)));
                }
                Step::Remove(list) => {
                    now(store.remove(&[list])).expect("in memory");
                    model.remove(&list);
                    tickets.remove(&list);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_read_and_a_fan_out_can_be_tasks_of_their_own() {
    let lists = timeline(10);
    let task = tokio::spawn(async move {
        let load = |_| async { Ok(Rebuilt::complete([item(1)])) };
        lists.read(&7, None, 5, load).await?;
        let mut fan_out = lists.fan_out(item(4), [7]);
        while fan_out.push_chunk().await?.is_some() {}
        lists.read(&7, None, 5, load).await
    });
    let page = task.await.expect("no panic").expect("no failure");
    assert_eq!(page.items, items([4, 1]));
}

#[test]
fn several_absent_lists_are_one_load_and_one_that_is_rebuilt_already_is_waited_for() {
    let lists = timeline(10);
    let (end, ended) = oneshot::channel::<()>();
    let mut ended = Some(ended);
    let other = |_| {
        let ended = ended.take().expect("one load");
        async move {
            ended.await?;
            Ok(Rebuilt::complete([item(1)]))
        }
    };
    let (one, two) = (Task::new(), Task::new());
    let mut first = pin!(lists.read(&1, None, 9, other));
    assert!(one.poll(first.as_mut()).is_pending());

    let mut asked = Vec::new();
    let load = |absent: Vec<u32>| {
        asked.push(absent.clone());
        let rebuilt = absent.into_iter().filter(|list| *list != 4);
        ready(Ok(rebuilt.map(|list| (list, Rebuilt::complete([item(list)]))).collect::<Vec<_>>()))
    };
    let mut merged = Box::pin(lists.read_merged(&[1, 2, 3, 4], None, 9, load));
    assert!(two.poll(merged.as_mut()).is_pending(), "list 1 is on its way");
    end.send(()).expect("it is waited for");
    assert!(one.poll(first).is_ready());
    let Poll::Ready(Ok(page)) = two.poll(merged.as_mut()) else { panic!("all are there") };
    drop(merged);

    assert_eq!(page.items, items([3, 2, 1]));
    assert_eq!(asked, [[2, 3, 4]]);
    assert_eq!(counter(&lists, "rebuilds"), 4);
    // The empty one neither is absent any more.
    let loads = Cell::new(0);
    let counts = |absent| {
        loads.set(loads.get() + 1);
        no_lists(absent)
    };
    let page = now(lists.read_merged(&[1, 2, 3, 4], None, 9, counts));
    assert_eq!(loads.get(), 0);
    assert_eq!(page.expect("reads").items, items([3, 2, 1]));
}

#[test]
fn a_fan_out_waits_for_its_pace_before_each_chunk_and_goes_on_where_it_was_dropped() {
    let lists = timeline(10);
    for list in 0..8 {
        read(&lists, list, None, 1);
    }
    let (paced, open) = (RefCell::new(Vec::new()), Cell::new(1_u32));
    let pace = |count| {
        paced.borrow_mut().push(count);
        let waits = open.get() == 0;
        open.set(open.get().saturating_sub(1));
        async move {
            if waits {
                pending::<()>().await;
            }
        }
    };
    let mut fan_out = lists.fan_out(item(1), 0..8);
    assert!(fan_out.push_all(pace).now_or_never().is_none());
    assert_eq!((fan_out.done(), counter(&lists, "pushed")), (3, 3));

    open.set(9);
    let pushed = now(fan_out.push_all(pace)).expect("in memory");

    assert_eq!((pushed.reached, fan_out.done()), (5, 8));
    assert_eq!(paced.into_inner(), [3, 3, 3, 2]);
}

/// Refuses pushes as long as it holds a 1; with a 2, its next read finds nothing.
struct Failing(Memory<u32, u32>, AtomicUsize);

impl Store<u32, u32> for Failing {
    type Error = BoxError;

    async fn push(&self, to: &[u32], item: &Item<u32>, length: usize) -> Result<Pushed, BoxError> {
        match self.1.load(Relaxed) {
            0 => Ok(self.0.push(to, item, length).await?),
            _ => Err("away".into()),
        }
    }

    async fn read(
        &self,
        lists: &[u32],
        below: Option<&Item<u32>>,
        count: usize,
    ) -> Result<Vec<Option<Page<u32>>>, BoxError> {
        if self.1.compare_exchange(2, 0, Relaxed, Relaxed).is_ok() {
            return Ok(lists.iter().map(|_| None).collect());
        }
        Ok(self.0.read(lists, below, count).await?)
    }

    async fn open(&self, list: &u32) -> Result<Ticket, BoxError> {
        Ok(self.0.open(list).await?)
    }

    async fn install(
        &self,
        list: &u32,
        ticket: Ticket,
        rebuilt: Rebuilt<u32>,
        length: usize,
    ) -> Result<bool, BoxError> {
        Ok(self.0.install(list, ticket, rebuilt, length).await?)
    }

    async fn remove(&self, lists: &[u32]) -> Result<(), BoxError> {
        Ok(self.0.remove(lists).await?)
    }
}

#[test]
fn what_goes_wrong_is_told() {
    let told = Arc::new(AtomicUsize::new(0));
    let listener = {
        let told = told.clone();
        move |event: &Event| {
            assert_eq!(event.name.as_str(), "home");
            let digit = match event.turn {
                Turn::PushFailed => 1,
                Turn::RebuildFailed => 2,
                Turn::RebuildOutdated => 3,
                _ => 9,
            };
            told.store(10 * told.load(Relaxed) + digit, Relaxed);
        }
    };
    let store = Failing(Memory::new(9).expect("room"), AtomicUsize::new(1));
    let lists = Timeline::builder("home").store(store).on_event(listener).build();
    let lists: Timeline<u32, u32, Failing> = lists.expect("sound settings");

    assert!(now(lists.push(&item(1), &[7])).is_err());
    assert!(now(lists.read(&7, None, 5, |_| ready(Loaded::Err("no database".into())))).is_err());
    let removes = |list: u32| {
        now(lists.remove(&[list])).expect("in memory"); // while it is rebuilt
        ready(Ok(Rebuilt::complete([])))
    };
    assert!(now(lists.read(&7, None, 5, removes)).is_ok());

    assert_eq!(told.load(Relaxed), 123);
}

#[test]
fn a_list_that_is_rebuilt_between_the_look_and_the_load_is_not_loaded_again() {
    let store = Failing(Memory::new(9).expect("room"), AtomicUsize::new(2));
    now(async {
        let ticket = store.open(&7).await?;
        store.install(&7, ticket, Rebuilt::complete(items([1])), 9).await
    })
    .expect("in memory");
    let lists = Timeline::builder("home").store(store).build();
    let lists: Timeline<u32, u32, Failing> = lists.expect("sound settings");

    let load = |_| -> std::future::Ready<Loaded> { panic!("nobody should") };
    assert_eq!(now(lists.read(&7, None, 5, load)).expect("it is there").items, items([1]));
}

#[test]
fn shards_hold_together_what_they_are_made_for_and_give_no_ticket_twice() {
    let store: Memory<u32, u32> = Memory::new(1_003).expect("room");
    let tickets: BTreeSet<_> =
        (0..4_000).map(|list| now(store.open(&list)).expect("in memory").0).collect();
    assert_eq!(tickets.len(), 4_000);
    assert_eq!(store.lists(), 1_003, "every shard is full by then");
}
