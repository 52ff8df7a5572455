//! Floor 1: what the product says, keyed, in `prompts/replies.<language>.toml`, compiled in.
//!
//! It does not know who says what when: graphs name the keys, handlers give the values. A reply is a small template
//! (`{{ name }}`); a value that is missing is an error, and every reply is rendered once at load with the sample in
//! [`REPLIES`], and no branch of it may name a value, a filter or a test that there is not, so that a misspelt name stops the
//! start and not a turn.
//!
//! Agents that are loaded from folders bring texts of their own (`own.rs`).
//!
//! What language models are told stands beside it (`model.rs`), and the page that an e-mail's words stand on (`letter.rs`).
//!
//! Adding a reply: a row in `REPLIES` of `samples.rs` (key and sample values) and its text in every language file. Adding a language: a
//! file, and a row in `LANGUAGES`. Adding a prompt for a model: a type in `model.rs` and its file.

mod known;
mod letter;
mod model;
mod options;
mod own;
mod problem;
mod samples;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Map, Value};

pub use letter::Letter;
pub use model::{Context, GeneralPrompt, Prompts, RouteLine, SubIntentPrompt};
pub use options::Options;
pub use own::{Own, Section, suggestion};
pub use problem::{Problem, Problems};
pub use samples::REPLIES;

use crate::model::judge_text;

/// Steps a template may take; far more than any reply needs.
const FUEL: u64 = 2_000;

/// The languages that are compiled in, each with its text.
const LANGUAGES: &[(&str, &str)] = &[
    ("en", include_str!("../../prompts/replies.en.toml")),
    ("es", include_str!("../../prompts/replies.es.toml")),
];

/// One language file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The language, as in the file's name.
    pub language: String,
    /// The name that problems give, as a person would open it.
    pub name: String,
    /// Its contents.
    pub text: String,
}

impl Source {
    /// The languages that are compiled in.
    pub fn compiled_in() -> Vec<Self> {
        let source = |&(language, text): &(&str, &str)| Self {
            language: language.to_owned(),
            name: format!("prompts/replies.{language}.toml"),
            text: text.to_owned(),
        };
        LANGUAGES.iter().map(source).collect()
    }
}

/// A sample of choices.
/// The texts, ready to be said.
#[derive(Debug)]
pub struct Replies {
    default: String,
    languages: BTreeMap<String, Environment<'static>>,
    page: Environment<'static>,
    /// The keys of agents' texts, by language.
    own: BTreeMap<String, BTreeSet<String>>,
}

/// A reply that cannot be said; the loader's checks leave only a handler that gave no value.
#[derive(Debug, thiserror::Error)]
#[error("reply `{key}` in `{language}` cannot be rendered")]
pub struct Error {
    key: String,
    language: String,
    #[source]
    source: minijinja::Error,
}

impl Replies {
    /// Loads language files; every problem at once.
    pub fn load(options: &Options, sources: &[Source]) -> Result<Self, Problems> {
        Self::with_agents(options, sources, &[])
    }

    /// The same, and the texts that agents bring.
    pub fn with_agents(options: &Options, sources: &[Source], own: &[Own]) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        let mut languages = BTreeMap::new();
        for Source { language, name, text } in sources {
            languages.insert(language.clone(), load_one(name, text, &mut problems));
        }
        if !languages.contains_key(&options.language) {
            let known: Vec<&str> = languages.keys().map(String::as_str).collect();
            problems.push(Problem::new(
                "configuration",
                1,
                format!("prompt.language `{}` is not one of: {}", options.language, known.join(", ")),
            ));
        }
        let own = own::add(&mut languages, own, &mut problems);
        let page = letter::load(options, &mut problems);
        if problems.is_empty() {
            Ok(Self { default: options.language.clone(), languages, page, own })
        } else {
            Err(Problems(problems))
        }
    }

    /// The language to answer in: the first part of the locale where it is known, else the default.
    pub fn language(&self, locale: Option<&str>) -> &str {
        let wanted = locale.and_then(|l| l.split(['-', '_']).next()).map(str::to_ascii_lowercase);
        wanted.and_then(|w| self.languages.get_key_value(&w)).map_or(&self.default, |(known, _)| known)
    }

    /// Whether there is such a reply in a language.
    pub fn has(&self, language: &str, key: &str) -> bool {
        self.languages.get(language).is_some_and(|texts| texts.get_template(key).is_ok())
    }

    /// Renders a reply.
    pub fn say(&self, language: &str, key: &str, values: &Map<String, Value>) -> Result<String, Error> {
        let fault = |source| Error { key: key.to_owned(), language: language.to_owned(), source };
        let environment = (self.languages.get(language).or_else(|| self.languages.get(&self.default)))
            .ok_or_else(|| fault(minijinja::ErrorKind::TemplateNotFound.into()))?;
        environment.get_template(key).and_then(|t| t.render(minijinja::value::Serde(values))).map_err(fault)
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    // What is said is text for a person, not markup; whoever shows it escapes it for its own medium.
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment
}

/// One text of a language file.
struct Entry {
    section: String,
    /// `section.name`.
    key: String,
    /// The byte of the file that it begins at.
    at: usize,
    text: String,
}

/// The texts of a language file; what is none is a problem.
fn entries(file: &str, text: &str, problems: &mut Vec<Problem>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let table = match toml::de::DeTable::parse(text) {
        Ok(table) => table,
        Err(e) => {
            let at = e.span().map_or(0, |s| s.start);
            problems.push(Problem::at(file, text, at, e.message().to_owned()));
            return entries;
        }
    };
    for (section, value) in table.get_ref() {
        let Some(replies) = value.get_ref().as_table() else {
            let at = section.span().start;
            problems.push(Problem::at(file, text, at, "expected a section of replies".into()));
            continue;
        };
        for (name, reply) in replies {
            let (section, at) = (section.get_ref().to_string(), name.span().start);
            let key = format!("{section}.{}", name.get_ref());
            match reply.get_ref().as_str() {
                Some(text) => entries.push(Entry { section, key, at, text: text.to_owned() }),
                None => problems.push(Problem::at(file, text, at, format!("reply `{key}` must be a text"))),
            }
        }
    }
    entries
}

fn load_one(file: &str, text: &str, problems: &mut Vec<Problem>) -> Environment<'static> {
    let mut environment = environment();
    let before = problems.len();
    let entries = entries(file, text, problems);
    // Of a file that is no TOML nothing is known, least of all what it lacks.
    if entries.is_empty() && problems.len() > before {
        return environment;
    }
    let mut seen = BTreeSet::new();
    for Entry { key, at, text: reply, .. } in entries {
        let mut wrong =
            |what: String| problems.push(Problem::at(file, text, at, format!("reply `{key}`{what}")));
        let Some((_, sample)) = REPLIES.iter().find(|(known, _)| *known == key) else {
            wrong(" is used nowhere".to_owned());
            continue;
        };
        let sample = serde_json::from_str(sample).map_err(|e| format!("its sample: {e}"));
        if let Err(what) = sample.and_then(|sample| compile(&mut environment, &key, &reply, &sample)) {
            wrong(format!(": {what}"));
        }
        seen.insert(key);
    }
    for (key, _) in REPLIES.iter().filter(|(key, _)| !seen.contains(*key)) {
        problems.push(Problem::new(file, 1, format!("reply `{key}` is missing")));
    }
    environment
}

fn compile(
    env: &mut Environment<'static>,
    key: &str,
    reply: &str,
    values: &Map<String, Value>,
) -> Result<(), String> {
    judge_text(reply)?;
    env.add_template_owned(key.to_owned(), reply.to_owned()).map_err(|e| e.to_string())?;
    let template = env.get_template(key).map_err(|e| e.to_string())?;
    // The sample takes one branch of a template; a misspelt name in another would be heard in a turn only.
    if let Some(unknown) =
        template.undeclared_variables(false).iter().find(|name| !values.contains_key(*name))
    {
        return Err(format!("it has no value `{unknown}`"));
    }
    let said = template.render(minijinja::value::Serde(values)).map_err(|e| e.to_string())?;
    if said.trim().is_empty() { Err("it says nothing".into()) } else { Ok(()) }
}
