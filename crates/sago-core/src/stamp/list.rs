//! The stamps that are kept: what they state, until when they hold, whether the log knows them.

use std::collections::HashSet;

use sago_stamp::{Finding, Moment};

use super::authority::{Judge, Judged};
use super::folder::{Folder, token_digest};
use super::round::{Failure, entered, moment};
use super::{Algorithm, Token};
use crate::ctx::{Ctx, Right};
use crate::error::Result;
use crate::ledger::event::Log;
use crate::ledger::rebuild::published_head;
use crate::ledger::sequencer;
use crate::repository::Repository;

/// One kept reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Generation of the log.
    pub generation: u64,
    /// Entries of the log under the stamped checkpoint.
    pub size: u64,
    /// The authority, as configured when it was asked.
    pub authority: String,
    /// Which digest was stamped.
    pub algorithm: Algorithm,
    /// What the judgement of today says.
    pub state: State,
    /// Whether the log holds the token's digest. If not, a crash came between, and the next `sago stamp` enters it.
    pub is_entered: bool,
}

/// What today's judgement says of a kept reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It holds together; `trusted` says whether the authority's configured anchor vouches for it.
    Holds(Token),
    /// It proves nothing as it lies there.
    Broken(Vec<Finding>),
}

/// Lists every kept reply, oldest checkpoint first. The earliest `renew_before` is the day by which a new stamp must be there.
///
/// Whether the checkpoints are the log's own is not judged here: `sago verify` does.
pub async fn list(repo: &Repository, ctx: &Ctx) -> Result<Vec<Listed>> {
    ctx.require(Right::Check)?;
    let at = moment(ctx.now());
    let judges: Vec<Judge> = repo.settings.authority.iter().filter_map(|one| Judge::read(&repo.places, one).ok()).collect();
    let mut listed = Vec::new();
    for generation in sequencer::generations(&repo.places)? {
        let origin = published_head(&repo.places, Log::Custody, generation)?.origin;
        let known = entered(repo, generation).await?;
        for folder in Folder::all(&repo.places, &origin)? {
            list_folder(&folder, generation, &judges, &known, at, &mut listed)?;
        }
    }
    Ok(listed)
}

fn list_folder(folder: &Folder, generation: u64, judges: &[Judge], known: &HashSet<String>, at: Moment, listed: &mut Vec<Listed>) -> Result<()> {
    let note = folder.checkpoint()?.unwrap_or_default();
    for authority in folder.authorities()? {
        let chain = folder.chain(&authority)?;
        let judge = judges.iter().find(|judge| judge.name == authority);
        let stranger = Judge::without_anchor(&authority);
        for algorithm in Algorithm::ALL {
            let Some(reply) = folder.reply(&authority, algorithm)? else {
                continue;
            };
            let judged_by = |judge: &Judge| judge.judge(&note, algorithm, None, &reply, &chain, at);
            // A stamp of an authority that is configured no more, or with another anchor, still holds; nobody here vouches for it.
            let trusted = judge.and_then(|judge| judged_by(judge).ok());
            let state = match trusted.map_or_else(|| judged_by(&stranger), Ok) {
                Ok(Judged { token, .. }) => State::Holds(token),
                Err(Failure { findings, .. }) => State::Broken(findings),
            };
            let digest = token_digest(&reply);
            listed.push(Listed { generation, size: folder.size, authority: authority.clone(), algorithm, state, is_entered: known.contains(&digest) });
        }
    }
    Ok(())
}
