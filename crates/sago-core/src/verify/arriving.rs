//! What arrives in the storage root while it is read.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use sago_verify::{Finding, Report};
use sqlx::Row;
use uuid::Uuid;

use crate::error::{Error, ErrorKind, Result};
use crate::ledger::event::Log;
use crate::settings::Places;
use crate::store::blobs::urn;
use crate::store::db::Db;

/// Where deposits stood before a bucket was read: there the files of an object appear one by one, and somebody may be sending them meanwhile.
/// With the keys, the database is held against the log, so that no damage hides behind an altered row.
pub(super) struct Arriving {
    generation: i64,
    next: i64,
    prepared: HashSet<String>,
}

impl Arriving {
    /// Nothing where objects appear whole, or where no database can say.
    pub async fn read(places: &Places) -> Result<Option<Self>> {
        if places.store.folder().is_some() || (!places.database.contains("://") && !Path::new(&places.database).exists()) {
            return Ok(None);
        }
        let db = Db::open(&places.database, false).await?;
        let head = sqlx::query("SELECT generation, next FROM heads WHERE log = $1").bind(Log::Custody.name()).fetch_one(db.read()).await?;
        let text = "SELECT o.id FROM objects o JOIN accessions a ON a.id = o.accession WHERE a.status = 'prepared'";
        let prepared: Vec<String> = sqlx::query_scalar(text).fetch_all(db.read()).await?;
        db.close().await;
        Ok(Some(Self { generation: head.try_get(0)?, next: head.try_get(1)?, prepared: prepared.into_iter().collect() }))
    }

    /// Takes back what was found in objects that were half sent when they were read: those that have arrived since are judged once more,
    /// the others are said not to have been checked.
    pub async fn forgive(self, places: &Places, options: &sago_verify::Options, report: &mut Report) -> Result<()> {
        if !report.findings.iter().any(|finding| finding.path.starts_with("store/")) {
            return Ok(());
        }
        let db = Db::open(&places.database, false).await?;
        let text = "SELECT o.id, a.status FROM objects o JOIN accessions a ON a.id = o.accession \
             WHERE a.status = 'prepared' OR a.generation > $1 OR (a.generation = $1 AND a.idx >= $2)";
        let rows = sqlx::query(text).bind(self.generation).bind(self.next).fetch_all(db.read()).await?;
        db.close().await;
        let mut now = BTreeMap::new();
        for row in &rows {
            now.insert(row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)? == "prepared");
        }
        for id in self.prepared {
            now.entry(id).or_insert(false);
        }
        let mut half_sent = 0;
        for (id, is_prepared) in now {
            let Ok(id) = Uuid::parse_str(&id) else { continue };
            let folder = sago_packages::ocfl::write::object_path_0003(&urn(id));
            let found = report.findings.len();
            report.findings.retain(|finding| finding.path.strip_prefix("store/").is_none_or(|path| !path.starts_with(&folder)));
            if report.findings.len() == found {
                continue;
            }
            if is_prepared {
                half_sent += 1;
                continue;
            }
            if places.store.list(&folder)?.is_empty() {
                // It was given up meanwhile. Whether one that was received is missing, the log says.
                continue;
            }
            let judged = tokio::task::block_in_place(|| sago_packages::ocfl::validate_object_in(&places.store, &folder, &options.packages()));
            let (_, findings) = judged.map_err(|error| Error::new(ErrorKind::Unavailable, error.to_string()))?;
            report.findings.extend(findings.into_iter().map(|finding| Finding::from(finding).under(&format!("store/{folder}"))));
        }
        if half_sent > 0 {
            let why = "a deposit is being received or was interrupted: in a bucket the files of its objects appear one by one";
            report.not_checked(format!("{half_sent} objects that are prepared and not received"), why);
        }
        Ok(())
    }
}

/// Takes out findings of empty folders (E073) that are the way to an object's place: they are made before the object is put there by its
/// one rename, and a command is between the two or was interrupted there.
pub(super) async fn leave_out_ways(places: &Places, report: &mut Report) {
    let Some(root) = places.store.folder() else { return };
    if !report.findings.iter().any(|finding| finding.code == "E073") {
        return;
    }
    // Without a database that says what is under way, what was found stays found.
    let prepared = prepared_objects(places).await.unwrap_or_default();
    let is_filled =
        |path: &str| path.strip_prefix("store/").is_some_and(|path| std::fs::read_dir(root.join(path)).is_ok_and(|mut inside| inside.next().is_some()));
    let is_way = |path: &str| prepared.iter().any(|folder| folder.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')));
    report.findings.retain(|finding| finding.code != "E073" || !(is_way(&finding.path) || is_filled(&finding.path)));
}

/// Folders of the objects of accessions that are prepared and not received; none without a database.
async fn prepared_objects(places: &Places) -> Result<BTreeSet<String>> {
    if !places.database.contains("://") && !Path::new(&places.database).exists() {
        return Ok(BTreeSet::new());
    }
    let db = Db::open(&places.database, false).await?;
    let text = "SELECT o.id FROM objects o JOIN accessions a ON a.id = o.accession WHERE a.status = 'prepared'";
    let ids: Vec<String> = sqlx::query_scalar(text).fetch_all(db.read()).await?;
    db.close().await;
    let folder = |id: &String| Uuid::parse_str(id).ok().map(|id| format!("store/{}", sago_packages::ocfl::write::object_path_0003(&urn(id))));
    Ok(ids.iter().filter_map(folder).collect())
}
