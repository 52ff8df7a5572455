//! What the desk is told, and how often.

use serde_json::json;

use super::{SECRET, calls, desk, handed_off, messages, releases, signature, start, told};
use crate::support::app::{PHONE, TestApp, until};
use crate::support::db::{TestDb, on_both};
use crate::support::site::{Act, Site};

on_both!(
    it_is_told_signed_and_without_a_code_or_a_number,
    it_is_told_again_under_the_same_name_until_it_has_it,
    a_desk_that_cannot_be_told_loses_the_conversation,
    an_answer_that_says_nothing_is_no_message,
    by_text_message_nobody_is_handed_over,
);

fn says(status: u16) -> Act {
    Act::Say(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n"))
}

// SEC-17
async fn it_is_told_signed_and_without_a_code_or_a_number(db: TestDb) {
    let desk = desk().await;
    let app = TestApp::start_with(&db, |config| {
        super::configured(config, &desk);
        config.http.public_url = Some("https://id.example.com".to_owned());
    })
    .await;
    let person = app.sign_in(PHONE).await;
    app.advance(61);
    app.say(&person, "show my whole phone number").await;
    app.say(&person, &app.code()).await;
    app.advance(61);
    assert_eq!(
        app.say(&person, "change my phone number to +1 415 555 2672").await.action(),
        "step_up_required"
    );
    let code = app.code();
    assert_eq!(app.say(&person, "I need to speak to an agent").await.action(), "handed_off");
    let spelt: Vec<String> = code.chars().map(|digit| digit.to_string()).collect();
    for text in [format!("the code is {code}"), spelt.join(" "), "mail me at anna@example.com".to_owned()] {
        assert_eq!(app.say(&person, &text).await.action(), "handed_off");
    }
    let all = told(&app, &desk, 4).await;
    for (came, notice) in &all {
        let header = |name: &str| came.header(name).unwrap().to_owned();
        let request =
            desk.requests().iter().find(|text| text.contains(notice["id"].as_str().unwrap())).cloned();
        let body = request.unwrap().split_once("\r\n\r\n").unwrap().1.to_owned();
        assert_eq!(header("vestibule-signature"), signature(SECRET, &header("vestibule-timestamp"), &body));
        assert_eq!(header("idempotency-key"), notice["id"].as_str().unwrap());
        assert_eq!(notice["conversation"].as_str(), person.conversation.as_deref());
        assert_eq!(notice["replyTo"], "https://id.example.com/webhooks/handoff");
        let said = notice.to_string();
        for secret in [&code, PHONE, "4155552671", "555 2672", "anna@example.com", &spelt.join(" ")] {
            assert!(!said.contains(secret), "{secret}: {said}");
        }
        for token in [&person.device, &person.session] {
            assert!(!said.contains(token.as_deref().unwrap()), "{said}");
        }
    }
    let (_, began) = all.iter().find(|(_, notice)| notice["event"] == "began").unwrap();
    assert_eq!((&began["signedIn"], &began["about"]), (&json!(true), &json!("update_identity")));
    assert_eq!(began["handoff"], began["id"]);
    assert!(began["messages"].as_array().unwrap().len() >= 4, "{began}");
    // What it was is gone once it was told.
    until(async || app.count("outbox WHERE kind = 'handoff' AND destination_sealed IS NOT NULL").await == 0)
        .await;
    app.finish().await;
}

async fn it_is_told_again_under_the_same_name_until_it_has_it(db: TestDb) {
    let desk = Site::start(|before, _| match before {
        0 => says(503),
        1 => Act::Reset,
        2 => says(429),
        _ => says(202),
    })
    .await;
    let app = start(&db, &desk).await;
    handed_off(&app).await;
    for tries in 1..=4 {
        told(&app, &desk, tries).await;
        until(async || app.count("outbox WHERE status IN ('queued', 'sent')").await == 1).await;
        app.advance(10);
    }
    let all = told(&app, &desk, 4).await;
    assert!(all.iter().all(|(_, notice)| *notice == all[0].1), "the same each time");
    assert_eq!(app.texts("SELECT status FROM outbox").await, ["sent"]);
    app.finish().await;
}

async fn a_desk_that_cannot_be_told_loses_the_conversation(db: TestDb) {
    let statuses = [404, 401, 302];
    let desk = Site::start(move |before, _| says(statuses[before])).await;
    let app = start(&db, &desk).await;
    for tried in 1..=statuses.len() {
        let person = handed_off(&app).await;
        until(async || messages(&app, &person).await.len() == 3).await;
        let newest = messages(&app, &person).await.remove(0);
        assert_eq!(newest["response"]["action"], "unavailable");
        assert_eq!(app.say(&person, "hello").await.action(), "answered");
        assert_eq!(desk.requests().len(), tried);
    }
    assert_eq!(app.count("outbox WHERE status = 'failed'").await, statuses.len());
    app.finish().await;
}

async fn an_answer_that_says_nothing_is_no_message(db: TestDb) {
    let desk = desk().await;
    let app = start(&db, &desk).await;
    let person = handed_off(&app).await;
    assert_ne!(app.say(&person, "one").await.data()["result"], "");
    let body = json!({ "prompt": "two", "conversationId": person.conversation, "messageId": "m" });
    for _ in 0..2 {
        let answer = app.turn(&person, body.clone()).await;
        assert_eq!((&answer.data()["result"], answer.action()), (&json!(""), "handed_off"));
    }
    let all = messages(&app, &person).await;
    let roles: Vec<&str> = all.iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant", "user"]);
    assert!(all.iter().all(|message| message["content"] != ""));
    let id = person.conversation.clone().unwrap();
    let shown = app.get(&format!("/api/agent/conversations/{id}"), &person).await;
    assert_eq!(shown.data()["messageCount"], 5);
    // The repeated message was told once; what comes next has the next place.
    calls(&app, &releases("1", &person)).await.data();
    let notices = told(&app, &desk, 3).await;
    let mut places: Vec<i64> = notices.iter().filter_map(|(_, notice)| notice["seq"].as_i64()).collect();
    places.sort_unstable();
    assert_eq!(places, [3, 5]);
    assert_eq!(messages(&app, &person).await.len(), 6);
    app.finish().await;
}

// D34
async fn by_text_message_nobody_is_handed_over(db: TestDb) {
    use vestibule::engine::Inbound;
    use vestibule::model::Phone;

    let desk = desk().await;
    let app = start(&db, &desk).await;
    let said = Inbound {
        provider_id: "SM1".to_owned(),
        from: Phone::parse(PHONE, None).unwrap(),
        text: "talk to a human".to_owned(),
        handled: None,
    };
    let answer = app.app().engine().inbound(said).await.unwrap().unwrap();
    assert!(
        answer.starts_with("I can't hand you over to a person by text message. I can sign you in"),
        "{answer}"
    );
    assert_eq!((desk.requests().len(), app.count("outbox").await), (0, 0));
    app.finish().await;
}
