//! Whoever is not the desk, and whoever heard the desk (SEC-18, SEC-37, SEC-46).

use serde_json::{Value, json};
use vestibule::fetch::signed::WINDOW;

use super::{
    PATH, SECRET, calls, configured, desk, handed_off, messages, releases, says, second, signature, signed,
    start,
};
use crate::support::app::{PHONE, Person, Reply, TestApp, reply};
use crate::support::db::{TestDb, on_both};

on_both!(
    a_forged_request_changes_nothing,
    a_flood_of_forgeries_fills_no_table,
    without_a_secret_nobody_is_the_desk,
    what_was_heard_once_is_not_heard_again,
    the_desk_has_the_conversations_that_it_was_handed,
    what_says_too_much_says_nothing,
);

/// Everything that the desk could change.
async fn rows(app: &TestApp) -> Vec<String> {
    let mut rows = app.texts("SELECT state FROM conversations ORDER BY id").await;
    rows.extend(app.texts("SELECT content FROM messages ORDER BY id").await);
    rows.push(app.count("outbox").await.to_string());
    rows.push(app.count("audit WHERE kind <> 'webhook_bad_signature'").await.to_string());
    rows
}

/// Each forgery of a request that the desk could have signed, by name.
async fn forgeries(app: &TestApp, body: &str) -> Vec<(&'static str, Reply)> {
    let (url, now) = (format!("{}{PATH}", app.base), second(app));
    let text = now.to_string();
    let good = signature(SECRET, &text, body);
    let raw = async |second: &str, signature: &str, body: &str| {
        let request = app.http.post(&url).header("content-type", "application/json");
        let request = request.header("vestibule-timestamp", second).header("vestibule-signature", signature);
        reply(request.body(body.to_owned())).await
    };
    let other = body.replacen("\"id\":\"", "\"id\":\"9", 1);
    assert_ne!(other, body);
    let later = (now + 1).to_string();
    let unsigned = app.http.post(&url).header("content-type", "application/json").body(body.to_owned());
    let undated = app.http.post(&url).header("vestibule-signature", &good).body(body.to_owned());
    let twice = signed(app, now, body).header("vestibule-signature", &good);
    vec![
        ("unsigned", reply(unsigned).await),
        ("undated", reply(undated).await),
        ("signed twice", reply(twice).await),
        ("garbage", raw(&text, "garbage", body).await),
        ("empty", raw(&text, "", body).await),
        ("nothing signed", raw(&text, "v1=", body).await),
        ("another version", raw(&text, &good.replace("v1", "v0"), body).await),
        ("half of it", raw(&text, &good[..good.len() / 2], body).await),
        ("another secret", raw(&text, &signature("another secret, as long", &text, body), body).await),
        ("no secret", raw(&text, &signature("", &text, body), body).await),
        ("another body", raw(&text, &good, &other).await),
        ("another time", raw(&later, &good, body).await),
        ("no time", raw("now", &signature(SECRET, "now", body), body).await),
        ("too old", reply(signed(app, now - WINDOW - 1, body)).await),
        ("too new", reply(signed(app, now + WINDOW + 1, body)).await),
        ("encoded", reply(signed(app, now, body).header("content-encoding", "gzip")).await),
    ]
}

// SEC-37
async fn a_forged_request_changes_nothing(db: TestDb) {
    let desk = desk().await;
    let app = start(&db, &desk).await;
    let person = handed_off(&app).await;
    let before = rows(&app).await;
    for body in [says("1", &person, "Hello"), releases("2", &person)] {
        for (name, answered) in forgeries(&app, &body.to_string()).await {
            assert_eq!((answered.status.as_u16(), answered.body), (401, Value::Null), "{name}");
        }
        assert_eq!(rows(&app).await, before);
    }
    assert!(app.count("audit WHERE kind = 'webhook_bad_signature'").await > 0);
    // What is presented besides is not looked at: a person is no desk.
    let own = app.post(PATH, &person, says("1", &person, "Hello")).await;
    assert_eq!((own.status.as_u16(), own.body), (401, Value::Null));

    // The very same request, signed, and up to the edge of the window: it was none of them that failed for another reason.
    let body = says("1", &person, "Hello").to_string();
    assert_eq!(reply(signed(&app, second(&app) - WINDOW, &body)).await.status, 200);
    assert_ne!(rows(&app).await, before);
    app.finish().await;
}

async fn a_flood_of_forgeries_fills_no_table(db: TestDb) {
    let desk = desk().await;
    let app = start(&db, &desk).await;
    for _ in 0..40 {
        assert_eq!(app.post(PATH, &Person::default(), json!({})).await.status, 401);
    }
    assert_eq!(app.count("audit").await, 5);
    app.finish().await;
}

async fn without_a_secret_nobody_is_the_desk(db: TestDb) {
    let app = TestApp::start(&db).await;
    let body = json!({ "id": "1" }).to_string();
    for secret in ["", SECRET] {
        let second = second(&app).to_string();
        let request = app.http.post(format!("{}{PATH}", app.base)).header("content-type", "application/json");
        let request = request.header("vestibule-signature", signature(secret, &second, &body));
        let answered = reply(request.header("vestibule-timestamp", second).body(body.clone())).await;
        assert_eq!((answered.status.as_u16(), answered.body), (401, Value::Null));
    }
    app.finish().await;
}

async fn what_was_heard_once_is_not_heard_again(db: TestDb) {
    let desk = desk().await;
    let app = start(&db, &desk).await;
    let person = handed_off(&app).await;
    let sent = (second(&app), says("a", &person, "Hello").to_string());
    let again = async || reply(signed(&app, sent.0, &sent.1)).await;
    let first = again().await;
    assert_eq!(first.data()["repeated"], false);
    let count = messages(&app, &person).await.len();
    // The desk did not hear our answer, or somebody else heard the desk.
    for _ in 0..3 {
        assert_eq!(again().await.data()["repeated"], true);
    }
    let at_once = futures::future::join_all((0..8).map(|_| again())).await;
    assert!(at_once.iter().all(|reply| reply.data()["repeated"] == true));
    assert_eq!(messages(&app, &person).await.len(), count);
    let other = calls(&app, &says("a", &person, "Something else")).await;
    assert_eq!((other.status.as_u16(), other.error()), (409, "CONFLICT"));

    // Nor does an old release end a new hand-over.
    let released = (second(&app), releases("b", &person).to_string());
    assert_eq!(reply(signed(&app, released.0, &released.1)).await.status, 200);
    assert_eq!(app.say(&person, "hello").await.action(), "answered");
    assert_eq!(again().await.data()["repeated"], true, "known still, though it is over");
    assert_eq!(app.say(&person, "talk to a human").await.action(), "handed_off");
    assert_eq!(reply(signed(&app, released.0, &released.1)).await.data()["repeated"], true);
    app.advance(WINDOW);
    assert_eq!(reply(signed(&app, released.0, &released.1)).await.data()["repeated"], true);
    app.advance(1);
    assert_eq!(reply(signed(&app, released.0, &released.1)).await.status, 401);
    assert_eq!(app.say(&person, "hello").await.action(), "handed_off");

    // Nor do words that are late by one hand-over reach the next.
    let notices = super::told(&app, &desk, 3).await;
    let began: Vec<&str> = notices
        .iter()
        .filter(|(_, notice)| notice["event"] == "began")
        .map(|(_, notice)| notice["handoff"].as_str().unwrap())
        .collect();
    for (handoff, status) in [(began[0], 409), (began[1], 200)] {
        let mut body = says(handoff, &person, "Hello again");
        body["handoff"] = json!(handoff);
        assert_eq!(calls(&app, &body).await.status, status);
    }
    app.finish().await;
}

// SEC-18
async fn the_desk_has_the_conversations_that_it_was_handed(db: TestDb) {
    let desk = desk().await;
    let app = start(&db, &desk).await;
    let (person, mut other) = (handed_off(&app).await, app.device().await);
    let hello = app.say(&other, "hello").await;
    other.conversation = hello.data()["conversationId"].as_str().map(str::to_owned);
    let before = rows(&app).await;
    for body in [says("1", &other, "Hello"), releases("2", &other)] {
        let answered = calls(&app, &body).await;
        assert_eq!((answered.status.as_u16(), answered.error()), (409, "CONFLICT"));
    }
    for unknown in ["cnv_01m9k2v7q8w3x5y6z7a8b9c0d1", "cnv_x", "", "' OR 1=1 --"] {
        let nobody = Person { conversation: Some(unknown.to_owned()), ..Person::default() };
        let answered = calls(&app, &says("3", &nobody, "Hello")).await;
        assert_eq!((answered.status.as_u16(), answered.error()), (404, "NOT_FOUND"), "{unknown}");
    }
    assert_eq!(rows(&app).await, before);
    // Once the desk has been quiet for too long, it is the engine's without anybody's doing.
    app.advance(30 * 60);
    assert_eq!(calls(&app, &says("4", &person, "Sorry")).await.status, 409);
    let answered = app.say(&person, "hello").await;
    assert_eq!(answered.action(), "answered");
    app.finish().await;

    // Without a desk nothing is anybody else's any more.
    let app = TestApp::restart(&db, &app_clock(), &std::sync::Arc::default(), 7).await;
    assert_eq!(app.say(&Person { conversation: None, ..person }, "hello").await.action(), "answered");
    app.finish().await;
}

fn app_clock() -> std::sync::Arc<vestibule::clock::MovableClock> {
    std::sync::Arc::new(vestibule::clock::MovableClock::fixed(crate::support::samples::at(4_000)))
}

// SEC-28, SEC-46
async fn what_says_too_much_says_nothing(db: TestDb) {
    let desk = desk().await;
    let app = TestApp::start_with(&db, |config| configured(config, &desk)).await;
    let person = app.sign_in(PHONE).await;
    assert_eq!(app.say(&person, "talk to a human").await.action(), "handed_off");
    let before = rows(&app).await;
    let long = "x".repeat(2_001);
    for (change, status, pointer) in [
        (json!({ "text": long }), 422, "/text"),
        (json!({ "text": " \u{200b}\n" }), 422, "/text"),
        (json!({ "text": 7 }), 422, "/text"),
        (json!({ "event": "turn" }), 422, "/event"),
        (json!({ "id": "" }), 400, "/id"),
        (json!({ "conversation": {} }), 400, "/conversation"),
        (json!({ "handoff": "x" }), 400, "/handoff"),
    ] {
        let mut body = says("1", &person, "Hello");
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answered = calls(&app, &body).await;
        assert_eq!((answered.status.as_u16(), answered.error()), (status, "VALIDATION_ERROR"), "{change}");
        assert_eq!(answered.body["error"]["details"]["pointer"], pointer, "{answered:?}");
    }
    for body in ["", "[]", "{", "null"] {
        assert_eq!(reply(signed(&app, second(&app), body)).await.status, 400, "{body}");
    }
    let mut large = says("1", &person, "Hello");
    large["more"] = json!("x".repeat(32 * 1024));
    assert_eq!(calls(&app, &large).await.error(), "PAYLOAD_TOO_LARGE");
    assert_eq!(rows(&app).await, before);

    // In the conversation of somebody who is signed in, words do nothing but stand there.
    let odd = "log me out everywhere {{ signed_in }} {% raw %} <script>alert(1)</script> start over";
    for (n, text) in [odd, "yes", "cancel", "483920"].into_iter().enumerate() {
        assert_eq!(calls(&app, &says(&n.to_string(), &person, text)).await.status, 200);
        let newest = messages(&app, &person).await.remove(0);
        assert_eq!((newest["role"].as_str(), newest["content"].as_str()), (Some("assistant"), Some(text)));
        assert_eq!(newest["response"]["data"], json!({ "message": text, "from": "desk" }));
    }
    assert!(app.is_alive(&person).await);
    assert_eq!(app.count("sessions WHERE revoked_at IS NULL").await, 1);
    assert_eq!(calls(&app, &releases("r", &person)).await.status, 200);
    let shown = app.say(&person, "my sessions").await;
    assert_eq!((shown.action(), shown.data()["session"].is_null()), ("sessions_listed", true));
    app.finish().await;
}
