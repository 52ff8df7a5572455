//! What is asked for without a handler, and where it leads.

use super::{HANDLERS, REPLIES, broken, catalog, graph, sound, source};
use crate::graph::{Kind, load};

/// A root graph whose ask has these keys besides, and these edges.
fn asks(keys: &str, on: &str) -> String {
    format!(
        "[node.route]\non = {{ cancel = \"bye\", go = \"ask\" }}\n[node.bye]\nsay = \"a.bye\"\naction = \"answered\"\n\
         [node.ask]\nask = \"text\"\nreply = \"a.ask\"\naction = \"answered\"\non = {{ {on} }}\n{keys}"
    )
}

#[test]
fn an_ask_keeps_its_answer() {
    let keys = "into = \"number\"\npattern = \"[A-Z]+\"\nfind = true\ntries = 3\nreprompt = [\"a.other\", \"a.ask\"]\n";
    let nodes = asks(keys, "answered = \"bye\", exhausted = \"bye\"");
    sound("route", &nodes);
    let text = graph("orchestrator", "route", &nodes);
    let set = load(&[source("o.toml", &text)], &catalog(HANDLERS, REPLIES)).unwrap();
    assert_eq!(set.root().fields, ["number"]);
    let (_, node) = set.root().nodes().find(|(_, node)| node.name == "ask").unwrap();
    let Kind::Ask { keep: Some(keep), .. } = &node.kind else { panic!("{node:?}") };
    assert_eq!(keep.pattern.as_ref().unwrap().take("it is AB"), Some("AB"));
    assert_eq!((keep.tries, keep.reprompts.len()), (Some(3), 2));
    assert!(set.reply_keys().contains("a.other"));
    sound("route", &asks("into = \"number\"\nreprompt = \"a.other\"\n", "answered = \"bye\""));
}

#[test]
fn every_mistake_of_an_ask_has_its_place() {
    let answered = "answered = \"bye\"";
    for (keys, on, expected) in [
        (
            "tries = 3\ninto = \"n\"\n",
            answered,
            "o.toml:10:7: node `ask` has no edge for its outcome `exhausted`",
        ),
        (
            "into = \"n\"\n",
            "answered = \"bye\", exhausted = \"bye\"",
            "o.toml:14:26: unknown outcome `exhausted`; the node has: answered, resend, correct, email, undeliverable, delayed, uncertain, silent",
        ),
        (
            "pattern = \"x\"\n",
            answered,
            "o.toml:15:1: `pattern` is of an answer that is kept: say where, by `into`",
        ),
        ("into = \"n\"\nfind = true\n", answered, "o.toml:15:1: `find` needs a `pattern`"),
        ("into = \"n\"\npattern = \"(\"\n", answered, "o.toml:16:11: `pattern`: unclosed group"),
        ("into = \"n\"\npattern = \"a*\"\n", answered, "o.toml:16:11: `pattern`: it takes an empty text"),
        ("into = \"N\"\n", answered, "o.toml:15:8: the field `N` must be lower-case letters, digits and `_`"),
        (
            "into = \"phone\"\n",
            answered,
            "o.toml:15:8: a field cannot be called `phone`: the engine gives texts a value of that name",
        ),
        (
            "into = \"language\"\n",
            answered,
            "o.toml:15:8: a field cannot be called `language`: the engine gives texts a value of that name",
        ),
        ("into = \"n\"\ntries = 0\n", answered, "o.toml:16:9: `tries` must be a whole number from 1 to 10"),
        ("into = \"n\"\nfind = false\n", answered, "o.toml:16:8: `find` can only be true"),
        ("into = \"n\"\nreprompt = \"a.x\"\n", answered, "o.toml:16:12: reply `a.x` is missing in: de, en"),
        ("into = \"n\"\nreprompt = 3\n", answered, "o.toml:16:12: `reprompt` must be a string, not a number"),
    ] {
        assert_eq!(broken("route", &asks(keys, on)), [expected], "{keys}");
    }
    let phone = asks("into = \"n\"\n", answered).replace("\"text\"", "\"phone\"");
    assert_eq!(
        broken("route", &phone),
        ["o.toml:15:8: `into` keeps a text or a name; what else is asked for is a handler's"]
    );
}

/// A root graph that keeps `number` and then goes by these cases, from line 16 on.
fn goes(cases: &str) -> String {
    let ask = asks("into = \"number\"\n", "answered = \"choose\"");
    format!("{ask}[node.choose]\ngoto = [\n{cases}]\n")
}

#[test]
fn a_goto_leads_on_by_what_is_known() {
    let cases = "{ when = \"number == '1' and not signed_in\", to = \"bye\" },\n\
                 { when = \"language == 'es'\", to = \"ask\", reply = \"a.other\", action = \"answered\" },\n{ to = \"bye\" },\n";
    let text = graph("orchestrator", "route", &goes(cases));
    let set = load(&[source("o.toml", &text)], &catalog(HANDLERS, REPLIES)).unwrap();
    let (_, node) = set.root().nodes().find(|(_, node)| node.name == "choose").unwrap();
    let outcomes: Vec<_> = node.edges().iter().map(|edge| edge.outcome).collect();
    assert_eq!(outcomes, ["case_1", "case_2", "else"]);
    let Kind::Goto(guards) = &node.kind else { panic!("{node:?}") };
    let values = |number: &str, language: &str| {
        let values = serde_json::json!({ "number": number, "language": language, "signed_in": false });
        values.as_object().cloned().unwrap()
    };
    let held: Vec<bool> = guards.iter().map(|guard| guard.holds(&values("1", "en")).unwrap()).collect();
    assert_eq!(held, [true, false]);
    // What somebody typed is compared, and is nothing that is judged itself.
    assert!(!guards[0].holds(&values("1' or true or '", "en")).unwrap());
}

#[test]
fn every_mistake_of_a_goto_has_its_place() {
    let last = "{ to = \"bye\" },\n";
    for (cases, expected) in [
        (
            last.to_owned(),
            "o.toml:17:8: `goto` must be a list of { when = \"…\", to = \"…\" }, with a last { to = \"…\" }",
        ),
        (format!("{last}{last}"), "o.toml:18:1: a case of `goto` without `when` hides those behind it"),
        (
            "{ when = \"true\", to = \"bye\" },\n".repeat(2),
            "o.toml:19:1: the last case of `goto` has no `when`: it is taken where no other is",
        ),
        (
            format!("{}{last}", "{ when = \"true\", to = \"bye\" },\n".repeat(9)),
            "o.toml:27:1: a goto has at most 8 cases with `when`",
        ),
        (
            format!("{{ when = \"nmber == '1'\", to = \"bye\" }},\n{last}"),
            "o.toml:18:10: `when`: nothing is called `nmber`; known are: language, number, signed_in",
        ),
        (
            format!("{{ when = \"number | nonsense\", to = \"bye\" }},\n{last}"),
            "o.toml:18:10: `when`: there is no filter `nonsense`; there are: safe, escape, e",
        ),
        (format!("{{ when = \"number ==\", to = \"bye\" }},\n{last}"), "o.toml:18:10: `when`: syntax error"),
        (format!("{{ when = \"true\" }},\n{last}"), "o.toml:18:1: the edge `case_1` needs `to`"),
        (format!("{{ when = \"true\", to = \"moon\" }},\n{last}"), "o.toml:18:23: unknown node `moon`"),
    ] {
        let found = broken("route", &goes(&cases));
        assert!(found.iter().any(|problem| problem.starts_with(expected)), "{expected}\n{found:#?}");
    }
    assert_eq!(
        broken(
            "a",
            "[node.a]\ngoto = [{ when = \"signed_in\", to = \"b\" }, { to = \"b\" }]\non = { next = \"b\" }\n[node.b]\nhandler = \"stop\"\n"
        ),
        ["o.toml:7:1: unknown key `on` in the goto node `a`; known are `goto`"]
    );
}

#[test]
fn a_goto_that_goes_round_is_a_cycle_without_an_ask() {
    let cases = "{ when = \"signed_in\", to = \"choose\" },\n{ to = \"bye\" },\n";
    assert_eq!(broken("route", &goes(cases)), ["o.toml:16:7: a cycle without an ask: choose → choose"]);
}

#[test]
fn what_becomes_of_a_second_message_is_one_of_three() {
    let ask = |policy: &str| {
        format!(
            "[node.route]\non = {{ cancel = \"bye\", go = \"ask\" }}\n[node.bye]\nsay = \"a.bye\"\naction = \"answered\"\n\
             [node.ask]\nask = \"text\"\nreply = \"a.ask\"\naction = \"answered\"\nmeanwhile = \"{policy}\"\non.answered = \"bye\"\n"
        )
    };
    for policy in ["queue", "coalesce", "refuse"] {
        sound("route", &ask(policy));
    }
    assert_eq!(
        broken("route", &ask("merge")),
        ["o.toml:14:13: unknown `meanwhile` `merge`; there are: queue, coalesce, refuse"]
    );
}

#[test]
fn a_case_that_is_never_taken_is_told() {
    let cases = "{ when = \"number == '1' or signed_in\", to = \"bye\" },\n\
                 { when = \"signed_in and language == 'es'\", to = \"ask\" },\n\
                 { when = \"not signed_in and '1' != number\", to = \"bye\" },\n{ to = \"bye\" },\n";
    assert_eq!(
        broken("route", &goes(cases)),
        [
            "o.toml:16:7: the last case of `choose` is never taken: one before it always holds",
            "o.toml:19:10: `when`: this case is never taken: whenever it holds, one before it does",
        ]
    );
    let never = "{ when = \"signed_in and not signed_in\", to = \"ask\" },\n{ to = \"bye\" },\n";
    assert_eq!(broken("route", &goes(never)), ["o.toml:18:10: `when`: this never holds"]);
}

#[test]
fn a_text_is_told_what_its_graph_knows() {
    let told = "[node.route]\non = { cancel = \"stop\", go = \"orders\" }\n[node.orders]\nagent = \"orders\"\n\
                on = { asked = \"stop\" }\n[node.stop]\n";
    let root = graph("orchestrator", "route", told);
    let of = |field: &str| {
        let nodes = format!(
            "[node.ask]\nask = \"text\"\nreply = \"a.ask\"\naction = \"answered\"\ninto = \"{field}\"\n\
             on = {{ answered = \"say\" }}\n[node.say]\nsay = \"a.told\"\naction = \"answered\"\n"
        );
        let sources = [source("a.toml", &graph("orders", "ask", &nodes)), source("o.toml", &root)];
        load(&sources, &catalog(HANDLERS, REPLIES)).map(drop).map_err(|e| e.to_string())
    };
    let expected = "a.toml:12:7: reply `a.told` is told `number`, which is no field of this graph";
    assert_eq!(of("other"), Err(expected.to_owned()));
    assert_eq!(of("number"), Ok(()));
}
