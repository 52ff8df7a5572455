//! Asking for a person in the engine's stead, and for the engine again: whole utterances, English and Spanish.

use super::control;
use super::text::{Words, is_all};
use crate::model::Control;

/// Asks for a person.
pub(super) const ASKS: &[&str] = &[
    "let? me? talk|speak|chat to|with a|an|the|your|some? real|live|actual|human|support|service? person|human|agent|operator|representative|rep|someone|somebody|people|adviser|advisor|support being|there|here|else|real|human?",
    "connect|transfer|put|pass|hand|switch|forward me? through|over? to|with? a|an|the|some? real|live|actual|human|support? person|human|agent|operator|representative|rep|someone|somebody|adviser|advisor|support being|real|human?",
    "get|give|find|call me? a|an|the? real|live|actual|human|support? person|human|agent|operator|representative being?",
    "a|an|the? agent|operator|human|representative being?",
    "a|an|the? real|live|actual|human person|human|agent|operator|representative|being",
    "a person",
    "customer|human|live support|service|chat",
    "is there a|any|some? real|live|actual|human? person|human|agent|someone|somebody here|there? that|who|whom? i can|could talk|speak to|with",
    "i|id|ill would|will|much? rather|prefer to? talk|speak to|with a|an|the? real|live|actual|human? person|human|agent|operator|someone|somebody",
    "i dont want|like to? talk|speak|chat to|with a|the|this bot|robot|machine|computer|assistant|chatbot",
    "puedo|podria? hablar|hablo|chatear con un|una|el|la? persona|humano|humana|agente|operador|operadora|representante|asesor|asesora|alguien|ser real|humano|humana|mas|de? verdad?",
    "pasame|paseme|pasar|pasarme|comunicame|comuniqueme|comunicar|comunicarme|conectame|conecteme|conectar|ponme|transfiereme|transfierame|transferir|transferirme con|a un|una|el|la? persona|humano|humana|agente|operador|operadora|representante|asesor|asesora|alguien real|humano|humana|de? verdad?",
    "un|una|el|la? agente|operador|operadora|humano|humana|representante humano|humana|real?",
    "una persona real|humana|de? verdad?",
    "persona|asesor|asesora real|humana|humano",
    "atencion|servicio al cliente",
    "soporte|atencion|ayuda humano|humana",
    "prefiero hablar con un|una? persona|humano|agente|operador|operadora|alguien real|humano|humana?",
    "no quiero hablar con un|una|el|la|este|esta robot|bot|maquina|asistente",
];

/// Asks for the engine, of somebody who was handed to a person.
const BACK: &[&str] = &[
    "go|take|put|bring|switch|send? me|us? back to the|your? assistant|bot|robot|machine|chatbot|vestibule",
    "let? me? talk|speak|chat to|with the|your assistant|bot|robot|machine|chatbot",
    "volver|vuelve|vuelvo|volvamos|volvemos|regresar|regresa|regreso|regresemos al|con|a el? asistente|bot|robot|vestibule",
    "hablar|hablo con el asistente|bot|robot",
];

/// Every phrase, for whoever needs their words.
pub(super) fn phrases() -> impl Iterator<Item = &'static str> {
    ASKS.iter().chain(BACK).copied()
}

/// Whether the whole of a text asks for the engine again: to begin again with it does too. "Cancel" does not, because a
/// person may have asked what to cancel.
pub fn goes_back(text: &str) -> bool {
    let words = Words::of(text);
    let asks = |rest: &[String]| BACK.iter().any(|phrase| is_all(phrase, rest)).then_some(());
    control::within(&words, asks).is_some() || control::find(&words, true) == Some(Control::StartOver)
}
