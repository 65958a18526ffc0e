//! Where passphrases come from: a file, an open file descriptor, or a person at the terminal; never an argument.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use sago_core::error::IoContext as _;
use sago_core::key::Passphrase;
use sago_core::{Error, Result};
use zeroize::Zeroizing;

use super::Common;

/// Longest passphrase file that is read.
const LIMIT_BYTES: u64 = 64 * 1024;

impl Common {
    /// The repository's passphrase.
    pub fn passphrase(&self) -> Result<Passphrase> {
        self.passphrase_or("Passphrase of the repository: ", false)
    }

    /// A new passphrase for the repository: asked twice at the terminal.
    pub fn new_passphrase(&self) -> Result<Passphrase> {
        self.passphrase_or("New passphrase of the repository: ", true)
    }

    fn passphrase_or(&self, prompt: &str, is_new: bool) -> Result<Passphrase> {
        if let Some(number) = self.passphrase_fd {
            let path = format!("/proc/self/fd/{number}");
            return read_file(Path::new(&path));
        }
        match &self.passphrase_file {
            Some(path) => read_file(path),
            None => ask(prompt, is_new),
        }
    }
}

/// The first line of a file.
pub fn read_file(path: &Path) -> Result<Passphrase> {
    let mut text = Zeroizing::new(String::new());
    let file = File::open(path).doing("Could not read the passphrase file", path)?;
    file.take(LIMIT_BYTES).read_to_string(&mut text).doing("Could not read the passphrase file", path)?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Error::invalid(format!("The passphrase file {} is empty.", path.display())).hint("Write the passphrase into its first line."));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

fn ask(prompt: &str, is_new: bool) -> Result<Passphrase> {
    let no_terminal = |error: std::io::Error| {
        Error::invalid(format!("There is no terminal to ask for the passphrase ({error}).")).hint("Give `--passphrase-file FILE`, or set SAGO_PASSPHRASE_FILE.")
    };
    let given = Zeroizing::new(rpassword::prompt_password(prompt).map_err(no_terminal)?);
    if is_new {
        let again = Zeroizing::new(rpassword::prompt_password("The same again: ").map_err(no_terminal)?);
        if *given != *again {
            return Err(Error::invalid("The two passphrases differ. Nothing was made."));
        }
    }
    Ok(given)
}
