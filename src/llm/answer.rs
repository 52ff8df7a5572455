//! What a completion says, read leniently: servers leave fields out, add others, and wrap JSON in prose.

use serde_json::Value;

use super::{Ask, Error};

/// Why a model stopped, as it writes it, where its answer was cut off.
const CUT_OFF: [&str; 3] = ["length", "max_tokens", "content_filter"];

/// More tokens than any model takes at once.
const MOST_TOKENS: u64 = 10_000_000;
/// Every reason that is told; a server may write anything there.
const REASONS: [&str; 5] = ["stop", "length", "max_tokens", "content_filter", "tool_calls"];

/// What a completion says, and the tokens it cost.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) said: Result<(String, Option<Value>), Error>,
    pub(super) input: u64,
    pub(super) output: u64,
    /// Why the model stopped, where that is one of the known words.
    pub(super) reason: Option<&'static str>,
}

/// Reads a completion.
pub(super) fn read(body: &Value, ask: &Ask) -> Read {
    Read {
        said: said(body, ask),
        input: tokens(body, "/usage/prompt_tokens"),
        output: tokens(body, "/usage/completion_tokens"),
        reason: known(body.pointer("/choices/0/finish_reason").and_then(Value::as_str).unwrap_or_default()),
    }
}

/// A count of tokens, within what one request can have: a server may write anything there.
pub(super) fn tokens(body: &Value, field: &str) -> u64 {
    body.pointer(field).and_then(Value::as_u64).unwrap_or_default().min(MOST_TOKENS)
}

/// A reason for stopping as one of the known words.
pub(super) fn known(reason: &str) -> Option<&'static str> {
    REASONS.into_iter().find(|known| *known == reason)
}

/// Whether a model stopped before its answer was whole.
pub(super) fn is_cut_off(reason: &str) -> bool {
    CUT_OFF.contains(&reason)
}

fn said(body: &Value, ask: &Ask) -> Result<(String, Option<Value>), Error> {
    let choice = body.pointer("/choices/0").ok_or(Error::Garbage)?;
    let message = choice.get("message").ok_or(Error::Garbage)?;
    if message.get("refusal").and_then(Value::as_str).is_some_and(|refusal| !refusal.is_empty()) {
        return Err(Error::Refused);
    }
    let text = match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        // Some servers give the content in parts.
        Some(Value::Array(parts)) => {
            parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()
        }
        _ => String::new(),
    };
    let reason = choice.get("finish_reason").and_then(Value::as_str).unwrap_or_default();
    if is_cut_off(reason) {
        return Err(Error::CutOff);
    }
    fitting(text, ask)
}

/// The text of an answer with its value, where it has the asked form.
pub(super) fn fitting(text: String, ask: &Ask) -> Result<(String, Option<Value>), Error> {
    if text.trim().is_empty() {
        return Err(Error::Empty);
    }
    let Some(shape) = &ask.shape else { return Ok((text, None)) };
    let value = json_of(&text).filter(|value| (shape.fits)(value)).ok_or(Error::Unfit)?;
    Ok((text, Some(value)))
}

/// The JSON object in a text: alone, in a code fence, or with words around it.
pub fn json_of(text: &str) -> Option<Value> {
    let text = text.trim().trim_start_matches('\u{feff}');
    let whole = serde_json::from_str::<Value>(text).ok();
    let found = whole.or_else(|| {
        let start = text.find('{')?;
        let end = text.rfind('}')?;
        serde_json::from_str(text.get(start..=end)?).ok()
    });
    found.filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::super::Shape;
    use super::*;

    #[test]
    fn json_is_found_where_models_put_it() {
        let want = Some(json!({ "a": 1 }));
        for text in [
            r#"{"a":1}"#,
            "\u{feff}  {\n \"a\"\t:\r\n1 }  ",
            "```json\n{\"a\": 1}\n```",
            "Sure! Here you are: {\"a\": 1} Anything else?",
        ] {
            assert_eq!(json_of(text), want, "{text}");
        }
        for text in ["", "{", "[1]", "\"{}\"", "no", "} {", "{\"a\": 1"] {
            assert_eq!(json_of(text), None, "{text}");
        }
    }

    #[test]
    fn completions_are_read_with_what_servers_leave_out() {
        let fits = Box::new(|value: &Value| value.get("a").is_some());
        let shape = Some(Arc::new(Shape { name: "x", schema: json!({}), fits }));
        let ask = Ask { system: String::new(), user: String::new(), shape, most_tokens: 1, until: None };
        let of = |message: Value, reason: &str| {
            read(&json!({ "choices": [{ "message": message, "finish_reason": reason }] }), &ask).said
        };
        assert!(of(json!({ "content": "{\"a\":1}" }), "stop").is_ok());
        assert!(of(json!({ "content": [{ "text": "{\"a\"" }, { "text": ":1}" }] }), "stop").is_ok());
        assert_eq!(of(json!({ "content": "{\"b\":1}" }), "stop").unwrap_err(), Error::Unfit);
        assert_eq!(of(json!({ "content": "{\"a\":" }), "length").unwrap_err(), Error::CutOff);
        assert_eq!(of(json!({ "content": null, "refusal": "no" }), "stop").unwrap_err(), Error::Refused);
        assert_eq!(of(json!({ "content": "" }), "stop").unwrap_err(), Error::Empty);
        assert_eq!(read(&json!({ "error": 1 }), &ask).said.unwrap_err(), Error::Garbage);
        assert_eq!(read(&json!([]), &ask).said.unwrap_err(), Error::Garbage);
        let counted =
            read(&json!({ "choices": [], "usage": { "prompt_tokens": 3, "completion_tokens": -1 } }), &ask);
        assert_eq!((counted.input, counted.output), (3, 0));
    }
}
