//! `sago doctor`: what is well, what is not, and what to do about it.

use std::io::IsTerminal as _;

use clap::Args;
use sago_core::Result;
use sago_core::ctx::Clock;
use sago_core::doctor::{self, Check, State, Unlock};
use sago_core::store::texts::{self, Differs};
use serde_json::json;

use super::{Common, Done, out};

/// Arguments of `sago doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Check only what needs no key.
    #[arg(long)]
    without_keys: bool,
    /// First write the texts of this Sago into the storage root, over those that differ; nothing else is changed.
    #[arg(long, conflicts_with = "without_keys")]
    refresh_texts: bool,
}

impl Doctor {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let root = common.repo()?;
        if self.refresh_texts {
            refresh_texts(common).await?;
        }
        // A folder that is no repository is said before anybody is asked for a passphrase.
        let is_repository = root.join(sago_core::settings::FILE).exists();
        let has_passphrase = common.passphrase_file.is_some() || common.passphrase_fd.is_some() || std::io::stdin().is_terminal();
        let passphrase = if self.without_keys || !is_repository || !has_passphrase { None } else { Some(common.passphrase()?) };
        let unlock = passphrase.as_ref().map(|passphrase| Unlock { passphrase, act_as: common.act_as.as_deref() });
        let mut checks = doctor::examine(root, unlock, Clock::System).await;
        checks.extend(doctor::walls(root, Clock::System));
        let alarms = checks.iter().filter(|check| check.state.is_alarming()).count();
        for check in &checks {
            if common.json {
                out::object(&json!({ "check": check.check, "state": check.state.code(), "message": check.message, "hint": check.hint }));
            } else {
                show(check);
            }
        }
        if !common.json {
            out::line(match alarms {
                0 => "ALL WELL".to_owned(),
                1 => "1 thing needs you".to_owned(),
                many => format!("{many} things need you"),
            });
        }
        Ok(if alarms == 0 { Done::Sound } else { Done::WithFindings })
    }
}

async fn refresh_texts(common: &Common) -> Result<()> {
    let (repo, ctx) = common.open().await?;
    let refreshed = texts::refresh_texts(&repo, &ctx);
    repo.close().await;
    for one in refreshed? {
        let was = match one.was {
            Differs::Missing => "was missing".to_owned(),
            Differs::Earlier { version } => format!("was the text of release {version}"),
            Differs::Unknown { sha256 } => format!("was of no known release, SHA-256 {sha256}"),
            Differs::Declaration => continue,
        };
        if common.json {
            out::object(&json!({ "refreshed": one.name, "was": was }));
        } else {
            out::line(format!("Wrote {} anew: it {was}.", one.name));
        }
    }
    Ok(())
}

fn show(check: &Check) {
    let state = match check.state {
        State::Well => "well",
        State::Advice => "advice",
        State::NotChecked => "not checked",
        State::NeedsYou => "NEEDS YOU",
        State::Broken => "BROKEN",
    };
    out::line(format!("{state:<12} {:<16} {}", check.check, check.message));
    if let Some(hint) = &check.hint {
        out::line(format!("{:29} → {hint}", ""));
    }
}
