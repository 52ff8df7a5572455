//! A server that speaks OpenAI's chat completions as far as a test tells it to, and a proxy that spoils what passes it.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reaction {
    /// A status, header lines and a body.
    Reply(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Events of a stream.
    Events(Vec<String>),
    /// Nothing, for good.
    Hang,
    /// The connection ends before a byte.
    Reset,
    /// The head promises more than comes.
    Short(Vec<u8>),
}

impl Reaction {
    /// A completion with that content.
    pub(crate) fn says(content: &str) -> Self {
        Self::completion(&json!({ "role": "assistant", "content": content }), "stop")
    }

    pub(crate) fn completion(message: &Value, finish_reason: &str) -> Self {
        let body = json!({
            "id": "x", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{ "index": 0, "message": message, "finish_reason": finish_reason }],
            "usage": { "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120 },
        });
        Self::Reply(200, json_head(), body.to_string().into_bytes())
    }

    /// The classification of a message.
    pub(crate) fn classifies(sub_intent: &str, confidence: f64, entities: &Value) -> Self {
        let answer = json!({
            "sub_intent": sub_intent, "confidence": confidence, "entities": entities,
            "missing_entities": [], "reasoning": "as it says",
        });
        Self::says(&answer.to_string())
    }

    /// An error as OpenAI words it.
    pub(crate) fn error(status: u16, code: &Value, message: &str) -> Self {
        let body = json!({ "error": { "message": message, "type": "x", "param": null, "code": code } });
        Self::Reply(status, json_head(), body.to_string().into_bytes())
    }

    /// Free text in pieces.
    pub(crate) fn streams(pieces: &[&str]) -> Self {
        let piece =
            |text: &&str| json!({ "choices": [{ "index": 0, "delta": { "content": text } }] }).to_string();
        let mut events: Vec<String> = pieces.iter().map(piece).collect();
        events.push(json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] }).to_string());
        events.push(
            json!({ "choices": [], "usage": { "prompt_tokens": 50, "completion_tokens": 9 } }).to_string(),
        );
        events.push("[DONE]".to_owned());
        Self::Events(events)
    }
}

fn json_head() -> Vec<(&'static str, String)> {
    vec![("content-type", "application/json".to_owned())]
}

type Script = dyn Fn(usize, &Value) -> Reaction + Send + Sync;

/// The server. It ends with its value.
pub(crate) struct FakeModel {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Value>>>,
    task: JoinHandle<()>,
}

impl FakeModel {
    /// `script` is given how many requests came before this one, and its body.
    pub(crate) async fn start(script: impl Fn(usize, &Value) -> Reaction + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (script, all): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&seen));
        let task = TaskTracker::new().spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (script, all) = (Arc::clone(&script), Arc::clone(&all));
                TaskTracker::new().spawn(async move {
                    let _ = serve(stream, &*script, &all).await;
                });
            }
        });
        Self { url, seen, task }
    }

    /// Every request's body.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for FakeModel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, script: &Script, seen: &Mutex<Vec<Value>>) -> std::io::Result<()> {
    loop {
        let Some(body) = request(&mut stream).await? else { return Ok(()) };
        let before = {
            let mut seen = seen.lock().unwrap();
            seen.push(body.clone());
            seen.len() - 1
        };
        match script(before, &body) {
            Reaction::Hang => std::future::pending::<()>().await,
            Reaction::Reset => {
                stream.set_zero_linger().ok();
                return Ok(());
            }
            Reaction::Short(body) => {
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                    body.len() + 1_000
                );
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(&body).await?;
                return Ok(());
            }
            Reaction::Reply(status, headers, body) => {
                let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
                for (name, value) in headers {
                    head = head + name + ": " + &value + "\r\n";
                }
                stream.write_all(format!("{head}\r\n").as_bytes()).await?;
                stream.write_all(&body).await?;
            }
            Reaction::Events(events) => {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
                stream.write_all(head.as_bytes()).await?;
                for event in events {
                    stream.write_all(format!("data: {event}\n\n").as_bytes()).await?;
                    stream.flush().await?;
                }
                return Ok(());
            }
        }
    }
}

/// One request's body; `None` where the client has gone.
async fn request(stream: &mut TcpStream) -> std::io::Result<Option<Value>> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(0, |n| n.trim().parse().unwrap());
    while bytes.len() < head_end + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(serde_json::from_slice(&bytes[head_end..]).unwrap_or(Value::Null)))
}

/// What a proxy does to the bytes that come back.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It takes no connection.
    Refuse,
    /// It ends the connection after so many bytes.
    CutAfter(usize),
    /// It passes so many bytes, and then nothing more.
    StallAfter(usize),
    /// It turns every so-manieth byte over.
    Spoil(usize),
}

/// A proxy in front of a server.
pub(crate) struct Proxy {
    pub(crate) url: String,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn before(target: &FakeModel, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target = target.url.trim_start_matches("http://").trim_end_matches("/v1").to_owned();
        let url = format!("http://{address}/v1");
        if matches!(fault, Fault::Refuse) {
            drop(listener);
            return Self { url, task: TaskTracker::new().spawn(async {}) };
        }
        let task = TaskTracker::new().spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { return };
                let target = target.clone();
                TaskTracker::new().spawn(async move {
                    let server = TcpStream::connect(target).await.unwrap();
                    let _ = pass(client, server, fault).await;
                });
            }
        });
        Self { url, task }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(client: TcpStream, server: TcpStream, fault: Fault) -> std::io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = TaskTracker::new().spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let mut passed = 0;
    let mut bytes = [0_u8; 512];
    loop {
        let read = from_server.read(&mut bytes).await?;
        if read == 0 {
            break;
        }
        let most = match fault {
            Fault::CutAfter(most) | Fault::StallAfter(most) => most.saturating_sub(passed).min(read),
            _ => read,
        };
        if let Fault::Spoil(every) = fault {
            for (n, byte) in bytes[..read].iter_mut().enumerate() {
                // The head stays, or no client would read any of it.
                if passed + n > 200 && (passed + n) % every == 0 {
                    *byte ^= 0x15;
                }
            }
        }
        to_client.write_all(&bytes[..most]).await?;
        passed += most;
        if most < read {
            if matches!(fault, Fault::StallAfter(_)) {
                std::future::pending::<()>().await;
            }
            break;
        }
    }
    up.abort();
    Ok(())
}
