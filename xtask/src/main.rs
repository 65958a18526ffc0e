//! `cargo xtask`: the project's automation, in Rust, with nothing to install first.
//!
//! One verb is one file. A verb prints short lines of progress and stops at the first failure, showing
//! that step's whole output; the exit code is then 1. What verbs share: [`run`] starts programs and
//! [`workspace`] knows the folders. Nothing of Sago's own logic lives here, and no crate depends on this one.

// A command-line tool speaks on standard output; the product's crates may not.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod check;
mod demo;
mod docs;
mod golden;
mod release;
mod run;
mod servers;
mod soak;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use workspace::Workspace;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Automation of the project", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Builds sago and fills a folder with a small repository to try
    Demo(demo::Demo),
    /// Runs everything a change must pass: tools, check, doc tests, tests
    Test(test::Test),
    /// Formatting, lints, documentation, licences of dependencies, file hygiene
    Check(check::Check),
    /// Measures sago beside its peers, interleaved, on seeded corpora
    Bench(bench::Bench),
    /// Runs the soak tests with long settings
    Soak(soak::Soak),
    /// Regenerates the generated parts of the documents
    Docs(docs::Docs),
    /// Makes the golden repository of this release, which every later build must open
    Golden(golden::Golden),
    /// Builds the files of a release with their checksums
    Release(release::Release),
    /// Runs a command beside a real PostgreSQL and a real S3 server
    Servers(servers::ServersVerb),
    /// Installs the outside tools the tests use and prints their places for a shell
    Tools(tools::Tools),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = Workspace::find().and_then(|ws| match cli.verb {
        Verb::Demo(verb) => verb.run(&ws),
        Verb::Test(verb) => verb.run(&ws),
        Verb::Check(verb) => verb.run(&ws),
        Verb::Bench(verb) => verb.run(&ws),
        Verb::Soak(verb) => verb.run(&ws),
        Verb::Docs(verb) => verb.run(&ws),
        Verb::Golden(verb) => verb.run(&ws),
        Verb::Release(verb) => verb.run(&ws),
        Verb::Servers(verb) => verb.run(&ws),
        Verb::Tools(verb) => verb.run(&ws),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
