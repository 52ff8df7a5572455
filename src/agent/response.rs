//! The response agent: every answer of an agent is worded here (S2-6, S2-40). Only the answer of a turn that broke is
//! worded by the engine, because nothing of that turn may be trusted.

use serde_json::{Value, json};

use super::handler::Ended;
use super::{Error, Handler, Place, Turn, suggest};
use crate::model::NodeResponse;

/// Words what the graph chose to say, in the language of the conversation, and adds the context.
#[derive(Debug)]
pub struct ResponseAgent;

impl Handler for ResponseAgent {
    const NAME: &'static str = "response_agent";
    type Outcome = Ended;

    async fn run(turn: &mut Turn) -> Result<Ended, Error> {
        // What is asked comes before the rest; whoever is not signed in yet is, once all of it is done.
        if turn.is_signed_in() && turn.state.work.active().is_some() && !turn.state.next.is_empty() {
            turn.state.next.clear();
            turn.saying.put(Place::Closing, "general.rest_later");
        }
        let mut values = turn.data.clone();
        values.extend(turn.values.clone());
        values.extend(turn.facts());
        let worded = turn.saying.worded(|reply| turn.replies.say(&turn.tools.language, reply, &values))?;
        // Where a person answers, the engine may have nothing to say, which is a text without words.
        let (action, text) = worded.ok_or(Error::Silent)?;
        let suggestions =
            if text.is_empty() { Vec::new() } else { suggest::suggestions(turn, action, &turn.data)? };
        let mut response = NodeResponse::new(action, text);
        response.data.extend(std::mem::take(&mut turn.data));
        if !suggestions.is_empty() {
            response.data.insert("suggestions".into(), suggestions.into());
        }
        response.context = context(turn);
        turn.response = Some(response);
        Ok(Ended)
    }
}

/// Two texts as one; the first ends like a sentence.
pub fn in_a_row(first: &str, second: &str) -> String {
    let stop = if first.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{stop} {second}")
}

fn context(turn: &mut Turn) -> serde_json::Map<String, Value> {
    let heard = &turn.heard;
    let mut context = serde_json::Map::new();
    let sub_intent = heard.classification().map(|c| c.sub_intent.as_str());
    context.insert("sub_intent".into(), json!(sub_intent));
    context.insert("confidence".into(), json!((heard.confidence * 1_000.0).round() / 1_000.0));
    context.insert("authenticated".into(), json!(turn.assurance >= crate::model::Assurance::SignedIn));
    context.insert("route".into(), json!(heard.route.as_str()));
    context.insert("tier".into(), json!(heard.tier));
    context.insert("reason".into(), json!(heard.reasoning));
    if !heard.scores.is_empty() {
        let score = |(route, p): &(String, f64)| (route.clone(), json!((p * 1_000.0).round() / 1_000.0));
        context.insert(
            "scores".into(),
            heard.scores.iter().map(score).collect::<serde_json::Map<_, _>>().into(),
        );
    }
    context.extend(std::mem::take(&mut turn.context));
    context
}
