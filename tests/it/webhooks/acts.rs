//! What is done to an account by text message: each act under a code of its own (D34).

use super::{live_sessions, sid, start, text, text_again};
use crate::support::app::{PHONE, Person, TestApp};
use crate::support::db::{TestDb, on_both};

on_both!(
    logging_out_everywhere_needs_a_code_and_a_yes_and_the_next_act_another_code,
    a_sender_without_the_code_gets_nothing,
    a_sign_in_carries_out_nothing_that_was_asked_for_before_it,
    five_sessions_stay_five,
    a_question_is_good_for_its_own_act_alone,
    a_question_lapses,
    leaving_a_question_ends_its_session,
    an_act_without_a_question_ends_with_its_turn,
);

/// Asks for something that needs a code, and gives it.
async fn with_code(app: &TestApp, said: &str) -> String {
    app.advance(61);
    let told = text(app, PHONE, said).await;
    assert!(told.starts_with("You have to log in for that first. Verification code sent"), "{told}");
    text(app, PHONE, &app.code()).await
}

async fn all_alive(app: &TestApp, all: &[Person]) -> bool {
    for one in all {
        if !app.is_alive(one).await {
            return false;
        }
    }
    true
}

async fn logging_out_everywhere_needs_a_code_and_a_yes_and_the_next_act_another_code(db: TestDb) {
    let app = start(&db).await;
    let web = [app.sign_in(PHONE).await, app.sign_in(PHONE).await];
    let asked = with_code(&app, "log out everywhere").await;
    assert!(asked.contains("This logs you out everywhere: on 2 devices. Shall I do that?"), "{asked}");
    assert!(all_alive(&app, &web).await);
    let yes = sid();
    let done = text_again(&app, &yes, (PHONE, "YES")).await;
    assert_eq!(done, "You have been logged out from all devices.");
    assert!(!app.is_alive(&web[0]).await && !app.is_alive(&web[1]).await);
    assert_eq!(live_sessions(&app).await, 0);
    // The same message again is told the same, although nobody speaks for that session any more.
    let sent = app.sms.count();
    assert_eq!(text_again(&app, &yes, (PHONE, "YES")).await, done);
    assert_eq!((app.sms.count(), app.count("inbound_messages").await), (sent, 3));

    app.advance(61);
    let told = text(&app, PHONE, "show my devices").await;
    assert!(told.starts_with("You have to log in for that first."), "{told}");
    let told = text(&app, PHONE, &app.code()).await;
    assert_eq!(told, "Thank you, it's you. You have 2 devices.");
    assert_eq!(live_sessions(&app).await, 0);
    app.finish().await;
}

// D4: whoever can lie about the sender may have asked for an act; the owner's own sign-in must not carry it out.
async fn a_sign_in_carries_out_nothing_that_was_asked_for_before_it(db: TestDb) {
    let app = start(&db).await;
    app.sign_in(PHONE).await;
    app.advance(61);
    let forged = text(&app, PHONE, "change my name to Eve Evil").await;
    assert!(forged.starts_with("You have to log in for that first."), "{forged}");
    app.advance(61);
    text(&app, PHONE, "log in").await;
    let told = text(&app, PHONE, &app.code()).await;
    assert!(!told.contains("Eve"), "{told}");
    assert_eq!(app.texts("SELECT full_name FROM users").await, ["Anna Ångström"]);
    app.finish().await;
}

// SEC-37, D4: whoever can lie about the sender has no code, and uses up nothing but what is the number's.
async fn a_sender_without_the_code_gets_nothing(db: TestDb) {
    let app = start(&db).await;
    let anna = app.sign_in(PHONE).await;
    app.advance(61);
    for said in ["log out everywhere", "000000", "yes", "YES", "show my profile", "delete my account"] {
        let told = text(&app, PHONE, said).await;
        assert!(!told.contains("Anna") && !told.contains("logged out"), "{said}: {told}");
    }
    assert!(app.is_alive(&anna).await);
    assert_eq!(app.count("sessions").await, 1);
    assert_eq!(app.sms.sent().iter().filter(|sent| sent.to != PHONE).count(), 0);
    // Until the number is locked for strangers; her own device is none, and others' numbers are not touched.
    for _ in 0..6 {
        app.advance(61);
        text(&app, PHONE, "resend").await;
        for _ in 0..3 {
            text(&app, PHONE, &app.wrong_code()).await;
        }
    }
    assert!(app.count("audit WHERE kind = 'lock_set'").await > 0);
    assert!(app.is_alive(&anna).await);
    app.advance(61);
    let again = app.sign_in_again(&anna, PHONE).await.1;
    assert_eq!(again.action(), "login_successful");
    app.advance(61);
    let bob = text(&app, "+14155559999", "log in").await;
    assert!(bob.starts_with("Verification code sent"), "{bob}");
    app.finish().await;
}

// D11
async fn five_sessions_stay_five(db: TestDb) {
    let app = start(&db).await;
    let mut web = Vec::new();
    for _ in 0..5 {
        web.push(app.sign_in(PHONE).await);
    }
    assert_eq!(with_code(&app, "show my sessions").await, "Thank you, it's you. You have 5 active sessions.");
    assert!(all_alive(&app, &web).await);
    // One that waits for a yes takes no place either: the sixth device takes the place of the first.
    with_code(&app, "log out everywhere").await;
    assert_eq!(live_sessions(&app).await, 6);
    let sixth = app.sign_in(PHONE).await;
    assert!(!app.is_alive(&web[0]).await && all_alive(&app, &web[1..]).await && app.is_alive(&sixth).await);
    app.finish().await;
}

async fn a_question_is_good_for_its_own_act_alone(db: TestDb) {
    let app = start(&db).await;
    let web = app.sign_in(PHONE).await;
    with_code(&app, "log out everywhere").await;
    assert_eq!(live_sessions(&app).await, 2);
    // What asks for nothing leaves the question as it is; another act is a stranger's, and the question is gone.
    let told = text(&app, PHONE, "what can you do?").await;
    assert!(told.contains("I can sign you in") && !told.contains("logged in"), "{told}");
    assert_eq!(live_sessions(&app).await, 2);
    app.advance(61);
    let told = text(&app, PHONE, "show my profile").await;
    assert!(told.starts_with("You have to log in for that first."), "{told}");
    assert_eq!(live_sessions(&app).await, 1);
    text(&app, PHONE, "yes").await;
    assert!(app.is_alive(&web).await);
    app.finish().await;
}

async fn a_question_lapses(db: TestDb) {
    let app = start(&db).await;
    let web = app.sign_in(PHONE).await;
    with_code(&app, "log out everywhere").await;
    app.advance(600);
    let told = text(&app, PHONE, "yes").await;
    assert!(!told.contains("logged out"), "{told}");
    assert!(app.is_alive(&web).await);
    app.finish().await;
}

async fn leaving_a_question_ends_its_session(db: TestDb) {
    let app = start(&db).await;
    let web = app.sign_in(PHONE).await;
    for leave in ["no", "cancel"] {
        with_code(&app, "log out everywhere").await;
        assert_eq!(live_sessions(&app).await, 2);
        let told = text(&app, PHONE, leave).await;
        assert!(!told.is_empty() && live_sessions(&app).await == 1, "{leave}: {told}");
    }
    assert!(app.is_alive(&web).await);
    app.finish().await;
}

async fn an_act_without_a_question_ends_with_its_turn(db: TestDb) {
    let app = start(&db).await;
    let web = app.sign_in(PHONE).await;
    let told = with_code(&app, "change my name to Berta Berg").await;
    assert_eq!(told, "Thank you, it's you. Name updated to 'Berta Berg'");
    assert_eq!(live_sessions(&app).await, 1);
    assert_eq!(app.texts("SELECT full_name FROM users").await, ["Berta Berg"]);
    assert!(app.is_alive(&web).await);
    // A change of address asks for two codes more, all under the one act.
    let told = with_code(&app, "change my email to berta@example.com").await;
    assert!(told.contains("try again in") || told.contains("A code is on its way"), "{told}");
    assert_eq!(live_sessions(&app).await, 2);
    app.advance(61);
    if !told.contains("A code is on its way") {
        text(&app, PHONE, "resend").await;
    }
    let sent = app.sms.count();
    let told = text(&app, PHONE, &app.code()).await;
    assert!(told.starts_with("A code is on its way to b"), "{told}");
    // Nobody waits for an e-mail.
    app.handed_over(sent + 1).await;
    let told = text(&app, PHONE, &app.code()).await;
    assert!(told.starts_with("Your e-mail address is now"), "{told}");
    app.handed_over(sent + 2).await;
    assert_eq!(live_sessions(&app).await, 1);
    app.finish().await;
}
