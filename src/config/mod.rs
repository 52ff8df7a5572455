//! Configuration: every module's `Options`, collected from three layers.
//!
//! The layers, later over earlier: the defaults compiled in ([`DEFAULTS`] is their commented text), `vestibule.toml`,
//! and the environment (`VESTIBULE__SECTION__KEY`, and a few names that other tools share, such as `DATABASE_URL`;
//! the longer name wins). Whatever is wrong is told at once, with its place, and nothing starts.
//!
//! It does not know what the options do. It reads the process's environment, and is the only place that does; the
//! content of a key file is not its business.
//!
//! Adding a key: a field in its module's `Options`, a row in `keys.rs`, a commented line in `defaults.toml`; one that changes
//! what is answered in a row of `conversation.rs` too. Adding a
//! rule over several keys: a row in `rules.rs`.

mod conversation;
mod entries;
mod keys;
mod problem;
mod rules;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use crate::model::Profile;
use crate::{
    classify, crypto, fetch, graph, handoff, http, limit, llm, mail, prompt, sms, store, telemetry, tool,
    worker,
};

use entries::Entry;
pub use problem::{Place, Problem, Problems};

/// The defaults, each with its meaning, as a `vestibule.toml` to start from.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// The file that is read if none is named.
const DEFAULT_FILE: &str = "vestibule.toml";

/// Everything that can be told to the product.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// What kind of place this is.
    pub profile: Profile,
    /// The HTTP rim.
    pub http: http::Options,
    /// The limit table.
    pub limit: limit::Options,
    /// Sessions and tokens.
    pub tool: tool::Options,
    /// The master key.
    pub crypto: crypto::Options,
    /// The database.
    pub store: store::Options,
    /// The classifier.
    pub classify: classify::Options,
    /// Language models.
    pub llm: llm::Options,
    /// The sender of e-mails.
    pub mail: mail::Options,
    /// The way out over HTTP.
    pub fetch: fetch::Options,
    /// The operator's desk.
    pub handoff: handoff::Options,
    /// The worker.
    pub worker: worker::Options,
    /// Text messages.
    pub sms: sms::Options,
    /// Logs and traces.
    pub telemetry: telemetry::Options,
    /// The conversation's graphs.
    pub graph: graph::Options,
    /// The replies.
    pub prompt: prompt::Options,
}

/// What a configuration is read from, as data.
#[derive(Clone, Default)]
pub struct Sources {
    /// The file: the name that problems are told under, and its text.
    pub file: Option<(String, String)>,
    /// The environment's variables, those of other programs too.
    pub env: Vec<(String, String)>,
}

/// Both texts may hold secrets.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.as_ref().map(|(name, _)| name);
        f.debug_struct("Sources").field("file", &file).field("env", &self.env.len()).finish()
    }
}

impl Config {
    /// Lays the sources over the defaults. Reads nothing else.
    pub fn load(sources: &Sources) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        let mut given = Vec::new();
        if let Some((name, text)) = &sources.file {
            given.extend(entries::of_file(name, text, &mut problems));
        }
        given.extend(entries::of_environment(&sources.env, &mut problems));

        let mut config = Self::default();
        let mut origins = BTreeMap::new();
        for Entry { key, value, place } in given {
            match (key.set)(&mut config, &value) {
                Ok(()) => drop(origins.insert(key.path, Some(place))),
                Err(expected) => {
                    problems.push(Problem::new(place, key.refusal(&value, &expected)));
                    origins.insert(key.path, None);
                }
            }
        }
        problems.extend(rules::broken(&config, &origins));
        match Problems::collect(problems) {
            Some(problems) => Err(problems),
            None => Ok(config),
        }
    }

    /// Whether a variable of that name is read from the environment.
    pub fn reads(variable: &str) -> bool {
        entries::of_variable(variable).is_some()
    }

    /// The variables that set the key of that path, our own first.
    pub fn variables(path: &str) -> Vec<String> {
        entries::variables_of(path)
    }

    /// Reads the file at `path`, or `vestibule.toml` here if there is one, and the process's environment.
    pub fn from_process(path: Option<&Path>) -> Result<Self, Problems> {
        let file = match std::fs::read_to_string(path.unwrap_or(Path::new(DEFAULT_FILE))) {
            Ok(text) => Some((file_name(path), text)),
            Err(error) if error.kind() == ErrorKind::NotFound && path.is_none() => None,
            Err(error) => return Err(Problems::unreadable(file_name(path), &error)),
        };
        // The names and values need not be Unicode; what is lost turns into a mark that `entries` refuses.
        let env = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        Self::load(&Sources { file, env })
    }
}

fn file_name(path: Option<&Path>) -> String {
    path.map_or_else(|| DEFAULT_FILE.to_owned(), |path| path.display().to_string())
}

#[cfg(test)]
mod tests;
