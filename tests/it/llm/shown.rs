//! What a provider is shown: never a code, a number, an address or a token, in words or in digits (SEC-15, SEC-17).

use serde_json::json;

use crate::support::app::{PHONE, TestApp};
use crate::support::db::{TestDb, on_both};
use crate::support::fake_model::{FakeModel, Reaction};

on_both!(a_provider_sees_marks_and_no_secret, a_window_of_earlier_messages_is_redacted_too);

async fn a_provider_sees_marks_and_no_secret(db: TestDb) {
    let server = FakeModel::start(|_, _| Reaction::classifies("out_of_scope", 0.9, &json!({}))).await;
    // Every message is shown to the model, even those that a rule would take.
    let app = super::app(&db, &server.url, |c| {
        c.classify.tiers = vec![vestibule::model::Tier::Llm];
    })
    .await;
    let person = app.device().await;
    for text in [
        "log me in, I'm at +1 (415) 555-2671 thanks",
        "my mail is anna.canary@example.com",
        "the thing is ses_7h3k2m9q8w5e1r4t6y0u3i7o2p9a8s",
        "why would OPENAI_API_KEY be in a chat",
        "my pin is four eight one five one six, take it",
    ] {
        app.say(&person, text).await.data();
    }
    app.advance(61);
    let awaiting = app.say(&person, PHONE).await;
    let code = app.code();
    let spaced = format!("{} {} {}", &code[..2], &code[2..4], &code[4..]);
    app.say(&person, &format!("it should be {spaced}, I hope")).await.data();
    app.say(&person, "no wait").await.data();
    drop(awaiting);
    let shown: String = server.requests().iter().map(ToString::to_string).collect();
    for secret in
        ["5552671", "555-2671", "canary", "7h3k2m9q", "OPENAI_API_KEY", "four eight one", &code, &spaced]
    {
        assert!(!shown.contains(secret), "{secret} was shown");
    }
    for mark in ["<PHONE_1>", "<EMAIL_1>", "<SECRET_1>"] {
        assert!(shown.contains(mark), "{mark}: {shown}");
    }
    app.finish().await;
}

async fn a_window_of_earlier_messages_is_redacted_too(db: TestDb) {
    let server = FakeModel::start(|_, _| Reaction::classifies("general", 0.9, &json!({}))).await;
    let with_window = |n| {
        let url = server.url.clone();
        let db = &db;
        async move {
            super::app(db, &url, |c| {
                c.classify.window = n;
                c.classify.tiers = vec![vestibule::model::Tier::Llm];
            })
            .await
        }
    };
    let said = ["purple anna.canary@example.com dishwasher", "blue monkey teapot of some kind"];
    let none: TestApp = with_window(0).await;
    let person = none.device().await;
    for text in said {
        none.say(&person, text).await.data();
    }
    none.finish().await;
    let last = last_asked(&server);
    assert!(last.contains("\"earlier\":[]"), "{last}");

    let two: TestApp = with_window(2).await;
    let person = two.device().await;
    for text in said {
        two.say(&person, text).await.data();
    }
    two.finish().await;
    let last = last_asked(&server);
    assert!(last.contains("user: purple") && last.contains("assistant: "), "{last}");
    assert!(!last.contains("canary"), "{last}");
}

/// What the model was told with the last message it was to classify.
fn last_asked(server: &FakeModel) -> String {
    let asked = server.requests().into_iter().rfind(|body| body.get("response_format").is_some());
    asked.unwrap()["messages"][1]["content"].as_str().unwrap().to_owned()
}
