//! Criterion's results as ratios.
//!
//! | a function called | is                                                                     |
//! |-------------------|------------------------------------------------------------------------|
//! | `floor…`          | the least that any implementation could do, such as one `fetch_add`    |
//! | `seawall…`        | ours                                                                   |
//! | anything else     | a peer; the fastest one in the group is the one that ratios are to     |
//!
//! Medians, not means: one visit of the scheduler moves a mean by more than we differ from a peer.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::Result;
use serde::Deserialize;

/// One function of one group, as measured.
#[derive(Debug, PartialEq)]
pub(super) struct Case {
    group: String,
    name: String,
    /// In whatever is measured: nanoseconds, instructions.
    cost: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Floor,
    Ours,
    Peer,
}

impl Case {
    /// Reads criterion's `benchmark.json` and `estimates.json` of one case.
    pub(super) fn parse(benchmark: &str, estimates: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Benchmark {
            group_id: String,
            function_id: Option<String>,
            value_str: Option<String>,
        }
        #[derive(Deserialize)]
        struct Estimates {
            median: Estimate,
        }
        #[derive(Deserialize)]
        struct Estimate {
            point_estimate: f64,
        }

        let id: Benchmark = serde_json::from_str(benchmark)?;
        let estimates: Estimates = serde_json::from_str(estimates)?;
        // A parameter makes a group within the group: rows of different parameters do not compare.
        let group = match id.value_str {
            Some(value) => format!("{}, {value}", id.group_id),
            None => id.group_id,
        };
        Ok(Self {
            name: id.function_id.unwrap_or_else(|| group.clone()),
            group,
            cost: estimates.median.point_estimate,
        })
    }

    pub(super) fn new(group: &str, name: &str, cost: f64) -> Self {
        Self { group: group.to_owned(), name: name.to_owned(), cost }
    }

    pub(super) fn is_ours(&self) -> bool {
        self.role() == Role::Ours
    }

    /// Its cost as a share of the best peer's, if there is one in its group.
    pub(super) fn to_best_peer(&self, cases: &[Self]) -> Option<f64> {
        let group = cases.iter().filter(|case| case.group == self.group);
        Some(self.cost / cheapest(group, Role::Peer)?)
    }

    fn role(&self) -> Role {
        if self.name.starts_with("floor") {
            Role::Floor
        } else if self.name.starts_with("seawall") {
            Role::Ours
        } else {
            Role::Peer
        }
    }
}

/// The table: the floor first in each group, then ours, then the peers, the fastest first.
pub(super) fn markdown(unit: &str, cases: Vec<Case>) -> String {
    let mut groups = BTreeMap::<String, Vec<Case>>::new();
    for case in cases {
        groups.entry(case.group.clone()).or_default().push(case);
    }

    let mut out = format!(
        "| group | case | {unit} | to the floor | to the best peer |\n\
         | --- | --- | ---: | ---: | ---: |\n",
    );
    for (group, mut cases) in groups {
        cases.sort_by(|a, b| a.role().cmp(&b.role()).then(a.cost.total_cmp(&b.cost)));
        let (floor, peer) = (cheapest(&cases, Role::Floor), cheapest(&cases, Role::Peer));
        for case in &cases {
            let _ = writeln!(
                out,
                "| {} | {} | {:.2} | {} | {} |",
                cell(&group),
                cell(&case.name),
                case.cost,
                ratio(case.cost, floor),
                ratio(case.cost, peer),
            );
        }
    }
    out
}

fn cheapest<'a>(cases: impl IntoIterator<Item = &'a Case>, role: Role) -> Option<f64> {
    let costs = cases.into_iter().filter(|case| case.role() == role).map(|case| case.cost);
    costs.min_by(f64::total_cmp)
}

fn ratio(cost: f64, to: Option<f64>) -> String {
    to.map_or_else(|| "–".to_owned(), |to| format!("{:.2}", cost / to))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::{Case, markdown};

    #[test]
    fn criterions_files_are_read() -> anyhow::Result<()> {
        // As criterion 0.8 writes them, shortened.
        let benchmark = r#"{
            "group_id": "breaker/closed, count window, 1 thread", "function_id": "floor: fetch_add",
            "value_str": null, "throughput": null, "full_id": "breaker/…", "directory_name": "…", "title": "…"
        }"#;
        let estimates = r#"{
            "mean": { "point_estimate": 9.5, "standard_error": 0.1 },
            "median": {
                "confidence_interval": { "confidence_level": 0.95, "lower_bound": 4.4, "upper_bound": 4.6 },
                "point_estimate": 4.5, "standard_error": 0.01
            },
            "slope": null
        }"#;

        let read = Case::parse(benchmark, estimates)?;

        assert_eq!(
            read,
            Case::new("breaker/closed, count window, 1 thread", "floor: fetch_add", 4.5)
        );
        Ok(())
    }

    #[test]
    fn a_parameter_separates_what_does_not_compare() -> anyhow::Result<()> {
        let id = r#"{ "group_id": "ring", "function_id": "seawall", "value_str": "64 slots" }"#;

        let read = Case::parse(id, r#"{ "median": { "point_estimate": 1.0 } }"#)?;

        assert_eq!(read, Case::new("ring, 64 slots", "seawall", 1.0));
        Ok(())
    }

    #[test]
    fn ratios_are_to_the_floor_and_to_the_fastest_peer() {
        let table = markdown(
            "ns",
            vec![
                Case::new("breaker/closed", "recloser", 40.0),
                Case::new("breaker/closed", "seawall", 10.0),
                Case::new("breaker/closed", "failsafe", 20.0),
                Case::new("breaker/closed", "floor: fetch_add", 5.0),
            ],
        );

        assert_eq!(
            table,
            "| group | case | ns | to the floor | to the best peer |\n\
             | --- | --- | ---: | ---: | ---: |\n\
             | breaker/closed | floor: fetch_add | 5.00 | 1.00 | 0.25 |\n\
             | breaker/closed | seawall | 10.00 | 2.00 | 0.50 |\n\
             | breaker/closed | failsafe | 20.00 | 4.00 | 1.00 |\n\
             | breaker/closed | recloser | 40.00 | 8.00 | 2.00 |\n"
        );
    }

    #[test]
    fn a_group_without_floor_or_peer_has_no_such_ratio() {
        let table = markdown("ns", vec![Case::new("clock", "seawall|coarse", 4.0)]);

        assert!(table.ends_with("| clock | seawall\\|coarse | 4.00 | – | – |\n"), "{table}");
    }
}
