//! `sago serve`: a node that answers over the network, and does jobs.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use sago_core::job::{self, Mode};
use sago_core::node::{Kind, Node};
use sago_core::{Error, ErrorKind, Result};
use tokio::net::TcpListener;

use super::work::{on_signal, show};
use super::{Common, Done, out};
use crate::web;

/// Arguments of `sago serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Address and port; encryption is the business of a proxy before it.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Do no jobs: other nodes do them.
    #[arg(long)]
    no_jobs: bool,
}

impl Serve {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let stop = on_signal()?;
        let (repo, ctx) = common.open().await?;
        let listener = TcpListener::bind(self.listen).await.map_err(|error| {
            Error::new(ErrorKind::Unavailable, format!("Nothing can be served at {}: {error}", self.listen)).hint("Name another address with `--listen ADDR`.")
        })?;
        let address = listener.local_addr().unwrap_or(self.listen);
        let node = Node::join(&repo, Kind::Serve).await?;
        out::complain(&format!("sago serve: node {} answers at http://{address}; SIGTERM ends it", node.id));
        let repo = Arc::new(repo);
        let server = tokio::spawn(web::serve(listener, repo.clone(), stop.clone()));
        let worked = if self.no_jobs {
            idle(&repo, stop).await
        } else {
            let mut tell = |ran| {
                show(common, ran);
            };
            job::work(&repo, &ctx, node.id, Mode::UntilStopped, stop, &mut tell).await
        };
        // Jobs end by themselves only because this process was asked to end, or must.
        if worked.is_ok() {
            server.await.map_err(|error| Error::internal(format!("The server ended early: {error}")))?;
        } else {
            server.abort();
        }
        let left = node.leave().await;
        repo.db().clone().close().await;
        worked?;
        left?;
        out::complain("sago serve: ended; nothing is held");
        Ok(Done::Sound)
    }
}

/// Does no jobs, but closes again what others seal, and ends when the keys do.
async fn idle(repo: &sago_core::repository::Repository, mut stop: tokio::sync::watch::Receiver<bool>) -> Result<()> {
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
            () = tokio::time::sleep(std::time::Duration::from_secs(1)) => {
                repo.forget_opened();
                // A database that does not answer shows at /readyz.
                if matches!(repo.are_keys_in_force().await, Ok(false)) {
                    return repo.require_keys_in_force().await;
                }
            }
        }
    }
}
