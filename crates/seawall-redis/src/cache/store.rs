//! The store's operations: keys and values to scripts, and their replies to what was found.

use std::time::Duration;

use seawall_cache::l2::{Ask, Ear, Fill, L2, Lease, Look, Record, Tag};

use super::{
    CacheStore,
    codec::Codec,
    envelope::{Unfit, decode, encode, whole},
    key::CacheKey,
    names::Place,
    scripts::SCRIPTS,
    shared::{Batch, Doubt, Shared},
};
use crate::{Arg, Error, Reply};

/// No record is read by the script.
const NONE: [u8; 8] = [0; 8];

impl<K, V, C> L2<K, V> for CacheStore<C>
where
    K: CacheKey,
    V: Send + Sync + 'static,
    C: Codec<V>,
{
    type Error = Error;

    async fn look(&self, keys: &[K], ask: Ask) -> Result<Vec<Look<V>>, Error> {
        let shared = &*self.shared;
        let places = shared.places(keys);
        let mut found = shared.look(&places, ask).await?;
        // A record that only we can't read: it is to be loaded as if it were not there.
        let odd: Vec<_> =
            (0..found.len()).filter(|&at| matches!(found[at], Found::Odd { held: None })).collect();
        if !odd.is_empty() {
            let places: Vec<_> = odd.iter().map(|&at| places[at].clone()).collect();
            let again = shared.look(&places, Ask::Renewal).await?;
            for (at, again) in odd.into_iter().zip(again) {
                found[at] = again;
            }
        }
        let looks = found.into_iter().map(Found::into_look);
        Ok(looks.inspect(|look| shared.count(look)).collect())
    }

    async fn fill(&self, fills: &[Fill<K, V>]) -> Result<Vec<bool>, Error> {
        let shared = &*self.shared;
        let places = shared.places(fills.iter().map(|fill| &fill.key));
        let call = async |batch: Batch| {
            let items: Vec<_> = batch.members.iter().map(|&at| (&places[at], &fills[at])).collect();
            let keys = items.iter().flat_map(|(place, _)| shared.record_and_lease(place));
            let made: Vec<_> = items
                .iter()
                .map(|(_, fill)| (fill.lease.token.to_be_bytes(), shared.made(&fill.record)))
                .collect();
            let args: Vec<_> = made
                .iter()
                .flat_map(|(token, (record, whole))| {
                    [(&token[..]).into(), record.into(), (*whole).into()]
                })
                .collect();
            let reply = shared.run(&SCRIPTS.fill, batch.part, NONE, keys.collect(), &args).await?;
            Ok((batch.members, reply.ints()?))
        };
        let mut filled = vec![false; fills.len()];
        for (members, done) in shared.all(shared.cut(&places).into_iter().map(call)).await? {
            for (at, done) in members.into_iter().zip(done) {
                filled[at] = done == 1;
                let stat = if done == 1 { &shared.stats.filled } else { &shared.stats.refused };
                stat.add(1);
            }
        }
        Ok(filled)
    }

    async fn release(&self, leases: &[(K, Lease)]) -> Result<(), Error> {
        let shared = &*self.shared;
        let places = shared.places(leases.iter().map(|(key, _)| key));
        let call = async |batch: Batch| {
            let keys = batch.members.iter().map(|&at| shared.names.lease(&places[at]));
            let tokens: Vec<_> =
                batch.members.iter().map(|&at| leases[at].1.token.to_be_bytes()).collect();
            let args: Vec<_> = tokens.iter().map(|token| (&token[..]).into()).collect();
            shared.run(&SCRIPTS.release, batch.part, NONE, keys.collect(), &args).await
        };
        shared.all(shared.cut(&places).into_iter().map(call)).await.map(drop)
    }

    async fn invalidate(&self, keys: &[K]) -> Result<(), Error> {
        let shared = &*self.shared;
        let places = shared.places(keys);
        let doubt = Doubt::about(shared);
        let call = async |batch: Batch| {
            let keys = batch.members.iter().flat_map(|&at| shared.changed(&places[at], doubt.by));
            shared.run(&SCRIPTS.invalidate, batch.part, NONE, keys.collect(), &[]).await
        };
        let done = shared.all(shared.cut(&places).into_iter().map(call)).await;
        doubt.settle(done)?;
        shared.stats.invalidated.add(keys.len() as u64);
        Ok(())
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<(), Error> {
        if tags.is_empty() {
            return Ok(());
        }
        let shared = &*self.shared;
        let bytes: Vec<_> = tags.iter().map(|tag| tag.0.to_be_bytes()).collect();
        let args: Vec<Arg<'_>> = bytes.iter().map(|tag| (&tag[..]).into()).collect();
        let doubt = Doubt::about(shared);
        let call = async |part| {
            let told = tags.iter().map(|&tag| shared.names.told_tag(part, tag, doubt.by));
            shared.run(&SCRIPTS.invalidate_tags, part, NONE, told.collect(), &args).await
        };
        let done = shared.all((0..shared.names.parts()).map(call)).await;
        doubt.settle(done).map(drop)
    }

    async fn clear(&self) -> Result<(), Error> {
        let shared = &*self.shared;
        let doubt = Doubt::about(shared);
        let call = async |part| {
            let told = vec![shared.names.told_all(part, doubt.by)];
            shared.run(&SCRIPTS.clear, part, NONE, told, &[]).await
        };
        let done = shared.all((0..shared.names.parts()).map(call)).await;
        doubt.settle(done).map(drop)
    }

    async fn listen(&self, ear: Ear<K>) {
        super::listen::listen(self.shared.clone(), ear).await;
    }
}

/// What a look found, before it is known whether somebody must ask again.
enum Found<V> {
    Is(Look<V>),
    /// A record that the codec can't read; it is not known who loads it, or who does.
    Odd {
        held: Option<Option<Lease>>,
    },
}

impl<V> Found<V> {
    fn into_look(self) -> Look<V> {
        match self {
            Self::Is(look) => look,
            Self::Odd { held: Some(Some(lease)) } => Look::Lease(lease),
            Self::Odd { .. } => Look::Busy,
        }
    }
}

impl<C> Shared<C> {
    fn places<'k, K: CacheKey>(&self, keys: impl IntoIterator<Item = &'k K>) -> Vec<Place> {
        keys.into_iter().map(|key| self.names.place(key)).collect()
    }

    fn cut(&self, places: &[Place]) -> Vec<Batch> {
        self.batches(places.iter().map(|place| place.part))
    }

    fn record_and_lease(&self, place: &Place) -> [Vec<u8>; 2] {
        [self.names.record(place), self.names.lease(place)]
    }

    fn changed(&self, place: &Place, by: u64) -> [Vec<u8>; 3] {
        let [record, lease] = self.record_and_lease(place);
        [record, lease, self.names.told_key(place, by)]
    }

    async fn look<V>(&self, places: &[Place], ask: Ask) -> Result<Vec<Found<V>>, Error>
    where
        C: Codec<V>,
    {
        let call = async |batch: Batch| {
            let keys = batch.members.iter().flat_map(|&at| self.record_and_lease(&places[at]));
            let tokens: Vec<_> = batch.members.iter().map(|_| self.draw()).collect();
            let bytes: Vec<_> = tokens.iter().map(|token| token.to_be_bytes()).collect();
            let lease = self.lease.as_millis() as i64; // ten minutes at most
            let renews = i64::from(ask == Ask::Renewal);
            let settings = [self.longest as i64, renews, lease].map(Arg::Int); // 256 MiB at most
            let args =
                [&settings, &*bytes.iter().map(|token| token[..].into()).collect::<Vec<_>>()]
                    .concat();
            let head = self.head();
            let reply = self.run(&SCRIPTS.look, batch.part, head, keys.collect(), &args).await?;
            Ok((batch.members, self.found(reply, &tokens)?))
        };
        let answers = self.all(self.cut(places).into_iter().map(call)).await?;
        let mut found: Vec<_> = places.iter().map(|_| Found::Is(Look::Busy)).collect();
        for (members, answers) in answers {
            for (at, answer) in members.into_iter().zip(answers) {
                found[at] = answer;
            }
        }
        Ok(found)
    }

    /// What the script's reply says: see there.
    fn found<V>(&self, reply: Reply, tokens: &[u64]) -> Result<Vec<Found<V>>, Error>
    where
        C: Codec<V>,
    {
        let mut reply = reply.array()?.into_iter();
        let mut next = || {
            reply.next().ok_or(Error::UnexpectedReply { wanted: "an answer a key", got: "fewer" })
        };
        let one = |&token: &u64| {
            let lease = || Lease { token, mark: 0, since: 0 };
            let answer = next()?.int()?;
            let held = match answer {
                0 => return Ok(Found::Is(Look::Busy)),
                1 => return Ok(Found::Is(Look::Lease(lease()))),
                2 => None,
                3 => Some(None),
                4 => Some(Some(lease())),
                _ => {
                    return Err(Error::UnexpectedReply { wanted: "0 to 4", got: "another number" });
                }
            };
            let age = Duration::from_micros(next()?.int()?.unsigned_abs());
            let record = next()?.bytes()?.unwrap_or_default();
            Ok(match (decode(&record, self.head(), age, &self.codec), held) {
                (Some(record), None) => Found::Is(Look::Hit(record)),
                (Some(record), Some(lease)) => Found::Is(Look::Stale(record, lease)),
                (None, held) => {
                    self.stats.unreadable.add(1);
                    Found::Odd { held }
                }
            })
        };
        tokens.iter().map(one).collect()
    }

    /// A record as it lies, and for how long it is kept; of one that is unfit its tags, and not at all: its
    /// lease ends, and so does what was there.
    fn made<V>(&self, record: &Record<V>) -> (Vec<u8>, i64)
    where
        C: Codec<V>,
    {
        match encode(record, self.head(), &self.codec, self.longest) {
            Ok(bytes) => (bytes, whole(&record.life)),
            Err(unfit) => {
                self.stats.not_kept.add(1);
                self.trace_unfit(&unfit);
                let tags = record.tags.iter().copied().take(255).collect();
                let none = Record::<V> { value: None, life: record.life, tags };
                let bytes = encode(&none, self.head(), &self.codec, usize::MAX);
                (bytes.unwrap_or_default(), 0)
            }
        }
    }

    fn count<V>(&self, look: &Look<V>) {
        let stat = match look {
            Look::Hit(_) => &self.stats.hits,
            Look::Stale(..) => &self.stats.stale,
            Look::Lease(_) => &self.stats.leases,
            Look::Busy => &self.stats.busy,
        };
        stat.add(1);
    }

    #[cfg_attr(not(feature = "tracing"), allow(clippy::unused_self))]
    fn trace_unfit(&self, unfit: &Unfit) {
        #[cfg(feature = "tracing")]
        tracing::warn!(target: "seawall::redis", name = self.prefix.as_str(), ?unfit, "a value is not kept in Redis");
        #[cfg(not(feature = "tracing"))]
        let _ = unfit;
    }
}
