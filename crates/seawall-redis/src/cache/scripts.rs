//! The scripts of a cache: each begins with `lua/common.lua`, which says how records and leases lie.

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

macro_rules! script {
    ($name:literal) => {
        Script::new(concat!(
            include_str!("lua/common.lua"),
            include_str!(concat!("lua/", $name, ".lua"))
        ))
    };
}

pub(super) static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| Scripts {
    look: script!("look"),
    fill: script!("fill"),
    release: script!("release"),
    invalidate: script!("invalidate"),
    invalidate_tags: script!("invalidate_tags"),
    clear: script!("clear"),
});
