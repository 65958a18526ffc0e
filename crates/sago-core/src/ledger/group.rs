//! Group commit: events of many tasks in common transactions.
//!
//! A transaction costs a flush of the disk, an event in it little. Tasks that enter events at the same time hand them to an [`Entry`]; the
//! [`Committer`] enters whatever waits in one transaction, and each task hears when its own event is durable: the promise of
//! [`Tx::commit`](super::Tx::commit), not a weaker one. What an event means, and who may enter it, is the caller's matter.

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::Position;
use super::event::Event;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorKind, Result};
use crate::repository::Repository;

/// Most events of one transaction: bounds memory, and how long the first of them waits.
const MOST_EVENTS: usize = 256;

/// Most events that wait for the next transaction; whoever brings more waits with them.
const MOST_WAITING: usize = 4 * MOST_EVENTS;

struct Waiting {
    unit: Uuid,
    event: Event,
    answer: oneshot::Sender<Result<Position>>,
}

/// Where tasks hand in events. Cheap to clone.
#[derive(Clone)]
pub struct Entry {
    waiting: mpsc::Sender<Waiting>,
}

/// Enters what was handed in.
pub struct Committer {
    waiting: mpsc::Receiver<Waiting>,
}

/// Begins a group: tasks get clones of the first, one task runs the second.
pub fn group() -> (Entry, Committer) {
    let (sender, receiver) = mpsc::channel(MOST_WAITING);
    (Entry { waiting: sender }, Committer { waiting: receiver })
}

impl Entry {
    /// Enters an event whose detail is sealed to `unit`. When this returns `Ok`, it is durable and has its place in the log.
    ///
    /// When the common transaction fails, every event in it fails, and none of them was entered; it may be handed in again.
    pub async fn enter(&self, unit: Uuid, event: Event) -> Result<Position> {
        let (answer, answered) = oneshot::channel();
        let ended = || Error::new(ErrorKind::Unavailable, "Nothing is entered any more: the process is stopping.");
        self.waiting.send(Waiting { unit, event, answer }).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

impl Committer {
    /// Enters events in the name of `ctx` until every [`Entry`] is dropped. Returns the number of transactions.
    ///
    /// The log's signed head is brought up to date by the caller: [`Repository::integrate`].
    pub async fn run(mut self, repo: &Repository, ctx: &Ctx) -> u64 {
        let mut transactions = 0;
        let mut waiting = Vec::with_capacity(MOST_EVENTS);
        while self.waiting.recv_many(&mut waiting, MOST_EVENTS).await > 0 {
            let mut answers = Vec::with_capacity(waiting.len());
            let events = waiting.drain(..).map(|Waiting { unit, event, answer }| {
                answers.push(answer);
                (unit, event)
            });
            let entered = enter_all(repo, ctx, events.collect()).await;
            transactions += 1;
            for (at, answer) in answers.into_iter().enumerate() {
                let outcome = match &entered {
                    Ok(positions) => positions.get(at).copied().ok_or_else(|| Error::internal("an event has no place")),
                    Err(error) => Err(Error::new(error.kind, error.message.clone())),
                };
                // A task that no longer listens: its event is entered all the same.
                let _ = answer.send(outcome);
            }
        }
        transactions
    }
}

async fn enter_all(repo: &Repository, ctx: &Ctx, events: Vec<(Uuid, Event)>) -> Result<Vec<Position>> {
    let count = events.len();
    let mut tx = repo.begin().await?;
    for (unit, event) in events {
        tx.append(unit, event);
    }
    let mut positions = tx.commit(ctx).await?;
    // A jump of the clock is entered before them.
    Ok(positions.split_off(positions.len().saturating_sub(count)))
}
