//! Reading: from sealed originals to text that a person can search and cite, or to a finding that says why not.
//!
//! An item is read with its whole family: the files it contains, the files they contain. Each file goes to a process of its own behind walls
//! (`sago_sandbox`), which is given bytes and gives back words. What came of it is one sealed file for each item in the derived place
//! (docs/formats.md section 15) and one line in an event: tool, input, output, counts. Both can be made anew from the originals.
//!
//! `one` reads an item, `family` is the file that keeps it, `scratch` holds what must be seekable, `rows` has the rows, `coverage` counts.

mod coverage;
mod family;
mod member;
mod one;
pub(crate) mod rows;
mod scratch;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use sago_sandbox::{Bounds, Program};
use sqlx::Row;
use uuid::Uuid;

use crate::ctx::{Ctx, Right};
use crate::error::{Error, ErrorKind, Result};
use crate::item::Item;
use crate::ledger::Tx;
use crate::ledger::event::{ItemsRead, ItemsReadDetail, TextOpened, TextOpenedDetail};
use crate::repository::Repository;
use crate::store::fault;

pub use coverage::{Coverage, Standings, coverage};
pub use family::{Family, FamilyLine, Member};
pub use member::open_member;
pub use rows::{Outcome, State};

/// Items read between two events: what an interruption may cost.
const BATCH: u64 = 200;

/// The hidden command of this program that reads one file behind walls.
pub const COMMAND: &str = "read-behind-walls";

/// The program that reads: this very one, also when its file was replaced meanwhile.
pub fn program() -> Program {
    Program { path: "/proc/self/exe".into(), arguments: vec![COMMAND.to_owned()] }
}

/// Which items are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that were not read yet, or whose text is not there.
    Unread,
    /// Those, and those that could be read in part or not at all.
    Failed,
    /// All.
    All,
}

/// How far a reading is.
#[derive(Debug, Default)]
pub struct Progress {
    /// Items read.
    pub items: AtomicU64,
    /// Files read, contained ones included.
    pub files: AtomicU64,
    /// Items to read.
    pub items_expected: AtomicU64,
    /// Set by the outside to stop: items that were read whole are still entered.
    pub stop: AtomicBool,
}

/// What a reading did.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// Items read.
    pub items: u64,
    /// Files in them.
    pub members: u64,
    /// How many items came to which state.
    pub states: BTreeMap<State, u64>,
    /// Items whose unit is sealed: they wait until it is opened.
    pub sealed: u64,
    /// Items whose stored bytes are not what was received: number and message. They were not read.
    pub damaged: Vec<(String, String)>,
}

/// Reads the items of one accession, or of all. What is entered is not read again after an interruption.
///
/// Sealed units are passed over and counted; damaged originals are named and passed over.
pub async fn read_items(repo: &Repository, ctx: &Ctx, accession: Option<Uuid>, which: Which, progress: &Progress) -> Result<Done> {
    ctx.require(Right::Read)?;
    repo.require_live()?;
    let mut done = Done::default();
    let mut after: Option<Item> = None;
    let total: i64 = match accession {
        Some(id) => sqlx::query_scalar("SELECT COUNT(*) FROM items WHERE accession = $1").bind(id.to_string()).fetch_one(repo.db().read()).await?,
        None => sqlx::query_scalar("SELECT COUNT(*) FROM items").fetch_one(repo.db().read()).await?,
    };
    progress.items_expected.store(crate::ledger::unsigned(total)?, Ordering::Relaxed);
    let mut texts = Texts::default();
    loop {
        let page = crate::item::page(repo, accession, after.as_ref(), BATCH).await?;
        let Some(last) = page.last().cloned() else { return Ok(done) };
        after = Some(last);
        let mut wanted = Vec::new();
        for item in page {
            if item.line.is_none() {
                done.sealed += 1;
            } else if texts.wants(repo, &item, which).await? {
                wanted.push(item);
            }
            progress.items.fetch_add(1, Ordering::Relaxed);
        }
        progress.items.fetch_sub(wanted.len() as u64, Ordering::Relaxed);
        enter(repo, ctx, None, wanted, progress, &mut done).await?;
        if progress.stop.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Unavailable, format!("Reading was stopped after {} items. What was read is entered.", done.items))
                .hint("Run the same command again: it goes on with the rest."));
        }
    }
}

/// Reads items that nobody else reads meanwhile, and enters what came of them: one event for each unit.
pub(crate) async fn enter(
    repo: &Repository,
    ctx: &Ctx,
    claim: Option<&crate::job::Claim>,
    items: Vec<Item>,
    progress: &Progress,
    done: &mut Done,
) -> Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    let read = tokio::task::block_in_place(|| read_batch(repo, items, progress))?;
    fault::point("items-read");
    let mut by_unit: BTreeMap<(Uuid, Uuid), Vec<String>> = BTreeMap::new();
    for (item, outcome) in read {
        match outcome {
            Ok(outcome) => {
                done.items += 1;
                done.members += outcome.members;
                *done.states.entry(outcome.state).or_default() += 1;
                by_unit.entry((item.accession, item.unit)).or_default().push(outcome.write(item.id)?);
            }
            Err(error) if error.kind == ErrorKind::Corrupt => done.damaged.push((item.number, error.message)),
            Err(error) => return Err(error),
        }
    }
    if by_unit.is_empty() {
        return Ok(());
    }
    let mut tx: Tx<'_> = repo.begin().await?;
    if let Some(claim) = claim {
        claim.fence(repo.db(), tx.conn()).await?;
    }
    for ((accession, unit), results) in by_unit {
        let event = ItemsRead { accession, unit, items: results.len() as u64 };
        tx.append(unit, event.with(ItemsReadDetail { software: crate::ctx::SOFTWARE.to_owned(), results }));
    }
    tx.commit(ctx).await?;
    repo.integrate(ctx).await?;
    Ok(())
}

type Read = (Item, Result<Outcome>);

/// Reads a batch on all cores; a stop leaves out what was not begun.
fn read_batch(repo: &Repository, items: Vec<Item>, progress: &Progress) -> Result<Vec<Read>> {
    let bounds = bounds(repo);
    let program = program();
    let next = AtomicUsize::new(0);
    let slots: Vec<Mutex<Option<Result<Outcome>>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let workers = std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 8);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { break };
                    if progress.stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let outcome = one::read_item(repo, &program, &bounds, item, progress);
                    let is_fatal = outcome.as_ref().is_err_and(|error| error.kind != ErrorKind::Corrupt);
                    *slots[at].lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
                    progress.items.fetch_add(1, Ordering::Relaxed);
                    if is_fatal {
                        next.store(items.len(), Ordering::Relaxed);
                        break;
                    }
                }
            });
        }
    });
    let outcomes = slots.into_iter().map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(items.into_iter().zip(outcomes).filter_map(|(item, outcome)| outcome.map(|outcome| (item, outcome))).collect())
}

/// What a reader may cost, as the settings say.
fn bounds(repo: &Repository) -> Bounds {
    let set = &repo.settings.reading;
    Bounds {
        memory_bytes: u64::from(set.memory_mb) << 20,
        work: std::time::Duration::from_secs(set.seconds.into()),
        may_stand_open: set.without_walls,
        ..Bounds::default()
    }
}

/// Where the text of an item lies in the derived place.
pub(crate) fn place_of(item: &Item) -> String {
    format!("{}/{}.age", item.accession, item.id)
}

/// Which texts there are, an accession at a time.
#[derive(Default)]
pub(crate) struct Texts {
    accession: Option<Uuid>,
    there: std::collections::HashSet<String>,
}

impl Texts {
    /// Whether an item is to be read.
    pub(crate) async fn wants(&mut self, repo: &Repository, item: &Item, which: Which) -> Result<bool> {
        if which == Which::All {
            return Ok(true);
        }
        if self.accession != Some(item.accession) {
            self.there = repo.places.derived.list(&item.accession.to_string())?.into_iter().map(|child| child.name).collect();
            self.accession = Some(item.accession);
        }
        if !self.there.contains(&format!("{}.age", item.id)) {
            return Ok(true);
        }
        let row = sqlx::query("SELECT state FROM readings WHERE item = $1").bind(item.id.to_string()).fetch_optional(repo.db().read()).await?;
        let Some(row) = row else { return Ok(true) };
        let state = State::of(&row.try_get::<String, _>(0)?)?;
        Ok(which == Which::Failed && state != State::Read)
    }
}

/// What is known of the reading of an item; `None` when it was not read yet.
pub async fn outcome(repo: &Repository, ctx: &Ctx, item: &Item) -> Result<Option<Outcome>> {
    ctx.require(Right::See)?;
    rows::outcome(repo, item.id).await
}

/// Opens the text of an item and of what it contains, as an event.
pub async fn open_text(repo: &Repository, ctx: &Ctx, number: &str, reason: &str) -> Result<(Item, Family)> {
    ctx.require(Right::Open)?;
    if reason.trim().is_empty() {
        return Err(Error::invalid("Opening a text needs a reason.").hint("Add `--reason TEXT`: it is entered in the log."));
    }
    let item = crate::item::find(repo, number).await?;
    let family = open_family(repo, &item).await?;
    let mut tx = repo.begin().await?;
    let detail = TextOpenedDetail { number: item.number.clone(), reason: reason.to_owned() };
    tx.append(item.unit, TextOpened { item: item.id, accession: item.accession }.with(detail));
    tx.commit(ctx).await?;
    repo.integrate(ctx).await?;
    Ok((item, family))
}

/// The text of an item, for operations that enter their own event.
pub(crate) async fn open_family(repo: &Repository, item: &Item) -> Result<Family> {
    if item.line.is_none() {
        return Err(Error::new(ErrorKind::Forbidden, format!("{} cannot be read: its unit is sealed, or its key was destroyed.", item.number)));
    }
    let Some(outcome) = rows::outcome(repo, item.id).await? else {
        return Err(Error::not_found(format!("{} was not read yet.", item.number)).hint("Run `sago read`."));
    };
    let stored = repo.places.derived.open(&place_of(item))?;
    let Some((stored, _)) = stored else {
        return Err(Error::not_found(format!("The text of {} is not here.", item.number)).hint("Run `sago read`: it is made anew from the original."));
    };
    let identity = repo.keyring().unit(item.unit)?;
    Family::open(stored, &identity, item, &outcome.output_sha256)
}
