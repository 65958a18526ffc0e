//! Who is measured, and with which commands.
//!
//! A contestant prepares an empty store (not timed), takes the corpus in, and checks every byte of what it stored.
//! Peers run as their own documentation tells, with compression off where there is a switch: the corpora do not
//! compress. No two do the same work, so the table says in a few words what each does.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

use super::measure::Invocation;
use crate::servers::{Servers, Variables};
use crate::tools::Peers;

/// The one the others are compared with.
pub const OURS: &str = "sago";

/// Ours, checking as a schedule does.
pub const SCRUB: &str = "sago-fixity";

/// Ours on servers.
pub const SERVERS: &str = "sago-servers";

/// How many turns on servers there were: each has a database and prefixes of its own.
static TURNS_ON_SERVERS: AtomicU32 = AtomicU32::new(0);

/// Everyone who can be measured, in the order of the table.
pub static ALL: [Contestant; 11] = [
    Contestant {
        name: OURS,
        does: "each file sealed by itself, SHA-256 and SHA-512, signed log, fsync",
        program: |programs| programs.sago.clone(),
        version: &["--version"],
        plan: plan_sago,
    },
    Contestant {
        name: SCRUB,
        does: "the same repository; checking is `fixity --all`: SHA-256 of every stored file, entered in the log",
        program: |programs| programs.sago.clone(),
        version: &[],
        plan: plan_sago_fixity,
    },
    Contestant {
        name: SERVERS,
        does: "the same on PostgreSQL and an S3 server (Garage, flushing) on this machine, which share its processors and disk",
        program: |programs| programs.servers.as_ref().and(programs.sago.clone()),
        version: &[],
        plan: plan_sago_servers,
    },
    Contestant {
        name: "rocfl",
        does: "OCFL, clear, SHA-512, no fsync",
        program: |programs| programs.peers.rocfl.clone(),
        version: &["--version"],
        plan: plan_rocfl,
    },
    Contestant {
        name: "ocfl-py",
        does: "OCFL, clear, SHA-512, no fsync",
        program: |programs| Some(programs.peers.ocfl_py.as_ref()?.with_file_name("python")),
        version: &["-c", "import importlib.metadata as m; print('ocfl-py', m.version('ocfl-py'))"],
        plan: plan_ocfl_py,
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
    Contestant {
        name: "age",
        does: "one age file for each file, X25519, no digests, no fsync; checking opens them",
        program: |programs| programs.peers.age.clone(),
        version: &["--version"],
        plan: plan_age,
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
    /// Both servers, while the pair on servers is measured.
    pub servers: Option<Servers>,
}

/// A contestant that takes part.
pub struct Present {
    /// Who.
    pub who: &'static Contestant,
    /// The program.
    pub program: PathBuf,
    /// Variables of the servers, if they run.
    variables: Variables,
}

/// Everyone who is wanted and installed.
pub fn present(programs: &Programs, wanted: impl Fn(&str) -> bool) -> Vec<Present> {
    let wanted = ALL.iter().filter(|who| wanted(who.name));
    let variables = || programs.servers.as_ref().map(Servers::variables).unwrap_or_default();
    wanted.filter_map(|who| Some(Present { who, program: (who.program)(programs)?, variables: variables() })).collect()
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
    variables: &'a Variables,
}

impl Present {
    /// The programs for one corpus and one empty folder.
    pub fn plan(&self, corpus: &Path, work: &Path) -> Result<Plan> {
        (self.who.plan)(&Place { program: &self.program, corpus, work, variables: &self.variables })
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
    sago(place, |invocation| invocation, &[])
}

fn plan_sago_fixity(place: &Place<'_>) -> Result<Plan> {
    let mut plan = plan_sago(place)?;
    // Taking in is the same as in the row above: it is not measured twice.
    plan.before.append(&mut plan.take_in);
    plan.check = vec![opened(place).args(["fixity", "--all"])];
    Ok(plan)
}

fn plan_sago_servers(place: &Place<'_>) -> Result<Plan> {
    let variable = |wanted: &str| place.variables.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let need = |wanted: &str| variable(wanted).with_context(|| format!("the servers did not say {wanted}"));
    let name = format!("bench{}", TURNS_ON_SERVERS.fetch_add(1, Ordering::Relaxed));
    let database = format!("{}/{name}", need("SAGO_TEST_POSTGRES")?);
    let (blobs, vault) = (format!("{}/{name}", need("SAGO_TEST_S3")?), format!("{}/{name}", need("SAGO_TEST_S3_VAULTS")?));
    let known = |invocation: Invocation| place.variables.iter().fold(invocation, |invocation, (name, value)| invocation.env(name.clone(), value));
    let psql = Path::new(need("SAGO_TEST_POSTGRES_BIN")?).join("psql");
    let create = format!("CREATE DATABASE {name} TEMPLATE template0");
    let make = Invocation::new(psql).args(["--quiet", "-c", &create]).arg(format!("{}/postgres", need("SAGO_TEST_POSTGRES")?));
    let mut plan = sago(place, known, &["--database", &database, "--blobs", &blobs, "--vault", &vault])?;
    plan.before.insert(0, known(make));
    Ok(plan)
}

fn passphrase(place: &Place<'_>) -> PathBuf {
    place.work.join("passphrase")
}

fn opened(place: &Place<'_>) -> Invocation {
    place.run().arg("--repo").arg(place.path("repository")).arg("--passphrase-file").arg(passphrase(place))
}

fn sago(place: &Place<'_>, known: impl Fn(Invocation) -> Invocation, made: &[&str]) -> Result<Plan> {
    fs::write(passphrase(place), "seven words that only this benchmark may use\n").context("cannot write the passphrase")?;
    let init = place.run().arg("init").arg(place.path("repository")).args(["--name", "bench", "--custodians", "3", "--threshold", "2"]);
    let init = init.args(made).arg("--passphrase-file").arg(passphrase(place)).arg("--shares-dir").arg(place.path("shares"));
    let deposit = opened(place).arg("deposit").arg(place.corpus).args(["--contributor", "bench", "--title", "bench", "--json"]);
    Ok(Plan { before: vec![known(init)], take_in: vec![known(deposit)], check: vec![known(opened(place).arg("verify"))] })
}

fn plan_ocfl_py(place: &Place<'_>) -> Result<Plan> {
    let program = |name: &str| place.run().arg(place.program.with_file_name(name));
    let create = program("ocfl-object.py").args(["create", "--id", "urn:bench", "--src"]).arg(place.corpus).arg("--objdir").arg(place.path("object"));
    Ok(Plan { take_in: vec![create], check: vec![program("ocfl-validate.py").arg(place.path("object"))], ..Plan::default() })
}

fn plan_age(place: &Place<'_>) -> Result<Plan> {
    let keygen = place.program.with_file_name("age-keygen");
    let each = r#"mkdir "$2/sealed"; r=$("$4" -y "$2/key"); find "$1" -type f -print0 | xargs -0 -n 1 sh -c '"$0" -r "$1" -o "$2/sealed/${3##*/}.$$" "$3"' "$3" "$r" "$2""#;
    let open = r#"find "$2/sealed" -type f -print0 | xargs -0 -n 1 "$3" -d -i "$2/key" -o /dev/null"#;
    let shell = |script: &str| Invocation::new("sh").args(["-ec", script, "sh"]).arg(place.corpus).arg(place.work).arg(place.program).arg(&keygen);
    Ok(Plan { before: vec![Invocation::new(&keygen).arg("-o").arg(place.path("key"))], take_in: vec![shell(each)], check: vec![shell(open)] })
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
