//! What attackers do, each attack as a test of its own over HTTP, named by the line of the security list it answers.

mod backdoor;
mod binding;
mod budgets;
mod clocks;
mod codes;
mod contacts;
mod counters;
mod enumeration;
mod lockout;
mod pumping;

use futures::future::join_all;
use serde_json::json;

use crate::support::app::{Person, Reply, TestApp};
use crate::support::db::TestDb;

/// So many messages at once, each with a name of its own, dealt out to the nodes in turn.
async fn at_once(
    nodes: &[&TestApp],
    person: &Person,
    many: usize,
    text: impl Fn(usize) -> String,
) -> Vec<Reply> {
    let turns = nodes.iter().cycle().take(many).enumerate().map(|(n, node)| {
        let body = json!({
            "prompt": text(n), "messageId": format!("try-{n}"), "conversationId": person.conversation.clone(),
        });
        node.turn(person, body)
    });
    join_all(turns).await
}

/// A second node where the database is for more than one; on a file the app itself stands for both.
async fn second_node(app: &TestApp, db: &TestDb) -> Option<TestApp> {
    match db.file {
        Some(_) => None,
        None => Some(TestApp::restart(db, &app.clock, &app.sms, 2).await),
    }
}

/// The same app after its process ended.
async fn restarted(app: TestApp, db: &TestDb, seed: u64) -> TestApp {
    let (clock, sms) = (app.clock.clone(), app.sms.clone());
    app.finish().await;
    TestApp::restart(db, &clock, &sms, seed).await
}

/// Somebody on a new device who is asked for a number.
async fn asked_for_a_number(app: &TestApp) -> Person {
    let mut person = app.device().await;
    let asked = app.say(&person, "log in").await;
    assert_eq!(asked.action(), "phone_requested");
    person.conversation = asked.data()["conversationId"].as_str().map(str::to_owned);
    person
}

/// Some guess that is none of these codes.
fn wrong(codes: &[String], n: usize) -> String {
    let mut guesses = (0..100).map(|k| format!("{:06}", (n + k * 7_919) % 1_000_000));
    guesses.find(|guess| !codes.contains(guess)).unwrap()
}

/// Tries that were charged, over everything.
async fn charged(app: &TestApp) -> usize {
    app.count("charges").await
}

/// Logs out and goes on with the device's token alone, in a conversation of its own.
async fn logged_out(app: &TestApp, person: &Person) -> Person {
    assert_eq!(app.post("/api/auth/logout", person, json!({})).await.status, 200);
    Person { conversation: None, ..person.anonymous() }
}
