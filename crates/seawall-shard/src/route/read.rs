//! What a read wants.

/// Which of a key's nodes a read would rather ask.
///
/// Nodes that are down are never asked, and those that drain only where there is nobody else.
///
/// | a read | asks | take it |
/// |---|---|---|
/// | `Primary` | the owner, and nobody else | where it must see the last write; for writes |
/// | `Nearest` | nodes of one's own [zone](crate::ShardMapBuilder::zone), then the others; among equals the owner first | where the way costs more than the work: what is near keeps the same keys warm |
/// | `Any` | all of them alike | to share the work of reads |
///
/// # Examples
///
/// How do I read in my own zone?
///
/// ```
/// # use seawall_shard::{Node, Read, ShardMap};
/// let shards = ShardMap::builder("photos")
///     .nodes(["eu-1", "eu-2", "eu-3"].map(|zone| Node::new(format!("db-{zone}")).zone(zone)))
///     .replicas(3)
///     .zone("eu-2")
///     .build()?;
///
/// let mut candidates = shards.candidates(b"user:42", Read::Nearest);
/// assert_eq!(candidates.next().map(|node| node.name()), Some("db-eu-2"));
/// assert_eq!(candidates.len(), 2, "and if that does not answer, the other two");
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Read {
    /// The owner.
    #[default]
    Primary,
    /// Who is in one's own zone before the others. Where the map has no zone, the owner before the others.
    Nearest,
    /// All alike, by chance.
    Any,
}
