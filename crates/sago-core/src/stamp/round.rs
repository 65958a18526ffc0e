//! One run of `sago stamp`: what is there, what is missing, what is taken in, and the events at the end.
//!
//! Holds the lock of the stamps folder, so that two runs never ask for, or write, the same stamp.

use std::collections::HashSet;
use std::fs::File;

use jiff::Timestamp;
use sago_ledger::policy::Policy;
use sago_stamp::{Finding, Moment};

use super::authority::{Judge, Judged};
use super::folder::{Folder, token_digest};
use super::query::Query;
use super::{Algorithm, Judges, Received, Stamped, Token};
use crate::ctx::{Ctx, time_text};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::ledger::event::{Log, TimestampReceived, TimestampReceivedDetail};
use crate::ledger::sequencer::Head;
use crate::ledger::signed;
use crate::repository::Repository;
use crate::settings::Places;
use crate::store::durable;

/// In a log where nothing else happens, a stamp is renewed when its certificates hold for less than this. Days.
const RENEW_DAYS: i64 = 90;

/// … and not again while the last stamp is younger than this. Days.
const RENEW_PAUSE_DAYS: i64 = 7;

const DAY_SECONDS: i64 = 86_400;

/// Queries and the replies to them.
pub(super) type Replies = Vec<(Algorithm, Query, Vec<u8>)>;

/// Why an authority's stamp was not taken: the error, and what the judgement found if it came to one.
#[derive(Debug)]
pub(super) struct Failure {
    pub error: Error,
    pub findings: Vec<Finding>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, findings: Vec::new() }
    }
}

/// What an authority still has to be asked.
pub(super) enum Need {
    /// Nothing: it stamped this checkpoint, or one after which only time-stamps were entered.
    Nothing(Stamped),
    /// These, over the head.
    Ask(Vec<(Algorithm, Query)>),
}

/// A token on the disk that has no event yet.
struct Entering {
    authority: String,
    folder: String,
    size: u64,
    token: Token,
}

pub(super) struct Round<'a> {
    repo: &'a Repository,
    ctx: &'a Ctx,
    head: Head,
    policy: Policy,
    /// Digests of the tokens that are in the log, and of those about to be.
    known: HashSet<String>,
    entering: Vec<Entering>,
    _held: File,
}

impl<'a> Round<'a> {
    /// Takes the lock and brings the log's head up to date.
    pub async fn begin(repo: &'a Repository, ctx: &'a Ctx) -> Result<Self> {
        let held = hold(&repo.places)?;
        let head = repo.integrate(ctx).await?;
        let keys = repo.verifier_keys(Log::Custody)?;
        let policy = Policy::parse(&keys).map_err(|error| Error::corrupt(format!("The verifier keys of the log cannot be used: {error}.")))?;
        let known = entered(repo, head.generation).await?;
        Ok(Self { repo, ctx, head, policy, known, entering: Vec::new(), _held: held })
    }

    /// The head that is being stamped.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Where the head's stamps are kept.
    pub fn head_folder(&self) -> Folder {
        Folder::of(&self.repo.places, &self.head.origin, self.head.size)
    }

    /// Takes in the tokens of this log that a crash left on the disk without their event. Answers those that do not verify.
    pub fn take_left_over(&mut self, judges: &Judges) -> Result<Vec<Stamped>> {
        let mut refused = Vec::new();
        for folder in Folder::all(&self.repo.places, &self.head.origin)? {
            for authority in folder.authorities()? {
                let judge = judges.iter().find_map(|(name, judge)| judge.as_ref().ok().filter(|_| *name == authority));
                let Some(judge) = judge else { continue };
                // What is wrong with the head's own stamp is said when the authority's turn comes.
                if let Err(failure) = self.take_kept(&folder, judge)
                    && folder.size != self.head.size
                {
                    refused.push(Stamped::new(&authority, folder.size, Err(failure)));
                }
            }
        }
        Ok(refused)
    }

    fn take_kept(&mut self, folder: &Folder, judge: &Judge) -> Result<(), Failure> {
        for algorithm in Algorithm::ALL {
            let Some(reply) = folder.reply(&judge.name, algorithm)? else {
                continue;
            };
            let digest = token_digest(&reply);
            if self.known.contains(&digest) {
                continue;
            }
            let judged = self.judge_kept(folder, judge, algorithm, &reply)?;
            self.enter(folder, &judge.name, judged.token);
        }
        Ok(())
    }

    /// Says what an authority still has to be asked over the head.
    pub async fn need(&self, judge: &Judge) -> Result<Need, Failure> {
        let head = self.head_folder();
        if let Some(folder) = self.newest(judge)? {
            let is_head = folder.size == head.size;
            if is_head || self.is_quiet_since(folder.size).await? {
                match self.kept(&folder, judge) {
                    Ok((tokens, findings)) => {
                        let is_whole = tokens.len() == Algorithm::ALL.len();
                        if is_whole && (is_head || !self.is_due(&tokens)) {
                            let is_new = tokens.iter().any(|token| self.is_entering(token));
                            let received = Received { tokens, is_new };
                            return Ok(Need::Nothing(Stamped::new(&judge.name, folder.size, Ok((received, findings)))));
                        }
                    }
                    // What lies there is never overwritten: it may be what the log speaks of.
                    Err(failure) if is_head => return Err(failure),
                    // An older stamp that no longer verifies (the anchor was changed, say) is no reason not to ask for a new one.
                    Err(_) => {}
                }
            }
        }
        let note = self.note_of(&head)?;
        let mut queries = Vec::new();
        for algorithm in Algorithm::ALL {
            if head.reply(&judge.name, algorithm)?.is_some() {
                continue;
            }
            let imprint = algorithm.imprint(&note);
            // A query that may already be under way in a carried folder is used again.
            let kept = head.query(&judge.name, algorithm)?;
            let query = match kept.and_then(|bytes| Query::read(&bytes, &imprint)) {
                Some(query) => query,
                None => Query::new(&imprint)?,
            };
            queries.push((algorithm, query));
        }
        Ok(Need::Ask(queries))
    }

    /// Takes in an authority's replies over the head.
    pub fn accept_head(&mut self, judge: &Judge, replies: &Replies) -> Result<(Received, Vec<Finding>), Failure> {
        self.accept(&self.head_folder(), judge, replies)
    }

    /// Judges replies over a folder's checkpoint, keeps them when every one verifies, and marks them to be entered.
    pub fn accept(&mut self, folder: &Folder, judge: &Judge, replies: &Replies) -> Result<(Received, Vec<Finding>), Failure> {
        let note = self.note_of(folder)?;
        let (mut tokens, mut findings) = self.kept(folder, judge)?;
        let (mut fresh, mut certificates, mut answers) = (Vec::new(), Vec::new(), Vec::new());
        for (algorithm, query, reply) in replies {
            let at = moment(self.ctx.now());
            let judged = judge.judge(&note, *algorithm, Some(query), reply, &[], at)?;
            certificates.extend(judged.certificates);
            findings.extend(judged.findings);
            answers.push((*algorithm, query.bytes.as_slice(), reply.as_slice()));
            fresh.push(judged.token);
        }
        folder.keep(&note, &judge.name, &answers, certificates)?;
        for token in fresh {
            self.enter(folder, &judge.name, token.clone());
            tokens.push(token);
        }
        tokens.sort_by_key(|token| token.algorithm);
        let is_new = tokens.iter().any(|token| self.is_entering(token));
        Ok((Received { tokens, is_new }, findings))
    }

    /// Enters every token that has no event yet, and signs the log's new head.
    pub async fn finish(self) -> Result<()> {
        if self.entering.is_empty() {
            return Ok(());
        }
        let mut tx = self.repo.begin().await?;
        for one in self.entering {
            let event = TimestampReceived { size: one.size, token_sha256: one.token.token_sha256, gen_time: gen_time_text(one.token.gen_time)? };
            let detail = TimestampReceivedDetail { authority: one.authority, folder: one.folder };
            tx.append(self.repo.settings.domain_unit, event.with(detail));
        }
        tx.commit(self.ctx).await?;
        self.repo.integrate(self.ctx).await?;
        Ok(())
    }

    /// The checkpoint of a folder, once the log's own keys are seen to have signed it.
    pub fn note_of(&self, folder: &Folder) -> Result<Vec<u8>> {
        let own = (folder.size == self.head.size).then(|| self.head.checkpoint.clone().into_bytes());
        let kept = folder.checkpoint()?;
        let bad = |why: String| {
            Error::corrupt(format!("stamps/{}/checkpoint {why}. Nothing was asked or kept over it.", folder.name))
                .hint("It was altered. `sago verify` says more; the folder can be moved elsewhere, then run `sago stamp` again.")
        };
        if let (Some(own), Some(kept)) = (&own, &kept)
            && own != kept
        {
            return Err(bad("is not the checkpoint that was signed".to_owned()));
        }
        let note = own.or(kept).ok_or_else(|| bad("is missing".to_owned()))?;
        let checkpoint = self.policy.open(&note).map_err(|error| bad(format!("does not hold: {error}")))?.checkpoint;
        if checkpoint.size != folder.size {
            return Err(bad(format!("is of size {}", checkpoint.size)));
        }
        Ok(note)
    }

    /// The kept tokens of an authority in a folder; the first that does not verify is an error.
    pub fn kept(&self, folder: &Folder, judge: &Judge) -> Result<(Vec<Token>, Vec<Finding>), Failure> {
        let (mut tokens, mut findings) = (Vec::new(), Vec::new());
        for algorithm in Algorithm::ALL {
            if let Some(reply) = folder.reply(&judge.name, algorithm)? {
                let judged = self.judge_kept(folder, judge, algorithm, &reply)?;
                tokens.push(judged.token);
                findings.extend(judged.findings);
            }
        }
        Ok((tokens, findings))
    }

    fn judge_kept(&self, folder: &Folder, judge: &Judge, algorithm: Algorithm, reply: &[u8]) -> Result<Judged, Failure> {
        let note = self.note_of(folder)?;
        let chain = folder.chain(&judge.name)?;
        let at = moment(self.ctx.now());
        judge.judge(&note, algorithm, None, reply, &chain, at).map_err(|failure| damaged(failure, folder))
    }

    fn newest(&self, judge: &Judge) -> Result<Option<Folder>> {
        for folder in Folder::all(&self.repo.places, &self.head.origin)?.into_iter().rev() {
            if folder.authorities()?.contains(&judge.name) {
                return Ok(Some(folder));
            }
        }
        Ok(None)
    }

    /// Whether nothing but time-stamps was entered since the tree had this size: asking again would only stamp stamps, without end.
    async fn is_quiet_since(&self, size: u64) -> Result<bool> {
        let others: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM events WHERE log = $1 AND generation = $2 AND idx >= $3 AND kind <> 'timestamp-received'")
            .bind(Log::Custody.name())
            .bind(signed(self.head.generation))
            .bind(signed(size))
            .fetch_one(self.repo.db().read())
            .await?;
        Ok(others == 0)
    }

    fn is_due(&self, tokens: &[Token]) -> bool {
        let now = moment(self.ctx.now()).seconds;
        tokens.iter().any(|token| {
            let left = token.renew_before.seconds.saturating_sub(now);
            let age = now.saturating_sub(token.gen_time.seconds);
            left < RENEW_DAYS * DAY_SECONDS && age > RENEW_PAUSE_DAYS * DAY_SECONDS
        })
    }

    fn enter(&mut self, folder: &Folder, authority: &str, token: Token) {
        if self.known.insert(token.token_sha256.clone()) {
            self.entering.push(Entering { authority: authority.to_owned(), folder: folder.name.clone(), size: folder.size, token });
        }
    }

    fn is_entering(&self, token: &Token) -> bool {
        self.entering.iter().any(|one| one.token.token_sha256 == token.token_sha256)
    }
}

/// The present moment as tokens reckon it.
pub(super) fn moment(at: Timestamp) -> Moment {
    let nanos = at.as_nanosecond();
    Moment { seconds: i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or(i64::MAX), nanos: u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or(0) }
}

/// A stamped time as it stands in payloads; digits after the sixth are cut.
fn gen_time_text(at: Moment) -> Result<String> {
    let nanos = i32::try_from(at.nanos).unwrap_or(0);
    let at = Timestamp::new(at.seconds, nanos).map_err(|error| Error::invalid(format!("The stamped time cannot be written: {error}")))?;
    Ok(time_text(at))
}

/// Digests of the tokens in the log.
pub(super) async fn entered(repo: &Repository, generation: u64) -> Result<HashSet<String>> {
    let digests: Vec<String> =
        sqlx::query_scalar("SELECT token_sha256 FROM stamps WHERE generation = $1").bind(signed(generation)).fetch_all(repo.db().read()).await?;
    Ok(digests.into_iter().collect())
}

/// Says of a kept file that does not verify what it is, instead of what a fresh reply would be.
fn damaged(failure: Failure, folder: &Folder) -> Failure {
    let shown: Vec<String> = failure.findings.iter().take(3).map(|finding| format!("[{}] {}", finding.code, finding.message)).collect();
    if shown.is_empty() {
        return failure;
    }
    let error = Error::corrupt(format!("A reply kept in stamps/{} does not verify: {}. It was left as it is.", folder.name, shown.join("; ")))
        .hint("If the authority's `anchor` in sago.toml was changed, that is why: the old stamp stays good under the old anchor.")
        .hint("Otherwise it was altered: `sago verify` says more. Put it back from a backup.");
    Failure { error, findings: failure.findings }
}

/// Takes the lock of the stamps folder. It lies with the locks of the logs: files below `stamps/` are read by strangers.
fn hold(places: &Places) -> Result<File> {
    durable::create_dir_all(&places.lock)?;
    let path = places.lock.join(".stamps.held");
    let held = File::options().create(true).append(true).open(&path).doing("Could not open", &path)?;
    match rustix::fs::flock(&held, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(held),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            Err(Error::new(ErrorKind::Conflict, "Another `sago stamp` is running on this repository.").hint("Wait until it is done: at most a minute."))
        }
        Err(error) => Err(Error::io("Could not lock", &path, &error.into())),
    }
}
