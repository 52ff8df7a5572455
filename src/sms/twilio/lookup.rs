//! What Twilio has of the messages to a number, for one whose answer did not come.
//!
//! Twilio takes the last digits off the number once a message has left (`AddressRetention`), and may then not list it
//! under that number any more. That none is found is therefore no answer: whoever took it for one would tell a person
//! with a code in hand that there is none.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde_json::Value;

use super::client::{encoded, is_id};
use super::messages::Messages;
use super::{errors, status};
use crate::model::DeliveryStatus;
use crate::sms::{Sighting, Sought};

/// Messages on a page, and most pages that are read. A number has few messages within the life of a code.
const PAGE: &str = "100";
const MOST_PAGES: usize = 5;

impl Messages {
    /// Every message to that number which Twilio made within that time; `None` where there is none, or not all of them
    /// can be told.
    pub(super) async fn sightings(&self, sought: &Sought) -> Option<Vec<Sighting>> {
        let day = sought.since.strftime("%Y-%m-%d").to_string();
        let mut query = encoded(&[("To", sought.to.e164()), ("DateSent>", &day), ("PageSize", PAGE)]);
        let mut found = Vec::new();
        for _ in 0..MOST_PAGES {
            let page = self.client.get(&self.path, &query).await?;
            for message in page.get("messages")?.as_array()? {
                if is_sought(message, sought)? {
                    found.push(sighting(message)?);
                }
            }
            // Where the next page is, is taken for its query alone: no answer leads us to another path.
            match page.get("next_page_uri").and_then(Value::as_str) {
                None => return Some(found).filter(|found| !found.is_empty()),
                Some(next) => next.split_once('?')?.1.clone_into(&mut query),
            }
        }
        None
    }
}

/// Whether a message of the list was made within that time; `None` where that cannot be told.
fn is_sought(message: &Value, sought: &Sought) -> Option<bool> {
    // What came in, and what answered it, is none of the messages that are handed over.
    if text(message, "direction").is_some_and(|direction| direction != "outbound-api") {
        return Some(false);
    }
    let made = rfc2822::parse(text(message, "date_created")?).ok()?.timestamp();
    // Twilio tells the second.
    let [made, since, until] = [made, sought.since, sought.until].map(Timestamp::as_second);
    Some((since..=until).contains(&made))
}

fn sighting(message: &Value) -> Option<Sighting> {
    let number = message.get("error_code").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    Some(Sighting {
        provider_id: text(message, "sid").filter(|id| is_id(id))?.to_owned(),
        // A word that is new says at least that Twilio has it.
        status: text(message, "status").and_then(status).unwrap_or(DeliveryStatus::Accepted),
        error: number.map(errors::code),
    })
}

fn text<'a>(message: &'a Value, name: &str) -> Option<&'a str> {
    message.get(name).and_then(Value::as_str)
}
