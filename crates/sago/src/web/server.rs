//! The server: connections with limits in number and time, and an end that waits for answers under way.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use sago_core::repository::Repository;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use super::routes::routes;
use crate::cli::out;

/// Most connections at one time; further ones wait.
const CONNECTIONS: usize = 256;

/// Longest time for the head of a request to come, and for an idle connection to stay.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// Longest life of a connection: a reader who takes a byte a minute does not keep one.
const LIFE: Duration = Duration::from_secs(600);

/// How long answers under way may take when the server is asked to end.
const GRACE: Duration = Duration::from_secs(5);

/// Answers until asked to stop.
pub async fn serve(listener: TcpListener, repo: Arc<Repository>, mut stop: watch::Receiver<bool>) {
    let routes = routes(repo);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let (stream, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files, for one: the next connection may find room.
                out::complain(&format!("sago serve: a connection could not be taken: {error}"));
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(routes.clone());
        let connection = http1::Builder::new().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // Whoever broke the connection off knows it.
            let _ = tokio::time::timeout(LIFE, connection).await;
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        out::complain("sago serve: connections that did not end in time were cut");
    }
}

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> std::io::Result<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}
