//! What was done, and what is needed after it.

use seawall_core::Nanos;

use super::{
    Driver, Record,
    haul::{Group, Hauling, Need, Outcome, Owner, lane_of},
};
use crate::migration::{Phase, Turn, path::Stop};

impl Driver {
    /// A worker has done what it had.
    pub(crate) fn settle(&mut self, owner: Owner, outcome: &Outcome, now: Nanos) -> Vec<Turn> {
        let mut turns = Vec::new();
        match (owner, outcome) {
            (None, Outcome::Recorded { is_over }) => self.settle_record(*is_over, now, &mut turns),
            (Some(id), outcome) => {
                let Some(at) = self.hauls.iter().position(|haul| haul.id == id) else {
                    return turns;
                };
                self.hauls[at].is_out = false;
                self.settle_haul(at, outcome, now, &mut turns);
                self.turn_round(at);
            }
            (None, _) => {}
        }
        turns
    }

    fn settle_record(&mut self, is_over: bool, now: Nanos, turns: &mut Vec<Turn>) {
        let Some(Record { step, .. }) = self.record.take() else { return };
        self.epoch = step.epoch;
        self.may_fit = true;
        for turn in &step.turns {
            let first = turn.first as usize;
            let at = self.hauls.iter().position(|haul| haul.slots.start == first);
            let Some(at) = at else { continue };
            let haul = &mut self.hauls[at];
            let to = Stop { legs: turn.to.legs, back: turn.to.back, phase: turn.to.phase };
            turns.push(Turn::Moved {
                slots: turn.first..=haul.last(),
                phase: to.phase,
                epoch: step.epoch,
            });
            if to.phase.is_none() {
                let Hauling { slots, at: was, .. } = self.hauls.swap_remove(at);
                if was.legs != to.legs {
                    self.counts.moves_done += slots.len() as u64;
                }
                if to.legs != self.ways.goal(slots.start, self.back) {
                    self.enqueue(Group { slots, at: to });
                }
                continue;
            }
            // The routes of a catch-up are those of the copying before it: who has either does the same.
            let is_fenced =
                haul.at.in_phase(Phase::CatchUp) == to && haul.at.phase == Some(Phase::Copying);
            haul.at = to;
            haul.leg = to.leg(&self.ways.path(first));
            haul.lane = lane_of(haul.leg);
            haul.need = if is_fenced { Need::CatchUp } else { Need::Fence(0) };
            (haul.is_out, haul.since) = (false, now);
            self.turn_round(at);
        }
        if is_over {
            self.is_over = true;
            turns.push(Turn::Over);
        }
    }

    fn settle_haul(&mut self, at: usize, outcome: &Outcome, now: Nanos, turns: &mut Vec<Turn>) {
        let Self { hauls, counts, settings, items, bytes, ways, is_paused, .. } = self;
        let haul = &mut hauls[at];
        let slots = haul.slots.start as u32..=haul.last();
        let to = |phase| Need::Turn(haul.at.in_phase(phase));
        let mut spend = |count: u64, size: u64| {
            items.spend(count, now);
            bytes.spend(size, now);
        };
        haul.need = match (outcome, haul.need) {
            (Outcome::Fenced, Need::Fence(fenced)) => {
                if haul.nodes().nth(fenced + 1).is_some() {
                    Need::Fence(fenced + 1)
                } else {
                    match haul.at.phase {
                        Some(Phase::Copying) => Need::Copy,
                        Some(Phase::CatchUp | Phase::HandOff) => Need::CatchUp,
                        Some(Phase::DualRead) => Need::Hold,
                        Some(Phase::CleanUp) if haul.leg.leaves().is_some() => Need::Delete,
                        Some(Phase::CleanUp) | None => Need::Turn(haul.at.end()),
                    }
                }
            }
            (Outcome::Moved(batch), Need::Copy) => {
                counts.items = counts.items.saturating_add(batch.items);
                counts.bytes = counts.bytes.saturating_add(batch.bytes);
                spend(batch.items, batch.bytes);
                haul.cursor.clone_from(&batch.next);
                if batch.next.is_some() { Need::Copy } else { to(Phase::CatchUp) }
            }
            (Outcome::Moved(batch), Need::Delete) => {
                counts.items_deleted = counts.items_deleted.saturating_add(batch.items);
                spend(batch.items, batch.bytes);
                haul.cursor.clone_from(&batch.next);
                if batch.next.is_some() { Need::Delete } else { Need::Turn(haul.at.end()) }
            }
            (Outcome::Level(level), Need::CatchUp) => {
                counts.items = counts.items.saturating_add(level.items);
                counts.bytes = counts.bytes.saturating_add(level.bytes);
                spend(level.items, level.bytes);
                let is_late = now.since(haul.since) > settings.hand_off_within;
                match (haul.is_handing_off(), haul.leg.moves_owner()) {
                    (true, _) if level.left == 0 => Need::Verify,
                    (_, false) if level.left == 0 => to(Phase::DualRead),
                    (true, _) if is_late => {
                        turns.push(Turn::HandOffGivenUp { slots });
                        to(Phase::CatchUp)
                    }
                    (false, true) if level.left <= settings.lag => to(Phase::HandOff),
                    _ => Need::CatchUp,
                }
            }
            (Outcome::Verified(true), Need::Verify) => to(Phase::DualRead),
            (Outcome::Verified(false), Need::Verify) => {
                counts.mismatches += 1;
                *is_paused = true;
                turns.push(Turn::Mismatched { slots });
                let turned = haul.at.turned(&ways.path(haul.slots.start));
                Need::Turn(turned.expect("the target has not taken over"))
            }
            (_, need) => need,
        };
    }

    /// A haul that goes where the migration no longer goes turns round, when its fences are raised.
    pub(super) fn turn_round(&mut self, at: usize) {
        let path = self.ways.path(self.hauls[at].slots.start);
        let haul = &mut self.hauls[at];
        let goes_wrong = haul.at.phase.is_some() && haul.at.back != self.back && !haul.is_out;
        if goes_wrong
            && !matches!(haul.need, Need::Fence(_))
            && let Some(turned) = haul.at.turned(&path)
        {
            haul.need = Need::Turn(turned);
        }
    }
}
