//! The folder of a witness (docs/formats.md, section 14): keys, known logs, and what was seen of each.
//!
//! A known log always has a state, if only `none`: one whose state is gone is not cosigned until somebody says what happened, for a
//! witness that forgets would cosign a fork.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sago_ledger::note::{Algorithm, Signer, Verifier};
use sago_ledger::policy::Policy;
use sago_ledger::witness::{Tree, origin_digest};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::tree_of;
use crate::error::{Error, IoContext, Result};
use crate::key::{Passphrase, Seed, open_with_passphrase, random_seed, seal_with_passphrase};
use crate::store::durable;

/// Verifier keys of the witness: what it gives to everybody.
const PUBLIC: &str = "witness.vkey";

/// Its secret keys, sealed to its passphrase. Written last: a folder without it is no witness.
const SECRET: &str = "witness.key.age";

/// The state of a log of which nothing was seen yet.
const NONE: &str = "none\n";

/// What a witness has seen of a log.
pub(super) enum State {
    Nothing,
    Seen { tree: Tree, text: String },
}

impl State {
    pub fn tree(&self) -> Tree {
        match self {
            Self::Nothing => Tree::EMPTY,
            Self::Seen { tree, .. } => *tree,
        }
    }
}

/// A log that a witness knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownLog {
    /// Its origin.
    pub origin: String,
    /// Entries of the largest tree seen; nothing when none was.
    pub size: Option<u64>,
    /// Folder of what it signed against itself, if there is any.
    pub evidence: Option<PathBuf>,
}

/// Makes the folder of a witness, absent or empty, with new keys; answers its verifier keys, one a line.
///
/// If we crash here, the folder is no witness: remove it and begin again.
pub fn init(folder: &Path, name: &str, passphrase: &Passphrase, work_factor: u8) -> Result<String> {
    if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::conflict(format!("{} is not empty.", folder.display())).hint("Name a folder that does not exist yet. Nothing was changed."));
    }
    if passphrase.chars().count() < 8 {
        return Err(Error::invalid("The passphrase is shorter than 8 characters.").hint("Take five or more words that nobody would guess together."));
    }
    let (ed25519, ml_dsa) = (random_seed()?, random_seed()?);
    let signers = make_signers(name, &ed25519, &ml_dsa)?;
    let keys: String = signers.iter().map(|signer| format!("{}\n", signer.verifier())).collect();
    let text =
        Zeroizing::new(json!({ "keys": "sago-witness/1", "name": name, "ed25519": BASE64.encode(*ed25519), "mldsa44": BASE64.encode(*ml_dsa) }).to_string());
    let sealed = seal_with_passphrase(passphrase, work_factor, text.as_bytes())?;
    durable::create_dir_all(&folder.join("logs"))?;
    durable::write(&folder.join(PUBLIC), keys.as_bytes())?;
    durable::write(&folder.join(SECRET), &sealed)?;
    Ok(keys)
}

fn make_signers(name: &str, ed25519: &Seed, ml_dsa: &Seed) -> Result<Vec<Signer>> {
    let bad = |error: sago_ledger::note::NoteError| {
        Error::invalid(format!("“{name}” cannot be the name of a witness: {error}."))
            .hint("Take an address without its scheme, such as witness.example.org/w1: no spaces, no plus sign.")
    };
    if name.len() > 255 {
        return Err(Error::invalid("The name of a witness has at most 255 bytes."));
    }
    Ok(vec![Signer::ed25519_cosignature(name, ed25519).map_err(bad)?, Signer::ml_dsa_44(name, ml_dsa).map_err(bad)?])
}

/// Opens the secret keys.
pub(super) fn signers(folder: &Path, passphrase: &Passphrase) -> Result<Vec<Signer>> {
    let path = folder.join(SECRET);
    if !path.is_file() {
        return Err(Error::not_found(format!("{} is no folder of a witness.", folder.display())).hint("Make one with `sago witness init DIR --name NAME`."));
    }
    let text = open_with_passphrase(passphrase, &path, "The passphrase does not open the witness's keys.")?;
    let damaged = || Error::corrupt(format!("{} does not hold the keys of a witness.", path.display())).hint("Put it back from a copy.");
    let value: Value = serde_json::from_slice(&text).map_err(|_| damaged())?;
    let member = |name: &str| value.get(name).and_then(Value::as_str).ok_or_else(damaged);
    let seed = |name: &str| -> Result<Seed> {
        let bytes = Zeroizing::new(BASE64.decode(member(name)?).map_err(|_| damaged())?);
        Ok(Seed::new(bytes.as_slice().try_into().map_err(|_| damaged())?))
    };
    if member("keys")? != "sago-witness/1" {
        return Err(damaged());
    }
    make_signers(member("name")?, &seed("ed25519")?, &seed("mldsa44")?)
}

fn log_folder(folder: &Path, digest: &str) -> PathBuf {
    folder.join("logs").join(digest)
}

/// Adds a log by its verifier keys, one a line, all of which must sign; answers its origin. May be called while the witness is at work.
pub fn add_log(folder: &Path, keys: &str) -> Result<String> {
    if !folder.join(SECRET).is_file() {
        return Err(Error::not_found(format!("{} is no folder of a witness.", folder.display())).hint("Make one with `sago witness init DIR --name NAME`."));
    }
    let hint = "Give the file `log/<generation>/custody.vkey` (or access.vkey) that the repository's people sent you.";
    let policy = Policy::parse(keys).map_err(|error| Error::invalid(format!("These are not the verifier keys of one log: {error}.")).hint(hint))?;
    let own = std::fs::read_to_string(folder.join(PUBLIC)).doing("Could not read", &folder.join(PUBLIC))?;
    let own: Vec<Verifier> = own.lines().filter_map(|line| line.parse().ok()).collect();
    for key in policy.keys() {
        if key.algorithm() == Algorithm::Ed25519Cosignature || own.iter().any(|own| own.public_key() == key.public_key()) {
            return Err(Error::invalid(format!("{}+{:08x} is the key of a witness, not of a log.", key.name(), key.key_id())).hint(hint));
        }
    }
    let place = log_folder(folder, &origin_digest(policy.origin()));
    let keys_path = place.join("log.vkey");
    match std::fs::read_to_string(&keys_path) {
        Ok(known) if known == policy.text() => return Ok(policy.origin().to_owned()),
        Ok(_) => {
            return Err(Error::conflict(format!("The log {} is known here with other keys. Nothing was changed.", policy.origin()))
                .hint("Two sets of keys for one log are a sign of a fork: ask its people on another way before you do anything."));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io("Could not read", &keys_path, &error)),
    }
    // The state comes first, so that a log with keys always has one.
    let state = place.join("checkpoint");
    if !state.exists() {
        durable::write(&state, NONE.as_bytes())?;
    }
    durable::write(&keys_path, policy.text().as_bytes())?;
    Ok(policy.origin().to_owned())
}

/// The keys of a log by the SHA-256 of its origin; nothing when it is not known.
pub(super) fn policy(folder: &Path, digest: &str) -> Result<Option<Policy>> {
    let path = log_folder(folder, digest).join("log.vkey");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("Could not read", &path, &error)),
    };
    let damaged = |why: &dyn std::fmt::Display| Error::corrupt(format!("{} does not hold the keys of this log: {why}.", path.display()));
    let policy = Policy::parse(&text).map_err(|error| damaged(&error))?;
    if origin_digest(policy.origin()) != digest {
        return Err(damaged(&"they are another's"));
    }
    Ok(Some(policy))
}

/// What was seen of a log; the state is believed only with the log's own signatures.
pub(super) fn state(folder: &Path, digest: &str, policy: &Policy) -> Result<State> {
    let path = log_folder(folder, digest).join("checkpoint");
    let lost = |why: String| {
        Error::corrupt(format!("What was seen of the log {} is {why}: {}. It is not cosigned until that is put right.", policy.origin(), path.display()))
            .hint("Do not take it from an old copy: a witness that forgets cosigns forks. If it is lost, begin as a new witness.")
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(lost("missing".to_owned())),
        Err(error) => return Err(Error::io("Could not read", &path, &error)),
    };
    if text == NONE {
        return Ok(State::Nothing);
    }
    let tree = tree_of(policy, &text).ok_or_else(|| lost("not a checkpoint that it signed".to_owned()))?;
    Ok(State::Seen { tree, text })
}

pub(super) fn write_state(folder: &Path, digest: &str, text: &str) -> Result<()> {
    durable::write(&log_folder(folder, digest).join("checkpoint"), text.as_bytes())
}

/// The logs that a witness knows, by origin.
pub fn logs(folder: &Path) -> Result<Vec<KnownLog>> {
    let place = folder.join("logs");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&place).doing("Could not list", &place)? {
        let name = entry.doing("Could not list", &place)?.file_name();
        let digest = name.to_string_lossy();
        let Some(policy) = policy(folder, &digest)? else { continue };
        let size = match state(folder, &digest, &policy)? {
            State::Nothing => None,
            State::Seen { tree, .. } => Some(tree.size),
        };
        let evidence = super::evidence::folder(folder, &digest);
        found.push(KnownLog { origin: policy.origin().to_owned(), size, evidence: evidence.is_dir().then_some(evidence) });
    }
    found.sort_by(|one, other| one.origin.cmp(&other.origin));
    Ok(found)
}
