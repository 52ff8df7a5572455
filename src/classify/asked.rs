//! The tier that asks a language model: what it is shown, and what of its answer is believed.
//!
//! The model chooses a route and proposes entities (D14). A number or code it names is never taken: readers find those in
//! the text. Other texts count only where the person's own words hold them, and an act that the model alone names is
//! put to the person first.

use std::sync::Arc;

use serde_json::{Value, json};

use super::redact::{MOST_DIGITS, Redacted, redact};
use super::schema::strict_schema;
use super::{Error, Input, named_route};
use crate::llm::{Ask, Llm, Shape, Spent};
use crate::model::{Route, SubIntentClassification};
use crate::prompt::{Prompts, RouteLine, SubIntentPrompt};

/// Longest answer, in tokens: every entity and a line of reasoning.
const MOST_TOKENS: u32 = 400;

/// What the fixed routes are for.
const ROUTES: [(&str, &str); 6] = [
    ("authenticate", "signing in, registering, giving a phone number or a code for that"),
    ("manage_sessions", "seeing, ending (signing out) or renaming sessions and devices"),
    ("migrate_identity", "taking a guest's cart, favourites or history over into the account"),
    ("update_identity", "seeing or changing one's name, e-mail address or phone number"),
    ("general", "greetings, thanks, small talk, questions about what can be done here"),
    ("out_of_scope", "everything else"),
];

/// Asks a model what a message means.
#[derive(Debug)]
pub(super) struct Asking {
    llm: Arc<dyn Llm>,
    system: String,
    shape: Arc<Shape>,
    /// How many messages before this one are shown.
    window: usize,
}

/// What a model proposes, its marks put back.
#[derive(Debug)]
pub(super) struct Proposal {
    pub(super) route: Route,
    pub(super) confidence: f64,
    pub(super) entities: Value,
}

/// A proposal, or a word for why there is none; and what it cost.
pub(super) type Proposed = (Result<Proposal, &'static str>, Vec<Spent>);

impl Asking {
    /// `agents` are the routes that graph files add, each with what people say to it.
    pub(super) fn new(
        llm: Arc<dyn Llm>,
        prompts: &Prompts,
        agents: &[(String, String)],
        window: u32,
    ) -> Result<Self, Error> {
        let fixed = ROUTES.iter().map(|&(name, about)| (name.to_owned(), about.to_owned()));
        let routes: Vec<RouteLine> =
            fixed.chain(agents.iter().cloned()).map(|(name, about)| RouteLine { name, about }).collect();
        let names: Vec<String> = routes.iter().map(|route| route.name.clone()).collect();
        let mut schema = strict_schema::<SubIntentClassification>();
        if let Some(choices) = schema.pointer_mut("/$defs/SubIntent/enum") {
            *choices = json!(names);
        }
        let fits = Box::new(move |answer: &Value| is_fit(answer, &names));
        Ok(Self {
            llm,
            system: prompts.render(&SubIntentPrompt { routes })?,
            shape: Arc::new(Shape { name: "sub_intent_classification", schema, fits }),
            window: usize::try_from(window).unwrap_or(usize::MAX),
        })
    }

    /// What a model makes of a message.
    pub(super) async fn propose(&self, input: &Input<'_>) -> Proposed {
        let Some(redacted) = redact(input.text) else { return (Err("spelt_out"), Vec::new()) };
        if !redacted.has_words() {
            return (Err("no_words"), Vec::new());
        }
        let ask = self.ask(input, &redacted);
        let asked = self.llm.ask(&ask).await;
        let proposal = asked.answer.map_err(|e| e.code()).and_then(|answer| {
            let mut value = answer.value.unwrap_or_default();
            let route = value.get("sub_intent").and_then(Value::as_str).unwrap_or_default();
            let route = named_route(route);
            let confidence = value.get("confidence").and_then(Value::as_f64).ok_or("unfit")?;
            let mut entities = value.get_mut("entities").map(Value::take).unwrap_or_default();
            redacted.restore(&mut entities);
            Ok(Proposal { route, confidence, entities })
        });
        (proposal, asked.spent)
    }

    fn ask(&self, input: &Input<'_>, redacted: &Redacted) -> Ask {
        let shown = |text: &str| redact(text).map(|redacted| redacted.text);
        // The newest first, for as long as no code could be put together from several messages.
        let mut digits = redacted.digits();
        let mut earlier: Vec<String> = (input.earlier.iter().rev().take(self.window))
            .filter_map(|text| redact(text))
            .take_while(|text| {
                digits += text.digits();
                digits < MOST_DIGITS
            })
            .map(|text| text.text)
            .collect();
        earlier.reverse();
        let told = json!({
            "message": redacted.text,
            "question": input.question.as_deref().and_then(shown),
            "awaiting": input.awaiting.map(crate::model::Slot::as_str),
            "active": input.active.as_ref().map(Route::as_str),
            "earlier": earlier,
        });
        Ask {
            system: self.system.clone(),
            user: told.to_string(),
            shape: Some(Arc::clone(&self.shape)),
            most_tokens: MOST_TOKENS,
            until: input.until,
        }
    }
}

/// Whether an answer is a classification: a known route and a confidence that is one. Entities are read one by one.
fn is_fit(answer: &Value, names: &[String]) -> bool {
    let route = answer.get("sub_intent").and_then(Value::as_str);
    let confidence = answer.get("confidence").and_then(Value::as_f64);
    route.is_some_and(|route| names.iter().any(|name| name == route))
        && confidence.is_some_and(|confidence| (0.0..=1.0).contains(&confidence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_known_route_and_a_confidence() {
        let names = ["authenticate".to_owned(), "orders".to_owned()];
        for (answer, fits) in [
            (json!({ "sub_intent": "orders", "confidence": 0 }), true),
            (json!({ "sub_intent": "authenticate", "confidence": 1.0, "admin": true }), true),
            (json!({ "sub_intent": "admin", "confidence": 1.0 }), false),
            (json!({ "sub_intent": "authenticate", "confidence": 1.01 }), false),
            (json!({ "sub_intent": "authenticate", "confidence": "0.9" }), false),
            (json!({ "sub_intent": "authenticate" }), false),
            (json!({ "sub_intent": null, "confidence": 1 }), false),
            (json!({}), false),
        ] {
            assert_eq!(is_fit(&answer, &names), fits, "{answer}");
        }
    }
}
