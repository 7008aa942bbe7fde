//! What is asked of the server: a command's name and its arguments.

use std::{borrow::Cow, fmt};

/// A command, in the making or made.
///
/// All callers share one connection, so a command that blocks it (`BLPOP`), or that changes what it is
/// (`SELECT`, `SUBSCRIBE`, `MULTI`), has no place here. What must happen together is a
/// [`Script`](crate::Script).
///
/// # Examples
///
/// ```
/// # use seawall_redis::Command;
/// let command = Command::new("SET").arg("greeting").arg("hello").arg("PX").arg(60_000);
/// ```
#[derive(Clone)]
#[must_use = "a command does nothing until it is sent"]
pub struct Command {
    name: Cow<'static, str>,
    packed: redis::Cmd,
}

impl Command {
    /// The command called `name`, without arguments yet.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        let name = name.into();
        let mut packed = redis::Cmd::new();
        packed.arg(&*name);
        Self { name, packed }
    }

    /// The same, with one more argument.
    pub fn arg<'a>(mut self, arg: impl Into<Arg<'a>>) -> Self {
        match arg.into() {
            Arg::Int(number) => self.packed.arg(number),
            Arg::Bytes(bytes) => self.packed.arg(bytes),
        };
        self
    }

    /// The same, with more arguments.
    pub fn args<'a>(self, args: impl IntoIterator<Item = impl Into<Arg<'a>>>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    pub(crate) const fn packed(&self) -> &redis::Cmd {
        &self.packed
    }
}

/// Arguments are not shown: they may be somebody's.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An argument of a [`Command`] or a [`Script`](crate::Script): a number or bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Arg<'a> {
    /// A number, sent as its digits.
    Int(i64),
    /// Bytes, sent as they are.
    Bytes(&'a [u8]),
}

impl From<i64> for Arg<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u32> for Arg<'_> {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<i32> for Arg<'_> {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl<'a> From<&'a [u8]> for Arg<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Arg<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Self::Bytes(text.as_bytes())
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(text: &'a String) -> Self {
        Self::Bytes(text.as_bytes())
    }
}
