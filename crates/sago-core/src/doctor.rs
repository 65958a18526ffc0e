//! `sago doctor`: one line for each thing that must be well, what state it is in, and what a person should do.
//!
//! Changes nothing and needs nothing: what can be said without the passphrase, without the database, or without readable settings is said,
//! and what cannot is listed as not checked. Whether evidence and log are what they were is the business of [`crate::verify`], which
//! reads everything; this looks at what goes wrong between two verifications.

mod copies;
mod database;
mod keys;
mod machine;
mod nodes;
mod places;
#[cfg(test)]
mod tests;
mod witnesses;

use std::path::Path;

use jiff::Timestamp;

use crate::ctx::{Clock, Ctx, Right};
use crate::error::{Error, Result};
use crate::key::{Keyring, Passphrase};
use crate::repository::Repository;
use crate::settings::{Places, Settings};
use crate::store::db::Db;
use crate::user;

/// How well a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be.
    Well,
    /// As it may be; a person might do better.
    Advice,
    /// It needs the keys, or something that is broken.
    NotChecked,
    /// A person must do something, soon.
    NeedsYou,
    /// Something does not work, or is lost, or is not safe.
    Broken,
}

impl State {
    /// The code in answers.
    pub fn code(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Advice => "advice",
            Self::NotChecked => "not-checked",
            Self::NeedsYou => "needs-you",
            Self::Broken => "broken",
        }
    }

    /// Whether a person has to act.
    pub fn is_alarming(self) -> bool {
        matches!(self, Self::NeedsYou | Self::Broken)
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at; a stable code.
    pub check: &'static str,
    /// How it is.
    pub state: State,
    /// In a sentence.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// What opens the repository, for the checks that need its keys.
#[derive(Clone, Copy)]
pub struct Unlock<'a> {
    /// The repository's passphrase.
    pub passphrase: &'a Passphrase,
    /// The code of the person who asks; the first custodian unless given.
    pub act_as: Option<&'a str>,
}

/// Looks at everything. Whatever cannot be looked at is a line, too.
pub async fn examine(root: &Path, unlock: Option<Unlock<'_>>, clock: Clock) -> Vec<Check> {
    let mut visit = Visit { now: clock.now(), checks: Vec::new() };
    match Settings::read(root) {
        Err(error) => {
            visit.error("settings", error);
            visit.not_checked("repository", "Everything else of the repository: its settings cannot be read.");
        }
        Ok(settings) => {
            visit.well("settings", format!("The settings can be read: format {}, repository {}.", settings.format, settings.repository));
            match Places::resolve(root, &settings) {
                Err(error) => visit.error("apart", error),
                Ok(places) => visit.repository(&places, &settings, unlock, clock).await,
            }
            machine::work_factor(&mut visit, &settings);
        }
    }
    machine::machine(&mut visit);
    visit.checks
}

/// Whether what reads the files of strangers is walled in, tried with this very program: for programs that answer to [`crate::reading::COMMAND`]. Nothing
/// where there is no repository; [`examine`] says that.
pub fn walls(root: &Path, clock: Clock) -> Vec<Check> {
    let mut visit = Visit { now: clock.now(), checks: Vec::new() };
    if let Ok(settings) = Settings::read(root) {
        machine::walls(&mut visit, &settings);
    }
    visit.checks
}

/// The lines so far, and the present moment.
struct Visit {
    now: Timestamp,
    checks: Vec<Check>,
}

impl Visit {
    async fn repository(&mut self, places: &Places, settings: &Settings, unlock: Option<Unlock<'_>>, clock: Clock) {
        places::places(self, places);
        let db = self.database(places).await;
        let opened = self.unlock(places, settings, unlock, db.is_some(), clock).await;
        match &db {
            Some(db) => self.look(db, places, settings, opened.as_ref()).await,
            None => self.not_checked("database-contents", "Deposits, keys, fixity and backups: the database cannot be asked."),
        }
        machine::outside(self, settings);
        let looked = witnesses::witnesses(self, places, settings);
        self.could_not("witnesses", looked);
        if let Some((repo, _)) = opened {
            repo.close().await;
        }
        if let Some(db) = db {
            db.close().await;
        }
    }

    /// Each part is looked at whatever became of the others: a database that is damaged in one place still answers for the rest.
    async fn look(&mut self, db: &Db, places: &Places, settings: &Settings, opened: Option<&(Repository, Ctx)>) {
        let looked = database::integrity(self, db).await;
        self.could_not("database", looked);
        let looked = database::logs(self, db, places).await;
        self.could_not("lock", looked);
        let looked = database::deposits(self, db, opened.map(|(repo, _)| repo)).await;
        self.could_not("deposits", looked);
        let looked = nodes::nodes(self, db).await;
        self.could_not("nodes", looked);
        nodes::replicas(self, db, places, settings).await;
        let looked = nodes::jobs(self, db).await;
        self.could_not("jobs", looked);
        let looked = keys::vault(self, db, places).await;
        self.could_not("vault", looked);
        let looked = keys::epoch(self, db).await;
        self.could_not("epoch", looked);
        let looked = keys::last_check(self, db).await;
        self.could_not("key-check", looked);
        let looked = database::fixity(self, db, settings).await;
        self.could_not("fixity", looked);
        let looked = copies::last_backups(self, db).await;
        self.could_not("backup-records", looked);
        let looked = copies::known(self, db, places, opened).await;
        self.could_not("vault-copies", looked);
        let looked = database::stamps(self, db, settings, opened).await;
        self.could_not("stamps", looked);
        let looked = database::clock(self, db).await;
        self.could_not("clock", looked);
    }

    /// Opens the repository for the checks that need its keys; without a database, only tries the keys.
    async fn unlock(
        &mut self,
        places: &Places,
        settings: &Settings,
        unlock: Option<Unlock<'_>>,
        has_database: bool,
        clock: Clock,
    ) -> Option<(Repository, Ctx)> {
        let Some(unlock) = unlock else {
            self.not_checked("keys", "Whether the passphrase opens the keys, and what is sealed in the log: no passphrase was given.");
            return None;
        };
        if !has_database {
            match Keyring::unlock(places, settings.domain_unit, unlock.passphrase) {
                Ok(keyring) => self.well("keys", format!("The passphrase opens the keys of epoch {}.", keyring.epoch)),
                Err(error) => self.error("keys", error),
            }
            return None;
        }
        let repo = match Repository::open_unchecked(&places.root, unlock.passphrase).await {
            Ok(repo) => repo,
            Err(error) => {
                self.error("keys", error);
                return None;
            }
        };
        let ctx = user::act_as(&repo, unlock.act_as, clock).await.and_then(|ctx| ctx.require(Right::Check).map(|()| ctx));
        match ctx {
            Ok(ctx) => {
                self.well("keys", format!("The passphrase opens the keys of epoch {}.", repo.keyring().epoch));
                Some((repo, ctx))
            }
            Err(error) => {
                self.error("keys", error);
                repo.close().await;
                None
            }
        }
    }

    async fn database(&mut self, places: &Places) -> Option<Db> {
        let path = Path::new(&places.database);
        let opened = if places.database.contains("://") {
            Db::open(&places.database, false).await
        } else if path.exists() {
            match database::begins_as_one(path) {
                Ok(()) => Db::open_file(path, false).await,
                Err(error) => Err(error),
            }
        } else {
            let missing = Error::not_found(format!("The database {} is missing.", path.display()));
            Err(missing.hint("Run `sago rebuild`: it makes a new one from storage root, log and keys."))
        };
        opened.map_err(|error| self.error("database", error)).ok()
    }

    fn add(&mut self, check: &'static str, state: State, message: impl Into<String>, hint: Option<String>) {
        self.checks.push(Check { check, state, message: message.into(), hint });
    }

    fn well(&mut self, check: &'static str, message: impl Into<String>) {
        self.add(check, State::Well, message, None);
    }

    fn not_checked(&mut self, check: &'static str, message: impl Into<String>) {
        self.add(check, State::NotChecked, message, None);
    }

    fn needs_you(&mut self, check: &'static str, message: impl Into<String>, hint: impl Into<String>) {
        self.add(check, State::NeedsYou, message, Some(hint.into()));
    }

    fn broken(&mut self, check: &'static str, message: impl Into<String>, hint: impl Into<String>) {
        self.add(check, State::Broken, message, Some(hint.into()));
    }

    fn could_not(&mut self, check: &'static str, looked: Result<()>) {
        if let Err(error) = looked {
            self.error(check, error);
        }
    }

    fn error(&mut self, check: &'static str, error: Error) {
        self.add(check, State::Broken, error.message, (!error.hints.is_empty()).then(|| error.hints.join(" ")));
    }

    /// Whole days since a moment; negative for one to come.
    fn days_since(&self, at: Timestamp) -> i64 {
        (self.now.as_second() - at.as_second()).div_euclid(24 * 60 * 60)
    }

    /// Since when, in words.
    fn ago(&self, at: Timestamp) -> String {
        let hours = (self.now.as_second() - at.as_second()) / 3600;
        match (hours, self.days_since(at)) {
            (i64::MIN..=0, _) => "just now".to_owned(),
            (1..=47, _) => format!("{hours} hours ago"),
            (_, days) => format!("{days} days ago"),
        }
    }
}
