//! An answer that is believed can be taken back, and whatever leads away from a question does.

use super::{broken, sound};

const ROUTE: &str = "[node.route]\non = { cancel = \"stop\", go = \"a\" }\n[node.stop]\n";

fn ask(name: &str, slot: &str, on: &str) -> String {
    let into = if slot == "text" { "into = \"said\"\n" } else { "" };
    format!(
        "[node.{name}]\nask = \"{slot}\"\nreply = \"a.ask\"\naction = \"details_requested\"\n{into}on = {{ {on} }}\n"
    )
}

/// The graph of a first question, whose answer leads to the rest.
fn after(slot: &str, rest: &str) -> String {
    format!("{ROUTE}{}{rest}", ask("a", slot, "answered = \"next\""))
}

const MISSING: &str = "can come after `a`, whose answer nobody could take back there: give it an edge `correct`, such as to `a`";

#[test]
fn a_question_after_another_leads_back_to_it() {
    let next = |on: &str| after("text", &ask("next", "text", &format!("answered = \"stop\"{on}")));
    assert_eq!(broken("route", &next("")), [format!("o.toml:14:7: node `next` {MISSING}")]);
    sound("route", &next(", correct = \"a\""));
    // A question of yes or no is itself the way back.
    sound("route", &after("text", &ask("next", "confirm", "yes = \"stop\", no = \"a\"")));
}

#[test]
fn what_comes_between_is_looked_through() {
    let next = ask("last", "text", "answered = \"stop\"");
    let way = |nodes: &str| after("text", &format!("{nodes}{next}"));
    let found = |nodes: &str| broken("route", &way(nodes));
    let is_missing = |nodes: &str| {
        let told = found(nodes);
        assert!(matches!(&told[..], [one] if one.ends_with(&format!("node `last` {MISSING}"))), "{told:?}");
    };
    is_missing("[node.next]\nhandler = \"step\"\non.next = \"last\"\n");
    is_missing("[node.next]\nsay = \"a.bye\"\naction = \"answered\"\non.next = \"last\"\n");
    is_missing("[node.next]\nhandler = \"login\"\non = { in = \"stop\", out = \"last\" }\n");
    // What a level was granted by is proved, and not believed.
    sound("route", &way("[node.next]\nhandler = \"login\"\non = { in = \"last\", out = \"stop\" }\n"));
}

#[test]
fn what_was_checked_or_acted_upon_is_not_taken_back() {
    let next = ask("next", "text", "answered = \"stop\"");
    sound("route", &after("otp", &next));
    let acts = "[node.check]\nhandler = \"session\"\non = { live = \"next\", none = \"stop\" }\n[node.next]\n\
                call = \"rename\"\nwith = { name = \"said\" }\non = { ok = \"last\", refused = \"stop\" }\n";
    let first = ask("a", "text", "answered = \"check\"");
    sound("route", &format!("{ROUTE}{first}{acts}{}", ask("last", "text", "answered = \"stop\"")));
    let looks = acts.replace("call = \"rename\"\nwith = { name = \"said\" }\n", "call = \"look\"\n");
    let looks = looks.replace("ok = \"last\", refused = \"stop\"", "ok = \"last\"");
    // To look at something first changes nothing; the level that it takes was granted, but not by the answer alone.
    let behind = ask("b", "text", "answered = \"next\"") + &ask("last", "text", "answered = \"stop\"");
    let nodes = format!(
        "{ROUTE}{}{}{behind}",
        ask("a", "otp", "answered = \"check\""),
        looks.replace("live = \"next\"", "live = \"b\"")
    );
    let told = broken("route", &nodes);
    assert!(matches!(&told[..], [one] if one.contains("node `last` can come after `b`")), "{told:?}");
}

#[test]
fn correct_leads_before_itself() {
    let next = |to: &str, more: &str| {
        after("text", &(ask("next", "text", &format!("answered = \"stop\", correct = \"{to}\"")) + more))
    };
    let nowhere = "`correct` of node `next` leads to no question before it, and an answer to `a` could not be taken back";
    assert_eq!(broken("route", &next("next", "")), [format!("o.toml:19:27: {nowhere}")]);
    assert_eq!(broken("route", &next("stop", "")), [format!("o.toml:19:27: {nowhere}")]);
    // To one that is only asked later is no way back either.
    let later = ask("later", "confirm", "yes = \"stop\", no = \"stop\"");
    assert_eq!(broken("route", &next("later", &later)), [format!("o.toml:19:27: {nowhere}")]);
    // Not in a circle, either.
    let circle = format!(
        "{ROUTE}{}{}{}",
        ask("a", "text", "answered = \"b\""),
        ask("b", "text", "answered = \"c\", correct = \"c\""),
        ask("c", "confirm", "yes = \"a\", no = \"stop\"")
    );
    let told = broken("route", &circle);
    assert!(
        matches!(&told[..], [one] if one.contains("`correct` of node `b` leads to no question before it")),
        "{told:?}"
    );
    // A question before the one that was wrong is.
    let three = format!(
        "{ROUTE}{}{}{}",
        ask("a", "text", "answered = \"b\""),
        ask("b", "text", "answered = \"c\", correct = \"a\""),
        ask("c", "text", "answered = \"stop\", correct = \"a\"")
    );
    sound("route", &three);
}
