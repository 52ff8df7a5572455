//! What Twilio calls, as Twilio does and as whoever would like to be it.

mod acts;
mod forged;
mod opt_out;
mod status;
mod texts;

use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use vestibule::model::Secret;

use crate::support::app::TestApp;
use crate::support::db::TestDb;

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const STATUS: &str = "/webhooks/twilio/status";
const SMS: &str = "/webhooks/twilio/sms";

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// An app that knows Twilio's token, and answers as many texts as come.
async fn start(db: &TestDb) -> TestApp {
    TestApp::start_with(db, |config| {
        config.sms.account_sid = Some(ACCOUNT.to_owned());
        config.sms.auth_token = Some(Secret::new(TOKEN));
        config.sms.texts_per_minute = 0;
    })
    .await
}

/// A name for a message that no other has.
fn sid() -> String {
    format!("SM{:032x}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// What Twilio puts into its header for a form.
fn signature(token: &str, url: &str, params: &[(&str, &str)]) -> String {
    let mut sorted = params.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let signed = sorted.iter().fold(url.to_owned(), |text, (name, value)| text + name + value);
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn encoded(params: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish()
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answered {
    status: u16,
    text: String,
}

/// A form as Twilio posts it, before it is sent; `change` may spoil it.
async fn form(
    app: &TestApp,
    path: &str,
    params: &[(&str, &str)],
    change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
) -> Answered {
    let url = format!("{}{path}", app.base);
    let request = app.http.post(&url).header("x-twilio-signature", signature(TOKEN, &url, params));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(encoded(params));
    send(change(request)).await
}

async fn send(request: reqwest::RequestBuilder) -> Answered {
    let response = request.send().await.unwrap();
    Answered { status: response.status().as_u16(), text: response.text().await.unwrap() }
}

/// What Twilio says of a message.
async fn tells(app: &TestApp, (sid, status): (&str, &str)) -> u16 {
    let params = [("MessageSid", sid), ("MessageStatus", status), ("AccountSid", ACCOUNT)];
    form(app, STATUS, &params, |request| request).await.status
}

/// A text message of that name; what is answered, as a phone shows it. Empty where nothing is.
async fn text_again(app: &TestApp, sid: &str, (from, body): (&str, &str)) -> String {
    let params =
        [("MessageSid", sid), ("From", from), ("Body", body), ("AccountSid", ACCOUNT), ("FromCity", "X")];
    shown(&form(app, SMS, &params, |request| request).await)
}

/// A new text message.
async fn text(app: &TestApp, from: &str, body: &str) -> String {
    text_again(app, &sid(), (from, body)).await
}

#[track_caller]
fn shown(answered: &Answered) -> String {
    assert_eq!(answered.status, 200, "{answered:?}");
    let inside = answered.text.strip_prefix(r#"<?xml version="1.0" encoding="UTF-8"?>"#).unwrap();
    if inside == "<Response/>" {
        return String::new();
    }
    let inside =
        inside.strip_prefix("<Response><Message>").and_then(|t| t.strip_suffix("</Message></Response>"));
    let inside = inside.unwrap_or_else(|| panic!("{answered:?}"));
    assert!(!inside.contains(['<', '>', '"']), "{inside}");
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
        .iter()
        .fold(inside.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// How many sessions live on.
async fn live_sessions(app: &TestApp) -> usize {
    app.count("sessions WHERE revoked_at IS NULL").await
}
