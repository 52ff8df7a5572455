//! A server in `dev` takes up changes of an agent's folder, and one of another profile does not.

use std::path::Path;

use crate::restart::Person;
use crate::support::db::{Folder, TestDb, on_both};
use crate::support::server::Server;
use crate::support::wait::until;

on_both!(threads: changes_are_taken_up_in_dev_alone);

const BEGIN: &str = "I want to send something back";
const SAID: &str = "umtausch bitte";

/// A copy of an agent that may be changed.
fn copy(to: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/regraph/before");
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

fn change(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(file, text.replace(from, to)).unwrap();
}

/// What somebody new is told who says that.
async fn told(server: &Server, text: &str) -> String {
    let answer = Person::new(server).await.say_any(server, text).await;
    answer.pointer("/data/response/data/message").and_then(|m| m.as_str()).unwrap_or_default().to_owned()
}

async fn changes_are_taken_up_in_dev_alone(db: TestDb) {
    let (folder, agent) = (Folder::new(), Folder::new());
    std::fs::create_dir_all(folder.path()).unwrap();
    copy(agent.path());
    let agents = agent.path().display().to_string();
    let settings = |profile| {
        let quiet =
            [("VESTIBULE__TELEMETRY__LEVEL", "error"), ("VESTIBULE__LIMITS__NEW_DEVICES_PER_HOUR", "0")];
        [("VESTIBULE__PROFILE", profile), ("VESTIBULE__GRAPH__AGENTS", agents.as_str()), quiet[0], quiet[1]]
    };
    let mut dev = Server::start(folder.path(), &db, &settings("dev")).await;
    let test = Server::start(folder.path(), &db, &settings("test")).await;
    let (graph, texts) = (agent.path().join("graph.toml"), agent.path().join("replies.en.toml"));
    let first = "Which order do you want to send back? For example AB-12345.";
    assert_eq!(told(&dev, BEGIN).await, first);
    assert_ne!(told(&dev, SAID).await, first);

    change(&texts, "Which order do you want to send back?", "Which order goes back?");
    until(async || told(&dev, BEGIN).await == "Which order goes back? For example AB-12345.").await;
    assert_eq!(told(&test, BEGIN).await, first);

    // What does not load leaves the one before in force, and says why.
    change(&graph, "action = \"answered\"", "action = \"answers\"");
    let line = dev.writes("unknown action `answers`").await;
    assert!(line.contains("graph.toml:") && line.contains("the one before is in force"), "{line}");
    assert_eq!(told(&dev, BEGIN).await, "Which order goes back? For example AB-12345.");

    // Mended, with other words and with something else that people say.
    change(&graph, "action = \"answers\"", "action = \"answered\"");
    change(&texts, "Which order goes back?", "What goes back?");
    let said = ["umtausch", "ein umtausch", SAID, "einen umtausch bitte"];
    let line = |text: &&str| format!("{{\"text\": \"{text}\", \"lang\": \"de\"}}");
    let lines = said.iter().map(line).collect::<Vec<_>>().join("\n");
    let known = std::fs::read_to_string(agent.path().join("utterances.jsonl")).unwrap();
    std::fs::write(agent.path().join("utterances.jsonl"), known + &lines).unwrap();
    until(async || told(&dev, SAID).await == "What goes back? For example AB-12345.").await;
    assert_eq!(told(&test, BEGIN).await, first);
    assert_eq!(dev.interrupt().await, Some(0));
    assert_eq!(test.interrupt().await, Some(0));
}
