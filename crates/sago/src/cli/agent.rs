//! `sago agent`: people who work with the repository.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sago_core::Result;
use sago_core::ctx::Role;
use sago_core::user::{self, NewAgent};
use serde_json::json;

use super::{Common, Done, out, passphrase};

/// Arguments of `sago agent`.
#[derive(Debug, Args)]
pub struct Agent {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List people.
    List,
    /// Enter a person.
    Add {
        /// Name.
        #[arg(long)]
        name: String,
        /// Role: custodian, approver, auditor, administrator; may be given several times.
        #[arg(long = "role", required = true)]
        roles: Vec<Role>,
        /// File with the person's own passphrase; approvers sign with it.
        #[arg(long, value_name = "FILE")]
        agent_passphrase_file: Option<PathBuf>,
    },
}

impl Agent {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let (repo, ctx) = common.open().await?;
        match self.act {
            Act::List => {
                let agents = user::agents(&repo).await?;
                if common.json {
                    agents.iter().for_each(|agent| out::object(&agent_json(agent)));
                } else {
                    let roles = |agent: &user::Agent| agent.roles.iter().map(|role| role.code()).collect::<Vec<_>>().join(", ");
                    let rows: Vec<_> = agents.iter().map(|agent| vec![agent.code.clone(), roles(agent), agent.name.clone().unwrap_or_default()]).collect();
                    out::table(&["CODE", "ROLES", "NAME"], &rows);
                }
            }
            Act::Add { name, roles, agent_passphrase_file } => {
                let passphrase = agent_passphrase_file.as_deref().map(passphrase::read_file).transpose()?;
                let agent = user::add_agent(&repo, &ctx, &NewAgent { name, roles, passphrase }).await?;
                if common.json {
                    out::object(&agent_json(&agent));
                } else {
                    out::line(format!("Entered {} as {}.", agent.name.as_deref().unwrap_or_default(), agent.code));
                }
            }
        }
        repo.close().await;
        Ok(Done::Sound)
    }
}

fn agent_json(agent: &user::Agent) -> serde_json::Value {
    json!({
        "agent": agent.code, "id": agent.id.to_string(), "roles": agent.roles.iter().map(|role| role.code()).collect::<Vec<_>>(),
        "name": agent.name, "public_key": agent.public_key,
    })
}
