//! What was measured, as a table to read and as a file to keep.
//!
//! Figures are medians over the rounds. A ratio is the median of the ratios *within* each round, so that a slow
//! minute of the machine strikes both sides.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::contestants::{ALL, OURS, Present};
use super::corpus::Corpus;
use super::measure::Measure;
use crate::run;
use crate::workspace::Workspace;

/// One of the two things every contestant is timed at.
#[derive(Clone, Copy, PartialEq)]
pub enum Step {
    /// Storing a corpus.
    TakeIn,
    /// Reading back and checking every stored byte.
    Check,
}

/// One measurement.
pub struct Row {
    /// Who.
    pub contestant: &'static str,
    /// At what.
    pub step: Step,
    /// In which round, from 0.
    pub round: u32,
    /// The figures.
    pub measure: Measure,
}

/// All measurements of one run.
pub struct Report {
    contestants: Vec<(&'static str, &'static str, String)>,
    absent: Vec<&'static str>,
    machine: Value,
    at: String,
    rounds: u32,
    markdown: String,
    corpora: Vec<Value>,
}

impl Report {
    /// Notes the machine, the time and the versions of those who take part.
    pub fn begin(ws: &Workspace, present: &[Present], rounds: u32) -> Result<Self> {
        let version = |present: &Present| {
            let arguments = present.who.version;
            let said = run::text(ws.command(&present.program).args(arguments));
            let first = said.ok().and_then(|text| text.lines().next().map(str::to_owned));
            first.filter(|_| !arguments.is_empty()).unwrap_or_default()
        };
        let names = ALL.iter().map(|who| who.name);
        let absent = names.filter(|name| present.iter().all(|present| present.who.name != *name));
        let mut report = Self {
            contestants: present.iter().map(|p| (p.who.name, p.who.does, version(p))).collect(),
            absent: absent.collect(),
            machine: machine(ws),
            at: run::text(ws.command("date").args(["-u", "+%Y-%m-%dT%H%M%SZ"]))?.trim().to_owned(),
            rounds,
            markdown: String::new(),
            corpora: Vec::new(),
        };
        report.head();
        Ok(report)
    }

    fn head(&mut self) {
        let text = |name: &str| self.machine[name].as_str().unwrap_or("unknown").to_owned();
        let out = &mut self.markdown;
        let _ = writeln!(out, "# Bench of {}\n", self.at);
        let _ = writeln!(out, "{}, {} processors, {}, Linux {}.", text("processor"), self.machine["processors"], text("file_system"), text("kernel"));
        let _ = writeln!(out, "{} interleaved round(s), warm cache; medians. Figures hold beside each other only.\n", self.rounds);
        for (name, does, version) in &self.contestants {
            let version = if version.is_empty() { String::new() } else { format!(" ({version})") };
            let _ = writeln!(out, "- **{name}**{version}: {does}");
        }
        if !self.absent.is_empty() {
            let _ = writeln!(out, "- not measured: {}", self.absent.join(", "));
        }
    }

    /// Adds a corpus, everything measured on it, and the peers that could not do it.
    pub fn add(&mut self, corpus: &Corpus, rows: &[Row], failed: &[&str]) {
        let megabytes = corpus.bytes as f64 / 1e6;
        let out = &mut self.markdown;
        let _ = writeln!(out, "\n## {}: {} file(s), {megabytes:.1} MB", corpus.name, corpus.files);
        for (step, title) in [(Step::TakeIn, "Taking in"), (Step::Check, "Checking")] {
            let _ = writeln!(out, "\n| {title} | seconds | least – most | MB/s | time ÷ sago | peak MiB |");
            let _ = writeln!(out, "| --- | ---: | ---: | ---: | ---: | ---: |");
            for (name, ..) in &self.contestants {
                if let Some(line) = line(name, step, rows, megabytes) {
                    let _ = writeln!(out, "{line}");
                }
            }
        }
        for name in failed {
            let _ = writeln!(out, "\n**{name}** failed on this corpus.");
        }
        let rows = rows.iter().map(|row| {
            json!({
                "contestant": row.contestant,
                "step": match row.step { Step::TakeIn => "take-in", Step::Check => "check" },
                "round": row.round,
                "seconds": row.measure.seconds,
                "peak_kib": row.measure.peak_kib,
            })
        });
        let rows = rows.collect::<Vec<_>>();
        self.corpora.push(json!({"name": corpus.name, "files": corpus.files, "bytes": corpus.bytes, "rows": rows, "failed": failed}));
    }

    /// The table.
    pub fn markdown(&self) -> &str {
        &self.markdown
    }

    /// Writes `<date>.json` and, beside it, the table.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let contestants = self.contestants.iter().map(|(name, does, version)| json!({"name": name, "does": does, "version": version}));
        let report = json!({
            "bench": "sago-bench/1",
            "at": self.at,
            "rounds": self.rounds,
            "machine": self.machine,
            "contestants": contestants.collect::<Vec<_>>(),
            "not_measured": self.absent,
            "corpora": self.corpora,
        });
        let file = folder.join(format!("{}.json", self.at));
        fs::write(&file, format!("{report:#}\n")).with_context(|| format!("cannot write {}", file.display()))?;
        fs::write(file.with_extension("md"), &self.markdown)?;
        Ok(file)
    }
}

fn line(name: &str, step: Step, rows: &[Row], megabytes: f64) -> Option<String> {
    let of = |name: &str| rows.iter().filter(|row| row.contestant == name && row.step == step).collect::<Vec<_>>();
    let mine = of(name);
    let sagos = of(OURS);
    let seconds = mine.iter().map(|row| row.measure.seconds).collect::<Vec<_>>();
    let median_seconds = median(&seconds)?;
    let least = seconds.iter().copied().fold(f64::INFINITY, f64::min);
    let most = seconds.iter().copied().fold(0.0, f64::max);
    let ratios = mine.iter().filter_map(|row| {
        let sago = sagos.iter().find(|sago| sago.round == row.round)?;
        Some(row.measure.seconds / sago.measure.seconds)
    });
    let ratio = median(&ratios.collect::<Vec<_>>()).map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
    let peaks = mine.iter().filter_map(|row| row.measure.peak_kib).map(|kib| kib as f64 / 1024.0).collect::<Vec<_>>();
    let peak = median(&peaks).map_or_else(|| "–".to_owned(), |mib| format!("{mib:.0}"));
    let rate = megabytes / median_seconds;
    Some(format!("| {name} | {median_seconds:.2} | {least:.2} – {most:.2} | {rate:.0} | {ratio} | {peak} |"))
}

fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    Some(if values.len() % 2 == 1 { upper } else { (upper + values[values.len() / 2 - 1]) / 2.0 })
}

/// What the figures depend on, as far as the machine tells. Nothing that names it or its owner.
fn machine(ws: &Workspace) -> Value {
    let field = |file: &str, key: &str| {
        let text = fs::read_to_string(file).ok()?;
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let said = |program: &str, arguments: &[&str]| {
        let text = run::text(ws.command(program).args(arguments)).ok()?;
        text.lines().last().map(|line| line.trim().to_owned())
    };
    json!({
        "processor": field("/proc/cpuinfo", "model name"),
        "processors": std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        "memory": field("/proc/meminfo", "MemTotal"),
        "kernel": said("uname", &["-r"]),
        "file_system": said("df", &["--output=fstype", &ws.target.to_string_lossy()]),
        "commit": said("git", &["rev-parse", "HEAD"]),
        "commit_has_changes": said("git", &["status", "--porcelain", "--untracked-files=no"]).map(|text| !text.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(contestant: &'static str, round: u32, seconds: f64, peak_kib: Option<u64>) -> Row {
        Row { contestant, step: Step::TakeIn, round, measure: Measure { seconds, peak_kib } }
    }

    #[test]
    fn median_is_of_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn ratio_is_taken_within_each_round() {
        // The machine was twice as slow in round 1: both suffered, and the ratio stays 3.
        let rows = [row("sago", 0, 1.0, Some(2048)), row("peer", 0, 3.0, None), row("sago", 1, 2.0, Some(4096)), row("peer", 1, 6.0, None)];
        assert_eq!(line("peer", Step::TakeIn, &rows, 9.0).unwrap(), "| peer | 4.50 | 3.00 – 6.00 | 2 | 3.00 | – |");
        assert_eq!(line("sago", Step::TakeIn, &rows, 9.0).unwrap(), "| sago | 1.50 | 1.00 – 2.00 | 6 | 1.00 | 3 |");
        assert_eq!(line("peer", Step::Check, &rows, 9.0), None);
        assert_eq!(line("peer", Step::TakeIn, &rows[1..2], 9.0).unwrap(), "| peer | 3.00 | 3.00 – 3.00 | 3 | – | – |");
    }
}
