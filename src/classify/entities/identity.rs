//! Which field of the identity a message changes, and to what.

use super::Message;
use super::person::{changed_name, explicit_name};
use crate::classify::text::{Words, is_near};
use crate::model::{Email, Entities, FieldValue, Region, SessionAction, is_at};

/// Most chunks of a text that are looked at; what names an address is short.
const MOST_CHUNKS: usize = 2_000;

/// The machine code for a text with more than one address.
pub(in crate::classify) const SEVERAL: &str = "several";

/// The fields and their words; the last column is looked for inside words of scripts that do not part them.
const FIELDS: [(&str, &str, &str); 3] = [
    (
        "name",
        "name|names|nam|naem|nane|surname|lastname|firstname|nmae|nombre|apellido|apellidos|nom|prenom|namen|nachname|nachnamen|nome|sobrenome|naam",
        "名前|名字|姓名|اسمي|الاسم",
    ),
    ("email", "email|emails|mail|mails|emial|gmail|correo|correos|メール", "メール|邮箱|邮件|بريد|البريد"),
    (
        "phone",
        "phone|number|mobile|cell|cellphone|telephone|nubmer|telefono|numero|movil|celular|portable|telefon|telefonnummer|handynummer|telefone",
        "手机|电话|電話|هاتف",
    ),
];

/// Fills in field and value, or that what is known is to be shown.
pub(super) fn change(message: &Message<'_>, out: &mut Entities) {
    if is_view(message.words) {
        out.action = Some(SessionAction::View);
        out.field = field(message.words).map(str::to_owned);
        return;
    }
    one_change(message, out);
    let several = changes(message.text, message.region);
    if several.len() > 1 {
        out.changes = several;
    }
}

/// Every field with its new value, where a text names several, clause by clause.
fn changes(text: &str, region: Option<Region>) -> Vec<FieldValue> {
    let mut clauses = vec![text.to_owned()];
    for parting in [" and ", ", ", "; ", " y ", " e "] {
        clauses = clauses.iter().flat_map(|c| c.split(parting).map(str::to_owned)).collect();
    }
    if clauses.len() < 2 {
        return Vec::new();
    }
    let mut found: Vec<FieldValue> = Vec::new();
    for clause in clauses {
        let words = Words::of(&clause);
        let phone = Message::phone(&clause, None, region);
        let mut out = Entities::default();
        one_change(
            &Message { phone: phone.as_ref(), region, ..Message::plain(&clause, &words, None) },
            &mut out,
        );
        let Some(field) = out.field.filter(|field| !found.iter().any(|f| f.field == *field)) else {
            continue;
        };
        // A value that cannot be one is kept as it was written: it is refused, and not passed over.
        if let Some(value) = out.value.or_else(|| tried(&clause)) {
            found.push(FieldValue { field, value });
        }
    }
    found
}

/// What a clause says a field is to be, whatever it is worth.
fn tried(clause: &str) -> Option<String> {
    let (_, tail) = [" to ", " a "].iter().find_map(|to| clause.split_once(to))?;
    let tail = tail.trim();
    (!tail.is_empty()).then(|| tail.to_owned())
}

/// Whether a message asks to see what is known of the person.
fn is_view(words: &Words) -> bool {
    const KNOWN: &str = "name|email|mail|phone|number|profile|details|detail|info|information|data|identity|nombre|correo|telefono|numero|perfil|datos|informacion|identidad";
    let asks = words.start("show|view|see|display|whats|which|muestra|muestrame|ver|mostrar|ensename|cual")
        || words.start("what is|are|name|email|phone|number")
        || words.start("can|could|would|id i|you|like? to? show|see|view")
        || words.contain("do you have|know|store about|for|on me");
    let is_own = words.any("my|me|mi|mis");
    asks && is_own && words.any(KNOWN) && !words.as_slice().iter().any(|w| is_change(w))
}

fn one_change(message: &Message<'_>, out: &mut Entities) {
    let email = email(message.text);
    let named = explicit_name(message.text);
    let phone = message.phone.map(|found| found.phone.e164().to_owned());
    let guess = || {
        let found = [("email", email.is_some()), ("phone", phone.is_some()), ("name", named.is_some())];
        found.into_iter().find(|(_, there)| *there).map(|(field, _)| field)
    };
    let forbidden = message.words.any("dont|never|cambies|actualices") || message.words.contain("do not");
    let Some(field) = field(message.words).or_else(|| guess().filter(|_| !forbidden)) else { return };
    out.value = match field {
        "email" => email,
        "phone" => phone,
        _ => named.or_else(|| changed_name(message.text)).or_else(|| {
            let gives = message.words.start("its|it is");
            gives.then(|| super::person::named(message.text)).flatten()
        }),
    };
    if is_question(message.words) {
        out.value = None;
    }
    out.field = Some(field.to_owned());
}

/// Whether a message asks about a change rather than for it.
fn is_question(words: &Words) -> bool {
    words.contain("what happens|if")
        || words.contain("que pasa")
        || words.start("how|why|when|is|does|did|should|if|como")
}

/// Whether a message asks to change something in so many words.
pub(in crate::classify) fn asks_for_change(words: &Words) -> bool {
    words.as_slice().iter().any(|word| is_change(word))
        && words.any("my|mi|mon|mein|meine|meinen|meu|minha|mera")
}

/// The field that is named first and not said to be left alone.
fn field(words: &Words) -> Option<&'static str> {
    let all = words.as_slice();
    let (_, field) = all.iter().enumerate().find_map(|(at, word)| {
        let (field, ..) = FIELDS.iter().find(|(_, listed, inside)| {
            is_near(word, listed) || inside.split('|').any(|i| word.contains(i))
        })?;
        let from = at.saturating_sub(4);
        let before = all.get(from..at).unwrap_or_default();
        // A negation reaches as far as the next request: "don't change my email, change my phone".
        let denies = |w: &String| matches!(w.as_str(), "dont" | "not" | "never" | "no" | "leave" | "keep");
        let bounds = |n: &usize| match before.get(*n).map_or("", String::as_str) {
            "but" | "only" | "just" | "instead" | "sino" | "solo" => true,
            // "Not my e-mail, I meant my phone", and not "I don't mean my e-mail".
            "meant" | "mean" | "decir" => {
                !before.get(n.saturating_sub(2)..*n).unwrap_or_default().iter().any(denies)
            }
            _ => false,
        };
        let clause = (0..before.len()).rev().find(bounds);
        let from = from + clause.map_or(0, |n| n + 1);
        let clause = all.get(from..at).unwrap_or_default();
        let denial = clause.iter().rposition(denies).filter(|n| from + n > 0 || !corrects(words));
        let verbs =
            |from: usize| clause.get(from..).unwrap_or_default().iter().filter(|w| is_change(w)).count();
        (denial.is_none_or(|n| verbs(n) > 1)).then_some((at, *field))
    })?;
    Some(field)
}

/// "No, my phone": what it begins with denies what was said before.
fn corrects(words: &Words) -> bool {
    words.start("no sorry|wait|actually|my|the|perdon|espera|mi|el")
        || words.start("no i meant|mean")
        || words.start("no quise|queria decir")
}

fn is_change(word: &str) -> bool {
    matches!(
        word,
        "change" | "update" | "set" | "edit" | "replace" | "cambia" | "cambies" | "cambiar" | "actualiza"
    )
}

/// The e-mail address that is meant, as it is looked up. Of two, the one that is changed to.
fn email(text: &str) -> Option<String> {
    let mut chosen: Option<String> = None;
    let mut denied = false;
    for chunk in chunks(text) {
        match Email::parse(chunk) {
            Ok(email) if !denied || chosen.is_none() => chosen = Some(email.key().to_owned()),
            Ok(_) => {}
            Err(_) => denied = matches!(chunk.to_lowercase().as_str(), "not" | "of" | "than"),
        }
    }
    chosen
}

/// The one address in a text, or why there is none: two cannot both be meant.
pub(in crate::classify) fn only_email(text: &str) -> Result<Email, &'static str> {
    if let Ok(email) = Email::parse(text) {
        return Ok(email);
    }
    let mut found: Option<Email> = None;
    let mut reason = "no_at";
    for chunk in chunks(text).filter(|chunk| chunk.contains(is_at)) {
        match Email::parse(chunk) {
            Ok(email) if found.as_ref().is_some_and(|before| *before != email) => return Err(SEVERAL),
            Ok(email) => found = Some(email),
            Err(error) => reason = error.code(),
        }
    }
    found.ok_or(reason)
}

/// What could be an address, without the marks of the sentence around it. Control characters are left to be refused.
fn chunks(text: &str) -> impl Iterator<Item = &str> {
    let parts = |c: char| c.is_whitespace() || matches!(c, '<' | '>');
    text.split(parts).take(MOST_CHUNKS).filter(|chunk| !chunk.is_empty()).map(|chunk| {
        let is_mark = |c: char| !c.is_alphanumeric() && !c.is_control() && c != '_' && !is_at(c);
        let chunk = chunk.trim_matches(is_mark);
        chunk.strip_prefix("mailto:").unwrap_or(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<String>, Option<String>) {
        let words = Words::of(text);
        let phone = Message::phone(text, None, None);
        let mut out = Entities::default();
        change(&Message { phone: phone.as_ref(), ..Message::plain(text, &words, None) }, &mut out);
        (out.field, out.value)
    }

    #[test]
    fn field_and_value() {
        for (text, field, value) in [
            ("Change my name to John", "name", Some("John")),
            ("change my name to Jane Doe please", "name", Some("Jane Doe")),
            ("I want to change my name from Jon to Jonathan", "name", Some("Jonathan")),
            ("call me Robbie from now on", "name", Some("Robbie")),
            ("my name is wrong", "name", None),
            ("my name is spelled Siân, please correct it", "name", Some("Siân")),
            ("my last name is Parker now", "name", Some("Parker")),
            ("can you make my name Luna", "name", Some("Luna")),
            ("chang my nam to Olu", "name", Some("Olu")),
            ("mein Name ist jetzt Weber", "name", Some("Weber")),
            ("mi nombre es ahora Elena", "name", Some("Elena")),
            ("change mon prénom en Julie", "name", Some("Julie")),
            ("leave my email, update my number", "phone", None),
            ("swap +1 617 555 0103 for +1 617 555 0104 on my account", "phone", Some("+16175550104")),
            ("I'd like to change my name", "name", None),
            ("my name isn't Jane, it's Jean", "name", Some("Jean")),
            ("my surname is now O'Brien-Smith", "name", Some("O'Brien-Smith")),
            ("cambia mi nombre a Lucía", "name", Some("Lucía")),
            ("mera naam Ravi kar do", "name", Some("Ravi")),
            ("mera naam badlo", "name", None),
            ("名前を健太に変更", "name", Some("健太")),
            ("名前を変更したい", "name", None),
            ("把我的名字改成王芳", "name", Some("王芳")),
            ("غيّر اسمي إلى ليلى", "name", Some("ليلى")),
            ("chnage my nmae to Bill", "name", Some("Bill")),
            ("change my name to Mary-Ann and please hurry", "name", Some("Mary-Ann")),
            ("could you change my name? It's Tom", "name", Some("Tom")),
            ("update my email to Ana@Example.ORG.", "email", Some("ana@example.org")),
            ("from a@example.org to b@example.org", "email", Some("b@example.org")),
            ("use b@example.org instead of a@example.org as my email", "email", Some("b@example.org")),
            ("set my mail to <mailto:Ana@example.org>, please", "email", Some("ana@example.org")),
            ("my email is ana＠example．org", "email", Some("ana@example.org")),
            ("change my email to ana@localhost", "email", None),
            ("change my phone to +1 415 555 2671", "phone", Some("+14155552671")),
            ("change my number", "phone", None),
            ("don't change my email, change my phone", "phone", None),
            ("修改邮箱", "email", None),
        ] {
            let want = (Some(field.to_owned()), value.map(str::to_owned));
            assert_eq!(read(text), want, "{text:?}");
        }
        assert_eq!(read("don't change my name"), (None, None));
        assert_eq!(read("don't change my email to a@example.org"), (None, None));
        let asked = read("what happens if I change my email to a@example.org?");
        assert_eq!(asked, (Some("email".into()), None));
        assert_eq!(read("update my profile"), (None, None));
    }
}
