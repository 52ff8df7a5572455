//! Outside agents: a call is an effect like a message, and its answer resumes the graph in a turn of its own.
//!
//! The call is queued with the turn that asks for it, sealed, and made by the worker after the commit. What comes back is data: it
//! fills the fields that the graph file names, as texts, and leads on by one of four outcomes. Nobody is signed in in the
//! turn that it resumes, and the graphs' proofs hold handlers out of it.

use std::fmt::Write as _;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Error, fields};
use crate::agent::Turn;
use crate::bus::Answered;
use crate::graph::{Call, Graph, Node, Piece};
use crate::model::{EffectId, Entities, Owner, Route, Understanding, is_unseen};
use crate::store::outbox::{self, Claim, Effect, EffectStatus, Finish};
use crate::store::{Write, conversations::Conversation};

/// The kind of the effect.
pub const KIND: &str = "http";
/// Longest value that is taken of an answer, in characters.
const LONGEST: usize = 200;
/// How long somebody may wait for an answer.
const WORTH: SignedDuration = SignedDuration::from_mins(10);

/// A call that is due, as it is sealed in its effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// `GET` or `POST`.
    pub method: String,
    /// The name of the configured address.
    pub base: String,
    /// What stands behind it.
    pub path: String,
    /// The body, as JSON.
    pub body: Option<String>,
    /// Headers, each with the name of its secret.
    pub headers: Vec<(String, String)>,
    /// Longest time of a try, in milliseconds.
    pub timeout_ms: u32,
    /// How often it is tried again.
    pub retries: u32,
    /// The fields to fill, each with the pointer to its value.
    pub into: Vec<(String, String)>,
}

impl Due {
    /// Longest time of a try.
    pub fn timeout(&self) -> SignedDuration {
        SignedDuration::from_millis(i64::from(self.timeout_ms))
    }
}

/// Queues a call; false where a field that the address needs has nothing in it that an address can hold.
pub(super) fn queue(call: &Call, (graph, node): (&Graph, &Node), turn: &mut Turn) -> Result<bool, Error> {
    let known = fields::of(graph, turn);
    let Some(path) = path(&call.path, &known) else { return Ok(false) };
    let body = (!call.body.is_empty()).then(|| {
        let told = call.body.iter().filter_map(|name| Some((name.clone(), known.get(name)?.clone())));
        Value::Object(told.collect()).to_string()
    });
    let due = Due {
        method: call.method.as_str().to_owned(),
        base: call.base.clone(),
        path,
        body,
        headers: call.headers.clone(),
        timeout_ms: call.timeout_ms,
        retries: call.retries,
        into: call.into.clone(),
    };
    let tools = &mut turn.tools;
    let id = EffectId::new(tools.now, &mut tools.rng);
    let sealed = tools.keys.seal(&mut tools.rng, id.as_str(), &serde_json::to_vec(&due)?)?;
    let name = format!("{}.{}", graph.name, node.name);
    let effect = Effect {
        conversation: tools.conversation.clone(),
        locale: tools.language.clone(),
        destination_sealed: Some(sealed),
        ..Effect::waiting(id.clone(), KIND, &name, (tools.now, tools.now + WORTH))
    };
    tools.unit.push(outbox::insert(&effect));
    turn.state.work.call = Some(id.clone());
    turn.granted.effect = Some(id);
    Ok(true)
}

/// An address with its fields in it. An empty one, or one of dots alone, would be another address.
fn path(pieces: &[Piece], known: &Map<String, Value>) -> Option<String> {
    let mut path = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => path.push_str(text),
            Piece::Field(name) => {
                let value = known.get(name)?.as_str()?;
                if value.chars().all(|c| c == '.') {
                    return None;
                }
                path.push_str(&encoded(value));
            }
        }
    }
    Some(path)
}

/// A value with %-signs for everything but what never means anything in an address.
fn encoded(value: &str) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A value of an answer as a text that can be shown: of one line, and of 200 characters at most. What is no single value is
/// none.
pub fn shown(value: &Value) -> String {
    let whole = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    };
    whole.chars().filter(|c| !c.is_control() && !is_unseen(*c)).take(LONGEST).collect()
}

/// Hears what was answered.
pub(super) fn hear(turn: &mut Turn, answered: &Answered, conversation: &Conversation) {
    turn.state.work.call = None;
    turn.state.work.fields.extend(answered.fields.iter().cloned());
    turn.owned = matches!(conversation.owner, Owner::User(_));
    turn.state.progress.user_authenticated = turn.owned;
}

/// The route of the agent that called.
pub(super) fn heard(effect: &Effect) -> Understanding {
    let graph = effect.template.split('.').next().unwrap_or_default();
    Understanding::by_rule(Route::Agent(graph.to_owned()), Entities::default(), "an outside agent answered")
}

/// The write that ends the call; stale where another worker has it by now.
pub(super) fn finish(effect: &Effect, answered: &Answered, at: jiff::Timestamp) -> Write {
    let failed = answered.outcome == "failed";
    outbox::finish(Finish {
        effect: &effect.id,
        claim: Claim { by: &answered.by, nth: answered.nth },
        status: if failed { EffectStatus::Failed } else { EffectStatus::Sent },
        provider_id: None,
        error: (answered.outcome != "ok").then_some(answered.outcome),
        due_at: None,
        at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_within_its_place() {
        let pieces = [
            Piece::Text("/orders/".to_owned()),
            Piece::Field("number".to_owned()),
            Piece::Text("?full=1".to_owned()),
        ];
        let with = |number: &str| {
            let known = serde_json::json!({ "number": number });
            path(&pieces, known.as_object().unwrap())
        };
        for (number, expected) in [
            ("AB-12345", Some("/orders/AB-12345?full=1")),
            ("a/b?c#d&e", Some("/orders/a%2Fb%3Fc%23d%26e?full=1")),
            ("../x", Some("/orders/..%2Fx?full=1")),
            ("%2e%2e", Some("/orders/%252e%252e?full=1")),
            ("é {{ x }}", Some("/orders/%C3%A9%20%7B%7B%20x%20%7D%7D?full=1")),
            ("a\r\nhost: evil", Some("/orders/a%0D%0Ahost%3A%20evil?full=1")),
            ("..", None),
            (".", None),
            ("", None),
        ] {
            assert_eq!(with(number).as_deref(), expected, "{number}");
        }
    }
}
