//! The HTTP around a witness: two routes, bounded bodies, bounded time, a bounded number of connections.
//!
//! What is answered is decided in `sago_core::cosigner`. Nothing is read from a request but its body and its path.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use sago_core::cosigner::Cosigner;
use sago_core::{Error, ErrorKind, Result};
use sago_ledger::witness::MAX_REQUEST_BYTES;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::super::out;

/// Longest time in which a head, and then a body, must have come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections served at the same time; more wait.
const MAX_CONNECTIONS: usize = 64;

/// Longest life of a connection: nobody keeps a place for ever.
const MAX_LIFE: Duration = Duration::from_secs(120);

/// Answers until the process is told to stop.
pub(super) async fn serve(cosigner: Cosigner, listen: SocketAddr, is_json: bool) -> Result<()> {
    let unavailable = |what: &str, error: &std::io::Error| Error::new(ErrorKind::Unavailable, format!("{what} {listen}: {error}"));
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| unavailable("Could not listen on", &error).hint("Is something else there already? Give another `--listen ADDR:PORT`."))?;
    let address = listener.local_addr().map_err(|error| unavailable("Could not listen on", &error))?;
    if is_json {
        out::object(&json!({ "witness": cosigner.name(), "url": format!("http://{address}") }));
    } else {
        out::line(format!("The witness {} listens on http://{address}.", cosigner.name()));
    }
    let app = routes(Arc::new(cosigner));
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut stop = std::pin::pin!(told_to_stop());
    loop {
        let place = places.clone().acquire_owned().await.map_err(|error| Error::internal(error.to_string()))?;
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            told = &mut stop => {
                told.map_err(|error| unavailable("Signals cannot be heard on", &error))?;
                break;
            }
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Too many open files, say: the next moment may be better, and a busy loop would make it worse.
                out::complain(&format!("sago witness: a connection could not be taken: {error}"));
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(app.clone());
        tokio::spawn(async move {
            let mut server = hyper::server::conn::http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(64 * 1024);
            // How a stranger's connection ends is the stranger's business.
            let _ = tokio::time::timeout(MAX_LIFE, server.serve_connection(TokioIo::new(stream), service)).await;
            drop(place);
        });
    }
    // What is being cosigned is durable before it is answered, so nothing is lost by not waiting longer than this.
    let _ = tokio::time::timeout(PATIENCE, places.acquire_many(u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX))).await;
    Ok(())
}

async fn told_to_stop() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted,
    }
}

/// All routes of a witness.
fn routes(cosigner: Arc<Cosigner>) -> Router {
    Router::new().route("/add-checkpoint", post(add_checkpoint)).route("/{origin}/checkpoint", get(latest)).with_state(cosigner)
}

async fn add_checkpoint(State(cosigner): State<Arc<Cosigner>>, request: Request) -> Response {
    let read = tokio::time::timeout(PATIENCE, to_bytes(request.into_body(), MAX_REQUEST_BYTES)).await;
    let body = match read {
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, "the body did not come in time\n"),
        Ok(Err(_)) => return plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long, or was cut off\n"),
        Ok(Ok(body)) => body,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // A disk is waited for, and a caller that hangs up in between must not stop what is half done.
    let decided = tokio::task::spawn_blocking(move || cosigner.add_checkpoint(&body, now)).await;
    let Ok(reply) = decided else {
        out::complain("sago witness: a request could not be decided; nothing was answered to it");
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "the witness could not decide\n");
    };
    if let Some(alarm) = &reply.alarm {
        out::complain(&format!("sago witness: REFUSED: {alarm}"));
    }
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, reply.content_type)], reply.body).into_response()
}

async fn latest(State(cosigner): State<Arc<Cosigner>>, Path(digest): Path<String>) -> Response {
    match tokio::task::spawn_blocking(move || cosigner.latest(&digest)).await {
        Ok(Ok(Some(text))) => {
            let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
            (headers, Body::from(text)).into_response()
        }
        Ok(Ok(None)) => plain(StatusCode::NOT_FOUND, "this witness has cosigned no such log\n"),
        Ok(Err(error)) => {
            out::complain(&format!("sago witness: {error}"));
            plain(StatusCode::INTERNAL_SERVER_ERROR, "the witness cannot read its state\n")
        }
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "the witness cannot read its state\n"),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
