//! What can be sent, shared and unpinned: part of the interface, though no signature says so.

use seawall_retry::{
    Attempt, Config, Deciding, Decision, Event, GaveUp, Retry, RetryBudget, RetryBuilder,
    RetryError, RetryErrors,
};

const fn all<T: Send + Sync + Unpin>() {}

const _: () = {
    all::<Attempt>();
    all::<Config>();
    all::<Deciding<'_, RetryErrors>>();
    all::<Decision>();
    all::<Event>();
    all::<GaveUp>();
    all::<Retry>();
    all::<RetryBudget>();
    all::<RetryBuilder>();
    all::<RetryError<u8>>();
};

#[cfg(feature = "tokio")]
const _: () = {
    use seawall_retry::{Retried, RetriedFuture};

    const fn shared<T: Send + Sync>() {}

    all::<Retried<'_, fn() -> std::future::Ready<Result<u8, u8>>>>();
    shared::<RetriedFuture<'_, u8, RetryErrors, u8, u8>>();
};

#[cfg(feature = "tower")]
const _: () = {
    use seawall_retry::{CloneRequest, RetryLayer, RetryService};

    all::<CloneRequest>();
    all::<RetryLayer>();
    all::<RetryService<u8>>();
};

#[cfg(feature = "tower-policy")]
const _: () = {
    use seawall_retry::{PolicyLayer, PolicyService};

    all::<PolicyLayer<u8>>();
    all::<PolicyService<u8, u8>>();
};
