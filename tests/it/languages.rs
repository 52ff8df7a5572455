//! What people say to an agent of a folder tells the language that they are answered in.

use vestibule::scenario::{Scenario, Setup, play};

use crate::agents::folder;
use crate::scenarios::assert_passed;

const TABLES: &str = "[graph]\nname = \"tables\"\nversion = 1\nentry = \"ask_people\"\n\
                      [node.ask_people]\nask = \"text\"\nreply = \"tables.people\"\naction = \"details_requested\"\n\
                      into = \"people\"\non.answered = \"say_done\"\n\
                      [node.say_done]\nsay = \"tables.done\"\naction = \"answered\"\n";
/// None of these words is one by which the product itself tells Spanish or English.
const SAID: &str = r#"{"text": "book table", "lang": "en"}
{"text": "table friday", "lang": "en"}
{"text": "book table tonight", "lang": "en"}
{"text": "reservar mesa", "lang": "es"}
{"text": "mesa viernes", "lang": "es"}
{"text": "reservar mesa noche", "lang": "es"}
"#;

#[tokio::test]
async fn words_that_only_an_agents_examples_have_tell_the_language_of_a_first_message() {
    let folder = folder(&[
        ("graph.toml", TABLES),
        ("replies.en.toml", "[tables]\npeople = \"How many of you?\"\ndone = \"Noted.\"\n"),
        ("replies.es.toml", "[tables]\npeople = \"¿Cuántos sois?\"\ndone = \"Anotado.\"\n"),
        ("utterances.jsonl", SAID),
    ]);
    // The language of the number that follows is told by nothing but what was said before it.
    let text = format!(
        "# Tables\nconfig VESTIBULE__GRAPH__AGENTS={}\n\
         > mesa noche\n< tables.people message=\"¿Cuántos sois?\"\n> 4\n< tables.done message=\"Anotado.\"\n\
         & device\n> table tonight\n< tables.people message=\"How many of you?\"\n> 4\n< tables.done message=\"Noted.\"\n",
        folder.path().display(),
    );
    let report = play(&Scenario::parse("tables.md", &text).unwrap(), &Setup::new(None).unwrap()).await;
    assert_passed(&report);
}
