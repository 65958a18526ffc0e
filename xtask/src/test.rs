//! `cargo xtask test`: everything a change must pass, in the order in which it fails soonest.
//!
//! Tools, check, build, doc tests, and last the tests themselves beside a real PostgreSQL and a real S3 server, so that the test runner's summary is the
//! last thing printed. One build serves the generated documents, the doc tests and the tests.

use std::env;

use anyhow::Result;
use clap::Args;

use crate::run;
use crate::servers::Servers;
use crate::tools;
use crate::workspace::Workspace;
use crate::{check, docs};

/// Arguments of `cargo xtask test`.
#[derive(Args)]
pub struct Test {
    /// Only the tests: no formatting, lints or documents
    #[arg(long)]
    no_check: bool,
    /// Passed on to nextest, for example a test's name or `-E 'package(sago-core)'`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    nextest: Vec<String>,
}

impl Test {
    /// Runs the verb.
    pub fn run(self, ws: &Workspace) -> Result<()> {
        if !self.no_check {
            check::before_building(ws)?;
        }
        let places = tools::for_tests(ws)?;
        let mut nextest = tools::nextest(ws)?;
        if !self.no_check {
            check::lints(ws)?;
        }
        build(ws)?;
        if !self.no_check {
            docs::compare(ws)?;
        }
        run::quiet("doc tests", &mut ws.cargo(["test", "--doc", "--workspace", "--locked", "--quiet"]))?;

        let servers = Servers::start(ws, false)?;
        nextest.args(["run", "--workspace", "--locked", "--no-fail-fast"]);
        if env::var_os("CI").is_some_and(|value| value != "false" && !value.is_empty()) {
            nextest.args(["--profile", "ci"]);
        }
        nextest.args(&self.nextest).envs(places).envs(servers.variables()).env("SAGO_SHARED_DATA", &ws.shared_data);
        run::loud("tests", &mut nextest)
    }
}

/// Builds every binary and test of the development profile.
///
/// `--all-targets` is not for its own sake: with it Cargo settles on the same features of the dependencies as
/// the test run does, and nothing is built twice.
pub fn build(ws: &Workspace) -> Result<()> {
    run::quiet("build", &mut ws.cargo(["build", "--workspace", "--all-targets", "--locked", "--quiet"]))
}
