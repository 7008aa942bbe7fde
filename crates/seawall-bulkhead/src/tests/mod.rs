//! Tests that need the inside.

#[cfg(not(seawall_loom))]
mod algorithms;
#[cfg(seawall_loom)]
mod hall;
#[cfg(seawall_loom)]
mod loom_places;
#[cfg(seawall_loom)]
mod loom_sampler;
#[cfg(seawall_loom)]
mod loom_shares;
#[cfg(seawall_loom)]
mod loom_waiting;
#[cfg(not(seawall_loom))]
mod sampler;

#[cfg(seawall_loom)]
use seawall_core::model::{model, race, race_of_three};
