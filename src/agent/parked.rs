//! A request that waits for somebody to sign in (D15).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Error, Turn};
use crate::model::{Entities, Route, Understanding};
use crate::tool::{self, Toolbox};

/// How long a request waits: as long as signing in may well take. Whoever signs in later, perhaps somebody else on a shared
/// device, did not ask for it.
const WAITS: SignedDuration = SignedDuration::from_mins(30);

/// A request that waits. Its entities may hold a number or an address, so they are sealed (D16).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parked {
    /// Whom it is for.
    pub route: Route,
    at: Timestamp,
    confidence: f64,
    entities: String,
}

impl Parked {
    /// Parks what was just heard.
    pub(super) fn of(turn: &mut Turn) -> Result<Self, Error> {
        let Turn { tools, heard, .. } = turn;
        Self::request(tools, heard)
    }

    /// Parks a request.
    pub(super) fn request(tools: &mut Toolbox, heard: &Understanding) -> Result<Self, Error> {
        // A number to sign in with is not part of the request, and it would be masked here; a new value is a text.
        let entities = Entities { phone: None, otp_code: None, ..heard.entities.clone() };
        let plain =
            serde_json::to_vec(&entities).map_err(|_| tool::Error::from(crate::crypto::Error::Unsealable))?;
        let record = record(tools);
        let sealed = tools.keys.seal(&mut tools.rng, &record, &plain).map_err(tool::Error::from)?;
        Ok(Self {
            route: heard.route.clone(),
            at: tools.now,
            confidence: heard.confidence,
            entities: STANDARD.encode(sealed),
        })
    }

    /// Whether it waits still.
    pub fn waits(&self, now: Timestamp) -> bool {
        now < self.at + WAITS
    }

    /// The request, as if it had just been heard; `None` where it was parked in another conversation.
    pub fn heard(&self, tools: &Toolbox) -> Option<Understanding> {
        let sealed = STANDARD.decode(&self.entities).ok()?;
        let plain = tools.keys.open(&record(tools), &sealed).ok()?;
        let entities: Entities = serde_json::from_slice(&plain).ok()?;
        let heard = Understanding::by_rule(self.route.clone(), entities, "rule: asked for before");
        Some(Understanding { confidence: self.confidence, ..heard })
    }
}

fn record(tools: &Toolbox) -> String {
    format!("parked/{}", tools.conversation.as_ref().map(ToString::to_string).unwrap_or_default())
}
