//! Agents that folders add: loaded with what is compiled in, and every mistake told at its place.

use std::path::{Path, PathBuf};

use vestibule::app::sources;
use vestibule::engine::Due;
use vestibule::fetch::{self, Fetch};
use vestibule::model::{EffectId, Randomness};
use vestibule::scenario::{Scenario, Setup, play};
use vestibule::worker::{Outside, OverHttp, Reached};
use vestibule::{graph, prompt};

use crate::scenarios::assert_passed;
use crate::support::db::Folder;
use crate::support::site::{Act, Site};

pub(crate) const GRAPH: &str = "[graph]\nname = \"orders\"\nversion = 1\nentry = \"say\"\n\
                     [node.say]\nsay = \"orders.status\"\naction = \"answered\"\n";
pub(crate) const SAID: &str = "{\"text\": \"where is my order?\", \"lang\": \"en\"}\n";

/// An agent's folder with these files.
pub(crate) fn folder(files: &[(&str, &str)]) -> Folder {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// What is wrong with it, each line without the folder's name.
pub(crate) fn wrong(files: &[(&str, &str)]) -> Vec<String> {
    let folder = folder(files);
    let shown = format!("{}/", folder.path().display());
    load(&[folder.path().to_owned()]).unwrap_err().lines().map(|line| line.replace(&shown, "")).collect()
}

fn load(agents: &[PathBuf]) -> Result<graph::GraphSet, String> {
    let options = graph::Options { agents: agents.to_vec(), ..graph::Options::default() };
    sources::load(&prompt::Options::default(), &options).map(|(_, set)| set).map_err(|e| e.to_string())
}

#[test]
fn a_folder_adds_an_agent_to_those_that_are_compiled_in() {
    let texts = "[orders]\nstatus = \"All is well.\"\n";
    let folder = folder(&[
        ("graph.toml", GRAPH),
        ("replies.en.toml", texts),
        ("replies.es.toml", texts),
        ("utterances.jsonl", SAID),
        ("README.md", "Not read."),
    ]);
    let set = load(&[folder.path().to_owned()]).unwrap();
    assert!(set.routed("orders").is_some() && set.graph("authenticator").is_some());
    assert!(load(&[]).unwrap().routed("orders").is_none());
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let found = wrong(&[
        ("graph.toml", &GRAPH.replace("answered", "answers")),
        (
            "replies.en.toml",
            "[orders]\nstatus = \"{{ number }}\"\nother = \"x\"\n[general]\nhelp = \"x\"\n[order]\nx = \"x\"\n",
        ),
        ("replies.de.toml", "[orders]\nstatus = \"Gut.\"\n"),
        ("utterances.jsonl", "where is my order?\n"),
    ]);
    for expected in [
        "graph.toml:7:10: unknown action `answers`",
        "replies.en.toml:2:1: reply `orders.status`: nothing is called `number`; known are: language, signed_in",
        "replies.en.toml:3:1: reply `orders.other`: is used nowhere",
        "replies.en.toml:5:1: reply `general.help`: the section [general] is the product's own; name the graph otherwise",
        "replies.en.toml:7:1: reply `order.x`: its section is to be named as its graph: [orders]",
        "replies.de.toml:1:1: nothing else is said in `de`; the languages are: en, es",
        "utterances.jsonl:1:1: no utterance such as",
    ] {
        assert!(found.iter().any(|line| line.starts_with(expected)), "{expected}\n--\n{found:#?}");
    }
}

/// One sample would take one branch: a mistake in another would be met by a person.
#[test]
fn a_mistake_in_a_branch_that_is_rarely_taken_is_told() {
    let graph = "[graph]\nname = \"orders\"\nversion = 1\nentry = \"ask\"\n[node.ask]\nask = \"text\"\n\
                 reply = \"orders.ask\"\naction = \"answered\"\ninto = \"number\"\non = { answered = \"choose\" }\n\
                 [node.choose]\ngoto = [{ when = \"number == '1' and number|upper\", to = \"say\" }, { to = \"hours\" }]\n\
                 [node.say]\nsay = \"orders.say\"\naction = \"answered\"\n\
                 [node.hours]\nsay = \"sessions.devices\"\naction = \"answered\"\n";
    let texts = "[orders]\nask = \"{% if number == '1' %}{{ number|trim }}{% else %}x{% endif %}\"\nsay = \"{{ number + 1 }}\"\n";
    let files = [("graph.toml", graph), ("replies.en.toml", texts), ("utterances.jsonl", SAID)];
    let found = wrong(&files);
    for expected in [
        "graph.toml:12:18: `when`: there is no filter `upper`; there are: safe, escape, e",
        "replies.en.toml:2:1: reply `orders.ask`: there is no filter `trim`; there are: safe, escape, e",
        "replies.en.toml:3:1: reply `orders.say`: arithmetic may fail in a turn",
    ] {
        assert!(found.iter().any(|line| line.starts_with(expected)), "{expected}\n--\n{found:#?}");
    }
    // Once the texts are right: what the product's own text is told, this graph does not know.
    let texts = "[orders]\nask = \"x\"\nsay = \"{{ number }}\"\n";
    let graph = graph.replace(" and number|upper", "");
    let found = wrong(&[
        ("graph.toml", &graph),
        ("replies.en.toml", texts),
        ("replies.es.toml", texts),
        ("utterances.jsonl", SAID),
    ]);
    assert_eq!(
        found,
        ["graph.toml:17:7: reply `sessions.devices` is told `count`, which is no field of this graph"]
    );
}

/// What the engine gives to texts, whichever agent is at work, is no field of an agent's.
#[test]
fn the_names_that_the_engine_gives_are_kept_from_agents() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let engine = std::fs::read_dir(root.join("engine")).unwrap().map(|entry| entry.unwrap().path());
    let repair = ["repair.rs", "orchestrator.rs"].map(|name| root.join("agent").join(name));
    let mut found = Vec::new();
    for file in engine.chain(repair) {
        let text = std::fs::read_to_string(&file).unwrap();
        for begins in ["values.insert(\"", "tell(\""] {
            let names = text.split(begins).skip(1).filter_map(|rest| rest.split('"').next());
            found.extend(names.map(str::to_owned));
        }
    }
    assert!(found.len() > 6, "{found:?}");
    found.retain(|name| !vestibule::model::GIVEN.contains(&name.as_str()));
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_text_that_a_language_lacks_is_missed_where_it_is_said() {
    let found = wrong(&[
        ("graph.toml", GRAPH),
        ("replies.en.toml", "[orders]\nstatus = \"All is well.\"\n"),
        ("utterances.jsonl", SAID),
    ]);
    assert_eq!(found, ["graph.toml:6:7: reply `orders.status` is missing in: es"]);
}

#[test]
fn a_folder_without_a_graph_is_refused() {
    let nothing = load(&[Path::new("fixtures/nowhere").to_owned()]).unwrap_err();
    assert!(nothing.starts_with("graph.agents: fixtures/nowhere: cannot read"), "{nothing}");
    let texts = wrong(&[("replies.en.toml", "")]);
    assert!(texts.iter().any(|line| line.contains("there is no graph, such as graph.toml")), "{texts:?}");
    let two = wrong(&[("a.toml", GRAPH), ("b.toml", GRAPH), ("utterances.jsonl", SAID)]);
    assert!(two.iter().any(|line| line.contains("utterances.jsonl belongs to graph.toml")), "{two:?}");
}

/// The blocks of the page that tells how an agent is made, in their order.
fn blocks(kind: &str) -> Vec<String> {
    let page = include_str!("../../README.md");
    let section = page.split("## An agent without Rust").nth(1).unwrap().split("\n## ").next().unwrap();
    let begin = format!("```{kind}\n");
    section
        .split(&begin)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().replace("\n   ", "\n"))
        .collect()
}

#[test]
fn the_agent_of_the_readme_loads() {
    let (toml, said) = (blocks("toml"), blocks("json"));
    let [graph, en, es, ..] = toml.as_slice() else { panic!("{toml:?}") };
    let folder = folder(&[
        ("graph.toml", graph),
        ("replies.en.toml", en),
        ("replies.es.toml", es),
        ("utterances.jsonl", &said[0]),
    ]);
    let mut options = graph::Options { agents: vec![folder.path().to_owned()], ..graph::Options::default() };
    let load = |options: &graph::Options| {
        sources::load(&prompt::Options::default(), options).map(|_| ()).map_err(|e| e.to_string())
    };
    let unset = load(&options).unwrap_err();
    assert!(unset.contains("the address `orders_url` is not configured"), "{unset}");
    options.addresses.push("orders_url=http://127.0.0.1:8099".parse().unwrap());
    assert_eq!(load(&options), Ok(()));
}

const NAMES: &str = r#"[graph]
name = "badge"
version = 1
entry = "who"
[node.who]
goto = [{ when = "signed_in", to = "ask_name" }, { to = "say_log_in" }]
[node.ask_name]
ask = "text"
reply = "badge.ask"
action = "details_requested"
into = "wanted"
on.answered = "rename"
[node.rename]
call = "update_user_name"
with = { full_name = "{{ wanted }}" }
into = { printed = "/full_name", trouble = "/reason" }
on = { ok = "end", refused = "say_bad" }
[node.end]
call = "revoke_session"
with = { session_id = "{{ wanted }}" }
on = { ok = "say_bad", refused = "say_done" }
[node.say_done]
say = "badge.done"
action = "answered"
[node.say_bad]
say = "badge.bad"
action = "invalid_value"
[node.say_log_in]
say = "badge.log_in"
action = "authentication_required"
"#;

#[tokio::test]
async fn a_tool_that_an_agent_calls_does_what_it_does_for_whoever_speaks_and_refuses_alike() {
    let texts = "[badge]\nask = \"Which name?\"\ndone = \"Printed: {{ printed }}.\"\nbad = \"No: {{ trouble }}.\"\nlog_in = \"Log in.\"\n";
    let said = "{\"text\": \"print a badge\", \"lang\": \"en\"}\n{\"text\": \"print my badge please\", \"lang\": \"en\"}\n";
    let folder = folder(&[
        ("graph.toml", NAMES),
        ("replies.en.toml", texts),
        ("replies.es.toml", texts),
        ("utterances.jsonl", said),
    ]);
    let text = format!(
        "# Badges\nconfig VESTIBULE__GRAPH__AGENTS={}\n\
         > print a badge\n< badge.log_in\n\
         > log me in, my phone is +1 415 555 2671\n< auth.code_sent\n! sms\n> {{code}}\n< auth.ask_name\n> John\n\
         < auth.registered session=yes\n\
         > print a badge\n< badge.ask\n> Ada\n< message=\"Printed: Ada.\"\n= audit=name_changed\n\
         > print a badge\n< badge.ask\n> ...\n< message=\"No: no_letters.\"\n\
         > show my profile\n< identity.shown data.full_name=\"Ada\"\n",
        folder.path().display(),
    );
    let report = play(&Scenario::parse("badge.md", &text).unwrap(), &Setup::new(None).unwrap()).await;
    assert_passed(&report);
}

const BOOKING: &str = r#"[graph]
name = "booking"
version = 1
entry = "ask_people"
[node.ask_people]
ask = "text"
reply = "booking.people"
action = "details_requested"
into = "people"
pattern = "[1-9]"
find = true
on.answered = "ask_day"
[node.ask_day]
ask = "text"
reply = "booking.day"
action = "details_requested"
into = "day"
pattern = "(?i)monday|friday"
find = true
tries = 3
on = { answered = "say_noted", correct = "ask_people", exhausted = "say_done" }
[node.say_noted]
say = "booking.noted"
action = "answered"
on.next = "ask_sure"
[node.ask_sure]
ask = "confirm"
reply = "booking.sure"
action = "confirmation_requested"
on = { yes = "say_done", no = "say_done", correct = "ask_people" }
[node.say_done]
say = "booking.done"
action = "answered"
"#;

/// Whoever corrects an earlier answer comes to its question, and it costs no try and no booking.
#[tokio::test]
async fn an_earlier_answer_is_corrected() {
    let texts = "[booking]\npeople = \"How many?\"\nday = \"Which day?\"\nnoted = \"Noted\"\nsure = \"{{ people }}, {{ day }}?\"\ndone = \"Done.\"\n";
    let said =
        "{\"text\": \"book a table\", \"lang\": \"en\"}\n{\"text\": \"a table please\", \"lang\": \"en\"}\n";
    let folder = folder(&[
        ("graph.toml", BOOKING),
        ("replies.en.toml", texts),
        ("replies.es.toml", texts),
        ("utterances.jsonl", said),
    ]);
    let text = format!(
        "# Bookings\nconfig VESTIBULE__GRAPH__AGENTS={}\n\
         > book a table\n< booking.people\n> 4\n< booking.day\n> no, it's 5\n< booking.people\n> 5\n< booking.day\n\
         > Friday\n< booking.sure message=\"Noted. 5, Friday?\" action=confirmation_requested\n> repeat\n< message=\"5, Friday?\"\n> no, it's 6\n< booking.people\n> 6\n< booking.day\n> Monday\n\
         < message=\"Noted. 6, Monday?\"\n> that's wrong\n< booking.people\n> 2\n< booking.day\n> Friday\n< booking.sure\n\
         > no, thanks\n< booking.done\n",
        folder.path().display(),
    );
    let report = play(&Scenario::parse("booking.md", &text).unwrap(), &Setup::new(None).unwrap()).await;
    assert_passed(&report);
}

fn settings(texts: &[&str]) -> Vec<graph::Setting> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn due(path: &str) -> Due {
    Due {
        method: "GET".to_owned(),
        base: "orders_url".to_owned(),
        path: path.to_owned(),
        body: None,
        headers: vec![("X-Api-Key".to_owned(), "orders_key".to_owned())],
        timeout_ms: 1_000,
        retries: 0,
        into: Vec::new(),
    }
}

fn effect() -> EffectId {
    EffectId::new(jiff::Timestamp::UNIX_EPOCH, &mut Randomness::seeded(1).stream("effect"))
}

/// The door, to an address.
fn door(address: &str) -> Result<OverHttp, fetch::Error> {
    let options = graph::Options {
        addresses: settings(&[&format!("orders_url={address}")]),
        secrets: settings(&["orders_key=Bearer k3y", "other_key=other"]),
        ..graph::Options::default()
    };
    OverHttp::new(&Fetch::new(&fetch::Options::default()).unwrap(), &options)
}

#[test]
fn a_secret_holds_what_a_header_may() {
    for secret in ["k3y", "Bearer abc.d-e_f~g+/=", "a, b; c=\"d\"", "a\tb", "=="] {
        let setting: graph::Setting = format!("orders_key={secret}").parse().unwrap();
        assert_eq!(setting.value.expose(), secret);
        assert!(fetch::HeaderValue::from_str(secret).is_ok());
    }
    for secret in ["", " ", " k3y", "k3y ", "\tk3y", "a\nb", "a\r\nhost: evil", "a\0b", "clé", "a\u{7f}b"] {
        assert!(format!("orders_key={secret}").parse::<graph::Setting>().is_err(), "{secret:?}");
    }
}

#[tokio::test]
async fn a_call_leaves_with_what_its_node_names_and_nothing_else() {
    let site = Site::start(|_, _| Act::ok("{\"status\": \"shipped\"}")).await;
    let door = door(&site.url("/v1")).unwrap();
    let reached = door.call(&effect(), &due("/orders/a%2Fb?full=1")).await;
    assert_eq!(reached, Reached::Answered { status: 200, body: b"{\"status\": \"shipped\"}".to_vec() });
    assert_eq!(format!("{reached:?}"), "Answered(200)");
    let told = Due {
        method: "POST".to_owned(),
        body: Some("{\"n\":\"1\"}".to_owned()),
        headers: Vec::new(),
        ..due("/x")
    };
    door.call(&effect(), &told).await;
    let requests = site.requests();
    let [get, post] = requests.as_slice() else { panic!("{requests:?}") };
    assert!(get.starts_with("GET /v1/orders/a%2Fb?full=1 HTTP/1.1\r\n"), "{get}");
    assert!(
        get.contains("x-api-key: Bearer k3y\r\n")
            && !get.contains("other")
            && !get.contains("idempotency-key"),
        "{get}"
    );
    assert!(post.starts_with("POST /v1/x HTTP/1.1\r\n") && post.ends_with("\r\n\r\n{\"n\":\"1\"}"), "{post}");
    assert!(post.contains(&format!("idempotency-key: {}", effect())) && !post.contains("k3y"), "{post}");
}

#[tokio::test]
async fn a_call_stays_where_it_may_go_and_within_its_bounds() {
    let site = Site::start(|nth, _| match nth {
        0 => Act::redirect(302, "http://127.0.0.1:1/elsewhere"),
        1 => Act::ok(&"x".repeat(64 * 1024 + 1)),
        _ => Act::SayAndHang("HTTP/1.1 200 OK\r\n".to_owned()),
    })
    .await;
    let here = door(&site.url("/v1")).unwrap();
    let short = Due { timeout_ms: 50, ..due("/x") };
    assert_eq!(here.call(&effect(), &due("/x")).await, Reached::Answered { status: 302, body: Vec::new() });
    assert_eq!(here.call(&effect(), &due("/x")).await, Reached::Never("too_large"));
    assert_eq!(here.call(&effect(), &short).await, Reached::Silent("late"));
    assert_eq!(here.call(&effect(), &due("/../v2/x")).await, Reached::Never("not_configured"));
    let unknown = Due { headers: vec![("X-Api-Key".to_owned(), "unset".to_owned())], ..due("/x") };
    assert_eq!(here.call(&effect(), &unknown).await, Reached::Never("not_configured"));
    assert_eq!(site.requests().len(), 3);
    let nobody = door("http://127.0.0.1:1").unwrap();
    assert_eq!(nobody.call(&effect(), &due("/x")).await, Reached::Silent("unreachable"));
    // Plain HTTP leads to this machine only, unless `fetch.allow` says otherwise.
    assert!(door("http://orders.example.com").is_err());
}
