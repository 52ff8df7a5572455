//! Bearer tokens: a greppable prefix, 256 bits, a checksum. Only the hash is stored.

use rand::Rng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::Error;
use crate::model::{Secret, TurnRng};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Digits that 32 bytes take in base 62.
const BODY: usize = 43;
/// Digits that the 4 bytes of checksum take.
const CHECK: usize = 6;

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Proves possession of a device.
    Device,
    /// Proves a login session.
    Session,
}

impl TokenKind {
    /// What the token starts with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Device => "dev_",
            Self::Session => "ses_",
        }
    }
}

/// A bearer token in memory.
#[derive(Debug, Clone)]
pub struct Token {
    kind: TokenKind,
    text: Secret,
}

fn base62(bytes: &[u8], digits: usize) -> String {
    let mut number = Zeroizing::new(bytes.to_vec());
    let mut out = vec![b'0'; digits];
    for slot in out.iter_mut().rev() {
        let mut rest = 0u32;
        for byte in number.iter_mut() {
            let value = rest << 8 | u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            rest = value % 62;
        }
        *slot = ALPHABET.get(rest as usize).copied().unwrap_or(b'0');
    }
    out.iter().map(|&b| char::from(b)).collect()
}

fn checksum(kind: TokenKind, body: &str) -> String {
    let digest: [u8; 32] = Sha256::new().chain_update(kind.prefix()).chain_update(body).finalize().into();
    base62(digest.first_chunk::<4>().map_or(&[], |c| c.as_slice()), CHECK)
}

impl Token {
    /// A random token.
    pub fn random(kind: TokenKind, rng: &mut TurnRng) -> Self {
        let mut bytes = Zeroizing::new([0u8; 32]);
        rng.fill_bytes(bytes.as_mut_slice());
        Self::from_bytes(kind, &bytes)
    }

    pub(super) fn from_bytes(kind: TokenKind, bytes: &[u8; 32]) -> Self {
        let body = base62(bytes, BODY);
        let check = checksum(kind, &body);
        Self { kind, text: Secret::new(format!("{}{body}{check}", kind.prefix())) }
    }

    /// Reads a token. The checksum tells a mistyped or invented one before any look-up.
    pub fn parse(kind: TokenKind, text: &str) -> Result<Self, Error> {
        let rest = text.strip_prefix(kind.prefix()).ok_or(Error::NotAToken)?;
        let (body, check) = rest.split_at_checked(BODY).ok_or(Error::NotAToken)?;
        if rest.bytes().all(|b| b.is_ascii_alphanumeric()) && check == checksum(kind, body) {
            Ok(Self { kind, text: Secret::new(text) })
        } else {
            Err(Error::NotAToken)
        }
    }

    /// The token itself, for the caller it is given to.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// The token as a secret.
    pub fn secret(&self) -> &Secret {
        &self.text
    }

    /// What is stored and looked up. The token has 256 random bits, so a plain hash cannot be searched.
    pub fn hash(&self) -> Vec<u8> {
        Sha256::new().chain_update(self.kind.prefix()).chain_update(self.text.expose()).finalize().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Randomness;

    #[test]
    fn tokens_read_back_and_a_changed_one_does_not() {
        let token = Token::random(TokenKind::Session, &mut Randomness::seeded(3).stream("t"));
        let text = token.expose().to_owned();
        assert_eq!(text.len(), 4 + BODY + CHECK);
        assert_eq!(Token::parse(TokenKind::Session, &text).unwrap().hash(), token.hash());
        assert!(Token::parse(TokenKind::Device, &text).is_err());
        for i in 4..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[i] = if changed[i] == b'0' { b'1' } else { b'0' };
            assert!(Token::parse(TokenKind::Session, std::str::from_utf8(&changed).unwrap()).is_err(), "{i}");
        }
        assert!(Token::parse(TokenKind::Session, "ses_").is_err());
        assert!(Token::parse(TokenKind::Session, &format!("ses_{}", "é".repeat(40))).is_err());
    }
}
