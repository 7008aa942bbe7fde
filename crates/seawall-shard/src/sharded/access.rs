//! What a request wants of its nodes: whom it may ask, and whom first.

use crate::{Read, route::Fresh};

/// Which of the nodes a request may ask, and in which order.
///
/// Nodes that are down are never asked. Those that drain are asked after the others, but for the one node that
/// a write, or a read of the primary, asks.
///
/// | | asks | take it for |
/// |---|---|---|
/// | `OwnerFirst` | the owner, and the others where it cannot take the call | what any replica can answer |
/// | `Read` | as [`Read`] says | reads |
/// | `Fresh` | a replica that is, or is within a short wait, and then the owner, within a budget | what must show one's own writes |
/// | `Write` | the owner alone, wherever a migration has it | whatever changes data |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// The owner (of equals: the primary) before the others.
    #[default]
    OwnerFirst,
    /// By a read's preference.
    Read(Read),
    /// By a read's preference, from who is that fresh, as [`route_fresh`](crate::ShardMap::route_fresh) has it: the
    /// owner last, where the read does not prefer it, and not for more reads than its
    /// [budget](crate::route::FreshReads::primary_share) pays for. Without the feature `tokio` it does not wait.
    ///
    /// Nobody reports the progress of [equals](super::ReplicaSet): there it is the primary's.
    Fresh(Read, Fresh),
    /// The owner and nobody else. While a slot is [handed over](crate::migration::Phase::HandOff), nobody may
    /// write for a short time: the call is refused as [`Overloaded`](seawall_core::Reason::Overloaded).
    Write,
}

impl Access {
    /// As which read a call goes on to a map's other nodes where the key's own are full; a write goes to none.
    pub(crate) const fn overflows_as(self) -> Option<Read> {
        match self {
            Self::Read(read) => Some(read),
            Self::OwnerFirst => Some(Read::Primary),
            Self::Fresh(..) | Self::Write => None,
        }
    }
}

/// Says what each request wants: implemented for closures over the request.
pub trait ChooseAccess<Request> {
    /// What the request wants.
    fn access(&self, request: &Request) -> Access;
}

impl<F: Fn(&Request) -> Access, Request> ChooseAccess<Request> for F {
    #[inline]
    fn access(&self, request: &Request) -> Access {
        self(request)
    }
}

/// Every request asks the owner first, and then the others: where nothing else is said.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnerFirst;

impl<Request> ChooseAccess<Request> for OwnerFirst {
    #[inline]
    fn access(&self, _request: &Request) -> Access {
        Access::OwnerFirst
    }
}
