//! Jitter: what it saves, where many clients contend for one record and all but one have to try again.
//!
//! ```text
//! cargo run --release --example jitter
//! cargo run --release --example jitter -- 100 jitter.svg
//! ```
//!
//! The arguments are the number of trials and where the picture goes. Up to two hundred clients read one
//! record and write it back; whoever was overtaken waits and begins again. Without jitter those who
//! failed together come back together, and fail again.
//!
//! | file | one idea |
//! |---|---|
//! | `main.rs` | the story, and its table |
//! | `simulation.rs` | **the clients and their waits**, in a time of their own |
//! | `plot.rs` | the picture |

#![forbid(unsafe_code)]

mod plot;
mod simulation;

use std::{env, fmt::Write as _, fs};

use seawall_core::BoxError;

use crate::simulation::{Cost, Strategy, contend, strategies};

const CLIENTS: [usize; 12] = [1, 10, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200];
const SEED: u64 = 1;

/// A way to wait, and what it costs each number of clients.
struct Run {
    name: &'static str,
    costs: Vec<(usize, Cost)>,
}

fn main() -> Result<(), BoxError> {
    let mut args = env::args().skip(1);
    let trials = args.next().map_or(Ok(20), |trials| trials.parse())?;
    let out = args.next().unwrap_or_else(|| "jitter.svg".into());

    let runs = runs(trials);
    println!("{}", table(&runs)?);
    fs::write(&out, plot::picture(&runs)?)?;
    println!("The picture is in {out}.");
    Ok(())
}

fn runs(trials: u32) -> Vec<Run> {
    let run = |Strategy { name, backoff }| {
        let cost = |clients| (clients, contend(&backoff, clients, trials, SEED));
        Run { name, costs: CLIENTS.map(cost).into() }
    };
    strategies().map(run).into()
}

/// One line a number of clients, one column a way to wait: calls, and when the last client was done.
fn table(runs: &[Run]) -> Result<String, BoxError> {
    let mut table = format!("{:>7}", "clients");
    for run in runs {
        write!(table, "{:>26}", run.name)?;
    }
    for (row, clients) in CLIENTS.iter().enumerate() {
        write!(table, "\n{clients:>7}")?;
        for run in runs {
            let Cost { calls, millis } = run.costs[row].1;
            write!(table, "{calls:>11.0} calls {:>6.1} s", millis / 1e3)?;
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_shows_each_strategy_in_both_panels() {
        let runs = runs(1);

        let svg = plot::picture(&runs).expect("it can be drawn");

        let svg = roxmltree::Document::parse(&svg).expect("it is XML");
        let texts: Vec<_> =
            svg.descendants().filter_map(|node| node.text()).map(str::trim).collect();
        for run in &runs {
            assert!(texts.contains(&run.name), "no `{}` in the picture", run.name);
        }
        let lines = svg.descendants().filter(|node| {
            let points = node.attribute("points").unwrap_or_default();
            node.has_tag_name("polyline") && points.split_whitespace().count() == CLIENTS.len()
        });
        assert_eq!(lines.count(), 2 * runs.len());
    }
}
