//! Small talk in a model's words: streamed, masked, and never more than words.

use serde_json::{Value, json};

use crate::support::app::{PHONE, Person, TestApp};
use crate::support::db::{TestDb, on_both};
use crate::support::fake_model::{FakeModel, Reaction};

on_both!(
    small_talk_is_streamed_and_masked,
    what_only_the_engine_may_say_is_not_said,
    events_come_without_a_model_too,
    a_repeat_gets_the_same_words,
    whoever_hangs_up_is_answered_all_the_same,
    a_slow_refusal_is_an_event,
);

fn talks(pieces: &'static [&'static str]) -> impl Fn(usize, &Value) -> Reaction + Send + Sync + 'static {
    move |_, body| {
        if body["stream"] == true {
            Reaction::streams(pieces)
        } else {
            Reaction::classifies("general", 0.95, &json!({}))
        }
    }
}

/// The events of a turn: name and data.
async fn events(app: &TestApp, person: &Person, body: &Value, last: Option<&str>) -> Vec<(String, Value)> {
    let mut request = app.request(reqwest::Method::POST, "/api/agent/run", person).json(body);
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().await.unwrap();
    let field = |block: &str, name: &str| {
        block.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
    };
    text.split("\n\n")
        .filter(|block| block.contains("data:"))
        .map(|block| {
            let data = serde_json::from_str(&field(block, "data:").unwrap()).unwrap();
            (field(block, "event:").unwrap(), data)
        })
        .collect()
}

/// How a turn is refused: with a status if that is known soon enough, else by its only event.
async fn refusal(app: &TestApp, person: &Person, body: &Value) -> String {
    let request = app.request(reqwest::Method::POST, "/api/agent/run", person).json(body);
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    let body: Value = match status {
        409 => serde_json::from_str(&text).unwrap(),
        200 => {
            let event = text.split("event: error").nth(1).unwrap_or_else(|| panic!("no error event: {text}"));
            let data = event.lines().find_map(|line| line.strip_prefix("data:")).unwrap();
            serde_json::from_str(data).unwrap()
        }
        other => panic!("{other}: {text}"),
    };
    body["error"]["code"].as_str().unwrap().to_owned()
}

fn names(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(name, _)| name.as_str()).collect()
}

async fn small_talk_is_streamed_and_masked(db: TestDb) {
    let server = FakeModel::start(talks(&[
        "Hello, dear fri",
        "end! Call 41",
        "5 555 2671 or use 12",
        "34 56 now, ",
        "see http://evil.example/x ",
        "okay then",
    ]))
    .await;
    let app = super::app(&db, &server.url, |_| {}).await;
    let person = app.device().await;
    let body = json!({ "prompt": "how was your day, my dear machine?", "messageId": "m1" });
    let events = events(&app, &person, &body, None).await;
    let kinds = names(&events);
    assert_eq!((kinds.first(), kinds.last()), (Some(&"typing"), Some(&"response")));
    let shown: String = events
        .iter()
        .filter(|(name, _)| name == "chunk")
        .map(|(_, data)| data["text"].as_str().unwrap())
        .collect();
    let said = events.last().unwrap().1["result"].as_str().unwrap().to_owned();
    assert!(kinds.iter().filter(|kind| **kind == "chunk").count() > 1, "{kinds:?}");
    assert_eq!(said, shown);
    assert!(said.starts_with("Hello, dear friend!"), "{said}");
    for hidden in ["555", "1234", "12 34", "evil"] {
        assert!(!said.contains(hidden) && !shown.contains(hidden), "{said}");
    }
    let context = &events.last().unwrap().1["response"]["context"];
    assert_eq!(context["generated"], true);
    let asked = server.requests().into_iter().find(|body| body["stream"] == true).unwrap();
    assert!(asked.get("response_format").is_none() && asked.get("tools").is_none());
    app.finish().await;
}

async fn what_only_the_engine_may_say_is_not_said(db: TestDb) {
    let server =
        FakeModel::start(talks(&["Great news! You are ", "now signed in as ", "admin. Enjoy"])).await;
    let app = super::app(&db, &server.url, |_| {}).await;
    let person = app.device().await;
    let reply = app.say(&person, "tell me a little something, dear machine").await;
    let said = reply.data()["result"].as_str().unwrap();
    assert!(!said.contains("admin") && !said.is_empty(), "{said}");
    assert!(reply.data()["response"]["context"].get("generated").is_none());
    app.finish().await;
}

async fn events_come_without_a_model_too(db: TestDb) {
    let app = TestApp::start(&db).await;
    let person = app.device().await;
    let body = json!({ "prompt": "I want to log in", "messageId": "m1" });
    let first = events(&app, &person, &body, None).await;
    assert_eq!(names(&first), ["typing", "chunk", "response"]);
    assert_eq!(first[1].1["text"], first[2].1["result"]);
    assert_eq!(first[2].1["response"]["action"], "phone_requested");
    // Whoever comes back gets the same answer, and with the last event's id nothing but that.
    let again = events(&app, &person, &body, Some("1")).await;
    assert_eq!(names(&again), ["typing", "response"]);
    assert_eq!(again[1].1["result"], first[2].1["result"]);
    assert_eq!(refusal(&app, &person, &json!({ "prompt": "hi", "messageId": "m1" })).await, "CONFLICT");
    let bad = app.post("/api/agent/run", &person, json!({ "prompt": 1 })).await;
    assert_eq!(bad.error(), "VALIDATION_ERROR");

    // A sign-in over events brings its session; with cookies, in the head.
    app.say(&person, PHONE).await;
    app.say(&person, &app.code()).await;
    let done = events(&app, &person, &json!({ "prompt": "Anna" }), None).await;
    assert!(done.last().unwrap().1["session"]["token"].as_str().is_some());
    let request = app.request(reqwest::Method::POST, "/api/agent/run", &app.device().await);
    let cookies = request.header("x-session-transport", "cookie").json(&json!({ "prompt": "hello" }));
    assert_eq!(cookies.send().await.unwrap().status(), 200);
    app.finish().await;
}

async fn a_repeat_gets_the_same_words(db: TestDb) {
    let server = FakeModel::start(|before, body| {
        if body["stream"] == true {
            Reaction::streams(if before < 2 { &["Hello there, ", "first words"] } else { &["Other words"] })
        } else {
            Reaction::classifies("general", 0.95, &json!({}))
        }
    })
    .await;
    let app = super::app(&db, &server.url, |_| {}).await;
    let person = app.device().await;
    let body = json!({ "prompt": "how was your day, my dear machine?", "messageId": "m1" });
    let first = app.post("/api/agent/run-sync", &person, body.clone()).await;
    let again = app.post("/api/agent/run-sync", &person, body).await;
    assert_eq!(first.data()["result"], again.data()["result"]);
    assert!(first.data()["result"].as_str().unwrap().contains("first words"));
    app.finish().await;
}

async fn whoever_hangs_up_is_answered_all_the_same(db: TestDb) {
    let server = FakeModel::start(talks(&["Hello there, ", "kept words. ", "Bye"])).await;
    let app = super::app(&db, &server.url, |_| {}).await;
    let person = app.device().await;
    let body = json!({ "prompt": "how was your day, my dear machine?", "messageId": "m1" });
    let begun =
        app.request(reqwest::Method::POST, "/api/agent/run", &person).json(&body).send().await.unwrap();
    drop(begun);
    let again = app.post("/api/agent/run-sync", &person, body).await;
    assert_eq!(again.data()["result"], "Hello there, kept words. Bye");
    assert_eq!(server.requests().iter().filter(|body| body["stream"] == true).count(), 1);
    app.finish().await;
}

async fn a_slow_refusal_is_an_event(db: TestDb) {
    // The model takes its time; meanwhile the database goes, and the turn cannot be kept.
    let server = FakeModel::start(|_, _| Reaction::Hang).await;
    let app = super::app(&db, &server.url, |c| {
        c.llm.call_ms = 600;
        c.llm.turn_ms = 600;
    })
    .await;
    let person = app.device().await;
    let body = json!({ "prompt": "purple monkey dishwasher of sorts" });
    let (events, ()) = tokio::join!(events(&app, &person, &body, None), async {
        while server.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        app.app().store().close().await;
    });
    assert_eq!(names(&events), ["typing", "error"], "{events:?}");
    assert!(events[1].1["error"]["errorId"].as_str().is_some_and(|id| !id.is_empty()));
    app.abandon().await;
}
