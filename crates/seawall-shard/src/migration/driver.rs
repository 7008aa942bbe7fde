//! What is to be done next: a state machine that does no work itself, and is told what was done.
//!
//! A haul is a few slots that go one leg together. In each phase it needs, in this order:
//!
//! | phase | needs | and then |
//! |---|---|---|
//! | copying | the fences, copies until there are no more | catch-up |
//! | catch-up | the fences (not after copying: the routes are the same), to be level but for a few | hand-off; of a replica, when level: dual read |
//! | hand-off | the fences, to be level, verified | dual read; catch-up, if it takes too long |
//! | dual read | the fences, its time | clean-up |
//! | clean-up | the fences, deletes until there are no more | rest |
//!
//! Each "and then" is a turn, which is recorded before it is made. One record is out at a time, with the turns
//! of all hauls that wait for one: so epochs begin in the order in which they are kept.

mod haul;
mod settle;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, VecDeque},
    ops::Range,
    sync::Arc,
    time::Duration,
};

use seawall_core::Nanos;

use self::haul::{Group, Hauling, Lane, Need, lane_of};
pub(crate) use self::haul::{Job, Next, Outcome, Owner};
use crate::{
    migration::{
        Haul, Phase, Step,
        builder::Settings,
        course::{Course, Ways},
        path::{Leg, Stop},
        throttle::Throttle,
    },
    plan::hashes_of,
    slots::Table,
};

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) moves_done: u64,
    /// Of these, how many were done before this process began.
    pub(crate) moves_before: u64,
    pub(crate) items: u64,
    pub(crate) bytes: u64,
    pub(crate) items_deleted: u64,
    pub(crate) mismatches: u64,
}

#[derive(Debug)]
struct Record {
    step: Step,
    is_out: bool,
}

pub(crate) struct Driver {
    settings: Settings,
    ways: Arc<Ways>,
    table: Arc<Table>,
    epoch: u64,
    back: bool,
    hauls: Vec<Hauling>,
    /// Those that have not begun, by lane, for how many there may be in one is bounded.
    queue: BTreeMap<Lane, VecDeque<Group>>,
    /// Whether one of them may fit since it was last tried.
    may_fit: bool,
    record: Option<Record>,
    items: Throttle,
    bytes: Throttle,
    next_id: u64,
    pub(crate) counts: Counts,
    pub(crate) is_paused: bool,
    pub(crate) is_over: bool,
    pub(crate) since: Nanos,
}

impl Driver {
    /// Goes on from wherever the slots are; `cursors` are those of slots that move.
    pub(crate) fn new(
        settings: Settings,
        course: &Course,
        table: Arc<Table>,
        epoch: u64,
        cursors: &[(Range<usize>, String)],
        now: Nanos,
    ) -> Self {
        let mut driver = Self {
            items: Throttle::new(settings.items_per_second),
            bytes: Throttle::new(settings.bytes_per_second),
            settings,
            ways: Arc::clone(&course.ways),
            table,
            epoch,
            back: course.goes_back(),
            hauls: Vec::new(),
            queue: BTreeMap::new(),
            may_fit: true,
            record: None,
            next_id: 0,
            counts: Counts::default(),
            is_paused: false,
            is_over: false,
            since: now,
        };
        // Those that move go on at once, as many as there are.
        for group in driver.groups(course) {
            if group.at.phase.is_none() {
                driver.enqueue(group);
                continue;
            }
            // It is of those very slots: others begin anew, which does no harm.
            let cursor = cursors.iter().find(|(slots, _)| *slots == group.slots);
            driver.begin(group, now);
            if let (Some(begun), Some((_, cursor))) = (driver.hauls.last_mut(), cursor) {
                begun.cursor = Some(cursor.clone());
            }
        }
        driver.counts.moves_done =
            (0..course.ways.before.len()).map(|slot| u64::from(course.at(slot).legs)).sum();
        driver.counts.moves_before = driver.counts.moves_done;
        driver
    }

    /// All slots that are not where they are to be, and are in no haul.
    fn groups(&self, course: &Course) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        let mut taken: Vec<_> = self.hauls.iter().map(|haul| haul.slots.clone()).collect();
        taken.sort_by_key(|slots| slots.start);
        let mut taken = taken.into_iter().peekable();
        for slot in 0..self.ways.before.len() {
            while taken.peek().is_some_and(|slots| slots.end <= slot) {
                taken.next();
            }
            let at = course.at(slot);
            let is_taken = taken.peek().is_some_and(|slots| slots.contains(&slot));
            if is_taken || at == Stop::at(self.ways.goal(slot, self.back)) {
                continue;
            }
            match groups.last_mut() {
                Some(last)
                    if last.slots.end == slot
                        && last.at == at
                        && last.slots.len() < self.settings.slots_per_haul
                        && self.ways.are_one(last.slots.start, slot) =>
                {
                    last.slots.end += 1;
                }
                _ => groups.push(Group { slots: slot..slot + 1, at }),
            }
        }
        groups
    }

    /// The leg that a group that rests goes next.
    fn next_leg(&self, group: &Group) -> Leg {
        Stop { back: self.back, ..group.at }.leg(&self.ways.path(group.slots.start))
    }

    fn enqueue(&mut self, group: Group) {
        let lane = lane_of(self.next_leg(&group));
        self.queue.entry(lane).or_default().push_back(group);
        self.may_fit = true;
    }

    fn begin(&mut self, group: Group, now: Nanos) {
        let path = self.ways.path(group.slots.start);
        let (need, leg) = match group.at.phase {
            Some(_) => (Need::Fence(0), group.at.leg(&path)),
            None => (Need::Turn(group.at.start(&path, self.back)), self.next_leg(&group)),
        };
        let id = self.next_id;
        self.next_id += 1;
        let Group { slots, at } = group;
        let (is_out, cursor, since) = (false, None, now);
        let lane = lane_of(leg);
        self.hauls.push(Hauling { id, slots, leg, lane, at, need, is_out, cursor, since });
    }

    /// Whether one more may begin beside those that have.
    fn fits(&self, lane: Lane) -> bool {
        let Some((_, target)) = lane else { return true };
        let lanes = || self.hauls.iter().filter_map(|haul| haul.lane);
        let into = lanes().filter(|lane| lane.1 == target).count();
        self.out_of(lane).max(into) < self.settings.hauls_per_node
    }

    pub(crate) fn next(&mut self, now: Nanos) -> Next {
        if self.is_over {
            return Next::Over;
        }
        self.begin_what_fits(now);
        if let Some(step) = self.next_record(now) {
            return Next::Do(None, Job::Record(step));
        }
        let mut wait = self.settings.poll;
        // Those that hand off first: writes wait for them.
        for handing_off in [true, false] {
            for at in 0..self.hauls.len() {
                let haul = &self.hauls[at];
                if haul.is_out || haul.is_handing_off() != handing_off {
                    continue;
                }
                match self.job(haul, now) {
                    Ok(job) => {
                        let haul = &mut self.hauls[at];
                        haul.is_out = true;
                        return Next::Do(Some(haul.id), job);
                    }
                    Err(time) => wait = wait.min(time),
                }
            }
        }
        Next::Wait(wait)
    }

    fn begin_what_fits(&mut self, now: Nanos) {
        if self.is_paused || !std::mem::take(&mut self.may_fit) {
            return;
        }
        while self.hauls.len() < self.settings.hauls
            && let Some(lane) = self.next_lane()
            && let Some(groups) = self.queue.get_mut(&lane)
        {
            let group = groups.pop_front();
            if groups.is_empty() {
                self.queue.remove(&lane);
            }
            group.into_iter().for_each(|group| self.begin(group, now));
        }
    }

    /// Of the lanes that one more fits into: out of the node that has the fewest under way, and of those the one
    /// that has the most left. So the sources are emptied side by side, and end together.
    fn next_lane(&self) -> Option<Lane> {
        let fitting = self.queue.iter().filter(|(lane, _)| self.fits(**lane));
        let first =
            fitting.min_by_key(|(lane, groups)| (self.out_of(**lane), Reverse(groups.len())));
        first.map(|(&lane, _)| lane)
    }

    /// How many hauls there are out of the node where a lane begins.
    fn out_of(&self, lane: Lane) -> usize {
        let Some((source, _)) = lane else { return 0 };
        let lanes = self.hauls.iter().filter_map(|haul| haul.lane);
        lanes.filter(|lane| lane.0 == source).count()
    }

    /// The step that is to be kept next: the one that was not, or one of all turns that wait.
    fn next_record(&mut self, now: Nanos) -> Option<Step> {
        if self.record.is_none() {
            let mut turns = Vec::new();
            let held = self.settings.dual_read_for;
            for haul in self.hauls.iter_mut().filter(|haul| !haul.is_out) {
                if haul.need == Need::Hold && !self.is_paused && now.since(haul.since) >= held {
                    haul.need = Need::Turn(haul.at.in_phase(Phase::CleanUp));
                }
                if let Need::Turn(to) = haul.need {
                    turns.push(haul.turned(to));
                    (haul.is_out, haul.cursor) = (true, None); // it is of the phase that ends
                }
            }
            let is_last = self.hauls.is_empty() && self.queue.values().all(VecDeque::is_empty);
            if !turns.is_empty() || is_last {
                let step = Step { epoch: self.epoch + 1, back: self.back, turns };
                self.record = Some(Record { step, is_out: false });
            }
        }
        let record = self.record.as_mut().filter(|record| !record.is_out)?;
        record.is_out = true;
        Some(record.step.clone())
    }

    /// What a haul needs done, or how long that has to wait.
    fn job(&self, haul: &Hauling, now: Nanos) -> Result<Job, Duration> {
        let wait = self.items.wait(now).max(self.bytes.wait(now));
        let may_move = match (self.is_paused, wait) {
            _ if haul.is_handing_off() => Ok(()), // never slower than it can be
            (true, _) => Err(self.settings.poll),
            (_, Duration::ZERO) => Ok(()),
            (_, wait) => Err(wait),
        };
        match haul.need {
            Need::Turn(_) => Err(self.settings.poll), // another record is out
            Need::Hold => {
                let left = self.settings.dual_read_for.saturating_sub(now.since(haul.since));
                Err(if left.is_zero() { self.settings.poll } else { left })
            }
            Need::Fence(at) => {
                let node = haul.nodes().nth(at).expect("there is a fence left to raise");
                let slots = haul.slots.start as u32..=haul.last();
                Ok(Job::Fence { node, slots, epoch: self.epoch })
            }
            Need::Verify => Ok(Job::Verify { haul: self.haul(haul) }),
            Need::Copy => {
                may_move.map(|()| Job::Copy { haul: self.haul(haul), cursor: haul.cursor.clone() })
            }
            Need::CatchUp => may_move.map(|()| Job::CatchUp { haul: self.haul(haul) }),
            Need::Delete => {
                let node = haul.leg.leaves().expect("somebody has it no longer");
                let cursor = haul.cursor.clone();
                may_move.map(|()| Job::Delete { haul: self.haul(haul), node, cursor })
            }
        }
    }

    fn haul(&self, haul: &Hauling) -> Haul {
        let name = |index| self.table.member(index).full_name();
        let slots = haul.slots.start as u32..=haul.last();
        Haul {
            hashes: hashes_of(&slots, self.ways.before.len().trailing_zeros()),
            slots,
            role: haul.leg.role(),
            from: name(haul.leg.before.owner()),
            to: haul.leg.target().map(name),
            leaves: haul.leg.leaves().map(name),
            epoch: self.epoch,
        }
    }

    /// A worker has given up, and what it had is to be done.
    pub(crate) fn give_back(&mut self, owner: Owner) {
        match owner {
            None => self.record.iter_mut().for_each(|record| record.is_out = false),
            Some(id) => {
                let hauls = self.hauls.iter_mut();
                hauls.filter(|haul| haul.id == id).for_each(|haul| haul.is_out = false);
            }
        }
    }

    /// Everything goes back to where it began.
    pub(crate) fn abort(&mut self, course: &Course) -> bool {
        if self.back || self.is_over {
            return false;
        }
        self.back = true;
        self.hauls.retain(|haul| haul.is_out || haul.at.phase.is_some());
        (0..self.hauls.len()).for_each(|at| self.turn_round(at));
        self.queue.clear();
        self.groups(course).into_iter().for_each(|group| self.enqueue(group));
        true
    }

    pub(crate) const fn set_rates(&mut self, items: Option<u64>, bytes: Option<u64>) {
        self.items.set(items);
        self.bytes.set(bytes);
    }

    pub(crate) const fn rows_per_batch(&self) -> u64 {
        self.settings.rows_per_batch
    }

    pub(crate) const fn goes_back(&self) -> bool {
        self.back
    }

    pub(crate) fn slots_moving(&self) -> u64 {
        self.hauls
            .iter()
            .filter(|haul| haul.at.phase.is_some())
            .map(|haul| haul.slots.len() as u64)
            .sum()
    }

    /// How many moves of a slot are left.
    pub(crate) fn moves_left(&self, course: &Course) -> u64 {
        let left = |slot| {
            let (at, goal) = (course.at(slot), self.ways.goal(slot, self.back));
            let moving = at.phase.is_some();
            let from = if moving { at.leg_end() } else { at.legs };
            u64::from(from.abs_diff(goal)) + u64::from(moving)
        };
        (0..self.ways.before.len()).map(left).sum()
    }

    /// Where the movers of slots have got in their phase.
    pub(crate) fn cursors(&self) -> impl Iterator<Item = (Range<usize>, &str)> {
        self.hauls.iter().filter_map(|haul| Some((haul.slots.clone(), haul.cursor.as_deref()?)))
    }
}
