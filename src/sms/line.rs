//! The line to a provider: one request, behind a breaker. It tells apart what kept an answer from coming by whether the
//! message may have been taken, and never asks twice. What an answer means is up to whoever holds the line.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tracing::{debug, error, warn};

use super::{Options, Verdict};
use crate::fetch::{self, Answer, Endpoint, Fetch, HeaderMap, Method, Request};
use crate::model::{Breaker, Clock};

/// Largest answer that is read, in bytes. A page of a hundred messages has some hundred thousand.
const LARGEST: usize = 1024 * 1024;
/// Longest `Retry-After` that is believed.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// What an answer comes to.
#[derive(Debug)]
pub(super) struct Judged {
    /// What became of the message.
    pub(super) verdict: Verdict,
    /// Whether the provider itself failed. That it refuses one message or one number does not count: anybody could
    /// switch a provider off for everybody else by that.
    pub(super) is_ill: bool,
}

impl Judged {
    /// An answer of a provider that is well.
    pub(super) fn well(verdict: Verdict) -> Self {
        Self { verdict, is_ill: false }
    }

    /// A failure of the provider itself.
    pub(super) fn ill(verdict: Verdict) -> Self {
        Self { verdict, is_ill: true }
    }
}

/// The line to one provider.
#[derive(Debug)]
pub(super) struct Line {
    provider: &'static str,
    fetch: Fetch,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    most_failures: u32,
    rest: SignedDuration,
    breaker: Mutex<Breaker>,
}

impl Line {
    /// A line that nothing has been sent over.
    pub(super) fn new(
        provider: &'static str,
        options: &Options,
        (fetch, clock): (&Fetch, &Arc<dyn Clock>),
    ) -> Self {
        Self {
            provider,
            fetch: fetch.clone(),
            clock: Arc::clone(clock),
            timeout: Duration::from_millis(options.timeout_ms),
            most_failures: options.breaker_failures,
            rest: SignedDuration::from_secs(i64::from(options.breaker_seconds)),
            breaker: Mutex::default(),
        }
    }

    /// The time.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Posts a message, once, and lets `read` say what the answer means.
    pub(super) async fn hand_over(
        &self,
        to: Endpoint,
        (headers, body): (HeaderMap, Vec<u8>),
        read: impl FnOnce(&Answer) -> Judged,
    ) -> Verdict {
        let now = self.now();
        if let Some(until) = self.with_breaker(|breaker| rests(breaker, now, self.rest)) {
            return Verdict::Later { code: "resting".to_owned(), after: Some(until.duration_since(now)) };
        }
        let judged = match self.send(Method::POST, to, (headers, body)).await {
            Ok(answer) => read(&answer),
            Err(error) => without_answer(self.provider, &error),
        };
        self.learn(judged.is_ill);
        judged.verdict
    }

    /// Asks for something on which no message depends; `None` where there is no answer. It teaches the breaker nothing: a
    /// provider that can be asked may still be unable to send.
    pub(super) async fn ask(
        &self,
        method: Method,
        to: Endpoint,
        content: (HeaderMap, Vec<u8>),
    ) -> Option<Answer> {
        let now = self.now();
        let rests = self.with_breaker(|breaker| breaker.rests_until().is_some_and(|until| now < until));
        if rests {
            return None;
        }
        let answered = self.send(method, to, content).await;
        answered
            .inspect_err(|error| debug!(provider = self.provider, %error, "A question was not answered"))
            .ok()
    }

    async fn send(
        &self,
        method: Method,
        to: Endpoint,
        (headers, body): (HeaderMap, Vec<u8>),
    ) -> Result<Answer, fetch::Error> {
        // A provider that sends its callers elsewhere is another one than was named.
        let (timeout, most, redirects) = (self.timeout, LARGEST, 0);
        self.fetch.send(Request { method, to, headers, body, timeout, most, redirects }).await
    }

    fn learn(&self, is_ill: bool) {
        if !is_ill {
            return self.with_breaker(Breaker::close);
        }
        let until = self.now() + self.rest;
        if self.with_breaker(|breaker| breaker.fail(self.most_failures, until, false)) {
            warn!(
                provider = self.provider,
                restSeconds = self.rest.as_secs(),
                "Provider failed too often and rests"
            );
        }
    }

    fn with_breaker<T>(&self, with: impl FnOnce(&mut Breaker) -> T) -> T {
        with(&mut self.breaker.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Until when nothing may be sent; `None` where something may.
fn rests(breaker: &mut Breaker, now: Timestamp, rest: SignedDuration) -> Option<Timestamp> {
    let until = breaker.rests_until();
    if breaker.admits(now, rest) { None } else { until }
}

/// What came of a message whose answer did not come.
fn without_answer(provider: &'static str, error: &fetch::Error) -> Judged {
    let code = |code: &str| code.to_owned();
    match error {
        fetch::Error::Unreachable => Judged::ill(Verdict::Later { code: code("unreachable"), after: None }),
        fetch::Error::Late => Judged::ill(Verdict::Unknown { code: code("late") }),
        // It was answered, and nobody knows what.
        fetch::Error::TooLarge => Judged::ill(Verdict::Unknown { code: code("unreadable") }),
        error if error.was_sent() => Judged::ill(Verdict::Unknown { code: code("cut_off") }),
        error => {
            error!(provider, %error, "A message cannot be sent: see the provider's address under [sms]");
            Judged::well(Verdict::Refused { code: code("not_allowed") })
        }
    }
}

/// How long a provider asks to be left alone, by `Retry-After` in seconds or as a date.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let text = headers.get(fetch::header::RETRY_AFTER)?.to_str().ok()?.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let asked = if is_number {
        // More digits than fit are long enough, too.
        text.parse().map_or(LONGEST_WAIT, SignedDuration::from_secs)
    } else {
        let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        SignedDuration::from_secs(until.as_second().saturating_sub(now.as_second()))
    };
    Some(asked.clamp(SignedDuration::ZERO, LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_in_seconds_or_as_a_date_and_bounded() {
        let now: Timestamp = "2026-10-21T07:28:00Z".parse().unwrap();
        let wait = |text: &str| {
            let value = fetch::HeaderValue::from_bytes(text.as_bytes()).unwrap();
            let headers = HeaderMap::from_iter([(fetch::header::RETRY_AFTER, value)]);
            retry_after(&headers, now).map(|wait| wait.as_secs())
        };
        for (text, seconds) in [
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("999999", Some(3_600)),
            ("99999999999999999999999999", Some(3_600)),
            ("Wed, 21 Oct 2026 07:28:30 GMT", Some(30)),
            ("Wed, 21 Oct 2026 07:27:00 GMT", Some(0)),
            ("Fri, 21 Oct 2033 07:28:00 GMT", Some(3_600)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(wait(text), seconds, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
