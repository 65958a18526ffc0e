//! Search: a sealed index on this machine's disk that follows the log, and questions to it.
//!
//! The index is nobody's truth: each machine keeps its own, makes it anew when it is damaged, of another epoch or gone, and catches up from
//! the event where it stopped. What belongs to a unit that was sealed or destroyed is taken out, and its bytes with it, before the command
//! that did so ends here, and before the next answer elsewhere. Every search is entered in the access log: who asked what, and what was shown.

mod feed;
mod follow;

use sago_search::{Answer, Index, Request, Visible};
use sqlx::Row;
use uuid::Uuid;

use crate::ctx::{Ctx, Right};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::event::{SearchMade, SearchMadeDetail};
use crate::ledger::unsigned;
use crate::repository::Repository;

pub(crate) use follow::forget_unit;
pub use follow::{Followed, Progress, follow};

/// What was found, and what could not be looked into.
#[derive(Debug)]
pub struct Found {
    /// What the index says.
    pub answer: Answer,
    /// Items that were not read yet.
    pub waiting: u64,
    /// Items of sealed units.
    pub sealed: u64,
    /// What kept the index from being brought up to date before it was asked, if something did.
    pub behind: Option<String>,
}

/// Searches what the person may see, and enters it. The index is brought up to date first; when another process is just doing that, the answer
/// is of the state before, and says so.
pub async fn search(repo: &Repository, ctx: &Ctx, mut request: Request) -> Result<Found> {
    ctx.require(Right::Search)?;
    let behind = match follow(repo, ctx, false, &Progress::default()).await {
        Ok(_) => None,
        Err(error) if error.kind == ErrorKind::Conflict => Some(error.message),
        Err(error) => return Err(error),
    };
    request.visible = Visible { units: Some(open_units(repo).await?), ..request.visible };
    let index = follow::open(repo)?;
    let query = request.query.clone();
    let answer = tokio::task::block_in_place(|| index.search(&request)).map_err(|error| failed(&error))?;
    let shown = answer.hits.iter().map(|hit| hit.number.clone()).collect();
    let mut tx = repo.begin().await?;
    tx.append(repo.settings.domain_unit, SearchMade { total: answer.total }.with(SearchMadeDetail { query, shown }));
    tx.commit(ctx).await?;
    repo.integrate(ctx).await?;
    let count = "SELECT COUNT(*) FROM items i JOIN units u ON u.id = i.unit LEFT JOIN readings r ON r.item = i.id WHERE ";
    let waiting: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("{count} u.mode = 'working' AND r.item IS NULL"))).fetch_one(repo.db().read()).await?;
    let sealed: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("{count} u.mode = 'sealed'"))).fetch_one(repo.db().read()).await?;
    Ok(Found { answer, waiting: unsigned(waiting)?, sealed: unsigned(sealed)?, behind })
}

/// Units whose content may be seen now.
async fn open_units(repo: &Repository) -> Result<Vec<Uuid>> {
    let rows = sqlx::query("SELECT id FROM units WHERE mode = 'working'").fetch_all(repo.db().read()).await?;
    let corrupt = |_| Error::corrupt("A unit's row was altered.");
    rows.iter().map(|row| Uuid::parse_str(&row.try_get::<String, _>(0)?).map_err(corrupt)).collect()
}

/// The error of the index for people.
fn failed(error: &sago_search::SearchError) -> Error {
    use sago_search::SearchError as Cause;
    match error {
        Cause::Query(wrong) => Error::invalid(format!("The query cannot be understood: {wrong}. Nothing was searched."))
            .hint("`sago search --help` shows how queries are written; what means something else is put in quotation marks."),
        Cause::Busy => Error::conflict("Another process is just bringing the search index up to date.").hint("Try again in a while."),
        Cause::WrongKey(_) | Cause::Damaged(_) => Error::corrupt(format!("The search index cannot be used: {error}."))
            .hint("`sago index --anew` makes it again from the texts; nothing else is lost."),
        Cause::Place(_) | Cause::Io(_) => Error::new(ErrorKind::Unavailable, format!("The search index cannot be used: {error}.")),
        Cause::Internal(_) => Error::internal(error.to_string()),
    }
}

/// The key that seals the index: of this epoch and this repository.
fn key(repo: &Repository) -> Result<sago_search::IndexKey> {
    use hmac::{Hmac, KeyInit, Mac};
    let secret = repo.keyring().operating().to_secret_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| Error::internal("HMAC refused a key."))?;
    mac.update(b"sago/index/1");
    mac.update(repo.settings.repository.as_bytes());
    let bytes: zeroize::Zeroizing<[u8; 32]> = zeroize::Zeroizing::new(mac.finalize().into_bytes().into());
    Ok(sago_search::IndexKey::from_bytes(&bytes))
}

/// Opens the index as it lies there.
fn open_index(repo: &Repository) -> std::result::Result<Index, sago_search::SearchError> {
    let key = key(repo).map_err(|error| sago_search::SearchError::Internal(error.message))?;
    Index::open(&repo.places.index, &key, sago_search::IndexOptions::default())
}
