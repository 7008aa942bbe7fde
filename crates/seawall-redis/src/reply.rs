//! What the server answers, as plain data.

use crate::Error;

/// An answer of the server.
///
/// It is what RESP2 says, whichever version of the protocol is spoken: a map is an array of keys and
/// values in turn, a truth is 1 or 0, a double is its digits. An error of the server is no reply but an
/// [`Error::Server`].
///
/// # Examples
///
/// ```
/// # use seawall_redis::Reply;
/// let reply = Reply::Array(vec![Reply::Int(1), Reply::Int(250)]);
/// assert_eq!(reply.ints()?, [1, 250]);
/// # Ok::<(), seawall_redis::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// Nothing, such as the value of a key that there is not.
    Nil,
    /// A number.
    Int(i64),
    /// A string of bytes, a status such as `OK` included.
    Bytes(Vec<u8>),
    /// Several of these.
    Array(Vec<Self>),
}

impl Reply {
    /// The number that it is.
    ///
    /// # Errors
    ///
    /// [`Error::UnexpectedReply`] where it is something else.
    pub fn int(&self) -> Result<i64, Error> {
        match self {
            Self::Int(number) => Ok(*number),
            other => Err(other.instead_of("a number")),
        }
    }

    /// The bytes that it is; `None` where it is nothing.
    ///
    /// # Errors
    ///
    /// [`Error::UnexpectedReply`] where it is something else.
    pub fn bytes(self) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Self::Bytes(bytes) => Ok(Some(bytes)),
            Self::Nil => Ok(None),
            other => Err(other.instead_of("a string")),
        }
    }

    /// The replies that it holds.
    ///
    /// # Errors
    ///
    /// [`Error::UnexpectedReply`] where it is something else.
    pub fn array(self) -> Result<Vec<Self>, Error> {
        match self {
            Self::Array(replies) => Ok(replies),
            other => Err(other.instead_of("an array")),
        }
    }

    /// The numbers that it holds.
    ///
    /// # Errors
    ///
    /// [`Error::UnexpectedReply`] where it is something else.
    pub fn ints(self) -> Result<Vec<i64>, Error> {
        self.array()?.iter().map(Self::int).collect()
    }

    pub(crate) const fn instead_of(&self, wanted: &'static str) -> Error {
        let got = match self {
            Self::Nil => "nothing",
            Self::Int(_) => "a number",
            Self::Bytes(_) => "a string",
            Self::Array(_) => "an array",
        };
        Error::UnexpectedReply { wanted, got }
    }
}
