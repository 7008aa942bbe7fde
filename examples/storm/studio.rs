//! What is behind the front of the third act: desks at which photos are resized, and one line before them.
//!
//! ```text
//!                  line            desks
//!   a photo ──▶ │ ▢ ▢ ▢ ▢ │ ──▶  ▣ ▣ ▣ ▣ ▣ ▣     each as long as its photo takes
//! ```
//!
//! First come, first served. **A photo that is in the line is resized though who asked has gone by then**, as
//! with the [database](crate::database): threads that compute cannot be taken back, and nobody looks before he
//! begins. So a line of photos that nobody waits for any more is in the way of all that come after it.

use std::{
    collections::{HashMap, VecDeque},
    future,
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinSet,
    time::{Instant, sleep},
};

/// What there is to do, as a request says it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
pub(crate) struct Photo {
    /// Which one it is.
    #[serde(rename = "key")]
    pub(crate) number: u32,
    micros: u64,
}

impl Photo {
    pub(crate) fn new(number: u32, work: Duration) -> Self {
        Self { number, micros: u64::try_from(work.as_micros()).unwrap_or(u64::MAX) }
    }

    /// For how long it takes a desk.
    pub(crate) const fn work(self) -> Duration {
        Duration::from_micros(self.micros)
    }
}

/// The desks; clones are the same ones, and with the last of them all stop.
#[derive(Clone)]
pub(crate) struct Studio {
    orders: Arc<Orders>,
    _desks: Arc<JoinSet<()>>,
}

/// What waits, and what does not any more.
struct Orders {
    line: Mutex<VecDeque<Order>>,
    /// A permit for each that waits.
    waiting: Semaphore,
    ready: Mutex<Ready>,
}

struct Order {
    photo: Photo,
    /// Who asked, if he still waits.
    tell: oneshot::Sender<()>,
}

/// What has left the desks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ready {
    /// Which photo was ready when, first.
    pub(crate) at: HashMap<u32, Instant>,
    /// How often a desk was done with one; with one photo it may be twice.
    pub(crate) times: u64,
}

impl Studio {
    pub(crate) fn new(desks: usize) -> Self {
        let orders = Arc::new(Orders {
            line: Mutex::default(),
            waiting: Semaphore::new(0),
            ready: Mutex::default(),
        });
        let desks = (0..desks).map(|_| desk(orders.clone())).collect();
        Self { orders, _desks: Arc::new(desks) }
    }

    /// Waits until the photo is resized; who stops waiting stops nobody.
    pub(crate) async fn resize(&self, photo: Photo) {
        let (tell, told) = oneshot::channel();
        self.orders.line.lock().push_back(Order { photo, tell });
        self.orders.waiting.add_permits(1);
        if told.await.is_err() {
            future::pending::<()>().await; // the desks have stopped with the program: nothing is resized
        }
    }

    /// How many photos are in the line, and of how many of them those who asked have gone.
    pub(crate) fn line(&self) -> (usize, usize) {
        let line = self.orders.line.lock();
        (line.len(), line.iter().filter(|order| order.tell.is_closed()).count())
    }

    pub(crate) fn ready(&self) -> Ready {
        self.orders.ready.lock().clone()
    }
}

async fn desk(orders: Arc<Orders>) {
    loop {
        orders.waiting.acquire().await.expect("nobody closes the line").forget();
        let order = orders.line.lock().pop_front();
        let Order { photo, tell } = order.expect("there is one for each permit");
        sleep(photo.work()).await;
        {
            let mut ready = orders.ready.lock();
            ready.at.entry(photo.number).or_insert_with(Instant::now);
            ready.times += 1;
        }
        let _ = tell.send(()); // who asked may have gone
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const WORK: Duration = Duration::from_millis(100);

    #[tokio::test(start_paused = true)]
    async fn a_photo_waits_for_a_desk_and_not_longer() {
        let (start, studio) = (Instant::now(), Studio::new(2));
        let mut photos = JoinSet::new();
        for number in 0..5 {
            let studio = studio.clone();
            photos.spawn(async move { studio.resize(Photo::new(number, WORK)).await });
        }
        photos.join_all().await;

        assert_eq!(start.elapsed(), WORK * 3);
        assert_eq!(studio.ready().at[&4] - start, WORK * 3);
        assert_eq!(studio.line(), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_photo_whose_caller_has_gone_is_in_the_line_and_in_the_way() {
        let (start, studio) = (Instant::now(), Studio::new(1));
        for number in 0..3 {
            let gone = timeout(WORK / 100, studio.resize(Photo::new(number, WORK)));
            assert!(gone.await.is_err());
        }
        assert_eq!(studio.line(), (2, 2)); // and one is on the desk

        studio.resize(Photo::new(3, WORK)).await;
        assert_eq!(start.elapsed(), WORK * 4);
        assert_eq!(studio.ready().times, 4);
    }
}
