//! The error of a job that panicked.

use std::{
    any::Any,
    borrow::Cow,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use parking_lot::Mutex;

/// A job panicked: what it said, and what it carried.
///
/// # Examples
///
/// How do I let the panic go on in the caller?
///
/// ```
/// # use seawall_bulkhead::{Compartment, Error};
/// # use std::panic::{catch_unwind, resume_unwind};
/// # let result = catch_unwind(|| {
/// let cpu = Compartment::builder("thumbnails").threads(1).build().expect("it is sound");
/// match cpu.run_blocking(|| panic!("no such image")) {
///     Err(Error::Inner(panicked)) => resume_unwind(panicked.into_panic()),
///     other => other.expect("it runs"),
/// }
/// # });
/// # assert_eq!(result.unwrap_err().downcast_ref(), Some(&"no such image"));
/// ```
#[derive(thiserror::Error)]
#[error("the job panicked: {message}")]
pub struct Panicked {
    message: Cow<'static, str>,
    /// Locked by nobody: what a panic carries can be sent, and this lets it be shared.
    panic: Mutex<Box<dyn Any + Send>>,
}

impl Panicked {
    pub(crate) fn new(panic: Box<dyn Any + Send>) -> Self {
        Self { message: message(&*panic), panic: Mutex::new(panic) }
    }

    /// What the panic said; a placeholder where it carried something other than text.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the panic carried, for [`resume_unwind`](std::panic::resume_unwind).
    #[must_use]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        self.panic.into_inner()
    }
}

impl fmt::Debug for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panicked").field("message", &self.message).finish_non_exhaustive()
    }
}

pub(crate) fn message(panic: &(dyn Any + Send)) -> Cow<'static, str> {
    match (panic.downcast_ref::<&'static str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => Cow::Borrowed(text),
        (_, Some(text)) => Cow::Owned(text.clone()),
        _ => Cow::Borrowed("(no text)"),
    }
}

/// Runs what belongs to a user where a panic has nobody to go to: the hook has printed it.
///
/// What a panic carries and that panics again when it is dropped is forgotten.
pub(crate) fn quietly(user: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(user)) {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(panic))).map_err(std::mem::forget);
    }
}
