//! `cargo xtask check`: what can be judged without running the program.
//!
//! The cheap part comes first ([`tidy`], formatting, [`dependencies`]), then what needs a build: clippy, rustdoc,
//! generated documents. `cargo xtask test` calls the same functions.

mod dependencies;
mod tidy;

use anyhow::Result;
use clap::Args;

use crate::workspace::Workspace;
use crate::{docs, run, test};

/// Arguments of `cargo xtask check`.
#[derive(Args)]
pub struct Check {
    /// Only what needs no build: formatting, file hygiene, licences and sources of dependencies
    #[arg(long)]
    quick: bool,
}

impl Check {
    /// Runs the verb.
    pub fn run(self, ws: &Workspace) -> Result<()> {
        before_building(ws)?;
        if self.quick {
            return Ok(());
        }
        lints(ws)?;
        test::build(ws)?;
        docs::compare(ws)
    }
}

/// The checks that take seconds.
pub fn before_building(ws: &Workspace) -> Result<()> {
    tidy::check(ws)?;
    run::quiet("formatting", &mut ws.cargo(["fmt", "--all", "--check"]))?;
    dependencies::check(ws)
}

/// Clippy over all targets, then rustdoc over everything including private items, both without warnings.
pub fn lints(ws: &Workspace) -> Result<()> {
    let mut clippy = ws.cargo(["clippy", "--workspace", "--all-targets", "--locked", "--quiet"]);
    run::quiet("clippy", clippy.args(["--", "-D", "warnings"]))?;
    // Private items too: most of a binary's map is private, and a broken link in it misleads all the same.
    let mut rustdoc = ws.cargo(["doc", "--workspace", "--no-deps", "--locked", "--document-private-items", "--quiet"]);
    run::quiet("rustdoc", rustdoc.env("RUSTDOCFLAGS", "-Dwarnings"))
}
