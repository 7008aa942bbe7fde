//! The family's crate with its shards: what the prelude brings is enough to place keys and to balance calls,
//! and speaks of errors and snapshots with the family's types.

#![cfg(feature = "shard")]

use seawall::prelude::*;

#[test]
fn the_prelude_is_enough_to_place_keys() -> Result<(), seawall::ConfigError> {
    let registry = seawall::Registry::new();
    let shards = ShardMap::builder("photos").nodes(["db-a", "db-b"].map(Node::new)).build()?;
    shards.register(&registry);

    let owner = shards.lookup(b"user:42").name();

    assert_eq!(shards.lookup(&b"user:42".shard_hash()).name(), owner);
    assert_eq!(registry.snapshots().len(), 1);
    Ok(())
}

#[test]
fn the_prelude_is_enough_to_balance_calls() -> Result<(), seawall::ConfigError> {
    let balance = Balance::builder("search").peer("a", 1).build()?;

    let lease = balance.pick().expect("somebody is in");
    assert_eq!(*lease, 1);
    lease.success();

    balance.remove("a");
    let rejection: Rejection = balance.pick().expect_err("nobody is left");
    assert_eq!(rejection.reason(), Reason::NoShard);
    Ok(())
}

#[cfg(feature = "tower")]
#[tokio::test]
async fn the_prelude_is_enough_to_balance_services() {
    use tower::{ServiceExt, service_fn};

    let upstream = service_fn(|number: u32| async move { Ok::<_, std::io::Error>(number + 1) });
    let balance = Balance::builder("search").peer("a", upstream).build().expect("sound settings");

    let answer = BalanceService::new(balance).oneshot(41).await;

    assert_eq!(answer.expect("it answers"), 42);
}
