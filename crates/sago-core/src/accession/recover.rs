//! Completing what a crash interrupted, by the same functions as the normal path.
//!
//! For every accession that was prepared but not received: its objects are in staging, in place, or partly each; what is there and equal to
//! what was prepared is put in place and the accession is received with `recovered`; what differs is set aside and said. A deposit that
//! never got as far stays in staging, for the same command to go on with, or is given up when none can; a destroyed unit whose key still
//! lies in the vault loses it now. What another process is working on is left to it: which process that is, on this machine or on another
//! node, [`lease`] says.

use std::sync::PoisonError;

use sago_packages::Algorithm;
use sqlx::Row;
use uuid::Uuid;

use crate::accession::deposit::Deposited;
use crate::accession::finding;
use crate::accession::lease::{self, Lease, Standing};
use crate::accession::manifest::{Line, Manifest};
use crate::accession::staging::{Hold, Plan, Staging};
use crate::ctx::{Clock, Ctx, Role};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::ledger::event::{
    AccessionAbandoned, AccessionAbandonedDetail, AccessionQuarantined, AccessionQuarantinedDetail, AccessionReceived, AccessionReceivedDetail, Event, Log,
    ObjectRef,
};
use crate::ledger::proof::events_about;
use crate::ledger::rebuild::remove_left_databases;
use crate::ledger::{Position, unsigned};
use crate::repository::Repository;
use crate::store::fault;

/// A deposit that the opening of the repository completed.
pub(crate) struct Recovered {
    /// Everything that must be equal for a command to be the one that began it.
    pub fingerprint: String,
    /// What it received.
    pub deposited: Deposited,
}

/// A prepared accession that this process works on.
pub(crate) struct Placed<'a> {
    pub accession: Uuid,
    pub unit: Uuid,
    pub objects: &'a [ObjectRef],
    pub lease: &'a Lease,
}

/// Puts prepared objects in place and receives the accession. Idempotent: objects already in place are left as they are.
pub(crate) async fn complete(repo: &Repository, ctx: &Ctx, placed: &Placed<'_>, manifest: &Manifest, recovered: bool) -> Result<Position> {
    let Placed { accession, unit, objects, lease } = *placed;
    place(repo, accession, objects)?;
    fault::point("deposit-placed");
    let (mut items, mut bytes, mut not_taken) = (0, 0, 0);
    for line in manifest.lines() {
        match Line::read(&line?)? {
            Line::Accession(_) => {}
            Line::Item(line) => {
                items += 1;
                bytes += line.bytes;
            }
            Line::Finding(line) => not_taken += u64::from(finding::is_file_not_taken(&line)),
        }
    }
    let detail = AccessionReceivedDetail {
        number: manifest.accession()?.number,
        manifest_root: manifest.root()?.to_hex(),
        manifest_lines: manifest.len(),
        items,
        bytes,
        not_taken,
    };
    let mut tx = repo.begin().await?;
    lease.end(tx.conn()).await?;
    tx.append_received(unit, AccessionReceived { accession, unit, objects: objects.to_vec(), recovered }.with(detail), manifest);
    let positions = tx.commit(ctx).await?;
    fault::point("deposit-received");
    positions.last().copied().ok_or_else(|| Error::internal("the event has no place"))
}

/// Puts prepared objects in place; those already there are left as they are.
fn place(repo: &Repository, accession: Uuid, objects: &[ObjectRef]) -> Result<()> {
    for (part, object) in objects.iter().enumerate() {
        let staged = repo.places.staging.join(accession.to_string()).join("objects").join(part.to_string());
        tokio::task::block_in_place(|| repo.blobs.publish(&staged, object.id))?;
        fault::point("deposit-object-placed");
    }
    Ok(())
}

/// Gives up a deposit; its number stays taken.
pub(crate) async fn abandon(repo: &Repository, ctx: &Ctx, accession: Uuid, lease: &Lease, reason: &str) -> Result<()> {
    let mut tx = repo.begin().await?;
    lease.end(tx.conn()).await?;
    tx.append(repo.settings.domain_unit, AccessionAbandoned { accession }.with(AccessionAbandonedDetail { reason: reason.to_owned() }));
    tx.commit(ctx).await?;
    repo.integrate(ctx).await?;
    Staging::remove(&repo.places, accession)
}

/// Finishes everything a crash interrupted. Run at every opening of a repository; does nothing, quickly, when there is nothing.
pub(crate) async fn recover(repo: &Repository, clock: Clock) -> Result<()> {
    crate::key::epoch::finish_interrupted(repo).await?;
    lease::note_home(repo).await?;
    let rows =
        sqlx::query("SELECT id, unit, status FROM accessions WHERE status IN ('opened', 'prepared') ORDER BY number").fetch_all(repo.db().read()).await?;
    let mut changed = false;
    for row in rows {
        let id = |column: usize| -> Result<Uuid> {
            Uuid::parse_str(&row.try_get::<String, _>(column)?).map_err(|_| Error::corrupt("An accession's row was altered."))
        };
        let (accession, unit, status): (_, _, String) = (id(0)?, id(1)?, row.try_get(2)?);
        // The lease decides first: what another node works on is its own, and so is what waits for it to come back.
        let standing = lease::standing(repo, accession).await?;
        let is_here = repo.places.staging.join(accession.to_string()).is_dir();
        let is_mine = match standing {
            Standing::Busy => false,
            Standing::Home | Standing::Gone => true,
            Standing::Away => is_here || (status == "prepared" && is_whole_in_store(repo, accession).await?),
        };
        if !is_mine {
            continue;
        }
        let Hold::Here(_held) = Staging::hold(&repo.places, accession)? else { continue };
        let Some(lease) = Lease::take(repo, accession).await? else { continue };
        // Who worked on it until now may have finished meanwhile.
        if status_of(repo, accession).await?.as_deref() == Some(&status) {
            let ctx = software_ctx(repo, clock).await?;
            changed |=
                if status == "prepared" { recover_one(repo, &ctx, accession, unit, &lease).await? } else { give_up(repo, &ctx, accession, &lease).await? };
        }
        lease.give_back().await?;
    }
    crate::key::destroy::finish_interrupted(repo).await?;
    sweep(repo).await?;
    let pending: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM segments").fetch_one(repo.db().read()).await?;
    if changed || pending > 0 {
        let ctx = software_ctx(repo, clock).await?;
        repo.integrate(&ctx).await?;
    }
    Ok(())
}

/// Recovery acts in the name of the first custodian: nobody else is there yet when a repository opens.
async fn software_ctx(repo: &Repository, clock: Clock) -> Result<Ctx> {
    let mut ctx = crate::user::act_as(repo, None, clock).await?;
    ctx.roles = vec![Role::Custodian];
    Ok(ctx)
}

/// The objects that were prepared for an accession, in order.
async fn prepared_objects(repo: &Repository, accession: Uuid) -> Result<Vec<ObjectRef>> {
    let rows = sqlx::query("SELECT id, inventory_sha512 FROM objects WHERE accession = $1 ORDER BY part")
        .bind(accession.to_string())
        .fetch_all(repo.db().read())
        .await?;
    rows.iter()
        .map(|row| {
            let id = Uuid::parse_str(&row.try_get::<String, _>(0)?).map_err(|_| Error::corrupt("An object's row was altered."))?;
            Ok(ObjectRef { id, inventory_sha512: row.try_get(1)? })
        })
        .collect()
}

/// Whether every object of an accession is in place and is what was prepared: then no staging folder is needed to complete it.
async fn is_whole_in_store(repo: &Repository, accession: Uuid) -> Result<bool> {
    let objects = prepared_objects(repo, accession).await?;
    for object in &objects {
        let found = repo.blobs.inventory(object.id)?;
        if found.is_none_or(|bytes| Algorithm::Sha512.hash(&bytes) != object.inventory_sha512) {
            return Ok(false);
        }
    }
    Ok(!objects.is_empty())
}

/// Completes or sets aside a prepared accession; says whether it did, or must leave it to an opening that has more keys.
async fn recover_one(repo: &Repository, ctx: &Ctx, accession: Uuid, unit: Uuid, lease: &Lease) -> Result<bool> {
    let prepared = prepared_objects(repo, accession).await?;
    let mut objects = Vec::with_capacity(prepared.len());
    for (part, object) in prepared.into_iter().enumerate() {
        let id = object.id;
        let staged = repo.places.staging.join(accession.to_string()).join("objects").join(part.to_string());
        let stored = repo.blobs.inventory(id)?.map(|bytes| Algorithm::Sha512.hash(&bytes));
        let found = stored.or(inventory_digest(&staged)?);
        match found {
            Some(found) if found == object.inventory_sha512 => objects.push(object),
            Some(_) => return quarantine(repo, ctx, accession, id, lease, "its inventory is not the one that was prepared").await,
            None => return quarantine(repo, ctx, accession, id, lease, "it is neither in staging nor in the storage root").await,
        }
    }
    let manifest = match Staging::read_manifest(&repo.places, repo.keyring(), accession) {
        // The operating key has ended since, or the staging folder lies on another node.
        Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::NotFound) => match manifest_of_objects(repo, accession, unit, &objects)? {
            Some(manifest) => manifest,
            // Its unit is sealed: the opening after the custodians unsealed it goes on.
            None => return Ok(false),
        },
        read => read?,
    };
    let position = complete(repo, ctx, &Placed { accession, unit, objects: &objects, lease }, &manifest, true).await?;
    if let Ok(plan) = Staging::plan(&repo.places, repo.keyring(), accession) {
        let deposited = told_again(repo, &plan, position, &manifest)?;
        repo.recovered().lock().unwrap_or_else(PoisonError::into_inner).push(Recovered { fingerprint: plan.fingerprint, deposited });
    }
    Staging::remove(&repo.places, accession)?;
    Ok(true)
}

/// Remembers a deposit that was received by a command that was interrupted before it could say so.
async fn remember_received(repo: &Repository, accession: Uuid) -> Result<()> {
    let row = sqlx::query("SELECT generation, idx FROM accessions WHERE id = $1").bind(accession.to_string()).fetch_one(repo.db().read()).await?;
    let position = Position { log: Log::Custody, generation: unsigned(row.try_get(0)?)?, index: unsigned(row.try_get(1)?)? };
    let (plan, manifest) = (Staging::plan(&repo.places, repo.keyring(), accession), Staging::read_manifest(&repo.places, repo.keyring(), accession));
    // Without them nothing is lost: the same command then begins a deposit of its own.
    if let (Ok(plan), Ok(manifest)) = (plan, manifest) {
        let deposited = told_again(repo, &plan, position, &manifest)?;
        repo.recovered().lock().unwrap_or_else(PoisonError::into_inner).push(Recovered { fingerprint: plan.fingerprint, deposited });
    }
    Ok(())
}

/// What the interrupted command would have answered, from what it received.
fn told_again(repo: &Repository, plan: &Plan, position: Position, manifest: &Manifest) -> Result<Deposited> {
    let mut told = Deposited {
        id: plan.accession,
        number: plan.number.clone(),
        unit: plan.unit,
        files_seen: 0,
        items: 0,
        not_taken: 0,
        notes: 0,
        mismatches: 0,
        duplicates: 0,
        bytes: 0,
        stored_bytes: 0,
        resumed: 0,
        findings: Vec::new(),
        index: position.index,
        generation: position.generation,
    };
    for line in manifest.lines() {
        match Line::read(&line?)? {
            Line::Accession(_) => {}
            Line::Item(line) => {
                told.items += 1;
                told.bytes += line.bytes;
                told.mismatches += u64::from(line.sender == "mismatch");
                match line.duplicate_of {
                    Some(_) => told.duplicates += 1,
                    None => {
                        told.stored_bytes += repo.blobs.open_content(line.object, &line.content)?.length;
                    }
                }
            }
            Line::Finding(line) => {
                told.not_taken += u64::from(finding::is_file_not_taken(&line));
                told.findings.push(line);
            }
        }
    }
    told.files_seen = told.items + told.not_taken;
    told.notes = told.findings.len() as u64 - told.not_taken;
    told.resumed = told.items;
    Ok(told)
}

/// The manifest as it stands in the objects, which are put in place for it; `None` when their unit is sealed.
fn manifest_of_objects(repo: &Repository, accession: Uuid, unit: Uuid, objects: &[ObjectRef]) -> Result<Option<Manifest>> {
    place(repo, accession, objects)?;
    let ids: Vec<Uuid> = objects.iter().map(|object| object.id).collect();
    crate::accession::read_manifest(repo, unit, &ids)
}

async fn quarantine(repo: &Repository, ctx: &Ctx, accession: Uuid, object: Uuid, lease: &Lease, reason: &str) -> Result<bool> {
    let mut tx = repo.begin().await?;
    lease.end(tx.conn()).await?;
    let detail = AccessionQuarantinedDetail { reason: reason.to_owned() };
    tx.append(repo.settings.domain_unit, AccessionQuarantined { accession, object }.with(detail));
    tx.commit(ctx).await?;
    repo.blobs.remove_empty_way(object)?;
    Ok(true)
}

fn inventory_digest(object: &std::path::Path) -> Result<Option<String>> {
    let path = object.join("inventory.json");
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(Algorithm::Sha512.hash(&bytes))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).doing("Could not read", &path),
    }
}

async fn status_of(repo: &Repository, accession: Uuid) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("SELECT status FROM accessions WHERE id = $1").bind(accession.to_string()).fetch_optional(repo.db().read()).await?)
}

/// Gives up a deposit that no command can go on with: read from standard input, or its folder lost. Says whether it did.
async fn give_up(repo: &Repository, ctx: &Ctx, accession: Uuid, lease: &Lease) -> Result<bool> {
    let reason = match Staging::plan(&repo.places, repo.keyring(), accession) {
        Ok(plan) if plan.is_resumable => return Ok(false),
        Ok(_) => "it was read from standard input and was interrupted",
        Err(error) if error.kind == ErrorKind::NotFound => "it was interrupted and its staging folder is lost",
        Err(error) if error.kind == ErrorKind::Forbidden => "it was interrupted and the key of its staging folder has ended",
        Err(error) => return Err(error),
    };
    // A row alone gives nothing up: what the log says was prepared or received is not an interrupted deposit.
    let went_on = |event: &Event| matches!(event, Event::AccessionPrepared(..) | Event::AccessionReceived(..));
    if events_about(repo, accession).await?.iter().any(|stored| went_on(&stored.event)) {
        return Ok(false);
    }
    abandon(repo, ctx, accession, lease, reason).await?;
    Ok(true)
}

/// Removes staging folders that nothing can go on with: of accessions received, given up or unknown, and of destroyed units.
pub(crate) async fn sweep(repo: &Repository) -> Result<()> {
    remove_left_databases(&repo.places.staging)?;
    let staged = Staging::all(&repo.places)?;
    if staged.is_empty() {
        return Ok(());
    }
    // Who begins a folder holds the writer's place until its number is taken: while we hold it, an unknown folder is an interrupted one.
    let mut writer = repo.db().begin_write().await?;
    for accession in staged {
        let Hold::Here(_held) = Staging::hold(&repo.places, accession)? else { continue };
        let status: Option<String> =
            sqlx::query_scalar("SELECT status FROM accessions WHERE id = $1").bind(accession.to_string()).fetch_optional(&mut *writer).await?;
        let folder = repo.places.staging.join(accession.to_string());
        let is_usable = matches!(status.as_deref(), Some("opened" | "prepared")) && folder.join("deposit.age").is_file();
        if !is_usable && !matches!(status.as_deref(), Some("quarantined")) {
            if status.as_deref() == Some("received") {
                remember_received(repo, accession).await?;
            }
            Staging::remove(&repo.places, accession)?;
        }
    }
    writer.rollback().await?;
    Ok(())
}

/// Deposits that were interrupted and wait for the same command to go on: number and when they were begun.
pub(crate) async fn interrupted(repo: &Repository) -> Result<Vec<(String, u64)>> {
    let rows = sqlx::query("SELECT number, at FROM accessions WHERE status = 'opened' ORDER BY number").fetch_all(repo.db().read()).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, unsigned(row.try_get(1)?)?))).collect()
}
