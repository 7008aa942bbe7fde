//! The hashes that all placements stand on, by values that are published.

use seawall_shard::{
    ShardKey,
    fleet::{Maglev, RingHash},
    hash,
};

/// XXH3-64, XXH64 with seed 0, FNV-1a with 64 bits. Those of the empty text stand in the hashes' own pages.
const VECTORS: [(&str, u64, u64, u64); 4] = [
    ("", 0x2d06_8005_38d3_94c2, 0xef46_db37_51d8_e999, 0xcbf2_9ce4_8422_2325),
    ("a", 0xe6c6_32b6_1e96_4e1f, 0xd24e_c4f1_a98c_6e5b, 0xaf63_dc4c_8601_ec8c),
    ("foobar", 0xd78f_da63_144c_5c84, 0xa2aa_05ed_9085_aaf9, 0x8594_4171_f739_67e8),
    (
        "The quick brown fox jumps over the lazy dog",
        0xce7d_19a5_418f_b365,
        0x0b24_2d36_1fda_71bc,
        0xf3f9_b7f5_e7e4_7110,
    ),
];

#[test]
fn a_key_is_hashed_by_xxh3() {
    let paper = Maglev::paper(7).node("a", 0, 1).build().expect("a table");
    for (text, xxh3, ..) in VECTORS {
        assert_eq!(hash(text.as_bytes()), xxh3);
        assert_eq!(text.shard_hash(), xxh3);
        assert_eq!(paper.hash(text.as_bytes()), xxh3);
    }
}

#[test]
fn what_envoy_reads_is_hashed_by_xxh64() {
    let ring = RingHash::envoy().node("a", 1).build().expect("a ring");
    let table = Maglev::envoy().node("a", 1).build().expect("a table");
    for (text, _, xxh64, _) in VECTORS {
        assert_eq!(ring.hash(text.as_bytes()), xxh64);
        assert_eq!(table.hash(text.as_bytes()), xxh64);
    }
}

#[cfg(feature = "ketama")]
#[test]
fn twemproxy_reads_the_lower_half_of_fnv() {
    use seawall_shard::fleet::Ketama;

    let ring = Ketama::twemproxy().node("a", 1).build().expect("a ring");
    for (text, .., fnv) in VECTORS {
        assert_eq!(ring.hash(text.as_bytes()), fnv as u32);
    }
}
