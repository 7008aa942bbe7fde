//! The ledger as its promises read: it keeps everything that was ever given, and looks at each nanosecond
//! in turn.

use seawall_core::Nanos;

use crate::{Denied, Policy, Quota, gcra::Returned};

#[derive(Clone, Copy, Debug)]
pub(super) struct Given {
    pub(super) moment: u64,
    pub(super) cells: u32,
    /// Of whom; 0 for who took it at once.
    pub(super) number: u64,
}

#[derive(Debug)]
pub(super) struct Reference {
    quotas: Vec<Quota>,
    /// In order.
    pub(super) given: Vec<Given>,
    seen: u64,
    number: u64,
}

/// How many cells a quota has at most.
pub(super) fn limit(quota: &Quota) -> u32 {
    quota.most_at_once()
}

fn period(quota: &Quota) -> u64 {
    Nanos::from(quota.period()).0
}

/// Whether a quota allows `cells` at a moment, after all that was given. Windows are counted from 0.
pub(super) fn allows(quota: &Quota, given: &[Given], at: u64, cells: u32) -> bool {
    let (limit, period) = (limit(quota), period(quota));
    let sum = |of: &dyn Fn(u64) -> bool| -> u64 {
        given.iter().filter(|given| of(given.moment)).map(|given| u64::from(given.cells)).sum()
    };
    let (limit, cells) = (u64::from(limit), u64::from(cells));
    match quota.rule() {
        Policy::FixedWindow => sum(&|moment| moment / period == at / period) + cells <= limit,
        Policy::SlidingWindow => {
            let last = sum(&|moment| moment / period + 1 == at / period);
            let this = sum(&|moment| moment / period == at / period);
            last * (period - at % period) + (this + cells) * period <= limit * period
        }
        Policy::SlidingLog => sum(&|moment| moment + period > at) + cells <= limit,
        Policy::Gcra => {
            // In units of which a nanosecond has as many as a period has cells.
            let rate = u64::from(quota.cells());
            let price = |cells: u64| cells * period;
            let paid_off = given.iter().fold(0, |paid_off: u64, given| {
                paid_off.max(given.moment * rate) + price(given.cells.into())
            });
            paid_off.max(at * rate) + price(cells) - at * rate <= price(limit)
        }
    }
}

impl Reference {
    pub(super) fn new(quotas: &[Quota]) -> Self {
        Self { quotas: quotas.to_vec(), given: Vec::new(), seen: 0, number: 0 }
    }

    pub(super) fn has(&self, policy: Policy) -> bool {
        self.quotas.iter().any(|quota| quota.rule() == policy)
    }

    pub(super) fn turn(&self) -> u64 {
        self.given.last().map_or(0, |given| given.moment)
    }

    pub(super) fn present(&self, now: u64) -> u64 {
        now.max(self.seen)
    }

    pub(super) fn take(&mut self, now: u64, cells: u32) -> Result<(), Denied> {
        let present = self.present(now);
        let moment = self.first(&self.quotas, present, cells).ok_or(Denied::Never)?;
        if moment > present {
            return Err(Denied::Wait(moment - now));
        }
        self.seen = present;
        self.given.push(Given { moment, cells, number: 0 });
        Ok(())
    }

    /// When it may be used, and its number.
    pub(super) fn book(
        &mut self,
        now: u64,
        cells: u32,
        patience: u64,
    ) -> Result<(u64, u64), Denied> {
        let present = self.present(now);
        let moment = self.first(&self.quotas, present, cells).ok_or(Denied::Never)?;
        let at = if moment > present { moment } else { now };
        if at - now > patience {
            return Err(Denied::Wait(at - now));
        }
        self.seen = present;
        self.number += 1;
        self.given.push(Given { moment, cells, number: self.number });
        Ok((at, self.number))
    }

    pub(super) fn give_back(&mut self, now: u64, cells: u32, number: u64) -> Returned {
        let present = self.present(now);
        let place = self.given.iter().position(|given| given.number == number).expect("it is kept");
        let moment = self.given[place].moment;
        let nobody_waits = self.turn() <= present;
        if !nobody_waits && place + 1 < self.given.len() {
            return if moment > present { Returned::Hole } else { Returned::Lost };
        }
        if nobody_waits {
            self.seen = present;
        }
        self.given[place].cells -= cells;
        if self.given[place].cells == 0 {
            self.given.remove(place);
        }
        Returned::Freed
    }

    /// For each quota: what is left, how long until there is one, how long until there are all.
    pub(super) fn standings(&self, now: u64) -> Vec<(u64, u64, u64)> {
        let present = self.present(now);
        let of = |quota: &Quota| {
            let until = |cells| {
                let first = self.first(std::slice::from_ref(quota), present, cells);
                first.filter(|&moment| moment > present).map_or(0, |moment| moment - now)
            };
            let fits = |cells: &u32| allows(quota, &self.given, present, *cells);
            let left = (1..=limit(quota)).take_while(fits).count() as u64;
            let left = if self.turn() > present { 0 } else { left };
            (left, until(1), until(limit(quota)))
        };
        self.quotas.iter().map(of).collect()
    }

    fn first(&self, quotas: &[Quota], present: u64, cells: u32) -> Option<u64> {
        if quotas.iter().any(|quota| cells > limit(quota)) {
            return None;
        }
        let mut from = present.max(self.turn())..;
        from.find(|&at| quotas.iter().all(|quota| allows(quota, &self.given, at, cells)))
    }
}
