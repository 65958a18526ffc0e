//! A second site: where it lies, and the small file that says what it is.

use std::path::Path;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::settings::{Places, Replica, is_within};
use crate::store::bucket::{Bucket, Server};
use crate::store::shelf::Shelf;

/// Name of the file.
pub(crate) const FILE: &str = "replica.json";

/// The places of a replica.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(super) root: Shelf,
    pub(crate) store: Shelf,
    pub(crate) log: Shelf,
    pub(crate) stamps: Shelf,
}

impl Site {
    pub(crate) fn of(replica: &Replica, own: &Server) -> Result<Self> {
        let address = replica.address.trim_end_matches('/');
        let root = if address.contains("://") { Shelf::Bucket(Bucket::at(address, &replica.server(own))?) } else { Shelf::Disk(address.into()) };
        Ok(Self { store: root.below("store"), log: root.below("log"), stamps: root.below("stamps"), root })
    }

    /// Refuses a replica that lies within the repository, or with its vault or keys: every copy of it would carry what opens it.
    pub(super) fn require_apart(&self, places: &Places) -> Result<()> {
        let together = |what: String| {
            Err(Error::invalid(format!("The replica {} and {what} lie one in the other.", self.root))
                .hint("Name a place apart, best on another disk, another machine, or in a bucket that other credentials open. Nothing was written."))
        };
        match &self.root {
            Shelf::Disk(folder) => {
                for place in places.folders() {
                    if is_within(folder, place)? || is_within(place, folder)? {
                        return together(place.display().to_string());
                    }
                }
            }
            Shelf::Bucket(bucket) => {
                if let Shelf::Bucket(vault) = &places.vault
                    && vault.name() == bucket.name()
                {
                    return together("the vault".to_owned());
                }
                let here = format!("{}/", self.root.show("").trim_end_matches('/'));
                for kept in [&places.store, &places.log, &places.stamps].into_iter().filter(|kept| kept.folder().is_none()) {
                    let there = format!("{}/", kept.show("").trim_end_matches('/'));
                    if here.starts_with(&there) || there.starts_with(&here) {
                        return together(kept.to_string());
                    }
                }
            }
        }
        Ok(())
    }
}

/// What `replica.json` says. It is a hint for people and for the next run; what the replica is worth is judged from its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(super) repository: Uuid,
    /// The replica, as the log names it.
    pub(super) replica: Uuid,
    /// When everything was there the last time (payload time); none before the first time.
    pub(super) at: Option<String>,
}

impl Note {
    pub(super) fn write(&self, site: &Site) -> Result<()> {
        let value = json!({ "replica": "sago-replica/1", "id": self.replica.to_string(), "repository": self.repository.to_string(), "at": self.at });
        site.root.write(FILE, format!("{value:#}\n").as_bytes())
    }

    pub(super) fn read(site: &Site) -> Result<Option<Self>> {
        let Some(text) = site.root.read_text(FILE)? else { return Ok(None) };
        let read = || {
            let value: Value = serde_json::from_str(&text).ok()?;
            let id = |name: &str| Uuid::parse_str(value.get(name)?.as_str()?).ok();
            (value.get("replica")?.as_str()? == "sago-replica/1").then_some(())?;
            Some(Self { repository: id("repository")?, replica: id("id")?, at: value.get("at")?.as_str().map(str::to_owned) })
        };
        read().map(Some).ok_or_else(|| {
            Error::invalid(format!("{} is not the description of a replica that this Sago knows.", site.root.show(FILE)))
                .hint("It was damaged, or written by a newer Sago. Name another place; nothing was written.")
        })
    }

    /// Reads the note of this repository's replica; none where nothing lies yet.
    pub(super) fn of_this(site: &Site, repository: Uuid) -> Result<Option<Self>> {
        match Self::read(site)? {
            Some(note) if note.repository != repository => {
                Err(Error::conflict(format!("{} is a replica of another repository.", site.root)).hint("Name another place. Nothing was written."))
            }
            None if !site.root.list("")?.is_empty() => Err(Error::conflict(format!("{} is not empty, and is no replica of this repository.", site.root))
                .hint("Name a place that holds nothing. If this was the replica, its note replica.json is gone: do not trust the rest. Nothing was written.")),
            note => Ok(note),
        }
    }
}

/// Whether a path of a folder of logs or objects is what an interrupted writer left.
pub(super) fn is_temporary(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "new")
}
