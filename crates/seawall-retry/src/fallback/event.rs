//! What a fallback tells when somebody falls back.

use std::fmt;

use seawall_core::Name;

/// A fall, as the fallback's listeners get to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The fallback's name.
    pub name: Name,
    /// What happened.
    pub turn: Turn,
    /// To what the call falls back.
    pub to: To,
    /// The error that led to it, as `Debug` prints it.
    pub error: String,
}

/// What happened to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// It ended in an error that is asked for, and falls back.
    FellBack,
    /// What it fell back to ended in an error, too.
    Failed,
}

/// To what a call falls back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum To {
    /// A value that is the same for all calls.
    Value,
    /// What a closure makes of the error.
    Closure,
    /// Another service.
    Service,
}

impl To {
    pub(super) const ALL: [Self; 3] = [Self::Value, Self::Closure, Self::Service];
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value => "value",
            Self::Closure => "closure",
            Self::Service => "service",
        })
    }
}
