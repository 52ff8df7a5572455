//! Twilio's errors, one table: what is done about each, and why it came.
//!
//! Twilio moves its codes about, and says that nothing should hang on a single one. What is not in the table is therefore
//! judged by the answer's status alone. What an error says in words is never read: it may repeat the number.
//!
//! What the operator has to mend is refused at once rather than tried again: the person waits for a code that will not
//! come by itself, and should hear so now.
//!
//! Adding an error: a row.

use tracing::{error, warn};

use super::super::line::Judged;
use super::super::reason::Reason;
use crate::model::Verdict;
use jiff::SignedDuration;

/// What Twilio's codes begin with in ours.
pub(in crate::sms) const PREFIX: &str = "twilio_";

/// What is done about an error.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// The message will never go.
    Refuse,
    /// Nor will any other until somebody mends what is named.
    Alarm(&'static str),
    /// It may go later. It concerns this number alone.
    Later,
    /// The same, and it concerns the whole account.
    Rest,
}

use Act::{Alarm, Later, Refuse, Rest};
use Reason::{
    BadNumber, Blocked, Busy, Expired, Landline, Misconfigured, NotServed, OptedOut, OutOfReach, Provider,
    TooOften,
};

const CREDENTIALS: &str = "sms.auth_token, or sms.api_key and sms.api_secret, of sms.account_sid";
const SENDER: &str = "sms.from: a number or a messaging service of this account that can send there";
const TRIAL: &str = "the account at Twilio: on trial it sends to numbers alone that were verified there";

const TABLE: &[(u32, Act, Reason)] = &[
    // Of every call
    (20003, Alarm(CREDENTIALS), Misconfigured),
    (20005, Alarm("the account at Twilio: it is not active"), Misconfigured),
    (20008, Alarm("sms.account_sid: with test credentials nothing is sent"), Misconfigured),
    (20404, Alarm("sms.account_sid and sms.verify_service: there is no such thing"), Misconfigured),
    (20429, Rest, Busy),
    // Of messages
    (21211, Refuse, BadNumber),
    (21212, Alarm(SENDER), Misconfigured),
    (21214, Refuse, BadNumber),
    (21265, Refuse, BadNumber),
    (21408, Refuse, NotServed),
    (21603, Alarm(SENDER), Misconfigured),
    (21606, Alarm(SENDER), Misconfigured),
    (21608, Alarm(TRIAL), Misconfigured),
    (21609, Alarm("http.public_url: Twilio cannot report there"), Misconfigured),
    (21610, Refuse, OptedOut),
    (21611, Later, Busy),
    (21612, Refuse, NotServed),
    (21614, Refuse, Landline),
    (21617, Alarm("prompt.folder: the text is too long for a message"), Misconfigured),
    (21635, Refuse, Landline),
    (21659, Alarm(SENDER), Misconfigured),
    (21660, Alarm(SENDER), Misconfigured),
    (21703, Alarm(SENDER), Misconfigured),
    (21705, Alarm(SENDER), Misconfigured),
    // Of messages that were taken: Twilio reports them later
    (30001, Refuse, Busy),
    (30002, Alarm("the account at Twilio: it is suspended"), Misconfigured),
    (30003, Refuse, OutOfReach),
    (30004, Refuse, Blocked),
    (30005, Refuse, BadNumber),
    (30006, Refuse, Landline),
    (30007, Refuse, Blocked),
    (30008, Refuse, Provider),
    (30012, Refuse, Expired),
    (30034, Alarm(SENDER), Misconfigured),
    (30450, Refuse, Blocked),
    // Of Verify
    (60200, Refuse, BadNumber),
    (60203, Later, TooOften),
    (60204, Alarm("sms.verify_service: it has to allow custom codes"), Misconfigured),
    (60205, Refuse, Landline),
    (60207, Later, TooOften),
    (60212, Later, TooOften),
    (60238, Refuse, Blocked),
    (60410, Refuse, Blocked),
    (60605, Refuse, NotServed),
    (575_001, Alarm(TRIAL), Misconfigured),
];

/// What is not in the table, by the status of the answer.
fn by_status(status: u16) -> (Act, Reason) {
    match status {
        401 | 403 => (Alarm(CREDENTIALS), Misconfigured),
        404 => {
            (Alarm("sms.account_sid, sms.verify_service and sms.base_url: there is nothing"), Misconfigured)
        }
        300..=399 | 405 | 410 => {
            (Alarm("sms.base_url and sms.verify_url: this is not Twilio"), Misconfigured)
        }
        429 => (Rest, Busy),
        _ => (Refuse, Provider),
    }
}

fn row(number: u32) -> Option<(Act, Reason)> {
    TABLE.iter().find(|(code, ..)| *code == number).map(|(_, act, reason)| (*act, *reason))
}

/// Our code for one of Twilio's numbers.
pub fn code(number: u32) -> String {
    format!("{PREFIX}{number}")
}

/// Our code for a number that Twilio reports of a message it took. What the operator has to mend is an error in the log
/// here too.
pub fn reported(number: u32) -> String {
    let code = code(number);
    if let Some((Alarm(mend), _)) = row(number) {
        error!(code, mend, "Twilio sends nothing until this is mended");
    }
    code
}

/// The reason behind a code of ours without its prefix.
pub(in crate::sms) fn reason(code: &str) -> Reason {
    if let Some(status) = code.strip_prefix("http_").and_then(|status| status.parse().ok()) {
        return if status < 500 { by_status(status).1 } else { Provider };
    }
    code.parse().ok().and_then(row).map_or(Provider, |(_, reason)| reason)
}

/// What an answer that is no success comes to. `number` is Twilio's code, where it gives one.
pub(super) fn judge(status: u16, number: Option<u32>, after: Option<SignedDuration>) -> Judged {
    let code = number.map_or_else(|| format!("{PREFIX}http_{status}"), code);
    // Whoever could not answer may have sent the message all the same.
    if status == 408 || !(300..500).contains(&status) {
        return Judged::ill(Verdict::Unknown { code });
    }
    let known = number.and_then(row);
    if known.is_none() {
        warn!(status, code, "Twilio answers with an error that is not in the table");
    }
    let (act, _) = known.unwrap_or_else(|| by_status(status));
    match act {
        Refuse => Judged::well(Verdict::Refused { code }),
        Alarm(mend) => {
            error!(status, code, mend, "Twilio sends nothing until this is mended");
            Judged::well(Verdict::Refused { code })
        }
        Later => Judged::well(Verdict::Later { code, after }),
        Rest => Judged::ill(Verdict::Later { code, after }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sms;

    #[test]
    fn no_error_has_two_rows() {
        let numbers: BTreeSet<u32> = TABLE.iter().map(|(number, ..)| *number).collect();
        assert_eq!(numbers.len(), TABLE.len());
    }

    #[test]
    fn every_code_has_a_reason_and_words_are_ours_alone() {
        for (code, wanted) in [
            ("twilio_21610", OptedOut),
            ("twilio_60205", Landline),
            ("twilio_http_429", Busy),
            ("twilio_http_403", Misconfigured),
            ("twilio_http_503", Provider),
            ("twilio_99999", Provider),
            ("twilio_", Provider),
            ("no_sender", Misconfigured),
            ("expired", Expired),
            ("resting", Provider),
            ("", Provider),
        ] {
            assert_eq!(sms::reason(code), wanted, "{code}");
        }
        let words: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(words.len(), Reason::ALL.len());
        assert!(TABLE.iter().all(|(_, _, reason)| words.contains(reason.as_str())));
    }
}
