//! Numbers that want no messages.

use super::{ACCOUNT, SMS, form, shown, sid, start, text, text_again};
use crate::support::app::{PHONE, TestApp};
use crate::support::db::{TestDb, on_both};

on_both!(
    a_number_that_wants_no_messages_gets_one_and_then_none,
    what_twilio_answered_is_not_answered_again,
    a_live_code_outlives_a_stop,
    a_code_asked_for_elsewhere_is_not_sent_either,
    words_that_steer_the_conversation_steer_it,
    a_stop_that_is_sent_in_again_undoes_no_start,
);

async fn handled(app: &TestApp, what: &str, body: &str) -> String {
    let sid = sid();
    let params = [
        ("MessageSid", sid.as_str()),
        ("From", PHONE),
        ("Body", body),
        ("OptOutType", what),
        ("AccountSid", ACCOUNT),
    ];
    shown(&form(app, SMS, &params, |request| request).await)
}

async fn a_number_that_wants_no_messages_gets_one_and_then_none(db: TestDb) {
    let app = start(&db).await;
    let told = text(&app, PHONE, " stop ").await;
    assert!(told.contains("no more messages") && told.contains("START"), "{told}");
    for said in ["STOP", "Baja", "hello", "log in", "HELP", "cancel", ""] {
        assert_eq!(text(&app, PHONE, said).await, "", "{said}");
    }
    assert_eq!((app.count("messages").await, app.sms.count()), (0, 0));
    assert_ne!(text(&app, "+14155552672", "hello").await, "");
    let told = text(&app, PHONE, "Start").await;
    assert!(told.contains("again"), "{told}");
    assert_eq!(app.count("opt_outs").await, 0);
    assert!(text(&app, PHONE, "log in").await.starts_with("Verification code sent"));
    // In the language of the word.
    assert!(text(&app, PHONE, "¡Alto!").await.contains("no te enviaremos"));
    app.finish().await;
}

async fn what_twilio_answered_is_not_answered_again(db: TestDb) {
    let app = start(&db).await;
    assert_eq!(handled(&app, "HELP", "HELP").await, "");
    assert_eq!(handled(&app, "STOP", "CANCEL").await, "");
    assert_eq!(app.count("opt_outs").await, 1);
    assert_eq!(text(&app, PHONE, "hello").await, "");
    assert_eq!(handled(&app, "START", "YES").await, "");
    assert_eq!(app.count("opt_outs").await, 0);
    assert!(text(&app, PHONE, "info").await.contains("STOP"));
    assert_eq!(app.count("messages").await, 0);
    app.finish().await;
}

async fn a_live_code_outlives_a_stop(db: TestDb) {
    let app = start(&db).await;
    let anna = app.awaiting_code(PHONE).await;
    text(&app, PHONE, "STOP").await;
    assert_eq!(app.say(&anna, &app.code()).await.action(), "name_requested");
    app.finish().await;
}

async fn a_code_asked_for_elsewhere_is_not_sent_either(db: TestDb) {
    let app = start(&db).await;
    text(&app, PHONE, "STOP").await;
    let anna = app.device().await;
    assert_eq!(app.say(&anna, "log in with +14155552671").await.action(), "otp_not_delivered");
    assert_eq!(app.sms.count(), 0);
    assert_eq!(app.texts("SELECT status || ' ' || error FROM outbox").await, ["failed opted_out"]);
    app.finish().await;
}

async fn words_that_steer_the_conversation_steer_it(db: TestDb) {
    let app = start(&db).await;
    text(&app, PHONE, "log in").await;
    let told = text(&app, PHONE, "CANCEL").await;
    assert!(told.starts_with("All right, I've stopped."), "{told}");
    assert!(!text(&app, PHONE, "YES").await.is_empty());
    assert!(!text(&app, PHONE, "START").await.is_empty());
    assert_eq!(app.count("opt_outs").await, 0);
    app.finish().await;
}

// SEC-37: what was signed once can be sent in again for ever.
async fn a_stop_that_is_sent_in_again_undoes_no_start(db: TestDb) {
    let app = start(&db).await;
    let (stop, begin) = (sid(), sid());
    assert_ne!(text_again(&app, &stop, (PHONE, "STOP")).await, "");
    assert_ne!(text_again(&app, &begin, (PHONE, "START")).await, "");
    assert_eq!(text_again(&app, &stop, (PHONE, "STOP")).await, "");
    assert_eq!(app.count("opt_outs").await, 0);
    text(&app, PHONE, "STOP").await;
    assert_eq!(text_again(&app, &begin, (PHONE, "START")).await, "");
    assert_eq!(app.count("opt_outs").await, 1);
    app.finish().await;
}
