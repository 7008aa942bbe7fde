//! How a law says that it is broken.

use std::fmt::Display;

/// A law, by its name.
pub(super) struct Law(pub(super) &'static str);

impl Law {
    #[track_caller]
    pub(super) fn broken(&self, seen: impl Display) -> ! {
        panic!("the law `{}` is broken: {seen}", self.0)
    }

    #[track_caller]
    pub(super) fn demand<D: Display>(&self, kept: bool, seen: impl FnOnce() -> D) {
        if !kept {
            self.broken(seen());
        }
    }
}
