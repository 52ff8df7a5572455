//! `vestibule tools`.

use anyhow::Context;
use serde_json::{Value, json};

use super::{Failure, out};
use crate::tool;

pub(super) fn run() -> Result<(), Failure> {
    let all: Vec<Value> = tool::registry()
        .into_iter()
        .map(|tool| {
            json!({ "type": "function", "function": {
                "name": tool.name, "description": tool.description, "parameters": tool.parameters,
            } })
        })
        .collect();
    out::line(&serde_json::to_string_pretty(&all).context("the tools cannot be written as JSON")?);
    Ok(())
}
