//! How a record lies on the server.
//!
//! ```text
//!   0  how it begins: "SW", version, codec, schema (4)
//!   8  life (8)    16  count (8)    24  since (8)            written by the scripts
//!  32  fresh (8)   40  stale (8)    48  error (8)    56  took (8)     microseconds; all bits set: for ever
//!  64  how many tags (1), then each of them (8)
//!   …  1: a value, 0: that there is none
//!   …  how many bytes the value has (4), then these
//! ```
//!
//! Numbers have the high byte first. The scripts look at what is before the value's kind, and
//! `lua/state.lua` says what for.

use std::time::Duration;

use seawall_cache::l2::{Life, Record, Tag};

use super::codec::Codec;

const VERSION: u8 = 1;

/// What the scripts fill in, between how it begins and its times.
const WRITTEN: usize = 24;

/// What `Duration::MAX` is on the server.
const FOR_EVER: u64 = u64::MAX;

/// Which shape the values of a cache have: another number for another shape.
///
/// Change it whenever a field is added, removed, renamed, changes its type or its place: what lies there with
/// another is nothing, and is loaded again. Nothing that was invalidated under one number comes back under the
/// other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SchemaId(pub u32);

/// How the records of a codec and a schema begin.
pub(super) fn head(codec: u8, schema: SchemaId) -> [u8; 8] {
    let [a, b, c, d] = schema.0.to_be_bytes();
    [b'S', b'W', VERSION, codec, a, b, c, d]
}

/// Why a record is not kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is longer than may be, or has more than 255 tags.
    TooLarge,
    /// The codec can't write the value.
    NotEncoded,
}

/// The record as it lies, but for what the scripts fill in.
pub(super) fn encode<V>(
    record: &Record<V>,
    head: [u8; 8],
    codec: &impl Codec<V>,
    longest: usize,
) -> Result<Vec<u8>, Unfit> {
    let tags = u8::try_from(record.tags.len()).map_err(|_| Unfit::TooLarge)?;
    let mut bytes = Vec::with_capacity(128);
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(&[0; WRITTEN]);
    let Life { fresh, stale, error, took } = record.life;
    for time in [fresh, stale, error, took] {
        bytes.extend_from_slice(&micros(time).to_be_bytes());
    }
    bytes.push(tags);
    for tag in &record.tags {
        bytes.extend_from_slice(&tag.0.to_be_bytes());
    }
    bytes.push(record.value.is_some().into());
    let at = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    if let Some(value) = &record.value {
        codec.encode(value, &mut bytes).map_err(|_| Unfit::NotEncoded)?;
    }
    let length = bytes.len().checked_sub(at + 4).ok_or(Unfit::NotEncoded)?;
    let length = u32::try_from(length).map_err(|_| Unfit::TooLarge)?;
    bytes[at..at + 4].copy_from_slice(&length.to_be_bytes());
    if bytes.len() > longest { Err(Unfit::TooLarge) } else { Ok(bytes) }
}

/// The record that lies there and is `age` old; `None` where it can't be read.
pub(super) fn decode<V>(
    bytes: &[u8],
    head: [u8; 8],
    age: Duration,
    codec: &impl Codec<V>,
) -> Option<Record<V>> {
    let mut rest = bytes.strip_prefix(head.as_slice())?;
    take::<WRITTEN>(&mut rest)?;
    let mut left = || Some(left(u64::from_be_bytes(take(&mut rest)?), age));
    let (fresh, stale, error) = (left()?, left()?, left()?);
    let took = Duration::from_micros(u64::from_be_bytes(take(&mut rest)?));
    let [count] = take(&mut rest)?;
    let tags = (0..count).map(|_| Some(Tag(u64::from_be_bytes(take(&mut rest)?))));
    let tags = tags.collect::<Option<_>>()?;
    let [kind] = take(&mut rest)?;
    let length = u32::from_be_bytes(take(&mut rest)?) as usize;
    let value = match kind {
        _ if rest.len() != length => return None,
        0 if length == 0 => None,
        1 => Some(codec.decode(rest).ok()?),
        _ => return None,
    };
    Some(Record { value, life: Life { fresh, stale, error, took }, tags })
}

/// For how many microseconds it is to be kept, as the scripts have it: -1 for ever.
pub(super) fn whole(life: &Life) -> i64 {
    match micros(life.whole()) {
        FOR_EVER => -1,
        // What a double holds to the last digit: 285 years.
        time => time.min(1 << 53) as i64,
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(FOR_EVER)
}

fn left(micros: u64, age: Duration) -> Duration {
    match micros {
        FOR_EVER => Duration::MAX,
        time => Duration::from_micros(time).saturating_sub(age),
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::{collection::vec, option, prelude::*};
    use seawall_cache::l2::{Life, Record, Tag};

    use super::{SchemaId, Unfit, decode, encode, head, whole};
    use crate::cache::Postcard;

    const HEAD: [u8; 8] = head_of(3);
    const LONGEST: usize = 4096;

    const fn head_of(schema: u8) -> [u8; 8] {
        [b'S', b'W', 1, 1, 0, 0, 0, schema]
    }

    type Value = (String, Vec<u32>);

    fn times() -> impl Strategy<Value = Duration> {
        prop_oneof![(0..1_u64 << 50).prop_map(Duration::from_micros), Just(Duration::MAX)]
    }

    fn records() -> impl Strategy<Value = Record<Value>> {
        let lives = (times(), times(), times(), 0..1_u64 << 40);
        let values = option::of((".{0,20}", vec(any::<u32>(), 0..20)));
        (lives, values, vec(any::<u64>(), 0..5)).prop_map(
            |((fresh, stale, error, took), value, tags)| {
                let took = Duration::from_micros(took);
                let tags = tags.into_iter().map(Tag).collect();
                Record { value, life: Life { fresh, stale, error, took }, tags }
            },
        )
    }

    fn read(bytes: &[u8]) -> Option<Record<Value>> {
        decode(bytes, HEAD, Duration::ZERO, &Postcard)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(record in records()) {
            let bytes = encode(&record, HEAD, &Postcard, LONGEST).expect("short");
            prop_assert_eq!(read(&bytes), Some(record));
        }

        #[test]
        fn a_part_of_a_record_is_none(record in records(), at: prop::sample::Index) {
            let bytes = encode(&record, HEAD, &Postcard, LONGEST).expect("short");
            prop_assert_eq!(read(&bytes[..at.index(bytes.len())]), None);
            prop_assert_eq!(read(&[bytes.as_slice(), &[0]].concat()), None);
        }

        #[test]
        fn no_bytes_are_too_odd_to_be_read(bytes: Vec<u8>, record in records(), at: prop::sample::Index, byte: u8) {
            let _ = read(&bytes);
            let _ = read(&[HEAD.as_slice(), &bytes].concat());
            let mut changed = encode(&record, HEAD, &Postcard, LONGEST).expect("short");
            let at = at.index(changed.len());
            changed[at] = byte;
            let _ = read(&changed);
        }
    }

    #[test]
    fn times_are_shorter_by_what_has_passed_and_for_ever_is_for_ever() {
        let second = Duration::from_secs(1);
        let life = Life { fresh: second, stale: second * 3, error: Duration::MAX, took: second };
        let record = Record::<Value> { value: None, life, tags: vec![] };
        let bytes = encode(&record, HEAD, &Postcard, LONGEST).expect("short");

        let read = decode::<Value>(&bytes, HEAD, second * 2, &Postcard).expect("it is one");

        let left =
            Life { fresh: Duration::ZERO, stale: second, error: Duration::MAX, took: second };
        assert_eq!(read.life, left);
        assert_eq!(whole(&life), -1);
        assert_eq!(whole(&Life { error: second * 2, ..life }), 3_000_000);
    }

    #[test]
    fn another_schema_or_codec_is_nothing() {
        let life = Life {
            fresh: Duration::MAX,
            stale: Duration::MAX,
            error: Duration::MAX,
            took: Duration::ZERO,
        };
        let record = Record::<Value> { value: Some((String::new(), vec![])), life, tags: vec![] };
        let bytes = encode(&record, HEAD, &Postcard, LONGEST).expect("short");

        assert_eq!(HEAD, head(1, SchemaId(3)));
        for other in [head(1, SchemaId(4)), head(2, SchemaId(3))] {
            assert_eq!(decode::<Value>(&bytes, other, Duration::ZERO, &Postcard), None);
        }
    }

    #[test]
    fn what_is_too_large_is_not_written() {
        let life = Life {
            fresh: Duration::MAX,
            stale: Duration::MAX,
            error: Duration::MAX,
            took: Duration::ZERO,
        };
        let large = Record { value: Some("x".repeat(LONGEST)), life, tags: vec![] };
        assert_eq!(encode(&large, HEAD, &Postcard, LONGEST), Err(Unfit::TooLarge));

        let many = Record { value: Some(String::new()), life, tags: vec![Tag(1); 256] };
        assert_eq!(encode(&many, HEAD, &Postcard, LONGEST), Err(Unfit::TooLarge));
    }
}
