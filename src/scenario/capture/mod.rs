//! A stored conversation as a scenario that tells nothing of anybody.
//!
//! What is stored is less than what was said: codes, numbers, addresses and tokens are masked, a model's words are not
//! there. So stand-ins take their place (`standin`), and of what models said there is what the answers show (`told`). What
//! is written is then played, and is a capture only if every answer is what was answered then; where a masked text may
//! have meant several things, each is tried. Nothing is written of which it is not known that it is nobody's: a word that
//! is not the product's own is replaced, whatever it is.
//!
//! It does not know the command line, nor where the file goes. Adding what may be told of an answer: the tables in
//! `answer.rs`.

mod answer;
mod draft;
mod standin;
mod story;
mod told;

use std::sync::Arc;

use serde_json::Value;

use super::player::{self, Played};
use super::recordings::Exchange;
use super::{Scenario, Setup};
use crate::llm::Llm;
use crate::model::ConversationId;
use crate::nlu;
use crate::store::{self, Store};
use draft::{Draft, Manner};
use standin::StandIns;
use story::Story;
use told::Told;

/// Most plays of one capture.
const MOST_PLAYS: usize = 64;
/// The title where none is given.
const TITLE: &str = "A captured conversation";

/// What is to be captured, and how.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The title.
    pub title: Option<String>,
    /// Settings that the conversation was led under, by their variables.
    pub settings: Vec<(String, String)>,
    /// Words that are nobody's and stay as they were said.
    pub keep: Vec<String>,
}

/// A captured conversation.
#[derive(Debug, Clone)]
pub struct Captured {
    /// The scenario.
    pub text: String,
    /// What models said in it.
    pub recordings: Vec<Exchange>,
    /// Its messages.
    pub messages: usize,
}

/// Why there is no capture.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such conversation.
    #[error("there is no conversation {0} in this database")]
    NotThere(ConversationId),
    /// Nothing was said.
    #[error("nothing was said in this conversation")]
    Empty,
    /// It was not led in the chat.
    #[error("this conversation was led {0}; only those of the chat can be captured")]
    Elsewhere(&'static str),
    /// A message that no scenario can have.
    #[error("message {number} cannot be captured: {what}")]
    Cannot {
        /// Its number in the conversation.
        number: i64,
        /// Why, and what to do.
        what: String,
    },
    /// What was written does not end the same.
    #[error("{0}")]
    Parts(Box<Parts>),
    /// The store failed.
    #[error("the database failed")]
    Store(#[from] store::Error),
    /// The built-in utterances cannot be read.
    #[error("the vocabulary cannot be read")]
    Vocabulary(#[from] nlu::Error),
    /// What is written cannot be played.
    #[error("it cannot be tried")]
    Unprepared(#[from] super::Unprepared),
}

/// Where a draft parts from the conversation.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The message, by its number in the conversation; none where it is in what went before.
    pub number: Option<i64>,
    /// The line of the draft, and its text.
    pub line: (usize, String),
    /// What is different.
    pub what: String,
    /// Words of the message that were replaced and may have meant something.
    pub replaced: Vec<String>,
    /// The draft.
    pub draft: Captured,
}

impl std::fmt::Display for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.number {
            Some(number) => write!(f, "message {number} is not answered as it was")?,
            None => write!(f, "what was there before the conversation cannot be set up")?,
        }
        write!(f, ": line {} of the draft (`{}`): {}", self.line.0, self.line.1, self.what)?;
        if self.replaced.is_empty() {
            write!(f, "; --force writes the draft all the same, to be mended by hand")
        } else {
            let flags: Vec<String> = self.replaced.iter().map(|word| format!("--keep {word}")).collect();
            write!(f, "; words of it were replaced: if they are nobody's, keep them with {}", flags.join(" "))
        }
    }
}

impl Error {
    fn cannot(number: i64, what: String) -> Self {
        Self::Cannot { number, what }
    }
}

/// Captures a conversation; gives nothing that was not played and found to be answered as it was.
pub async fn capture(store: &Store, id: &ConversationId, wanted: &Wanted) -> Result<Captured, Error> {
    let read = Story::read(store, id).await?;
    let standins = StandIns::of(&read, &wanted.keep)?;
    let setup = Setup::new(None)?;
    let mut search = Search { story: &read, standins, wanted, setup: &setup };
    Box::pin(search.find()).await
}

struct Search<'a> {
    story: &'a Story,
    standins: StandIns,
    wanted: &'a Wanted,
    setup: &'a Setup,
}

/// A draft and what came of playing it.
struct Tried {
    draft: Draft,
    played: Played,
}

impl Search<'_> {
    /// Tries the spellings of each message until all are answered as they were; first with times to the second, as people
    /// write them, then exactly.
    async fn find(&mut self) -> Result<Captured, Error> {
        let mut parted = None;
        for is_exact in [false, true] {
            match self.spelt(is_exact).await {
                Ok((chosen, tried)) => return self.finish((&chosen, is_exact), tried).await,
                Err(parts) => parted = parted.or(Some(parts)),
            }
        }
        parted.map_or(Err(Error::Empty), |parts| Err(Error::Parts(parts)))
    }

    async fn spelt(&mut self, is_exact: bool) -> Result<(Vec<usize>, Tried), Box<Parts>> {
        let mut chosen = vec![0; self.story.turns.len()];
        // What became of the likeliest spelling of the message that is tried.
        let mut likeliest: Option<(usize, Box<Parts>)> = None;
        let mut plays = 0;
        loop {
            plays += 1;
            let tried = self.play((&chosen, is_exact), &[]).await;
            let Some(failure) = &tried.played.failure else { return Ok((chosen, tried)) };
            let turn = tried.draft.turn_of(failure.line);
            let parts = self.parts(&tried, (failure.line, &failure.what), turn);
            let Some((at, turn)) = turn.and_then(|at| Some((at, self.story.turns.get(at)?))) else {
                return Err(parts);
            };
            let parts = match likeliest.take() {
                Some((known, parts)) if known == at => parts,
                _ => parts,
            };
            let spellings = self.standins.spellings(turn).len();
            match chosen.get_mut(at) {
                Some(nth) if *nth + 1 < spellings && plays < MOST_PLAYS => *nth += 1,
                _ => return Err(parts),
            }
            likeliest = Some((at, parts));
        }
    }

    /// Writes what was found with the replies that were said, and plays it as whoever gets it will.
    async fn finish(&mut self, how: (&[usize], bool), tried: Tried) -> Result<Captured, Error> {
        let reply = |view: &Value| view.get("reply").and_then(Value::as_str).unwrap_or_default().to_owned();
        let before = tried.played.said.len().saturating_sub(self.story.turns.len());
        let replies: Vec<String> =
            tried.played.said.iter().skip(before).map(|said| reply(&said.view)).collect();
        let recordings = tried.played.exchanges;
        let draft = self.draft(how, &replies);
        let played = self.again(&draft, &recordings).await;
        let tried = Tried { draft, played: Played { exchanges: recordings, ..played } };
        match &tried.played.failure {
            None => Ok(self.captured(&tried)),
            Some(failure) => {
                let turn = tried.draft.turn_of(failure.line);
                Err(Error::Parts(self.parts(&tried, (failure.line, &failure.what), turn)))
            }
        }
    }

    fn draft(&mut self, (chosen, is_exact): (&[usize], bool), replies: &[String]) -> Draft {
        let title = self.wanted.title.as_deref().unwrap_or(TITLE);
        let settings = &self.wanted.settings;
        Draft::write(self.story, &mut self.standins, Manner { title, settings, chosen, is_exact, replies })
    }

    async fn play(&mut self, how: (&[usize], bool), replies: &[String]) -> Tried {
        let draft = self.draft(how, replies);
        let mut spellings = Vec::new();
        for (turn, nth) in self.story.turns.iter().zip(how.0) {
            let all = self.standins.spellings(turn);
            spellings.push(all.get(*nth).or(all.first()).cloned().unwrap_or_default());
        }
        let told = Told::of(self.story, &spellings, &mut self.standins);
        let setup = match told {
            Some(told) => self.setup.clone().asking(told as Arc<dyn Llm>),
            None => self.setup.clone(),
        };
        let played = run(&draft, &[], &setup).await;
        Tried { draft, played }
    }

    async fn again(&self, draft: &Draft, recordings: &[Exchange]) -> Played {
        run(draft, recordings, self.setup).await
    }

    fn captured(&self, tried: &Tried) -> Captured {
        Captured {
            text: tried.draft.text(),
            recordings: tried.played.exchanges.clone(),
            messages: self.story.turns.len(),
        }
    }

    fn parts(&mut self, tried: &Tried, (line, what): (usize, &str), turn: Option<usize>) -> Box<Parts> {
        let turn = turn.and_then(|at| self.story.turns.get(at));
        let replaced = turn.map(|turn| self.standins.replaced(&turn.text)).unwrap_or_default();
        Box::new(Parts {
            number: turn.map(|turn| turn.number),
            line: (line, tried.draft.at(line).to_owned()),
            what: what.to_owned(),
            replaced,
            draft: self.captured(tried),
        })
    }
}

async fn run(draft: &Draft, recordings: &[Exchange], setup: &Setup) -> Played {
    match Scenario::parse("captured.md", &draft.text()) {
        Ok(scenario) => {
            let scenario = Scenario { recordings: recordings.to_vec(), ..scenario };
            player::run(&scenario, setup, None).await
        }
        Err(problems) => player::unreadable(&problems),
    }
}
