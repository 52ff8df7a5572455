//! What stands in the address. What cannot be read is answered in the envelope, like everything else.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts as Head;
use serde::de::DeserializeOwned;

use super::ApiError;

/// The parameters after the question mark.
#[derive(Debug)]
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(head: &mut Head, _: &S) -> Result<Self, ApiError> {
        match Query::try_from_uri(&head.uri) {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(_) => Err(ApiError::invalid("?", "cannot be read: give each parameter once, in UTF-8")),
        }
    }
}

/// The one variable part of a path. What is not even text names nothing that there is.
#[derive(Debug)]
pub(super) struct Named(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(head: &mut Head, state: &S) -> Result<Self, ApiError> {
        match Path::from_request_parts(head, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(ApiError::not_found()),
        }
    }
}
