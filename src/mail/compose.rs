//! From a message to the bytes that a mail server takes.

use std::time::SystemTime;

use jiff::Timestamp;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message as Built};
use zeroize::Zeroizing;

use super::{Message, Sender};
use crate::model::Email;

/// Headers that keep machines from answering: the standard's (RFC 3834), and the one that Exchange reads.
const NO_ANSWER: [(HeaderName, &str); 2] = [
    (HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated"),
    (HeaderName::new_from_ascii_str("X-Auto-Response-Suppress"), "All"),
];

/// A message as a server takes it.
pub(super) struct Composed {
    /// Its `Message-ID`: the same for every try of an effect, so that a mailbox can tell a message that came twice.
    pub(super) id: String,
    pub(super) from: Address,
    pub(super) to: Address,
    /// Headers and body, with the code in them.
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

/// The message with its headers; `None` if the library does not take what our own policy let pass.
pub(super) fn compose(message: &Message, sender: &Sender, now: Timestamp) -> Option<Composed> {
    let (from, to) = (address(&sender.address)?, address(&message.to)?);
    let id = format!("<{}@{}>", message.effect, from.domain());
    let body = MultiPart::alternative()
        .boundary(format!("=_{}", message.effect))
        .singlepart(part(ContentType::TEXT_PLAIN, message.text.expose())?)
        .singlepart(part(ContentType::TEXT_HTML, message.html.expose())?);
    let mut builder = Built::builder()
        .from(Mailbox::new(sender.name.clone(), from.clone()))
        .to(Mailbox::new(None, to.clone()))
        .subject(message.subject.as_str())
        .message_id(Some(id.clone()))
        // The library does not write dates before the epoch.
        .date(SystemTime::from(now.max(Timestamp::UNIX_EPOCH)));
    for (name, value) in NO_ANSWER {
        builder = builder.raw_header(HeaderValue::new(name, value.to_owned()));
    }
    let bytes = Zeroizing::new(builder.multipart(body).ok()?.formatted());
    // Every part is encoded, so that no server has to be asked whether it takes more than ASCII.
    bytes.is_ascii().then_some(Composed { id, from, to, bytes })
}

/// One of the two forms of the words. Some servers take a carriage return or a line feed of its own for a line's end, and
/// with a dot behind it for the message's; the library lets the former pass. There are none here, and nothing that has no
/// place in a mail.
fn part(kind: ContentType, text: &str) -> Option<SinglePart> {
    let lines = text.replace("\r\n", "\n").replace(['\r', '\n'], "\r\n");
    let encoding = ContentTransferEncoding::QuotedPrintable;
    let body = Body::new_with_encoding(lines, encoding).ok()?;
    Some(SinglePart::builder().header(kind).body(body))
}

fn address(email: &Email) -> Option<Address> {
    let (local, domain) = email.as_str().split_once('@')?;
    Address::new(local, domain).ok()
}
