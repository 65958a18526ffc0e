//! `/healthz`: the process lives. `/readyz`: what it stands on answers, and how far the logs' heads are.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sago_core::node;
use sago_core::repository::Repository;
use serde_json::json;

use crate::cli::out;

/// The process lives.
pub async fn alive() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], "alive\n").into_response()
}

/// What it stands on answers. Which part does not is said here; why, on standard error, since it may name a path.
pub async fn ready(State(repo): State<Arc<Repository>>) -> Response {
    let health = node::health(&repo).await;
    let failing: Vec<&str> = health.failing.iter().map(|(part, _)| *part).collect();
    for (part, error) in &health.failing {
        out::complain(&format!("sago serve: not ready: {part}: {}", error.message));
    }
    let logs: Vec<_> = health
        .logs
        .iter()
        .map(|one| json!({ "log": one.log, "generation": one.generation, "size": one.size, "age_seconds": one.age_seconds, "waiting": one.waiting }))
        .collect();
    let status = if failing.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "ready": failing.is_empty(), "failing": failing, "logs": logs }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], body + "\n").into_response()
}
