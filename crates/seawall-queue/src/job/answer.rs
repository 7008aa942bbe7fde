//! What each of a job's events is told.

use super::State;

/// What a settle is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is settled, and in this state now.
    Done(State),
    /// This claim had settled it before; nothing has moved.
    Already,
    /// The job is somebody else's, or nobody's; nothing has moved.
    Lost,
}

/// What a heartbeat is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The lease lasts as long again.
    Extended,
    /// So it does, and somebody wants the run to be stopped: settle it as
    /// [`Verdict::Cancelled`](super::Verdict::Cancelled) soon.
    Cancel,
    /// The job is somebody else's, or nobody's: stop.
    Lost,
}

/// What a sweep finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swept {
    /// Nothing to do: nobody has it, or its time is not over.
    Left,
    /// Its lease was over; it is in this state now.
    Taken(State),
}

/// What a cancel is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It waited, and does not any more.
    Now,
    /// Somebody has it: his next heartbeat tells him. It will not run again.
    Asked,
    /// It was over before.
    Over,
    /// There is no such job, or not any more.
    Unknown,
}
