//! Backups and restores of real repositories: the full drill, and everything that must be refused, said or survived.

mod copies;
mod drill;
mod refusals;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sago_stamp::Moment;
use sago_verify::{Options, Report};
use tempfile::TempDir;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Progress, Records, Restored, Sources, Vault, back_up_records, back_up_vault, restore};
use crate::accession::{self, Deposited, NewAccession, deposit};
use crate::ctx::{Clock, Ctx, Role};
use crate::error::Result;
use crate::item;
use crate::key::Passphrase;
use crate::key::destroy::{Approved, approve, request_destruction};
use crate::repository::{NewRepository, Repository};
use crate::user::{self, NewAgent};
use crate::verify::verify_with_keys;

pub(crate) const PASSPHRASE: &str = "the old well behind the school";
const NEW_PASSPHRASE: &str = "seven stones on the river bank";
const TESTIMONY: &[u8] = b"On the third of March they came at four in the morning. Canary-in-the-content.";

pub(crate) fn passphrase(text: &str) -> Passphrase {
    Zeroizing::new(text.to_owned())
}

/// A folder with a repository in it, the words of its three custodians (two are needed), and room for backups.
pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) root: PathBuf,
    words: &'static str,
    shares: Vec<String>,
}

impl House {
    pub(crate) async fn build() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("house");
        let new = NewRepository {
            name: "Canary Archive".into(),
            custodians: 3,
            threshold: 2,
            passphrase: passphrase(PASSPHRASE),
            work_factor: 10,
            elsewhere: crate::settings::Elsewhere::default(),
            first_person: "Canary Custodian".into(),
        };
        let created = Repository::create(&root, &new, Clock::System).await.unwrap();
        created.repository.close().await;
        let shares = created.shares.iter().map(|words| words.join(" ")).collect();
        Self { folder, root, words: PASSPHRASE, shares }
    }

    pub(crate) async fn open(&self) -> (Repository, Ctx) {
        open(&self.root, self.words).await
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Deposits one file.
    pub(crate) async fn deposit(&self, name: &str, bytes: &[u8]) -> Deposited {
        let (repo, ctx) = self.open().await;
        let deposited = self.deposit_with(&repo, &ctx, name, bytes, false).await;
        repo.close().await;
        deposited
    }

    async fn deposit_with(&self, repo: &Repository, ctx: &Ctx, name: &str, bytes: &[u8], sealed: bool) -> Deposited {
        let incoming = self.at("incoming").join(Uuid::new_v4().to_string());
        std::fs::create_dir_all(&incoming).unwrap();
        std::fs::write(incoming.join(name), bytes).unwrap();
        let new = NewAccession {
            sources: vec![incoming.clone()],
            contributor: "Canary Contributor".into(),
            title: "Canary Title".into(),
            sealed,
            ..NewAccession::default()
        };
        let deposited = deposit(repo, ctx, &new, &accession::Progress::default()).await.unwrap();
        std::fs::remove_dir_all(incoming).unwrap();
        deposited
    }

    pub(crate) async fn records(&self, name: &str) -> Records {
        let (repo, ctx) = self.open().await;
        let made = back_up_records(&repo, &ctx, &self.at(name), &Progress::default()).await.unwrap();
        repo.close().await;
        made
    }

    pub(crate) async fn vault(&self, name: &str) -> Vault {
        let (repo, ctx) = self.open().await;
        let made = back_up_vault(&repo, &ctx, &self.at(name)).await.unwrap();
        repo.close().await;
        made
    }

    async fn restore(&self, to: &str, records: &str, vault: &str) -> Result<Restored> {
        self.restore_at(to, records, vault, Clock::System).await
    }

    async fn restore_at(&self, to: &str, records: &str, vault: &str, clock: Clock) -> Result<Restored> {
        let sources = Sources {
            records: &self.at(records),
            vault: &self.at(vault),
            shares: &self.shares[1..],
            passphrase: &passphrase(NEW_PASSPHRASE),
            reason: "the house burnt down",
        };
        restore(&self.at(to), &sources, &Progress::default(), clock).await
    }

    /// Destroys the key of an accession's unit, with two approvers made for it.
    pub(crate) async fn destroy(&self, number: &str) {
        let (repo, ctx) = self.open().await;
        let request = request_destruction(&repo, &ctx, number, "consent was withdrawn").await.unwrap();
        let mut destroyed = false;
        for name in ["First approver", "Second approver"] {
            let new = NewAgent { name: name.into(), roles: vec![Role::Approver], passphrase: Some(passphrase("my very own words")) };
            let agent = user::add_agent(&repo, &ctx, &new).await.unwrap();
            let own = Ctx { agent: agent.id, roles: agent.roles, clock: Clock::System, is_read_only: false };
            destroyed = matches!(approve(&repo, &own, &request.number, &passphrase("my very own words")).await.unwrap(), Approved::Destroyed(_));
        }
        assert!(destroyed);
        repo.close().await;
    }
}

pub(crate) async fn open(root: &Path, words: &str) -> (Repository, Ctx) {
    let repo = Repository::open(root, &passphrase(words), Clock::System).await.unwrap();
    let ctx = user::act_as(&repo, None, Clock::System).await.unwrap();
    (repo, ctx)
}

async fn open_restored(house: &House, name: &str) -> (Repository, Ctx) {
    open(&house.at(name), NEW_PASSPHRASE).await
}

/// The original behind an item's number.
async fn original(repo: &Repository, ctx: &Ctx, number: &str) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out");
    item::open_item(repo, ctx, number, "to see whether it is whole", &output).await?;
    Ok(std::fs::read(output).unwrap())
}

/// What `sago verify` says of a repository, with its keys.
async fn verify(repo: &Repository, ctx: &Ctx) -> Report {
    let options = Options::at(Moment::from_seconds(Timestamp::now().as_second()));
    let mut report = crate::verify::verify_without_keys(&repo.places, &options).await.unwrap();
    verify_with_keys(repo, ctx, &mut report).await.unwrap();
    assert_eq!(super::succession_problems(&repo.places, repo.keyring()).unwrap(), []);
    report
}

fn assert_sound(report: &Report) {
    let errors: Vec<_> = report.findings.iter().filter(|finding| finding.is_error()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// The codes of what makes it unsound.
fn errors(report: &Report) -> Vec<&str> {
    report.findings.iter().filter(|finding| finding.is_error()).map(|finding| finding.code.as_str()).collect()
}

/// Every file below a folder, with its bytes.
fn all_files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut strange = Vec::new();
    let found = super::copy::files(folder, &mut strange).unwrap();
    assert_eq!(strange, Vec::<PathBuf>::new());
    found.into_iter().map(|path| (path.clone(), std::fs::read(folder.join(path)).unwrap())).collect()
}

/// Changes a byte in the middle of a file.
pub(crate) fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

pub(crate) fn object_folder(store: &Path, suffix: &str) -> PathBuf {
    let found = super::copy::files(store, &mut Vec::new()).unwrap().into_iter().find(|path| path.to_string_lossy().ends_with(suffix));
    store.join(found.unwrap())
}
