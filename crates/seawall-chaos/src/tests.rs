//! White-box tests. Those of the public API are in `tests/`.

#[cfg(seawall_loom)]
mod loom_arm;
