//! A message and its answer, also over a crash.

use std::time::Instant;

use serde_json::{Value, json};

use super::{Broken, Person, Player, Post, Said, Sent, stopped};
use crate::engine::{Answer, Credentials, Error, Request};
use crate::model::{Actor, ConversationId, NodeResponse, Verdict};
use crate::scenario::format::{Channel, Piece, Step};
use crate::scenario::process::Stopped;
use crate::scenario::used::Used;
use crate::store::Meter;
use crate::store::messages::Role;

impl Player<'_> {
    pub(super) fn person(&mut self, actor: usize) -> Result<&mut Person, Broken> {
        self.people.get_mut(actor).ok_or_else(|| "nobody speaks".to_owned())
    }

    /// The message as it is sent.
    pub(super) fn text(&self, pieces: &[Piece]) -> Result<String, Broken> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Code { actor, nth } => text.push_str(self.code(*actor, *nth)?),
                Piece::Wrong => {
                    let wrong = (0..).map(|n| format!("{n:06}"));
                    let wrong = wrong
                        .take(1_000)
                        .find(|w| self.posts.iter().all(|post| post.code.as_ref() != Some(w)));
                    text.push_str(&wrong.ok_or("every code was sent")?);
                }
            }
        }
        Ok(text)
    }

    fn code(&self, actor: usize, nth: Option<usize>) -> Result<&str, Broken> {
        let own = self.posts.iter().filter(|post| post.actor == actor);
        let mut codes = own.filter_map(|post| post.code.as_deref());
        let found = match nth {
            Some(nth) => codes.nth(nth.saturating_sub(1)),
            None => codes.next_back(),
        };
        found.ok_or_else(|| "no such code was sent".to_owned())
    }

    pub(super) async fn say(&mut self, step: &Step, text: String) -> Result<(), Broken> {
        let actor = step.actor;
        self.ensure_device(actor).await?;
        self.note_events(actor).await?;
        let person = self.person(actor)?;
        person.sent += 1;
        // Actors may be one account, whose messages share their names.
        let message_id = Some(format!("{actor}-{}", person.sent));
        let request = Request { message_id, text, ..Request::default() };
        let credentials = person.credentials();
        let started = now();
        let mut answered = self.turn(&credentials, &request).await;
        let took = now().duration_since(started);
        let (mut uncertain, posts_before) = (false, self.posts.len());
        // A message that no answer waits for may take its worker down after the answer was given; a client that asks
        // again then is given the same one.
        let crashed = matches!(answered, Err(Stopped::Crashed)) || !self.world.settle_or_crash().await?;
        if crashed {
            uncertain = self.recover(actor).await?;
            answered = self.turn(&credentials, &request).await;
        }
        let answer = answered.map_err(|e| stopped(&e))?.map_err(|e| failed(&e))?;
        self.world.settle().await?;
        self.collect(actor).await?;
        // How soon a message leaves is told to whoever waits for it, and after a crash nobody did.
        let told_of_delay = |post: &Post| ["later", "unknown"].contains(&post.verdict);
        uncertain |= crashed && self.posts.iter().skip(posts_before).any(told_of_delay);
        self.latencies.push(took);
        self.elsewhere.extend(self.world.elsewhere().into_iter().map(|what| (step.line, what)));
        if let Some(miss) = self.world.recorder.as_ref().and_then(|recorder| recorder.misses().pop()) {
            return Err(miss);
        }
        let pushed = if crashed { self.pushed(&answer).await? } else { None };
        self.said.push(Said {
            line: step.line,
            view: view(pushed.as_ref().unwrap_or(&answer.response), &answer, pushed.is_some()),
            uncertain,
        });
        self.adopt(actor, Sent { request, credentials, answer })
    }

    pub(super) async fn turn(
        &mut self,
        credentials: &Credentials,
        request: &Request,
    ) -> Result<Result<Answer, Error>, Stopped> {
        let (meter, before) = (Meter::default(), self.world.used());
        let process = self.world.process()?;
        let engine = std::sync::Arc::clone(process.app().engine());
        let (credentials, request) = (credentials.clone(), request.clone());
        let turn = async move {
            let caller = engine.authenticate(credentials).await?.ok_or(Error::Unauthorized)?;
            engine.turn(caller, request).await
        };
        let answered = process.run(meter.over(turn)).await;
        let used = self.world.used() - before;
        self.used.push(Used { statements: meter.statements(), ..used });
        answered
    }

    /// What is due by now is done, and its messages are taken up.
    pub(super) async fn pass(&mut self, actor: usize) -> Result<(), Broken> {
        if !self.world.settle_or_crash().await? {
            self.recover(actor).await?;
        }
        self.collect(actor).await
    }

    /// Looks for what the actor was told since the last answer; it stands in that one's place.
    pub(super) async fn hear_news(&mut self, actor: usize) -> Result<(), Broken> {
        let Some(answer) = self.person(actor)?.last.as_ref().map(|last| last.answer.clone()) else {
            return Ok(());
        };
        let pushed = self.pushed(&answer).await?;
        if let (Some(response), Some(said)) = (pushed, self.said.last_mut()) {
            said.view = view(&response, &answer, true);
        }
        Ok(())
    }

    /// Goes on after a crash. True where the message of this turn is uncertain, and the provider would have refused it:
    /// then nobody can know that, and the answer stands.
    pub(super) async fn recover(&mut self, actor: usize) -> Result<bool, Broken> {
        // The dead process cannot come back before its first try is over, so neither does the client.
        self.world.moment();
        let abandoned = self.world.recover().await?;
        self.collect(actor).await?;
        let mut uncertain = false;
        for one in abandoned {
            // Nobody was ever to have it.
            let Some(channel) = one.channel else { continue };
            let known = self.posts.iter().find(|post| post.effect == one.effect.id);
            let verdict = match known {
                Some(post) => Some(post.verdict),
                None => self.world.provider.forget().as_ref().map(name),
            };
            // Of other messages no conversation is told.
            let tells = channel == Channel::Sms && one.code.is_some();
            uncertain |= tells && matches!(verdict, Some("refused" | "later" | "unknown"));
            // It would have been handed over again.
            self.given_up |= verdict == Some("later");
            if known.is_none() {
                self.posts.push(Post {
                    named: false,
                    actor,
                    effect: one.effect.id,
                    channel,
                    to: one.to,
                    subject: None,
                    template: one.effect.template,
                    verdict: "uncertain",
                    code: one.code,
                    lost: true,
                });
            }
        }
        Ok(uncertain)
    }

    /// Takes up what the provider was given since the last look.
    async fn collect(&mut self, actor: usize) -> Result<(), Broken> {
        let known = self.posts.iter().filter(|post| !post.lost).count();
        for handed in self.world.provider.handed().into_iter().skip(known) {
            let id = handed.effect.clone();
            let row =
                self.world.ask(move |store| async move { store.effect(&Actor::System, &id).await }).await?;
            self.posts.push(Post {
                named: false,
                actor,
                effect: handed.effect,
                channel: handed.channel,
                to: handed.to,
                subject: handed.subject,
                template: row.map(|row| row.template).unwrap_or_default(),
                verdict: name(&handed.verdict),
                code: digits(handed.text.expose()).map(str::to_owned),
                lost: false,
            });
        }
        Ok(())
    }

    /// The newest answer of the conversation, where another one came after this one.
    async fn pushed(&self, answer: &Answer) -> Result<Option<NodeResponse>, Broken> {
        let id = answer.conversation.clone();
        let newest = self
            .world
            .ask(move |store| async move { store.messages(&Actor::System, &id, None, 1).await })
            .await?;
        let newest = newest.into_iter().find(|message| message.role == Role::Assistant);
        let Some(text) = newest.and_then(|message| message.response) else { return Ok(None) };
        let response: NodeResponse = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        Ok((response != answer.response).then_some(response))
    }

    /// Keeps what a client keeps of an answer.
    fn adopt(&mut self, actor: usize, sent: Sent) -> Result<(), Broken> {
        let person = self.person(actor)?;
        person.conversation = Some(sent.answer.conversation.clone());
        if let Some(session) = &sent.answer.session {
            person.session = Some(session.token.clone());
            person.device = Some(session.device_token.clone());
        }
        person.last = Some(sent);
        Ok(())
    }

    pub(super) async fn ensure_device(&mut self, actor: usize) -> Result<(), Broken> {
        if self.person(actor)?.device.is_some() {
            return Ok(());
        }
        let process = self.world.process().map_err(|e| stopped(&e))?;
        let engine = std::sync::Arc::clone(process.app().engine());
        let made = process.run(async move { engine.new_device(None, None).await }).await;
        let made = made.map_err(|e| stopped(&e))?.map_err(|e| failed(&e))?;
        self.person(actor)?.device = Some(made.token.secret().clone());
        Ok(())
    }

    /// Remembers the last event so far, so that `audit=` speaks of what comes after it.
    async fn note_events(&mut self, actor: usize) -> Result<(), Broken> {
        let Some(conversation) = self.person(actor)?.conversation.clone() else {
            self.person(actor)?.before = None;
            return Ok(());
        };
        let events = self.events(&conversation, None).await?;
        self.person(actor)?.before = events.last().map(|event| (conversation, event.id.clone()));
        Ok(())
    }

    pub(super) async fn events(
        &self,
        conversation: &ConversationId,
        after: Option<crate::model::EventId>,
    ) -> Result<Vec<crate::store::StoredEvent>, Broken> {
        let id = conversation.clone();
        self.world
            .ask(move |store| async move { store.events(&Actor::System, &id, after.as_ref(), 10_000).await })
            .await
    }
}

impl Person {
    pub(super) fn credentials(&self) -> Credentials {
        Credentials { device_token: self.device.clone(), bearer: self.session.clone(), ip: None }
    }
}

/// An answer as lines of a scenario speak of it.
fn view(response: &NodeResponse, answer: &Answer, pushed: bool) -> Value {
    json!({
        // What is pushed has no reply key of its own any more.
        "reply": if pushed { Value::Null } else { json!(answer.reply) },
        "action": response.action.as_str(),
        "success": response.success,
        "message": response.message(),
        "session": if answer.session.is_some() { "yes" } else { "no" },
        "data": response.data,
        "context": response.context,
    })
}

fn name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Accepted { .. } => "accepted",
        Verdict::Refused { .. } => "refused",
        Verdict::Later { .. } => "later",
        Verdict::Unknown { .. } => "unknown",
    }
}

/// The first run of digits that is as long as a code.
fn digits(text: &str) -> Option<&str> {
    text.split(|c: char| !c.is_ascii_digit()).find(|run| [6, 8].contains(&run.len()))
}

pub(super) fn failed(error: &Error) -> Broken {
    let mut text = format!("there was no answer: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[expect(
    clippy::disallowed_methods,
    reason = "latency is what a person waits, so it is measured here, at the rim"
)]
fn now() -> Instant {
    Instant::now()
}
