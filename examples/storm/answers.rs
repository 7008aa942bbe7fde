//! Who answered: for the keys of the member that falls ill, its home, the copy, or nobody.

/// Who answered a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The member that its key lives at.
    Home,
    /// The one that has the copy.
    Copy,
}

/// Who answered the calls about some keys, and how many nobody did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    home: u64,
    copy: u64,
    nobody: u64,
}

impl Answers {
    pub(crate) const fn record(&mut self, by: Option<By>) {
        match by {
            Some(By::Home) => self.home += 1,
            Some(By::Copy) => self.copy += 1,
            None => self.nobody += 1,
        }
    }

    pub(crate) const fn add(&mut self, other: Self) {
        self.home += other.home;
        self.copy += other.copy;
        self.nobody += other.nobody;
    }

    /// The share that their home answered; nothing where none was due.
    pub(crate) fn by_home(self) -> Option<f64> {
        self.share(self.home)
    }

    /// The share that the copy answered; nothing where none was due.
    pub(crate) fn by_copy(self) -> Option<f64> {
        self.share(self.copy)
    }

    /// The share that had an answer; nothing where none was due.
    pub(crate) fn answered(self) -> Option<f64> {
        self.share(self.home + self.copy)
    }

    pub(crate) const fn due(self) -> u64 {
        self.home + self.copy + self.nobody
    }

    pub(crate) const fn failed(self) -> u64 {
        self.nobody
    }

    fn share(self, part: u64) -> Option<f64> {
        (self.due() > 0).then(|| part as f64 / self.due() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_all_that_were_due() {
        let mut answers = Answers::default();
        assert_eq!((answers.by_home(), answers.answered()), (None, None));
        for by in [Some(By::Home), Some(By::Copy), Some(By::Copy), None] {
            answers.record(by);
        }
        let mut twice = answers;
        twice.add(answers);
        let shares = [twice.by_home(), twice.by_copy(), twice.answered()];
        assert_eq!(shares, [0.25, 0.5, 0.75].map(Some));
    }
}
