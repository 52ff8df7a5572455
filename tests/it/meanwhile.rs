//! Two messages at once in one conversation, and what the question that waits says of that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use vestibule::app::Doubles;
use vestibule::bus::{Boundaries, Boundary, Halt};
use vestibule::clock::MovableClock;
use vestibule::model::{Actor, Randomness};

use crate::support::app::{PHONE, Person, Reply, TestApp, config, until};
use crate::support::db::{Folder, TestDb, on_both};
use crate::support::graphs::changed_graphs;
use crate::support::samples::at;

on_both!(
    what_is_said_meanwhile_is_answered_together,
    a_message_is_refused_while_another_is_looked_at,
    without_a_word_of_it_they_are_answered_in_turn,
    somebody_else_is_never_answered_together,
);

/// Holds the next turn before its commit until it is let go.
#[derive(Debug, Default)]
struct Hold {
    on: AtomicBool,
    held: Notify,
    go: Notify,
}

impl Halt for Hold {
    fn at(&self, boundary: Boundary) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if boundary == Boundary::Decided && self.on.swap(false, Ordering::SeqCst) {
                self.held.notify_one();
                self.go.notified().await;
            }
        })
    }
}

/// The product's graphs, with a policy at the question for the number.
fn graphs(policy: Option<&str>) -> Folder {
    changed_graphs(|file, text| match policy.filter(|_| file == "authenticator.toml") {
        Some(policy) => {
            let asks = "[node.ask_phone]\nask = \"phone\"\n";
            assert!(text.contains(asks));
            text.replace(asks, &format!("{asks}meanwhile = \"{policy}\"\n"))
        }
        None => text.to_owned(),
    })
}

async fn app(db: &TestDb, policy: Option<&str>) -> (Arc<TestApp>, Arc<Hold>, Folder) {
    let (folder, hold) = (graphs(policy), Arc::new(Hold::default()));
    let mut config = config(db);
    config.graph.folder = Some(folder.path().to_owned());
    let doubles = Doubles {
        boundaries: Boundaries::with(Arc::clone(&hold) as _),
        randomness: Some(Randomness::seeded(1)),
        ..Doubles::default()
    };
    let clock = Arc::new(MovableClock::fixed(at(0)));
    let app = TestApp::with_doubles(db, config, doubles, (&clock, &Arc::default())).await;
    (Arc::new(app), hold, folder)
}

/// Somebody who is asked for their number.
async fn asked(app: &TestApp) -> Person {
    let mut person = app.device().await;
    let asked = app.say(&person, "log me in").await;
    assert_eq!(asked.action(), "phone_requested");
    person.conversation = asked.data()["conversationId"].as_str().map(str::to_owned);
    person
}

fn said(person: &Person, id: &str, text: &str) -> Value {
    json!({ "prompt": text, "messageId": id, "conversationId": person.conversation })
}

/// A message that is answered while the test goes on.
fn sent(app: &Arc<TestApp>, person: &Person, body: Value) -> JoinHandle<Reply> {
    let (app, person) = (Arc::clone(app), person.clone());
    TaskTracker::new().spawn(async move { app.turn(&person, body).await })
}

/// Waits until a message waits. A look at the store is a look that takes time.
async fn stands_in_line(app: &TestApp) {
    until(async || {
        app.app().store().stale_claims(&Actor::System, at(0), 1).await.unwrap();
        app.app().engine().waiting_messages() == 1
    })
    .await;
}

async fn ended(app: Arc<TestApp>) {
    Arc::into_inner(app).unwrap().finish().await;
}

async fn what_is_said_meanwhile_is_answered_together(db: TestDb) {
    let (app, hold, _graphs) = app(&db, Some("coalesce")).await;
    let anna = asked(&app).await;
    hold.on.store(true, Ordering::SeqCst);
    let (one, two) = (said(&anna, "m1", "my number is"), said(&anna, "m2", PHONE));
    let first = sent(&app, &anna, one.clone());
    hold.held.notified().await;
    let second = sent(&app, &anna, two.clone());
    stands_in_line(&app).await;
    hold.go.notify_one();
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert_eq!((first.action(), second.action()), ("otp_sent", "otp_sent"));
    assert_eq!(first.data()["response"], second.data()["response"]);
    assert_eq!((&first.data()["messageId"], &second.data()["messageId"]), (&json!("m1"), &json!("m2")));
    assert_eq!(app.sms.sent().len(), 1);
    // Each of the two says the same again, and neither does anything.
    for again in [one, two.clone()] {
        assert_eq!(app.turn(&anna, again).await.data()["response"], first.data()["response"]);
    }
    let mut other = two;
    other["prompt"] = json!("+14155552672");
    assert_eq!(app.turn(&anna, other).await.error(), "CONFLICT");
    assert_eq!(app.sms.sent().len(), 1);
    let path = format!("/api/agent/conversations/{}/messages", anna.conversation.as_ref().unwrap());
    let messages = app.get(&path, &anna).await;
    assert_eq!(messages.data()["items"].as_array().unwrap().len(), 4, "{messages:?}");
    ended(app).await;
}

async fn a_message_is_refused_while_another_is_looked_at(db: TestDb) {
    let (app, hold, _graphs) = app(&db, Some("refuse")).await;
    let anna = asked(&app).await;
    hold.on.store(true, Ordering::SeqCst);
    let first = sent(&app, &anna, said(&anna, "m1", PHONE));
    hold.held.notified().await;
    let two = said(&anna, "m2", "cancel");
    let refused = app.turn(&anna, two.clone()).await;
    assert_eq!((refused.status.as_u16(), refused.error()), (409, "CONFLICT"));
    hold.go.notify_one();
    assert_eq!(first.await.unwrap().action(), "otp_sent");
    // Sent again later, it is taken: nothing of it was kept.
    assert_eq!(app.turn(&anna, two).await.action(), "cancelled");
    ended(app).await;
}

async fn without_a_word_of_it_they_are_answered_in_turn(db: TestDb) {
    let (app, hold, _graphs) = app(&db, None).await;
    let anna = asked(&app).await;
    hold.on.store(true, Ordering::SeqCst);
    let first = sent(&app, &anna, said(&anna, "m1", PHONE));
    hold.held.notified().await;
    let second = sent(&app, &anna, said(&anna, "m2", "cancel"));
    stands_in_line(&app).await;
    hold.go.notify_one();
    assert_eq!(first.await.unwrap().action(), "otp_sent");
    assert_eq!(second.await.unwrap().action(), "cancelled");
    ended(app).await;
}

async fn somebody_else_is_never_answered_together(db: TestDb) {
    let (app, hold, _graphs) = app(&db, Some("coalesce")).await;
    let (anna, ben) = (asked(&app).await, asked(&app).await);
    hold.on.store(true, Ordering::SeqCst);
    let first = sent(&app, &anna, said(&anna, "m1", "my number is"));
    hold.held.notified().await;
    // Neither in a conversation of his own nor by naming hers.
    let own = app.turn(&ben, said(&ben, "m2", "+14155552672")).await;
    assert_eq!(own.action(), "otp_sent");
    assert_eq!(app.turn(&ben, said(&anna, "m3", "+14155552672")).await.error(), "NOT_FOUND");
    hold.go.notify_one();
    assert_ne!(first.await.unwrap().action(), "otp_sent");
    assert_eq!(app.sms.sent().len(), 1);
    ended(app).await;
}
