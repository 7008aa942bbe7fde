//! A job that panics is worth a line in the log.

use std::sync::Arc;

use seawall_bulkhead::Compartment;
use seawall_core::sync::Mutex;
use tracing::{Event, Level, Metadata, Subscriber, span, subscriber::set_global_default};

/// Keeps the level, target and fields of what this crate says about the compartment `traced`.
struct Log(Arc<Mutex<Vec<String>>>);

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("seawall")
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = format!("{} {}", event.metadata().level(), event.metadata().target());
        event.record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
            fields += &format!(" {field}={value:?}");
        });
        if fields.contains("\"traced\"") {
            self.0.lock().push(fields);
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn a_job_that_panics_is_a_warning() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    // Global, since the job's thread is the one that speaks.
    set_global_default(Log(lines.clone())).expect("nobody else listens here");
    let cpu = Compartment::builder("traced").threads(1).build().unwrap();

    cpu.run_blocking(|| panic!("no image")).unwrap_err();

    let lines = lines.lock();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with(&format!("{} seawall::bulkhead", Level::WARN)), "{}", lines[0]);
    assert!(lines[0].contains("no image"), "{}", lines[0]);
}
