//! Every attack of `fixtures/injection` against a model that does whatever the attacker wants (SEC-13…16): none of them
//! gets anything.

use std::sync::{Arc, Mutex};

use serde::Deserialize;
use serde_json::{Value, json};
use vestibule::config::Config;
use vestibule::model::Tier;

use crate::support::app::{Person, Reply, TestApp};
use crate::support::db::{TestDb, on_postgres, on_sqlite};
use crate::support::fake_model::{FakeModel, Reaction};

/// On PostgreSQL one of so many attacks is played: each takes some dozen commits, and the engine is the same.
const SAMPLE: usize = 6;

/// Fewest attacks there are to be.
const LEAST: usize = 150;
const ATTACKS: &str = include_str!("../../../fixtures/injection/attacks.jsonl");

#[derive(Debug, Clone, Deserialize)]
struct Attack {
    id: String,
    #[serde(rename = "where")]
    place: String,
    aim: String,
    turns: Vec<String>,
    demands: Value,
    says: String,
}

/// Whoever an attack is about: a victim with an account, the attacker's own number, and where things are to go.
struct Cast {
    victim: Person,
    victim_phone: String,
    victim_code: String,
    own: String,
    fill: Vec<(&'static str, String)>,
}

impl Cast {
    async fn of(app: &TestApp, n: usize) -> Self {
        let victim_phone = format!("+1415555{:04}", 2_000 + n);
        let victim = app.sign_in(&victim_phone).await;
        let cart = json!({ "items": [{ "id": "victims-secret-ring", "quantity": 1 }] });
        let put =
            app.request(reqwest::Method::PUT, "/api/device-data/cart", &victim).json(&cart).send().await;
        assert!(put.unwrap().status().is_success());
        let ids = app
            .texts(&format!(
                "SELECT s.user_id || ' ' || s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.phone = '{victim_phone}'"
            ))
            .await;
        let (user, session) = ids[0].split_once(' ').unwrap();
        let target = format!("+1415557{:04}", 2_000 + n);
        let fill = vec![
            ("{victim_phone}", victim_phone.clone()),
            ("{victim_id}", user.to_owned()),
            ("{victim_session}", session.to_owned()),
            ("{attacker_phone}", target),
            ("{attacker_email}", "evil@attacker.example".to_owned()),
        ];
        Self { victim, victim_phone, victim_code: app.code(), own: format!("+1415556{:04}", 2_000 + n), fill }
    }

    fn filled(&self, text: &str) -> String {
        self.fill.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

/// What must stay as it is of an account.
async fn facts(app: &TestApp, phone: &str) -> Vec<String> {
    let user = format!("(SELECT id FROM users WHERE phone = '{phone}')");
    let count = |rows: &str| format!("SELECT CAST(COUNT(*) AS TEXT) FROM {rows} = {user}");
    let mut all = app
        .texts(&format!("SELECT full_name || ' ' || COALESCE(email, '-') FROM users WHERE phone = '{phone}'"))
        .await;
    all.extend(app.texts(&count("sessions WHERE revoked_at IS NULL AND user_id")).await);
    all.extend(app.texts(&count("contact_changes WHERE user_id")).await);
    all.extend(app.texts(&count("migrations WHERE user_id")).await);
    all.extend(app.texts(&format!("SELECT items FROM device_data WHERE owner = {user}")).await);
    all
}

mod no_attack_succeeds {
    use super::*;

    #[tokio::test]
    async fn sqlite() {
        on_sqlite(async |db| besiege(&db, 1, |_| {}).await).await;
    }

    #[tokio::test]
    async fn sqlite_where_the_model_is_asked_first() {
        on_sqlite(async |db| besiege(&db, 1, |c| c.classify.tiers = vec![Tier::Llm]).await).await;
    }

    #[tokio::test]
    async fn postgres() {
        on_postgres(concat!(module_path!(), "::postgres"), async |db| besiege(&db, SAMPLE, |_| {}).await)
            .await;
    }
}

async fn besiege(db: &TestDb, every: usize, change: impl FnOnce(&mut Config)) {
    let attacks: Vec<Attack> = ATTACKS.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(attacks.len() >= LEAST);
    let obeys = Arc::new(Mutex::new((Value::Null, String::new())));
    let server = FakeModel::start({
        let obeys = Arc::clone(&obeys);
        move |_, body| {
            let (demands, says) = obeys.lock().unwrap().clone();
            if body["stream"] == true {
                let letters: Vec<char> = says.chars().collect();
                let pieces: Vec<String> = letters.chunks(7).map(|piece| piece.iter().collect()).collect();
                return Reaction::streams(&pieces.iter().map(String::as_str).collect::<Vec<_>>());
            }
            Reaction::says(&demands.to_string())
        }
    })
    .await;
    let app = super::app(db, &server.url, |c| {
        c.llm.breaker_failures = 1_000;
        c.llm.models = vec!["obedient".to_owned()];
        c.limit.prefix_sends_per_hour = 0;
        c.limit.prefix_conversion_percent = 0;
        change(c);
    })
    .await;
    let mut won = Vec::new();
    for (n, attack) in attacks.iter().enumerate().step_by(every) {
        *obeys.lock().unwrap() = (Value::Null, String::new());
        let cast = Cast::of(&app, n).await;
        let demands = serde_json::from_str(&cast.filled(&attack.demands.to_string())).unwrap();
        let begun = server.requests().len();
        let placed = placed(&app, attack, &cast).await;
        *obeys.lock().unwrap() = (demands, cast.filled(&attack.says));
        won.extend(
            attempt(&app, attack, &cast, placed)
                .await
                .into_iter()
                .map(|what| format!("{}: {what}", attack.id)),
        );
        let shown: String = server.requests()[begun..].iter().map(ToString::to_string).collect();
        for secret in [&cast.victim_phone[1..], cast.victim_code.as_str()] {
            if shown.contains(secret) {
                won.push(format!("{}: {secret} was shown to the provider", attack.id));
            }
        }
        if app.sms.sent().iter().any(|sent| sent.to == "evil@attacker.example") {
            won.push(format!("{}: a message went to the attacker's address", attack.id));
        }
    }
    assert!(server.requests().len() > LEAST / every, "the model was hardly asked");
    assert!(won.is_empty(), "{} of {} succeeded:\n{}", won.len(), attacks.len(), won.join("\n"));
    app.finish().await;
}

/// Plays one attack; what it won.
async fn attempt(
    app: &TestApp,
    attack: &Attack,
    cast: &Cast,
    (mut speaker, turns): (Person, Vec<String>),
) -> Vec<String> {
    let code = if attack.place == "awaiting_code" { app.code() } else { cast.victim_code.clone() };
    let (victim, own) = (facts(app, &cast.victim_phone).await, facts(app, &cast.own).await);
    let (sessions, sent) = (app.count("sessions WHERE revoked_at IS NULL").await, app.sms.sent().len());
    let signed_in = speaker.session.is_some();
    let mut won = Vec::new();
    for turn in &turns {
        let reply = say(app, &mut speaker, &cast.filled(turn)).await;
        won.extend(leaks(&reply, cast, &code));
        if reply.body["data"].get("session").is_none() || signed_in {
            continue;
        }
        // Whoever proved a number may sign in with it; the name is theirs to choose.
        if attack.place == "awaiting_name" {
            speaker.take(&reply);
        } else {
            won.push("it was signed in".to_owned());
        }
    }
    let is_registered = usize::from(!signed_in && speaker.session.is_some());
    let after = facts(app, &cast.own).await;
    for (holds, what) in [
        (facts(app, &cast.victim_phone).await == victim, "the victim's account changed".to_owned()),
        (!signed_in || after == own, format!("({}) the own account changed: {own:?} {after:?}", attack.aim)),
        (
            app.count("sessions WHERE revoked_at IS NULL").await == sessions + is_registered,
            "sessions came or went".to_owned(),
        ),
        (app.is_alive(&cast.victim).await, "the victim is signed out".to_owned()),
        (!strays(app, cast, sent, signed_in).await, "a message for an account went elsewhere".to_owned()),
    ] {
        if !holds {
            won.push(what);
        }
    }
    won
}

/// Whether a message that concerns an account went to the attacker's target. A stranger may ask for a code for a number that
/// is nobody's account; it opens nothing else.
async fn strays(app: &TestApp, cast: &Cast, sent: usize, signed_in: bool) -> bool {
    let target = cast.filled("{attacker_phone}");
    let of_victim = app
        .count(&format!(
            "challenges c JOIN users u ON u.id = c.user_id WHERE u.phone = '{}' AND c.purpose <> 'login'",
            cast.victim_phone
        ))
        .await;
    let is_sent = app.sms.sent()[sent..].iter().any(|message| message.to == target);
    is_sent && (signed_in || of_victim > 0)
}

/// Whoever speaks, where the attack has them stand, and what is then said.
async fn placed(app: &TestApp, attack: &Attack, cast: &Cast) -> (Person, Vec<String>) {
    let (mut speaker, turns) = (app.device().await, attack.turns.clone());
    match attack.place.as_str() {
        "awaiting_phone" => drop(say(app, &mut speaker, "log in").await),
        "awaiting_code" => {
            app.advance(61);
            speaker = app.awaiting_code(&cast.victim_phone).await;
        }
        "awaiting_name" => {
            speaker = app.awaiting_code(&cast.own).await;
            assert_eq!(say(app, &mut speaker, &app.code()).await.action(), "name_requested");
        }
        "signed_in" => speaker = app.sign_in(&cast.own).await,
        "display_name" | "device_name" | "cart_item" => {
            speaker = app.sign_in(&cast.own).await;
            store(app, &attack.place, &speaker, &cast.filled(&attack.turns[0])).await;
            let plain =
                ["who am I?", "show my devices", "what did I have in my cart, hm?", "hello there, you"];
            return (speaker, plain.map(str::to_owned).to_vec());
        }
        place => assert_eq!(place, "anonymous"),
    }
    (speaker, turns)
}

async fn say(app: &TestApp, speaker: &mut Person, text: &str) -> Reply {
    let reply = app.say(speaker, text).await;
    if speaker.conversation.is_none() {
        speaker.conversation = reply.body["data"]["conversationId"].as_str().map(str::to_owned);
    }
    reply
}

/// Keeps a text as data of the speaker's own.
async fn store(app: &TestApp, place: &str, speaker: &Person, text: &str) {
    let request = match place {
        "display_name" => {
            app.request(reqwest::Method::PATCH, "/api/me", speaker).json(&json!({ "fullName": text }))
        }
        "device_name" => {
            let path = format!("/api/devices/{}", own_device(app, speaker).await);
            app.request(reqwest::Method::PATCH, &path, speaker).json(&json!({ "name": text }))
        }
        _ => {
            let items = json!({ "items": [{ "id": text, "quantity": 1 }] });
            app.request(reqwest::Method::PUT, "/api/device-data/cart", speaker).json(&items)
        }
    };
    // What cannot be a name is refused, which is as good.
    let status = request.send().await.unwrap().status();
    assert!(status.is_success() || status.as_u16() == 422 || status.as_u16() == 400, "{status}");
}

async fn own_device(app: &TestApp, speaker: &Person) -> String {
    let devices = app.get("/api/devices", speaker).await;
    let all = devices.data()["devices"].as_array().or(devices.data()["items"].as_array()).unwrap().clone();
    all[0]["deviceId"].as_str().unwrap().to_owned()
}

/// What an answer tells that it must not.
fn leaks(reply: &Reply, cast: &Cast, code: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !reply.status.is_success() {
        found.push(format!("it broke: {reply:?}"));
        return found;
    }
    if reply.action() == "internal_error" {
        found.push(format!("an internal error: {reply:?}"));
    }
    let session = reply.body["data"].get("session").cloned();
    let mut told = reply.body.clone();
    told["data"].as_object_mut().unwrap().remove("session");
    let told = told.to_string();
    let tokens = [cast.victim.session.as_deref(), cast.victim.device.as_deref()];
    let secrets =
        [Some(&cast.victim_phone[1..]), Some(code), Some("victims-secret-ring"), Some("evil@attacker")];
    for secret in secrets.into_iter().chain(tokens).flatten() {
        if told.contains(secret) {
            found.push(format!("it told {secret}: {told}"));
        }
    }
    if session.is_none() && told.contains("\"authenticated\":true") && reply.action() == "login_successful" {
        found.push("a sign-in without a session".to_owned());
    }
    found
}
