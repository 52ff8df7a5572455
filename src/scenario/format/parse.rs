//! From text to a scenario, with every problem at once.

use jiff::{SignedDuration, Timestamp};

use super::command::command;
use super::words::{Field, Word, split};
use super::{Budget, Channel, Command, Desk, Piece, Problem, Problems, Scenario, Step, Wanted, What};
use crate::config::{Config, Sources};
use crate::scenario::used::FIGURES;

/// The start where none is given.
const START: &str = "2026-01-15T10:00:00Z";
/// Who speaks where nobody is named.
const SOMEBODY: &str = "somebody";

struct Parser<'a> {
    file: &'a str,
    line: usize,
    /// Whether somebody says something, be it well written or not.
    spoken: bool,
    /// Whether a message was read whose answer may be described now.
    said: bool,
    actor: usize,
    scenario: Scenario,
    problems: Vec<Problem>,
}

pub(super) fn parse(file: &str, text: &str) -> Result<Scenario, Problems> {
    let scenario = Scenario {
        file: file.to_owned(),
        title: String::new(),
        clock: START.parse().unwrap_or(Timestamp::UNIX_EPOCH),
        seed: 1,
        actors: Vec::new(),
        config: Vec::new(),
        budgets: Vec::new(),
        steps: Vec::new(),
        recordings: Vec::new(),
    };
    let mut parser =
        Parser { file, line: 0, spoken: false, said: false, actor: 0, scenario, problems: Vec::new() };
    for (at, line) in text.lines().enumerate() {
        parser.line = at + 1;
        parser.line(line.trim_end());
    }
    parser.finish()
}

impl Parser<'_> {
    fn problem(&mut self, what: impl Into<String>) {
        self.problems.push(Problem { file: self.file.to_owned(), line: self.line, what: what.into() });
    }

    fn finish(mut self) -> Result<Scenario, Problems> {
        if self.scenario.title.is_empty() {
            self.line = 1;
            self.problem("there is no title: begin with `# What this shows`");
        }
        if !self.spoken {
            self.line = self.line.max(1);
            self.problem("nobody says anything: add a line `> …`");
        }
        self.problems.sort_by_key(|problem| problem.line);
        if self.problems.is_empty() { Ok(self.scenario) } else { Err(Problems(self.problems)) }
    }

    fn line(&mut self, line: &str) {
        if let Some(title) = line.strip_prefix('#') {
            if self.scenario.title.is_empty() {
                title.trim().clone_into(&mut self.scenario.title);
            }
            return;
        }
        if line.is_empty() {
            return;
        }
        let Some(line) = self.switch(line) else { return };
        let mark = line.chars().next().filter(|c| "><!=~&".contains(*c));
        match mark {
            Some(mark) => {
                self.meet();
                let rest = line.get(1..).unwrap_or_default();
                if !rest.is_empty() && !rest.starts_with(' ') {
                    return self.problem(format!("a space has to stand behind `{mark}`"));
                }
                self.step(mark, rest.trim());
            }
            None if self.scenario.steps.is_empty() => self.head(line),
            None => self.problem("this is no step: it has to begin with one of > < ! = ~ &, or with #"),
        }
    }

    /// Where nobody was named, somebody speaks.
    fn meet(&mut self) {
        if self.scenario.actors.is_empty() {
            self.scenario.actors.push(SOMEBODY.to_owned());
        }
    }

    /// Follows an `@name`; gives back what stands behind it.
    fn switch<'l>(&mut self, line: &'l str) -> Option<&'l str> {
        let Some(rest) = line.strip_prefix('@') else { return Some(line) };
        let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        match self.scenario.actors.iter().position(|actor| actor == name) {
            Some(actor) => self.actor = actor,
            None => self.problem(format!("nobody is called `{name}`: add `actor {name}` above")),
        }
        let rest = rest.trim_start();
        (!rest.is_empty()).then_some(rest)
    }

    fn head(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        match word {
            "clock" => match rest.parse() {
                Ok(clock) => self.scenario.clock = clock,
                Err(_) => self.problem(format!("`{rest}` is no time such as {START}")),
            },
            "seed" => match rest.parse() {
                Ok(seed) => self.scenario.seed = seed,
                Err(_) => self.problem(format!("`{rest}` is no whole number")),
            },
            "actor" if self.scenario.actors.iter().any(|actor| actor == rest) => {
                self.problem(format!("there is an actor `{rest}` already"));
            }
            "actor" if rest.is_empty() || !rest.bytes().all(|b| b.is_ascii_lowercase()) => {
                self.problem(format!("`{rest}` is no actor's name: small letters only"));
            }
            "actor" => self.scenario.actors.push(rest.to_owned()),
            "config" => self.setting(rest),
            "budget" => match budget(rest) {
                Ok(fields) => self.scenario.budgets.push(Budget { line: self.line, fields }),
                Err(what) => self.problem(what),
            },
            // Anything else before the first step is prose.
            _ => {}
        }
    }

    fn setting(&mut self, text: &str) {
        match text.split_once('=') {
            Some((name, value)) if Config::reads(name) => {
                let mut env = self.scenario.config.clone();
                env.push((name.to_owned(), value.to_owned()));
                match Config::load(&Sources { file: None, env: env.clone() }) {
                    Ok(_) => self.scenario.config = env,
                    Err(problems) => problems.iter().for_each(|problem| self.problem(&problem.text)),
                }
            }
            Some((name, _)) => self.problem(format!("`{name}` is no setting's variable")),
            None => self.problem("a setting is written `config NAME=VALUE`"),
        }
    }

    fn step(&mut self, mark: char, rest: &str) {
        let what = match mark {
            '>' => {
                self.spoken = true;
                self.say(rest)
            }
            '<' if self.said => answer(rest),
            '<' => return self.problem("there is no message before it whose answer this could be"),
            '!' => sent(rest),
            '=' => holds(rest),
            '~' => duration(rest).map(What::Pass),
            _ => command(rest).map(What::Do),
        };
        match what {
            Ok(what) => {
                self.said = match &what {
                    What::Say(_) | What::Do(Command::Desk(Desk::Says(_) | Desk::Releases(_))) => self.spoken,
                    What::Answer(_)
                    | What::Sent(_)
                    | What::Holds(_)
                    | What::Pass(_)
                    | What::Do(Command::Backend(_) | Command::Desk(_)) => self.said,
                    What::Do(_) => false,
                };
                self.scenario.steps.push(Step { line: self.line, actor: self.actor, what });
            }
            Err(what) => self.problem(what),
        }
    }

    fn say(&self, text: &str) -> Result<What, String> {
        if text.is_empty() {
            return Err("the message is empty".to_owned());
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                return Err("a `{` is not closed".to_owned());
            };
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(self.placeholder(name)?);
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(What::Say(pieces))
    }

    fn placeholder(&self, text: &str) -> Result<Piece, String> {
        let unknown = || format!("`{{{text}}}` is none of {{code}}, {{code:N}}, {{NAME.code}} and {{wrong}}");
        if text == "wrong" {
            return Ok(Piece::Wrong);
        }
        let (actor, code) = match text.split_once('.') {
            Some((name, code)) => {
                let actor = self.scenario.actors.iter().position(|actor| actor == name);
                (actor.ok_or_else(|| format!("nobody is called `{name}`"))?, code)
            }
            None => (self.actor, text),
        };
        let nth = match code.split_once(':') {
            None if code == "code" => None,
            Some(("code", nth)) => Some(nth.parse().ok().filter(|&n| n > 0).ok_or_else(unknown)?),
            _ => return Err(unknown()),
        };
        Ok(Piece::Code { actor, nth })
    }
}

fn answer(text: &str) -> Result<What, String> {
    let mut fields = Vec::new();
    for (at, word) in split(text)?.into_iter().enumerate() {
        match word {
            Word::Bare(reply) if at == 0 => {
                fields.push(Field { path: "reply".to_owned(), wanted: super::Wanted::Equal(reply.into()) });
            }
            Word::Bare(word) => return Err(format!("`{word}` is no FIELD=VALUE")),
            Word::Field(field) => fields.push(field),
        }
    }
    let known = |f: &Field| {
        ["reply", "action", "success", "message", "session"].contains(&f.path.as_str())
            || ["data.", "context."].iter().any(|p| f.path.len() > p.len() && f.path.starts_with(p))
    };
    if fields.is_empty() {
        return Err("an answer needs a reply's key or a FIELD=VALUE".to_owned());
    }
    refuse_unknown(&fields, known, "action, success, message, session, data.X and context.X")?;
    if let Some(field) = fields.iter().find(|f| f.path == "session" && !["yes", "no"].contains(&&*f.text())) {
        return Err(format!("`session={}`: it is yes or no", field.text()));
    }
    Ok(What::Answer(fields))
}

fn sent(text: &str) -> Result<What, String> {
    if text == "none" {
        return Ok(What::Sent(None));
    }
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let channel =
        [Channel::Sms, Channel::Mail, Channel::Desk].into_iter().find(|channel| channel.as_str() == word);
    let channel = channel.ok_or("this is none of `! sms …`, `! mail …`, `! desk …` and `! none`")?;
    let fields = if rest.trim().is_empty() { Vec::new() } else { fields_of(rest)? };
    let (known, names): (&[&str], _) = match channel {
        Channel::Sms => (&["to", "template", "verdict"], "to, template and verdict"),
        Channel::Mail => (&["to", "subject", "template", "verdict"], "to, subject, template and verdict"),
        Channel::Desk => (
            &["event", "text", "about", "signedIn", "language", "by"],
            "event, text, about, signedIn, language and by",
        ),
    };
    refuse_unknown(&fields, |f| known.contains(&f.path.as_str()), names)?;
    Ok(What::Sent(Some((channel, fields))))
}

fn holds(text: &str) -> Result<What, String> {
    let fields = fields_of(text)?;
    let known = |f: &Field| {
        is_figure(f)
            || ["effects", "audit"].contains(&f.path.as_str())
            || ["state.", "data."].iter().any(|p| f.path.len() > p.len() && f.path.starts_with(p))
    };
    let names = format!("state.X, data.KIND, effects, audit, {}", FIGURES.join(", "));
    refuse_unknown(&fields, known, &names)?;
    Ok(What::Holds(fields))
}

fn budget(text: &str) -> Result<Vec<Field>, String> {
    let fields = fields_of(text)?;
    refuse_unknown(&fields, is_figure, &FIGURES.join(", "))?;
    Ok(fields)
}

fn is_figure(field: &Field) -> bool {
    FIGURES.contains(&field.path.as_str())
}

fn fields_of(text: &str) -> Result<Vec<Field>, String> {
    let fields = split(text)?.into_iter().map(|word| match word {
        Word::Field(field) => Ok(field),
        Word::Bare(word) => Err(format!("`{word}` is no FIELD=VALUE")),
    });
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    if fields.is_empty() { Err("there is no FIELD=VALUE".to_owned()) } else { Ok(fields) }
}

fn refuse_unknown(fields: &[Field], known: impl Fn(&Field) -> bool, names: &str) -> Result<(), String> {
    if let Some(field) = fields.iter().find(|field| !known(field)) {
        return Err(format!("`{}` is not a field here; there are {names}", field.path));
    }
    let is_number = |wanted: &Wanted| match wanted {
        Wanted::AtMost(_) => true,
        Wanted::Equal(value) => value.is_u64(),
        Wanted::Present | Wanted::Absent => false,
    };
    for field in fields {
        let path = &field.path;
        if is_figure(field) && !is_number(&field.wanted) {
            return Err(format!("`{path}` wants a whole number, such as {path}<=12"));
        }
        if !is_figure(field) && matches!(field.wanted, Wanted::AtMost(_)) {
            return Err(format!("`{path}<=`: only {} have a most", FIGURES.join(", ")));
        }
    }
    Ok(())
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    let read: Option<SignedDuration> = text.parse().ok();
    read.filter(SignedDuration::is_positive)
        .ok_or_else(|| format!("`{text}` is no time to pass, such as `10m 1s`"))
}
