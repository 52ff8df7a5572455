//! What the sender of e-mails can be told.

use std::path::PathBuf;
use std::str::FromStr;

use super::Server;
use crate::model::{Email, EmailError};

/// Longest name of a sender, in characters.
const LONGEST_NAME: usize = 100;

/// Through which server e-mails leave, and from whom.
#[derive(Debug, Clone)]
pub struct Options {
    /// The server; without one there is no sender of e-mails but the development outbox.
    pub smtp_url: Option<Server>,
    /// From whom e-mails are.
    pub from: Option<Sender>,
    /// Longest wait until the server asks for a message's words, connecting included, and again for its answer to them; in
    /// milliseconds.
    pub timeout_ms: u64,
    /// Certificates of authorities that are trusted beside the machine's own, as a PEM file.
    pub ca_file: Option<PathBuf>,
    /// Most connections to the server at once.
    pub connections: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { smtp_url: None, from: None, timeout_ms: 10_000, ca_file: None, connections: 4 }
    }
}

/// From whom e-mails are: `Vestibule <codes@example.com>`, or the address alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The name that mail programs show.
    pub name: Option<String>,
    /// The address.
    pub address: Email,
}

/// Why a text is no sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SenderError {
    /// The address is none.
    #[error("the address: {0}")]
    Address(#[from] EmailError),
    /// The name is too long, or has characters that part headers or cannot be seen.
    #[error("the name is too long, or has characters that cannot stand in it")]
    Name,
}

impl FromStr for Sender {
    type Err = SenderError;

    fn from_str(text: &str) -> Result<Self, SenderError> {
        let named = text.trim().strip_suffix('>').and_then(|text| text.split_once('<'));
        let (name, address) = named.unwrap_or(("", text));
        let name = name.trim().trim_matches('"');
        // Marks that turn the direction of writing would let one name look like another.
        let is_odd = |c: char| c.is_control() || matches!(c, '<' | '>' | '@' | '"' | '\\') || turns(c);
        if name.chars().count() > LONGEST_NAME || name.contains(is_odd) {
            return Err(SenderError::Name);
        }
        let name = Some(name.to_owned()).filter(|name| !name.is_empty());
        Ok(Self { name, address: Email::parse(address)? })
    }
}

fn turns(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_has_an_address_and_perhaps_a_name() {
        let read = |text: &str| text.parse::<Sender>().map(|s| (s.name, s.address.as_str().to_owned()));
        let address = || "codes@example.com".to_owned();
        assert_eq!(read("codes@example.com"), Ok((None, address())));
        assert_eq!(read("<codes@example.com>"), Ok((None, address())));
        assert_eq!(read("Ärzte & Co <codes@example.com>"), Ok((Some("Ärzte & Co".to_owned()), address())));
        assert_eq!(read("\"A, B\" <codes@Example.com>"), Ok((Some("A, B".to_owned()), address())));
        for odd in ["A\r\nBcc: x", "A\u{202e}B", "pay@bank.com", "A\"B", &"x".repeat(101)] {
            assert_eq!(read(&format!("{odd} <codes@example.com>")), Err(SenderError::Name), "{odd}");
        }
        for nowhere in
            ["Vestibule", "A <root@localhost>", "a@[127.0.0.1]", "A <a@example.com> B", "A <B <a@b.com>"]
        {
            assert!(read(nowhere).is_err(), "{nowhere}");
        }
    }
}
