//! A script that runs on the server, in one piece.

use std::{borrow::Cow, fmt};

use crate::{Arg, Command};

/// A Lua script: what it does, nobody sees half of.
///
/// The server knows a script by the SHA-1 of its source, which is computed once, here. A call sends the
/// hash alone, in one round trip. Where the server does not know it (the first time, after a restart or
/// a failover, on another node of a cluster) it says so and has done nothing; the source is sent then,
/// by itself, within the same call and its time.
///
/// Name every key that the script touches among its keys, and build them with a
/// [`KeySpace`](crate::KeySpace): on a cluster they must all lie in one slot.
///
/// # Examples
///
/// How do I take a job only if nobody has it?
///
/// ```no_run
/// # use seawall_redis::{Connection, Script};
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let take = Script::new(
///     "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
///      redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
///      return 1",
/// );
/// let redis = Connection::builder("jobs").url("redis://localhost").build()?;
/// let taken = redis.run(&take, &["job:7"], &["worker-3".into(), 30_000.into()]).await?.int()? == 1;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Script {
    source: Cow<'static, str>,
    sha1: String,
}

impl Script {
    /// The script with this source.
    #[must_use]
    pub fn new(source: impl Into<Cow<'static, str>>) -> Self {
        let source = source.into();
        let sha1 = sha1_smol::Sha1::from(source.as_bytes()).digest().to_string();
        Self { source, sha1 }
    }

    /// Its source.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The name by which the server knows it: 40 hexadecimal digits.
    #[must_use]
    pub fn sha1(&self) -> &str {
        &self.sha1
    }

    /// Runs it by its name.
    pub(crate) fn by_name(&self, keys: &[impl AsRef<[u8]>], args: &[Arg<'_>]) -> Command {
        Self::command("EVALSHA", &self.sha1, keys, args)
    }

    /// Runs it, and lets the server remember it.
    ///
    /// `EVAL` and not `SCRIPT LOAD`: one round trip, and a cluster sends it to the node that lacks it.
    pub(crate) fn by_source(&self, keys: &[impl AsRef<[u8]>], args: &[Arg<'_>]) -> Command {
        Self::command("EVAL", &self.source, keys, args)
    }

    fn command(
        name: &'static str,
        script: &str,
        keys: &[impl AsRef<[u8]>],
        args: &[Arg<'_>],
    ) -> Command {
        let count = Arg::Int(keys.len() as i64); // a slice has no more than isize::MAX elements
        Command::new(name)
            .arg(script)
            .arg(count)
            .args(keys.iter().map(AsRef::as_ref))
            .args(args.iter().copied())
    }
}

/// The name is enough: the source may be long.
impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("sha1", &self.sha1).finish_non_exhaustive()
    }
}
