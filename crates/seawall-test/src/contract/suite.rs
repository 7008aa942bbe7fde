//! All laws that apply to a middleware, run in one go.

use std::{
    any::Any,
    convert::Infallible,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use tower_layer::Layer;
use tower_service::Service;

use super::{Inner, Middleware, Unclonable, Wear};
use crate::BoxError;

/// All laws that apply to a middleware, run in one go.
///
/// It starts with the laws of every service; each method adds those of a further ability.
///
/// # Examples
///
/// Does my middleware keep the contract?
///
/// ```
/// use seawall_test::contract::{Inner, Suite};
/// use tower::load_shed::{LoadShed, LoadShedLayer};
///
/// Suite::new(|inner: Inner| LoadShed::new(inner))
///     .cloned()
///     .sendable()
///     .errors(LoadShedLayer::new())
///     .refusing(|inner| {
///         inner.get_ref().handle().hold_readiness();
///         LoadShed::new(inner)
///     })
///     .run();
/// ```
///
/// How do I say that one law is not meant to hold?
///
/// ```
/// # use seawall_test::contract::{Inner, Suite};
/// # use tower::limit::ConcurrencyLimit;
/// Suite::new(|inner: Inner| ConcurrencyLimit::new(inner, 8))
///     .except(
///         "state_is_released_when_ready_not_when_dropped",
///         "the permit is a field of the future",
///     )
///     .run();
/// ```
#[must_use = "a suite does nothing until it runs"]
pub struct Suite<S> {
    make: Rc<dyn Fn(Inner) -> S>,
    laws: Vec<Law>,
    except: Vec<(String, String)>,
}

/// A law that waits to be run, and its name.
type Law = (&'static str, Box<dyn FnOnce()>);

/// What came of one law.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// The law: the name of its function.
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

/// `laws!(suite; law(argument), …)`: adds each law, to be called with the suite's `make` first.
macro_rules! laws {
    ($suite:ident; $($law:ident($($argument:expr),*)),* $(,)?) => {
        $({
            let make = Rc::clone(&$suite.make);
            $suite.add(stringify!($law), move || super::$law(&*make $(, $argument)*));
        })*
    };
}

impl<S: Middleware + 'static> Suite<S> {
    /// The laws of every service, for what `make` makes.
    ///
    /// Each law calls `make` once, and expects a service that lets calls through and that has room for
    /// a few (but for fewer than [`CROWD`](super::CROWD)) at once. Some laws let as many calls fail,
    /// panic or be dropped: a circuit breaker must be set not to trip by that. It is best to give each
    /// service a state of its own; a shared one must not be worn out by the laws before.
    pub fn new(make: impl Fn(Inner) -> S + 'static) -> Self {
        let mut suite = Self { make: Rc::new(make), laws: Vec::new(), except: Vec::new() };
        laws!(suite;
            calls_the_instance_that_was_ready(),
            response_passes_unchanged(),
            error_stays_in_the_chain(),
            inner_readiness_error_passes_through(),
            ready_is_kept_until_call(),
            wakes_when_the_inner_service_is_ready(),
            waits_without_spinning(),
            dropped_future_gives_back(),
            panic_gives_back(),
            state_is_released_when_ready_not_when_dropped(),
        );
        suite
    }

    fn add(&mut self, law: &'static str, run: impl FnOnce() + 'static) {
        self.laws.push((law, Box::new(run)));
    }

    /// Adds the laws of services that can be cloned.
    pub fn cloned(mut self) -> Self
    where
        S: Clone,
    {
        laws!(self;
            clone_resets_readiness(),
            ready_without_call_holds_nothing(),
            readiness_error_gives_back(),
        );
        self
    }

    /// Adds the law that clones share, for a service that `wear` brings to refuse or to wait.
    pub fn sharing(mut self, wear: Wear) -> Self
    where
        S: Clone,
    {
        laws!(self; clones_share(wear));
        self
    }

    /// Adds the law that all services of `layer` share.
    pub fn sharing_by_layer<L>(mut self, layer: L, wear: Wear) -> Self
    where
        L: Layer<Inner> + 'static,
        L::Service: Middleware,
    {
        self.add("services_of_one_layer_share", move || {
            super::services_of_one_layer_share(&layer, wear);
        });
        self
    }

    /// Adds the law that what serves can go to another thread.
    pub fn sendable(mut self) -> Self
    where
        S: Send,
        S::Future: Send + 'static,
    {
        laws!(self; is_send_and_static());
        self
    }

    /// Adds the law that a call allocates nothing; needs a
    /// [`CountingAllocator`](crate::CountingAllocator).
    pub fn unboxed(mut self) -> Self {
        laws!(self; no_allocation_per_call());
        self
    }

    /// Adds the laws of services that refuse; `refusing` makes one that does, call after call.
    pub fn refusing(mut self, refusing: impl Fn(Inner) -> S + 'static) -> Self {
        let refusing = Rc::new(refusing);
        let again = Rc::clone(&refusing);
        self.add("rejection_is_never_a_readiness_error", move || {
            super::rejection_is_never_a_readiness_error(&*refusing);
        });
        self.add("refuses_without_asking_inner", move || {
            super::refuses_without_asking_inner(&*again);
        });
        self
    }

    /// Adds the laws of services that make callers wait; `one_at_a_time` makes one with room for one.
    pub fn waiting(mut self, one_at_a_time: impl Fn(Inner) -> S + 'static) -> Self
    where
        S: Clone,
    {
        let make = Rc::new(one_at_a_time);
        let [first, second, third] = [(); 3].map(|()| Rc::clone(&make));
        self.add("waiting_holds_no_inner_readiness", move || {
            super::waiting_holds_no_inner_readiness(&*first);
        });
        self.add("dropped_waiter_lets_the_next_through", move || {
            super::dropped_waiter_lets_the_next_through(&*second);
        });
        self.add("abandoned_waiter_lets_the_next_through", move || {
            super::abandoned_waiter_lets_the_next_through(&*third);
        });
        self
    }

    /// Adds the laws that `layer` takes services of any error.
    pub fn errors<L>(mut self, layer: L) -> Self
    where
        L: Layer<Inner<BoxError>> + Layer<Inner<Infallible>> + Layer<Inner<Unclonable>> + 'static,
        <L as Layer<Inner<BoxError>>>::Service: Service<u64, Response = u64>,
        <L as Layer<Inner<Infallible>>>::Service: Service<u64, Response = u64>,
        <L as Layer<Inner<Unclonable>>>::Service: Service<u64, Response = u64>,
    {
        let layer = Rc::new(layer);
        let [first, second, third] = [(); 3].map(|()| Rc::clone(&layer));
        self.add("works_with_box_error", move || {
            super::works_with_box_error(&*first);
        });
        self.add("works_with_infallible", move || {
            super::works_with_infallible(&*second);
        });
        self.add("works_with_an_unclonable_error", move || {
            super::works_with_an_unclonable_error(&*third);
        });
        self
    }

    /// Leaves out `law`, with the reason why it need not hold.
    pub fn except(mut self, law: impl Into<String>, reason: impl Into<String>) -> Self {
        self.except.push((law.into(), reason.into()));
        self
    }

    /// Runs all laws.
    ///
    /// # Panics
    ///
    /// Where a law is broken, with all that are; and where an exception names no law of the suite.
    #[track_caller]
    pub fn run(self) {
        let broken: Vec<_> = self
            .verdicts()
            .into_iter()
            .filter_map(|verdict| match verdict.outcome {
                Outcome::Broken(seen) => Some(seen),
                Outcome::Kept | Outcome::Excepted(_) => None,
            })
            .collect();
        assert!(broken.is_empty(), "{}", broken.join("\n"));
    }

    /// Runs all laws, and tells what came of each.
    ///
    /// # Panics
    ///
    /// Where an exception names no law of the suite.
    #[must_use]
    #[track_caller]
    pub fn verdicts(self) -> Vec<Verdict> {
        for (law, _) in &self.except {
            let known = self.laws.iter().any(|(known, _)| known == law);
            assert!(known, "the suite has no law `{law}` to make an exception of");
        }
        let except = self.except;
        let judge = |(law, run): Law| {
            let outcome = match except.iter().find(|(excepted, _)| excepted == law) {
                Some((_, reason)) => Outcome::Excepted(reason.clone()),
                None => match catch_unwind(AssertUnwindSafe(run)) {
                    Ok(()) => Outcome::Kept,
                    Err(panic) => Outcome::Broken(message(law, &*panic)),
                },
            };
            Verdict { law, outcome }
        };
        self.laws.into_iter().map(judge).collect()
    }
}

/// What a panic says, with the law's name where the panic was not the law's own.
fn message(law: &str, panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked with something that is no text");
    if text.contains(law) {
        text.to_owned()
    } else {
        format!("the law `{law}` is broken: a panic came through: {text}")
    }
}

impl<S> fmt::Debug for Suite<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let laws: Vec<_> = self.laws.iter().map(|(law, _)| law).collect();
        f.debug_struct("Suite")
            .field("laws", &laws)
            .field("except", &self.except)
            .finish_non_exhaustive()
    }
}
