//! Drawings of one graph: Mermaid for pages, DOT for `GraphViz`. The same graph gives the same text, in the order of its
//! file, so that a drawing can be kept beside it and compared.

use std::fmt::Write;

use super::{Catalog, Edge, Graph, Kind, Node, NodeIx, Say};
use crate::model::Assurance;

/// A Mermaid flow chart: handlers are boxes, asks stadiums, says plain text, calls leaning boxes, agents subroutines, resume
/// and goto hexagons.
pub fn mermaid(graph: &Graph, catalog: &Catalog) -> String {
    let mut text = String::from("flowchart TD\n");
    line(&mut text, &format!("    %% {} v{}", graph.name, graph.version));
    // Ids carry a prefix because a node may be called `end`, which Mermaid keeps for itself.
    line(&mut text, &format!("    start(( )) --> n_{}", name(graph, graph.entry)));
    for (_, node) in graph.nodes() {
        let (open, close) = match node.kind {
            Kind::Handler(_) | Kind::Tool(_) => ("[", "]"),
            Kind::Ask { .. } => ("([", "])"),
            Kind::Http { .. } => ("[/", "/]"),
            Kind::Say(_) => ("[", "]:::say"),
            Kind::Agent(_) | Kind::Agents => ("[[", "]]"),
            Kind::Resume | Kind::Goto(_) => ("{{", "}}"),
        };
        let label = escape(&label(node, catalog).join("\n"), "<br/>", "#quot;");
        line(&mut text, &format!("    n_{}{open}\"{label}\"{close}", node.name));
    }
    for (_, node) in graph.nodes() {
        for edge in node.edges() {
            let label = escape(&edge_label(node, edge, catalog).join("\n"), "<br/>", "#quot;");
            line(&mut text, &format!("    n_{} -->|\"{label}\"| n_{}", node.name, name(graph, edge.to)));
        }
    }
    line(&mut text, "    classDef say fill:none,stroke:none");
    text
}

/// A DOT digraph with the same content.
pub fn dot(graph: &Graph, catalog: &Catalog) -> String {
    let mut text = format!("digraph \"{}\" {{\n", graph.name);
    line(&mut text, &format!("    label=\"{} v{}\";", graph.name, graph.version));
    line(&mut text, "    start [shape=point];");
    for (_, node) in graph.nodes() {
        let shape = match node.kind {
            Kind::Handler(_) | Kind::Tool(_) => "shape=box",
            Kind::Ask { .. } => "shape=box, style=rounded",
            Kind::Http { .. } => "shape=parallelogram",
            Kind::Say(_) => "shape=plaintext",
            Kind::Agent(_) | Kind::Agents => "shape=box, peripheries=2",
            Kind::Resume | Kind::Goto(_) => "shape=hexagon",
        };
        let label = escape(&label(node, catalog).join("\n"), "\\n", "\\\"");
        line(&mut text, &format!("    \"n_{}\" [{shape}, label=\"{label}\"];", node.name));
    }
    line(&mut text, &format!("    start -> \"n_{}\";", name(graph, graph.entry)));
    for (_, node) in graph.nodes() {
        for edge in node.edges() {
            let label = escape(&edge_label(node, edge, catalog).join("\n"), "\\n", "\\\"");
            let to = name(graph, edge.to);
            line(&mut text, &format!("    \"n_{}\" -> \"n_{to}\" [label=\"{label}\"];", node.name));
        }
    }
    line(&mut text, "}");
    text
}

fn needs(level: Assurance) -> Option<String> {
    (level > Assurance::Anonymous).then(|| format!("⟦needs {}⟧", level.as_str()))
}

/// The lines of a node's label.
fn label(node: &Node, catalog: &Catalog) -> Vec<String> {
    let mut lines = vec![node.name.clone()];
    match &node.kind {
        Kind::Handler(handler) => {
            if *handler != node.name {
                lines.push(format!("handler {handler}"));
            }
            lines.extend(catalog.handler(handler).and_then(|spec| needs(spec.needs)));
        }
        Kind::Tool(call) => {
            lines.push(format!("calls {}", call.tool));
            lines.extend(needs(call.needs));
        }
        Kind::Ask { slot, say, keep, silence, .. } => {
            let into = keep.as_ref().map(|keep| format!(" into {}", keep.field)).unwrap_or_default();
            lines.push(format!("waits for {}{into}", slot.as_str()));
            lines.extend(silence.map(|length| format!("is silent after {length}")));
            lines.push(says(say));
        }
        Kind::Http { call, say } => {
            lines.push(format!("{} {}", call.method.as_str(), call.base));
            lines.extend(needs(call.needs));
            lines.push(says(say));
        }
        Kind::Say(say) => lines.push(says(say)),
        Kind::Agent(agent) => lines.push(format!("enters {agent}")),
        Kind::Agents => lines.push("enters the agent that was named".to_owned()),
        Kind::Resume | Kind::Goto(_) => {}
    }
    lines
}

/// The lines of an edge's label.
fn edge_label(from: &Node, edge: &Edge, catalog: &Catalog) -> Vec<String> {
    let mut lines = vec![edge.outcome.to_owned()];
    if let Kind::Handler(handler) = from.kind
        && let Some(spec) = catalog.handler(handler)
        && let Some(level) = spec.outcomes.iter().find(|o| o.name == edge.outcome).and_then(|o| o.grants)
    {
        lines.push(format!("⟦grants {}⟧", level.as_str()));
    }
    if let Kind::Goto(guards) = &from.kind {
        let nth = edge.outcome.strip_prefix("case_").and_then(|n| n.parse::<usize>().ok());
        let guard = nth.and_then(|n| guards.get(n.checked_sub(1)?));
        lines.extend(guard.map(|guard| format!("if {}", guard.as_str())));
    }
    lines.extend(edge.say.as_ref().map(says));
    lines
}

fn says(say: &Say) -> String {
    format!("{} ({})", say.reply, say.action.as_str())
}

fn name(graph: &Graph, ix: NodeIx) -> &str {
    graph.node(ix).map_or("", |node| node.name.as_str())
}

fn escape(label: &str, new_line: &str, quote: &str) -> String {
    label.replace('"', quote).replace('\n', new_line)
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}
