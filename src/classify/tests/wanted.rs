//! Texts that an agent of a graph file asks for.

use super::CLASSIFIER;
use crate::classify::Input;
use crate::graph::Pattern;
use crate::model::{Control, Rejected, Route, Slot, SubIntent, Understanding};

fn heard(text: &str, pattern: Option<&Pattern>) -> Understanding {
    let active = Some(Route::Agent("order_status".to_owned()));
    CLASSIFIER.understand(&Input { text, awaiting: Some(Slot::Text), active, pattern, ..Input::default() })
}

fn refused(reason: &'static str) -> Rejected {
    Rejected { slot: Slot::Text, reason }
}

#[test]
fn what_the_pattern_finds_is_the_answer_whatever_is_said_besides() {
    let pattern = Pattern::parse("(?i)[A-Z]{2}-[0-9]{5}", true).unwrap();
    for text in [
        "AB-12345",
        "it's AB-12345 I think",
        "no, sorry, it's AB-12345",
        "where is AB-12345?",
        "log me in and look at AB-12345",
        "es el AB-12345, creo",
    ] {
        let understood = heard(text, Some(&pattern));
        assert!(understood.answers && understood.control.is_none(), "{text}: {understood:?}");
        assert_eq!(understood.entities.value.as_deref(), Some("AB-12345"), "{text}");
        assert_eq!(understood.route, Route::Agent("order_status".to_owned()), "{text}");
    }
}

#[test]
fn what_does_not_fit_is_refused_unless_it_is_something_else() {
    let pattern = Pattern::parse("(?i)[A-Z]{2}-[0-9]{5}", true).unwrap();
    for text in ["12345", "AB-1234", "AB12345", "AB-12345 or AB-12346"] {
        assert_eq!(heard(text, Some(&pattern)).rejected, Some(refused("pattern")), "{text}");
    }
    for (text, control) in [
        ("cancel", Control::Cancel),
        ("cancelar", Control::Cancel),
        ("help", Control::Help),
        ("start over", Control::StartOver),
    ] {
        assert_eq!(heard(text, Some(&pattern)).control, Some(control), "{text}");
        let anything = Pattern::parse("(?s).+", false).unwrap();
        assert_eq!(heard(text, Some(&anything)).control, Some(control), "no pattern holds anybody: {text}");
    }
    for text in ["what's the weather like in Paris?", "show my logged in devices", "hello there"] {
        let understood = heard(text, Some(&pattern));
        assert!(!understood.answers && understood.rejected.is_none(), "{text}: {understood:?}");
    }
}

#[test]
fn without_a_pattern_anything_said_is_the_answer() {
    assert_eq!(heard(" the blue one ", None).entities.value.as_deref(), Some("the blue one"));
    assert_eq!(heard("a\u{202e}b\u{7}c", None).entities.value.as_deref(), Some("abc"));
    assert_eq!(heard(&"x".repeat(201), None).rejected, Some(refused("too_long")));
    assert_eq!(heard("\u{200b}\u{200b}", None).rejected, Some(refused("empty")));
}

#[test]
fn a_yes_or_no_is_a_text_too_unless_it_is_about_going_on() {
    for text in ["no", "yes", "ok", "nope", "sí"] {
        let understood = heard(text, None);
        assert!(understood.answers && understood.control.is_none(), "{text}: {understood:?}");
        assert_eq!(understood.entities.value.as_deref(), Some(text));
        let pattern = Pattern::parse("yes|no|ok|nope|sí", false).unwrap();
        assert!(heard(text, Some(&pattern)).answers, "{text}");
        let pattern = Pattern::parse("[0-9]+", false).unwrap();
        assert!(!heard(text, Some(&pattern)).answers, "{text}");
    }
    let active = Some(Route::Agent("order_status".to_owned()));
    let input = Input { text: "yes", awaiting: Some(Slot::Text), active, offered: true, ..Input::default() };
    assert_eq!(CLASSIFIER.understand(&input).control, Some(Control::Yes));
}

#[test]
fn what_was_chosen_before_is_taken_back_by_calling_it_wrong() {
    let heard = |text, (awaiting, route), corrects| {
        let active = Some(Route::User(route));
        CLASSIFIER.understand(&Input { text, awaiting: Some(awaiting), corrects, active, ..Input::default() })
    };
    let (phone, name) =
        ((Slot::NewPhone, SubIntent::UpdateIdentity), (Slot::DeviceName, SubIntent::ManageSessions));
    for text in ["that's wrong", "sorry, wrong one", "I made a mistake", "me he equivocado", "eso está mal"]
    {
        for asked in [phone, name] {
            assert_eq!(heard(text, asked, true).control, Some(Control::Correct), "{text}");
            assert_ne!(heard(text, asked, false).control, Some(Control::Correct), "{text}");
        }
    }
    for text in ["that's not right", "no, that isn't it", "not what I meant", "no es correcto"] {
        assert_eq!(heard(text, phone, true).control, Some(Control::Correct), "{text}");
    }
    assert_ne!(heard("that's right", phone, true).control, Some(Control::Correct));
    for text in ["no, sorry, my email", "wait, the email", "no, mi correo"] {
        let meant = heard(text, phone, true);
        assert_eq!(
            (meant.control, meant.entities.field.as_deref()),
            (Some(Control::Correct), Some("email")),
            "{text}"
        );
    }
    // What was meant instead is told with it.
    let meant = heard("I meant my email", phone, true);
    assert_eq!((meant.control, meant.entities.field.as_deref()), (Some(Control::Correct), Some("email")));
    let meant = heard("no, I meant the laptop", name, true);
    assert_eq!(
        (meant.control, meant.entities.device_name.as_deref()),
        (Some(Control::Correct), Some("laptop"))
    );
    let number = heard("wait, my phone: +1 415 555 2671", (Slot::Field, SubIntent::UpdateIdentity), true);
    assert_eq!(number.control, Some(Control::Correct));
    assert_eq!(number.entities.value.as_deref(), Some("+14155552671"));
    // A name is a name, be it an odd one.
    for text in ["Kitchen", "No Name", "Mean Machine", "The Wrong Trousers"] {
        assert_eq!(heard(text, name, true).control, None, "{text}");
    }
}

/// A message at a question that has a way back.
fn asked(text: &str, (awaiting, route): (Slot, SubIntent)) -> Understanding {
    let active = Some(Route::User(route));
    CLASSIFIER.understand(&Input {
        text,
        awaiting: Some(awaiting),
        corrects: true,
        active,
        ..Input::default()
    })
}

/// What says more than that something is wrong is heard as what it says, and no session is ended by what forbids it.
#[test]
fn what_asks_for_something_or_gives_a_value_takes_nothing_back() {
    let (name, email) = ((Slot::Name, SubIntent::UpdateIdentity), (Slot::Email, SubIntent::UpdateIdentity));
    let (phone, device) =
        ((Slot::NewPhone, SubIntent::UpdateIdentity), (Slot::Device, SubIntent::ManageSessions));
    for (text, at) in [
        ("no, I meant Grace", name),
        ("I meant Grace", name),
        ("I meant ana@localhost", email),
        ("that's wrong, show me my devices", device),
        ("that's wrong, I meant rename the laptop", device),
        ("something is wrong, log me out of all devices", phone),
        ("something is wrong, log me out of all devices", device),
    ] {
        assert_ne!(asked(text, at).control, Some(Control::Correct), "{text}");
    }
    let device_name = (Slot::DeviceName, SubIntent::ManageSessions);
    for (text, at) in [
        ("that's wrong, my name is Grace", name),
        ("that's the wrong one, rename the laptop", device_name),
        ("that's wrong, log me out", device_name),
    ] {
        let heard = asked(text, at);
        assert_eq!((heard.control, heard.answers), (Some(Control::Correct), false), "{text}");
        assert_eq!(heard.entities.action, None, "{text}");
    }
    assert_eq!(asked("that's wrong, my name is Grace", name).entities.value.as_deref(), Some("Grace"));
    assert_eq!(asked("No. 2", device_name).control, None);
    assert_ne!(asked("something is wrong, log me out", phone).control, Some(Control::Correct));
    assert_ne!(
        asked("my phone number is +1 415 555 2671", email).rejected.map(|r| r.slot),
        Some(Slot::Email)
    );
    let field = |text| asked(text, email).entities.field;
    assert_eq!(field("not email, I meant phone").as_deref(), Some("phone"));
    assert_eq!(asked("no, I meant Grace", name).entities.value.as_deref(), Some("Grace"));
    assert_eq!(asked("the laptop", device).entities.device_name.as_deref(), Some("laptop"));
    assert_eq!(
        asked("+1 415 555 2671", email).rejected,
        Some(Rejected { slot: Slot::Email, reason: "not_an_address" })
    );
    let phone = asked("I don't mean my email, I mean my phone", (Slot::Field, SubIntent::UpdateIdentity));
    assert_ne!(phone.entities.field.as_deref(), Some("email"));
}

#[test]
fn what_forbids_an_act_names_no_device_to_sign_out() {
    for text in [
        "that's wrong, don't end this session",
        "that's wrong, I don't want to log out of this device",
        "I made a mistake, don't log out my laptop",
        "don't sign out the laptop",
        "that's wrong, keep this one",
        "keep this one",
        "no cierres la sesión actual",
        "no quiero desconectar el portátil",
        "not this one, the other",
    ] {
        let heard = asked(text, (Slot::Device, SubIntent::ManageSessions));
        assert!(!heard.answers, "{text}: {heard:?}");
        let is_act = heard.control == Some(Control::Correct) || heard.entities.action.is_some();
        assert!(!is_act || heard.entities.device_name.is_none(), "{text}: {heard:?}");
    }
}

#[test]
fn a_person_is_a_number_of_people_where_that_is_asked_for() {
    let people = Pattern::parse("(?i)una persona|dos personas|one person", true).unwrap();
    let heard = |text| {
        let active = Some(Route::Agent("booking".to_owned()));
        let (awaiting, pattern) = (Some(Slot::Text), Some(&people));
        CLASSIFIER.understand(&Input { text, awaiting, pattern, active, ..Input::default() })
    };
    for text in ["una persona", "dos personas", "para una persona"] {
        let heard = heard(text);
        assert_eq!((heard.control, heard.answers), (None, true), "{text}");
    }
    for text in ["quiero hablar con una persona", "a person", "an agent please"] {
        assert_eq!(heard(text).control, Some(Control::Human), "{text}");
    }
}

#[test]
fn what_was_answered_before_is_taken_back_where_the_question_lets_it() {
    let days = Pattern::parse("(?i)monday|tuesday|lunes|martes", true).unwrap();
    let heard = |text, (awaiting, corrects)| {
        let active = Some(Route::Agent("booking".to_owned()));
        let pattern = (awaiting == Slot::Text).then_some(&days);
        let awaiting = Some(awaiting);
        CLASSIFIER
            .understand(&Input { text, awaiting, pattern, corrects, active, ..Input::default() })
            .control
    };
    for text in [
        "no, it's 5",
        "no, five people",
        "no, cinco personas",
        "no, es el sábado",
        "wait, I mean five people",
        "make it five",
        "that's wrong",
        "I made a mistake",
        "me he equivocado",
        "mejor cinco",
    ] {
        for slot in [Slot::Text, Slot::Confirm] {
            assert_eq!(heard(text, (slot, true)), Some(Control::Correct), "{text}");
            assert_ne!(heard(text, (slot, false)), Some(Control::Correct), "{text}");
        }
    }
    // A question for anything is answered by anything.
    let any = |text| {
        let active = Some(Route::Agent("booking".to_owned()));
        let awaiting = Some(Slot::Text);
        CLASSIFIER.understand(&Input { text, awaiting, corrects: true, active, ..Input::default() }).control
    };
    for text in ["no onions", "No. 5 Main Street", "the left screen is wrong"] {
        assert_ne!(any(text), Some(Control::Correct), "{text}");
    }
    assert_eq!(any("that's wrong"), Some(Control::Correct));
    for text in [
        "no",
        "no thanks",
        "no, don't",
        "no gracias",
        "no, cancel it",
        "no, that's all",
        "nope",
        "no quiero nada",
        "I mean, yes please",
        "no thanks, I meant it",
    ] {
        assert_ne!(heard(text, (Slot::Confirm, true)), Some(Control::Correct), "{text}");
    }
    for text in ["yes", "yes please", "sure, make it so, it's fine", "sí, es correcto"] {
        assert_eq!(heard(text, (Slot::Confirm, true)), Some(Control::Yes), "{text}");
    }
    // An answer to the question itself is that, however it begins.
    assert_eq!(heard("no, it's Tuesday", (Slot::Text, true)), None);
}
