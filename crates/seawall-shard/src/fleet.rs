//! Placements for fleets that are shared with others, and for buckets that have numbers.
//!
//! A placement says where a key belongs. Who owns both sides takes a [`ShardMap`](crate::ShardMap), which
//! moves the least, knows zones and replicas, and plans its changes. This module is for those who do not:
//! each type answers exactly as another project does, bit by bit, or does for numbers what needs no names.
//!
//! # Which one do I take?
//!
//! | I have | take |
//! |---|---|
//! | memcached servers that clients of libketama, libmemcached, PHP, pylibmc, spymemcached or twemproxy use too | [`Ketama`], in the form of that client (feature `ketama`) |
//! | backends behind an Envoy or gRPC with `ring_hash` | [`RingHash`] |
//! | backends behind an Envoy with `maglev`, or another Maglev balancer | [`Maglev`] |
//! | nodes of which none may have a hundredth more than another | [`Maglev`], at a price in keys that move |
//! | shards with numbers, of which the last comes and goes | [`JumpBack`] |
//! | the same, shared with code that uses jump hash | [`Jump`] |
//! | shards with numbers, of which any may leave for a while | [`Memento`] |
//! | any of them, by configuration | a `Box<dyn Place>`: see [`Place`] |
//!
//! # What do they cost?
//!
//! | | instructions a lookup, of 10, 100, 1000 nodes | bytes, of 10, 100, 1000 nodes | busiest node, of the mean | a node comes: keys that move, of those that must |
//! |---|---|---|---|---|
//! | [`Ketama`], 160 points | 20 | 18 KB, 162 KB, 2.0 MB | 1.11, 1.26, 1.26 | 1.0, *3.8*, *25* |
//! | [`Ketama::libmemcached_unweighted`] | 20 | 10 KB, 129 KB, 1.2 MB | 1.08, 1.27, 1.44 | 1.0 |
//! | [`RingHash`], 1024 points or more | 20 | 19 KB, 22 KB, 60 KB | 1.12, 1.63, 6.32 | *1.8*, 1.0, 1.0 |
//! | [`RingHash`], 100 points a node | 20 | 14 KB, 169 KB, 1.6 MB | 1.12, 1.28, 1.41 | 1.0 |
//! | [`Maglev`], 65537 places | 6 | 131 KB, 134 KB, 163 KB | 1.01, 1.03, 1.11 | 1.0, 1.6, 6.8 |
//! | [`Maglev`], 655373 places | 6 | 1.3 MB | 1.01, 1.02, 1.09 | 1.0, 1.1, 4.3 |
//! | [`Jump`] | 51, 97, 143 | 4 | 1.01, 1.02, 1.11 | 1.0 |
//! | [`JumpBack`] | 66, 56, 45 | 4 | 1.00, 1.02, 1.12 | 1.0 |
//! | [`Memento`], none missing | 96, 87, 76 | 56 | 1.00, 1.02, 1.12 | 1.0 |
//! | [`Memento`], a tenth missing | 96, 90, 113 | 92, 928, 6.3 KB | 1.00, 1.02, 1.13 | 1.0 |
//! | [`Memento`], half missing | 129, 121, 110 | 192, 1.5 KB, 17 KB | 1.00, 1.02, 1.09 | 1.0 |
//!
//! Instructions by callgrind, on x86-64 and with the hash given (the XXH64 of an eight-byte key is 67 more,
//! its MD5 805). Those of [`Jump`] wait for divisions: at a thousand buckets it takes 68 ns where
//! [`JumpBack`] takes 7, at ten 26 and 22. The other figures are for a million keys, and nodes of equal
//! weight; on a thousand nodes the busiest has 1.10 times the mean by chance alone, so 1.1 is as even as can
//! be there. *Slanted* figures are faults of the originals, told on their pages: where numbers of points are
//! rounded anew, keys move between nodes that stayed. In [`Maglev`] that is the plan. No lookup allocates,
//! waits or takes a lock.
//!
//! # What is stable, and what changes a placement?
//!
//! 1. A placement is a function of its nodes (names, weights and, where its page says so, their order) or of
//!    its buckets, and of the key: no version of this crate, platform or cargo feature changes it.
//! 2. All but [`Memento`] are made once and never change: build another, and put it in place of the first.
//! 3. Names are what is hashed. `10.0.0.1` and `10.0.0.1:11211` may be one node or two, and a node that
//!    comes back under another name is another node.

mod buckets;
mod jump;
mod jump_back;
#[cfg(feature = "ketama")]
mod ketama;
mod maglev;
mod members;
mod memento;
mod place;
mod points;
mod ring_hash;
mod splitmix;

#[cfg(feature = "ketama")]
pub use self::ketama::{Ketama, KetamaBuilder, KetamaHash};
pub use self::{
    jump::Jump,
    jump_back::JumpBack,
    maglev::{Maglev, MaglevBuilder, MaglevPaperBuilder},
    memento::Memento,
    place::Place,
    ring_hash::{RingHash, RingHashBuilder},
};
