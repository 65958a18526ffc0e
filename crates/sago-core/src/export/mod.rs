//! Handing over: a BagIt bag of originals with everything a stranger needs to verify them (docs/formats.md section 10).
//!
//! `gather` decides and collects; `write` makes the bag. The event is entered before the first byte is released, and a second one that
//! commits to every byte of the package when it is finished.

mod dossier;
mod write;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sago_ledger::merkle::MerkleList;
use uuid::Uuid;

use crate::accession::{self, Accession, Manifest};
use crate::ctx::{Ctx, Right};
use crate::error::{Error, ErrorKind, Result};
use crate::item::{self, Item};
use crate::ledger::event::{Event, ExportMade, ExportMadeDetail, ExportSealed, ExportSealedDetail, Log};
use crate::ledger::proof::{Stored, events_about};
use crate::ledger::rebuild::last_head;
use crate::ledger::sequencer::{self, Head};
use crate::repository::Repository;
use crate::store::fault;
use crate::store::shelf::Shelf;

/// Items read at a time.
const PAGE: u64 = 1_000;

/// What is to be handed over.
#[derive(Debug, Clone)]
pub struct NewExport {
    /// Number of an accession or an item.
    pub what: String,
    /// To whom.
    pub recipient: String,
    /// Why.
    pub reason: String,
    /// Folder to make.
    pub output: PathBuf,
}

/// What was handed over.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The export.
    pub id: Uuid,
    /// Items in it.
    pub items: u64,
    /// Bytes of originals in it.
    pub bytes: u64,
    /// Events proven in it.
    pub events: u64,
    /// SHA-256 of the bag's `tagmanifest-sha256.txt`.
    pub tagmanifest_sha256: String,
    /// Index of the event in the custody log.
    pub index: u64,
    /// What the witnesses said when they were asked about the heads that the package is proven in.
    pub witnessed: Vec<crate::witness::Asked>,
}

/// Everything the package will hold, decided before the first byte is written.
struct Package {
    id: Uuid,
    at: Timestamp,
    accession: Accession,
    /// Whether all items of the accession go.
    is_whole: bool,
    items: Vec<Item>,
    tree: MerkleList,
    received: Stored,
    events: Vec<Told>,
    heads: Vec<(Log, Head)>,
}

/// An event as the package tells it.
struct Told {
    stored: Stored,
    withhold_detail: bool,
    /// The head it is proven in.
    head: Head,
}

impl Told {
    /// Name of the log in file names: `custody`, or `custody.2` for its second generation.
    fn log_name(&self) -> String {
        let position = self.stored.position;
        match position.generation {
            1 => position.log.name().to_owned(),
            generation => format!("{}.{generation}", position.log.name()),
        }
    }

    /// Path of its proof in the bag.
    fn proof_path(&self) -> String {
        format!("data/proofs/{}-{}.tlog-proof", self.log_name(), self.stored.position.index)
    }
}

/// Hands over an accession or an item as a package in a new folder.
pub async fn export(repo: &Repository, ctx: &Ctx, new: &NewExport) -> Result<Exported> {
    ctx.require(Right::Export)?;
    check(repo, new)?;
    let (accession, items, is_whole) = choose(repo, new).await?;
    let manifest = readable_manifest(repo, &accession, &items).await?;
    let id = Uuid::new_v4();
    let numbers = if is_whole { vec![accession.number.clone()] } else { items.iter().map(|item| item.number.clone()).collect() };
    let detail = ExportMadeDetail { recipient: new.recipient.clone(), reason: new.reason.clone(), numbers };
    let mut tx = repo.begin().await?;
    tx.append(accession.unit, ExportMade { export: id, accessions: vec![accession.id], items: items.len() as u64 }.with(detail));
    let positions = tx.commit(ctx).await?;
    repo.integrate(ctx).await?;
    // The package itself is to be proven in heads that others remember. Whoever does not answer is said, and stops nothing.
    let witnessed = if repo.settings.witness.is_empty() || !ctx.may(Right::Check) { Vec::new() } else { crate::witness::round(repo, ctx).await? };
    let index = positions.last().map(|position| position.index).ok_or_else(|| Error::internal("the event has no place"))?;
    fault::point("export-entered");

    let package = gather(repo, ctx, id, accession, items, is_whole, manifest.tree()?).await?;
    let agents = crate::user::agents(repo).await?;
    let name = repo.name().await?;
    let exported = tokio::task::block_in_place(|| write::write(repo, ctx, new, &package, &agents, &name))?;
    fault::point("export-written");

    let mut tx = repo.begin().await?;
    let sealed = ExportSealed { export: id, tagmanifest_sha256: exported.tagmanifest_sha256.clone() };
    tx.append(package.accession.unit, sealed.with(ExportSealedDetail {}));
    tx.commit(ctx).await?;
    repo.integrate(ctx).await?;
    Ok(Exported { index, witnessed, ..exported })
}

fn check(repo: &Repository, new: &NewExport) -> Result<()> {
    if new.output.exists() {
        return Err(Error::conflict(format!("{} exists already.", new.output.display()))
            .hint("Name a folder that does not exist: nothing is overwritten. Nothing was handed over."));
    }
    repo.places.refuse_inside(&new.output)?;
    if new.recipient.trim().is_empty() || new.reason.trim().is_empty() {
        return Err(
            Error::invalid("Handing over needs a recipient and a reason.").hint("Add `--recipient NAME` and `--reason TEXT`: both are entered in the log.")
        );
    }
    Ok(())
}

async fn choose(repo: &Repository, new: &NewExport) -> Result<(Accession, Vec<Item>, bool)> {
    match item::find(repo, &new.what).await {
        Ok(item) => Ok((accession::find(repo, &item.accession.to_string()).await?, vec![item], false)),
        Err(error) if error.kind == ErrorKind::NotFound && !new.what.contains('.') => {
            let accession = accession::find(repo, &new.what).await?;
            let mut items: Vec<Item> = Vec::new();
            loop {
                let page = item::page(repo, Some(accession.id), items.last(), PAGE).await?;
                if page.is_empty() {
                    return Ok((accession, items, true));
                }
                items.extend(page);
            }
        }
        Err(error) => Err(error),
    }
}

/// The accession's manifest, checked against the log. A package with one item that may not go fails as a whole and says which and why.
async fn readable_manifest(repo: &Repository, accession: &Accession, items: &[Item]) -> Result<Manifest> {
    if accession.status != "received" {
        return Err(Error::conflict(format!("{} cannot be handed over: its state is “{}”.", accession.number, accession.status)));
    }
    if let Some(item) = items.iter().find(|item| item.line.is_none()) {
        return Err(Error::new(
            ErrorKind::Forbidden,
            format!("{} cannot be opened: its unit is sealed or its key was destroyed. Nothing was handed over.", item.number),
        ));
    }
    let received = received_event(repo, accession).await?;
    let Event::AccessionReceived(event, Some(detail)) = &received.event else {
        return Err(Error::internal("an accession whose items are open has a closed event"));
    };
    let objects: Vec<Uuid> = event.objects.iter().map(|object| object.id).collect();
    let manifest = accession::read_manifest(repo, accession.unit, &objects)?.ok_or_else(|| Error::internal("the unit is open and its manifest is not"))?;
    if manifest.root()?.to_hex() != detail.manifest_root {
        return Err(Error::corrupt(format!("The manifest of {} is not the one that was received. Nothing was handed over.", accession.number))
            .hint("Run `sago verify`."));
    }
    // Items come in the order of their lines.
    let mut lines = (0_u64..).zip(manifest.lines());
    for item in items {
        let line = lines.by_ref().find(|(at, _)| *at == item.line_index).map(|(_, line)| line).transpose()?;
        if line != item.text {
            return Err(Error::corrupt(format!("The database's line of {} is not the one that was received. Nothing was handed over.", item.number))
                .hint("Run `sago verify`, then `sago rebuild`."));
        }
    }
    drop(lines);
    Ok(manifest)
}

async fn received_event(repo: &Repository, accession: &Accession) -> Result<Stored> {
    let (generation, index) = accession.received.ok_or_else(|| Error::internal("a received accession has no event"))?;
    crate::ledger::proof::read_event(repo, Log::Custody, generation, index).await
}

async fn gather(repo: &Repository, ctx: &Ctx, id: Uuid, accession: Accession, items: Vec<Item>, is_whole: bool, tree: MerkleList) -> Result<Package> {
    let mut found = events_about(repo, accession.id).await?;
    for item in &items {
        found.extend(events_about(repo, item.id).await?);
    }
    let wanted: std::collections::HashSet<Uuid> = items.iter().map(|item| item.id).collect();
    // Who opened other items of the accession is none of the recipient's business.
    found.retain(|stored| !matches!(&stored.event, Event::ItemOpened(event, _) if !wanted.contains(&event.item)));
    found.sort_by_key(|stored| (stored.position.generation, stored.position.log == Log::Access, stored.position.index));
    found.dedup_by_key(|stored| stored.position);
    let mut heads = Vec::new();
    let mut events = Vec::with_capacity(found.len());
    for stored in found {
        let head = best_head(repo, &stored).await?;
        if !heads.iter().any(|(log, known): &(Log, Head)| *log == stored.position.log && known.generation == head.generation) {
            heads.push((stored.position.log, last_head(&repo.places, &repo.locks(), stored.position.log, head.generation).await?));
        }
        // Reasons and recipients of others stay with us; the skeleton shows that it happened.
        let withhold_detail = match &stored.event {
            Event::ExportMade(made, _) => made.export != id,
            _ => stored.position.log == Log::Access,
        };
        events.push(Told { stored, withhold_detail, head });
    }
    let received = received_event(repo, &accession).await?;
    Ok(Package { id, at: ctx.now(), accession, is_whole, items, tree, received, events, heads })
}

/// The head in which an event is proven: the earliest after it that witnesses cosigned, else that was time-stamped, else the last.
async fn best_head(repo: &Repository, stored: &Stored) -> Result<Head> {
    let position = stored.position;
    let last = last_head(&repo.places, &repo.locks(), position.log, position.generation).await?;
    let folder = repo.places.stamps.below(&sago_verify::stamp::log_id(&last.origin));
    let mut sizes: Vec<u64> = folder.list("")?.iter().filter_map(|child| child.name.parse().ok()).collect();
    // Where witnesses are configured, one that they cosigned comes first, and of these one that was stamped as well.
    if let Some(head) = crate::witness::head_for(repo, &last, position, |size| sizes.contains(&size)) {
        return Ok(head);
    }
    sizes.sort_unstable();
    let Some(size) = sizes.into_iter().find(|size| *size > position.index) else { return Ok(last) };
    let path = format!("{size}/checkpoint");
    match folder.read_text(&path) {
        Ok(Some(text)) => sequencer::read_head(position.generation, &text, &folder.show(&path)),
        // `sago verify` says that it is missing or damaged; the last head proves the event as well.
        Ok(None) | Err(_) => Ok(last),
    }
}

/// Folders of time-stamps that belong to the heads used.
fn stamp_folders(repo: &Repository, package: &Package) -> Result<Vec<(String, u64, Shelf)>> {
    let used: BTreeSet<(String, u64)> = package.events.iter().map(|told| (sago_verify::stamp::log_id(&told.head.origin), told.head.size)).collect();
    let mut found = Vec::new();
    for (id, size) in used {
        let folder = repo.places.stamps.below(&format!("{id}/{size}"));
        // Without its checkpoint a folder holds what was about to be asked, and states nothing.
        if folder.length("checkpoint")?.is_some() {
            found.push((id, size, folder));
        }
    }
    Ok(found)
}

/// A path below `data/` without that prefix, as the bag's writer wants it.
fn in_payload(path: &str) -> &str {
    path.strip_prefix("data/").unwrap_or(path)
}

/// Reads a small file of ours that goes into the package.
fn read(path: &Path) -> Result<Vec<u8>> {
    use crate::error::IoContext as _;
    std::fs::read(path).doing("Could not read", path)
}
