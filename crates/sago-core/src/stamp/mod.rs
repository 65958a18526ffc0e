//! Time-stamps (RFC 3161) over the custody log's signed checkpoint: asked, verified offline, kept, entered in the log.
//!
//! [`stamp_now`] asks every configured authority over the network; [`write_queries`] and [`take_replies`] do the same by a folder
//! that a person carries; [`list()`] says what is kept and until when it holds. Nothing is kept or entered before it verifies against
//! the authority's anchor. What a token proves is judged by `sago-stamp`; whether a repository's stamps are sound, by `sago-verify`.
//!
//! The log enters the SHA-256 of every token, so that tomorrow's stamp covers today's (docs/formats.md, section 8).

mod authority;
mod carry;
mod client;
mod folder;
mod kept;
mod list;
mod query;
mod round;
#[cfg(test)]
mod tests;

use sago_stamp::{Finding, Imprint, Moment};

use crate::ctx::{Ctx, Right};
use crate::error::{Error, Result};
use crate::repository::Repository;

use authority::Judge;
use client::Client;
use round::{Failure, Need, Replies, Round};

pub use carry::{Carried, Question, take_replies, write_queries};
pub(crate) use kept::check_kept;
pub use list::{Listed, State, list};

/// Which digest of the checkpoint a token stamps; every authority is asked for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// Both, in the order in which they are asked for.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    /// The name in file names and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn imprint(self, bytes: &[u8]) -> Imprint {
        match self {
            Self::Sha256 => Imprint::sha256(bytes),
            Self::Sha512 => Imprint::sha512(bytes),
        }
    }
}

/// A token that verified against the anchor of its authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Which digest it stamps.
    pub algorithm: Algorithm,
    /// SHA-256 of the `.tsr` file, lower-case hexadecimal: what the log holds.
    pub token_sha256: String,
    /// The stamped time.
    pub gen_time: Moment,
    /// Subject of the certificate that signed.
    pub tsa: String,
    /// Whether the chain ends at the configured anchor.
    pub trusted: bool,
    /// Earliest end of validity in the chain: a newer stamp must cover this one before.
    pub renew_before: Moment,
}

/// What came of one authority.
#[derive(Debug)]
pub struct Stamped {
    /// Name of the authority.
    pub authority: String,
    /// Entries of the log under the checkpoint.
    pub size: u64,
    /// The tokens, or why there are none; the other authorities went on.
    pub result: Result<Received>,
    /// What the judgement noticed that somebody should look at: warnings beside tokens, errors beside a refusal.
    pub findings: Vec<Finding>,
}

/// The tokens of one authority over one checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// One for each digest.
    pub tokens: Vec<Token>,
    /// Whether any of them was entered in the log by this call; otherwise nothing had to be asked.
    pub is_new: bool,
}

impl Stamped {
    fn new(authority: &str, size: u64, outcome: Result<(Received, Vec<Finding>), Failure>) -> Self {
        let (result, findings) = match outcome {
            Ok((received, findings)) => (Ok(received), findings),
            Err(failure) => (Err(failure.error), failure.findings),
        };
        Self { authority: authority.to_owned(), size, result, findings }
    }
}

/// Asks every configured authority to stamp the last signed checkpoint of the custody log, and keeps and enters what verifies.
///
/// Idempotent: an authority is not asked when it stamped this checkpoint, nor when only time-stamps were entered since the checkpoint
/// it stamped and its certificates hold for long enough. Tokens that a crash left on the disk without their event are entered first.
/// Each authority's failure stands in its own [`Stamped`]; an error of the whole means that nothing could be asked.
///
/// If we crash after the files were written and before their events were, the next call enters them and asks nothing.
pub async fn stamp_now(repo: &Repository, ctx: &Ctx) -> Result<Vec<Stamped>> {
    stamp_with(repo, ctx, &Client::new(client::TIMEOUT)).await
}

async fn stamp_with(repo: &Repository, ctx: &Ctx, client: &Client) -> Result<Vec<Stamped>> {
    ctx.require(Right::Check)?;
    repo.require_live()?;
    let judges = authority::configured(repo)?;
    let mut round = Round::begin(repo, ctx).await?;
    let mut answers = round.take_left_over(&judges)?;
    let size = round.head().size;
    let mut asked = Vec::new();
    for (name, judge) in judges {
        let judge = match judge {
            Ok(judge) => judge,
            Err(error) => {
                answers.push(Stamped::new(&name, size, Err(error.into())));
                continue;
            }
        };
        match round.need(&judge).await {
            Ok(Need::Nothing(stamped)) => answers.push(stamped),
            Ok(Need::Ask(queries)) => {
                let (client, url) = (client.clone(), judge.url.clone());
                let thread = tokio::task::spawn_blocking(move || ask_all(&client, &url, queries));
                asked.push((judge, thread));
            }
            Err(failure) => answers.push(Stamped::new(&name, size, Err(failure))),
        }
    }
    for (judge, thread) in asked {
        let replies = thread.await.map_err(|error| Error::internal(format!("Asking an authority ended early: {error}")))?;
        let outcome = match replies {
            Ok(replies) => round.accept_head(&judge, &replies),
            Err(error) => Err(error.of(&judge.name).into()),
        };
        answers.push(Stamped::new(&judge.name, size, outcome));
    }
    round.finish().await?;
    Ok(answers)
}

fn ask_all(client: &Client, url: &str, queries: Vec<(Algorithm, query::Query)>) -> Result<Replies, client::Unanswered> {
    queries
        .into_iter()
        .map(|(algorithm, query)| {
            let reply = client.ask(url, &query.bytes)?;
            Ok((algorithm, query, reply))
        })
        .collect()
}

/// The configured authorities, each with its anchors or why they cannot be read.
type Judges = Vec<(String, Result<Judge>)>;
