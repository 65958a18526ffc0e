//! Programs that come as Debian packages.
//!
//! A missing one is installed when we are root; otherwise one line names all the packages to install.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use super::Places;
use crate::run;
use crate::workspace::Workspace;

/// Variable, program, package.
const FOR_TESTS: [(&str, &str, &str); 4] = [
    ("SAGO_TOOL_OPENSSL", "openssl", "openssl"),
    ("SAGO_TOOL_XMLLINT", "xmllint", "libxml2-utils"),
    ("SAGO_TOOL_SETPRIV", "setpriv", "util-linux"),
    ("SAGO_TOOL_XXD", "xxd", "xxd"),
];

/// The programs the tests use, all of them present.
pub fn for_tests(ws: &Workspace) -> Result<Places> {
    let missing = FOR_TESTS.iter().filter(|(_, program, _)| run::which(program).is_none());
    install(ws, &missing.map(|(_, _, package)| *package).collect::<Vec<_>>())?;
    FOR_TESTS.iter().map(|(variable, program, package)| Ok((*variable, place(program, package)?))).collect()
}

/// One program, installed if it is missing.
pub fn program(ws: &Workspace, program: &str, package: &str) -> Result<PathBuf> {
    if run::which(program).is_none() {
        install(ws, &[package])?;
    }
    place(program, package)
}

/// Oldest PostgreSQL that is tested: the one of Debian 12.
const POSTGRES_OLDEST: u32 = 15;

/// Folder of the programs of the newest PostgreSQL here, installed if there is none that is new enough.
pub fn postgres(ws: &Workspace) -> Result<PathBuf> {
    if newest_postgres().is_none() {
        install(ws, &["postgresql"])?;
    }
    newest_postgres().with_context(|| format!("package postgresql is installed but has no initdb of version {POSTGRES_OLDEST} or later"))
}

fn newest_postgres() -> Option<PathBuf> {
    // Debian keeps every version apart and none on the path.
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let bin = |version: u32| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"));
    let there = versions.filter(|version| *version >= POSTGRES_OLDEST && run::is_executable(&bin(*version).join("initdb")));
    there.max().map(bin)
}

fn place(program: &str, package: &str) -> Result<PathBuf> {
    run::which(program).with_context(|| format!("package {package} is installed but {program} is not on the path"))
}

/// Installs packages; nothing to do for an empty list.
pub fn install(ws: &Workspace, packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let names = packages.join(" ");
    ensure!(run::which("apt-get").is_some(), "missing programs; install what Debian calls: {names}");
    ensure!(run::is_root(), "missing Debian packages; as root: apt-get install {names}");
    let apt = |arguments: &[&str]| {
        let mut command = ws.command("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    run::quiet("apt-get update", &mut apt(&["update", "-qq"]))?;
    let mut command = apt(&["install", "-y", "-qq", "--no-install-recommends"]);
    run::quiet(&format!("apt-get install {names}"), command.args(packages))
}
