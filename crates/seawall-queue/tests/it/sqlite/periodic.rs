//! Periodic jobs of several processes on one file.

use std::{path::Path, time::Duration};

use seawall_core::{Clock, Nanos};
use seawall_queue::{Queue, job::Verdict, storage::Claim};

use super::{LEASE, block, directory};

const HOUR: Duration = Duration::from_secs(3_600);

/// A process that begins: it opens the file, and says the schedule.
async fn begin(directory: &Path, clock: &Clock) -> Queue<u64> {
    let queue = Queue::sqlite(directory.join("jobs.db")).clock(clock.clone()).open();
    let queue = queue.await.unwrap();
    let every = queue.every_with(HOUR, |fire| fire.at.0).name("hourly").late(HOUR / 2);
    every.clock(clock.clone()).await.unwrap();
    queue
}

async fn do_all(queue: &Queue<u64>) -> Vec<u64> {
    let mut done = Vec::new();
    for job in queue.claim(Claim::new(10, LEASE)).await.unwrap() {
        done.push(Nanos(job.payload).as_duration().as_secs() / 3_600);
        queue.settle_one(job.lease, Verdict::DONE).await.unwrap();
    }
    queue.promote(100).await.unwrap();
    done
}

#[test]
fn a_fire_is_pushed_once_by_the_processes_on_a_file_and_by_those_that_come_after() {
    block(async {
        let (directory, (clock, hand)) = (directory(), Clock::manual());
        let first = begin(directory.path(), &clock).await;
        let second = begin(directory.path(), &clock).await;
        for hour in 1..=3 {
            let pushed = (second.fire().await.pushed, first.fire().await.pushed);
            assert_eq!(pushed, (1, 0));
            assert_eq!(do_all(&first).await, [hour]);
            assert_eq!(second.fire().await.pushed, 0, "it is done, and known");
            hand.advance(HOUR);
        }

        drop((first, second));
        hand.advance(HOUR / 3);
        let third = begin(directory.path(), &clock).await;
        assert_eq!(third.fire().await.pushed, 1, "late, but in time");
        drop(third);
        let fourth = begin(directory.path(), &clock).await;
        assert_eq!(fourth.fire().await.pushed, 0);
        assert_eq!(do_all(&fourth).await, [4]);

        drop(fourth);
        hand.advance(HOUR * 24 + HOUR / 3);
        let fifth = begin(directory.path(), &clock).await;
        assert_eq!(fifth.fire().await.pushed, 0, "nobody was there in time");
    });
}

#[test]
fn a_clock_that_is_set_back_pushes_nothing_again_that_the_file_knows() {
    block(async {
        let (directory, (clock, hand)) = (directory(), Clock::manual());
        hand.advance(HOUR + HOUR / 12); // 02:05
        let before = begin(directory.path(), &clock).await;
        assert_eq!(before.fire().await.pushed, 1);
        assert_eq!(do_all(&before).await, [2]);
        drop(before);

        // The process and the file go by one clock.
        let (clock, hand) = Clock::manual();
        hand.advance(HOUR - HOUR / 12); // 01:55
        let after = begin(directory.path(), &clock).await;
        for _ in 0..12 {
            assert_eq!(after.fire().await.pushed, 0);
            assert!(do_all(&after).await.is_empty());
            hand.advance(HOUR / 15);
        }
        hand.advance(HOUR / 3);
        assert_eq!(after.fire().await.pushed, 1);
        assert_eq!(do_all(&after).await, [3]);
    });
}
