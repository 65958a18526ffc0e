//! Items: one original each, with its number, its names and its digests.

#[cfg(test)]
mod tests;

use std::io::{Read, Write};
use std::path::Path;

use sago_seal::file;
use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::accession::manifest::{ItemLine, Line};
use crate::ctx::{Ctx, Right};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::event::{ItemOpened, ItemOpenedDetail, OpenRefused, OpenRefusedDetail};
use crate::ledger::unsigned;
use crate::repository::Repository;
use crate::store::rows::Place;
use crate::store::{durable, fault};

/// An item as lists and pages show it.
#[derive(Debug, Clone)]
pub struct Item {
    /// Id.
    pub id: Uuid,
    /// Its accession.
    pub accession: Uuid,
    /// Number.
    pub number: String,
    /// Consent unit.
    pub unit: Uuid,
    /// Object that holds the sealed original.
    pub object: Uuid,
    /// Path in the object's content folder.
    pub content: String,
    /// Size of the original.
    pub bytes: u64,
    /// Its line in the accession's manifest, from 0.
    pub line_index: u64,
    /// Its place among the items of its accession.
    pub(crate) seq: i64,
    /// When its stored file was last read and compared, microseconds, and what was found.
    pub fixity: Option<(i64, String)>,
    /// The manifest line, when the unit is open.
    pub line: Option<ItemLine>,
    /// The exact text of that line.
    pub text: Option<String>,
}

const SELECT: &str = "SELECT i.id, i.accession, i.number, i.unit, i.object, i.content, i.bytes, i.line_index, i.row_key, i.sealed, i.seq, c.checked_at, c.outcome \
     FROM items i LEFT JOIN contents c ON c.object = i.object AND c.path = i.content";

/// Items of one accession, or of all, by accession number and place in it: those after an item, or the first ones, at most `limit`.
pub async fn items(repo: &Repository, ctx: &Ctx, accession: Option<Uuid>, after: Option<&Item>, limit: u64) -> Result<Vec<Item>> {
    ctx.require(Right::See)?;
    page(repo, accession, after, limit).await
}

/// The same, for operations that asked for their own right.
///
/// A page begins by index where the last one ended, whatever its place in the list. Item numbers are never compared as texts:
/// `A-2026-0001.100000` would come before `A-2026-0001.99999`.
pub(crate) async fn page(repo: &Repository, accession: Option<Uuid>, after: Option<&Item>, limit: u64) -> Result<Vec<Item>> {
    if let Some(accession) = accession {
        return page_of(repo, accession, after.map_or(-1, |item| item.seq), limit).await;
    }
    // The rest of the accession of the last item, then the accessions after it, until the page is full.
    let (mut found, mut number) = (Vec::new(), String::new());
    if let Some(after) = after {
        found = page_of(repo, after.accession, after.seq, limit).await?;
        number = sqlx::query_scalar("SELECT number FROM accessions WHERE id = $1").bind(after.accession.to_string()).fetch_one(repo.db().read()).await?;
    }
    while (found.len() as u64) < limit {
        let next = sqlx::query("SELECT id, number FROM accessions WHERE number > $1 ORDER BY number LIMIT 1").bind(&number);
        let Some(next) = next.fetch_optional(repo.db().read()).await? else { break };
        let accession = Uuid::parse_str(&next.try_get::<String, _>(0)?).map_err(|_| Error::corrupt("An accession's row was altered."))?;
        number = next.try_get(1)?;
        let wanted = limit - found.len() as u64;
        found.extend(page_of(repo, accession, -1, wanted).await?);
    }
    Ok(found)
}

async fn page_of(repo: &Repository, accession: Uuid, after: i64, limit: u64) -> Result<Vec<Item>> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} WHERE i.accession = $1 AND i.seq > $2 ORDER BY i.seq LIMIT $3")))
        .bind(accession.to_string())
        .bind(after)
        .bind(crate::ledger::signed(limit))
        .fetch_all(repo.db().read())
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push(read(repo, row).await?);
    }
    Ok(found)
}

/// One item by number or id.
pub async fn item(repo: &Repository, ctx: &Ctx, name: &str) -> Result<Item> {
    ctx.require(Right::See)?;
    find(repo, name).await
}

pub(crate) async fn find(repo: &Repository, name: &str) -> Result<Item> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} WHERE i.number = $1 OR i.id = $1"))).bind(name).fetch_optional(repo.db().read()).await?;
    match row {
        Some(row) => read(repo, &row).await,
        None => Err(absent(repo, name).await?),
    }
}

/// Why an item is not there: never was, or its unit's key was destroyed.
async fn absent(repo: &Repository, name: &str) -> Result<Error> {
    let accession = name.rsplit_once('.').map_or(name, |(accession, _)| accession);
    let status: Option<String> = sqlx::query_scalar("SELECT status FROM accessions WHERE number = $1").bind(accession).fetch_optional(repo.db().read()).await?;
    Ok(if status.as_deref() == Some("destroyed") {
        Error::not_found(format!("The key of {accession} was destroyed: nothing of it can be opened again."))
            .hint(format!("`sago show {accession}` says when, by whom and why."))
    } else {
        Error::not_found(format!("There is no {name} here.")).hint("`sago list items` shows the items.")
    })
}

/// The manifest line of an item; `None` when its unit is sealed or destroyed.
pub(crate) async fn line_of(repo: &Repository, id: Uuid) -> Result<Option<ItemLine>> {
    Ok(find(repo, &id.to_string()).await?.line)
}

async fn read(repo: &Repository, row: &AnyRow) -> Result<Item> {
    let corrupt = || Error::corrupt("An item's row was altered.").hint("Run `sago verify`, then `sago rebuild`.");
    let uuid = |column: &str| -> Result<Uuid> { Uuid::parse_str(&row.try_get::<String, _>(column)?).map_err(|_| corrupt()) };
    let id: String = row.try_get("id")?;
    let sealed: Option<Vec<u8>> = row.try_get("sealed")?;
    let place = Place { table: "items", column: "sealed", row: &id };
    let text = repo.open_column(&row.try_get::<String, _>("row_key")?, place, sealed.as_deref()).await?;
    let line = match text.as_deref().map(Line::read).transpose()? {
        Some(Line::Item(line)) => Some(line),
        Some(Line::Accession(_) | Line::Finding(_)) => return Err(corrupt()),
        None => None,
    };
    let number: String = row.try_get("number")?;
    let bytes = unsigned(row.try_get("bytes")?)?;
    let (object, content): (Uuid, String) = (uuid("object")?, row.try_get("content")?);
    // What stands in clear must say what the sealed line says.
    if line.as_ref().is_some_and(|line| line.number != number || line.bytes != bytes || line.object != object || line.content != content) {
        return Err(corrupt());
    }
    let checked: Option<i64> = row.try_get("checked_at")?;
    Ok(Item {
        id: uuid("id")?,
        accession: uuid("accession")?,
        number,
        unit: uuid("unit")?,
        object,
        content,
        bytes,
        line_index: unsigned(row.try_get("line_index")?)?,
        seq: row.try_get("seq")?,
        fixity: checked.zip(row.try_get::<Option<String>, _>("outcome")?),
        line,
        text,
    })
}

/// Opens an original: writes its exact bytes to a new file.
///
/// The event is entered and durable before the first byte is released (fail closed). The stored file is compared with its digest before
/// it is opened, and the original with its own before the file gets its name: what appears under `output` is the original or nothing.
pub async fn open_item(repo: &Repository, ctx: &Ctx, name: &str, reason: &str, output: &Path) -> Result<Item> {
    ctx.require(Right::Open)?;
    let item = find(repo, name).await?;
    if reason.trim().is_empty() {
        return Err(Error::invalid("Opening an original needs a reason.").hint("Add `--reason TEXT`: it is entered in the log."));
    }
    if output.exists() {
        return Err(Error::conflict(format!("{} exists already.", output.display())).hint("Name a file that does not exist: nothing is overwritten."));
    }
    repo.places.refuse_inside(output)?;
    let Some(line) = item.line.clone() else {
        let refusal = "its unit is sealed, or its key was destroyed";
        let mut tx = repo.begin().await?;
        let detail = OpenRefusedDetail { reason: reason.to_owned(), refusal: refusal.to_owned() };
        tx.append(repo.settings.domain_unit, OpenRefused { item: item.id }.with(detail));
        tx.commit(ctx).await?;
        repo.integrate(ctx).await?;
        return Err(Error::new(ErrorKind::Forbidden, format!("{} cannot be opened: {refusal}. The attempt was entered in the log.", item.number))
            .hint("A sealed unit is opened with the shares of the custodians: `sago key unseal`."));
    };
    let mut tx = repo.begin().await?;
    let detail = ItemOpenedDetail { number: item.number.clone(), reason: reason.to_owned() };
    tx.append(item.unit, ItemOpened { item: item.id, accession: item.accession }.with(detail));
    tx.commit(ctx).await?;
    repo.integrate(ctx).await?;
    fault::point("open-entered");
    tokio::task::block_in_place(|| release(repo, item.unit, &line, output))?;
    Ok(item)
}

fn release(repo: &Repository, unit: Uuid, line: &ItemLine, output: &Path) -> Result<()> {
    // It has no name until it is whole: an interruption leaves nothing of an original behind.
    let mut file = durable::Unnamed::create(output)?;
    write_original(repo, unit, line, &mut file.writer())?;
    fault::point("open-written");
    file.finish()
}

/// Writes an original to any writer, checking the stored bytes before and the original's after.
pub(crate) fn write_original(repo: &Repository, unit: Uuid, line: &ItemLine, into: &mut dyn Write) -> Result<()> {
    let mut original = open_original(repo, unit, line)?;
    let mut block = vec![0; 1 << 20];
    loop {
        let read = original.read(&mut block).map_err(|error| not_read(&line.number, &error))?;
        if read == 0 {
            return Ok(());
        }
        into.write_all(&block[..read]).map_err(|error| Error::io("Could not write", Path::new("the output"), &error))?;
    }
}

/// The error for an original that could not be read to its end: the way to the bucket broke off, or its stored bytes are damaged.
pub(crate) fn not_read(number: &str, error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::ConnectionAborted => Error::io("Could not read the stored file of", Path::new(number), error),
        _ => Error::corrupt(error.to_string()),
    }
}

/// An original as it is read: the last read fails when its bytes were not those received.
pub(crate) struct Original {
    opener: sago_seal::Opener<std::io::BufReader<crate::store::blobs::Stored>>,
    hasher: Option<Sha256>,
    bytes: u64,
    line: ItemLine,
}

/// Opens an original for reading, after its stored file was compared with its digest.
pub(crate) fn open_original(repo: &Repository, unit: Uuid, line: &ItemLine) -> Result<Original> {
    let mut stored = repo.blobs.open_content(line.object, &line.content)?;
    let digest = crate::fixity::sha512_of(&mut stored).map_err(|error| Error::io("Could not read", Path::new(&stored.name), &error))?;
    if digest != line.content_sha512 {
        return Err(Error::corrupt(format!("The stored file of {} is not what was received: its digest differs. It was not opened.", line.number))
            .hint("Put it back from a backup; `sago fixity --all` shows what else is damaged."));
    }
    let identity = repo.keyring().unit(unit)?;
    let stored = repo.blobs.open_content(line.object, &line.content)?;
    let opener = file::open_with(&[&identity], stored).map_err(|error| match error {
        sago_seal::SealError::Io(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => not_read(&line.number, &error),
        error => Error::corrupt(format!("{} cannot be opened: {error}", line.number)),
    })?;
    Ok(Original { opener, hasher: Some(Sha256::new()), bytes: 0, line: line.clone() })
}

impl Read for Original {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.opener.read(buffer)?;
        self.bytes += read as u64;
        match &mut self.hasher {
            Some(hasher) if read > 0 => hasher.update(&buffer[..read]),
            _ if read == 0 && !buffer.is_empty() => {
                let digest = self.hasher.take().map(|hasher| hex::encode(hasher.finalize()));
                if digest.is_some_and(|digest| digest != self.line.sha256) || self.bytes != self.line.bytes {
                    return Err(std::io::Error::other(format!("{} opens to other bytes than were received. Nothing was released.", self.line.number)));
                }
            }
            _ => {}
        }
        Ok(read)
    }
}
