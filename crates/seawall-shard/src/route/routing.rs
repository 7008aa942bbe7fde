//! What a map routes by, beside its table: the same for all of its handles.

use seawall_core::{Chance, Name};

/// The settings of a map that its routes depend on.
#[derive(Debug)]
pub(crate) struct Routing {
    /// The zone of the one who asks.
    pub(crate) zone: Option<Name>,
    /// Who is asked first by a read that does not care.
    pub(crate) chance: Chance,
}
