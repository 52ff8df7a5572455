//! The client: models in their order, each with its breaker and dialect, within one deadline.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use futures::future::BoxFuture;
use jiff::SignedDuration;
use rand::RngExt;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span, debug, info, warn};

use super::answer;
use super::breaker::Breaker;
use super::dialect::Dialect;
use super::transport::Transport;
use super::{Answer, Ask, Asked, Error, Llm, Options, Sink, Spent};
use crate::model::{Clock, Randomness};

/// Shortest and longest pause before a second try, in milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 50..150;

/// Models of one server that speaks OpenAI's chat completions.
#[derive(Debug)]
pub struct OpenAi {
    pub(super) options: Options,
    pub(super) client: Client<OpenAIConfig>,
    clock: Arc<dyn Clock>,
    randomness: Randomness,
    slots: Semaphore,
    known: Mutex<BTreeMap<String, Known>>,
}

/// What was learnt of a model.
#[derive(Debug, Default)]
struct Known {
    breaker: Breaker,
    dialect: Dialect,
}

impl OpenAi {
    /// A client for the models of `options`; it connects with the first request.
    pub fn new(
        options: &Options,
        clock: Arc<dyn Clock>,
        randomness: Randomness,
    ) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_millis(options.call_ms))
            .build()?;
        let key = options.api_key.as_ref().map(|key| key.expose().to_owned()).unwrap_or_default();
        // The library takes what it is not told from the environment.
        let config = OpenAIConfig::new()
            .with_api_base(options.base_url.trim_end_matches('/'))
            .with_api_key(key)
            .with_org_id("")
            .with_project_id("");
        let client = Client::build(http.clone(), config).with_http_service(Transport(http));
        let slots = Semaphore::new(usize::try_from(options.concurrency).unwrap_or(usize::MAX));
        Ok(Self { options: options.clone(), client, clock, randomness, slots, known: Mutex::default() })
    }

    /// Asks model after model until one answers, and counts what that cost.
    async fn in_order(&self, ask: &Ask, mut sink: Option<Sink<'_>>) -> Asked {
        let deadline = Instant::now() + Duration::from_millis(self.options.turn_ms);
        let mut spent = Vec::new();
        let Ok(Ok(_slot)) = timeout_at(deadline, self.slots.acquire()).await else {
            return Asked { answer: Err(Error::Busy), spent };
        };
        let mut last = Error::Resting;
        for model in &self.options.models {
            if Instant::now() >= deadline {
                last = Error::Late;
                break;
            }
            if !self.admits(model) {
                continue;
            }
            let mut cost = Spent { model: model.clone(), ..Spent::default() };
            let begun = Started { model, deadline };
            let answer = match sink.as_mut() {
                None => self.persist(&begun, ask, &mut cost).await,
                Some(sink) => self.streamed(&begun, ask, (&mut cost, *sink)).await,
            };
            spent.push(cost);
            self.learn(model, answer.as_ref().err());
            match answer {
                Ok(answer) => return Asked { answer: Ok(answer), spent },
                Err(error) => last = error,
            }
            if last.is_final() {
                break;
            }
        }
        Asked { answer: Err(last), spent }
    }

    /// One model, tried again where the failure may pass and there is time.
    async fn persist(&self, begun: &Started<'_>, ask: &Ask, cost: &mut Spent) -> Result<Answer, Error> {
        let mut tries = 0;
        loop {
            let error = match self.in_a_dialect(begun, ask, cost).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let pause = error.retry_after().unwrap_or_else(|| self.pause());
            if tries >= self.options.retries || !error.may_pass() || Instant::now() + pause >= begun.deadline
            {
                return Err(error);
            }
            tries += 1;
            tokio::time::sleep(pause).await;
        }
    }

    /// One try, in the dialect that is known of the model or the next one that it takes.
    async fn in_a_dialect(&self, begun: &Started<'_>, ask: &Ask, cost: &mut Spent) -> Result<Answer, Error> {
        let mut dialect = self.dialect(begun.model);
        loop {
            let error = match self.once(begun, ask, (dialect, &mut *cost)).await {
                Ok(answer) => {
                    self.remember(begun.model, Dialect { proven: ask.shape.is_some(), ..dialect });
                    return Ok(answer);
                }
                Err(error) => error,
            };
            match dialect.after(&error, ask.shape.is_some()) {
                Some(next) => {
                    debug!(model = begun.model, rung = ?next.rung, "Model asked in another dialect");
                    dialect = next;
                }
                None => return Err(error),
            }
        }
    }

    async fn once(
        &self,
        begun: &Started<'_>,
        ask: &Ask,
        (dialect, cost): (Dialect, &mut Spent),
    ) -> Result<Answer, Error> {
        let body = dialect.body(begun.model, ask, false);
        let span = super::stream::span(begun.model, &self.options.base_url);
        cost.calls += 1;
        let request = async {
            let chat = self.client.chat();
            timeout_at(self.until(begun), chat.create_byot::<_, Value>(body)).await
        };
        let body = match request.instrument(span.clone()).await {
            Err(_) => Err(Error::Late),
            Ok(Err(error)) => Err(cause(error)),
            Ok(Ok(body)) => Ok(body),
        };
        let said = body.and_then(|body| {
            let read = answer::read(&body, ask);
            cost.input += read.input;
            cost.output += read.output;
            span.record("gen_ai.usage.input_tokens", read.input);
            span.record("gen_ai.usage.output_tokens", read.output);
            read.said
        });
        note(&span, said.as_ref().err());
        let (text, value) = said?;
        Ok(Answer { text, value, model: begun.model.to_owned() })
    }

    /// Until when one request may take.
    pub(super) fn until(&self, begun: &Started<'_>) -> Instant {
        begun.deadline.min(Instant::now() + Duration::from_millis(self.options.call_ms))
    }

    fn pause(&self) -> Duration {
        Duration::from_millis(self.randomness.stream("llm/pause").random_range(PAUSE_MS))
    }

    fn known<T>(&self, model: &str, with: impl FnOnce(&mut Known) -> T) -> T {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        with(known.entry(model.to_owned()).or_default())
    }

    fn rest(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.options.breaker_seconds))
    }

    fn admits(&self, model: &str) -> bool {
        self.known(model, |known| known.breaker.admits(self.clock.now(), self.rest()))
    }

    pub(super) fn dialect(&self, model: &str) -> Dialect {
        self.known(model, |known| known.dialect)
    }

    fn remember(&self, model: &str, dialect: Dialect) {
        let changed = self.known(model, |known| {
            let changed = known.dialect.rung != dialect.rung;
            known.dialect = dialect;
            changed
        });
        if changed {
            info!(model, rung = ?dialect.rung, "Model takes no strict schema; it is asked in another way from now on");
        }
    }

    fn learn(&self, model: &str, error: Option<&Error>) {
        let Some(error) = error else { return self.known(model, |known| known.breaker.close()) };
        // Somebody's text that a model will not answer says nothing about the model.
        if matches!(error, Error::Refused | Error::CutOff) {
            return;
        }
        let until = self.clock.now() + self.rest();
        let most = self.options.breaker_failures;
        let rests = self.known(model, |known| known.breaker.fail(most, until, error.is_final()));
        if rests {
            warn!(model, error = %error, seconds = self.options.breaker_seconds, "Model is left alone for a while");
        }
    }
}

/// A model that is being asked, and until when.
pub(super) struct Started<'a> {
    pub(super) model: &'a str,
    pub(super) deadline: Instant,
}

impl Llm for OpenAi {
    fn models(&self) -> Vec<String> {
        self.options.models.clone()
    }

    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Asked> {
        Box::pin(self.in_order(ask, None))
    }

    fn stream<'a>(&'a self, ask: &'a Ask, sink: Sink<'a>) -> BoxFuture<'a, Asked> {
        Box::pin(self.in_order(ask, Some(sink)))
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

/// Puts a failure into the span.
pub(super) fn note(span: &Span, error: Option<&Error>) {
    if let Some(error) = error {
        span.record("error.type", error.code());
        span.record("otel.status_code", "ERROR");
    }
}
