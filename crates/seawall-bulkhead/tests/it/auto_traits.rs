//! What can be sent, shared and unpinned: part of the interface, though no signature says so.

use seawall_bulkhead::{
    Adaptive, Bulkhead, BulkheadBuilder, Classified, Config, Demand, ErrIsFailure, Event, Permit,
};

const fn all<T: Send + Sync + Unpin>() {}

const _: () = {
    all::<Adaptive>();
    all::<Bulkhead>();
    all::<BulkheadBuilder>();
    all::<Classified<'_, ErrIsFailure>>();
    all::<Config>();
    all::<Demand>();
    all::<Event>();
    all::<Permit>();
    all::<Permit<&Bulkhead>>();
};

#[cfg(feature = "tokio")]
const _: () = {
    use seawall_bulkhead::Acquire;

    all::<Acquire>();
    all::<Acquire<&Bulkhead>>();
};

#[cfg(feature = "tower")]
const _: () = {
    use seawall_bulkhead::{
        BulkheadGate, BulkheadGateLayer, BulkheadLayer, BulkheadRejecting, BulkheadRejectingLayer,
        BulkheadService, OnePlace,
    };

    all::<BulkheadGate<u8>>();
    all::<BulkheadGateLayer>();
    all::<BulkheadLayer>();
    all::<BulkheadRejecting<u8, OnePlace, ErrIsFailure>>();
    all::<BulkheadRejectingLayer<OnePlace, ErrIsFailure>>();
    all::<BulkheadService<u8, OnePlace, ErrIsFailure>>();
};

#[cfg(feature = "tokio")]
#[test]
fn the_future_of_a_plain_call_can_be_spawned() {
    fn sendable<T: Send + 'static>(_: T) {}

    let bulkhead = Bulkhead::builder("spawned").build().expect("the defaults are sound");
    sendable(async move { bulkhead.call(|| async { Ok::<(), ()>(()) }).await });
}
