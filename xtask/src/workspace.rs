//! Where things are: the root of the checkout, the build folder, the tools and the shared test data.
//!
//! Found once and handed down as a value; nothing else in this crate reads these environment variables.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The folders a verb works in. All paths are absolute.
pub struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's build folder: `CARGO_TARGET_DIR`, else `target`.
    pub target: PathBuf,
    /// Installed outside tools: `SAGO_TOOLS_DIR`, else `target/tools`.
    pub tools: PathBuf,
    /// Public test data: `SAGO_SHARED_DATA`, else `../shared/data`. May not exist; the tests that need it say so.
    pub shared_data: PathBuf,
}

impl Workspace {
    /// Finds the workspace this program was built in.
    pub fn find() -> Result<Self> {
        // Cargo sets the variable when it runs us; the built-in value serves when the binary is called by hand.
        let package = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package.parent().context("the package has no parent folder")?.to_path_buf();
        ensure!(root.join("Cargo.lock").is_file(), "{} is not the workspace: it has no Cargo.lock", root.display());
        let target = folder(&root, "CARGO_TARGET_DIR", Path::new("target"));
        let tools = folder(&root, "SAGO_TOOLS_DIR", &target.join("tools"));
        let shared_data = folder(&root, "SAGO_SHARED_DATA", Path::new("../shared/data"));
        Ok(Self { root, target, tools, shared_data })
    }

    /// A program that runs in the root.
    pub fn command(&self, program: impl Into<OsString>) -> Command {
        let mut command = Command::new(program.into());
        command.current_dir(&self.root);
        // What `cargo run` told us about ourselves must not reach other builds, where it could look like a change.
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(|n| n.starts_with("CARGO_PKG_") || n.starts_with("CARGO_MANIFEST_")) {
                command.env_remove(name);
            }
        }
        command
    }

    /// Cargo itself, the same one that runs us.
    pub fn cargo<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments);
        command
    }

    /// A binary of the development build.
    pub fn built(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// A path as it is shown to people: relative to the root where possible.
    pub fn shown<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }
}

fn folder(root: &Path, variable: &str, default: &Path) -> PathBuf {
    let given = env::var_os(variable).filter(|value| !value.is_empty());
    let joined = root.join(given.as_deref().map_or(default, Path::new));
    // Tests run in other folders than ours, so `..` is resolved now; a folder that does not exist yet keeps its spelling.
    joined.canonicalize().unwrap_or(joined)
}
