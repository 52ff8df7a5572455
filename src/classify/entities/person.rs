//! Names of people and things, as sentences give them.

use crate::classify::text::{Words, is_near};

/// Longest value that is taken from a sentence, in characters.
const LONGEST: usize = 80;

/// What leads up to a name.
const LEADS: &[&str] = &[
    "my full name is ",
    "my name is ",
    "my name's ",
    "my name’s ",
    "the name is ",
    "the name's ",
    "name is ",
    "name: ",
    "you can call me ",
    "call me ",
    "i'm called ",
    "i am called ",
    "i am ",
    "i'm ",
    "i’m ",
    "im ",
    "it's spelled ",
    "it is spelled ",
    "i meant ",
    "i mean ",
    "make that ",
    "it's ",
    "it’s ",
    "it is ",
    "this is ",
    "it should be ",
    "make it ",
    "i go by ",
    "me llamo ",
    "mi nombre es ",
    "mi nombre completo es ",
    "soy ",
    "llámame ",
    "llamame ",
    "je m'appelle ",
    "je m’appelle ",
    "je suis ",
    "ich heiße ",
    "ich bin ",
    "mein name ist ",
    "meu nome é ",
    "me chamo ",
    "mera naam ",
    "我叫",
    "我是",
    "我的名字是",
    "私は",
    "名前は",
    "اسمي ",
    "أنا ",
];
/// What may stand before that.
const OPENINGS: &[&str] = &[
    "hi, ",
    "hello, ",
    "hey, ",
    "sure, ",
    "ok, ",
    "yes, ",
    "hola, ",
    "hi ",
    "hello ",
    "no, ",
    "sorry, ",
    "actually, ",
    "perdón, ",
    "just ",
    "hola ",
    "please ",
];

/// A name that is given as one: "call me Bob", "my name is Ana María".
pub(in crate::classify) fn named(text: &str) -> Option<String> {
    let low = text.to_ascii_lowercase();
    let start = low.len() - low.trim_start().len();
    let low = low.get(start..)?;
    let skipped = OPENINGS.iter().find(|o| low.starts_with(**o)).map_or(0, |o| o.len());
    let corrects = ["no, ", "sorry, ", "actually, ", "perdón, "].iter().any(|o| low.starts_with(*o));
    let low = low.get(skipped..)?;
    let rest = text.get(start + skipped..)?;
    match LEADS.iter().find(|l| low.starts_with(**l)) {
        Some(lead) => clean(rest.get(lead.len()..)?),
        // "No, Sara" gives the name after all; a mere greeting before it may precede anything.
        None if corrects => clean(rest),
        None => None,
    }
}

/// A name that a request to change it says outright, wherever it stands.
pub(super) fn explicit_name(text: &str) -> Option<String> {
    tail_after(
        text,
        &[
            "call me ",
            "llámame ",
            "llamame ",
            "i go by ",
            "rename me to ",
            "make my name ",
            "rename me ",
            "my name down as ",
            "name should be ",
            "should say ",
            "c'est ",
            "appelle-moi ",
            "nenn mich ",
            "me chame de ",
            "it should be ",
            "should read ",
        ],
    )
    .and_then(|tail| clean(&tail))
}

/// The name in "change my name to John", "name from A to B", "cambia mi nombre a Lucía".
pub(super) fn changed_name(text: &str) -> Option<String> {
    if let Some(name) = framed_name(text) {
        return Some(name);
    }
    let low = text.to_ascii_lowercase();
    if let Some(rest) = low.starts_with("from ").then(|| tail_after(text, &[" to "])).flatten() {
        return clean(rest.split(',').next().unwrap_or_default());
    }
    let after = after_word(
        &low,
        "surname|lastname|firstname|name|nam|naem|nane|nombre|apellido|nom|prenom|prénom|namen|nachnamen|vornamen|nome|sobrenome|naam",
    )?;
    let (tail, low) = (text.get(after..)?, low.get(after..)?);
    if low.contains(" from ") {
        return tail_after(tail, &[" to "]).and_then(|t| clean(&t));
    }
    let markers = [
        " to be ",
        " to ",
        " is spelled ",
        " is spelt ",
        " is now ",
        " is actually ",
        " is ",
        " as ",
        " into ",
        ": ",
        " a ",
        " por ",
        " como ",
        " es ",
        " es ahora ",
        " ahora es ",
        " ist ",
        " ist jetzt ",
        " ist nun ",
        " est ",
        " est maintenant ",
        " é ",
        " agora é ",
        " en ",
        " auf ",
        " zu ",
        " in ",
        " para ",
        ", it's ",
        ", its ",
    ];
    // A name that is wrong is said first, and the right one after it.
    let corrected = tail_after(tail, &[" it's ", " its ", " it is ", "but "]).and_then(|t| clean(&t));
    corrected.or_else(|| {
        let first = markers.iter().filter_map(|m| low.find(m).map(|at| (at, at + m.len())));
        let (_, end) = first.min_by_key(|(at, end)| (*at, usize::MAX - end))?;
        clean(tail.get(end..)?)
    })
}

/// Where the first of the words ends, slips of the finger forgiven.
fn after_word(text: &str, listed: &str) -> Option<usize> {
    let mut end = 0;
    text.split_inclusive(|c: char| !c.is_alphanumeric()).find_map(|chunk| {
        let word = chunk.trim_end_matches(|c: char| !c.is_alphanumeric());
        let word_end = end + word.len();
        end += chunk.len();
        is_near(word, listed).then_some(word_end)
    })
}

/// Languages that put the new name between two markers, or after one of their own script.
fn framed_name(text: &str) -> Option<String> {
    const FRAMES: [(&str, &str, &[&str]); 9] = [
        ("badal kar", " ", &[" kar", " rakh"]),
        ("naam", " ", &[" kar", " rakh", " badal", " se badal", " likh"]),
        ("名前", "を", &["に", "へ"]),
        ("名", "改成", &[]),
        ("名", "改为", &[]),
        ("名", "換成", &[]),
        ("اسمي", " إلى ", &[]),
        ("اسمي", " الى ", &[]),
        ("الاسم", " إلى ", &[]),
    ];
    let low = text.to_ascii_lowercase();
    FRAMES.iter().find_map(|(field, open, close)| {
        let field = low.find(field)? + field.len();
        let start = field + low.get(field..)?.find(open)? + open.len();
        let end = close.iter().filter_map(|c| low.get(start..)?.find(c)).min();
        // Where a closing marker belongs to the frame, its absence means that no name was given.
        let end = if close.is_empty() { text.len() } else { start + end? };
        clean(text.get(start..end)?)
    })
}

/// What follows the last of the markers that occurs, the earlier markers preferred.
pub(super) fn tail_after(text: &str, markers: &[&str]) -> Option<String> {
    let low = text.to_ascii_lowercase();
    let (at, marker) = markers.iter().find_map(|m| Some((low.rfind(m)?, m)))?;
    text.get(at + marker.len()..).map(str::to_owned)
}

/// A person's name without what surrounds it; `None` where the words are about a name and no name.
fn clean(tail: &str) -> Option<String> {
    const NONE: &str = "wrong|spelled|misspelled|incorrect|outdated|different|not|missing|old|something|another|changed|mal|incorrecto|the|what|be|my|mi|on|how|in|up|no|locked|trying|unable|new|here|ready|sorry|sure|done|back|fine|good|looking|waiting|lost|confused|falsch|errado|mauvais|mal";
    let value = cut(tail)?;
    let words = Words::of(&value);
    let is_none = words.as_slice().first().is_none_or(|first| NONE.split('|').any(|n| n == first));
    (!is_none).then_some(value)
}

/// A value without quotes, courtesies and what comes after it.
pub(super) fn cut(tail: &str) -> Option<String> {
    const ENDS: &[&str] = &[
        " please",
        ", please",
        " pls",
        " thanks",
        " thank you",
        ", thanks",
        " instead",
        " from now on",
        " and my ",
        " and please",
        " and show ",
        " and list ",
        " and log ",
        " and sign ",
        " and send ",
        " and move ",
        " and transfer ",
        " and change ",
        " and update ",
        " on my ",
        " in my ",
        " por favor",
        ", por favor",
        " a partir de",
        " with ",
        " without ",
        " y mi ",
        "\n",
        "; ",
    ];
    let low = tail.to_ascii_lowercase();
    let end = ENDS.iter().filter_map(|e| low.find(e)).min().unwrap_or(tail.len());
    let value = tail.get(..end)?.split(". ").next().unwrap_or_default();
    let value = value.split(", ").next().unwrap_or_default();
    let value = value.trim_end();
    let value = [" now", " jetzt", " ahora", " maintenant", " agora"]
        .iter()
        .find_map(|w| value.strip_suffix(w))
        .unwrap_or(value);
    let value = value.trim_matches(|c: char| c.is_whitespace() || "\"'“”‘’«»「」.,!?;:。".contains(c));
    let fits = value.chars().count() <= LONGEST && !value.chars().any(char::is_control);
    (fits && value.chars().any(char::is_alphanumeric)).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_out_of_what_surrounds_them() {
        for (text, want) in [
            ("my name is Ana María", Some("Ana María")),
            ("hi, I'm Bob.", Some("Bob")),
            ("No, Sarah", Some("Sarah")),
            ("Ich heiße Jürgen", Some("Jürgen")),
            ("我叫李明", Some("李明")),
            ("my name is wrong", None),
            ("Bob", None),
            ("my name is", None),
        ] {
            assert_eq!(named(text).as_deref(), want, "{text:?}");
        }
        assert_eq!(cut(" “Old Mac”, please").as_deref(), Some("Old Mac"));
        assert_eq!(cut(&"x".repeat(81)), None);
    }
}
