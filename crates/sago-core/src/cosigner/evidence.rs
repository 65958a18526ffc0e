//! What a log signed against itself: `evidence/<SHA-256 of the origin>/<size>-<digest>/`, durable before the refusal is answered.
//!
//! One folder for each checkpoint that was refused, the first request with it; its number is bounded, because whoever has a signed
//! checkpoint can send it with a false proof.

use std::path::{Path, PathBuf};

use sago_ledger::witness::{AddCheckpoint, Refusal};

use super::folder::State;
use crate::error::{Error, IoContext, Result};
use crate::store::durable;

/// The greatest number of refused checkpoints kept for one log.
const MAX_KEPT: usize = 1000;

pub(super) enum Kept {
    New(PathBuf),
    Known,
    Full(PathBuf),
}

pub(super) fn folder(folder: &Path, digest: &str) -> PathBuf {
    folder.join("evidence").join(digest)
}

/// Keeps both checkpoints and the request.
pub(super) fn keep(root: &Path, digest: &str, refused: &Refusal, request: &AddCheckpoint, state: &State, body: &[u8]) -> Result<Kept> {
    let parent = folder(root, digest);
    let text = sago_packages::Algorithm::Sha256.hash(request.note.text().as_bytes());
    let place = parent.join(format!("{}-{}", request.checkpoint.size, &text[..16]));
    if place.join("READ-ME.txt").is_file() {
        return Ok(Kept::Known);
    }
    durable::create_dir_all(&parent)?;
    if std::fs::read_dir(&parent).doing("Could not list", &parent)?.count() >= MAX_KEPT {
        return Ok(Kept::Full(parent));
    }
    let State::Seen { text: known, tree } = state else { return Err(Error::internal("Nothing was seen of the log, so nothing can contradict it.")) };
    let shows = match refused {
        Refusal::Fork { .. } => {
            "Both are signed with the log's own keys and are of one size with different roots. Together they prove, to anyone who has\n\
             those keys, that the log showed two histories. No word of this witness is needed for that."
        }
        _ => {
            "The log signed the second, and the request did not show that it continues the first. If its people cannot show it either,\n\
             the log was forked. A false proof by somebody else also looks like this: let them show a consistency proof from the one\n\
             size to the other before you conclude anything."
        }
    };
    let story = format!(
        "A witness refused to cosign a checkpoint of the log\n  {}\nbecause: {refused}.\n\n\
         known.checkpoint      what this witness had cosigned before: {} entries\n\
         presented.checkpoint  what it was asked to cosign: {} entries\n\
         request               the request as it came, with its proof\n\n{shows}\n\nKeep this folder.\n",
        request.checkpoint.origin, tree.size, request.checkpoint.size
    );
    durable::write(&place.join("known.checkpoint"), known.as_bytes())?;
    durable::write(&place.join("presented.checkpoint"), request.note.to_string().as_bytes())?;
    durable::write(&place.join("request"), body)?;
    // Written last: a folder without it is not whole and is written again.
    durable::write(&place.join("READ-ME.txt"), story.as_bytes())?;
    Ok(Kept::New(place))
}
