//! Which servers of a fleet a client talks to, and what that makes of the servers' load.

use std::collections::BTreeSet;

use proptest::prelude::*;
use seawall_shard::{balance::Subset, hash};

fn servers(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("server-{at}")).collect()
}

fn ring(client: u32, clients: u32, least: u32) -> Subset {
    Subset::ring(client, clients, least).expect("sound settings")
}

proptest! {
    /// Promises 1 and 3: in whole numbers, so that even is even.
    #[test]
    fn by_the_ring_all_servers_get_the_same(clients in 1_u32..60, count in 1_usize..60, least in 1_u32..70) {
        let servers = servers(count);
        let laps = (u64::from(least) * u64::from(clients)).div_ceil(count as u64).min(u64::from(clients));
        let mut load = vec![0_u64; count];
        for client in 0..clients {
            let chosen = ring(client, clients, least).of(&servers);
            let distinct: BTreeSet<_> = chosen.iter().map(|one| one.at).collect();
            prop_assert_eq!(distinct.len(), chosen.len());
            prop_assert!(chosen.len() >= count.min(least as usize));
            prop_assert!(chosen.len() as u64 <= (laps * count as u64).div_ceil(u64::from(clients)) + 1);
            let mut units = 0;
            for one in chosen {
                prop_assert!((1..=clients).contains(&one.weight));
                load[one.at] += u64::from(one.weight);
                units += u64::from(one.weight);
            }
            prop_assert_eq!(units, laps * count as u64);
        }
        prop_assert_eq!(load, vec![laps * u64::from(clients); count]);
    }

    /// Promise 2.
    #[test]
    fn by_chance_one_server_changes_one_member(salt in any::<u64>(), count in 1_usize..80, size in 1_u32..40) {
        let (many, subset) = (servers(count + 1), Subset::random(salt, size).expect("sound settings"));
        let names = |servers: &[String]| -> BTreeSet<String> {
            subset.of(servers).into_iter().map(|one| servers[one.at].clone()).collect()
        };

        let (before, after) = (names(&many[..count]), names(&many));

        prop_assert_eq!(before.len(), count.min(size as usize));
        prop_assert!(after.difference(&before).all(|name| *name == many[count]));
        prop_assert!(before.difference(&after).count() <= 1);
    }

    /// Promise 3.
    #[test]
    fn the_order_of_the_servers_makes_no_difference(
        shuffled in Just(servers(30)).prop_shuffle(),
        is_ring in any::<bool>(),
    ) {
        let subset = if is_ring { ring(3, 17, 5) } else { Subset::random(3, 5).expect("sound settings") };
        let names = |servers: &[String]| -> Vec<_> {
            subset.of(servers).into_iter().map(|one| (servers[one.at].clone(), one.weight)).collect()
        };
        prop_assert_eq!(names(&shuffled), names(&servers(30)));
    }
}

/// The most and the fewest connections that a server has, of the mean.
fn spread(clients: u32, count: usize, of: impl Fn(u32) -> Subset) -> (f64, f64) {
    let servers = servers(count);
    let mut connections = vec![0_u32; count];
    for client in 0..clients {
        of(client).of(&servers).into_iter().for_each(|one| connections[one.at] += 1);
    }
    let mean = f64::from(connections.iter().sum::<u32>()) / count as f64;
    let of_mean =
        |connections: Option<&u32>| f64::from(*connections.expect("there are servers")) / mean;
    (of_mean(connections.iter().max()), of_mean(connections.iter().min()))
}

/// Figures of a simulation by itself: clients, servers, members, the most and the fewest of the mean.
const FIGURES: [(u32, usize, u32, f64, f64); 6] = [
    (100, 100, 5, 2.40, 0.20),
    (100, 100, 25, 1.56, 0.52),
    (500, 10, 5, 1.09, 0.93),
    (2_000, 10, 5, 1.04, 0.94),
    (300, 300, 30, 1.60, 0.57),
    (1_000, 300, 20, 1.33, 0.63),
];

#[test]
fn connections_spread_as_was_simulated() {
    for (clients, count, size, most, fewest) in FIGURES {
        let found = (0..5).map(|run| {
            let salt = |client: u32| hash(format!("run-{run} host-{client}").as_bytes());
            spread(clients, count, |client| {
                Subset::random(salt(client), size).expect("sound settings")
            })
        });
        let found: Vec<_> = found.collect();
        let mean = |of: fn(&(f64, f64)) -> f64| found.iter().map(of).sum::<f64>() / 5.0;
        let off = 0.35 * (most - fewest); // the extremes of one run vary by a part of their distance
        assert!((mean(|one| one.0) - most).abs() < off, "{clients}, {count}, {size}: {found:?}");
        assert!((mean(|one| one.1) - fewest).abs() < off, "{clients}, {count}, {size}: {found:?}");
    }
}

#[test]
fn by_the_ring_a_hundred_clients_of_a_hundred_servers_have_five_connections_each() {
    let (most, fewest) = spread(100, 100, |client| ring(client, 100, 5));
    assert_eq!((most, fewest), (1.0, 1.0));
    let (most, fewest) = spread(100, 10, |client| ring(client, 100, 5));
    assert!(most < 1.02 && fewest > 0.98, "{most} and {fewest}");
}

#[test]
fn what_cannot_be_is_named() {
    let field =
        |result: Result<Subset, seawall_shard::ConfigError>| result.unwrap_err().field().to_owned();
    assert_eq!(field(Subset::ring(0, 0, 1)), "subset.clients");
    assert_eq!(field(Subset::ring(0, 65_536, 1)), "subset.clients");
    assert_eq!(field(Subset::ring(5, 5, 1)), "subset.client");
    assert_eq!(field(Subset::ring(0, 5, 0)), "subset.least");
    assert_eq!(field(Subset::random(0, 0)), "subset.size");
}

#[test]
fn of_nobody_nobody_is_chosen() {
    assert_eq!(ring(3, 5, 2).of::<String>(&[]), []);
}

#[cfg(feature = "discover")]
mod discovered {
    use std::{
        collections::{BTreeMap, BTreeSet},
        io,
        pin::pin,
    };

    use futures_util::{FutureExt, StreamExt, stream};
    use seawall_shard::{Balance, balance::Subset};
    use tokio::{sync::mpsc, task::unconstrained};
    use tower::discover::Change;

    use super::{ring, servers};

    type Told = Result<Change<String, u32>, io::Error>;

    /// A stream that the test feeds.
    fn told() -> (mpsc::UnboundedSender<Told>, impl stream::Stream<Item = Told>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let next = |mut receiver: mpsc::UnboundedReceiver<Told>| async {
            receiver.recv().await.map(|told| (told, receiver))
        };
        (sender, stream::unfold(receiver, next).boxed())
    }

    fn inside(balance: &Balance<u32>) -> BTreeSet<(String, u32)> {
        balance.peers().iter().map(|peer| (peer.name.to_string(), peer.weight)).collect()
    }

    fn expected(subset: Subset, servers: &[String]) -> BTreeSet<(String, u32)> {
        subset.of(servers).into_iter().map(|one| (servers[one.at].clone(), one.weight)).collect()
    }

    #[tokio::test]
    async fn the_peers_are_the_clients_part_of_what_is_discovered() {
        for subset in [ring(2, 7, 5), Subset::random(9, 5).unwrap()] {
            let balance = Balance::builder("search").build().unwrap();
            let (tell, discover) = told();
            // Polled until it waits, however much it has taken in.
            let mut follow = pin!(unconstrained(balance.follow_subset(discover, subset)));
            let mut there = servers(40);
            for (value, name) in (0..).zip(&there) {
                tell.send(Ok(Change::Insert(name.clone(), value))).unwrap();
            }
            assert!(follow.as_mut().now_or_never().is_none());
            assert_eq!(inside(&balance), expected(subset, &there));

            for _ in 0..30 {
                let gone = there.remove(there.len() / 2);
                tell.send(Ok(Change::Remove(gone))).unwrap();
                assert!(follow.as_mut().now_or_never().is_none());
                assert_eq!(inside(&balance), expected(subset, &there));
            }

            drop(tell);
            follow.await.unwrap();
        }
    }

    #[tokio::test]
    async fn who_stays_keeps_what_is_known_of_it_and_a_new_service_takes_its_place() {
        let (balance, subset) = (Balance::builder("search").build().unwrap(), ring(1, 7, 3));
        let (tell, discover) = told();
        let mut follow = pin!(balance.follow_subset(discover, subset));
        let there = servers(5);
        let joined = |range: std::ops::Range<usize>, value: u32| {
            for name in &there[range] {
                tell.send(Ok(Change::Insert(name.clone(), value))).unwrap();
            }
        };
        joined(0..4, 0);
        assert!(follow.as_mut().now_or_never().is_none());
        let before = inside(&balance);
        let leases: Vec<_> = (0..100).map(|_| balance.pick().unwrap()).collect();
        let in_flight = || -> BTreeMap<String, u32> {
            let peers = balance.peers().into_iter();
            peers.map(|peer| (peer.name.to_string(), peer.in_flight)).collect()
        };
        let calls = in_flight();

        joined(4..5, 0);
        assert!(follow.as_mut().now_or_never().is_none());
        assert_ne!(inside(&balance), before, "other weights at least");
        let stayed: Vec<_> =
            in_flight().into_iter().filter(|(name, _)| calls.contains_key(name)).collect();
        let weight = |of: &BTreeSet<(String, u32)>, name: &str| {
            of.iter().find(|one| one.0 == name).map(|one| one.1)
        };
        let after = inside(&balance);
        let is_other = |name: &str| weight(&before, name) != weight(&after, name);
        assert!(stayed.iter().any(|(name, _)| is_other(name)), "{before:?}, {after:?}");
        assert!(stayed.len() >= 2 && stayed.iter().all(|(name, count)| calls[name] == *count));

        joined(0..5, 1);
        assert!(follow.as_mut().now_or_never().is_none());
        assert!(in_flight().values().all(|&count| count == 0), "these are others");
        assert!((0..100).all(|_| *balance.pick().unwrap() == 1));
        drop(leases);
    }
}
