//! An earlier answer is taken back: a phone number by another one or as a wrong one, anything else by words that say so.
//!
//! It does not know what the answer was, nor whether the question that waits has a way back. Adding a phrase: here, with its
//! rows in `tests/control.rs` (numbers) or `tests/wanted.rs`.

use super::text::{Words, is_all};

/// Says that an earlier phone number was wrong, even when no other is given.
pub(super) const WRONG_NUMBER: &[&str] = &[
    "wrong phone? number",
    "use|try a|another|my|the different|other|new? number",
    "not|isnt my|the|that right? phone? number",
    "number|phone is wrong|incorrect|not mine|right?",
    "mistyped my|the? number",
    "typo in my|the? number",
    "numero equivocado|incorrecto|erroneo",
    "no es mi|ese numero|telefono",
    "me equivoque de numero",
];

/// Says that an earlier answer was wrong when another phone number follows.
pub(super) const CORRECTION: &[&str] = &[
    "no|nope|wait|sorry|oops|actually|correction it|its|my|the|thats|use|try|i|sorry|wait|no|actually|make?",
    "i meant|mean",
    "i|ive made a mistake|typo",
    "should be|have",
    "instead",
    "no? perdon|quise|digo|mejor|corrijo|equivoque",
    "no es|mi",
];

/// Most words of a text that takes an answer back.
const MOST_TAKEN_BACK: usize = 7;

/// Whether a text corrects a phone number. `words` are those outside the number, `phone` says that there is one.
pub(super) fn corrects(words: &Words, phone: bool) -> bool {
    let wrong = WRONG_NUMBER.iter().any(|p| words.contain(p));
    if phone {
        return wrong || CORRECTION.iter().any(|p| words.start(p)) || means(words);
    }
    // A long text about a wrong number is a request to change it, not a correction of the last answer.
    wrong
        && words.len() <= MOST_TAKEN_BACK
        && !words.any("change|update|profile|account|code|cambiar|actualizar")
}

/// What says that the answer before was wrong, and by itself no more than that.
const WRONG: &[&str] = &[
    "no|nope|sorry|oops|wait|actually? no|sorry|wait? thats|its|that|it|this is|was? the|a|my? wrong|incorrect|mistake|mistaken one|device|thing|field|number|name|address|email|phone|answer?",
    "no|nope|sorry|oops|wait|actually? no|sorry|wait? thats|its|that|it|this is|was? not right|correct|it|that|what i? meant|wanted|said|asked?",
    "no|nope|sorry|oops|wait|actually? no|sorry|wait? that|it|this isnt|wasnt right|correct|it|that",
    "no|nope|sorry|oops|wait|actually? the|a? wrong|incorrect one|device|thing|field|answer",
    "no|nope|sorry|oops|wait|actually? no|sorry|wait? i|ive made|make a mistake|typo|error",
    "no|nope|sorry|oops|wait? i got that|it wrong",
    "no|nope|sorry|oops|wait? not what i meant|wanted|said|asked",
    "no|ups|perdon|espera? perdon|espera? me he equivocado|confundido",
    "no|ups|perdon|espera? perdon|espera? me equivoque|confundi",
    "no|ups|perdon|espera? eso|esto|ese|esa? esta|es mal|incorrecto|equivocado|incorrecta|equivocada",
    "no|ups|perdon|espera? eso|esto? no es eso|correcto|asi",
];

/// Whether a text takes back what was answered before, be it with something else in its place or without: "no, it's six",
/// "that's wrong". A plain refusal is none.
pub(super) fn takes_back(words: &Words) -> bool {
    let instead = words.start("actually|rather|instead|mejor|perdon|digo") || words.contain("make it|that");
    let refuses = words.any(
        "thanks|thank|gracias|dont|do|not|never|cancel|stop|forget|leave|mind|way|please|later|now|sorry|want|need|like|all|fine|ok|\
         okay|hagas|nada|ahora|luego|necesito|cancela|cancelar|dejalo|deja|olvidalo|tampoco|nope|nah|bien",
    );
    let is_short = (2..=MOST_TAKEN_BACK).contains(&words.len());
    calls_wrong(words) || (is_short && !refuses && (words.start("no") || instead || means(words)))
}

/// Whether a text says that what was answered before is wrong, and no more than that.
pub(super) fn calls_wrong(words: &Words) -> bool {
    WRONG.iter().any(|pattern| is_all(pattern, words.as_slice()))
}

/// Whether a text begins by saying that: what comes after it is no name.
pub(super) fn begins_wrong(words: &Words) -> bool {
    WRONG.iter().any(|pattern| words.start(pattern))
}

/// Whether a short text puts something in the place of what was answered: "I meant my e-mail", "no, the e-mail".
pub(super) fn puts_in_place(words: &Words) -> bool {
    let begins = words.start("no|sorry|wait|oops|actually|rather|instead|perdon|espera|mejor|digo");
    words.len() <= MOST_TAKEN_BACK && (begins || means(words))
}

/// Whether a text says what was meant.
pub(super) fn means(words: &Words) -> bool {
    words.contain("i meant|mean") || words.contain("quise|queria decir")
}
