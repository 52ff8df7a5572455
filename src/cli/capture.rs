//! `vestibule capture`.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;

use super::{Failure, block_on, out};
use crate::config::Config;
use crate::model::ConversationId;
use crate::scenario::capture::{self, Captured, Error, Wanted};
use crate::scenario::{Scenario, recordings};
use crate::store::Store;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The conversation: `cnv_…`.
    conversation: String,
    /// Write to that file, and what models said beside it; the standard output where it is left out.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What the scenario shows.
    #[arg(long)]
    title: Option<String>,
    /// A word that is nobody's and stays as it was said; several may be named.
    #[arg(long, value_name = "WORD")]
    keep: Vec<String>,
    /// Write it even if it does not pass, or over a file that is there.
    #[arg(long)]
    force: bool,
}

pub(super) fn run(arguments: &Arguments, config: &Config) -> Result<(), Failure> {
    let id = ConversationId::parse(&arguments.conversation).map_err(|_| {
        Failure::Usage(format!("`{}` is no conversation's id: cnv_…", arguments.conversation))
    })?;
    let wanted = Wanted {
        title: arguments.title.clone(),
        settings: config.of_conversations(),
        keep: arguments.keep.clone(),
    };
    let captured = block_on(async {
        let store = Store::open(&config.store).await?;
        let captured = capture::capture(&store, &id, &wanted).await;
        store.close().await;
        Ok(captured)
    })?;
    match captured {
        Ok(captured) => write(arguments, &captured),
        Err(Error::Parts(parts)) if arguments.force => {
            write(arguments, &parts.draft)?;
            Err(anyhow!("{parts}").into())
        }
        Err(error) => Err(anyhow::Error::from(error).into()),
    }
}

/// Writes what was captured, and says what to do with it.
fn write(arguments: &Arguments, captured: &Captured) -> Result<(), Failure> {
    let Some(file) = &arguments.out else {
        if !captured.recordings.is_empty() {
            let what = "models were asked in this conversation: name a file with --out, so that what they said can be \
                        kept beside it";
            return Err(Failure::Usage(what.to_owned()));
        }
        out::line(captured.text.trim_end());
        return Ok(());
    };
    put(file, &captured.text, arguments.force)?;
    if !captured.recordings.is_empty() {
        let text = recordings::write(&captured.recordings).map_err(anyhow::Error::from)?;
        put(&Scenario::recordings_of(file), &text, arguments.force)?;
    }
    let (messages, file) = (captured.messages, file.display());
    out::line(&format!("{messages} messages are in {file}; read it before you give it to anybody"));
    Ok(())
}

fn put(file: &Path, text: &str, may_replace: bool) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).truncate(true);
    let options = if may_replace { options.create(true) } else { options.create_new(true) };
    let mut file_made = options.open(file).with_context(|| format!("cannot write {}", file.display()))?;
    file_made.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", file.display()))
}
