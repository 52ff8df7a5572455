//! With the provider down, slow or lying, every scenario ends as it does without one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use serde_json::json;
use vestibule::llm::{Answer, Ask, Asked, Error, Llm, Sink};
use vestibule::scenario::{Setup, play};

use crate::scenarios::{all_kept, assert_passed};

/// What it says to the n-th question.
type Fault = fn(usize, &Ask) -> Result<Answer, Error>;

/// A provider with one fault.
#[derive(Debug)]
struct Faulty {
    fault: Fault,
    asked: AtomicUsize,
}

impl Llm for Faulty {
    fn models(&self) -> Vec<String> {
        vec!["faulty".to_owned()]
    }

    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Asked> {
        let answer = (self.fault)(self.asked.fetch_add(1, Ordering::Relaxed), ask);
        Box::pin(async move { Asked { answer, spent: Vec::new() } })
    }

    fn stream<'a>(&'a self, ask: &'a Ask, _: Sink<'a>) -> BoxFuture<'a, Asked> {
        self.ask(ask)
    }
}

async fn nothing_changes(fault: Fault) {
    let provider = Arc::new(Faulty { fault, asked: AtomicUsize::new(0) });
    let setup = Setup::new(None).unwrap().asking(Arc::clone(&provider) as Arc<dyn Llm>);
    let scenarios = all_kept();
    // What a model said is part of those that have recordings.
    let plain = scenarios.iter().filter(|scenario| scenario.recordings.is_empty());
    let plays = stream::iter(plain).map(|scenario| play(scenario, &setup));
    let reports: Vec<_> = plays.buffered(6).collect().await;
    reports.iter().for_each(assert_passed);
    assert!(reports.len() > 90 && provider.asked.load(Ordering::Relaxed) > 0, "the provider was never asked");
}

#[tokio::test]
async fn where_it_is_down_or_slow_or_talks_nonsense() {
    nothing_changes(|nth, _| {
        let all = [Error::Unreachable, Error::Late, Error::Unfit, Error::CutOff, Error::Resting];
        Err(all[nth % all.len()].clone())
    })
    .await;
}

#[tokio::test]
async fn where_it_lies() {
    nothing_changes(|_, ask| {
        let value = json!({
            "sub_intent": "manage_sessions", "confidence": 0.999,
            "entities": { "action": "revoke", "revoke_all": true, "phone": "+15550001111", "otp_code": "000000" },
            "missing_entities": [], "reasoning": "",
        });
        let text = if ask.shape.is_some() { value.to_string() } else { "Your code was sent.".to_owned() };
        Ok(Answer { text, value: ask.shape.as_ref().map(|_| value), model: "liar".to_owned() })
    })
    .await;
}
