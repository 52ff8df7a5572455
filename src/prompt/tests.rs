//! Loading and saying.

use super::*;

fn load(text: &str) -> Problems {
    let name = "prompts/replies.en.toml".to_owned();
    let source = Source { language: "en".to_owned(), name, text: text.to_owned() };
    Replies::load(&Options::default(), &[source]).unwrap_err()
}

#[test]
fn the_compiled_in_replies_load() {
    let replies = Replies::load(&Options::default(), &Source::compiled_in()).unwrap();
    let values = serde_json::json!({ "name": "John", "by_text": false, "goes_on": false });
    let said = replies.say("en", "auth.registered", values.as_object().unwrap()).unwrap();
    assert_eq!(said, "Welcome, John! Your account has been created.");
    assert!(replies.say("en", "auth.registered", &Map::new()).is_err());
    assert_eq!(replies.language(Some("en-GB")), "en");
    assert_eq!(replies.language(Some("xx")), "en");
}

#[test]
fn every_problem_is_told_with_its_place() {
    let text =
        "[auth]\nask_phone = \"{{ nobody }}\"\nnever_used = \"x\"\nask_name = 3\nask_otp = \"{{ phone\"\n";
    let problems = load(text).to_string();
    for expected in [
        "prompts/replies.en.toml:2:1: reply `auth.ask_phone`: it has no value `nobody`",
        "prompts/replies.en.toml:3:1: reply `auth.never_used` is used nowhere",
        "prompts/replies.en.toml:4:1: reply `auth.ask_name` must be a text",
        "prompts/replies.en.toml:5:1: reply `auth.ask_otp`: syntax error",
        "prompts/replies.en.toml:1:1: reply `general.help` is missing",
    ] {
        assert!(problems.contains(expected), "{expected}\n--\n{problems}");
    }
}

#[test]
fn a_broken_file_says_where() {
    let problems = load("[auth]\nask = \n");
    assert!(problems.to_string().starts_with("prompts/replies.en.toml:2:7: "), "{problems}");
}
