//! Moves of data, slot by slot, while it is read and written.
mod builder;
pub(crate) mod course;
mod driver;
mod event;
mod fence;
mod handle;
mod mover;
pub(crate) mod path;
mod phase;
mod route;
pub(crate) mod spec;
mod throttle;

pub use self::{
    builder::MigrationBuilder,
    event::{Event, Progress, Turn},
    fence::{Fence, Pass, Refused},
    handle::{Migration, Worked},
    mover::{Batch, Haul, Level, Mover},
    phase::Phase,
    route::{ReadRoute, WriteRoute},
    spec::{MigrationSpec, SlotsTurn, Step, Stretch},
};
