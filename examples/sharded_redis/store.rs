//! What a node does: rows with versions, a hash of redis for each slot, behind a floor of epochs.
//!
//! ```text
//! rows:42   key:17 -> "9:8"     the version that the owner gave, and the value
//! floor:42  -> "311"            the oldest epoch of moves that is let in
//! ```
//!
//! Redis runs no code of the shard map, so its fence is that number: a script compares it and works in one
//! step, and nobody is ever inside (`seawall_shard::migration`, "What the data side does").

use std::{collections::HashMap, fmt, ops::RangeInclusive, time::Duration};

use parking_lot::RwLock;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisError,
    aio::MultiplexedConnection,
};

/// No call waits longer, whatever the node does.
const TIME_OUT: Duration = Duration::from_millis(500);

/// Lets in whose epoch is not below the slot's floor.
const ENTER: &str = "
    if tonumber(redis.call('GET', KEYS[1]) or '0') > tonumber(ARGV[1]) then
        return redis.error_reply('STALE the slot has moved')
    end
    local function version(row) return row and tonumber(string.match(row, '^%d+')) or 0 end
";

/// What an owner does: it gives the row a version above all that it and the caller know of.
const PUT: &str = "
    local had = version(redis.call('HGET', KEYS[2], ARGV[2]))
    local given = math.max(had, tonumber(ARGV[4])) + 1
    redis.call('HSET', KEYS[2], ARGV[2], string.format('%d:%s', given, ARGV[3]))
    return given
";

/// What all others do: newer wins. Says the highest version that stood against a row that is another one.
const TAKE: &str = "
    local against = 0
    for i = 2, #ARGV, 2 do
        local had = redis.call('HGET', KEYS[2], ARGV[i])
        if version(had) < version(ARGV[i + 1]) then
            redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
        elseif had ~= ARGV[i + 1] then
            against = math.max(against, version(had))
        end
    end
    return against
";

const GET: &str = "return redis.call('HGET', KEYS[2], ARGV[2])";

/// Gives up a slot, and says how many rows that were.
const DROP: &str = "
    local count = redis.call('HLEN', KEYS[2])
    redis.call('DEL', KEYS[2])
    return count
";

/// Raises the floors of some slots, first to last: one that is as high stays.
const RAISE: &str = "
    for slot = tonumber(ARGV[1]), tonumber(ARGV[2]) do
        local floor = 'floor:' .. string.format('%d', slot)
        if tonumber(redis.call('GET', floor) or '0') < tonumber(ARGV[3]) then
            redis.call('SET', floor, ARGV[3])
        end
    end
";

/// A key and its row.
pub(crate) type Entry = (String, Row);

/// A version, and the value that it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) version: u64,
    pub(crate) value: u64,
}

/// A slot, and the epoch by which somebody came to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) slot: u32,
    pub(crate) epoch: u64,
}

/// Why a node did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The caller's route is over: take it again.
    Stale,
    /// It is not there, too slow, or answers what it should not.
    Failed(RedisError),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale => f.write_str("the route is over"),
            Self::Failed(error) => write!(f, "redis: {error}"),
        }
    }
}

impl std::error::Error for Trouble {}

impl From<RedisError> for Trouble {
    fn from(error: RedisError) -> Self {
        if error.code() == Some("STALE") { Self::Stale } else { Self::Failed(error) }
    }
}

/// The nodes, by their names in the shard map: one multiplexed connection to each.
#[derive(Default)]
pub(crate) struct Store(RwLock<HashMap<String, MultiplexedConnection>>);

/// Connects to a server on this machine.
pub(crate) async fn connection(port: u16) -> Result<MultiplexedConnection, RedisError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(TIME_OUT))
        .set_response_timeout(Some(TIME_OUT));
    let client = Client::open(("127.0.0.1", port))?;
    client.get_multiplexed_async_connection_with_config(&config).await
}

impl Store {
    /// Connects to a node. Who is killed does not come back here, and so no connection is made anew.
    pub(crate) async fn connect(&self, node: String, port: u16) -> Result<(), RedisError> {
        let connection = connection(port).await?;
        self.0.write().insert(node, connection);
        Ok(())
    }

    pub(crate) async fn ping(&self, node: &str) -> Result<(), Trouble> {
        self.ask(node, &redis::cmd("PING")).await
    }

    /// Writes at the owner, with a version above `least`, which is returned.
    pub(crate) async fn put(
        &self,
        node: &str,
        place: Place,
        key: &str,
        value: u64,
        least: u64,
    ) -> Result<u64, Trouble> {
        let mut script = script(PUT, place);
        script.arg(key).arg(value).arg(least);
        self.ask(node, &script).await
    }

    /// Writes rows that have their versions, where they are newer than what is there; says the highest version
    /// that kept another row out, 0 for none.
    pub(crate) async fn take(
        &self,
        node: &str,
        place: Place,
        rows: &[Entry],
    ) -> Result<u64, Trouble> {
        let mut script = script(TAKE, place);
        for (key, row) in rows {
            script.arg(key).arg(format!("{}:{}", row.version, row.value));
        }
        self.ask(node, &script).await
    }

    pub(crate) async fn get(
        &self,
        node: &str,
        place: Place,
        key: &str,
    ) -> Result<Option<Row>, Trouble> {
        let mut script = script(GET, place);
        script.arg(key);
        let row: Option<String> = self.ask(node, &script).await?;
        row.as_deref().map(parse).transpose()
    }

    /// All rows of a slot: there are few.
    pub(crate) async fn rows(
        &self,
        node: &str,
        slot: u32,
    ) -> Result<HashMap<String, Row>, Trouble> {
        let mut all = redis::cmd("HGETALL");
        all.arg(format!("rows:{slot}"));
        let rows: HashMap<String, String> = self.ask(node, &all).await?;
        rows.into_iter().map(|(key, row)| Ok((key, parse(&row)?))).collect()
    }

    /// Deletes a slot, and says how many rows that were.
    pub(crate) async fn give_up(&self, node: &str, place: Place) -> Result<u64, Trouble> {
        self.ask(node, &script(DROP, place)).await
    }

    /// Lets nobody in any more who comes by an older epoch.
    pub(crate) async fn raise(
        &self,
        node: &str,
        slots: RangeInclusive<u32>,
        epoch: u64,
    ) -> Result<(), Trouble> {
        let mut raise = redis::cmd("EVAL");
        raise.arg(RAISE).arg(0).arg(slots.start()).arg(slots.end()).arg(epoch);
        self.ask(node, &raise).await
    }

    async fn ask<T: FromRedisValue>(&self, node: &str, command: &Cmd) -> Result<T, Trouble> {
        let connection = self.0.read().get(node).cloned();
        let unknown = || RedisError::from((ErrorKind::Client, "no such node"));
        let mut connection = connection.ok_or_else(unknown)?;
        Ok(command.query_async(&mut connection).await?)
    }
}

fn script(work: &str, place: Place) -> Cmd {
    let mut script = redis::cmd("EVAL");
    script.arg(format!("{ENTER}{work}")).arg(2);
    script.arg(format!("floor:{}", place.slot)).arg(format!("rows:{}", place.slot));
    script.arg(place.epoch);
    script
}

fn parse(text: &str) -> Result<Row, Trouble> {
    let numbers = text.split_once(':').and_then(|(version, value)| {
        Some(Row { version: version.parse().ok()?, value: value.parse().ok()? })
    });
    numbers.ok_or_else(|| RedisError::from((ErrorKind::Client, "a row is not a row")).into())
}
