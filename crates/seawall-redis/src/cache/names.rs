//! The names by which a cache is known on the server, and in what is told of it.
//!
//! | name | what it is |
//! |---|---|
//! | `app:users:{0}:v:7` | the record of the key `7` |
//! | `app:users:{0}:l:7` | the lease of it |
//! | `app:users:{0}:state` | the life of a part, and its tags |
//! | `app:users!{0}k00c0ffee00c0ffee:7` | told by the instance `00c0ffee00c0ffee`: this key was invalidated |
//! | `app:users!{0}t00c0ffee00c0ffee:00000000000a11ce` | … this tag |
//! | `app:users!{0}a00c0ffee00c0ffee:` | … everything |
//!
//! A cache is cut into parts, by its keys: all names of a part have one hash tag, so that on a cluster they
//! lie in one slot, where scripts may touch them together. Of a key that is long, the records and the leases
//! have the SHA-1 only (`v#…`); what is told has all of it, and does not stay.
//!
//! What stands before the hash tag is [escaped](crate::KeySpace): of two caches with different names none
//! has the other's keys, nor hears of them.

use seawall_cache::l2::Tag;

use super::key::CacheKey;
use crate::{
    KeySpace,
    keys::{crc16, long},
};

/// Names keys of a cache.
#[derive(Debug)]
pub(super) struct Names {
    /// Escaped, without a colon.
    prefix: Vec<u8>,
    parts: u16,
}

/// Where a key is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) part: u16,
    text: String,
}

/// Something told, as its name says it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told<K> {
    Key(K),
    Tag(Tag),
    All,
}

impl Names {
    pub(super) fn new(prefix: &str, parts: u16) -> Self {
        Self { prefix: KeySpace::new(prefix).escaped().to_vec(), parts }
    }

    pub(super) const fn parts(&self) -> u16 {
        self.parts
    }

    pub(super) fn place(&self, key: &impl CacheKey) -> Place {
        let mut text = String::new();
        key.write(&mut text);
        Place { part: crc16(text.as_bytes()) % self.parts, text }
    }

    pub(super) fn state(&self, part: u16) -> Vec<u8> {
        self.name(':', part, ":state", "")
    }

    pub(super) fn record(&self, place: &Place) -> Vec<u8> {
        self.kept(place, ":v:", ":v#")
    }

    pub(super) fn lease(&self, place: &Place) -> Vec<u8> {
        self.kept(place, ":l:", ":l#")
    }

    fn kept(&self, place: &Place, whole: &str, hashed: &str) -> Vec<u8> {
        match long(place.text.as_bytes()) {
            None => self.name(':', place.part, whole, &place.text),
            Some(hash) => self.name(':', place.part, hashed, &hash),
        }
    }

    /// What all that is told begins with.
    pub(super) fn told(&self) -> Vec<u8> {
        [&self.prefix, b"!{".as_slice()].concat()
    }

    pub(super) fn told_key(&self, place: &Place, by: u64) -> Vec<u8> {
        self.name('!', place.part, &format!("k{by:016x}:"), &place.text)
    }

    pub(super) fn told_tag(&self, part: u16, tag: Tag, by: u64) -> Vec<u8> {
        self.name('!', part, &format!("t{by:016x}:"), &format!("{:016x}", tag.0))
    }

    pub(super) fn told_all(&self, part: u16, by: u64) -> Vec<u8> {
        self.name('!', part, &format!("a{by:016x}:"), "")
    }

    fn name(&self, mark: char, part: u16, what: &str, text: &str) -> Vec<u8> {
        [&self.prefix, format!("{mark}{{{part}}}{what}{text}").as_bytes()].concat()
    }

    /// What a name tells, and who told it; `None` where it is no name of ours.
    pub(super) fn read<K: CacheKey>(&self, name: &[u8]) -> Option<(Told<K>, u64)> {
        let rest = name.strip_prefix(self.prefix.as_slice())?.strip_prefix(b"!{")?;
        let (_, rest) = std::str::from_utf8(rest).ok()?.split_once('}')?;
        let (head, text) = rest.split_once(':')?;
        let mut kind = head.chars();
        let told = match kind.next()? {
            'k' => Told::Key(K::read(text)?),
            't' => Told::Tag(Tag(u64::from_str_radix(text, 16).ok()?)),
            'a' => Told::All,
            _ => return None,
        };
        Some((told, u64::from_str_radix(kind.as_str(), 16).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use seawall_cache::l2::Tag;

    use super::{Names, Told};
    use crate::slot;

    proptest! {
        #[test]
        fn all_names_of_a_key_lie_in_one_slot_and_what_is_told_is_read_back(
            prefix in ".{0,20}",
            key in ".{0,200}",
            parts in 1_u16..=1024,
            by: u64,
        ) {
            let names = Names::new(&prefix, parts);
            let place = names.place(&key);
            let told = names.told_key(&place, by);
            let of_it = [names.record(&place), names.lease(&place), told.clone()];

            for name in of_it {
                prop_assert_eq!(slot(&name), slot(&names.state(place.part)));
            }
            prop_assert!(told.starts_with(&names.told()));
            prop_assert_eq!(names.read::<String>(&told), Some((Told::Key(key), by)));
        }

        #[test]
        fn no_bytes_are_too_odd_to_be_read(name: Vec<u8>) {
            let names = Names::new("app:users", 4);
            let _ = names.read::<u32>(&name);
            let _ = names.read::<u32>(&[names.told(), name].concat());
        }

        #[test]
        fn caches_of_two_names_have_nothing_in_common(one in "[a!:{}%]{0,4}", other in "[a!:{}%]{0,4}") {
            prop_assume!(one != other);
            let (one, other) = (Names::new(&one, 1), Names::new(&other, 1));
            let place = one.place(&"7".to_owned());

            prop_assert_ne!(one.record(&place), other.record(&place));
            prop_assert!(!one.told_key(&place, 1).starts_with(&other.told()));
        }
    }

    #[test]
    fn tags_and_all_are_told_by_name() {
        let names = Names::new("app:users", 1);
        let tag = Tag::of("team:7");

        assert_eq!(names.read::<u32>(&names.told_tag(0, tag, 7)), Some((Told::Tag(tag), 7)));
        assert_eq!(names.read::<u32>(&names.told_all(0, 7)), Some((Told::All, 7)));
        assert_eq!(names.read::<u32>(b"app:users!{0}k0000000000000007:no number"), None);
    }

    #[test]
    fn a_long_key_has_a_short_name() {
        let names = Names::new("app:users", 1);
        let (long, longer) = (names.place(&"x".repeat(129)), names.place(&"x".repeat(130)));

        assert_eq!(names.record(&long).len(), b"app:users:{0}:v#".len() + 40);
        assert_ne!(names.record(&long), names.record(&longer));
    }
}
