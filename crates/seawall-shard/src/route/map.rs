//! The routes of a map.

use crate::{Candidates, Read, ShardKey, ShardMap};

impl ShardMap {
    /// The nodes that a read of the key can ask, in the order of its preference; none of them is down.
    ///
    /// No lock, no allocation. Who fails over asks one after the other.
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
}
