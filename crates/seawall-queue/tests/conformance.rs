//! The storages of this crate keep what a storage promises.

#![cfg(all(feature = "conformance", not(seawall_loom)))]

use seawall_core::Clock;
use seawall_queue::{
    Memory,
    conformance::{Stand, Suite},
};

#[test]
fn memory_conforms() {
    Suite::new(|settings| async {
        let (clock, hand) = Clock::manual();
        let storage = Memory::new(settings, clock).unwrap();
        Stand::new(storage, move |time| hand.advance(time))
    })
    .run();
}
