//! The figures of the decisions, and the words of the reference.

use vestibule::limit::Options;

/// Times are seconds since the history's beginning of time.
pub(super) type Second = i64;

pub(super) const MINUTE: Second = 60;
pub(super) const DAY: Second = 24 * 60 * MINUTE;

/// The figures that the decisions leave to the configuration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) tries: usize,
    pub(super) failures: usize,
    pub(super) lock: Second,
    pub(super) talk_sends: usize,
    pub(super) day_sends: usize,
    pub(super) apart: Second,
    pub(super) live: usize,
    pub(super) life: Second,
    pub(super) hardened_after: usize,
    pub(super) hardened_lock: Second,
    pub(super) trust: Second,
    pub(super) trusted_tries: usize,
    pub(super) trusted_sends: usize,
    pub(super) device_sends: usize,
}

impl Rules {
    pub(super) fn of(options: &Options) -> Self {
        let many = |figure: u32| usize::try_from(figure).unwrap();
        Self {
            tries: many(options.otp_max_attempts),
            failures: many(options.max_login_attempts),
            lock: Second::from(options.lockout_minutes) * MINUTE,
            talk_sends: many(options.otp_sends_per_conversation),
            day_sends: many(options.otp_send_limit_per_day),
            apart: Second::from(options.otp_resend_seconds),
            live: many(options.live_codes_per_identifier),
            life: Second::from(options.otp_expiry_minutes) * MINUTE,
            hardened_after: many(options.hardened_after),
            hardened_lock: Second::from(options.hardened_lock_hours) * 60 * MINUTE,
            trust: Second::from(options.trust_days) * DAY,
            trusted_tries: many(options.trusted_attempts),
            trusted_sends: many(options.trusted_extra_sends),
            device_sends: many(options.device_sends_per_day),
        }
    }
}

/// The kind of an answer, with what it promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Sent,
    Limited {
        wait: Second,
    },
    Exhausted {
        wait: Second,
    },
    Locked {
        until: Second,
    },
    Rejected {
        left: usize,
    },
    Accepted,
    Burnt,
    Expired,
    Malformed,
    NoCode,
    /// Nothing about codes: none was ever wanted here.
    Aside,
    /// The credential is worth nothing any more.
    Refused,
}

/// Whose wrong tries are counted together: a number's, or those of one trusted device at its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whom {
    Number(usize),
    Pair(usize, usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Live,
    Void,
    Burnt,
    Used,
}

impl Said {
    /// Every kind of answer about codes.
    pub(super) const KINDS: [&'static str; 10] = [
        "sent",
        "limited",
        "exhausted",
        "locked",
        "rejected",
        "accepted",
        "burnt",
        "expired",
        "malformed",
        "no code",
    ];

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Limited { .. } => "limited",
            Self::Exhausted { .. } => "exhausted",
            Self::Locked { .. } => "locked",
            Self::Rejected { .. } => "rejected",
            Self::Accepted => "accepted",
            Self::Burnt => "burnt",
            Self::Expired => "expired",
            Self::Malformed => "malformed",
            Self::NoCode => "no code",
            Self::Aside => "aside",
            Self::Refused => "refused",
        }
    }
}
