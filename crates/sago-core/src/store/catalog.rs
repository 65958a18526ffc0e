//! The shape of a PostgreSQL database itself: its tables with their columns, indexes and constraints, and what works behind their rows
//! (triggers, rules, policies). Rows alone do not show a trigger that will drop the next one.

use std::collections::BTreeMap;

use sqlx::{AnyConnection, Row};

use super::db::Db;
use crate::error::Result;

/// Every part by kind and name, and how PostgreSQL itself describes it, the schema's name left out. What extensions brought is theirs.
const PARTS: &str = "
    WITH ours AS (
        SELECT c.oid, c.relname, c.relkind, c.relrowsecurity, n.nspname || '.' AS prefix
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    )
    SELECT 'table ' || relname, relkind::text || relrowsecurity::text FROM ours WHERE relkind NOT IN ('i', 'I')
    UNION ALL
    SELECT 'column ' || c.relname || '.' || a.attname,
        format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull::text || COALESCE(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') || COALESCE(' COLLATE ' || l.collname, '')
        FROM ours c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum LEFT JOIN pg_collation l ON l.oid = a.attcollation
        WHERE c.relkind NOT IN ('i', 'I')
    UNION ALL
    SELECT 'index ' || relname, replace(pg_get_indexdef(oid), prefix, '') FROM ours WHERE relkind IN ('i', 'I')
    UNION ALL
    SELECT 'constraint ' || c.relname || '.' || k.conname, replace(pg_get_constraintdef(k.oid), c.prefix, '') FROM ours c JOIN pg_constraint k ON k.conrelid = c.oid
    UNION ALL
    SELECT 'trigger ' || c.relname || '.' || t.tgname, replace(pg_get_triggerdef(t.oid), c.prefix, '') || ' ' || t.tgenabled::text
        FROM ours c JOIN pg_trigger t ON t.tgrelid = c.oid WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 'rule ' || c.relname || '.' || r.rulename, replace(pg_get_ruledef(r.oid), c.prefix, '') FROM ours c JOIN pg_rewrite r ON r.ev_class = c.oid
    UNION ALL
    SELECT 'policy ' || c.relname || '.' || p.polname, COALESCE(pg_get_expr(p.polqual, c.oid), '') FROM ours c JOIN pg_policy p ON p.polrelid = c.oid
    UNION ALL
    SELECT 'event trigger ' || evtname, evtenabled::text FROM pg_event_trigger";

/// Where the expected shape is made, inside a transaction that is never committed.
const EXPECTED: &str = "sago_expected";

/// Parts by kind and name.
pub(crate) type Catalog = BTreeMap<String, String>;

async fn read(connection: &mut AnyConnection, schema: &str) -> Result<Catalog> {
    let rows = sqlx::query(PARTS).bind(schema).fetch_all(connection).await?;
    let parts = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    Ok(parts.collect::<Result<_, sqlx::Error>>()?)
}

/// The shape that is there, and the one that this Sago would make.
pub(crate) async fn there_and_expected(db: &Db) -> Result<(Catalog, Catalog)> {
    let mut tx = db.read().begin().await?;
    let ours: String = sqlx::query_scalar("SELECT current_schema()::text").fetch_one(&mut *tx).await?;
    let there = read(&mut tx, &ours).await?;
    for statement in [format!("CREATE SCHEMA {EXPECTED}"), format!("SET LOCAL search_path TO {EXPECTED}")] {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *tx).await?;
    }
    db.make_tables(&mut tx).await?;
    sqlx::query(crate::ledger::lock::TABLE).execute(&mut *tx).await?;
    let expected = read(&mut tx, EXPECTED).await?;
    tx.rollback().await?;
    Ok((there, expected))
}
