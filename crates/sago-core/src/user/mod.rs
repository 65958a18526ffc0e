//! People who work with the repository: a pseudonym, a short code, roles, and a key with which approvals are signed.
//!
//! Until part D brings sign-in, the command line trusts whoever holds the repository's passphrase to say who they are (`--as`);
//! approvals alone need the person's own passphrase, because they are signatures.

pub(crate) mod store;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};
use sqlx::Row;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::ctx::{Clock, Ctx, Right, Role};
use crate::error::{Error, Result};
use crate::key::{Passphrase, open_with_passphrase, random_seed, seal_with_passphrase};
use crate::ledger::event::{AgentAdded, AgentAddedDetail, Event};
use crate::repository::{Repository, Standing};
use crate::store::durable;
use crate::store::rows::Place;

/// A person as the repository knows them.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Pseudonym.
    pub id: Uuid,
    /// Short code (`P-02`).
    pub code: String,
    /// Roles.
    pub roles: Vec<Role>,
    /// Ed25519 key of approvals, hexadecimal.
    pub public_key: Option<String>,
    /// The person's name.
    pub name: Option<String>,
}

/// A person to be entered.
pub struct NewAgent {
    /// Name.
    pub name: String,
    /// Roles.
    pub roles: Vec<Role>,
    /// The person's own passphrase; with it they sign approvals.
    pub passphrase: Option<Passphrase>,
}

/// A person about to be entered: pseudonym, the event, and where the person's key goes if one is made.
pub(crate) type Prepared = (Uuid, Event, Option<(PathBuf, Vec<u8>)>);

/// Makes the event that enters a person, and the person's key.
pub(crate) fn prepare(new: &NewAgent, number: u64, keys: &Path, work_factor: u8) -> Result<Prepared> {
    if new.name.trim().is_empty() {
        return Err(Error::invalid("The person's name is empty."));
    }
    if new.roles.is_empty() {
        return Err(Error::invalid("Say at least one role."));
    }
    if new.roles.contains(&Role::Approver) && new.roles.len() > 1 {
        return Err(Error::invalid("An approver has no other role: who asks must not approve."));
    }
    let subject = Uuid::new_v4();
    let (public_key, file) = match &new.passphrase {
        None if new.roles.contains(&Role::Approver) => {
            return Err(Error::invalid("An approver needs a passphrase of their own: approvals are signatures.").hint("Add `--agent-passphrase-file FILE`."));
        }
        None => (None, None),
        Some(passphrase) => {
            let seed = random_seed()?;
            let text = Zeroizing::new(
                serde_json::json!({ "keys": "sago-agent/1", "agent": subject.to_string(), "ed25519": BASE64.encode(seed.as_ref()) }).to_string(),
            );
            let sealed = seal_with_passphrase(passphrase, work_factor, text.as_bytes())?;
            let public = SigningKey::from_bytes(&seed).verifying_key();
            (Some(hex::encode(public.as_bytes())), Some((key_path(keys, subject), sealed)))
        }
    };
    let event = AgentAdded { subject, code: format!("P-{number:02}"), roles: new.roles.iter().map(|role| role.code().to_owned()).collect(), public_key }
        .with(AgentAddedDetail { name: new.name.clone(), key_sha256: file.as_ref().map(|(_, sealed)| hex::encode(Sha256::digest(sealed))) });
    Ok((subject, event, file))
}

pub(crate) fn key_path(keys: &Path, agent: Uuid) -> PathBuf {
    keys.join("agents").join(format!("{agent}.age"))
}

/// Enters a person.
pub async fn add_agent(repo: &Repository, ctx: &Ctx, new: &NewAgent) -> Result<Agent> {
    ctx.require(Right::AddAgent)?;
    let mut tx = repo.begin().await?;
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM agents").fetch_one(tx.conn()).await?;
    let number = crate::ledger::unsigned(count)? + 1;
    let (id, event, file) = prepare(new, number, &repo.places.keys, repo.settings.epoch.work_factor)?;
    if let Some((path, sealed)) = &file {
        durable::write(path, sealed)?;
    }
    let Event::AgentAdded(added, _) = &event else { return Err(Error::internal("not an agent")) };
    let agent = Agent { id, code: added.code.clone(), roles: new.roles.clone(), public_key: added.public_key.clone(), name: Some(new.name.clone()) };
    tx.append(repo.settings.domain_unit, event);
    tx.commit(ctx).await?;
    repo.integrate(ctx).await?;
    Ok(agent)
}

/// All people, in the order in which they were entered.
pub async fn agents(repo: &Repository) -> Result<Vec<Agent>> {
    let rows = sqlx::query("SELECT id, code, roles, public_key, row_key, sealed FROM agents ORDER BY LENGTH(code), code").fetch_all(repo.db().read()).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let id: String = row.try_get(0)?;
        let sealed: Option<Vec<u8>> = row.try_get(5)?;
        let name = repo.open_column(&row.try_get::<String, _>(4)?, Place { table: "agents", column: "sealed", row: &id }, sealed.as_deref()).await?;
        found.push(Agent {
            id: Uuid::parse_str(&id).map_err(|_| Error::corrupt("A person's row was altered."))?,
            code: row.try_get(1)?,
            roles: row.try_get::<String, _>(2)?.split(' ').filter_map(|role| role.parse().ok()).collect(),
            public_key: row.try_get(3)?,
            name,
        });
    }
    Ok(found)
}

/// The context in which a person acts; without a code, the first custodian.
pub async fn act_as(repo: &Repository, code: Option<&str>, clock: Clock) -> Result<Ctx> {
    let found = agents(repo).await?;
    if found.is_empty() {
        return Err(Error::corrupt("The database knows nobody: it is not the database of this repository.")
            .hint("Run `sago rebuild`: it makes a new one from the storage root, the log and the keys."));
    }
    let agent = match code {
        Some(code) => found.into_iter().find(|agent| agent.code == code || agent.id.to_string() == code),
        None => found.into_iter().find(|agent| agent.roles.contains(&Role::Custodian)),
    };
    let agent = agent.ok_or_else(|| Error::not_found("No such person works with this repository.").hint("`sago agent list` shows their codes."))?;
    Ok(Ctx { agent: agent.id, roles: agent.roles, clock, is_read_only: repo.standing() != Standing::Live })
}

/// Opens a person's key with their own passphrase and signs a text.
pub(crate) fn sign(repo: &Repository, agent: Uuid, passphrase: &Passphrase, text: &[u8]) -> Result<String> {
    let path = key_path(&repo.places.keys, agent);
    let opened = open_with_passphrase(passphrase, &path, "The person's passphrase is wrong. Nothing was signed.")?;
    let bad = || Error::corrupt(format!("{} does not hold a person's key.", path.display()));
    let value: serde_json::Value = serde_json::from_slice(&opened).map_err(|_| bad())?;
    let seed = Zeroizing::new(BASE64.decode(value.get("ed25519").and_then(serde_json::Value::as_str).ok_or_else(bad)?).map_err(|_| bad())?);
    let seed: &[u8; 32] = seed.as_slice().try_into().map_err(|_| bad())?;
    Ok(hex::encode(SigningKey::from_bytes(seed).sign(text).to_bytes()))
}
