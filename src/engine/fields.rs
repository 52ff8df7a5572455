//! The fields of an agent that is a graph file alone: what was said for them, what is said with them, where they lead.
//!
//! What somebody typed is a value of a text and never a text of its own: nothing in it is read as a template.

use serde_json::{Map, Value};

use super::Error;
use crate::agent::Turn;
use crate::graph::{Graph, Guard, Keep, Kind, Node, Say};
use crate::model::{Action, Control, FACTS};

/// What an answer came to.
pub(super) enum Taken {
    /// It leads on.
    Outcome(&'static str),
    /// It could not be taken, and the same is said again.
    Again(Say),
}

/// Takes what was answered where a graph waits: a move that the question knows, or a value; what a handler takes is left to
/// it.
pub(super) fn take(node: &Node, turn: &mut Turn) -> Taken {
    if let Some(control) = turn.heard.control.map(Control::as_str).filter(|c| node.edge(c).is_some()) {
        return Taken::Outcome(control);
    }
    let (say, keep) = match &node.kind {
        Kind::Ask { say, keep: Some(keep), .. } => (say, keep),
        // Whatever was said meanwhile: an outside agent's answer is on its way.
        Kind::Http { say, .. } => return Taken::Again(say.clone()),
        _ => return Taken::Outcome("answered"),
    };
    if let Some(value) = turn.heard.entities.value.clone().filter(|_| turn.heard.answers) {
        turn.state.work.fields.insert(keep.field.clone(), value);
        return Taken::Outcome("answered");
    }
    turn.state.work.misses += 1;
    if keep.tries.is_some_and(|tries| turn.state.work.misses >= tries) {
        return Taken::Outcome("exhausted");
    }
    Taken::Again(again(keep, say, turn.state.work.misses))
}

/// What asks again: the words for that try, or the question's own.
fn again(keep: &Keep, say: &Say, misses: u32) -> Say {
    let nth = usize::try_from(misses).unwrap_or(usize::MAX).saturating_sub(1);
    let reply = keep.reprompts.get(nth).or(keep.reprompts.last()).unwrap_or(&say.reply);
    Say { reply: reply.clone(), action: Action::InvalidValue }
}

/// What a graph's texts are given: each of its fields, an empty text where nothing is known of it.
pub(super) fn of(graph: &Graph, turn: &Turn) -> Map<String, Value> {
    let value = |name: &String| turn.state.work.fields.get(name).cloned().unwrap_or_default();
    graph.fields.iter().map(|name| (name.clone(), Value::from(value(name)))).collect()
}

/// Adds what every text is given, for one that is not said in a turn.
pub(super) fn add_facts(values: &mut Map<String, Value>, language: &str, signed_in: bool) {
    let facts = FACTS.into_iter().zip([Value::from(language), Value::from(signed_in)]);
    values.extend(facts.map(|(name, value)| (name.to_owned(), value)));
}

/// The outcome of the first guard that holds; a node's edges stand in the order of its guards.
pub(super) fn case(
    guards: &[Guard],
    (graph, node): (&Graph, &Node),
    turn: &Turn,
) -> Result<&'static str, Error> {
    let mut values = of(graph, turn);
    values.extend(turn.facts());
    for (guard, edge) in guards.iter().zip(node.edges()) {
        if guard.holds(&values)? {
            return Ok(edge.outcome);
        }
    }
    Ok("else")
}
