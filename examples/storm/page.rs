//! The second act: one page that everybody reads expires, and then the database goes away.
//!
//! ```text
//! 0           10          20                34      40
//! +-----------+-----------+-----------------+-------+
//! |   fresh   |  expired  |      away       | back  |
//! +-----------+-----------+-----------------+-------+
//!             the page is    the database
//!             too old        refuses everybody
//! ```
//!
//! It is played twice, on a fleet that nothing else ails, by the bare client of the first act, and differs in
//! one thing: what [keeps](crate::shelf) the page. The borders are fortieths of the act, which is half as long
//! as a run; the page is as old as it may be at the first of them, and again soon after the second.
//!
//! The page takes long to make, as front pages do: a load holds a connection for 200 ms, and of those there
//! are 24. A load for each reader who comes meanwhile is more than the pool has room for.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use seawall_core::{BoxError, ConfigError};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{
    act,
    args::Args,
    client::{Client, Failed},
    defence::{Defence, TIME_OUT},
    fleet::Fleet,
    generator::Arrivals,
    guard::Tuning,
    keys::Key,
    pool::{self, Pool},
    shelf::Shelf,
    tally::{Series, Tally},
    tenants::Tenant,
};

/// What a load of the page means for the database.
const WORK: Duration = Duration::from_millis(200);

/// How many ticks the act is counted in: two in a fortieth.
const TICKS: u32 = 80;

/// What the page, and what is behind it, is going through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scene {
    Fresh,
    /// The page is too old, and the database well.
    Expired,
    /// The database refuses all that reaches it.
    Away,
    /// It does not any more.
    Back,
}

impl act::Scene for Scene {
    const ALL: &'static [Self] = &[Self::Fresh, Self::Expired, Self::Away, Self::Back];

    fn first_fortieth(self) -> u32 {
        match self {
            Self::Fresh => 0,
            Self::Expired => 10,
            Self::Away => 20,
            Self::Back => 34,
        }
    }
}

impl Scene {
    /// What is going on, in a few words.
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::Fresh => "page fresh",
            Self::Expired => "page expires",
            Self::Away => "database away",
            Self::Back => "back",
        }
    }

    /// Whether there is trouble.
    pub(crate) const fn is_trouble(self) -> bool {
        matches!(self, Self::Expired | Self::Away)
    }
}

pub(crate) type Act = act::Act<Scene>;

impl Act {
    /// One that is half as long as a `run` of the first act.
    pub(crate) fn after(run: Duration) -> Self {
        Self::of(run / 2)
    }

    /// How old the page may be.
    fn ttl(self) -> Duration {
        self.span(Scene::Expired).start
    }
}

/// How the act went.
pub(crate) struct Played {
    pub(crate) act: Act,
    /// The readers, by when they came; what reached the fleet are loads.
    pub(crate) series: Series,
}

impl Played {
    /// The readers who came in `scene`, and the loads that began in it.
    pub(crate) fn over(&self, scene: Scene) -> Tally {
        self.series.over(self.act.span(scene))
    }
}

/// The act, with the page on the home-made shelf, and again with it on Seawall's.
pub(crate) async fn act(
    args: &Args,
    fleet: impl AsyncFn() -> Result<Fleet, BoxError>,
) -> Result<[Played; 2], BoxError> {
    let act = Act::after(args.run());
    let home_made = on_a_fleet(args, act, fleet().await?, |ttl| Ok(Shelf::home_made(ttl))).await?;
    let seawall = on_a_fleet(args, act, fleet().await?, Shelf::seawall).await?;
    Ok([home_made, seawall])
}

async fn on_a_fleet(
    args: &Args,
    act: Act,
    fleet: Fleet,
    shelf: impl FnOnce(Duration) -> Result<Shelf, ConfigError>,
) -> Result<Played, BoxError> {
    let tuning = Tuning { seed: args.seed, rate: args.rate, share: 1, slow: TIME_OUT };
    let client = Client::new(Defence::Bare, &fleet, Pool::new(pool::size(args.rate)), tuning)?;
    let load = move || {
        let client = client.clone();
        async move { client.call(Tenant::NOISY, Key::PAGE, WORK).await.map(drop) }
    };
    let start = Instant::now();
    let away = async {
        let away = act.span(Scene::Away);
        sleep_until(start + away.start).await;
        fleet.illness.refuse(1.0)?;
        sleep_until(start + away.end).await;
        fleet.illness.refuse(0.0)
    };
    let read = read(args.seed, args.rate, act, start, shelf(act.ttl())?, load);
    let (played, away) = tokio::join!(read, away);
    away?;
    Ok(played)
}

/// Lets `rate` readers a second come, whoever waits, until the last of them has the page or nothing.
async fn read<L, F>(seed: u64, rate: u32, act: Act, start: Instant, shelf: Shelf, load: L) -> Played
where
    L: Fn() -> F + Clone + Send + 'static,
    F: Future<Output = Result<(), Failed>> + Send + 'static,
{
    let series = Arc::new(Mutex::new(Series::new(act.length() / TICKS, act.length(), rate)));
    let mut readers = JoinSet::new();
    for arrival in Arrivals::of_all(seed, rate, act.length()) {
        let due = arrival.due;
        sleep_until(start + due).await;
        while readers.try_join_next().is_some() {}
        let (shelf, load, series) = (shelf.clone(), load.clone(), series.clone());
        readers.spawn(async move {
            let counted = series.clone();
            let loaded = move || {
                counted.lock().at(start.elapsed()).look(1, 0);
                load()
            };
            let got_it = shelf.read(loaded).await;
            series.lock().at(due).record(start.elapsed().saturating_sub(due), got_it);
        });
    }
    while readers.join_next().await.is_some() {}
    let series = series.lock().clone();
    Played { act, series }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use tokio::{sync::Semaphore, time::timeout};

    use super::*;
    use crate::{act::Scene as _, database::Database};

    const RATE: u32 = 600;

    fn act() -> Act {
        Act::after(Duration::from_secs(8))
    }

    /// The act on a clock that is stopped, with the pool, the time-out and the database of the storm.
    async fn play(shelf: Shelf) -> Played {
        let start = Instant::now();
        let pool = Arc::new(Semaphore::new(pool::size(RATE) as usize));
        let database = Database::new(RATE);
        let load = move || {
            let (pool, database) = (pool.clone(), database.clone());
            async move {
                let query = async {
                    let _connection = pool.acquire().await.expect("nobody closes the pool");
                    if act().span(Scene::Away).contains(&start.elapsed()) {
                        return Err(Failed::Answer(StatusCode::SERVICE_UNAVAILABLE));
                    }
                    database.query(WORK).await;
                    Ok(())
                };
                timeout(TIME_OUT, query).await.unwrap_or_else(|late| Err(Failed::Call(late.into())))
            }
        };
        read(7, RATE, act(), start, shelf, load).await
    }

    fn seawall() -> Shelf {
        Shelf::seawall(act().ttl()).expect("its settings can be")
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_expires_is_loaded_by_all_who_read_it_meanwhile_or_once() {
        let stampede = play(Shelf::home_made(act().ttl())).await;
        assert_eq!(stampede.over(Scene::Fresh).reached(), 0);
        assert!(stampede.over(Scene::Expired).reached() > 60);
        assert!(stampede.over(Scene::Expired).failed() > 40);

        let one = play(seawall()).await;
        assert_eq!(one.over(Scene::Fresh).reached(), 0);
        assert_eq!(one.over(Scene::Expired).reached(), 1);
        assert_eq!(one.over(Scene::Expired).success(), Some(1.0));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_the_load_of_a_page_that_has_just_expired() {
        let stampede = play(Shelf::home_made(act().ttl())).await;
        assert!(stampede.over(Scene::Expired).latency(0.99) > Some(WORK));

        let one = play(seawall()).await;
        assert!(one.over(Scene::Expired).latency(1.0) < Some(Duration::from_millis(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_goes_away_takes_the_page_with_it_or_leaves_the_old_one() {
        let bare = play(Shelf::home_made(act().ttl())).await;
        assert!(bare.over(Scene::Away).success() < Some(0.5));

        let stale = play(seawall()).await;
        assert_eq!(stale.over(Scene::Away).success(), Some(1.0));
        // Asked now and then, and not by each reader.
        assert!((2..20).contains(&stale.over(Scene::Away).reached()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_comes_back_is_met_by_one_load_and_not_by_a_stampede() {
        let bare = play(Shelf::home_made(act().ttl())).await;
        assert!(bare.over(Scene::Back).reached() > 60);

        let stale = play(seawall()).await;
        assert_eq!(stale.over(Scene::Back).reached(), 1);
        assert_eq!(stale.over(Scene::Back).success(), Some(1.0));
    }

    #[test]
    fn every_moment_of_the_act_is_in_exactly_one_scene() {
        for moment in (0..4000).map(Duration::from_millis) {
            let inside =
                Scene::ALL.iter().copied().filter(|&scene| act().span(scene).contains(&moment));
            assert_eq!(inside.count(), 1, "{moment:?}");
        }
    }
}
