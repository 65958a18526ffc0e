//! Asking witnesses (C2SP tlog-witness) to cosign the heads of our logs, and keeping what they answer.
//!
//! [`round`] asks every configured witness once, all at the same time, and says what each said; a witness that is down, slow or talks
//! nonsense is an outcome, never a stop. Cosignatures need no event: they verify by themselves, and entering them would make a new head
//! to be cosigned, without end. They are kept by size (`log/<generation>/witness/<log>/<size>`) and stand in the published checkpoint
//! after our own signatures. Being a witness for others is in [`crate::cosigner`].

mod ask;
mod client;
mod kept;

use sago_ledger::note::Verifier;
use sago_ledger::witness::WitnessPolicy;

use crate::ctx::{Ctx, Right};
use crate::error::{Error, IoContext, Result};
use crate::ledger::event::Log;
use crate::ledger::{rebuild, sequencer};
use crate::repository::Repository;
use crate::settings::{FILE, Places, Settings};

use client::Client;

pub use kept::{LastQuorum, folder, last_quorum};
pub(crate) use kept::{cosigned, head_for};

/// The greatest number of witnesses: two signatures of each fit into a note.
pub const MAX_WITNESSES: usize = 16;

/// What came of one witness and one log.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Name of the witness in the settings.
    pub witness: String,
    /// Which log.
    pub log: Log,
    /// Its generation.
    pub generation: u64,
    /// Entries under the checkpoint that was sent.
    pub size: u64,
    /// What it said.
    pub outcome: Outcome,
}

/// What a witness said.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It cosigned; the lines verify and are kept.
    Cosigned {
        /// When it says so, in seconds since 1970-01-01T00:00:00Z.
        at: u64,
        /// Whether all its keys signed, as the settings list them; otherwise it does not count.
        is_complete: bool,
    },
    /// It has seen more of this log than we have: this repository was rolled back, or somebody else signs with its keys.
    Ahead {
        /// Entries it has seen.
        size: u64,
        /// The checkpoint it has, signed with our own keys, where it could be had and was kept.
        evidence: Option<String>,
    },
    /// It has seen another history of this log: the log was forked.
    Forked {
        /// Entries of the tree it has.
        size: u64,
        /// The checkpoint it has, signed with our own keys, where it could be had and was kept.
        evidence: Option<String>,
    },
    /// It could not be asked, or its answer is of no use.
    Failed(Error),
}

impl Outcome {
    /// Says whether the log itself is in doubt.
    pub fn is_alarm(&self) -> bool {
        matches!(self, Self::Ahead { .. } | Self::Forked { .. })
    }

    /// Says in one sentence what it means; for an alarm, also what to do.
    pub fn error(&self, witness: &str, log: Log, own: u64) -> Option<Error> {
        let kept = |evidence: &Option<String>| match evidence {
            Some(path) => format!("Its checkpoint, signed with this log's own keys, is kept: {path}"),
            None => "It did not show the checkpoint itself: ask the people who run it for it.".to_owned(),
        };
        match self {
            Self::Cosigned { is_complete: true, .. } => None,
            Self::Cosigned { .. } => Some(
                Error::invalid(format!("The witness “{witness}” cosigned the {} log with some of its keys only: it does not count.", log.name()))
                    .hint("Compare the `keys` file in sago.toml with the keys that the witness publishes."),
            ),
            Self::Ahead { size, evidence } => Some(
                Error::corrupt(format!(
                    "ROLLED BACK: the witness “{witness}” has seen {size} entries of the {} log; this repository has {own}.",
                    log.name()
                ))
                .hint("Stop writing to this repository: treat it as read-only until you know why. It, or a copy of its keys, signed further elsewhere.")
                .hint(kept(evidence))
                .hint("Look for the newer state (another copy, another machine). If it is lost for good, `sago restore` begins a new generation that says so."),
            ),
            Self::Forked { size, evidence } => Some(
                Error::corrupt(format!(
                    "FORKED: the witness “{witness}” has seen another history of the {} log, at {size} entries. Two histories were signed with the same keys.",
                    log.name()
                ))
                .hint("Stop writing to this repository: treat it as read-only until you know which history is the true one.")
                .hint(kept(evidence))
                .hint("Compare with receipts, time-stamps and copies of checkpoints; the witness keeps both checkpoints as evidence."),
            ),
            Self::Failed(error) => Some(error.clone()),
        }
    }
}

/// Asks every witness to cosign the last signed head of every log, in every generation, and keeps and publishes what verifies.
///
/// Heads without entries are passed over: there is nothing to remember. Signs nothing of ours and enters nothing. Nobody who deposits
/// waits for it: the logs' locks are held only while a cosigned checkpoint is published. If we crash, what was kept stays and the next
/// round publishes it.
pub async fn round(repo: &Repository, ctx: &Ctx) -> Result<Vec<Asked>> {
    round_with(repo, ctx, &Client::new(client::TIMEOUT)).await
}

async fn round_with(repo: &Repository, ctx: &Ctx, client: &Client) -> Result<Vec<Asked>> {
    ctx.require(Right::Check)?;
    let locks = repo.locks();
    let mut heads = Vec::new();
    for generation in sequencer::generations(&repo.places)? {
        for log in Log::ALL {
            let head = rebuild::last_head(&repo.places, &locks, log, generation).await?;
            if head.size > 0 {
                heads.push(ask::Ours::read(&repo.places, &locks, log, head)?);
            }
        }
    }
    let heads = std::sync::Arc::new(heads);
    let mut threads = Vec::new();
    for witness in &repo.settings.witness {
        let keys = read_keys(&repo.places, &witness.keys);
        let (client, heads, witness) = (client.clone(), heads.clone(), witness.clone());
        threads.push(tokio::task::spawn_blocking(move || -> Vec<Asked> {
            let one = |ours: &ask::Ours| Asked {
                witness: witness.name.clone(),
                log: ours.log,
                generation: ours.head.generation,
                size: ours.head.size,
                outcome: match &keys {
                    Ok(keys) => ask::ask(&client, &witness, keys, ours),
                    Err(error) => Outcome::Failed(error.clone()),
                },
            };
            heads.iter().map(one).collect()
        }));
    }
    let mut asked = Vec::new();
    for thread in threads {
        asked.extend(thread.await.map_err(|error| Error::internal(format!("Asking a witness ended early: {error}")))?);
    }
    Ok(asked)
}

/// The configured witnesses and how many of them are needed; nothing when there are none.
pub fn policy(places: &Places, settings: &Settings) -> Result<Option<WitnessPolicy>> {
    if settings.witness.is_empty() {
        return Ok(None);
    }
    let mut keys = Vec::new();
    for witness in &settings.witness {
        keys.extend(read_keys(places, &witness.keys)?);
    }
    let wanted = settings.witness_quorum.map(|wanted| wanted as usize);
    let policy = WitnessPolicy::of_keys(keys, wanted).map_err(|error| {
        Error::invalid(format!("The witnesses in {FILE} cannot be used: {error}.")).hint("Each witness needs keys and a key name of its own.")
    })?;
    Ok(Some(policy))
}

/// Reads the verifier keys of one witness.
fn read_keys(places: &Places, path: &std::path::Path) -> Result<Vec<Verifier>> {
    let path = places.root.join(path);
    let bad = |why: String| {
        Error::invalid(format!("{} does not hold the keys of a witness: {why}.", path.display()))
            .hint("`sago witness init` prints them; a public witness publishes them. One verifier key a line, all of one name.")
    };
    let text = std::fs::read(&path).doing("Could not read the witness's keys", &path)?;
    let policy = WitnessPolicy::read(&text, None).map_err(|error| bad(error.to_string()))?;
    if policy.witness_count() != 1 {
        return Err(bad("they are of several names".to_owned()));
    }
    Ok(policy.keys().cloned().collect())
}

/// Refuses settings of witnesses that cannot be meant.
pub(crate) fn check_settings(settings: &Settings) -> Result<()> {
    let count = settings.witness.len();
    if count > MAX_WITNESSES {
        return Err(Error::invalid(format!("There are {count} witnesses in {FILE}; at most {MAX_WITNESSES} can be asked.")));
    }
    for (at, witness) in settings.witness.iter().enumerate() {
        let plain = !witness.name.is_empty() && witness.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !plain {
            return Err(Error::invalid(format!("The witness's name “{}” may hold only letters, digits and hyphens.", witness.name)));
        }
        if settings.witness[..at].iter().any(|other| other.name == witness.name) {
            return Err(Error::invalid(format!("Two witnesses in {FILE} have the name “{}”.", witness.name)));
        }
    }
    match settings.witness_quorum {
        Some(wanted) if wanted == 0 || wanted as usize > count => {
            Err(Error::invalid(format!("`witness_quorum` in {FILE} is {wanted}, and there are {count} witnesses."))
                .hint("It must lie between 1 and their number."))
        }
        _ => Ok(()),
    }
}
