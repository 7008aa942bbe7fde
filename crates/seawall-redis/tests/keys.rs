//! Names of keys: one slot for all parts of a key, and one name for each.

use std::collections::HashSet;

use seawall_redis::{KeySpace, slot};

/// Keys that have tried to break a tag.
const ODD: &[&[u8]] = &[
    b"",
    b"plain",
    b"tenant-42",
    b"}",
    b"{",
    b"{}",
    b"}{",
    b"{a}b",
    b"a}:x",
    b"%",
    b"%25",
    b"%7D",
    b"%#",
    b":",
    b"a:b",
    b"\xff\xfe\x00",
    b"\r\n",
];

#[test]
fn all_parts_of_a_key_lie_in_one_slot() {
    let long = vec![b'}'; 100_000];
    for prefix in ["", "app", "a{b}c", "}{", "{", "%"] {
        let space = KeySpace::new(prefix);
        for &key in ODD.iter().chain([&long.as_slice()]) {
            let parts = ["", "a", "b", "{x}", "other"];
            let slots: HashSet<_> = parts.iter().map(|part| slot(&space.name(key, part))).collect();

            assert_eq!(slots.len(), 1, "{prefix:?} {:?}", String::from_utf8_lossy(key));
        }
    }
}

#[test]
fn no_two_keys_have_the_same_name() {
    let space = KeySpace::new("app");
    let names: HashSet<_> = ODD.iter().map(|key| space.name(key, "x")).collect();
    assert_eq!(names.len(), ODD.len());

    let long = [vec![b'a'; 128], vec![b'a'; 129], vec![b'a'; 130]];
    let names: HashSet<_> = long.iter().map(|key| space.name(key, "x")).collect();
    assert_eq!(names.len(), long.len());
}

#[test]
fn a_name_is_as_the_page_says() {
    let space = KeySpace::new("app:limit");

    assert_eq!(space.name("tenant-42", "minute"), b"app:limit:{tenant-42}:minute");
    assert_eq!(space.name("", "minute"), b"app:limit:{%}:minute");
    assert_eq!(space.name("a}b", "x"), b"app:limit:{a%7Db}:x");
    let long = space.name("a".repeat(129), "x");
    assert_eq!(long, b"app:limit:{%#d96debf1bdcbc896e6c134ea76e8141f40d78536}:x".to_vec());
}

#[test]
fn a_long_key_makes_no_long_name() {
    let space = KeySpace::new("app");

    assert!(space.name(vec![b'%'; 1 << 20], "x").len() < 60);
    assert!(space.name(vec![b'%'; 128], "x").len() < 400);
}

#[test]
fn slots_are_those_of_the_cluster_specification() {
    assert_eq!(slot(b"123456789"), 0x31C3);
    assert_eq!(slot(b"somekey"), 11058);
    assert_eq!(slot(b"foo{hash_tag}"), 2515);
    assert_eq!(slot(b""), 0);
    assert_eq!(slot(b"{user1000}.following"), slot(b"user1000"));
    assert_eq!(slot(b"foo{{bar}}zap"), slot(b"{bar"));
    assert_eq!(slot(b"foo{bar}{zap}"), slot(b"bar"));
}
