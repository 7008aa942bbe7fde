//! The examples as a visitor starts them: each runs to its end.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use xshell::cmd;

use crate::shell::{Context, run as sh_run};

/// Every example, with the arguments that make its run short.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("adaptive_limits", &["1", "target/adaptive_limits.svg"]),
    ("axum_rate_limit", &[]),
    ("axum_service", &[]),
    ("compartment", &[]),
    ("hello_breaker", &[]),
    ("hello_bulkhead", &[]),
    ("hello_cache", &[]),
    ("hello_l2", &[]),
    ("hello_queue", &[]),
    ("hello_rate_limiter", &[]),
    ("hello_retry", &[]),
    ("hello_shard", &[]),
    ("hello_timeline", &[]),
    ("jitter", &["2", "target/jitter.svg"]),
    ("photo_pipeline", &["--photos", "24", "--width", "160", "--out", "target/photo_pipeline.jpg"]),
    ("queue_top", &["--once", "--every", "250"]),
    ("sharded_redis", &["--seconds", "2", "--keys", "600", "--out", "target/sharded_redis.svg"]),
    ("storm", &["--seconds", "6"]),
];

pub(crate) fn run(cx: &Context) -> Result<()> {
    check(EXAMPLES, &cx.workspace.targets("example").collect())?;
    let sh = &cx.sh;
    for &(name, args) in EXAMPLES {
        // Not `-p`: the same choice of packages and features as in `cargo test --all-features`,
        // which has built them.
        sh_run(&[], cmd!(sh, "cargo run --all-features --example {name} -- {args...}"))?;
    }
    Ok(())
}

/// The table holds what there is: an example that nobody runs is one that stops working unseen.
fn check(table: &[(&str, &[&str])], targets: &BTreeSet<&str>) -> Result<()> {
    let listed: BTreeSet<_> = table.iter().map(|(name, _)| *name).collect();
    let unlisted: Vec<_> = targets.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(targets).collect();
    ensure!(
        unlisted.is_empty() && gone.is_empty(),
        "EXAMPLES in crates/xtask/src/examples.rs is out of date: without a row {unlisted:?}, \
         with a row but without an example {gone:?}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::check;

    #[test]
    fn every_example_has_its_row() {
        let table: &[(&str, &[&str])] = &[("a", &[]), ("b", &["-n", "1"])];

        assert!(check(table, &BTreeSet::from(["a", "b"])).is_ok());
    }

    #[test]
    fn a_forgotten_and_a_removed_example_are_both_named() {
        let error = check(&[("old", &[])], &BTreeSet::from(["new"])).expect_err("both are wrong");

        let text = error.to_string();
        assert!(text.contains(r#"without a row ["new"]"#), "{text}");
        assert!(text.contains(r#"without an example ["old"]"#), "{text}");
    }
}
