//! Outside tools: independent implementations the tests compare ours with, and the peers of the benchmark.
//!
//! Each is installed once, in its exact version, under `target/tools/` (or `SAGO_TOOLS_DIR`); a stamp beside it says
//! what is there, and only a changed stamp installs anew. Debian packages come from the machine's own archive.
//! Tests get the places through environment variables and must fail, not skip, when one is missing:
//!
//! | Variable | What it is | How it speaks |
//! | --- | --- | --- |
//! | `SAGO_TOOL_OCFL_PY` | `ocfl-root.py` of ocfl-py | `validate --root DIR --validate-objects --check-digests`; **exits 0 even when invalid**: the last line of standard output ends with `is VALID` or `is INVALID` |
//! | `SAGO_TOOL_OCFL_VALIDATE` | `ocfl-validate.py` of ocfl-py | for one object: `OBJECT`, exit 1 when invalid; for a storage root it looks at **no object** |
//! | `SAGO_TOOL_OCFL_OBJECT` | `ocfl-object.py` of ocfl-py | writes objects: `create --help` |
//! | `SAGO_TOOL_BAGIT` | `bagit.py` | `--validate BAG`, exit 1 when invalid |
//! | `SAGO_TOOL_ROC_VALIDATOR` | `rocrate-validator` | `-y --disable-color validate --offline --cache-path $SAGO_TOOL_ROC_CACHE -p ro-crate-1.2 --no-paging -v DIR`, exit 1 when invalid; with `-f json -o FILE` a report |
//! | `SAGO_TOOL_ROC_CACHE` | its cache, holding the contexts of RO-Crate 1.1 and 1.2 | a name to which the tool adds `.sqlite` |
//! | `SAGO_TOOL_ROC_PYTHON` | the Python that can `import rocrate_validator` | |
//! | `SAGO_TOOL_SHAMIR` | `shamir` of shamir-mnemonic (SLIP-39) | `recover` asks for the words on standard input; `create -S HEX 2of3` |
//! | `SAGO_TOOL_SHAMIR_PYTHON` | the Python that can `import shamir_mnemonic` | |
//! | `SAGO_TOOL_FIDO` | `fido` of opf-fido, which names formats by PRONOM | `-q -recurse DIR…`: a line for each match, with the identifier and how it was found |
//! | `SAGO_TOOL_RFC3161` | the Python that can `import rfc3161_client` | |
//! | `SAGO_TOOL_AGE_ENCRYPTION` | folder with `node_modules/age-encryption` | a script (`.mjs`) written into this folder may `import` it |
//! | `SAGO_TOOL_WITNESS_LOG` | `witness-log` of witness-log-cli, another's witness | `witness init DIR --name NAME`, `witness add-log DIR ORIGIN VKEY`, `witness serve DIR --listen ADDR:PORT` |
//! | `SAGO_TOOL_NODE`, `SAGO_TOOL_PYTHON` | `node`, and a plain `python3` | |
//! | `SAGO_TOOL_OPENSSL`, `SAGO_TOOL_XMLLINT`, `SAGO_TOOL_SETPRIV`, `SAGO_TOOL_XXD` | Debian programs | |

mod debian;
mod node;
mod python;
mod rust;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result};
use clap::Args;

use crate::run;
use crate::workspace::Workspace;

pub use rust::nextest;

/// Variables and the places they name.
pub type Places = Vec<(&'static str, PathBuf)>;

/// Arguments of `cargo xtask tools`.
///
/// `eval "$(cargo xtask tools)"` makes the tools known to a shell, for running single tests by hand.
#[derive(Args)]
pub struct Tools {}

impl Tools {
    /// Runs the verb.
    pub fn run(self, ws: &Workspace) -> Result<()> {
        let mut places = for_tests(ws)?;
        places.push(("SAGO_SHARED_DATA", ws.shared_data.clone()));
        for (name, place) in places {
            println!("export {name}='{}'", place.display().to_string().replace('\'', r"'\''"));
        }
        Ok(())
    }
}

/// Installs what the tests use.
pub fn for_tests(ws: &Workspace) -> Result<Places> {
    let mut places = debian::for_tests(ws)?;
    python::ensure_venv(ws)?;
    // Mostly waiting for downloads, so all at once; the first failure is reported after the others are done.
    let installed = thread::scope(|scope| {
        let node = scope.spawn(|| node::age_encryption(ws));
        let venvs = python::FOR_TESTS.map(|venv| scope.spawn(move || venv.install(ws)));
        let mut installed = vec![node.join()];
        installed.extend(venvs.map(thread::ScopedJoinHandle::join));
        installed
    });
    for result in installed {
        match result {
            Ok(more) => places.extend(more?),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    places.push(python::ro_crate_cache(ws)?);
    places.push(("SAGO_TOOL_WITNESS_LOG", rust::witness_log(ws)?));
    places.push(("SAGO_TOOL_PYTHON", python::interpreter()?));
    Ok(places)
}

/// The servers of the tests, and what starts them.
pub struct Programs {
    /// Folder of PostgreSQL's programs.
    pub postgres: PathBuf,
    /// Garage, an S3 server.
    pub garage: PathBuf,
    /// Starts a program as another user, and so that it dies with its parent.
    pub setpriv: PathBuf,
}

/// Installs the servers.
pub fn servers(ws: &Workspace) -> Result<Programs> {
    let setpriv = debian::program(ws, "setpriv", "util-linux")?;
    Ok(Programs { postgres: debian::postgres(ws)?, garage: rust::garage(ws)?, setpriv })
}

/// The peers of the benchmark; one that cannot be had is `None` and its reason is printed.
pub struct Peers {
    /// `bagit.py`.
    pub bagit: Option<PathBuf>,
    /// `rocfl`, built without its S3 part.
    pub rocfl: Option<PathBuf>,
    /// `restic`.
    pub restic: Option<PathBuf>,
    /// `borg`.
    pub borg: Option<PathBuf>,
    /// `ocfl-object.py` of ocfl-py; `ocfl-validate.py` lies beside it.
    pub ocfl_py: Option<PathBuf>,
    /// `age`.
    pub age: Option<PathBuf>,
    /// GNU time, which knows a program's peak of memory.
    pub time: Option<PathBuf>,
}

impl Peers {
    /// Installs the peers whose names are wanted.
    pub fn install(ws: &Workspace, wanted: impl Fn(&str) -> bool) -> Self {
        let get = |name: &str, install: &dyn Fn() -> Result<PathBuf>| {
            if !wanted(name) {
                return None;
            }
            install().inspect_err(|error| run::say(format_args!("  {name} is absent: {error:#}"))).ok()
        };
        Self {
            bagit: get("bagit", &|| {
                let places = python::BAGIT.install(ws)?;
                places.into_iter().next().map(|(_, place)| place).context("no program in the environment")
            }),
            rocfl: get("rocfl", &|| rust::rocfl(ws)),
            restic: get("restic", &|| debian::program(ws, "restic", "restic")),
            ocfl_py: get("ocfl-py", &|| {
                let places = python::OCFL_PY.install(ws)?;
                let object = places.into_iter().find(|(variable, _)| *variable == "SAGO_TOOL_OCFL_OBJECT");
                object.map(|(_, place)| place).context("no program in the environment")
            }),
            age: get("age", &|| debian::program(ws, "age", "age")),
            borg: get("borg", &|| debian::program(ws, "borg", "borgbackup")),
            time: debian::program(ws, "time", "time").inspect_err(|error| run::say(format_args!("  peak memory is not measured: {error:#}"))).ok(),
        }
    }
}

/// Runs `install` in a fresh folder unless the folder's stamp already says `what`.
///
/// The stamp is written last: an interrupted installation is done again from the start.
fn once(folder: &Path, what: &str, install: impl FnOnce() -> Result<()>) -> Result<()> {
    // Tools written by pip hold their own absolute path, so a moved folder is as good as none.
    let stamp = format!("{what}\n{}\n", folder.display());
    let stamp_file = folder.join(".installed");
    if fs::read_to_string(&stamp_file).is_ok_and(|found| found == stamp) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    install()?;
    fs::write(&stamp_file, stamp).with_context(|| format!("cannot write {}", stamp_file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn tool_is_installed_once_again_when_changed_or_interrupted() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("tool");
        let count = Cell::new(0);
        let install = || {
            count.set(count.get() + 1);
            Ok(())
        };
        once(&folder, "tool 1", install).unwrap();
        once(&folder, "tool 1", install).unwrap();
        assert_eq!(count.get(), 1);
        once(&folder, "tool 2", install).unwrap();
        assert_eq!(count.get(), 2);

        let interrupted = once(&folder, "tool 3", || anyhow::bail!("no network"));
        assert!(interrupted.is_err());
        once(&folder, "tool 3", install).unwrap();
        assert_eq!(count.get(), 3);

        let moved = temporary.path().join("moved");
        fs::rename(&folder, &moved).unwrap();
        once(&moved, "tool 3", install).unwrap();
        assert_eq!(count.get(), 4);
    }
}
