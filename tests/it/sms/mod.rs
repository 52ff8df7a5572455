//! The senders of text messages: what they ask, what they make of every answer, and what leaves when there is none.

mod app;
mod faults;
mod gateway;
mod lookup;
mod openapi;
mod requests;
mod told;
mod verdicts;

use std::sync::Arc;

use jiff::SignedDuration;
use vestibule::clock::MovableClock;
use vestibule::fetch::{self, Fetch};
use vestibule::model::{Clock, EffectId, Phone, Randomness, Secret, Verdict};
use vestibule::sms::twilio::{Messages, Verify};
use vestibule::sms::{Coded, Message, Options, Sms};

use crate::support::fake_twilio::{ACCOUNT, FROM, FakeTwilio, TOKEN};
use crate::support::samples::at;

const NUMBER: &str = "+14155552671";
const SERVICE: &str = "VAbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// Options for a stand-in; patient enough for a busy machine.
fn options(url: &str) -> Options {
    Options {
        base_url: url.to_owned(),
        verify_url: url.to_owned(),
        account_sid: Some(ACCOUNT.to_owned()),
        auth_token: Some(Secret::new(TOKEN)),
        from: Some(FROM.to_owned()),
        verify_service: Some(SERVICE.to_owned()),
        timeout_ms: 5_000,
        ..Options::default()
    }
}

fn clock() -> Arc<MovableClock> {
    Arc::new(MovableClock::fixed(at(0)))
}

/// A way out and a clock, as a sender takes them.
fn outside(clock: &Arc<MovableClock>) -> (Fetch, Arc<dyn Clock>) {
    (Fetch::new(&fetch::Options::default()).unwrap(), Arc::clone(clock) as Arc<dyn Clock>)
}

fn messages(options: &Options) -> Messages {
    let (fetch, clock) = outside(&clock());
    Messages::new(options, (&fetch, &clock), Some("https://id.example.com")).unwrap()
}

fn verify(options: &Options) -> Verify {
    let (fetch, clock) = outside(&clock());
    Verify::new(options, (&fetch, &clock), Some("https://id.example.com")).unwrap()
}

/// A message with a code, worth something for ten minutes.
fn message() -> Message {
    Message {
        effect: EffectId::new(at(0), &mut Randomness::seeded(1).stream("effect")),
        to: Phone::parse(NUMBER, None).unwrap(),
        text: Secret::new("Your Vestibule code is 326213 (reference JW)."),
        code: Some(Coded { code: Secret::new("326213"), reference: "JW".to_owned() }),
        language: "en".to_owned(),
        not_after: at(0) + SignedDuration::from_mins(10),
    }
}

fn notice() -> Message {
    Message { code: None, text: Secret::new("Your number was changed."), ..message() }
}

fn refused(code: &str) -> Verdict {
    Verdict::Refused { code: code.to_owned() }
}

fn unknown(code: &str) -> Verdict {
    Verdict::Unknown { code: code.to_owned() }
}

fn later(code: &str, seconds: Option<i64>) -> Verdict {
    Verdict::Later { code: code.to_owned(), after: seconds.map(SignedDuration::from_secs) }
}

fn accepted(id: &str) -> Verdict {
    Verdict::Accepted { provider_id: id.to_owned() }
}

/// What became of one message, and how many requests that took.
async fn sent(sender: &dyn Sms, twilio: &FakeTwilio) -> (Verdict, usize) {
    (sender.send(&message()).await, twilio.requests().len())
}
