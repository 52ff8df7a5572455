//! What holds for every text.

use proptest::prelude::*;

use super::{CLASSIFIER, understand};
use crate::classify::Input;
use crate::model::{Route, Slot, SubIntent};

fn slots() -> impl Strategy<Value = Option<Slot>> {
    prop::option::of(prop::sample::select(Slot::ALL.to_vec()))
}

fn check(text: &str, awaiting: Option<Slot>, active: Option<SubIntent>) {
    let understood = understand(text, awaiting, active);
    assert!((0.0..=1.0).contains(&understood.confidence), "{understood:?}");
    assert_eq!(understood, understand(text, awaiting, active));
    assert!(!(understood.answers && understood.rejected.is_some()), "{understood:?}");
    if let Some(rejected) = &understood.rejected {
        assert_eq!(Some(rejected.slot), awaiting);
    }
    if let Some(code) = &understood.entities.otp_code {
        assert!((4..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit()), "{code}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_understood_somehow(text in "\\PC{0,60}", awaiting in slots()) {
        check(&text, awaiting, None);
    }

    #[test]
    fn texts_of_the_trade_too(
        text in "(no |my |code |\\+1 |12|34 |5|wait |to |name |change |not |@x\\.y |, |\\.|'|é|١|🙂|\u{202e}|\0|call me ){0,12}",
        awaiting in slots(),
        active in prop::option::of(prop::sample::select(SubIntent::ALL.to_vec())),
    ) {
        check(&text, awaiting, active);
    }
}

#[test]
fn strange_and_huge_texts_are_survived() {
    let huge = [
        "a".repeat(100_000),
        "1 ".repeat(50_000),
        "+".repeat(100_000),
        "(1".repeat(50_000),
        "cancel ".repeat(15_000),
        "🙂".repeat(100_000),
        "one ".repeat(25_000),
        "a@b.c ".repeat(16_000),
        "name to ".repeat(12_000),
        "\0".repeat(1_000),
        "\u{202e}שלום עולם\u{202c}".to_owned(),
        "\u{fdfa}".repeat(50_000),
    ];
    for text in &huge {
        for slot in [None, Some(Slot::Otp), Some(Slot::Phone), Some(Slot::Name), Some(Slot::Email)] {
            check(text, slot, None);
        }
    }
}

#[test]
fn an_agent_of_a_graph_file_keeps_its_answers() {
    let input = Input {
        text: "123456",
        awaiting: Some(Slot::Otp),
        active: Some(Route::Agent("loyalty".into())),
        ..Input::default()
    };
    let understood = CLASSIFIER.understand(&input);
    assert!(understood.answers);
    assert_eq!(understood.route, Route::Agent("loyalty".into()));
}
