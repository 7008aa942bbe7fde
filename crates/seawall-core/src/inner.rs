//! The three ways to the service inside a middleware, the same for all of them.

/// `get_ref`, `get_mut` and `into_inner` of a middleware whose field `inner` is the service `S`; for the
/// family's crates, not for others.
#[doc(hidden)]
#[macro_export]
macro_rules! inner_service {
    () => {
        /// The inner service.
        pub const fn get_ref(&self) -> &S {
            &self.inner
        }

        /// The inner service.
        pub const fn get_mut(&mut self) -> &mut S {
            &mut self.inner
        }

        /// The inner service.
        #[must_use]
        pub fn into_inner(self) -> S {
            self.inner
        }
    };
}
