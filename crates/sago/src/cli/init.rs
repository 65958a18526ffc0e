//! `sago init`: makes a repository and the custodians' pages.

use std::path::PathBuf;

use clap::Args;
use sago_core::ctx::Clock;
use sago_core::error::IoContext as _;
use sago_core::key::share::Page;
use sago_core::ledger::event::Log;
use sago_core::repository::{NewRepository, Repository};
use sago_core::store::durable;
use sago_core::{Error, Result};
use serde_json::json;

use super::elsewhere::Elsewhere;
use super::{Common, Done, out};

/// Arguments of `sago init`.
#[derive(Debug, Args)]
pub struct Init {
    /// Folder to make; must be absent or empty.
    dir: PathBuf,
    /// What people call the repository.
    #[arg(long)]
    name: String,
    /// How many custodians hold a share of the recovery key.
    #[arg(long, value_name = "N")]
    custodians: u8,
    /// How many of them are needed to recover.
    #[arg(long, value_name = "K")]
    threshold: u8,
    /// Folder for the custodians' pages: print them, hand them out, delete the files.
    #[arg(long, value_name = "DIR")]
    shares_dir: PathBuf,
    /// Name of the first custodian, in whose name you act.
    #[arg(long, default_value = "First custodian", value_name = "NAME")]
    custodian_name: String,
    #[command(flatten)]
    elsewhere: Elsewhere,
    /// Cost of trying one passphrase: scrypt with N = 2^this.
    #[arg(long, default_value_t = 18, value_parser = clap::value_parser!(u8).range(10..=22))]
    work_factor: u8,
}

impl Init {
    pub async fn run(self, common: &Common) -> Result<Done> {
        if self.shares_dir.exists() && self.shares_dir.read_dir().doing("Could not look into", &self.shares_dir)?.next().is_some() {
            return Err(Error::conflict(format!("{} is not empty.", self.shares_dir.display()))
                .hint("Name a folder that does not exist yet, or an empty one. Nothing was made."));
        }
        let new = NewRepository {
            name: self.name.clone(),
            custodians: self.custodians,
            threshold: self.threshold,
            passphrase: common.new_passphrase()?,
            work_factor: self.work_factor,
            elsewhere: self.elsewhere.into(),
            first_person: self.custodian_name,
        };
        let keep_pages = |made: &Repository, shares: &[Vec<&'static str>]| {
            let (custody, access) = (made.verifier_keys(Log::Custody)?, made.verifier_keys(Log::Access)?);
            for (at, words) in shares.iter().enumerate() {
                let page = Page {
                    repository: &self.name,
                    epoch: 1,
                    number: at + 1,
                    of: shares.len(),
                    threshold: self.threshold,
                    made: Clock::System.now(),
                    words,
                    custody_keys: &custody,
                    access_keys: &access,
                };
                durable::write(&self.shares_dir.join(format!("share-{}-of-{}.txt", at + 1, self.custodians)), page.text().as_bytes())?;
            }
            Ok(())
        };
        let created = Repository::create_with_pages(&self.dir, &new, Clock::System, &keep_pages).await?;
        let id = created.repository.settings.repository;
        if common.json {
            out::object(&json!({
                "repository": id.to_string(), "name": self.name, "dir": self.dir, "shares_dir": self.shares_dir, "custodians": self.custodians,
                "threshold": self.threshold, "epoch": 1, "verifier_keys": created.custody_keys.lines().collect::<Vec<_>>(),
            }));
        } else {
            out::line(format!("Made the repository “{}” in {}.", self.name, self.dir.display()));
            out::line(format!("  Recovery: {} pages in {}, {} of them are needed.", self.custodians, self.shares_dir.display(), self.threshold));
            out::line("  Print each page, hand it to its custodian, then delete the files: whoever holds enough of them opens everything.");
            out::line("  Verifier keys of the custody log (give them to those who will check it one day):");
            for key in created.repository.verifier_keys(Log::Custody)?.lines() {
                let short: String = key.chars().take(88).collect();
                out::line(format!("    {short}{}", if key.len() > short.len() { "…" } else { "" }));
            }
            out::line(format!("    whole in {}", created.repository.places.log.show("1/custody.vkey")));
            out::line(format!("  Next: sago --repo {} deposit PATH --contributor NAME --title TEXT", self.dir.display()));
        }
        created.repository.close().await;
        Ok(Done::Sound)
    }
}
