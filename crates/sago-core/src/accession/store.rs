//! Rows of accessions, their objects, items and findings.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::accession::manifest::{Line, Manifest};
use crate::ctx::micros;
use crate::error::{Error, Result};
use crate::fixity::store as fixity;
use crate::ledger::event::{AccessionOpened, AccessionOpenedDetail, AccessionPrepared, AccessionQuarantined, AccessionReceived, AccessionReceivedDetail};
use crate::ledger::{Record, signed};
use crate::store::rows::{Place, Writer};

pub(crate) async fn open(writer: &mut Writer<'_>, record: &Record<'_>, event: &AccessionOpened, detail: Option<&AccessionOpenedDetail>) -> Result<()> {
    let id = event.accession.to_string();
    let text = detail.map(|detail| serde_json::json!({ "contributor": detail.contributor, "title": detail.title }).to_string());
    let (row_key, sealed) = writer.seal_some(event.unit, Place { table: "accessions", column: "sealed", row: &id }, text.as_deref()).await?;
    sqlx::query(
        "INSERT INTO accessions (id, number, unit, status, at, items, bytes, not_taken, row_key, sealed) VALUES ($1, $2, $3, 'opened', $4, 0, 0, 0, $5, $6)",
    )
    .bind(&id)
    .bind(&event.number)
    .bind(event.unit.to_string())
    .bind(micros(record.at))
    .bind(row_key)
    .bind(sealed)
    .execute(&mut *writer.conn)
    .await?;
    Ok(())
}

pub(crate) async fn prepare(writer: &mut Writer<'_>, event: &AccessionPrepared) -> Result<()> {
    for (part, object) in event.objects.iter().enumerate() {
        sqlx::query("INSERT INTO objects (id, accession, part, inventory_sha512, status) VALUES ($1, $2, $3, $4, 'prepared')")
            .bind(object.id.to_string())
            .bind(event.accession.to_string())
            .bind(signed(part as u64 + 1))
            .bind(&object.inventory_sha512)
            .execute(&mut *writer.conn)
            .await?;
    }
    set_status(writer, event.accession, "prepared").await
}

pub(crate) async fn set_status(writer: &mut Writer<'_>, accession: Uuid, status: &str) -> Result<()> {
    sqlx::query("UPDATE accessions SET status = $2 WHERE id = $1").bind(accession.to_string()).bind(status).execute(&mut *writer.conn).await?;
    Ok(())
}

pub(crate) async fn quarantine(writer: &mut Writer<'_>, event: &AccessionQuarantined) -> Result<()> {
    sqlx::query("UPDATE objects SET status = 'quarantined' WHERE id = $1").bind(event.object.to_string()).execute(&mut *writer.conn).await?;
    set_status(writer, event.accession, "quarantined").await
}

pub(crate) async fn receive(writer: &mut Writer<'_>, record: &Record<'_>, event: &AccessionReceived, detail: Option<&AccessionReceivedDetail>) -> Result<()> {
    let id = event.accession.to_string();
    sqlx::query("UPDATE objects SET status = 'stored' WHERE accession = $1").bind(&id).execute(&mut *writer.conn).await?;
    let (items, bytes, not_taken) = detail.map_or((0, 0, 0), |detail| (detail.items, detail.bytes, detail.not_taken));
    let first = record.manifest.and_then(|manifest| manifest.lines().next()).transpose()?;
    let (row_key, sealed) = writer.seal_some(event.unit, Place { table: "accessions", column: "sealed", row: &id }, first.as_deref()).await?;
    sqlx::query(
        "UPDATE accessions SET status = 'received', at = $2, items = $3, bytes = $4, not_taken = $5, generation = $6, idx = $7, row_key = $8, sealed = $9 WHERE id = $1",
    )
    .bind(&id)
    .bind(micros(record.at))
    .bind(signed(items))
    .bind(signed(bytes))
    .bind(signed(not_taken))
    .bind(signed(record.position.generation))
    .bind(signed(record.position.index))
    .bind(row_key)
    .bind(sealed)
    .execute(&mut *writer.conn)
    .await?;
    match record.manifest {
        Some(manifest) => insert_lines(writer, record, event, manifest).await,
        None => Ok(()),
    }
}

async fn insert_lines(writer: &mut Writer<'_>, record: &Record<'_>, event: &AccessionReceived, manifest: &Manifest) -> Result<()> {
    let accession = event.accession.to_string();
    let unit = event.unit.to_string();
    let blinding = fingerprint_key(writer, event.unit)?;
    let mut seq = 0_u64;
    for (index, text) in (0_u64..).zip(manifest.lines()) {
        let text = &text?;
        match Line::read(text)? {
            Line::Accession(_) => {}
            Line::Item(line) => {
                seq += 1;
                let id = line.id.to_string();
                let (row_key, sealed) = writer.seal(event.unit, Place { table: "items", column: "sealed", row: &id }, text).await?;
                let print = blinding.as_ref().map(|key| fingerprint(key, &line.sha256, line.bytes));
                sqlx::query(
                    "INSERT INTO items (id, accession, seq, number, unit, object, content, bytes, fingerprint, line_index, row_key, sealed) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                )
                .bind(&id)
                .bind(&accession)
                .bind(signed(seq))
                .bind(&line.number)
                .bind(&unit)
                .bind(line.object.to_string())
                .bind(&line.content)
                .bind(signed(line.bytes))
                .bind(print)
                .bind(signed(index))
                .bind(row_key)
                .bind(sealed)
                .execute(&mut *writer.conn)
                .await?;
                // What was just written was just hashed: the deposit is the first fixity check.
                if line.duplicate_of.is_none() {
                    fixity::insert(writer, &line.object.to_string(), &line.content, micros(record.at), "ok").await?;
                }
            }
            Line::Finding(line) => {
                let row = format!("{accession}/{index}");
                let (row_key, sealed) = writer.seal(event.unit, Place { table: "findings", column: "sealed", row: &row }, text).await?;
                sqlx::query("INSERT INTO findings (accession, line_index, code, taken, row_key, sealed) VALUES ($1, $2, $3, $4, $5, $6)")
                    .bind(&accession)
                    .bind(signed(index))
                    .bind(&line.code)
                    .bind(i64::from(line.taken))
                    .bind(row_key)
                    .bind(sealed)
                    .execute(&mut *writer.conn)
                    .await?;
            }
        }
    }
    Ok(())
}

/// The key that blinds fingerprints of a unit; `None` when the unit is sealed.
fn fingerprint_key(writer: &Writer<'_>, unit: Uuid) -> Result<Option<zeroize::Zeroizing<[u8; 32]>>> {
    use crate::error::ErrorKind;
    match writer.keyring().unit(unit) {
        Ok(identity) => derive_fingerprint_key(&identity).map(Some),
        Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Derives the key that blinds fingerprints from a unit's identity.
pub(crate) fn derive_fingerprint_key(identity: &sago_seal::hybrid::HybridIdentity) -> Result<zeroize::Zeroizing<[u8; 32]>> {
    let text = identity.to_secret_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"sago/fingerprint/1").map_err(|_| Error::internal("HMAC refused a key."))?;
    mac.update(text.as_bytes());
    Ok(zeroize::Zeroizing::new(mac.finalize().into_bytes().into()))
}

/// A blinded fingerprint of an original: equal for equal bytes within one unit, and telling nothing to who lacks the unit's key.
pub(crate) fn fingerprint(key: &[u8; 32], sha256: &str, bytes: u64) -> String {
    // A key of 32 bytes is never refused by HMAC; an all-zero print would only mean "no match".
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(sha256.as_bytes());
    mac.update(&bytes.to_be_bytes());
    hex::encode(mac.finalize().into_bytes())
}
