//! Where lines come from: a terminal with editing, or a pipe.

use std::io::{BufRead, IsTerminal};

use anyhow::Context;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use crate::cli::out;

/// The input.
pub(super) enum Input {
    Terminal(Box<DefaultEditor>),
    Pipe,
}

impl Input {
    pub(super) fn open() -> anyhow::Result<Self> {
        if !std::io::stdin().is_terminal() {
            return Ok(Self::Pipe);
        }
        let editor = DefaultEditor::new().context("the terminal cannot be used")?;
        Ok(Self::Terminal(Box::new(editor)))
    }

    /// The next line; none where the input ends or Ctrl-C is pressed. Nothing is kept for going back to: lines hold
    /// codes.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<String>> {
        match self {
            Self::Terminal(editor) => match editor.readline("> ") {
                Ok(line) => Ok(Some(line)),
                Err(ReadlineError::Eof | ReadlineError::Interrupted) => Ok(None),
                Err(error) => Err(error).context("the terminal cannot be read"),
            },
            Self::Pipe => {
                let mut line = Vec::new();
                let read = std::io::stdin().lock().read_until(b'\n', &mut line);
                if read.context("the input cannot be read")? == 0 {
                    return Ok(None);
                }
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                // Nobody's terminal shows what was typed, so the output shows it: it then reads like a conversation.
                out::line(&format!("> {line}"));
                Ok(Some(line))
            }
        }
    }
}
