//! `vestibule eval`: how well messages are understood.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::{Failure, out};
use crate::config::Config;
use crate::eval;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Labelled rows, one JSON object a line: `{id, lang, text, context, sub_intent, entities, tags, also?,
    /// entities_accept?, forbid?}`.
    rows: PathBuf,
    /// Write the report as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write what was said of each row: `{id, sub_intent, confidence, entities, tier, us}`.
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, config: &Config) -> Result<(), Failure> {
    let name = arguments.rows.display().to_string();
    let text = std::fs::read_to_string(&arguments.rows)
        .map_err(|e| Failure::Usage(format!("{name} cannot be read: {e}")))?;
    let rows = eval::read(&name, &text).map_err(|problems| {
        Failure::Usage(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })?;
    let report = eval::evaluate(&config.classify, &rows).map_err(anyhow::Error::from)?;
    out::line(report.to_string().trim_end());
    if let Some(file) = &arguments.json {
        let json = serde_json::to_string_pretty(&report).map_err(anyhow::Error::from)?;
        write(file, &json)?;
    }
    if let Some(file) = &arguments.predictions {
        let lines: Result<Vec<String>, _> = report.predictions.iter().map(serde_json::to_string).collect();
        write(file, &(lines.map_err(anyhow::Error::from)?.join("\n") + "\n"))?;
    }
    Ok(())
}

fn write(file: &PathBuf, text: &str) -> Result<(), Failure> {
    Ok(std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))?)
}
