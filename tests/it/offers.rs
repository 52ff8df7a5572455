//! What an agent of a folder is offered by, and texts that are called otherwise than its graph says.

use crate::agents::{GRAPH, SAID, wrong};

/// The problems of an agent with these further texts, in English and in Spanish.
fn told(english: &str, spanish: &str) -> Vec<String> {
    let texts = |further: &str| format!("[orders]\nstatus = \"Fine.\"\n{further}");
    wrong(&[
        ("graph.toml", GRAPH),
        ("replies.en.toml", &texts(english)),
        ("replies.es.toml", &texts(spanish)),
        ("utterances.jsonl", SAID),
    ])
}

#[test]
fn the_words_by_which_people_come_are_in_every_language_and_know_no_field() {
    assert_eq!(
        told("suggest = \"Where is my order?\"\n", ""),
        ["replies.es.toml:1:1: reply `orders.suggest` has no text in `es`"]
    );
    let both = told("suggest = \"{{ number }}\"\n", "suggest = \"{% if signed_in %}Dos{% endif %}\"\n");
    let expected = "replies.en.toml:3:1: reply `orders.suggest`: nothing is called `number`; known are: language, signed_in";
    assert!(both.contains(&expected.to_owned()), "{both:#?}");
}

#[test]
fn a_text_of_another_name_is_told_with_the_name_that_is_said() {
    let found = wrong(&[
        ("graph.toml", GRAPH),
        ("replies.en.toml", "[orders]\nstatos = \"Fine.\"\n"),
        ("replies.es.toml", "[orders]\nstatus = \"Bien.\"\n"),
        ("utterances.jsonl", SAID),
    ]);
    assert_eq!(
        found,
        [
            "replies.en.toml:2:1: reply `orders.statos`: is used nowhere; its graph says `orders.status`, which has no text here"
        ]
    );
}
