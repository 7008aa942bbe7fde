//! How many jobs at a time: from what was seen of the queue, pure.
//!
//! By Little's law, work that comes at a rate and takes a time each keeps as many places busy as their product;
//! what waits too long already asks for more, so that it is through within the delay that is aimed at:
//!
//! ```text
//!          rate × service           due × service
//! need  =  ──────────────   +   ────────────────────        both rates smoothed: 0.3 of what is new
//!               0.8                 target delay
//! ```
//!
//! Then with care: up at once, to no more than twice the places; down after a calm minute, by no more than a quarter
//! and never below what runs; a change of less than a tenth is none.

use std::time::Duration;

/// How much of what is new goes into a mean.
const NEW: f64 = 0.3;
/// How busy places should be, so that what comes in bunches finds some free.
const BUSY: f64 = 0.8;
/// How long it is calm before places go.
const CALM: Duration = Duration::from_secs(60);

/// What is aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Aim {
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) delay: Duration,
}

/// What was seen since the last time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sight {
    /// How long that is.
    pub(super) time: Duration,
    /// How many jobs are due and wait.
    pub(super) due: usize,
    /// How long the first of them has waited.
    pub(super) oldest: Duration,
    /// How many runs of this worker ended.
    pub(super) ended: u64,
    /// How long they took, together.
    pub(super) busy: Duration,
    /// How many run.
    pub(super) live: usize,
}

/// The places, and what they rest on.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    aim: Aim,
    places: usize,
    /// How many would be right, whatever is allowed.
    need: f64,
    rate: f64,
    /// What a run takes, in seconds; not known before the first one ended.
    service: Option<f64>,
    due: usize,
    calm: Duration,
}

impl Scale {
    pub(super) const fn new(aim: Aim) -> Self {
        let need = aim.least as f64;
        Self {
            aim,
            places: aim.least,
            need,
            rate: 0.0,
            service: None,
            due: 0,
            calm: Duration::ZERO,
        }
    }

    /// How many jobs may run now.
    pub(super) const fn places(&self) -> usize {
        self.places
    }

    /// How many workers of as many places as are allowed would be right; one where nothing is known.
    pub(super) fn workers(&self) -> usize {
        (self.need / self.aim.most as f64).ceil().max(1.0) as usize
    }

    pub(super) fn step(&mut self, sight: Sight) {
        self.learn(sight);
        self.need = self.needs(sight);
        let need = (self.need.ceil() as usize).clamp(self.aim.least, self.aim.most);
        let places = self.places;
        self.calm += sight.time;
        if need * 10 > places * 11 || (need > places && places < 10) {
            self.places = need.min(places * 2);
            self.calm = Duration::ZERO;
        } else if need * 10 >= places * 9 {
            self.calm = Duration::ZERO; // as it should be: what is calm begins when it is less
        } else if self.calm >= CALM {
            let step = (places / 4).max(1);
            self.places = need.max(places - step).max(sight.live).min(places);
            self.calm = Duration::ZERO;
        }
    }

    fn learn(&mut self, sight: Sight) {
        let time = sight.time.as_secs_f64();
        if time > 0.0 {
            // What came: what ended, and what waits more than before.
            let came = sight.ended as f64 + sight.due as f64 - self.due as f64;
            self.rate += NEW * (came.max(0.0) / time - self.rate);
        }
        self.due = sight.due;
        if sight.ended > 0 {
            let now = sight.busy.as_secs_f64() / sight.ended as f64;
            self.service = Some(self.service.map_or(now, |mean| mean + NEW * (now - mean)));
        }
    }

    fn needs(&self, sight: Sight) -> f64 {
        let Some(service) = self.service else {
            // Nobody knows yet what a run takes: twice as many, while something waits.
            return if sight.due > 0 { 2.0 * self.places as f64 } else { self.places as f64 };
        };
        let delay = self.aim.delay.as_secs_f64();
        let need = self.rate * service / BUSY + sight.due as f64 * service / delay;
        // What is late for whatever reason gets one more than there are.
        let is_late = sight.due > 0 && sight.oldest > self.aim.delay;
        if is_late { need.max((self.places + 1) as f64) } else { need }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A queue of jobs that all take `service`, seen each second: jobs a second for so many seconds. Returns the
    /// places and what is due, second by second.
    fn run(aim: Aim, service: f64, load: &[(f64, usize)]) -> Vec<(usize, f64)> {
        let mut scale = Scale::new(aim);
        let (mut due, mut owed) = (0.0_f64, 0.0);
        let mut seen = Vec::new();
        for &(rate, seconds) in load {
            for _ in 0..seconds {
                let room = scale.places() as f64 / service;
                due += rate;
                let through = due.min(room);
                due -= through;
                owed += through;
                let ended = owed as u64;
                owed -= ended as f64;
                scale.step(Sight {
                    time: SECOND,
                    due: due as usize,
                    oldest: SECOND.mul_f64(due / room),
                    ended,
                    busy: Duration::from_secs_f64(ended as f64 * service),
                    live: (through * service).ceil() as usize,
                });
                seen.push((scale.places(), due));
            }
        }
        seen
    }

    fn aim(least: usize, most: usize) -> Aim {
        Aim { least, most, delay: SECOND }
    }

    #[test]
    fn a_load_that_rises_a_hundredfold_is_met_in_a_few_seconds() {
        let seen = run(aim(1, 256), 0.1, &[(10.0, 60), (1_000.0, 60)]);

        let (before, after) = (seen[59].0, &seen[60..]);
        assert!((1..=3).contains(&before), "{before}");
        assert!(after[8].0 >= 100, "{:?}", &after[..9]); // 1 000 a second of 0.1 s each
        assert!(
            seen.windows(2).all(|pair| pair[1].0 <= 2 * pair[0].0),
            "no more than twice as many"
        );
        assert!(after[59].1 < 1.0, "nothing waits any more: {:?}", after[59]);
    }

    #[test]
    fn when_the_load_goes_the_places_go_slowly_and_not_below_what_runs() {
        let seen = run(aim(1, 256), 0.1, &[(500.0, 600), (50.0, 1_200)]);

        let (top, down) = (seen[599].0, &seen[600..]);
        assert!((55..=75).contains(&top), "50 are busy: {top}");
        assert_eq!(down[30].0, top, "it is not calm yet");
        assert!(
            down.windows(2).all(|pair| pair[1].0 * 4 + 4 >= pair[0].0 * 3),
            "by a quarter at most"
        );
        assert!(down.iter().all(|&(places, _)| places >= 5), "what runs");
        assert!(down[1_199].0 <= 12, "{}", down[1_199].0);
    }

    #[test]
    fn a_steady_load_moves_nothing() {
        let seen = run(aim(1, 256), 0.1, &[(200.0, 600)]);

        let steady = &seen[300..]; // the beginning asked for more
        assert!(steady.iter().all(|&(places, _)| places == steady[0].0), "{steady:?}");
        assert!((22..=30).contains(&steady[0].0), "20 are busy: {}", steady[0].0);
    }

    #[test]
    fn it_keeps_to_what_is_allowed_and_says_how_many_workers_it_would_take() {
        let seen = run(aim(2, 16), 1.0, &[(100.0, 30), (0.0, 3_600)]);
        assert!(seen.iter().all(|(places, _)| (2..=16).contains(places)));
        assert_eq!(seen.last().map(|seen| seen.0), Some(2));

        let mut scale = Scale::new(aim(2, 16));
        assert_eq!(scale.workers(), 1);
        for _ in 0..60 {
            let busy = SECOND * 16;
            scale.step(Sight {
                time: SECOND,
                ended: 16,
                busy,
                live: 16,
                due: 160,
                ..Sight::default()
            });
        }
        assert_eq!(scale.places(), 16);
        assert_eq!(scale.workers(), 12); // 16 a second of a second each, and 160 that wait
    }

    #[test]
    fn what_runs_keeps_its_place() {
        let mut scale = Scale::new(aim(1, 16));
        let busy = Sight {
            time: SECOND,
            ended: 16,
            busy: SECOND * 16,
            live: 16,
            due: 160,
            ..Sight::default()
        };
        (0..10).for_each(|_| scale.step(busy));
        assert_eq!(scale.places(), 16);

        // Nothing comes any more; what is there takes its time.
        for _ in 0..600 {
            scale.step(Sight { time: SECOND, live: 15, ..Sight::default() });
            assert!(scale.places() >= 15);
        }
        for _ in 0..3_600 {
            scale.step(Sight { time: SECOND, ..Sight::default() });
        }
        assert_eq!(scale.places(), 1);
    }

    #[test]
    fn while_nobody_knows_what_a_run_takes_the_places_double() {
        let mut scale = Scale::new(aim(1, 100));
        for places in [2, 4, 8] {
            scale.step(Sight { time: SECOND, due: 1_000, ..Sight::default() });
            assert_eq!(scale.places(), places);
        }
    }
}
