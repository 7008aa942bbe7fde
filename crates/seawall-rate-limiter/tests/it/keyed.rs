//! Quotas by key: each its own, bounded in number, and fresh again when they are paid off.
//!
//! Where it says `both`: with one quota a key, in a table, and with several, in a map.

use std::{
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use seawall_core::ManualClock;
use seawall_rate_limiter::{
    Bound, Clock, Policy, Quota, RateLimiter, RateLimiters, RateLimitersBuilder, Reason, Registry,
    Turn, WhenFull,
};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// A cell each so many milliseconds, and so many at once.
fn each(millis: u64, burst: u32) -> Quota {
    let quota = Quota::new(1, Duration::from_millis(millis));
    quota.and_then(|quota| quota.burst(burst)).expect("a quota")
}

/// So much that it never says no.
fn wide() -> Quota {
    each(1, 1_000_000)
}

fn builder<K: ?Sized>(quotas: &[Quota]) -> (RateLimitersBuilder<K>, ManualClock) {
    let (clock, hand) = Clock::manual();
    let builder = RateLimiter::builder("keys").quotas(quotas.iter().copied()).clock(clock);
    (builder.keyed(), hand)
}

/// With one quota a key, and with another beside it.
fn both(quota: Quota) -> [(RateLimiters<u64>, ManualClock); 2] {
    [&[quota][..], &[quota, wide()]].map(|quotas| {
        let (builder, hand) = builder(quotas);
        (builder.build().expect("sound settings"), hand)
    })
}

/// How many calls of one cell are let in, one after another.
fn admitted(limiters: &RateLimiters<u64>, key: u64) -> u32 {
    (0..).take_while(|_| limiters.try_acquire(&key).is_ok()).count() as u32
}

#[test]
fn no_key_touches_another() {
    for (limiters, _) in both(each(100, 3)) {
        assert_eq!(admitted(&limiters, 1), 3);
        assert_eq!(admitted(&limiters.clone(), 1), 0, "clones share");
        for key in 2..1_000 {
            assert_eq!(admitted(&limiters, key), 3);
        }
        let refused = limiters.try_acquire(&1).expect_err("it is spent");
        assert_eq!((refused.reason(), refused.name()), (Reason::RateLimited, "keys"));
        assert_eq!(refused.retry_after(), Some(100 * MS));
    }
}

#[test]
fn each_key_is_let_in_by_its_burst_and_rate() {
    for (limiters, hand) in both(each(100, 10)) {
        let take =
            |cells| limiters.try_acquire_n(&7, cells).map_err(|refused| refused.retry_after());
        assert_eq!(take(4), Ok(()));
        assert_eq!(take(7), Err(Some(100 * MS)));
        assert_eq!(take(6), Ok(()));
        hand.advance(250 * MS);
        assert_eq!(take(3), Err(Some(50 * MS)));
        assert_eq!(take(2), Ok(()));
        hand.advance(SECOND);
        assert_eq!(take(10), Ok(()));
        assert_eq!(take(11), Err(None));
        let refused = limiters.try_acquire_n(&7, 11).expect_err("there never are eleven");
        assert_eq!(refused.bound(), Some(Bound::Weight));
    }
}

#[test]
fn keys_can_be_borrowed_and_are_compared_by_what_they_are() {
    let strings: RateLimiters<String> = builder(&[each(100, 1)]).0.build().expect("sound");
    strings.try_acquire(&String::from("tenant")).expect("it is fresh");
    strings.try_acquire(&String::from("tenant")).expect_err("it is spent");

    for quotas in [&[each(100, 1)][..], &[each(100, 1), wide()]] {
        let slices: RateLimiters<str> = builder(quotas).0.build().expect("sound");
        slices.try_acquire("tenant").expect("it is fresh");
        slices.try_acquire(&String::from("tenant")).expect_err("it is spent");
        slices.try_acquire("tenant 2").expect("another one");
        slices.try_acquire("").expect("one more");
    }
    let bytes: RateLimiters<[u8]> = builder(&[each(100, 1)]).0.build().expect("sound");
    bytes.try_acquire(b"tenant").expect("it is fresh");
    bytes.try_acquire(&b"tenant"[..]).expect_err("it is spent");
    let pairs: RateLimiters<(u32, String)> = builder(&[each(100, 1)]).0.build().expect("sound");
    pairs.try_acquire(&(1, String::from("a"))).expect("it is fresh");
    pairs.try_acquire(&(2, String::from("a"))).expect("another one");
}

#[test]
fn some_keys_have_a_quota_of_their_own() {
    for (others, several) in [(&[each(100, 2)][..], false), (&[each(100, 2), wide()], true)] {
        let (builder, hand) = builder::<str>(others);
        let own = |key: &str| (key == "acme").then(|| each(10, 20));
        let limiters = builder.quota_for(own).build().expect("sound");
        let admitted = |key| (0..).take_while(|_| limiters.try_acquire(key).is_ok()).count();

        assert_eq!((admitted("globex"), admitted("acme")), (2, 20));
        hand.advance(100 * MS);
        assert_eq!((admitted("globex"), admitted("acme")), (1, 10));
        let refused = limiters.try_acquire_n("acme", 21).expect_err("more than its burst");
        assert_eq!(refused.bound(), Some(Bound::Weight));
        assert_eq!((limiters.standing("acme").limit, limiters.standing("globex").limit), (20, 2));

        let mut quotas = others.to_vec();
        quotas[0] = each(100, 5);
        limiters.set_quotas(quotas).expect("it can change");
        assert_eq!((limiters.standing("acme").limit, limiters.standing("new").limit), (20, 5));
        assert_eq!(limiters.config().quotas.len(), 1 + usize::from(several));
    }
}

#[test]
fn a_key_that_has_paid_off_all_is_as_one_that_never_came() {
    for (limiters, hand) in both(each(100, 3)) {
        assert_eq!(admitted(&limiters, 1), 3);

        hand.advance(300 * MS);

        assert_eq!(limiters.standing(&1), limiters.standing(&2));
        assert_eq!((admitted(&limiters, 1), admitted(&limiters, 2)), (3, 3));
    }
}

#[test]
fn how_many_keys_owe_something_is_counted() {
    let (builder, hand) = builder(&[each(100, 3)]);
    let limiters: RateLimiters<u64> = builder.build().expect("sound");
    assert!(limiters.is_empty());
    for key in 0..1_000 {
        limiters.try_acquire_n(&key, 1 + key as u32 % 3).expect("it is fresh");
    }
    assert_eq!(limiters.len(), 1_000);

    hand.advance(100 * MS);

    assert_eq!((limiters.len(), limiters.is_empty()), (666, false));
    hand.advance(SECOND);
    assert_eq!((limiters.len(), limiters.is_empty()), (0, true));
}

#[test]
fn a_key_stands_as_it_would_be_judged() {
    for (limiters, hand) in both(each(100, 5)) {
        let standing = |key| {
            let standing = limiters.standing(&key);
            (
                standing.limit,
                standing.remaining,
                standing.next.as_millis(),
                standing.full.as_millis(),
            )
        };
        assert_eq!(standing(1), (5, 5, 0, 0));
        limiters.try_acquire_n(&1, 3).expect("it is fresh");
        assert_eq!((standing(1), standing(2)), ((5, 2, 0, 300), (5, 5, 0, 0)));
        limiters.try_acquire_n(&1, 2).expect("two are left");
        hand.advance(30 * MS);
        assert_eq!(standing(1), (5, 0, 70, 470));
    }
}

#[test]
fn a_flood_of_keys_takes_no_more_than_its_room() {
    for (several, quotas) in
        [(false, &[each(3_600_000, 1)][..]), (true, &[each(3_600_000, 1), wide()])]
    {
        let limiters: RateLimiters<u64> =
            builder(quotas).0.max_keys(1_000).build().expect("sound settings");

        let admitted = (0..100_000).filter(|key| limiters.try_acquire(key).is_ok()).count();

        let snapshot = limiters.snapshot();
        let (keys, most) = (snapshot.gauges["keys"], snapshot.limits["max_keys"]);
        assert_eq!(keys as usize, limiters.len());
        if several {
            assert!(keys <= most && most < 2_000.0, "{snapshot:?}");
            assert_eq!(snapshot.counters["evicted"] as usize, 100_000 - limiters.len());
        } else {
            // Slots are two and a half for each, and the crowd shares one quota.
            assert_eq!((most as u32, snapshot.state.as_ref()), (1_000, "crowded"));
            assert!((2_000.0..=2_600.0).contains(&keys), "{snapshot:?}");
            assert_eq!(admitted, keys as usize + 1);
            assert_eq!(snapshot.counters["crowded"] as usize, 100_000 - keys as usize);
        }
    }
}

/// While as many keys owe something as it was built for, nearly each of them has its own.
#[test]
fn as_many_keys_as_it_was_built_for_have_their_own_quota() {
    const KEYS: u64 = 20_000;
    let (builder, _) = builder(&[each(3_600_000, 2)]);
    let limiters: RateLimiters<u64> = builder.max_keys(KEYS as usize).build().expect("sound");

    let exact = (0..KEYS).filter(|key| admitted(&limiters, *key) == 2).count() as u64;

    assert!(KEYS - exact <= KEYS / 1_000, "{} of {KEYS} had none", KEYS - exact);
}

#[test]
fn a_flood_of_keys_does_not_free_one_that_is_spent() {
    for policy in [WhenFull::Share, WhenFull::Refuse, WhenFull::Admit] {
        let (builder, hand) = builder(&[each(3_600_000, 5)]);
        let builder = builder.max_keys(100).when_full(policy);
        let limiters: RateLimiters<u64> = builder.build().expect("sound");
        assert_eq!(admitted(&limiters, u64::MAX), 5);

        for key in 0..10_000 {
            let _ = limiters.try_acquire(&key);
        }

        let refused = limiters.try_acquire(&u64::MAX).expect_err("it keeps its slot");
        assert_eq!(refused.retry_after(), Some(HOUR));
        hand.advance(5 * HOUR);
        assert_eq!(admitted(&limiters, u64::MAX), 5, "{policy:?}");
    }
}

/// So many keys that all slots are taken, and one that finds none; how many of the others were let in.
fn crowded(policy: WhenFull) -> (RateLimiters<u64>, ManualClock, usize) {
    let (builder, hand) = builder(&[each(3_600_000, 2)]);
    let builder = builder.max_keys(10).when_full(policy);
    let limiters: RateLimiters<u64> = builder.build().expect("sound");
    let admitted = (0..1_000).filter(|key| limiters.try_acquire(key).is_ok()).count();
    (limiters, hand, admitted)
}

const LATE: u64 = 1_000;

#[test]
fn who_finds_no_room_shares_one_quota() {
    let (limiters, hand, admitted) = crowded(WhenFull::Share);
    assert_eq!(admitted, limiters.len() + 2, "each of them one, and the crowd a burst");
    let refused = limiters.try_acquire(&LATE).expect_err("the crowd's is spent");
    assert_eq!((refused.bound(), refused.retry_after()), (None, Some(HOUR)));

    hand.advance(HOUR + Duration::from_nanos(1)); // who pays off the last of it now keeps his slot

    assert!(limiters.try_acquire_n(&LATE, 2).is_ok(), "there is room again, and its own quota");
}

#[test]
fn who_finds_no_room_is_refused_until_there_is_some() {
    let (limiters, hand, admitted) = crowded(WhenFull::Refuse);
    assert_eq!(admitted, limiters.len());

    let refused = limiters.try_acquire(&LATE).expect_err("there is no room");

    let wait = refused.retry_after().expect("there will be room");
    assert!(wait <= HOUR + Duration::from_nanos(1), "{wait:?}");
    hand.advance(wait);
    assert!(limiters.try_acquire(&LATE).is_ok());
}

#[test]
fn who_finds_no_room_is_let_in_and_not_counted() {
    let (limiters, _, admitted) = crowded(WhenFull::Admit);
    assert_eq!(admitted, 1_000);

    for _ in 0..100 {
        limiters.try_acquire(&LATE).expect("there is no room");
    }
    let refused = limiters.try_acquire_n(&LATE, 3).expect_err("more than the burst");
    assert_eq!(refused.bound(), Some(Bound::Weight));
}

#[test]
fn that_keys_are_crowded_is_told_once_a_flood() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let (builder, hand) = builder(&[each(60_000, 1)]);
    let builder = builder.max_keys(10).on_event(move |event| listener.lock().push(event.clone()));
    let limiters: RateLimiters<u64> = builder.build().expect("sound");
    let flood = || (0..1_000).for_each(|key| drop(limiters.try_acquire(&key)));

    flood();
    flood();
    {
        let told = told.lock();
        assert!(matches!(told[..], [ref event] if event.turn == Turn::KeysCrowded), "{told:?}");
        assert_eq!(told[0].name.as_str(), "keys");
    }
    hand.advance(HOUR);
    assert_eq!(limiters.snapshot().state, "open");
    flood();

    assert_eq!(told.lock().len(), 2);
}

#[test]
fn a_key_that_is_removed_begins_anew() {
    for (limiters, _) in both(each(100, 2)) {
        assert_eq!((admitted(&limiters, 1), admitted(&limiters, 2)), (2, 2));

        assert!(limiters.remove(&1));

        assert!(!limiters.remove(&3), "it never came");
        assert_eq!((admitted(&limiters, 1), admitted(&limiters, 2)), (2, 0));
    }
}

#[test]
fn a_quota_of_all_keys_can_change() {
    for (limiters, hand) in both(each(100, 4)) {
        limiters.try_acquire_n(&1, 2).expect("it is fresh");
        assert_eq!(admitted(&limiters, 2), 4);
        let mut quotas = limiters.config().quotas;
        quotas[0] = each(50, 2);

        limiters.set_quotas(quotas.clone()).expect("it can change");

        assert_eq!(limiters.config().quotas, quotas);
        assert_eq!(admitted(&limiters, 3), 2, "a new key's burst");
        limiters.try_acquire(&2).expect_err("who was spent is not freed by it");
        hand.advance(400 * MS);
        assert_eq!([1, 2, 3].map(|key| admitted(&limiters, key)), [2; 3]);
    }
}

#[test]
fn keys_stay_of_the_kind_that_they_were_built_as() {
    let window = each(100, 1).policy(Policy::FixedWindow);
    let [(table, _), (map, _)] = both(each(100, 1));
    let before = (table.config(), map.config());

    for quotas in [vec![window], vec![each(100, 1); 2], vec![]] {
        assert_eq!(table.set_quotas(quotas).expect_err("another kind").field(), "quotas");
    }
    for quotas in [vec![each(100, 1)], vec![]] {
        assert_eq!(map.set_quotas(quotas).expect_err("another kind").field(), "quotas");
    }
    map.set_quotas([window]).expect("any other");
    assert_eq!((table.config(), before.1.quotas.len()), (before.0, 2));
}

#[test]
fn of_several_quotas_a_key_gets_all_or_nothing() {
    let (builder, hand) = builder(&[each(100, 10), Quota::per_minute(15).expect("a quota")]);
    let limiters: RateLimiters<str> = builder.build().expect("sound");
    let admitted = |key| (0..).take_while(|_| limiters.try_acquire(key).is_ok()).count();

    assert_eq!(admitted("a"), 10);
    assert_eq!(limiters.standing("a").remaining, 0);
    hand.advance(SECOND);
    assert_eq!(admitted("a"), 5, "what the first refused took nothing of the second");
    assert_eq!(admitted("b"), 10);
}

#[test]
fn a_key_counts_by_a_window() {
    let (builder, hand) = builder(&[Quota::per_second(3).expect("one").policy(Policy::SlidingLog)]);
    let limiters: RateLimiters<u64> = builder.build().expect("sound");

    assert_eq!(admitted(&limiters, 1), 3);
    hand.advance(999 * MS);
    assert_eq!((admitted(&limiters, 1), admitted(&limiters, 2)), (0, 3));
    hand.advance(MS);
    assert_eq!((admitted(&limiters, 1), admitted(&limiters, 2)), (3, 0));
}

#[test]
fn turns_of_a_key_are_booked_one_after_another() {
    for (limiters, hand) in both(each(100, 1)) {
        let book = |key| limiters.reserve(&key, 1, HOUR).expect("its turn comes");
        let [first, second, third] = [(); 3].map(|()| book(1));
        let waits = [&first, &second, &third, &book(2)].map(|booked| booked.ready_in().as_millis());
        assert_eq!(waits, [0, 100, 200, 0]);
        assert_eq!(third.ready_at(), first.ready_at() + 200 * MS);
        first.commit();

        drop(third);
        assert_eq!(limiters.standing(&1).full, 200 * MS, "the last one's is taken back");
        let refused = limiters.reserve(&1, 1, 199 * MS).expect_err("its turn is later");
        assert_eq!((refused.bound(), refused.retry_after()), (Some(Bound::Wait), Some(200 * MS)));
        hand.advance(100 * MS);
        assert_eq!(second.ready_in(), Duration::ZERO);
        second.commit();
        limiters.try_acquire(&1).expect_err("it was used");
    }
}

#[test]
fn what_a_key_did_not_use_comes_back() {
    for (limiters, _) in both(each(100, 2)) {
        let booked =
            [(); 2].map(|()| limiters.reserve(&1, 1, Duration::ZERO).expect("it is fresh"));
        limiters.try_acquire(&1).expect_err("it is spent");

        booked.into_iter().for_each(drop);

        assert_eq!(admitted(&limiters, 1), 2);
    }
}

/// As for the limiter of one quota.
#[test]
fn what_a_key_gives_back_late_is_not_given_twice() {
    for (limiters, hand) in both(each(100, 2)) {
        let [first, second] =
            [(); 2].map(|()| limiters.reserve(&1, 1, Duration::ZERO).expect("it is fresh"));
        drop(first);
        hand.advance(100 * MS);
        limiters.try_acquire(&1).expect("all is paid off");
        hand.advance(50 * MS);

        drop(second);

        assert_eq!(admitted(&limiters, 1), 1, "three in 50 ms are more than 2 and 50/100");
    }
}

#[cfg(feature = "tokio")]
#[tokio::test(start_paused = true)]
async fn who_waits_for_a_key_waits_for_its_turn() {
    use tokio::time::Instant;

    for quotas in [&[each(100, 1)][..], &[each(100, 1), wide()]] {
        let builder = builder(quotas).0.clock(Clock::tokio()).max_wait(249 * MS);
        let limiters: RateLimiters<str> = builder.build().expect("sound");
        let began = Instant::now();
        for turn in [0, 100, 200] {
            limiters.acquire("a").await.expect("its turn comes");
            assert_eq!(began.elapsed(), turn * MS);
        }
        limiters.acquire("b").await.expect("it is fresh");
        assert_eq!(began.elapsed(), 200 * MS);

        tokio::time::timeout(50 * MS, limiters.acquire("a")).await.expect_err("its turn is later");
        assert_eq!(limiters.standing("a").full, 50 * MS, "its turn is given back");
        let booked = [(); 2].map(|()| limiters.reserve("a", 1, SECOND).expect("its turn comes"));
        let refused = limiters.acquire("a").await.expect_err("its turn is later");
        assert_eq!((refused.bound(), refused.retry_after()), (Some(Bound::Wait), Some(250 * MS)));
        drop(booked);
    }
}

#[test]
fn a_snapshot_tells_how_they_stand_together() {
    let registry = Registry::new();
    let [(table, _), (map, _)] = both(each(100, 2));
    table.register(&registry);
    map.register(&registry);
    for limiters in [&table, &map] {
        assert_eq!((limiters.name(), admitted(limiters, 1)), ("keys", 2));
        limiters.try_acquire(&2).expect("it is fresh");
    }

    let snapshots = registry.snapshots();
    for snapshot in &snapshots {
        assert_eq!((snapshot.pattern.as_ref(), snapshot.name.as_str()), ("rate_limiters", "keys"));
        assert_eq!((snapshot.gauges["keys"] as u32, snapshot.counters["rejected"]), (2, 1));
        assert_eq!(snapshot.limits["per_second.0"] as u32, 10);
        assert_eq!(snapshot.limits["burst.0"] as u32, 2);
    }
    assert_eq!(snapshots.len(), 2);
    assert_eq!(map.snapshot().state, "some_limiting");
    assert!(!format!("{table:?} {map:?}").contains("hash"), "keys are not shown");
    drop((table, map));
    assert!(registry.snapshots().is_empty());
}

#[test]
fn of_a_keys_burst_two_threads_get_each_cell_once() {
    for (limiters, _) in both(each(3_600_000, 100)) {
        let together = Arc::new(Barrier::new(2));
        let threads = [(); 2].map(|()| {
            let (limiters, together) = (limiters.clone(), Arc::clone(&together));
            thread::spawn(move || {
                together.wait();
                admitted(&limiters, 1)
            })
        });

        let admitted = threads.map(|thread| thread.join().expect("no panic"));

        assert_eq!(admitted.iter().sum::<u32>(), 100, "{admitted:?}");
    }
}

#[test]
fn a_thread_can_wait_for_the_turn_of_a_key() {
    let quota = Quota::per_second(1_000).and_then(|quota| quota.burst(1)).expect("a quota");
    let limiters: RateLimiters<u64> = RateLimiters::builder("threads")
        .quota(quota)
        .clock(Clock::system())
        .build()
        .expect("sound");
    let clock = Clock::system();

    let began = clock.now();
    (0..5).for_each(|_| limiters.acquire_blocking(&7).expect("there is time"));

    assert!(
        clock.now().since(began) >= Duration::from_millis(4),
        "each a millisecond after the last"
    );
}
