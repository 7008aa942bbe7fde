//! The third act: for a moment, ten times as many photos are brought as can be resized.
//!
//! ```text
//! 0       3       6                                40
//! +-------+-------+--------------------------------+
//! | quiet | burst |             after              |
//! +-------+-------+--------------------------------+
//!  a tenth of what the desks can do, and again after
//! ```
//!
//! It is played twice, at the same time, by the client of the first act that has retries with a budget, and
//! differs in one thing: whether [who brings a photo](crate::front) waits until it is resized, or is told that
//! it will be. The borders are fortieths of the act, which is as long as a run.
//!
//! | of one desk | a second | why |
//! |---|---:|---|
//! | what it can do | 10 | a photo takes it 0.1 s on average, and 0.4 s at most |
//! | photos when it is quiet | 1 | that nobody waits |
//! | photos in the burst | 100 | three quarters of what it can do in the whole act |
//!
//! There are as many desks as make the burst the rate of the storm: six, at 600 a second.
//!
//! The price is told too: with the queue a photo is ready when its turn comes, long after its caller has gone.
//! What the caller needs to have in his hands is not for a queue.

use std::time::Duration;

use seawall_core::BoxError;
use tokio::{
    sync::oneshot,
    task::JoinSet,
    time::{Instant, interval, sleep, sleep_until, timeout},
};

use crate::{
    act,
    args::Args,
    client::{Client, Failed},
    defence::{Defence, TIME_OUT},
    fleet::Fleet,
    front::{Backlog, Front},
    generator::Arrivals,
    guard::Tuning,
    illness::Illness,
    keys::Key,
    pool::Pool,
    studio::Photo,
    tally::{Series, Tally},
    tenants::Tenant,
};

/// Photos a second in the burst, for each desk.
const BURST: u32 = 100;

/// Photos a second at other times, for each desk.
const USUAL: u32 = 1;

/// What a desk can do in a second.
const CAN_DO: u32 = 10;

/// A photo takes so many times what a call of the first act does: 100 ms on average.
const WORK: u32 = 20;

/// More than there are callers at a time: each has a connection of his own.
const CONNECTIONS: u32 = 16_384;

/// How many ticks the act is counted in: two in a fortieth.
const TICKS: u32 = 80;

/// How often it is looked up what waits.
const LOOK: Duration = Duration::from_millis(20);

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scene {
    Quiet,
    /// Ten times as many photos as can be resized.
    Burst,
    After,
}

impl act::Scene for Scene {
    const ALL: &'static [Self] = &[Self::Quiet, Self::Burst, Self::After];

    fn first_fortieth(self) -> u32 {
        match self {
            Self::Quiet => 0,
            Self::Burst => 3,
            Self::After => 6,
        }
    }
}

impl Scene {
    /// What is going on, in a word.
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Burst => "burst",
            Self::After => "after",
        }
    }
}

pub(crate) type Act = act::Act<Scene>;

impl Act {
    /// One that is as long as a `run` of the first act.
    pub(crate) const fn after(run: Duration) -> Self {
        Self::of(run)
    }

    /// How many photos may wait: what the desks do in an act, and in a second at least.
    fn capacity(self, desks: u32) -> usize {
        let photos = f64::from(desks * CAN_DO) * self.length().as_secs_f64().max(1.0);
        photos as usize
    }

    /// How long it is waited for what was accepted, when all have their answers: far longer than it takes, on a
    /// machine that is busy by itself too.
    fn patience(self) -> Duration {
        self.length().max(Duration::from_secs(10)) * 2
    }
}

/// How many desks there are, for `rate` calls a second.
pub(crate) const fn desks(rate: u32) -> u32 {
    let desks = rate / BURST;
    if desks > 0 { desks } else { 1 }
}

/// How the act went.
pub(crate) struct Played {
    pub(crate) act: Act,
    /// The callers, by when they came, and what they were told.
    pub(crate) series: Series,
    /// Those who were told well, by when they came, and how long it took until their photo was ready.
    pub(crate) until_ready: Series,
    /// Photos of which the caller was told well, and that were never ready.
    pub(crate) lost: u64,
    /// How often a desk was done with a photo.
    pub(crate) resized: u64,
    /// How often the queue was full, where there is one.
    pub(crate) refused: Option<u64>,
    /// What waited, look by look, with the time of each.
    pub(crate) looks: Vec<(Duration, Backlog)>,
}

impl Played {
    /// The callers who came in `scene`.
    pub(crate) fn over(&self, scene: Scene) -> Tally {
        self.series.over(self.act.span(scene))
    }

    /// The photos that were ready, each from when it was brought.
    pub(crate) fn ready(&self) -> Tally {
        self.until_ready.total()
    }

    /// How often a desk was done with a photo whose caller had gone without an answer, or had it already.
    pub(crate) fn for_nobody(&self) -> u64 {
        self.resized.saturating_sub(self.ready().due())
    }

    /// The most photos that waited.
    pub(crate) fn most_waiting(&self) -> usize {
        self.looks.iter().map(|(_, backlog)| backlog.waiting).max().unwrap_or(0)
    }

    /// How long after the burst none waited any more; nothing where some did as long as it was looked.
    pub(crate) fn worked_off(&self) -> Option<Duration> {
        let end = self.act.span(Scene::After).start;
        let none = self.looks.iter().find(|(at, backlog)| *at >= end && backlog.waiting == 0);
        none.map(|(at, _)| *at - end)
    }
}

/// The act, with the work done in the request, and with the queue.
///
/// # Errors
///
/// Where a photo was accepted and is lost: that is no figure of a table.
pub(crate) async fn act(args: &Args) -> Result<[Played; 2], BoxError> {
    let (act, desks) = (Act::after(args.run()), desks(args.rate));
    let in_the_request = Front::in_the_request(desks as usize);
    let accepting = Front::accepting(desks as usize, act.capacity(desks))?;
    let played =
        tokio::try_join!(on_a_fleet(args, act, in_the_request), on_a_fleet(args, act, accepting))?;
    kept_its_word([played.0, played.1])
}

fn kept_its_word(played: [Played; 2]) -> Result<[Played; 2], BoxError> {
    match played.iter().map(|played| played.lost).sum() {
        0 => Ok(played),
        lost => Err(format!("{lost} photos were accepted and never resized").into()),
    }
}

async fn on_a_fleet(args: &Args, act: Act, front: Front) -> Result<Played, BoxError> {
    let illness = Illness::new(args.seed, args.rate)?;
    let fleet = Fleet::serving(illness, |_, _| front.routes.clone()).await?;
    let tuning = Tuning { seed: args.seed, rate: args.rate, share: 1, slow: TIME_OUT };
    let client = Client::new(Defence::Retry, &fleet, Pool::new(CONNECTIONS), tuning)?;
    let bring = |photo: Photo| {
        let client = client.clone();
        let key = Key::of_photo(photo.number);
        async move { client.call(Tenant::NOISY, key, photo.work()).await.map(drop) }
    };
    Ok(play(args.seed, desks(args.rate), act, &front, bring).await)
}

/// The photos of the act with the time at which each is brought: those of every time, and the burst.
fn photos(seed: u64, desks: u32, act: Act) -> Vec<(Duration, Photo)> {
    let usual = Arrivals::crowd(seed, USUAL * desks, Duration::ZERO..act.length());
    let burst = Arrivals::crowd(!seed, (BURST - USUAL) * desks, act.span(Scene::Burst));
    let mut calls: Vec<_> = usual.chain(burst).collect();
    calls.sort_by_key(|call| call.due);
    let photos = calls.into_iter().zip(0..);
    photos.map(|(call, number)| (call.due, Photo::new(number, call.work * WORK))).collect()
}

/// What a caller was told.
struct Told {
    number: u32,
    due: Duration,
    latency: Duration,
    well: bool,
}

/// Brings the photos, whoever waits, until the last caller has his answer, and all that was accepted is done.
async fn play<F>(
    seed: u64,
    desks: u32,
    act: Act,
    front: &Front,
    bring: impl Fn(Photo) -> F,
) -> Played
where
    F: Future<Output = Result<(), Failed>> + Send + 'static,
{
    let start = Instant::now();
    let (over, is_over) = oneshot::channel::<()>();
    let callers = async {
        let told = call(photos(seed, desks, act), start, bring).await;
        let through = async {
            while !front.is_through() {
                sleep(LOOK).await;
            }
        };
        let _ = timeout(act.patience(), through).await; // what is not done then is lost
        drop(over);
        told
    };
    let work = front.work_until(async { drop(is_over.await) });
    let mut looks = Vec::new();
    let watch = async {
        let mut beat = interval(LOOK);
        loop {
            beat.tick().await;
            looks.push((start.elapsed(), front.backlog()));
        }
    };
    let (told, ()) = tokio::select! {
        told = async { tokio::join!(callers, work) } => told,
        () = watch => unreachable!("it watches for as long as there is something to see"),
    };
    booked(act, start, front, &told, looks)
}

async fn call<F>(
    photos: Vec<(Duration, Photo)>,
    start: Instant,
    bring: impl Fn(Photo) -> F,
) -> Vec<Told>
where
    F: Future<Output = Result<(), Failed>> + Send + 'static,
{
    let mut callers = JoinSet::new();
    for (due, photo) in photos {
        sleep_until(start + due).await;
        let call = bring(photo);
        callers.spawn(async move {
            let well = call.await.is_ok();
            let latency = start.elapsed().saturating_sub(due);
            Told { number: photo.number, due, latency, well }
        });
    }
    callers.join_all().await
}

/// What callers were told, beside what became of their photos.
fn booked(
    act: Act,
    start: Instant,
    front: &Front,
    told: &[Told],
    looks: Vec<(Duration, Backlog)>,
) -> Played {
    let photos = front.studio.ready();
    let series = Series::new(act.length() / TICKS, act.length(), 0);
    let (mut series, mut until_ready, mut lost) = (series.clone(), series, 0);
    for &Told { number, due, latency, well } in told {
        series.at(due).record(latency, well);
        match photos.at.get(&number) {
            _ if !well => {}
            Some(&at) => {
                until_ready.at(due).record(at.saturating_duration_since(start + due), true);
            }
            None => lost += 1,
        }
    }
    let (resized, refused) = (photos.times, front.refused());
    Played { act, series, until_ready, lost, resized, refused, looks }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, extract::Request};
    use tower::ServiceExt;

    use super::*;
    use crate::{act::Scene as _, retries::Retries};

    const SEED: u64 = 7;
    const DESKS: u32 = 6;

    const fn act() -> Act {
        Act::after(Duration::from_secs(8))
    }

    fn accepting(capacity: usize) -> Front {
        Front::accepting(DESKS as usize, capacity).expect("its settings can be")
    }

    /// The act on a clock that is stopped, with the routes, the time-out and the retries of the storm.
    async fn on_a_stopped_clock(front: Front) -> Played {
        let retries = Retries::new(Defence::Retry, SEED).expect("its settings can be");
        let routes = front.routes.clone();
        let bring = move |photo: Photo| {
            let (retries, routes) = (retries.clone(), routes.clone());
            let path = format!("/work?key={}&micros={}", photo.number, photo.work().as_micros());
            async move {
                let attempt = || async {
                    let request = Request::get(&path).body(Body::empty()).expect("it is one");
                    let answer = timeout(TIME_OUT, routes.clone().oneshot(request)).await;
                    let Ok(answer) = answer.map_err(|late| Failed::Call(late.into()))?;
                    match answer.status() {
                        status if status.is_success() => Ok(()),
                        status => Err(Failed::Answer(status)),
                    }
                };
                retries.call(attempt).await
            }
        };
        play(SEED, DESKS, act(), &front, bring).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_fails_most_in_the_request_and_all_who_come_after_it() {
        let bare = on_a_stopped_clock(Front::in_the_request(DESKS as usize)).await;

        assert_eq!(bare.over(Scene::Quiet).success(), Some(1.0));
        assert!(bare.over(Scene::Burst).success() < Some(0.3));
        assert!(bare.over(Scene::After).success() < Some(0.3));
        // What keeps the desks busy has been given up by those who brought it.
        assert!(bare.for_nobody() > 2 * bare.ready().due());
        let most = bare.looks.iter().map(|(_, backlog)| backlog.deserted).max();
        assert!(most > Some(200), "{most:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_accepts_the_burst_at_once_and_works_it_off_without_a_loss() {
        let queued = on_a_stopped_clock(accepting(act().capacity(DESKS))).await;

        let all = queued.series.total();
        assert!(all.due() > 300, "{}", all.due());
        assert_eq!((all.failed(), queued.refused, queued.lost), (0, Some(0), 0));
        assert!(all.latency(1.0) < Some(Duration::from_millis(5)));
        // Each photo once, though none of their callers waited for it.
        assert_eq!((queued.ready().due(), queued.resized), (all.due(), all.due()));
        // 55 desk-seconds at most of the burst, and what the worker's half of the desks leaves at first.
        let worked_off = queued.worked_off().expect("it ends");
        let bounds = Duration::from_secs(5)..Duration::from_millis(7500);
        assert!(bounds.contains(&worked_off), "{worked_off:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_beyond_the_capacity_is_refused_in_part_and_what_is_accepted_is_done() {
        let queued = on_a_stopped_clock(accepting(100)).await;

        let all = queued.series.total();
        assert!(queued.refused > Some(100), "{:?}", queued.refused);
        assert!(all.failed() > 100, "{}", all.failed());
        assert!(queued.most_waiting() <= 100, "{}", queued.most_waiting());
        assert_eq!(queued.over(Scene::After).success(), Some(1.0));
        assert_eq!((queued.lost, queued.ready().due()), (0, all.due() - all.failed()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_act_in_which_a_promise_was_broken_has_no_table() {
        let front = accepting(10);
        let told = |number| Told { number, due: LOOK, latency: LOOK, well: true };
        let played = |told: &[Told]| booked(act(), Instant::now(), &front, told, Vec::new());
        assert!(kept_its_word([played(&[]), played(&[])]).is_ok());

        let Err(broken) = kept_its_word([played(&[]), played(&[told(0), told(1)])]) else {
            panic!("neither was resized");
        };
        assert_eq!(broken.to_string(), "2 photos were accepted and never resized");
    }

    #[test]
    fn one_seed_is_one_burst_of_ten_times_what_the_desks_can_do() {
        let photos = photos(SEED, DESKS, act());
        assert_eq!(photos, super::photos(SEED, DESKS, act()));
        assert_ne!(photos, super::photos(SEED + 1, DESKS, act()));
        assert!(photos.is_sorted_by_key(|(due, _)| *due));

        let span = act().span(Scene::Burst);
        let burst: Vec<_> = photos.iter().filter(|(due, _)| span.contains(due)).collect();
        let work: Duration = burst.iter().map(|(_, photo)| photo.work()).sum();
        let times = work.as_secs_f64() / (f64::from(DESKS) * (span.end - span.start).as_secs_f64());
        assert!((8.0..12.0).contains(&times), "{times}");
    }

    #[test]
    fn every_moment_of_the_act_is_in_exactly_one_scene() {
        for moment in (0..8000).map(Duration::from_millis) {
            let inside =
                Scene::ALL.iter().copied().filter(|&scene| act().span(scene).contains(&moment));
            assert_eq!(inside.count(), 1, "{moment:?}");
        }
    }
}
