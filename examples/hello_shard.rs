//! Sharding in sixty lines: three nodes with a copy of each key on two, one that is down for a while.
//!
//! Run it with `cargo run --example hello_shard`.

use std::{
    collections::BTreeMap,
    io,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use seawall::{
    prelude::*,
    shard::{
        hash,
        sharded::{Access, was_refused},
    },
};
use tower::{BoxError, Service, ServiceExt, service_fn};

static DB_B_IS_DOWN: AtomicBool = AtomicBool::new(false);

/// The client of a node: in real life a connection, behind a circuit breaker perhaps, which refuses as this one does.
fn client(
    node: &'static str,
) -> impl Service<u64, Response = &'static str, Error = BoxError, Future: Send> + Clone {
    service_fn(move |_user: u64| async move {
        match node == "db-b" && DB_B_IS_DOWN.load(Relaxed) {
            true => Err(Error::<io::Error>::from(Rejection::new(Reason::CircuitOpen, node)).into()),
            false => Ok(node),
        }
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let nodes = ["db-a", "db-b", "db-c"].map(Node::new);
    let shards = ShardMap::builder("users").nodes(nodes).replicas(2).build()?;

    let service = Sharded::new(shards.clone(), |user: &u64| hash(&user.to_be_bytes()))
        .access(|_user: &u64| Access::OwnerFirst) // `Access::Write` for what changes data
        .fail_over(|&user: &u64| Some(user), |error: &BoxError| was_refused(&**error))
        .flatten();
    for node in ["db-a", "db-b", "db-c"] {
        service.get_ref().insert(node, client(node)); // or `.discover(endpoints)`
    }

    println!("user 42 lives at {:?}", shards.replicas(&hash(&42_u64.to_be_bytes())));
    for (what, is_down) in [("all are up", false), ("db-b is down", true), ("and up again", false)]
    {
        DB_B_IS_DOWN.store(is_down, Relaxed);
        let mut served = BTreeMap::new();
        for user in 0..3_000 {
            *served.entry(service.clone().oneshot(user).await?).or_insert(0) += 1;
        }
        println!("{what:>12}: {served:?}");
    }

    let update = shards.update(|topology| topology.add(Node::new("db-d")))?;
    service.get_ref().insert("db-d", client("db-d"));
    println!("db-d joins: {} of {} slots have another owner", update.owners_moved, shards.slots());
    println!("user 42 is served by {}", service.oneshot(42).await?);
    Ok(())
}
