//! The fourth loop: does what time makes due, for all who work on the queue.

use std::{convert::Infallible, time::Duration};

use tokio::time::{sleep, timeout};

use super::shared::Shared;
use crate::storage::MAX_BATCH;

/// What is due again at once gives way for this long.
const BREATH: Duration = Duration::from_millis(1);

pub(super) async fn promote<T: Send + Sync>(shared: &Shared<T>) -> Infallible {
    loop {
        let wait = match timeout(shared.terms.beat(), shared.queue.promote(MAX_BATCH)).await {
            Ok(Ok(promoted)) => {
                if promoted.ready > 0 || !promoted.recovered.is_empty() {
                    shared.work.notify_one();
                }
                promoted
                    .next
                    .map_or(shared.terms.poll, |next| next.clamp(BREATH, shared.terms.poll))
            }
            Ok(Err(_)) | Err(_) => {
                shared.tally.failed_calls.add(1);
                shared.terms.rest()
            }
        };
        sleep(wait).await;
    }
}
