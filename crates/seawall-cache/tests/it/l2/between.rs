//! What instances share while nothing goes wrong.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_one_instance_loads_the_other_finds() {
    let between = between();
    let ((one, ..), (other, ..)) = (instance(&between).await, instance(&between).await);

    assert_eq!(loads(&one, 7, 1).await, 1);

    assert_eq!(loads(&other, 7, 2).await, 1);
    assert_eq!(other.get(&7), Some(1), "it is kept there too");
    assert_eq!((count(&one, "l2_fills"), count(&other, "l2_hits")), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn of_two_instances_that_miss_a_key_one_loads() {
    let between = between();
    let ((one, ..), (other, ..)) = (instance(&between).await, instance(&between).await);
    let load = |value| {
        move || async move {
            sleep(millis(50)).await;
            Ok::<_, io::Error>(value)
        }
    };

    let (first, second) =
        tokio::join!(one.get_or_load(&7, load(1)), other.get_or_load(&7, load(2)));

    assert_eq!((first.unwrap(), second.unwrap()), (1, 1));
    assert_eq!(count(&other, "l2_busy"), 4, "after 0, 5, 15, 35 ms");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_another_instance_waits_a_bounded_time() {
    let between = between();
    let ((one, ..), (other, ..)) = (instance(&between).await, instance(&between).await);
    let slow = one.get_or_load(&7, || async {
        sleep(millis(1_000)).await;
        Ok(1)
    });

    let began = Instant::now();
    let waits = async {
        tokio::task::yield_now().await;
        (loads(&other, 7, 2).await, began.elapsed())
    };
    let (slow, (value, waited)) = tokio::join!(slow, waits);

    assert_eq!((slow.unwrap(), value, waited), (1, 2, millis(200)));
    assert_eq!(other.get(&7), Some(2), "it keeps what it loaded, for itself");
}

#[tokio::test(start_paused = true)]
async fn a_load_that_fails_or_is_dropped_gives_its_lease_back() {
    let between = between();
    let ((one, ..), (other, ..)) = (instance(&between).await, instance(&between).await);

    let failed = one.get_or_load(&7, || ready(Err::<u32, _>(io::ErrorKind::Other.into()))).await;
    assert!(failed.is_err());
    let dropped = one.get_or_load(&8, std::future::pending::<Result<u32, _>>);
    assert!(tokio::time::timeout(millis(10), dropped).await.is_err());
    sleep(millis(1)).await; // a task gives it back

    let began = Instant::now();
    assert_eq!((loads(&other, 7, 2).await, loads(&other, 8, 3).await), (2, 3));
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_invalidation_ends_what_the_others_have() {
    let between = between();
    let ((one, ..), (other, ..)) = (instance(&between).await, instance(&between).await);
    for key in [1, 2, 3] {
        let tagged =
            move || ready(Ok::<_, io::Error>(Loaded::new(key).tags([format!("of {key}")])));
        assert_eq!(one.get_or_load(&key, tagged).await.unwrap(), key);
        assert_eq!(loads(&other, key, 0).await, key);
    }

    assert!(one.invalidate(&1).await.unwrap());
    one.invalidate_tag("of 2").await.unwrap();
    sleep(millis(1)).await; // they hear of it

    assert_eq!([other.get(&1), other.get(&2), other.get(&3)], [None, None, Some(3)]);
    assert_eq!((loads(&other, 1, 10).await, loads(&other, 2, 20).await), (10, 20));

    one.clear().await.unwrap();
    sleep(millis(1)).await;
    assert_eq!([other.get(&1), other.get(&2), other.get(&3)], [None, None, None]);
    assert_eq!(loads(&other, 3, 30).await, 30);
}

/// Between the two: a reader finds in the second level what is about to be ended there, and keeps it.
///
/// Caught when broken: without the second time, the reader's copy stays.
#[tokio::test(start_paused = true)]
async fn what_was_read_from_the_second_level_meanwhile_is_ended_too() {
    type Ends = fn(&Users) -> std::pin::Pin<Box<dyn Future<Output = bool> + '_>>;
    let endings: [Ends; 3] = [
        |users| Box::pin(async { users.invalidate(&7).await.is_ok() }),
        |users| Box::pin(async { users.invalidate_tag("team").await.is_ok() }),
        |users| Box::pin(async { users.clear().await.is_ok() }),
    ];
    for (number, ends) in endings.into_iter().enumerate() {
        let between = between();
        let (users, hand, _) = instance(&between).await;
        let tagged = || ready(Ok::<_, io::Error>(Loaded::new(1).tags(["team"])));
        assert_eq!(users.get_or_load(&7, tagged).await.unwrap(), 1);
        hand.set(Fault::Slow(millis(50)));
        let reads = async {
            sleep(millis(10)).await;
            hand.set(Fault::None); // what was called goes on to be slow
            assert_eq!(loads(&users, 7, 2).await, 1, "the two overlap");
            assert_eq!(users.get(&7), Some(1));
        };

        let (ended, ()) = tokio::join!(ends(&users), reads); // here at once; there in 50 ms

        assert!(ended);
        assert_eq!(users.get(&7), None, "ending {number}");
        assert_eq!(loads(&users, 7, 2).await, 2);
    }
}

/// The same for a value that is put in, where a reader leads the key's flight already.
#[tokio::test(start_paused = true)]
async fn what_was_read_from_the_second_level_before_an_insert_is_ended_too() {
    let between = between();
    let (users, hand, _) = instance(&between).await;
    assert_eq!(loads(&users, 7, 1).await, 1);

    let insert = users.insert(7, 2);
    hand.set(Fault::Slow(millis(20)));
    let insert = async {
        hand.set(Fault::Slow(millis(50)));
        insert.await.unwrap();
    };
    let (read, ()) = tokio::join!(loads(&users, 7, 3), insert);

    assert_eq!((read, users.get(&7)), (1, None), "and nothing is kept of either");
}

/// Elsewhere a load read the old value; then somebody wrote, and invalidated here.
#[tokio::test(start_paused = true)]
async fn the_late_set_race_is_closed_between_instances() {
    let between = between();
    let ((one, ..), (other, ..)) = (instance(&between).await, instance(&between).await);
    let early = other.get_or_load(&7, || async {
        sleep(millis(50)).await;
        Ok(1) // what it read at first
    });
    let ends = async {
        sleep(millis(10)).await;
        one.invalidate(&7).await.unwrap();
    };

    let (early, ()) = tokio::join!(early, ends);

    assert_eq!(early.unwrap(), 1, "the two overlap");
    assert_eq!(count(&other, "l2_fills_refused"), 1);
    assert_eq!(loads(&other, 7, 2).await, 2);
    assert_eq!(loads(&one, 7, 3).await, 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_put_in_is_there_for_all() {
    let between = between();
    let ((one, ..), (other, ..)) = (instance(&between).await, instance(&between).await);
    assert_eq!((loads(&one, 7, 1).await, loads(&other, 7, 0).await), (1, 1));

    one.insert_many([(7, 9), (8, 3), (7, 2)]).await.unwrap();
    sleep(millis(1)).await;

    assert_eq!((one.get(&7), other.get(&7)), (Some(2), None));
    assert_eq!((loads(&other, 7, 0).await, loads(&other, 8, 0).await), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn what_is_put_in_is_fresh_from_the_call_for_all() {
    let between = between();
    let ((one, hand, _), (other, ..)) = (instance(&between).await, instance(&between).await);
    let began = Instant::now();
    hand.set(Fault::Slow(millis(40)));
    one.insert(7, 1).await.unwrap();
    assert_eq!(began.elapsed(), millis(3 * 40), "ended, asked, filled");

    tokio::time::sleep_until(began + TTL - millis(100)).await;
    assert_eq!(loads(&other, 7, 2).await, 1);
    tokio::time::sleep_until(began + TTL).await;
    assert_eq!((one.get(&7), other.get(&7)), (None, None));
    assert_eq!(loads(&other, 7, 2).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_write_through_and_an_update_end_what_the_others_have() {
    let between = between();
    let ((one, ..), (other, ..)) = (instance(&between).await, instance(&between).await);
    assert_eq!((loads(&one, 7, 1).await, loads(&other, 7, 0).await), (1, 1));

    one.write_through(7, 2, || ready(Ok::<_, ()>(()))).await.unwrap();
    sleep(millis(1)).await;
    assert_eq!((one.get(&7), other.get(&7)), (Some(2), None));
    assert_eq!(loads(&other, 7, 2).await, 2);

    assert!(one.update(&7, |value| value + 1).await.unwrap());
    sleep(millis(1)).await;
    assert_eq!((one.get(&7), other.get(&7)), (Some(3), None));

    assert_eq!(loads(&other, 7, 3).await, 3);
    one.write_through(7, 4, || ready(Err::<(), _>(()))).await.unwrap_err();
    sleep(millis(1)).await;
    assert_eq!((one.get(&7), other.get(&7)), (None, None), "it may have happened");
}

#[tokio::test(start_paused = true)]
async fn a_bulk_get_looks_once_and_fills_once() {
    let between = between();
    let ((one, hand, _), (other, ..)) = (instance(&between).await, instance(&between).await);
    assert_eq!(loads(&other, 1, 1).await, 1);
    let before = hand.calls();

    let all = one
        .get_or_load_many([1, 2, 3], |keys| {
            assert_eq!(keys, [2, 3], "the first is in the second level");
            ready(Ok::<_, io::Error>([(2, 2)]))
        })
        .await;

    assert_eq!(all.into_iter().map(Result::ok).collect::<Vec<_>>(), [Some(1), Some(2), None]);
    let after = hand.calls();
    assert_eq!((after.0 - before.0, after.1 - before.1), (1, 1));
    assert_eq!(loads(&other, 2, 0).await, 2);
}

/// Two instances that each have a lease that the other waits for must not wait for each other.
#[tokio::test(start_paused = true)]
async fn two_bulk_gets_that_overlap_load_each_key_once() {
    let between = between();
    let ((one, ..), (other, ..)) = (instance(&between).await, instance(&between).await);
    let loaded = AtomicU32::new(0);
    let load = |keys: Vec<u32>| {
        loaded.fetch_add(u32::try_from(keys.len()).unwrap(), Relaxed);
        async {
            sleep(millis(20)).await;
            Ok::<_, io::Error>(keys.into_iter().map(|key| (key, key)))
        }
    };
    // Each has the other's first key as its last.
    let (lease_one, lease_other) = (one.get_or_load_many([1, 2], load), async {
        other.get_or_load_many([2, 3, 1], load).await
    });

    let began = Instant::now();
    let (first, second) = tokio::join!(lease_one, lease_other);

    assert!(first.into_iter().chain(second).all(|answer| answer.is_ok()));
    assert_eq!(loaded.load(Relaxed), 3);
    assert!(began.elapsed() < millis(100));
}

#[tokio::test(start_paused = true)]
async fn that_there_is_no_value_is_shared_too() {
    let between = between();
    let negative = || builder().negative_ttl(millis(500));
    let (one, ..) = instance_of(negative(), &between).await;
    let (other, ..) = instance_of(negative(), &between).await;

    assert!(one.get_or_load(&7, || ready(Ok::<Option<u32>, _>(None))).await.is_err());

    assert!(other.get_or_load(&7, || ready(Ok::<_, io::Error>(1))).await.is_err());
    sleep(millis(501)).await;
    assert_eq!(loads(&other, 7, 1).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_life_is_as_long_in_the_other_instance() {
    let between = between();
    let ((one, ..), (other, ..)) = (instance(&between).await, instance(&between).await);
    assert_eq!(loads(&one, 7, 1).await, 1);
    sleep(TTL - millis(10)).await;
    assert_eq!(loads(&other, 7, 2).await, 1);

    sleep(millis(11)).await;

    assert_eq!(other.get(&7), None, "it does not begin anew");
    assert_eq!(loads(&other, 7, 2).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_stale_value_of_another_instance_is_answered_at_once_and_renewed_by_one() {
    let between = between();
    let stale = || builder().stale_while_revalidate(TTL);
    let (one, ..) = instance_of(stale(), &between).await;
    let (other, ..) = instance_of(stale(), &between).await;
    let (third, hand, _) = instance_of(stale(), &between).await;
    assert_eq!(loads(&one, 7, 1).await, 1);
    sleep(TTL + millis(1)).await;
    let slow = || async {
        sleep(millis(50)).await;
        Ok::<_, io::Error>(2)
    };

    let began = Instant::now();
    assert_eq!(other.get_or_load(&7, slow).await.unwrap(), 1);
    assert_eq!(third.get_or_load(&7, slow).await.unwrap(), 1);
    let looks = hand.calls().0;
    assert_eq!(third.get_or_load(&7, slow).await.unwrap(), 1);
    assert_eq!(began.elapsed(), Duration::ZERO);
    sleep(millis(1)).await; // a task would look by now
    assert_eq!(hand.calls().0, looks, "it rests, while another instance loads");
    sleep(millis(300)).await;

    assert_eq!(other.get(&7), Some(2), "a task of it loaded anew");
    assert_eq!(count(&third, "loads"), count(&other, "loads") - 1, "the third did not");
    assert_eq!(loads(&third, 7, 3).await, 1);
    sleep(millis(1)).await;
    assert_eq!(third.get(&7), Some(2), "and asked again");
}

#[tokio::test(start_paused = true)]
async fn a_value_past_its_end_in_the_second_level_is_answered_if_the_load_fails() {
    let between = between();
    let spare = || builder().stale_if_error(TTL);
    let (one, ..) = instance_of(spare(), &between).await;
    let (other, ..) = instance_of(spare(), &between).await;
    assert_eq!(loads(&one, 7, 1).await, 1);
    sleep(TTL + millis(1)).await;

    let failing = || ready(Err::<u32, _>(io::ErrorKind::Other.into()));
    assert_eq!(other.get_or_load(&7, failing).await.unwrap(), 1);

    one.invalidate(&7).await.unwrap();
    sleep(millis(1)).await;
    assert!(other.get_or_load(&7, failing).await.is_err(), "what was invalidated is not");
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_for_the_case_of_an_error_ends_with_an_invalidation() {
    let between = between();
    let spare = || builder().stale_if_error(TTL);
    let (one, ..) = instance_of(spare(), &between).await;
    let (users, hand, _) = instance_of(spare(), &between).await;
    assert_eq!(loads(&one, 7, 1).await, 1);
    sleep(TTL + millis(1)).await;
    let failing = || ready(Err::<u32, _>(io::ErrorKind::Other.into()));

    hand.set(Fault::SlowReply(millis(20)));
    let ends = async {
        sleep(millis(10)).await;
        hand.set(Fault::None);
        users.invalidate(&7).await.unwrap();
    };
    let (read, _) = tokio::join!(users.get_or_load(&7, failing), ends);

    assert!(read.is_err(), "it came too late to be kept");
    assert!(users.get_or_load(&7, failing).await.is_err());
}

/// The answer of the second level is on its way, while another instance invalidates.
#[tokio::test(start_paused = true)]
async fn what_was_found_before_an_invalidation_elsewhere_is_not_kept() {
    for tag in [false, true] {
        let between = between();
        let ((users, hand, _), (other, ..)) = (instance(&between).await, instance(&between).await);
        let tagged = || ready(Ok::<_, io::Error>(Loaded::new(1).tags(["team"])));
        assert_eq!(other.get_or_load(&7, tagged).await.unwrap(), 1);

        hand.set(Fault::SlowReply(millis(20)));
        let ends = async {
            sleep(millis(10)).await;
            hand.set(Fault::None);
            match tag {
                true => other.invalidate_tag("team").await.unwrap(),
                false => assert!(other.invalidate(&7).await.unwrap()),
            }
        };
        let (read, ()) = tokio::join!(loads(&users, 7, 2), ends);

        assert_eq!((read, users.get(&7)), (1, None), "the two overlap");
        assert_eq!(loads(&users, 7, 2).await, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_early_is_renewed_though_the_second_level_has_it_fresh() {
    let between = between();
    let early = || builder().early_refresh(100.0);
    let (one, ..) = instance_of(early(), &between).await;
    let (other, ..) = instance_of(early(), &between).await;
    let load = |value| {
        move || async move {
            sleep(millis(1_000)).await;
            Ok::<_, io::Error>(value)
        }
    };
    assert_eq!(one.get_or_load(&7, load(1)).await.unwrap(), 1);
    assert_eq!(loads(&other, 7, 0).await, 1);

    sleep(TTL - millis(5_000)).await; // the chance is near 1
    assert_eq!(other.get_or_load(&7, load(2)).await.unwrap(), 1);
    sleep(millis(1_001)).await;

    assert_eq!(other.get(&7), Some(2));
    assert_eq!(one.get(&7), Some(1), "it has its own still");
    assert_eq!(one.get_or_load(&7, load(3)).await.unwrap(), 1, "and finds what was renewed");
    sleep(millis(1)).await;
    assert_eq!(one.get(&7), Some(2));
}

#[tokio::test(start_paused = true)]
async fn the_task_that_listens_ends_with_the_cache() {
    let between = between();
    let (users, ..) = instance(&between).await;
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let with = tasks();

    drop(users);
    sleep(millis(1)).await;

    assert_eq!(tasks(), with - 1);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_hit_allocates_nothing_with_a_second_level_too() {
    let between = between();
    let (users, ..) = instance(&between).await;
    assert_eq!(loads(&users, 7, 1).await, 1);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());

    let (polled, count) = seawall_test::allocations(|| {
        std::pin::pin!(users.get_or_load(&7, || ready(Ok(2))))
            .poll(&mut context)
            .map(Result::unwrap)
    });

    assert_eq!((polled, count), (std::task::Poll::Ready(1), 0));
}

#[tokio::test(start_paused = true)]
async fn a_bulk_get_renews_behind_its_answer_for_all() {
    let between = between();
    let stale = || builder().stale_while_revalidate(TTL);
    let (one, ..) = instance_of(stale(), &between).await;
    let (other, ..) = instance_of(stale(), &between).await;
    for users in [&one, &other] {
        assert_eq!((loads(users, 1, 1).await, loads(users, 2, 1).await), (1, 1));
    }
    sleep(TTL + millis(1)).await;
    let load = |keys: Vec<u32>| ready(Ok::<_, io::Error>(keys.into_iter().map(|key| (key, 2))));

    for users in [&one, &other] {
        let answers = users.get_or_load_many([1, 2], load).await;
        assert!(answers.into_iter().all(|answer| answer.unwrap() == 1), "at once");
        sleep(millis(1)).await;
        assert_eq!((users.get(&1), users.get(&2)), (Some(2), Some(2)));
    }

    assert_eq!((count(&one, "loads"), count(&other, "loads")), (4, 1), "one batch, by the first");
}

#[tokio::test(start_paused = true)]
async fn a_write_behind_ends_what_the_others_have() {
    struct Takes;
    impl seawall_cache::WriteQueue<u32, u32> for Takes {
        fn offer(&self, _: &u32, _: Option<&u32>) -> Result<(), seawall_cache::Rejection> {
            Ok(())
        }
    }
    let between = between();
    let ((one, ..), (other, ..)) = (instance(&between).await, instance(&between).await);
    assert_eq!((loads(&one, 7, 1).await, loads(&other, 7, 0).await), (1, 1));

    one.write_behind(7, 2, &Takes).unwrap();
    sleep(millis(300)).await;

    assert_eq!((one.get(&7), other.get(&7)), (Some(2), None));
}
