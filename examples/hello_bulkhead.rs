//! A bulkhead in fifty lines: one slow kind of report, which would take every connection there is.
//!
//! Run it with `cargo run --example hello_bulkhead`.

use std::{convert::Infallible, time::Duration};

use seawall::prelude::*;
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, sleep},
};

/// What all reports share.
static CONNECTIONS: Semaphore = Semaphore::const_new(10);

/// Renders a report, on a connection to the database.
async fn render(takes: Duration) -> Result<(), Infallible> {
    let _connection = CONNECTIONS.acquire().await;
    sleep(takes).await;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), seawall::ConfigError> {
    // With 20 at once the bulkhead bounds nothing; with 3 the others keep seven connections.
    for limit in [20, 3] {
        let bulkhead = Bulkhead::builder("yearly").limit(limit).build()?;
        let (mut yearly, mut daily) = (JoinSet::new(), JoinSet::new());
        let start = Instant::now();
        for _ in 0..20 {
            let bulkhead = bulkhead.clone();
            yearly.spawn(async move { bulkhead.call(|| render(Duration::from_millis(400))).await });
            daily.spawn(
                async move { render(Duration::from_millis(5)).await.map(|()| start.elapsed()) },
            );
        }

        let slowest = daily.join_all().await.into_iter().flatten().max().unwrap_or_default();
        let yearly = yearly.join_all().await;
        let answered = yearly.iter().filter(|report| report.is_ok()).count();
        println!("{limit:>2} yearly reports at once: the slowest daily one took {slowest:.0?};");
        println!("   of 20 yearly ones {answered} were answered");
        if let Some(Err(Error::Rejected(refused))) = yearly.iter().find(|report| report.is_err()) {
            println!("   and the others refused at once: {refused}");
        }
    }
    Ok(())
}
