//! A split of services: the promises of a Tower middleware.

#![cfg(feature = "tower")]

use seawall_shard::{Split, split::SplitService};
use seawall_test::contract::{Inner, Suite};
use tower::{Service, ServiceExt, service_fn};

const fn all<T: Send + Sync + Unpin>() {}

const _: () = {
    all::<SplitService<Inner>>();
    all::<<SplitService<Inner> as Service<u64>>::Future>();
};

#[test]
fn the_service_keeps_the_contract() {
    let service = |inner: Inner| {
        SplitService::new(
            Split::builder("contract").part("only", 1, inner).build().expect("sound weights"),
        )
    };
    Suite::new(service).cloned().sendable().unboxed().run();
}

#[tokio::test]
async fn clones_take_turns() {
    let part = |number: usize| service_fn(move |()| async move { Ok::<_, ()>(number) });
    let split =
        Split::builder("search").seed(0).part("a", 2, part(0)).part("b", 1, part(1)).build();
    let service = SplitService::new(split.expect("sound weights"));

    let mut calls = [0; 2];
    for _ in 0..9 {
        calls[service.clone().oneshot(()).await.expect("it answers")] += 1;
    }

    assert_eq!(calls, [6, 3]);
    assert_eq!(service.split().parts()[1].calls, 3);
}
