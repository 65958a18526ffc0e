//! `cargo xtask demo`: builds sago and fills a folder with a small repository to try.
//!
//! The folder is removed first, but only when it is empty or carries our marker: a folder someone cares about
//! is never touched.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::run;
use crate::workspace::Workspace;

/// Says that a folder was made by this verb and may be removed by it.
const MARKER: &str = ".made-by-xtask-demo";

/// Arguments of `cargo xtask demo`.
#[derive(Args)]
pub struct Demo {
    /// The folder to fill; default: target/demo
    dir: Option<PathBuf>,
}

impl Demo {
    /// Runs the verb.
    pub fn run(self, ws: &Workspace) -> Result<()> {
        let dir = self.dir.unwrap_or_else(|| ws.target.join("demo"));
        clear(&dir)?;
        run::quiet("build sago", &mut ws.cargo(["build", "--locked", "--quiet", "--workspace", "--bins"]))?;
        let mut sago = ws.command(ws.built("sago"));
        let done = run::loud("fill the folder", sago.arg("demo").arg(&dir));
        // Also after a failure: what is left of a failed demo may be removed by the next one.
        if dir.is_dir() {
            fs::write(dir.join(MARKER), "").with_context(|| format!("cannot mark {}", dir.display()))?;
        }
        done?;
        run::say(format_args!("the demo is in {}", ws.shown(&dir)));
        Ok(())
    }
}

/// Removes what an earlier demo left; refuses everything else.
fn clear(dir: &Path) -> Result<()> {
    let mut entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", dir.display())),
    };
    if entries.next().is_some() && !dir.join(MARKER).is_file() {
        bail!("{} is not empty and was not made by this command: choose another folder or remove it yourself", dir.display());
    }
    fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_or_an_empty_folder_is_removed() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path().join("demo");
        clear(&dir).unwrap();

        fs::create_dir(&dir).unwrap();
        clear(&dir).unwrap();
        assert!(!dir.exists());

        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("letter.txt"), "kept").unwrap();
        assert!(clear(&dir).is_err());
        assert_eq!(fs::read(dir.join("letter.txt")).unwrap(), b"kept");

        fs::write(dir.join(MARKER), "").unwrap();
        clear(&dir).unwrap();
        assert!(!dir.exists());
    }
}
