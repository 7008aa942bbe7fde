//! The routes of a map: a read's candidates, and a place at one of them.

use seawall_core::{Bound, Reason, Rejection, lane};

use crate::{
    Candidates, Member, Read, ShardKey, ShardMap, Turn,
    route::{Lease, Overflow, detour::detour},
};

impl ShardMap {
    /// The nodes that a read of the key can ask, in the order of its preference; none of them is down.
    ///
    /// No lock, no allocation. Who fails over asks one after the other, with a [place](Self::reserve) at each
    /// where loads are bounded.
    ///
    /// While the key's slot [moves](crate::migration), a read of the owner can find nothing where the other side
    /// has something: [`read_route`](Self::read_route) says whom to ask then.
    ///
    /// # Examples
    ///
    /// How do I ask the next one when one does not answer?
    ///
    /// ```
    /// # use seawall_shard::{Node, Read, ShardMap};
    /// # fn ask(node: &str) -> Option<u32> { (node == "db-b").then_some(7) }
    /// # let nodes = ["db-a", "db-b", "db-c"].map(Node::new);
    /// # let shards = ShardMap::builder("photos").nodes(nodes).replicas(3).build()?;
    /// let answer = shards.candidates(b"user:42", Read::Any).find_map(|node| ask(node.name()));
    /// assert_eq!(answer, Some(7));
    /// # Ok::<(), seawall_shard::ConfigError>(())
    /// ```
    #[inline]
    pub fn candidates<K: ShardKey + ?Sized>(&self, key: &K, read: Read) -> Candidates<'_> {
        let table = self.table.newest();
        let word = table.word(table.slot_of(key.shard_hash()));
        Candidates::of(table, word, read, &self.shared.routing)
    }

    /// Takes a place for a call at one of the key's nodes: the first of its [candidates](Self::candidates) that
    /// is not at its bound, and where the map has no [bound](crate::ShardMapBuilder::bounded_load), the first.
    ///
    /// No lock, no allocation. The place is given back when the lease is dropped.
    ///
    /// Where all of the key's nodes are at their bounds, or down, the call goes to the next of all nodes in
    /// an order of the key's own, if the map [says so](super::Overflow::AnyNode).
    ///
    /// # Errors
    ///
    /// - [`Overloaded`](Reason::Overloaded): all nodes that could take it are at their bounds. Shed it, or let it
    ///   come again later; asking another node is what has been tried.
    /// - [`NoShard`](Reason::NoShard): all of the key's nodes are down.
    ///
    /// # Examples
    ///
    /// How do I hold the place for as long as the call takes?
    ///
    /// ```
    /// # use seawall_shard::{Node, Read, Rejection, ShardMap, route::BoundedLoad};
    /// # async fn ask(node: &str, key: &[u8]) -> u32 { 7 }
    /// async fn read(shards: &ShardMap, key: &[u8]) -> Result<u32, Rejection> {
    ///     let lease = shards.route(key, Read::Nearest)?;
    ///     Ok(ask(lease.name(), key).await) // and who is cancelled here gives it back, too
    /// }
    /// ```
    #[inline]
    pub fn route<K: ShardKey + ?Sized>(&self, key: &K, read: Read) -> Result<Lease, Rejection> {
        let hash = key.shard_hash();
        let routing = &*self.shared.routing;
        let mut candidates = self.candidates(&hash, read);
        let first = candidates.next();
        let Some(ledger) = &routing.ledger else {
            return match first {
                Some(first) => Ok(self.routed(first)),
                None => Err(self.refuse(false)),
            };
        };
        ledger.come();
        if let Some(first) = first.filter(|first| enter(first)) {
            return Ok(self.routed(first));
        }
        if let Some(next) = candidates.find(|next| enter(next)) {
            return Ok(self.overflowed(next));
        }
        let lease = match routing.overflow {
            Overflow::AnyNode => self.route_anywhere(hash),
            Overflow::Refuse => None,
        };
        lease.ok_or_else(|| {
            ledger.go();
            let anybody = || detour(self.table.newest(), hash).next();
            self.refuse(
                first.or_else(|| (routing.overflow == Overflow::AnyNode).then(anybody)?).is_some(),
            )
        })
    }

    /// Takes a place at a node, whatever its state: for who chooses among the [candidates](Self::candidates)
    /// himself. `None` where it is at its bound.
    ///
    /// Of a map without a bound there is always one.
    #[inline]
    #[must_use]
    pub fn reserve(&self, member: &Member) -> Option<Lease> {
        let Some(load) = member.load() else { return Some(self.routed(member)) };
        load.ledger().come();
        if load.enter(member.weight()) {
            return Some(self.routed(member));
        }
        load.ledger().go();
        None
    }

    /// The key's own nodes have no place left.
    #[cold]
    fn route_anywhere(&self, hash: u64) -> Option<Lease> {
        let member = detour(self.table.newest(), hash).find(|member| enter(member))?;
        Some(self.overflowed(member))
    }

    /// Whose first candidate was at its bound.
    #[cold]
    pub(super) fn overflowed(&self, member: &Member) -> Lease {
        self.shared.routing.counts.overflowed.add(1);
        self.shared.turn(|| Turn::Overflowed { node: member.full_name() });
        self.routed(member)
    }

    pub(super) fn routed(&self, member: &Member) -> Lease {
        self.shared.routing.counts.routed.add(lane(), 1);
        Lease::new(member.clone())
    }

    #[cold]
    pub(super) fn refuse(&self, is_up: bool) -> Rejection {
        let (counts, name) = (&self.shared.routing.counts, self.shared.name.clone());
        let rejection = if is_up {
            counts.refused.add(1);
            Rejection::new(Reason::Overloaded, name).with_bound(Bound::Share)
        } else {
            counts.unserved.add(1);
            Rejection::new(Reason::NoShard, name)
        };
        self.shared.turn(|| Turn::Refused(rejection.clone()));
        rejection
    }
}

/// Takes a place for a call that has come.
#[inline]
pub(super) fn enter(member: &Member) -> bool {
    member.load().is_none_or(|load| load.enter(member.weight()))
}
