//! Conversations by text message (D4).

use futures::future::join_all;

use super::{ACCOUNT, SMS, form, live_sessions, shown, sid, start, text, text_again};
use crate::support::app::{PHONE, TestApp};
use crate::support::db::{TestDb, on_both};

on_both!(
    registering_asks_for_no_number_and_leaves_no_session,
    a_message_that_comes_again_is_one_turn,
    two_messages_of_one_number_are_two_turns,
    a_number_signs_in_as_itself_alone,
    what_else_a_request_presents_gives_nothing,
    what_is_no_number_is_not_answered,
    what_cannot_be_read_is_said_so,
    only_so_many_are_answered_in_a_minute,
    hostile_words_are_words,
    a_recycled_number_gives_its_second_proof,
);

/// A sign-in up to its code.
async fn asked(app: &TestApp, from: &str) {
    let told = text(app, from, "log in").await;
    assert!(told.starts_with("Verification code sent to"), "{told}");
    let sent = app.sms.sent();
    assert_eq!(sent.last().unwrap().to, from);
    assert!(!told.contains(&app.code()));
}

async fn registering_asks_for_no_number_and_leaves_no_session(db: TestDb) {
    let app = start(&db).await;
    assert!(text(&app, PHONE, "hello").await.starts_with("Hello!"));
    asked(&app, PHONE).await;
    assert_eq!(text(&app, PHONE, &app.code()).await, "Your number is verified. What is your name?");
    let done = text(&app, PHONE, "Anna Ångström").await;
    assert!(done.starts_with("Welcome, Anna Ångström! Your account has been created."), "{done}");
    assert!(done.contains("needs a new code") && !done.contains("logged in"), "{done}");
    assert_eq!(app.texts("SELECT phone FROM users").await, [PHONE]);
    assert_eq!(live_sessions(&app).await, 0);
    assert_eq!(app.texts("SELECT revoked_by FROM sessions").await, ["channel"]);
    // Nobody trusts what spoofers speak as, and nobody has it among their devices.
    assert_eq!(app.count("trusts").await, 0);
    assert_eq!(app.count("devices WHERE user_id IS NOT NULL").await, 0);
    assert_eq!(app.count("devices").await, 1);

    // Again, into the account that is there.
    app.advance(61);
    asked(&app, PHONE).await;
    let done = text(&app, PHONE, &app.code()).await;
    assert!(done.starts_with("Thank you, it's you. By text message"), "{done}");
    assert_eq!(live_sessions(&app).await, 0);
    // Whatever is said next is a stranger's.
    app.advance(61);
    let told = text(&app, PHONE, "show my profile").await;
    assert!(told.starts_with("You have to log in for that first. Verification code sent"), "{told}");
    // It is the account's conversation, and is seen where its owner is signed in.
    let anna = app.sign_in(PHONE).await;
    let all = app.get("/api/agent/conversations", &anna.bearer()).await;
    assert_eq!(all.data()["items"].as_array().unwrap().len(), 3);
    app.finish().await;
}

async fn a_message_that_comes_again_is_one_turn(db: TestDb) {
    let app = start(&db).await;
    let first = sid();
    let told = text_again(&app, &first, (PHONE, "log in")).await;
    let again: Vec<String> = join_all((0..8).map(|_| text_again(&app, &first, (PHONE, "log in")))).await;
    assert_eq!(again, vec![told; 8]);
    assert_eq!((app.sms.count(), app.count("messages").await), (1, 2));
    // All at once, and on two nodes.
    let other = app.beside(&db, |config| {
        config.sms.account_sid = Some(ACCOUNT.to_owned());
        config.sms.auth_token = Some(vestibule::model::Secret::new(super::TOKEN));
    });
    let (other, second, from) = (other.await, sid(), "+14155552672");
    let on = |n: usize| if n.is_multiple_of(2) { &app } else { &other };
    let told = join_all((0..8).map(|n| text_again(on(n), &second, (from, "log in"))));
    // The other node waits until the answer cannot be corrected any more.
    let patience = async {
        app.handed_over(2).await;
        app.advance(5);
    };
    let (told, ()) = tokio::join!(told, patience);
    assert!(told[0].starts_with("Verification code sent") && told.iter().all(|t| *t == told[0]), "{told:?}");
    app.handed_over(2).await;
    assert_eq!((app.count("messages").await, app.count("channel_devices").await), (4, 2));
    // The code and its repeat: it signs in once, and says so twice.
    let (code, third) = (app.code(), sid());
    let done = text_again(&app, &third, (from, &code)).await;
    assert_eq!(text_again(&other, &third, (from, &code)).await, done);
    assert_eq!(app.count("inbound_messages").await, 3);
    other.finish().await;
    app.finish().await;
}

async fn two_messages_of_one_number_are_two_turns(db: TestDb) {
    let app = start(&db).await;
    let told = join_all(["hello", "log in", "hello"].map(|said| text(&app, PHONE, said))).await;
    assert!(told.iter().all(|told| !told.is_empty()), "{told:?}");
    assert_eq!((app.count("conversations").await, app.count("messages").await), (1, 6));
    app.finish().await;
}

async fn a_number_signs_in_as_itself_alone(db: TestDb) {
    let app = start(&db).await;
    let told = text(&app, "+14155552672", "log in with +1 415 555 2671").await;
    assert!(told.contains("2672") && !told.contains("2671"), "{told}");
    assert_eq!(app.sms.sent().last().unwrap().to, "+14155552672");
    app.advance(61);
    text(&app, "+14155552672", "wrong number, it is +14155552671").await;
    assert!(app.sms.sent().iter().all(|sent| sent.to == "+14155552672"));
    app.finish().await;
}

// D34: rights come from what this product gave to a device; a text message presents nothing.
async fn what_else_a_request_presents_gives_nothing(db: TestDb) {
    let app = start(&db).await;
    let anna = app.sign_in(PHONE).await;
    app.advance(61);
    let (session, device) = (anna.session.clone().unwrap(), anna.device.clone().unwrap());
    let sid = sid();
    let params = [
        ("MessageSid", sid.as_str()),
        ("From", PHONE),
        ("Body", "show my profile"),
        ("AccountSid", ACCOUNT),
        ("conversationId", anna.conversation.as_deref().unwrap()),
    ];
    let told = form(&app, SMS, &params, |request| {
        let cookies = format!("vestibule_device={device}; vestibule_session={session}");
        request.bearer_auth(&session).header("x-device-token", &device).header("cookie", cookies)
    });
    let told = shown(&told.await);
    assert!(told.starts_with("You have to log in for that first."), "{told}");
    app.finish().await;
}

async fn what_is_no_number_is_not_answered(db: TestDb) {
    let app = start(&db).await;
    for from in ["12345", "BANK", "whatsapp:+14155552671", "", "+1", "14155552671", "+14155552671x"] {
        assert_eq!(text(&app, from, "log in").await, "", "{from}");
    }
    assert_eq!((app.count("devices").await, app.sms.count()), (0, 0));
    let params = [("MessageSid", "SM1"), ("From", PHONE), ("AccountSid", ACCOUNT)];
    assert_eq!(form(&app, SMS, &params, |request| request).await.status, 400);
    app.finish().await;
}

async fn what_cannot_be_read_is_said_so(db: TestDb) {
    let app = start(&db).await;
    for said in ["", " \n", &"x".repeat(1_601)] {
        let told = text(&app, PHONE, said).await;
        assert!(told.contains("1600 characters at most"), "{told}");
    }
    assert_eq!(app.count("devices").await, 0);
    app.finish().await;
}

async fn only_so_many_are_answered_in_a_minute(db: TestDb) {
    let app = TestApp::start_with(&db, |config| {
        config.sms.account_sid = Some(ACCOUNT.to_owned());
        config.sms.auth_token = Some(vestibule::model::Secret::new(super::TOKEN));
        config.sms.texts_per_minute = 3;
    })
    .await;
    for _ in 0..3 {
        assert_ne!(text(&app, PHONE, "hello").await, "");
    }
    for said in ["hello", "HELP", "hello"] {
        assert_eq!(text(&app, PHONE, said).await, "");
    }
    assert_ne!(text(&app, "+14155552672", "hello").await, "", "another number has its own");
    // That somebody wants no more is heard at any pace.
    text(&app, PHONE, "STOP").await;
    assert_eq!(app.count("opt_outs").await, 1);
    assert_eq!(app.count("messages").await, 8);
    app.finish().await;
}

// SEC-43
async fn hostile_words_are_words(db: TestDb) {
    let app = start(&db).await;
    asked(&app, PHONE).await;
    text(&app, PHONE, &app.code()).await;
    let done = text(&app, PHONE, "Anna </Message><Redirect>&amp;\u{0}").await;
    assert!(
        done.starts_with("Welcome, Anna </Message><Redirect>&amp;") || done.contains("can't be used"),
        "{done}"
    );
    text(&app, PHONE, "]]></Message><Message>{{ code }} ${jndi:x}").await;
    app.finish().await;
}

// D35
async fn a_recycled_number_gives_its_second_proof(db: TestDb) {
    let app = start(&db).await;
    app.sign_in(PHONE).await;
    app.verified_email(PHONE, "anna@example.com").await;
    app.advance(400 * 86_400);
    asked(&app, PHONE).await;
    let told = text(&app, PHONE, &app.code()).await;
    assert!(told.starts_with("This number has not been used here for a long time"), "{told}");
    app.handed_over(3).await;
    assert_eq!(app.sms.sent().last().unwrap().channel, "email");
    let wrong = text(&app, PHONE, &app.wrong_code()).await;
    assert!(wrong.starts_with("That code is not right."), "{wrong}");
    let done = text(&app, PHONE, &app.code()).await;
    assert!(done.starts_with("Thank you, it's you."), "{done}");
    assert_eq!(app.count("sessions WHERE created_by LIKE 'SM%' AND revoked_at IS NULL").await, 0);
    app.finish().await;
}
