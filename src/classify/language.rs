//! The language of a message, where it is plain. Names, numbers and single words that both languages have tell nothing.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::text::Words;

/// Words that Spanish has and English has not; accents are gone, as in [`Words`].
const SPANISH: &str = "quiero|quisiera|necesito|iniciar|inicia|entrar|entro|sesion|sesiones|mi|mis|tu|el|los|las|una|unos|por|favor|para|con|que|cual|cuales|como|hola|buenas|buenos|gracias|numero|telefono|movil|correo|codigo|clave|cuenta|cambiar|cambia|cerrar|cierra|ayuda|ayudame|puedes|puedo|registrarme|registrar|muestrame|muestra|mostrar|dispositivo|dispositivos|carrito|nombre|cancelar|cancela|reenviar|reenvia|soy|llamo|otra|otro|vez|todos|todas|todo|hacer|salir|desde|donde|tengo|esta|este|ese|esa|olvidalo|perdi|pasa|pasar|desconecta|empezar|nuevo|equivocado|ver|datos|perfil|si|esto|eso|mover|favoritos|historial|dame|envia|enviame|manda|mandame|crear";
/// The other way round.
const ENGLISH: &str = "i|want|need|to|log|login|sign|the|my|please|what|whats|is|how|help|hello|hi|show|change|of|this|that|and|out|in|on|account|phone|number|code|device|devices|session|sessions|name|email|send|resend|again|cancel|stop|you|can|your|all|move|cart|register|wrong|lost|from|with|it|for|do|dont|sent|where|am|are|have|start|over|thanks|thank|log|logged|everything|everywhere|new|another";

/// Shortest word that is learned, in letters.
const SHORTEST: usize = 4;

/// What tells languages apart.
#[derive(Debug, Clone, Default)]
pub(super) struct Languages {
    /// The words that people say to graphs' agents in one language only, by that.
    learned: BTreeMap<String, BTreeSet<String>>,
}

impl Languages {
    /// Learns what people say, each with its language.
    pub(super) fn learned<'a>(said: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (text, tag) in said {
            let language = tag.split('-').next().unwrap_or(tag);
            all.entry(language.to_owned())
                .or_default()
                .extend(Words::of(text).as_slice().iter().filter(|word| is_word(word)).cloned());
        }
        let is_only = |language: &str, word: &String| {
            let elsewhere = all.iter().any(|(other, words)| other != language && words.contains(word));
            !elsewhere
                && (language == "en" || !is_of(ENGLISH, word))
                && (language == "es" || !is_of(SPANISH, word))
        };
        let only = |(language, words): (&String, &BTreeSet<String>)| {
            (language.clone(), words.iter().filter(|word| is_only(language, word)).cloned().collect())
        };
        Self { learned: all.iter().map(only).collect() }
    }

    /// The language of a message, where it is plain.
    pub(super) fn of(&self, text: &str) -> Option<&str> {
        let words = Words::of(text);
        let count = |listed: &str| words.as_slice().iter().filter(|word| is_of(listed, word)).count();
        // No other language has these signs.
        let signs = usize::from(text.contains(['¿', '¡']));
        match (count(SPANISH) + signs).cmp(&count(ENGLISH)) {
            Ordering::Greater => Some("es"),
            Ordering::Less => Some("en"),
            Ordering::Equal => self.by_learned(&words),
        }
    }

    fn by_learned(&self, words: &Words) -> Option<&str> {
        let count =
            |known: &BTreeSet<String>| words.as_slice().iter().filter(|word| known.contains(*word)).count();
        let mut counts: Vec<(usize, &str)> =
            self.learned.iter().map(|(language, known)| (count(known), language.as_str())).collect();
        counts.sort_unstable_by(|one, other| other.cmp(one));
        match counts.as_slice() {
            [(most, language), (next, _), ..] if most > next => Some(language),
            [(most, language)] if *most > 0 => Some(language),
            _ => None,
        }
    }
}

/// Numbers are the same everywhere, and the shortest words mean something in most languages.
fn is_word(word: &str) -> bool {
    word.chars().count() >= SHORTEST && !word.contains(char::is_numeric)
}

fn is_of(listed: &str, word: &str) -> bool {
    listed.split('|').any(|known| known == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_messages_tell_their_language() {
        for (text, language) in [
            ("quiero iniciar sesión", Some("es")),
            ("hola", Some("es")),
            ("sí", Some("es")),
            ("cierra la sesión en todos los dispositivos", Some("es")),
            ("log me in please", Some("en")),
            ("show my devices", Some("en")),
            ("cancel", Some("en")),
            ("123456", None),
            ("+34 612 345 678", None),
            ("no", None),
            ("ok", None),
            ("Anmelden bitte", None),
            ("¿Reservas?", Some("es")),
        ] {
            assert_eq!(Languages::default().of(text), language, "{text:?}");
        }
    }

    #[test]
    fn what_people_say_to_an_agent_tells_its_language() {
        let said = [
            ("book a table", "en"),
            ("table for four", "en"),
            ("no hay una mesa", "es"),
            ("mesa a las 9", "es"),
        ];
        let languages = Languages::learned(said.into_iter());
        for (text, language) in [
            ("mesa viernes", Some("es")),
            ("table friday", Some("en")),
            ("no", None),
            ("9", None),
            ("viernes", None),
            ("table mesa", None),
        ] {
            assert_eq!(languages.of(text), language, "{text:?}");
        }
    }
}
