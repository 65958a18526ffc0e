//! `cargo xtask release`: the files of a release, with their checksums, in `target/release-files/`.
//!
//! Builds every binary of the workspace but this one, checks that each runs, has the workspace's version, is not too
//! large and carries no path of this machine. Signing and publishing are done by people.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use crate::run;
use crate::workspace::Workspace;

/// Largest binary: it must still travel on a slow line. MiB.
const BINARY_MIB_MAX: u64 = 60;
/// Documents that go with the binaries when the project has them.
const DOCUMENTS: [&str; 4] = ["LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md"];
/// Texts that lie in every storage root, as in `sago-core/src/store/texts.rs`, and where they are written.
const TEXTS: [(&str, &str); 6] = [
    ("RECOVERY.md", "crates/sago-core/preservation/RECOVERY.md"),
    ("spec-ocfl.md", "crates/sago-core/preservation/spec-ocfl.md"),
    ("spec-age.md", "crates/sago-core/preservation/spec-age.md"),
    ("spec-tlog.md", "crates/sago-core/preservation/spec-tlog.md"),
    ("spec-slip39.md", "crates/sago-core/preservation/spec-slip39.md"),
    ("spec-sago.md", "docs/formats.md"),
];
/// Digests of those texts, of every release.
const PUBLISHED: &str = "crates/sago-core/preservation/published.sha256";

/// Arguments of `cargo xtask release`.
#[derive(Args)]
pub struct Release {}

/// A binary of the release build.
pub struct Binary {
    name: String,
    version: String,
    /// Where Cargo left it.
    pub path: PathBuf,
}

impl Release {
    /// Runs the verb.
    pub fn run(self, ws: &Workspace) -> Result<()> {
        let binaries = build(ws)?;
        let folder = ws.target.join("release-files");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let platform = platform(ws)?;
        for binary in &binaries {
            inspect(ws, binary)?;
            copy(&binary.path, &folder.join(format!("{}-{}-{platform}", binary.name, binary.version)))?;
        }
        for document in DOCUMENTS.iter().filter(|document| ws.root.join(document).is_file()) {
            copy(&ws.root.join(document), &folder.join(document))?;
        }
        published_texts(ws, &binaries)?;
        let mut sums = ws.command("sh");
        sums.args(["-c", "sha256sum -- * > SHA256SUMS && sha256sum --check --quiet SHA256SUMS"]).current_dir(&folder);
        run::quiet("checksums", &mut sums)?;
        run::say(format_args!("the files are in {}", ws.shown(&folder)));
        Ok(())
    }
}

/// Builds the binaries with optimisation and without paths of this machine in them.
pub fn build(ws: &Workspace) -> Result<Vec<Binary>> {
    let metadata = run::text(&mut ws.cargo(["metadata", "--locked", "--no-deps", "--format-version", "1"]))?;
    let binaries = binaries(&serde_json::from_str(&metadata)?, &ws.target.join("release"));
    ensure!(!binaries.is_empty(), "the workspace has no binaries");
    let mut cargo = ws.cargo(["build", "--release", "--locked", "--quiet", "--workspace", "--exclude", "xtask", "--bins"]);
    let mut flags = env::var("RUSTFLAGS").unwrap_or_default();
    for (path, name) in machine_paths(ws)? {
        flags.push_str(&format!(" --remap-path-prefix={}={name}", path.display()));
    }
    run::quiet("release build (minutes)", cargo.env("RUSTFLAGS", flags.trim_start()))?;
    Ok(binaries)
}

fn binaries(metadata: &Value, folder: &Path) -> Vec<Binary> {
    let packages = metadata["packages"].as_array().into_iter().flatten().filter(|package| package["name"] != "xtask");
    let mut found = Vec::new();
    for package in packages {
        for target in package["targets"].as_array().into_iter().flatten() {
            let is_binary = target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "bin"));
            if let (true, Some(name), Some(version)) = (is_binary, target["name"].as_str(), package["version"].as_str()) {
                found.push(Binary { name: name.to_owned(), version: version.to_owned(), path: folder.join(name) });
            }
        }
    }
    found
}

/// Paths a compiler would write into messages and symbols, and what stands for them.
fn machine_paths(ws: &Workspace) -> Result<[(PathBuf, &'static str); 2]> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo"))).context("no home folder")?;
    Ok([(home, "cargo"), (ws.root.clone(), "sago")])
}

fn inspect(ws: &Workspace, binary: &Binary) -> Result<()> {
    let Binary { name, version, path } = binary;
    let said = run::text(ws.command(path).arg("--version"))?;
    ensure!(said.split_whitespace().any(|word| word == version), "{name} --version says {:?}, not {version}", said.trim_end());
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mib = bytes.len() as u64 / (1024 * 1024);
    ensure!(mib <= BINARY_MIB_MAX, "{name} has {mib} MiB; the limit is {BINARY_MIB_MAX}");
    for (machine_path, _) in machine_paths(ws)? {
        let needle = machine_path.as_os_str().as_encoded_bytes();
        ensure!(!bytes.windows(needle.len()).any(|window| window == needle), "{name} contains the path {}", machine_path.display());
    }
    run::say(format_args!("  {name} {version}: {mib} MiB"));
    Ok(())
}

/// Notes the texts that this release writes into storage roots, so that later ones know them. Lines are only ever added.
fn published_texts(ws: &Workspace, binaries: &[Binary]) -> Result<()> {
    let Some(version) = binaries.iter().find(|binary| binary.name == "sago").map(|binary| &binary.version) else { return Ok(()) };
    let mut list = fs::read_to_string(ws.root.join(PUBLISHED)).with_context(|| format!("cannot read {PUBLISHED}"))?;
    let mut added = 0;
    for (name, source) in TEXTS {
        let said = run::text(ws.command("sha256sum").arg(ws.root.join(source)))?;
        let digest = said.split_whitespace().next().context("sha256sum prints nothing")?;
        let line = format!("{digest}  {version}/{name}\n");
        if !list.contains(&line) {
            list.push_str(&line);
            added += 1;
        }
    }
    if added > 0 {
        fs::write(ws.root.join(PUBLISHED), list).with_context(|| format!("cannot write {PUBLISHED}"))?;
        run::say(format_args!("· {PUBLISHED}: {added} texts of {version} added; commit the file with the release"));
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// The compiler's name for this machine, such as `x86_64-unknown-linux-gnu`.
fn platform(ws: &Workspace) -> Result<String> {
    let said = run::text(ws.command("rustc").arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc -vV names no host")?;
    Ok(host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_binary_but_this_one_belongs_to_a_release() {
        let metadata = json!({"packages": [
            {"name": "sago", "version": "1.2.3", "targets": [
                {"kind": ["bin"], "name": "sago"}, {"kind": ["test"], "name": "it"}]},
            {"name": "sago-verify", "version": "1.2.3", "targets": [
                {"kind": ["lib"], "name": "sago_verify"}, {"kind": ["bin"], "name": "sago-verify"}]},
            {"name": "xtask", "version": "1.2.3", "targets": [{"kind": ["bin"], "name": "xtask"}]},
        ]});
        let names = binaries(&metadata, Path::new("out")).into_iter().map(|binary| binary.path).collect::<Vec<_>>();
        assert_eq!(names, [Path::new("out/sago"), Path::new("out/sago-verify")]);
    }
}
