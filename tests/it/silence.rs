//! Questions that nobody answers: each speaks up once, whatever becomes of the servers.

use serde_json::Value;
use vestibule::config::Config;
use vestibule::model::Actor;
use vestibule::store::{Applied, Expect, Write};

use crate::support::app::{PHONE, Person, TestApp, until};
use crate::support::db::{TestDb, on_both};

on_both!(
    two_workers_speak_up_once,
    a_timer_whose_worker_was_lost_is_taken_up,
    whoever_answers_in_the_last_moment_was_not_silent,
    an_answer_that_meets_the_timer_goes_first,
    a_day_late_is_too_late,
    a_fault_ends_the_timer_and_says_nothing,
);

fn two_minutes(config: &mut Config) {
    config.graph.silence_seconds = 120;
}

async fn messages(app: &TestApp, person: &Person) -> Vec<Value> {
    let id = person.conversation.as_deref().unwrap();
    let page = app.get(&format!("/api/agent/conversations/{id}/messages"), person).await;
    page.data()["items"].as_array().unwrap().clone()
}

/// Waits until no timer is left.
async fn run_out(app: &TestApp) {
    until(async || app.count("outbox WHERE kind = 'timer'").await == 0).await;
}

/// Lets some time pass, in which whatever would come a second time comes.
async fn a_while(app: &TestApp, person: &Person) {
    for _ in 0..5 {
        app.advance(60);
        app.get("/ready", person).await;
    }
}

fn text(message: &Value) -> &str {
    message["response"]["data"]["message"].as_str().unwrap()
}

async fn two_workers_speak_up_once(db: TestDb) {
    let app = TestApp::start_with(&db, two_minutes).await;
    let other = app.beside(&db, two_minutes).await;
    let anna = app.awaiting_code(PHONE).await;
    app.advance(119);
    app.get("/ready", &anna).await;
    assert_eq!((app.count("outbox WHERE kind = 'timer'").await, messages(&app, &anna).await.len()), (1, 4));
    app.advance(1);
    run_out(&app).await;
    a_while(&app, &anna).await;
    let said = messages(&app, &anna).await;
    assert_eq!(said.len(), 5);
    let spoke = &said[0];
    assert_eq!(
        (spoke["role"].as_str(), spoke["response"]["action"].as_str()),
        (Some("assistant"), Some("otp_requested"))
    );
    assert!(text(spoke).contains("still waiting for your code"), "{spoke}");
    assert_eq!(spoke["response"]["context"]["authenticated"], false);
    // The code is as good as it was, and so is the question.
    assert_eq!(app.say(&anna, &app.code()).await.action(), "name_requested");
    other.finish().await;
    app.finish().await;
}

/// Changes the one timer.
async fn change(app: &TestApp, sql: &'static str) {
    let write = Write { sql, args: Vec::new(), expect: Expect::Rows(1) };
    assert_eq!(app.app().store().apply(&Actor::System, vec![write]).await.unwrap(), Applied::Done);
}

async fn a_timer_whose_worker_was_lost_is_taken_up(db: TestDb) {
    let app = TestApp::start_with(&db, two_minutes).await;
    let anna = app.awaiting_code(PHONE).await;
    // A worker that is no more has it, for as long as until the hour after the tests begin.
    change(
        &app,
        "UPDATE outbox SET status = 'claimed', claimed_by = 'wrk_lost', tries = 1, claimed_until = \
         (SELECT MIN(created_at) + 200000000 FROM outbox) WHERE kind = 'timer'",
    )
    .await;
    app.advance(199);
    app.get("/ready", &anna).await;
    assert_eq!(messages(&app, &anna).await.len(), 4);
    app.advance(2);
    run_out(&app).await;
    a_while(&app, &anna).await;
    assert_eq!(messages(&app, &anna).await.len(), 5);
    app.finish().await;
}

async fn whoever_answers_in_the_last_moment_was_not_silent(db: TestDb) {
    let app = TestApp::start_with(&db, two_minutes).await;
    let anna = app.awaiting_code(PHONE).await;
    app.advance(119);
    assert_eq!(app.say(&anna, &app.code()).await.action(), "name_requested");
    assert_eq!(app.count("outbox WHERE kind = 'timer'").await, 0);
    a_while(&app, &anna).await;
    assert_eq!(messages(&app, &anna).await.len(), 6);
    app.finish().await;
}

/// The timer is claimed already when the answer comes, on another node.
async fn an_answer_that_meets_the_timer_goes_first(db: TestDb) {
    let app = TestApp::start_with(&db, two_minutes).await;
    let anna = app.awaiting_code(PHONE).await;
    change(
        &app,
        "UPDATE outbox SET status = 'claimed', claimed_by = 'wrk_other', tries = 1, claimed_until = \
         (SELECT MIN(created_at) + 200000000 FROM outbox) WHERE kind = 'timer'",
    )
    .await;
    assert_eq!(app.say(&anna, &app.code()).await.action(), "name_requested");
    // It stays with the worker that has it, and finds nobody who waits.
    assert_eq!(app.count("outbox WHERE kind = 'timer'").await, 1);
    app.advance(201);
    run_out(&app).await;
    assert_eq!(messages(&app, &anna).await.len(), 6);
    app.finish().await;
}

async fn a_day_late_is_too_late(db: TestDb) {
    let app = TestApp::start_with(&db, two_minutes).await;
    let anna = app.awaiting_code(PHONE).await;
    app.advance(120 + 24 * 60 * 60);
    run_out(&app).await;
    assert_eq!(messages(&app, &anna).await.len(), 4);
    app.finish().await;
}

async fn a_fault_ends_the_timer_and_says_nothing(db: TestDb) {
    let app = TestApp::start_with(&db, two_minutes).await;
    let anna = app.awaiting_code(PHONE).await;
    app.texts("UPDATE conversations SET state = 'torn' RETURNING id").await;
    app.advance(120);
    run_out(&app).await;
    a_while(&app, &anna).await;
    assert_eq!(messages(&app, &anna).await.len(), 4);
    app.finish().await;
}
