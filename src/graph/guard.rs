//! Conditions on what is known: expressions of the language that texts are templates of.

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Map, Value};

use crate::model::FACTS;

/// Steps that an expression may take; far more than any needs.
const FUEL: u64 = 500;

/// An expression that was compiled once, so that it can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard(String);

/// A guard that cannot be judged; the loader's checks leave comparisons of values that cannot be compared.
#[derive(Debug, thiserror::Error)]
#[error("the guard `{guard}` cannot be judged")]
pub struct Unjudged {
    guard: String,
    #[source]
    source: minijinja::Error,
}

impl Guard {
    /// Reads a guard over these fields, or says what is wrong with it.
    pub(super) fn parse(text: &str, fields: &[String]) -> Result<Self, String> {
        let environment = environment();
        let compiled = environment.compile_expression(text).map_err(|e| short(&e))?;
        let mut unknown: Vec<String> = compiled.undeclared_variables(false).into_iter().collect();
        unknown.retain(|name| !fields.contains(name) && !FACTS.contains(&name.as_str()));
        unknown.sort();
        if let Some(name) = unknown.first() {
            let known: Vec<&str> = fields.iter().map(String::as_str).chain(FACTS).collect();
            return Err(format!("nothing is called `{name}`; known are: {}", known.join(", ")));
        }
        // What is no name, such as a filter, is looked up when it is judged.
        let sample = fields.iter().map(|name| (name.clone(), Value::from("x")));
        let facts = [("language".to_owned(), Value::from("en")), ("signed_in".to_owned(), true.into())];
        let sample: Map<String, Value> = sample.chain(facts).collect();
        compiled.eval(Serde(&sample)).map_err(|e| short(&e))?;
        Ok(Self(text.to_owned()))
    }

    /// Whether it holds.
    pub fn holds(&self, values: &Map<String, Value>) -> Result<bool, Unjudged> {
        let unjudged = |source| Unjudged { guard: self.0.clone(), source };
        let environment = environment();
        let compiled = environment.compile_expression(&self.0).map_err(unjudged)?;
        compiled.eval(Serde(values)).map(|value| value.is_true()).map_err(unjudged)
    }

    /// The expression.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn environment<'s>() -> Environment<'s> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment
}

/// What is wrong, without the place within an expression that is a line long.
fn short(error: &minijinja::Error) -> String {
    let what = error.kind().to_string();
    error.detail().map_or(what.clone(), |detail| format!("{what}: {detail}"))
}
