//! Which session or device a message is about, as it names it; which one that is only the person's own list tells.

use crate::classify::text::Words;

/// What a message says of the session or device it means.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::classify) struct Target {
    /// A place in the list, an id, or `current`, `other`, `last`, `oldest`, `today`, `yesterday`.
    pub(in crate::classify) reference: Option<String>,
    /// A device's name, as written.
    pub(in crate::classify) name: Option<String>,
}

/// References, each with the patterns that stand for it. The first that fits counts.
const REFERENCES: &[(&str, &[&str])] = &[
    ("yesterday", &["from|since yesterday", "yesterdays", "yesterday", "de ayer", "ayer"]),
    ("today", &["from today", "todays", "de hoy"]),
    ("oldest", &["oldest", "earliest", "mas antigua|antiguo|vieja|viejo"]),
    (
        "last",
        &[
            "last|latest|newest session|device|login|one?",
            "most recent",
            "ultima|ultimo sesion|dispositivo?",
            "mas reciente|nueva|nuevo",
        ],
    ),
    ("other", &["the|my other session|device|phone|laptop|computer|tablet|one|login?", "la|el|mi otra|otro"]),
    (
        "current",
        &[
            "this|current session|device|phone|laptop|computer|tablet|browser|one|pc",
            "esta|este sesion|dispositivo|telefono|movil|portatil|ordenador|tableta",
            "sesion|dispositivo actual",
            "right here",
            "aqui",
        ],
    ),
];

/// Places in a list.
const PLACES: &[(&str, &str)] = &[
    ("1", "first|1st|primera|primero|primer"),
    ("2", "second|2nd|segunda|segundo"),
    ("3", "third|3rd|tercera|tercero|tercer"),
    ("4", "fourth|4th|cuarta|cuarto"),
    ("5", "fifth|5th|quinta|quinto"),
    ("6", "sixth|6th|sexta|sexto"),
    ("7", "seventh|7th|septima|septimo"),
    ("8", "eighth|8th|octava|octavo"),
    ("9", "ninth|9th|novena|noveno"),
];

/// Words that lead up to a device's name.
const LEADS: &[&str] = &[
    "log|sign|logging|signing me? out|off of|from? my|the|that? old? session|login? on|of|from? my|the|that?",
    "log|sign my|the|that old?",
    "logout|signout of|from? my|the|that? old?",
    "revoke|terminate|kill|disconnect|kick|unlink|end|close|remove|delete|forget|stop the|my|that? session|login|access on|of|from|for|to my|the|that? old?",
    "revoke|terminate|kill|disconnect|kick|unlink|end|close|remove|delete|forget|stop my|the|that old?",
    "session|login|access on|of|to my|the|that? old?",
    "session sur|de mon|ma|le|la|l",
    "sitzung auf|von|an meinem|meiner|dem|der|mein",
    "stole|lost my|the",
    "rename|relabel|nickname my|the|that? device|session?",
    "call|name my|the|that",
    "name of my|the|that",
    "cierra|cerrar|cierre la|mi? sesion en|de|del mi|el|la?",
    "desconecta|desconectar|elimina|eliminar|quita|quitar|borra|borrar mi|el|la|ese|este",
    "renombra|renombrar|llama mi|el|la|a?",
    "nombre de|del mi|el|la?",
    "deconnecte|deconnecter|deconnectez|supprime|retire|renomme|renommer mon|ma|le|la|cet|cette ancien|ancienne?",
    "melde|logge|entferne|trenne|benenne mein|meine|meinen|das|den|die",
    "sessao|sair|acesso do|da|de|no|na meu|minha?",
    "desconecta|encerra|remove meu|minha|o|a",
    "desconecte|desconectar|encerre|encerrar|remova|remover|renomear|renomeie meu|minha|o|a",
    "meant|mean the|my",
    "quise|queria decir el|la|mi",
    "only|just|solo|nur|seulement|apenas|so the|my|el|la|mi|das|mein|le|la|mon|o|a|meu",
];

/// Words that end a device's name.
const ENDS: &str = "out|off|and|or|then|but|please|now|got|has|what|why|how|which|does|should|would|can|do|if|en|para|um|zu|ab|aus|bitte|to|as|because|since|it|in|is|was|from|on|log|sign|thanks|y|por|favor|ahora|a|como|porque|session|sesion";

/// Words that are no name by themselves.
const GENERIC: &str = "sessao|sessoes|sitzung|sitzungen|appareil|appareils|gerat|gerate|aparelho|aparelhos|compte|conta|konto|mich|device|devices|session|sessions|one|ones|account|login|logins|access|everything|everywhere|all|every|other|others|anything|this|that|these|it|me|dispositivo|dispositivos|sesion|sesiones|cuenta|todo|todos|todas|third|second|first|last|my|the|them|him|her|unknown|active|open|name|nombre|new|another|a|an|un|una|old";

/// Longest name, in words.
const LONGEST: usize = 5;

/// Reads it. A bare reference or name, as the answer to a question, is read as well where `asked`.
pub(in crate::classify) fn read(text: &str, words: &Words, asked: bool) -> Target {
    let reference = id(text).or_else(|| place(words, asked)).or_else(|| named_reference(words));
    if reference.is_some() {
        return Target { reference, name: None };
    }
    if let Some(place) = spot(text, words) {
        return Target { reference: Some(place), name: None };
    }
    let name = LEADS.iter().find_map(|lead| name_after(text, words, lead));
    // "My tablet got stolen" names it before it says what happened.
    let is_gone = words.any("stolen|lost|sold|missing|gone");
    let name = name.or_else(|| is_gone.then(|| name_after(text, words, "my|our")).flatten());
    Target { reference: None, name: name.or_else(|| asked.then(|| bare(text)).flatten()) }
}

/// "The session in Berlin": a place that is written as one. What follows in lower case is a device.
fn spot(text: &str, words: &Words) -> Option<String> {
    const LEAD: &str = "session|login|one|sesion|inicio|sitzung|sessao in|at|en|em";
    let place = name_after(text, words, LEAD)?;
    place.chars().next().filter(|c| c.is_uppercase()).map(|_| place)
}

/// Whether everything but the session that speaks is meant.
pub(in crate::classify) fn keeps_current(words: &Words) -> bool {
    words.contain("except|but|besides|excluding this|the|my|here? one|device|session|current|phone|here?")
        || words.contain("all|every|any? the|my? others|other devices|sessions|device|session|logins?")
        || words.contain("everywhere|anywhere else")
        || words.contain("excepto|menos|salvo esta|este|aqui")
        || words.contain("las|los demas|otras|otros sesiones|dispositivos?")
}

/// An id, as clients know them.
fn id(text: &str) -> Option<String> {
    let words = text.split(|c: char| c.is_whitespace() || ",.;!?\"'“”".contains(c));
    let mut after_session = false;
    for word in words.filter(|w| !w.is_empty()) {
        let is_ours = word.starts_with("ses_") || word.starts_with("dev_");
        let has_digit = word.chars().any(|c| c.is_ascii_digit());
        let is_code = after_session
            && has_digit
            && word.len() >= 4
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        if is_ours || is_code {
            return Some(word.to_owned());
        }
        after_session = matches!(word.to_lowercase().as_str(), "session" | "device" | "sesión" | "id");
    }
    None
}

/// "The second one", "number 2", "#2"; a bare "2" where a place was asked for.
fn place(words: &Words, asked: bool) -> Option<String> {
    if let Some((digit, _)) = PLACES.iter().find(|(_, listed)| words.any(listed)) {
        return Some((*digit).to_owned());
    }
    let spoken = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let said = (1..).zip(spoken).find(|(_, n)| words.contain(&format!("number|option|session|device {n}")));
    if let Some((digit, _)) = said {
        return Some(digit.to_string());
    }
    let all = words.as_slice();
    let is_digit = |w: &String| w.len() == 1 && w.chars().all(|c| c.is_ascii_digit() && c != '0');
    let before = "number|no|option|session|device|numero|opcion|sesion|dispositivo";
    let at = all.iter().position(is_digit)?;
    let is_led =
        at.checked_sub(1).and_then(|n| all.get(n)).is_some_and(|w| before.split('|').any(|l| l == w));
    (is_led || (asked && all.len() <= 2)).then(|| all.get(at).cloned()).flatten()
}

fn named_reference(words: &Words) -> Option<String> {
    let found = REFERENCES.iter().find(|(_, patterns)| patterns.iter().any(|p| words.contain(p)));
    found.map(|(name, _)| (*name).to_owned())
}

/// The name after a lead, as it was written.
fn name_after(text: &str, words: &Words, lead: &str) -> Option<String> {
    let from = words.position(lead)? + words.covered(lead);
    let rest = words.as_slice().get(from..)?;
    let is_end = |w: &&String| ENDS.split('|').any(|e| e == w.as_str());
    let length = rest.iter().take(LONGEST).position(|w| is_end(&w)).unwrap_or(rest.len().min(LONGEST));
    let named = rest.get(..length).filter(|named| !named.is_empty())?;
    if named.iter().all(|w| GENERIC.split('|').any(|g| g == w)) {
        return None;
    }
    as_written(text, from, length)
}

/// A short answer that is a name and nothing more.
fn bare(text: &str) -> Option<String> {
    let words = Words::of(text);
    let lead =
        ["the|my|el|la|mi", "its|it is|the"].iter().find_map(|p| words.start(p).then_some(1)).unwrap_or(0);
    let rest = words.as_slice().get(lead..).filter(|rest| (1..=LONGEST).contains(&rest.len()))?;
    if rest.iter().all(|w| GENERIC.split('|').any(|g| g == w)) {
        return None;
    }
    as_written(text, lead, rest.len())
}

/// Words of a text by their places, with the capitals they were written with.
fn as_written(text: &str, from: usize, length: usize) -> Option<String> {
    let mut at = 0;
    let mut taken = Vec::new();
    for chunk in text.split_whitespace() {
        let inside = Words::of(chunk).len();
        if inside > 0 && at >= from && at < from + length {
            taken.push(chunk.trim_matches(|c: char| !c.is_alphanumeric()));
        }
        at += inside;
    }
    let name = taken.join(" ");
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, asked: bool) -> (Option<String>, Option<String>) {
        let Target { reference, name } = read(text, &Words::of(text), asked);
        (reference, name)
    }

    // S2-23
    #[test]
    fn references_and_names() {
        for (text, asked, reference, name) in [
            ("sign out of this session", false, Some("current"), None),
            ("end the second session", false, Some("2"), None),
            ("remove the third device", false, Some("3"), None),
            ("terminate session abc-123", false, Some("abc-123"), None),
            ("revoke ses_01abc", false, Some("ses_01abc"), None),
            ("log out number 2", false, Some("2"), None),
            ("close the oldest session", false, Some("oldest"), None),
            ("end the one from yesterday", false, Some("yesterday"), None),
            ("log out the other one", false, Some("other"), None),
            ("log out my old phone", false, None, Some("phone")),
            ("log out the iPhone", false, None, Some("iPhone")),
            ("revoke the session on my Galaxy Tab", false, None, Some("Galaxy Tab")),
            ("sign my MacBook Pro out please", false, None, Some("MacBook Pro")),
            ("someone stole my tablet, please log it out", false, None, Some("tablet")),
            ("rename my tablet to Reading Tablet", false, None, Some("tablet")),
            ("actually only the phone", false, None, Some("phone")),
            ("cierra la sesión en mi iPad", false, None, Some("iPad")),
            ("desconecta el portátil", false, None, Some("portátil")),
            ("cierra la segunda sesión", false, Some("2"), None),
            ("the laptop", true, None, Some("laptop")),
            ("2", true, Some("2"), None),
            ("number 1", true, Some("1"), None),
            ("la otra", true, Some("other"), None),
            ("close the session in Berlin", false, Some("Berlin"), None),
            ("déconnecte mon iPad", false, None, Some("iPad")),
            ("melde mein Tablet ab", false, None, Some("Tablet")),
            ("encerre a sessão do meu notebook", false, None, Some("notebook")),
            ("should I log out everywhere, or should I not", false, None, None),
            ("log me out", false, None, None),
            ("log out of my account", false, None, None),
            ("Logout from all devices", false, None, None),
            ("I don't recognise one of these devices, remove it", false, None, None),
        ] {
            let want = (reference.map(str::to_owned), name.map(str::to_owned));
            assert_eq!(of(text, asked), want, "{text:?}");
        }
    }

    #[test]
    fn what_is_kept() {
        for (text, keeps) in [
            ("sign out all my devices except this one", true),
            ("log out everywhere else", true),
            ("end all other sessions", true),
            ("log out the others", true),
            ("cierra las demás sesiones", true),
            ("cierra todas menos esta", true),
            ("log out of all devices", false),
            ("log out", false),
        ] {
            assert_eq!(keeps_current(&Words::of(text)), keeps, "{text:?}");
        }
    }
}
