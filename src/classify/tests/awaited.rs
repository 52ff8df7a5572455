//! The awaited slots: what answers, what is refused and why, what is left to the rest of the cascade.

use super::{idle, understand};
use crate::classify::{Classifier, Input, Options};
use crate::model::{Control, Entities, MigrationType, Phone, Rejected, Route, Slot, SubIntent, Tier};

/// What becomes of a text.
#[derive(Debug, PartialEq)]
enum Fate {
    /// It answers, with this value.
    Answer(&'static str),
    /// It is refused for this reason.
    Refused(&'static str),
    /// It is a move.
    Move(Control),
    /// It is left to the local classifier.
    Left,
}
use Fate::{Answer, Left, Move, Refused};

fn value(entities: &Entities) -> String {
    let phone = entities.phone.as_ref().map(|p| p.e164().to_owned());
    let kind = entities.migration_type.map(|k| format!("{k:?}"));
    [phone, entities.otp_code.clone(), kind, entities.value.clone(), entities.field.clone()]
        .into_iter()
        .flatten()
        .next()
        .unwrap_or_default()
}

fn table(slot: Slot, active: SubIntent, rows: &[(&str, Fate)]) {
    for (text, fate) in rows {
        let understood = understand(text, Some(slot), Some(active));
        let shown = format!("{text:.60?}: {understood:?}");
        match fate {
            Answer(want) => {
                assert!(understood.answers, "{shown}");
                assert_eq!(&value(&understood.entities), want, "{shown}");
            }
            Refused(reason) => assert_eq!(understood.rejected, Some(Rejected { slot, reason }), "{shown}"),
            Move(control) => assert_eq!(understood.control, Some(*control), "{shown}"),
            Left => assert_eq!(understood.tier, Tier::Local, "{shown}"),
        }
        if matches!(fate, Answer(_) | Refused(_)) {
            assert_eq!(understood.route, Route::User(active), "{shown}");
            assert_eq!((understood.tier, understood.confidence), (Tier::Rule, 1.0), "{shown}");
        }
        assert_eq!(understood.answers, matches!(fate, Answer(_)), "{shown}");
    }
}

#[test]
fn otp() {
    table(
        Slot::Otp,
        SubIntent::Authenticate,
        &[
            ("123456", Answer("123456")),
            (" 123456\n", Answer("123456")),
            ("12 34 56", Answer("123456")),
            ("my code is 004271", Answer("004271")),
            ("it's 123456 no wait 654321", Answer("654321")),
            ("no it's 654321", Answer("654321")),
            ("one two three four five six", Answer("123456")),
            ("uno dos tres cuatro cinco seis", Answer("123456")),
            ("١٢٣٤٥٦", Answer("123456")),
            ("１２３４５６", Answer("123456")),
            ("1234", Answer("1234")),
            ("12345678", Answer("12345678")),
            ("123", Refused("too_short")),
            ("my code is 12", Refused("too_short")),
            ("12345a", Refused("letters")),
            ("123456789", Refused("too_long")),
            ("the code is 1234567890123", Refused("too_long")),
            ("+1 415 555 2671", Move(Control::Correct)),
            ("no, it's +1 415 555 2671", Move(Control::Correct)),
            ("wrong number", Move(Control::Correct)),
            ("resend", Move(Control::Resend)),
            ("cancel", Move(Control::Cancel)),
            ("what's the weather like today?", Left),
            ("the code 123456 doesn't work", Left),
            ("I have 2 phones", Left),
            ("log me out of all devices", Left),
        ],
    );
}

#[test]
fn phone() {
    table(
        Slot::Phone,
        SubIntent::Authenticate,
        &[
            ("+1 415 555 2671", Answer("+14155552671")),
            ("415-555-2671", Answer("+14155552671")),
            ("my number is (415) 555-2671", Answer("+14155552671")),
            ("sure, it's +44 20 7946 0018.", Answer("+442079460018")),
            ("+١٤١٥٥٥٥٢٦٧١", Answer("+14155552671")),
            ("12345", Refused("too_short")),
            ("my number is 12345", Refused("too_short")),
            ("+1415555267100", Refused("too_long")),
            ("+14155552671 ext 5", Refused("foreign_character")),
            ("+1415555267l", Refused("foreign_character")),
            ("1-800-FLOWERS", Refused("foreign_character")),
        ],
    );
    table(
        Slot::Phone,
        SubIntent::Authenticate,
        &[("what's the weather like?", Left), ("why do you need it?", Left), ("stop", Move(Control::Cancel))],
    );
    let corrected = understand("no, it's +1 415 555 2672", Some(Slot::Phone), Some(SubIntent::Authenticate));
    assert_eq!((corrected.control, corrected.answers), (Some(Control::Correct), true));
    assert_eq!(corrected.entities.phone.as_ref().map(Phone::e164), Some("+14155552672"));
}

#[test]
fn a_number_without_its_country_is_refused_where_no_region_is_set() {
    let classifier = Classifier::new(&Options { region: None, ..Options::default() }).unwrap();
    let active = Some(Route::User(SubIntent::Authenticate));
    let understood = classifier.understand(&Input {
        text: "415 555 2671",
        awaiting: Some(Slot::Phone),
        active,
        ..Input::default()
    });
    assert_eq!(understood.rejected, Some(Rejected { slot: Slot::Phone, reason: "country_missing" }));
}

#[test]
fn name() {
    table(
        Slot::Name,
        SubIntent::Authenticate,
        &[
            ("John", Answer("John")),
            ("I'm John Doe", Answer("John Doe")),
            ("I’m John Doe.", Answer("John Doe")),
            ("my name is Ana María", Answer("Ana María")),
            ("call me Bob", Answer("Bob")),
            ("no, Sarah", Answer("Sarah")),
            ("it's Matthew with two t's", Answer("Matthew")),
            ("Me llamo José", Answer("José")),
            ("soy Lucía", Answer("Lucía")),
            ("O'Brien-Smith", Answer("O'Brien-Smith")),
            ("Jean-Luc de la Tour", Answer("Jean-Luc de la Tour")),
            ("Nguyễn Văn An", Answer("Nguyễn Văn An")),
            ("Владимир Петров", Answer("Владимир Петров")),
            ("田中太郎", Answer("田中太郎")),
            ("我叫李明", Answer("李明")),
            ("محمد علي", Answer("محمد علي")),
            ("प्रिया शर्मा", Answer("प्रिया शर्मा")),
            ("Zoe\u{301}", Answer("Zoé")),
            ("X", Answer("X")),
            ("Will", Answer("Will")),
            ("Do Van Can", Answer("Do Van Can")),
            ("can you help", Move(Control::Help)),
            ("John Smith, thanks!", Answer("John Smith")),
            ("Just call me Al", Answer("Al")),
            ("hola soy Ana", Answer("Ana")),
            ("I am ready", Left),
            ("Mark Twain", Answer("Mark Twain")),
            ("Skip", Left),
            ("play some music", Left),
            ("delete my account", Left),
            ("🙂", Refused("no_letters")),
            ("12345", Refused("no_letters")),
            ("", Refused("empty")),
            (&"a".repeat(5_000), Refused("too_long")),
            (&"a".repeat(81), Refused("too_long")),
            ("John\u{202e}nhoJ", Refused("control_characters")),
            ("John\u{0}", Refused("control_characters")),
            ("John\nDoe", Refused("control_characters")),
            ("what's the weather?", Left),
            ("log me in", Left),
            ("sign me out everywhere", Left),
            ("why do you need my name?", Left),
            ("cancel", Move(Control::Cancel)),
        ],
    );
    let longest = "a".repeat(80);
    assert!(understand(&longest, Some(Slot::Name), None).answers);
    let update = understand("Ivan Horvat", Some(Slot::Name), Some(SubIntent::UpdateIdentity));
    assert_eq!(update.entities.field.as_deref(), Some("name"));
    assert!(update.missing.is_empty());
}

#[test]
fn identity_slots() {
    let active = SubIntent::UpdateIdentity;
    table(
        Slot::Email,
        active,
        &[
            ("Ana@Example.org", Answer("ana@example.org")),
            ("it's ana@example.org.", Answer("ana@example.org")),
            ("Ana <ana+x@example.org>", Answer("ana+x@example.org")),
            ("ana@example.org, yes, ANA@example.org", Answer("ana@example.org")),
            ("it is ana@example.org and I would like my letters sent there", Answer("ana@example.org")),
            ("ana＠example.org", Answer("ana@example.org")),
            ("ana@münchen.de", Answer("ana@xn--mnchen-3ya.de")),
            ("ana@example", Refused("not_reachable")),
            ("ana@[127.0.0.1]", Refused("not_reachable")),
            ("@", Refused("incomplete")),
            ("ana@bob@example.org", Refused("several_ats")),
            ("an..na@example.org", Refused("misplaced_dot")),
            ("\"ana\"@example.org", Refused("foreign_character")),
            ("änna@example.org", Refused("foreign_character")),
            ("ana@exa_mple.org", Refused("not_a_domain")),
            ("ana@example.org\0", Refused("control_character")),
            ("ana@example.org or bob@example.org", Refused("several")),
            ("ana@example.org\r\nBcc: bob@example.org", Refused("several")),
            ("please meet me @ the office at noon", Left),
            ("tell me a joke", Left),
        ],
    );
    table(
        Slot::NewPhone,
        active,
        &[
            ("+1 415 555 2671", Answer("+14155552671")),
            ("it's 415 555 2671", Answer("+14155552671")),
            ("12", Refused("too_short")),
            ("tell me a joke", Left),
        ],
    );
    table(
        Slot::Field,
        active,
        &[
            ("my name", Answer("name")),
            ("email", Answer("email")),
            ("my e-mail address", Answer("email")),
            ("the phone number", Answer("phone")),
            ("el correo", Answer("email")),
            ("my name to Bob", Answer("Bob")),
            ("my password", Left),
            ("cancel", Move(Control::Cancel)),
        ],
    );
}

#[test]
fn device_and_migration_slots() {
    table(
        Slot::Device,
        SubIntent::ManageSessions,
        &[
            ("the second one", Answer("the second one")),
            ("2", Answer("2")),
            ("iPhone 13", Answer("iPhone 13")),
            ("what's the weather like?", Left),
            ("show my sessions", Left),
            ("what devices do I have", Left),
        ],
    );
    let all = understand("all of them", Some(Slot::Device), Some(SubIntent::ManageSessions));
    assert_eq!((all.answers, all.entities.revoke_all), (true, Some(true)));
    table(
        Slot::DeviceName,
        SubIntent::ManageSessions,
        &[
            ("Kitchen tablet", Answer("Kitchen tablet")),
            ("call it “Old Mac”", Answer("Old Mac")),
            ("🙂", Answer("🙂")),
            ("a\u{202e}b", Refused("control_characters")),
        ],
    );
    table(
        Slot::MigrationType,
        SubIntent::MigrateIdentity,
        &[
            ("cart", Answer("Cart")),
            ("just my favourites", Answer("Favorites")),
            ("everything", Answer("All")),
            ("el carrito", Answer("Cart")),
            ("where is my order?", Left),
        ],
    );
    let kind = understand("the history", Some(Slot::MigrationType), None);
    assert_eq!(kind.entities.migration_type, Some(MigrationType::History));
    assert_eq!(kind.route, Route::User(SubIntent::MigrateIdentity));
}

#[test]
fn confirm() {
    for (text, control) in [
        ("yes", Some(Control::Yes)),
        ("Yes, log them all out", Some(Control::Yes)),
        ("ok do it", Some(Control::Yes)),
        ("sí, ciérralas", Some(Control::Yes)),
        ("no", Some(Control::No)),
        ("no, keep them", Some(Control::No)),
        ("please don't", Some(Control::No)),
        ("don't log them out", Some(Control::No)),
        ("cancel", Some(Control::Cancel)),
        ("yes but not that one", None),
        ("yes, cancel it", None),
        ("ok cancel my booking", None),
        ("yes I want to change the day", None),
        ("sí, cancélalo", None),
        ("sí, quiero cambiar el día", None),
        ("yes, sign them out", Some(Control::Yes)),
        ("not sure", None),
        ("what's the weather like?", None),
    ] {
        let understood = understand(text, Some(Slot::Confirm), Some(SubIntent::ManageSessions));
        assert_eq!(understood.control, control, "{text:?}: {understood:?}");
        let answers = matches!(control, Some(Control::Yes | Control::No));
        assert_eq!(understood.answers, answers, "{text:?}");
    }
}

#[test]
fn without_a_slot_nothing_answers() {
    for text in ["123456", "+1 415 555 2671", "John", "yes", "cart"] {
        let understood = idle(text);
        assert!(!understood.answers && understood.rejected.is_none(), "{text:?}");
        // A bare code is told apart, so that one that comes again after its use is noticed.
        let code = (text == "123456").then(|| text.to_owned());
        assert_eq!(understood.entities.otp_code, code, "{text:?}");
    }
}
