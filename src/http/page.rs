//! The chat page, compiled in.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::ApiError;
use super::params::Named;

const INDEX: &str = include_str!("../../web/index.html");
const FILES: &[(&str, &str, &str)] = &[
    ("app.js", "text/javascript; charset=utf-8", include_str!("../../web/app.js")),
    ("api.js", "text/javascript; charset=utf-8", include_str!("../../web/api.js")),
    ("style.css", "text/css; charset=utf-8", include_str!("../../web/style.css")),
];

/// `GET /`.
pub(super) async fn index() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], INDEX).into_response()
}

/// `GET /web/{file}`.
pub(super) async fn file(Named(name): Named) -> Result<Response, ApiError> {
    let found = FILES.iter().find(|(file, _, _)| *file == name);
    let (_, kind, text) = found.ok_or_else(ApiError::not_found)?;
    Ok(([(header::CONTENT_TYPE, *kind)], *text).into_response())
}

/// `GET /favicon.ico`: there is none, and browsers ask all the same.
pub(super) async fn icon() -> StatusCode {
    StatusCode::NO_CONTENT
}
