//! The line: jobs that wait, in order, and how many run. Guarded by the pool's lock.
//!
//! A job belongs to whoever takes it out, and so runs, is refused, or is dropped, and only one of
//! these.

use std::{collections::VecDeque, task::Waker};

use super::job::Job;

#[derive(Default)]
pub(crate) struct Line {
    /// Numbered as they came, so that one in the middle is found by bisection.
    jobs: VecDeque<(u64, Job)>,
    next: u64,
    pub(crate) running: usize,
    /// No job comes in any more, and the threads may go.
    pub(crate) ended: bool,
    /// Who waits until it is drained.
    pub(crate) drainers: Vec<Waker>,
}

impl Line {
    /// Puts a job at the end, and returns its number; once it has ended, the job comes back.
    pub(crate) fn push(&mut self, job: Job) -> Result<u64, Job> {
        if self.ended {
            return Err(job);
        }
        let number = self.next;
        self.next += 1;
        self.jobs.push_back((number, job));
        Ok(number)
    }

    /// Takes the first job to run it, where fewer than `limit` run.
    pub(crate) fn take(&mut self, limit: usize) -> Option<Job> {
        if self.running >= limit {
            return None;
        }
        let (_, mut job) = self.jobs.pop_front()?;
        job.begin();
        self.running += 1;
        Some(job)
    }

    /// Takes a job out which shall not run, where it still waits.
    pub(crate) fn remove(&mut self, number: u64) -> Option<Job> {
        let at = self.jobs.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        self.jobs.remove(at).map(|(_, job)| job)
    }

    /// Ends it, and takes out all that still wait.
    pub(crate) fn end(&mut self) -> VecDeque<(u64, Job)> {
        self.ended = true;
        std::mem::take(&mut self.jobs)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.jobs.len()
    }
}
