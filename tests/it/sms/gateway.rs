//! A gateway of one's own: what it gets, how it can check that, and what its answers come to.

use hmac::{Hmac, KeyInit, Mac};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sha2::Sha256;
use vestibule::model::{Secret, Verdict};
use vestibule::sms::{Gateway, Message, Options, Sms, reason};

use super::{NUMBER, accepted, clock, later, message, options, outside, refused, unknown};
use crate::support::fake_twilio::Came;
use crate::support::samples::at;
use crate::support::site::{Act, Site};

const SECRET: &str = "a secret of more than sixteen characters";

fn gateway(url: &str, change: impl FnOnce(&mut Options)) -> Gateway {
    let mut options = Options {
        gateway_url: Some(Secret::new(url)),
        gateway_secret: Some(Secret::new(SECRET)),
        ..options("https://api.twilio.com")
    };
    change(&mut options);
    let (fetch, clock) = outside(&clock());
    Gateway::new(&options, (&fetch, &clock)).unwrap()
}

fn says(status: u16, headers: &str, body: &str) -> Act {
    Act::Say(format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()))
}

async fn verdict(act: Act) -> Verdict {
    let site = Site::start(move |_, _| act.clone()).await;
    let verdict = gateway(&site.url("/sms"), |_| {}).send(&message()).await;
    assert_eq!(site.requests().len(), 1, "one message is one request");
    verdict
}

#[tokio::test]
async fn it_gets_the_message_signed() {
    let site = Site::start(|_, _| says(202, "", r#"{"id": "out-7"}"#)).await;
    let gateway = gateway(&site.url("/sms?tenant=7"), |_| {});
    assert_eq!(gateway.send(&message()).await, accepted("out-7"));
    let request = site.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /sms?tenant=7 HTTP/1.1\r\n"), "{head}");
    let came = Came::parse(&request);
    let effect = message().effect;
    assert_eq!(
        serde_json::from_str::<Value>(body).unwrap(),
        json!({
            "id": effect.as_str(), "to": NUMBER, "text": message().text.expose(),
            "notAfter": (at(0) + SignedDuration::from_mins(10)).to_string(),
        })
    );
    assert_eq!(came.header("content-type"), Some("application/json"));
    assert_eq!(came.header("idempotency-key"), Some(effect.as_str()));
    let timestamp = came.header("vestibule-timestamp").unwrap();
    assert_eq!(timestamp, at(0).as_second().to_string());
    let signed = |text: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().iter().fold("v1=".to_owned(), |hex, byte| hex + &format!("{byte:02x}"))
    };
    let given = came.header("vestibule-signature").unwrap();
    assert_eq!(given, signed(&format!("{timestamp}.{body}")));
    for other in
        [body.to_owned(), format!("{timestamp}{body}"), format!("0.{body}"), format!("{timestamp}.{body} ")]
    {
        assert_ne!(given, signed(&other));
    }
    assert!(!format!("{gateway:?}").contains(SECRET) && !format!("{gateway:?}").contains("tenant"));
}

// SEC-38
#[tokio::test]
async fn its_answers_come_to_what_they_say() {
    let own = message().effect;
    let after = |text: &str| format!("retry-after: {text}\r\n");
    let long = format!(r#"{{"id": "{}"}}"#, "x".repeat(65));
    for (status, headers, body, wanted) in [
        (200, String::new(), r#"{"id": "out-7", "more": 1}"#, accepted("out-7")),
        (201, String::new(), "", accepted(own.as_str())),
        (204, String::new(), "", accepted(own.as_str())),
        (200, String::new(), "{}", accepted(own.as_str())),
        (200, String::new(), r#"{"id": 7}"#, accepted(own.as_str())),
        (200, String::new(), r#"{"id": "a b\r\nc"}"#, accepted(own.as_str())),
        (200, String::new(), &long, accepted(own.as_str())),
        (200, String::new(), r#"{"id": "out"#, unknown("unreadable")),
        (200, String::new(), "<html>hello</html>", unknown("unreadable")),
        (400, String::new(), "", refused("gateway_http_400")),
        (404, String::new(), "", refused("gateway_http_404")),
        (409, String::new(), "", refused("gateway_http_409")),
        (410, String::new(), "", refused("gateway_http_410")),
        (422, after("5"), NUMBER, refused("gateway_http_422")),
        (401, String::new(), "", refused("gateway_http_401")),
        (403, String::new(), "", refused("gateway_http_403")),
        (307, "location: /elsewhere\r\n".to_owned(), "", refused("gateway_http_307")),
        (429, String::new(), "", later("gateway_http_429", None)),
        (429, after("9"), "", later("gateway_http_429", Some(9))),
        (503, after("9"), "", later("gateway_http_503", Some(9))),
        (503, after("999999"), "", later("gateway_http_503", Some(3_600))),
        (503, String::new(), "", unknown("gateway_http_503")),
        (500, after("9"), "", unknown("gateway_http_500")),
        (502, String::new(), "", unknown("gateway_http_502")),
        (408, String::new(), "", unknown("gateway_http_408")),
    ] {
        assert_eq!(verdict(says(status, &headers, body)).await, wanted, "{status} {headers} {body}");
    }
    assert_eq!(verdict(Act::Reset).await, unknown("cut_off"));
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"id\":".to_owned();
    assert_eq!(verdict(Act::SayAndClose(half)).await, unknown("cut_off"));
    let reasons =
        ["gateway_http_429", "gateway_http_401", "gateway_http_422"].map(|code| reason(code).as_str());
    assert_eq!(reasons, ["busy", "misconfigured", "provider"]);
}

#[tokio::test]
async fn it_is_not_waited_for_without_end_and_rests_when_it_fails() {
    let site = Site::start(|_, _| Act::SayAndHang(String::new())).await;
    let gateway = gateway(&site.url("/"), |options| {
        options.timeout_ms = 100;
        options.breaker_failures = 2;
    });
    for _ in 0..2 {
        assert_eq!(gateway.send(&message()).await, unknown("late"));
    }
    assert_eq!(gateway.send(&message()).await, later("resting", Some(30)));
    assert_eq!(site.requests().len(), 2);
}

#[tokio::test]
async fn what_is_worth_nothing_any_more_stays_here() {
    let site = Site::start(|_, _| says(200, "", "")).await;
    let gateway = gateway(&site.url("/"), |_| {});
    let late = Message { not_after: at(0), ..message() };
    assert_eq!(gateway.send(&late).await, refused("expired"));
    assert_eq!(site.requests().len(), 0);
    assert!(
        gateway.look_up(&vestibule::sms::Sought { to: late.to, since: at(0), until: at(1) }).await.is_none()
    );
}
