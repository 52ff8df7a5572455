//! The form of a scenario: a transcript that people can read, one file each.
//!
//! It knows lines, and nothing of what they do. Adding a kind of line or a command: a row in [`LINES`] or [`COMMANDS`],
//! a variant of [`What`] or [`Command`], and its arm in `parse.rs` or `command.rs` and in the player.

mod command;
mod parse;
mod words;

use std::fmt;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::recordings::{self, Exchange};
use crate::config::{Config, Sources};
use crate::graph;
use crate::tool::migration::{DataKind, Items};

pub(super) use words::same;
pub use words::{Field, Wanted};

/// A kind of line, as the help tells it.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// How the line looks.
    pub form: &'static str,
    /// What it does.
    pub about: &'static str,
}

const fn row(form: &'static str, about: &'static str) -> Row {
    Row { form, about }
}

/// Every kind of line.
pub const LINES: &[Row] = &[
    row("# TITLE", "the title; prose may follow until the first step, and headings between steps"),
    row("clock TIME", "where the clock stands at the start; 2026-01-15T10:00:00Z if left out"),
    row("seed N", "the seed of everything random; 1 if left out"),
    row("actor NAME", "somebody who speaks; the first one begins, `@NAME` before a line switches"),
    row("config NAME=VALUE", "a setting, named as its environment variable"),
    row(
        "budget FIGURE<=N…",
        "what all messages together may use, repetitions too: llm_calls, tokens, statements (SQL), steps (edges of graphs); `=` is exactly",
    ),
    row(
        "> TEXT",
        "a message; {code} is the newest code sent to this actor, {code:N} the N-th, {NAME.code} another actor's, {wrong} none of them",
    ),
    row(
        "< REPLY FIELD=VALUE…",
        "the reply said, and action, success, message, session (yes, no), data.X, context.X; * is anything, ! nothing",
    ),
    row(
        "! sms FIELD=VALUE…",
        "the next message handed to the provider: to, template, verdict (accepted, refused, later, unknown); `! none`: there is none, of either kind",
    ),
    row("! mail FIELD=VALUE…", "the same of an e-mail, which has a subject besides"),
    row(
        "! desk FIELD=VALUE…",
        "the next thing that the operator's desk was told: event (began, message, released), text, about, signedIn, language, by",
    ),
    row(
        "= FIELD=VALUE…",
        "what holds now: state.X, data.KIND, effects (messages handed over so far), audit (events since the last message, in order); and what the last message used, as in `budget`",
    ),
    row(
        "~ DURATION",
        "moves the clock: `10m 1s`; a `<` after it is about what the actor was told since, if anything",
    ),
];

/// Every command of a `&` line.
pub const COMMANDS: &[Row] = &[
    row("& device", "the actor goes on with a new device, signed out"),
    row("& restart", "the product stops and starts again on the same database"),
    row("& regraph", "the same, with graphs of another version, as after an update of the conversation"),
    row("& regraph FOLDER", "the same, with that folder's agent in the place of those that the head names"),
    row("& repeat", "the last message comes again and is answered exactly as before"),
    row("& logout", "the actor's session ends"),
    row(
        "& put KIND ITEMS",
        "the actor's device, or account, gathers these items, a list as JSON, and no others",
    ),
    row("& visit KIND ITEMS", "the same of the device alone, as on a visit without the session"),
    row("& refuse CODE", "the provider will refuse the next message for good"),
    row("& later CODE", "the provider will not take the next message now, and says so"),
    row("& hang", "the provider will not answer for the next message"),
    row(
        "& backend STATUS JSON",
        "what outside agents answer from here on; `& backend down`: nothing, as at the start",
    ),
    row("& desk says TEXT", "the operator's desk says this to the actor; a `<` after it is about that"),
    row("& desk releases TEXT", "it is done, with these last words or none"),
    row("& desk STATUS", "what it answers from here on, 204 at the start; `& desk down`: nothing"),
];

/// A scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The file.
    pub file: String,
    /// What it shows.
    pub title: String,
    /// Where the clock stands at the start.
    pub clock: Timestamp,
    /// The seed of everything random.
    pub seed: u64,
    /// Who speaks; the first one begins.
    pub actors: Vec<String>,
    /// Settings, by the names of their environment variables.
    pub config: Vec<(String, String)>,
    /// What all messages together may use.
    pub budgets: Vec<Budget>,
    /// What happens.
    pub steps: Vec<Step>,
    /// What language models said, kept beside it.
    pub recordings: Vec<Exchange>,
}

/// A line that says what all messages together may use.
#[derive(Debug, Clone)]
pub struct Budget {
    /// The line, from 1.
    pub line: usize,
    /// The figures, and how large each may be.
    pub fields: Vec<Field>,
}

/// One line of a scenario.
#[derive(Debug, Clone)]
pub struct Step {
    /// The line, from 1.
    pub line: usize,
    /// Who is meant, as an index into the actors.
    pub actor: usize,
    /// What happens.
    pub what: What,
}

/// What a line does.
#[derive(Debug, Clone)]
pub enum What {
    /// A message.
    Say(Vec<Piece>),
    /// What its answer must be.
    Answer(Vec<Field>),
    /// The next message to the provider; `None` where there must be none.
    Sent(Option<(Channel, Vec<Field>)>),
    /// What must hold.
    Holds(Vec<Field>),
    /// Moves the clock.
    Pass(SignedDuration),
    /// A command.
    Do(Command),
}

/// How a message leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// By text message.
    Sms,
    /// By e-mail.
    Mail,
    /// To the operator's desk.
    Desk,
}

impl Channel {
    /// The word in a scenario.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Mail => "mail",
            Self::Desk => "desk",
        }
    }
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// A code that was sent: to whom, and which; the newest where none is named.
    Code {
        /// The actor.
        actor: usize,
        /// Which one, from 1.
        nth: Option<usize>,
    },
    /// A code that was never sent.
    Wrong,
}

/// What a `&` line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A new device.
    Device,
    /// Stop and start.
    Restart,
    /// Stop, and start with graphs of another version.
    Regraph(Option<PathBuf>),
    /// The last message again.
    Repeat,
    /// End the session.
    Logout,
    /// Items of a kind are gathered, with the session where there is one, or without.
    Put {
        /// What is gathered.
        kind: DataKind,
        /// The items.
        items: Items,
        /// Whether the session is left out.
        signed_out: bool,
    },
    /// The next message is refused, with this code.
    Refuse(String),
    /// The next message is not taken now, for this reason.
    Later(String),
    /// The next message gets no answer.
    Hang,
    /// What outside agents answer: a status and a body, or nothing.
    Backend(Option<(u16, String)>),
    /// What the operator's desk does.
    Desk(Desk),
}

/// What the operator's desk does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Desk {
    /// It says something to the actor.
    Says(String),
    /// It is done, perhaps with last words.
    Releases(Option<String>),
    /// What it answers from here on: a status, or nothing.
    Answers(Option<u16>),
}

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// Everything that is wrong with a file, in the order of its lines. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);

impl Scenario {
    /// Reads a scenario.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        parse::parse(file, text)
    }

    /// Reads a scenario's file, and the recordings beside it where there are some.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = |path: &Path| {
            std::fs::read_to_string(path).map_err(|e| format!("{}: cannot be read: {e}", path.display()))
        };
        let mut scenario =
            Self::parse(&path.display().to_string(), &text(path)?).map_err(|e| e.to_string())?;
        let beside = Self::recordings_of(path);
        if beside.exists() {
            scenario.recordings = recordings::read(&beside.display().to_string(), &text(&beside)?)?;
        }
        Ok(scenario)
    }

    /// The graphs that it loads.
    pub fn graphs(&self) -> graph::Options {
        let sources = Sources { file: None, env: self.config.clone() };
        Config::load(&sources).map(|config| config.graph).unwrap_or_default()
    }

    /// Where a scenario's recordings are kept.
    pub fn recordings_of(path: &Path) -> PathBuf {
        path.with_extension("llm.jsonl")
    }
}

/// The form, for `--help`.
pub fn help() -> String {
    let width = LINES.iter().chain(COMMANDS).map(|row| row.form.len()).max().unwrap_or(0);
    let line = |row: &Row| format!("  {:width$}  {}\n", row.form, row.about);
    format!("Lines of a scenario:\n{}", LINES.iter().chain(COMMANDS).map(line).collect::<String>())
}

#[cfg(test)]
mod tests;
