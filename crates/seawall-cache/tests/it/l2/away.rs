//! What happens while the second level is slow, failing, hung, empty, or does not tell: bounded, skipped, and
//! nothing that was invalidated comes back.

use super::*;

const GUTTER: Duration = Duration::from_secs(5);

/// It hangs: a load waits for the timeout, the first five; then it is left alone, but for one call a second.
#[tokio::test(start_paused = true)]
async fn while_it_hangs_a_load_waits_a_bounded_time_and_then_not_at_all() {
    let between = between();
    let (users, hand, turns) = instance(&between).await;
    hand.set(Fault::Hangs);

    let mut waited = Vec::new();
    for key in 0..7 {
        let began = Instant::now();
        assert_eq!(loads(&users, key, key).await, key);
        waited.push(began.elapsed());
    }

    assert_eq!(waited[..5], [millis(100); 5]);
    assert_eq!(waited[5..], [Duration::ZERO; 2]);
    assert!(has(&turns, Turn::L2TimedOut) && has(&turns, Turn::L2Away));
    assert_eq!((count(&users, "l2_timed_out"), count(&users, "l2_skipped")), (5, 2));

    hand.set(Fault::None);
    sleep(millis(1_001)).await;
    assert_eq!(loads(&users, 8, 8).await, 8);
    assert!(has(&turns, Turn::L2Back));
    assert_eq!((count(&users, "l2_skipped"), gauge(&users, "l2_away")), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn while_it_fails_no_reader_knows() {
    let between = between();
    let (users, hand, turns) = instance(&between).await;
    let before = hand.calls();
    hand.set(Fault::Fails);

    for key in 0..20 {
        assert_eq!(loads(&users, key, key).await, key);
    }

    let after = hand.calls();
    assert_eq!(after.2 - before.2, 5, "then it is left alone");
    assert!(has(&turns, Turn::L2Failed));
    assert_eq!(count(&users, "l2_failed"), 5);
}

#[tokio::test(start_paused = true)]
async fn what_is_slower_than_the_timeout_is_not_waited_for() {
    let between = between();
    let (users, hand, _) = instance(&between).await;
    hand.set(Fault::Slow(millis(99)));
    let began = Instant::now();
    assert_eq!(loads(&users, 7, 1).await, 1);
    assert_eq!(began.elapsed(), millis(2 * 99), "a look and a fill");

    hand.set(Fault::Slow(millis(101)));
    let began = Instant::now();
    assert_eq!(loads(&users, 8, 1).await, 1);
    assert_eq!(began.elapsed(), millis(100), "a look; without a lease nothing is filled");
}

/// The soft timeout holds for the look too, and for the first of them.
#[tokio::test(start_paused = true)]
async fn a_stale_value_is_answered_in_its_time_though_the_second_level_hangs() {
    let between = between();
    let soft = builder().stale_if_error(TTL).soft_timeout(millis(20)).l2_timeout(millis(500));
    let (users, hand, _) = instance_of(soft, &between).await;
    assert_eq!(loads(&users, 7, 1).await, 1);
    sleep(TTL + millis(1)).await;
    hand.set(Fault::Hangs);

    let began = Instant::now();
    assert_eq!(loads(&users, 7, 2).await, 1);

    assert_eq!(began.elapsed(), millis(20));
    sleep(millis(500)).await;
    assert_eq!(users.get(&7), Some(2), "the load went on without it");
}

#[tokio::test(start_paused = true)]
async fn what_is_loaded_without_it_is_fresh_for_the_gutter_time() {
    let between = between();
    let (users, hand, _) = instance(&between).await;
    hand.set(Fault::Fails);
    assert_eq!(loads(&users, 7, 1).await, 1);
    hand.set(Fault::None);

    sleep(GUTTER - millis(1)).await;
    assert_eq!(users.get(&7), Some(1));
    sleep(millis(1)).await;
    assert_eq!(users.get(&7), None);
}

/// While it is away somebody writes; it comes back with the old value, and with what this instance owes it.
#[tokio::test(start_paused = true)]
async fn what_was_invalidated_while_it_was_away_does_not_come_back_with_it() {
    for fault in [Fault::Fails, Fault::Hangs, Fault::LosesReply] {
        let between = between();
        let (one, hand, turns) = instance(&between).await;
        let (other, ..) = instance(&between).await;
        assert_eq!((loads(&one, 7, 1).await, loads(&other, 7, 0).await), (1, 1));

        hand.set(fault);
        let error = one.invalidate(&7).await.unwrap_err();
        assert!(error.to_string().starts_with("the second level does not know yet"));
        assert!(has(&turns, Turn::NotShared));
        assert_eq!(gauge(&one, "l2_owed"), 1);
        hand.set(Fault::None);
        assert_eq!(loads(&one, 7, 2).await, 2, "it is not asked for what it may have of before");
        assert_eq!(count(&one, "l2_bypassed"), 1);

        sleep(millis(4_500)).await;
        assert!(has(&turns, Turn::Shared), "{fault:?}");
        assert_eq!(gauge(&one, "l2_owed"), 0);
        assert_eq!(other.get(&7), None, "it was told");
        assert_eq!(loads(&other, 7, 3).await, 3, "and what was there has ended");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tag_or_everything_that_was_invalidated_while_it_was_away_does_not_come_back() {
    type Ends = fn(&Users) -> std::pin::Pin<Box<dyn Future<Output = bool> + '_>>;
    let endings: [Ends; 2] = [
        |users| Box::pin(async { users.invalidate_tag("team").await.is_err() }),
        |users| Box::pin(async { users.clear().await.is_err() }),
    ];
    for ends in endings {
        let between = between();
        let (users, hand, turns) = instance(&between).await;
        let tagged = |value| move || ready(Ok::<_, io::Error>(Loaded::new(value).tags(["team"])));
        assert_eq!(users.get_or_load(&7, tagged(1)).await.unwrap(), 1);

        hand.set(Fault::Fails);
        assert!(ends(&users).await);
        hand.set(Fault::None);
        assert_eq!(users.get_or_load(&7, tagged(2)).await.unwrap(), 2);
        assert_eq!(count(&users, "l2_bypassed"), 1);

        sleep(millis(500)).await;
        assert!(has(&turns, Turn::Shared));
        users.invalidate(&7).await.unwrap();
        assert_eq!(users.get_or_load(&7, tagged(3)).await.unwrap(), 3);
        assert_eq!(count(&users, "l2_bypassed"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_invalidation_that_nobody_waits_for_is_made_all_the_same() {
    let between = between();
    let ((one, hand, _), (other, ..)) = (instance(&between).await, instance(&between).await);
    assert_eq!((loads(&one, 7, 1).await, loads(&other, 7, 0).await), (1, 1));
    assert_eq!((loads(&one, 8, 1).await, loads(&other, 8, 0).await), (1, 1));

    drop(one.invalidate(&7));
    hand.set(Fault::Slow(millis(50)));
    let gone = tokio::time::timeout(millis(10), one.invalidate(&8));
    assert!(gone.await.is_err());
    hand.set(Fault::None);
    assert_eq!((one.get(&7), one.get(&8)), (None, None));
    assert_eq!(loads(&one, 7, 2).await, 2, "it is not asked meanwhile");

    sleep(millis(300)).await;
    assert_eq!((other.get(&7), other.get(&8)), (None, None));
}

#[tokio::test(start_paused = true)]
async fn a_write_through_that_could_not_be_told_is_told_later() {
    let between = between();
    let ((one, hand, turns), (other, ..)) = (instance(&between).await, instance(&between).await);
    assert_eq!((loads(&one, 7, 1).await, loads(&other, 7, 0).await), (1, 1));

    hand.set(Fault::Fails);
    one.write_through(7, 2, || ready(Ok::<_, ()>(()))).await.unwrap();
    assert_eq!(one.get(&7), Some(2));
    assert!(has(&turns, Turn::NotShared));
    hand.set(Fault::None);
    sleep(millis(300)).await;
    assert_eq!(other.get(&7), None);

    let dropped = one.write_through(7, 3, std::future::pending::<Result<(), ()>>);
    assert!(tokio::time::timeout(millis(1), dropped).await.is_err());
    assert_eq!(gauge(&one, "l2_owed"), 1, "nobody knows what of it has happened");
}

/// However long it is away, what is owed has a bound: then everything is owed.
#[tokio::test(start_paused = true)]
async fn what_is_owed_is_bounded() {
    let between = between();
    let ((one, hand, turns), (other, ..)) = (instance(&between).await, instance(&between).await);
    assert_eq!((loads(&one, 20_000, 1).await, loads(&other, 20_000, 0).await), (1, 1));
    hand.set(Fault::Fails);
    for key in 0..10_001 {
        assert!(one.invalidate(&key).await.is_err());
    }
    assert_eq!(gauge(&one, "l2_owed"), 1);

    hand.set(Fault::None);
    sleep(millis(4_100)).await;

    assert!(has(&turns, Turn::Shared));
    assert_eq!(other.get(&20_000), None, "too much is ended, never too little");
}

#[tokio::test(start_paused = true)]
async fn what_comes_back_empty_is_filled_anew() {
    let between = between();
    let ((one, ..), (other, ..)) = (instance(&between).await, instance(&between).await);
    assert_eq!((loads(&one, 7, 1).await, loads(&other, 7, 0).await), (1, 1));
    let slow = one.get_or_load(&8, || async {
        sleep(millis(50)).await;
        Ok(1)
    });
    let flush = async {
        sleep(millis(10)).await;
        between.flush();
    };

    let (slow, ()) = tokio::join!(slow, flush);

    assert_eq!(slow.unwrap(), 1);
    assert_eq!((one.get(&7), other.get(&7), one.get(&8)), (None, None, None));
    assert_eq!((loads(&one, 7, 2).await, loads(&other, 7, 0).await), (2, 2));
}

/// From when nothing is heard, what is kept is fresh for the gutter time; when all is heard again, it is nothing.
#[tokio::test(start_paused = true)]
async fn a_gap_clamps_what_is_kept() {
    let between = between();
    let stale = || builder().stale_if_error(TTL);
    let (users, hand, turns) = instance_of(stale(), &between).await;
    let (other, ..) = instance_of(stale(), &between).await;
    assert_eq!((loads(&users, 7, 1).await, loads(&users, 8, 1).await), (1, 1));

    hand.deafen();
    assert!(has(&turns, Turn::Deaf));
    assert_eq!(gauge(&users, "l2_listening"), 0);
    other.invalidate(&7).await.unwrap();
    sleep(GUTTER - millis(1)).await;
    assert_eq!(users.get(&7), Some(1), "it may be old for that long");
    sleep(millis(1)).await;
    assert_eq!(users.get(&7), None);
    assert_eq!(loads(&users, 7, 2).await, 2);
    sleep(GUTTER).await;
    assert_eq!(users.get(&7), None, "what is loaded meanwhile is fresh for no longer");
    let failing = || ready(Err::<u32, _>(io::ErrorKind::Other.into()));
    other.clear().await.unwrap();
    assert_eq!(users.get_or_load(&7, failing).await.unwrap(), 2, "and is there in error");

    hand.listen();
    assert_eq!((users.get(&7), users.get(&8)), (None, None));
    assert!(users.get_or_load(&8, failing).await.is_err(), "it may have been invalidated");
    assert_eq!(loads(&users, 7, 3).await, 3);
    sleep(GUTTER).await;
    assert_eq!(users.get(&7), Some(3), "as long as ever");
    assert_eq!(count(&users, "l2_gaps"), 1);

    hand.deafen();
    assert_eq!((users.get(&7), users.get(&8)), (Some(3), None), "what is from before the last gap");
}

/// The instance learns of it when it is over.
#[tokio::test(start_paused = true)]
async fn a_gap_that_nobody_saw_ends_what_is_kept() {
    let between = between();
    let ((users, hand, _), (other, ..)) = (instance(&between).await, instance(&between).await);
    assert_eq!(loads(&users, 7, 1).await, 1);

    hand.mute();
    other.invalidate(&7).await.unwrap();
    sleep(millis(1)).await;
    assert_eq!(users.get(&7), Some(1));
    hand.listen();

    assert_eq!(users.get(&7), None);
    assert_eq!(loads(&users, 7, 2).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_load_from_before_a_gap_is_not_kept_after_it() {
    let between = between();
    let ((users, hand, _), (other, ..)) = (instance(&between).await, instance(&between).await);
    let early = users.get_or_load(&7, || async {
        sleep(millis(50)).await;
        Ok(1)
    });
    let gap = async {
        sleep(millis(10)).await;
        hand.deafen();
        other.invalidate(&7).await.unwrap();
        hand.listen();
        sleep(millis(10)).await;
        assert_eq!(loads(&users, 7, 2).await, 2, "who comes after it does not join the load");
    };

    let (early, ()) = tokio::join!(early, gap);

    assert_eq!(early.unwrap(), 1);
    assert_eq!(users.get(&7), Some(2));
}

/// A store that tells nothing: an instance trusts what it has kept for the gutter time.
#[tokio::test(start_paused = true)]
async fn an_instance_that_never_hears_keeps_nothing_for_long() {
    struct Mute(Memory<u32, u32>);
    impl seawall_cache::l2::L2<u32, u32> for Mute {
        type Error = std::convert::Infallible;

        async fn look(
            &self,
            keys: &[u32],
            ask: seawall_cache::l2::Ask,
        ) -> Result<Vec<seawall_cache::l2::Look<u32>>, Self::Error> {
            self.0.look(keys, ask).await
        }

        async fn fill(
            &self,
            fills: &[seawall_cache::l2::Fill<u32, u32>],
        ) -> Result<Vec<bool>, Self::Error> {
            self.0.fill(fills).await
        }

        async fn invalidate(&self, keys: &[u32]) -> Result<(), Self::Error> {
            self.0.invalidate(keys).await
        }

        async fn invalidate_tags(
            &self,
            tags: &[seawall_cache::l2::Tag],
        ) -> Result<(), Self::Error> {
            self.0.invalidate_tags(tags).await
        }

        async fn clear(&self) -> Result<(), Self::Error> {
            self.0.clear().await
        }
    }
    let between = between();
    let users = builder().l2(Mute(between.instance())).build().unwrap();
    let (other, ..) = instance(&between).await;
    assert_eq!(loads(&users, 7, 1).await, 1);

    other.invalidate(&7).await.unwrap();
    assert_eq!(loads(&other, 7, 2).await, 2);
    sleep(GUTTER).await;

    assert_eq!(loads(&users, 7, 3).await, 2);
}

/// The runtime that ran its tasks is gone: it hears nothing, and what it owes is told by the next one.
#[test]
fn what_a_runtime_takes_with_it_is_done_by_the_next() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().unwrap()
    };
    // Time goes on from one runtime to the next.
    let between = Memory::with_clock(LEASE, Clock::system());
    let (users, other) = runtime().block_on(async {
        let (users, ..) = instance_of(builder().clock(Clock::system()), &between).await;
        let (other, ..) = instance_of(builder().clock(Clock::system()), &between).await;
        assert_eq!((loads(&users, 7, 1).await, loads(&other, 7, 0).await), (1, 1));
        drop(users.invalidate(&7)); // for a task, which comes no further
        (users, other)
    });
    assert_eq!(gauge(&users, "l2_listening"), 0);
    drop(users.invalidate(&6));
    assert_eq!(gauge(&users, "l2_owed"), 2);

    runtime().block_on(async {
        assert_eq!(loads(&other, 8, 1).await, 1);
        sleep(millis(1)).await;
        assert_eq!(gauge(&other, "l2_listening"), 1);
        assert_eq!(other.get(&7), None, "there was a gap");

        assert_eq!(loads(&users, 8, 2).await, 1);
        sleep(millis(300)).await;
        assert_eq!(gauge(&users, "l2_owed"), 0);
        assert_eq!(loads(&other, 7, 2).await, 2);
    });
}
