//! What Twilio is asked, held against its own description.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use vestibule::model::Secret;
use vestibule::sms::twilio::is_signed;
use vestibule::sms::{CodeOutcome, Message, Options, Sms, Sought};

use super::openapi::wrong;
use super::{NUMBER, accepted, message, messages, notice, options, refused, verify};
use crate::support::fake_twilio::{FROM, FakeTwilio, Say, TOKEN};
use crate::support::samples::at;
use crate::support::site::{Act, Site};

const MESSAGING_SERVICE: &str = "MGcccccccccccccccccccccccccccccccc";

/// The requests so far, each of which fits.
fn fitting(twilio: &FakeTwilio) -> Vec<crate::support::fake_twilio::Came> {
    let all = twilio.requests();
    for came in &all {
        assert_eq!(wrong(came), Vec::<String>::new(), "{came:?}");
    }
    all
}

#[tokio::test]
async fn every_request_is_one_that_twilio_describes() {
    let twilio = FakeTwilio::always(Say::Created).await;
    let own = options(&twilio.url);
    let service = Options { from: Some(MESSAGING_SERVICE.to_owned()), ..own.clone() };
    let named = Options { from: Some("MGM Hotels".to_owned()), ..own.clone() };
    for options in [&own, &service, &named] {
        let _ = messages(options).send(&message()).await;
    }
    let _ = verify(&own).send(&message()).await;
    let _ = verify(&own).send(&notice()).await;
    let sid = format!("VE{}", "a".repeat(32));
    verify(&own).feed_back(&sid, CodeOutcome::GivenBack).await;
    verify(&own).feed_back(&sid, CodeOutcome::Void).await;
    let _ = messages(&own).look_up(&Sought { to: message().to, since: at(0), until: at(30) }).await;
    let all = fitting(&twilio);
    assert_eq!(all.len(), 8);
    let from = |n: usize| (all[n].field("From"), all[n].field("MessagingServiceSid"));
    assert_eq!(from(0), (Some(FROM), None));
    assert_eq!(from(1), (None, Some(MESSAGING_SERVICE)));
    assert_eq!(from(2), (Some("MGM Hotels"), None));
    assert_eq!((all[4].field("Body"), all[4].field("CustomCode")), (Some("Your number was changed."), None));
    assert_eq!((all[5].field("Status"), all[6].field("Status")), (Some("approved"), Some("canceled")));
    assert!(all[5].path.ends_with(&sid));
}

#[tokio::test]
async fn a_message_says_what_it_is_worth_and_where_to_report() {
    let twilio = FakeTwilio::always(Say::Created).await;
    assert_eq!(messages(&options(&twilio.url)).send(&message()).await, accepted(&FakeTwilio::sid(0)));
    let sent = fitting(&twilio).remove(0);
    assert_eq!(sent.field("To"), Some(NUMBER));
    assert_eq!(sent.field("Body"), Some(message().text.expose()));
    assert_eq!(sent.field("ValidityPeriod"), Some("600"));
    assert_eq!(
        (sent.field("ContentRetention"), sent.field("AddressRetention")),
        (Some("discard"), Some("obfuscate"))
    );
    let callback = format!("https://id.example.com/webhooks/twilio/status?effect={}", message().effect);
    assert_eq!(sent.field("StatusCallback"), Some(callback.as_str()));
    assert_eq!(sent.header("content-type"), Some("application/x-www-form-urlencoded"));
}

#[tokio::test]
async fn verify_gets_the_code_and_the_letters_that_the_chat_shows() {
    let twilio = FakeTwilio::always(Say::Created).await;
    let message = Message { language: "es".to_owned(), ..message() };
    assert_eq!(verify(&options(&twilio.url)).send(&message).await, accepted(&format!("VE{:032x}", 0)));
    let sent = fitting(&twilio).remove(0);
    let fields = ["To", "Channel", "CustomCode", "CustomFriendlyName", "Locale"].map(|name| sent.field(name));
    assert_eq!(fields, [Some(NUMBER), Some("sms"), Some("326213"), Some("Vestibule JW"), Some("es")]);
}

#[tokio::test]
async fn a_message_never_outlives_its_code() {
    let twilio = FakeTwilio::always(Say::Created).await;
    let options = options(&twilio.url);
    for (left_ms, validity) in [
        (-1, None),
        (0, None),
        (999, None),
        (1_000, Some("1")),
        (1_999, Some("1")),
        (600_000, Some("600")),
        (36_000_000, Some("36000")),
        (36_001_000, Some("36000")),
    ] {
        let before = twilio.requests().len();
        let message = Message { not_after: at(0) + SignedDuration::from_millis(left_ms), ..message() };
        let verdict = messages(&options).send(&message).await;
        let new = twilio.requests().split_off(before);
        assert_eq!(new.first().and_then(|came| came.field("ValidityPeriod")), validity, "{left_ms}");
        assert_eq!(verdict == refused("expired"), validity.is_none(), "{left_ms}");
    }
    let late = Message { not_after: at(0), ..message() };
    let before = twilio.requests().len();
    assert_eq!(verify(&options).send(&late).await, refused("expired"));
    assert_eq!(twilio.requests().len(), before);
}

#[tokio::test]
async fn whoever_asks_proves_it_by_the_key_before_the_token() {
    let twilio = FakeTwilio::always(Say::Created).await;
    let own = options(&twilio.url);
    let key = Options {
        api_key: Some("SKdddddddddddddddddddddddddddddddd".to_owned()),
        api_secret: Some(Secret::new("the-key-s-secret")),
        ..own.clone()
    };
    for options in [&own, &key] {
        let _ = messages(options).send(&message()).await;
    }
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let wanted = [
        basic(&format!("{}:{TOKEN}", own.account_sid.as_ref().unwrap())),
        basic("SKdddddddddddddddddddddddddddddddd:the-key-s-secret"),
    ];
    let given = twilio.requests();
    assert_eq!(given.iter().map(|came| came.header("authorization").unwrap()).collect::<Vec<_>>(), wanted);
    let shown = format!("{own:?} {:?} {:?}", messages(&own), verify(&key));
    for secret in [TOKEN, "the-key-s-secret", wanted[0].as_str(), wanted[1].as_str()] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

// SEC-43
#[tokio::test]
async fn what_a_text_holds_adds_no_field_and_no_recipient() {
    let twilio = FakeTwilio::always(Say::Created).await;
    let text = "a&To=+15005550006&MediaUrl=https://evil.example%0d%0aTo: x\r\n\r\nTo=1;+é😀";
    let message = Message { text: Secret::new(text), ..message() };
    let _ = messages(&options(&twilio.url)).send(&message).await;
    let all = fitting(&twilio);
    assert_eq!((all.len(), all[0].field("To"), all[0].field("Body")), (1, Some(NUMBER), Some(text)));
}

#[tokio::test]
async fn what_is_no_code_needs_a_number_to_come_from() {
    let twilio = FakeTwilio::always(Say::Created).await;
    assert!(
        verify(&options(&twilio.url)).wants_feedback() && !messages(&options(&twilio.url)).wants_feedback()
    );
    let options = Options { from: None, ..options(&twilio.url) };
    assert_eq!(verify(&options).send(&notice()).await, refused("no_sender"));
    assert_eq!(twilio.requests().len(), 0);
    assert_eq!(verify(&options).send(&message()).await, accepted(&format!("VE{:032x}", 0)));
}

// SEC-39
#[tokio::test]
async fn telling_verify_how_a_code_was_used_never_fails() {
    let sid = format!("VE{}", "a".repeat(32));
    for say in [
        Say::Error(404, 20404),
        Say::Error(401, 20003),
        Say::Error(500, 20500),
        Say::Reset,
        Say::Half,
        Say::Body(200, "no JSON".to_owned()),
    ] {
        let twilio = FakeTwilio::always(say).await;
        let verify = verify(&options(&twilio.url));
        verify.feed_back(&sid, CodeOutcome::GivenBack).await;
        assert_eq!(twilio.requests().len(), 1);
        for other in ["", "SM1", "VE/../../x", "VE?x", "VE#", "VE%2e%2e", "VE a"] {
            verify.feed_back(other, CodeOutcome::Void).await;
        }
        assert_eq!(twilio.requests().len(), 1, "what is no verification is told of nowhere");
    }
}

#[tokio::test]
async fn what_the_stand_in_reports_is_signed_as_twilio_signs() {
    let site = Site::start(|_, _| Act::Say("HTTP/1.1 204 X\r\ncontent-length: 0\r\n\r\n".to_owned())).await;
    let url = site.url("/webhooks/twilio/status?effect=eff_1");
    let params = [("MessageStatus", "delivered"), ("MessageSid", "SM1"), ("AccountSid", "AC1")];
    assert_eq!(FakeTwilio::report(&url, &params).await, 204);
    let came = crate::support::fake_twilio::Came::parse(&site.requests()[0]);
    let signature = came.header("x-twilio-signature").unwrap();
    assert!(is_signed(&Secret::new(TOKEN), &url, &came.form, None, signature));
    assert!(!is_signed(&Secret::new(TOKEN), &url, &came.form[1..], None, signature));
}
