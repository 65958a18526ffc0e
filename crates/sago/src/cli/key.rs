//! `sago key`: units and keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sago_core::ctx::{Clock, Ctx};
use sago_core::error::IoContext as _;
use sago_core::key::destroy::{self, Approved, Request};
use sago_core::key::epoch::{self, NewEpoch, Unit};
use sago_core::key::share::Page;
use sago_core::ledger::event::Log;
use sago_core::ledger::proof::{prove, read_event};
use sago_core::repository::Repository;
use sago_core::store::durable;
use sago_core::{Error, Result};
use serde_json::{Value, json};

use super::{Common, Done, out, passphrase};

/// Arguments of `sago key`.
#[derive(Debug, Args)]
pub struct Key {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List the units and whether the server can open them.
    List,
    /// Seal a unit: the server can add to it, but no longer open it.
    Seal {
        /// The unit's id, or the number of an accession in it.
        unit: String,
        /// Why; stays readable in the log for ever, also when the unit's key is destroyed: name no person.
        #[arg(long)]
        reason: String,
    },
    /// Open a sealed unit again with the shares of enough custodians.
    Unseal {
        /// The unit's id, or the number of an accession in it.
        unit: String,
        /// Why; stays readable in the log for ever, also when the unit's key is destroyed: name no person.
        #[arg(long)]
        reason: String,
        /// File with one custodian's words; once for each.
        #[arg(long = "share", value_name = "FILE", required = true)]
        shares: Vec<PathBuf>,
    },
    /// Begin a new epoch: wrap every living unit key anew and print new pages for the custodians.
    Rotate {
        /// How many custodians hold a share of the new epoch.
        #[arg(long, value_name = "N")]
        custodians: u8,
        /// How many of them are needed.
        #[arg(long, value_name = "K")]
        threshold: u8,
        /// Folder for the new pages; must not exist.
        #[arg(long, value_name = "DIR")]
        shares_dir: PathBuf,
        /// File with one custodian's words of the epoch that ends; needed when a unit is sealed.
        #[arg(long = "share", value_name = "FILE")]
        shares: Vec<PathBuf>,
        /// File with a new passphrase; the old one stays unless given.
        #[arg(long, value_name = "FILE")]
        new_passphrase_file: Option<PathBuf>,
    },
    /// Ask for the destruction of a unit's key; two approvers must sign.
    Destroy {
        /// The unit's id, or the number of an accession in it.
        unit: String,
        /// Why; signed by the approvers, and stays readable in the log for ever, after the destruction too: name no person.
        #[arg(long)]
        reason: String,
    },
    /// List requests.
    Requests,
    /// Sign a request as an approver (`--as CODE`); the second signature carries it out.
    Approve {
        /// Number of the request (`R-2026-0001`).
        request: String,
        /// File with your own passphrase.
        #[arg(long, value_name = "FILE")]
        agent_passphrase_file: PathBuf,
        /// File for the proof of the destruction (`.tlog-proof`); must not exist.
        #[arg(long, value_name = "FILE")]
        proof: Option<PathBuf>,
    },
    /// Make a new operating key when it or its passphrase is lost, with the shares of enough custodians.
    Recover {
        /// File with one custodian's words; once for each.
        #[arg(long = "share", value_name = "FILE", required = true)]
        shares: Vec<PathBuf>,
        /// Why; stays readable in the log for ever: name no person.
        #[arg(long)]
        reason: String,
    },
    /// Try every key against what it must open.
    Check,
    /// Enter that a share of an ended epoch was destroyed.
    Attest {
        /// The epoch.
        #[arg(long)]
        epoch: u64,
        /// Who destroyed which share, when and how.
        #[arg(long)]
        statement: String,
    },
}

impl Key {
    pub async fn run(self, common: &Common) -> Result<Done> {
        if let Act::Recover { shares, reason } = &self.act {
            let passphrase = common.new_passphrase()?;
            let epoch = epoch::recover_operating_key(common.repo()?, &read_shares(shares)?, &passphrase, reason, Clock::System).await?;
            answer(
                common,
                &json!({ "epoch": epoch, "recovered": true }),
                &format!("Made a new operating key for epoch {epoch}. The passphrase you gave opens it from now on; the custodians' shares stay as they are."),
            );
            return Ok(Done::Sound);
        }
        let (repo, ctx) = common.open().await?;
        let done = self.act.run(common, &repo, &ctx).await?;
        repo.close().await;
        Ok(done)
    }
}

impl Act {
    async fn run(self, common: &Common, repo: &Repository, ctx: &Ctx) -> Result<Done> {
        match self {
            Self::List => list(common, &epoch::units(repo, ctx).await?),
            Self::Seal { unit, reason } => {
                let unit = epoch::seal_unit(repo, ctx, &unit, &reason).await?;
                answer(
                    common,
                    &unit_json(&unit),
                    &format!("Sealed unit {} ({}). What arrives for it is kept; opening it needs the custodians.", unit.id, unit.accessions.join(", ")),
                );
            }
            Self::Unseal { unit, reason, shares } => {
                let unit = epoch::unseal_unit(repo, ctx, &unit, &reason, &read_shares(&shares)?).await?;
                answer(common, &unit_json(&unit), &format!("Unit {} is open again ({}).", unit.id, unit.accessions.join(", ")));
            }
            Self::Rotate { custodians, threshold, shares_dir, shares, new_passphrase_file } => {
                if shares_dir.exists() {
                    return Err(
                        Error::conflict(format!("{} exists already.", shares_dir.display()))
                            .hint("Name a folder that does not exist. Nothing was changed.")
                            .hint(format!(
                                "Pages that an interrupted `sago key rotate` left are good only for the epoch they name, and only if that one is in force (now: {}).",
                                repo.keyring().epoch
                            )),
                    );
                }
                let passphrase = match &new_passphrase_file {
                    Some(path) => passphrase::read_file(path)?,
                    None => common.passphrase()?,
                };
                let old = read_shares(&shares)?;
                let (name, custody, access) = (repo.name().await?, repo.verifier_keys(Log::Custody)?, repo.verifier_keys(Log::Access)?);
                // The pages are written before the new epoch is in force: an interruption must not leave an epoch without its words.
                let keep_pages = |epoch: u64, shares: &[Vec<&'static str>]| -> Result<()> {
                    for (at, words) in shares.iter().enumerate() {
                        let page = Page {
                            repository: &name,
                            epoch,
                            number: at + 1,
                            of: shares.len(),
                            threshold,
                            made: ctx.now(),
                            words,
                            custody_keys: &custody,
                            access_keys: &access,
                        };
                        durable::write(&shares_dir.join(format!("share-{}-of-{custodians}.txt", at + 1)), page.text().as_bytes())?;
                    }
                    Ok(())
                };
                let new = NewEpoch { passphrase: &passphrase, custodians, threshold, shares: &old };
                let rotated = epoch::rotate(repo, ctx, &new, &keep_pages).await?;
                answer(
                    common,
                    &json!({ "epoch": rotated.epoch, "units": rotated.units, "shares_dir": shares_dir }),
                    &format!(
                        "Epoch {} began: {} keys were wrapped anew, the old wrapping was erased.\n  New pages: {}. Hand them out, then let each custodian destroy the old page and say so:\n  sago key attest --epoch {} --statement TEXT",
                        rotated.epoch,
                        rotated.units,
                        shares_dir.display(),
                        rotated.epoch - 1
                    ),
                );
            }
            Self::Destroy { unit, reason } => {
                let request = destroy::request_destruction(repo, ctx, &unit, &reason).await?;
                answer(
                    common,
                    &request_json(&request),
                    &format!(
                        "{} asks to destroy the key of unit {}. Two approvers must sign:\n  sago --as CODE key approve {} --agent-passphrase-file FILE\n  Nothing was destroyed yet.",
                        request.number, request.unit, request.number
                    ),
                );
            }
            Self::Requests => {
                let requests = destroy::requests(repo, ctx).await?;
                if common.json {
                    requests.iter().for_each(|request| out::object(&request_json(request)));
                } else {
                    let rows: Vec<_> = requests
                        .iter()
                        .map(|one| {
                            vec![
                                one.number.clone(),
                                one.status.clone(),
                                format!("{} of {}", one.approvers.len(), destroy::APPROVALS_NEEDED),
                                one.reason.clone(),
                            ]
                        })
                        .collect();
                    out::table(&["REQUEST", "STATE", "SIGNED", "REASON"], &rows);
                }
            }
            Self::Approve { request, agent_passphrase_file, proof } => return approve(common, repo, ctx, &request, &agent_passphrase_file, proof).await,
            Self::Recover { .. } => {}
            Self::Check => {
                let failures = epoch::check_keys(repo, ctx).await?;
                if common.json {
                    failures.iter().for_each(|message| out::object(&json!({ "code": "vault-key", "path": "vault", "message": message, "severity": "error" })));
                    out::object(&json!({ "failures": failures.len() }));
                } else if failures.is_empty() {
                    out::line("Every key fits what it must open.");
                } else {
                    failures.iter().for_each(|message| out::line(format!("  ALARM  {message}")));
                }
                return Ok(if failures.is_empty() { Done::Sound } else { Done::WithFindings });
            }
            Self::Attest { epoch, statement } => {
                epoch::attest_share_destroyed(repo, ctx, epoch, &statement).await?;
                answer(common, &json!({ "epoch": epoch, "attested": true }), &format!("Entered: a share of epoch {epoch} was destroyed."));
            }
        }
        Ok(Done::Sound)
    }
}

async fn approve(common: &Common, repo: &Repository, ctx: &Ctx, request: &str, passphrase_file: &std::path::Path, proof: Option<PathBuf>) -> Result<Done> {
    if let Some(proof) = proof.as_ref().filter(|proof| proof.exists()) {
        return Err(Error::conflict(format!("{} exists already. Nothing was signed.", proof.display())));
    }
    match destroy::approve(repo, ctx, request, &passphrase::read_file(passphrase_file)?).await? {
        Approved::Waiting(request) => {
            answer(common, &request_json(&request), &format!("Signed {}. One more approver must sign; nothing was destroyed yet.", request.number))
        }
        Approved::Destroyed(destroyed) => {
            let position = destroyed.position;
            if let Some(path) = &proof {
                let stored = read_event(repo, position.log, position.generation, position.index).await?;
                durable::write(path, prove(repo, &stored, false).await?.as_bytes())?;
            }
            let mut object = request_json(&destroyed.request);
            if let Some(object) = object.as_object_mut() {
                object.insert("destroyed".into(), json!(true));
                object.insert("log_index".into(), json!(position.index));
                object.insert("guarantee".into(), json!(destroyed.guarantee()));
                object.insert("accessions".into(), json!(destroyed.accessions));
                object.insert("proof".into(), json!(proof));
            }
            answer(
                common,
                &object,
                &format!(
                    "DESTROYED the key of unit {} ({}), entered in the custody log at {}.\n\n{}",
                    destroyed.request.unit,
                    destroyed.accessions.join(", "),
                    position.index,
                    destroyed.guarantee()
                ),
            );
        }
    }
    Ok(Done::Sound)
}

fn answer(common: &Common, object: &Value, text: &str) {
    if common.json { out::object(object) } else { out::line(text) }
}

fn list(common: &Common, units: &[Unit]) {
    if common.json {
        units.iter().for_each(|unit| out::object(&unit_json(unit)));
    } else {
        let rows: Vec<_> = units.iter().map(|unit| vec![unit.id.to_string(), unit.mode.clone(), unit.accessions.join(", ")]).collect();
        out::table(&["UNIT", "MODE", "ACCESSIONS"], &rows);
    }
}

fn unit_json(unit: &Unit) -> Value {
    json!({ "unit": unit.id.to_string(), "mode": unit.mode, "accessions": unit.accessions })
}

fn request_json(request: &Request) -> Value {
    json!({
        "request": request.number, "id": request.id.to_string(), "unit": request.unit.to_string(), "status": request.status, "reason": request.reason,
        "approvals": request.approvers.len(), "approvals_needed": destroy::APPROVALS_NEEDED, "statement": request.statement,
    })
}

/// Reads the custodians' pages or words.
pub fn read_shares(paths: &[PathBuf]) -> Result<Vec<String>> {
    paths.iter().map(|path| std::fs::read_to_string(path).doing("Could not read the share", path)).collect()
}
