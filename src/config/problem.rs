//! What is wrong with a configuration, and where.

use std::fmt;
use std::io;

use super::keys::KEYS;

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a file as a whole.
    File {
        /// Its name.
        name: String,
    },
    /// At one spot of a file.
    Spot {
        /// The file's name.
        name: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// In a variable of the environment.
    Variable {
        /// Its name.
        name: String,
    },
    /// Nowhere: it is a default.
    Defaults,
}

impl Place {
    /// The place of a byte of a file's text.
    pub(super) fn at(name: &str, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self::Spot {
            name: name.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }

    /// The line, of a spot.
    pub(super) fn line(&self) -> Option<usize> {
        if let Self::Spot { line, .. } = self { Some(*line) } else { None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name } => write!(f, "{name}"),
            Self::Spot { name, line, column } => write!(f, "{name}:{line}:{column}"),
            Self::Variable { name } => write!(f, "environment variable {name}"),
            Self::Defaults => f.write_str("defaults"),
        }
    }
}

/// One thing that is wrong. Its text never holds a secret's value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{place}: {text}")]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What, and what is allowed.
    pub text: String,
}

impl Problem {
    pub(super) fn new(place: Place, text: impl Into<String>) -> Self {
        Self { place, text: text.into() }
    }

    /// A key that does not exist; `spelled` turns a key's path into the way it is written at that place.
    pub(super) fn unknown(place: Place, given: &str, spelled: impl Fn(&str) -> String) -> Self {
        let hint = nearest(given).map(|path| format!("; did you mean `{}`?", spelled(path)));
        Self::new(place, format!("`{}` is not a key{}", spelled(given), hint.unwrap_or_default()))
    }
}

/// Everything that is wrong, in the order of the places. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn collect(mut all: Vec<Problem>) -> Option<Self> {
        all.sort();
        (!all.is_empty()).then_some(Self(all))
    }

    pub(super) fn unreadable(name: String, error: &io::Error) -> Self {
        Self(vec![Problem::new(Place::File { name }, format!("cannot be read: {error}"))])
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if n == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// The known key that was most likely meant: the fewest letters apart, or else the only one of that last name.
fn nearest(given: &str) -> Option<&'static str> {
    let close = KEYS
        .iter()
        .map(|key| (distance(given, key.path), key.path))
        .min()
        .filter(|&(distance, path)| distance <= (path.len() / 3).min(5))
        .map(|(_, path)| path);
    let last = |path: &str| path.rsplit('.').next().map(str::to_owned);
    close.or_else(|| KEYS.iter().map(|key| key.path).find(|path| last(path) == last(given)))
}

/// How many letters have to be put in, taken out or changed to come from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        for (b, above) in to.chars().zip(row.iter_mut().skip(1)) {
            let cost = corner + usize::from(a != b);
            corner = *above;
            left = cost.min(left + 1).min(corner + 1);
            *above = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (from, to, apart) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2)]
        {
            assert_eq!(distance(from, to), apart, "{from} {to}");
        }
    }
}
