//! The decision on the server: what the script is asked, and what it answers.

use std::{sync::LazyLock, time::Duration};

use seawall_rate_limiter::{Quota, Standing};

use super::rate::{Rate, Span};
use crate::{Arg, Connection, Error, KeySpace, Reply, Script};

static DECIDE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("decide.lua")));
static GIVE_BACK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("give_back.lua")));

/// The longest wait that can be booked; the script has it too.
pub(super) const HORIZON: Duration = Duration::from_secs(3_600);

/// The quotas that all of a key's cells are taken from.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) quotas: Vec<Quota>,
    rates: Vec<Rate>,
    /// What the keys of each are called.
    parts: Vec<String>,
    /// The how manieth quotas they are.
    pub(super) edition: u32,
}

/// What the server says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Granted {
        /// How many cells more than were asked for.
        more: u32,
        /// What was booked, and how long it is until its turn.
        booked: Booked,
    },
    /// Not within the time that was asked for; how long it would take.
    Refused(Duration),
}

/// Cells that were taken, such that they can be given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Booked {
    pub(super) wait: Duration,
    cells: u32,
    /// When each quota's debt is paid off.
    ends: Vec<Span>,
}

impl Rules {
    pub(super) fn new(quotas: Vec<Quota>, edition: u32) -> Self {
        let rates = quotas.iter().map(Rate::of).collect();
        // By its period and not by its place: a quota that moves up in a list keeps its debts, and one
        // of another rate takes them over, since a debt is a time.
        let named = |(at, quota): (usize, &Quota)| {
            let period = quota.period();
            let earlier = quotas[..at].iter().filter(|other| other.period() == period).count();
            match earlier {
                0 => format!("{period:?}"),
                more => format!("{period:?}.{more}"),
            }
        };
        let parts = quotas.iter().enumerate().map(named).collect();
        Self { quotas, rates, parts, edition }
    }

    /// The most cells that are ever there at once.
    pub(super) fn heaviest(&self) -> u32 {
        self.rates.iter().map(|rate| rate.burst).min().unwrap_or(0)
    }

    fn keys(&self, space: &KeySpace, key: &[u8]) -> Vec<Vec<u8>> {
        self.parts.iter().map(|part| space.name(key, part)).collect()
    }

    /// Asks for `cells`, for `more` if they are there, and for a turn within `patience`.
    pub(super) async fn decide(
        &self,
        connection: &Connection,
        keys: (&KeySpace, &[u8]),
        (cells, more): (u32, u32),
        patience: Duration,
    ) -> Result<Answer, Error> {
        let args = self.question((cells, more), patience);
        let reply = connection.run(&DECIDE, &self.keys(keys.0, keys.1), &args).await?;
        self.answer(reply, cells)
    }

    fn question(&self, (cells, more): (u32, u32), patience: Duration) -> Vec<Arg<'static>> {
        let patience = patience.min(HORIZON).as_micros() as i64; // an hour fits
        let mut args = vec![Arg::from(more), Arg::from(patience)];
        for &rate in &self.rates {
            args.extend(rate_args(rate, rate.price(cells)));
        }
        args
    }

    fn answer(&self, reply: Reply, cells: u32) -> Result<Answer, Error> {
        let (granted, more, now, debts) = self.read(reply)?;
        let rated = || self.rates.iter().zip(&debts);
        if !granted {
            let wait = |(rate, &debt): (&Rate, &Span)| rate.wait(rate.sum(debt, rate.price(cells)));
            return Ok(Answer::Refused(rated().map(wait).max().unwrap_or_default()));
        }
        let wait = rated().map(|(rate, &debt)| rate.wait(debt)).max().unwrap_or_default();
        let end = |&Span { micros, parts }: &Span| Span { micros: micros + now, parts };
        let booked = Booked { wait, cells, ends: debts.iter().map(end).collect() };
        Ok(Answer::Granted { more, booked })
    }

    /// Gives back what was booked, where nobody has booked after it.
    pub(super) async fn give_back(
        &self,
        connection: &Connection,
        keys: (&KeySpace, &[u8]),
        booked: &Booked,
    ) -> Result<bool, Error> {
        let args = self.booking(booked);
        let reply = connection.run(&GIVE_BACK, &self.keys(keys.0, keys.1), &args).await?;
        Ok(reply.int()? == 1)
    }

    fn booking(&self, booked: &Booked) -> Vec<Arg<'static>> {
        let mut args = Vec::with_capacity(5 * self.rates.len());
        for (&rate, end) in self.rates.iter().zip(&booked.ends) {
            let price = rate.price(booked.cells);
            args.extend([end.micros, end.parts, price.micros, price.parts, rate.parts].map(arg));
        }
        args
    }

    /// How each quota of a key stands: asked for more cells than there ever are, which the server refuses
    /// and says what is owed.
    pub(super) async fn standings(
        &self,
        connection: &Connection,
        keys: (&KeySpace, &[u8]),
    ) -> Result<Vec<Standing>, Error> {
        let mut args = vec![Arg::from(0), Arg::from(0)];
        for &rate in &self.rates {
            args.extend(rate_args(rate, rate.sum(rate.most(), rate.price(1))));
        }
        let reply = connection.run(&DECIDE, &self.keys(keys.0, keys.1), &args).await?;
        let (_, _, _, debts) = self.read(reply)?;
        let standing = |(&rate, &debt): (&Rate, &Span)| {
            let next = rate.wait(rate.sum(debt, rate.price(1)));
            Standing::of(rate.burst.into(), rate.remaining(debt), next, rate.full_in(debt))
        };
        Ok(self.rates.iter().zip(&debts).map(standing).collect())
    }

    /// Whether it was granted, how many cells more, the time, and the debts.
    fn read(&self, reply: Reply) -> Result<(bool, u32, u64, Vec<Span>), Error> {
        let wrong = Error::UnexpectedReply { wanted: "a decision", got: "something else" };
        let numbers: Vec<_> = reply.ints()?.into_iter().map(i64::unsigned_abs).collect();
        let [granted, more, now, debts @ ..] = &*numbers else { return Err(wrong) };
        if debts.len() != 2 * self.rates.len() {
            return Err(wrong);
        }
        let spans = debts.chunks_exact(2).map(|two| Span { micros: two[0], parts: two[1] });
        Ok((*granted == 1, u32::try_from(*more).map_err(|_| wrong)?, *now, spans.collect()))
    }
}

/// What the script wants to know of a quota, where `price` is asked.
fn rate_args(rate: Rate, price: Span) -> [Arg<'static>; 7] {
    let (cell, most) = (rate.price(1), rate.most());
    let [parts, of_price, of_cell] = [rate.parts, price.parts, cell.parts].map(arg);
    let most_parts = arg(most.parts);
    [arg(price.micros), of_price, arg(cell.micros), of_cell, parts, arg(most.micros), most_parts]
}

/// All of a quota's numbers are below 2^53.
const fn arg(number: u64) -> Arg<'static> {
    Arg::Int(number as i64)
}

#[cfg(test)]
#[path = "../tests/decision.rs"]
mod tests;
