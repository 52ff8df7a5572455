//! What to do with sessions and devices.

use super::person::{cut, tail_after};
use crate::classify::text::{Words, is_near};
use crate::model::SessionAction;

/// Words whose misspellings are mended. Verbs are not among them: "revoked" tells of something, "revoke" asks for it.
pub(super) const VOCABULARY: &str = "logout|signout|device|devices|session|sessions|phone|laptop|tablet|computer|everywhere|everything|dispositivo|dispositivos|sesion|sesiones";
const REVOKE: &[&str] = &[
    "log|sign|sgin|sing|logg|lgo|logging|signing me|us|it|them|him|her|that|this|everyone? out|off|everywhere",
    "log|sign my|the|that|this|every|all|other|any? word|old|other|lost|kitchen|work? device|devices|phone|phones|laptop|tablet|computer|session|sessions|ipad|iphone|tv|pc out|off",
    "logout|signout|logoff|signoff|singout|logut",
    "revoke|terminate|kill|disconnect|kick|unlink|revoca|revocar|desconecta|desconectar|desconectame|desconectes|ausloggen|termina|terminar|expulsa|abmelden|deconnecte|deconnecter|deconnectez|deconnexion|desconecte|encerrar|sair|salir",
    "end|close|remove|delete|stop|forget my|the|this|that|every|all|a|other|any|open? of? my|the|these|other? active|other|open|old|last|latest|newest|first|second|third|fourth|fifth|oldest|current|unknown? session|sessions|device|devices|laptop|phone|tablet|login|access|computer|it|one",
    "get that|the|this|it",
    "get|take me out|off",
    "end|close|stop|drop|kill everything|all|every|everyone|others",
    "cierra|cerrar|cierre|cierres|cierrame|cierren mi|la|las|todas|su|sus? las|mis? demas|otra|otras|segunda|tercera|primera|ultima? sesion|sesiones",
    "elimina|eliminar|quita|quitar|borra|borrar ese|este|mi|el|un? dispositivo|telefono|movil|portatil",
    "melde|melden|logge|entferne|trenne mich|mein|meine|meinen|das|den|alle",
    "supprime|retire|revoque mon|ma|cet|cette|le|la",
    "encerre|remova|remover a|o|meu|minha|todas|todos",
    "fermer|fermez|ferme|termine|terminer toutes|la|ma|mes|les|cette",
    "beende|beenden alle|die|diese|meine",
    "sitzung|sitzungen beenden",
    "encerra|finaliza|finalizar todas|a|as|minha|minhas",
];
const RENAME: &[&str] = &[
    "rename|renames|renaming|renmae|relabel|nickname|renombra|renombrar|umbenennen|benenne|renomme|renommer|renomear",
    "change|set|update|edit my|the|this|of? device|devices|tablets|phones|laptops|computers name",
    "name of|for my|this|the? device|phone|laptop|tablet|computer|dispositivo",
    "call|name this|my|that|it device|phone|laptop|tablet|computer|one?",
    "give my|this|the laptop|phone|device|tablet|computer|pc another|a|new|the",
    "nombre de|del|a mi|este|esta|al|un|una|el|la? dispositivo|telefono|tableta|portatil|movil",
];
const REVOKE_INSIDE: &[&str] =
    &["ログアウト", "サインアウト", "登出", "注销", "退出", "结束", "خروج", "أنه", "انه", "أخرج", "اخرج"];
const RENAME_INSIDE: &[&str] = &["重命名", "名前を変"];
const DEVICES: &str = "device|devices|dispositivo|dispositivos|gerate|appareils|aparelhos|equipos";
const SESSIONS: &str = "signin|signins|ins|connecte|connectes|angemeldet|eingeloggt|conectado|conectados|connected|session|sessions|logged|signed|login|logins|active|open|sesion|sesiones|sessoes|sitzungen|activas|iniciada|sesions";

/// What a message about sessions asks for. A message that forbids it or only asks about it asks for nothing.
pub(super) fn action(words: &Words) -> Option<SessionAction> {
    let inside = |list: &[&str]| words.as_slice().iter().any(|w| list.iter().any(|part| w.contains(part)));
    if RENAME.iter().any(|p| words.contain(p)) || inside(RENAME_INSIDE) {
        return is_wanted(words, RENAME).then_some(SessionAction::Rename);
    }
    let listing = words.any("show|list|view|see|which|what|where|display|shwo|mostrar|muestrame|muestra|ver|lista|zeige|montre|donde|who|how|am|is|quien|dikhao|mere");
    let state = words.contain("logged|signed in|on|into") || words.contain("tengo la sesion");
    // "Remove my Pixel 6 from the account": the name in between may be any.
    let removes = words.any("remove|delete|take|kick|drop|forget|get")
        && words.contain("from|off my|the|this? account|profile|list|devices");
    if (REVOKE.iter().any(|p| words.contain(p)) || inside(REVOKE_INSIDE) || removes) && !state {
        if is_wanted(words, REVOKE) {
            return Some(SessionAction::Revoke);
        }
        return listing.then(|| looking(words)).flatten().filter(|_| !is_question(words));
    }
    if words.start("keep|leave my|the|all") { None } else { looking(words) }
}

/// Which of the two lists is meant, if any.
fn looking(words: &Words) -> Option<SessionAction> {
    let inside = |list: &[&str]| words.as_slice().iter().any(|w| list.iter().any(|part| w.contains(part)));
    let near = |listed: &str| words.as_slice().iter().any(|w| is_near(w, listed));
    if near(SESSIONS) || inside(&["登录", "ログイン", "セッション", "会话", "جلسات", "متصل"])
    {
        return Some(SessionAction::View);
    }
    if near(DEVICES) || inside(&["设备", "デバイス", "端末", "اجهز"]) {
        return Some(SessionAction::Devices);
    }
    words.any("where|who|anyone|donde|quien").then_some(SessionAction::View)
}

/// Whether the act is asked for, rather than forbidden or asked about.
fn is_wanted(words: &Words, patterns: &[&str]) -> bool {
    if is_question(words) {
        return false;
    }
    // Where a language puts its negation after the verb or into it, it may stand anywhere.
    let inside = |w: &String| ["不要", "别", "しないで"].iter().any(|no| w.contains(no));
    if words.any("nicht|nao|pas|mat|لا") || words.as_slice().iter().any(inside) {
        return false;
    }
    let Some(at) = patterns.iter().filter_map(|p| words.position(p)).max() else { return true };
    // What somebody else said or a message reads is no request of this person.
    let lead = words.as_slice().get(..at).unwrap_or_default();
    if lead
        .iter()
        .any(|w| matches!(w.as_str(), "said" | "says" | "told" | "asked" | "wrote" | "dijo" | "dice"))
    {
        return false;
    }
    let before = words.as_slice().get(at.saturating_sub(4)..at).unwrap_or_default();
    !before.iter().any(|w| {
        matches!(
            w.as_str(),
            "dont" | "not" | "never" | "no" | "wont" | "without" | "avoid" | "cannot" | "cant" | "sin"
        )
    })
}

/// Whether a message asks about something rather than for it.
pub(in crate::classify) fn is_question(words: &Words) -> bool {
    words.contain("how do|can|would|could|should|to i|you|we?")
        || words.contain("what happens|if")
        || words.contain("que pasa|pasaria")
        || words.start("why|when|como|did|does|was|have|has|will")
        || words.start("if|can|should|do|is|must i|we|it")
}

/// Whether every session is meant.
pub(in crate::classify) fn everything(words: &Words) -> bool {
    let listed = "all|every|evry|evrey|evey|everywhere|everything|everyone|evrywhere|everywere|anywhere|todas|todos|todo|toutes|tous|partout|alle|uberall|allen|tudo|sab";
    let inside = ["すべて", "全", "所有", "كل", "جميع"];
    let named = |w: &String| listed.split('|').any(|l| l == w) || inside.iter().any(|i| w.contains(i));
    let named = words.as_slice().iter().any(named) || words.contain("al device|devices|session|sessions");
    named && !words.contain("not all|every|everywhere|everything")
}

/// The name that a device is to get.
pub(super) fn new_name(text: &str) -> Option<String> {
    const DEVICES: &[&str] =
        &["device", "phone", "laptop", "tablet", "computer", "pc", "session", "one", "it"];
    let named = tail_after(text, &[" the name ", " el nombre "]);
    // "The name of my tablet" is the old one's.
    let named = named.filter(|tail| !["of ", "for ", "de", "a "].iter().any(|of| tail.starts_with(of)));
    let named = named.or_else(|| {
        let low = text.to_ascii_lowercase();
        let calls =
            ["call ", "name "].iter().any(|verb| low.starts_with(verb) || low.contains(&format!(" {verb}")));
        let after: Vec<String> = DEVICES.iter().map(|device| format!("this {device} ")).collect();
        let after: Vec<&str> = after.iter().map(String::as_str).collect();
        calls.then(|| tail_after(text, &after)).flatten()
    });
    let named = named
        .or_else(|| tail_after(text, &[" to ", " as ", " a ", " in ", " en ", " para ", " zu ", " um "]));
    named.and_then(|tail| cut(&tail)).filter(|name| !is_the_request(name))
}

/// "Rename a device" and "I want to rename my phone" hold no name, though a word before what follows could begin one.
fn is_the_request(name: &str) -> bool {
    const KINDS: &str = "device|phone|laptop|tablet|computer|dispositivo|telefono|movil|portatil|tableta";
    const VERBS: &str =
        "rename|change|call|name|give|renombrar|cambiar|cambiarle|llamar|poner|ponerle|dar|darle";
    const WHICH: &str = "a|an|my|this|the|one|un|una|mi|este|esta|el|la";
    let is_in = |list: &str, word: &String| list.split('|').any(|known| known == word);
    match Words::of(name).as_slice() {
        // A name of its own, such as "Laptop", is written as one.
        [kind] => {
            let is_own = name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase);
            is_in(KINDS, kind) && !is_own
        }
        [which, kind] if is_in(WHICH, which) && is_in(KINDS, kind) => true,
        [verb, which, ..] => is_in(VERBS, verb) && is_in(WHICH, which),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions() {
        use SessionAction::{Devices, Rename, Revoke, View};
        for (text, want, all) in [
            ("Show my logged in devices", Some(View), false),
            ("list my devices", Some(Devices), false),
            ("my active sessions", Some(View), false),
            ("where am I logged in?", Some(View), false),
            ("Logout from all devices", Some(Revoke), true),
            ("log out", Some(Revoke), false),
            ("sign me out everywhere", Some(Revoke), true),
            ("could you please log me out", Some(Revoke), false),
            ("end the second session", Some(Revoke), false),
            ("rename my phone to Work", Some(Rename), false),
            ("cierra todas las sesiones", Some(Revoke), true),
            ("cerrar sesión en todos los dispositivos", Some(Revoke), true),
            ("すべてのデバイスからログアウト", Some(Revoke), true),
            ("would you end all my sessions?", Some(Revoke), true),
            ("should I log out?", None, false),
            ("my friend said log out", None, false),
            ("I was logged out yesterday", Some(View), false),
            ("查看我的登录设备", Some(View), false),
            ("who is using my acount", Some(View), false),
            ("don't log me out", None, false),
            ("please do not sign me out of all devices", None, true),
            ("how do I log out?", None, false),
            ("what happens if I log out everywhere?", None, true),
            ("don't log me out, just show my sessions", Some(View), false),
            ("logut from evry device", Some(Revoke), true),
            ("sgin out of al devices", Some(Revoke), true),
            ("check recent sign-ins", Some(View), false),
            ("remove my Pixel 6 from the account", Some(Revoke), false),
            ("melde mein iPad ab", Some(Revoke), false),
            ("melde mich nicht ab", None, false),
            ("ne me déconnecte pas", None, false),
            ("no cierres mis sesiones", None, false),
            ("不要退出登录", None, false),
        ] {
            let words = Words::of(text);
            assert_eq!(action(&words), want, "{text:?}");
            assert_eq!(everything(&words), all, "{text:?}");
        }
        assert_eq!(new_name("call this device Old iPhone").as_deref(), Some("Old iPhone"));
        assert_eq!(new_name("rename this device to Laptop").as_deref(), Some("Laptop"));
        assert_eq!(new_name("give this computer the name Home PC").as_deref(), Some("Home PC"));
        assert_eq!(new_name("change the name of my tablet to Reader").as_deref(), Some("Reader"));
        assert_eq!(new_name("renomme mon téléphone en Perso").as_deref(), Some("Perso"));
        for text in
            ["rename a device", "I want to rename a device", "quiero cambiar el nombre a un dispositivo"]
        {
            assert_eq!(new_name(text), None, "{text}");
        }
        assert_eq!(new_name("I want to rename my phone to Name Tag").as_deref(), Some("Name Tag"));
        assert_eq!(new_name("rename Old Mac to New Mac").as_deref(), Some("New Mac"));
        assert_eq!(new_name("Rename my phone to “Work Phone”, please").as_deref(), Some("Work Phone"));
    }
}
