//! Tools written in Python, each in a virtual environment of its own.
//!
//! One environment for several tools does not hold: installing one tool has been seen to downgrade a library
//! another one needs.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use super::{Places, debian, once};
use crate::run;
use crate::workspace::Workspace;

/// One environment: its folder, what pip installs, and which of its programs the tests are told of.
pub struct Venv {
    name: &'static str,
    package: &'static str,
    /// Variable and program in the environment's `bin`.
    programs: &'static [(&'static str, &'static str)],
}

/// The reference implementation of BagIt.
pub const BAGIT: Venv = Venv { name: "bagit", package: "bagit==1.9.0", programs: &[("SAGO_TOOL_BAGIT", "bagit.py")] };

/// The other implementation of OCFL.
pub const OCFL_PY: Venv = Venv {
    name: "ocfl-py",
    package: "ocfl-py==2.1.0",
    programs: &[("SAGO_TOOL_OCFL_PY", "ocfl-root.py"), ("SAGO_TOOL_OCFL_VALIDATE", "ocfl-validate.py"), ("SAGO_TOOL_OCFL_OBJECT", "ocfl-object.py")],
};

/// Every environment the tests use.
pub const FOR_TESTS: [&Venv; 6] = [
    &BAGIT,
    &OCFL_PY,
    &Venv {
        name: "roc-validator",
        package: "roc-validator==0.13.0",
        programs: &[("SAGO_TOOL_ROC_VALIDATOR", "rocrate-validator"), ("SAGO_TOOL_ROC_PYTHON", "python")],
    },
    &Venv {
        name: "shamir-mnemonic",
        package: "shamir-mnemonic[cli]==0.3.0",
        programs: &[("SAGO_TOOL_SHAMIR", "shamir"), ("SAGO_TOOL_SHAMIR_PYTHON", "python")],
    },
    &Venv { name: "opf-fido", package: "opf-fido==1.6.1", programs: &[("SAGO_TOOL_FIDO", "fido")] },
    &Venv { name: "rfc3161-client", package: "rfc3161-client==1.0.9", programs: &[("SAGO_TOOL_RFC3161", "python")] },
];

/// Contexts that RO-Crate documents name, and the files of the shared data that hold them.
const CONTEXTS: [(&str, &str); 2] = [("https://w3id.org/ro/crate/1.1/context", "1.1.jsonld"), ("https://w3id.org/ro/crate/1.2/context", "1.2.jsonld")];

impl Venv {
    /// Installs the environment if it is not there.
    pub fn install(&self, ws: &Workspace) -> Result<Places> {
        let folder = ws.tools.join(self.name);
        once(&folder, self.package, || {
            let python = interpreter()?;
            let mut make = ws.command(&python);
            run::quiet(&format!("python -m venv {}", self.name), make.args(["-m", "venv"]).arg(&folder))?;
            let mut pip = ws.command(folder.join("bin/python"));
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", self.package]);
            run::quiet(&format!("pip install {}", self.package), &mut pip)
        })?;
        let places = self.programs.iter().map(|(variable, program)| (*variable, folder.join("bin").join(program)));
        let places = places.collect::<Places>();
        for (_, place) in &places {
            ensure!(run::is_executable(place), "{} is installed but has no {}", self.package, place.display());
        }
        Ok(places)
    }
}

/// The Python the environments are made with: `SAGO_PYTHON`, else `python3`.
pub fn interpreter() -> Result<PathBuf> {
    if let Some(given) = env::var_os("SAGO_PYTHON") {
        return Ok(given.into());
    }
    run::which("python3").context("python3 is missing: install Python 3.9 or later")
}

/// Makes sure that the interpreter can make environments; Debian keeps that part in a package of its own.
pub fn ensure_venv(ws: &Workspace) -> Result<()> {
    let mut probe = ws.command(interpreter()?);
    if run::text(probe.args(["-c", "import venv, ensurepip"])).is_ok() {
        return Ok(());
    }
    debian::install(ws, &["python3-venv"])
}

/// Fills the RO-Crate validator's cache, which otherwise asks the network for every context a crate names.
pub fn ro_crate_cache(ws: &Workspace) -> Result<(&'static str, PathBuf)> {
    let folder = ws.tools.join("ro-crate-cache");
    let contexts = ws.shared_data.join("ro-crate-context");
    once(&folder, "contexts 1", || {
        let mut fill = ws.command(ws.tools.join("roc-validator/bin/python"));
        fill.args(["-c", include_str!("python/fill_ro_crate_cache.py")]).arg(folder.join("http"));
        for (address, file) in CONTEXTS {
            let file = contexts.join(file);
            ensure!(file.is_file(), "no {}: SAGO_SHARED_DATA must name the folder of shared test data", file.display());
            fill.arg(address).arg(file);
        }
        run::quiet("fill the cache of RO-Crate contexts", &mut fill)
    })?;
    Ok(("SAGO_TOOL_ROC_CACHE", folder.join("http")))
}
