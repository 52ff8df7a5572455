//! A running server.

use std::time::Duration;

use anyhow::{Context, anyhow};
use serde_json::{Value, json};

use super::keep::Tokens;
use super::line::{Answer, Fault, Said, Sent, masked};
use crate::fetch::header::{AUTHORIZATION, CONTENT_TYPE};
use crate::fetch::{Endpoint, Fetch, HeaderMap, HeaderValue, Method, Options, Request, Trust, Url};
use crate::model::Secret;

/// Longer than a server takes for the longest turn.
const PATIENCE: Duration = Duration::from_mins(1);
/// Largest answer that is read, in bytes.
const LARGEST: usize = 16 * 1024 * 1024;
/// Most redirects that are followed; they stay with the server.
const REDIRECTS: u8 = 5;

pub(super) struct Remote {
    fetch: Fetch,
    to: Endpoint,
    base: String,
}

impl Remote {
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        let wrong = || format!("`{url}` is no address such as http://127.0.0.1:8080");
        // Whoever names a server on the command line wants to talk to that one, plainly too: it is their exception.
        let host = host(url).with_context(wrong)?;
        let fetch = Fetch::new(&Options { allow: host.parse().into_iter().collect() })?;
        let to = fetch.endpoint(url, Trust::Operator).with_context(wrong)?;
        Ok(Self { fetch, to, base: url.trim_end_matches('/').to_owned() })
    }

    fn get(&self, path: &str) -> anyhow::Result<Request> {
        Ok(Request {
            method: Method::GET,
            to: self.to.join(path)?,
            headers: HeaderMap::new(),
            body: Vec::new(),
            timeout: PATIENCE,
            most: LARGEST,
            redirects: REDIRECTS,
        })
    }

    fn post(&self, path: &str, body: &Value) -> anyhow::Result<Request> {
        let mut request =
            Request { method: Method::POST, body: body.to_string().into_bytes(), ..self.get(path)? };
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(request)
    }

    /// Sends, and gives the `data` of the envelope; none where the server has no such route.
    async fn answered(&self, request: Request) -> Result<Option<Value>, Fault> {
        let answer = self.fetch.send(request).await;
        let answer = answer.with_context(|| format!("{} does not answer", self.base))?;
        match answer.status {
            401 => return Err(Fault::Refused),
            404 => return Ok(None),
            _ => {}
        }
        let body: Value = serde_json::from_slice(&answer.body)
            .with_context(|| format!("{} does not answer as Vestibule does", self.base))?;
        if (200..300).contains(&answer.status) {
            return Ok(Some(body.get("data").cloned().unwrap_or_default()));
        }
        let message = body.pointer("/error/message").and_then(Value::as_str).unwrap_or("no reason was given");
        Err(anyhow!("the server says: {message}").into())
    }

    async fn expect(&self, request: Request) -> Result<Value, Fault> {
        let found = self.answered(request).await?;
        found.ok_or_else(|| anyhow!("{} is no Vestibule of this version", self.base).into())
    }

    pub(super) async fn new_device(&self) -> Result<Secret, Fault> {
        let body = json!({ "name": "Terminal" });
        let made = self.expect(self.post("/api/devices", &body)?).await?;
        Ok(Secret::new(text(&made, "/deviceToken")?))
    }

    pub(super) async fn turn(&self, tokens: &Tokens, words: &str, id: &str) -> Result<Answer, Fault> {
        let body = json!({ "prompt": words, "messageId": id });
        let request = self.post("/api/agent/run-sync", &body)?;
        let answer = self.expect(presenting(request, tokens)?).await?;
        let tokens = match answer.get("session").filter(|session| session.is_object()) {
            None => None,
            Some(session) => Some(Tokens {
                device: Secret::new(text(session, "/deviceToken")?),
                session: Some(Secret::new(text(session, "/token")?)),
            }),
        };
        Ok(Answer::of(answer.get("response").unwrap_or(&Value::Null), tokens))
    }

    pub(super) async fn said(&self, tokens: &Tokens) -> Result<Vec<Said>, Fault> {
        let request = self.get("/api/agent/conversations")?;
        let found = self.expect(presenting(request, tokens)?).await?;
        let items = found.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let is_ours = |c: &&Value| c["isCurrent"] == json!(true) && c["projectId"] == json!("default");
        let Some(current) = items.iter().find(is_ours) else { return Ok(Vec::new()) };
        let path = format!("/api/agent/conversations/{}/messages", text(current, "/conversationId")?);
        let found = self.expect(presenting(self.get(&path)?, tokens)?).await?;
        let items = found.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let said = items.iter().filter(|m| m["role"] == json!("assistant"));
        let said = said.map(|m| Ok(Said { id: text(m, "/messageId")?, text: text(m, "/content")? }));
        Ok(said.collect::<anyhow::Result<_>>()?)
    }

    pub(super) async fn logout(&self, tokens: &Tokens) -> Result<(), Fault> {
        let request = self.post("/api/auth/logout", &json!({}))?;
        self.expect(presenting(request, tokens)?).await.map(drop)
    }

    /// The newest messages of the development outbox, the newest first; none where the server has no such outbox.
    pub(super) async fn messages(&self) -> anyhow::Result<Vec<Sent>> {
        let found = match self.answered(self.get("/dev/outbox")?).await {
            Ok(found) => found.unwrap_or_default(),
            Err(Fault::Refused) => return Ok(Vec::new()),
            Err(Fault::Other(error)) => return Err(error),
        };
        let items = found.as_array().cloned().unwrap_or_default();
        let shown = items.iter().map(|m| {
            let (channel, to) = (text(m, "/channel")?, masked(&text(m, "/to")?));
            Ok(Sent { channel, to, text: text(m, "/text")?, at: text(m, "/at")? })
        });
        shown.collect()
    }
}

fn presenting(mut request: Request, tokens: &Tokens) -> anyhow::Result<Request> {
    let secret = |text: &str| -> anyhow::Result<HeaderValue> {
        let mut value = HeaderValue::from_str(text).context("a token that was kept is none")?;
        value.set_sensitive(true);
        Ok(value)
    };
    request.headers.insert("x-device-token", secret(tokens.device.expose())?);
    if let Some(session) = &tokens.session {
        request.headers.insert(AUTHORIZATION, secret(&format!("Bearer {}", session.expose()))?);
    }
    Ok(request)
}

/// The host and the port of a server.
fn host(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

fn text(value: &Value, pointer: &str) -> anyhow::Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    Ok(found.with_context(|| format!("the server's answer has no {pointer}"))?.to_owned())
}
