//! `cargo xtask bench`: sago and its peers on the same files, on the same machine, in the same minutes.
//!
//! Rounds are interleaved: in each round every contestant takes in the corpus into a fresh folder and then checks
//! what it stored; the order shifts by one from round to round. A figure is only worth something beside the others
//! of its own run, so the table gives ratios, and nothing is remembered between runs. `bench/README.md` says how to
//! read it.

mod contestants;
mod corpus;
mod measure;
mod report;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::servers::Servers;
use crate::tools::Peers;
use crate::workspace::Workspace;
use crate::{release, run};

use contestants::{OURS, Present, Programs, SCRUB, SERVERS};
use corpus::{Corpus, Extent};
use measure::Measure;
use report::{Report, Row, Step};

/// Arguments of `cargo xtask bench`.
#[derive(Args)]
pub struct Bench {
    /// Small corpora: for trying the bench itself, not for figures
    #[arg(long)]
    quick: bool,
    /// Also one file of 8 GiB and 100,000 files of 10 KiB: an hour, and 30 GiB of disk
    #[arg(long, conflicts_with = "quick")]
    large: bool,
    /// Only these corpora, for example `one-file,many-files`
    #[arg(long, value_delimiter = ',')]
    corpus: Vec<String>,
    /// Which pair sago stores on: `embedded` (SQLite and disk), `servers` (PostgreSQL and S3, started for the run), or `both`
    #[arg(long, value_enum, default_value_t = Pair::Embedded)]
    pair: Pair,
    /// Rounds over every corpus
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only these contestants, for example `sago,restic`
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Measure this sago instead of building one, for example that of an earlier release
    #[arg(long)]
    sago: Option<PathBuf>,
}

/// A database and a store.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Pair {
    /// SQLite and a folder.
    Embedded,
    /// PostgreSQL and an S3 server.
    Servers,
    /// One after the other.
    Both,
}

impl Bench {
    /// Runs the verb.
    pub fn run(self, ws: &Workspace) -> Result<()> {
        let of_pair = |name: &str| match name {
            OURS | SCRUB => self.pair != Pair::Servers,
            SERVERS => self.pair != Pair::Embedded,
            _ => true,
        };
        let wanted = |name: &str| of_pair(name) && (self.only.is_empty() || self.only.iter().any(|only| only == name));
        for only in &self.only {
            ensure!(contestants::ALL.iter().any(|who| who.name == only), "there is no contestant {only}");
        }
        let sago = match (&self.sago, [OURS, SCRUB, SERVERS].into_iter().any(wanted)) {
            (_, false) => None,
            (Some(given), true) => Some(given.canonicalize().with_context(|| format!("no {}", given.display()))?),
            (None, true) => Some(built_sago(ws)?),
        };
        // Flushing, as people run it.
        let servers = wanted(SERVERS).then(|| Servers::start(ws, true)).transpose()?;
        let programs = Programs { sago, peers: Peers::install(ws, wanted), servers };
        let present = contestants::present(&programs, wanted);
        let folder = ws.target.join("bench");
        let mut report = Report::begin(ws, &present, self.rounds)?;
        let extent = match (self.quick, self.large) {
            (true, _) => Extent::Quick,
            (false, false) => Extent::Usual,
            (false, true) => Extent::Large,
        };
        let chosen = |name: &str| self.corpus.is_empty() || self.corpus.iter().any(|corpus| name.trim_end_matches("-quick") == corpus);
        let corpora = corpus::all(ws, &folder.join("corpora"), extent, chosen)?;
        ensure!(!corpora.is_empty(), "no corpus has one of these names");
        for corpus in corpora {
            let turns = Turns { corpus: &corpus, time: programs.peers.time.as_deref(), work: folder.join("work") };
            let (rows, failed) = turns.rows(&present, self.rounds)?;
            report.add(&corpus, &rows, &failed);
        }
        print!("{}", report.markdown());
        let file = report.write(&folder)?;
        run::say(format_args!("written to {}", ws.shown(&file)));
        Ok(())
    }
}

/// The turns over one corpus.
struct Turns<'a> {
    corpus: &'a Corpus,
    /// GNU time, if there is one.
    time: Option<&'a Path>,
    /// A folder that is empty when a turn begins.
    work: PathBuf,
}

impl Turns<'_> {
    /// Every measurement, and the peers that failed. A failure of our own ends the run.
    fn rows(&self, present: &[Present], rounds: u32) -> Result<(Vec<Row>, Vec<&'static str>)> {
        let mut rows = Vec::new();
        let mut failed = Vec::new();
        for round in 0..rounds {
            for turn in 0..present.len() {
                let contestant = &present[(turn + round as usize) % present.len()];
                let name = contestant.who.name;
                if failed.contains(&name) {
                    continue;
                }
                run::say(format_args!("· {}, round {}: {name}", self.corpus.name, round + 1));
                self.clear()?;
                let measured = self.one(contestant);
                // Also after a failure: gigabytes of half a store serve nobody.
                self.clear()?;
                match measured {
                    Ok(steps) => rows.extend(steps.into_iter().map(|(step, measure)| Row { contestant: name, step, round, measure })),
                    Err(error) if [OURS, SCRUB, SERVERS].contains(&name) => return Err(error),
                    // Some peers cannot hold every file name. That is a result, and the others are still worth measuring.
                    Err(error) => {
                        run::say(format_args!("  {name} failed: {error:#}"));
                        failed.push(name);
                    }
                }
            }
        }
        rows.retain(|row| !failed.contains(&row.contestant));
        Ok((rows, failed))
    }

    /// Lets one contestant take in the corpus and check it.
    fn one(&self, contestant: &Present) -> Result<Vec<(Step, Measure)>> {
        fs::create_dir_all(&self.work).with_context(|| format!("cannot make {}", self.work.display()))?;
        let plan = contestant.plan(&self.corpus.folder, &self.work)?;
        for invocation in &plan.before {
            measure::untimed(invocation)?;
        }
        self.corpus.warm()?;
        let peak_file = self.work.with_extension("peak");
        let mut measured = Vec::new();
        for (step, invocations) in [(Step::TakeIn, &plan.take_in), (Step::Check, &plan.check)] {
            if !invocations.is_empty() {
                measured.push((step, measure::timed(invocations, self.time, &peak_file)?));
            }
        }
        Ok(measured)
    }

    fn clear(&self) -> Result<()> {
        if self.work.exists() {
            fs::remove_dir_all(&self.work).with_context(|| format!("cannot remove {}", self.work.display()))?;
        }
        Ok(())
    }
}

fn built_sago(ws: &Workspace) -> Result<PathBuf> {
    let built = release::build(ws)?;
    let sago = built.into_iter().map(|binary| binary.path).find(|path| path.ends_with("sago"));
    sago.context("the release build made no sago")
}
