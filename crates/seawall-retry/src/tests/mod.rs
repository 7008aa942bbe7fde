//! Tests that need the inside.

#[cfg(all(feature = "tokio", not(seawall_loom)))]
mod estimator;
#[cfg(all(feature = "tokio", not(seawall_loom)))]
mod hedge_simulation;
#[cfg(seawall_loom)]
mod loom_budget;
#[cfg(all(feature = "tokio", seawall_loom))]
mod loom_estimator;
#[cfg(all(feature = "tokio", not(seawall_loom)))]
mod race;

#[cfg(seawall_loom)]
use seawall_core::model::{model, model_of_equals, race, race_of_three};
