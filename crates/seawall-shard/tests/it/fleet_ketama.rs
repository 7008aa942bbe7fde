//! Ketama's forms against the clients that they are named after.
//!
//! Vectors that stand in other projects' tests are named with them. Where a listing is pinned by its MD5 and
//! no other source is named, it was made by the original itself: libmemcached 1.1.4 was asked for the server
//! of each key (`memcached_generate_hash`), and twemproxy 0.5.0 was run before thirty servers and told each
//! key, both as Debian builds them for x86-64.

#![cfg(feature = "ketama")]

mod fixture;

use std::fmt::Write as _;

use self::fixture::{LIBMEMCACHED, SPY, SPYMEMCACHED};
use crate::fleet_support::{hashes, listing, tally};
use md5::{Digest, Md5};
use proptest::prelude::*;
use seawall_shard::fleet::{Ketama, KetamaBuilder, KetamaHash};

/// The eight servers of libketama's sample file, which libmemcached and spymemcached test with too.
const WEIGHTS: [u32; 8] = [600, 300, 200, 350, 1000, 800, 950, 100];

fn eight(builder: KetamaBuilder, weights: [u32; 8]) -> Ketama {
    let nodes = weights.iter().zip(1..).fold(builder, |builder, (weight, node)| {
        builder.node(format!("10.0.1.{node}:11211"), *weight)
    });
    nodes.build().expect("a ring")
}

fn ports(builder: KetamaBuilder, ports: impl IntoIterator<Item = u16>) -> KetamaBuilder {
    ports.into_iter().fold(builder, |builder, port| builder.node(format!("127.0.0.1:{port}"), 1))
}

/// 61 nodes on three ports, of which 11211 is one.
fn mixed(builder: KetamaBuilder, weight: impl Fn(u32) -> u32) -> Ketama {
    let nodes = (0..61).fold(builder, |builder, node| {
        builder.node(format!("cache-{node}.example:{}", 11_211 + node % 3), weight(node))
    });
    nodes.build().expect("a ring")
}

/// The MD5 of a text, as `md5sum` prints it.
fn md5sum(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().fold(String::new(), |mut sum, byte| {
        write!(sum, "{byte:02x}").expect("a string takes all");
        sum
    })
}

/// The first point not below the key's hash.
fn point(ring: &Ketama, key: &str) -> u32 {
    let hash = ring.hash(key.as_bytes());
    let mut points = ring.points().map(|(point, _)| point);
    let first = ring.points().next().expect("a point").0;
    points.find(|point| *point >= hash).unwrap_or(first)
}

/// `libketama/test.sh`: the MD5 of a listing of a million keys.
#[test]
fn a_million_keys_are_where_libketama_puts_them() {
    let ring = eight(Ketama::libketama(), WEIGHTS);
    let points: Vec<_> = ring.points().collect();
    assert_eq!(points.len(), 1264);
    assert_eq!(points[..2], [(762_113, "10.0.1.5:11211"), (2_322_555, "10.0.1.5:11211")]);
    assert_eq!(points[1263], (4_293_620_028, "10.0.1.5:11211"));

    let mut lines = String::from("\n"); // libketama prints its last error first, which is none
    for key in 0..1_000_000_u32 {
        let key = key.to_string();
        let hash = ring.hash(key.as_bytes());
        let at = points.partition_point(|(point, _)| *point < hash) % points.len();
        writeln!(lines, "{hash} {} {}", points[at].0, ring.lookup(key.as_bytes())).expect("a line");
    }

    assert_eq!(md5sum(&lines), "5672b131391f5aa2b280936aec1eea74");
}

/// `python_ketama/tests.py` of libketama.
#[test]
fn two_servers_are_shared_as_by_python_ketama() {
    let ring = Ketama::libketama().node("127.0.0.1:11211", 600).node("127.0.0.1:11212", 400);
    let ring = ring.build().expect("a ring");

    assert_eq!(ring.hash(b"test"), 3_446_378_249);
    assert_eq!(ring.points().len(), 320);
    assert_eq!((point(&ring, "test"), ring.lookup(b"test")), (3_454_255_383, "127.0.0.1:11211"));
}

/// `test/fixtures/ketama.hpp` of libmemcached.
#[test]
fn ninety_nine_keys_are_where_libmemcached_puts_them() {
    let weighted = eight(Ketama::libmemcached(), WEIGHTS);
    let spy = eight(Ketama::libmemcached_spy(), WEIGHTS);
    assert_eq!(LIBMEMCACHED.len(), 99);

    for ((key, hash, next, node), by_spy) in LIBMEMCACHED.into_iter().zip(SPY.chars()) {
        assert_eq!(weighted.hash(key.as_bytes()), hash, "{key}");
        assert_eq!(point(&weighted, key), next, "{key}");
        assert_eq!(weighted.lookup(key.as_bytes()), format!("10.0.1.{node}:11211"), "{key}");
        assert_eq!(spy.lookup(key.as_bytes()), format!("10.0.1.{by_spy}:11211"), "{key}");
    }
}

/// The same tests: a key beyond the last point belongs to the first.
#[test]
fn the_circle_closes() {
    let ring = eight(Ketama::libmemcached(), WEIGHTS);
    let points: Vec<_> = ring.points().collect();

    assert_eq!(ring.hash(b"VDEAAAAA"), 0xfffc_d1b5);
    assert_eq!(points.last().expect("a point").0, 0xfffb_df7f);
    assert_eq!(ring.lookup(b"VDEAAAAA"), points[0].1);
}

#[test]
fn a_hundred_thousand_keys_are_where_libmemcached_puts_them() {
    let equal = (0..25).fold(Ketama::libmemcached(), |builder, node| {
        builder.node(format!("10.1.0.{node}:11211"), 1)
    });
    let unweighted = Ketama::libmemcached_unweighted;
    for (ring, md5) in [
        (eight(Ketama::libmemcached(), WEIGHTS), "7d0c5a2323b47e30fc84877aaf13a9ba"),
        (mixed(Ketama::libmemcached(), |node| 1 + node % 7), "e11b992edc3a40f708337ae05c4478a9"),
        (equal.build().expect("a ring"), "9e1e62e4c9144331e898353648403d0c"),
        (eight(Ketama::libmemcached_spy(), WEIGHTS), "6d5842a2a189561c8d8889b6e21e37f4"),
        (eight(unweighted(), [1; 8]), "985b6c6d2cbbf7cbbc03afd5b9936204"),
        (mixed(unweighted(), |_| 1), "764096e824f2e719b81bb11e879b39c0"),
        (eight(unweighted().key_hash(KetamaHash::Md5), [1; 8]), "24185559ff772a062fe7c9b63d016ae7"),
    ] {
        assert_eq!(md5sum(&listing(&ring, 100_000)), md5, "{ring:?}");
    }
}

/// A `char` has a sign where libmemcached's one-at-a-time was compiled.
#[test]
fn keys_that_are_no_ascii_are_where_libmemcached_puts_them() {
    let ring = eight(Ketama::libmemcached_unweighted(), [1; 8]);
    assert_eq!(ring.hash(&[0xff, 0x80]), 0xd8d1_31c7);

    let nodes = (128..148_u8).map(|first| {
        let node = ring.lookup(&[first, 200 + first % 50, 255]);
        node.as_bytes()[7] - b'1'
    });
    let expected = [2, 0, 2, 1, 1, 7, 4, 0, 3, 3, 6, 4, 3, 4, 3, 5, 5, 1, 0, 4];
    assert_eq!(nodes.collect::<Vec<_>>(), expected);
}

#[test]
fn twenty_thousand_keys_are_where_twemproxy_puts_them() {
    let by_port = |node: u32| format!("127.0.0.1:{}", 23_000 + node);
    let by_label = |node: u32| format!("cache-{node}");
    let ring = |name: &dyn Fn(u32) -> String, hash: Option<KetamaHash>| {
        let builder = (0..30)
            .fold(Ketama::twemproxy(), |builder, node| builder.node(name(node), 1 + node % 5));
        let builder = match hash {
            Some(hash) => builder.key_hash(hash),
            None => builder,
        };
        builder.build().expect("a ring")
    };
    for (ring, md5) in [
        (ring(&by_label, None), "aba83d8ff13023325a79f87e3a986852"),
        (ring(&by_port, None), "e9ce7bd66504948fd6854849db5acda0"),
        (ring(&by_label, Some(KetamaHash::Md5)), "53181b8c097e64f6dc3c1e695c8506a5"),
        (ring(&by_port, Some(KetamaHash::OneAtATime)), "827992eb5d2f0a3c58c458afc769acb8"),
    ] {
        assert_eq!(md5sum(&listing(&ring, 20_000)), md5, "{ring:?}");
    }
}

/// `KetamaNodeLocatorTest` of spymemcached: four nodes, five, and eight.
#[test]
fn keys_are_where_spymemcached_puts_them() {
    let four = ports(Ketama::spymemcached(), 10_000..10_004).build().expect("a ring");
    let five = ports(Ketama::spymemcached(), 10_000..10_005).build().expect("a ring");
    assert_eq!(four.points().last().expect("a point").0, 4_294_887_009);

    for (ring, key, node) in [
        (&four, "dustin", 0),
        (&four, "noelani", 2),
        (&four, "some other key", 0),
        (&four, "V5XS8C8N", 3), // these three lie beyond the last point
        (&four, "8KR2DKR2", 3),
        (&four, "L9KH6X4X", 3),
        (&five, "dustin", 0),
        (&five, "noelani", 2),
        (&five, "some other key", 4),
        (&five, "36", 2),
        (&five, "10037", 3),
        (&five, "22051", 1),
        (&five, "49044", 4),
    ] {
        assert_eq!(ring.lookup(key.as_bytes()), format!("127.0.0.1:1000{node}"), "{key}");
    }

    let ring = eight(Ketama::spymemcached(), [1; 8]);
    for (first, nodes) in SPYMEMCACHED {
        for (key, node) in (first..).step_by(233).zip(nodes.chars()) {
            assert_eq!(
                ring.lookup(key.to_string().as_bytes()),
                format!("10.0.1.{node}:11211"),
                "{key}"
            );
        }
    }
}

/// The counts at which equal nodes have 156 points and not 160.
#[test]
fn roundings_lose_a_group_where_the_originals_lose_one() {
    let short = |builder: fn() -> KetamaBuilder, counts: &mut dyn Iterator<Item = u16>| {
        let points = |nodes: &u16| {
            let ring = ports(builder(), 0..*nodes).build().expect("a ring");
            ring.points().len() / usize::from(*nodes)
        };
        let short = counts.filter(|nodes| points(nodes) != 160).collect::<Vec<_>>();
        assert!(short.iter().all(|nodes| points(nodes) == 156));
        short
    };

    let others = [25, 47, 50, 55, 61];
    assert_eq!(short(Ketama::libketama, &mut (1..70)), [61]);
    assert_eq!(short(Ketama::libmemcached, &mut (1..70)), others);
    assert_eq!(short(Ketama::twemproxy, &mut (1..70)), others);
    let further = [100, 121, 122, 123, 237, 244, 245];
    assert_eq!(short(Ketama::libketama, &mut further.into_iter()), [122, 237, 244]);
    assert_eq!(short(Ketama::libmemcached, &mut further.into_iter()), [100, 122, 237, 244]);
}

/// "Weighted ketama is not consistent": kept, and measured.
#[test]
fn a_weighted_node_that_leaves_moves_keys_of_others() {
    let before = eight(Ketama::libketama(), WEIGHTS);
    let nodes = (1..8).fold(Ketama::libketama(), |builder, node| {
        builder.node(format!("10.0.1.{node}:11211"), WEIGHTS[node - 1])
    });
    let after = nodes.build().expect("a ring");

    let keys: Vec<u32> = hashes(200_000).map(|hash| hash as u32).collect();
    let moved = keys.iter().filter(|key| before.at(**key) != after.at(**key)).count();
    let own = keys.iter().filter(|key| before.at(**key) == "10.0.1.8:11211").count();

    let (moved, own) = (moved as f64 / 200_000.0, own as f64 / 200_000.0);
    assert!((0.11..0.12).contains(&moved) && (0.02..0.04).contains(&own), "{moved}, {own}");
}

/// These two have a point in common.
#[test]
fn of_equal_points_the_first_given_answers_or_the_last_with_spymemcached() {
    let (one, other) = ("cache-590", "cache-712");
    let forms: [(fn() -> KetamaBuilder, bool); 4] = [
        (Ketama::libketama, false),
        (Ketama::libmemcached, false),
        (Ketama::twemproxy, false),
        (Ketama::spymemcached, true),
    ];
    for (form, last_wins) in forms {
        for (first, last) in [(one, other), (other, one)] {
            let ring = form().node(first, 1).node(last, 1).build().expect("a ring");
            assert_eq!(ring.points().filter(|(point, _)| *point == 1_296_976_496).count(), 2);

            let expected = if last_wins { last } else { first };
            assert_eq!(ring.at(1_296_976_496), expected, "{ring:?}");
        }
    }
}

#[test]
fn a_node_far_below_the_average_gets_nothing() {
    let ring = Ketama::libmemcached().node("a", 1).node("b", 1_000).build().expect("a ring");
    assert_eq!(tally(ring.points().map(|(_, node)| node)).get("a"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))] // four rings of thousands of MD5s each

    #[test]
    fn without_weights_a_node_that_leaves_moves_its_own_keys_alone(
        nodes in 2_u16..12,
        gone in any::<prop::sample::Index>(),
        keys in prop::collection::vec(any::<u32>(), 200),
    ) {
        let gone = gone.index(nodes.into()) as u16;
        for form in [Ketama::spymemcached, Ketama::libmemcached_unweighted] {
            let before = ports(form(), 0..nodes).build().expect("a ring");
            let after = ports(form(), (0..nodes).filter(|port| *port != gone)).build().expect("a ring");
            let left = format!("127.0.0.1:{gone}");
            for key in &keys {
                let owner = before.at(*key);
                prop_assert_eq!(after.at(*key) == owner, owner != left);
            }
        }
    }

    #[test]
    fn the_order_in_which_nodes_are_given_does_not_matter_but_for_equal_points(
        nodes in Just((0_u16..12).collect::<Vec<_>>()).prop_shuffle(),
        keys in prop::collection::vec(any::<u32>(), 200),
    ) {
        for form in [Ketama::libketama, Ketama::libmemcached, Ketama::twemproxy, Ketama::spymemcached] {
            let one = ports(form(), 0..12).build().expect("a ring");
            let other = ports(form(), nodes.iter().copied()).build().expect("a ring");
            prop_assert!(one.points().eq(other.points())); // twelve of these have no equal points
            prop_assert!(keys.iter().all(|key| one.at(*key) == other.at(*key)));
        }
    }
}
