//! Texts that were asked for: whatever is said that is not clearly something else, or what a pattern finds in it.

use crate::graph::Pattern;
use crate::model::is_unseen;

/// Longest text that is an answer, in characters.
const LONGEST: usize = 200;

/// Whether the text holds what the pattern is for, so that it is an answer whatever it says besides.
pub(in crate::classify) fn fits(text: &str, pattern: Option<&Pattern>) -> bool {
    pattern.is_some_and(|pattern| pattern.take(text).is_some())
}

/// A text while one is awaited: what is taken of it, why nothing can be, or nothing of the kind.
pub(super) fn judge(
    text: &str,
    pattern: Option<&Pattern>,
    other: impl Fn() -> bool,
) -> Option<Result<String, &'static str>> {
    let taken = pattern.and_then(|pattern| pattern.take(text));
    // One word with digits in it, as a mistyped number is, was meant for the pattern.
    let is_try = pattern.is_some() && is_one_word(text) && text.contains(|c: char| c.is_numeric());
    if taken.is_none() && !is_try && (text.contains(['?', '¿', '؟', '？']) || other()) {
        return None;
    }
    let said = match (taken, pattern) {
        (Some(taken), _) => taken,
        (None, Some(_)) => return Some(Err("pattern")),
        (None, None) => text.trim(),
    };
    if said.chars().nth(LONGEST).is_some() {
        return Some(Err("too_long"));
    }
    let seen: String = said.chars().filter(|c| !c.is_control() && !is_unseen(*c)).collect();
    Some(if seen.trim().is_empty() { Err("empty") } else { Ok(seen) })
}

fn is_one_word(text: &str) -> bool {
    text.split_whitespace().count() == 1
}
