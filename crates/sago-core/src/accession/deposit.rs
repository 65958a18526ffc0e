//! Receiving: from a partner's disk to sealed objects, a manifest, and the two events that make it a deposit.
//!
//! Order: number taken (event) → files sealed into staging → objects finished → *prepared* (event) → objects put in place by one rename
//! each → *received* (event and rows) → integrated into the log. Whatever point we crash at, `recover` or the same command run
//! again goes on from there; an accession is visible only after *received*.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sago_packages::Algorithm;
use sago_seal::hybrid::HybridIdentity;
use uuid::Uuid;

use crate::accession::describe::{Description, Earlier};
use crate::accession::gather::{Outcomes, Work, gather};
use crate::accession::lease::Lease;
use crate::accession::manifest::{AccessionLine, FindingLine, Line, Manifest};
use crate::accession::objects::build_objects;
use crate::accession::staging::{Done, Plan, Staging};
use crate::accession::{bag, finding, recover};
use crate::ctx::{Ctx, Right, time_text};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::intake::Finding;
use crate::intake::name::readable;
use crate::intake::sender_list::{self, SenderList};
use crate::intake::walk::{Options, Seen, Walk};
use crate::key::Mode;
use crate::label::Label;
use crate::ledger::event::{AccessionOpened, AccessionOpenedDetail, AccessionPrepared, AccessionPreparedDetail, UnitCreated, UnitCreatedDetail};
use crate::node::{Kind, Node};
use crate::repository::Repository;
use crate::store::blobs::urn;
use crate::store::fault;

/// What comes in.
#[derive(Debug, Clone, Default)]
pub struct NewAccession {
    /// Files and folders; `-` is standard input.
    pub sources: Vec<PathBuf>,
    /// Name of the item that standard input becomes.
    pub stdin_name: Option<String>,
    /// Who hands over.
    pub contributor: String,
    /// What it is called.
    pub title: String,
    /// Reference of the agreement.
    pub agreement: Option<String>,
    /// The contributor's conditions, in words.
    pub conditions: Vec<String>,
    /// How confidential; the highest unless said otherwise.
    pub label: Label,
    /// The consent unit it belongs to; a new one unless said otherwise.
    pub unit: Option<Uuid>,
    /// Mode of a new unit.
    pub sealed: bool,
    /// The sender's own list of digests (`sha256sum` format).
    pub sender_list: Option<PathBuf>,
    /// Do not go on with an interrupted deposit of the same things.
    pub fresh: bool,
}

/// How far a deposit is; read by whoever shows progress.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files taken so far.
    pub files: AtomicU64,
    /// Bytes of originals read so far.
    pub bytes: AtomicU64,
    /// Files expected.
    pub files_expected: AtomicU64,
    /// Bytes expected.
    pub bytes_expected: AtomicU64,
    /// Set by the outside to stop at the next file; what is sealed stays in staging.
    pub stop: AtomicBool,
}

/// What comes back.
#[derive(Debug, Clone)]
pub struct Deposited {
    /// The accession.
    pub id: Uuid,
    /// Its number.
    pub number: String,
    /// Its unit.
    pub unit: Uuid,
    /// Files seen: items and files not taken.
    pub files_seen: u64,
    /// Items received.
    pub items: u64,
    /// Files not taken; each is a finding.
    pub not_taken: u64,
    /// Things worth knowing about what was taken.
    pub notes: u64,
    /// Items whose digest differs from the sender's list.
    pub mismatches: u64,
    /// Items whose bytes were already in the unit and are stored once.
    pub duplicates: u64,
    /// Bytes of originals.
    pub bytes: u64,
    /// Bytes stored.
    pub stored_bytes: u64,
    /// Files whose sealed form was already there from an interrupted deposit.
    pub resumed: u64,
    /// Findings and notes, in order.
    pub findings: Vec<FindingLine>,
    /// Index of the event that received it.
    pub index: u64,
    /// Generation of the log.
    pub generation: u64,
}

/// Counts files and bytes of what is to be deposited, for showing the time left. Whatever cannot be looked at is not counted.
pub fn estimate(sources: &[PathBuf]) -> (u64, u64) {
    let plain: Vec<PathBuf> = sources.iter().filter(|source| source.as_os_str() != "-").cloned().collect();
    Walk::new(&plain, Options::default()).fold((0, 0), |(files, bytes), seen| match seen {
        Seen::File(entry) => (files + 1, bytes + entry.size_bytes),
        Seen::NotTaken(_) | Seen::Note(_) => (files, bytes),
    })
}

/// Receives files, folders or standard input.
pub async fn deposit(repo: &Repository, ctx: &Ctx, new: &NewAccession, progress: &Progress) -> Result<Deposited> {
    ctx.require(Right::Deposit)?;
    check(repo, new)?;
    if let Some(deposited) = just_recovered(repo, new)? {
        return Ok(deposited);
    }
    let mut notes = Vec::new();
    let list = read_sender_list(new, &mut notes)?;
    let node = Node::join(repo, Kind::Deposit).await?;
    let deposited = deposit_leased(repo, ctx, new, notes, list, progress).await;
    let left = node.leave().await;
    let deposited = deposited?;
    // What was received is received; the row of a node that could not leave counts as dead once its time is over.
    drop(left);
    Ok(deposited)
}

/// Goes on with an interrupted deposit or begins one, and holds its lease until it ends, however it ends.
async fn deposit_leased(
    repo: &Repository,
    ctx: &Ctx,
    new: &NewAccession,
    notes: Vec<Finding>,
    list: Option<(SenderList, String)>,
    progress: &Progress,
) -> Result<Deposited> {
    let (staging, before, lease) = match find_interrupted(repo, new)? {
        Some((staging, before)) => {
            let lease = Lease::take(repo, staging.plan.accession).await?.ok_or_else(|| elsewhere(&staging.plan.number))?;
            (staging, before, lease)
        }
        None => {
            let (staging, lease) = begin(repo, ctx, new).await?;
            (staging, Vec::new(), lease)
        }
    };
    let deposited = receive(repo, ctx, Reception { new, staging, before, notes, list, lease: &lease }, progress).await;
    // Without effect when the deposit was received or given up: its lease ended with it. Of one that failed, the lease ends by itself, and
    // why it failed is what is said.
    drop(lease.give_back().await);
    deposited
}

fn elsewhere(number: &str) -> Error {
    Error::conflict(format!("Another node is completing the same deposit ({number}). Nothing was received by this one."))
        .hint("Wait until it is done, then look with `sago list`.")
}

/// A deposit with its staging folder, taken for this process.
struct Reception<'a> {
    new: &'a NewAccession,
    staging: Staging,
    before: Vec<Done>,
    notes: Vec<Finding>,
    list: Option<(SenderList, String)>,
    lease: &'a Lease,
}

async fn receive(repo: &Repository, ctx: &Ctx, reception: Reception<'_>, progress: &Progress) -> Result<Deposited> {
    let Reception { new, staging, before, mut notes, list, lease } = reception;
    let recipient = repo.keyring().recipient(staging.plan.unit)?;
    let earlier = Earlier::read(repo, staging.plan.unit, &mut notes).await?;
    let work = Work { new, recipient: &recipient, progress, algorithms: algorithms(list.as_ref().map(|(list, _)| list)) };
    let (staging, outcomes) = tokio::task::block_in_place(|| gather(staging, before, &work))?;
    if progress.stop.load(Ordering::Relaxed) {
        return Err(Error::new(ErrorKind::Unavailable, format!("The deposit {} was stopped. What was sealed is kept.", staging.plan.number))
            .hint("Run the same command again: it goes on where it stopped."));
    }
    finish(repo, ctx, Finish { new, staging, outcomes, notes, list, earlier, lease }).await
}

fn check(repo: &Repository, new: &NewAccession) -> Result<()> {
    if new.sources.is_empty() {
        return Err(Error::invalid("There is nothing to deposit.").hint("Name files or folders, or `-` for standard input."));
    }
    if new.contributor.trim().is_empty() || new.title.trim().is_empty() {
        return Err(Error::invalid("A deposit needs a contributor and a title.").hint("Add `--contributor NAME` and `--title TEXT`."));
    }
    for source in &new.sources {
        if source.as_os_str() != "-" && source.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
            return Err(Error::not_found(format!("There is no file or folder {}.", source.display()))
                .hint("Nothing was received. Correct the path and run the command again."));
        }
        if source.as_os_str() != "-" {
            repo.places.refuse_as_source(source)?;
        }
    }
    Ok(())
}

fn read_sender_list(new: &NewAccession, notes: &mut Vec<Finding>) -> Result<Option<(SenderList, String)>> {
    if let Some(path) = &new.sender_list {
        let bytes = std::fs::read(path).doing("Could not read the sender's list", path)?;
        let (list, findings) = SenderList::parse(path.as_os_str().as_bytes(), &bytes);
        notes.extend(findings);
        if list.is_empty() {
            return Err(Error::invalid(format!("The sender's list {} names no file.", path.display()))
                .hint("It must have lines as `sha256sum` writes them: 64 hexadecimal digits, two spaces, the name."));
        }
        let name = readable(path.file_name().unwrap_or(path.as_os_str()).as_bytes()).text;
        return Ok(Some((list, name)));
    }
    bag::expectations(&new.sources, notes)
}

/// Everything that must be equal for a second command to be the same deposit.
fn fingerprint_of(new: &NewAccession) -> Result<String> {
    let mut text = format!("{}\n{}\n{:?}\n{:?}\n", new.contributor, new.title, new.unit, new.sealed);
    for source in &new.sources {
        let path = if source.as_os_str() == "-" { source.clone() } else { std::path::absolute(source).doing("Could not resolve", source)? };
        text.push_str(&hex::encode(path.as_os_str().as_bytes()));
        text.push('\n');
    }
    Ok(text)
}

/// What was read from standard input cannot be read again.
fn is_resumable(new: &NewAccession) -> bool {
    new.sources.iter().all(|source| source.as_os_str() != "-")
}

/// What this very command received before it was interrupted, when the opening of the repository has just completed it.
fn just_recovered(repo: &Repository, new: &NewAccession) -> Result<Option<Deposited>> {
    if new.fresh || !is_resumable(new) {
        return Ok(None);
    }
    let wanted = fingerprint_of(new)?;
    let recovered = repo.recovered().lock().unwrap_or_else(PoisonError::into_inner);
    Ok(recovered.iter().find(|one| one.fingerprint == wanted).map(|one| one.deposited.clone()))
}

fn find_interrupted(repo: &Repository, new: &NewAccession) -> Result<Option<(Staging, Vec<Done>)>> {
    if new.fresh || !is_resumable(new) {
        return Ok(None);
    }
    let wanted = fingerprint_of(new)?;
    for accession in Staging::all(&repo.places)? {
        match Staging::plan(&repo.places, repo.keyring(), accession) {
            Ok(plan) if plan.fingerprint == wanted => return Staging::reopen(&repo.places, repo.keyring(), accession).map(Some),
            Ok(_) => {}
            // A folder that another process has just begun or is just removing.
            Err(error) if error.kind == ErrorKind::NotFound => {}
            // Its key has ended: the next opening gives it up.
            Err(error) if error.kind == ErrorKind::Forbidden => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Takes a number and a unit, and begins the staging folder.
async fn begin(repo: &Repository, ctx: &Ctx, new: &NewAccession) -> Result<(Staging, Lease)> {
    let accession = Uuid::new_v4();
    let mut tx = repo.begin().await?;
    crate::key::epoch::require_in_force(repo.keyring(), tx.conn()).await?;
    let unit = match new.unit {
        Some(unit) => {
            let mode: Option<String> = sqlx::query_scalar("SELECT mode FROM units WHERE id = $1").bind(unit.to_string()).fetch_optional(tx.conn()).await?;
            match mode.as_deref() {
                None => return Err(Error::not_found(format!("There is no unit {unit}.")).hint("`sago key list` shows the units.")),
                Some("destroyed") => return Err(Error::conflict(format!("The key of unit {unit} was destroyed: nothing can be added to it."))),
                Some(_) if unit == repo.settings.domain_unit => return Err(Error::invalid("This unit holds the repository's own records.")),
                Some(_) => unit,
            }
        }
        None => {
            let unit = Uuid::new_v4();
            let mode = if new.sealed { Mode::Sealed } else { Mode::Working };
            let wrapped = repo.keyring().wrap(&HybridIdentity::generate().map_err(|error| Error::internal(error.to_string()))?, mode)?;
            // The key is durable before the event speaks of it. If we crash here, the next opening removes it.
            repo.keyring().put_next(unit, &wrapped)?;
            let event = UnitCreated { unit, mode: mode.code().to_owned(), vault_sha256: wrapped.sha256() };
            tx.append(repo.settings.domain_unit, event.with(UnitCreatedDetail {}));
            unit
        }
    };
    let year = ctx.now().strftime("%Y").to_string();
    let last: Option<String> =
        sqlx::query_scalar("SELECT MAX(number) FROM accessions WHERE number LIKE $1").bind(format!("A-{year}-%")).fetch_one(tx.conn()).await?;
    let next = last.as_deref().and_then(|last| last.rsplit('-').next()).and_then(|last| last.parse::<u64>().ok()).unwrap_or(0) + 1;
    if next > 9_999 {
        return Err(Error::conflict(format!("All numbers of {year} are taken (A-{year}-9999).")));
    }
    let number = format!("A-{year}-{next:04}");
    let detail = AccessionOpenedDetail { contributor: new.contributor.clone(), title: new.title.clone() };
    tx.append(unit, AccessionOpened { accession, unit, number: number.clone() }.with(detail));
    // The folder is there before the number is taken, while we hold the writer's place: a taken number without a folder cannot be gone on
    // with. If we crash here, the next opening sweeps the folder.
    let staging =
        Staging::begin(&repo.places, repo.keyring(), Plan { accession, number, unit, fingerprint: fingerprint_of(new)?, is_resumable: is_resumable(new) })?;
    fault::point("deposit-staging-begun");
    let lease = Lease::begin(repo.db(), &repo.places, &repo.settings.work, accession, tx.conn()).await?;
    tx.commit(ctx).await?;
    fault::point("deposit-numbered");
    if new.unit.is_none() {
        repo.keyring().take_next(unit)?;
    }
    Ok((staging, lease))
}

/// Which digests beside SHA-256 and SHA-512 the sender's list asks for.
fn algorithms(list: Option<&SenderList>) -> Vec<Algorithm> {
    list.map(|list| list.algorithms().filter_map(hasher_of).collect()).unwrap_or_default()
}

pub(super) fn hasher_of(algorithm: sender_list::Algorithm) -> Option<Algorithm> {
    match algorithm {
        sender_list::Algorithm::Md5 => Some(Algorithm::Md5),
        sender_list::Algorithm::Sha1 => Some(Algorithm::Sha1),
        sender_list::Algorithm::Sha224 => Some(Algorithm::Sha224),
        sender_list::Algorithm::Sha384 => Some(Algorithm::Sha384),
        // These two are always computed.
        sender_list::Algorithm::Sha256 | sender_list::Algorithm::Sha512 => None,
    }
}

struct Finish<'a> {
    new: &'a NewAccession,
    staging: Staging,
    outcomes: Outcomes,
    notes: Vec<Finding>,
    list: Option<(SenderList, String)>,
    earlier: Earlier,
    lease: &'a Lease,
}

async fn finish(repo: &Repository, ctx: &Ctx, finish: Finish<'_>) -> Result<Deposited> {
    let Finish { new, staging, outcomes, notes, mut list, earlier, lease } = finish;
    let plan = &staging.plan;
    let mut description = Description::begin(&staging, &outcomes, &notes);
    description.describe(repo, &staging, outcomes, &mut list, &earlier).await?;
    let not_taken = description.findings.iter().filter(|line| finding::is_file_not_taken(line)).count() as u64;
    let items = description.lines.len();
    if items == 0 && not_taken == 0 {
        return give_up_empty(repo, ctx, plan.accession, lease, &description.findings).await;
    }
    drop(earlier);
    let manifest = write_manifest(ctx, new, &staging, &mut description, list.map(|(_, name)| name))?;
    let references = build_objects(repo, ctx, &staging, &description.objects, &description.contents, &manifest).await?;

    let mut tx = repo.begin().await?;
    lease.fence(tx.conn()).await?;
    let mode: Option<String> = sqlx::query_scalar("SELECT mode FROM units WHERE id = $1").bind(plan.unit.to_string()).fetch_optional(tx.conn()).await?;
    if mode.as_deref() == Some("destroyed") {
        drop(tx);
        Staging::remove(&repo.places, plan.accession)?;
        return Err(Error::conflict(format!("The key of unit {} was destroyed while {} was being received. Nothing was received.", plan.unit, plan.number)));
    }
    let prepared = AccessionPrepared { accession: plan.accession, unit: plan.unit, objects: references.clone() };
    tx.append(plan.unit, prepared.with(AccessionPreparedDetail {}));
    fault::point("deposit-built");
    tx.commit(ctx).await?;
    fault::point("deposit-prepared");
    // If we crash here or later, recovery finds the prepared objects in staging or in place and completes the deposit.
    let placed = recover::Placed { accession: plan.accession, unit: plan.unit, objects: &references, lease };
    let position = recover::complete(repo, ctx, &placed, &manifest, false).await?;
    repo.integrate(ctx).await?;
    fault::point("deposit-integrated");
    // It is received and in the log: a folder that cannot be removed now is swept by the next opening.
    drop(Staging::remove(&repo.places, plan.accession));
    Ok(Deposited {
        id: plan.accession,
        number: plan.number.clone(),
        unit: plan.unit,
        files_seen: items + not_taken,
        items,
        not_taken,
        notes: description.findings.len() as u64 - not_taken,
        mismatches: description.mismatches,
        duplicates: description.duplicates,
        bytes: description.bytes,
        stored_bytes: description.stored_bytes,
        resumed: description.resumed,
        findings: description.findings,
        index: position.index,
        generation: position.generation,
    })
}

/// Puts the accession before the lines of its items, and the findings after them.
fn write_manifest(ctx: &Ctx, new: &NewAccession, staging: &Staging, description: &mut Description, sender_list: Option<String>) -> Result<Manifest> {
    let Staging { plan, folder, .. } = staging;
    let head = AccessionLine {
        id: plan.accession,
        number: plan.number.clone(),
        unit: plan.unit,
        contributor: new.contributor.clone(),
        title: new.title.clone(),
        agreement: new.agreement.clone(),
        conditions: new.conditions.clone(),
        label: new.label,
        received_at: time_text(ctx.now()),
        received_by: urn(ctx.agent),
        sender_list,
        objects: description.objects.len() as u64,
    };
    let mut manifest = Manifest::in_folder(folder);
    manifest.push(Line::Accession(head).write()?)?;
    for line in std::mem::take(&mut description.lines).iter() {
        manifest.push(line?)?;
    }
    for finding in &description.findings {
        manifest.push(Line::Finding(finding.clone()).write()?)?;
    }
    Ok(manifest)
}

async fn give_up_empty(repo: &Repository, ctx: &Ctx, accession: Uuid, lease: &Lease, findings: &[FindingLine]) -> Result<Deposited> {
    recover::abandon(repo, ctx, accession, lease, "there was no file in what was named").await?;
    let mut error = Error::invalid("There is no file in what was named: nothing was received.");
    for finding in findings.iter().take(5) {
        error = error.hint(format!("{}: {}", finding.path, finding.message));
    }
    Err(error)
}
