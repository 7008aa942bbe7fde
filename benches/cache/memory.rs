//! How many bytes an entry takes, a number by a number: when a store has just been filled, and after as
//! many again have taken their places.

use stats_alloc::{INSTRUMENTED_SYSTEM, Region};

use crate::peers::{Foyer, Moka, Ours, Quick, Store};

const ENTRIES: usize = 100_000;

pub(crate) fn all() {
    println!("\n| store | bytes an entry, filled | after as many evictions | of them held |");
    println!("| --- | ---: | ---: | ---: |");
    report::<Ours>();
    report::<Quick>();
    report::<Moka>();
    report::<Foyer>();
}

fn report<S: Store>() {
    let region = Region::new(&INSTRUMENTED_SYSTEM);
    let keys = ENTRIES as u64;
    let store = S::filled(ENTRIES, keys);
    let filled = held(&region);
    let kept = (0..keys).filter(|key| store.find(*key).is_some()).count();
    (keys..2 * keys).for_each(|key| store.put(key, key));
    store.settle();
    println!(
        "| {} | {:.1} | {:.1} | {kept} |",
        S::NAME,
        filled as f64 / kept as f64,
        held(&region) as f64 / ENTRIES as f64,
    );
}

fn held(region: &Region<'_, std::alloc::System>) -> usize {
    let change = region.change();
    change.bytes_allocated.saturating_sub(change.bytes_deallocated)
}
