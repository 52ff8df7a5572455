//! What the desk says: read from a request whose signature held. Its words are a text to show and never a template.

use std::fmt;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::model::{ConversationId, EffectId, is_unseen};

/// Longest words of the desk, in characters.
pub const LONGEST_WORDS: usize = 2_000;
/// Longest name of a request, in characters.
const LONGEST_ID: usize = 64;

/// One thing that the desk says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The desk's name for it: the same again is done once.
    pub id: String,
    /// What the same again has to be the same in.
    pub digest: String,
    /// The conversation.
    pub conversation: ConversationId,
    /// The hand-over of it that is meant, where the desk says.
    pub handoff: Option<EffectId>,
    /// What it says.
    pub said: Said,
}

/// What it says.
#[derive(Clone, PartialEq, Eq)]
pub enum Said {
    /// These words, to the person.
    Message(String),
    /// The engine is to answer again; perhaps with last words.
    Release(Option<String>),
}

/// People's words are in it.
impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Message(_) => "Message",
            Self::Release(_) => "Release",
        })
    }
}

/// Why a request says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// A field cannot be taken: the pointer to it, and what it has to be.
    Invalid(&'static str, String),
    /// There is no such conversation.
    Unknown,
}

impl Word {
    /// Reads a body of JSON.
    pub fn parse(body: &[u8]) -> Result<Self, Unread> {
        let not_json = |_| Unread::Invalid("", "must be a JSON object".to_owned());
        let fields: Map<String, Value> = serde_json::from_slice(body).map_err(not_json)?;
        let id = required(&fields, "id", "/id")?;
        if !(1..=LONGEST_ID).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            let what =
                format!("must be 1 to {LONGEST_ID} visible ASCII characters, and of this request alone");
            return Err(Unread::Invalid("/id", what));
        }
        let conversation = required(&fields, "conversation", "/conversation")?;
        let handoff = text(&fields, "handoff", "/handoff")?;
        let not_one = |_| Unread::Invalid("/handoff", "must be the one that the desk was told".to_owned());
        let words = words(&fields)?;
        let said = match required(&fields, "event", "/event")? {
            "message" => {
                let missing = || Unread::Invalid("/text", "must have something in it to read".to_owned());
                Said::Message(words.ok_or_else(missing)?)
            }
            "release" => Said::Release(words),
            _ => return Err(Unread::Invalid("/event", "must be `message` or `release`".to_owned())),
        };
        Ok(Self {
            id: id.to_owned(),
            digest: crate::fetch::signed::hex(&Sha256::digest(body)),
            conversation: ConversationId::parse(conversation).map_err(|_| Unread::Unknown)?,
            handoff: handoff.map(EffectId::parse).transpose().map_err(not_one)?,
            said,
        })
    }
}

fn text<'f>(
    fields: &'f Map<String, Value>,
    name: &str,
    pointer: &'static str,
) -> Result<Option<&'f str>, Unread> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Unread::Invalid(pointer, "must be a text".to_owned())),
    }
}

fn required<'f>(
    fields: &'f Map<String, Value>,
    name: &str,
    pointer: &'static str,
) -> Result<&'f str, Unread> {
    text(fields, name, pointer)?.ok_or_else(|| Unread::Invalid(pointer, "is missing".to_owned()))
}

/// The words as they are shown: of one line, without controls and characters that are not seen.
fn words(fields: &Map<String, Value>) -> Result<Option<String>, Unread> {
    let Some(text) = text(fields, "text", "/text")? else { return Ok(None) };
    if text.chars().count() > LONGEST_WORDS {
        return Err(Unread::Invalid("/text", format!("is longer than {LONGEST_WORDS} characters")));
    }
    let spaced = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    let plain: String = spaced.filter(|c| !c.is_control() && !is_unseen(*c)).collect();
    Ok(Some(plain.trim().to_owned()).filter(|plain| !plain.is_empty()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CONVERSATION: &str = "cnv_01m9k2v7q8w3x5y6z7a8b9c0d1";

    fn parsed(change: &Value) -> Result<Word, Unread> {
        let mut body =
            json!({ "id": "1", "conversation": CONVERSATION, "event": "message", "text": "Hello" });
        let fields = body.as_object_mut().unwrap();
        fields.extend(change.as_object().unwrap().clone());
        Word::parse(body.to_string().as_bytes())
    }

    #[test]
    fn words_are_one_line_of_what_can_be_seen() {
        let long = "é".repeat(LONGEST_WORDS);
        for (text, shown) in [
            (" Hello\r\n< there\t", "Hello  < there"),
            ("a\u{0}b\u{1b}[2Jc\u{202e}d\u{200b}", "ab[2Jcd"),
            ("{{ signed_in }} {% for x in y %}", "{{ signed_in }} {% for x in y %}"),
            (&long, &long),
        ] {
            let said = parsed(&json!({ "text": text })).unwrap().said;
            assert!(said == Said::Message(shown.to_owned()), "{text:?}");
        }
        let released = |text: Value| parsed(&json!({ "event": "release", "text": text })).unwrap().said;
        assert!(released(json!("Bye")) == Said::Release(Some("Bye".to_owned())));
        assert!(
            released(json!(" \n")) == Said::Release(None) && released(json!(null)) == Said::Release(None)
        );
    }

    #[test]
    fn what_says_nothing_is_told_with_its_place() {
        let place = |change: &Value| match parsed(change) {
            Err(Unread::Invalid(pointer, _)) => pointer,
            other => panic!("{change}: {other:?}"),
        };
        for (change, pointer) in [
            (json!({ "id": null }), "/id"),
            (json!({ "id": "" }), "/id"),
            (json!({ "id": "a b" }), "/id"),
            (json!({ "id": 7 }), "/id"),
            (json!({ "id": "x".repeat(LONGEST_ID + 1) }), "/id"),
            (json!({ "conversation": null }), "/conversation"),
            (json!({ "conversation": [] }), "/conversation"),
            (json!({ "handoff": "eff_1" }), "/handoff"),
            (json!({ "event": "turn" }), "/event"),
            (json!({ "event": null }), "/event"),
            (json!({ "text": null }), "/text"),
            (json!({ "text": {} }), "/text"),
            (json!({ "text": "\u{200b}\n\u{0}" }), "/text"),
            (json!({ "text": "x".repeat(LONGEST_WORDS + 1) }), "/text"),
        ] {
            assert_eq!(place(&change), pointer, "{change}");
        }
        for body in ["", "[]", "null", "{", "\u{0}"] {
            assert!(matches!(Word::parse(body.as_bytes()), Err(Unread::Invalid("", _))), "{body}");
        }
        for id in ["", "cnv_1", "msg_01m9k2v7q8w3x5y6z7a8b9c0d1", "%", "cnv_01M9K2V7Q8W3X5Y6Z7A8B9C0D1!"] {
            assert!(parsed(&json!({ "conversation": id })) == Err(Unread::Unknown), "{id}");
        }
    }

    #[test]
    fn the_same_again_is_told_from_something_else() {
        let digest = |change: &Value| parsed(change).unwrap().digest;
        assert_eq!(digest(&json!({})), digest(&json!({})));
        assert_ne!(digest(&json!({})), digest(&json!({ "text": "Hello!" })));
        assert_ne!(digest(&json!({})), digest(&json!({ "id": "2" })));
    }
}
