//! How many of a hundred requests find their entry; who does not puts it in.

use crate::{
    peers::{Foyer, Moka, Ours, Quick, Store},
    traces::Trace,
};

const REQUESTS: u64 = 3_000_000;
const CAPACITIES: [usize; 2] = [5_000, 50_000];

pub(crate) fn all() {
    println!("\n| trace | entries | seawall | quick_cache | moka | foyer | to the best |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (trace, name) in Trace::ALL {
        let keys: Vec<_> = trace.keys(REQUESTS).collect();
        for entries in CAPACITIES {
            let ours = hits::<Ours>(entries, &keys);
            let peers = [
                hits::<Quick>(entries, &keys),
                hits::<Moka>(entries, &keys),
                hits::<Foyer>(entries, &keys),
            ];
            let best = peers.into_iter().fold(0.0, f64::max);
            let [quick, moka, foyer] = peers;
            println!(
                "| {name} | {entries} | {ours:.1} | {quick:.1} | {moka:.1} | {foyer:.1} | {:+.1} |",
                ours - best,
            );
        }
    }
}

fn hits<S: Store>(entries: usize, keys: &[u64]) -> f64 {
    let store = S::with_capacity(entries);
    let mut hits = 0;
    for key in keys {
        match store.find(*key) {
            Some(_) => hits += 1,
            None => store.put(*key, *key),
        }
    }
    100.0 * f64::from(hits) / keys.len() as f64
}
