//! The stored form of a conversation's state.

use serde::{Deserialize, Serialize};

use super::Error;
use crate::agent::State;

/// The version of the stored form.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Stored {
    v: u32,
    #[serde(flatten)]
    state: State,
}

/// The state as text.
pub(super) fn encode(state: &State) -> Result<String, Error> {
    state.progress.check().map_err(|e| Error::State(Box::new(e)))?;
    Ok(serde_json::to_string(&Stored { v: VERSION, state: state.clone() })?)
}

/// The state from text. A record that could not have come about step by step is refused, and its row is kept.
pub(super) fn decode(text: &str) -> Result<State, Error> {
    let stored: Stored = serde_json::from_str(text).map_err(|e| Error::State(Box::new(e)))?;
    if stored.v != VERSION {
        return Err(Error::State(format!("version {} is not known", stored.v).into()));
    }
    stored.state.progress.check().map_err(|e| Error::State(Box::new(e)))?;
    Ok(stored.state)
}

#[cfg(test)]
mod tests {
    use super::*;

    // S2-9
    #[test]
    fn a_state_reads_back_and_an_impossible_one_does_not() {
        let state = State::default();
        let text = encode(&state).unwrap();
        assert_eq!(decode(&text).unwrap(), state);
        for forged in [
            text.replace("\"otp_verified\":false", "\"otp_verified\":true"),
            text.replace("\"session_created\":false", "\"session_created\":true"),
            text.replace("\"otp_code\":null", "\"otp_code\":\"123456\""),
            text.replace("\"v\":1", "\"v\":2"),
            "{}".to_owned(),
            String::new(),
        ] {
            assert_ne!(forged, text);
            assert!(decode(&forged).is_err(), "{forged}");
        }
    }
}
