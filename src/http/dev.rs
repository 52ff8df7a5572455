//! Routes for development and for tests from outside; `prod` has none of them.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::Fields;
use super::envelope::data;
use super::params::Asked;
use super::{ApiError, Shared};
use crate::dev_outbox;
use crate::model::Actor;
use crate::store::{Applied, instance};

/// Newest messages that are shown.
const SHOWN: u32 = 200;
/// The shared shift of the clocks of all nodes, in milliseconds.
pub const CLOCK: &str = "test_clock_ms";
/// Most that one call may move the clock: ten years.
const FURTHEST_MS: i64 = 10 * 366 * 24 * 3_600 * 1_000;

/// Whose messages.
#[derive(Debug, Deserialize)]
pub(super) struct To {
    to: Option<String>,
}

/// `GET /dev/outbox?to=`: what was sent, newest first.
pub(super) async fn outbox(
    State(shared): State<Shared>,
    Asked(To { to }): Asked<To>,
) -> Result<Response, ApiError> {
    let sent = dev_outbox::messages(shared.engine.store(), &shared.keys, SHOWN).await.map_err(|e| {
        tracing::error!(error = %crate::mask::line(&e.to_string()), "Development outbox failed");
        ApiError::internal()
    })?;
    let to = to.map(|t| plain(&t)).filter(|t| !t.is_empty());
    let items: Vec<Value> = sent
        .iter()
        .filter(|m| to.as_ref().is_none_or(|to| plain(m.to.expose()) == *to))
        .map(|m| {
            let (code, reference) = read(m.text.expose());
            json!({
                "to": m.to.expose(), "channel": m.channel, "subject": m.subject, "text": m.text.expose(),
                "code": code, "reference": reference, "at": m.at,
            })
        })
        .collect();
    Ok(data(StatusCode::OK, &json!(items)))
}

/// An address as it is compared. In a query a plus means a blank, and people type numbers with blanks, so of a number only
/// the digits count.
fn plain(address: &str) -> String {
    if address.contains('@') {
        return address.trim().to_lowercase();
    }
    address.chars().filter(char::is_ascii_digit).collect()
}

/// The code and the reference as a person would read them from the text.
fn read(text: &str) -> (Option<&str>, Option<&str>) {
    let words = || text.split(|c: char| !c.is_ascii_alphanumeric());
    let code = words().find(|w| w.len() >= 6 && w.bytes().all(|b| b.is_ascii_digit()));
    let reference = words().find(|w| w.len() == 2 && w.bytes().all(|b| b.is_ascii_uppercase()));
    (code, reference)
}

/// `POST /test/clock {"advanceMs"}`: moves the time of every node on this database.
pub(super) async fn clock(State(shared): State<Shared>, fields: Fields) -> Result<Response, ApiError> {
    let advance = fields.whole("advanceMs", 0, FURTHEST_MS)?;
    match shared.engine.store().apply(&Actor::System, vec![instance::add(CLOCK, advance)]).await? {
        Applied::Done => {}
        Applied::Stale { .. } => return Err(ApiError::internal()),
    }
    follow_clock(&shared).await?;
    Ok(data(StatusCode::OK, &json!({ "now": shared.engine.now() })))
}

/// Takes over what other nodes moved the time by.
pub(super) async fn follow_clock(shared: &Shared) -> Result<(), ApiError> {
    if let Some(clock) = &shared.test_clock {
        let shift = shared.engine.store().instance_number(&Actor::System, CLOCK).await?;
        clock.set_offset(SignedDuration::from_millis(shift));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_reference_are_read_from_the_text() {
        let text =
            "Your Vestibule code is 012345 (reference KT). It is valid for 10 minutes. Never share it.";
        assert_eq!(read(text), (Some("012345"), Some("KT")));
    }
}
