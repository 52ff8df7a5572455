//! What each answer of Twilio's comes to. Whatever it is, one request left.

use vestibule::model::DeliveryStatus;
use vestibule::sms::{Reason, Sms, reason, twilio};

use super::{accepted, later, messages, options, refused, sent, unknown, verify};
use crate::support::fake_twilio::{FakeTwilio, Say};

/// The statuses and codes of messages and of Verify, and whether the message is refused for good.
const REFUSED: &[(u16, u32, Reason)] = &[
    (400, 21211, Reason::BadNumber),
    (400, 21214, Reason::BadNumber),
    (400, 21265, Reason::BadNumber),
    (400, 21408, Reason::NotServed),
    (400, 21610, Reason::OptedOut),
    (400, 21612, Reason::NotServed),
    (400, 21614, Reason::Landline),
    (400, 21635, Reason::Landline),
    (400, 60200, Reason::BadNumber),
    (400, 60205, Reason::Landline),
    (403, 60238, Reason::Blocked),
    (403, 60410, Reason::Blocked),
    (403, 60605, Reason::NotServed),
    // What the operator has to mend
    (401, 20003, Reason::Misconfigured),
    (403, 20003, Reason::Misconfigured),
    (404, 20404, Reason::Misconfigured),
    (400, 21212, Reason::Misconfigured),
    (400, 21606, Reason::Misconfigured),
    (400, 21608, Reason::Misconfigured),
    (400, 60204, Reason::Misconfigured),
    // Not in the table
    (400, 21999, Reason::Provider),
    (422, 99_999, Reason::Provider),
];

async fn of_both(say: Say) -> [(vestibule::model::Verdict, usize); 2] {
    let fake = FakeTwilio::always(say.clone()).await;
    let by_messages = sent(&messages(&options(&fake.url)) as &dyn Sms, &fake).await;
    let fake = FakeTwilio::always(say).await;
    [by_messages, sent(&verify(&options(&fake.url)) as &dyn Sms, &fake).await]
}

// SEC-38
#[tokio::test]
async fn what_will_never_go_is_refused_with_its_reason() {
    for &(status, number, wanted) in REFUSED {
        let code = twilio::code(number);
        for got in of_both(Say::Error(status, number)).await {
            assert_eq!(got, (refused(&code), 1), "{status} {number}");
        }
        assert_eq!(reason(&code), wanted, "{number}");
    }
}

// SEC-38
#[tokio::test]
async fn what_may_go_later_says_when() {
    for (say, code, seconds) in [
        (Say::Error(429, 20429), "twilio_20429", None),
        (Say::Wait(429, 20429, "17".to_owned()), "twilio_20429", Some(17)),
        // The tests' clock stands at this moment.
        (Say::Wait(429, 20429, http_date(42)), "twilio_20429", Some(42)),
        (Say::Wait(429, 20429, http_date(-42)), "twilio_20429", Some(0)),
        (Say::Wait(429, 20429, "86400".to_owned()), "twilio_20429", Some(3_600)),
        (Say::Wait(429, 20429, "soon".to_owned()), "twilio_20429", None),
        (Say::Error(400, 21611), "twilio_21611", None),
        (Say::Error(429, 60203), "twilio_60203", None),
        (Say::Error(429, 60207), "twilio_60207", None),
        (Say::Error(429, 60212), "twilio_60212", None),
        (Say::Body(429, "<html>slow down</html>".to_owned()), "twilio_http_429", None),
    ] {
        for got in of_both(say.clone()).await {
            assert_eq!(got, (later(code, seconds), 1), "{say:?}");
        }
    }
}

fn http_date(seconds: i64) -> String {
    crate::support::samples::at(seconds).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

// SEC-38
#[tokio::test]
async fn what_nobody_can_tell_is_told_as_that_and_not_sent_again() {
    let body = |status, body: &str| Say::Body(status, body.to_owned());
    for (say, code) in [
        (Say::Error(500, 20500), "twilio_20500"),
        (Say::Error(503, 20503), "twilio_20503"),
        (Say::Wait(503, 20503, "1".to_owned()), "twilio_20503"),
        (body(502, "<html>bad gateway</html>"), "twilio_http_502"),
        (body(408, ""), "twilio_http_408"),
        (body(500, r#"{"code": 21610}"#), "twilio_21610"),
        (body(201, ""), "unreadable"),
        (body(201, "<html>welcome</html>"), "unreadable"),
        (body(201, "[]"), "unreadable"),
        (body(201, r#"{"status": "queued"}"#), "unreadable"),
        (body(201, r#"{"sid": ""}"#), "unreadable"),
        (body(201, r#"{"sid": 7}"#), "unreadable"),
        (body(201, r#"{"sid": "SM1/../.."}"#), "unreadable"),
        (Say::Half, "cut_off"),
        (Say::Reset, "cut_off"),
    ] {
        for got in of_both(say.clone()).await {
            assert_eq!(got, (unknown(code), 1), "{say:?}");
        }
    }
}

#[tokio::test]
async fn statuses_without_a_code_are_judged_by_their_class() {
    for status in [400, 401, 403, 404, 405, 409, 410, 413, 422, 302] {
        for body in
            ["", "<html>no</html>", "{\"code\": \"21610\"}", "{\"code\": -1}", "{\"code\": 99999999999}"]
        {
            let fake = FakeTwilio::always(Say::Body(status, body.to_owned())).await;
            let got = sent(&messages(&options(&fake.url)), &fake).await;
            assert_eq!(got, (refused(&format!("twilio_http_{status}")), 1), "{status} {body}");
        }
    }
    // A redirect is followed nowhere, and whoever redirects is not Twilio.
    let other = FakeTwilio::always(Say::Created).await;
    let fake = FakeTwilio::always(Say::Redirect(format!("{}/x", other.url))).await;
    assert_eq!(sent(&messages(&options(&fake.url)), &fake).await, (refused("twilio_http_307"), 1));
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test]
async fn what_was_taken_is_accepted_whatever_else_the_answer_holds() {
    let body = |body: &str| Say::Body(201, body.to_owned());
    for (say, wanted) in [
        (body(r#"{"sid": "SM1", "status": "queued", "error_code": null, "x": {"y": [1]}}"#), accepted("SM1")),
        (body(r#"{"sid": "SM1", "status": "teleported"}"#), accepted("SM1")),
        (body(r#"{"sid": "SM1", "status": 7, "error_code": "x"}"#), accepted("SM1")),
        (body(r#"{"sid": "SM1", "status": "failed"}"#), accepted("SM1")),
        (body(r#"{"sid": "SM1", "status": "failed", "error_code": 30006}"#), refused("twilio_30006")),
    ] {
        let fake = FakeTwilio::always(say.clone()).await;
        assert_eq!(sent(&messages(&options(&fake.url)), &fake).await, (wanted, 1), "{say:?}");
    }
    // Twilio has no key that would make two requests one message.
    let fake = FakeTwilio::always(Say::Created).await;
    let sender = messages(&options(&fake.url));
    assert_eq!(sent(&sender, &fake).await, (accepted(&FakeTwilio::sid(0)), 1));
    assert_eq!(sent(&sender, &fake).await, (accepted(&FakeTwilio::sid(1)), 2));
    assert_eq!(fake.requests()[0].form, fake.requests()[1].form);
}

#[test]
fn twilios_words_are_read_and_new_ones_are_no_error() {
    for (word, status) in [
        ("queued", Some(DeliveryStatus::Accepted)),
        ("accepted", Some(DeliveryStatus::Accepted)),
        ("scheduled", Some(DeliveryStatus::Accepted)),
        ("sending", Some(DeliveryStatus::Sending)),
        ("sent", Some(DeliveryStatus::Sent)),
        ("delivered", Some(DeliveryStatus::Delivered)),
        ("read", Some(DeliveryStatus::Delivered)),
        ("undelivered", Some(DeliveryStatus::Undelivered)),
        ("failed", Some(DeliveryStatus::Failed)),
        ("canceled", Some(DeliveryStatus::Failed)),
        ("receiving", None),
        ("received", None),
        ("Delivered", None),
        ("teleported", None),
        ("", None),
    ] {
        assert_eq!(twilio::status(word), status, "{word}");
    }
}
