//! Named, timed steps, of which the first that fails ends the run.

use std::{fmt, time::Duration};

use anyhow::{Context as _, Result};

/// What has been done so far, for the list at the end.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    passed: Vec<(&'static str, Duration)>,
    skipped: Vec<(&'static str, String)>,
}

impl Steps {
    /// Runs one step, and says how long it took.
    ///
    /// # Errors
    ///
    /// The step's own error, behind the step's name.
    pub(crate) fn run(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        #[expect(
            clippy::disallowed_types,
            reason = "a stopwatch for people: nothing is decided by it"
        )]
        let start = std::time::Instant::now();

        eprintln!("\n== {name}");
        let result = step();
        let took = start.elapsed();

        if result.is_err() {
            eprintln!("\nsteps: {} passed, 1 failed", self.passed.len());
        } else {
            eprintln!("== {name} passed in {}", Seconds(took));
            self.passed.push((name, took));
        }
        result.with_context(|| format!("step `{name}` failed after {}", Seconds(took)))
    }

    /// Notes a step that cannot run on this machine, now and again at the end.
    pub(crate) fn skip(&mut self, name: &'static str, why: String) {
        eprintln!("\n== {name} SKIPPED: {why}");
        self.skipped.push((name, why));
    }

    /// Prints the list of all steps.
    pub(crate) fn summary(&self) {
        eprintln!();
        for (name, took) in &self.passed {
            eprintln!("{name:<14} {}", Seconds(*took));
        }
        for (name, why) in &self.skipped {
            eprintln!("{name:<14} SKIPPED: {why}");
        }
        let total = self.passed.iter().map(|(_, took)| *took).sum();
        eprintln!("{:<14} {}", "all", Seconds(total));
        eprintln!("steps: {} passed, 0 failed, {} skipped", self.passed.len(), self.skipped.len());
    }
}

/// Seconds to one place, which is what a person compares.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.0.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::Steps;

    #[test]
    fn a_failure_names_its_step_and_keeps_its_cause() {
        let mut steps = Steps::default();

        let error = steps.run("clippy", || bail!("a lint")).expect_err("the step fails");

        let text = format!("{error:#}");
        assert!(text.starts_with("step `clippy` failed after "), "{text}");
        assert!(text.ends_with(": a lint"), "{text}");
        assert!(steps.passed.is_empty());
    }
}
