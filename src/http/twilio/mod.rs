//! What Twilio calls: how far a message came, and messages that came in.
//!
//! A handler gets a [`TwilioSigned`], which only a signature that holds makes; whoever else calls gets an empty 403. What
//! else a request presents (cookies, tokens) is not looked at: it speaks for the number it names and for nobody else.

mod signed;
mod twiml;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use self::signed::TwilioSigned;
use super::{ApiError, Shared};
use crate::engine::{Inbound, OptOut, Told};
use crate::model::{EffectId, Phone, Secret};
use crate::sms::twilio;

/// Longest name that Twilio gives a message, in characters, with room to spare.
const LONGEST_SID: usize = 64;

/// What Twilio's requests are known by.
#[derive(Debug, Clone, Default)]
pub struct Twilio {
    /// The account that they have to be about; none given means any.
    pub account_sid: Option<String>,
    /// What they are signed with. Without it nobody is Twilio.
    pub auth_token: Option<Secret>,
}

/// `POST /webhooks/twilio/status`
pub(super) async fn status(
    State(shared): State<Shared>,
    signed: TwilioSigned,
) -> Result<StatusCode, ApiError> {
    let provider_id = sid(&signed)?;
    let word = signed.required("MessageStatus")?;
    let code = signed.one("ErrorCode")?.and_then(|code| code.parse().ok()).map(twilio::reported);
    let effect = match signed.query("effect") {
        None => None,
        Some(text) => match EffectId::parse(&text) {
            Ok(id) => Some(id),
            Err(_) => return Ok(StatusCode::NO_CONTENT),
        },
    };
    if let Some(delivery) = twilio::status(word) {
        shared.engine.told(Told { effect, provider_id, delivery, code }).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /webhooks/twilio/sms`
pub(super) async fn sms(State(shared): State<Shared>, signed: TwilioSigned) -> Result<Response, ApiError> {
    let provider_id = sid(&signed)?;
    let (from, text) = (signed.required("From")?, signed.required("Body")?.to_owned());
    let handled = signed.one("OptOutType")?.and_then(handled);
    // Short codes, names and other networks' addresses are nobody's number.
    let number = from.starts_with('+').then(|| Phone::parse(from, None).ok()).flatten();
    let Some(from) = number.filter(Phone::is_valid) else { return Ok(twiml::answer(None)) };
    let said = shared.engine.inbound(Inbound { provider_id, from, text, handled }).await?;
    Ok(twiml::answer(said.as_deref()))
}

fn sid(signed: &TwilioSigned) -> Result<String, ApiError> {
    let sid = signed.required("MessageSid")?;
    if is_plain(sid, LONGEST_SID) {
        Ok(sid.to_owned())
    } else {
        Err(ApiError::invalid("/MessageSid", "must be letters and digits, 64 of them at most"))
    }
}

fn is_plain(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn handled(word: &str) -> Option<OptOut> {
    Some(match word {
        "STOP" => OptOut::Stop,
        "START" => OptOut::Start,
        "HELP" => OptOut::Help,
        _ => return None,
    })
}
