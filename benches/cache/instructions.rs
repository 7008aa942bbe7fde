//! What a look and an insert take in instructions, beside the best peer: the most that ours may is said
//! at each group, and `cargo xtask bench cache --instructions` fails where it is more.
//!
//! A hit takes some more of ours than of quick_cache's, and no more time: quick_cache takes and gives back a
//! lock, two locked instructions to our one, and those are counted as any other.

use seawall_benches::instructions::Instructions;

use crate::{
    handle,
    hits::{CAPACITY, KEYS, of_many, of_one},
    peers::{Foyer, Moka, Ours, Quick, Store},
    writes::of_new,
};

pub(crate) fn all(counted: &mut Instructions) {
    counted.group("cache/hit, 20 000 keys", 1.2);
    many::<Ours>(counted);
    many::<Quick>(counted);
    many::<Moka>(counted);
    many::<Foyer>(counted);

    counted.group("cache/hit, one key", 1.2);
    one::<Ours>(counted);
    one::<Quick>(counted);

    counted.group("cache/insert, full", 2.0);
    write::<Ours>(counted);
    write::<Quick>(counted);
    write::<Moka>(counted);

    handle::count(counted);
}

fn many<S: Store>(counted: &mut Instructions) {
    let store = S::filled(CAPACITY, KEYS);
    counted.case(S::NAME, of_many(&store));
}

fn one<S: Store>(counted: &mut Instructions) {
    let store = S::filled(CAPACITY, KEYS);
    counted.case(S::NAME, of_one(&store));
}

fn write<S: Store>(counted: &mut Instructions) {
    let store = S::filled(KEYS as usize, 2 * KEYS);
    counted.case(S::NAME, of_new(&store));
}
