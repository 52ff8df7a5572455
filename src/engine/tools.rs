//! Tools that a graph file calls by name, for whoever speaks.

use serde_json::{Map, Value};

use super::{Error, fields, outside};
use crate::agent::{self, Turn};
use crate::graph::{Argument, Graph, ToolCall};
use crate::tool::{self, Called};

/// Calls the tool; what it answers fills the fields, whether it did what was asked or not. Gives back the outcome.
pub(super) async fn call(call: &ToolCall, graph: &Graph, turn: &mut Turn) -> Result<&'static str, Error> {
    let known = fields::of(graph, turn);
    let value = |argument: &Argument| match argument {
        Argument::Text(text) => Value::from(text.as_str()),
        Argument::Field(name) => known.get(name).cloned().unwrap_or_default(),
    };
    let arguments: Map<String, Value> =
        call.with.iter().map(|(name, argument)| (name.clone(), value(argument))).collect();
    let called = tool::call(&mut turn.tools, turn.user.as_ref(), (call.tool, arguments)).await?;
    let (outcome, answer) = match called {
        Some(Called::Done(answer)) => ("ok", answer),
        Some(Called::Refused(answer)) => ("refused", answer),
        None => return Err(agent::Error::Unproven(call.tool).into()),
    };
    let filled = call.into.iter().map(|(field, pointer)| {
        (field.clone(), answer.pointer(pointer).map(outside::shown).unwrap_or_default())
    });
    turn.state.work.fields.extend(filled);
    Ok(outcome)
}
