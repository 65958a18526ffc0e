//! Who is measured, and with which commands.
//!
//! A contestant prepares an empty store (not timed), takes the corpus in, and checks every byte of what it stored.
//! Peers run as their own documentation tells, with compression off where there is a switch: the corpora do not
//! compress. No two do the same work, so the table says in a few words what each does.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::measure::Invocation;
use crate::tools::Peers;

/// The one the others are compared with.
pub const OURS: &str = "sago";

/// Everyone who can be measured, in the order of the table.
pub static ALL: [Contestant; 7] = [
    Contestant {
        name: OURS,
        does: "each file sealed by itself, SHA-256 and SHA-512, signed log, fsync",
        program: |programs| programs.sago.clone(),
        version: &["--version"],
        plan: plan_sago,
    },
    Contestant {
        name: "rocfl",
        does: "OCFL, clear, SHA-512, no fsync",
        program: |programs| programs.peers.rocfl.clone(),
        version: &["--version"],
        plan: plan_rocfl,
    },
    Contestant {
        name: "bagit",
        does: "BagIt in place (the copy is not timed), clear, SHA-256 and SHA-512, no fsync",
        program: |programs| Some(programs.peers.bagit.as_ref()?.with_file_name("python")),
        version: &["-c", "import importlib.metadata as m; print('bagit', m.version('bagit'))"],
        plan: plan_bagit,
    },
    Contestant {
        name: "restic",
        does: "encrypted packs, deduplicated, no compression, fsync",
        program: |programs| programs.peers.restic.clone(),
        version: &["version"],
        plan: plan_restic,
    },
    Contestant {
        name: "borg",
        does: "encrypted segments, deduplicated, no compression, fsync",
        program: |programs| programs.peers.borg.clone(),
        version: &["--version"],
        plan: plan_borg,
    },
    Contestant { name: "cp", does: "plain copy, then syncfs; checks nothing", program: |_| Some("sh".into()), version: &[], plan: plan_cp },
    Contestant { name: "sha256sum", does: "stores nothing; reads and hashes once", program: |_| Some("sh".into()), version: &[], plan: plan_sha256sum },
];

/// One program that can be measured.
pub struct Contestant {
    /// Its name in the table and for `--only`.
    pub name: &'static str,
    /// What it does that the others do not, in a few words.
    pub does: &'static str,
    /// Where it is, if it is there.
    program: fn(&Programs) -> Option<PathBuf>,
    /// Arguments that make the program print its version; none where that would say nothing.
    pub version: &'static [&'static str],
    plan: fn(&Place<'_>) -> Result<Plan>,
}

/// What is installed.
pub struct Programs {
    /// The sago to measure.
    pub sago: Option<PathBuf>,
    /// The others.
    pub peers: Peers,
}

/// A contestant that takes part.
pub struct Present {
    /// Who.
    pub who: &'static Contestant,
    /// The program.
    pub program: PathBuf,
}

/// Everyone who is wanted and installed.
pub fn present(programs: &Programs, wanted: impl Fn(&str) -> bool) -> Vec<Present> {
    let wanted = ALL.iter().filter(|who| wanted(who.name));
    wanted.filter_map(|who| Some(Present { who, program: (who.program)(programs)? })).collect()
}

/// The programs of one turn.
#[derive(Default)]
pub struct Plan {
    /// Makes the empty store; not timed.
    pub before: Vec<Invocation>,
    /// Takes the corpus in.
    pub take_in: Vec<Invocation>,
    /// Checks every byte of what was taken in.
    pub check: Vec<Invocation>,
}

struct Place<'a> {
    program: &'a Path,
    corpus: &'a Path,
    /// Empty, and removed after the turn.
    work: &'a Path,
}

impl Present {
    /// The programs for one corpus and one empty folder.
    pub fn plan(&self, corpus: &Path, work: &Path) -> Result<Plan> {
        (self.who.plan)(&Place { program: &self.program, corpus, work })
    }
}

impl Place<'_> {
    fn run(&self) -> Invocation {
        Invocation::new(self.program)
    }

    fn path(&self, name: &str) -> OsString {
        self.work.join(name).into()
    }

    /// A shell script that gets the corpus as `$1` and the folder of work as `$2`.
    fn script(&self, script: &str) -> Invocation {
        self.run().args(["-c", script, "sh"]).arg(self.corpus).arg(self.work)
    }
}

fn plan_sago(place: &Place<'_>) -> Result<Plan> {
    let passphrase = place.work.join("passphrase");
    fs::write(&passphrase, "seven words that only this benchmark may use\n").context("cannot write the passphrase")?;
    let opened = || place.run().arg("--repo").arg(place.path("repository")).arg("--passphrase-file").arg(&passphrase);
    let init = place.run().arg("init").arg(place.path("repository")).args(["--name", "bench", "--custodians", "3", "--threshold", "2"]);
    let init = init.arg("--passphrase-file").arg(&passphrase).arg("--shares-dir").arg(place.path("shares"));
    let deposit = opened().arg("deposit").arg(place.corpus).args(["--contributor", "bench", "--title", "bench", "--json"]);
    Ok(Plan { before: vec![init], take_in: vec![deposit], check: vec![opened().arg("verify")] })
}

fn plan_rocfl(place: &Place<'_>) -> Result<Plan> {
    let rocfl = || place.run().arg("-r").arg(place.path("root"));
    fs::create_dir(place.work.join("root")).context("cannot make the storage root")?;
    Ok(Plan {
        before: vec![rocfl().arg("init")],
        take_in: vec![
            rocfl().args(["new", "bench"]),
            rocfl().args(["cp", "-r", "bench"]).arg(place.corpus).args(["--", "/"]),
            rocfl().args(["commit", "bench"]),
        ],
        check: vec![rocfl().arg("validate")],
    })
}

fn plan_bagit(place: &Place<'_>) -> Result<Plan> {
    let bagit = || place.run().arg(place.program.with_file_name("bagit.py")).arg("--quiet");
    Ok(Plan {
        before: vec![Invocation::new("cp").arg("-r").arg(place.corpus).arg(place.path("bag"))],
        take_in: vec![bagit().args(["--sha256", "--sha512"]).arg(place.path("bag"))],
        check: vec![bagit().arg("--validate").arg(place.path("bag"))],
    })
}

fn plan_restic(place: &Place<'_>) -> Result<Plan> {
    let restic = || {
        let restic = place.run().env("RESTIC_PASSWORD", "bench").arg("-r").arg(place.path("repository"));
        restic.arg("--cache-dir").arg(place.path("cache"))
    };
    Ok(Plan {
        before: vec![restic().arg("init")],
        take_in: vec![restic().args(["backup", "--compression", "off"]).arg(place.corpus)],
        check: vec![restic().args(["check", "--read-data"])],
    })
}

fn plan_borg(place: &Place<'_>) -> Result<Plan> {
    let borg = || place.run().env("BORG_PASSPHRASE", "bench").env("BORG_BASE_DIR", place.path("base"));
    let mut archive = place.path("repository");
    archive.push("::bench");
    Ok(Plan {
        before: vec![borg().args(["init", "-e", "repokey-blake2"]).arg(place.path("repository"))],
        take_in: vec![borg().args(["create", "--compression", "none"]).arg(archive).arg(place.corpus)],
        check: vec![borg().args(["check", "--verify-data"]).arg(place.path("repository"))],
    })
}

fn plan_cp(place: &Place<'_>) -> Result<Plan> {
    Ok(Plan { take_in: vec![place.script(r#"cp -r -- "$1" "$2/copy" && sync -f "$2/copy""#)], ..Plan::default() })
}

fn plan_sha256sum(place: &Place<'_>) -> Result<Plan> {
    let script = r#"find "$1" -type f -print0 | xargs -0 sha256sum > "$2/sums""#;
    Ok(Plan { check: vec![place.script(script)], ..Plan::default() })
}
