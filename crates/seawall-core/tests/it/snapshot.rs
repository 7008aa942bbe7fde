//! Snapshots: plain data, written and read as such.

use seawall_core::Snapshot;

fn snapshot() -> Snapshot {
    Snapshot::new("circuit_breaker", "payments", "open")
        .gauge("failure_rate", 0.5)
        .counter("rejected", 7)
        .limit("window", 100.0)
}

#[test]
fn a_number_is_found_by_its_name() {
    let snapshot = snapshot().counter("rejected", 8); // the last one counts

    assert_eq!(snapshot.counters["rejected"], 8);
    assert_eq!(snapshot.gauges.keys().collect::<Vec<_>>(), ["failure_rate"]);
    assert_eq!(snapshot.limits.len(), 1);
    assert_eq!(snapshot.instance, 0);
}

#[cfg(feature = "serde")]
#[test]
fn what_is_written_reads_back_as_the_same() {
    let written = serde_json::to_string(&snapshot()).unwrap();

    let read: Snapshot = serde_json::from_str(&written).unwrap();

    assert_eq!(read, snapshot());
    assert_eq!(
        written,
        r#"{"pattern":"circuit_breaker","name":"payments","instance":0,"state":"open","#.to_owned()
            + r#""gauges":{"failure_rate":0.5},"counters":{"rejected":7},"limits":{"window":100.0}}"#
    );
}

#[cfg(feature = "serde")]
#[test]
fn a_snapshot_of_an_older_version_can_be_read() {
    let old = r#"{ "pattern": "gate", "name": "north", "state": "open" }"#;

    let read: Snapshot = serde_json::from_str(old).unwrap();

    assert_eq!(read, Snapshot::new("gate", "north", "open"));
}

#[cfg(feature = "serde")]
#[test]
fn outcomes_jitters_and_priorities_are_written_as_people_would() {
    use seawall_core::{Jitter, Outcome, Priority};
    let written = serde_json::to_string(&(Outcome::Ignored, Jitter::Full, Priority::HIGH)).unwrap();

    assert_eq!(written, r#"["ignored","full",192]"#);
}
