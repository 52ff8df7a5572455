//! Names that were asked for. A name may be anything that people are called, in any script; what is refused is what
//! could not be shown back, and what is plainly something else is left to the cascade.

use crate::classify::entities::named;
use crate::classify::text::Words;
use crate::model::{NameError, device_name, person_name};

/// Most words of a name that is given without "my name is".
const MOST_WORDS: usize = 6;

/// Words that no name holds and requests do.
const REQUEST: &str = "skip|later|none|nothing|never|bye|goodbye|weather|joke|help|refund|music|log|login|logout|logging|sign|signin|signup|signout|register|code|otp|send|resend|account|session|sessions|device|devices|email|phone|number|cart|basket|change|update|delete|transfer|migrate|weather|password|order|what|whats|how|why|where|wheres|when|who|which|could|would|does|am|tell|show|need|want|have|dont|thanks|thank|hello|hi|hey|quiero|entrar|iniciar|sesion|cuenta|codigo|cambiar|cerrar|donde|cuando|hola|gracias";

/// A text while a person's name is awaited: the name, why it cannot be one, or nothing of the kind.
pub(super) fn judge(
    text: &str,
    words: &Words,
    other: impl Fn() -> bool,
) -> Option<Result<String, &'static str>> {
    let given = named(text);
    let is_given = given.is_some();
    let name = match person_name(given.as_deref().unwrap_or_else(|| without_courtesy(text))) {
        Ok(name) => name,
        // A number is no name, and may be a correction of the one given before.
        Err(NameError::Digits) => return None,
        Err(error) => return Some(Err(error.code())),
    };
    let name = name.trim_end_matches(['.', '!', ',']).trim().to_owned();
    let asks = text.contains(['?', '¿', '؟', '？']) || text.contains('@') || text.contains("://");
    let said = Words::of(&name);
    let requests = words.len() > MOST_WORDS || said.any(REQUEST);
    if asks
        || (!is_given && (requests || (!is_capitalised(&name) && other())))
        || (is_given && (said.len() > MOST_WORDS || said.any(REQUEST)))
    {
        return None;
    }
    Some(Ok(name))
}

/// A text without the thanks after it.
fn without_courtesy(text: &str) -> &str {
    let text = text.trim_end_matches(['.', '!', ' ']);
    let low = text.to_ascii_lowercase();
    let courtesies = [", thanks", ", thank you", ", please", " please", ", gracias", ", por favor"];
    let kept = courtesies.iter().find_map(|c| low.strip_suffix(c)).map_or(text.len(), str::len);
    text.get(..kept).unwrap_or(text)
}

/// Whether a short text is written as names are. Many names are words as well, "Mark" and "Will" among them.
fn is_capitalised(name: &str) -> bool {
    let mut words = name.split_whitespace();
    words.clone().count() <= 3 && words.all(|w| w.chars().next().is_some_and(char::is_uppercase))
}

/// A text while a device's new name is awaited.
pub(super) fn judge_device(text: &str, other: impl Fn() -> bool) -> Option<Result<String, &'static str>> {
    let low = text.trim().to_ascii_lowercase();
    let lead = ["call it ", "name it ", "rename it to ", "it's ", "ponle ", "llámalo "];
    let lead = lead.iter().find(|l| low.starts_with(**l)).map_or(0, |l| l.len());
    let name = text.trim().get(lead..)?.trim_matches(|c: char| c == ' ' || "\"“”«».".contains(c));
    let name = match device_name(name) {
        Ok(name) => name,
        Err(error) => return Some(Err(error.code())),
    };
    let is_other = lead == 0 && (name.contains(['?', '¿', '؟']) || other());
    (!is_other).then_some(Ok(name))
}
