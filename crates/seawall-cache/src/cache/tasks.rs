//! Who runs what nobody waits for.

use super::{Background, refresh::Spawn};

/// Starts tasks: by what the builder was given, or by tokio's runtime, where there is one.
#[derive(Clone)]
pub(super) struct Tasks(pub(super) Option<Spawn>);

impl Tasks {
    /// Whether anybody would take a task.
    pub(super) fn can_spawn(&self) -> bool {
        #[cfg(feature = "tokio")]
        let in_runtime = tokio::runtime::Handle::try_current().is_ok();
        #[cfg(not(feature = "tokio"))]
        let in_runtime = false;
        self.0.is_some() || in_runtime
    }

    pub(super) fn spawn(&self, task: Background) {
        match &self.0 {
            Some(spawn) => spawn(task),
            #[cfg(feature = "tokio")]
            None => drop(tokio::spawn(task)), // it goes on
            #[cfg(not(feature = "tokio"))]
            None => drop(task),
        }
    }
}
