//! A running server.

use std::time::Duration;

use anyhow::{Context, anyhow};
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use serde_json::{Value, json};

use super::keep::Tokens;
use super::line::{Answer, Fault, Sent, masked};
use crate::model::Secret;

/// Longer than a server takes for the longest turn.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) struct Remote {
    http: Client,
    base: String,
}

impl Remote {
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        let parsed = Url::parse(url).ok().filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host());
        let parsed =
            parsed.with_context(|| format!("`{url}` is no address such as http://127.0.0.1:8080"))?;
        let mut client = Client::builder().timeout(PATIENCE);
        if is_this_machine(&parsed) {
            // A proxy for the way out would not find the way back in.
            client = client.no_proxy();
        }
        Ok(Self { http: client.build()?, base: url.trim_end_matches('/').to_owned() })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// Sends, and gives the `data` of the envelope; none where the server has no such route.
    async fn answered(&self, request: RequestBuilder) -> Result<Option<Value>, Fault> {
        let answer = request.send().await.with_context(|| format!("{} does not answer", self.base))?;
        let status = answer.status();
        if status == StatusCode::UNAUTHORIZED {
            return Err(Fault::Refused);
        }
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let body: Value = answer
            .json()
            .await
            .with_context(|| format!("{} does not answer as Vestibule does", self.base))?;
        if status.is_success() {
            return Ok(Some(body.get("data").cloned().unwrap_or_default()));
        }
        let message = body.pointer("/error/message").and_then(Value::as_str).unwrap_or("no reason was given");
        Err(anyhow!("the server says: {message}").into())
    }

    async fn expect(&self, request: RequestBuilder) -> Result<Value, Fault> {
        let found = self.answered(request).await?;
        found.ok_or_else(|| anyhow!("{} is no Vestibule of this version", self.base).into())
    }

    pub(super) async fn new_device(&self) -> Result<Secret, Fault> {
        let body = json!({ "name": "Terminal" });
        let made = self.expect(self.request(Method::POST, "/api/devices").json(&body)).await?;
        Ok(Secret::new(text(&made, "/deviceToken")?))
    }

    pub(super) async fn turn(&self, tokens: &Tokens, words: &str, id: &str) -> Result<Answer, Fault> {
        let body = json!({ "prompt": words, "messageId": id });
        let request = self.request(Method::POST, "/api/agent/run-sync").json(&body);
        let answer = self.expect(presenting(request, tokens)).await?;
        let tokens = match answer.get("session").filter(|session| session.is_object()) {
            None => None,
            Some(session) => Some(Tokens {
                device: Secret::new(text(session, "/deviceToken")?),
                session: Some(Secret::new(text(session, "/token")?)),
            }),
        };
        Ok(Answer::of(answer.get("response").unwrap_or(&Value::Null), tokens))
    }

    pub(super) async fn last_answer(&self, tokens: &Tokens) -> Result<Option<String>, Fault> {
        let request = self.request(Method::GET, "/api/agent/conversations");
        let found = self.expect(presenting(request, tokens)).await?;
        let items = found.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let is_ours = |c: &&Value| c["isCurrent"] == json!(true) && c["projectId"] == json!("default");
        let Some(current) = items.iter().find(is_ours) else { return Ok(None) };
        let path = format!("/api/agent/conversations/{}/messages", text(current, "/conversationId")?);
        let found = self.expect(presenting(self.request(Method::GET, &path), tokens)).await?;
        let items = found.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let last = items.iter().find(|m| m["role"] == json!("assistant"));
        Ok(last.map(|m| text(m, "/content")).transpose()?)
    }

    pub(super) async fn logout(&self, tokens: &Tokens) -> Result<(), Fault> {
        let request = self.request(Method::POST, "/api/auth/logout").json(&json!({}));
        self.expect(presenting(request, tokens)).await.map(drop)
    }

    /// The newest messages of the development outbox, the newest first; none where the server has no such outbox.
    pub(super) async fn messages(&self) -> anyhow::Result<Vec<Sent>> {
        let found = match self.answered(self.request(Method::GET, "/dev/outbox")).await {
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

fn presenting(request: RequestBuilder, tokens: &Tokens) -> RequestBuilder {
    let request = request.header("X-Device-Token", tokens.device.expose());
    match &tokens.session {
        Some(session) => request.bearer_auth(session.expose()),
        None => request,
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn text(value: &Value, pointer: &str) -> anyhow::Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    Ok(found.with_context(|| format!("the server's answer has no {pointer}"))?.to_owned())
}
