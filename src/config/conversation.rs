//! The settings that a conversation goes by: without those that are not the defaults, a play of it would not be answered
//! the same.

use super::Config;
use super::entries;
use crate::sms::Country;
use crate::tool::SessionLimit;

/// A key of the configuration, and its value as its variable takes it.
type Row = (&'static str, fn(&Config) -> String);

/// Of limits those that count for a device, an account or a number: a play comes from no network.
const ROWS: &[Row] = &[
    ("limits.otp_expiry_minutes", |c| c.limit.otp_expiry_minutes.to_string()),
    ("limits.otp_max_attempts", |c| c.limit.otp_max_attempts.to_string()),
    ("limits.otp_send_limit_per_day", |c| c.limit.otp_send_limit_per_day.to_string()),
    ("limits.otp_sends_per_conversation", |c| c.limit.otp_sends_per_conversation.to_string()),
    ("limits.otp_resend_seconds", |c| c.limit.otp_resend_seconds.to_string()),
    ("limits.max_login_attempts", |c| c.limit.max_login_attempts.to_string()),
    ("limits.lockout_minutes", |c| c.limit.lockout_minutes.to_string()),
    ("limits.hardened_after", |c| c.limit.hardened_after.to_string()),
    ("limits.hardened_lock_hours", |c| c.limit.hardened_lock_hours.to_string()),
    ("limits.trust_days", |c| c.limit.trust_days.to_string()),
    ("limits.trusted_attempts", |c| c.limit.trusted_attempts.to_string()),
    ("limits.trusted_extra_sends", |c| c.limit.trusted_extra_sends.to_string()),
    ("limits.device_sends_per_day", |c| c.limit.device_sends_per_day.to_string()),
    ("tool.session_expiry_days", |c| c.tool.session_expiry_days.to_string()),
    ("tool.session_absolute_days", |c| c.tool.session_absolute_days.to_string()),
    ("tool.max_active_sessions", |c| c.tool.max_active_sessions.to_string()),
    ("tool.session_limit", |c| match c.tool.session_limit {
        SessionLimit::Evict => "evict".to_owned(),
        SessionLimit::Reject => "reject".to_owned(),
    }),
    ("tool.cart_cap", |c| c.tool.cart_cap.to_string()),
    ("tool.step_up_minutes", |c| c.tool.step_up_minutes.to_string()),
    ("tool.recycled_after_days", |c| c.tool.recycled_after_days.to_string()),
    ("classify.accept", |c| c.classify.accept.to_string()),
    ("classify.sure", |c| c.classify.sure.to_string()),
    ("classify.tiers", |c| c.classify.tiers.iter().map(|tier| tier.as_str()).collect::<Vec<_>>().join(",")),
    ("classify.region", |c| c.classify.region.map_or_else(|| "none".to_owned(), |region| region.to_string())),
    // Without its secret an address is refused, so that comes first.
    ("handoff.secret", |c| c.handoff.url.as_ref().map_or_else(String::new, |_| DESK.1.to_owned())),
    ("handoff.url", |c| c.handoff.url.as_ref().map_or_else(String::new, |_| DESK.0.to_owned())),
    ("handoff.try_minutes", |c| c.handoff.try_minutes.to_string()),
    ("handoff.quiet_minutes", |c| c.handoff.quiet_minutes.to_string()),
    ("sms.countries", |c| c.sms.countries.iter().copied().map(country).collect::<Vec<_>>().join(",")),
    ("graph.silence_seconds", |c| c.graph.silence_seconds.to_string()),
    ("graph.folder", |c| folder(c.graph.folder.as_deref())),
    ("graph.agents", |c| c.graph.agents.iter().map(|f| folder(Some(f))).collect::<Vec<_>>().join(",")),
    ("graph.addresses", |c| c.graph.addresses.iter().map(address).collect::<Vec<_>>().join(",")),
    ("prompt.folder", |c| folder(c.prompt.folder.as_deref())),
];

/// What stands for a desk's address and its secret: that there is one plays a part, and which one is nobody's to read.
const DESK: (&str, &str) = ("https://desk.example.com", "a secret of the scenarios");

fn country(country: Country) -> String {
    match country {
        Country::All => "all".to_owned(),
        Country::One(region) => region.to_string(),
    }
}

/// Where an outside agent lives is nobody's business: a play calls a stand-in.
fn address(setting: &crate::graph::Setting) -> String {
    format!("{}=http://127.0.0.1:1", setting.name)
}

fn folder(path: Option<&std::path::Path>) -> String {
    path.map(|path| path.display().to_string()).unwrap_or_default()
}

impl Config {
    /// What differs from the defaults and plays a part in what a conversation is answered, by its variables.
    pub fn of_conversations(&self) -> Vec<(String, String)> {
        let defaults = Self::default();
        let differing = ROWS.iter().filter(|(_, value)| value(self) != value(&defaults));
        let named = |(key, value): &Row| Some((entries::variables_of(key).into_iter().next()?, value(self)));
        differing.filter_map(named).collect()
    }
}
