//! `vestibule eval`: how well messages are understood.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::{Failure, out};
use crate::config::Config;
use crate::eval::{self, Data, Part, Prediction, Problem};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Labelled rows for the product's own classifier, one JSON object a line: `{id, lang, text, context, sub_intent,
    /// entities, tags, also?, entities_accept?, forbid?}`.
    #[arg(required_unless_present = "train", conflicts_with = "train")]
    rows: Option<PathBuf>,
    /// Train the local classifier on these intents instead: lines of `{text, intent}`, CLINC150's JSON (its train
    /// splits), or CSV such as BANKING77's.
    #[arg(long, value_name = "FILE", requires = "test")]
    train: Option<PathBuf>,
    /// Measure it on these (of CLINC150's JSON, the test splits).
    #[arg(long, value_name = "FILE", requires = "train")]
    test: Option<PathBuf>,
    /// The label of rows that have none of the intents.
    #[arg(long, value_name = "LABEL", default_value = "oos", requires = "train")]
    out_of_scope: String,
    /// Write the report as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report as one page with plots, for a browser.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write what was said of each row: `{id, sub_intent, confidence, entities, tier, us}`.
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
}

/// A report in the forms it is written in.
struct Written<'a> {
    text: String,
    json: serde_json::Result<String>,
    html: String,
    predictions: &'a [Prediction],
}

pub(super) fn run(arguments: &Arguments, config: &Config) -> Result<(), Failure> {
    if let (Some(train), Some(test)) = (&arguments.train, &arguments.test) {
        return compare(arguments, train, test);
    }
    let Some(file) = &arguments.rows else { return Err(Failure::Usage("rows are missing".to_owned())) };
    let (name, text) = read(file)?;
    let rows = eval::read(&name, &text).map_err(|problems| told(&problems))?;
    let report = eval::evaluate(&config.classify, &rows).map_err(anyhow::Error::from)?;
    let written = Written {
        text: report.to_string(),
        json: serde_json::to_string_pretty(&report),
        html: report.html(&format!("How well messages are understood: {}", short(file))),
        predictions: &report.predictions,
    };
    write_all(arguments, written)
}

fn compare(arguments: &Arguments, learned: &Path, measured: &Path) -> Result<(), Failure> {
    let data = |file: &Path, part: Part| -> Result<Data, Failure> {
        let (name, content) = read(file)?;
        eval::read_data(&name, &content, part, &arguments.out_of_scope).map_err(|problems| told(&problems))
    };
    let (trained, tested) = (data(learned, Part::Train)?, data(measured, Part::Test)?);
    let report = eval::compare(&trained, &tested, &arguments.out_of_scope).map_err(anyhow::Error::from)?;
    let written = Written {
        text: report.to_string(),
        json: serde_json::to_string_pretty(&report),
        html: report.html(&format!("Trained on {}, measured on {}", short(learned), short(measured))),
        predictions: &report.predictions,
    };
    write_all(arguments, written)
}

/// A file's name without its folders, which tell of the machine only.
fn short(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(file: &Path) -> Result<(String, String), Failure> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::Usage(format!("{name} cannot be read: {error}")))?;
    Ok((name, text))
}

fn told(problems: &[Problem]) -> Failure {
    Failure::Usage(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn write_all(arguments: &Arguments, written: Written<'_>) -> Result<(), Failure> {
    out::line(written.text.trim_end());
    if let Some(file) = &arguments.json {
        write(file, &written.json.map_err(anyhow::Error::from)?)?;
    }
    if let Some(file) = &arguments.html {
        write(file, &written.html)?;
    }
    if let Some(file) = &arguments.predictions {
        let lines: Result<Vec<String>, _> = written.predictions.iter().map(serde_json::to_string).collect();
        write(file, &(lines.map_err(anyhow::Error::from)?.join("\n") + "\n"))?;
    }
    Ok(())
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    Ok(std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))?)
}
