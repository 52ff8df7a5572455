//! A table for each control move.

use super::{idle, understand};
use crate::model::{Control, Phone, Route, Slot, SubIntent, Tier};

pub(super) fn all(control: Control, texts: &[&str]) {
    for text in texts {
        let understood = understand(text, Some(Slot::Otp), Some(SubIntent::Authenticate));
        assert_eq!(understood.control, Some(control), "{text:?}: {understood:?}");
        assert_eq!((understood.tier, understood.unclear), (Tier::Rule, false), "{text:?}");
    }
}

#[test]
fn cancel() {
    all(
        Control::Cancel,
        &[
            "cancel",
            "Cancel.",
            "please cancel",
            "CANCEL IT",
            "never mind",
            "nevermind",
            "Never mind, thanks",
            "forget it",
            "stop",
            "stop it please",
            "quit",
            "abort",
            "can you cancel this please?",
            "I changed my mind",
            "cancel the login",
            "I want to cancel",
            "cancelar",
            "cancela por favor",
            "olvídalo",
            "déjalo",
            "no importa",
            "ya no quiero",
        ],
    );
}

#[test]
fn repeat() {
    all(
        Control::Repeat,
        &[
            "repeat that please",
            "can you repeat the question?",
            "say that again",
            "Say it again, please",
            "what did you say?",
            "What was that?",
            "sorry, I didn't catch that",
            "what was the question?",
            "where were we?",
            "pardon?",
            "repite, por favor",
            "¿puedes repetir la pregunta?",
            "¿qué has dicho?",
            "¿Cómo dices?",
            "dilo otra vez",
            "no te he oído",
            "¿dónde estábamos?",
        ],
    );
}

#[test]
fn start_over() {
    all(
        Control::StartOver,
        &[
            "start over",
            "Start again",
            "restart",
            "begin again",
            "let's start over",
            "can we start over?",
            "start from scratch",
            "start from the beginning",
            "reset",
            "empezar de nuevo",
            "empecemos de nuevo",
            "volver a empezar",
            "reiniciar",
        ],
    );
}

#[test]
fn resend() {
    all(
        Control::Resend,
        &[
            "resend",
            "resend the code",
            "Please resend my code",
            "send it again",
            "send the code again",
            "send me a new code",
            "new code please",
            "another code",
            "I didn't get the code",
            "i didnt get it",
            "I never got the code",
            "I haven't received the code yet",
            "I did not receive any code",
            "the code never arrived",
            "it hasn't arrived yet",
            "no code",
            "where's my code?",
            "can you send me another code?",
            "reenviar",
            "reenvía el código",
            "mándame otro código",
            "no me llegó el código",
            "no he recibido el código",
            "envíalo otra vez",
        ],
    );
    assert_eq!(idle("the code never came").control, Some(Control::Resend));
    assert_eq!(idle("it never came").control, None, "it may be a parcel");
    assert_eq!(idle("resend the code").route, Route::User(SubIntent::Authenticate));
}

#[test]
fn by_email() {
    all(
        Control::Email,
        &[
            "by e-mail",
            "By email please",
            "via e-mail instead",
            "email",
            "E-mail.",
            "send it by email",
            "Send it by e-mail.",
            "send the code to my e-mail",
            "can you send me the code by email instead?",
            "email me the code instead",
            "e-mail it to me",
            "email it",
            "use my email instead",
            "can't receive texts",
            "I can't get text messages",
            "I cannot receive SMS",
            "I can not receive texts",
            "I'm not able to receive text messages",
            "mándalo por correo",
            "envíalo por correo electrónico",
            "por e-mail",
            "a mi correo",
            "no puedo recibir mensajes",
        ],
    );
    for text in [
        "my email is a@b.c",
        "change my email",
        "send it to bob@evil.test",
        "send the code to bob@evil.test",
        "email bob@evil.test",
        "I want a new email",
        "I can't get",
        "I can't get in",
        "I don't use email",
        "don't email me",
        "what is an email?",
    ] {
        for awaiting in [None, Some(Slot::Phone), Some(Slot::Otp)] {
            let understood = understand(text, awaiting, None);
            assert_ne!(understood.control, Some(Control::Email), "{text:?} while {awaiting:?} is awaited");
        }
    }
    // The name of a field, where one is asked for.
    assert_eq!(understand("email", Some(Slot::Field), Some(SubIntent::UpdateIdentity)).control, None);
    assert_eq!(idle("e-mail").control, None);
}

#[test]
fn lost() {
    all(
        Control::Lost,
        &[
            "I lost my phone",
            "I've lost my phone",
            "lost my sim card",
            "I lost access to my old number",
            "I don't have that number any more",
            "I don't have that number anymore",
            "I don't have access to my phone",
            "I no longer have that number",
            "my phone was stolen",
            "my phone got stolen",
            "somebody stole my phone",
            "I have a new number",
            "I changed my number",
            "perdí mi teléfono",
            "ya no tengo ese número",
            "me robaron el móvil",
        ],
    );
    assert_eq!(idle("I lost my phone").control, Some(Control::Lost));
    for text in [
        "I lost my parcel",
        "I have a number",
        "I don't have a phone",
        "I don't have an account",
        "my phone is +1 415 555 2671",
        "I lost my phone bill",
        "I want to change my number",
        "is my phone number safe?",
    ] {
        for awaiting in [None, Some(Slot::Phone), Some(Slot::Otp)] {
            let understood = understand(text, awaiting, None);
            assert_ne!(understood.control, Some(Control::Lost), "{text:?} while {awaiting:?} is awaited");
        }
    }
}

#[test]
fn help() {
    all(
        Control::Help,
        &[
            "help",
            "Help!",
            "help me please",
            "what can you do?",
            "What can I do here?",
            "I need help",
            "ayuda",
            "¿Qué puedes hacer?",
        ],
    );
    assert_eq!(idle("help").route, Route::General);
}

#[test]
fn yes_and_no() {
    all(
        Control::Yes,
        &[
            "yes",
            "Yes please",
            "yeah",
            "yep",
            "sure",
            "ok",
            "that's right",
            "go ahead",
            "do it",
            "of course",
            "sí",
            "Sí, claro",
            "vale",
            "oui",
            "はい",
        ],
    );
    all(
        Control::No,
        &[
            "no",
            "No thanks",
            "nope",
            "nah",
            "no, don't",
            "don't do it",
            "not now",
            "no gracias",
            "mejor no",
            "nein",
            "いいえ",
            "no, leave it",
        ],
    );
}

#[test]
fn a_correction_brings_its_number() {
    for (text, number) in [
        ("no, it's +1 415 555 2671", Some("+14155552671")),
        ("No, my number is +14155552671", Some("+14155552671")),
        ("wrong number", None),
        ("use a different number", None),
        ("that's the wrong number", None),
        ("That's not my number!", None),
        ("I meant +1 415 555 2671", Some("+14155552671")),
        ("actually my number is (415) 555-2671", Some("+14155552671")),
        ("sorry, wrong number, it's +1 415 555 2671", Some("+14155552671")),
        ("sorry it's +1 415 555 2671", Some("+14155552671")),
        ("número equivocado", None),
        ("no, es +34 612 345 678", Some("+34612345678")),
        ("me equivoqué de número", None),
    ] {
        for (awaiting, active) in [(Some(Slot::Otp), Some(SubIntent::Authenticate)), (None, None)] {
            let understood = understand(text, awaiting, active);
            assert_eq!(understood.control, Some(Control::Correct), "{text:?}: {understood:?}");
            assert_eq!(understood.entities.phone.as_ref().map(Phone::e164), number, "{text:?}");
            assert_eq!(understood.entities.otp_code, None, "{text:?}");
            assert_eq!(understood.route, Route::User(SubIntent::Authenticate), "{text:?}");
        }
    }
}

#[test]
fn a_correction_while_a_phone_is_awaited_also_answers() {
    let understood =
        understand("no, it's +1 415 555 2671", Some(Slot::NewPhone), Some(SubIntent::UpdateIdentity));
    assert_eq!((understood.control, understood.answers), (Some(Control::Correct), true));
    assert_eq!(understood.entities.value.as_deref(), Some("+14155552671"));
}

#[test]
fn what_only_holds_a_move_is_none() {
    for text in [
        "don't cancel",
        "please don't cancel",
        "cancel my order",
        "how do I cancel my subscription?",
        "don't log me out",
        "don't stop",
        "stop sending me e-mails about offers",
        "I want help with my taxes",
        "no way to log in from my phone",
        "yes I would like to log in with my phone",
        "don't start over",
        "don't resend the code",
        "I never forget it when people cancel",
    ] {
        assert_eq!(idle(text).control, None, "{text:?}");
    }
}
