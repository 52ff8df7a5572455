//! E-mail addresses: one policy, for accounts, for destinations and for every limiter's key (D18).
//!
//! - What surrounds the text and what cannot be seen is dropped, compatibility forms are folded (NFKC), in that order.
//!   Control characters are refused and never dropped: they part headers and records. Mail goes to the folded text and
//!   to nothing else, so that no folding can carry a code past the mailbox that is the account.
//! - Before the one @: ASCII letters, digits, ``! # $ % & ' * + - / = ? ^ _ ` { | } ~`` and single dots inside, at most
//!   64 octets. Quoted parts, comments and other scripts are refused; few mailboxes have them, and two that look alike
//!   would be two people.
//! - After it: a domain by UTS 46, kept as lower-case A-labels of 1 to 63 octets, with a dot in it and none at its end.
//!   What no mail can reach from outside is refused: `localhost`, addresses of machines, names that are nobody's
//!   (`.local`, `.internal`, …). `.test` and `.example` are let be, since tests and manuals live there. A joiner in a
//!   domain is a letter of some scripts, so there it is judged and not dropped.
//! - At most 254 octets in all.
//! - The identity, [`Email::key`], is the whole in lower case. Mail goes to [`Email::as_str`], which keeps the case
//!   before the @: a host may tell `Anna` from `anna`, though none gives both to different people.
//! - `anna+shop@` and `an.na@` are accounts of their own. Which signs a host ignores is its secret and changes; a wrong
//!   guess would give one person another's account, and a right one saves a limiter a single message.
//! - Look-alikes need no rule of their own: there are none before the @, and a domain with a Cyrillic letter is another
//!   domain, as its A-label shows.
//!
//! It does not know whether a mailbox exists. Adding a spelling: a row in `fixtures/emails/spellings.toml`, which
//! `tests/it/contacts.rs` reads.

use std::fmt;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::text::is_unseen;

/// Longest address, in octets (RFC 5321, as corrected).
const LONGEST: usize = 254;
/// Longest part before the @, in octets.
const LONGEST_LOCAL: usize = 64;
/// Longest text that is looked at, in characters, those that are not seen among them.
const LONGEST_TEXT: usize = 320;
/// What stands for the hidden parts. Its length is fixed, so that it does not tell theirs.
const HIDDEN: &str = "•••••••";
/// Last labels that no mail reaches, of their own or by what stands after them (RFC 6761, 7686, 8375, 9476, ICANN).
const UNREACHED: &str =
    "alt|arpa|corp|home|internal|intranet|invalid|lan|local|localdomain|localhost|onion|private";

/// Why a text is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// There is no @ in it.
    #[error("there is no @ in it")]
    NoAt,
    /// There is more than one.
    #[error("there is more than one @ in it")]
    SeveralAts,
    /// Nothing stands on one side of the @.
    #[error("something is missing before or after the @")]
    Incomplete,
    /// A control character: a line break, a tab, a NUL.
    #[error("it contains a line break or another control character")]
    ControlCharacter,
    /// A character that cannot stand before the @ here.
    #[error("only plain letters, digits and a few signs can stand before the @")]
    ForeignCharacter,
    /// A dot at the start or end of the part before the @, or next to another.
    #[error("there is a dot too many before the @")]
    MisplacedDot,
    /// Longer than an address can be.
    #[error("it is too long")]
    TooLong,
    /// What stands after the @ is no domain.
    #[error("what stands after the @ is no domain")]
    NotADomain,
    /// No mail reaches that domain from outside.
    #[error("mail cannot be sent to that domain")]
    NotReachable,
}

impl EmailError {
    /// The machine code.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoAt => "no_at",
            Self::SeveralAts => "several_ats",
            Self::Incomplete => "incomplete",
            Self::ControlCharacter => "control_character",
            Self::ForeignCharacter => "foreign_character",
            Self::MisplacedDot => "misplaced_dot",
            Self::TooLong => "too_long",
            Self::NotADomain => "not_a_domain",
            Self::NotReachable => "not_reachable",
        }
    }
}

/// An address that mail can be sent to.
///
/// It has no `Display`; `Debug` and `Serialize` give the masked form. Two are equal when they are one account.
#[derive(Clone)]
pub struct Email {
    text: Box<str>,
    key: Box<str>,
}

impl Email {
    /// Reads the whole of `text` as one address.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let folded = fold(text.trim())?;
        let (local, domain) = folded.split_once('@').ok_or(EmailError::NoAt)?;
        if domain.contains('@') {
            return Err(EmailError::SeveralAts);
        }
        if local.is_empty() || domain.is_empty() {
            return Err(EmailError::Incomplete);
        }
        check_local(local)?;
        let text = format!("{local}@{}", host(domain)?);
        if local.len() > LONGEST_LOCAL || text.len() > LONGEST {
            return Err(EmailError::TooLong);
        }
        Ok(Self { key: text.to_ascii_lowercase().into(), text: text.into() })
    }

    /// What a message is sent to. For the sender and the store, and nowhere else.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it is looked up and counted by.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The first character and the last label: `a•••••••@•••••••.com`.
    pub fn masked(&self) -> String {
        let first: String = self.text.chars().take(1).collect();
        let last = self.key.rsplit('.').next().unwrap_or_default();
        format!("{first}{HIDDEN}@{HIDDEN}.{last}")
    }
}

/// Whether some spelling of an address can hold a character. Who cuts addresses out of texts, or hides them there, must
/// take in as much.
pub fn may_hold(c: char) -> bool {
    let is_ascii = |c: char| c.is_ascii_graphic() && !"\"(),:;<>[\\]".contains(c);
    match c {
        // Wide forms stand at a fixed distance from the ASCII that they fold to.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).is_some_and(is_ascii),
        // Small forms, the full stops and the middle dots of East Asia.
        '\u{fe52}'
        | '\u{fe56}'
        | '\u{fe57}'
        | '\u{fe5b}'
        | '\u{fe5c}'
        | '\u{fe5f}'..='\u{fe63}'
        | '\u{fe66}'
        | '\u{fe69}'..='\u{fe6b}'
        | '\u{3002}'
        | '\u{ff61}'
        | '\u{b7}'
        | '\u{30fb}' => true,
        c if c.is_ascii() => is_ascii(c),
        c => c.is_alphanumeric() || is_combining_mark(c) || is_unseen(c),
    }
}

/// A joiner is not seen, yet tells words apart in scripts that have one.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

fn fold(text: &str) -> Result<String, EmailError> {
    if text.chars().nth(LONGEST_TEXT).is_some() {
        return Err(EmailError::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(EmailError::ControlCharacter);
    }
    let mut after = false;
    let mut out = String::new();
    for c in text.chars() {
        // Before folding: a sign that stands for several letters would be read here and not be hidden elsewhere.
        if !c.is_ascii() && !may_hold(c) {
            return Err(if after { EmailError::NotADomain } else { EmailError::ForeignCharacter });
        }
        if !is_unseen(c) || (after && is_joiner(c)) {
            out.push(c);
        }
        after |= is_at(c);
    }
    Ok(out.nfkc().collect())
}

/// The sign in its usual, wide and small forms.
pub fn is_at(c: char) -> bool {
    matches!(c, '@' | '\u{ff20}' | '\u{fe6b}')
}

fn check_local(local: &str) -> Result<(), EmailError> {
    let is_sign = |c: char| "!#$%&'*+-/=?^_`{|}~".contains(c);
    if !local.chars().all(|c| c.is_ascii_alphanumeric() || is_sign(c) || c == '.') {
        return Err(EmailError::ForeignCharacter);
    }
    if local.split('.').any(str::is_empty) { Err(EmailError::MisplacedDot) } else { Ok(()) }
}

/// The domain as lower-case A-labels.
fn host(domain: &str) -> Result<String, EmailError> {
    if domain.starts_with('[') {
        return Err(EmailError::NotReachable);
    }
    let is_label =
        |c: char| c.is_ascii() || matches!(c, '\u{3002}') || (may_hold(c) && !is_unseen(c)) || is_joiner(c);
    if !domain.chars().all(is_label) {
        return Err(EmailError::NotADomain);
    }
    let host = Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .map_err(|_| EmailError::NotADomain)?;
    let (before, last) = host.rsplit_once('.').unwrap_or_default();
    let given = domain.rsplit(['.', '\u{3002}']).next().unwrap_or_default();
    // No top label holds ASCII letters beside those of another script: such an end is the next word of the sentence.
    let mixed = given.contains(|c: char| c.is_ascii_alphabetic()) && given.contains(|c: char| c > '\u{24f}');
    let unreached =
        before.is_empty() || last.len() < 2 || !last.starts_with(|c: char| c.is_ascii_lowercase());
    if unreached || UNREACHED.split('|').any(|label| label == last) {
        return Err(EmailError::NotReachable);
    }
    if mixed { Err(EmailError::NotADomain) } else { Ok(host.into_owned()) }
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Email {}

impl std::hash::Hash for Email {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl Serialize for Email {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.masked())
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Email {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Email".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "an e-mail address" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // How addresses are written is in `fixtures/emails/spellings.toml`, with its test in `tests/it/contacts.rs`.

    #[test]
    fn it_is_sent_as_given_and_known_in_lower_case() {
        let email = Email::parse(" Anna.K@Example.COM ").unwrap();
        assert_eq!((email.as_str(), email.key()), ("Anna.K@example.com", "anna.k@example.com"));
        assert_eq!(email, Email::parse("anna.k@example.com").unwrap());
    }

    #[test]
    fn it_prints_masked_everywhere() {
        let email: Email = serde_json::from_str("\"anna@mail.test\"").unwrap();
        assert_eq!(email.masked(), "a•••••••@•••••••.test");
        assert_eq!(format!("{email:?}"), email.masked());
        assert_eq!(serde_json::to_value(&email).unwrap(), email.masked());
        assert!(serde_json::from_str::<Email>("\"anna\"").is_err());
    }
}
