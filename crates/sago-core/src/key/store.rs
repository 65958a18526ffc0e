//! Rows of units, of requests to destroy them, and of approvals.

use uuid::Uuid;

use crate::ctx::micros;
use crate::error::{Error, Result};
use crate::ledger::Record;
use crate::ledger::event::{ApprovalGiven, DestructionRequested, UnitDestroyed};
use crate::store::rows::Writer;

pub(crate) async fn insert_unit(writer: &mut Writer<'_>, record: &Record<'_>, unit: Uuid, mode: &str, vault_sha256: &str) -> Result<()> {
    sqlx::query("INSERT INTO units (id, mode, created_at, vault_sha256) VALUES ($1, $2, $3, $4)")
        .bind(unit.to_string())
        .bind(mode)
        .bind(micros(record.at))
        .bind(vault_sha256)
        .execute(&mut *writer.conn)
        .await?;
    Ok(())
}

pub(crate) async fn set_mode(writer: &mut Writer<'_>, unit: Uuid, mode: &str, vault_sha256: &str) -> Result<()> {
    sqlx::query("UPDATE units SET mode = $2, vault_sha256 = $3 WHERE id = $1")
        .bind(unit.to_string())
        .bind(mode)
        .bind(vault_sha256)
        .execute(&mut *writer.conn)
        .await?;
    Ok(())
}

/// Takes over the digests of keys that were wrapped anew, `<unit> <sha256>` each.
pub(crate) async fn set_vault_digests(writer: &mut Writer<'_>, lines: &[String]) -> Result<()> {
    for line in lines {
        let (unit, sha256) = line.split_once(' ').ok_or_else(|| Error::corrupt("An event lists a wrapped key without its digest."))?;
        sqlx::query("UPDATE units SET vault_sha256 = $2 WHERE id = $1").bind(unit).bind(sha256).execute(&mut *writer.conn).await?;
    }
    Ok(())
}

pub(crate) async fn insert_request(writer: &mut Writer<'_>, record: &Record<'_>, event: &DestructionRequested) -> Result<()> {
    sqlx::query("INSERT INTO requests (id, number, kind, subject, asked_by, at, status) VALUES ($1, $2, 'destroy-unit', $3, $4, $5, 'open')")
        .bind(event.request.to_string())
        .bind(&event.number)
        .bind(event.unit.to_string())
        .bind(record.agent.to_string())
        .bind(micros(record.at))
        .execute(&mut *writer.conn)
        .await?;
    Ok(())
}

pub(crate) async fn insert_approval(writer: &mut Writer<'_>, record: &Record<'_>, event: &ApprovalGiven) -> Result<()> {
    sqlx::query("INSERT INTO approvals (request, agent, at, signature) VALUES ($1, $2, $3, $4)")
        .bind(event.request.to_string())
        .bind(event.approver.to_string())
        .bind(micros(record.at))
        .bind(&event.signature)
        .execute(&mut *writer.conn)
        .await?;
    Ok(())
}

/// Marks a unit destroyed and removes everything in the database that was sealed to it.
pub(crate) async fn destroy_unit(writer: &mut Writer<'_>, event: &UnitDestroyed) -> Result<()> {
    let unit = event.unit.to_string();
    for statement in [
        "UPDATE units SET mode = 'destroyed', vault_sha256 = '' WHERE id = $1",
        "DELETE FROM row_keys WHERE unit = $1",
        // How many items and bytes there were stood in the sealed detail: the log cannot say it again, so neither does the tombstone.
        "UPDATE accessions SET status = 'destroyed', items = 0, bytes = 0, not_taken = 0, row_key = '', sealed = NULL WHERE unit = $1",
        "DELETE FROM findings WHERE accession IN (SELECT id FROM accessions WHERE unit = $1)",
        "DELETE FROM readings WHERE unit = $1",
        "DELETE FROM items WHERE unit = $1",
        "DELETE FROM contents WHERE object IN (SELECT o.id FROM objects o JOIN accessions a ON a.id = o.accession WHERE a.unit = $1)",
        "UPDATE events SET detail_key = '', detail_sealed = NULL WHERE unit = $1",
    ] {
        sqlx::query(statement).bind(&unit).execute(&mut *writer.conn).await?;
    }
    sqlx::query("UPDATE requests SET status = 'done' WHERE id = $1").bind(event.request.to_string()).execute(&mut *writer.conn).await?;
    Ok(())
}
