//! Small talk in a model's words.
//!
//! The model has no tools and is told nothing of the person but whether somebody is signed in. What it says is untrusted:
//! it is masked, loses its links and markup, and is not said at all where it claims that something was done or proved.

use std::sync::Arc;

use tokio::time::Instant;

use super::redact::redact;
use super::text::Words;
use crate::llm::{Ask, Llm, Spent};
use crate::mask;
use crate::prompt::{GeneralPrompt, Prompts};

/// Longest answer, in tokens.
const MOST_TOKENS: u32 = 200;
/// Longest answer, in characters.
const LONGEST: usize = 1_000;
/// What only the engine may say: that something was done, is proved, or is a code.
const CLAIMS: &[&str] = &[
    "you are|re now|already? signed|logged|authenticated|verified|an? in|admin|administrator",
    "been|was|is|were verified|approved|confirmed|changed|updated|revoked|deleted|sent|transferred|unlocked|disabled|granted|migrated",
    "i|ive|have signed|logged|verified|changed|updated|sent|revoked|deleted|transferred|unlocked|granted|migrated|disabled",
    "your code|otp|pin|password|token|passcode is|was",
    "the code|otp|pin|password|token|passcode is|was",
    "tu codigo|clave|contrasena es",
    "ya? has|he|hemos|esta|estas iniciado|verificado|cambiado|enviado|conectado|autenticado",
    "eres administrador|admin",
    "access granted|enabled|allowed",
    "login|sign|authentication|verification successful|complete|completed|confirmed",
    "bist|sind|wurdest|wurden jetzt|nun|bereits? angemeldet|eingeloggt|verifiziert|admin|administrator",
    "etes|es maintenant|desormais? connecte|connectee|verifie|verifiee|administrateur|admin",
];

/// Answers small talk.
#[derive(Debug)]
pub(super) struct Generating {
    llm: Arc<dyn Llm>,
    prompts: Arc<Prompts>,
}

/// What is to be answered.
#[derive(Debug, Clone)]
pub struct SmallTalk<'a> {
    /// What was said.
    pub text: &'a str,
    /// The language to answer in.
    pub language: &'a str,
    /// Whether somebody is signed in.
    pub signed_in: bool,
    /// Until when a model may take.
    pub until: Option<Instant>,
}

/// An answer, where there is one that may be said; and what was spent on it.
#[derive(Debug, Clone, Default)]
pub struct Generated {
    /// What is said.
    pub text: Option<String>,
    /// What was spent.
    pub spent: Vec<Spent>,
}

impl Generating {
    pub(super) fn new(llm: Arc<dyn Llm>, prompts: Arc<Prompts>) -> Self {
        Self { llm, prompts }
    }

    pub(super) async fn answer(
        &self,
        talk: &SmallTalk<'_>,
        sink: &mut (dyn FnMut(&str) + Send),
    ) -> Generated {
        let prompt = GeneralPrompt { language: talk.language.to_owned(), signed_in: talk.signed_in };
        let (Some(redacted), Ok(system)) = (redact(talk.text), self.prompts.render(&prompt)) else {
            return Generated::default();
        };
        let ask =
            Ask { system, user: redacted.text, shape: None, most_tokens: MOST_TOKENS, until: talk.until };
        let mut spoken = Spoken::default();
        let asked = self.llm.stream(&ask, &mut |piece| sink(&spoken.hear(piece))).await;
        let text = asked.answer.ok().map(|answer| clean(&answer.text)).filter(|text| may_be_said(text));
        // What was held back until it was settled is settled now.
        if let Some(rest) = text.as_deref().and_then(|text| text.strip_prefix(spoken.shown.as_str())) {
            sink(rest);
        }
        Generated { text, spent: asked.spent }
    }
}

fn may_be_said(text: &str) -> bool {
    let words = Words::of(text);
    text.chars().any(char::is_alphabetic) && !CLAIMS.iter().any(|claim| words.contain(claim))
}

/// A stream as it may be shown: each piece once nothing that follows can change how it is masked.
#[derive(Debug, Default)]
struct Spoken {
    raw: String,
    shown: String,
    silent: bool,
}

impl Spoken {
    /// Takes a piece; gives what may be shown now, which is often nothing.
    fn hear(&mut self, piece: &str) -> String {
        // What comes after the longest answer is not said.
        if self.raw.len() > 4 * LONGEST {
            return String::new();
        }
        self.raw.push_str(piece);
        let safe = clean(self.raw.get(..settled(&self.raw)).unwrap_or_default());
        // A claim ends the showing; what stands in the end is decided with the whole text.
        self.silent |= !safe.is_empty() && !may_be_said(&safe);
        let Some(new) = safe.strip_prefix(self.shown.as_str()).filter(|_| !self.silent) else {
            return String::new();
        };
        let new = new.to_owned();
        self.shown = safe;
        new
    }
}

/// Up to where a text's masking is settled: the last word of letters alone that a space follows.
fn settled(text: &str) -> usize {
    let mut end = 0;
    let mut at = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        at += word.len();
        let bare = word.trim_end();
        let closed = bare.len() < word.len();
        if closed && bare.chars().count() > 1 && bare.chars().all(char::is_alphabetic) {
            end = at;
        }
    }
    // The space is shown with what comes after it, as a cleaned text never ends in one.
    text.get(..end).map_or(0, |text| text.trim_end().len())
}

/// A model's text as it may be said.
fn clean(text: &str) -> String {
    let plain: String =
        text.chars().filter(|c| !crate::model::is_unseen(*c) && (*c == '\n' || !c.is_control())).collect();
    let words: Vec<&str> =
        plain.split(char::is_whitespace).filter(|word| !is_link(word) && !is_markup(word)).collect();
    let masked = mask::text(words.join(" ").trim());
    masked.chars().take(LONGEST).collect::<String>().trim_end().to_owned()
}

fn is_link(word: &str) -> bool {
    let low = word.to_lowercase();
    let host = low.split(['/', ':']).next().unwrap_or_default();
    let bare = host.trim_matches(|c: char| c.is_ascii_punctuation());
    let (name, top) = bare.rsplit_once('.').unwrap_or_default();
    let is_host = name.len() > 1 && (2..=24).contains(&top.len()) && top.chars().all(char::is_alphabetic);
    (is_host && !low.contains('@'))
        || low.contains("//")
        || low.contains("](")
        || low.starts_with("www.")
        || (low.contains('/') && host.contains('.'))
        || (low.contains('?') && low.contains('='))
}

fn is_markup(word: &str) -> bool {
    word.contains(['<', '>', '`', '{', '}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_model_says_loses_what_it_must_not_say() {
        for (said, shown) in [
            ("Hello! How are you?", "Hello! How are you?"),
            ("It is 123456, call +1 415 555 2671", "It is ••••••, call ••••••2671"),
            (
                "See https://evil.example/?q=1 or evil.example/x or evil-login.com, now. Okay?",
                "See or or now. Okay?",
            ),
            ("![x](http://a.b/c) hi", "hi"),
            (
                "evil.com\nnow evil.com\u{a0}then evil.com:8080 evil.рф [1]: //evil.com/x end",
                "now then [1]: end",
            ),
            ("Hi <script>alert(1)</script> there", "Hi there"),
            ("a\u{200b}nna@example.com wrote", "a••••••@•••••• wrote"),
        ] {
            assert_eq!(clean(said), shown, "{said}");
        }
        assert_eq!(clean(&"word ".repeat(1_000)).chars().count(), LONGEST - 1);
    }

    #[test]
    fn claims_are_not_said() {
        for claim in [
            "You are now signed in as admin.",
            "Done! I have verified your number.",
            "Your code is on its way: the code is ready",
            "Your e-mail was changed",
            "Ya has iniciado sesión",
            "Access granted!",
            "Du bist jetzt angemeldet.",
        ] {
            assert!(!may_be_said(claim), "{claim}");
        }
        for fine in
            ["Hello! You can sign in with your phone.", "I can help you to change your name.", "Gern!"]
        {
            assert!(may_be_said(fine), "{fine}");
        }
        assert!(!may_be_said("••••••") && !may_be_said(""));
    }

    #[test]
    fn however_a_stream_is_cut_it_shows_what_the_whole_would() {
        let whole =
            "Well, my friend, 12 34 56 is a number and ses_abc is not; write to a@b.example or so. Bye now";
        for size in 1..whole.len() {
            let mut spoken = Spoken::default();
            let mut shown = String::new();
            for piece in whole.as_bytes().chunks(size) {
                shown.push_str(&spoken.hear(std::str::from_utf8(piece).unwrap()));
            }
            assert!(clean(whole).starts_with(&shown) && !shown.contains("12"), "{size}: {shown}");
            assert!(shown.len() > 60, "{size}: {shown}");
        }
    }
}
