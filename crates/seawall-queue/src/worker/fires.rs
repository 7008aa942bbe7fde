//! The sixth loop: pushes what periodic jobs are due.

use std::{convert::Infallible, time::Duration};

use tokio::time::{sleep, timeout};

use super::shared::Shared;

/// Schedules may be said at any moment: this is how soon one is seen.
const LOOK: Duration = Duration::from_secs(1);
/// A call that hangs is given up. What it does later than the slack of a unique key, nobody answers for.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn fire<T: Send + Sync>(shared: &Shared<T>) -> Infallible {
    loop {
        let wait = match timeout(shared.terms.beat().min(PATIENCE), shared.queue.fire()).await {
            Ok(fired) => {
                shared.tally.failed_calls.add(fired.failed as u64);
                fired.next.unwrap_or(LOOK)
            }
            Err(_) => {
                shared.tally.failed_calls.add(1);
                LOOK
            }
        };
        sleep(wait).await;
    }
}
