//! All laws, run in one go.

use std::{any::Any, fmt, future::Future, pin::Pin, sync::Arc};

use super::{Stand, histories, laws, model};
use crate::storage::{Settings, Storage};

/// All laws, run in one go: see the [module's page](super).
#[must_use = "a suite does nothing until it runs"]
pub struct Suite<S> {
    bench: Bench<S>,
    except: Vec<(String, String)>,
    only: Option<String>,
    cases: u32,
}

/// Where storages under test come from.
pub(super) struct Bench<S>(Arc<Open<S>>);

type Open<S> = dyn Fn(Settings) -> Opening<S> + Send + Sync;
type Opening<S> = Pin<Box<dyn Future<Output = Stand<S>> + Send>>;

/// What came of one law.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// The law's name.
    pub law: &'static str,
    /// Whether it is kept.
    pub outcome: Outcome,
}

/// Whether a law is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is.
    Kept,
    /// It is not: what was seen.
    Broken(String),
    /// It was not run: why it need not hold.
    Excepted(String),
}

impl<S> Bench<S> {
    /// An empty storage of this kind.
    pub(super) async fn open(&self, settings: Settings) -> Stand<S> {
        (self.0)(settings).await
    }

    /// An empty storage with room for what most laws do.
    pub(super) async fn stand(&self) -> Stand<S> {
        self.open(Settings::new(100_000)).await
    }
}

impl<S> Clone for Bench<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Storage> Suite<S> {
    /// The laws for what `open` opens: an empty storage each time, with the settings that it is given and
    /// with a clock that only its stand moves. It is called within a runtime of tokio.
    pub fn new<F>(open: impl Fn(Settings) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Stand<S>> + Send + 'static,
    {
        let bench = Bench(Arc::new(move |settings| -> Opening<S> { Box::pin(open(settings)) }));
        Self { bench, except: Vec::new(), only: None, cases: 128 }
    }

    /// How many random courses of events the model is held against; 128 where not set.
    pub const fn cases(mut self, cases: u32) -> Self {
        self.cases = cases;
        self
    }

    /// Leaves out `law`, with the reason why it need not hold. Without `keys_go_round`, keys take no turns in
    /// the model either.
    pub fn except(mut self, law: impl Into<String>, reason: impl Into<String>) -> Self {
        self.except.push((law.into(), reason.into()));
        self
    }

    /// Runs `law` and no other: while a storage is written, to see one thing after the other.
    pub fn only(mut self, law: impl Into<String>) -> Self {
        self.only = Some(law.into());
        self
    }

    /// Runs all laws.
    ///
    /// # Panics
    ///
    /// Where a law is broken, with all that are; and where an exception, or the only one, is no law.
    #[track_caller]
    pub fn run(self) {
        let broken: Vec<_> = self
            .verdicts()
            .into_iter()
            .filter_map(|verdict| match verdict.outcome {
                Outcome::Broken(seen) => Some(format!("`{}` is broken: {seen}", verdict.law)),
                Outcome::Kept | Outcome::Excepted(_) => None,
            })
            .collect();
        assert!(broken.is_empty(), "{}", broken.join("\n"));
    }

    /// Runs all laws, and tells what came of each.
    ///
    /// # Panics
    ///
    /// Where an exception, or the only one, is no law, and where there can be no runtime.
    #[must_use]
    #[track_caller]
    pub fn verdicts(self) -> Vec<Verdict> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("there are threads for a runtime");
        let mut laws = laws::all();
        laws.push(("histories_are_consistent", |bench| Box::pin(histories::are_consistent(bench))));
        const MODEL: &str = "behaves_as_its_model";
        const TURNS: &str = "keys_go_round";
        for law in self.except.iter().map(|(law, _)| law).chain(&self.only) {
            let is_known = law == MODEL || laws.iter().any(|(known, _)| known == law);
            assert!(is_known, "the suite has no law `{law}`");
        }
        let judge = |law: &'static str, run: &dyn Fn() -> Result<(), String>| {
            let outcome = match self.except.iter().find(|(excepted, _)| excepted == law) {
                Some((_, reason)) => Outcome::Excepted(reason.clone()),
                None if self.only.as_ref().is_some_and(|only| only != law) => {
                    Outcome::Excepted("another one was asked for".to_owned())
                }
                None => run().map_or_else(Outcome::Broken, |()| Outcome::Kept),
            };
            Verdict { law, outcome }
        };
        let run = |law: Law<S>| {
            let ended = runtime.block_on(runtime.spawn(law(self.bench.clone())));
            ended.map_err(|error| message(&*error.into_panic()))
        };
        let mut verdicts: Vec<_> =
            laws.into_iter().map(|(name, law)| judge(name, &|| run(law))).collect();
        let has_turns = !self.except.iter().any(|(law, _)| law == TURNS);
        let model = || model::holds(&runtime, &self.bench, self.cases, has_turns);
        verdicts.push(judge(MODEL, &model));
        verdicts
    }
}

/// A law, which panics with what it saw where it is broken.
pub(super) type Law<S> = fn(Bench<S>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it panicked with something that is no text").to_owned()
}

impl<S> fmt::Debug for Suite<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite")
            .field("cases", &self.cases)
            .field("except", &self.except)
            .field("only", &self.only)
            .finish_non_exhaustive()
    }
}
