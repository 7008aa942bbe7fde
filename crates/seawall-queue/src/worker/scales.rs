//! The fifth loop: looks at the queue, and has as many jobs run at a time as that asks for.

use std::{convert::Infallible, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use super::{scale::Sight, shared::Shared};

const PERIOD: Duration = Duration::from_secs(1);

pub(super) async fn scale<T: Send + Sync>(shared: &Shared<T>) -> Infallible {
    let tally = &shared.tally;
    let (mut last, mut ended, mut busy) = (Instant::now(), tally.ended.get(), tally.busy.get());
    loop {
        sleep(PERIOD).await;
        // Also for who looks at the queue's snapshot: it tells what was seen last.
        let Ok(Ok(stats)) = timeout(shared.terms.beat(), shared.queue.stats()).await else {
            tally.failed_calls.add(1);
            continue; // as it was: nothing is known
        };
        let (now, ended_now, busy_now) = (Instant::now(), tally.ended.get(), tally.busy.get());
        let sight = Sight {
            time: now - last,
            due: stats.ready,
            oldest: stats.oldest_ready.unwrap_or_default(),
            ended: ended_now - ended,
            busy: Duration::from_nanos(busy_now - busy),
            live: shared.runs.len(),
        };
        (last, ended, busy) = (now, ended_now, busy_now);
        shared.scale.lock().step(sight);
        shared.runs.look_again();
    }
}
