//! A table for asking for a person, and for the engine again.

use super::control::all;
use super::idle;
use crate::classify::goes_back;
use crate::model::Control;

#[test]
fn human() {
    let asks = [
        "I want to talk to a person",
        "talk to a human",
        "can I speak with a real person please?",
        "let me speak to someone",
        "agent please",
        "agent",
        "operator",
        "a human, please",
        "I need an agent",
        "human agent",
        "get me a human",
        "connect me to an operator",
        "transfer me to a human agent",
        "I'd rather talk to a person",
        "is there a person I can talk to?",
        "I don't want to talk to a bot",
        "customer service",
        "quiero hablar con una persona",
        "hablar con alguien",
        "quiero un agente humano",
        "¿puedo hablar con un agente?",
        "pásame con un operador, por favor",
        "me puedes comunicar con una persona real",
        "operador",
        "una persona de verdad",
        "atención al cliente",
    ];
    all(Control::Human, &asks);
    for text in asks {
        assert!(!goes_back(text), "{text}");
    }
}

#[test]
fn whoever_speaks_of_people_asks_for_none() {
    for text in [
        "am I talking to a human?",
        "my operator is Vodafone",
        "an agent of yours called me",
        "I talked to a person yesterday",
        "tell the agent that my name is Ada",
        "call me on my phone",
        "I live with a person",
        "change my name to Agent Smith",
        "mi operador es Movistar",
        "hablé con una persona ayer",
        "give me a code",
    ] {
        assert_ne!(idle(text).control, Some(Control::Human), "{text}");
    }
}

#[test]
fn back_to_the_assistant() {
    for text in [
        "back to the assistant",
        "Back to the bot please",
        "take me back to the assistant",
        "I want to talk to the assistant",
        "start over",
        "volver al asistente",
        "quiero volver con el asistente",
        "hablar con el bot, por favor",
        "empezar de nuevo",
    ] {
        assert!(goes_back(text), "{text}");
    }
    for text in
        ["cancel", "stop", "no", "back", "the assistant was rude", "is this a bot?", "log in", "volver", ""]
    {
        assert!(!goes_back(text), "{text}");
    }
}
