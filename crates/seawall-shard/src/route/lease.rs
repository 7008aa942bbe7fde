//! One call at a node, until it is over.

use std::{fmt, ops::Deref};

use crate::Member;

/// A call at a node: counts against the node's [bound](super::BoundedLoad) until it is dropped.
///
/// It reads as the [`Member`] that takes the call. It is given back once, to the node that it was taken from,
/// though that may have left the map since, or have left and come back: keep it beside the call, in its future
/// for example, and whatever ends the call gives the place back.
///
/// Where a map has no bound it counts nothing.
#[must_use = "a lease that is dropped gives its place back"]
pub struct Lease {
    member: Member,
}

impl Lease {
    /// Of a call that has entered the member's load, where it has one.
    #[inline]
    pub(crate) const fn new(member: Member) -> Self {
        Self { member }
    }

    /// The node that takes the call.
    #[inline]
    #[must_use]
    pub const fn member(&self) -> &Member {
        &self.member
    }
}

impl Deref for Lease {
    type Target = Member;

    #[inline]
    fn deref(&self) -> &Member {
        &self.member
    }
}

impl Drop for Lease {
    #[inline]
    fn drop(&mut self) {
        if let Some(load) = self.member.load() {
            load.leave();
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.member.name()).finish()
    }
}
