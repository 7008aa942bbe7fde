//! The scripts of a cache. `lua/state.lua` says how records and leases lie.

use std::sync::LazyLock;

use crate::Script;

pub(super) struct Scripts {
    pub(super) look: Script,
    pub(super) fill: Script,
    pub(super) release: Script,
    pub(super) invalidate: Script,
    pub(super) invalidate_tags: Script,
    pub(super) clear: Script,
}

/// A script of several pieces: each run makes again what stands in it, so it has what it needs and no more.
macro_rules! script {
    ($($piece:literal)*) => {
        Script::new(concat!($(include_str!(concat!("lua/", $piece, ".lua"))),*))
    };
}

pub(super) static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| Scripts {
    look: script!("state" "records" "look"),
    fill: script!("state" "records" "fill"),
    release: script!("release"),
    invalidate: script!("tell" "invalidate"),
    invalidate_tags: script!("state" "tell" "invalidate_tags"),
    clear: script!("tell" "clear"),
});
