//! What language models are told: `prompts/<name>.md`, compiled in or from the same folder as the replies.
//!
//! Each has a type that holds its values and gives a sample; at load it is rendered with that, so that a misspelt name
//! stops the start. A prompt is told names and rules and nothing of a person: what somebody said goes beside it.

use minijinja::Environment;
use serde::Serialize;

use super::{Error, Options, Problem, Problems, environment};

/// What a prompt is rendered with.
pub trait Context: Serialize {
    /// The prompt's name, which is its file's.
    const NAME: &'static str;
    /// The text that is compiled in.
    const TEXT: &'static str;
    /// Values as they may be.
    fn sample() -> Self;
}

/// The prompt that a message is classified with.
#[derive(Debug, Clone, Serialize)]
pub struct SubIntentPrompt {
    /// Where a message may go.
    pub routes: Vec<RouteLine>,
}

/// A route and what it is for.
#[derive(Debug, Clone, Serialize)]
pub struct RouteLine {
    /// Its name.
    pub name: String,
    /// What it is for, or things that people say to it.
    pub about: String,
}

impl Context for SubIntentPrompt {
    const NAME: &'static str = "sub_intent";
    const TEXT: &'static str = include_str!("../../prompts/sub_intent.md");

    fn sample() -> Self {
        let line = RouteLine { name: "authenticate".to_owned(), about: "signing in".to_owned() };
        Self { routes: vec![line] }
    }
}

/// The prompt that small talk is answered with.
#[derive(Debug, Clone, Serialize)]
pub struct GeneralPrompt {
    /// The language to answer in, as two letters.
    pub language: String,
    /// Whether somebody is signed in.
    pub signed_in: bool,
}

impl Context for GeneralPrompt {
    const NAME: &'static str = "general";
    const TEXT: &'static str = include_str!("../../prompts/general.md");

    fn sample() -> Self {
        Self { language: "en".to_owned(), signed_in: true }
    }
}

/// The prompts, ready to be rendered.
#[derive(Debug)]
pub struct Prompts {
    environment: Environment<'static>,
}

impl Prompts {
    /// Loads every prompt and renders its sample; every problem at once.
    pub fn load(options: &Options) -> Result<Self, Problems> {
        let mut loaded = Self { environment: environment() };
        let mut problems = Vec::new();
        loaded.add::<SubIntentPrompt>(options, &mut problems);
        loaded.add::<GeneralPrompt>(options, &mut problems);
        if problems.is_empty() { Ok(loaded) } else { Err(Problems(problems)) }
    }

    fn add<C: Context>(&mut self, options: &Options, problems: &mut Vec<Problem>) {
        let file = format!("{}.md", C::NAME);
        let Some((name, text)) = own_or((&file, C::TEXT), options, problems) else { return };
        let made = self.environment.add_template_owned(C::NAME, text);
        if let Err(e) = made.and_then(|()| self.rendered(&C::sample())) {
            problems.push(Problem::new(&name, e.line().unwrap_or(1), e.to_string()));
        }
    }

    fn rendered<C: Context>(&self, context: &C) -> Result<(), minijinja::Error> {
        self.environment.get_template(C::NAME)?.render(minijinja::value::Serde(context)).map(drop)
    }

    /// Renders a prompt.
    pub fn render<C: Context>(&self, context: &C) -> Result<String, Error> {
        let template = self.environment.get_template(C::NAME);
        template.and_then(|t| t.render(minijinja::value::Serde(context))).map_err(|source| Error {
            key: C::NAME.to_owned(),
            language: "prompt".to_owned(),
            source,
        })
    }
}

/// A file of the configured folder, or the compiled-in text, with the name that problems give. A folder of replies need
/// not have all files: those it lacks are the compiled-in ones.
pub(super) fn own_or(
    (file, compiled_in): (&str, &str),
    options: &Options,
    problems: &mut Vec<Problem>,
) -> Option<(String, String)> {
    let own = options.folder.as_ref().map(|folder| folder.join(file));
    let Some(path) = own.filter(|path| path.exists()) else {
        return Some((format!("prompts/{file}"), compiled_in.to_owned()));
    };
    let name = path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(text) => Some((name, text)),
        Err(e) => {
            problems.push(Problem::new(&name, 1, format!("cannot be read: {e}")));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_rendered_with_their_values_and_a_bad_one_is_named() {
        let prompts = Prompts::load(&Options::default()).unwrap();
        let told = prompts.render(&SubIntentPrompt::sample()).unwrap();
        assert!(told.contains("`authenticate`: signing in"), "{told}");
        let german = GeneralPrompt { language: "de".to_owned(), signed_in: false };
        assert!(prompts.render(&german).unwrap().contains("`de`"));

        let folder = std::env::temp_dir().join(format!("vestibule-prompts-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("general.md"), "one\n{{ tongue }}").unwrap();
        let options = Options { folder: Some(folder.clone()), ..Options::default() };
        let problems = Prompts::load(&options).unwrap_err().to_string();
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(problems.contains("general.md:2:1"), "{problems}");
    }
}
