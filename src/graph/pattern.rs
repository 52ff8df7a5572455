//! What an answer must look like.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};

/// Longest pattern, compiled, in bytes: far more than any that a person can read.
const LARGEST: usize = 1 << 17;
/// Longest text that is looked at, in characters; what is longer is no answer to a question.
const LONGEST: usize = 1_000;
/// Most places of a text that are looked at for a pattern that may stand anywhere.
const PLACES: usize = 20;

/// A regular expression over what somebody said. A clone is the same one.
///
/// It takes no time that matters, whatever is said: one look at a text is linear in its length times the size of the pattern,
/// and both are bounded, as is the number of looks.
#[derive(Debug, Clone)]
pub struct Pattern(Arc<Read>);

#[derive(Debug)]
struct Read {
    text: String,
    finds: bool,
    compiled: Regex,
}

/// Two patterns of the same text are the same.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text && self.0.finds == other.0.finds
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// Reads a pattern, or says what is wrong with it. One that `finds` may stand anywhere in a sentence.
    pub fn parse(text: &str, finds: bool) -> Result<Self, String> {
        // Part of a longer word or number is another one.
        let whole = if finds {
            format!(r"\b{{start-half}}(?:{text})\b{{end-half}}")
        } else {
            format!(r"\A(?:{text})\z")
        };
        let compile = |text: &str| RegexBuilder::new(text).size_limit(LARGEST).build();
        // Compiled alone first: a bracket too many would close ours, and be no mistake.
        let compiled = compile(text).and_then(|_| compile(&whole)).map_err(|e| reason(&e.to_string()))?;
        if compiled.is_match("") {
            return Err("it takes an empty text".to_owned());
        }
        Ok(Self(Arc::new(Read { text: text.to_owned(), finds, compiled })))
    }

    /// What is taken of a text: all of it but the spaces round it, or the one thing in it that fits. Two that differ are
    /// none.
    pub fn take<'t>(&self, text: &'t str) -> Option<&'t str> {
        let text = text.trim();
        if text.chars().nth(LONGEST).is_some() {
            return None;
        }
        if !self.0.finds {
            return self.0.compiled.is_match(text).then_some(text);
        }
        let mut looked_at = self.0.compiled.find_iter(text);
        let (mut first, mut same) = (None, true);
        for found in looked_at.by_ref().take(PLACES) {
            same &= *first.get_or_insert(found.as_str()) == found.as_str();
        }
        // What was not looked at may be another one.
        first.filter(|_| same && looked_at.next().is_none())
    }
}

/// The last line of what the compiler says; the lines before it draw the pattern again.
fn reason(error: &str) -> String {
    let last = error.lines().last().unwrap_or_default();
    last.trim().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write() {
        let pattern = |finds| Pattern::parse("(?i)[A-Z]{2}-[0-9]{5}", finds).unwrap();
        for (text, whole, found) in [
            (" AB-12345 ", Some("AB-12345"), Some("AB-12345")),
            ("ab-12345", Some("ab-12345"), Some("ab-12345")),
            ("it's AB-12345 I think", None, Some("AB-12345")),
            ("AB-12345.", None, Some("AB-12345")),
            ("AB-12345, I mean AB-12345", None, Some("AB-12345")),
            ("AB-12345 or AB-12346", None, None),
            ("XAB-12345", None, None),
            ("AB-123456", None, None),
            ("AB-1234", None, None),
            ("", None, None),
        ] {
            assert_eq!(pattern(false).take(text), whole, "{text}");
            assert_eq!(pattern(true).take(text), found, "{text}");
        }
    }

    #[test]
    fn whichever_choice_stands_by_itself_is_found() {
        let people = Pattern::parse("[1-9]|1[0-2]", true).unwrap();
        for (text, found) in
            [("12", Some("12")), ("for 10 of us", Some("10")), ("13", None), ("4, please", Some("4"))]
        {
            assert_eq!(people.take(text), found, "{text}");
        }
    }

    #[test]
    fn no_text_is_looked_at_for_long() {
        let pattern = |finds| Pattern::parse("[a-z]+[0-9]", finds).unwrap();
        let of = |letters: usize| format!("{}1", "a".repeat(letters));
        assert!(
            pattern(false).take(&of(LONGEST - 1)).is_some() && pattern(true).take(&of(LONGEST - 1)).is_some()
        );
        assert!(pattern(false).take(&of(LONGEST)).is_none() && pattern(true).take(&of(LONGEST)).is_none());
        assert_eq!(pattern(true).take(&"ab1 ".repeat(PLACES)), Some("ab1"));
        assert_eq!(pattern(true).take(&"ab1 ".repeat(PLACES + 1)), None);
    }

    #[test]
    fn a_pattern_that_cannot_be_is_told() {
        for (text, why) in [
            ("[A-Z", "unclosed character class"),
            ("a)(b", "unopened group"),
            ("(", "unclosed group"),
            ("a*", "it takes an empty text"),
            ("", "it takes an empty text"),
        ] {
            assert_eq!(Pattern::parse(text, false).unwrap_err(), why, "{text}");
        }
        let large = Pattern::parse("(?:a{1000}){1000}", false).unwrap_err();
        assert!(large.contains("size limit"), "{large}");
    }
}
