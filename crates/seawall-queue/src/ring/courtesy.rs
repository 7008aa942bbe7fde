//! A task that always finds something to do gives way now and then.
//!
//! A loop of `recv` on a ring that never runs empty would keep its runtime's thread for ever, and with it
//! whatever else that thread is to do: timers, sockets, the `select!` that was to stop the loop. So of the
//! operations that are ready at once, each [`TURNS`]th on a thread wakes its own task and is pending once.
//!
//! The count is the thread's, not the task's: a task stays on its thread from one `.await` that is pending
//! to the next, so it does no more than so many operations in between, whichever rings they are on. Two
//! tasks of a thread share the count, which makes each give way sooner. It needs no runtime's help, and
//! works under any.

use std::task::Context;

/// How many operations a task may do in turn: 5 to 10 microseconds of them. To give way costs about as
/// much as ten, and more where a runtime wakes an idle thread for it.
#[cfg(not(seawall_loom))]
const TURNS: u32 = 512;

#[cfg(not(seawall_loom))]
thread_local! {
    /// How many operations are left to this thread's tasks.
    // Constant and without a destructor: no more than a subtraction.
    static LEFT: std::cell::Cell<u32> = const { std::cell::Cell::new(TURNS) };
}

/// Whether the task has had its turns; then it is woken, and is to say that it is pending.
#[cfg(not(seawall_loom))]
#[inline]
pub(crate) fn gives_way(cx: &Context<'_>) -> bool {
    let (left, none) = LEFT.get().overflowing_sub(1);
    LEFT.set(left);
    if none {
        LEFT.set(TURNS);
        cx.waker().wake_by_ref();
    }
    none
}

/// The task waits of itself.
#[cfg(not(seawall_loom))]
#[inline]
pub(crate) fn rested() {
    LEFT.set(TURNS);
}

/// In a model all threads are one, which the count would tie together.
#[cfg(seawall_loom)]
pub(crate) fn gives_way(_: &Context<'_>) -> bool {
    false
}

#[cfg(seawall_loom)]
pub(crate) fn rested() {}
