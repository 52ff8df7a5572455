//! `vestibule chat`: the conversation in a terminal, or line by line where the input is piped.
//!
//! It speaks with an engine of its own, or with a running server. It keeps its tokens in a file beside the database, so
//! that a new start goes on where the last one was.
//!
//! Adding a command of the chat: a row in [`COMMANDS`] and an arm in `Chat::command`. Adding something that both kinds of
//! line can do: a method in `embedded.rs` and `remote.rs`, and its arm in `line.rs`.

mod embedded;
mod input;
mod keep;
mod line;
mod remote;

use std::sync::Arc;

use anyhow::Context;
use tokio::runtime::Runtime;

use super::{Failure, out};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::model::{Clock, MessageId, Randomness};
use input::Input;
use keep::{Kept, Tokens};
use line::{Fault, Line, Said};

/// What can be typed besides messages.
const COMMANDS: &[(&str, &str)] = &[
    ("/help", "shows this"),
    ("/logout", "ends your session; this device stays"),
    ("/new", "forgets this device and begins as a new one"),
    ("/quit", "leaves; the next start goes on where you were"),
];

/// Runs the chat until the input ends.
pub(super) fn run(config: Config, url: Option<&str>) -> Result<(), Failure> {
    let runtime = Runtime::new().map_err(anyhow::Error::from)?;
    let kept = Kept::open(&config, url)?;
    let line = runtime.block_on(Line::open(config, url))?;
    let mut chat = Chat { line, kept, unanswered: None, heard: None, handed_off: false };
    let ended = chat.talk(&runtime);
    runtime.block_on(chat.line.close());
    Ok(ended?)
}

struct Chat {
    line: Line,
    kept: Kept,
    /// A message that got no answer, and its id: said again, it is the same message.
    unanswered: Option<(String, String)>,
    /// The newest thing that was said and is shown.
    heard: Option<String>,
    /// Whether a person answers.
    handed_off: bool,
}

enum Then {
    GoOn,
    Quit,
}

impl Chat {
    fn talk(&mut self, runtime: &Runtime) -> anyhow::Result<()> {
        let mut input = Input::open()?;
        runtime.block_on(self.arrive())?;
        while let Some(text) = input.next()? {
            let text = text.trim();
            if text.is_empty() {
                runtime.block_on(self.listen(None));
                continue;
            }
            let then = runtime.block_on(async {
                if text.starts_with('/') { self.command(text).await } else { self.say(text).await }
            });
            if matches!(then?, Then::Quit) {
                break;
            }
        }
        Ok(())
    }

    /// Takes up the kept device, or begins as a new one.
    async fn arrive(&mut self) -> anyhow::Result<()> {
        let Some(tokens) = self.kept.tokens().cloned() else {
            self.begin().await?;
            out::line("Hello. Say what you want, or /help.");
            return self.look_past().await;
        };
        match self.line.last_answer(&tokens).await {
            Ok(Some(answer)) => {
                out::line(&format!("You were here: {answer}"));
                self.remember(Some(&answer)).await;
            }
            Ok(None) => out::line("Hello again. Say what you want, or /help."),
            Err(Fault::Refused) => self.step_back(tokens).await?,
            Err(Fault::Other(error)) => return Err(error),
        }
        self.look_past().await
    }

    async fn say(&mut self, text: &str) -> anyhow::Result<Then> {
        let id = match self.unanswered.take() {
            Some((before, id)) if before == text => id,
            _ => message_id(),
        };
        let Some(tokens) = self.kept.tokens().cloned() else { return Ok(Then::GoOn) };
        match self.line.turn(&tokens, text, &id).await {
            Ok(answer) => {
                match answer.tokens {
                    Some(tokens) => self.kept.put(tokens)?,
                    None if tokens.session.is_some() && !answer.authenticated => {
                        self.kept.put(Tokens { session: None, ..tokens })?;
                    }
                    None => {}
                }
                // While a person answers, there may be nothing to say.
                let own = Some(answer.text.as_str()).filter(|text| !text.is_empty());
                self.listen(own).await;
                let list =
                    |entries: &[String]| entries.iter().for_each(|entry| out::line(&format!("  {entry}")));
                list(&answer.before);
                if let Some(text) = own {
                    out::line(&format!("< {text}"));
                }
                self.remember(own).await;
                self.hand(answer.handed_off);
                list(&answer.after);
            }
            Err(Fault::Refused) => {
                self.step_back(tokens).await?;
                out::line("Your message was not taken; please say it again.");
            }
            Err(Fault::Other(error)) => {
                out::line(&format!("! {error:#}"));
                out::line("! Say the same again to try once more; it counts as one message.");
                self.unanswered = Some((text.to_owned(), id));
            }
        }
        self.show_messages().await;
        Ok(Then::GoOn)
    }

    /// Tells whoever is handed over how to hear what a person says.
    fn hand(&mut self, handed_off: bool) {
        if handed_off && !self.handed_off {
            out::line("  (An empty line shows what was said since.)");
        }
        self.handed_off = handed_off;
    }

    /// From the first answer that is shown on, what is said after it is news: by a person, or by an agent whose answer took its
    /// time.
    async fn remember(&mut self, own: Option<&str>) {
        if self.heard.is_none() {
            let all = self.said().await;
            let answer = all.iter().find(|said| own == Some(said.text.as_str())).or(all.first());
            self.heard = answer.map(|said| said.id.clone());
        }
    }

    /// Shows what was said since, but for the answer that is shown by itself.
    async fn listen(&mut self, own: Option<&str>) {
        let Some(heard) = self.heard.clone() else { return };
        let all = self.said().await;
        // In another conversation nothing is news.
        let since = all.iter().position(|said| said.id == heard).unwrap_or(0);
        for said in all.iter().take(since).rev().filter(|said| own != Some(said.text.as_str())) {
            out::line(&format!("< {}", said.text));
        }
        self.heard = all.first().map(|said| said.id.clone()).or(Some(heard));
    }

    /// What was said last; nothing where that cannot be asked.
    async fn said(&self) -> Vec<Said> {
        let Some(tokens) = self.kept.tokens() else { return Vec::new() };
        self.line.said(tokens).await.unwrap_or_default()
    }

    async fn command(&mut self, text: &str) -> anyhow::Result<Then> {
        match text {
            "/quit" => return Ok(Then::Quit),
            "/help" => COMMANDS.iter().for_each(|(name, what)| out::line(&format!("{name:<8} {what}"))),
            "/new" => {
                self.begin().await?;
                out::line("This is a new device.");
            }
            "/logout" => self.log_out().await?,
            other => out::line(&format!("There is no {other}; /help shows what there is.")),
        }
        Ok(Then::GoOn)
    }

    async fn log_out(&mut self) -> anyhow::Result<()> {
        let Some(tokens) = self.kept.tokens().cloned().filter(|t| t.session.is_some()) else {
            out::line("You are not logged in.");
            return Ok(());
        };
        match self.line.logout(&tokens).await {
            // A session that is refused has ended already.
            Ok(()) | Err(Fault::Refused) => {
                self.kept.put(Tokens { session: None, ..tokens })?;
                out::line("You're logged out.");
            }
            Err(Fault::Other(error)) => out::line(&format!("! {error:#}")),
        }
        Ok(())
    }

    /// A credential was refused: without the session the device may still be good, else there has to be a new one.
    async fn step_back(&mut self, tokens: Tokens) -> anyhow::Result<()> {
        if tokens.session.is_some() {
            let device = Tokens { session: None, ..tokens };
            match self.line.last_answer(&device).await {
                Ok(_) => {
                    out::line("Your session has ended.");
                    return self.kept.put(device);
                }
                Err(Fault::Refused) => {}
                Err(Fault::Other(error)) => return Err(error),
            }
        }
        self.begin().await?;
        out::line("This device is not known any more; you go on with a new one.");
        Ok(())
    }

    async fn begin(&mut self) -> anyhow::Result<()> {
        let device = match self.line.new_device().await {
            Ok(device) => device,
            Err(Fault::Refused) => anyhow::bail!("no new device is given"),
            Err(Fault::Other(error)) => return Err(error),
        };
        self.kept.put(Tokens { device, session: None })
    }

    /// What was sent before this start is nobody's news.
    async fn look_past(&mut self) -> anyhow::Result<()> {
        self.line.new_messages().await.map(drop).context("the development outbox cannot be read")
    }

    async fn show_messages(&mut self) {
        match self.line.new_messages().await {
            Ok(messages) => {
                for message in messages {
                    out::line(&format!("  [{} to {}] {}", message.channel, message.to, message.text));
                }
            }
            Err(error) => out::line(&format!("! the development outbox cannot be read: {error:#}")),
        }
    }
}

fn message_id() -> String {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    MessageId::new(clock.now(), &mut Randomness::system().stream("chat")).to_string()
}
