//! Which servers of a large fleet a client talks to, so that not everybody is connected to everybody.
//!
//! # How it decides
//!
//! | | ring | random |
//! |---|---|---|
//! | a client needs | a number of its own, from 0 to `clients - 1`, and how many there are | nothing |
//! | load on the servers | the same for all, exactly | uneven, the more so the fewer connections a server has |
//! | a server joins or leaves | most clients change about one member, and weights | a client changes one member at most |
//! | a client joins or leaves | all change | nothing |
//!
//! *Ring*, as Finagle's deterministic aperture has it. Servers and clients are laid on a ring of `S * C` units, in
//! whole numbers; a server has `C` of them, a client begins at its number times `S` and takes `m * S`, with the
//! smallest `m` that gives it enough servers. So `m` clients pass over each unit, whatever `S` and `C`:
//!
//! ```text
//!  servers (C = 4 units each)   |  s0   |  s1   |  s2   |       S = 3
//!  client 0, m = 2              |###########|                   s0: 4, s1: 2
//!  client 1                     |     |###########|             s0: 1, s1: 4, s2: 1
//! ```
//!
//! Units that it covers are a server's weight. The servers are laid out by the hash of their names, so that no
//! order in which they are told, or named, makes neighbours.
//!
//! *Random*, as gRPC's A68 has it: a client takes the servers whose names, hashed with a salt of its own, come
//! highest.
//!
//! # What it promises
//!
//! 1. Ring: the weights of a client add up to `m * S`, those that all clients give to a server to `m * C`, and a
//!    client has the least that was asked for, or all.
//! 2. Random: as many as were asked for, or all; where one server joins or leaves, one member changes at most.
//! 3. The order in which servers are given makes no difference.

use seawall_core::ConfigError;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Which servers of a fleet a client talks to.
///
/// # Examples
///
/// I run 100 instances, each of which knows its number. Which servers are for mine?
///
/// ```
/// # use seawall_shard::balance::Subset;
/// let servers: Vec<String> = (0..300).map(|at| format!("server-{at}")).collect();
/// let mine = Subset::ring(17, 100, 12)?.of(&servers);
/// assert!(mine.len() >= 12 && mine.len() <= 15);
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subset(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ring { client: u32, clients: u32, least: u32 },
    Random { salt: u64, size: u32 },
}

/// A server that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chosen {
    /// Which of the servers that were given.
    pub at: usize,
    /// Its share of the client's calls, relative to the others'.
    pub weight: u32,
}

impl Subset {
    /// At least `least` servers, so that all servers get the same from all clients: for client number `client`
    /// of `clients`, from 0. Finagle takes 12 at least.
    ///
    /// # Errors
    ///
    /// Where there is no such client; where there are more than 65 535; where `least` is 0.
    pub fn ring(client: u32, clients: u32, least: u32) -> Result<Self, ConfigError> {
        if !(1..=65_535).contains(&clients) {
            return Err(ConfigError::new("subset.clients", clients, "from 1 to 65535"));
        }
        if client >= clients {
            let rule = format!("from 0 to {}", clients - 1);
            return Err(ConfigError::new("subset.client", client, rule));
        }
        if least == 0 {
            return Err(ConfigError::new("subset.least", least, "at least 1"));
        }
        Ok(Self(Kind::Ring { client, clients, least }))
    }

    /// `size` servers, by chance: those of one `salt` are always the same. Each client takes a salt of its own,
    /// such as the hash of its host's name.
    ///
    /// # Errors
    ///
    /// Where `size` is 0.
    pub fn random(salt: u64, size: u32) -> Result<Self, ConfigError> {
        if size == 0 {
            return Err(ConfigError::new("subset.size", size, "at least 1"));
        }
        Ok(Self(Kind::Random { salt, size }))
    }

    /// The servers that are for this client, in their order on the ring or by their rank.
    #[must_use]
    pub fn of<N: AsRef<str>>(&self, names: &[N]) -> Vec<Chosen> {
        match self.0 {
            Kind::Ring { client, clients, least } => {
                let laid = ordered(names, |name| xxh3_64(name.as_bytes()));
                ring(client, clients, least, laid.len() as u64)
                    .map(|(place, weight)| Chosen { at: laid[place], weight })
                    .collect()
            }
            Kind::Random { salt, size } => {
                let mut ranked = ordered(names, |name| !xxh3_64_with_seed(name.as_bytes(), salt));
                ranked.truncate(size as usize);
                ranked.into_iter().map(|at| Chosen { at, weight: 1 }).collect()
            }
        }
    }
}

/// The places of the names, lowest hash first, and by name where two hashes are the same.
fn ordered<N: AsRef<str>>(names: &[N], hash: impl Fn(&str) -> u64) -> Vec<usize> {
    let hashes: Vec<_> = names.iter().map(|name| hash(name.as_ref())).collect();
    let mut places: Vec<_> = (0..names.len()).collect();
    places.sort_unstable_by(|&one, &other| {
        (hashes[one], names[one].as_ref()).cmp(&(hashes[other], names[other].as_ref()))
    });
    places
}

/// The places on the ring that a client covers, and with how many units each.
fn ring(client: u32, clients: u32, least: u32, servers: u64) -> impl Iterator<Item = (usize, u32)> {
    let (client, clients) = (u64::from(client), u64::from(clients));
    let laps = (u64::from(least) * clients).div_ceil(servers.max(1)).min(clients);
    let (start, end) = (client * servers, (client + laps) * servers);
    // Where it comes round to where it began, the first and the last place are one server's.
    let last = end.div_ceil(clients.max(1));
    let shares_first = servers > 0 && last > start / clients + servers;
    let covered = move |place: u64| {
        let (from, to) = (place * clients, (place + 1) * clients);
        to.min(end).saturating_sub(from.max(start))
    };
    let places = start / clients..if shares_first { last - 1 } else { last };
    places.map(move |place| {
        let again = if shares_first { covered(place + servers) } else { 0 };
        ((place % servers) as usize, (covered(place) + again) as u32)
    })
}
