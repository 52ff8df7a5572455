//! Access tokens: short-lived JWTs signed with Ed25519 (D7, D8).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Error;
use crate::model::Secret;

/// Seconds by which two clocks may differ.
const LEEWAY: i64 = 5;
/// Longest token that is looked at, in bytes.
const LONGEST: usize = 4096;
/// Who issues and who is meant to take the tokens.
const ISSUER: &str = "vestibule";

/// What an access token says. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// The account.
    pub sub: String,
    /// The session it was made from; it dies with it.
    pub sid: String,
    /// The token's own id.
    pub jti: String,
    /// Who issued it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// When it was made.
    pub iat: i64,
    /// When it begins to hold.
    pub nbf: i64,
    /// When it ends.
    pub exp: i64,
}

/// Signs and checks access tokens under one key.
#[derive(Clone)]
pub struct AccessTokens {
    kid: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    public: [u8; 32],
}

impl std::fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AccessTokens({})", self.kid)
    }
}

impl AccessTokens {
    pub(super) fn new(seed: &[u8; 32]) -> Result<Self, Error> {
        let signing = SigningKey::from_bytes(seed);
        let der = signing.to_pkcs8_der().map_err(|_| Error::BadKey("cannot be encoded"))?;
        let public = signing.verifying_key().to_bytes();
        let digest = Sha256::digest(public);
        let kid = URL_SAFE_NO_PAD.encode(digest.first_chunk::<9>().map_or(&[][..], |c| c));
        Ok(Self {
            kid,
            encoding: EncodingKey::from_ed_der(der.as_bytes()),
            decoding: DecodingKey::from_ed_der(&public),
            public,
        })
    }

    /// Signs a token for a session, valid from `now` for `seconds`.
    pub fn sign(&self, sub: &str, sid: &str, times: (i64, i64), jti: String) -> Result<Secret, Error> {
        let (now, seconds) = times;
        let claims = Claims {
            sub: sub.to_owned(),
            sid: sid.to_owned(),
            jti,
            iss: ISSUER.to_owned(),
            aud: ISSUER.to_owned(),
            iat: now,
            nbf: now,
            exp: now + seconds,
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, &claims, &self.encoding).map(Secret::new).map_err(Error::AccessToken)
    }

    /// What a token says, if it was signed by us for us and holds at `now` (seconds since 1970).
    pub fn check(&self, token: &str, now: i64) -> Result<Claims, Error> {
        use jsonwebtoken::errors::ErrorKind;
        let refuse = |kind: ErrorKind| Err(Error::AccessToken(kind.into()));
        if token.len() > LONGEST {
            return refuse(ErrorKind::InvalidToken);
        }
        let header = jsonwebtoken::decode_header(token).map_err(Error::AccessToken)?;
        if header.kid.as_deref() != Some(&self.kid) {
            return refuse(ErrorKind::InvalidSignature);
        }
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[ISSUER]);
        rules.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // The library compares with the system's clock; ours is an argument, so the times are compared below.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        let claims =
            jsonwebtoken::decode::<Claims>(token, &self.decoding, &rules).map_err(Error::AccessToken)?.claims;
        if now >= claims.exp + LEEWAY {
            return refuse(ErrorKind::ExpiredSignature);
        }
        if now < claims.nbf - LEEWAY {
            return refuse(ErrorKind::ImmatureSignature);
        }
        Ok(claims)
    }

    /// The public keys, as `/.well-known/jwks.json` gives them.
    pub fn jwks(&self) -> Value {
        json!({ "keys": [{
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid,
            "x": URL_SAFE_NO_PAD.encode(self.public),
        }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> AccessTokens {
        AccessTokens::new(&[5; 32]).unwrap()
    }

    #[test]
    fn a_token_holds_from_its_start_to_its_end() {
        let tokens = tokens();
        let token = tokens.sign("usr_x", "ses_x", (1_000, 900), "j".into()).unwrap();
        assert_eq!(tokens.check(token.expose(), 1_000).unwrap().sub, "usr_x");
        assert!(tokens.check(token.expose(), 1_904).is_ok());
        assert!(tokens.check(token.expose(), 1_905).is_err());
        assert!(tokens.check(token.expose(), 994).is_err());
    }

    // SEC-19, as far as the token's own form goes.
    #[test]
    fn forged_headers_keys_and_claims_are_refused() {
        let tokens = tokens();
        let claims = json!({ "sub": "usr_x", "sid": "s", "jti": "j", "iss": ISSUER, "aud": ISSUER,
            "iat": 0, "nbf": 0, "exp": 9_999_999_999i64 });
        let encode = |header: &Value, body: &Value| {
            format!(
                "{}.{}.",
                URL_SAFE_NO_PAD.encode(header.to_string()),
                URL_SAFE_NO_PAD.encode(body.to_string())
            )
        };
        let none = encode(&json!({ "alg": "none", "kid": tokens.kid }), &claims);
        let hmac = {
            let mut header = Header::new(Algorithm::HS256);
            header.kid = Some(tokens.kid.clone());
            jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&tokens.public)).unwrap()
        };
        let stranger = AccessTokens::new(&[6; 32]).unwrap().sign("usr_x", "s", (0, 99), "j".into()).unwrap();
        let signed = |claims: &Value, kid: Option<&str>| {
            let mut header = Header::new(Algorithm::EdDSA);
            header.kid = kid.map(str::to_owned);
            jsonwebtoken::encode(&header, claims, &tokens.encoding).unwrap()
        };
        let without = |key: &str| {
            let mut body = claims.clone();
            body.as_object_mut().unwrap().remove(key);
            signed(&body, Some(&tokens.kid))
        };
        let with = |key: &str, value: &str| {
            let mut body = claims.clone();
            body[key] = json!(value);
            signed(&body, Some(&tokens.kid))
        };
        for token in [
            none,
            hmac,
            stranger.expose().to_owned(),
            signed(&claims, None),
            signed(&claims, Some("../../etc/passwd")),
            without("exp"),
            without("nbf"),
            without("sub"),
            without("iss"),
            without("aud"),
            with("iss", "else"),
            with("aud", "else"),
            "x".repeat(65_536),
            String::new(),
        ] {
            assert!(tokens.check(&token, 100).is_err(), "{token:.60}");
        }
        assert!(tokens.check(&signed(&claims, Some(&tokens.kid)), 100).is_ok());
    }
}
