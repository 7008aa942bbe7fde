//! What goes in.

use std::sync::Arc;

use seawall_core::Priority;

use super::Core;
use crate::{
    job::{JobId, Phase},
    memory::{lanes::Set, record::Record},
    storage::{Enqueued, NewJob, Room, Scope, Unique},
};

impl<P> Core<P> {
    pub(in crate::memory) fn enqueue(&mut self, job: NewJob<P>, room: Room) -> Enqueued {
        let admitted = self.admit(job.unique.as_ref(), job.priority, room);
        self.take_in(job, admitted)
    }

    /// Puts in a job of which [`admit`](Self::admit) has said what is to become.
    pub(in crate::memory) fn take_in(
        &mut self,
        job: NewJob<P>,
        admitted: Result<Option<JobId>, Enqueued>,
    ) -> Enqueued {
        match admitted {
            Ok(shed) => Enqueued::New { id: self.insert(job), shed },
            Err(Enqueued::Replaced(id)) => {
                self.replace(id, job);
                Enqueued::Replaced(id)
            }
            Err(refused) => refused,
        }
    }

    /// Whether a job may go in, and who was shed for it; otherwise what is the matter. Nothing of it is
    /// needed but this: whoever waits for room keeps his payload.
    pub(in crate::memory) fn admit(
        &mut self,
        unique: Option<&Unique>,
        priority: Priority,
        room: Room,
    ) -> Result<Option<JobId>, Enqueued> {
        if let Some(unique) = unique {
            if let Some(holder) = self.uniques.holder(self.now, &unique.key) {
                let waits = self
                    .jobs
                    .get(&holder)
                    .is_some_and(|holder| matches!(holder.life.phase, Phase::Waiting { .. }));
                let replaces = unique.replace && waits;
                return Err(if replaces {
                    Enqueued::Replaced(holder)
                } else {
                    Enqueued::Existing(holder)
                });
            }
            if matches!(unique.scope, Scope::For(_)) && !self.uniques.has_room() {
                return Err(Enqueued::Full);
            }
        }
        if self.room() > 0 {
            return Ok(None);
        }
        match room {
            Room::Refuse => Err(Enqueued::Full),
            Room::Shed => match self.lanes.last_below(priority, self.shed_groups()) {
                Some(last) => {
                    self.shed(last);
                    Ok(Some(last))
                }
                None => Err(Enqueued::Full),
            },
        }
    }

    fn insert(&mut self, job: NewJob<P>) -> JobId {
        self.last_id += 1;
        let id = JobId(self.last_id);
        let mut record = Record::new(self.now, self.now + job.delay, job.priority, job.payload);
        if let Some(unique) = &job.unique {
            let until = match unique.scope {
                Scope::For(time) => Some(self.now + time),
                Scope::Queued | Scope::Active => None,
            };
            self.uniques.hold(&unique.key, id, until);
        }
        record.key = job.key;
        record.unique = job.unique.map(Box::new);
        record.max_attempts = job.max_attempts;
        self.jobs.insert(id, record);
        self.seat(id);
        id
    }

    fn replace(&mut self, id: JobId, job: NewJob<P>) {
        self.unseat(id);
        let record = self.jobs.get_mut(&id).expect("the holder waits");
        self.trash.put(record.payload.replace(Arc::new(job.payload)));
        (record.priority, record.key) = (job.priority, job.key);
        record.max_attempts = job.max_attempts;
        record.life.phase = Phase::Waiting { due: self.now + job.delay };
        self.seat(id);
    }

    /// Who is shed before whom: where keys take turns, whoever stands in line is shed last.
    const fn shed_groups(&self) -> &'static [&'static [Set]] {
        match &self.keys {
            Some(keys) if keys.take_turns() => &[&[Set::Scheduled, Set::HeldUp], &[Set::Ready]],
            _ => &[&[Set::Scheduled, Set::HeldUp, Set::Ready]],
        }
    }

    fn shed(&mut self, id: JobId) {
        self.unseat(id);
        self.jobs.get_mut(&id).expect("it waits").life.shed(self.now);
        self.settle_down(id);
    }
}
