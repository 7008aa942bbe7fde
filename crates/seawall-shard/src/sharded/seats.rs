//! The services by the names of their nodes: a list that is exchanged when one comes or goes.

use std::sync::Arc;

use seawall_core::Name;

use crate::hash;

/// The service of a node. Calls clone it; it is never called itself.
pub(crate) struct Seat<S> {
    pub(crate) name: Name,
    pub(crate) service: S,
    /// The how manieth that came: another one for another service of the same node.
    pub(crate) serial: u64,
    hash: u64,
}

impl<S> Seat<S> {
    pub(crate) fn new(name: Name, service: S, serial: u64) -> Self {
        let hash = hash(name.as_bytes());
        Self { name, service, serial, hash }
    }
}

/// All of them, in the order of the hashes of their names.
pub(crate) struct Seats<S>(Box<[Arc<Seat<S>>]>);

impl<S> Seats<S> {
    pub(crate) fn none() -> Self {
        Self(Box::default())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Seat<S>>> {
        self.0.iter()
    }

    /// The service of a node. No lock, and a search through whole numbers: most names are compared with none but
    /// themselves.
    #[inline]
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Seat<S>>> {
        let hash = hash(name.as_bytes());
        let first = self.0.partition_point(|seat| seat.hash < hash);
        let alike = self.0[first..].iter().take_while(|seat| seat.hash == hash);
        alike.into_iter().find(|seat| seat.name.as_str() == name)
    }

    /// The same with another one, in the place of the one of that name.
    pub(crate) fn with(&self, seat: Seat<S>) -> Self {
        let mut list = self.others(&seat.name);
        list.insert(list.partition_point(|other| other.hash < seat.hash), Arc::new(seat));
        Self(list.into())
    }

    /// The same without the one of that name.
    pub(crate) fn without(&self, name: &str) -> Self {
        Self(self.others(name).into())
    }

    fn others(&self, name: &str) -> Vec<Arc<Seat<S>>> {
        self.0.iter().filter(|seat| seat.name.as_str() != name).cloned().collect()
    }
}

impl<S> Clone for Seats<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
