//! Text messages that come in: each is a turn of its number's conversation, or says whether the number wants any (D4, D34).

use std::sync::Arc;

use serde_json::Map;
use tracing::warn;

use super::{Engine, Error, Request};
use crate::agent;
use crate::model::{Actor, Phone};
use crate::store::{Applied, Write, channels, opt_outs};

/// The project whose conversation such turns take place in.
const PROJECT: &str = "sms";
/// Longest message, in characters; providers join no more into one.
const LONGEST: usize = 1_600;
/// How often it is asked anew who speaks, because a session ended meanwhile.
const MOST_RUNS: usize = 4;

/// What a number asks for by one word, in the languages that the word belongs to.
const WORDS: &[(OptOut, &str, &[&str])] = &[
    (OptOut::Stop, "en", &["stop", "stopall", "unsubscribe", "end", "quit", "revoke", "optout"]),
    (OptOut::Stop, "es", &["alto", "baja"]),
    (OptOut::Start, "en", &["start", "unstop"]),
    (OptOut::Help, "en", &["help", "info"]),
];

/// A text message that came in. Whether its provider sent it was checked; who wrote it is what a network says.
#[derive(Debug, Clone)]
pub struct Inbound {
    /// The provider's name for it: the same again gets the same answer.
    pub provider_id: String,
    /// The number it came from.
    pub from: Phone,
    /// What it says.
    pub text: String,
    /// What the provider took it for and has answered by itself.
    pub handled: Option<OptOut>,
}

/// What is said about messages themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptOut {
    /// No more of them.
    Stop,
    /// Some again.
    Start,
    /// What they are.
    Help,
}

impl OptOut {
    /// What a whole message says about messages, and in which language.
    fn heard(text: &str) -> Option<(Self, &'static str)> {
        let word = text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let row = WORDS.iter().find(|(_, _, words)| words.contains(&word.as_str()));
        row.map(|&(said, language, _)| (said, language))
    }
}

impl Engine {
    /// Answers a text message; `None` where nothing is to be said. It is heard to its end even if nobody waits for the
    /// answer any more.
    pub async fn inbound(self: &Arc<Self>, said: Inbound) -> Result<Option<String>, Error> {
        let engine = self.present();
        let task = self.tasks.spawn(async move { engine.heard_by_text(said).await });
        task.await.map_err(|_| Error::Lost)?
    }

    async fn heard_by_text(self: Arc<Self>, said: Inbound) -> Result<Option<String>, Error> {
        let number = said.from.e164();
        let may_answer = self.texts.take(number);
        // One after the other: what the second means may depend on the first.
        let _place = self.queue.enter(&format!("text/{number}")).await;
        let key = self.parts.keys.lookup("phone", number);
        let is_out = self.store().opted_out(&Actor::System, &key).await?.is_some();
        let heard = OptOut::heard(&said.text);
        let language = self.talk.replies.language(heard.map(|(_, language)| language));
        let own = |reply: &str| match (said.handled, may_answer) {
            (None, true) => self.own_words(language, reply).map(Some),
            // The provider has said it.
            _ => Ok(None),
        };
        match said.handled.or(heard.map(|(what, _)| what)) {
            Some(OptOut::Stop) => {
                let is_new = self.heard_once(&said, opt_outs::insert(&key, self.now())).await?;
                if is_new && !is_out { own("sms.stopped") } else { Ok(None) }
            }
            Some(OptOut::Start) if is_out || said.handled.is_some() => {
                let is_new = self.heard_once(&said, opt_outs::delete(&key)).await?;
                if is_new { own("sms.started") } else { Ok(None) }
            }
            _ if is_out => Ok(None),
            _ if !may_answer => {
                warn!(from = %said.from.masked(), "Too many text messages from one number");
                Ok(None)
            }
            Some(OptOut::Help) => own("sms.help"),
            _ if !is_readable(&said.text) => own("sms.unreadable"),
            _ => self.turn_by_text(said).await,
        }
    }

    /// Does what a message asks for, unless it was heard before: a signature has no time in it, and an old STOP must not
    /// undo a START.
    async fn heard_once(&self, said: &Inbound, write: Write) -> Result<bool, Error> {
        let device = self.channel_device(&said.from).await?;
        let heard = channels::hear(&said.provider_id, (&device, None), self.now());
        Ok(self.store().apply(&Actor::System, vec![heard, write]).await? == Applied::Done)
    }

    fn own_words(&self, language: &str, reply: &str) -> Result<String, Error> {
        self.talk.replies.say(language, reply, &Map::new()).map_err(|e| Error::Agent(agent::Error::Reply(e)))
    }

    async fn turn_by_text(self: &Arc<Self>, said: Inbound) -> Result<Option<String>, Error> {
        for _ in 0..MOST_RUNS {
            let Some(caller) = self.channel_caller(&said).await? else { return Ok(None) };
            let is_repeat = caller.repeats_only.is_some();
            let request = Request {
                project: PROJECT.to_owned(),
                message_id: Some(said.provider_id.clone()),
                text: said.text.clone(),
                ..Request::default()
            };
            match self.turn(caller, request).await {
                Ok(answer) => return Ok(Some(answer.response.message().to_owned())),
                // Its answer is not kept any more.
                Err(Error::Unauthorized) if is_repeat => return Ok(None),
                // Whoever it spoke for a moment ago, it does no more.
                Err(Error::Unauthorized) => {}
                Err(e) => return Err(e),
            }
        }
        Err(Error::Conflict("the conversation kept changing; nothing was done, please send it again"))
    }
}

/// Whether there is something to understand.
fn is_readable(text: &str) -> bool {
    let length = text.chars().take(LONGEST + 1).count();
    length <= LONGEST && text.chars().any(|c| !c.is_control() && !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_message_is_about_messages() {
        for text in ["STOP", " stop\n", "Stop.", "¡Alto!", "baja", "OptOut", "END"] {
            assert_eq!(OptOut::heard(text).map(|(what, _)| what), Some(OptOut::Stop), "{text}");
        }
        assert_eq!(OptOut::heard("UNSTOP"), Some((OptOut::Start, "en")));
        assert_eq!(OptOut::heard("Alto").map(|(_, language)| language), Some("es"));
        for text in ["", "please stop", "stop it", "end my session", "cancel", "yes", "st op", "stops"] {
            assert_eq!(OptOut::heard(text), None, "{text}");
        }
    }

    #[test]
    fn what_has_no_text_or_too_much_of_it_is_not_read() {
        assert!(is_readable("x") && is_readable(&"é".repeat(1_600)));
        for text in ["", " \n", "\u{0}", &"x".repeat(1_601)] {
            assert!(!is_readable(text), "{text:?}");
        }
    }
}
