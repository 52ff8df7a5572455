//! The cases of a `goto` node: what each asks, and where it leads.

use toml::de::{DeTable, DeValue};

use super::{Named, RawEdge, Reader, Value};
use crate::graph::catalog::MOST_CASES;

impl Reader<'_, '_> {
    /// What the cases ask, in their order. All but the last have a guard, and the last has none.
    pub(super) fn cases(&mut self, value: &Value<'_>) -> Option<Vec<Option<Named>>> {
        let Some(list) = value.get_ref().as_array().filter(|list| list.len() > 1) else {
            let what = "`goto` must be a list of { when = \"…\", to = \"…\" }, with a last { to = \"…\" }";
            self.problem(value.span().start, what);
            return None;
        };
        if let Some(one) = list.get(MOST_CASES + 1) {
            self.problem(one.span().start, format!("a goto has at most {MOST_CASES} cases with `when`"));
            return None;
        }
        let mut guards = Vec::new();
        for (at, case) in list.iter().enumerate() {
            let table = self.table(case, "goto")?;
            self.only(table, &["when", "to", "reply", "action"], "a case of `goto`");
            let is_last = at + 1 == list.len();
            let wrong = match (table.contains_key("when"), is_last) {
                (true, true) => Some("the last case of `goto` has no `when`: it is taken where no other is"),
                (false, false) => Some("a case of `goto` without `when` hides those behind it"),
                _ => None,
            };
            if let Some(what) = wrong {
                self.problem(case.span().start, what);
                return None;
            }
            guards.push(self.text(table, "when"));
        }
        Some(guards)
    }

    /// The edges of the cases: `case_1` and so on, and `else`.
    pub(super) fn case_edges(&mut self, value: &Value<'_>) -> Vec<RawEdge> {
        let cases: Vec<&Value<'_>> = value.get_ref().as_array().into_iter().flatten().collect();
        let count = cases.len();
        let mut edges = Vec::new();
        for (at, case) in cases.into_iter().enumerate() {
            let DeValue::Table(table) = case.get_ref() else { continue };
            let text = if at + 1 == count { "else".to_owned() } else { format!("case_{}", at + 1) };
            let outcome = Named { text, at: self.place(case) };
            edges.push(self.edge_of(outcome, table));
        }
        edges
    }

    /// An edge by the keys of its table.
    pub(super) fn edge_of(&mut self, outcome: Named, table: &DeTable<'_>) -> RawEdge {
        if !table.contains_key("to") {
            self.report.add(outcome.at, format!("the edge `{}` needs `to`", outcome.text));
        }
        if table.contains_key("reply") != table.contains_key("action") {
            let what = format!("the edge `{}` needs both `reply` and `action`, or neither", outcome.text);
            self.report.add(outcome.at, what);
        }
        RawEdge { to: self.text(table, "to"), say: self.say(table, "reply"), outcome }
    }
}
