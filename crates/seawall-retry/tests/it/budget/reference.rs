//! A budget that counts slowly: plain numbers, in thousandths, and a list of all that happened.

const ONE: u64 = 1_000;
const SECOND: u64 = 1_000_000_000;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Settings {
    Share { ratio: u64, floor: u64, burst: u64 },
    Throttle { tokens: u64, ratio: u64 },
    Quota { tokens: u64, retry: u64, success: u64 },
}

/// A retry that was granted, and what it took, in thousandths.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retry {
    cost: u64,
}

#[derive(Debug)]
enum Entry {
    Deposit,
    Granted,
    GivenBack,
}

pub(crate) struct Account {
    settings: Settings,
    pub(crate) now: u64,
    pub(crate) refused: u64,
    count: u64,
    /// When the floor gave something.
    given: Vec<u64>,
    log: Vec<(u64, Entry)>,
}

impl Account {
    pub(crate) fn new(settings: Settings) -> Self {
        let mut account =
            Self { settings, now: 0, refused: 0, count: 0, given: Vec::new(), log: Vec::new() };
        account.count = account.full();
        account
    }

    fn full(&self) -> u64 {
        let (Settings::Share { burst: full, .. }
        | Settings::Throttle { tokens: full, .. }
        | Settings::Quota { tokens: full, .. }) = self.settings;
        full * ONE
    }

    fn add(&mut self, thousandths: u64) {
        self.count = self.full().min(self.count + thousandths);
    }

    pub(crate) fn deposit(&mut self) {
        if let Settings::Share { ratio, .. } = self.settings {
            self.add(ratio);
            self.log.push((self.now, Entry::Deposit));
        }
    }

    pub(crate) fn withdraw(&mut self) -> Option<Retry> {
        let cost = match self.settings {
            Settings::Share { .. } => ONE,
            Settings::Throttle { .. } => 0,
            Settings::Quota { retry, .. } => retry * ONE,
        };
        let paid = match self.settings {
            Settings::Throttle { tokens, .. } => 2 * self.count > tokens * ONE,
            Settings::Share { .. } | Settings::Quota { .. } => self.count >= cost,
        };
        if paid {
            self.count -= cost;
        } else if self.is_free() {
            self.given.push(self.now);
        } else {
            self.refused += 1;
            return None;
        }
        self.log.push((self.now, Entry::Granted));
        Some(Retry { cost })
    }

    /// Whether the floor has one: a token bucket that holds a second's worth, counted anew from its
    /// beginning each time, in nanoseconds that are worth a retry by the interval.
    fn is_free(&self) -> bool {
        let Settings::Share { floor: 1.., .. } = self.settings else { return false };
        let (interval, most) = self.floor();
        let (mut credit, mut last) = (most, 0);
        for &given in &self.given {
            credit = most.min(credit + given - last) - interval;
            last = given;
        }
        most.min(credit + self.now - last) >= interval
    }

    /// Between two free retries, and of all those that can come at once.
    fn floor(&self) -> (u64, u64) {
        match self.settings {
            Settings::Share { floor: floor @ 1.., .. } => {
                let interval = SECOND.div_ceil(floor);
                (interval, floor * interval)
            }
            _ => (1, 0),
        }
    }

    pub(crate) fn give_back(&mut self, retry: Retry) {
        self.add(retry.cost);
        self.log.push((self.now, Entry::GivenBack));
    }

    pub(crate) fn succeed(&mut self, retry: Option<Retry>) {
        match (self.settings, retry) {
            (Settings::Share { .. }, _) => {}
            (Settings::Throttle { ratio, .. }, _) => self.add(ratio),
            (Settings::Quota { .. }, Some(retry)) => self.add(retry.cost),
            (Settings::Quota { success, .. }, None) => self.add(success * ONE),
        }
    }

    pub(crate) fn fail(&mut self) {
        if let Settings::Throttle { .. } = self.settings {
            self.count = self.count.saturating_sub(ONE);
        }
    }

    pub(crate) fn available(&self) -> f64 {
        let whole = self.count as f64 / ONE as f64;
        match self.settings {
            Settings::Share { .. } => whole,
            Settings::Throttle { tokens, .. } => (whole - tokens as f64 / 2.0).max(0.0),
            Settings::Quota { retry, .. } => whole / retry as f64,
        }
    }

    /// From each entry to each that follows: what was granted, less what came back, is within burst,
    /// share and floor.
    pub(crate) fn check_each_window(&self) {
        let Settings::Share { ratio, floor, burst } = self.settings else { return };
        let (interval, _) = self.floor();
        for (first, (from, _)) in self.log.iter().enumerate() {
            let (mut tries, mut granted) = (0, 0_i64);
            for (to, entry) in &self.log[first..] {
                match entry {
                    Entry::Deposit => tries += 1,
                    Entry::Granted => granted += 1,
                    Entry::GivenBack => granted -= 1,
                }
                let free = if floor > 0 { floor + (to - from) / interval } else { 0 };
                let most = burst * ONE + tries * ratio + free * ONE;
                assert!(
                    granted * ONE as i64 <= most as i64,
                    "{granted} from {from} to {to}, with {tries} first tries: {:?}",
                    self.settings
                );
            }
        }
    }
}
