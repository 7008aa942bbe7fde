//! The command line, and what each flag may be.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Parser;

use crate::{defence::Defence, upstream::UpstreamUrl};

const SECONDS: std::ops::RangeInclusive<u64> = 5..=600;
const RATE: std::ops::RangeInclusive<u32> = 50..=2000;

/// Watch a fleet in trouble: bare, with retries in a loop, and with Seawall.
///
/// Three HTTP servers on this machine, each with a part of the keys, answer a steady stream of calls. The
/// database behind them stalls for a moment; later one of the three turns slow, then hangs, then heals; in the
/// end one tenant sends twenty times his share. The same storm is run seven times: with a bare client, with one
/// that retries in a loop, and with retries that have a budget, then a circuit breaker around each member, then
/// a bulkhead, then a copy of each key at a second member, then a quota for each tenant as well. In a second act
/// everybody reads one page, which expires, and then the database goes away: bare, and with a cache. In a third
/// many photos come at once that are to be resized: in the request, and with a queue. All are put side by side in
/// tables and a picture.
#[derive(Clone, Debug, Parser)]
#[command(name = "storm", version = None)]
pub(crate) struct Args {
    /// How long it all takes, from 5 to 600; below 72 the stall is too short for a retry storm.
    #[arg(long, default_value = "72", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) seconds: u64,

    /// Calls a second on average, but for the noise, from 50 to 2000.
    #[arg(long, default_value = "600", value_parser = rate, allow_negative_numbers = true)]
    pub(crate) rate: u32,

    /// The same seed is the same storm: arrivals, work and illness.
    #[arg(long, default_value = "7", value_parser = seed, allow_negative_numbers = true)]
    pub(crate) seed: u64,

    /// Storm this HTTP server on the loopback instead of the built-in fleet.
    ///
    /// It is seen as three members; what ails them is played on the client's side. The third act has servers of
    /// its own: yours resizes no photos.
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: Option<UpstreamUrl>,

    /// Where the picture goes (SVG).
    #[arg(long, value_name = "FILE", default_value = "storm.svg", value_parser = out)]
    pub(crate) out: PathBuf,
}

impl Args {
    /// How long one of the runs takes, in whole halves of a second; the second act, which is played twice, takes
    /// half as long each time, and the third one as long.
    pub(crate) fn run(&self) -> Duration {
        let runs = Defence::ALL.len() as u64 + 2;
        Duration::from_millis(self.seconds * 2 / runs * 500)
    }
}

fn seconds(text: &str) -> Result<u64, String> {
    let rule = format!("must be a whole number from {} to {}", SECONDS.start(), SECONDS.end());
    text.parse().ok().filter(|seconds| SECONDS.contains(seconds)).ok_or(rule)
}

fn rate(text: &str) -> Result<u32, String> {
    let (least, most) = (RATE.start(), RATE.end());
    let rule = format!(
        "must be a whole number of calls a second from {least} to {most} (fewer tell nothing about a member; \
         more measure this machine)"
    );
    text.parse().ok().filter(|rate| RATE.contains(rate)).ok_or(rule)
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("must be a whole number from 0 to {}", u64::MAX))
}

/// Found out now, and not after the storm.
fn out(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if text.is_empty() || path.is_dir() || path.file_name().is_none() {
        return Err("must be a file, such as storm.svg".into());
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(format!("there is no folder {}: make it first", folder.display()));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Args, String> {
        Args::try_parse_from(["storm"].iter().chain(args)).map_err(|error| error.to_string())
    }

    #[test]
    fn without_flags_it_is_a_storm_of_seventy_two_seconds() {
        let args = parse(&[]).expect("nothing is required");
        assert_eq!((args.seconds, args.rate, args.seed), (72, 600, 7));
        assert_eq!(args.run(), Duration::from_secs(8));
        assert_eq!(args.out, Path::new("storm.svg"));
    }

    #[test]
    fn a_number_out_of_range_is_refused_with_the_range() {
        for seconds in ["0", "4", "601", "-5", "ten", "", "1e3", "99999999999999999999"] {
            let refusal = parse(&["--seconds", seconds]).expect_err(seconds);
            assert!(refusal.contains("from 5 to 600"), "{refusal}");
        }
        for seed in ["-1", "x", "18446744073709551616"] {
            let refusal = parse(&["--seed", seed]).expect_err(seed);
            assert!(refusal.contains("from 0 to 18446744073709551615"), "{refusal}");
        }
        for rate in ["0", "-1", "49", "2001", "1000000000000", "fast", "NaN"] {
            let refusal = parse(&["--rate", rate]).expect_err(rate);
            assert!(refusal.contains("from 50 to 2000"), "{refusal}");
        }
    }

    #[test]
    fn a_server_elsewhere_is_refused_before_anything_is_sent() {
        let refusal = parse(&["--upstream", "http://example.com/"]).expect_err("not loopback");
        assert!(refusal.contains("not on this machine"), "{refusal}");
    }

    #[test]
    fn a_picture_that_could_not_be_written_is_refused_first() {
        for out in ["", ".", "/", "no/such/folder/storm.svg"] {
            assert!(parse(&["--out", out]).is_err(), "{out}");
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }
}
