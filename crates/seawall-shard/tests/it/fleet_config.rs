//! What cannot be built, and what the refusal says; what can be sent and shared.

use seawall_shard::{
    ConfigError,
    fleet::{
        Jump, JumpBack, Maglev, MaglevBuilder, MaglevPaperBuilder, Memento, RingHash,
        RingHashBuilder,
    },
};

const fn all<T: Send + Sync + Unpin + Clone + std::fmt::Debug>() {}

const _: () = {
    all::<Jump>();
    all::<JumpBack>();
    all::<Maglev>();
    all::<MaglevBuilder>();
    all::<MaglevPaperBuilder>();
    all::<Memento>();
    all::<RingHash>();
    all::<RingHashBuilder>();
};

#[cfg(feature = "ketama")]
const _: () = {
    use seawall_shard::fleet::{Ketama, KetamaBuilder, KetamaHash};

    all::<Ketama>();
    all::<KetamaBuilder>();
    all::<KetamaHash>();
};

fn says<T: std::fmt::Debug>(built: Result<T, ConfigError>, words: &str) {
    assert_eq!(built.expect_err(words).to_string(), words);
}

#[test]
fn no_buckets_are_no_placement() {
    let words = "`buckets` is 0: it must be from 1 to 2147483647";
    says(Jump::new(0), words);
    says(JumpBack::new(0), words);
    says(Jump::new(1 << 31), "`buckets` is 2147483648: it must be from 1 to 2147483647");
    says(JumpBack::new(u32::MAX), "`buckets` is 4294967295: it must be from 1 to 2147483647");
    says(Memento::new(0), "`buckets` is 0: it must be from 1 to 16777216");
}

#[test]
fn nodes_are_named_once_and_weigh_something() {
    let ring = RingHash::envoy;
    says(ring().build(), "`nodes` is 0: it must be from 1 to 65535");
    says(ring().node("", 1).build(), "`node` is \"\": it must be a name");
    says(ring().node("a", 1).node("a", 2).build(), "`node` is a: it must be named once");
    says(ring().node("a", 0).build(), "`weight` is 0 for a: it must be at least 1");
    says(
        ring().node("a", u32::MAX).node("b", 1).build(),
        "`weights` is 4294967296: it must be at most 4294967295 together",
    );
    let many = (0..65_536).fold(ring(), |builder, node| builder.node(node.to_string(), 1));
    says(many.build(), "`nodes` is 65536: it must be from 1 to 65535");
    says(Maglev::envoy().build(), "`nodes` is 0: it must be from 1 to 65535");
    says(Maglev::paper(7).build(), "`nodes` is 0: it must be from 1 to 65535");
}

#[test]
fn a_ring_has_a_size_that_can_be() {
    let ring = || RingHash::envoy().node("a", 1);
    says(ring().min_size(0).build(), "`min_size` is 0: it must be from 1 to 8388608");
    says(ring().max_size(0).build(), "`max_size` is 0: it must be from 1 to 8388608");
    says(ring().max_size(8_388_609).build(), "`max_size` is 8388609: it must be from 1 to 8388608");
    says(
        ring().min_size(9).max_size(8).build(),
        "`min_size` is 9: it must be at most `max_size`, which is 8",
    );
    assert!(ring().min_size(1).max_size(1).build().is_ok());
}

#[test]
fn a_table_is_a_prime_number_of_places() {
    let table = || Maglev::envoy().node("a", 1).node("b", 1).node("c", 1);
    for places in [0, 1, 4, 8, 65_536, 65_535, 4_999_999 * 7, u32::MAX] {
        let words = format!("`table` is {places}: it must be a prime number, and at most 5000011");
        says(table().table(places).build(), &words);
    }
    says(table().table(2).build(), "`nodes` is 3: it must be at most 2, the size of the table");
    for places in [3, 5, 7, 65_537] {
        assert!(table().table(places).build().is_ok());
    }
    assert!(Maglev::envoy().node("a", 1).table(5_000_011).build().is_ok());
}

#[test]
fn a_walk_stays_in_the_table_and_goes_on() {
    let paper = |offset, step| Maglev::paper(7).node("a", offset, step).build();
    says(paper(7, 1), "`offset` is 7: it must be below 7");
    says(paper(0, 0), "`step` is 0: it must be from 1 to 6");
    says(paper(0, 7), "`step` is 7: it must be from 1 to 6");
    assert!(paper(6, 6).is_ok());
}

#[cfg(feature = "ketama")]
#[test]
fn a_label_is_one_nodes_and_weights_are_for_forms_that_have_them() {
    use seawall_shard::fleet::Ketama;

    // The same to libmemcached, and not to libketama.
    let (bare, with_port) = ("10.0.0.1", "10.0.0.1:11211");
    let words = "`node` is 10.0.0.1: it must be named once";
    says(Ketama::libmemcached().node(bare, 1).node(with_port, 1).build(), words);
    assert!(Ketama::libketama().node(bare, 1).node(with_port, 1).build().is_ok());
    says(Ketama::libmemcached().node(":11211", 1).build(), "`node` is :11211: it must be a host");

    let words = "`weight` is 2: it must be 1 for all: this form knows no weights";
    for form in [Ketama::spymemcached(), Ketama::libmemcached_unweighted()] {
        says(form.node("a", 1).node("b", 2).build(), words);
    }
    assert!(Ketama::spymemcached().node("a", 2).node("b", 2).build().is_ok());
}

/// What is printed says what it is, and not each of its points.
#[test]
fn debug_is_short() {
    let ring = RingHash::envoy().node("a", 1).node("b", 1).build().expect("a ring");
    assert_eq!(format!("{ring:?}"), "RingHash { nodes: [\"a\", \"b\"], points: 1024 points }");
    let table = Maglev::envoy().node("a", 1).build().expect("a table");
    assert_eq!(format!("{table:?}"), "Maglev { nodes: [\"a\"], places: 65537, keys: Xxh64 }");
}
