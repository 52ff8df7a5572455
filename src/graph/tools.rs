//! Looks up the names of a `call` node: its tool, the arguments, the fields.

use super::calls::texts;
use super::catalog::ToolSpec;
use super::draft::Drafter;
use super::file::{Named, RawTool};
use crate::model::Assurance;

/// An argument of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// This text.
    Text(String),
    /// The value of a field.
    Field(String),
}

/// A call of a tool, for whoever speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The tool.
    pub tool: &'static str,
    /// The level that the person must have.
    pub needs: Assurance,
    /// Its arguments by their names.
    pub with: Vec<(String, Argument)>,
    /// The fields that its answer fills, each with the JSON pointer to its value.
    pub into: Vec<(String, String)>,
}

impl Drafter<'_, '_, '_> {
    /// The call; `None` where something about it is wrong. Every mistake is told.
    pub(super) fn tool(&mut self, raw: &RawTool) -> Option<(ToolSpec, ToolCall)> {
        let into: Vec<_> =
            raw.into.iter().filter(|(_, pointer)| self.is_pointer(pointer)).map(texts).collect();
        let with: Vec<_> = raw.with.iter().filter_map(|pair| self.argument(pair)).collect();
        let tools = &self.names.catalog.tools;
        let Some(spec) = tools.iter().find(|spec| spec.name == raw.tool.text).copied() else {
            let known: Vec<&str> = tools.iter().map(|spec| spec.name).collect();
            let what = format!(
                "no tool `{}` may be called by a graph file; there are: {}",
                raw.tool.text,
                known.join(", ")
            );
            self.report.add(raw.tool.at, what);
            return None;
        };
        let mut whole = into.len() == raw.into.len() && with.len() == raw.with.len();
        let known: Vec<&str> = spec.takes.iter().chain(spec.may_take).copied().collect();
        for (name, _) in raw.with.iter().filter(|(name, _)| !known.contains(&name.text.as_str())) {
            let takes = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            self.report.add(name.at, format!("`{}` takes no `{}`; it takes: {takes}", spec.name, name.text));
            whole = false;
        }
        for missing in
            spec.takes.iter().filter(|name| !raw.with.iter().any(|(given, _)| given.text == **name))
        {
            self.report.add(raw.tool.at, format!("`{}` needs `{missing}`, by `with`", spec.name));
            whole = false;
        }
        whole.then_some((spec, ToolCall { tool: spec.name, needs: spec.needs, with, into }))
    }

    /// A field in braces, or a text as it stands.
    fn argument(&mut self, (name, value): &(Named, Named)) -> Option<(String, Argument)> {
        let inner = value.text.trim().strip_prefix("{{").and_then(|text| text.strip_suffix("}}"));
        let argument = match inner {
            Some(field) => {
                let field = Named { text: field.trim().to_owned(), at: value.at };
                self.is_field(&field).then_some(Argument::Field(field.text))?
            }
            None => Argument::Text(value.text.clone()),
        };
        Some((name.text.clone(), argument))
    }
}
