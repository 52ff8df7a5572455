//! Whether text messages are one message each (SEC-43): what people wait for should not come in parts, and every part is
//! paid for.
//!
//! It judges the texts as they are configured, with the longest values that can occur. Adding a value to a text message:
//! its longest form in `longest`.

use serde_json::{Map, Value, json};

use crate::prompt::{self, Replies};
use crate::sms::gsm;

/// The section of the texts of text messages, among all replies.
const TEXTS: &str = "sms";

/// What keeps texts from being one message each, a line for each of them.
pub fn unfit(replies: &Replies, domain: Option<&str>) -> Result<Vec<String>, prompt::Error> {
    let values = longest(domain);
    let mut unfit = Vec::new();
    for (language, keys) in replies.keys() {
        for key in keys.iter().filter(|key| section(key) == Some(TEXTS)) {
            match gsm::septets(&replies.say(&language, key, &values)?) {
                Ok(septets) if septets <= gsm::ONE_MESSAGE => {}
                Ok(septets) => unfit.push(format!(
                    "`{key}` in `{language}` takes {septets} of the {} septets of one message",
                    gsm::ONE_MESSAGE
                )),
                Err(c) => unfit.push(format!(
                    "`{key}` in `{language}` holds `{c}`, which is outside of the alphabet of GSM"
                )),
            }
        }
    }
    Ok(unfit)
}

fn section(key: &str) -> Option<&str> {
    key.split_once('.').map(|(section, _)| section)
}

/// The longest values: a code after many failures, the most minutes that one may be valid for, widest letters.
fn longest(domain: Option<&str>) -> Map<String, Value> {
    let values = json!({ "code": "8".repeat(8), "minutes": 60, "reference": "WM", "domain": domain });
    values.as_object().cloned().unwrap_or_default()
}
