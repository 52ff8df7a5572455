//! An agent that is entered while another waits: it ends by itself, and the other's question still waits.

use std::sync::Arc;

use vestibule::app::Doubles;
use vestibule::clock::MovableClock;
use vestibule::model::Randomness;

use crate::support::app::{PHONE, TestApp, config};
use crate::support::db::{TestDb, on_both};
use crate::support::graphs::changed_graphs;
use crate::support::samples::at;

on_both!(what_ends_while_another_waits_has_ended);

const QUIET: &str = "[graph]\nname = \"quiet\"\nversion = 1\nentry = \"say\"\n\n\
                     [node.say]\nsay = \"general.yes\"\naction = \"answered\"\n";

async fn what_ends_while_another_waits_has_ended(db: TestDb) {
    let folder = changed_graphs(|file, text| {
        if file != "orchestrator.toml" {
            return text.to_owned();
        }
        let signs_in = "[node.authenticator]\nagent = \"authenticator\"\non = { asked = \"response_agent\"";
        assert!(text.contains(signs_in));
        let then = "[node.then]\nagent = \"quiet\"\non = { done = \"response_agent\" }\n";
        text.replace(signs_in, &signs_in.replace("response_agent", "then")) + "\n" + then
    });
    std::fs::write(folder.path().join("quiet.toml"), QUIET).unwrap();
    let mut config = config(&db);
    config.graph.folder = Some(folder.path().to_owned());
    let doubles = Doubles { randomness: Some(Randomness::seeded(1)), ..Doubles::default() };
    let clock = Arc::new(MovableClock::fixed(at(0)));
    let app = TestApp::with_doubles(&db, config, doubles, (&clock, &Arc::default())).await;
    let person = app.device().await;
    assert_eq!(app.say(&person, "log me in").await.action(), "answered");
    // The question that was asked before it takes the answer.
    assert_eq!(app.say(&person, PHONE).await.action(), "otp_sent");
    app.finish().await;
}
