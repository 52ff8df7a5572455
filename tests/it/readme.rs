//! What the README prints is what comes out, and what it names exists.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout};
use vestibule::model::{FACTS, GIVEN};

use crate::support::db::{Folder, TestDb, on_sqlite};
use crate::support::server::{command, with_store};

const README: &str = include_str!("../../README.md");

/// The lines of the block that shows a chat.
fn transcript() -> Vec<&'static str> {
    let (_, rest) = README.split_once("```text\n").unwrap();
    rest.split_once("\n```").unwrap().0.lines().collect()
}

/// What differs from chat to chat: the code, and the letters by which its message is known.
fn mask(line: &str) -> String {
    let mut masked: Vec<String> = Vec::new();
    let words: Vec<&str> = line.split(' ').collect();
    for (at, word) in words.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| words[at]);
        let is_code = word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
        let is_reference = before.is_some_and(|b| b.ends_with("(reference")) && word.len() >= 3;
        masked.push(match (is_code, is_reference) {
            (true, _) => "CODE".to_owned(),
            (_, true) => format!("XX{}", &word[2..]),
            _ => (*word).to_owned(),
        });
    }
    masked.join(" ")
}

fn code(line: &str) -> Option<&str> {
    line.split(' ').find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit()))
}

struct Chat {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Chat {
    async fn hears(&mut self, expected: &str) -> String {
        let line = self
            .output
            .next_line()
            .await
            .unwrap()
            .unwrap_or_else(|| panic!("the chat ended before {expected}"));
        assert_eq!(mask(&line), mask(expected));
        line
    }
}

#[tokio::test]
async fn the_transcript_is_what_comes_out() {
    on_sqlite(async |db: TestDb| {
        let folder = Folder::new();
        std::fs::create_dir_all(folder.path()).unwrap();
        let mut command = command(folder.path(), &["chat"]);
        with_store(&mut command, &db.options);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut chat = Chat { input, output: BufReader::new(output).lines() };
        let mut sent = None;
        for expected in transcript() {
            if let Some(said) = expected.strip_prefix("> ") {
                // The code of the page's own day is replaced by today's.
                let said = if code(said).is_some() { sent.clone().unwrap() } else { said.to_owned() };
                chat.input.write_all(format!("{said}\n").as_bytes()).await.unwrap();
            }
            let line = chat.hears(expected).await;
            if line.starts_with("  [sms") {
                sent = code(&line).map(str::to_owned);
            }
        }
        drop(chat.input);
        assert_eq!(chat.output.next_line().await.unwrap(), None, "more than the page shows");
        assert!(child.wait().await.unwrap().success());
    })
    .await;
}

#[test]
fn masking_hides_code_and_reference_only() {
    assert_eq!(mask("Your code is 123456 (reference KT). It"), "Your code is CODE (reference XX). It");
    assert_ne!(mask("You have 2 tries left."), mask("You have 1 tries left."));
}

/// The commands a text names: every word after `vestibule` within backquotes.
fn commands(text: &str) -> BTreeSet<String> {
    let spans = text.split('`').skip(1).step_by(2);
    let named = spans.filter_map(|span| span.strip_prefix("vestibule "));
    named.filter_map(|rest| rest.split(' ').next().map(str::to_owned)).collect()
}

#[tokio::test]
async fn the_commands_exist() {
    let help = command(Path::new("."), &["--help"]).output().await.unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let exist: BTreeSet<String> =
        listed.lines().filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect();
    let named = commands(README);
    assert_eq!(named.difference(&exist).collect::<Vec<_>>(), Vec::<&String>::new(), "named, and not there");
    let told = exist.iter().filter(|name| *name != "help" && !named.contains(*name)).collect::<Vec<_>>();
    assert_eq!(told, Vec::<&String>::new(), "there, and not named");
    assert!(commands("Say `vestibule dance --now`.").contains("dance"));
}

/// The names that a text keeps from agents' fields.
fn kept_from_fields(text: &str) -> BTreeSet<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let list = text.split_once("These names are the engine's own and no field's: ").unwrap().1;
    list.split_once('.').unwrap().0.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_names_that_no_field_may_have_are_told() {
    let own: BTreeSet<String> = GIVEN.iter().chain(&FACTS).map(|name| (*name).to_owned()).collect();
    let told = kept_from_fields(README);
    assert_eq!(own.difference(&told).collect::<Vec<_>>(), Vec::<&String>::new(), "kept, and not told");
    assert_eq!(told.difference(&own).collect::<Vec<_>>(), Vec::<&String>::new(), "told, and not kept");
}

#[test]
fn the_files_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src/", "tests/", "graphs/", "prompts/", "fixtures/"];
    let missing = |text: &str| -> Vec<String> {
        let spans = text.split('`').skip(1).step_by(2).map(str::to_owned);
        spans.filter(|s| folders.iter().any(|f| s.starts_with(f)) && !root.join(s).exists()).collect()
    };
    assert_eq!(missing(README), Vec::<String>::new());
    assert_eq!(missing("see `src/nowhere.rs`").len(), 1);
}
