//! The services of a layer have one state.

use tower_layer::Layer;

use super::{
    Inner, Middleware, Wear,
    bench::{Bench, bench},
    law::Law,
    wear::MANY,
};

const LAW: Law = Law("services_of_one_layer_share");

/// Two services that one layer has wrapped have one state between them.
///
/// What it catches: a layer that makes its state afresh (tower's own `ConcurrencyLimitLayer`; every
/// layer of tower-resilience that is built without a handle). axum applies a layer once a route, and
/// once a connection: a limit of 5 a minute let 50 of 50 through (axum #2582).
///
/// # Panics
///
/// Where the law is broken, and where the service is never worn out.
pub fn services_of_one_layer_share<L>(layer: &L, wear: Wear)
where
    L: Layer<Inner>,
    L::Service: Middleware,
{
    let (first, first_bench): (_, Bench) = bench();
    let (second, second_bench): (_, Bench) = bench();
    let (mut first, mut second) = (layer.layer(first), layer.layer(second));
    let Some(mut on_their_way) = wear.out(&mut first, &first_bench) else {
        LAW.broken(format_args!("{MANY} calls wear it not out: set its limits lower"));
    };

    let reached = wear.once(&mut second, &second_bench, 1, &mut on_their_way);

    LAW.demand(!reached, || {
        format!("one service is worn out by {wear:?}, and another of the same layer still calls")
    });
}
