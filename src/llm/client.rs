//! The client: models in their order, each with its breaker and dialect, within one deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use futures::future::BoxFuture;
use rand::RngExt;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span, debug};

use super::answer;
use super::dialect::Dialect;
use super::known::{Models, Name};
use super::transport::Transport;
use super::{Answer, Ask, Asked, Error, Llm, Options, Sink, Spent};
use crate::fetch::{self, Fetch, Trust};
use crate::model::{Clock, Randomness};
use crate::trace::{self, Chatted};

/// What speaks this protocol, as the conventions for traces call it.
pub(super) const PROVIDER: &str = "openai";

/// Shortest and longest pause before a second try, in milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 50..150;
/// Longest pause that a server is granted; whoever asks for more rests, and the next model is asked.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Models of one server that speaks OpenAI's chat completions.
#[derive(Debug)]
pub struct OpenAi {
    pub(super) options: Options,
    pub(super) client: Client<OpenAIConfig>,
    clock: Arc<dyn Clock>,
    randomness: Randomness,
    slots: Semaphore,
    models: Models,
    pauses: AtomicU64,
}

impl OpenAi {
    /// A client for the models of `options`; it connects with the first request.
    pub fn new(
        options: &Options,
        fetch: &Fetch,
        clock: Arc<dyn Clock>,
        randomness: Randomness,
    ) -> Result<Self, fetch::Error> {
        let to = fetch.endpoint(&options.base_url, Trust::Operator)?;
        let drafts = fetch.client(&to)?.clone();
        let key = options.api_key.as_ref().map(|key| key.expose().to_owned()).unwrap_or_default();
        // The library takes what it is not told from the environment.
        let config = OpenAIConfig::new()
            .with_api_base(options.base_url.trim_end_matches('/'))
            .with_api_key(key)
            .with_org_id("")
            .with_project_id("");
        let client = Client::build(drafts, config).with_http_service(Transport { fetch: fetch.clone(), to });
        let slots = Semaphore::new(usize::try_from(options.concurrency).unwrap_or(usize::MAX));
        Ok(Self {
            options: options.clone(),
            client,
            clock,
            randomness,
            slots,
            models: Models::default(),
            pauses: AtomicU64::new(0),
        })
    }

    /// Asks model after model until one answers, and counts what that cost.
    async fn in_order(&self, ask: &Ask, mut hand: Option<Handing<'_>>) -> Asked {
        let whole = Instant::now() + Duration::from_millis(self.options.turn_ms);
        let deadline = ask.until.map_or(whole, |until| until.min(whole));
        let mut spent = Vec::new();
        let Ok(Ok(_slot)) = timeout_at(deadline, self.slots.acquire()).await else {
            return Asked { answer: Err(Error::Busy), spent };
        };
        let mut last = Error::Resting;
        for model in &self.options.models {
            let name = (model.as_str(), hand.is_some());
            let begun = Started { name, deadline, at: Instant::now() };
            if begun.at >= deadline {
                last = Error::Late;
                break;
            }
            if !self.models.admits(name, self.clock.now(), &self.options) {
                continue;
            }
            let mut cost = Spent { model: model.clone(), ..Spent::default() };
            let answer = self.persist(&begun, ask, (&mut cost, hand.as_mut())).await;
            spent.push(cost);
            // Whoever had no whole call's time is not to blame for being late.
            let is_cut_short = deadline < begun.at + self.call() && answer == Err(Error::Late);
            if !is_cut_short {
                let now = (self.clock.now(), &self.options);
                self.models.learn(name, answer.as_ref().err(), now);
            }
            match answer {
                Ok(answer) => return Asked { answer: Ok(answer), spent },
                Err(error) => last = error,
            }
            // What was handed on was seen; another model would begin anew behind it.
            if last.is_final() || hand.as_ref().is_some_and(|hand| hand.handed) {
                break;
            }
        }
        Asked { answer: Err(last), spent }
    }

    /// One model, tried again where the failure may pass and there is time.
    async fn persist(
        &self,
        begun: &Started<'_>,
        ask: &Ask,
        (cost, mut hand): (&mut Spent, Option<&mut Handing<'_>>),
    ) -> Result<Answer, Error> {
        let mut repeats = 0;
        loop {
            let tried = self.in_a_dialect(begun, ask, (&mut *cost, hand.as_deref_mut())).await;
            let Err(error) = tried else { return tried };
            let pause = error.retry_after().unwrap_or_else(|| self.pause());
            let was_seen = hand.as_ref().is_some_and(|hand| hand.handed);
            let is_too_long = pause > LONGEST_PAUSE || Instant::now() + pause >= begun.deadline;
            if repeats >= self.options.retries || !error.may_pass() || was_seen || is_too_long {
                return Err(error);
            }
            repeats += 1;
            tokio::time::sleep(pause).await;
        }
    }

    /// One try, in the dialect that is known of the model or the next one that it takes.
    async fn in_a_dialect(
        &self,
        begun: &Started<'_>,
        ask: &Ask,
        (cost, mut hand): (&mut Spent, Option<&mut Handing<'_>>),
    ) -> Result<Answer, Error> {
        let mut dialect = self.models.dialect(begun.name, self.clock.now());
        loop {
            cost.calls = cost.calls.saturating_add(1);
            let span = trace::chat(PROVIDER, begun.name.0);
            let one = One { begun, ask, dialect, span: &span };
            let tried = match hand.as_deref_mut() {
                None => self.once(&one, cost).instrument(span.clone()).await,
                Some(hand) => self.pieces(&one, cost, hand).instrument(span.clone()).await,
            };
            let error = match tried {
                Ok((text, value)) => {
                    let proven = dialect.proven || ask.shape.is_some();
                    self.models.remember(begun.name, Dialect { proven, ..dialect }, self.clock.now());
                    return Ok(Answer { text, value, model: begun.name.0.to_owned() });
                }
                Err(error) => error,
            };
            trace::failed(&span, error.code());
            let was_seen = hand.as_ref().is_some_and(|hand| hand.handed);
            match dialect.after(&error, ask.shape.is_some()).filter(|_| !was_seen) {
                Some(next) => {
                    debug!(model = begun.name.0, rung = ?next.rung, "Model asked in another dialect");
                    dialect = next;
                }
                None => return Err(error),
            }
        }
    }

    pub(super) async fn once(&self, one: &One<'_>, cost: &mut Spent) -> Result<Said, Error> {
        let body = one.dialect.body(one.begun.name.0, one.ask, false);
        let chat = self.client.chat();
        let body = timeout_at(self.until(one.begun), chat.create_byot::<_, Value>(body)).await;
        let body = body.map_err(|_| Error::Late)?.map_err(cause)?;
        let read = answer::read(&body, one.ask);
        one.count(cost, &read);
        read.said
    }

    /// Until when one request may take.
    pub(super) fn until(&self, begun: &Started<'_>) -> Instant {
        begun.deadline.min(Instant::now() + self.call())
    }

    fn call(&self) -> Duration {
        Duration::from_millis(self.options.call_ms)
    }

    /// A pause of another length each time, or all who failed at once would come again at once.
    fn pause(&self) -> Duration {
        let n = self.pauses.fetch_add(1, Ordering::Relaxed);
        Duration::from_millis(self.randomness.stream(&format!("llm/pause/{n}")).random_range(PAUSE_MS))
    }
}

/// A model that is being asked, since when and until when.
pub(super) struct Started<'a> {
    pub(super) name: Name<'a>,
    pub(super) deadline: Instant,
    at: Instant,
}

/// One request.
pub(super) struct One<'a> {
    pub(super) begun: &'a Started<'a>,
    pub(super) ask: &'a Ask,
    pub(super) dialect: Dialect,
    pub(super) span: &'a Span,
}

/// What a model said, with its value where a form was asked for.
pub(super) type Said = (String, Option<Value>);

/// Where a stream goes, and whether anything went there.
pub(super) struct Handing<'a> {
    sink: Sink<'a>,
    handed: bool,
}

impl Handing<'_> {
    pub(super) fn on(&mut self, piece: &str) {
        self.handed = true;
        (self.sink)(piece);
    }
}

impl One<'_> {
    /// Adds what a request cost, and tells its span.
    pub(super) fn count(&self, cost: &mut Spent, read: &answer::Read) {
        cost.input = cost.input.saturating_add(read.input);
        cost.output = cost.output.saturating_add(read.output);
        let finish_reason = read.reason;
        let [input_tokens, output_tokens] = [read.input, read.output].map(|n| u32::try_from(n).ok());
        trace::chatted(self.span, &Chatted { model: None, finish_reason, input_tokens, output_tokens });
    }
}

impl Llm for OpenAi {
    fn models(&self) -> Vec<String> {
        self.options.models.clone()
    }

    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Asked> {
        Box::pin(self.in_order(ask, None))
    }

    fn stream<'a>(&'a self, ask: &'a Ask, sink: Sink<'a>) -> BoxFuture<'a, Asked> {
        Box::pin(self.in_order(ask, Some(Handing { sink, handed: false })))
    }
}

/// What went wrong, without what the server said.
pub(super) fn cause(error: OpenAIError) -> Error {
    match error {
        OpenAIError::Boxed(boxed) => boxed.downcast::<Error>().map_or(Error::Garbage, |error| *error),
        OpenAIError::Reqwest(_) | OpenAIError::StreamError(_) => Error::Unreachable,
        _ => Error::Garbage,
    }
}
