//! Signing in and registering, end to end, and what a repeated message gives.

use serde_json::{Value, json};

use crate::support::app::{PHONE, Person, Reply, TestApp, until};
use crate::support::db::{TestDb, on_both};

on_both!(
    registration_then_login_have_the_contracts_shapes,
    a_message_id_names_one_message,
    a_code_turn_repeated_32_times_is_one_turn,
    a_sign_in_repeated_32_times_is_one_session,
    a_repeated_sign_in_gives_its_tokens_until_their_first_use,
    a_repeated_sign_in_gives_no_tokens_after_ten_minutes,
    projects_keep_conversations_apart,
    a_turn_that_breaks_says_so_and_changes_nothing,
    somebody_else_on_the_device_ends_its_session,
    log_out_ends_all_that_the_session_gave,
    a_client_that_hangs_up_still_gets_its_turn,
);

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The shape of every answer; the session is there exactly where it is expected.
#[track_caller]
fn shape(reply: &Reply, action: &str, session: bool) {
    let data = reply.data();
    let mut expected = vec!["conversationId", "messageId", "result", "response"];
    expected.extend(session.then_some("session"));
    assert_eq!(keys(data), expected, "{action}");
    let response = &data["response"];
    assert_eq!(keys(response), ["action", "success", "data", "context"]);
    assert_eq!(response["action"], action);
    assert_eq!(response["data"]["message"], data["result"]);
    assert!(data["conversationId"].as_str().unwrap().starts_with("cnv_"));
    for key in ["sub_intent", "confidence", "authenticated"] {
        assert!(response["context"].get(key).is_some(), "{action} lacks context.{key}");
    }
    // S2-41: no token in the response, whatever it is.
    for mark in ["ses_", "dev_"] {
        assert!(!response["data"].to_string().replace("device_id", "").contains(&format!("\"{mark}")));
    }
    if session {
        let session = &data["session"];
        assert_eq!(keys(session), ["token", "sessionId", "userId", "expiresAt", "deviceToken"]);
        assert!(session["token"].as_str().unwrap().starts_with("ses_"));
        assert!(session["deviceToken"].as_str().unwrap().starts_with("dev_"));
        assert!(!response.to_string().contains(session["token"].as_str().unwrap()));
        assert!(!response.to_string().contains(session["deviceToken"].as_str().unwrap()));
    }
}

// S2-41, D5, D7
async fn registration_then_login_have_the_contracts_shapes(db: TestDb) {
    let app = TestApp::start(&db).await;
    let mut anna = app.device().await;
    shape(&app.say(&anna, "I want to log in").await, "phone_requested", false);
    let sent = app.say(&anna, "+1 415 555 2671").await;
    shape(&sent, "otp_sent", false);
    let response = &sent.data()["response"];
    assert_eq!((&response["success"], &response["context"]["authenticated"]), (&json!(true), &json!(false)));
    assert_eq!(response["context"]["sub_intent"], "authenticate");
    assert!(response["data"]["phone"].as_str().unwrap().contains('•'));
    let sms = app.sms.sent();
    assert_eq!((sms.len(), sms[0].to.as_str()), (1, PHONE));
    assert!(sms[0].text.contains(response["data"]["reference"].as_str().unwrap()));

    let wrong = app.say(&anna, &app.wrong_code()).await;
    shape(&wrong, "otp_invalid", false);
    assert_eq!(wrong.data()["response"]["success"], false);
    assert_eq!(wrong.data()["response"]["data"]["attempts_left"], 2);
    shape(&app.say(&anna, &app.code()).await, "name_requested", false);
    let done = app.say(&anna, "Anna Ångström").await;
    shape(&done, "registration_successful", true);
    assert_eq!(done.data()["response"]["context"]["authenticated"], true);
    anna.take(&done);
    shape(&app.say(&anna, "log in").await, "already_authenticated", false);

    app.advance(61);
    let other = app.awaiting_code(PHONE).await;
    shape(&app.say(&other, &app.code()).await, "login_successful", true);
    assert_eq!(app.count("users").await, 1);
    app.finish().await;
}

async fn a_message_id_names_one_message(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.device().await;
    let first = app.turn(&anna, json!({ "prompt": "hello", "messageId": "m-1" })).await;
    let again = app.turn(&anna, json!({ "prompt": "hello", "messageId": "m-1" })).await;
    assert_eq!(first.data(), again.data());
    assert_eq!(first.data()["messageId"], "m-1");
    let other = app.turn(&anna, json!({ "prompt": "log in", "messageId": "m-1" })).await;
    assert_eq!((other.status.as_u16(), other.error()), (409, "CONFLICT"));
    // Somebody else's ids are of no concern.
    let stranger = app.device().await;
    let theirs = app.turn(&stranger, json!({ "prompt": "log in", "messageId": "m-1" })).await;
    assert_eq!(theirs.action(), "phone_requested");

    let (one, two) = (app.say(&anna, "hello").await, app.say(&anna, "hello").await);
    assert!(one.data()["messageId"].as_str().unwrap().starts_with("msg_"));
    assert_ne!(one.data()["messageId"], two.data()["messageId"]);
    app.finish().await;
}

async fn thirty_two(app: &TestApp, person: &Person, body: Value) -> Vec<Reply> {
    let all = futures::future::join_all((0..32).map(|_| app.turn(person, body.clone()))).await;
    for reply in &all {
        assert_eq!(reply.data(), all[0].data());
    }
    all
}

async fn a_code_turn_repeated_32_times_is_one_turn(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.device().await;
    // Without a conversation, and then within one.
    let all =
        thirty_two(&app, &anna, json!({ "prompt": "log in with +14155552671", "messageId": "a" })).await;
    assert_eq!(all[0].action(), "otp_sent");
    assert_eq!((app.sms.count(), app.count("messages").await, app.count("conversations").await), (1, 2, 1));
    app.advance(61);
    let all = thirty_two(&app, &anna, json!({ "prompt": "resend", "messageId": "b" })).await;
    assert_eq!(all[0].action(), "otp_sent");
    assert_eq!((app.sms.count(), app.count("messages").await), (2, 4));
    app.finish().await;
}

// D7
async fn a_sign_in_repeated_32_times_is_one_session(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sign_in(PHONE).await;
    app.advance(61);
    let anna = app.awaiting_code(PHONE).await;
    let body =
        json!({ "prompt": app.code(), "messageId": "in", "conversationId": anna.conversation.clone() });
    let all = thirty_two(&app, &anna, body).await;
    assert_eq!(all[0].action(), "login_successful");
    assert!(all[0].data()["session"]["token"].is_string());
    assert_eq!(app.count("sessions").await, 2);
    app.finish().await;
}

// D7, D34, SEC-20, SEC-55
async fn a_repeated_sign_in_gives_its_tokens_until_their_first_use(db: TestDb) {
    let app = TestApp::start(&db).await;
    let old = app.device().await;
    app.turn(&old, json!({ "prompt": "log in", "messageId": "1" })).await;
    app.turn(&old, json!({ "prompt": PHONE, "messageId": "2" })).await;
    app.turn(&old, json!({ "prompt": app.code(), "messageId": "3" })).await;
    let body = json!({ "prompt": "Anna", "messageId": "4" });
    let done = app.turn(&old, body.clone()).await;
    assert_eq!(done.action(), "registration_successful");
    assert_eq!(app.turn(&old, body.clone()).await.data(), done.data());

    // The old token repeats that one message, and nothing else, not even what it said itself before.
    for other in [json!({ "prompt": "hello" }), json!({ "prompt": "log in", "messageId": "1" })] {
        assert_eq!(app.turn(&old, other.clone()).await.error(), "UNAUTHORIZED", "{other}");
    }
    for path in ["/api/agent/conversations", "/api/me"] {
        assert_eq!(app.get(path, &old).await.error(), "UNAUTHORIZED", "{path}");
    }
    let mut anna = old.clone();
    anna.take(&done);
    let path = format!("/api/agent/conversations/{}", anna.conversation.clone().unwrap());
    assert_eq!(app.get(&path, &old).await.error(), "UNAUTHORIZED");
    // The device's new token alone no longer opens the conversation.
    let unknown = app.get("/api/agent/conversations/cnv_00000000000000000000000000", &anna.anonymous()).await;
    let gone = app.get(&path, &anna.anonymous()).await;
    assert_eq!((gone.status.as_u16(), gone.error()), (404, "NOT_FOUND"));
    assert_eq!(gone.anonymous_error(), unknown.anonymous_error());
    let said = json!({ "prompt": "hello", "conversationId": anna.conversation.clone() });
    assert_eq!(app.turn(&anna.anonymous(), said).await.error(), "NOT_FOUND");

    assert_eq!(app.get(&path, &anna).await.status, 200);
    let after = app.turn(&old, body).await;
    assert_eq!(after.action(), "registration_successful");
    assert!(after.data().get("session").is_none());
    app.finish().await;
}

async fn a_repeated_sign_in_gives_no_tokens_after_ten_minutes(db: TestDb) {
    let app = TestApp::start(&db).await;
    let old = app.awaiting_code(PHONE).await;
    app.say(&old, &app.code()).await;
    let body = json!({ "prompt": "Anna", "messageId": "4", "conversationId": old.conversation.clone() });
    let done = app.turn(&old, body.clone()).await;
    app.advance(599);
    assert_eq!(app.turn(&old, body.clone()).await.data(), done.data());
    app.advance(1);
    assert!(app.turn(&old, body).await.data().get("session").is_none());
    app.finish().await;
}

// D21
async fn projects_keep_conversations_apart(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.device().await;
    let mut ids = Vec::new();
    for project in [json!({}), json!({ "projectId": "shop" }), json!({ "projectId": "default" })] {
        let mut body = project.clone();
        body["prompt"] = json!("hello");
        body["messageId"] = json!(format!("m-{}", ids.len()));
        ids.push(app.turn(&anna, body).await.data()["conversationId"].clone());
    }
    assert_ne!(ids[0], ids[1]);
    assert_eq!(ids[0], ids[2]);
    // A question asked in one is not answered in the other.
    app.turn(&anna, json!({ "prompt": "log in", "projectId": "shop" })).await;
    let elsewhere = app.turn(&anna, json!({ "prompt": PHONE })).await;
    assert_ne!(elsewhere.action(), "otp_invalid");
    let list = app.get("/api/agent/conversations", &anna).await;
    assert_eq!(list.data()["items"].as_array().unwrap().len(), 2);
    app.finish().await;
}

// D34
async fn log_out_ends_all_that_the_session_gave(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.sign_in(PHONE).await;
    let fresh = app.post("/api/auth/refresh", &anna.bearer(), json!({})).await;
    let mut jwt = anna.bearer();
    jwt.session = fresh.data()["accessToken"].as_str().map(str::to_owned);
    assert_eq!(app.get("/api/me", &jwt).await.status, 200);
    assert_eq!(app.post("/api/auth/logout", &anna, json!({})).await.status, 200);
    for ended in [&anna, &anna.bearer(), &jwt] {
        for path in ["/api/me", "/api/agent/conversations"] {
            assert_eq!(app.get(path, ended).await.error(), "UNAUTHORIZED", "{path}");
        }
        assert_eq!(app.say(ended, "hello").await.error(), "UNAUTHORIZED");
    }
    let next = app.turn(&anna.anonymous(), json!({ "prompt": "hello" })).await;
    assert_eq!(next.data()["response"]["context"]["authenticated"], false);
    assert_ne!(next.data()["conversationId"].as_str(), anna.conversation.as_deref());
    app.finish().await;
}

async fn a_client_that_hangs_up_still_gets_its_turn(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.device().await;
    let body = json!({ "prompt": "log in with +14155552671", "messageId": "m" });
    let held = app.sms.hold();
    {
        let asked = app.turn(&anna, body.clone());
        let sent = app.handed_over(1);
        futures::pin_mut!(asked, sent);
        assert!(matches!(futures::future::select(asked, sent).await, futures::future::Either::Right(_)));
    }
    held.send(vestibule::sms::Verdict::Accepted { provider_id: "late".into() }).unwrap();
    // Nobody asks, and yet the answer becomes final.
    until(async || app.count("pending_responses WHERE provisional_until IS NULL").await == 1).await;
    assert_eq!(app.turn(&anna, body).await.action(), "otp_sent");
    assert_eq!((app.sms.count(), app.count("messages").await), (1, 2));
    app.finish().await;
}

// S2-40: an answer on every path, with the id that the log has too.
async fn a_turn_that_breaks_says_so_and_changes_nothing(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.device().await;
    app.say(&anna, "log in").await;
    app.texts("UPDATE conversations SET state = 'torn' RETURNING id").await;
    let before = app.count("messages").await;
    let broken = app.say(&anna, "hello").await;
    let response = &broken.data()["response"];
    assert_eq!(
        (broken.status.as_u16(), broken.action(), response["success"].as_bool()),
        (200, "internal_error", Some(false))
    );
    assert!(response["data"]["error_id"].as_str().unwrap().starts_with("err_"), "{response}");
    assert_eq!(response["context"]["authenticated"], false);
    assert_eq!(
        (app.count("messages").await, app.count("conversations WHERE state = 'torn'").await),
        (before, 1)
    );
    assert!(broken.data()["result"].as_str().unwrap().contains("start over"), "{response}");
    // Another conversation takes its place, and it is kept.
    let named = json!({ "prompt": "start over", "conversationId": broken.data()["conversationId"] });
    let begun = app.turn(&anna, named).await;
    assert_eq!(begun.action(), "phone_requested");
    assert_ne!(begun.data()["conversationId"], broken.data()["conversationId"]);
    assert_eq!(app.count("conversations WHERE state = 'torn' AND is_current = 0").await, 1);
    app.finish().await;
}

// D11, D34
async fn somebody_else_on_the_device_ends_its_session(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.sign_in("+14155552671").await;
    let mut bert = anna.anonymous();
    bert.conversation = None;
    app.say(&bert, "log in with +14155552672").await;
    app.say(&bert, &app.code()).await;
    let done = app.say(&bert, "Bert").await;
    assert_eq!(done.action(), "registration_successful");
    assert_eq!(app.get("/api/me", &anna.bearer()).await.error(), "UNAUTHORIZED");
    app.finish().await;
}
