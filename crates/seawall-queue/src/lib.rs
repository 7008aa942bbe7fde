#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg(hide(seawall_loom))))]

pub mod job;
mod memory;
pub mod ring;
pub mod storage;
#[cfg(test)]
mod tests;

pub use seawall_core::{ConfigError, Priority};

pub use self::memory::Memory;
