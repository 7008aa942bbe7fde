//! It says loudly that it is armed. Alone in its binary: who asked for an event first, without a subscriber, has it
//! silenced for the others.
#![cfg(feature = "tracing")]

use std::{
    fmt::{Debug, Write},
    sync::Arc,
};

use seawall_chaos::{Chaos, ConfigError, Plan};
use seawall_core::sync::Mutex;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::with_default,
};

/// Writes each event down in a line: its level, then its fields.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("seawall_chaos")
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().push(line.0);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").expect("a string takes everything");
    }
}

#[test]
fn arming_and_disarming_are_warnings_with_name_seed_and_plan() -> Result<(), ConfigError> {
    let log = Log::default();
    let chaos = Chaos::builder("db-a").seed(7).build()?;

    with_default(log.clone(), || {
        chaos.arm(Plan::new().error(1.0))?;
        assert!(chaos.strike().is_some());
        chaos.disarm();
        Ok::<_, ConfigError>(())
    })?;

    let lines = log.0.lock();
    assert_eq!(
        *lines,
        [
            r#"WARN message=chaos is armed chaos="db-a" seed=7 plan=error 1"#,
            r#"DEBUG message=chaos struck a call chaos="db-a" call=0 strike=error"#,
            r#"WARN message=chaos is disarmed chaos="db-a" seed=7 plan=error 1 calls=1"#,
        ],
    );
    Ok(())
}
