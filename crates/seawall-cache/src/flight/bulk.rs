//! Many keys at once: some are led, some are followed, and one batch loads what is led.
//!
//! # Why two of them can't lock each other up
//!
//! Locks are taken a key at a time, never two. And whoever leads never waits for a flight before its own
//! are done: a batch goes
//!
//! 1. claim each key: lead it, or follow it ([`Flights::claim`]);
//! 2. load all that are led, and end each of their flights by itself;
//! 3. wait for those that are followed ([`Claims::poll_landings`]); if one of them loses its leader and
//!    falls to this batch, that is 2. again with what fell to it.
//!
//! So of two batches that follow each other, each ends what the other waits for. During 2. the followed
//! flights are not polled, and the batch [dozes](Claims::doze): if one of them loses its leader
//! meanwhile, another follower is called, and a newcomer leads it at once.
//!
//! A key that stands twice follows itself; its first one has landed by then.

use std::{
    hash::Hash,
    task::{Context, Poll},
};

use super::{Entry, Flights, Follower, Landing, Leader};

/// What a batch is for each of its keys; the index is the key's place among them.
pub(crate) struct Claims<K, T> {
    /// What is to be loaded, and was not taken yet.
    led: Led<K, T>,
    followed: Vec<(usize, Follower<K, T>)>,
}

/// Those that a batch leads, and where they stand among its keys.
///
/// While it loads, each part of the load goes through [`leader::guard`](super::leader::guard) with all
/// of them: a panic is told to the followers of each.
pub(crate) struct Led<K, T> {
    pub(crate) indices: Vec<usize>,
    pub(crate) leaders: Vec<Leader<K, T>>,
}

impl<K, T> Led<K, T> {
    pub(crate) fn push(&mut self, index: usize, leader: Leader<K, T>) {
        self.indices.push(index);
        self.leaders.push(leader);
    }
}

impl<K, T> Default for Led<K, T> {
    fn default() -> Self {
        Self { indices: Vec::new(), leaders: Vec::new() }
    }
}

impl<K, T> IntoIterator for Led<K, T> {
    type Item = (usize, Leader<K, T>);
    type IntoIter = std::iter::Zip<std::vec::IntoIter<usize>, std::vec::IntoIter<Leader<K, T>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.indices.into_iter().zip(self.leaders)
    }
}

impl<K, T> Default for Claims<K, T> {
    fn default() -> Self {
        Self { led: Led::default(), followed: Vec::new() }
    }
}

impl<K: Hash + Eq + Clone, T: Clone> Flights<K, T> {
    /// Claims each of `keys`, one after the other.
    pub(crate) fn claim<'a>(&self, keys: impl IntoIterator<Item = &'a K>) -> Claims<K, T>
    where
        K: 'a,
    {
        let (mut led, mut followed) = (Led::default(), Vec::new());
        for (index, key) in keys.into_iter().enumerate() {
            match self.join_or_lead(key) {
                Entry::Leads(leader) => led.push(index, leader),
                Entry::Follows(follower) => followed.push((index, follower)),
            }
        }
        Claims { led, followed }
    }
}

impl<K: Hash + Eq + Clone, T: Clone> Claims<K, T> {
    /// What is to be loaded now, by whoever calls this; nothing where that is empty.
    pub(crate) fn take_led(&mut self) -> Led<K, T> {
        self.doze();
        std::mem::take(&mut self.led)
    }

    /// Is not polled for the time of a load: no followed flight counts on this batch meanwhile.
    fn doze(&mut self) {
        self.followed.iter_mut().for_each(|(_, follower)| follower.doze());
    }

    /// Gives out what has landed, or has panicked; ready when nothing is followed any more, or something fell to this
    /// batch, which is to be [taken](Self::take_led) then.
    pub(crate) fn poll_landings(
        &mut self,
        cx: &Context<'_>,
        mut landed: impl FnMut(usize, Landing<K, T>),
    ) -> Poll<()> {
        let led = &mut self.led;
        self.followed.retain_mut(|(index, follower)| {
            match follower.poll(cx) {
                Poll::Pending => return true,
                Poll::Ready(Landing::Leads(leader)) => led.push(*index, leader),
                Poll::Ready(landing) => landed(*index, landing),
            }
            false
        });
        if self.followed.is_empty() || !self.led.leaders.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Whether all has been given out or taken.
    pub(crate) const fn is_over(&self) -> bool {
        self.led.leaders.is_empty() && self.followed.is_empty()
    }

    /// Drops those that wait for a load that this thread is just polling, and gives out their indices.
    pub(crate) fn drop_own(&mut self, mut own: impl FnMut(usize)) {
        self.followed.retain(|(index, follower)| {
            let waits_for_itself = follower.waits_for_itself();
            if waits_for_itself {
                own(*index);
            }
            !waits_for_itself
        });
    }
}
