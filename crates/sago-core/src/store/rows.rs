//! Sealed columns: names, titles and texts stand in rows only sealed to their consent unit (docs/formats.md section 12).
//!
//! A row key is made for one batch of rows and kept wrapped for its unit. So rows can be added to a sealed unit without opening it, and
//! destroying the unit's key destroys its rows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sago_seal::column::RowKey;
use sqlx::{Any, Row, Transaction};
use uuid::Uuid;

use crate::error::{Error, ErrorKind, Result};
use crate::key::{Keyring, open_own, seal_bytes};
use crate::store::db::Db;

type Keys = Mutex<HashMap<String, Option<Arc<RowKey>>>>;

/// Row keys opened so far.
#[derive(Default)]
pub struct RowKeys {
    opened: Keys,
    current: Mutex<HashMap<Uuid, String>>,
}

impl RowKeys {
    /// Opens one sealed value. `None` when its unit is sealed or destroyed.
    pub async fn open(&self, db: &Db, keyring: &Keyring, key: &str, place: Place<'_>, sealed: Option<&[u8]>) -> Result<Option<String>> {
        let Some(sealed) = sealed else { return Ok(None) };
        let Some(row_key) = self.reader(db, keyring, key).await? else { return Ok(None) };
        let text = row_key.open(place.table, place.column, place.row, sealed).map_err(|_| place.corrupt())?;
        Ok(Some(String::from_utf8(text.to_vec()).map_err(|_| place.corrupt())?))
    }

    async fn reader(&self, db: &Db, keyring: &Keyring, key: &str) -> Result<Option<Arc<RowKey>>> {
        if let Some(found) = self.opened.lock().unwrap_or_else(PoisonError::into_inner).get(key) {
            return Ok(found.clone());
        }
        let row = sqlx::query("SELECT unit, wrapped FROM row_keys WHERE id = $1").bind(key).fetch_optional(db.read()).await?;
        let opened = match row {
            None => None,
            Some(row) => unwrap(keyring, key, &row.try_get::<String, _>(0)?, &row.try_get::<Vec<u8>, _>(1)?)?,
        };
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), opened.clone());
        Ok(opened)
    }

    /// Opens every row key whose unit can be opened; an error names one that was altered.
    pub(crate) async fn check_all(&self, db: &Db, keyring: &Keyring) -> Result<()> {
        let keys: Vec<String> = sqlx::query_scalar("SELECT id FROM row_keys ORDER BY id").fetch_all(db.read()).await?;
        for key in keys {
            self.reader(db, keyring, &key).await?;
        }
        Ok(())
    }

    /// Forgets everything opened: after a unit was sealed or destroyed.
    pub fn forget(&self) {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn unwrap(keyring: &Keyring, key: &str, unit: &str, wrapped: &[u8]) -> Result<Option<Arc<RowKey>>> {
    let unit = Uuid::parse_str(unit).map_err(|_| Error::corrupt(format!("Row key {key} names no unit.")))?;
    let identity = match keyring.unit(unit) {
        Ok(identity) => identity,
        Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::NotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    let bytes = open_own(&identity, wrapped, std::path::Path::new(&format!("row key {key} of the database")))?;
    let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| Error::corrupt(format!("Row key {key} is not 32 bytes.")))?;
    Ok(Some(Arc::new(RowKey::from_bytes(bytes))))
}

/// Where a sealed value stands; bound into the sealing, so that values cannot be swapped.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Table.
    pub table: &'static str,
    /// Column.
    pub column: &'static str,
    /// The row's id.
    pub row: &'a str,
}

impl Place<'_> {
    fn corrupt(&self) -> Error {
        Error::corrupt(format!("The database row {} of {} was altered: its sealed {} does not open.", self.row, self.table, self.column))
            .hint("Run `sago verify` to see how far it goes, then `sago rebuild` to make the database anew from storage root, log and keys.")
    }
}

/// The writing side: a transaction, the keys, and the row keys made within it.
pub struct Writer<'a> {
    /// The transaction.
    pub conn: Transaction<'static, Any>,
    keyring: &'a Keyring,
    rows: &'a RowKeys,
    fresh: HashMap<Uuid, (String, Arc<RowKey>)>,
}

impl<'a> Writer<'a> {
    /// Takes a transaction.
    pub fn new(conn: Transaction<'static, Any>, keyring: &'a Keyring, rows: &'a RowKeys) -> Self {
        Self { conn, keyring, rows, fresh: HashMap::new() }
    }

    /// The keys.
    pub fn keyring(&self) -> &'a Keyring {
        self.keyring
    }

    /// Seals one value to a unit. Returns the row key's id and the sealed bytes.
    pub async fn seal(&mut self, unit: Uuid, place: Place<'_>, text: &str) -> Result<(String, Vec<u8>)> {
        let (id, key) = self.row_key(unit).await?;
        let sealed =
            key.seal(place.table, place.column, place.row, text.as_bytes()).map_err(|error| Error::internal(format!("Sealing a column failed: {error}")))?;
        Ok((id, sealed))
    }

    /// Seals a value that may be absent.
    pub async fn seal_some(&mut self, unit: Uuid, place: Place<'_>, text: Option<&str>) -> Result<(String, Option<Vec<u8>>)> {
        match text {
            Some(text) => self.seal(unit, place, text).await.map(|(id, sealed)| (id, Some(sealed))),
            None => Ok((String::new(), None)),
        }
    }

    async fn row_key(&mut self, unit: Uuid) -> Result<(String, Arc<RowKey>)> {
        if let Some(found) = self.fresh.get(&unit) {
            return Ok(found.clone());
        }
        let found = match self.existing(unit).await? {
            Some(found) => found,
            None => {
                let seed = crate::key::random_seed()?;
                let id = Uuid::new_v4().to_string();
                let wrapped = seal_bytes(&[&self.keyring.recipient(unit)?], seed.as_ref())?;
                sqlx::query("INSERT INTO row_keys (id, unit, wrapped) VALUES ($1, $2, $3)")
                    .bind(&id)
                    .bind(unit.to_string())
                    .bind(wrapped)
                    .execute(&mut *self.conn)
                    .await?;
                (id, Arc::new(RowKey::from_bytes(&seed)))
            }
        };
        self.fresh.insert(unit, found.clone());
        Ok(found)
    }

    async fn existing(&mut self, unit: Uuid) -> Result<Option<(String, Arc<RowKey>)>> {
        let known = self.rows.current.lock().unwrap_or_else(PoisonError::into_inner).get(&unit).cloned();
        if let Some(id) = known {
            let opened = self.rows.opened.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned().flatten();
            if let Some(key) = opened {
                return Ok(Some((id, key)));
            }
        }
        let row =
            sqlx::query("SELECT id, wrapped FROM row_keys WHERE unit = $1 ORDER BY id LIMIT 1").bind(unit.to_string()).fetch_optional(&mut *self.conn).await?;
        let Some(row) = row else { return Ok(None) };
        let id: String = row.try_get(0)?;
        Ok(unwrap(self.keyring, &id, &unit.to_string(), &row.try_get::<Vec<u8>, _>(1)?)?.map(|key| (id, key)))
    }

    /// Commits, and only then lets others use the row keys made within.
    pub async fn commit(self) -> Result<()> {
        crate::store::db::commit(self.conn).await?;
        let mut current = self.rows.current.lock().unwrap_or_else(PoisonError::into_inner);
        let mut opened = self.rows.opened.lock().unwrap_or_else(PoisonError::into_inner);
        for (unit, (id, key)) in self.fresh {
            current.insert(unit, id.clone());
            opened.insert(id, Some(key));
        }
        Ok(())
    }
}
