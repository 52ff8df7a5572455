//! The figures of the limit table that an operator may change.

/// How long codes live, how many may be sent and tried, how long a lock lasts, and how much one network, device or
/// prefix may ask for. A budget of 0 is none.
#[derive(Debug, Clone)]
pub struct Options {
    /// Life of a code, in minutes.
    pub otp_expiry_minutes: u32,
    /// Wrong tries that burn one code.
    pub otp_max_attempts: u32,
    /// Codes sent to one identifier in a rolling 24 hours.
    pub otp_send_limit_per_day: u32,
    /// Codes one conversation may ask for in a rolling 24 hours before one is given back.
    pub otp_sends_per_conversation: u32,
    /// Least time between two codes to one identifier, in seconds.
    pub otp_resend_seconds: u32,
    /// Codes that may live at once for one identifier, over all conversations.
    pub live_codes_per_identifier: u32,
    /// Wrong tries over all codes that lock one identifier.
    pub max_login_attempts: u32,
    /// Length of a lock, in minutes.
    pub lockout_minutes: u32,
    /// Wrong tries in a rolling 30 days, from devices that are not trusted, after which an identifier gets codes of
    /// eight digits, one try each, and the longer lock.
    pub hardened_after: u32,
    /// Length of that lock, in hours.
    pub hardened_lock_hours: u32,
    /// Days after its last sign-in at which a device is trusted no more.
    pub trust_days: u32,
    /// Wrong tries that lock one account on one trusted device.
    pub trusted_attempts: u32,
    /// Codes a trusted device may have in a rolling 24 hours once the identifier's are used up.
    pub trusted_extra_sends: u32,
    /// Codes one device may ask for in a rolling 24 hours.
    pub device_sends_per_day: u32,
    /// Codes one network may ask for in a rolling hour.
    pub network_sends_per_hour: u32,
    /// Codes one network may ask for in a rolling 24 hours.
    pub network_sends_per_day: u32,
    /// Codes sent to one prefix in a rolling hour.
    pub prefix_sends_per_hour: u32,
    /// Share of the last codes to a prefix, in percent, that has to have been given back; below it the prefix stops.
    pub prefix_conversion_percent: u32,
    /// How many of the last codes that share is taken of.
    pub prefix_conversion_last: u32,
    /// How long a stopped prefix stays so, in minutes.
    pub prefix_stop_minutes: u32,
    /// Devices one network may make in a rolling hour.
    pub new_devices_per_hour: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            otp_expiry_minutes: 10,
            otp_max_attempts: 3,
            otp_send_limit_per_day: 10,
            otp_sends_per_conversation: 5,
            otp_resend_seconds: 60,
            live_codes_per_identifier: 3,
            max_login_attempts: 5,
            lockout_minutes: 30,
            hardened_after: 100,
            hardened_lock_hours: 24,
            trust_days: 180,
            trusted_attempts: 5,
            trusted_extra_sends: 4,
            device_sends_per_day: 10,
            network_sends_per_hour: 20,
            network_sends_per_day: 60,
            prefix_sends_per_hour: 200,
            prefix_conversion_percent: 10,
            prefix_conversion_last: 50,
            prefix_stop_minutes: 60,
            new_devices_per_hour: 30,
        }
    }
}
