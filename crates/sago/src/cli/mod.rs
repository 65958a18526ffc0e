//! The door of the command line: one file per command, all commands in one enum.
//!
//! A command reads its arguments into an input, calls one operation or query of `sago-core`, and shows the answer.

mod agent;
mod backup;
mod coverage;
mod demo;
mod deposit;
mod doctor;
mod elsewhere;
mod export;
mod fixity;
mod index;
mod init;
mod key;
mod list;
mod log;
mod migrate;
mod open;
pub mod out;
mod passphrase;
mod progress;
mod read;
mod rebuild;
mod receipt;
mod reference;
mod replicate;
mod restore;
mod search;
mod serve;
mod show;
mod stamp;
mod text;
mod verify;
mod witness;
mod work;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use sago_core::ctx::{Clock, Ctx};
use sago_core::repository::Repository;
use sago_core::{Error, Result};

/// Sago keeps evidence of human-rights violations so that a court can check it decades later.
#[derive(Debug, Parser)]
#[command(name = "sago", version, about, long_about = None, propagate_version = true, max_term_width = 100)]
pub struct Arguments {
    /// What every command understands.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Folder of the repository.
    #[arg(long, global = true, env = "SAGO_REPO", value_name = "DIR")]
    pub repo: Option<PathBuf>,
    /// File that holds the passphrase in its first line.
    #[arg(long, global = true, env = "SAGO_PASSPHRASE_FILE", value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Open file descriptor from which the passphrase is read.
    #[arg(long, global = true, value_name = "N", conflicts_with = "passphrase_file")]
    pub passphrase_fd: Option<i32>,
    /// Act as this person (`sago agent list`); the first custodian unless said otherwise.
    #[arg(long = "as", global = true, env = "SAGO_AS", value_name = "CODE")]
    pub act_as: Option<String>,
    /// Print JSON, one object a line.
    #[arg(long, global = true)]
    pub json: bool,
    /// Show no progress.
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// All commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a repository and print the custodians' pages.
    Init(init::Init),
    /// Receive files, folders or standard input.
    Deposit(deposit::Deposit),
    /// List accessions or items.
    List(list::List),
    /// Show an accession or an item with its custody history.
    Show(show::Show),
    /// Read the log, or prove an entry of it.
    Log(log::Log),
    /// Write an original to a file, with a reason, as an event.
    Open(open::Open),
    /// Take the text out of originals and of the files in them, behind walls.
    Read(read::Read),
    /// Say how much of what was received was read, and why not the rest.
    Coverage(coverage::Coverage),
    /// Show the text of an item and what it contains, with a reason, as an event.
    Text(text::Text),
    /// Search what was read: names, words, passages, in Korean and English.
    Search(search::Search),
    /// Bring this machine's search index up to date, or make it anew.
    Index(index::Index),
    /// Write the receipt of an accession, with its proof.
    Receipt(receipt::Receipt),
    /// Judge a repository, an export, a receipt, a log, an OCFL root or object, or a bag.
    Verify(verify::Verify),
    /// Hand over an accession or an item as a package that a stranger can verify.
    Export(export::Export),
    /// Read stored files again and compare them with their digests.
    Fixity(fixity::Fixity),
    /// Units and keys: list, seal, unseal, rotate, destroy, approve, recover.
    Key(key::Key),
    /// People who work with the repository.
    Agent(agent::Agent),
    /// Time-stamp the log's checkpoint (RFC 3161).
    Stamp(stamp::Stamp),
    /// Ask witnesses to cosign the log; or be a witness for the logs of others (C2SP tlog-witness).
    Witness(witness::Witness),
    /// Copy the repository's records, or its vault, and test the copy.
    Backup(backup::Backup),
    /// Keep a second site of storage root, logs and time-stamps, hold both against each other, and mend one from the other.
    Replicate(replicate::Replicate),
    /// Make a repository from a backup and the custodians' shares.
    Restore(restore::Restore),
    /// Move the repository to servers, to a folder, or back; verified on both sides.
    Migrate(migrate::Migrate),
    /// Make a new database from storage root, log and keys, and compare it with the old one.
    Rebuild(rebuild::Rebuild),
    /// Answer over the network, and do jobs, until stopped.
    Serve(serve::Serve),
    /// Do what is due: bring the log's head up to date, complete what was interrupted, read stored files, ask for time-stamps.
    Work(work::Work),
    /// Say what is well and what is not.
    Doctor(doctor::Doctor),
    /// Make a repository of fictitious people and walk the whole path.
    Demo(demo::Demo),
    /// Print reference tables as Markdown.
    #[command(hide = true)]
    Reference(reference::Reference),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Done, and sound.
    Sound,
    /// Done, with findings that matter.
    WithFindings,
}

/// Runs a command.
pub async fn run(arguments: Arguments) -> Result<Done> {
    let common = arguments.common;
    match arguments.command {
        Command::Init(command) => command.run(&common).await,
        Command::Deposit(command) => command.run(&common).await,
        Command::List(command) => command.run(&common).await,
        Command::Show(command) => command.run(&common).await,
        Command::Log(command) => command.run(&common).await,
        Command::Open(command) => command.run(&common).await,
        Command::Read(command) => command.run(&common).await,
        Command::Coverage(command) => command.run(&common).await,
        Command::Text(command) => command.run(&common).await,
        Command::Search(command) => command.run(&common).await,
        Command::Index(command) => command.run(&common).await,
        Command::Receipt(command) => command.run(&common).await,
        Command::Verify(command) => command.run(&common).await,
        Command::Export(command) => command.run(&common).await,
        Command::Fixity(command) => command.run(&common).await,
        Command::Key(command) => command.run(&common).await,
        Command::Agent(command) => command.run(&common).await,
        Command::Stamp(command) => command.run(&common).await,
        Command::Witness(command) => command.run(&common).await,
        Command::Backup(command) => command.run(&common).await,
        Command::Replicate(command) => command.run(&common).await,
        Command::Restore(command) => command.run(&common).await,
        Command::Migrate(command) => command.run(&common).await,
        Command::Rebuild(command) => command.run(&common).await,
        Command::Serve(command) => command.run(&common).await,
        Command::Work(command) => command.run(&common).await,
        Command::Doctor(command) => command.run(&common).await,
        Command::Demo(command) => command.run(&common).await,
        Command::Reference(command) => command.run(),
    }
}

impl Common {
    /// The repository's folder.
    pub fn repo(&self) -> Result<&PathBuf> {
        self.repo.as_ref().ok_or_else(|| Error::invalid("Which repository?").hint("Add `--repo DIR`, or set SAGO_REPO."))
    }

    /// Opens the repository and says who acts.
    pub async fn open(&self) -> Result<(Repository, Ctx)> {
        let root = self.repo()?;
        // A folder that is no repository is said before anybody is asked for a passphrase.
        sago_core::settings::Settings::read(root)?;
        let repo = Repository::open(root, &self.passphrase()?, Clock::System).await?;
        let ctx = sago_core::user::act_as(&repo, self.act_as.as_deref(), Clock::System).await?;
        Ok((repo, ctx))
    }
}
