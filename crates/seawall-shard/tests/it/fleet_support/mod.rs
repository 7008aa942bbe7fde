//! What the tests of the fleets' placements share: keys, and counts of who got them.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::collections::HashMap;

use seawall_shard::fleet::Place;

/// Java's and everybody's SplitMix64: keys that are the same in every run.
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    pub(crate) fn step(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        let word = self.step();
        let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

/// So many hashes, as keys have them.
pub(crate) fn hashes(count: usize) -> impl Iterator<Item = u64> {
    let mut words = SplitMix(42);
    (0..count).map(move |_| words.next_u64())
}

/// The largest and the smallest count, each divided by the mean.
pub(crate) fn spread(counts: &[u64]) -> (f64, f64) {
    let mean = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    let (least, most) = (counts.iter().min(), counts.iter().max());
    let of_mean = |count: Option<&u64>| *count.expect("a count") as f64 / mean;
    (of_mean(most), of_mean(least))
}

/// How many keys each position gets.
pub(crate) fn count(span: usize, places: impl Iterator<Item = usize>) -> Vec<u64> {
    let mut counts = vec![0; span];
    places.for_each(|place| counts[place] += 1);
    counts
}

/// How many of the names come how often.
pub(crate) fn tally<'a>(names: impl Iterator<Item = &'a str>) -> HashMap<&'a str, u64> {
    names.fold(HashMap::new(), |mut counts, name| {
        *counts.entry(name).or_default() += 1;
        counts
    })
}

/// The places of the keys `0`, `1`, ... in decimal, as a listing of lines `key place`.
pub(crate) fn listing(placement: &impl Place, keys: usize) -> String {
    use std::fmt::Write as _;

    (0..keys).fold(String::new(), |mut lines, key| {
        let place = placement.place(key.to_string().as_bytes());
        writeln!(lines, "{key} {place}").expect("a string takes all");
        lines
    })
}
