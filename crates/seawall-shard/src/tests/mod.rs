//! Tests that need the inside, apart from those that stand with their modules.

#[cfg(not(seawall_loom))]
mod balance;
#[cfg(all(feature = "tokio", not(seawall_loom)))]
mod health;
#[cfg(seawall_loom)]
mod loom_balance;
#[cfg(seawall_loom)]
mod loom_migration;
#[cfg(seawall_loom)]
mod loom_published;
#[cfg(seawall_loom)]
mod loom_route;
#[cfg(seawall_loom)]
mod loom_slots;
#[cfg(seawall_loom)]
mod loom_split;
#[cfg(seawall_loom)]
mod loom_update;
#[cfg(not(seawall_loom))]
mod renumbering;
#[cfg(not(seawall_loom))]
mod split;

#[cfg(seawall_loom)]
use seawall_core::model::{model, model_of_equals, race, race_of_three};
