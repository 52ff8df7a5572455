//! `vestibule handoff`, by the real binary.

use super::{SECRET, desk, handed_off, messages, start, told};
use crate::support::app::TestApp;
use crate::support::db::{Folder, TestDb, on_both};
use crate::support::server::{command, with_store};
use crate::support::site::Site;

on_both!(an_operator_gives_a_conversation_back);

/// Runs the command; gives its exit code and both outputs.
async fn handoff(db: &TestDb, desk: &Site, arguments: &[&str]) -> (Option<i32>, String) {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    let all: Vec<&str> = std::iter::once("handoff").chain(arguments.iter().copied()).collect();
    let mut command = command(folder.path(), &all);
    with_store(&mut command, &db.options);
    command.env("VESTIBULE__HANDOFF__URL", desk.url("/desk")).env("VESTIBULE__HANDOFF__SECRET", SECRET);
    // The key of the test's app.
    command.env("VESTIBULE__CRYPTO__KEY", "dGhlIHRlc3RzJyBvd24ga2V5LCAzMiBieXRlcyBsb25nIQ==");
    let output = command.output().await.unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.code(), text)
}

/// From the tests' beginning of time to now.
#[expect(clippy::disallowed_methods, reason = "the command asks the system for the time")]
fn lag(app: &TestApp) -> jiff::SignedDuration {
    jiff::Timestamp::now().duration_since(vestibule::model::Clock::now(&*app.clock))
}

async fn an_operator_gives_a_conversation_back(db: TestDb) {
    let desk = desk().await;
    let app = start(&db, &desk).await;
    app.clock.set_offset(lag(&app));
    let person = handed_off(&app).await;
    let id = person.conversation.clone().unwrap();
    told(&app, &desk, 1).await;
    let (code, listed) = handoff(&db, &desk, &["list"]).await;
    assert_eq!((code, listed.contains(&format!("| {id} | "))), (Some(0), true), "{listed}");

    let (code, released) = handoff(&db, &desk, &["release", &id]).await;
    assert_eq!((code, released.contains("the assistant answers again")), (Some(0), true), "{released}");
    let newest = messages(&app, &person).await.remove(0);
    assert_eq!(newest["content"], "You're talking with the assistant again.");
    // Where the command's own worker has not told the desk, the server's does, as it looks for what is left behind.
    app.advance(120);
    let (_, notice) = told(&app, &desk, 2).await.remove(1);
    assert_eq!((notice["event"].as_str(), notice["by"].as_str()), (Some("released"), Some("operator")));
    assert_eq!(app.say(&person, "log in").await.action(), "phone_requested");

    let (code, none) = handoff(&db, &desk, &["list"]).await;
    assert_eq!((code, none.contains("No conversation is handed off.")), (Some(0), true), "{none}");
    for (id, what) in [
        (id.as_str(), "is not handed off"),
        ("cnv_01m9k2v7q8w3x5y6z7a8b9c0d1", "there is no conversation"),
        ("x", "`vestibule handoff list` shows"),
    ] {
        let (code, told) = handoff(&db, &desk, &["release", id]).await;
        assert_eq!((code, told.contains(what)), (Some(1), true), "{told}");
    }
    app.finish().await;
}
