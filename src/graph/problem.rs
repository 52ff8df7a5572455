//! What is wrong with a set of graph files, and where.

use std::fmt;

use super::Source;

/// One thing that is wrong, with its place. Lines and columns count from 1; columns count characters, as editors do,
/// where TOML's own spans count bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{file}:{line}:{column}: {what}")]
pub struct Problem {
    /// The name of the source.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// What is wrong.
    pub what: String,
}

/// Everything that is wrong, sorted by file and place; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

/// A byte of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Which source.
    pub(super) file: usize,
    /// Which byte of it.
    pub(super) offset: usize,
}

/// Collects problems while the sources are read and proved.
#[derive(Debug)]
pub(super) struct Report<'a> {
    sources: &'a [Source],
    problems: Vec<Problem>,
}

impl<'a> Report<'a> {
    pub(super) fn new(sources: &'a [Source]) -> Self {
        Self { sources, problems: Vec::new() }
    }

    pub(super) fn add(&mut self, place: Place, what: impl Into<String>) {
        let (file, text) =
            self.sources.get(place.file).map_or(("graphs", ""), |s| (s.name.as_str(), s.text.as_str()));
        let (line, column) = line_and_column(text, place.offset);
        self.problems.push(Problem { file: file.to_owned(), line, column, what: what.into() });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    pub(super) fn finish(mut self) -> Problems {
        self.problems.sort();
        self.problems.dedup();
        Problems(self.problems)
    }
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let (mut line, mut column) = (1, 1);
    for (at, letter) in text.char_indices() {
        if at >= offset {
            break;
        }
        if letter == '\n' {
            line += 1;
            column = 1;
        } else {
            column += 1;
        }
    }
    (line, column)
}
