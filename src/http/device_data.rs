//! What an anonymous device, or the account it signed in to, has gathered.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::body::Fields;
use super::caller::Caller;
use super::envelope::data;
use super::params::Named;
use super::{ApiError, Shared};
use crate::tool::migration::{DataKind, Items};

/// `GET /api/device-data/{kind}`.
pub(super) async fn show(
    State(shared): State<Shared>,
    Caller(caller): Caller,
    Named(kind): Named,
) -> Result<Response, ApiError> {
    let kind = DataKind::parse(&kind).ok_or_else(ApiError::not_found)?;
    let items = shared.engine.device_data(&caller, kind).await?;
    Ok(data(StatusCode::OK, &json!({ "items": items.as_slice() })))
}

/// `PUT /api/device-data/{kind}` `{items}`: these items and no others.
pub(super) async fn put(
    State(shared): State<Shared>,
    Caller(caller): Caller,
    Named(kind): Named,
    fields: Fields,
) -> Result<Response, ApiError> {
    let kind = DataKind::parse(&kind).ok_or_else(ApiError::not_found)?;
    let items = Items::parse(kind, fields.value("items"));
    let items = items.map_err(|error| ApiError::invalid(&error.pointer, error.what))?;
    shared.engine.put_device_data(&caller, kind, &items).await?;
    Ok(data(StatusCode::OK, &json!({ "items": items.as_slice() })))
}
