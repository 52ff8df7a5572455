//! `GET /metrics`: what an operator watches, in the text form of Prometheus.
//!
//! Everything is read from the database when it is asked for, so that it is the same on every node, and a restart counts
//! nothing anew. No label is about a person.

use std::fmt::Error as Unwritable;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::{ApiError, Shared};
use crate::model::Actor;
use crate::store::outbox::{Count, Sum};

/// How far back messages are counted.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// The form that `prometheus_client` writes.
const FORM: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;

/// `GET /metrics`.
pub(super) async fn metrics(State(shared): State<Shared>) -> Result<Response, ApiError> {
    let (store, now) = (shared.engine.store(), shared.engine.now());
    let since = now - WINDOW;
    let counts = store.outbox_counts(&Actor::System, since).await?;
    let sums = store.code_sums(&Actor::System, since).await?;
    let oldest = store.oldest_waiting(&Actor::System).await?;
    let text = written((counts, sums), oldest, now).map_err(|_| ApiError::internal())?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(FORM))], text).into_response())
}

fn written(
    (counts, sums): (Vec<Count>, Vec<Sum>),
    oldest: Option<Timestamp>,
    now: Timestamp,
) -> Result<String, Unwritable> {
    let mut registry = Registry::with_prefix("vestibule");
    let effects = Family::<Labels, Gauge>::default();
    for Count { kind, status, effects: n } in counts {
        effects.get_or_create(&vec![("kind", kind), ("status", status)]).set(n);
    }
    let help =
        "Messages queued in the last 24 hours, by kind and by what became of them; dead are those given up";
    registry.register("outbox_effects", help, effects);
    let codes = Family::<Labels, Gauge>::default();
    for Sum { country, asked, sent, delivered, given_back } in sums {
        let country = country.unwrap_or_else(|| "none".to_owned());
        let stages = [("asked", asked), ("sent", sent), ("delivered", delivered), ("given_back", given_back)];
        for (stage, n) in stages {
            codes.get_or_create(&vec![("country", country.clone()), ("stage", stage.to_owned())]).set(n);
        }
    }
    let help = "Codes by text message of the last 24 hours, by country and by how far they came";
    registry.register("sms_codes", help, codes);
    let waiting = Gauge::<i64>::default();
    waiting.set(oldest.map_or(0, |at| now.duration_since(at).as_secs()));
    let help = "How long the message waits that waits longest; 0 where none does";
    registry.register_with_unit("outbox_oldest_waiting", help, Unit::Seconds, waiting);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_has_its_name_and_its_labels() {
        let count = Count { kind: "sms".into(), status: "dead".into(), effects: 3 };
        let sum = Sum { country: None, asked: 5, sent: 4, delivered: 2, given_back: 1 };
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(70);
        let text = written((vec![count], vec![sum]), Some(Timestamp::UNIX_EPOCH), now).unwrap();
        for line in [
            "vestibule_outbox_effects{kind=\"sms\",status=\"dead\"} 3",
            "vestibule_sms_codes{country=\"none\",stage=\"given_back\"} 1",
            "vestibule_outbox_oldest_waiting_seconds 70",
            "# EOF",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in:\n{text}");
        }
    }
}
