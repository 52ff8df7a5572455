//! Messages that the provider refuses, refuses late, or says nothing about.

use std::sync::Arc;

use serde_json::json;
use vestibule::sms::Verdict;

use crate::support::app::{PHONE, TestApp, until};
use crate::support::db::{TestDb, on_both};
use crate::support::sms::TestSms;

on_both!(
    a_refusal_corrects_the_answer_of_its_own_turn,
    a_late_refusal_is_a_new_message,
    a_message_nobody_can_tell_about_is_never_sent_again,
    a_stranger_does_not_wait_in_a_strangers_conversation,
);

async fn a_refusal_corrects_the_answer_of_its_own_turn(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.device().await;
    app.sms.answers(TestSms::refused());
    let body = json!({ "prompt": "log in with +14155552671", "messageId": "m" });
    let told = app.turn(&anna, body.clone()).await;
    assert_eq!(told.action(), "otp_not_delivered");
    assert_eq!(told.data()["response"]["success"], false);
    assert_eq!(app.turn(&anna, body).await.data(), told.data());
    assert_eq!(app.sms.count(), 1);
    assert_eq!(app.texts("SELECT status FROM challenges").await, ["void"]);
    assert_eq!(app.texts("SELECT status FROM outbox").await, ["failed"]);

    // The code that never arrived is worth nothing, and another number may be given at once.
    assert_ne!(app.say(&anna, &app.code()).await.action(), "name_requested");
    assert_eq!(app.count("sessions").await, 0);
    assert_eq!(app.say(&anna, "+14155552672").await.action(), "otp_sent");
    app.finish().await;
}

async fn a_late_refusal_is_a_new_message(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.device().await;
    let held = app.sms.hold();
    let body = json!({ "prompt": "log in with +14155552671", "messageId": "m" });
    let patience = async {
        app.handed_over(1).await;
        app.advance(2);
    };
    let (told, ()) = tokio::join!(app.turn(&anna, body.clone()), patience);
    assert_eq!(told.action(), "otp_sent");
    held.send(TestSms::refused()).unwrap();
    until(async || app.count("messages").await == 3).await;
    let id = told.data()["conversationId"].as_str().unwrap();
    let said = app.get(&format!("/api/agent/conversations/{id}/messages"), &anna).await;
    assert_eq!(said.data()["items"][0]["role"], "assistant");
    assert_eq!(said.data()["items"][0]["response"]["action"], "otp_not_delivered");
    assert_eq!(app.turn(&anna, body).await.data(), told.data());
    assert_eq!(app.texts("SELECT status FROM challenges").await, ["void"]);
    app.finish().await;
}

async fn a_message_nobody_can_tell_about_is_never_sent_again(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sms.answers(TestSms::unknown());
    let anna = app.awaiting_code(PHONE).await;
    assert_eq!(app.texts("SELECT status FROM outbox").await, ["uncertain"]);
    let (clock, sms) = (Arc::clone(&app.clock), Arc::clone(&app.sms));
    app.finish().await;

    let app = TestApp::restart(&db, &clock, &sms, 2).await;
    for _ in 0..5 {
        app.advance(60);
        app.get("/ready", &anna).await;
    }
    // It may have arrived after all; then its code holds, before the restart and after it.
    assert_eq!(app.say(&anna, &app.code()).await.action(), "name_requested");
    assert_eq!(sms.count(), 1);
    app.finish().await;
}

// D21: how long somebody else's conversation is busy must not show.
async fn a_stranger_does_not_wait_in_a_strangers_conversation(db: TestDb) {
    let app = TestApp::start(&db).await;
    let mut anna = app.device().await;
    let asked = app.say(&anna, "log in").await;
    anna.conversation = asked.data()["conversationId"].as_str().map(str::to_owned);
    let held = app.sms.hold();
    let stranger = async {
        app.handed_over(1).await;
        let mut eve = app.device().await;
        eve.conversation.clone_from(&anna.conversation);
        let refused = app.say(&eve, "hello").await;
        held.send(Verdict::Accepted { provider_id: "x".into() }).unwrap();
        refused
    };
    let (told, refused) = tokio::join!(app.say(&anna, PHONE), stranger);
    assert_eq!((told.action(), refused.error()), ("otp_sent", "NOT_FOUND"));
    app.finish().await;
}
