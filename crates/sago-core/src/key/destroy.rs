//! Destroying the key of a unit: asked for by one person, signed by two approvers, carried out at once, proven for ever.
//!
//! What was sealed to the unit stays where it is and cannot be opened again: the log keeps the skeletons, with both approvals, and the
//! objects stay valid. The printed guarantee is that of integrity.md B3.

use ed25519_dalek::{Signature, VerifyingKey};
use sqlx::Row;
use uuid::Uuid;

use crate::ctx::{Ctx, Right, time_text};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Passphrase;
use crate::key::epoch::find_unit;
use crate::ledger::Position;
use crate::ledger::event::{ApprovalGiven, ApprovalGivenDetail, DestructionRequested, DestructionRequestedDetail, Event, UnitDestroyed, UnitDestroyedDetail};
use crate::ledger::proof::events_about;
use crate::repository::Repository;
use crate::store::fault;
use crate::user;

/// How many approvers must sign.
pub const APPROVALS_NEEDED: usize = 2;

/// A request as lists show it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Id.
    pub id: Uuid,
    /// Number.
    pub number: String,
    /// The unit.
    pub unit: Uuid,
    /// `open` or `done`.
    pub status: String,
    /// Who asked.
    pub asked_by: Uuid,
    /// Who signed so far.
    pub approvers: Vec<Uuid>,
    /// Why.
    pub reason: String,
    /// The exact words that are signed.
    pub statement: String,
}

/// What became of an approval.
pub enum Approved {
    /// More approvals are needed.
    Waiting(Request),
    /// The key was destroyed.
    Destroyed(Destroyed),
}

/// A destruction that was carried out.
pub struct Destroyed {
    /// The request.
    pub request: Request,
    /// Where the event stands.
    pub position: Position,
    /// When it was carried out (payload time).
    pub at: String,
    /// When the epoch ends (payload time).
    pub epoch_ends: String,
    /// Numbers of the accessions that cannot be opened again.
    pub accessions: Vec<String>,
}

impl Destroyed {
    /// The guarantee that is printed.
    pub fn guarantee(&self) -> String {
        format!(
            "From {} on, no enumerated copy of the key of unit {} exists: it was erased from the vault, and what the database held under it was overwritten. \
             Backups of the vault must be erased within one hour; `sago doctor` lists them. After the end of the current epoch ({}), once the custodians have \
             destroyed its shares and said so, no unknown copy of the wrapped key can be opened either. The sealed files stay in the storage root and in every \
             backup; nobody can open them again. The log keeps that they existed, who asked, who approved, and why.",
            self.at, self.request.unit, self.epoch_ends
        )
    }
}

/// Asks for the destruction of a unit's key.
pub async fn request_destruction(repo: &Repository, ctx: &Ctx, name: &str, reason: &str) -> Result<Request> {
    ctx.require(Right::Destroy)?;
    if reason.trim().is_empty() {
        return Err(Error::invalid("Destroying a key needs a reason.").hint("Add `--reason TEXT`: it is entered in the log and signed by the approvers."));
    }
    let unit = find_unit(repo, name).await?;
    if unit.mode == "destroyed" {
        return Err(Error::conflict("The key of this unit was destroyed already."));
    }
    let mut tx = repo.begin().await?;
    let year = ctx.now().strftime("%Y").to_string();
    let last: Option<String> =
        sqlx::query_scalar("SELECT MAX(number) FROM requests WHERE number LIKE $1").bind(format!("R-{year}-%")).fetch_one(tx.conn()).await?;
    let next = last.as_deref().and_then(|last| last.rsplit('-').next()).and_then(|last| last.parse::<u64>().ok()).unwrap_or(0) + 1;
    let request = Uuid::new_v4();
    let number = format!("R-{year}-{next:04}");
    let statement = format!(
        "sago-approval/1\nrepository {}\nrequest {request} {number}\nact destroy the key of unit {}\naccessions {}\nasked-by urn:uuid:{}\nasked-at {}\nreason {}\n",
        repo.settings.repository,
        unit.id,
        unit.accessions.join(" "),
        ctx.agent,
        time_text(ctx.now()),
        reason.replace('\n', " "),
    );
    let detail = DestructionRequestedDetail { reason: reason.to_owned(), statement: statement.clone() };
    tx.append(repo.settings.domain_unit, DestructionRequested { request, number: number.clone(), unit: unit.id }.with(detail));
    tx.commit(ctx).await?;
    repo.integrate(ctx).await?;
    Ok(Request {
        id: request,
        number,
        unit: unit.id,
        status: "open".to_owned(),
        asked_by: ctx.agent,
        approvers: Vec::new(),
        reason: reason.to_owned(),
        statement,
    })
}

/// All requests, oldest first.
pub async fn requests(repo: &Repository, ctx: &Ctx) -> Result<Vec<Request>> {
    ctx.require(Right::Audit)?;
    let numbers: Vec<String> = sqlx::query_scalar("SELECT number FROM requests ORDER BY number").fetch_all(repo.db().read()).await?;
    let mut found = Vec::with_capacity(numbers.len());
    for number in numbers {
        found.push(read(repo, &number).await?);
    }
    Ok(found)
}

async fn read(repo: &Repository, name: &str) -> Result<Request> {
    let row = sqlx::query("SELECT id, number, subject, asked_by, status FROM requests WHERE number = $1 OR id = $1")
        .bind(name)
        .fetch_optional(repo.db().read())
        .await?;
    let row = row.ok_or_else(|| Error::not_found(format!("There is no request {name}.")).hint("`sago key requests` shows them."))?;
    let corrupt = || Error::corrupt("A request's row was altered.").hint("Run `sago verify`, then `sago rebuild`.");
    let uuid = |column: usize| -> Result<Uuid> { Uuid::parse_str(&row.try_get::<String, _>(column)?).map_err(|_| corrupt()) };
    let id = uuid(0)?;
    // The words that are signed come from the log, not from a row.
    let asked = events_about(repo, id).await?.into_iter().find_map(|stored| match stored.event {
        Event::DestructionRequested(_, Some(detail)) => Some(detail),
        _ => None,
    });
    let asked = asked.ok_or_else(corrupt)?;
    let approvers: Vec<String> =
        sqlx::query_scalar("SELECT agent FROM approvals WHERE request = $1 ORDER BY at, agent").bind(id.to_string()).fetch_all(repo.db().read()).await?;
    Ok(Request {
        id,
        number: row.try_get(1)?,
        unit: uuid(2)?,
        asked_by: uuid(3)?,
        status: row.try_get(4)?,
        approvers: approvers.iter().map(|agent| Uuid::parse_str(agent).map_err(|_| corrupt())).collect::<Result<_>>()?,
        reason: asked.reason,
        statement: asked.statement,
    })
}

/// Signs a request with the approver's own key; the last signature that is needed carries it out.
pub async fn approve(repo: &Repository, ctx: &Ctx, name: &str, passphrase: &Passphrase) -> Result<Approved> {
    ctx.require(Right::Approve)?;
    let request = read(repo, name).await?;
    if request.status != "open" {
        return Err(Error::conflict(format!("{} is {} already.", request.number, request.status)));
    }
    if request.asked_by == ctx.agent {
        return Err(Error::new(ErrorKind::Forbidden, "Who asked must not approve."));
    }
    if find_unit(repo, &request.unit.to_string()).await?.mode == "destroyed" {
        // Another request was carried out in the meantime: a key is destroyed once, by one pair of approvals.
        return Err(Error::conflict("The key of this unit was destroyed already. Nothing was signed."));
    }
    if request.approvers.len() >= APPROVALS_NEEDED {
        // The last approval was entered and the crash came before it was carried out: any approver's command does that now.
        return destroy(repo, ctx, request).await.map(Approved::Destroyed);
    }
    if request.approvers.contains(&ctx.agent) {
        return Err(Error::conflict("You have signed this request already: another approver must sign too."));
    }
    let signature = user::sign(repo, ctx.agent, passphrase, request.statement.as_bytes())?;
    let agent = user::agents(repo).await?.into_iter().find(|agent| agent.id == ctx.agent);
    let public_key = agent.and_then(|agent| agent.public_key).ok_or_else(|| Error::invalid("You have no key to sign with."))?;
    check_signature(&public_key, &signature, &request.statement)?;
    let mut tx = repo.begin().await?;
    tx.append(repo.settings.domain_unit, ApprovalGiven { request: request.id, approver: ctx.agent, signature, public_key }.with(ApprovalGivenDetail {}));
    tx.commit(ctx).await?;
    repo.integrate(ctx).await?;
    let request = read(repo, &request.number).await?;
    if request.approvers.len() < APPROVALS_NEEDED {
        return Ok(Approved::Waiting(request));
    }
    fault::point("destroy-approved");
    destroy(repo, ctx, request).await.map(Approved::Destroyed)
}

/// Carries out a request that has all its approvals, each checked once more against the log.
async fn destroy(repo: &Repository, ctx: &Ctx, request: Request) -> Result<Destroyed> {
    let keys = user::agents(repo).await?;
    let mut signed = Vec::new();
    for stored in events_about(repo, request.id).await? {
        if let Event::ApprovalGiven(given, _) = &stored.event {
            let enrolled = keys.iter().find(|agent| agent.id == given.approver).and_then(|agent| agent.public_key.as_deref());
            if enrolled != Some(given.public_key.as_str()) {
                return Err(Error::corrupt("An approval was signed with a key that is not the approver's. Nothing was destroyed."));
            }
            check_signature(&given.public_key, &given.signature, &request.statement)?;
            signed.push(given.approver);
        }
    }
    signed.sort_unstable();
    signed.dedup();
    if signed.len() < APPROVALS_NEEDED || signed.contains(&request.asked_by) {
        return Err(Error::corrupt("The log does not hold two approvals of different people. Nothing was destroyed."));
    }
    let unit = find_unit(repo, &request.unit.to_string()).await?;
    let epoch_ends = repo.db().meta("epoch_ends").await?.unwrap_or_default();
    let now = ctx.now();
    let mut tx = repo.begin().await?;
    let event = UnitDestroyed { unit: request.unit, request: request.id, approvers: signed, epoch_ends: epoch_ends.clone() };
    tx.append(repo.settings.domain_unit, event.with(UnitDestroyedDetail { reason: request.reason.clone() }));
    let positions = tx.commit(ctx).await?;
    // If we crash here, the next opening erases the key: the log says that it is destroyed.
    fault::point("destroy-entered");
    repo.keyring().destroy(request.unit)?;
    fault::point("destroy-erased");
    repo.forget_rows();
    // What was made of its originals can no longer be opened; nobody needs it any more.
    for accession in &unit.accessions {
        repo.places.derived.erase_folder(&accession.to_string())?;
    }
    crate::search::forget_unit(repo, request.unit).await?;
    // What an interrupted deposit left for the unit goes with it.
    crate::accession::recover::sweep(repo).await?;
    repo.db().checkpoint().await?;
    repo.integrate(ctx).await?;
    let position = positions.last().copied().ok_or_else(|| Error::internal("the event has no place"))?;
    Ok(Destroyed { request: Request { status: "done".to_owned(), ..request }, position, at: time_text(now), epoch_ends, accessions: unit.accessions })
}

fn check_signature(public_key: &str, signature: &str, statement: &str) -> Result<()> {
    let bad = || Error::corrupt("The signature of an approval does not fit. Nothing was destroyed.");
    let key: [u8; 32] = hex::decode(public_key).ok().and_then(|key| key.try_into().ok()).ok_or_else(bad)?;
    let signature: [u8; 64] = hex::decode(signature).ok().and_then(|signature| signature.try_into().ok()).ok_or_else(bad)?;
    let key = VerifyingKey::from_bytes(&key).map_err(|_| bad())?;
    key.verify_strict(statement.as_bytes(), &Signature::from_bytes(&signature)).map_err(|_| bad())
}

/// Erases keys that the log says are destroyed and that a crash left in the vault. A row alone destroys nothing: whoever can write to the
/// database must not be able to have a key erased.
pub(crate) async fn finish_interrupted(repo: &Repository) -> Result<()> {
    let units: Vec<String> = sqlx::query_scalar("SELECT id FROM units WHERE mode = 'destroyed'").fetch_all(repo.db().read()).await?;
    for unit in units {
        let unit = Uuid::parse_str(&unit).map_err(|_| Error::corrupt("A unit's row was altered."))?;
        if repo.keyring().holds(unit)? {
            let is_told = events_about(repo, unit).await?.iter().any(|stored| matches!(&stored.event, Event::UnitDestroyed(event, _) if event.unit == unit));
            if !is_told {
                return Err(Error::corrupt(format!("The database says that the key of unit {unit} was destroyed; no event says so. Nothing was erased."))
                    .hint("Run `sago verify`, then `sago rebuild`; ask who wrote to the database."));
            }
            repo.keyring().destroy(unit)?;
            repo.db().checkpoint().await?;
        }
    }
    Ok(())
}
