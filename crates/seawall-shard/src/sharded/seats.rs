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

/// All of them, and where each is: a table of twice as many cells at least, in which a name stands at the cell of
/// its hash or at the next one that was free.
pub(crate) struct Seats<S> {
    all: Box<[Arc<Seat<S>>]>,
    /// One more than the place in `all`; 0 where nobody is. A power of two of them.
    cells: Box<[u32]>,
}

impl<S> Seats<S> {
    pub(crate) fn none() -> Self {
        Self::new(Vec::new())
    }

    fn new(all: Vec<Arc<Seat<S>>>) -> Self {
        let mut cells = vec![0; (all.len() * 2).next_power_of_two()];
        for (number, seat) in (1..).zip(&all) {
            let mut at = seat.hash as usize & (cells.len() - 1);
            while cells[at] != 0 {
                at = (at + 1) & (cells.len() - 1);
            }
            cells[at] = number;
        }
        Self { all: all.into(), cells: cells.into() }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Seat<S>>> {
        self.all.iter()
    }

    /// The service of a node.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Seat<S>>> {
        self.find_hashed(hash(name.as_bytes()), name)
    }

    /// The same, where the name's hash is known. Half of the cells are empty: most names are looked for in one.
    #[inline]
    pub(crate) fn find_hashed(&self, hash: u64, name: &str) -> Option<&Arc<Seat<S>>> {
        let mask = self.cells.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let number = self.cells[at & mask].checked_sub(1)?;
            let seat = &self.all[number as usize];
            if seat.hash == hash && seat.name.as_str() == name {
                return Some(seat);
            }
            at += 1;
        }
    }

    /// The same with another one, in the place of the one of that name.
    pub(crate) fn with(&self, seat: Seat<S>) -> Self {
        let mut all = self.others(&seat.name);
        all.push(Arc::new(seat));
        Self::new(all)
    }

    /// The same without the one of that name.
    pub(crate) fn without(&self, name: &str) -> Self {
        Self::new(self.others(name))
    }

    fn others(&self, name: &str) -> Vec<Arc<Seat<S>>> {
        self.all.iter().filter(|seat| seat.name.as_str() != name).cloned().collect()
    }
}

impl<S> Clone for Seats<S> {
    fn clone(&self) -> Self {
        Self { all: self.all.clone(), cells: self.cells.clone() }
    }
}
