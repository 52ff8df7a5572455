//! What is several requests, and what only looks so.

use super::idle;
use crate::model::{Route, SessionAction, SubIntent, Understanding};

/// What a message asks for, in short.
fn asks(understood: &Understanding) -> String {
    let of = |understood: &Understanding| {
        let entities = &understood.entities;
        let what = match &understood.route {
            Route::User(SubIntent::ManageSessions) => entities.action.map(|action| match action {
                SessionAction::View => "sessions",
                SessionAction::Devices => "devices",
                SessionAction::Revoke => "log out",
                SessionAction::Rename => "rename",
            }),
            Route::User(SubIntent::UpdateIdentity) => {
                entities.field.as_deref().or(entities.action.map(|_| "profile"))
            }
            Route::User(SubIntent::MigrateIdentity) => Some("move"),
            Route::User(SubIntent::Authenticate) => Some("log in"),
            Route::Agent(_) | Route::General | Route::OutOfScope => None,
        };
        what.unwrap_or("?").to_owned()
    };
    understood.requests.iter().map(of).collect::<Vec<_>>().join(", ")
}

#[test]
fn requests_that_stand_by_themselves_are_several() {
    for (text, wanted) in [
        ("change my name to Ada Lovelace and log out my other devices", "name, log out"),
        ("log me in and show my sessions", "log in, sessions"),
        ("Show my sessions. Then change my name to Ada.", "sessions, name"),
        ("show my devices, then rename this device to Office", "devices, rename"),
        ("log out everywhere else and then show me my sessions", "log out, sessions"),
        ("show my profile; sign out my other devices; show my devices", "profile, log out, devices"),
        ("please change my email to ada@example.com, and also show my sessions", "email, sessions"),
        ("cambia mi nombre a Lucía y muéstrame mis sesiones", "name, sessions"),
        ("muestra mis dispositivos y luego cierra todas las demás sesiones", "devices, log out"),
    ] {
        let understood = idle(text);
        assert_eq!(asks(&understood), wanted, "{text:?}: {understood:#?}");
        assert!(understood.requests.iter().all(|part| part.requests.is_empty() && !part.unclear), "{text:?}");
    }
}

#[test]
fn what_needs_the_rest_of_the_message_is_one_request() {
    for text in [
        "log out my laptop and my phone",
        "log out my laptop and my tablet",
        "change my name to Ada and my email to ada@example.com",
        "change my name to Romeo and Juliet",
        "log me in and move my cart to my account",
        "don't log me out, just show my sessions",
        "how do I change my name and log out?",
        "he said show my sessions and log out everywhere",
        "I want to log in, my number is +1 415 555 2671",
        "log in and then",
        "and and and",
        "what's the weather and what's the news?",
        "show my sessions and the weather in Paris",
        "my name is Ada and I live in London",
        "if I log out and come back later, is my cart still there?",
    ] {
        let understood = idle(text);
        assert!(understood.requests.is_empty(), "{text:?}: {}", asks(&understood));
    }
}

#[test]
fn many_joints_cost_no_more_than_a_few() {
    let text = "show my sessions and ".repeat(200);
    assert!(idle(&text).requests.is_empty());
    assert!(
        idle("show my sessions and show my devices and log me in and show my profile and log out")
            .requests
            .len()
            <= 3
    );
}
