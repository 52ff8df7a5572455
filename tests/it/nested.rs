//! An agent that is entered while another waits: it ends by itself, and the other's question still waits.

use std::path::Path;
use std::sync::Arc;

use vestibule::app::Doubles;
use vestibule::clock::MovableClock;
use vestibule::config::Config;
use vestibule::model::Randomness;

use crate::support::app::{PHONE, TestApp, config};
use crate::support::db::{Folder, TestDb, on_both};
use crate::support::graphs::changed_graphs;
use crate::support::samples::at;

on_both!(what_ends_while_another_waits_has_ended, what_waits_keeps_what_it_knows);

const QUIET: &str = "[graph]\nname = \"quiet\"\nversion = 1\nentry = \"say\"\n\n\
                     [node.say]\nsay = \"general.yes\"\naction = \"answered\"\n";

/// An app whose root enters `quiet` where what is named leads on by `asked`.
async fn app(db: &TestDb, after: &str, set: impl FnOnce(&mut Config)) -> (TestApp, Folder) {
    let folder = changed_graphs(|file, text| {
        if file != "orchestrator.toml" {
            return text.to_owned();
        }
        let asked = format!("{after}\non = {{ asked = \"response_agent\"");
        assert!(text.contains(&asked));
        let then = "[node.then]\nagent = \"quiet\"\non = { done = \"response_agent\" }\n";
        text.replace(&asked, &asked.replace("response_agent", "then")) + "\n" + then
    });
    std::fs::write(folder.path().join("quiet.toml"), QUIET).unwrap();
    let mut config = config(db);
    config.graph.folder = Some(folder.path().to_owned());
    set(&mut config);
    let doubles = Doubles { randomness: Some(Randomness::seeded(1)), ..Doubles::default() };
    let clock = Arc::new(MovableClock::fixed(at(0)));
    (TestApp::with_doubles(db, config, doubles, (&clock, &Arc::default())).await, folder)
}

async fn what_ends_while_another_waits_has_ended(db: TestDb) {
    let (app, _folder) = app(&db, "agent = \"authenticator\"", |_| ()).await;
    let person = app.device().await;
    assert_eq!(app.say(&person, "log me in").await.action(), "answered");
    // The question that was asked before it takes the answer.
    assert_eq!(app.say(&person, PHONE).await.action(), "otp_sent");
    app.finish().await;
}

async fn what_waits_keeps_what_it_knows(db: TestDb) {
    let (app, _folder) = app(&db, "resume = true", |config| {
        let agent = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/regraph/before");
        config.graph.agents = vec![agent];
    })
    .await;
    let person = app.device().await;
    for (text, action) in [
        ("I want to send something back", "details_requested"),
        ("AB-12345", "answered"),
        ("broken", "answered"),
        ("yes", "answered"),
    ] {
        assert_eq!(app.say(&person, text).await.action(), action, "{text}");
    }
    let told = app.say(&person, "small").await;
    let said = &told.data()["response"]["data"]["message"];
    assert_eq!(*said, "The return of AB-12345 is registered, in a small box.");
    app.finish().await;
}
