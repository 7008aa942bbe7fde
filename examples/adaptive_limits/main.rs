//! Adaptive limits: what each does when three times as many calls come as can be answered.
//!
//! ```text
//! cargo run --release --example adaptive_limits
//! cargo run --release --example adaptive_limits -- 7 limits.svg
//! ```
//!
//! The arguments are the seed and where the picture goes. A simulated server with 16 workers and 10 ms a
//! call is first calm, then gets a surge, and loses half of its workers in the middle of it. The same
//! calls meet a bulkhead with a fixed limit, and each of the adaptive ones.
//!
//! | file | one idea |
//! |---|---|
//! | `main.rs` | the story, and its table |
//! | `simulation.rs` | the server and its calls, in a time of their own |
//! | `guarded.rs` | **the bulkhead in front of it** |
//! | `plot.rs` | the picture |

#![forbid(unsafe_code)]

mod guarded;
mod plot;
mod simulation;

use std::{env, fmt::Write as _, fs, time::Duration};

use seawall_bulkhead::{Adaptive, BoxError};

use crate::{
    guarded::Guarded,
    simulation::{Phase, Server, Tick, simulate},
};

const SERVER: Server = Server { workers: 16, service: Duration::from_millis(10) };

/// An answer that comes later than this is of no use to who asked.
const USEFUL: Duration = Duration::from_millis(50);

fn phases() -> [Phase; 5] {
    let surge = Phase::new("3 times the capacity", 10, 3.0, SERVER);
    [
        Phase::new("half of the capacity", 8, 0.5, SERVER),
        surge,
        Phase { name: "half of the workers gone", ..surge.half_gone() },
        Phase { name: "workers back", ..surge },
        Phase::new("half of the capacity", 10, 0.5, SERVER),
    ]
}

/// A limit, and what happened in each phase.
struct Run {
    name: &'static str,
    phases: Vec<Vec<Tick>>,
}

fn main() -> Result<(), BoxError> {
    let mut args = env::args().skip(1);
    let seed = args.next().map_or(Ok(1), |seed| seed.parse())?;
    let out = args.next().unwrap_or_else(|| "adaptive_limits.svg".into());

    let runs = runs(seed)?;
    println!("{}", table(&runs)?);
    fs::write(&out, plot::picture(&phases(), &runs)?)?;
    println!("The picture is in {out}.");
    Ok(())
}

fn runs(seed: u64) -> Result<Vec<Run>, BoxError> {
    let limits = [
        ("fixed, 200", Guarded::fixed(200)?),
        ("fixed, 24", Guarded::fixed(24)?),
        ("AIMD", Guarded::adaptive(&Adaptive::aimd())?),
        ("Gradient2", Guarded::adaptive(&Adaptive::gradient2())?),
        ("Vegas", Guarded::adaptive(&Adaptive::vegas())?),
    ];
    let run =
        |(name, mut limit)| Run { name, phases: simulate(&mut limit, &phases(), USEFUL, seed) };
    Ok(limits.map(run).into())
}

/// One line a limit, one column a phase: what part of the capacity was of use, the p99, the limit.
fn table(runs: &[Run]) -> Result<String, BoxError> {
    let mut table = format!("{:12}", "");
    for phase in phases() {
        write!(table, "{:>28}", phase.name)?;
    }
    for run in runs {
        write!(table, "\n{:12}", run.name)?;
        for ticks in &run.phases {
            let whole = Tick::of(ticks);
            let p99 = whole.p99().map_or(f64::NAN, |p99| p99 * 1000.0);
            let goodput = whole.goodput() * 100.0;
            write!(table, "{goodput:>11.1} % {p99:>5.0} ms, {:>3}", whole.limit)?;
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_shows_each_limit_in_each_phase() {
        let runs = runs(1).expect("the limits are fine");

        let svg = plot::picture(&phases(), &runs).expect("it can be drawn");

        let svg = roxmltree::Document::parse(&svg).expect("it is XML");
        let texts: Vec<_> =
            svg.descendants().filter_map(|node| node.text()).map(str::trim).collect();
        for name in runs.iter().map(|run| run.name).chain(phases().map(|phase| phase.name)) {
            assert!(texts.contains(&name), "no `{name}` in the picture");
        }
        // A line for each limit in each of three panels; an axis has two points.
        let points = svg.descendants().filter_map(|node| node.attribute("points"));
        let lines = points.filter(|points| points.split_whitespace().count() > 50).count();
        assert_eq!(lines, 3 * runs.len());
    }
}
