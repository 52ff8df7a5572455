//! A person with a script and much patience: sends a message until it is answered, and once more to see whether the
//! answer stays.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::Shared;

/// How long one request is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// Most time before a request that was not answered is sent again.
const PAUSE: Duration = Duration::from_secs(2);
/// Between two looks for a message that has not come yet.
const LOOK: Duration = Duration::from_millis(25);
/// Looks for a message before another is asked for.
const LOOKS: u32 = 60;
/// Most messages one sign-in takes.
const MOST_TURNS: u32 = 40;
/// Most conversations in which somebody tries to sign in: each has lost all of its codes before the next.
const MOST_TRIES: u32 = 3;

/// A sign-in that came to its end, or was given up when its conversation had no codes left.
pub(crate) struct Journey {
    /// The number.
    pub(crate) phone: String,
    pub(crate) conversation: String,
    /// None where it was given up.
    pub(crate) session: Option<String>,
    /// The answers, in their order.
    pub(crate) answers: Vec<String>,
    /// Whether a wrong code was tried.
    pub(crate) has_guessed: bool,
}

pub(crate) struct Client {
    shared: Arc<Shared>,
    http: reqwest::Client,
    number: u32,
    sent: u32,
}

/// What a sign-in goes through.
struct Way {
    phone: String,
    device: String,
    answers: Vec<String>,
    /// A wrong code comes first, to see that it is charged once.
    has_guessed: bool,
    /// The messages that were there before the code was asked for: among them one may have its reference, for two
    /// letters repeat.
    earlier: Vec<Value>,
}

impl Client {
    pub(crate) fn new(shared: Arc<Shared>, number: u32) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { shared, http, number, sent: 0 }
    }

    /// Signs people in, each twice (a registration, and a login on another device), until nobody is killed any more.
    pub(crate) async fn run(&mut self) -> Vec<Journey> {
        let mut journeys = Vec::new();
        for person in 0.. {
            if self.shared.done.load(Ordering::SeqCst) {
                break;
            }
            let phone = format!("+1415{}", 6_000_000 + self.number * 10_000 + person);
            for action in ["registration_successful", "login_successful"] {
                for tries in 1.. {
                    let journey = self.sign_in(&phone, action).await;
                    let has_arrived = journey.session.is_some();
                    journeys.push(journey);
                    if has_arrived {
                        break;
                    }
                    assert!(tries < MOST_TRIES, "no code of {tries} conversations arrived");
                }
            }
        }
        journeys
    }

    /// A sign-in that is to end with `last`.
    async fn sign_in(&mut self, phone: &str, last: &str) -> Journey {
        let device =
            self.until_answered(|http, url| http.post(format!("{url}/api/devices")).json(&json!({})));
        let device = text(&device.await, "/deviceToken");
        let earlier = self.messages_to(phone).await;
        let mut way =
            Way { phone: phone.to_owned(), device, answers: Vec::new(), has_guessed: false, earlier };
        let mut say = "I want to log in".to_owned();
        for _ in 0..MOST_TURNS {
            let answer = self.say(&mut way, &say).await;
            let action = text(&answer, "/response/action");
            let session = answer.get("session");
            if let Some(session) = session {
                assert_eq!((action.as_str(), way.has_guessed), (last, true), "{:?}", way.answers);
                self.holds(session).await;
            }
            if session.is_some() || has_no_codes_left(&answer) {
                return Journey {
                    phone: way.phone,
                    conversation: text(&answer, "/conversationId"),
                    session: session.map(|session| text(session, "/sessionId")),
                    answers: way.answers,
                    has_guessed: way.has_guessed,
                };
            }
            say = self.next(&mut way, &action, &answer).await;
        }
        panic!("no end after {MOST_TURNS} messages: {:?}", way.answers);
    }

    /// What a person says to that.
    async fn next(&mut self, way: &mut Way, action: &str, answer: &Value) -> String {
        match action {
            "phone_requested" => way.phone.clone(),
            "name_requested" => "Maria Lopez".to_owned(),
            "otp_invalid" | "otp_sent" | "otp_requested" => {
                if action == "otp_invalid" {
                    // Whatever was cut short and repeated on the way here, it was one try.
                    assert_eq!(answer.pointer("/response/data/attempts_left"), Some(&json!(2)), "{answer}");
                }
                let Some(code) = self.code(way).await else {
                    return "resend".to_owned();
                };
                if std::mem::replace(&mut way.has_guessed, true) {
                    return code;
                }
                let last = if code.ends_with('7') { '3' } else { '7' };
                code.chars().take(5).chain([last]).collect()
            }
            "otp_send_limited" => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                "resend".to_owned()
            }
            other => panic!("nobody expected {other}: {answer}"),
        }
    }

    /// The newest code sent to the number under the reference last given; none where its message was lost with a
    /// process.
    async fn code(&mut self, way: &mut Way) -> Option<String> {
        let said = way.answers.iter().rev().find_map(|a| a.split_once("(reference "));
        let reference = said.map(|(_, rest)| rest[..2].to_owned()).unwrap();
        let mut sent = Vec::new();
        for _ in 0..LOOKS {
            sent = self.messages_to(&way.phone).await;
            let is_ours = |m: &&Value| m["reference"] == reference.as_str() && !way.earlier.contains(m);
            if let Some(found) = sent.iter().find(is_ours) {
                return Some(text(found, "/code"));
            }
            tokio::time::sleep(LOOK).await;
        }
        way.earlier = sent;
        None
    }

    /// What was sent to a number, newest first.
    async fn messages_to(&self, phone: &str) -> Vec<Value> {
        let get =
            |http: &reqwest::Client, url: &str| http.get(format!("{url}/dev/outbox")).query(&[("to", phone)]);
        self.until_answered(get).await.as_array().unwrap().clone()
    }

    async fn say(&mut self, way: &mut Way, words: &str) -> Value {
        self.sent += 1;
        let body = json!({ "prompt": words, "messageId": format!("m{}-{}", self.number, self.sent) });
        let device = way.device.clone();
        let request = |http: &reqwest::Client, url: &str| {
            let request = http.post(format!("{url}/api/agent/run-sync")).json(&body);
            request.header("X-Device-Token", device.as_str())
        };
        let answer = self.until_answered(request).await;
        self.shared.answers.send_modify(|n| *n += 1);
        let again = self.until_answered(request).await;
        assert_eq!(answer, again, "the same message got another answer");
        way.answers.push(text(&answer, "/result"));
        answer
    }

    /// The session holds, and it is the person's.
    async fn holds(&self, session: &Value) {
        let token = text(session, "/token");
        let me = self.until_answered(|http, url| http.get(format!("{url}/api/me")).bearer_auth(&token)).await;
        assert_eq!(me["userId"], session["userId"]);
    }

    /// Sends a request until a living process answers it.
    async fn until_answered(&self, request: impl Fn(&reqwest::Client, &str) -> RequestBuilder) -> Value {
        let mut alive = self.shared.alive.clone();
        loop {
            let number = *alive.borrow_and_update();
            let sent =
                async { request(&self.http, &self.shared.url).send().await?.json::<Value>().await.map(Some) };
            // A process that died in the middle gives half an answer or none. One that was too slow lives on.
            let Ok(Some(answer)) = sent.await else {
                drop(tokio::time::timeout(PAUSE, alive.wait_for(|now| *now > number)).await);
                continue;
            };
            assert_eq!(answer["success"], json!(true), "{} {answer}", StatusCode::OK);
            return answer["data"].clone();
        }
    }
}

/// Whether the conversation gets its next code a day later: it had all of its own.
fn has_no_codes_left(answer: &Value) -> bool {
    let is_limited = answer.pointer("/response/action") == Some(&json!("otp_send_limited"));
    is_limited && answer.pointer("/response/data/retry_after").and_then(Value::as_u64) > Some(3_600)
}

fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no {pointer} in {value}"))
        .to_owned()
}
