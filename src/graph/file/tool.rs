//! The keys of a `call` node.

use toml::de::DeTable;

use super::{Named, Reader};

/// A call of a tool, its names not yet looked up.
#[derive(Debug)]
pub(in crate::graph) struct RawTool {
    pub(in crate::graph) tool: Named,
    /// Names of arguments, each with a text or a field in braces.
    pub(in crate::graph) with: Vec<(Named, Named)>,
    /// Names of fields, and pointers.
    pub(in crate::graph) into: Vec<(Named, Named)>,
}

impl Reader<'_, '_> {
    pub(super) fn tool(&mut self, table: &DeTable<'_>) -> Option<RawTool> {
        let (with, into) = (self.pairs(table, "with"), self.pairs(table, "into"));
        Some(RawTool { tool: self.text(table, "call")?, with, into })
    }
}
