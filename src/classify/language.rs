//! The language of a message, where it is plain. Names, numbers and single words that both languages have tell nothing.

use super::text::Words;

/// Words that Spanish has and English has not; accents are gone, as in [`Words`].
const SPANISH: &str = "quiero|quisiera|necesito|iniciar|inicia|entrar|entro|sesion|sesiones|mi|mis|tu|el|los|las|una|unos|por|favor|para|con|que|cual|cuales|como|hola|buenas|buenos|gracias|numero|telefono|movil|correo|codigo|clave|cuenta|cambiar|cambia|cerrar|cierra|ayuda|ayudame|puedes|puedo|registrarme|registrar|muestrame|muestra|mostrar|dispositivo|dispositivos|carrito|nombre|cancelar|cancela|reenviar|reenvia|soy|llamo|otra|otro|vez|todos|todas|todo|hacer|salir|desde|donde|tengo|esta|este|ese|esa|olvidalo|perdi|pasa|pasar|desconecta|empezar|nuevo|equivocado|ver|datos|perfil|si|esto|eso|mover|favoritos|historial|dame|envia|enviame|manda|mandame|crear";
/// The other way round.
const ENGLISH: &str = "i|want|need|to|log|login|sign|the|my|please|what|whats|is|how|help|hello|hi|show|change|of|this|that|and|out|in|on|account|phone|number|code|device|devices|session|sessions|name|email|send|resend|again|cancel|stop|you|can|your|all|move|cart|register|wrong|lost|from|with|it|for|do|dont|sent|where|am|are|have|start|over|thanks|thank|log|logged|everything|everywhere|new|another";

/// `en` or `es` where a message plainly is in one of the two.
pub(super) fn of(words: &Words) -> Option<&'static str> {
    let count = |listed: &str| words.as_slice().iter().filter(|w| listed.split('|').any(|l| l == *w)).count();
    let (spanish, english) = (count(SPANISH), count(ENGLISH));
    match spanish.cmp(&english) {
        std::cmp::Ordering::Greater => Some("es"),
        std::cmp::Ordering::Less => Some("en"),
        std::cmp::Ordering::Equal => None,
    }
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
        ] {
            assert_eq!(of(&Words::of(text)), language, "{text:?}");
        }
    }
}
