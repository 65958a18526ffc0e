//! The loop of a node that does jobs.

use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

use super::run::{Ran, run};
use super::{claim, plan_periodic};
use crate::ctx::Ctx;
use crate::error::{ErrorKind, Result};
use crate::repository::Repository;

/// When the loop ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// When nothing is due that another node is not doing.
    Once,
    /// When it is asked to stop.
    UntilStopped,
}

/// Does jobs as the node with this id; tells of each, and of a database that does not answer for a while.
///
/// Ends when it is asked to (`stop` becomes true), giving back what it has claimed, within seconds; with an error when the keys it works
/// with have ended. If we crash, leases end by themselves.
pub async fn work(
    repo: &Repository,
    ctx: &Ctx,
    node: Uuid,
    mode: Mode,
    mut stop: watch::Receiver<bool>,
    tell: &mut (dyn FnMut(Result<Ran>) + Send),
) -> Result<()> {
    plan_periodic(repo.db(), &repo.settings).await?;
    let pause = Duration::from_millis(repo.settings.work.poll_ms.into());
    // Who could ask us to stop being gone is as good as being asked.
    while !*stop.borrow() && stop.has_changed().is_ok() {
        if matches!(repo.are_keys_in_force().await, Ok(false)) {
            return repo.require_keys_in_force().await;
        }
        // What another process sealed or destroyed since must not stay open in this one.
        repo.forget_opened();
        match claim(repo.db(), node, &repo.settings).await {
            Ok(Some(claim)) => match run(repo, ctx, claim, &stop).await {
                Ok(ran) => tell(Ok(ran)),
                Err(error) if mode == Mode::Once || !is_passing(error.kind) => return Err(error),
                // The job's lease ends by itself.
                Err(error) => tell(Err(error)),
            },
            Ok(None) if mode == Mode::Once => return Ok(()),
            Ok(None) => rest(pause, &mut stop).await,
            Err(error) if mode == Mode::Once || !is_passing(error.kind) => return Err(error),
            Err(error) => {
                tell(Err(error));
                rest(Duration::from_secs(5), &mut stop).await;
            }
        }
    }
    Ok(())
}

async fn rest(pause: Duration, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = tokio::time::sleep(pause) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// Whether a database that failed so may answer again by itself.
fn is_passing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::Internal | ErrorKind::Conflict)
}
