//! How long an ask waits before the engine speaks up.

use jiff::SignedDuration;

use super::draft::Drafter;
use super::fields::Told;
use super::file::{Named, RawNode};

/// The outcome of an ask that nobody answered.
pub(super) const SILENT: &str = "silent";
/// The shortest and the longest time.
const SHORTEST: SignedDuration = SignedDuration::from_secs(10);
const LONGEST: SignedDuration = SignedDuration::from_hours(24);
const FORM: &str =
    "it takes a time from 10 seconds to 24 hours, such as \"90s\", \"2m\" or \"1h\", or \"configured\"";

/// How long an ask waits before its outcome `silent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// So long.
    After(SignedDuration),
    /// As long as `graph.silence_seconds` says, or for ever where that says 0.
    Configured,
}

impl Silence {
    /// How long that is, where so long is configured; `None` is for ever.
    pub fn length(self, configured: Option<SignedDuration>) -> Option<SignedDuration> {
        match self {
            Self::After(length) => Some(length),
            Self::Configured => configured,
        }
    }

    /// Reads it as it stands in a graph file.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text == "configured" {
            return Some(Self::Configured);
        }
        let unit = text.chars().next_back()?;
        let number: i64 =
            text.strip_suffix(unit).filter(|n| n.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 60 * 60,
            _ => return None,
        };
        let length = SignedDuration::from_secs(number.checked_mul(seconds)?);
        (SHORTEST..=LONGEST).contains(&length).then_some(Self::After(length))
    }
}

impl std::fmt::Display for Silence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Configured => f.write_str("the configured time"),
            Self::After(length) => match length.as_secs() {
                s if s % 3_600 == 0 => write!(f, "{} h", s / 3_600),
                s if s % 60 == 0 => write!(f, "{} min", s / 60),
                s => write!(f, "{s} s"),
            },
        }
    }
}

impl Drafter<'_, '_, '_> {
    /// How long an ask waits: a time and an edge, or neither.
    pub(super) fn silence(
        &mut self,
        raw: &RawNode,
        silence: Option<&Named>,
    ) -> Result<Option<Silence>, Told> {
        let edge = raw.on.iter().find(|edge| edge.outcome.text == SILENT);
        let Some(silence) = silence else {
            let Some(edge) = edge else { return Ok(None) };
            self.report.add(
                edge.outcome.at,
                "the outcome `silent` needs `silence`: how long the question waits, such as \"2m\"",
            );
            return Err(Told);
        };
        if edge.is_none() {
            self.report.add(silence.at, "`silence` needs an edge `silent`, for when nobody answers");
            return Err(Told);
        }
        let read = Silence::parse(&silence.text);
        if read.is_none() {
            self.report.add(silence.at, format!("`silence`: {FORM}"));
        }
        read.map(Some).ok_or(Told)
    }
}
