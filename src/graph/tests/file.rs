//! The shape of a file.

use super::{broken, graph, problems, sources, try_load};
use crate::graph::{Catalog, load};

#[test]
fn a_mistake_in_the_toml_is_placed() {
    assert_eq!(
        problems(&[("o.toml", "[graph]\nname = \"orchestrator\nversion = 1\n")]),
        ["o.toml:2:21: not TOML: invalid basic string, expected `\"`"]
    );
}

#[test]
fn a_key_given_twice_is_a_mistake_in_the_toml() {
    let lines = "[node.stop]\n[node.stop]\n";
    assert_eq!(broken("stop", lines), ["o.toml:6:7: not TOML: duplicate key"]);
}

#[test]
fn the_header_is_needed() {
    assert_eq!(
        problems(&[("o.toml", "[node.stop]\n")]),
        ["o.toml:1:1: [graph] with `name`, `version` and `entry` is missing"]
    );
}

#[test]
fn each_key_of_the_header_is_needed() {
    assert_eq!(
        problems(&[("o.toml", "\n[graph]\n")]),
        [
            "o.toml:2:2: [graph] needs `entry`",
            "o.toml:2:2: [graph] needs `name`",
            "o.toml:2:2: [graph] needs `version`",
        ]
    );
}

#[test]
fn a_version_counts_from_one() {
    for version in ["0", "-1", "1.5", "\"1\"", "5000000000"] {
        let text =
            format!("[graph]\nname = \"orchestrator\"\nversion = {version}\nentry = \"stop\"\n[node.stop]\n");
        assert_eq!(
            problems(&[("o.toml", &text)]),
            ["o.toml:3:11: `version` must be a whole number from 1 up"]
        );
    }
}

#[test]
fn an_unknown_key_is_placed_wherever_it_stands() {
    let text = "colour = 1\n[graph]\nname = \"orchestrator\"\nversion = 1\nentry = \"route\"\nsize = 2\n\
                [node.route]\nkind = 3\non = { cancel = \"bye\", go = { to = \"bye\", if = 4 } }\n\
                [node.bye]\nsay = \"a.bye\"\naction = \"answered\"\non = {}\n";
    assert_eq!(
        problems(&[("o.toml", text)]),
        [
            "o.toml:1:1: unknown key `colour` in the file; known are `graph`, `intent`, `node`, `stored`",
            "o.toml:6:1: unknown key `size` in [graph]; known are `name`, `version`, `entry`, `needs`",
            "o.toml:8:1: unknown key `kind` in the handler node `route`; known are `handler`, `on`",
            "o.toml:9:43: unknown key `if` in the edge `go`; known are `to`, `reply`, `action`",
        ]
    );
}

#[test]
fn a_wrong_type_is_placed_wherever_it_stands() {
    let text = "node = 1\n[graph]\nname = 1\nversion = 1\nentry = [\"a\"]\n";
    assert_eq!(
        problems(&[("o.toml", text)]),
        [
            "o.toml:1:8: `node` must be a table, not a number",
            "o.toml:3:8: `name` must be a string, not a number",
            "o.toml:5:9: `entry` must be a string, not an array",
        ]
    );
    let lines = "[node.route]\non = { cancel = true, go = \"a\" }\n[node]\na = { ask = 1.5, reply = {}, action = 2026-01-01, on = 3 }\n\
                 b = 4\n";
    assert_eq!(
        broken("route", lines),
        [
            "o.toml:6:17: `cancel` must be a node's name or { to, reply, action }, not a boolean",
            "o.toml:8:13: `ask` must be a string, not a number",
            "o.toml:8:26: `reply` must be a string, not a table",
            "o.toml:8:39: `action` must be a string, not a date",
            "o.toml:8:56: `on` must be a table, not a number",
            "o.toml:9:5: `b` must be a table, not a number",
        ]
    );
}

#[test]
fn a_node_is_of_one_kind() {
    let lines = "[node.stop]\nask = \"phone\"\nagent = \"x\"\n";
    assert_eq!(
        broken("stop", lines),
        ["o.toml:5:7: node `stop` is of more than one kind: `ask` and `agent`"]
    );
}

#[test]
fn resume_is_not_switched_off() {
    let lines = "[node.back]\nresume = false\n";
    assert_eq!(broken("back", lines), ["o.toml:6:10: `resume` can only be true"]);
}

#[test]
fn an_ask_and_a_say_need_their_words() {
    let lines = "[node.route]\non = { cancel = \"a\", go = \"b\" }\n[node.a]\nask = \"otp\"\non = { answered = \"b\" }\n\
                 [node.b]\nsay = \"a.bye\"\n";
    assert_eq!(
        broken("route", lines),
        [
            "o.toml:7:7: the ask node `a` needs `action`",
            "o.toml:7:7: the ask node `a` needs `reply`",
            "o.toml:10:7: the say node `b` needs `action`",
        ]
    );
}

#[test]
fn an_edge_overrides_both_words_or_none_and_leads_somewhere() {
    let lines = "[node.route]\non = { cancel = { reply = \"a.bye\" }, go = { to = \"bye\", action = \"help\" } }\n\
                 [node.bye]\nsay = \"a.bye\"\naction = \"answered\"\n";
    assert_eq!(
        broken("route", lines),
        [
            "o.toml:6:8: the edge `cancel` needs `to`",
            "o.toml:6:8: the edge `cancel` needs both `reply` and `action`, or neither",
            "o.toml:6:38: the edge `go` needs both `reply` and `action`, or neither",
        ]
    );
}

#[test]
fn names_are_plain() {
    let text = "[graph]\nname = \"Orchestrator\"\nversion = 1\nentry = \"a b\"\n[node.\"a b\"]\nhandler = \"stop\"\n";
    let found = problems(&[("o.toml", text)]);
    assert_eq!(found[0], "o.toml:1:1: no file holds the root graph `orchestrator`");
    assert_eq!(
        found[1..],
        [
            "o.toml:2:8: the name `Orchestrator` must be lower-case letters, digits and `_`",
            "o.toml:5:7: the name `a b` must be lower-case letters, digits and `_`",
        ]
    );
}

#[test]
fn columns_count_characters() {
    let lines = "[node]\nstop = { \"größe\" = \"ä\", x = 1 }\n";
    let found = broken("stop", lines);
    assert_eq!(found.len(), 2);
    assert!(found[0].starts_with("o.toml:6:10: unknown key `größe`"), "{found:?}");
    assert!(found[1].starts_with("o.toml:6:25: unknown key `x`"), "{found:?}");
}

#[test]
fn windows_line_ends_do_not_move_places() {
    let text = graph("orchestrator", "stop", "[node.stop]\nx = 1\n").replace('\n', "\r\n");
    assert!(problems(&[("o.toml", &text)])[0].starts_with("o.toml:6:1: unknown key `x`"));
}

#[test]
fn a_file_that_cannot_be_read_does_not_make_its_graph_unknown() {
    let root = graph(
        "orchestrator",
        "a",
        "[node.a]\nagent = \"sub\"\non = { asked = \"stop\", done = \"stop\" }\n[node.stop]\n",
    );
    assert_eq!(problems(&[("o.toml", &root), ("s.toml", "[graph")]).len(), 1);
}

#[test]
fn there_are_most_64_graphs_of_most_512_nodes() {
    let many: Vec<(String, String)> =
        (0..65).map(|i| (format!("{i}.toml"), graph(&format!("g{i}"), "stop", "[node.stop]\n"))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(problems(&many), ["64.toml:1:1: a set has at most 64 graphs"]);

    let chain = |length: usize| {
        let node = |i| format!("[node.n{i}]\nhandler = \"step\"\non.next = \"n{}\"\n", i + 1);
        let lines: Vec<String> = (1..length).map(node).collect();
        let lines = lines.concat();
        graph("orchestrator", "n1", &format!("{lines}[node.n{length}]\nhandler = \"stop\"\n"))
    };
    assert!(try_load(&[("o.toml", &chain(512))]).is_ok());
    assert_eq!(problems(&[("o.toml", &chain(513))]), ["o.toml:1541:7: a graph has at most 512 nodes"]);
}

#[test]
fn nothing_at_all_lacks_its_root() {
    let found = load(&sources(&[]), &Catalog { root: "orchestrator".into(), ..Catalog::default() });
    assert_eq!(found.unwrap_err().to_string(), "graphs:1:1: no file holds the root graph `orchestrator`");
}

#[test]
fn a_file_that_cannot_be_read_may_be_the_caller_of_another() {
    let texts = [
        ("o.toml", graph("orchestrator", "stop", "[node.stop]\n")),
        ("s.toml", graph("sub", "stop", "[node.stop]\n")),
    ];
    let mut texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    assert_eq!(problems(&texts), ["s.toml:2:8: graph `sub` is never reached from the root graph"]);
    texts.push(("x.toml", "x ="));
    assert_eq!(
        problems(&texts),
        ["x.toml:1:4: not TOML: string values must be quoted, expected literal string"]
    );
}

const PIZZA: &str = "[graph]\nname = \"pizza\"\nversion = 1\nentry = \"stop\"\n[node.stop]\n";

/// The root and a graph with those lines of examples, which begin on line 6.
fn with_examples(lines: &str) -> Result<crate::graph::GraphSet, Vec<String>> {
    let root = graph(
        "orchestrator",
        "call",
        "[node.call]\nagent = \"pizza\"\non = { done = \"end\" }\n[node.end]\nhandler = \"stop\"\n",
    );
    try_load(&[("o.toml", &root), ("p.toml", &format!("{PIZZA}{lines}"))])
}

#[test]
fn examples_are_read_with_their_graph() {
    let set = with_examples(
        "[[intent.example]]\ntext = \"order a pizza\"\nlang = \"en\"\n\
         [[intent.example]]\ntext = \"the big one\"\nlang = \"en\"\nawaiting = \"confirm\"\n",
    );
    let set = set.unwrap();
    let told: Vec<_> = set.examples().map(|(graph, e)| (graph, e.text.as_str(), e.awaiting)).collect();
    assert_eq!(
        told,
        [("pizza", "order a pizza", None), ("pizza", "the big one", Some(crate::model::Slot::Confirm))]
    );
}

#[test]
fn a_bad_example_is_placed() {
    for (lines, problem) in [
        ("[[intent.example]]\nlang = \"en\"\n", "p.toml:6:1: [[intent.example]] needs `text`"),
        ("[[intent.example]]\ntext = \"a\"\n", "p.toml:6:1: [[intent.example]] needs `lang`"),
        ("[[intent.example]]\ntext = \" ? \"\nlang = \"en\"\n", "p.toml:7:8: an example must say something"),
        (
            "[[intent.example]]\ntext = \"a\"\nlang = \"e\"\n",
            "p.toml:8:8: `e` is no language, such as `en` or `hi-Latn`",
        ),
        (
            "[[intent.example]]\ntext = \"a\"\nlang = \"en\"\nawaiting = \"size\"\n",
            "p.toml:9:12: unknown slot `size`",
        ),
        (
            "[[intent.example]]\ntext = \"a\"\nlang = \"en\"\nlabel = \"x\"\n",
            "p.toml:9:1: unknown key `label` in [[intent.example]]; known are `text`, `lang`, `awaiting`",
        ),
        ("[intent]\nexample = 3\n", "p.toml:7:11: `example` must be an array, not a number"),
        ("[intent]\nexample = [\"a\"]\n", "p.toml:7:12: `example` must be a table, not a string"),
    ] {
        assert_eq!(with_examples(lines).unwrap_err(), [problem], "{lines}");
    }
    let root =
        graph("orchestrator", "stop", "[node.stop]\n[[intent.example]]\ntext = \"a\"\nlang = \"en\"\n");
    assert_eq!(
        problems(&[("o.toml", &root)]),
        ["o.toml:7:8: the root graph has no examples: every message enters it"]
    );
}
