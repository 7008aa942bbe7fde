//! How far a write, a read or a node has got, as one number.
//!
//! # What a position is
//!
//! A number of the store's that only grows, in one order for all nodes of a map: the position in its log, the
//! revision of its last transaction, a hybrid logical clock. Where each primary has a log of its own, numbers of
//! two logs say nothing of each other: take the time of the commit then, or a map for each log. Orders that are
//! not total (sets of transactions) have no place here.

use std::{fmt, num::ParseIntError, str::FromStr};

use seawall_core::sync::unmodelled::{AtomicU64, Ordering::Relaxed};

/// A position that a read must not be behind: what the store returned for a write, or what a read has seen.
///
/// Tokens only grow: [`merge`](Self::merge) keeps the later one, in whatever order they come. The default is the
/// token of who has written and seen nothing, which no node is behind.
///
/// As text it is 16 digits in base 16, which sort as the tokens do; with the feature `serde` the same text, as
/// numbers of JSON end at 53 bits.
///
/// # Examples
///
/// How do I take a token through a cookie?
///
/// ```
/// # use seawall_shard::route::Token;
/// let written = Token::new(4_711);
/// let cookie = written.to_string();
/// assert_eq!(cookie, "0000000000001267");
/// assert_eq!(cookie.parse(), Ok(written));
/// # Ok::<(), std::num::ParseIntError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "String", into = "String")
)]
pub struct Token(u64);

impl Token {
    /// The token of a position.
    #[must_use]
    pub const fn new(position: u64) -> Self {
        Self(position)
    }

    /// The position.
    #[must_use]
    pub const fn position(self) -> u64 {
        self.0
    }

    /// The later one of the two.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        self.max(other)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Token {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

#[cfg(feature = "serde")]
impl TryFrom<String> for Token {
    type Error = ParseIntError;

    fn try_from(text: String) -> Result<Self, ParseIntError> {
        text.parse()
    }
}

#[cfg(feature = "serde")]
impl From<Token> for String {
    fn from(token: Token) -> Self {
        token.to_string()
    }
}

/// The token of one user's session, for as long as that lasts: the latest of all that it saw.
///
/// Give it the token of each write, and of each read whose store tells one: then the session reads its own writes,
/// and no read goes back behind an earlier one. To be shared by reference; it never waits.
#[derive(Debug, Default)]
pub struct Session(AtomicU64); // Relaxed: it carries nothing but itself

impl Session {
    /// A session that goes on from a token.
    #[must_use]
    pub const fn new(token: Token) -> Self {
        Self(AtomicU64::new(token.0))
    }

    /// The session has written or seen this.
    pub fn saw(&self, token: Token) {
        self.0.fetch_max(token.0, Relaxed);
    }

    /// What its next read must not be behind.
    #[must_use]
    pub fn token(&self) -> Token {
        Token(self.0.load(Relaxed))
    }
}
