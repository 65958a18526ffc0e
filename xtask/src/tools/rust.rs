//! Tools built by Cargo: slow to install, so only when there is no other way.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::once;
use crate::run;
use crate::workspace::Workspace;

const ROCFL: &str = "1.7.0";
const GARAGE: &str = "2.5.0";
const WITNESS_LOG: &str = "0.6.1";
const NEXTEST: &str = "0.9.143";

/// `cargo nextest`, ready for its arguments; built first if the machine has none.
pub fn nextest(ws: &Workspace) -> Result<Command> {
    if run::text(&mut ws.cargo(["nextest", "--version"])).is_ok() {
        return Ok(ws.cargo(["nextest"]));
    }
    let mut command = ws.command(install(ws, "cargo-nextest", NEXTEST, &[])?);
    command.arg("nextest");
    Ok(command)
}

/// `rocfl`, the OCFL client, without its S3 part: the benchmark works on disks, and that part is most of the build.
pub fn rocfl(ws: &Workspace) -> Result<PathBuf> {
    install(ws, "rocfl", ROCFL, &["--no-default-features"])
}

/// Garage, an S3 server under the AGPL: a program beside ours, never part of it. Only its S3 door and its SQLite metadata are built.
pub fn garage(ws: &Workspace) -> Result<PathBuf> {
    // It serves tests: quick to build matters more than quick to run. The four largest crates, half of the work, are not optimised at all.
    let quick = ["", ".package.garage_model", ".package.garage_api_admin", ".package.garage_api_s3", ".package.garage_rpc"];
    let quick = quick.map(|package| format!("--config=profile.release{package}.opt-level={}", i32::from(package.is_empty())));
    let mut arguments = vec!["--no-default-features", "--features", "sqlite,bundled-libs"];
    arguments.extend(quick.iter().map(String::as_str));
    install(ws, "garage", GARAGE, &arguments)
}

/// `witness-log`, another's witness (C2SP tlog-witness).
pub fn witness_log(ws: &Workspace) -> Result<PathBuf> {
    Ok(install(ws, "witness-log-cli", WITNESS_LOG, &[])?.with_file_name("witness-log"))
}

fn install(ws: &Workspace, name: &str, version: &str, more: &[&str]) -> Result<PathBuf> {
    let folder = ws.tools.join(name);
    once(&folder, &format!("{name} {version}"), || {
        let mut command = ws.cargo(["install", "--locked", "--quiet", "--version", version, "--root"]);
        command.arg(&folder).arg(name).args(more);
        // A build folder of its own, so that nothing of ours is rebuilt for other features.
        let build = ws.tools.join("build");
        command.env("CARGO_TARGET_DIR", &build);
        run::quiet(&format!("cargo install {name} {version} (minutes)"), &mut command)?;
        fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))
    })?;
    Ok(folder.join("bin").join(name))
}
