//! Many sign-ins at once. What many codes at once come to is in `attacks/codes.rs`.

use futures::future::join_all;
use serde_json::json;
use vestibule::config::Config;

use crate::support::app::{PHONE, Person, TestApp};
use crate::support::db::{TestDb, on_both};

on_both!(
    threads: five_sessions_stay_however_many_sign_in_at_once,
    two_nodes_never_make_six,
    a_sign_in_comes_before_all_is_ended_or_after,
);

/// Twenty codes for one number have to live at once, and as many tries to be under way, which the defaults do not allow.
fn roomy(config: &mut Config) {
    config.limit.otp_send_limit_per_day = 100;
    config.limit.otp_resend_seconds = 1;
    config.limit.live_codes_per_identifier = 20;
    config.limit.max_login_attempts = 100;
}

/// A new device with its code. Each is in a project of its own: one owner's conversations of one project would meet at
/// their own guard, before they met at the one that is looked at here.
async fn with_code(app: &TestApp, project: usize) -> (Person, String) {
    app.advance(2);
    let mut person = app.device().await;
    let asked = app.turn(&person, json!({ "prompt": "log in", "projectId": format!("p{project}") })).await;
    person.conversation = asked.data()["conversationId"].as_str().map(str::to_owned);
    assert_eq!(app.say(&person, PHONE).await.action(), "otp_sent");
    (person, app.code())
}

// SEC-40, D11
async fn five_sessions_stay_however_many_sign_in_at_once(db: TestDb) {
    let app = TestApp::start_with(&db, roomy).await;
    let other_node = app.beside(&db, roomy).await;
    let mut people = Vec::new();
    for _ in 0..4 {
        people.push(app.sign_in(PHONE).await);
    }
    let mut waiting = Vec::new();
    for n in 0..20 {
        waiting.push(with_code(&app, n).await);
    }
    let nodes = [&app, &other_node].into_iter().cycle();
    let all = join_all(waiting.iter().zip(nodes).map(|((person, code), node)| node.say(person, code))).await;
    for (reply, (person, _)) in all.iter().zip(&mut waiting) {
        assert_eq!(reply.action(), "login_successful");
        person.take(reply);
    }
    assert_eq!(app.count("sessions WHERE revoked_at IS NULL").await, 5);
    assert_eq!(app.count("audit WHERE kind = 'session_evicted'").await, 19);
    assert_eq!(app.count("revocations WHERE kind = 'session' AND reason = 'evicted'").await, 19);
    assert_eq!(app.count("(SELECT DISTINCT subject FROM revocations) AS ended").await, 19);
    for person in &people {
        assert!(!app.is_alive(person).await, "the least recently used go first");
    }
    let mut live = 0;
    for (person, _) in &waiting {
        live += usize::from(app.is_alive(person).await);
    }
    assert_eq!(live, 5);
    let newest = "(SELECT session_id FROM audit WHERE kind = 'session_created' ORDER BY seq DESC LIMIT 1)";
    assert_eq!(app.count(&format!("sessions WHERE revoked_at IS NULL AND id = {newest}")).await, 1);
    // Whoever ended somebody was told whom.
    let told = all.iter().map(|r| r.data()["response"]["data"]["signed_out"].as_array().map_or(0, Vec::len));
    assert_eq!(told.sum::<usize>(), 19);
    other_node.finish().await;
    app.finish().await;
}

// SEC-40: with room for one, two nodes that see it at the same time must not both take it. A later sign-in would hide it.
async fn two_nodes_never_make_six(db: TestDb) {
    let app = TestApp::start_with(&db, roomy).await;
    let other_node = app.beside(&db, roomy).await;
    for _ in 0..4 {
        app.sign_in(PHONE).await;
    }
    for round in 0..6 {
        let (one, two) = (with_code(&app, 2 * round).await, with_code(&app, 2 * round + 1).await);
        let (done, also_done) = tokio::join!(app.say(&one.0, &one.1), other_node.say(&two.0, &two.1));
        assert_eq!((done.action(), also_done.action()), ("login_successful", "login_successful"));
        assert_eq!(app.count("sessions WHERE revoked_at IS NULL").await, 5, "round {round}");
        let mut last = two.0;
        last.take(&also_done);
        assert!(app.is_alive(&last).await);
        assert_eq!(app.post("/api/auth/logout", &last.bearer(), json!({})).await.status, 200);
    }
    other_node.finish().await;
    app.finish().await;
}

// SEC-22, D12: a session that is made while everything is ended is ended too, or stands with a trust of its own.
async fn a_sign_in_comes_before_all_is_ended_or_after(db: TestDb) {
    let app = TestApp::start_with(&db, roomy).await;
    for round in 0..6 {
        let anna = app.sign_in(PHONE).await;
        let mut waiting = Vec::new();
        for n in 0..3 {
            waiting.push(with_code(&app, 3 * round + n).await);
        }
        let sign_ins = join_all(waiting.iter().map(|(person, code)| app.say(person, code)));
        let (ended, signed_in) = tokio::join!(app.delete("/api/sessions?scope=all", &anna), sign_ins);
        let revoked = usize::try_from(ended.data()["revoked"].as_u64().unwrap()).unwrap();
        let mut live = Vec::new();
        for (reply, (person, _)) in signed_in.iter().zip(&mut waiting) {
            person.take(reply);
            if app.is_alive(person).await {
                live.push(person.clone());
            }
        }
        assert_eq!(live.len() + revoked, 4);
        assert_eq!(app.count("sessions WHERE revoked_at IS NULL").await, live.len());
        assert_eq!(app.count("trusts WHERE ended_at IS NULL").await, live.len());
        if let Some(person) = live.first() {
            assert_eq!(app.delete("/api/sessions?scope=all", person).await.data()["revoked"], live.len());
        }
    }
    app.finish().await;
}
