//! Moves that steer the conversation: whole utterances, English and Spanish, with yes and no in a few more languages.
//!
//! Only a whole utterance counts. "Don't cancel" and "cancel my order" contain a move and are none.

use super::human;
use super::taken_back::{CORRECTION, WRONG_NUMBER};
use super::text::{Words, is_all, prefix};
use crate::model::Control;

/// What may stand before a move without changing it.
const BEFORE: &[&str] = &[
    "please|pls|plz|hey|hi|hello|oh|ah|um|uh|hmm|well|so|sorry|just|then|wait|actually|ok|okay|and|oye|perdon|bueno|entonces",
    "can|could|would|will you|we|i please?",
    "i want|need|would|wanna you? like? to?",
    "id like you? to",
    "lets|let us?",
    "por favor",
    "puedes|podrias|quiero|necesito|quisiera|me?",
];

/// What may stand after a move without changing it.
const AFTER: &[&str] = &[
    "please|pls|plz|now|thanks|then|asap|ahora|gracias|again",
    "thank you",
    "por favor",
    "right now",
    "for me",
];

/// The moves, each with its phrases.
const MOVES: &[(Control, &[&str])] = &[
    (
        Control::Cancel,
        &[
            "cancel|stop|abort|quit|exit|halt|end it|this|that|everything|all?",
            "cancel|stop|abort|quit the|this|my? login|signin|registration|signup|verification|process|change|update|migration|transfer|request|operation",
            "cancel|stop|abort the|this|my? sign in|up",
            "nevermind|nvm|forget|drop|leave it?",
            "never mind that|it?",
            "forget about? it|this|that",
            "leave it",
            "dont bother",
            "i|ive have? changed my mind",
            "i dont want to? do? this|that|it anymore|any? more?",
            "cancelar|cancela|cancelalo|cancelemos|cancele esto|eso|todo|la? operacion?",
            "olvidalo|dejalo|dejelo|basta|detente|alto|abortar asi?",
            "no importa",
            "da igual",
            "he? cambie|cambiado de opinion",
            "ya no quiero nada|esto|seguir?",
        ],
    ),
    (
        Control::StartOver,
        &[
            "start|begin|do it? all? over|again|afresh|anew",
            "start|begin over again",
            "restart|reset everything|it|this|the|conversation|process?",
            "start|begin|go back? from|at|to the start|beginning|top",
            "start from scratch",
            "from the start|beginning|top",
            "empezar|empieza|empecemos|comenzar|comienza|comencemos de|otra nuevo|cero|vez",
            "volver|volvamos a empezar|comenzar",
            "reiniciar|reinicia|reiniciemos todo?",
            "desde el? principio|cero|inicio",
        ],
    ),
    (
        Control::Resend,
        &[
            "resend me? it|that|the|my|a? verification|login|new? code|otp|pin|sms|text|message?",
            "send|text me? it|that again",
            "send|text me? it|that once more",
            "send|text me? the|my verification|login? code|otp|pin|sms|text|message once? again|more",
            "send|text|get|give|request me? a|another|one? new|fresh|another|more code|otp|pin|one",
            "send me? another",
            "a? another|new|fresh code|otp|pin",
            "i need a|another? new? code|otp again?",
            "need a|another new? code|otp",
            "i|we? still? didnt|havent|never|dont|havnt get|got|gotten|receive|received|have the|a|any|my|it|anything|your? verification? code|otp|sms|text|message|pin? yet|still?",
            "i|we? did|have not get|got|gotten|receive|received the|a|any|my|it|anything? verification? code|otp|sms|text|message|pin? yet?",
            "the|my? code|otp|sms|text|message|it still? didnt|hasnt|never|isnt arrive|arrived|come|came|coming|here through? yet?",
            "the|my? code|otp|sms|text|message|it has|did not arrived|arrive|come|came through? yet?",
            "no|nothing code|otp|sms|text|message? yet|arrived|came|received|come",
            "no code|otp|sms|text|message yet?",
            "code|otp|sms not received|arrived",
            "wheres the|my code|otp|sms|text",
            "where is the|my code|otp|sms|text",
            "reenviar|reenvia|reenvie|reenvialo|reenviame|reenviamelo el|mi|un? codigo|sms|mensaje?",
            "envialo|mandalo|enviamelo|mandamelo|envia|manda otra|de|el? codigo? otra|de? vez|nuevo",
            "envia|enviame|manda|mandame|dame otro|un codigo nuevo?",
            "otro codigo",
            "un? nuevo? codigo nuevo?",
            "no me ha? llego|llegado|llega nada|el|ningun? codigo|sms|mensaje?",
            "no he? recibi|recibido|recibo nada|el|ningun? codigo|sms|mensaje?",
            "no llego|llega el codigo|sms|mensaje",
        ],
    ),
    (
        Control::Email,
        &[
            "send|get|try|do? me? it|the|a|my|that? code|otp|one? by|via|through|per|over|to my? e? email|mail instead?",
            "e? email|mail me? it|the|a|my|that? code|otp? to? me? instead?",
            "use my? e? email|mail instead?",
            "by|via|per|with e? email|mail instead?",
            "i? cant|cannot|couldnt receive|get|read any|my|your? sms|texts|text",
            "i? cant|cannot|couldnt receive|get|read any|my|your? sms|text? messages",
            "i? can not receive|get|read any? sms|texts|text? messages?",
            "im|i am? unable|not able? to receive|get|read sms|texts|text? messages?",
            "envialo|mandalo|enviamelo|mandamelo|envia|manda|enviame|mandame|enviar|mandar el? codigo? por|al|a mi? e? correo|email|mail electronico?",
            "por|al|a mi? e? correo|email|mail electronico?",
            "no puedo recibir|leer sms|mensajes|textos",
        ],
    ),
    (
        Control::Lost,
        &[
            "i|ive? have? lost my|the|that old? phone|number|sim|mobile|cell card?",
            "i|ive? have? lost access to my|the|that old? phone|number|sim|mobile|cell card?",
            "i? dont|cant|cannot have|use|access|reach access? to? my|that old? phone|number|sim|mobile|cell anymore|any? more?",
            "i? no longer have|use|access|own access? to? my|the|that old? phone|number|sim|mobile|cell",
            "my phone|mobile|cell|sim|number is|was|got lost|stolen|gone|broken|dead",
            "someone|somebody|they stole my phone|mobile|cell|sim",
            "i|ive have|got? a new number now?",
            "i|ive have? changed my? number|numbers|sim",
            "he? perdi|perdido mi|el telefono|numero|movil|celular",
            "ya no tengo ese|mi|el telefono|numero|movil|celular",
            "me robaron|han robado? el|mi telefono|movil|celular",
        ],
    ),
    (
        Control::Help,
        &[
            "help me?",
            "i need some? help",
            "help me? out",
            "what can you|i do for|here? me|here?",
            "what do you do",
            "what are my|the options|commands",
            "show me? the|my? options|commands|help|menu",
            "menu|options|commands",
            "how does|do this|it|you work",
            "ayuda|ayudame|ayudenme",
            "necesito|quiero ayuda",
            "me puedes ayudar",
            "que puedes|puedo|sabes hacer aqui?",
            "como funciona esto?",
        ],
    ),
    (Control::Human, human::ASKS),
    (
        Control::Repeat,
        &[
            "repeat that|it|this|yourself|the? last? question|message?",
            "say that|it again",
            "say that|it one|once more time?",
            "say again",
            "come again",
            "pardon me?",
            "what did you just? say|ask",
            "what was that",
            "what was|is the|your last? question",
            "where were we",
            "i didnt|couldnt catch|hear|follow that|it|you?",
            "i did not catch|hear|follow that|it|you?",
            "repite|repita|repetir|repiteme|repitemelo eso|lo|la? ultima? pregunta|mensaje?",
            "repitelo",
            "dilo|dimelo otra|de vez|nuevo",
            "que|como dijiste|dices|dice|preguntaste",
            "que has dicho",
            "cual|que era|es la pregunta",
            "no te|lo? he? oi|oido|escuche|escuchado|entendi|entendido bien?",
            "donde|en estabamos|que quedamos? estabamos?",
        ],
    ),
    (Control::Yes, YES),
    (Control::No, NO),
];

const YES: &[&str] = &[
    "yes|y|yeah|yep|yup|ya|yess|sure|ok|okay|k|correct|right|confirm|confirmed|absolutely|definitely|proceed|continue|affirmative|agreed thing|please?",
    "yes|yeah|ok|okay|sure do|go|yes|i|thats|it ahead|it|do|correct|right|please|is?",
    "thats|it|this is? right|correct|fine|it|ok",
    "do it|that|so",
    "go ahead|on|for it?",
    "please do",
    "of course",
    "sounds good",
    "i do|confirm|agree|am",
    "si|claro|vale|dale|correcto|confirmo|confirmar|adelante|acepto|exacto que? si|favor?",
    "de acuerdo",
    "por supuesto",
    "esta bien",
    "si por favor",
    "si? hazlo|confirmo|claro|correcto|adelante",
    "oui|ja|jawohl|sim|haan|ha|はい|うん|是|是的|好|好的|对|نعم|हां|हाँ|да",
];

const NO: &[&str] = &[
    "no|n|nope|nah|never|negative|noo sir?",
    "no thanks|thank|way|never|please|no|sorry you?",
    "no? dont|not do|yet|now|really|that|it|this|please? it|that|this?",
    "no? do not do? it|that|this?",
    "no? please dont",
    "no? id rather|prefer not to?",
    "absolutely|definitely|certainly|better not",
    "no? not now|yet|really|today",
    "no? keep|leave it|them|that|everything as|alone? it? is?",
    "no gracias|quiero|todavia|aun|para|lo|hagas nada|hagas?",
    "ahora|mejor|todavia no",
    "nothing|none|nada|ninguno|ninguna",
    "para nada",
    "claro que no",
    "non|nein|nao|nahi|nahin|いいえ|不|不要|不是|لا|нет",
];

/// Every word of every phrase, in small letters and without accents.
pub fn control_words() -> impl Iterator<Item = &'static str> {
    let moves = MOVES.iter().flat_map(|(_, phrases)| *phrases);
    let rest = [BEFORE, AFTER, YES, NO, WRONG_NUMBER, CORRECTION].into_iter().flatten();
    let words = |phrase: &'static str| phrase.split(|c: char| !c.is_alphabetic());
    moves.chain(rest).copied().chain(human::phrases()).flat_map(words).filter(|word| !word.is_empty())
}

/// The move that the whole of a text is. `idle` says that nothing is awaited or worked on: "it never came" is then
/// about something else than a code.
pub(super) fn find(words: &Words, idle: bool) -> Option<Control> {
    let control = within(words, |rest| {
        let found = MOVES.iter().find(|(_, phrases)| phrases.iter().any(|p| is_all(p, rest)));
        found.map(|(control, _)| *control)
    })?;
    let elsewhere = idle && control == Control::Resend && is_about_arrival(words);
    (!elsewhere).then_some(control)
}

/// What is found in the whole of a text, or in what is left of it without fillers.
pub(super) fn within<T>(words: &Words, found: impl Fn(&[String]) -> Option<T>) -> Option<T> {
    let mut rest = words.as_slice();
    loop {
        if let Some(found) = found(rest) {
            return Some(found);
        }
        rest = shorter(rest)?;
    }
}

/// Whether a text names e-mail and nothing else: what to do with it is for the question to say.
pub(super) fn is_bare_email(words: &Words) -> bool {
    is_all("my|mi|the|el? e? email|mail|correo electronico? please|gracias?", words.as_slice())
}

/// Whether a text says that something did not come, without saying that it is a code.
fn is_about_arrival(words: &Words) -> bool {
    words.any("arrive|arrived|come|came|coming|got|get|gotten|receive|received|here|through|llego|llega|llegado|recibi|recibido|recibo")
        && !words.any("code|otp|pin|sms|text|message|codigo|mensaje")
}

/// The text without one filler at its start or end.
fn shorter(words: &[String]) -> Option<&[String]> {
    let filler = BEFORE.iter().filter_map(|p| prefix(p, words)).filter(|&n| n > 0 && n < words.len()).max();
    if let Some(filler) = filler {
        return words.get(filler..);
    }
    (1..words.len())
        .find(|&kept| AFTER.iter().any(|p| words.get(kept..).is_some_and(|tail| is_all(p, tail))))
        .and_then(|kept| words.get(..kept))
}

/// Yes or no to a question that was asked: the first words decide, since people go on to repeat the request. A yes that takes
/// itself back, or wants something else, is neither: it is asked again before anything is done.
pub(super) fn confirmation(words: &Words) -> Option<Control> {
    let said_no = words.start("no|nope|nah|dont|never|nein|non|nao|nahi")
        || words.start("please|por? dont|favor no?")
        || words.start("do not");
    let unsure = words.contain("not sure|yet") || words.start("no idea|se");
    if unsure {
        return None;
    }
    if said_no {
        return Some(Control::No);
    }
    let said_yes = words
        .start("yes|yeah|yep|yup|sure|si|claro|oui|ja|sim|haan|confirm|absolutely|definitely")
        || words.start("go|do ahead|it")
        || words.start("ok|okay");
    let taken_back = words.any("but|not|dont|no|wait|pero|espera|what|which|how")
        || words
            .any("cancel|cancela|cancelar|cancelalo|cancelala|stop|abort|undo|instead|actually|later|mejor")
        || words.contain("want|like|need to change|edit|correct|keep")
        || words.contain("quiero|quisiera cambiar|corregir|dejar");
    (said_yes && !taken_back).then_some(Control::Yes)
}
