//! What must hold between keys.

use std::collections::BTreeMap;
use std::path::Path;

use super::Config;
use super::keys::key_bytes;
use super::problem::{Place, Problem};
use crate::crypto;
use crate::fetch::Trust;
use crate::model::{Profile, Tier};
use crate::sms::Sender;

/// Where each given key comes from; `None` if its value was refused.
pub(super) type Origins = BTreeMap<&'static str, Option<Place>>;

/// A rule over several keys. It is broken at the place of the first of them that was given.
struct Rule {
    keys: &'static [&'static str],
    holds: fn(&Config) -> bool,
    says: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        keys: &["http.addr", "profile"],
        holds: |c| !c.profile.is_local() || c.http.addr.ip().is_loopback(),
        says: "the profiles dev and test listen on this machine only: \
               http.addr takes 127.0.0.1 or [::1], or profile takes prod",
    },
    Rule {
        keys: &["profile", "crypto.key", "crypto.key_file"],
        holds: |c| c.profile != Profile::Prod || c.crypto.key.is_some() || own_key_file(&c.crypto),
        says: "the profile prod needs a key of its own: \
               set crypto.key (base64 of at least 32 bytes), or a crypto.key_file other than the default",
    },
    Rule {
        keys: &["crypto.key", "profile"],
        holds: |c| {
            c.profile != Profile::Prod || c.crypto.key.as_ref().is_none_or(|key| is_varied(key.expose()))
        },
        says: "the profile prod refuses a crypto.key whose bytes are all equal: take random ones",
    },
    Rule {
        keys: &["tool.session_absolute_days", "tool.session_expiry_days"],
        holds: |c| c.tool.session_absolute_days >= c.tool.session_expiry_days,
        says: "tool.session_absolute_days has to be at least tool.session_expiry_days",
    },
    Rule {
        keys: &["classify.tiers"],
        holds: |c| c.classify.has(Tier::Local) || c.classify.has(Tier::Llm),
        says: "classify.tiers takes rule, local and llm, and one of the last two has to be there",
    },
    Rule {
        keys: &["classify.tiers", "llm.models"],
        holds: |c| c.classify.has(Tier::Local) || !c.llm.models.is_empty(),
        says: "classify.tiers without local needs a language model: set llm.models",
    },
    Rule {
        keys: &["llm.call_ms", "llm.turn_ms"],
        holds: |c| c.llm.call_ms <= c.llm.turn_ms,
        says: "llm.call_ms must not be more than llm.turn_ms",
    },
    Rule {
        keys: &["llm.turn_ms", "llm.models", "http.request_timeout_ms"],
        holds: |c| c.llm.models.is_empty() || c.llm.turn_ms < c.http.request_timeout_ms,
        says: "llm.turn_ms has to be less than http.request_timeout_ms, or a slow model costs the answer",
    },
    Rule {
        keys: &["llm.prices", "llm.models"],
        holds: |c| c.llm.prices.iter().all(|price| c.llm.models.contains(&price.model)),
        says: "llm.prices names a model that is not in llm.models",
    },
    Rule {
        keys: &["llm.base_url", "llm.models", "fetch.allow"],
        holds: |c| c.llm.models.is_empty() || may_be_called(c, &c.llm.base_url),
        says: "llm.base_url has to be https, a server on this machine, or a host in fetch.allow: \
               prompts and the key would be readable on the way",
    },
    Rule {
        keys: &["telemetry.otlp_endpoint", "fetch.allow"],
        holds: |c| c.telemetry.otlp_endpoint.as_deref().is_none_or(|url| may_be_called(c, url)),
        says: "telemetry.otlp_endpoint has to be https, a server on this machine, or a host in fetch.allow: \
               traces and the collector's key would be readable on the way",
    },
    Rule {
        keys: &["tool.access_token_minutes", "tool.session_expiry_days"],
        holds: |c| c.tool.access_token_minutes <= c.tool.session_expiry_days.saturating_mul(24 * 60),
        says: "tool.access_token_minutes must not outlast tool.session_expiry_days",
    },
    Rule {
        keys: &["limits.otp_resend_seconds", "limits.otp_expiry_minutes"],
        holds: |c| c.limit.otp_resend_seconds <= c.limit.otp_expiry_minutes.saturating_mul(60),
        says: "limits.otp_resend_seconds must not outlast limits.otp_expiry_minutes",
    },
    Rule {
        keys: &["sms.account_sid", "sms.auth_token", "sms.api_key", "sms.api_secret"],
        holds: |c| c.sms.account_sid.is_none() || c.sms.auth_token.is_some() || c.sms.api_key.is_some(),
        says: "sms.account_sid needs sms.auth_token, or an API key: sms.api_key and sms.api_secret",
    },
    Rule {
        keys: &["sms.api_key", "sms.api_secret"],
        holds: |c| c.sms.api_key.is_some() == c.sms.api_secret.is_some(),
        says: "sms.api_key and sms.api_secret belong together",
    },
    Rule {
        keys: &["sms.sender", "sms.account_sid", "sms.from"],
        holds: |c| c.sms.sender() != Sender::Twilio || c.sms.account_sid.is_some() && c.sms.from.is_some(),
        says: "messages by Twilio need sms.account_sid and sms.from (TWILIO_ACCOUNT_SID and TWILIO_FROM)",
    },
    Rule {
        keys: &["sms.sender", "sms.verify_service", "sms.account_sid"],
        holds: |c| {
            c.sms.sender() != Sender::Verify || c.sms.account_sid.is_some() && c.sms.verify_service.is_some()
        },
        says: "codes by Verify need sms.account_sid and sms.verify_service",
    },
    Rule {
        keys: &["sms.sender", "sms.gateway_url", "sms.gateway_secret"],
        holds: |c| {
            c.sms.sender() != Sender::Gateway || c.sms.gateway_url.is_some() && c.sms.gateway_secret.is_some()
        },
        says: "messages by a gateway need sms.gateway_url and sms.gateway_secret",
    },
    Rule {
        keys: &["handoff.url", "handoff.secret"],
        holds: |c| c.handoff.url.is_none() || c.handoff.secret.is_some(),
        says: "handoff.url needs handoff.secret: what is told to the desk, and what it says, is signed",
    },
    Rule {
        keys: &["handoff.url", "fetch.allow"],
        holds: |c| c.handoff.url.as_ref().is_none_or(|url| may_be_called(c, url.expose())),
        says: "handoff.url has to be https, a server on this machine, or a host in fetch.allow: \
               what people say would be readable on the way",
    },
    Rule {
        keys: &["handoff.timeout_ms", "handoff.url", "worker.lease_seconds"],
        holds: |c| {
            let claimed = c.worker.lease_seconds.saturating_mul(1_000);
            c.handoff.url.is_none() || c.handoff.timeout_ms < claimed
        },
        says: "worker.lease_seconds has to be longer than handoff.timeout_ms: \
               a claim would lapse while its request is on its way",
    },
    Rule {
        keys: &["worker.lease_seconds", "sms.timeout_ms"],
        holds: |c| {
            c.sms.sender() == Sender::Development
                || c.worker.lease_seconds.saturating_mul(1_000) > c.sms.timeout_ms
        },
        says: "worker.lease_seconds has to be longer than sms.timeout_ms: \
               a claim would lapse while its message is on its way",
    },
    Rule {
        keys: &["mail.smtp_url", "mail.from"],
        holds: |c| c.mail.smtp_url.is_none() || c.mail.from.is_some(),
        says: "mail.smtp_url needs mail.from: the address that e-mails come from",
    },
    Rule {
        keys: &["mail.timeout_ms", "mail.smtp_url", "worker.lease_seconds"],
        holds: |c| {
            let claimed = c.worker.lease_seconds.saturating_mul(1_000);
            c.mail.smtp_url.is_none() || c.mail.timeout_ms.saturating_mul(2) < claimed
        },
        says: "mail.timeout_ms has to be less than half of worker.lease_seconds: \
               a claim would lapse while its message is on its way",
    },
    Rule {
        keys: &["graph.silence_seconds"],
        holds: |c| c.graph.silence_seconds == 0 || c.graph.silence_seconds >= 10,
        says: "graph.silence_seconds is 0, for never, or at least 10: nobody answers sooner than that",
    },
    Rule {
        keys: &["graph.silence_seconds", "limits.otp_expiry_minutes"],
        holds: |c| {
            u64::from(c.graph.silence_seconds) < u64::from(c.limit.otp_expiry_minutes).saturating_mul(60)
        },
        says: "graph.silence_seconds has to be less than limits.otp_expiry_minutes: \
               the code that is asked for would be worth nothing by then",
    },
    Rule {
        keys: &["worker.lease_seconds", "worker.first_try_ms"],
        holds: |c| c.worker.lease_seconds.saturating_mul(1_000) > c.worker.first_try_ms,
        says: "worker.lease_seconds has to be longer than worker.first_try_ms: \
               a claim would lapse while its first try is on its way",
    },
];

/// The rules that do not hold. A rule over a key whose value was refused is not asked: the default in its stead would
/// be blamed for nothing.
pub(super) fn broken(config: &Config, origins: &Origins) -> Vec<Problem> {
    let asked = RULES.iter().filter(|rule| rule.keys.iter().all(|key| origins.get(key) != Some(&None)));
    asked
        .filter(|rule| !(rule.holds)(config))
        .map(|rule| {
            let place = rule.keys.iter().find_map(|key| origins.get(key).cloned().flatten());
            Problem::new(place.unwrap_or(Place::Defaults), rule.says)
        })
        .collect()
}

fn own_key_file(options: &crypto::Options) -> bool {
    let default = Path::new(crypto::Options::DEFAULT_KEY_FILE);
    (options.key_file.as_deref()).is_some_and(|file| file != default && file != Path::new(".").join(default))
}

fn is_varied(key: &str) -> bool {
    key_bytes(key).is_some_and(|bytes| bytes.iter().any(|byte| Some(byte) != bytes.first()))
}

/// Whether `fetch` will call what stands in the configuration.
fn may_be_called(config: &Config, url: &str) -> bool {
    config.fetch.endpoint(url, Trust::Operator).is_ok()
}
