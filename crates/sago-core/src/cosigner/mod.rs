//! Being a witness for the logs of others (C2SP tlog-witness): a folder of its own, with keys, known logs, and what was seen last.
//!
//! No repository is needed, and none may be the one that is witnessed: who signs a log and remembers it alone proves nothing. What is
//! decided is in [`sago_ledger::witness`]; here it is made durable, in this order: decide, sign, state on the disk, answer. The HTTP
//! around it is in the door. Asking others is in [`crate::witness`].

mod evidence;
mod folder;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sago_ledger::note::{Note, Signer};
use sago_ledger::policy::Policy;
use sago_ledger::witness::{Accepted, AddCheckpoint, Refusal, SIZE_CONTENT_TYPE, Tree, decide, origin_digest};

use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::key::Passphrase;

use folder::State;
pub use folder::{KnownLog, add_log, init, logs};

/// A witness at work; holds its folder, so that there is one at a time.
pub struct Cosigner {
    folder: PathBuf,
    signers: Vec<Signer>,
    /// One for each log: from reading the state until the new one is durable, nobody else decides on that log.
    turns: Mutex<HashMap<String, Arc<Mutex<()>>>>,
    _held: File,
}

/// What is answered to a request, and what the people who run the witness should hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Content type.
    pub content_type: &'static str,
    /// Body.
    pub body: String,
    /// What should be shown to the people who run it: a fork above all.
    pub alarm: Option<String>,
}

impl Cosigner {
    /// Opens a witness's folder with its passphrase.
    pub fn open(folder: &Path, passphrase: &Passphrase) -> Result<Self> {
        let signers = folder::signers(folder, passphrase)?;
        let path = folder.join(".held");
        let held = File::options().create(true).append(true).open(&path).doing("Could not open", &path)?;
        match rustix::fs::flock(&held, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { folder: folder.to_owned(), signers, turns: Mutex::default(), _held: held }),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                Err(Error::new(ErrorKind::Conflict, format!("Another process is the witness in {}.", folder.display())).hint("Stop it first."))
            }
            Err(error) => Err(Error::io("Could not lock", &path, &error.into())),
        }
    }

    /// The name of the witness.
    pub fn name(&self) -> &str {
        self.signers.first().map_or("", |signer| signer.verifier().name())
    }

    /// Decides on a request, `now` in seconds since 1970-01-01T00:00:00Z; what is cosigned is durable before this returns. Blocks.
    ///
    /// If we crash between the state and the answer, the log asks again, hears the size it was about to reach, and is cosigned there.
    pub fn add_checkpoint(&self, body: &[u8], now: u64) -> Reply {
        match self.try_add(body, now) {
            Ok(reply) => reply,
            Err(error) => {
                let text = "the witness cannot keep its state and signs nothing\n".to_owned();
                Reply { status: 500, content_type: PLAIN, body: text, alarm: Some(error.message) }
            }
        }
    }

    fn try_add(&self, body: &[u8], now: u64) -> Result<Reply> {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(error) => return Ok(refusal(&error.into(), None)),
        };
        let digest = origin_digest(&request.checkpoint.origin);
        let Some(policy) = folder::policy(&self.folder, &digest)? else {
            return Ok(refusal(&Refusal::UnknownLog(request.checkpoint.origin.clone()), None));
        };
        let turn = self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(digest.clone()).or_default().clone();
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let state = folder::state(&self.folder, &digest, &policy)?;
        match decide(&request, &policy, state.tree()) {
            Ok(accepted) => self.cosign(&digest, &accepted, now),
            Err(refused) if refused.is_evidence() => Ok(self.keep_evidence(&digest, &refused, &request, &state, body)),
            Err(refused) => Ok(refusal(&refused, None)),
        }
    }

    fn cosign(&self, digest: &str, accepted: &Accepted, now: u64) -> Result<Reply> {
        let mut note: Note = accepted.note.clone();
        let mut lines = String::new();
        for signer in &self.signers {
            // ML-DSA-44 has no place for extension lines, which other logs may have: those get the Ed25519 signature alone.
            let Ok(line) = signer.sign(note.text(), now) else { continue };
            lines.push_str(&format!("{line}\n"));
            note.add(line).map_err(|error| Error::invalid(format!("The cosignature does not fit: {error}")))?;
        }
        if lines.is_empty() {
            return Err(Error::internal("This checkpoint cannot be cosigned with any key."));
        }
        folder::write_state(&self.folder, digest, &note.to_string())?;
        Ok(Reply { status: 200, content_type: PLAIN, body: lines, alarm: None })
    }

    fn keep_evidence(&self, digest: &str, refused: &Refusal, request: &AddCheckpoint, state: &State, body: &[u8]) -> Reply {
        let alarm = match evidence::keep(&self.folder, digest, refused, request, state, body) {
            Ok(evidence::Kept::New(path)) => Some(format!("{refused}. Evidence: {}", path.display())),
            Ok(evidence::Kept::Known) => None,
            Ok(evidence::Kept::Full(path)) => Some(format!("{refused}. No more evidence is kept in {}: there is too much of it.", path.display())),
            Err(error) => Some(format!("{refused}. The evidence could not be kept: {}", error.message)),
        };
        refusal(refused, alarm)
    }

    /// The newest cosigned checkpoint of a log, by the SHA-256 of its origin, for monitors; nothing when there is none.
    pub fn latest(&self, digest: &str) -> Result<Option<String>> {
        let is_digest = digest.len() == 64 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let policy = if is_digest { folder::policy(&self.folder, digest)? } else { None };
        let Some(policy) = policy else { return Ok(None) };
        Ok(match folder::state(&self.folder, digest, &policy)? {
            State::Seen { text, .. } => Some(text),
            State::Nothing => None,
        })
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";

fn refusal(refused: &Refusal, alarm: Option<String>) -> Reply {
    let (content_type, body) = match refused {
        Refusal::OtherSize { size } => (SIZE_CONTENT_TYPE, format!("{size}\n")),
        other => (PLAIN, format!("{}\n", other.to_string().chars().take(500).collect::<String>())),
    };
    Reply { status: refused.status(), content_type, body, alarm }
}

/// What identifies a tree.
fn tree_of(policy: &Policy, text: &str) -> Option<Tree> {
    let signed = policy.open(text.as_bytes()).ok()?;
    Some(Tree { size: signed.checkpoint.size, root: signed.checkpoint.root })
}
