//! Bodies: refused before they cost anything, read field by field with the pointer of whatever is wrong.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde_json::{Map, Value};

use super::ApiError;
use crate::engine::Said;
use crate::model::Phone;

/// Deepest nesting of a body.
const DEEPEST: usize = 64;

/// A JSON object. Fields that nobody asks for are ignored.
#[derive(Debug, Default)]
pub(super) struct Fields(Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let headers = request.headers();
        let kind =
            headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let is_json =
            kind.split(';').next().is_some_and(|k| k.trim().eq_ignore_ascii_case("application/json"));
        let is_encoded = headers.contains_key(header::CONTENT_ENCODING);
        let bytes = Bytes::from_request(request, state).await.map_err(|e| {
            ApiError::refused(
                if e.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    e.status()
                } else {
                    StatusCode::BAD_REQUEST
                },
                "the body is too large or did not arrive whole",
            )
        })?;
        if bytes.is_empty() && kind.is_empty() {
            return Ok(Self::default());
        }
        if !is_json || is_encoded {
            let what = "the body must be plain `application/json`";
            return Err(ApiError::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, what));
        }
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        if depth(&bytes) > DEEPEST {
            return Err(ApiError::invalid("", format!("the body is nested deeper than {DEEPEST} levels")));
        }
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            Ok(_) => Err(ApiError::invalid("", "the body must be a JSON object")),
            Err(e) => {
                Err(ApiError::invalid("", format!("not JSON at line {}, column {}", e.line(), e.column())))
            }
        }
    }
}

/// How deep the brackets outside of texts go, without parsing.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0usize, 0usize, false, false);
    for &b in bytes {
        match b {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl Fields {
    /// A value of whatever kind.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A text that may be left out or null.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(ApiError::invalid(&format!("/{name}"), "must be a text")),
        }
    }

    /// A text that must be there.
    pub(super) fn required(&self, name: &str) -> Result<String, ApiError> {
        self.text(name)?.ok_or_else(|| ApiError::invalid(&format!("/{name}"), "is missing"))
    }

    /// A phone number with its country code that may be left out.
    pub(super) fn phone(&self) -> Result<Option<Phone>, ApiError> {
        let Some(text) = self.text("phone")? else { return Ok(None) };
        Phone::parse(&text, None).map(Some).map_err(|e| ApiError::unprocessable("/phone", e.to_string()))
    }

    /// A code that must be there.
    pub(super) fn code(&self) -> Result<Said, ApiError> {
        let digits = self.required("code")?;
        let what = "must be the digits of the code and nothing else";
        Said::code(&digits).ok_or_else(|| ApiError::unprocessable("/code", what))
    }

    /// True or false; false where it is left out.
    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(ApiError::invalid(&format!("/{name}"), "must be true or false")),
        }
    }

    /// A whole number within bounds that must be there.
    pub(super) fn whole(&self, name: &str, least: i64, most: i64) -> Result<i64, ApiError> {
        let value = self.0.get(name).and_then(Value::as_i64).filter(|n| (least..=most).contains(n));
        value.ok_or_else(|| {
            ApiError::invalid(&format!("/{name}"), format!("must be a whole number from {least} to {most}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_inside_texts_do_not_count() {
        assert_eq!(depth(br#"{"a": "[[[[\"[", "b": [1, [2]]}"#), 3);
        assert_eq!(depth("[".repeat(10_000).as_bytes()), 10_000);
        assert_eq!(depth(b"]]]"), 0);
    }
}
