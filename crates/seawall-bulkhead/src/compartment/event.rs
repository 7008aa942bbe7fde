//! What a compartment tells: that a job panicked, and that it was shut down.

use std::borrow::Cow;

use seawall_core::Name;

use super::Drained;

/// Something rare that happened to a compartment, as its listeners get to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompartmentEvent {
    /// The compartment's name.
    pub name: Name,
    /// What happened.
    pub turn: CompartmentTurn,
}

/// What happened to a compartment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompartmentTurn {
    /// A job panicked; told by its thread, before its caller learns of it.
    #[non_exhaustive]
    Panicked {
        /// What the panic said.
        message: Cow<'static, str>,
    },
    /// A shutdown is over; told by who asked for it.
    ShutDown(Drained),
}
