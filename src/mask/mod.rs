//! Floor 1: the one masker, for what is stored of a message, and for logs, errors and frames (D24).
//!
//! It works on text alone and would rather hide too much than too little: it does not know what a number means. What it
//! lets pass are words, ids (whose digits stand inside a word) and, in log lines, addresses and times.
//!
//! Adding a kind of secret: a scanner that returns how much of the text's start it covers, and a call in `scan`.

use unicode_normalization::UnicodeNormalization;

use crate::model::{is_at, is_unseen, may_hold};

/// What stands for a hidden value.
pub const HIDDEN: &str = "••••••";
/// Most characters before the @ that are looked at, those that are not seen among them.
const LONGEST_LOCAL: usize = 320;
/// Fewest characters after `dev_`, `ses_` or `key_` that make a token; an id has 26.
const TOKEN_BODY: usize = 30;

/// A kind of what is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A bearer token.
    Token,
    /// An e-mail address.
    Email,
    /// Four to eight digits.
    Code,
    /// More digits.
    Phone,
}

/// Hides codes, phone numbers, e-mail addresses and tokens, for what is stored of somebody's message.
pub fn text(text: &str) -> String {
    scan(text, false, |_, _, shown| shown)
}

/// The same for a field of a log line, where IP addresses and times may stand.
pub fn line(text: &str) -> String {
    scan(text, true, |_, _, shown| shown)
}

/// An error and its causes, as a field of a log line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    line(&text)
}

/// Puts something else in the place of everything that [`text`] hides: `with` is given its kind and how it was written.
pub fn replace(text: &str, mut with: impl FnMut(Kind, &str) -> String) -> String {
    scan(text, false, |kind, written, _| with(kind, written))
}

fn scan(text: &str, keep_technical: bool, mut hide: impl FnMut(Kind, &str, String) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut inside_word = false;
    while let Some(c) = rest.chars().next() {
        if !inside_word {
            let found = token(rest).map(|found| (Kind::Token, found));
            if let Some((kind, (taken, shown))) = found.or_else(|| email(rest).map(|f| (Kind::Email, f))) {
                out.push_str(&hide(kind, rest.get(..taken).unwrap_or_default(), shown));
                rest = rest.get(taken..).unwrap_or_default();
                inside_word = true;
                continue;
            }
            if let Some((taken, digits)) = number(rest) {
                let run = rest.get(..taken).unwrap_or_default();
                if digits.len() < 4
                    || (keep_technical && is_technical(run, rest.get(taken..).unwrap_or_default()))
                {
                    out.push_str(run);
                } else {
                    let kind = if digits.len() < 9 { Kind::Code } else { Kind::Phone };
                    out.push_str(&hide(kind, run, hidden(&digits)));
                }
                rest = rest.get(taken..).unwrap_or_default();
                inside_word = false;
                continue;
            }
        }
        out.push(c);
        inside_word = c.is_alphanumeric() || c == '_';
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    out
}

/// A phone number keeps its last four digits, as everywhere; a code is at most eight digits and keeps none.
fn hidden(digits: &str) -> String {
    if digits.len() < 9 {
        return HIDDEN.to_owned();
    }
    format!("{HIDDEN}{}", digits.get(digits.len() - 4..).unwrap_or_default())
}

/// A run of digits with the characters people put between them: how long it is, and its digits in ASCII.
fn number(text: &str) -> Option<(usize, String)> {
    let first = text.chars().next()?;
    if !(is_digit(first) || matches!(first, '+' | '(' | '＋')) {
        return None;
    }
    let (mut digits, mut end, mut gap) = (String::new(), 0, 0);
    for (at, c) in text.char_indices() {
        // An address may begin with digits; whoever took them for a number would leave the rest of it to be read.
        let begins = gap > 0 || digits.is_empty();
        if is_digit(c) && begins && text.get(at..).and_then(email).is_some() {
            break;
        }
        if is_digit(c) {
            digits.push(c.to_digit(10).and_then(|d| char::from_digit(d, 10)).unwrap_or('0'));
            end = at + c.len_utf8();
            gap = 0;
        } else if is_between(c) && gap < 3 {
            gap += 1;
        } else {
            break;
        }
    }
    (!digits.is_empty()).then_some((end, digits))
}

fn is_digit(c: char) -> bool {
    c.is_numeric() && !c.is_alphabetic()
}

fn is_between(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '+' | '(' | ')' | '-' | '.' | ',' | '/' | '_' | '*' | '·' | '＋' | '\u{2010}'..='\u{2015}'
        )
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}')
}

/// A dotted quad, or a date of the form 2026-01-15 (with its time).
fn is_technical(run: &str, after: &str) -> bool {
    let address = run.split('.').collect::<Vec<_>>();
    let quad = address.len() == 4 && address.iter().all(|p| p.parse::<u8>().is_ok());
    let b = run.as_bytes();
    let date = b.len() == 10 && b.get(4) == Some(&b'-') && b.get(7) == Some(&b'-') && !run.contains(' ');
    quad || (date && (after.is_empty() || after.starts_with(['T', ' ', '"'])))
}

fn token(text: &str) -> Option<(usize, String)> {
    let prefix = ["dev_", "ses_", "key_"].into_iter().find(|p| text.starts_with(p))?;
    let body = text.get(prefix.len()..)?.bytes().take_while(u8::is_ascii_alphanumeric).count();
    (body >= TOKEN_BODY).then(|| (prefix.len() + body, format!("{prefix}{HIDDEN}")))
}

/// An address, in every spelling that [`crate::model::Email`] reads and some that it refuses.
fn email(text: &str) -> Option<(usize, String)> {
    // The signs that stand in an address are looked over from each of them, so that the way is bounded.
    let at = text.char_indices().take(LONGEST_LOCAL).find(|(_, c)| is_at(*c) || !may_hold(*c));
    let (local, sign) = at.filter(|(local, c)| *local > 0 && is_at(*c))?;
    let rest = text.get(local + sign.len_utf8()..)?;
    let end = rest.find(|c: char| !is_domain(c)).unwrap_or(rest.len());
    let is_dot = |c: char| matches!(c, '.' | '\u{ff0e}' | '\u{fe52}' | '\u{3002}' | '\u{ff61}');
    let domain = rest.get(..end)?.trim_end_matches(is_dot);
    let first = text.get(..local)?.chars().find(|c| !is_unseen(*c))?;
    (domain.contains(is_dot))
        .then(|| (local + sign.len_utf8() + domain.len(), format!("{first}{HIDDEN}@{HIDDEN}")))
}

/// Punctuation ends a domain, in its wide forms too, so that what follows stays readable.
fn is_domain(c: char) -> bool {
    let is_inside = |c: char| !c.is_ascii_punctuation() || matches!(c, '.' | '-' | '_');
    may_hold(c) && std::iter::once(c).nfkc().all(is_inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_phones_mails_and_tokens_are_hidden() {
        for (given, shown) in [
            ("my code is 123456", "my code is ••••••"),
            ("12 34 56", "••••••"),
            ("1-2-3-4-5-6!", "••••••!"),
            ("it's 1234.", "it's ••••••."),
            ("call +1 (415) 555-2671 now", "call ••••••2671 now"),
            ("١٢٣٤٥٦", "••••••"),
            ("１２３４５６", "••••••"),
            ("1\u{200b}23456", "••••••"),
            ("write to john.doe+x@example.com.", "write to j••••••@••••••."),
            ("<anna@example.com>, please", "<a••••••@••••••>, please"),
            ("anna＠example．com，谢谢", "a••••••@••••••，谢谢"),
            ("o'brien&co/x@münchen.de!", "o••••••@••••••!"),
            ("\u{202e}anna@exam\u{200b}ple.com", "a••••••@••••••"),
            ("(1234@example.com) 12 12@example.com", "(1••••••@••••••) 12 1••••••@••••••"),
            ("meet me @ noon. 5@2", "meet me @ noon. 5@2"),
            ("I am 42, room 7", "I am 42, room 7"),
            ("cnv_01kb7m3k5z9q8x7w6v5t4s3r2p", "cnv_01kb7m3k5z9q8x7w6v5t4s3r2p"),
            ("", ""),
        ] {
            assert_eq!(text(given), shown, "{given}");
        }
        let token = format!("ses_{}", "a1B".repeat(16));
        assert_eq!(text(&format!("Bearer {token}, ok")), "Bearer ses_••••••, ok");
    }

    #[test]
    fn a_log_line_keeps_addresses_and_times() {
        assert_eq!(line("127.0.0.1:80"), "127.0.0.1:80");
        assert_eq!(line("2026-01-15T10:00:00Z"), "2026-01-15T10:00:00Z");
        assert_eq!(
            line("code 123456 to +14155552671"),
            "code ••••••2671".replace("••••••2671", "•••••• to ••••••2671")
        );
        assert_eq!(text("127.0.0.1"), "••••••");
    }
}
