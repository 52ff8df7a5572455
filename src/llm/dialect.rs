//! What a model's server takes: a ladder from strict schemas down to words, probed once and remembered.

use serde_json::{Map, Value, json};

use super::{Ask, Error};

/// How the form of an answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rung {
    /// By a strict JSON schema.
    Schema,
    /// By asking for a JSON object, with the schema in the prompt.
    Object,
    /// By the schema in the prompt alone.
    Words,
}

/// What is known of a model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    pub(super) rung: Rung,
    /// Whether an answer of the asked form came on this rung.
    pub(super) proven: bool,
    /// Whether the parameters are called as newer models call them.
    pub(super) modern: bool,
    /// Whether a stream is asked for without anything besides.
    pub(super) plain: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { rung: Rung::Schema, proven: false, modern: false, plain: false }
    }
}

impl Dialect {
    /// Whether it asks for less than the strict schema.
    pub(super) fn is_lowered(self) -> bool {
        self.rung != Rung::Schema
    }

    /// The request in this dialect.
    pub(super) fn body(self, model: &str, ask: &Ask, stream: bool) -> Value {
        let mut system = ask.system.clone();
        let mut body = Map::new();
        body.insert("model".into(), model.into());
        body.insert("stream".into(), stream.into());
        if let Some(shape) = &ask.shape {
            let (name, schema) = (shape.name, &shape.schema);
            let format = match self.rung {
                Rung::Schema => Some(json!({
                    "type": "json_schema",
                    "json_schema": { "name": name, "strict": true, "schema": schema },
                })),
                Rung::Object => Some(json!({ "type": "json_object" })),
                Rung::Words => None,
            };
            body.extend(format.map(|format| ("response_format".to_owned(), format)));
            if self.rung != Rung::Schema {
                system.push_str("\n\nAnswer with one JSON object of this schema and nothing else:\n");
                system.push_str(&schema.to_string());
            }
        }
        let messages = json!([
            { "role": "system", "content": system },
            { "role": "user", "content": ask.user },
        ]);
        body.insert("messages".into(), messages);
        if self.modern {
            body.insert("max_completion_tokens".into(), ask.most_tokens.into());
        } else {
            body.insert("max_tokens".into(), ask.most_tokens.into());
            body.insert("temperature".into(), 0.into());
        }
        if stream && !self.plain {
            body.insert("stream_options".into(), json!({ "include_usage": true }));
        }
        Value::Object(body)
    }

    /// What to speak after an error that may be the dialect's fault; `None` where it is not, or there is nothing left.
    pub(super) fn after(self, error: &Error, has_shape: bool) -> Option<Self> {
        let lower = match self.rung {
            Rung::Schema => Some(Rung::Object),
            Rung::Object => Some(Rung::Words),
            Rung::Words => None,
        };
        let lower = lower.filter(|_| has_shape).map(|rung| Self { rung, proven: false, ..self });
        match error {
            Error::Status { status: 400 | 404 | 415 | 422, blames, .. } => {
                if blames.parameters && !self.modern {
                    Some(Self { modern: true, ..self })
                } else if blames.stream && !self.plain {
                    Some(Self { plain: true, ..self })
                } else if self.proven
                    || !(blames.shape || matches!(error, Error::Status { status: 400 | 422, .. }))
                {
                    // What answered in this form before does not refuse the form.
                    None
                } else {
                    lower
                }
            }
            Error::Unfit if !self.proven => lower,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::Blames;
    use super::*;

    fn refused(shape: bool, parameters: bool) -> Error {
        Error::Status { status: 400, retry_after: None, blames: Blames { shape, parameters, stream: false } }
    }

    #[test]
    fn the_ladder_goes_down_for_what_the_dialect_is_to_blame_for() {
        let top = Dialect::default();
        let object = top.after(&refused(true, false), true).unwrap();
        assert_eq!(object.rung, Rung::Object);
        assert_eq!(object.after(&refused(true, false), true).unwrap().rung, Rung::Words);
        let renamed = top.after(&refused(false, true), true).unwrap();
        assert!(renamed.modern && renamed.rung == Rung::Schema);
        assert!(renamed.after(&refused(false, true), true).is_some_and(|d| d.rung == Rung::Object));
        assert!(top.after(&Error::Unfit, true).is_some() && top.after(&Error::Unfit, false).is_none());
        let proven = Dialect { proven: true, ..top };
        assert!(
            proven.after(&Error::Unfit, true).is_none()
                && proven.after(&refused(false, false), true).is_none()
        );
        assert!(top.after(&Error::Late, true).is_none() && top.after(&Error::CutOff, true).is_none());
    }
}
