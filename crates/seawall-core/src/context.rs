//! What a call carries with it through every layer: its deadline and its priority.
//!
//! Set once at the edge, for a future ([`Context::scope`]) or a closure ([`Context::run`]), and read
//! by every pattern further in: no wait of the family passes the deadline, and shedding knows the
//! priority. A scope inside a scope can only tighten: the earlier deadline holds; the priority is
//! the innermost one's.
//!
//! The context belongs to the task, not to the thread, and a spawned task starts without one: take it
//! along with `tokio::spawn(context::current().scope(task))`.

use std::{
    cell::{Cell, RefCell},
    fmt,
    future::Future,
    pin::Pin,
    task::{self, Poll},
};

use crate::{Deadline, Priority};

thread_local! {
    static CURRENT: RefCell<Context> = const { RefCell::new(Context { deadline: None, priority: None }) };
    /// Whether that has a deadline. Most calls have none, and are asked for it by each layer: it has no
    /// destructor, so that to read it is one load.
    static HAS_DEADLINE: Cell<bool> = const { Cell::new(false) };
}

/// A call's deadline and priority, each if set.
///
/// # Examples
///
/// How does a pattern learn of it?
///
/// ```
/// # use seawall_core::{Context, Deadline, Priority, context};
/// # use std::time::Duration;
/// let edge = Context::new()
///     .with_deadline(Deadline::after(Duration::from_secs(2)))
///     .with_priority(Priority::HIGH);
/// edge.run(|| {
///     let seen = context::current();
///     assert_eq!(seen.priority(), Some(Priority::HIGH));
///     assert!(seen.deadline().unwrap().remaining() <= Duration::from_secs(2));
/// });
/// assert!(context::current().deadline().is_none());
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a context does nothing until something runs in it"]
pub struct Context {
    deadline: Option<Deadline>,
    priority: Option<Priority>,
}

/// The context of the call that runs here; an empty one outside any scope.
pub fn current() -> Context {
    CURRENT.with_borrow(Clone::clone)
}

/// Reads the present context without a clone.
pub(crate) fn with_current<T>(read: impl FnOnce(&Context) -> T) -> T {
    CURRENT.with_borrow(read)
}

/// Whether the present context has a deadline.
#[inline]
pub(crate) fn has_deadline() -> bool {
    HAS_DEADLINE.get()
}

/// Makes `next` the present context, and hands out the one before.
#[inline]
fn replace(next: Context) -> Context {
    HAS_DEADLINE.set(next.deadline.is_some());
    CURRENT.replace(next)
}

impl Context {
    /// A context that says nothing.
    pub const fn new() -> Self {
        Self { deadline: None, priority: None }
    }

    /// The same, with a deadline.
    pub fn with_deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// The same, with a priority.
    pub const fn with_priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// When the whole call must be done.
    #[must_use]
    pub const fn deadline(&self) -> Option<&Deadline> {
        self.deadline.as_ref()
    }

    /// How important the call is.
    #[must_use]
    pub const fn priority(&self) -> Option<Priority> {
        self.priority
    }

    /// Runs `future` in this context, inside the one it is polled in.
    pub const fn scope<F: Future>(self, future: F) -> Scope<F> {
        Scope { context: self, future }
    }

    /// Runs `f` in this context, inside the present one.
    pub fn run<T>(&self, f: impl FnOnce() -> T) -> T {
        let _restore = self.enter();
        f()
    }

    fn enter(&self) -> Restore {
        // Two steps: comparing deadlines may ask their clocks, and a user's may look at the context.
        let inner = with_current(|current| self.within(current));
        Restore(replace(inner))
    }

    fn within(&self, outer: &Self) -> Self {
        let deadline = match (&self.deadline, &outer.deadline) {
            (Some(own), Some(outer)) => Some(own.clone().min(outer.clone())),
            (own, outer) => own.as_ref().or(outer.as_ref()).cloned(),
        };
        Self { deadline, priority: self.priority.or(outer.priority) }
    }
}

/// Puts the outer context back, also when the inner code panics.
struct Restore(Context);

impl Drop for Restore {
    fn drop(&mut self) {
        drop(replace(std::mem::take(&mut self.0)));
    }
}

pin_project_lite::pin_project! {
    /// A future that runs in a [`Context`]: made by [`Context::scope`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Scope<F> {
        context: Context,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _restore = this.context.enter();
        this.future.poll(cx)
    }
}

impl<F> fmt::Debug for Scope<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("context", &self.context).finish_non_exhaustive()
    }
}
