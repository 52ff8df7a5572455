//! The table of limits (D1, D2): one row for each, with everything that is true of it.

use jiff::SignedDuration;

use super::Options;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How long wrong tries count towards the longer codes, and codes towards a prefix's share.
const MONTH: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Every limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// D1 (a): wrong tries at one code.
    Tries,
    /// D1 (b): wrong tries for one identifier over all codes.
    Failures,
    /// D1: wrong tries for one identifier over thirty days.
    Hardened,
    /// D2: wrong tries for one account on a device it trusts.
    TrustedFailures,
    /// D1 (c): codes in one conversation.
    ConversationSends,
    /// D1 (d) and (e): codes for one identifier, in a day and one after the other.
    Sends,
    /// D2: codes for a trusted device beyond those of the identifier.
    TrustedSends,
    /// D3: codes that live at once.
    LiveCodes,
    /// D1: codes for one device.
    DeviceSends,
    /// D1: codes for one network in an hour.
    NetworkHour,
    /// D1: codes for one network in a day.
    NetworkDay,
    /// D1: codes to one prefix in an hour.
    PrefixHour,
    /// D1: codes to one prefix that nobody gave back.
    PrefixConversion,
    /// D1: devices made from one network.
    NewDevices,
}

/// One row of the table, with the figures in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The counter's name in the store and in audit events.
    pub name: &'static str,
    /// Whom it counts for.
    pub key: &'static str,
    /// What it counts, and most of it within the window; 0 is no limit for a budget.
    pub most: u32,
    /// The rolling window.
    pub window: SignedDuration,
    /// Least time between two marks.
    pub apart: SignedDuration,
    /// How long the last allowed mark locks the counter; zero where reaching the limit only refuses.
    pub lock: SignedDuration,
    /// The key of the configuration that sets `most`.
    pub setting: &'static str,
    /// What a person or a caller is answered: an action of a node response, or an error code.
    pub answer: &'static str,
}

impl Limit {
    /// Every row, in the order of the decision.
    pub const ALL: [Self; 14] = [
        Self::Tries,
        Self::Failures,
        Self::Hardened,
        Self::TrustedFailures,
        Self::ConversationSends,
        Self::Sends,
        Self::TrustedSends,
        Self::LiveCodes,
        Self::DeviceSends,
        Self::NetworkHour,
        Self::NetworkDay,
        Self::PrefixHour,
        Self::PrefixConversion,
        Self::NewDevices,
    ];
}

impl Options {
    /// A row of the table.
    pub fn rule(&self, limit: Limit) -> Rule {
        match limit {
            Limit::Tries => Rule {
                answer: "otp_attempts_exceeded",
                ..sends("otp_attempts", "code", self.otp_max_attempts, self.code_life(), "otp_max_attempts")
            },
            Limit::Failures => wrong(
                "login_failures",
                "identifier",
                self.max_login_attempts,
                (DAY, minutes(self.lockout_minutes)),
                "max_login_attempts",
            ),
            Limit::Hardened => wrong(
                "hardened_failures",
                "identifier",
                self.hardened_after,
                (MONTH, hours(self.hardened_lock_hours)),
                "hardened_after",
            ),
            Limit::TrustedFailures => wrong(
                "trusted_failures",
                "account and trusted device",
                self.trusted_attempts,
                (DAY, minutes(self.lockout_minutes)),
                "trusted_attempts",
            ),
            other => self.codes(other),
        }
    }

    /// The rows about codes sent.
    fn codes(&self, limit: Limit) -> Rule {
        match limit {
            Limit::ConversationSends => sends(
                "otp_sends_per_conversation",
                "conversation",
                self.otp_sends_per_conversation,
                DAY,
                "otp_sends_per_conversation",
            ),
            Limit::Sends => Rule {
                apart: SignedDuration::from_secs(i64::from(self.otp_resend_seconds)),
                ..sends("otp_sends", "identifier", self.otp_send_limit_per_day, DAY, "otp_send_limit_per_day")
            },
            Limit::TrustedSends => sends(
                "trusted_sends",
                "account and trusted device",
                self.trusted_extra_sends,
                DAY,
                "trusted_extra_sends",
            ),
            Limit::LiveCodes => sends(
                "live_codes",
                "identifier",
                self.live_codes_per_identifier,
                self.code_life(),
                "live_codes_per_identifier",
            ),
            budget => self.budget(budget),
        }
    }

    /// The rows that an operator may switch off.
    fn budget(&self, limit: Limit) -> Rule {
        match limit {
            Limit::NetworkHour => sends(
                "network_sends_hour",
                "network (/24, /64)",
                self.network_sends_per_hour,
                HOUR,
                "network_sends_per_hour",
            ),
            Limit::NetworkDay => sends(
                "network_sends_day",
                "network (/24, /64)",
                self.network_sends_per_day,
                DAY,
                "network_sends_per_day",
            ),
            Limit::PrefixHour => sends(
                "prefix_sends",
                "number without its last four digits",
                self.prefix_sends_per_hour,
                HOUR,
                "prefix_sends_per_hour",
            ),
            Limit::PrefixConversion => Rule {
                lock: minutes(self.prefix_stop_minutes),
                ..sends(
                    "prefix_conversion",
                    "number without its last four digits",
                    self.prefix_conversion_percent,
                    MONTH,
                    "prefix_conversion_percent",
                )
            },
            Limit::NewDevices => Rule {
                answer: "RATE_LIMIT_EXCEEDED",
                ..sends(
                    "new_devices",
                    "network (address, /64)",
                    self.new_devices_per_hour,
                    HOUR,
                    "new_devices_per_hour",
                )
            },
            _ => sends("device_sends", "device", self.device_sends_per_day, DAY, "device_sends_per_day"),
        }
    }

    /// How long a code is valid, from issue.
    pub fn code_life(&self) -> SignedDuration {
        minutes(self.otp_expiry_minutes)
    }

    /// How long after its last sign-in a device is still trusted.
    pub fn trust_life(&self) -> SignedDuration {
        hours(self.trust_days.saturating_mul(24))
    }
}

fn sends(
    name: &'static str,
    key: &'static str,
    most: u32,
    window: SignedDuration,
    setting: &'static str,
) -> Rule {
    let (apart, lock) = (SignedDuration::ZERO, SignedDuration::ZERO);
    Rule { name, key, most, window, apart, lock, setting, answer: "otp_send_limited" }
}

fn wrong(
    name: &'static str,
    key: &'static str,
    most: u32,
    (window, lock): (SignedDuration, SignedDuration),
    setting: &'static str,
) -> Rule {
    Rule { lock, answer: "account_locked", ..sends(name, key, most, window, setting) }
}

fn minutes(minutes: u32) -> SignedDuration {
    SignedDuration::from_mins(i64::from(minutes))
}

fn hours(hours: u32) -> SignedDuration {
    SignedDuration::from_hours(i64::from(hours))
}
