//! The envelope: `{"success": true, "data": …}` or `{"success": false, "error": {…}}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use tracing::error;

use crate::engine;
use crate::mask;

tokio::task_local! {
    /// The id under which the log has what an error's caller is told.
    pub(super) static ERROR_ID: String;
}

/// A good answer.
pub(super) fn data(status: StatusCode, data: &Value) -> Response {
    (status, Json(json!({ "success": true, "data": data }))).into_response()
}

/// What a caller is told where something cannot be done.
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    pointer: Option<String>,
    retry_after: Option<u64>,
    /// What else belongs to it; nulls are left out.
    details: Option<Box<Map<String, Value>>>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), pointer: None, retry_after: None, details: None }
    }

    /// A body, parameter or header that cannot be taken; `pointer` says which.
    pub(super) fn invalid(pointer: &str, message: impl Into<String>) -> Self {
        let error = Self::new(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", message);
        Self { pointer: Some(pointer.to_owned()), ..error }
    }

    /// A value of the right shape that cannot be taken.
    pub(super) fn unprocessable(pointer: &str, message: impl Into<String>) -> Self {
        let error = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "VALIDATION_ERROR", message);
        Self { pointer: Some(pointer.to_owned()), ..error }
    }

    /// A request of the wrong shape, with the status that says so.
    pub(super) fn refused(status: StatusCode, message: &str) -> Self {
        let code =
            if status == StatusCode::PAYLOAD_TOO_LARGE { "PAYLOAD_TOO_LARGE" } else { "VALIDATION_ERROR" };
        Self::new(status, code, message)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "no valid credential was presented")
    }

    pub(super) fn forbidden(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", message)
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", "not found")
    }

    /// Too many of them; one more fits after those seconds, where that is known.
    pub(super) fn too_many(message: &str, seconds: Option<u64>) -> Self {
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMIT_EXCEEDED", message);
        Self { retry_after: seconds, ..error }
    }

    pub(super) fn conflict(message: &str) -> Self {
        Self::new(StatusCode::CONFLICT, "CONFLICT", message)
    }

    /// The same with further details.
    pub(super) fn with(mut self, details: Value) -> Self {
        if let Value::Object(details) = details {
            let known = details.into_iter().filter(|(_, value)| !value.is_null());
            self.details = Some(Box::new(known.collect()));
        }
        self
    }

    pub(super) fn unavailable(message: &str) -> Self {
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message);
        Self { retry_after: Some(1), ..error }
    }

    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "something went wrong on our side")
    }
}

impl From<engine::Error> for ApiError {
    fn from(error: engine::Error) -> Self {
        match &error {
            engine::Error::Invalid { pointer, what } => Self::invalid(pointer, what.clone()),
            engine::Error::Unauthorized => Self::unauthorized(),
            engine::Error::NotFound => Self::not_found(),
            engine::Error::Conflict(what) => Self::new(StatusCode::CONFLICT, "CONFLICT", *what),
            engine::Error::TooMany { until, now } => {
                let seconds = (until.as_microsecond() - now.as_microsecond()).max(1);
                let seconds = u64::try_from(seconds).unwrap_or(1).div_ceil(1_000_000);
                let what = "too many requests of this kind from here; please try again later";
                let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMIT_EXCEEDED", what);
                Self { retry_after: Some(seconds), ..error }
            }
            engine::Error::Store(_) => {
                log(&error);
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "DATABASE_ERROR", "the database did not answer")
            }
            _ => {
                log(&error);
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "AGENT_ERROR",
                    "something went wrong on our side",
                )
            }
        }
    }
}

impl From<crate::store::Error> for ApiError {
    fn from(error: crate::store::Error) -> Self {
        engine::Error::from(error).into()
    }
}

fn log(error: &dyn std::error::Error) {
    error!(error = %mask::chain(error), "Request failed");
}

impl ApiError {
    /// The envelope.
    pub(super) fn body(&self) -> Value {
        let id = ERROR_ID.try_with(Clone::clone).unwrap_or_default();
        let mut error = Map::new();
        error.insert("code".into(), json!(self.code));
        error.insert("message".into(), json!(self.message));
        error.insert("errorId".into(), json!(id));
        let mut details = self.details.as_deref().cloned().unwrap_or_default();
        if let Some(pointer) = &self.pointer {
            details.insert("pointer".into(), json!(pointer));
        }
        if !details.is_empty() {
            error.insert("details".into(), Value::Object(details));
        }
        json!({ "success": false, "error": error })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
