//! What a server may send instead of an answer, one by one; none of it is more than an error without content.

use std::sync::Arc;

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;
use vestibule::llm::{Ask, Asked, Error, Llm, OpenAi, Options, Shape};
use vestibule::model::{Clock, Randomness};

use super::{client, options};
use crate::support::db::{TestDb, on_both};
use crate::support::fake_model::{FakeModel, Fault, Proxy, Reaction};

on_both!(no_fault_is_more_than_the_local_answer);

const GOOD: &str = r#"{"a": 1}"#;

fn ask() -> Ask {
    let fits = Box::new(|value: &Value| value["a"] == 1);
    let shape = Shape { name: "a_one", schema: json!({ "type": "object" }), fits };
    Ask { system: "s".into(), user: "u".into(), shape: Some(Arc::new(shape)), most_tokens: 9, until: None }
}

async fn asked(client: &OpenAi) -> Asked {
    client.ask(&ask()).await
}

/// The answer of a server that always reacts alike, asked for one model without retries.
async fn always(reaction: Reaction) -> (Result<String, Error>, usize) {
    let server = FakeModel::start(move |_, _| reaction.clone()).await;
    let client = client(&Options { models: vec!["one".into()], retries: 0, ..options(&server.url) });
    let asked = asked(&client).await;
    (asked.answer.map(|answer| answer.text), server.requests().len())
}

fn status(status: u16) -> impl Fn(&Error) -> bool {
    move |error| matches!(error, Error::Status { status: s, .. } if *s == status)
}

#[tokio::test]
async fn answers_are_read_however_they_are_wrapped() {
    for content in [
        GOOD,
        "```json\n{\"a\": 1}\n```",
        "\n\n  {\r\n\t\"a\" : 1 , \"b\": null}  ",
        "Here it is:\n{\"a\":1}\nHope that helps!",
    ] {
        let (answer, calls) = always(Reaction::says(content)).await;
        assert_eq!((answer.as_deref(), calls), (Ok(content), 1));
    }
    let parts = json!({ "content": [{ "type": "text", "text": GOOD }] });
    assert!(always(Reaction::completion(&parts, "stop")).await.0.is_ok());
}

#[tokio::test]
async fn answers_that_are_none_are_told_apart() {
    let says = |message: Value, reason: &str| Reaction::completion(&message, reason);
    let plain =
        |body: &[u8]| Reaction::Reply(200, vec![("content-type", "application/json".into())], body.to_vec());
    for (reaction, wanted) in [
        (says(json!({ "content": "{\"a\":" }), "length"), Error::CutOff),
        (says(json!({ "content": null, "refusal": "I will not" }), "stop"), Error::Refused),
        (says(json!({ "content": "" }), "stop"), Error::Empty),
        (says(json!({ "content": null }), "stop"), Error::Empty),
        (says(json!({}), "stop"), Error::Empty),
        (plain(b""), Error::Empty),
        (plain(b"  \n"), Error::Empty),
        (plain(b"<html>502 nginx</html>"), Error::Garbage),
        (plain(b"{\"choices\": ["), Error::Garbage),
        (plain(&[0xff, 0xfe, 0x00]), Error::Garbage),
        (plain(b"null"), Error::Garbage),
        (plain(b"[]"), Error::Garbage),
        (plain(br#"{"choices": []}"#), Error::Garbage),
        (plain(br#"{"choices": "none"}"#), Error::Garbage),
        (plain(br#"{"error": {"message": "no", "code": 42}}"#), Error::Garbage),
        (plain(&vec![b' '; 2 * 1024 * 1024]), Error::Garbage),
        (Reaction::Short(b"{\"choices\":".to_vec()), Error::Unreachable),
        (Reaction::Reset, Error::Unreachable),
    ] {
        let shown = format!("{reaction:?}");
        let shown = &shown[..shown.len().min(200)];
        assert_eq!(always(reaction).await.0, Err(wanted), "{shown}");
    }
}

#[tokio::test]
async fn every_status_is_an_error_whatever_its_body() {
    for code in [400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504, 529, 302, 100 + 99] {
        for body in [
            Reaction::error(code, &json!("some_code"), "no"),
            Reaction::error(code, &json!(1234), "a number where a text should be"),
            Reaction::Reply(code, vec![], b"<html>busy</html>".to_vec()),
            Reaction::Reply(code, vec![("location", "http://127.0.0.1:1/".into())], Vec::new()),
        ] {
            // An informational status is no answer at all, and the connection ends without one.
            let (answer, _) = always(body).await;
            let error = answer.unwrap_err();
            assert!(status(code)(&error) || code < 200, "{code}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_server_that_ignores_the_schema_is_asked_in_another_way_once() {
    let server = FakeModel::start(|_, body| {
        let strict = body["response_format"]["type"] == "json_schema";
        Reaction::says(if strict { "I would say that a is one." } else { GOOD })
    })
    .await;
    let client = client(&options(&server.url));
    for calls in [2, 3, 4] {
        assert!(asked(&client).await.answer.is_ok());
        assert_eq!(server.requests().len(), calls);
    }
    let last = server.requests().pop().unwrap();
    assert_eq!(last["response_format"], json!({ "type": "json_object" }));
    assert!(last["messages"][0]["content"].as_str().unwrap().contains("\"type\":\"object\""));
}

#[tokio::test]
async fn a_server_that_refuses_forms_and_parameters_is_asked_without() {
    let server = FakeModel::start(|_, body| {
        if body.get("response_format").is_some() {
            return Reaction::error(400, &json!(null), "response_format is not supported");
        }
        if body.get("max_tokens").is_some() {
            return Reaction::error(400, &json!("unsupported_parameter"), "use max_completion_tokens");
        }
        Reaction::says(GOOD)
    })
    .await;
    let client = client(&options(&server.url));
    assert!(asked(&client).await.answer.is_ok());
    let probing = server.requests().len();
    assert!(asked(&client).await.answer.is_ok());
    assert_eq!(server.requests().len(), probing + 1, "what it takes is remembered");
    let last = server.requests().pop().unwrap();
    assert!(last.get("response_format").is_none() && last["max_completion_tokens"] == 9);
    assert!(last.get("temperature").is_none());
}

#[tokio::test]
async fn one_bad_answer_of_a_proven_model_changes_nothing() {
    let server =
        FakeModel::start(|before, _| Reaction::says(if before == 1 { "no JSON" } else { GOOD })).await;
    let client = client(&Options { models: vec!["one".into()], ..options(&server.url) });
    assert!(asked(&client).await.answer.is_ok());
    assert_eq!(asked(&client).await.answer, Err(Error::Unfit));
    assert!(asked(&client).await.answer.is_ok());
    assert!(server.requests().iter().all(|body| body["response_format"]["type"] == "json_schema"));
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_the_next_model_after_it() {
    let again = FakeModel::start(|before, _| match before {
        0 => Reaction::error(503, &json!(null), "busy"),
        1 => Reaction::Reset,
        _ => Reaction::says(GOOD),
    })
    .await;
    let patient = client(&Options { retries: 2, ..options(&again.url) });
    let asked_once = asked(&patient).await;
    assert_eq!(asked_once.answer.unwrap().model, "one");
    assert_eq!((asked_once.spent[0].calls, asked_once.spent[0].input), (3, 100));

    let other = FakeModel::start(|_, body| match body["model"].as_str() {
        Some("one") => Reaction::error(404, &json!("model_not_found"), "no such model"),
        _ => Reaction::says(GOOD),
    })
    .await;
    let asked_two = asked(&client(&options(&other.url))).await;
    assert_eq!(asked_two.answer.unwrap().model, "two");
    let calls: Vec<(&str, u32)> = asked_two.spent.iter().map(|s| (s.model.as_str(), s.calls)).collect();
    assert_eq!(calls, [("one", 1), ("two", 1)]);
}

#[tokio::test]
async fn a_wait_longer_than_the_turn_is_not_waited_for() {
    for (after, calls) in
        [("3600", 2), ("0", 4), ("Wed, 21 Oct 2026 07:28:00 GMT", 4), ("-1", 4), ("9999999999999999999", 2)]
    {
        let server = FakeModel::start(move |_, _| {
            Reaction::Reply(429, vec![("retry-after", after.to_owned())], b"slow down".to_vec())
        })
        .await;
        let error = asked(&client(&options(&server.url))).await.answer.unwrap_err();
        assert!(status(429)(&error), "{error:?}");
        assert_eq!(server.requests().len(), calls, "{after}: each of two models, with a retry where it fits");
    }
}

#[tokio::test]
async fn a_server_that_hangs_costs_no_more_than_the_turn() {
    let server = FakeModel::start(|_, _| Reaction::Hang).await;
    let client = client(&Options { call_ms: 100, turn_ms: 150, ..options(&server.url) });
    assert_eq!(asked(&client).await.answer, Err(Error::Late));
    assert!(server.requests().len() <= 2);
}

#[tokio::test]
async fn whoever_fails_too_often_rests_and_is_tried_again_by_one() {
    let server = FakeModel::start(|before, _| {
        if before < 3 { Reaction::error(500, &json!(null), "no") } else { Reaction::says(GOOD) }
    })
    .await;
    let clock = super::clock();
    let options = Options {
        models: vec!["one".into()],
        retries: 0,
        breaker_failures: 3,
        breaker_seconds: 30,
        ..options(&server.url)
    };
    let client =
        OpenAi::new(&options, &super::fetch(), Arc::clone(&clock) as Arc<dyn Clock>, Randomness::seeded(1))
            .unwrap();
    for _ in 0..3 {
        assert!(status(500)(&asked(&client).await.answer.unwrap_err()));
    }
    assert_eq!(asked(&client).await.answer, Err(Error::Resting));
    assert_eq!(server.requests().len(), 3);
    clock.advance(jiff::SignedDuration::from_secs(30));
    assert!(asked(&client).await.answer.is_ok());
    assert!(asked(&client).await.answer.is_ok());
}

#[tokio::test]
async fn a_wrong_key_is_not_tried_with_every_model() {
    let server = FakeModel::start(|_, _| Reaction::error(401, &json!("invalid_api_key"), "no")).await;
    let client = client(&options(&server.url));
    assert!(status(401)(&asked(&client).await.answer.unwrap_err()));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn no_more_ask_at_once_than_may() {
    let server =
        FakeModel::start(|before, _| if before == 0 { Reaction::Hang } else { Reaction::says(GOOD) }).await;
    let client = Arc::new(client(&Options {
        concurrency: 1,
        call_ms: 500,
        turn_ms: 2_000,
        retries: 0,
        models: vec!["one".into()],
        ..options(&server.url)
    }));
    let ask = |client: &Arc<OpenAi>| {
        let client = Arc::clone(client);
        TaskTracker::new().spawn(async move { asked(&client).await.answer })
    };
    let first = ask(&client);
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    let second = ask(&client);
    // Far more turns of the runtime than a request needs to arrive.
    stream::iter(0..5_000).for_each(|_| tokio::task::yield_now()).await;
    assert_eq!(server.requests().len(), 1, "the second waits for the first one's place");
    assert_eq!(first.await.unwrap(), Err(Error::Late));
    assert!(second.await.unwrap().is_ok());
}

/// Asks for a stream; what came of it, and what was handed on.
async fn streamed(server: &FakeModel) -> (Asked, String) {
    let client = client(&Options { retries: 1, ..options(&server.url) });
    let ask = Ask { shape: None, ..ask() };
    let mut handed = String::new();
    let asked = client.stream(&ask, &mut |piece| handed.push_str(piece)).await;
    (asked, handed)
}

fn piece(text: &str) -> String {
    json!({ "choices": [{ "index": 0, "delta": { "content": text } }] }).to_string()
}

#[tokio::test]
async fn streams_are_whole_or_none() {
    let stop = json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] }).to_string();
    let length = json!({ "choices": [{ "delta": {}, "finish_reason": "length" }] }).to_string();
    let refusal = json!({ "choices": [{ "delta": { "refusal": "no" } }] }).to_string();
    let error = json!({ "error": { "message": "overloaded" } }).to_string();
    let done = || "[DONE]".to_owned();
    for (events, wanted, handed) in [
        (vec![piece("Hel"), piece("lo"), stop.clone(), done()], Ok("Hello"), "Hello"),
        (vec![piece("Hel"), stop.clone()], Ok("Hel"), "Hel"),
        (vec![piece("Hel"), length, done()], Err(Error::CutOff), "Hel"),
        (vec![piece("Hel")], Err(Error::CutOff), "Hel"),
        (vec![refusal, done()], Err(Error::Refused), ""),
        (vec![piece("Hel"), error], Err(Error::Garbage), "Hel"),
        (vec!["{".to_owned()], Err(Error::Garbage), ""),
    ] {
        let server = FakeModel::start(move |_, _| Reaction::Events(events.clone())).await;
        let (asked, seen) = streamed(&server).await;
        assert_eq!(asked.answer.map(|a| a.text), wanted.map(str::to_owned));
        assert!(seen.starts_with(handed) && (handed.is_empty() || seen == handed), "{seen}");
    }
}

#[tokio::test]
async fn a_server_without_streams_or_their_options_is_asked_without() {
    let plain = FakeModel::start(|_, body| {
        if body["stream"] == true { Reaction::says("ignored") } else { Reaction::says("Hello") }
    })
    .await;
    let (asked, handed) = streamed(&plain).await;
    assert_eq!((asked.answer.unwrap().text.as_str(), handed.as_str()), ("Hello", "Hello"));
    let strict = FakeModel::start(|_, body| {
        if body.get("stream_options").is_some() {
            return Reaction::error(400, &json!(null), "unknown field: stream_options");
        }
        Reaction::streams(&["Hel", "lo"])
    })
    .await;
    let (asked, handed) = streamed(&strict).await;
    assert_eq!((asked.answer.unwrap().text.as_str(), handed.as_str()), ("Hello", "Hello"));
}

#[tokio::test]
async fn a_stream_that_nobody_asked_for_is_not_read() {
    let server = FakeModel::start(|_, _| Reaction::Events(vec![piece(GOOD)])).await;
    let client = client(&Options { models: vec!["one".into()], ..options(&server.url) });
    assert_eq!(asked(&client).await.answer, Err(Error::Garbage));
}

#[tokio::test]
async fn made_up_counts_of_tokens_are_within_bounds() {
    let server = FakeModel::start(|_, _| {
        let body = br#"{"choices":[{"message":{"content":"{\"a\":1}"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10000000000000000000,"completion_tokens":-3}}"#;
        Reaction::Reply(200, vec![], body.to_vec())
    })
    .await;
    let client = client(&options(&server.url));
    let spent = asked(&client).await.spent;
    assert!(spent[0].input <= 10_000_000 && spent[0].output == 0, "{spent:?}");
}

#[tokio::test]
async fn a_proxy_that_spoils_what_passes_is_an_error_like_others() {
    let server = FakeModel::start(|_, _| Reaction::says(GOOD)).await;
    let through = async |fault| {
        let proxy = Proxy::before(&server, fault).await;
        let options = Options {
            models: vec!["one".into()],
            call_ms: 1_000,
            turn_ms: 1_000,
            retries: 0,
            ..options(&proxy.url)
        };
        asked(&client(&options)).await.answer.map(|answer| answer.text)
    };
    assert_eq!(through(Fault::None).await.as_deref(), Ok(GOOD));
    assert_eq!(through(Fault::Refuse).await, Err(Error::Unreachable));
    for cut in [0, 10, 60, 120, 200] {
        assert_eq!(through(Fault::CutAfter(cut)).await, Err(Error::Unreachable), "{cut}");
    }
    assert_eq!(through(Fault::StallAfter(90)).await, Err(Error::Late));
    for every in [3, 7] {
        assert!(through(Fault::Spoil(every)).await.is_err(), "{every}");
    }
}

/// The same faults under a whole app: the person gets what the local classifier alone would say.
async fn no_fault_is_more_than_the_local_answer(db: TestDb) {
    let texts = ["could you maybe do the thing with my gadgets", "purple monkey dishwasher"];
    let local = crate::support::app::TestApp::start(&db).await;
    let mut wanted = Vec::new();
    for text in texts {
        wanted.push(local.say(&local.device().await, text).await.data()["result"].clone());
    }
    let faults: Vec<fn(usize, &Value) -> Reaction> = vec![
        |_, _| Reaction::Reset,
        |_, _| Reaction::says("no JSON at all"),
        |_, _| Reaction::classifies("become_admin", 1.0, &json!({})),
        |_, _| Reaction::classifies("authenticate", 99.0, &json!({})),
        |_, _| Reaction::says(r#"{"sub_intent": "authenticate", "entities": {}}"#),
        |_, _| Reaction::completion(&json!({ "content": "{\"sub_intent\":" }), "length"),
        |_, _| Reaction::error(429, &json!(7), "later"),
        |_, _| Reaction::Reply(200, vec![], Vec::new()),
        |_, _| Reaction::error(401, &json!(null), "who are you"),
    ];
    for fault in faults {
        // In free text nonsense is as good as sense, so it is refused there.
        let server = FakeModel::start(move |before, body| {
            if body.get("response_format").is_some() { fault(before, body) } else { Reaction::Reset }
        })
        .await;
        let app = super::app(&db, &server.url, |_| {}).await;
        for (text, wanted) in texts.iter().zip(&wanted) {
            let reply = app.say(&app.device().await, text).await;
            assert_eq!(&reply.data()["result"], wanted);
            assert_ne!(reply.action(), "internal_error");
            assert_eq!(reply.data()["response"]["context"]["tier"], "local");
        }
        assert!(!server.requests().is_empty(), "the model was asked");
        app.finish().await;
    }
    local.finish().await;
}
