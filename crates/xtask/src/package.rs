//! `cargo xtask package`: what users get is complete, its documentation builds as docs.rs builds
//! it, and each crate compiles from its own archive.

use std::{collections::BTreeSet, fmt::Write as _};

use anyhow::{Result, ensure};
use xshell::cmd;

use crate::{
    shell::{Context, run as sh_run},
    tools,
    workspace::Package,
};

/// Documentation, archives and manifests of the published crates.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// The licence asks for its text with every copy; the README is the crate's page.
const FILES: &[&str] = &["LICENSE-APACHE", "LICENSE-MIT", "README.md"];

/// More are refused at publication, with everything else done.
const MAX_KEYWORDS: usize = 5;

pub(crate) fn run(cx: &Context, _: &Args) -> Result<()> {
    manifests(cx)?;
    docs_rs(cx)?;
    archives(cx)
}

fn manifests(cx: &Context) -> Result<()> {
    let sh = &cx.sh;
    let mut faults = Vec::new();
    for package in cx.workspace.published() {
        let name = &package.name;
        let files = cmd!(sh, "cargo package --list --allow-dirty -p {name}").quiet().read()?;
        faults.extend(faults_of(package, &files));
    }
    ensure!(faults.is_empty(), "not ready to be published:\n  {}", faults.join("\n  "));
    Ok(())
}

/// What a registry, or a reader of the crate's page, would miss.
fn faults_of(package: &Package, files: &str) -> Vec<String> {
    let name = &package.name;
    let packed: BTreeSet<_> = files.lines().collect();
    let missing = FILES.iter().filter(|file| !packed.contains(**file));
    let mut faults: Vec<_> =
        missing.map(|file| format!("{name}: {file} is not in the package")).collect();

    if package.description.as_ref().is_none_or(String::is_empty) {
        faults.push(format!("{name}: no description"));
    }
    let keywords = package.keywords.len();
    if keywords > MAX_KEYWORDS {
        faults.push(format!("{name}: {keywords} keywords, at most {MAX_KEYWORDS} are allowed"));
    }
    faults
}

/// One crate at a time, with the features that its manifest asks docs.rs for: a family that is
/// built together lends features to those that forgot them.
fn docs_rs(cx: &Context) -> Result<()> {
    let sh = &cx.sh;
    // docs.rs is always on nightly and always sets `docsrs`, which may name features that stable
    // refuses.
    let nightly = tools::nightly(sh);
    let toolchain = nightly.as_ref().map(|name| format!("+{name}"));
    let env = match nightly {
        Some(_) => [("RUSTDOCFLAGS", "--cfg docsrs -D warnings")],
        None => [("RUSTDOCFLAGS", "-D warnings")],
    };
    for package in cx.workspace.published() {
        let name = &package.name;
        let toolchain = toolchain.iter();
        let features = package.docs_rs_flags();
        let dir = cx.target_dir("docsrs");
        sh_run(
            &env,
            cmd!(
                sh,
                "cargo {toolchain...} doc --no-deps --target-dir {dir} -p {name} {features...}"
            ),
        )?;
    }
    if toolchain.is_none() {
        eprintln!("built on stable, without `--cfg docsrs`: {}", tools::NO_NIGHTLY);
    }
    Ok(())
}

/// Packs what is in the tree, committed or not, so that the answer is the same before a commit and
/// after it; then compiles what was packed.
///
/// Not by cargo's own verification. That lends crates which no registry has yet to one another
/// through a registry of its own, and unpacks them in cargo's home by version: from the second time
/// on it compiles against what the first packed.
fn archives(cx: &Context) -> Result<()> {
    let sh = &cx.sh;
    let crates = cx.workspace.published_flags();
    sh_run(&[], cmd!(sh, "cargo package --no-verify --allow-dirty {crates...}"))?;

    let packed = cx.target_dir("package");
    let unpacked = packed.join("unpacked");
    sh.remove_path(&unpacked)?;
    sh.create_dir(&unpacked)?;
    for package in cx.workspace.published() {
        let archive = packed.join(folder(package) + ".crate");
        sh_run(&[], cmd!(sh, "tar -xzf {archive} -C {unpacked}"))?;
    }
    let manifest = unpacked.join("Cargo.toml");
    sh.write_file(&manifest, unpacked_workspace(cx.workspace.published()))?;
    sh.copy_file("Cargo.lock", &unpacked)?; // the versions that everything else was tested with
    let target = cx.target_dir("");
    sh_run(
        &[],
        cmd!(sh, "cargo check --all-features --manifest-path {manifest} --target-dir {target}"),
    )
}

/// What an archive unpacks to.
fn folder(package: &Package) -> String {
    format!("{}-{}", package.name, package.version)
}

/// A workspace of unpacked archives, which find each other where a user's build would ask the
/// registry.
fn unpacked_workspace<'a>(packages: impl Iterator<Item = &'a Package>) -> String {
    let mut manifest =
        String::from("[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\n\n[patch.crates-io]\n");
    for package in packages {
        let _ = writeln!(manifest, "{} = {{ path = \"{}\" }}", package.name, folder(package));
    }
    manifest
}

#[cfg(test)]
mod tests {
    use super::{faults_of, unpacked_workspace};
    use crate::workspace::tests::sample;

    #[test]
    fn a_complete_package_has_no_fault() {
        let workspace = sample();

        let faults =
            faults_of(&workspace.packages[0], "LICENSE-APACHE\nLICENSE-MIT\nREADME.md\nsrc/lib.rs");

        assert!(faults.is_empty(), "{faults:?}");
    }

    #[test]
    fn each_fault_is_named() {
        let mut workspace = sample();
        let package = &mut workspace.packages[2];
        package.keywords = ["a", "b", "c", "d", "e", "f"].map(ToOwned::to_owned).to_vec();

        let faults = faults_of(package, "LICENSE-APACHE\ndocs/README.md\nREADME.md");

        assert_eq!(
            faults,
            [
                "inhouse: LICENSE-MIT is not in the package",
                "inhouse: no description",
                "inhouse: 6 keywords, at most 5 are allowed",
            ]
        );
    }

    #[test]
    fn archives_find_each_other_by_name() {
        let manifest = unpacked_workspace(sample().published());

        assert!(
            manifest.ends_with(
                "[patch.crates-io]\n\
                 tide = { path = \"tide-0.1.0\" }\n\
                 inhouse = { path = \"inhouse-0.1.0\" }\n"
            ),
            "{manifest}"
        );
    }
}
