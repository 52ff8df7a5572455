//! The derived keys and what is done with them.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use rand::Rng;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{AccessTokens, Code, Error, Token, TokenKind};
use crate::model::{ChallengeId, Secret, TurnRng};

/// Format of sealed bytes, so that a later one can be told from it.
const SEAL_VERSION: u8 = 1;
const NONCE: usize = 24;

type Key = [u8; 32];

/// A pepper and the name it is stored with each challenge by.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Pepper {
    #[zeroize(skip)]
    name: String,
    key: Key,
}

/// What a code is derived from, besides the pepper.
#[derive(Debug, Clone, Copy)]
pub struct CodeOf<'a> {
    /// The name of the pepper.
    pub pepper: &'a str,
    /// The challenge.
    pub challenge: &'a ChallengeId,
    /// What it is good for.
    pub purpose: &'a str,
    /// Where it went; empty where it went nowhere.
    pub to: &'a str,
    /// How many digits it has.
    pub digits: u32,
}

/// Every key of an instance.
#[derive(ZeroizeOnDrop)]
pub struct Keys {
    #[zeroize(skip)]
    peppers: Vec<Pepper>,
    token: Key,
    lookup: Key,
    seal: Key,
    #[zeroize(skip)]
    access: AccessTokens,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(••••)")
    }
}

pub(super) fn mac(key: &Key, parts: &[&[u8]]) -> Key {
    // HMAC takes a key of any length, so the error cannot occur; an all-zero key would be the wrong way to say so.
    let Ok(mut mac) = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key) else { std::process::abort() };
    for part in parts {
        // Each part goes in with its length: ("ab", "c") and ("a", "bc") must not be the same message.
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl Keys {
    /// Derives every key from the instance key. New codes are derived under the first of the named peppers; codes under
    /// the others can still be given back.
    pub fn derive(instance: &Secret, code_peppers: &[String]) -> Result<Self, Error> {
        let hkdf = Hkdf::<Sha256>::new(None, instance.expose().as_bytes());
        let key = |label: &str| {
            let mut out = [0u8; 32];
            hkdf.expand(label.as_bytes(), &mut out).map_err(|_| Error::BadKey("cannot be expanded"))?;
            Ok::<Key, Error>(out)
        };
        let signing = Zeroizing::new(key("vestibule access token ed25519 v1")?);
        let pepper = |name: &String| {
            Ok(Pepper { key: key(&format!("vestibule code pepper {name}"))?, name: name.clone() })
        };
        let peppers = code_peppers.iter().map(pepper).collect::<Result<Vec<_>, Error>>()?;
        if peppers.is_empty() {
            return Err(Error::BadKey("has no pepper for codes: crypto.code_peppers names none"));
        }
        Ok(Self {
            peppers,
            token: key("vestibule bearer token v1")?,
            lookup: key("vestibule identifier lookup v1")?,
            seal: key("vestibule seal v1")?,
            access: AccessTokens::new(&signing)?,
        })
    }

    /// Signs and checks access tokens.
    pub fn access_tokens(&self) -> &AccessTokens {
        &self.access
    }

    /// The name of the pepper that new codes are derived under.
    pub fn pepper(&self) -> &str {
        self.peppers.first().map_or("", |pepper| pepper.name.as_str())
    }

    /// The code of a challenge; it is derived whenever it is needed and never stored (D3). `None` where its pepper was
    /// taken out of use: the code is worth nothing any more.
    pub fn code(&self, of: CodeOf<'_>) -> Option<Code> {
        let pepper = self.peppers.iter().find(|pepper| pepper.name == of.pepper)?;
        let parts = [of.challenge.as_str().as_bytes(), of.purpose.as_bytes(), of.to.as_bytes()];
        Some(Code::derive(&pepper.key, &parts, of.digits))
    }

    /// The key under which an identifier is counted and looked up; the identifier cannot be read from it.
    pub fn lookup(&self, kind: &str, identifier: &str) -> Vec<u8> {
        mac(&self.lookup, &[kind.as_bytes(), identifier.as_bytes()]).to_vec()
    }

    /// Names one try: the same message with the same text is the same try, and nothing else is.
    pub fn attempt(&self, message_id: &str, guess: &str) -> Vec<u8> {
        mac(&self.lookup, &[b"attempt", message_id.as_bytes(), guess.as_bytes()]).to_vec()
    }

    /// A token that can be derived again from what the caller presents (D7).
    pub fn token(&self, kind: TokenKind, parts: &[&str]) -> Token {
        let mut bytes: Vec<&[u8]> = vec![kind.prefix().as_bytes()];
        bytes.extend(parts.iter().map(|p| p.as_bytes()));
        Token::from_bytes(kind, &mac(&self.token, &bytes))
    }

    /// Seals bytes for one record, named by `aad`; they open for no other.
    pub fn seal(&self, rng: &mut TurnRng, aad: &str, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0u8; NONCE];
        rng.fill_bytes(&mut nonce);
        let cipher = XChaCha20Poly1305::new(&self.seal.into());
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: aad.as_bytes() })
            .map_err(|_| Error::Unsealable)?;
        Ok([&[SEAL_VERSION], nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Keys::seal`] made for the same record.
    pub fn open(&self, aad: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (&version, rest) = sealed.split_first().ok_or(Error::Unsealable)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE>().ok_or(Error::Unsealable)?;
        if version != SEAL_VERSION {
            return Err(Error::Unsealable);
        }
        let cipher = XChaCha20Poly1305::new(&self.seal.into());
        cipher
            .decrypt(&XNonce::from(*nonce), Payload { msg: body, aad: aad.as_bytes() })
            .map(Zeroizing::new)
            .map_err(|_| Error::Unsealable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Randomness;

    fn keys() -> Keys {
        with(&["p1"])
    }

    fn with(peppers: &[&str]) -> Keys {
        let peppers: Vec<String> = peppers.iter().map(|&name| name.to_owned()).collect();
        Keys::derive(&Secret::new("an instance key that is used in tests only"), &peppers).unwrap()
    }

    #[test]
    fn a_seal_opens_only_for_its_record_and_unchanged() {
        let (keys, mut rng) = (keys(), Randomness::seeded(1).stream("seal"));
        let sealed = keys.seal(&mut rng, "challenge/a", b"+14155552671").unwrap();
        assert_eq!(keys.open("challenge/a", &sealed).unwrap().as_slice(), b"+14155552671");
        assert!(keys.open("challenge/b", &sealed).is_err());
        for i in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[i] ^= 1;
            assert!(keys.open("challenge/a", &changed).is_err(), "byte {i}");
        }
        assert!(keys.open("challenge/a", &[]).is_err());
    }

    #[test]
    fn parts_do_not_run_together() {
        let keys = keys();
        assert_ne!(keys.lookup("ab", "c"), keys.lookup("a", "bc"));
        assert_ne!(
            keys.token(TokenKind::Session, &["a", "b"]).hash(),
            keys.token(TokenKind::Device, &["a", "b"]).hash()
        );
    }

    #[test]
    fn a_code_is_bound_to_challenge_purpose_and_number() {
        let (keys, mut rng) = (keys(), Randomness::seeded(2).stream("code"));
        let one = ChallengeId::new(jiff::Timestamp::UNIX_EPOCH, &mut rng);
        let two = ChallengeId::new(jiff::Timestamp::UNIX_EPOCH, &mut rng);
        let of = CodeOf { pepper: "p1", challenge: &one, purpose: "login", to: "+14155552671", digits: 6 };
        let code = keys.code(of).unwrap();
        assert!(code.matches(keys.code(of).unwrap().expose()));
        for changed in [
            CodeOf { challenge: &two, ..of },
            CodeOf { purpose: "change_phone", ..of },
            CodeOf { to: "+14155552672", ..of },
            CodeOf { to: "", ..of },
        ] {
            assert!(!code.matches(keys.code(changed).unwrap().expose()));
        }
        assert_eq!(keys.code(CodeOf { digits: 8, ..of }).unwrap().expose().len(), 8);
    }

    // D3
    #[test]
    fn a_pepper_is_good_for_as_long_as_it_is_named() {
        let challenge = ChallengeId::new(jiff::Timestamp::UNIX_EPOCH, &mut Randomness::seeded(3).stream("p"));
        let of = CodeOf { pepper: "p1", challenge: &challenge, purpose: "login", to: "x", digits: 6 };
        let old = keys().code(of).unwrap();
        let rotated = with(&["p2", "p1"]);
        assert_eq!(rotated.pepper(), "p2");
        assert!(rotated.code(of).unwrap().matches(old.expose()));
        assert!(!rotated.code(CodeOf { pepper: "p2", ..of }).unwrap().matches(old.expose()));
        assert!(with(&["p2"]).code(of).is_none());
    }
}
