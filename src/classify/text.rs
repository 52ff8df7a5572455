//! Text as the rules see it.

use unicode_normalization::UnicodeNormalization;

pub(super) use crate::model::{digit, is_unseen};

/// Longest text that rules read, in characters. What steers a conversation is short.
const LONGEST: usize = 2_000;

/// A text as plain words: compatibility forms folded, lower-cased, accents and apostrophes gone, so that one table
/// row serves "Don’t", "dont" and "DON'T", and "sí" is "si".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words(Vec<String>);

impl Words {
    /// Reads the words of a text; digits and letters of every script count, the rest parts them.
    pub(super) fn of(text: &str) -> Self {
        let mut words = vec![String::new()];
        let folded = text.chars().take(LONGEST).nfkd().flat_map(char::to_lowercase);
        // Composed again, since the marks of other scripts than the Latin one tell words apart.
        for c in folded.filter(|c| !is_dropped(*c)).nfc().take(LONGEST) {
            match words.last_mut() {
                Some(word) if c.is_alphanumeric() || c == '_' => word.push(c),
                Some(word) if !word.is_empty() => words.push(String::new()),
                _ => {}
            }
        }
        words.retain(|word| !word.is_empty());
        Self(words)
    }

    pub(super) fn as_slice(&self) -> &[String] {
        &self.0
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether one of the words, given as `a|b|c`, is there.
    pub(super) fn any(&self, alternatives: &str) -> bool {
        self.0.iter().any(|word| alternatives.split('|').any(|a| a == word))
    }

    /// Whether a pattern occurs somewhere.
    pub(super) fn contain(&self, pattern: &str) -> bool {
        self.position(pattern).is_some()
    }

    /// Where a pattern first occurs.
    pub(super) fn position(&self, pattern: &str) -> Option<usize> {
        (0..self.0.len()).find(|&n| self.0.get(n..).is_some_and(|rest| prefix(pattern, rest).is_some()))
    }

    /// How many words a pattern covers where it first occurs, at most.
    pub(super) fn covered(&self, pattern: &str) -> usize {
        let found = self.position(pattern).and_then(|at| self.0.get(at..));
        found.and_then(|rest| prefix(pattern, rest)).unwrap_or_default()
    }

    /// The same words with slips of the finger in the listed ones mended.
    pub(super) fn mended(&self, listed: &str) -> Self {
        let mend = |word: &String| match listed.split('|').find(|meant| is_slip(word, meant)) {
            Some(meant) if !listed.split('|').any(|l| l == word) => meant.to_owned(),
            _ => word.clone(),
        };
        Self(self.0.iter().map(mend).collect())
    }

    /// Whether the text begins with a pattern.
    pub(super) fn start(&self, pattern: &str) -> bool {
        prefix(pattern, &self.0).is_some()
    }
}

/// Whether a word is one of those given as `a|b|c`, or a slip of the finger away from it.
pub(super) fn is_near(word: &str, alternatives: &str) -> bool {
    alternatives.split('|').any(|a| a == word || is_slip(word, a))
}

/// Two neighbours swapped, or in a longer word one character more, less or other. Short words have too many
/// neighbours that are words themselves.
fn is_slip(typed: &str, meant: &str) -> bool {
    let (typed, meant): (Vec<char>, Vec<char>) = (typed.chars().collect(), meant.chars().collect());
    if typed.len().abs_diff(meant.len()) > 1 || meant.len() < 4 || typed.first() != meant.first() {
        return false;
    }
    let start = typed.iter().zip(&meant).take_while(|(a, b)| a == b).count();
    let (a, b) = (typed.get(start..).unwrap_or_default(), meant.get(start..).unwrap_or_default());
    let swapped = matches!((a, b), ([a1, a2, rest_a @ ..], [b1, b2, rest_b @ ..]) if a1 == b2 && a2 == b1 && rest_a == rest_b);
    let more = a.get(1..) == Some(b);
    let less = b.get(1..) == Some(a);
    let other = a.get(1..) == b.get(1..) && a.len() == b.len();
    swapped || (meant.len() >= 6 && (more || less || other))
}

/// Whether a pattern covers all words.
pub(super) fn is_all(pattern: &str, words: &[String]) -> bool {
    covers(pattern, words).contains(&words.len())
}

/// How many words the pattern covers at the start, at most.
pub(super) fn prefix(pattern: &str, words: &[String]) -> Option<usize> {
    covers(pattern, words).into_iter().max()
}

/// Every number of words that the pattern can cover. In a pattern, `a|b` are alternatives and `a?` may be left out.
fn covers(pattern: &str, words: &[String]) -> Vec<usize> {
    let mut reached = vec![0];
    for element in pattern.split(' ') {
        let (alternatives, optional) = element.strip_suffix('?').map_or((element, false), |e| (e, true));
        let mut next = if optional { reached.clone() } else { Vec::new() };
        for &at in &reached {
            let fits = words.get(at).is_some_and(|word| alternatives.split('|').any(|a| a == word));
            if fits && !next.contains(&(at + 1)) {
                next.push(at + 1);
            }
        }
        reached = next;
    }
    reached
}

/// What does not part words and is no letter: apostrophes, combining marks, and characters that are not seen.
fn is_dropped(c: char) -> bool {
    matches!(c, '\'' | '’' | 'ʼ' | '`' | '\u{300}'..='\u{36f}' | '\u{64b}'..='\u{65f}') || is_unseen(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_fold_to_the_same_words() {
        for (text, want) in [
            ("Don’t STOP!", "dont stop"),
            ("Sí, cancélalo", "si cancelalo"),
            ("ｃａｎｃｅｌ", "cancel"),
            ("new\u{200b} code", "new code"),
            ("update_identity", "update_identity"),
            ("🙂", ""),
        ] {
            assert_eq!(Words::of(text).as_slice().join(" "), want, "{text:?}");
        }
    }

    #[test]
    fn patterns_have_alternatives_and_optional_words() {
        let pattern = "send|give me? the|a? code";
        for yes in ["send code", "give me the code", "send a code"] {
            assert!(is_all(pattern, Words::of(yes).as_slice()), "{yes}");
        }
        for no in ["send the", "code", "send me me code", "send code now", ""] {
            assert!(!is_all(pattern, Words::of(no).as_slice()), "{no}");
        }
        assert_eq!(Words::of("please send me a code").position(pattern), Some(1));
    }

    #[test]
    fn a_slip_of_the_finger_is_forgiven_in_longer_words() {
        for (word, listed, want) in [
            ("nmae", "name", true),
            ("favourtes", "cart|favourites", true),
            ("favorrites", "favorites", true),
            ("histery", "history", true),
            ("device", "devices", true),
            ("game", "name", false),
            ("same", "name", false),
            ("chart", "cart", false),
            ("car", "cart", false),
            ("phony", "phone", false),
        ] {
            assert_eq!(is_near(word, listed), want, "{word}");
        }
    }
}
