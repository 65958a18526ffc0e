//! One job from claim to end: its step, the renewal of its lease meanwhile, and how it ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::Row;
use tokio::sync::watch;
use uuid::Uuid;

use super::{Claim, Kind, plan};
use crate::accession::recover;
use crate::ctx::{Ctx, Right};
use crate::error::{Error, ErrorKind, Result};
use crate::fixity;
use crate::reading;
use crate::repository::Repository;
use crate::stamp;
use crate::store::fault;
use crate::witness;

/// How long a step that was asked to stop may take before it is left where it is, as a crash would leave it.
const GRACE: Duration = Duration::from_secs(5);

/// Items read between two looks at whether this node is to stop.
const READ_AT_ONCE: u64 = 20;

/// A job that this node tried.
#[derive(Debug, Clone)]
pub struct Ran {
    /// What it was.
    pub claim: Claim,
    /// How it ended.
    pub verdict: Verdict,
    /// What was done, counted: `files`, `bytes`, `failures`, `planned`, `tokens`, `cosigned`, `entries`.
    pub counts: BTreeMap<&'static str, u64>,
}

/// How a job ended.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// Well.
    Done,
    /// This node stops; the rest is another node's, or a later start's.
    GivenBack,
    /// The lease ended before the work did; another node goes on.
    Lost,
    /// Badly; it is tried again.
    Failed(Error),
}

type Counts = BTreeMap<&'static str, u64>;

/// Does one job.
pub(super) async fn run(repo: &Repository, ctx: &Ctx, claim: Claim, stop: &watch::Receiver<bool>) -> Result<Ran> {
    fault::point("job-claimed");
    let progress = Arc::new(fixity::Progress::default());
    let mut counts = Counts::new();
    let step = step(repo, ctx, &claim, &progress, &mut counts);
    let outcome = tokio::select! {
        // A stop that was asked for is seen before the step goes on.
        biased;
        () = stopped(repo, &claim, &progress, stop.clone()) => None,
        outcome = step => Some(outcome),
    };
    let was_stopped = progress.stop.load(Ordering::Relaxed);
    let ended = match &outcome {
        None => claim.give_back(repo.db()).await?,
        Some(Ok(())) if was_stopped => claim.give_back(repo.db()).await?,
        Some(Ok(())) => {
            fault::point("job-worked");
            claim.finish(repo.db(), &repo.settings).await?
        }
        Some(Err(error)) => claim.fail(repo.db(), why(error.kind), error.kind == ErrorKind::Corrupt).await?,
    };
    let verdict = match outcome {
        _ if !ended => Verdict::Lost,
        Some(Err(error)) => Verdict::Failed(error),
        Some(Ok(())) if !was_stopped => Verdict::Done,
        _ => Verdict::GivenBack,
    };
    Ok(Ran { claim, verdict, counts })
}

/// Renews the lease; ends when the step must be left: a while after this node was asked to stop, or after the job was lost.
async fn stopped(repo: &Repository, claim: &Claim, progress: &fixity::Progress, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            () = tokio::time::sleep(repo.settings.work.beat()) => {
                // A database that does not answer now may do so at the next beat; whether the job is still ours is asked when it ends.
                if matches!(claim.renew(repo.db(), &repo.settings.work).await, Ok(false)) {
                    break;
                }
            }
        }
    }
    progress.stop.store(true, Ordering::Relaxed);
    tokio::time::sleep(GRACE).await;
}

/// What the row may say of an error: fixed sentences, since a message may name a file, and a file may name a person.
fn why(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "something that it needs is not there",
        ErrorKind::Forbidden => "something that it needs may not be opened",
        ErrorKind::Invalid => "the settings, or what it was given, cannot be used",
        ErrorKind::Conflict => "something else was at work",
        ErrorKind::Unavailable => "something outside does not answer",
        ErrorKind::Corrupt => "stored bytes are not what was recorded",
        ErrorKind::Internal => "a defect",
    }
}

/// The work of each kind.
async fn step(repo: &Repository, ctx: &Ctx, claim: &Claim, progress: &fixity::Progress, counts: &mut Counts) -> Result<()> {
    match claim.kind {
        Kind::Integrate => {
            let waiting: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM segments").fetch_one(repo.db().read()).await?;
            if waiting > 0 {
                counts.insert("entries", repo.integrate(ctx).await?.size);
            }
            Ok(())
        }
        Kind::Recover => recover::recover(repo, ctx.clock).await,
        Kind::Fixity if claim.subject.is_empty() => plan_fixity(repo, ctx, claim, counts).await,
        Kind::Fixity => check_object(repo, ctx, claim, progress, counts).await,
        Kind::Stamp => ask_for_stamps(repo, ctx, counts).await,
        Kind::Witness => ask_witnesses(repo, ctx, counts).await,
        Kind::Replicate => replicate(repo, ctx, counts).await,
        Kind::Read if claim.subject.is_empty() => plan_reading(repo, ctx, claim, counts).await,
        Kind::Read => read_accession(repo, ctx, claim, progress, counts).await,
    }
}

/// Plans a job for every object of which a file is due.
async fn plan_fixity(repo: &Repository, ctx: &Ctx, claim: &Claim, counts: &mut Counts) -> Result<()> {
    ctx.require(Right::Check)?;
    let due_before = fixity::due_before(repo, crate::ctx::micros(ctx.now()))?;
    let mut tx = repo.db().begin_write().await?;
    claim.fence(repo.db(), &mut tx).await?;
    // Asked under the writer's place: what another node has read by now is not due, and what it is reading still has its job.
    let rows = sqlx::query("SELECT DISTINCT object FROM contents WHERE checked_at <= $1 ORDER BY object").bind(due_before).fetch_all(&mut *tx).await?;
    let objects = rows.iter().map(|row| row.try_get(0)).collect::<std::result::Result<Vec<String>, _>>()?;
    if objects.is_empty() {
        tx.rollback().await?;
        return Ok(());
    }
    counts.insert("planned", plan(repo.db(), &mut tx, Kind::Fixity, &objects).await?);
    crate::store::db::commit(tx).await?;
    fault::point("job-planned");
    Ok(())
}

/// Reads the files of one object that were due when the job was planned. What is entered is not read again if we crash or stop.
async fn check_object(repo: &Repository, ctx: &Ctx, claim: &Claim, progress: &fixity::Progress, counts: &mut Counts) -> Result<()> {
    ctx.require(Right::Check)?;
    let due_before = fixity::due_before(repo, claim.planned_at)?;
    let mut checked = fixity::Checked::default();
    let mut last = String::new();
    loop {
        let batch = fixity::due_of(repo, &claim.subject, due_before, &last).await?;
        let Some((_, end)) = batch.last() else { return Ok(()) };
        last.clone_from(end);
        let outcomes = tokio::task::block_in_place(|| fixity::read_batch(repo, batch, progress))?;
        fault::point("fixity-read");
        let mut tx = repo.begin().await?;
        claim.fence(repo.db(), tx.conn()).await?;
        fixity::enter(repo, ctx, tx, &outcomes, &mut checked).await?;
        if checked.files == 0 {
            return Ok(());
        }
        counts.extend([("files", checked.files), ("bytes", checked.bytes), ("failures", checked.failures.len() as u64)]);
        if progress.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
    }
}

/// Plans a job for every accession with items that have no reading, and whose unit can be opened.
async fn plan_reading(repo: &Repository, ctx: &Ctx, claim: &Claim, counts: &mut Counts) -> Result<()> {
    ctx.require(Right::Read)?;
    let mut tx = repo.db().begin_write().await?;
    claim.fence(repo.db(), &mut tx).await?;
    let rows = sqlx::query(
        "SELECT a.id FROM accessions a JOIN units u ON u.id = a.unit WHERE a.status = 'received' AND u.mode = 'working' \
         AND EXISTS (SELECT 1 FROM items i LEFT JOIN readings r ON r.item = i.id WHERE i.accession = a.id AND r.item IS NULL) ORDER BY a.number",
    )
    .fetch_all(&mut *tx)
    .await?;
    let accessions = rows.iter().map(|row| row.try_get(0)).collect::<std::result::Result<Vec<String>, _>>()?;
    if accessions.is_empty() {
        tx.rollback().await?;
        return Ok(());
    }
    counts.insert("planned", plan(repo.db(), &mut tx, Kind::Read, &accessions).await?);
    crate::store::db::commit(tx).await?;
    fault::point("job-planned");
    Ok(())
}

/// Reads the items of an accession that were not read yet. What is entered is not read again if we crash or stop.
async fn read_accession(repo: &Repository, ctx: &Ctx, claim: &Claim, progress: &fixity::Progress, counts: &mut Counts) -> Result<()> {
    ctx.require(Right::Read)?;
    let accession = Uuid::parse_str(&claim.subject).map_err(|_| Error::corrupt("A job's row was altered."))?;
    let (mut after, mut texts, mut done) = (None, reading::Texts::default(), reading::Done::default());
    let own = reading::Progress::default();
    loop {
        let page = crate::item::page(repo, Some(accession), after.as_ref(), READ_AT_ONCE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        let mut wanted = Vec::new();
        for item in page {
            if item.line.is_some() && texts.wants(repo, &item, reading::Which::Unread).await? {
                wanted.push(item);
            }
        }
        own.stop.store(progress.stop.load(Ordering::Relaxed), Ordering::Relaxed);
        reading::enter(repo, ctx, Some(claim), wanted, &own, &mut done).await?;
        counts.extend([("items", done.items), ("files", done.items + done.members), ("failures", done.damaged.len() as u64)]);
        if progress.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
    }
}

/// Copies what is new to every replica; one that does not answer fails the job, and the others have what is new all the same.
async fn replicate(repo: &Repository, ctx: &Ctx, counts: &mut Counts) -> Result<()> {
    let mut failed = None;
    for replica in &repo.settings.replica {
        match crate::replica::replicate(repo, ctx, replica, &crate::replica::Progress::default()).await {
            Ok(done) => {
                *counts.entry("files").or_default() += done.new_files;
                *counts.entry("bytes").or_default() += done.new_bytes;
                *counts.entry("failures").or_default() += done.findings.len() as u64;
            }
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Asks every authority; one that failed fails the job, and those that answered are not asked again by the next attempt.
async fn ask_for_stamps(repo: &Repository, ctx: &Ctx, counts: &mut Counts) -> Result<()> {
    let mut failed = None;
    for stamped in stamp::stamp_now(repo, ctx).await? {
        match stamped.result {
            Ok(received) if received.is_new => *counts.entry("tokens").or_default() += received.tokens.len() as u64,
            Ok(_) => {}
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Asks every witness; one that failed fails the job, and one that knows another history does so as damage does: people must look.
async fn ask_witnesses(repo: &Repository, ctx: &Ctx, counts: &mut Counts) -> Result<()> {
    let (mut failed, mut alarm) = (None, None);
    for asked in witness::round(repo, ctx).await? {
        match asked.outcome.error(&asked.witness, asked.log, asked.size) {
            None => *counts.entry("cosigned").or_default() += 1,
            Some(error) if asked.outcome.is_alarm() => alarm = Some(error),
            Some(error) => failed = Some(error),
        }
    }
    alarm.or(failed).map_or(Ok(()), Err)
}
