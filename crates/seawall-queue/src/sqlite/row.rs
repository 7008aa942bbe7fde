//! A job as it stands in its row.

use rusqlite::{Row, types::Type};
use seawall_core::{Nanos, Priority};

use crate::{
    job::{Cause, Counts, JobId, Life, Limits, Phase, State, Token},
    storage::Scope,
};

/// In which phase a row is: see the table of [`schema`](super::schema).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    Scheduled,
    Ready,
    HeldUp,
    Leased,
    Done,
    Cancelled,
    Dead,
}

impl Set {
    pub(super) const ALL: [Self; 7] = [
        Self::Scheduled,
        Self::Ready,
        Self::HeldUp,
        Self::Leased,
        Self::Done,
        Self::Cancelled,
        Self::Dead,
    ];

    pub(super) const fn waits(self) -> bool {
        matches!(self, Self::Scheduled | Self::Ready | Self::HeldUp)
    }
}

/// All of a job that decides something.
pub(super) struct Record {
    pub(super) id: JobId,
    pub(super) set: Set,
    pub(super) life: Life,
    pub(super) priority: Priority,
    pub(super) key: Option<String>,
    pub(super) unique: Option<(String, Lasting)>,
    pub(super) max_attempts: Option<u32>,
    /// When its key was served last, while it stands in line for it; zero where that is not known.
    pub(super) served: Nanos,
}

/// A [`Scope`] without its time: that is written down with the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasting {
    Queued,
    Active,
    Timed,
}

impl From<Scope> for Lasting {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Queued => Self::Queued,
            Scope::Active => Self::Active,
            Scope::For(_) => Self::Timed,
        }
    }
}

/// The columns of a [`Record`], in its order.
macro_rules! columns {
    () => {
        "id, phase, moment, due, priority, attempts, crashes, snoozes, redrives, token, settled, \
        cancel, limit_attempts, limit_crashes, max_attempts, key, unique_key, unique_scope, cause, served"
    };
}
pub(super) use columns;

/// How many these are.
pub(super) const WIDTH: usize = 20;

impl Record {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let id = JobId(row.get::<_, i64>(0)?.cast_unsigned());
        let set = Set::ALL.get(row.get::<_, usize>(1)?);
        let set = *set.ok_or_else(|| strange(id, 1, "phase"))?;
        let (moment, due) = (nanos(row.get(2)?), nanos(row.get(3)?));
        let phase = match set {
            Set::Scheduled | Set::Ready | Set::HeldUp => Phase::Waiting { due },
            Set::Leased => Phase::Leased { due, until: moment },
            Set::Done => Phase::Done { at: moment },
            Set::Cancelled => Phase::Cancelled { at: moment },
            Set::Dead => {
                let cause = cause(row.get_ref(18)?.as_str_or_null()?);
                let cause = cause.ok_or_else(|| strange(id, 18, "cause of death"))?;
                Phase::Dead { at: moment, cause }
            }
        };
        let life = Life {
            phase,
            counts: Counts {
                attempts: row.get(5)?,
                crashes: row.get(6)?,
                snoozes: row.get(7)?,
                redrives: row.get(8)?,
            },
            token: Token(row.get::<_, i64>(9)?.cast_unsigned()),
            settled: row.get(10)?,
            cancel: row.get(11)?,
            limits: Limits { attempts: row.get(12)?, crashes: row.get(13)? },
        };
        let unique = match row.get::<_, Option<String>>(16)? {
            Some(key) => {
                let scope = lasting(row.get(17)?).ok_or_else(|| strange(id, 17, "unique scope"))?;
                Some((key, scope))
            }
            None => None,
        };
        Ok(Self {
            id,
            set,
            life,
            priority: Priority(row.get(4)?),
            key: row.get(15)?,
            unique,
            max_attempts: row.get(14)?,
            served: row.get::<_, Option<i64>>(19)?.map_or(Nanos::ZERO, nanos),
        })
    }

    /// Where it belongs, as its life stands now, and as far as its key has nothing to say.
    pub(super) fn place(&self, now: Nanos) -> (Set, u8, Nanos) {
        match self.life.phase {
            Phase::Waiting { due } if due <= now => (Set::Ready, self.priority.0, due),
            Phase::Waiting { due } => (Set::Scheduled, self.priority.0, due),
            Phase::Leased { until, .. } => (Set::Leased, 0, until),
            Phase::Done { at } => (Set::Done, 0, at),
            Phase::Cancelled { at } => (Set::Cancelled, 0, at),
            Phase::Dead { at, .. } => (Set::Dead, 0, at),
        }
    }

    /// Its place among those that are ready, while it waits or is leased.
    pub(super) const fn due(&self) -> Nanos {
        match self.life.phase {
            Phase::Waiting { due } | Phase::Leased { due, .. } => due,
            Phase::Done { at } | Phase::Dead { at, .. } | Phase::Cancelled { at } => at,
        }
    }

    pub(super) const fn cause(&self) -> Option<Cause> {
        match self.life.phase {
            Phase::Dead { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

/// A moment as it is written down. What lies behind the year 2116 lies there: sums of it stay whole numbers.
pub(super) fn moment(nanos: Nanos) -> i64 {
    const LAST: u64 = 1 << 62;
    nanos.0.min(LAST).cast_signed()
}

pub(super) const fn nanos(moment: i64) -> Nanos {
    Nanos(if moment < 0 { 0 } else { moment.cast_unsigned() })
}

fn lasting(scope: Option<u8>) -> Option<Lasting> {
    match scope {
        Some(0) => Some(Lasting::Queued),
        Some(1) => Some(Lasting::Active),
        Some(2) => Some(Lasting::Timed),
        _ => None,
    }
}

fn cause(text: Option<&str>) -> Option<Cause> {
    const ALL: [Cause; 5] =
        [Cause::Attempts, Cause::Crashes, Cause::Refused, Cause::Undecodable, Cause::Shed];
    ALL.into_iter().find(|cause| text == Some(cause.as_str()))
}

/// Something that we never write.
pub(super) fn strange(id: JobId, column: usize, what: &str) -> rusqlite::Error {
    let text = format!("the {what} of job {} is none", id.0);
    rusqlite::Error::FromSqlConversionFailure(column, Type::Null, text.into())
}

/// The sets that jobs in a state are in, and what else holds for them; `?1` is now.
pub(super) const fn condition(state: State) -> &'static str {
    match state {
        State::Scheduled => "phase = 0 AND moment > ?1 AND attempts = 0",
        State::Retrying => "phase = 0 AND moment > ?1 AND attempts > 0",
        State::Ready => "phase <= 2 AND due <= ?1",
        State::Leased => "phase = 3 AND ?1 IS NOT NULL",
        State::Done => "phase = 4 AND ?1 IS NOT NULL",
        State::Cancelled => "phase = 5 AND ?1 IS NOT NULL",
        State::Dead => "phase = 6 AND ?1 IS NOT NULL",
    }
}
