//! A conversation with a person in it, over HTTP.

use serde_json::json;

use super::{calls, desk, handed_off, messages, releases, says, start};
use crate::support::db::{TestDb, on_both};

on_both!(
    a_person_answers_and_the_engine_does_not,
    what_two_nodes_hear_at_once_is_done_once,
    a_desk_that_talks_without_end_is_stopped,
);

async fn a_person_answers_and_the_engine_does_not(db: TestDb) {
    let desk = desk().await;
    let app = start(&db, &desk).await;
    let person = handed_off(&app).await;
    app.advance(1);
    app.say(&person, "log me in, my number is +1 415 555 2671").await;
    assert_eq!(app.sms.count(), 0, "nothing is understood");
    assert_eq!(calls(&app, &says("1", &person, "Hello, this is Marta")).await.status, 200);
    let newest = messages(&app, &person).await.remove(0);
    assert_eq!(newest["content"], "Hello, this is Marta");
    assert_eq!(newest["response"]["action"], "handed_off");
    assert_eq!(newest["response"]["data"]["from"], "desk");
    assert_eq!(newest["response"]["context"]["authenticated"], false);

    let mut bye = releases("2", &person);
    bye["text"] = json!("Goodbye!");
    assert_eq!(calls(&app, &bye).await.status, 200);
    let newest = messages(&app, &person).await;
    assert_eq!(
        (&newest[1]["content"], &newest[1]["response"]["data"]["from"]),
        (&json!("Goodbye!"), &json!("desk"))
    );
    assert_eq!(newest[0]["content"], "You're talking with the assistant again.");
    assert_eq!(newest[0]["response"]["action"], "resumed");
    assert_eq!(calls(&app, &says("3", &person, "One more thing")).await.status, 409);
    assert_eq!(app.say(&person, "log in").await.action(), "phone_requested");
    let kinds = app.texts("SELECT kind FROM audit WHERE kind LIKE 'handoff%' ORDER BY at").await;
    assert_eq!(kinds, ["handoff_began", "handoff_ended"]);
    app.finish().await;
}

async fn what_two_nodes_hear_at_once_is_done_once(db: TestDb) {
    let desk = desk().await;
    let app = start(&db, &desk).await;
    let node = app.beside(&db, |config| super::configured(config, &desk)).await;
    let person = handed_off(&app).await;
    let before = messages(&app, &person).await.len();
    let body = says("1", &person, "Hello");
    let both = (0..12).map(|n| calls(if n % 2 == 0 { &app } else { &node }, &body));
    let heard = futures::future::join_all(both).await;
    let first = heard.iter().filter(|reply| reply.data()["repeated"] == false).count();
    assert_eq!((first, messages(&app, &person).await.len()), (1, before + 1));
    node.finish().await;
    app.finish().await;
}

async fn a_desk_that_talks_without_end_is_stopped(db: TestDb) {
    let desk = desk().await;
    let app = start(&db, &desk).await;
    let person = handed_off(&app).await;
    for n in 0..400 {
        assert_eq!(calls(&app, &says(&n.to_string(), &person, "Hello")).await.status, 200);
    }
    let stopped = calls(&app, &says("one-more", &person, "Hello")).await;
    assert_eq!((stopped.status.as_u16(), stopped.error()), (429, "RATE_LIMIT_EXCEEDED"));
    assert_eq!(stopped.headers["retry-after"], "600");
    app.advance(600);
    assert_eq!(calls(&app, &says("one-more", &person, "Hello")).await.status, 200);
    app.finish().await;
}
