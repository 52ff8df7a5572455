//! A server that answers as Twilio does, or as a test tells it to, and signs what it reports as Twilio does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha1::Sha1;

use super::site::{Act, Site};

/// The account, its token and a number of it.
pub(crate) const ACCOUNT: &str = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const TOKEN: &str = "the-account-s-own-token";
pub(crate) const FROM: &str = "+14155550100";

/// What it answers.
#[derive(Debug, Clone)]
pub(crate) enum Say {
    /// 201, with an id that no other message has; what is posted twice is there twice.
    Created,
    /// An error of Twilio's: the status and the code. Its words repeat the number.
    Error(u16, u32),
    /// The same, to be tried again after what `Retry-After` says.
    Wait(u16, u32, String),
    /// A status and a body that may be anything.
    Body(u16, String),
    /// 201, and half of what should follow.
    Half,
    /// Nothing, for good.
    Hang,
    /// The connection is reset once the request was read.
    Reset,
    /// Another address.
    Redirect(String),
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    head: String,
    /// The body, read as a form.
    pub(crate) form: Vec<(String, String)>,
}

impl Came {
    pub(crate) fn parse(request: &str) -> Self {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let mut line = head.lines().next().unwrap().split(' ');
        let (method, target) = (line.next().unwrap().to_owned(), line.next().unwrap());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = |text: &str| form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        Self { method, path: path.to_owned(), query: pairs(query), head: head.to_owned(), form: pairs(body) }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &&str| line.split(':').next().is_some_and(|n| n.eq_ignore_ascii_case(name));
        let line = self.head.lines().skip(1).find(named)?;
        line.split_once(':').map(|(_, value)| value.trim())
    }

    /// The one value that a field of the form has.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.form.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert!(values.next().is_none(), "{name} is there twice: {self:?}");
        value
    }
}

/// The server. It ends with its value.
pub(crate) struct FakeTwilio {
    pub(crate) url: String,
    site: Site,
}

impl FakeTwilio {
    /// `script` is given how many requests came before this one, and the request.
    pub(crate) async fn start(script: impl Fn(usize, &Came) -> Say + Send + Sync + 'static) -> Self {
        let made = Arc::new(AtomicUsize::new(0));
        let site = Site::start(move |before, request| {
            let came = Came::parse(request);
            act(script(before, &came), &came, &made)
        })
        .await;
        Self { url: format!("http://{}", site.host), site }
    }

    /// One that always says the same.
    pub(crate) async fn always(say: Say) -> Self {
        Self::start(move |_, _| say.clone()).await
    }

    /// Everything that came, the oldest first.
    pub(crate) fn requests(&self) -> Vec<Came> {
        self.site.requests().iter().map(|request| Came::parse(request)).collect()
    }

    /// The id of the message that was made as the `n`th, from 0.
    pub(crate) fn sid(n: usize) -> String {
        format!("SM{n:032x}")
    }

    /// Reports something to `url`, signed, and says what it was answered.
    pub(crate) async fn report(url: &str, params: &[(&str, &str)]) -> StatusCode {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-twilio-signature", signature(url, params))
            .body(body);
        request.send().await.unwrap().status()
    }
}

/// What Twilio signs a form with, under [`TOKEN`].
pub(crate) fn signature(url: &str, params: &[(&str, &str)]) -> String {
    let mut params = params.to_vec();
    params.sort_unstable();
    params.dedup();
    let mut text = url.to_owned();
    for (name, value) in params {
        text = text + name + value;
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(TOKEN.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn act(say: Say, came: &Came, made: &AtomicUsize) -> Act {
    match say {
        Say::Created => {
            let body = created(came, made.fetch_add(1, Ordering::SeqCst));
            reply(if came.path.contains("/Verifications/") { 200 } else { 201 }, "", &body.to_string())
        }
        Say::Error(status, code) => reply(status, "", &error(status, code, came)),
        Say::Wait(status, code, after) => {
            reply(status, &format!("retry-after: {after}\r\n"), &error(status, code, came))
        }
        Say::Body(status, body) => reply(status, "", &body),
        Say::Half => {
            let body = created(came, 0).to_string();
            let head = format!("HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n", body.len());
            Act::SayAndClose(head + &body[..body.len() / 2])
        }
        Say::Hang => Act::SayAndHang(String::new()),
        Say::Reset => Act::Reset,
        Say::Redirect(to) => Act::redirect(307, &to),
    }
}

fn reply(status: u16, headers: &str, body: &str) -> Act {
    let length = body.len();
    let kind = "content-type: application/json";
    Act::Say(format!("HTTP/1.1 {status} X\r\n{kind}\r\n{headers}content-length: {length}\r\n\r\n{body}"))
}

fn created(came: &Came, n: usize) -> Value {
    if came.path.contains("/Verifications") {
        return json!({
            "sid": format!("VE{n:032x}"), "status": "pending", "to": came.field("To"), "channel": "sms",
            "valid": false, "lookup": {}, "send_code_attempts": [], "new_since_yesterday": { "a": [1, null] },
        });
    }
    json!({
        "sid": FakeTwilio::sid(n), "status": "queued", "to": came.field("To"), "error_code": null,
        "error_message": null, "num_segments": "1", "price": null, "new_since_yesterday": { "a": [1, null] },
    })
}

fn error(status: u16, code: u32, came: &Came) -> String {
    let message = format!("The number {} will not do", came.field("To").unwrap_or_default());
    json!({ "code": code, "message": message, "more_info": "https://www.twilio.com", "status": status })
        .to_string()
}
