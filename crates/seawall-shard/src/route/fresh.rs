//! What a read must not be behind.

use std::time::Duration;

use crate::route::Token;

/// How fresh the answer of a read must be: after a token, or at most so old, or both.
///
/// # Examples
///
/// ```
/// # use seawall_shard::route::{Fresh, Token};
/// # use std::time::Duration;
/// let my_writes = Fresh::after(Token::new(4_711));
/// let nearly_new = Fresh::within(Duration::from_secs(5));
/// let both = my_writes.and_within(Duration::from_secs(5));
/// # assert_ne!(both, nearly_new);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "it says what a read needs, and reads nothing"]
pub struct Fresh {
    pub(crate) after: Token,
    pub(crate) within: Option<Duration>,
}

impl Fresh {
    /// From a node that has applied what the token stands for: a caller who shows the tokens of its writes reads
    /// them.
    pub const fn after(token: Token) -> Self {
        Self { after: token, within: None }
    }

    /// From a node whose answers are at most so old: the lag that was reported, and the time since then.
    pub const fn within(age: Duration) -> Self {
        Self { after: Token::new(0), within: Some(age) }
    }

    /// The same, and at most so old.
    pub const fn and_within(self, age: Duration) -> Self {
        Self { within: Some(age), ..self }
    }
}
