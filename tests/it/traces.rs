//! The traces of the real binary, as a collector gets them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use vestibule::tool;
use vestibule::trace::ATTRIBUTES;

use crate::house::files;
use crate::support::db::{Folder, TestDb, on_sqlite};
use crate::support::server::Server;

const PHONE: &str = "+1 (415) 555-2671";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
/// Longest time a batch may take; the server sends one every few milliseconds.
const BATCH: Duration = Duration::from_secs(20);

/// Whoever takes traces, or refuses them.
struct Collector {
    url: String,
    bodies: UnboundedReceiver<String>,
    _listening: JoinSet<()>,
}

impl Collector {
    async fn answering(status: StatusCode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (got, bodies) = unbounded_channel();
        let take = move |body: String| {
            let sent = got.send(body);
            async move { (if sent.is_ok() { status } else { StatusCode::GONE }, "{}") }
        };
        let mut listening = JoinSet::new();
        let router = Router::new().route("/v1/traces", post(take));
        listening.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, bodies, _listening: listening }
    }

    /// All that came, once the server has ended.
    async fn all(&mut self) -> Vec<String> {
        let mut bodies = vec![self.next().await];
        while let Ok(body) = self.bodies.try_recv() {
            bodies.push(body);
        }
        bodies
    }

    /// Waits for the next batch.
    async fn next(&mut self) -> String {
        tokio::time::timeout(BATCH, self.bodies.recv()).await.expect("no batch came").unwrap()
    }
}

/// Somebody who signs in.
struct Person {
    http: reqwest::Client,
    /// What was said to the server and by it, and what it gave: nothing of it may be in a trace.
    secrets: Vec<String>,
    device: String,
    session: Option<String>,
    conversation: String,
}

impl Person {
    async fn new(server: &Server) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let made = http.post(format!("{}/api/devices", server.url)).json(&json!({})).send().await.unwrap();
        let made: Value = made.json().await.unwrap();
        let text = |pointer| made.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
        let (device, id) = (text("/data/deviceToken"), text("/data/deviceId"));
        let (secrets, conversation) = (vec![device.clone(), id], String::new());
        Self { http, secrets, device, session: None, conversation }
    }

    async fn say(&mut self, server: &Server, text: &str) -> String {
        let mut request = self
            .http
            .post(format!("{}/api/agent/run-sync", server.url))
            .header("X-Device-Token", &self.device)
            .header("traceparent", format!("00-{TRACE}-{CALLER}-00"))
            .header("tracestate", "vendor=hidden");
        if let Some(session) = &self.session {
            request = request.bearer_auth(session);
        }
        let answer = request.json(&json!({ "prompt": text })).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let given = |pointer| answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        self.secrets.extend([Some(text.to_owned()), given("/data/result")].into_iter().flatten());
        if let Some(session) = given("/data/session/token") {
            self.device = given("/data/session/deviceToken").unwrap();
            self.secrets.extend([session.clone(), self.device.clone()]);
            self.secrets.extend(
                [given("/data/session/userId"), given("/data/session/sessionId")].map(Option::unwrap),
            );
            self.session = Some(session);
        }
        self.conversation = given("/data/conversationId").unwrap_or_else(|| panic!("{answer}"));
        given("/data/response/action").unwrap()
    }

    /// Registers; gives the actions of the answers.
    async fn register(&mut self, server: &Server) -> Vec<String> {
        let mut actions = vec![self.say(server, "I want to log in").await, self.say(server, PHONE).await];
        let sent = self.http.get(format!("{}/dev/outbox", server.url)).send().await.unwrap();
        let sent: Value = sent.json().await.unwrap();
        let code = sent.pointer("/data/0/code").and_then(Value::as_str).unwrap().to_owned();
        actions.push(self.say(server, &code).await);
        actions.push(self.say(server, "Maria Lopez").await);
        self.secrets.extend(["4155552671", "555-2671", "+1 415", "Maria", "hidden"].map(str::to_owned));
        actions
    }
}

const REGISTERED: [&str; 4] = ["phone_requested", "otp_sent", "name_requested", "registration_successful"];

/// What is seen of them, and of a question for one's sessions afterwards.
const SIGNED_IN: &str = "\
invoke_workflow orchestrator phone_requested
  invoke_agent authenticator
invoke_workflow orchestrator otp_sent
  invoke_agent authenticator
    execute_tool send_otp
invoke_workflow orchestrator name_requested
  invoke_agent authenticator
    execute_tool verify_otp
    execute_tool check_user_exists
invoke_workflow orchestrator registration_successful
  invoke_agent authenticator
    execute_tool create_user
      execute_tool check_user_exists
    execute_tool create_session
    execute_tool migrate_device_data
invoke_workflow orchestrator sessions_listed
  invoke_agent session_manager
    execute_tool get_active_sessions
";

#[derive(Debug)]
struct Span {
    name: String,
    id: String,
    parent: String,
    trace: String,
    start: u64,
    end: u64,
    attributes: BTreeMap<String, String>,
}

fn spans(bodies: &[String]) -> Vec<Span> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let time = |value: &Value| value.as_str().unwrap().parse().unwrap();
    let mut found = Vec::new();
    for body in bodies {
        let body: Value = serde_json::from_str(body).unwrap();
        for resource in body["resourceSpans"].as_array().unwrap() {
            let of_process = attributes(&resource["resource"]);
            assert_eq!(of_process["service.name"], "vestibule");
            assert_eq!(of_process["service.version"], env!("CARGO_PKG_VERSION"));
            for scope in resource["scopeSpans"].as_array().unwrap() {
                found.extend(scope["spans"].as_array().unwrap().iter().map(|span| Span {
                    name: text(&span["name"]),
                    id: text(&span["spanId"]),
                    parent: text(&span["parentSpanId"]),
                    trace: text(&span["traceId"]),
                    start: time(&span["startTimeUnixNano"]),
                    end: time(&span["endTimeUnixNano"]),
                    attributes: attributes(span),
                }));
            }
        }
    }
    found.sort_by_key(|span| span.start);
    found
}

fn attributes(of: &Value) -> BTreeMap<String, String> {
    let value = |value: &Value| {
        let (_, value) = value.as_object().unwrap().iter().next().unwrap();
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    };
    let all = of["attributes"].as_array().unwrap().iter();
    all.map(|a| (a["key"].as_str().unwrap().to_owned(), value(&a["value"]))).collect()
}

/// The spans below one, each with its outcome, indented.
fn tree(spans: &[Span], parent: &str, depth: usize, drawn: &mut String) {
    for span in spans.iter().filter(|span| span.parent == parent) {
        write!(drawn, "{:depth$}{}", "", span.name).unwrap();
        for key in ["vestibule.action", "error.type"] {
            span.attributes.get(key).inspect(|value| write!(drawn, " {value}").unwrap());
        }
        drawn.push('\n');
        tree(spans, &span.id, depth + 2, drawn);
        assert!(span.start <= span.end);
        for inner in spans.iter().filter(|inner| inner.parent == span.id) {
            assert!(inner.end <= span.end && inner.trace == span.trace, "{inner:?} in {span:?}");
        }
    }
}

fn folder() -> Folder {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    folder
}

#[tokio::test]
async fn a_sign_in_is_traced_without_its_content() {
    on_sqlite(async |db: TestDb| {
        let folder = folder();
        let mut collector = Collector::answering(StatusCode::OK).await;
        let settings = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str())];
        let server = Server::start(folder.path(), &db, &settings).await;
        let mut person = Person::new(&server).await;
        assert_eq!(person.register(&server).await, REGISTERED);
        assert_eq!(person.say(&server, "show my active sessions").await, "sessions_listed");
        // What has not been sent by then is sent at the end.
        assert_eq!(server.interrupt().await, Some(0));
        let bodies = collector.all().await;
        let spans = spans(&bodies);
        let mut drawn = String::new();
        tree(&spans, CALLER, 0, &mut drawn);
        assert_eq!(drawn, SIGNED_IN);
        for span in &spans {
            assert_eq!(span.trace, TRACE, "{span:?}");
            assert!(span.attributes.keys().all(|key| ATTRIBUTES.contains(&key.as_str())), "{span:?}");
            let [operation, name] = span.name.split(' ').collect::<Vec<_>>().try_into().unwrap();
            assert_eq!(span.attributes["gen_ai.operation.name"], operation);
            let (key, is_talk) = match operation {
                "invoke_workflow" => ("gen_ai.workflow.name", true),
                "invoke_agent" => ("gen_ai.agent.name", true),
                _ => ("gen_ai.tool.name", false),
            };
            assert_eq!(span.attributes[key], name);
            assert_eq!(span.attributes.contains_key("gen_ai.conversation.id"), is_talk);
            assert_eq!(span.attributes.contains_key("gen_ai.tool.type"), !is_talk);
            let is_turn = operation == "invoke_workflow";
            for key in [
                "vestibule.tier",
                "vestibule.steps",
                "vestibule.action",
                "vestibule.route",
                "vestibule.confidence",
                "vestibule.reason",
            ] {
                assert_eq!(span.attributes.contains_key(key), is_turn, "{span:?}");
            }
        }
        for secret in &person.secrets {
            assert!(
                secret.len() > 4 && bodies.iter().all(|body| !body.contains(secret)),
                "exported: {secret}"
            );
        }
        assert!(
            bodies.concat().contains(&person.conversation),
            "what is looked through has the conversation's id"
        );
    })
    .await;
}

#[tokio::test]
async fn a_failure_is_told_of_by_its_kind_in_every_span_that_it_ends() {
    on_sqlite(async |db: TestDb| {
        let folder = folder();
        let mut collector = Collector::answering(StatusCode::OK).await;
        let settings = [("VESTIBULE__TELEMETRY__OTLP_ENDPOINT", collector.url.as_str())];
        let server = Server::start(folder.path(), &db, &settings).await;
        let mut person = Person::new(&server).await;
        for (text, action) in
            [("I want to log in", "phone_requested"), (PHONE, "otp_sent"), ("000000", "otp_invalid")]
        {
            assert_eq!(person.say(&server, text).await, action);
        }
        let mut rows = SqliteConnection::connect(&db.options.url).await.unwrap();
        sqlx::raw_sql("UPDATE counters SET marks = 'torn'").execute(&mut rows).await.unwrap();
        assert_eq!(person.say(&server, "111111").await, "internal_error");
        assert_eq!(server.interrupt().await, Some(0));

        let mut drawn = String::new();
        let bodies = collector.all().await;
        tree(&spans(&bodies), CALLER, 0, &mut drawn);
        let broken = "\
invoke_workflow orchestrator internal_error internal_error
  invoke_agent authenticator tool
    execute_tool verify_otp _OTHER
";
        assert!(drawn.ends_with(broken), "{drawn}");
        assert_eq!(drawn.matches("_OTHER").count(), 1, "{drawn}");
        assert!(!bodies.concat().contains("not a counter"), "{bodies:?}");
    })
    .await;
}

#[tokio::test]
async fn a_collector_that_takes_nothing_changes_no_answer_and_is_told_of_once() {
    let mut broken = Collector::answering(StatusCode::INTERNAL_SERVER_ERROR).await;
    // Nobody listens there any more.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for url in [broken.url.clone(), format!("http://{gone}")] {
        let is_broken = url == broken.url;
        let broken = &mut broken;
        on_sqlite(async |db: TestDb| {
            let folder = folder();
            let settings = [
                ("VESTIBULE__TELEMETRY__OTLP_ENDPOINT", url.as_str()),
                ("VESTIBULE__TELEMETRY__LEVEL", "warn"),
                ("OTEL_BSP_SCHEDULE_DELAY", "10"),
            ];
            let server = Server::start(folder.path(), &db, &settings).await;
            let mut person = Person::new(&server).await;
            for _ in 0..3 {
                assert_eq!(person.say(&server, "I want to log in").await, "phone_requested");
                if is_broken {
                    broken.next().await;
                }
            }
            assert_eq!(person.register(&server).await, REGISTERED);
            let (code, written) = server.end().await;
            assert_eq!(code, Some(0));
            assert_eq!(written.len(), 1, "{written:?}");
            assert!(written[0].contains("[WARN]: Traces cannot be delivered"), "{written:?}");
        })
        .await;
    }
}

#[test]
fn every_tool_has_a_span() {
    let sources = files("src/tool", ".rs");
    for tool in tool::registry() {
        let is_traced = |text: &String| {
            [format!("\npub fn {}(", tool.name), format!("\npub async fn {}(", tool.name)].iter().any(
                |item| {
                    let above = text.find(item.as_str()).map(|at| text[..at].lines().next_back().unwrap());
                    above.is_some_and(|line| line.starts_with("#[instrument(target = TOOL, skip_all"))
                },
            )
        };
        assert!(sources.values().any(is_traced), "{} has none", tool.name);
    }
}
