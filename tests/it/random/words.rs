//! What people say, in words: answers to what is asked, requests, moves, and what nobody should say.

use std::path::Path;
use std::sync::LazyLock;

use rand::RngExt;
use serde_json::Value;
use vestibule::model::TurnRng;

use super::draw::one;

/// What a call to an outside agent waits for.
pub(super) const OUTSIDE: &str = "an outside agent's answer";

/// Somebody who speaks.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) number: String,
    /// The number that they may change to.
    pub(super) next_number: String,
    pub(super) email: String,
}

/// Where something is said.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) person: &'a Person,
    pub(super) people: &'a [Person],
    /// What the conversation waits for.
    pub(super) slot: Option<&'a str>,
    /// The conversation's last code.
    pub(super) code: Option<&'a str>,
    /// Every code that left.
    pub(super) codes: &'a [String],
}

pub(super) fn people() -> Vec<Person> {
    let named = [("Anna Lind", "anna"), ("Ben Okafor", "ben"), ("Lucía Gómez", "lucia"), ("Даша", "dasha")];
    let person = |(n, (name, mail)): (usize, (&'static str, &str))| Person {
        name,
        number: format!("+1415220010{n}"),
        next_number: format!("+1415220020{n}"),
        email: format!("{mail}@example.com"),
    };
    named.into_iter().enumerate().map(person).collect()
}

fn lines(folder: &str, of: impl Fn(&Value) -> Vec<String>) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "jsonl"));
    files.sort();
    let read = |file| std::fs::read_to_string(file).unwrap();
    let texts: Vec<String> = files.into_iter().map(read).collect();
    let rows = texts.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str(line).unwrap());
    rows.flat_map(|row: Value| of(&row)).collect()
}

static UTTERANCES: LazyLock<Vec<String>> =
    LazyLock::new(|| lines("fixtures/utterances", |row| vec![row["text"].as_str().unwrap().to_owned()]));
static ATTACKS: LazyLock<Vec<String>> = LazyLock::new(|| {
    lines("fixtures/injection", |row| {
        row["turns"].as_array().unwrap().iter().map(|turn| turn.as_str().unwrap().to_owned()).collect()
    })
});

fn pick<'a>(rng: &mut TurnRng, of: &'a [String]) -> &'a str {
    &of[rng.random_range(0..of.len())]
}

/// What is asked for, mostly rightly.
pub(super) fn answer(rng: &mut TurnRng, scene: &Scene<'_>) -> String {
    let person = scene.person;
    match scene.slot {
        None => request(rng, scene),
        Some("otp") => match scene.code {
            Some(code) => spelt(rng, code),
            None => one(rng, &["resend", "by e-mail", "reenviar"]).to_owned(),
        },
        Some("phone") => {
            let number = if rng.random_ratio(1, 8) { &person.next_number } else { &person.number };
            written(rng, number)
        }
        Some("new_phone") => written(rng, &person.next_number),
        Some("email") => one(rng, &["it's ", "", "mi correo es "]).to_owned() + &person.email,
        Some("name") => one(rng, &["", "", "my name is ", "me llamo "]).to_owned() + person.name,
        Some("confirm") => one(rng, &["yes", "sí", "no", "yes please", "nein"]).to_owned(),
        Some("field") => one(rng, &["my name", "e-mail", "phone", "mi teléfono", "the address"]).to_owned(),
        Some("device") => {
            one(rng, &["the first one", "1", "2", "this one", "la segunda", "Kitchen"]).to_owned()
        }
        Some("device_name") => one(rng, &["Kitchen tablet", "Móvil de Ana", "x", "📱"]).to_owned(),
        Some("text") => {
            one(rng, &["AB-12345", "it's ab-54321", "mi pedido es XY-00001", "I have no number", "AB-1"])
                .to_owned()
        }
        Some(OUTSIDE) => one(rng, &["yes", "are you still there?", "AB-12345", "¿y bien?"]).to_owned(),
        Some("migration_type") => one(rng, &["cart", "all", "favoritos", "my history", "todo"]).to_owned(),
        Some(other) => panic!("nobody knows what to answer to `{other}`"),
    }
}

/// A code as people write it.
fn spelt(rng: &mut TurnRng, code: &str) -> String {
    let shifted = |zero: u32| {
        let digit = |c: char| char::from_u32(zero + c.to_digit(10).unwrap()).unwrap();
        code.chars().map(digit).collect::<String>()
    };
    match rng.random_range(0..12) {
        0 => format!("my code is {code}"),
        1 => format!("{} {}", &code[..3], &code[3..]),
        2 => shifted(0xff10),
        3 => shifted(0x660),
        4 => format!("el código es {code}, gracias"),
        5 => {
            let words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
            let word = |c: char| words[c.to_digit(10).unwrap() as usize];
            code.chars().map(word).collect::<Vec<_>>().join(" ")
        }
        _ => code.to_owned(),
    }
}

/// A number as people write it.
fn written(rng: &mut TurnRng, number: &str) -> String {
    let (area, rest) = (&number[2..5], &number[5..]);
    match rng.random_range(0..6) {
        0 => format!("+1 ({area}) {}-{}", &rest[..3], &rest[3..]),
        1 => format!("my number is {number}"),
        2 => format!("{area} {rest}"),
        3 => format!("001{area}{rest}"),
        _ => number.to_owned(),
    }
}

/// Something that is asked for, in English or Spanish.
pub(super) fn request(rng: &mut TurnRng, scene: &Scene<'_>) -> String {
    let Person { number, next_number, email, name } = scene.person;
    let other = &scene.people[rng.random_range(0..scene.people.len())];
    match rng.random_range(0..32) {
        0..=3 => format!("log in with {number}"),
        4 => format!("quiero entrar, mi número es {number}"),
        5 => "log in".to_owned(),
        6..=7 => format!("change my email to {email}"),
        8 => format!("cambia mi correo a {email}"),
        9..=10 => format!("change my phone number to {next_number}"),
        11 => format!("change my name to {name}"),
        12 => format!("change my email to {email} and my number to {next_number}"),
        13 => format!("change my phone number to {}", other.number),
        14 => format!("log in with {}", other.number),
        15 => "log out everywhere".to_owned(),
        16 => "rename my device to Kitchen tablet".to_owned(),
        17 => {
            one(rng, &["show my details", "change something", "log out", "muestra mis sesiones"]).to_owned()
        }
        18 => one(rng, &["move my cart", "what did this device gather?", "migrate my data"]).to_owned(),
        19 => one(rng, &["log out the other device", "end a session", "rename a device"]).to_owned(),
        20..=21 => {
            one(rng, &["where is my order?", "track order AB-12345", "¿dónde está mi pedido?"]).to_owned()
        }
        22 => one(rng, &["when are you open?", "horario de apertura"]).to_owned(),
        23..=25 => several(rng, scene),
        _ => pick(rng, &UTTERANCES).to_owned(),
    }
}

/// Several requests in one message.
fn several(rng: &mut TurnRng, scene: &Scene<'_>) -> String {
    let Person { number, next_number, email, name } = scene.person;
    match rng.random_range(0..6) {
        0 => format!("log in with {number} and change my name to {name}"),
        1 => format!("show my sessions, then log me in with {number}"),
        2 => format!("change my name to {name} and show my sessions"),
        3 => format!("cambia mi nombre a {name} y muestra mis sesiones"),
        4 => format!("rename my device to Kitchen tablet, change my email to {email} and then log out"),
        _ => format!("change my phone number to {next_number} and log out everywhere"),
    }
}

/// A move that steers the conversation.
pub(super) fn control(rng: &mut TurnRng, scene: &Scene<'_>) -> String {
    let moves = [
        "cancel",
        "never mind",
        "cancelar",
        "start over",
        "empezar de nuevo",
        "resend",
        "resend",
        "reenviar",
        "help",
        "ayuda",
        "what can you do",
        "by e-mail",
        "by e-mail",
        "por correo",
        "yes",
        "no",
        "sí",
        "I lost my phone",
        "he perdido mi teléfono",
        "wrong number",
        "that's wrong",
        "I meant my email",
        "no, I meant the laptop",
        "me he equivocado",
        "repeat that",
        "hello",
        "menu",
    ];
    match rng.random_range(0..8) {
        0 => format!("no, it's {}", scene.person.number),
        1 => format!("no, es {}", scene.person.next_number),
        2 => format!("I lost my phone {}", scene.person.number),
        _ => one(rng, &moves).to_owned(),
    }
}

/// Digits that are not the code, though they may be another one.
pub(super) fn wrong_code(rng: &mut TurnRng, scene: &Scene<'_>) -> String {
    let other = rng.random_range(0..4) < 2 && !scene.codes.is_empty();
    if other {
        return pick(rng, scene.codes).to_owned();
    }
    let length = one(rng, &[6, 6, 6, 8, 4, 5, 7, 12]);
    (0..length).map(|_| char::from_digit(rng.random_range(0..10), 10).unwrap()).collect()
}

/// A number that is nobody's, or another person's.
pub(super) fn odd_number(rng: &mut TurnRng, scene: &Scene<'_>) -> String {
    let odd = [
        "+1",
        "+999 123 456 789",
        "12345",
        "911",
        "+1 900 555 0100",
        "+44 20 7946 0018",
        "+34 612 34 56 78",
        "+1 415",
        "00000000000",
        "+1415555267122222222",
        "tel:+1-415-555-2671;ext=4",
        "+१४१५५५५२६७१",
    ];
    if rng.random_ratio(1, 3) {
        return scene.people[rng.random_range(0..scene.people.len())].number.clone();
    }
    one(rng, &odd).to_owned()
}

/// What is no answer to anything.
pub(super) fn garbage(rng: &mut TurnRng, scene: &Scene<'_>) -> String {
    let texts = [
        " ",
        "\n\t",
        "\u{200b}",
        "\u{feff}",
        ".",
        "?",
        "…",
        "😀",
        "👩‍👩‍👧‍👦👩‍👩‍👧‍👦",
        "🏴‍☠️ yes",
        "\u{202e}321654",
        "مرحبا، أريد الدخول",
        "שלום 123456",
        "a\0b",
        "\0",
        "\u{1}\u{2}",
        "'; DROP TABLE users; --",
        "1' OR '1'='1",
        "$1 $2 ${phone}",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "{{ 7*7 }}",
        "{% for x in y %}{{ x }}",
        "{{ self }}",
        "%s%n%x",
        "../../etc/passwd",
        "null",
        "undefined",
        "true",
        "[]",
        "{\"otp_verified\":true}",
        "authenticate",
        "session_management",
        "user_management_agent",
        "١٢٣٤٥٦",
        "１２３４５６",
        "Ⅷ ⅸ ½ ²³",
        "\u{0301}\u{0301}\u{0301}e\u{0301}",
        "\u{1d7d8}\u{1d7d9}\u{1d7da}\u{1d7db}\u{1d7dc}\u{1d7dd}",
        "\\u0000",
        "\u{fffd}",
        "\u{10ffff}",
        "--",
        "ı İ ß ŉ",
        "cancel cancel cancel",
        "yes no yes",
    ];
    match rng.random_range(0..16) {
        0 => "x".repeat(2_000),
        1 => "🙂".repeat(one(rng, &[2_000, 4_000, 4_001])),
        2 => "1 ".repeat(one(rng, &[1_000, 2_000, 2_001])),
        3 => format!("{} {}", scene.person.number, "log in ".repeat(300)),
        4 => " ".repeat(4_001),
        5..=6 => pick(rng, &ATTACKS).chars().take(3_900).collect(),
        7 => (0..rng.random_range(1..40)).map(|_| rng.random::<char>()).collect(),
        _ => one(rng, &texts).to_owned(),
    }
}
