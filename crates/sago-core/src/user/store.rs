//! Rows of people.

use crate::error::Result;
use crate::ledger::event::{AgentAdded, AgentAddedDetail};
use crate::store::rows::{Place, Writer};

pub(crate) async fn insert(writer: &mut Writer<'_>, event: &AgentAdded, detail: Option<&AgentAddedDetail>) -> Result<()> {
    let id = event.subject.to_string();
    let place = Place { table: "agents", column: "sealed", row: &id };
    let domain = writer.keyring().domain();
    let (row_key, sealed) = writer.seal_some(domain, place, detail.map(|detail| detail.name.as_str())).await?;
    sqlx::query("INSERT INTO agents (id, code, roles, public_key, row_key, sealed) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(&id)
        .bind(&event.code)
        .bind(event.roles.join(" "))
        .bind(event.public_key.as_deref())
        .bind(row_key)
        .bind(sealed)
        .execute(&mut *writer.conn)
        .await?;
    Ok(())
}
