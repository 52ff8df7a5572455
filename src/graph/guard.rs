//! Conditions on what is known: expressions of the language that texts are templates of.

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Map, Value};

use crate::model::{FACTS, judge_guard, template_error};

/// Steps that an expression may take; far more than any needs.
const FUEL: u64 = 500;

/// An expression that was compiled once, so that it can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard(String);

/// A guard that cannot be judged; the loader's checks leave none.
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
        environment.compile_expression(text).map_err(|e| template_error(&e))?;
        let known = fields.iter().cloned().chain(FACTS.map(str::to_owned)).collect();
        judge_guard(text, &known)?;
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
