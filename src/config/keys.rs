//! Every key, in one table.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::Config;
use super::value::{Expected, Raw};
use crate::engine::LONGEST_QUIET;
use crate::fetch::{Allowed, Url};
use crate::graph::Setting;
use crate::llm::{self, Price};
use crate::model::{AuthProgress, Region, Secret, Tier};
use crate::{sms, telemetry};

/// One key: where it stands, what else it is called, how it is set.
pub(super) struct Key {
    /// `section.key`, as in the file; `VESTIBULE__SECTION__KEY` in the environment.
    pub(super) path: &'static str,
    /// The name of a variable that means the same.
    pub(super) alias: Option<&'static str>,
    /// Whether the value may never be repeated.
    pub(super) secret: bool,
    /// Puts a value into its field, or says what would have been taken.
    pub(super) set: Set,
}

type Set = fn(&mut Config, &Raw) -> Result<(), Expected>;

const DAY_MINUTES: i64 = 24 * 60;

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    key("profile", |c, v| put(&mut c.profile, v.parsed("one of dev, test, prod"))),

    key("http.addr", |c, v| put(&mut c.http.addr, v.parsed("an address with a port, such as 127.0.0.1:8080"))),
    key("http.public_url", |c, v| put(&mut c.http.public_url, v.text(PUBLIC_URL, |url| url.is_empty() || is_origin(url)).map(given))),
    key("http.trusted_proxies", |c, v| put(&mut c.http.trusted_proxies, v.list(PROXIES, one_machine))),
    key("http.request_timeout_ms", |c, v| put(&mut c.http.request_timeout_ms, v.whole(1_000, 600_000))),
    key("http.body_limit", |c, v| put(&mut c.http.body_limit, v.whole(16 * 1024, 16 * 1024 * 1024))),

    key("limits.otp_expiry_minutes", |c, v| put(&mut c.limit.otp_expiry_minutes, v.whole(1, 60)))
        .alias("OTP_EXPIRY_MINUTES"),
    key("limits.otp_max_attempts", |c, v| put(&mut c.limit.otp_max_attempts, v.whole(1, 10)))
        .alias("OTP_MAX_ATTEMPTS"),
    key("limits.otp_send_limit_per_day", |c, v| put(&mut c.limit.otp_send_limit_per_day, v.whole(1, 1_000)))
        .alias("OTP_SEND_LIMIT_PER_DAY"),
    key("limits.otp_sends_per_conversation", |c, v| put(
        &mut c.limit.otp_sends_per_conversation,
        v.whole(1, i64::from(AuthProgress::MAX_SENDS)),
    )),
    key("limits.otp_resend_seconds", |c, v| put(&mut c.limit.otp_resend_seconds, v.whole(1, 3_600))),
    key("limits.max_login_attempts", |c, v| put(&mut c.limit.max_login_attempts, v.whole(1, 20)))
        .alias("MAX_LOGIN_ATTEMPTS"),
    key("limits.lockout_minutes", |c, v| put(&mut c.limit.lockout_minutes, v.whole(1, 7 * DAY_MINUTES)))
        .alias("LOCKOUT_DURATION_MINUTES"),
    key("limits.live_codes_per_identifier", |c, v| put(&mut c.limit.live_codes_per_identifier, v.whole(1, 10_000))),
    key("limits.hardened_after", |c, v| put(&mut c.limit.hardened_after, v.whole(1, 1_000))),
    key("limits.hardened_lock_hours", |c, v| put(&mut c.limit.hardened_lock_hours, v.whole(1, 168))),
    key("limits.trust_days", |c, v| put(&mut c.limit.trust_days, v.whole(1, 730))),
    key("limits.trusted_attempts", |c, v| put(&mut c.limit.trusted_attempts, v.whole(1, 20))),
    key("limits.trusted_extra_sends", |c, v| put(&mut c.limit.trusted_extra_sends, v.whole(1, 100))),
    key("limits.device_sends_per_day", |c, v| put(&mut c.limit.device_sends_per_day, v.whole(0, 10_000))),
    key("limits.network_sends_per_hour", |c, v| put(&mut c.limit.network_sends_per_hour, v.whole(0, 10_000))),
    key("limits.network_sends_per_day", |c, v| put(&mut c.limit.network_sends_per_day, v.whole(0, 10_000))),
    key("limits.prefix_sends_per_hour", |c, v| put(&mut c.limit.prefix_sends_per_hour, v.whole(0, 10_000))),
    key("limits.prefix_conversion_percent", |c, v| put(&mut c.limit.prefix_conversion_percent, v.whole(0, 100))),
    key("limits.prefix_conversion_last", |c, v| put(&mut c.limit.prefix_conversion_last, v.whole(0, 1_000))),
    key("limits.prefix_stop_minutes", |c, v| put(&mut c.limit.prefix_stop_minutes, v.whole(1, 7 * DAY_MINUTES))),
    key("limits.new_devices_per_hour", |c, v| put(&mut c.limit.new_devices_per_hour, v.whole(0, 10_000))),

    key("tool.session_expiry_days", |c, v| put(&mut c.tool.session_expiry_days, v.whole(1, 365)))
        .alias("SESSION_TOKEN_EXPIRY_DAYS"),
    key("tool.session_absolute_days", |c, v| put(&mut c.tool.session_absolute_days, v.whole(1, 730))),
    key("tool.max_active_sessions", |c, v| put(&mut c.tool.max_active_sessions, v.whole(1, 100)))
        .alias("MAX_ACTIVE_SESSIONS_PER_USER"),
    key("tool.session_limit", |c, v| put(&mut c.tool.session_limit, v.parsed("one of evict, reject"))),
    key("tool.access_token_minutes", |c, v| put(&mut c.tool.access_token_minutes, v.whole(1, 7 * DAY_MINUTES))),

    key("tool.cart_cap", |c, v| put(&mut c.tool.cart_cap, v.whole(1, 1_000_000))),
    key("tool.step_up_minutes", |c, v| put(&mut c.tool.step_up_minutes, v.whole(1, 60))),
    key("tool.recycled_after_days", |c, v| put(&mut c.tool.recycled_after_days, v.whole(1, 3_650))),
    key("tool.email_settled_days", |c, v| put(&mut c.tool.email_settled_days, v.whole(0, 365))),
    key("tool.lost_phone_wait_hours", |c, v| put(&mut c.tool.lost_phone_wait_hours, v.whole(1, 720))),

    key("crypto.key", |c, v| put(&mut c.crypto.key, v.text(MASTER_KEY, long_enough).map(|k| Some(Secret::new(k)))))
        .secret(),
    key("crypto.key_file", |c, v| put(&mut c.crypto.key_file, v.text("a path", is_path).map(|p| Some(PathBuf::from(p))))),
    key("crypto.code_peppers", |c, v| put(&mut c.crypto.code_peppers, v.list(PEPPERS, |name: &String| is_pepper(name)))),

    key("store.url", |c, v| put(&mut c.store.url, v.text(DATABASE, is_database))).alias("DATABASE_URL").secret(),
    key("store.connections", |c, v| put(&mut c.store.connections, v.whole(1, 200))),
    key("store.schema", |c, v| put(&mut c.store.schema, v.text(SCHEMA, is_schema).map(Some))),

    key("classify.accept", |c, v| put(&mut c.classify.accept, v.share())),
    key("classify.sure", |c, v| put(&mut c.classify.sure, v.share())),
    key("classify.region", |c, v| put(&mut c.classify.region, region(v))),
    key("classify.tiers", |c, v| put(&mut c.classify.tiers, v.list(TIERS, |_: &Tier| true))),
    key("classify.window", |c, v| put(&mut c.classify.window, v.whole(0, 20))),

    key("llm.base_url", |c, v| put(&mut c.llm.base_url, base_url(v))).alias("OPENAI_BASE_URL").secret(),
    key("llm.api_key", |c, v| put(&mut c.llm.api_key, v.text("a key", is_header).map(|k| given(k).map(Secret::new))))
        .alias("OPENAI_API_KEY").secret(),
    key("llm.models", |c, v| put(&mut c.llm.models, v.list(MODELS, |name: &String| is_model(name)))).alias("OPENAI_MODEL"),
    key("llm.prices", |c, v| put(&mut c.llm.prices, v.list(PRICES, |_: &Price| true))),
    key("llm.call_ms", |c, v| put(&mut c.llm.call_ms, v.whole(100, 60_000))),
    key("llm.turn_ms", |c, v| put(&mut c.llm.turn_ms, v.whole(100, 120_000))),
    key("llm.retries", |c, v| put(&mut c.llm.retries, v.whole(0, 5))),
    key("llm.concurrency", |c, v| put(&mut c.llm.concurrency, v.whole(1, 10_000))),
    key("llm.owner_per_minute", |c, v| put(&mut c.llm.owner_per_minute, v.whole(0, 100_000))),
    key("llm.network_per_minute", |c, v| put(&mut c.llm.network_per_minute, v.whole(0, 100_000))),
    key("llm.breaker_failures", |c, v| put(&mut c.llm.breaker_failures, v.whole(1, 1_000))),
    key("llm.breaker_seconds", |c, v| put(&mut c.llm.breaker_seconds, v.whole(1, 3_600))),

    key("mail.smtp_url", |c, v| put(&mut c.mail.smtp_url, optional(v, MAIL_SERVER))).secret(),
    key("mail.from", |c, v| put(&mut c.mail.from, optional(v, "an address such as Vestibule <codes@example.com>"))),
    key("mail.timeout_ms", |c, v| put(&mut c.mail.timeout_ms, v.whole(100, 60_000))),
    key("mail.ca_file", |c, v| put(&mut c.mail.ca_file, v.text("a path", is_path).map(|p| Some(PathBuf::from(p))))),
    key("mail.connections", |c, v| put(&mut c.mail.connections, v.whole(1, 32))),
    key("fetch.allow", |c, v| put(&mut c.fetch.allow, v.list(ALLOWED, |_: &Allowed| true))),

    key("handoff.url", |c, v| put(&mut c.handoff.url, v.text("an https address", |url| url.is_empty() || is_http(url)).map(|u| given(u).map(Secret::new))))
        .secret(),
    key("handoff.secret", |c, v| put(&mut c.handoff.secret, v.text("a text of at least 16 characters", |text| text.is_empty() || text.len() >= 16).map(|s| given(s).map(Secret::new))))
        .secret(),
    key("handoff.try_minutes", |c, v| put(&mut c.handoff.try_minutes, v.whole(1, DAY_MINUTES))),
    key("handoff.quiet_minutes", |c, v| put(&mut c.handoff.quiet_minutes, v.whole(1, LONGEST_QUIET))),
    key("handoff.timeout_ms", |c, v| put(&mut c.handoff.timeout_ms, v.whole(100, 60_000))),

    key("worker.first_try_ms", |c, v| put(&mut c.worker.first_try_ms, v.whole(1, 30_000))),
    key("worker.lease_seconds", |c, v| put(&mut c.worker.lease_seconds, v.whole(1, 600))),
    key("worker.poll_ms", |c, v| put(&mut c.worker.poll_ms, v.whole(10, 60_000))),
    key("worker.at_once", |c, v| put(&mut c.worker.at_once, v.whole(1, 1_000))),
    key("worker.calls_at_once", |c, v| put(&mut c.worker.calls_at_once, v.whole(1, 1_000))),
    key("worker.max_tries", |c, v| put(&mut c.worker.max_tries, v.whole(1, 100))),
    key("worker.retry_ms", |c, v| put(&mut c.worker.retry_ms, v.whole(10, 600_000))),
    key("worker.retry_most_seconds", |c, v| put(&mut c.worker.retry_most_seconds, v.whole(1, 3_600))),

    key("sms.sender", |c, v| put(&mut c.sms.sender, v.parsed("one of auto, development, twilio, verify, gateway"))),
    key("sms.account_sid", |c, v| put(&mut c.sms.account_sid, sid(v, "an account's SID, such as AC and 32 hexadecimal digits", "AC")))
        .alias("TWILIO_ACCOUNT_SID"),
    key("sms.auth_token", |c, v| put(&mut c.sms.auth_token, secret(v, "a token"))).alias("TWILIO_AUTH_TOKEN").secret(),
    key("sms.from", |c, v| put(&mut c.sms.from, v.text(FROM, |from| from.is_empty() || is_sender(from)).map(given)))
        .alias("TWILIO_FROM"),
    key("sms.api_key", |c, v| put(&mut c.sms.api_key, sid(v, "an API key's SID, such as SK and 32 hexadecimal digits", "SK"))),
    key("sms.api_secret", |c, v| put(&mut c.sms.api_secret, secret(v, "a secret"))).secret(),
    key("sms.verify_service", |c, v| put(&mut c.sms.verify_service, sid(v, "a Verify service's SID, such as VA and 32 hexadecimal digits", "VA"))),
    key("sms.base_url", |c, v| put(&mut c.sms.base_url, v.text(ORIGIN, is_origin))),
    key("sms.verify_url", |c, v| put(&mut c.sms.verify_url, v.text(ORIGIN, is_origin))),
    key("sms.gateway_url", |c, v| put(&mut c.sms.gateway_url, v.text("an https address", |url| url.is_empty() || is_http(url)).map(|u| given(u).map(Secret::new))))
        .secret(),
    key("sms.gateway_secret", |c, v| put(&mut c.sms.gateway_secret, v.text("a text of at least 16 characters", |text| text.is_empty() || text.len() >= 16).map(|s| given(s).map(Secret::new))))
        .secret(),
    key("sms.timeout_ms", |c, v| put(&mut c.sms.timeout_ms, v.whole(100, 60_000))),
    key("sms.breaker_failures", |c, v| put(&mut c.sms.breaker_failures, v.whole(1, 1_000))),
    key("sms.breaker_seconds", |c, v| put(&mut c.sms.breaker_seconds, v.whole(1, 3_600))),
    key("sms.countries", |c, v| put(&mut c.sms.countries, v.list(COUNTRIES, |_: &sms::Country| true))),
    key("sms.texts_per_minute", |c, v| put(&mut c.sms.texts_per_minute, v.whole(0, 1_000))),
    key("sms.domain", |c, v| put(&mut c.sms.domain, v.text("a domain, such as id.example.com", |name| name.is_empty() || sms::is_domain(name)).map(given))),

    key("telemetry.level", |c, v| put(&mut c.telemetry.level, v.text(LEVEL, |level| telemetry::filter(level).is_ok()))),
    key("telemetry.otlp_endpoint", |c, v| put(&mut c.telemetry.otlp_endpoint, v.text(COLLECTOR, is_collector).map(given)))
        .alias("OTEL_EXPORTER_OTLP_ENDPOINT"),

    key("graph.folder", |c, v| put(&mut c.graph.folder, v.text("a path", is_path).map(|p| Some(PathBuf::from(p))))),
    key("graph.agents", |c, v| put(&mut c.graph.agents, v.list(AGENTS, |folder: &PathBuf| folder.to_str().is_some_and(is_path)))),
    key("graph.addresses", |c, v| put(&mut c.graph.addresses, v.list(ADDRESSES, |setting: &Setting| is_http(setting.value.expose())))),
    key("graph.secrets", |c, v| put(&mut c.graph.secrets, v.list(SECRETS, |_: &Setting| true))).secret(),
    key("graph.silence_seconds", |c, v| put(&mut c.graph.silence_seconds, v.whole(0, DAY_MINUTES * 60))),

    key("prompt.folder", |c, v| put(&mut c.prompt.folder, v.text("a path", is_path).map(|p| Some(PathBuf::from(p))))),
    key("prompt.language", |c, v| put(&mut c.prompt.language, v.text("a language of two letters, such as en", is_language))),
];

const PROXIES: &str = "a list of addresses of single machines, such as 10.0.0.7";
const PEPPERS: &str = "a list of names of 1 to 16 letters and digits, the one for new codes first";
const MASTER_KEY: &str = "base64 of at least 32 bytes";
const DATABASE: &str = "sqlite:PATH or postgres://USER@HOST/DATABASE";
const SCHEMA: &str = "a schema's name: up to 63 of a-z, 0-9 and _, a letter first";
const TIERS: &str = "a list of rule, local and llm, in which local or llm stands";
const BASE_URL: &str = "an address such as https://api.openai.com/v1";
const MODELS: &str = "a list of models' names, the preferred one first";
const PRICES: &str =
    "a list of `MODEL INPUT OUTPUT`, the prices of a million tokens, such as `gpt-4.1-mini 0.40 1.60`";
const PUBLIC_URL: &str = "the address that others reach this under, such as https://id.example.com";
const ORIGIN: &str = "an address without a path, such as https://api.twilio.com";
const FROM: &str =
    "a number such as +14155550100, a short code, a name of up to 11 letters, or a messaging service's SID";
const COUNTRIES: &str = "a list of countries of two letters, such as US, or all";
const MAIL_SERVER: &str = "smtps://USER:PASSWORD@HOST, smtp://USER:PASSWORD@HOST (which turns to TLS by STARTTLS), \
                           both with %-signs for what is no letter or digit, \
                           or smtp://HOST:25?tls=none for a server on this machine only";
const ALLOWED: &str =
    "a list of hosts and networks, such as mcp.example, mcp.example:8443, 10.1.0.0/16 or [fd00::]/8";
const REGION: &str = "a country of two letters, such as US, or none";
const COLLECTOR: &str = "the URL of a collector, such as http://127.0.0.1:4318, without a user or a password";
const ADDRESSES: &str = "a list of NAME=ADDRESS, such as orders_url=https://orders.example.com/v1";
const SECRETS: &str = "a list of NAME=VALUE with lower-case names, and values that a header may hold: visible ASCII characters, and spaces between them";
const AGENTS: &str = "a list of paths of folders, one for each agent";
const LEVEL: &str =
    "one of error, warn, info, debug, trace, off, or target=level, with commas between several";

impl Key {
    const fn alias(mut self, name: &'static str) -> Self {
        self.alias = Some(name);
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// The key of that path.
    pub(super) fn find(path: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.path == path)
    }

    /// What is wrong with a value that was not taken.
    pub(super) fn refusal(&self, value: &Raw, expected: &Expected) -> String {
        let given = if self.secret { "its value".to_owned() } else { value.shown() };
        format!("{} takes {}; {given} is not", self.path, expected.as_str())
    }
}

const fn key(path: &'static str, set: Set) -> Key {
    Key { path, alias: None, secret: false, set }
}

fn put<T>(field: &mut T, value: Result<T, Expected>) -> Result<(), Expected> {
    *field = value?;
    Ok(())
}

/// The bytes of a master key.
pub(super) fn key_bytes(key: &str) -> Option<Zeroizing<Vec<u8>>> {
    STANDARD.decode(key).ok().map(Zeroizing::new)
}

fn long_enough(key: &str) -> bool {
    key_bytes(key).is_some_and(|bytes| bytes.len() >= 32)
}

/// An unspecified or a multicast address stands for many machines, and one of them would be a stranger's.
fn one_machine(address: &IpAddr) -> bool {
    !address.is_unspecified() && !address.is_multicast()
}

fn is_pepper(name: &str) -> bool {
    (1..=16).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn is_path(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains('\0')
}

fn is_database(url: &str) -> bool {
    let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
    // SQLite's memory is gone with the process, and each connection would have its own.
    let path = url.strip_prefix("sqlite:").filter(|path| !path.contains(":memory:"));
    rest.or(path).is_some_and(|rest| !rest.trim_matches('/').is_empty())
}

fn is_schema(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// An empty variable means the same as none.
fn base_url(value: &Raw) -> Result<String, Expected> {
    let url = value.text(BASE_URL, |url| url.is_empty() || is_http(url))?;
    Ok(given(url).unwrap_or_else(|| llm::Options::default().base_url))
}

fn is_http(url: &str) -> bool {
    let plain = url.starts_with("https://") || url.starts_with("http://");
    plain && !url.contains(['@', ' ', '?', '#']) && Url::parse(url).is_ok_and(|url| url.has_host())
}

/// An address that paths are put behind.
fn is_origin(url: &str) -> bool {
    is_http(url) && Url::parse(url).is_ok_and(|url| url.path() == "/")
}

/// Of one of Twilio's kinds; an empty variable means the same as none.
fn sid(value: &Raw, what: &'static str, kind: &str) -> Result<Option<String>, Expected> {
    let is_sid = |text: &str| {
        text.strip_prefix(kind).is_some_and(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    value.text(what, |text| text.is_empty() || is_sid(text)).map(given)
}

fn secret(value: &Raw, what: &'static str) -> Result<Option<Secret>, Expected> {
    value.text(what, is_header).map(|text| given(text).map(Secret::new))
}

/// What a message may come from: a number, a short code, a messaging service, or letters.
fn is_sender(text: &str) -> bool {
    let is_number = text.strip_prefix('+').unwrap_or(text).bytes().all(|b| b.is_ascii_digit());
    let is_service =
        text.len() == 34 && text.starts_with("MG") && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_name = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ');
    is_service || (3..=16).contains(&text.len()) && is_number || (1..=11).contains(&text.len()) && is_name
}

/// An empty variable means the same as none.
fn optional<T: FromStr>(value: &Raw, what: &'static str) -> Result<Option<T>, Expected> {
    if value.text(what, str::is_empty).is_ok() { Ok(None) } else { value.parsed(what).map(Some) }
}

fn is_header(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic())
}

fn is_model(name: &str) -> bool {
    (1..=100).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic())
}

/// An empty variable means the same as none, as it does to whoever else reads it.
fn is_collector(text: &str) -> bool {
    text.is_empty() || telemetry::is_collector(text)
}

fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn is_language(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_lowercase())
}

fn region(value: &Raw) -> Result<Option<Region>, Expected> {
    let text = value.text(REGION, |text| text == "none" || Region::parse(text).is_some())?;
    Ok(Region::parse(&text))
}
