//! `migration.json`: says that a folder is the target of a migration that is not finished, and of which.

use std::path::Path;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::{Error, IoContext, Result};
use crate::repository::Repository;
use crate::settings::Settings;
use crate::store::durable;

/// Name of the file.
pub(crate) const FILE: &str = "migration.json";

/// What it says. No secret stands in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Note {
    repository: Uuid,
    from: Uuid,
    pub(super) to: Uuid,
    /// Paths of the target, as its settings will have them.
    paths: Vec<String>,
}

fn paths(settings: &Settings) -> Vec<String> {
    let paths = &settings.paths;
    let keys = paths.keys.to_string_lossy().into_owned();
    vec![paths.store.clone(), paths.log.clone(), paths.stamps.clone(), paths.vault.clone(), keys, paths.database.clone()]
}

impl Note {
    pub(super) fn of(old: &Repository, settings: &Settings) -> Self {
        Self { repository: settings.repository, from: old.settings.place, to: settings.place, paths: paths(settings) }
    }

    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let value = json!({
            "migration": "sago-migration/1", "repository": self.repository.to_string(), "from": self.from.to_string(), "to": self.to.to_string(),
            "paths": self.paths,
        });
        durable::write(&folder.join(FILE), format!("{value:#}\n").as_bytes())
    }

    pub(super) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(Error::io("Could not read", &path, &error)),
        };
        let read = || {
            let value: Value = serde_json::from_str(&text).ok()?;
            let id = |name: &str| Uuid::parse_str(value.get(name)?.as_str()?).ok();
            (value.get("migration")?.as_str()? == "sago-migration/1").then_some(())?;
            let paths = value.get("paths")?.as_array()?.iter().map(|path| path.as_str().map(str::to_owned)).collect::<Option<_>>()?;
            Some(Self { repository: id("repository")?, from: id("from")?, to: id("to")?, paths })
        };
        read().map(Some).ok_or_else(|| {
            Error::invalid(format!("{} is not the note of a migration that this Sago knows.", path.display()))
                .hint("It was damaged, or written by a newer Sago. Name another folder; nothing was changed.")
        })
    }

    pub(super) fn remove(folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        std::fs::remove_file(&path).doing("Could not remove", &path)?;
        durable::sync_dir(folder)
    }

    /// Refuses to go on with another repository's migration, or to other places than it began with.
    pub(super) fn check(&self, old: &Repository, settings: &Settings) -> Result<()> {
        if (self.repository, self.from) != (settings.repository, old.settings.place) {
            return Err(Error::conflict("The folder holds an interrupted migration of another repository, or from another place of this one.")
                .hint("Name a folder that does not exist yet. Nothing was changed."));
        }
        if self.paths != paths(settings) {
            return Err(Error::conflict(format!("The interrupted migration in the folder goes to other places: {}.", self.paths.join(", ")))
                .hint("Run the command with the same addresses as before, or remove that folder and what lies in its places."));
        }
        Ok(())
    }
}
