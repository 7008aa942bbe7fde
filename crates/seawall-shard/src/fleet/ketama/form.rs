//! What the clients do not agree on: labels, roundings, ties.

use std::borrow::Cow;

use super::hash::KetamaHash;

/// A client whose ring it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Libketama,
    Libmemcached,
    LibmemcachedUnweighted,
    LibmemcachedSpy,
    Twemproxy,
    Spymemcached,
}

impl Form {
    /// What a node's points are the hashes of, but for the number at the end.
    pub(super) fn label(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::Libketama | Self::Spymemcached => name.into(),
            Self::LibmemcachedSpy => format!("/{name}").into(),
            Self::Libmemcached | Self::LibmemcachedUnweighted | Self::Twemproxy => {
                name.strip_suffix(":11211").unwrap_or(name).into()
            }
        }
    }

    /// How many labels a node has: with four points each, or with one.
    ///
    /// The casts are those of the originals. Neither is what it seems to be: `floorf` rounds its argument
    /// to an `f32` before it cuts it down, and `1e-10` is lost in any `f32` from 1e-3 on.
    pub(super) fn labels(self, weight: u32, total: u64, nodes: usize) -> u32 {
        let share = weight as f32 / total as f32;
        let nodes = nodes as f32;
        match self {
            Self::Libketama => (f64::from(share) * 40.0 * f64::from(nodes)) as f32 as u32,
            Self::Libmemcached | Self::LibmemcachedSpy | Self::Twemproxy => {
                (share * 160.0 / 4.0 * nodes + 1e-10) as u32
            }
            Self::Spymemcached => 40,
            Self::LibmemcachedUnweighted => 100,
        }
    }

    /// Whether a label has one point, by the hash of the keys, and not four by MD5.
    pub(super) fn one_point(self) -> bool {
        self == Self::LibmemcachedUnweighted
    }

    /// Whether weights mean something.
    pub(super) fn weighted(self) -> bool {
        !matches!(self, Self::LibmemcachedUnweighted | Self::Spymemcached)
    }

    /// Whether of equal points the last one given answers.
    pub(super) fn last_wins(self) -> bool {
        self == Self::Spymemcached // each point is put into a map, over what was there
    }

    /// How keys are hashed where nothing else is set.
    pub(super) fn keys(self) -> KetamaHash {
        match self {
            Self::Twemproxy => KetamaHash::Fnv1a64,
            Self::LibmemcachedUnweighted => KetamaHash::OneAtATime,
            _ => KetamaHash::Md5,
        }
    }
}
