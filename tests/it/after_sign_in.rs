//! What was asked for before a sign-in, and calls an outside agent after it: the answer of the sign-in is told anew once that
//! agent has answered, and the sign-in in it stands.

use std::path::Path;

use serde_json::{Value, json};
use vestibule::worker::Reached;

use crate::calls::{Agents, message, newest, start};
use crate::support::app::{PHONE, Person, Reply, TestApp, until};
use crate::support::db::{Folder, TestDb, on_both};

on_both!(
    the_answer_of_an_outside_agent_joins_the_sign_in_and_keeps_its_session,
    an_answer_that_comes_after_the_sign_in_was_told_changes_nothing_of_it,
);

const WELCOME: &str = "Welcome back! You're now logged in.";
const POINTS: &str = "You have 120 points, Anna Ångström.";

/// An app with an agent that is for whoever is signed in, and asks a shop for their points.
async fn with_points(db: &TestDb) -> (TestApp, std::sync::Arc<Agents>, Folder) {
    let (app, agents, folder) = start(db, |config| {
        let agent = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/agents/loyalty_points");
        config.graph.agents = vec![agent];
        config.graph.addresses = vec!["shop_url=http://127.0.0.1:1".parse().unwrap()];
    })
    .await;
    agents.answer(Reached::Answered { status: 200, body: br#"{"points": 120}"#.to_vec() });
    (app, agents, folder)
}

/// Somebody who has an account asks for their points on another device; gives that device, and the message that signs in.
async fn asks_for_points(app: &TestApp) -> (Person, Value) {
    app.sign_in(PHONE).await;
    let mut laptop = app.device().await;
    app.advance(61);
    let asked = app.say(&laptop, "how many points do I have?").await;
    assert_eq!(asked.action(), "authentication_required");
    laptop.conversation = asked.data()["conversationId"].as_str().map(str::to_owned);
    assert_eq!(app.say(&laptop, PHONE).await.action(), "otp_sent");
    let code = json!({ "prompt": app.code(), "messageId": "m", "conversationId": laptop.conversation });
    (laptop, code)
}

/// Waits until the shop is asked. A look at the store is a look that takes time.
async fn is_asked(app: &TestApp, agents: &Agents) {
    until(async || app.app().store().ping().await.is_ok() && agents.calls() == 1).await;
}

/// The sign-in is in the answer, and in its repeat, with the tokens.
async fn stands(app: &TestApp, (laptop, signs_in): (&mut Person, Value), told: &Reply) {
    let context = &told.data()["response"]["context"];
    assert_eq!(
        (context["login"].as_str(), &context["authenticated"]),
        (Some("login_successful"), &true.into())
    );
    assert!(told.data()["session"]["token"].is_string(), "{}", told.data());
    assert_eq!(app.turn(laptop, signs_in).await.data(), told.data());
    laptop.take(told);
    assert!(app.is_alive(laptop).await);
}

// SEC-55
async fn the_answer_of_an_outside_agent_joins_the_sign_in_and_keeps_its_session(db: TestDb) {
    let (app, agents, _folder) = with_points(&db).await;
    let (mut laptop, signs_in) = asks_for_points(&app).await;
    let let_go = agents.hold();
    let late = async {
        is_asked(&app, &agents).await;
        // The sign-in has been committed, and with it what is said while the shop looks.
        let waits = format!("{WELCOME} I'm looking up your points…");
        assert_eq!(app.count(&format!("messages WHERE content = '{}'", waits.replace('\'', "''"))).await, 1);
        let_go.send(()).unwrap();
    };
    let (told, ()) = tokio::join!(app.turn(&laptop, signs_in.clone()), late);
    assert_eq!(message(&told.data()["response"]), format!("{WELCOME} {POINTS}"));
    stands(&app, (&mut laptop, signs_in), &told).await;
    assert_eq!(newest(&app, &laptop).await, told.data()["response"]);
    assert_eq!(agents.calls(), 1);
    app.finish().await;
}

// SEC-55
async fn an_answer_that_comes_after_the_sign_in_was_told_changes_nothing_of_it(db: TestDb) {
    let (app, agents, _folder) = with_points(&db).await;
    let (mut laptop, signs_in) = asks_for_points(&app).await;
    let let_go = agents.hold();
    let patience = async {
        is_asked(&app, &agents).await;
        app.advance(2);
    };
    let (told, ()) = tokio::join!(app.turn(&laptop, signs_in.clone()), patience);
    assert_eq!(message(&told.data()["response"]), format!("{WELCOME} I'm looking up your points…"));
    let_go.send(()).unwrap();
    until(async || app.count("outbox WHERE kind = 'http' AND status = 'sent'").await == 1).await;
    stands(&app, (&mut laptop, signs_in), &told).await;
    let pushed = newest(&app, &laptop).await;
    assert_eq!((message(&pushed), &pushed["context"]["authenticated"]), (POINTS, &true.into()));
    app.finish().await;
}
