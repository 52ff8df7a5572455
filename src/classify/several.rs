//! Several requests in one message: "change my name to Ada and log out my other devices".
//!
//! A message is parted only where every part, read by itself, is surely a request for something that is done here, and no
//! two parts ask for the same. What a part needs of another ("my laptop and my phone") is no request by itself, so such a
//! message stays whole, and is understood as it always was.

use super::cascade::Cascade;
use super::entities::{asks_for_change, is_question};
use super::text::Words;
use crate::model::{Entities, Route, SessionAction, SubIntent, Understanding};

/// Most requests in one message. Whoever asks for more is read as asking for one thing at length.
const MOST_PARTS: usize = 3;
/// Most places where a message may be parted; every choice of them is tried.
const MOST_JOINTS: usize = 4;
/// Longest message that is parted, in characters.
const LONGEST: usize = 300;

/// Words before what somebody else asks for, and words that bind one part of a message to another.
const BINDS: &str = "said|says|told|asked|wrote|reads|dijo|dice|dicen|but|except|without|unless|instead|stay|keep|leave|dont|not|\
    never|no|pero|excepto|salvo|menos|sin|nunca|deja|manten";

/// What joins two requests, the longer before what it begins with. Each is matched with a space on both sides.
const JOINTS: &[&str] = &[
    "and then also",
    "and after that",
    "and then",
    "and also",
    "and please",
    "and",
    "then",
    "also",
    "plus",
    "after that",
    "y despues de eso",
    "y después de eso",
    "y luego",
    "y despues",
    "y después",
    "y tambien",
    "y también",
    "y ademas",
    "y además",
    "y",
    "luego",
    "además",
    "ademas",
];

/// A part of a message and what joins the next to it: from, to, and where the next begins.
type Joint = (usize, usize);

/// The parts of a message, each understood, in the order they were said; empty where it is one request.
pub(super) fn parts(cascade: &Cascade<'_>) -> Vec<Understanding> {
    let text = cascade.input.text;
    let words = cascade.message.words;
    if words.any(BINDS) || text.contains(['"', '“', '«']) {
        return Vec::new();
    }
    if text.chars().take(LONGEST + 1).count() > LONGEST {
        return Vec::new();
    }
    let joints = joints(text);
    if joints.is_empty() || joints.len() > MOST_JOINTS {
        return Vec::new();
    }
    let mut known = Known { cascade, heard: Vec::new() };
    let mut best = Vec::new();
    for chosen in 1_u32..(1 << joints.len()) {
        let cuts: Vec<Joint> = joints
            .iter()
            .enumerate()
            .filter(|(n, _)| (chosen >> n) & 1 == 1)
            .map(|(_, joint)| *joint)
            .collect();
        if (best.len().max(1)..MOST_PARTS).contains(&cuts.len())
            && let Some(parts) = known.all(text, &cuts)
        {
            best = parts;
        }
    }
    best
}

/// Where a text may be parted: bytes from and to, the joining words in between.
fn joints(text: &str) -> Vec<Joint> {
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = lower.get(at..).filter(|rest| !rest.is_empty()) {
        let mark = rest.starts_with([';', '.', ',', '!', '\n']);
        let length = rest.chars().next().map_or(1, char::len_utf8);
        let word = rest.strip_prefix(' ').and_then(|after| {
            let joint = JOINTS
                .iter()
                .find(|joint| after.strip_prefix(**joint).is_some_and(|then| then.starts_with([' ', ','])))?;
            Some(1 + joint.len())
        });
        let is_end = rest.get(length..).is_none_or(|after| after.trim().is_empty());
        let parts =
            mark && (is_end || rest.get(length..).is_some_and(|after| after.starts_with([' ', '\n'])));
        match (word, parts && !is_end) {
            (Some(word), _) => {
                found.push((at, at + word));
                at += word;
            }
            (None, true) => {
                found.push((at, at + length));
                at += length;
            }
            (None, false) => at += length,
        }
    }
    // ", and" is one joint.
    found.dedup_by(|next, before| {
        let is_one = text.get(before.1..next.0).is_some_and(|between| between.trim().is_empty());
        if is_one {
            before.1 = next.1;
        }
        is_one
    });
    found.retain(|(from, to)| {
        let said = |part: Option<&str>| part.is_some_and(|part| part.chars().any(char::is_alphanumeric));
        said(text.get(..*from)) && said(text.get(*to..))
    });
    found
}

/// Parts that were read already: most ways to part a message share some.
struct Known<'a, 'c> {
    cascade: &'a Cascade<'c>,
    heard: Vec<((usize, usize), Option<Understanding>)>,
}

impl Known<'_, '_> {
    fn all(&mut self, text: &str, cuts: &[Joint]) -> Option<Vec<Understanding>> {
        let starts = std::iter::once(0).chain(cuts.iter().map(|cut| cut.1));
        let ends = cuts.iter().map(|cut| cut.0).chain([text.len()]);
        let mut parts: Vec<Understanding> = Vec::new();
        for (from, to) in starts.zip(ends) {
            let part = self.part(text, (from, to))?;
            if parts.iter().any(|other| is_same(other, &part)) {
                return None;
            }
            parts.push(part);
        }
        // A sign-in takes everything over by itself.
        let has = |wanted| parts.iter().any(|part| part.route == Route::User(wanted));
        let is_one = has(SubIntent::Authenticate) && has(SubIntent::MigrateIdentity);
        // Several fields of one account change together, with one step-up.
        let is_batch = parts.iter().all(is_change);
        (!is_one && !is_batch).then_some(parts)
    }

    fn part(&mut self, text: &str, place: (usize, usize)) -> Option<Understanding> {
        if let Some((_, heard)) = self.heard.iter().find(|(known, _)| *known == place) {
            return heard.clone();
        }
        let heard = text.get(place.0..place.1).and_then(|part| self.cascade.request(part.trim()));
        // Whoever asks how something is done does not ask for it; an agent of a graph file may well be asked.
        let asks = || text.get(place.0..place.1).is_some_and(|part| is_question(&Words::of(part)));
        let heard = heard.filter(|heard| matches!(heard.route, Route::Agent(_)) || !asks());
        self.heard.push((place, heard.clone()));
        heard
    }
}

fn is_change(part: &Understanding) -> bool {
    part.route == Route::User(SubIntent::UpdateIdentity) && !part.entities.looks()
}

/// Whether two parts ask for the same thing, of which one is then an afterthought to the other.
fn is_same(one: &Understanding, other: &Understanding) -> bool {
    one.route == other.route
        && one.entities.action == other.entities.action
        && one.entities.field == other.entities.field
}

/// Whether a text by itself says what is to be done.
pub(super) fn is_whole(route: &Route, entities: &Entities, words: &Words) -> bool {
    match route {
        // A graph's agent asks for what it needs.
        Route::User(SubIntent::Authenticate) | Route::Agent(_) => true,
        Route::User(SubIntent::ManageSessions) => entities.action.is_some(),
        Route::User(SubIntent::MigrateIdentity) => entities.migration_type.is_some(),
        Route::User(SubIntent::UpdateIdentity) => {
            entities.action == Some(SessionAction::View)
                || (entities.field.is_some() && (entities.value.is_some() || asks_for_change(words)))
        }
        Route::General | Route::OutOfScope => false,
    }
}
