//! `sago witness`: asks witnesses to cosign our logs; or is one, in a folder of its own, for the logs of others.

mod server;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use sago_core::cosigner::{self, Cosigner};
use sago_core::error::IoContext as _;
use sago_core::witness::{Asked, Outcome, round};
use sago_core::{Error, Result};
use serde_json::{Value, json};

use super::{Common, Done, out};

/// Arguments of `sago witness`.
#[derive(Debug, Args)]
pub struct Witness {
    #[command(subcommand)]
    act: Act,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Act {
    /// Ask every witness in sago.toml to cosign the last checkpoints of this repository's logs.
    Ask,
    /// Make the folder of a witness, with keys of its own, and print what others verify it by.
    Init {
        /// Folder of the witness, absent or empty; never that of a repository.
        dir: PathBuf,
        /// Name of the witness: an address without its scheme, such as `witness.example.org/w1`.
        #[arg(long)]
        name: String,
        /// Cost of trying one passphrase: scrypt with N = 2^this.
        #[arg(long, default_value_t = 18, value_name = "N", value_parser = clap::value_parser!(u8).range(10..=22))]
        work_factor: u8,
    },
    /// Add a log that is to be witnessed; also while the witness is at work.
    AddLog {
        /// Folder of the witness.
        dir: PathBuf,
        /// The log's verifier keys, one a line: `log/<generation>/custody.vkey` of the repository.
        vkeys: PathBuf,
    },
    /// List the logs that the witness knows, and how far it has seen them.
    Logs {
        /// Folder of the witness.
        dir: PathBuf,
    },
    /// Be the witness: answer requests by HTTP until stopped. TLS is the business of a proxy before it.
    Serve {
        /// Folder of the witness.
        dir: PathBuf,
        /// Address and port to listen on.
        #[arg(long, default_value = "127.0.0.1:7380", value_name = "ADDR:PORT")]
        listen: SocketAddr,
    },
}

impl Witness {
    pub async fn run(self, common: &Common) -> Result<Done> {
        match self.act {
            Act::Ask => ask(common).await,
            Act::Init { dir, name, work_factor } => {
                if dir.join(sago_core::settings::FILE).exists() {
                    return Err(Error::invalid("That is the folder of a repository.")
                        .hint("A witness is another body, on another machine: give it a folder of its own."));
                }
                let keys = cosigner::init(&dir, &name, &common.new_passphrase()?, work_factor)?;
                if common.json {
                    out::object(&json!({ "witness": name, "dir": dir, "vkeys": keys.lines().collect::<Vec<_>>() }));
                } else {
                    keys.lines().for_each(out::line);
                    out::line(format!("These are the witness's verifier keys, also in {}. Give them to everybody.", dir.join("witness.vkey").display()));
                }
                Ok(Done::Sound)
            }
            Act::AddLog { dir, vkeys } => {
                let text = std::fs::read_to_string(&vkeys).doing("Could not read", &vkeys)?;
                let origin = cosigner::add_log(&dir, &text)?;
                if common.json {
                    out::object(&json!({ "origin": origin }));
                } else {
                    out::line(format!("The witness knows the log {origin}."));
                }
                Ok(Done::Sound)
            }
            Act::Logs { dir } => logs(common, &dir),
            Act::Serve { dir, listen } => {
                let cosigner = Cosigner::open(&dir, &common.passphrase()?)?;
                server::serve(cosigner, listen, common.json).await?;
                Ok(Done::Sound)
            }
        }
    }
}

fn logs(common: &Common, dir: &std::path::Path) -> Result<Done> {
    let logs = cosigner::logs(dir)?;
    if common.json {
        for log in &logs {
            out::object(&json!({ "origin": log.origin, "size": log.size, "evidence": log.evidence }));
        }
    } else {
        let row = |log: &cosigner::KnownLog| {
            let size = log.size.map_or("-".to_owned(), |size| size.to_string());
            vec![log.origin.clone(), size, log.evidence.as_ref().map_or(String::new(), |path| path.display().to_string())]
        };
        out::table(&["Log", "Entries seen", "Evidence against it"], &logs.iter().map(row).collect::<Vec<_>>());
    }
    Ok(if logs.iter().any(|log| log.evidence.is_some()) { Done::WithFindings } else { Done::Sound })
}

async fn ask(common: &Common) -> Result<Done> {
    let (repo, ctx) = common.open().await?;
    if repo.settings.witness.is_empty() {
        return Err(Error::invalid("No witness is configured.").hint("Add [[witness]] with name, url and keys to sago.toml: see docs/guide/settings.md."));
    }
    let asked = round(&repo, &ctx).await?;
    let mut done = Done::Sound;
    for one in &asked {
        let error = one.outcome.error(&one.witness, one.log, one.size);
        if common.json {
            out::object(&asked_object(one));
        }
        match (&one.outcome, &error) {
            (_, Some(error)) => {
                done = Done::WithFindings;
                out::error(error, false);
            }
            (Outcome::Cosigned { .. }, None) if !common.json => {
                out::line(format!("{} cosigned the {} log at {} entries.", one.witness, one.log.name(), one.size));
            }
            _ => {}
        }
    }
    if asked.is_empty() && !common.json {
        out::line("Nothing was asked: the logs have no entries.");
    }
    repo.close().await;
    Ok(done)
}

/// What one witness said, as JSON.
pub(super) fn asked_object(one: &Asked) -> Value {
    let (outcome, more) = match &one.outcome {
        Outcome::Cosigned { at, is_complete: true } => ("cosigned", json!({ "at": at })),
        Outcome::Cosigned { at, is_complete: false } => ("incomplete", json!({ "at": at })),
        Outcome::Ahead { size, evidence } => ("ahead", json!({ "seen": size, "evidence": evidence })),
        Outcome::Forked { size, evidence } => ("forked", json!({ "seen": size, "evidence": evidence })),
        Outcome::Failed(_) => ("failed", json!({})),
    };
    let mut object = json!({ "witness": one.witness, "log": one.log.name(), "generation": one.generation, "size": one.size, "outcome": outcome });
    if let Some(error) = one.outcome.error(&one.witness, one.log, one.size) {
        object["message"] = error.message.into();
        object["hints"] = error.hints.into();
    }
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}
