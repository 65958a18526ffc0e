//! `/log/<generation>/<log>/…`: the public log, as monitors and clients of tiled logs fetch it (C2SP tlog-tiles).

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use sago_core::ledger::public;
use sago_core::repository::Repository;

use super::routes::nothing;
use crate::cli::out;

/// A file of a log. The path is taken as it was sent: what is encoded names nothing here, since no name needs it.
pub async fn file(State(repo): State<Arc<Repository>>, uri: Uri) -> Response {
    let Some(path) = uri.path().strip_prefix("/log/") else { return nothing().await };
    match tokio::task::block_in_place(|| public::read(&repo.places, path)) {
        Ok(Some(file)) if file.is_immutable => {
            let headers = [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "public, max-age=604800, immutable")];
            (headers, file.bytes).into_response()
        }
        Ok(Some(file)) => {
            let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
            (headers, file.bytes).into_response()
        }
        Ok(None) => nothing().await,
        Err(error) => {
            out::complain(&format!("sago serve: {}", error.message));
            (StatusCode::SERVICE_UNAVAILABLE, [(header::CACHE_CONTROL, "no-store")], "the log cannot be read now\n").into_response()
        }
    }
}
