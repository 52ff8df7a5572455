//! Agents that are entered by what people say.

use super::{HANDLERS, REPLIES, broken, catalog, graph, problems, sound_set, source};
use crate::graph::{Holds, Source, load};
use crate::model::Assurance;

const ROOT: &str = "[node.route]\non = { cancel = \"stop\", go = \"agents\" }\n\
                    [node.agents]\nagents = true\non = { asked = \"stop\", done = \"stop\" }\n[node.stop]\n";
const SAID: &str = "[[intent.example]]\ntext = \"where is it?\"\nlang = \"en\"\n";

fn set(nodes: &str, rest: &str) -> [(&'static str, String); 2] {
    let agent = graph("orders", "here", &format!("{nodes}{rest}"));
    [("o.toml", graph("orchestrator", "route", ROOT)), ("a.toml", agent)]
}

fn told(nodes: &str, rest: &str) -> Vec<String> {
    let [root, agent] = set(nodes, rest);
    problems(&[(root.0, &root.1), (agent.0, &agent.1)])
}

#[test]
fn a_graph_with_examples_is_entered_by_name() {
    let [root, agent] = set("[node.here]\nhandler = \"stop\"\n", SAID);
    sound_set(&[(root.0, &root.1), (agent.0, &agent.1)]);
    let set = load(&[source("o", &root.1), source("a", &agent.1)], &catalog(HANDLERS, REPLIES)).unwrap();
    assert!(set.routed("orders").is_some());
    assert!(set.routed("orchestrator").is_none() && set.routed("nobody").is_none());
}

#[test]
fn one_without_is_entered_by_nobody() {
    let waits = SAID.replace("lang", "awaiting = \"confirm\"\nlang");
    for rest in ["", waits.as_str()] {
        assert_eq!(
            told("[node.here]\nhandler = \"stop\"\n", rest),
            [
                "a.toml:2:8: graph `orders` is never reached from the root graph: no node enters it, and no example leads to it"
            ]
        );
    }
}

#[test]
fn a_route_is_not_taken_twice() {
    let [root, agent] = set("[node.here]\nhandler = \"stop\"\n", SAID);
    for name in ["general", "out_of_scope", "manage_sessions"] {
        let agent = agent.1.replace("orders", name);
        let expected = format!("a.toml:2:8: `{name}` is a route already: name the graph otherwise");
        assert_eq!(problems(&[(root.0, &root.1), ("a.toml", &agent)]), [expected]);
    }
}

#[test]
fn the_gate_holds_for_what_is_entered_by_name() {
    assert_eq!(
        told("[node.here]\nhandler = \"vault\"\n", SAID),
        [
            "a.toml:5:7: orchestrator.route —go→ orders.here needs signed_in, and nothing on this path grants it"
        ]
    );
}

#[test]
fn what_an_agent_needs_is_proved_before_it_is_entered() {
    let needs = |level: &str, nodes: &str| {
        let [root, agent] = set(nodes, SAID);
        let header = format!("version = 1\nneeds = \"{level}\"\n");
        (root.1, agent.1.replacen("version = 1\n", &header, 1))
    };
    let vault = "[node.here]\nhandler = \"vault\"\n";
    let (root, agent) = needs("signed_in", vault);
    sound_set(&[("o.toml", &root), ("a.toml", &agent)]);
    let set = load(&[source("o", &root), source("a", &agent)], &catalog(HANDLERS, REPLIES)).unwrap();
    assert_eq!(set.agents().map(|graph| graph.needs).collect::<Vec<_>>(), [Assurance::SignedIn]);

    let (_, agent) = needs("stepped_up", vault);
    let unknown = "a.toml:4:9: unknown level `stepped_up`; what may be needed is `signed_in`";
    assert!(problems(&[("o.toml", &root), ("a.toml", &agent)]).contains(&unknown.to_owned()));

    // Whoever came by a node would not be asked for it.
    let (_, agent) = needs("signed_in", vault);
    let by_node = root
        .replace("[node.agents]\nagents = true", "[node.agents]\nagent = \"orders\"")
        .replace("asked = \"stop\", done", "done");
    assert_eq!(
        problems(&[("o.toml", &by_node), ("a.toml", &agent)]),
        [
            "o.toml:7:7: node `agents`: `orders` needs signed_in, so it is entered by what people say and by no node"
        ]
    );
    let nobody = agent.replace(SAID, "");
    let found = problems(&[("o.toml", &root), ("a.toml", &nobody)]);
    let expected = "a.toml:4:9: `needs` is for an agent that people come to by what they say";
    assert!(found.contains(&expected.to_owned()), "{found:?}");
}

#[test]
fn only_the_root_enters_agents() {
    let nodes = "[node.here]\nagents = true\non = { asked = \"there\", done = \"there\" }\n[node.there]\nhandler = \"stop\"\n";
    let found = told(nodes, SAID);
    let expected = "a.toml:5:7: node `here`: only the root graph may enter agents by the message's name";
    assert!(found.iter().any(|problem| problem == expected), "{found:?}");
    assert!(
        found.iter().any(|problem| problem.contains("call each other in a circle: orders → orders")),
        "{found:?}"
    );
    assert_eq!(broken("a", "[node.a]\nagents = false\n"), ["o.toml:6:10: `agents` can only be true"]);
}

#[test]
fn utterances_beside_a_graph_are_its_examples() {
    let [root, agent] = set("[node.here]\nhandler = \"stop\"\n", "");
    let with = |lines: &str| {
        let holds = Holds::Utterances("a.toml".to_owned());
        let beside = Source { name: "u.jsonl".to_owned(), text: lines.to_owned(), holds };
        load(&[source(root.0, &root.1), source(agent.0, &agent.1), beside], &catalog(HANDLERS, REPLIES))
    };
    let set = with("{\"text\": \"where is it?\", \"lang\": \"en\"}\n\n").unwrap();
    let said: Vec<_> = set.examples().map(|(graph, example)| (graph, example.text.as_str())).collect();
    assert_eq!(said, [("orders", "where is it?")]);
    let lines =
        "{\"text\": \"x\", \"lang\": \"en\"}\n{\"text\": \"x\"}\n{\"text\": \"?\", \"lang\": \"e\"}\n";
    assert_eq!(
        with(lines).unwrap_err().to_string().lines().collect::<Vec<_>>(),
        [
            "u.jsonl:2:1: no utterance such as {\"text\": \"where is my order?\", \"lang\": \"en\"}: missing field `lang`",
            "u.jsonl:3:1: `e` is no language, such as `en` or `hi-Latn`",
            "u.jsonl:3:1: an example must say something",
        ]
    );
}
