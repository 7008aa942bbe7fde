//! The workspace as `cargo metadata` tells it, so that a new crate is checked from its first day
//! without a line changed here.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;
use xshell::{Shell, cmd};

/// The members of a workspace and where it keeps things.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
}

/// One member.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: Option<String>,
    pub(crate) keywords: Vec<String>,
    pub(crate) targets: Vec<Target>,
    manifest_path: PathBuf,
    /// The registries that it may go to: `None` is any, an empty list is `publish = false`.
    publish: Option<Vec<String>>,
    metadata: Option<Metadata>,
}

/// A library, test, example, bench or binary.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    kind: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    docs: Docs,
    #[serde(default)]
    loom: FeatureChoice,
}

#[derive(Debug, Default, Deserialize)]
struct Docs {
    #[serde(default)]
    rs: FeatureChoice,
}

/// Features as docs.rs lets a manifest choose them; `[package.metadata.loom]` has the same keys.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct FeatureChoice {
    all_features: bool,
    no_default_features: bool,
    features: Vec<String>,
}

impl Workspace {
    /// Reads the workspace of a manifest.
    pub(crate) fn load(sh: &Shell, manifest: &str) -> Result<Self> {
        // Without a path cargo looks in the parents too, so that the tool starts anywhere in the
        // tree.
        let at = (manifest != "Cargo.toml").then_some(["--manifest-path", manifest]);
        let at = at.iter().flatten();
        let json =
            cmd!(sh, "cargo metadata --format-version 1 --no-deps {at...}").quiet().read()?;
        Self::parse(&json)
    }

    pub(crate) fn parse(json: &str) -> Result<Self> {
        serde_json::from_str(json).context("`cargo metadata` wrote something unexpected")
    }

    /// The members that users get.
    pub(crate) fn published(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.is_published())
    }

    /// `-p a -p b …` for the published members.
    pub(crate) fn published_flags(&self) -> Vec<&str> {
        self.published().flat_map(|package| ["-p", &*package.name]).collect()
    }

    /// The targets of one kind, of all members.
    pub(crate) fn targets(&self, kind: &str) -> impl Iterator<Item = &str> {
        self.packages.iter().flat_map(move |package| package.targets(kind))
    }
}

impl Package {
    pub(crate) fn is_published(&self) -> bool {
        self.publish.as_ref().is_none_or(|registries| !registries.is_empty())
    }

    pub(crate) fn root(&self) -> &Path {
        self.manifest_path.parent().expect("a manifest's path ends in its file's name")
    }

    /// The names of its targets of one kind: `test`, `bench`, `example`, `bin`.
    pub(crate) fn targets(&self, kind: &str) -> impl Iterator<Item = &str> {
        self.targets
            .iter()
            .filter(move |target| target.kind.iter().any(|it| it == kind))
            .map(|target| &*target.name)
    }

    /// What docs.rs will build.
    pub(crate) fn docs_rs_flags(&self) -> Vec<String> {
        self.metadata.as_ref().map(|it| it.docs.rs.flags()).unwrap_or_default()
    }

    /// What its loom models are built with.
    pub(crate) fn loom_flags(&self) -> Vec<String> {
        self.metadata.as_ref().map(|it| it.loom.flags()).unwrap_or_default()
    }
}

impl FeatureChoice {
    fn flags(&self) -> Vec<String> {
        let mut flags = Vec::new();
        if self.all_features {
            flags.push("--all-features".to_owned());
        }
        if self.no_default_features {
            flags.push("--no-default-features".to_owned());
        }
        if !self.features.is_empty() {
            flags.push(format!("--features={}", self.features.join(",")));
        }
        flags
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::Workspace;

    /// What cargo 1.95 prints, less what we don't read.
    const METADATA: &str = r#"{
        "packages": [
            {
                "name": "tide", "version": "0.1.0", "description": "Waves", "keywords": ["a", "b"],
                "publish": null, "manifest_path": "/w/crates/tide/Cargo.toml",
                "metadata": {
                    "docs": { "rs": { "all-features": true, "rustdoc-args": ["--cfg", "docsrs"] } },
                    "loom": { "no-default-features": true, "features": ["serde", "tower"] }
                },
                "targets": [
                    { "name": "tide", "kind": ["lib"] },
                    { "name": "loom_ring", "kind": ["test"] },
                    { "name": "calls", "kind": ["test"] }
                ]
            },
            {
                "name": "demo", "version": "0.0.0", "description": null, "keywords": [],
                "publish": [], "manifest_path": "/w/demo/Cargo.toml", "metadata": null,
                "targets": [{ "name": "storm", "kind": ["example"] }]
            },
            {
                "name": "inhouse", "version": "0.1.0", "description": null, "keywords": [],
                "publish": ["own"], "manifest_path": "/w/crates/inhouse/Cargo.toml", "metadata": {},
                "targets": []
            }
        ],
        "workspace_root": "/w", "target_directory": "/w/target"
    }"#;

    pub(crate) fn sample() -> Workspace {
        Workspace::parse(METADATA).expect("the sample is complete")
    }

    #[test]
    fn what_may_go_to_no_registry_is_not_published() {
        let workspace = sample();

        let published: Vec<_> = workspace.published().map(|package| &*package.name).collect();

        assert_eq!(published, ["tide", "inhouse"]);
        assert_eq!(workspace.published_flags(), ["-p", "tide", "-p", "inhouse"]);
    }

    #[test]
    fn targets_are_found_by_kind() {
        let workspace = sample();

        assert_eq!(workspace.targets("example").collect::<Vec<_>>(), ["storm"]);
        assert_eq!(workspace.targets("test").collect::<Vec<_>>(), ["loom_ring", "calls"]);
    }

    #[test]
    fn a_manifest_chooses_its_features() {
        let workspace = sample();
        let [tide, demo, inhouse] = &*workspace.packages else { panic!("three packages") };

        assert_eq!(tide.docs_rs_flags(), ["--all-features"]);
        assert_eq!(tide.loom_flags(), ["--no-default-features", "--features=serde,tower"]);
        assert!(demo.docs_rs_flags().is_empty(), "no metadata at all");
        assert!(inhouse.loom_flags().is_empty(), "metadata without ours");
    }

    #[test]
    fn a_foreign_answer_says_what_was_asked() {
        let error = Workspace::parse("error: no manifest").expect_err("no JSON");

        assert!(format!("{error:#}").starts_with("`cargo metadata` wrote"), "{error:#}");
    }
}
