//! A value as given, and how it is read.

use std::borrow::Cow;
use std::str::FromStr;

/// What stands in a source, before anybody knows what it should be.
#[derive(Clone)]
pub(super) enum Raw {
    /// A variable's text, in which every kind of value is spelled.
    Word(String),
    /// A string in the file.
    Text(String),
    /// A whole number in the file.
    Whole(i64),
    /// Another number in the file.
    Real(f64),
    /// A list in the file.
    List(Vec<Raw>),
    /// Something that no key takes, by its name.
    Other(&'static str),
}

/// What a key would have taken.
pub(super) struct Expected(Cow<'static, str>);

impl Expected {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Expected {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&'static str> for Expected {
    fn from(text: &'static str) -> Self {
        Self(text.into())
    }
}

/// Longest part of a refused value that is repeated in the problem, in characters.
const SHOWN: usize = 60;

impl Raw {
    /// The value as it can be repeated in a problem: short, and with its control characters escaped.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Word(text) | Self::Text(text) => {
                let cut = text.chars().nth(SHOWN).map_or("", |_| "…");
                format!("`{}{cut}`", text.chars().take(SHOWN).collect::<String>().escape_debug())
            }
            Self::Whole(number) => format!("`{number}`"),
            Self::Real(number) => format!("`{number}`"),
            Self::List(_) => "this list".to_owned(),
            Self::Other(name) => format!("a {name}"),
        }
    }

    /// A whole number between `least` and `most`.
    pub(super) fn whole<T: TryFrom<i64>>(&self, least: i64, most: i64) -> Result<T, Expected> {
        let number = match self {
            Self::Word(text) => text.parse().ok(),
            Self::Whole(number) => Some(*number),
            _ => None,
        };
        (number.filter(|n| (least..=most).contains(n)))
            .and_then(|n| T::try_from(n).ok())
            .ok_or_else(|| format!("a whole number from {least} to {most}").into())
    }

    /// A share, above 0 and up to 1.
    pub(super) fn share(&self) -> Result<f64, Expected> {
        let number = match self {
            Self::Word(text) => text.parse().ok(),
            Self::Real(number) => Some(*number),
            Self::Whole(1) => Some(1.0),
            _ => None,
        };
        number.filter(|n| *n > 0.0 && *n <= 1.0).ok_or("a number above 0 and up to 1".into())
    }

    /// A text that passes `check`.
    pub(super) fn text(&self, what: &'static str, check: impl Fn(&str) -> bool) -> Result<String, Expected> {
        match self {
            Self::Word(text) | Self::Text(text) if check(text) => Ok(text.clone()),
            _ => Err(what.into()),
        }
    }

    /// A text that spells a value of another type.
    pub(super) fn parsed<T: FromStr>(&self, what: &'static str) -> Result<T, Expected> {
        match self {
            Self::Word(text) | Self::Text(text) => text.parse().map_err(|_| what.into()),
            _ => Err(what.into()),
        }
    }

    /// A list in the file, or a text with commas in a variable; an empty text is an empty list.
    pub(super) fn list<T: FromStr>(
        &self,
        what: &'static str,
        check: fn(&T) -> bool,
    ) -> Result<Vec<T>, Expected> {
        let items: Vec<Raw> = match self {
            Self::List(items) => items.clone(),
            Self::Word(text) if text.is_empty() => Vec::new(),
            Self::Word(text) => text.split(',').map(|item| Self::Word(item.trim().to_owned())).collect(),
            _ => return Err(what.into()),
        };
        let parsed: Vec<T> = items.iter().map(|item| item.parsed(what)).collect::<Result<_, _>>()?;
        if parsed.iter().all(check) { Ok(parsed) } else { Err(what.into()) }
    }
}
