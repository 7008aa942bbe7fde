//! The settings of a migration, checked when it starts.

use std::{fmt, sync::Arc, time::Duration};

use seawall_core::{Clock, ConfigError, Listeners};

use crate::{
    Topology,
    migration::{Event, Migration, MigrationSpec},
    shared::Shared,
};

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) hauls: usize,
    pub(crate) hauls_per_node: usize,
    pub(crate) slots_per_haul: usize,
    pub(crate) rows_per_batch: u64,
    pub(crate) items_per_second: Option<u64>,
    pub(crate) bytes_per_second: Option<u64>,
    pub(crate) lag: u64,
    pub(crate) hand_off_within: Duration,
    pub(crate) dual_read_for: Duration,
    pub(crate) poll: Duration,
}

/// Starts a [`Migration`], or goes on with one: made by [`ShardMap::migration`](crate::ShardMap::migration).
///
/// | setting | default | why |
/// |---|---|---|
/// | `hauls` | 8 | moves at the same time, in all |
/// | `hauls_per_node` | 2 | of these into a node, and as many out of it: it has calls to serve; nodes that lose slots take turns |
/// | `slots_per_haul` | 16 | neighbours that go the same way, in one |
/// | `rows_per_batch` | 1 000 | short calls: who pauses or fails does not wait long |
/// | `items_per_second`, `bytes_per_second` | no bound | the store knows best |
/// | `lag` | 100 | a hand-off begins when so few rows are left |
/// | `hand_off_within` | 1 s | writes wait no longer than that, and one batch |
/// | `dual_read_for` | 0 | how long the way back stays short |
/// | `poll` | 10 ms | how often an idle worker looks |
#[derive(Clone)]
#[must_use = "nothing moves until it is started"]
pub struct MigrationBuilder {
    shared: Arc<Shared>,
    settings: Settings,
    clock: Clock,
    listeners: Listeners<Event>,
}

impl MigrationBuilder {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let settings = Settings {
            hauls: 8,
            hauls_per_node: 2,
            slots_per_haul: 16,
            rows_per_batch: 1_000,
            items_per_second: None,
            bytes_per_second: None,
            lag: 100,
            hand_off_within: Duration::from_secs(1),
            dual_read_for: Duration::ZERO,
            poll: Duration::from_millis(10),
        };
        Self { shared, settings, clock: Clock::default(), listeners: Listeners::new() }
    }

    /// How many hauls are under way at the same time, at most; 8 where not set.
    pub const fn hauls(mut self, hauls: usize) -> Self {
        self.settings.hauls = hauls;
        self
    }

    /// How many of them lead into one node, and how many out of it, at most; 2 where not set.
    pub const fn hauls_per_node(mut self, hauls: usize) -> Self {
        self.settings.hauls_per_node = hauls;
        self
    }

    /// How many slots that follow each other go together, at most; 16 where not set.
    pub const fn slots_per_haul(mut self, slots: usize) -> Self {
        self.settings.slots_per_haul = slots;
        self
    }

    /// How many rows a call of the mover takes, about; 1 000 where not set.
    pub const fn rows_per_batch(mut self, rows: u64) -> Self {
        self.settings.rows_per_batch = rows;
        self
    }

    /// How many rows a second are moved and deleted, over all hauls; no bound where not set.
    pub const fn items_per_second(mut self, items: u64) -> Self {
        self.settings.items_per_second = Some(items);
        self
    }

    /// The same in bytes.
    pub const fn bytes_per_second(mut self, bytes: u64) -> Self {
        self.settings.bytes_per_second = Some(bytes);
        self
    }

    /// How few rows a target lacks when writes are paused for the rest; 100 where not set.
    pub const fn lag(mut self, rows: u64) -> Self {
        self.settings.lag = rows;
        self
    }

    /// How long writes wait before a hand-off is given up, and tried again later; 1 s where not set.
    pub const fn hand_off_within(mut self, time: Duration) -> Self {
        self.settings.hand_off_within = time;
        self
    }

    /// How long the source is kept level after the hand-off, so that the way back is a short one; not at all
    /// where not set.
    pub const fn dual_read_for(mut self, time: Duration) -> Self {
        self.settings.dual_read_for = time;
        self
    }

    /// How long an idle worker sleeps before it looks again; 10 ms where not set.
    pub const fn poll(mut self, time: Duration) -> Self {
        self.settings.poll = time;
        self
    }

    /// Where the time comes from; [`Clock::default`] where not set.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Calls `listener` at each turn of the migration, by the worker that makes it, outside any lock.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listeners.add(listener);
        self
    }

    /// Begins to move to other nodes; nothing has moved when it returns.
    ///
    /// # Errors
    ///
    /// Where a setting cannot be, where no map can be made of the nodes, where one moves already, where a key
    /// has four nodes, and where a node that stays goes to another zone.
    pub fn start(self, next: &Topology) -> Result<Migration, ConfigError> {
        self.check()?;
        let epoch = {
            let mut control = self.shared.control.lock();
            control.begin(next)?;
            control.drive()?;
            control.moves()
        };
        Ok(Migration::new(self.shared, self.settings, self.clock, self.listeners, epoch, &[]))
    }

    /// Goes on with a migration that another process began, or this one before it crashed.
    ///
    /// The map is to be of the placement that the migration began with
    /// ([`MigrationSpec::from`]), or to [follow](crate::ShardMap::follow) it already.
    ///
    /// # Errors
    ///
    /// Where a setting cannot be, and where the spec is of another placement, older than what is known here,
    /// or over.
    pub fn resume(self, spec: &MigrationSpec) -> Result<Migration, ConfigError> {
        self.check()?;
        self.shared.follow(spec)?;
        self.shared.control.lock().drive()?;
        let mut first = 0;
        let mut cursors = Vec::new();
        for stretch in &spec.slots {
            let slots = first..first + stretch.slots as usize;
            first = slots.end;
            cursors.extend(stretch.cursor.iter().map(|cursor| (slots.clone(), cursor.clone())));
        }
        let epoch = spec.epoch;
        Ok(Migration::new(self.shared, self.settings, self.clock, self.listeners, epoch, &cursors))
    }

    fn check(&self) -> Result<(), ConfigError> {
        let Settings { hauls, hauls_per_node, slots_per_haul, rows_per_batch, .. } = self.settings;
        let one = |field: &'static str, value: u64| match value {
            0 => Err(ConfigError::new(field, value, "at least 1")),
            _ => Ok(()),
        };
        one("hauls", hauls as u64)?;
        one("hauls_per_node", hauls_per_node as u64)?;
        one("slots_per_haul", slots_per_haul as u64)?;
        one("rows_per_batch", rows_per_batch)?;
        one("items_per_second", self.settings.items_per_second.unwrap_or(1))?;
        one("bytes_per_second", self.settings.bytes_per_second.unwrap_or(1))?;
        if self.settings.poll.is_zero() {
            return Err(ConfigError::new(
                "poll",
                "0 s",
                "above 0: an idle worker would never rest",
            ));
        }
        Ok(())
    }
}

impl fmt::Debug for MigrationBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MigrationBuilder")
            .field("name", &self.shared.name)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
