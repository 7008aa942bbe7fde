//! Names: the same text is the same name, wherever it is kept.

use std::{borrow::Cow, sync::Arc};

use seawall_core::Name;
use seawall_test::allocations;

#[test]
fn a_name_is_its_text_wherever_it_is_kept() {
    let names = [
        Name::from("payments"),
        Name::from("payments".to_owned()),
        Name::from(Arc::<str>::from("payments")),
        Name::from(Cow::Borrowed("payments")),
        Name::from(Cow::Owned("payments".to_owned())),
    ];

    for name in &names {
        assert_eq!(name, &names[0]);
        assert_eq!(name, "payments");
        assert_eq!(*name, *"payments");
        assert_eq!(name.len(), 8);
    }
    assert_ne!(names[0], Name::from("refunds"));
}

#[test]
fn a_name_reads_as_its_text() {
    let name = Name::from("pay\"ments");

    assert_eq!(format!("{name}|{name:?}|{name:>11}"), "pay\"ments|\"pay\\\"ments\"|  pay\"ments");
}

#[test]
fn a_clone_allocates_nothing() {
    let (literal, made) = (Name::from("literal"), Name::from("made".to_owned()));

    let (clones, count) = allocations(|| (literal.clone(), made.clone()));

    assert_eq!(clones, (literal, made));
    assert_eq!(count, 0);
}

#[cfg(feature = "serde")]
#[test]
fn a_name_is_text_in_a_file() {
    let name = Name::from("web");

    let written = serde_json::to_string(&name).expect("it can be written");
    let read: Name = serde_json::from_str(&written).expect("it can be read");

    assert_eq!((written.as_str(), read), ("\"web\"", name));
}
