//! The script on a real server, at times that a test sets, beside a slow and obviously right model.

use std::time::Duration;

use seawall_core::Chance;
use seawall_rate_limiter::Quota;

use super::{Answer, Booked, Rules};
use crate::{
    Arg, Connection, KeySpace, Script,
    support::{Server, hurried},
};

/// A server that believes what time it is.
struct Bench {
    connection: Connection,
    decide: Script,
    give_back: Script,
    _server: Server,
}

/// The script as it is, but for where it takes the time from; and keys stay, since the server's own time
/// goes on.
fn at_a_set_time(source: &str) -> Script {
    let (clock, expiry) = ("{ARGV[#ARGV - 1], ARGV[#ARGV]}", "'PX'");
    assert!(source.contains(expiry));
    let source = source.replace("redis.call('TIME')", clock).replace("call('TIME')", clock);
    assert!(source.contains(clock));
    Script::new(source.replace(expiry, "'KEEPTTL') --"))
}

impl Bench {
    async fn new() -> Self {
        let server = Server::start().await;
        let connection = hurried("bench", &server).response_timeout(Duration::from_secs(5));
        Self {
            connection: connection.build().expect("sound"),
            decide: at_a_set_time(include_str!("../limiter/decide.lua")),
            give_back: at_a_set_time(include_str!("../limiter/give_back.lua")),
            _server: server,
        }
    }

    async fn decide(
        &self,
        rules: &Rules,
        key: &str,
        cells: (u32, u32),
        patience: Duration,
        micros: u64,
    ) -> Answer {
        let mut args = rules.question(cells, patience);
        args.extend(time(micros));
        let keys = rules.keys(&KeySpace::new("bench"), key.as_bytes());
        let reply = self.connection.run(&self.decide, &keys, &args).await.expect("it is up");
        rules.answer(reply, cells.0).expect("a decision")
    }

    /// `true` where it was granted; else the wait in milliseconds, rounded up.
    async fn take(&self, rules: &Rules, key: &str, cells: u32, millis: u64) -> Result<(), u64> {
        match self.decide(rules, key, (cells, 0), Duration::ZERO, millis * 1_000).await {
            Answer::Granted { .. } => Ok(()),
            Answer::Refused(wait) => Err(wait.as_micros().div_ceil(1_000) as u64),
        }
    }

    async fn give_back(&self, rules: &Rules, key: &str, booked: &Booked, micros: u64) -> bool {
        let mut args = rules.booking(booked);
        args.extend(time(micros));
        let keys = rules.keys(&KeySpace::new("bench"), key.as_bytes());
        let reply = self.connection.run(&self.give_back, &keys, &args).await.expect("it is up");
        reply.int().expect("a number") == 1
    }
}

/// A time in this century, as `TIME` tells it.
fn time(micros: u64) -> [Arg<'static>; 2] {
    let at = 1_800_000_000_000_000 + micros;
    [at / 1_000_000, at % 1_000_000].map(|part| Arg::Int(part as i64))
}

fn rules(quotas: &[(u32, u64, u32)]) -> Rules {
    let quota = |&(cells, millis, burst)| {
        let quota = Quota::new(cells, Duration::from_millis(millis)).expect("sound");
        quota.burst(burst).expect("sound")
    };
    Rules::new(quotas.iter().map(quota).collect(), 0)
}

/// Interval 100 ms, burst 5.
#[tokio::test]
async fn single_cells_are_let_in_as_the_known_trace_says() {
    let (bench, rules) = (Bench::new().await, rules(&[(10, 1_000, 5)]));
    let trace = [
        (0, Ok(())),
        (0, Ok(())),
        (0, Ok(())),
        (0, Ok(())),
        (0, Ok(())),
        (0, Err(100)),
        (50, Err(50)),
        (99, Err(1)),
        (100, Ok(())),
        (100, Err(100)),
        (350, Ok(())),
        (350, Ok(())),
        (350, Err(50)),
        (2_000, Ok(())),
        (2_000, Ok(())),
        (2_000, Ok(())),
        (2_000, Ok(())),
        (2_000, Ok(())),
        (2_000, Err(100)),
    ];
    for (step, (millis, expected)) in trace.into_iter().enumerate() {
        assert_eq!(bench.take(&rules, "one", 1, millis).await, expected, "step {step}");
    }
}

/// Interval 100 ms, burst 10.
#[tokio::test]
async fn heavy_calls_are_let_in_as_the_known_trace_says() {
    let (bench, rules) = (Bench::new().await, rules(&[(10, 1_000, 10)]));
    let trace = [
        (0, 4, Ok(())),
        (0, 7, Err(100)),
        (0, 6, Ok(())),
        (0, 1, Err(100)),
        (250, 3, Err(50)),
        (250, 2, Ok(())),
        (250, 1, Err(50)),
        (1_250, 10, Ok(())),
        (1_300, 1, Err(50)),
    ];
    for (step, (millis, cells, expected)) in trace.into_iter().enumerate() {
        assert_eq!(bench.take(&rules, "heavy", cells, millis).await, expected, "step {step}");
    }
}

/// Interval 333 ms, burst 3.
#[tokio::test]
async fn odd_intervals_are_let_in_as_the_known_trace_says() {
    let (bench, rules) = (Bench::new().await, rules(&[(1, 333, 3)]));
    let trace = [
        (0, 3, Ok(())),
        (332, 1, Err(1)),
        (333, 1, Ok(())),
        (334, 1, Err(332)),
        (666, 1, Ok(())),
        (1_000, 2, Err(332)),
        (1_331, 1, Ok(())),
        (1_332, 1, Ok(())),
    ];
    for (step, (millis, cells, expected)) in trace.into_iter().enumerate() {
        assert_eq!(bench.take(&rules, "odd", cells, millis).await, expected, "step {step}");
    }
}

/// A quota of 7 a second, which is no whole number of microseconds, over an hour: not a cell too many,
/// not one missing.
#[tokio::test]
async fn nothing_is_lost_to_rounding() {
    let (bench, rules) = (Bench::new().await, rules(&[(7, 1_000, 7)]));
    assert_eq!(bench.take(&rules, "exact", 7, 0).await, Ok(()));
    for second in 1..=3_600 {
        assert_eq!(bench.take(&rules, "exact", 7, second * 1_000).await, Ok(()), "second {second}");
        assert_eq!(bench.take(&rules, "exact", 1, second * 1_000).await, Err(143), "{second}");
    }
}

/// What the script should do, by whole numbers of parts that are never too large.
struct Model {
    /// When each quota is paid off.
    ends: Vec<u128>,
}

impl Model {
    fn decide(
        &mut self,
        quotas: &[Quota],
        (cells, more): (u32, u32),
        patience: u64,
        micros: u64,
    ) -> Option<u32> {
        // In nanoseconds times the cells of a period, everything is a whole number.
        let fits = |count: u32, ends: &[u128]| {
            quotas.iter().zip(ends).all(|(quota, &end)| {
                let scale = u128::from(quota.cells());
                let now = u128::from(micros) * 1_000 * scale;
                let cell = quota.period().as_nanos();
                let owed = end.max(now) + cell * u128::from(count) - now;
                let room = cell * u128::from(quota.most_at_once());
                owed <= room + u128::from(patience) * 1_000 * scale
            })
        };
        if !fits(cells, &self.ends) {
            return None;
        }
        let granted = (0..=more).rev().find(|&more| fits(cells + more, &self.ends)).unwrap_or(0);
        for (quota, end) in quotas.iter().zip(&mut self.ends) {
            let now = u128::from(micros) * 1_000 * u128::from(quota.cells());
            *end = (*end).max(now) + quota.period().as_nanos() * u128::from(cells + granted);
        }
        Some(granted)
    }
}

#[tokio::test]
async fn the_script_does_what_the_model_does() {
    let bench = Bench::new().await;
    for seed in 0..12 {
        let chance = Chance::seeded(seed);
        let any = |low: u64, high: u64| chance.uniform(low, high);
        let quotas: Vec<_> = (0..any(1, 3))
            .map(|_| {
                let period = Duration::from_nanos(any(1_000, 3_000_000_000));
                let cells = any(1, 997).min(period.as_nanos() as u64) as u32;
                let quota = Quota::new(cells, period).expect("sound");
                quota.burst(any(1, 40) as u32).expect("sound")
            })
            .collect();
        let rules = Rules::new(quotas.clone(), 0);
        let mut model = Model { ends: vec![0; quotas.len()] };
        let slowest = quotas.iter().map(Quota::interval).max().expect("there is one");
        let mut now = 0;
        for step in 0..400 {
            now += any(0, slowest.as_micros() as u64 * 2);
            let cells = any(1, u64::from(rules.heaviest())) as u32;
            let more = any(0, 1) as u32 * any(0, 60) as u32;
            let patience = if more > 0 { 0 } else { any(0, 1) * any(0, 100_000) };

            let key = format!("model {seed}");
            let asked = Duration::from_micros(patience);
            let answer = bench.decide(&rules, &key, (cells, more), asked, now).await;

            let granted = match answer {
                Answer::Granted { more, .. } => Some(more),
                Answer::Refused(_) => None,
            };
            let expected = model.decide(&quotas, (cells, more), patience, now);
            assert_eq!(granted, expected, "seed {seed}, step {step}: {quotas:?}");
        }
    }
}

/// A room of a thousand cells less one part of a microsecond, which a double can't tell from a thousand.
#[tokio::test]
async fn a_batch_is_not_rounded_up() {
    let year = Duration::from_secs(366 * 86_400);
    let quota = Quota::new(97, year).and_then(|quota| quota.burst(1_700)).expect("sound");
    let (bench, rules) = (Bench::new().await, Rules::new(vec![quota], 0));
    let rate = rules.rates[0];
    let cells = (900..=1_000).find(|&cells| rate.price(cells).parts == 1).expect("one of 97");
    let ask = |cells, micros| bench.decide(&rules, "huge", cells, Duration::ZERO, micros);
    assert!(matches!(ask((1_700, 0), 0).await, Answer::Granted { .. }), "the whole burst");

    let just_too_early = rate.price(cells).micros;
    let Answer::Granted { more, booked } = ask((1, 1_000), just_too_early).await else {
        panic!("there is room for all but one");
    };

    assert_eq!(1 + more, cells - 1);
    assert_eq!(booked.wait, Duration::ZERO, "no more is owed than may be");
}

#[tokio::test]
async fn a_wait_that_is_told_is_exact_to_the_microsecond() {
    let (bench, rules) = (Bench::new().await, rules(&[(3, 1_000, 2), (7, 3_000, 3)]));
    let ask = |cells, micros| bench.decide(&rules, "exact", (cells, 0), Duration::ZERO, micros);
    let mut now = 0;
    for cells in [2, 1, 2, 1, 1, 2] {
        if let Answer::Refused(wait) = ask(cells, now).await {
            let wait = wait.as_micros() as u64;
            assert!(matches!(ask(cells, now + wait - 1).await, Answer::Refused(_)));
            now += wait;
            assert!(matches!(ask(cells, now).await, Answer::Granted { .. }));
        }
    }
    assert!(now > 0, "some had to wait");
}

#[tokio::test]
async fn a_turn_is_given_back_where_nobody_has_booked_after_it() {
    let (bench, rules) = (Bench::new().await, rules(&[(3, 1_000, 1), (1, 500, 2)]));
    let patience = Duration::from_secs(10);
    let book = || async {
        match bench.decide(&rules, "turns", (1, 0), patience, 0).await {
            Answer::Granted { booked, .. } => booked,
            Answer::Refused(wait) => panic!("refused for {wait:?}"),
        }
    };
    book().await;
    let second = book().await;
    let third = book().await;

    assert!(!bench.give_back(&rules, "turns", &second, 1).await, "the third is after it");
    assert!(bench.give_back(&rules, "turns", &third, 1).await);
    assert!(bench.give_back(&rules, "turns", &second, 1).await, "now it is the last");
    assert!(!bench.give_back(&rules, "turns", &second, 1).await, "but once");

    assert_eq!(book().await, second, "as if neither had ever been booked");
}

#[tokio::test]
async fn a_debt_that_cannot_be_is_cut() {
    let (bench, rules) = (Bench::new().await, rules(&[(10, 1_000, 5)]));
    let decade = 315_360_000_000_000;
    // As after a failover to a server whose clock is ten years behind.
    assert_eq!(bench.take(&rules, "clock", 1, decade / 1_000).await, Ok(()));

    assert_eq!(bench.take(&rules, "clock", 1, 0).await, Err(100));
    assert_eq!(bench.take(&rules, "clock", 5, 500).await, Ok(()), "its own burst is all it owed");
}
