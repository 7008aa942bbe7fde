//! An arming that ends with its scope.

use crate::Chaos;

/// Keeps a chaos armed: made by [`Chaos::drill`], disarms when it is dropped.
///
/// It ends its own arming alone: where somebody has armed the chaos again since, that stays.
#[derive(Debug)]
#[must_use = "the chaos is disarmed when this is dropped"]
pub struct Drill {
    chaos: Chaos,
    arming: u64,
}

impl Drill {
    pub(crate) const fn new(chaos: Chaos, arming: u64) -> Self {
        Self { chaos, arming }
    }

    /// The chaos that is armed.
    #[must_use]
    pub const fn chaos(&self) -> &Chaos {
        &self.chaos
    }
}

impl Drop for Drill {
    fn drop(&mut self) {
        self.chaos.end(Some(self.arming));
    }
}
