//! What operators and their tools ask for.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::envelope::data;
use super::{ApiError, Shared};

/// `GET /health`: the process is alive.
pub(super) async fn health() -> Response {
    data(StatusCode::OK, &json!({ "status": "ok" }))
}

/// `GET /ready`: the stores answer.
pub(super) async fn ready(State(shared): State<Shared>) -> Result<Response, ApiError> {
    match shared.engine.store().ping().await {
        Ok(()) => Ok(data(StatusCode::OK, &json!({ "status": "ready", "store": "ok" }))),
        Err(_) => Err(ApiError::unavailable("the store does not answer")),
    }
}

/// `GET /.well-known/jwks.json`: the public keys, in the form that the standard names, without an envelope.
pub(super) async fn jwks(State(shared): State<Shared>) -> Json<Value> {
    Json(shared.engine.jwks())
}
