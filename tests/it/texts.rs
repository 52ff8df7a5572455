//! The texts of text messages: one message each, in every language, whatever is filled in (SEC-43).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use vestibule::app::texts::unfit;
use vestibule::model::Phone;
use vestibule::prompt::{Options, REPLIES, Replies, Source};
use vestibule::sms;

use crate::support::app::{PHONE, TestApp};
use crate::support::db::{TestDb, on_both};

on_both!(a_code_is_bound_to_the_domain_it_is_for, a_code_without_a_domain_has_no_line_for_one);

/// As long as a domain may be, with what could be mistaken for a code.
const LONGEST: &str = "a123456.b12345678.cccccccccccccccccccccccccccccc.example.com";

fn replies(sources: &[Source]) -> Replies {
    Replies::load(&Options::default(), sources).unwrap()
}

/// The texts that are compiled in, with one of them worded anew.
fn worded(language: &str, key: &str, text: &str) -> Replies {
    let mut sources = Source::compiled_in();
    let source = sources.iter_mut().find(|source| source.language == language).unwrap();
    let (before, section) = source.text.split_once("[sms]").unwrap();
    let old = section.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
    source.text = format!("{before}[sms]{}", section.replacen(old, &format!("{key} = \"{text}\""), 1));
    replies(&sources)
}

// SEC-43
#[test]
fn every_text_message_is_one_message_in_every_language() {
    assert!(sms::is_domain(LONGEST) && !sms::is_domain(&format!("a{LONGEST}")), "that is the longest");
    let compiled_in = replies(&Source::compiled_in());
    for domain in [None, Some(LONGEST)] {
        assert_eq!(unfit(&compiled_in, domain).unwrap(), Vec::<String>::new());
    }
    let long = worded("en", "lost_phone", &"x".repeat(161));
    assert_eq!(
        unfit(&long, None).unwrap(),
        ["`sms.lost_phone` in `en` takes 161 of the 160 septets of one message"]
    );
    assert_eq!(unfit(&worded("en", "lost_phone", &"x".repeat(160)), None).unwrap(), Vec::<String>::new());
    // Eighty brackets are one message, and the next is not.
    assert_eq!(unfit(&worded("en", "lost_phone", &"[".repeat(80)), None).unwrap(), Vec::<String>::new());
    assert_eq!(unfit(&worded("en", "lost_phone", &"[".repeat(81)), None).unwrap().len(), 1);
    let odd = worded("es", "lost_phone", "Tu teléfono o tu número");
    assert_eq!(
        unfit(&odd, None).unwrap(),
        ["`sms.lost_phone` in `es` holds `ú`, which is outside of the alphabet of GSM"]
    );
    // A domain makes a text too long that was not.
    let code = "{{ code }} {{ reference }} {{ minutes }} {% if domain %}@{{ domain }} #{{ code }}{% endif %}";
    let code = worded("es", "code", &format!("{code}{}", "x".repeat(100)));
    assert_eq!(unfit(&code, None).unwrap(), Vec::<String>::new());
    assert_eq!(unfit(&code, Some(LONGEST)).unwrap().len(), 1);
}

// SEC-43
#[test]
fn a_text_message_holds_nothing_that_a_person_wrote_and_shows_its_code_first() {
    let replies = replies(&Source::compiled_in());
    let ours = BTreeSet::from(["code", "reference", "minutes", "domain"]);
    let mut codes = 0;
    for (key, sample) in REPLIES.iter().filter(|(key, _)| key.starts_with("sms.")) {
        let sample: Map<String, Value> = serde_json::from_str(sample).unwrap();
        let names: BTreeSet<&str> = sample.keys().map(String::as_str).collect();
        assert!(names.is_empty() || names == ours, "{key} takes {names:?}");
        if names.is_empty() {
            continue;
        }
        for (language, code) in
            replies.keys().into_keys().flat_map(|l| [(l.clone(), "918273"), (l, "91827364")])
        {
            let values = json!({ "code": code, "reference": "KT", "minutes": 60, "domain": LONGEST });
            let text = replies.say(&language, key, values.as_object().unwrap()).unwrap();
            let mut runs = text.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
            assert_eq!(runs.next(), Some(code), "{language} {key}: {text}");
            assert!(
                text.find(code).unwrap() <= "Your Vestibule code is ".len() + 2,
                "{language} {key}: {text}"
            );
            assert!(text.contains(" KT)"), "{language} {key}: {text}");
            assert_eq!(text.lines().last(), Some(format!("@{LONGEST} #{code}").as_str()), "{language} {key}");
            assert_eq!(text.lines().count(), 2, "{language} {key}: {text}");
            codes += 1;
        }
    }
    assert_eq!(codes, 12, "three texts with codes, two languages, two lengths");
}

// SEC-43
async fn a_code_is_bound_to_the_domain_it_is_for(db: TestDb) {
    let app = TestApp::start_with(&db, |config| {
        config.http.public_url = Some("https://id.example.com:8443".to_owned());
    })
    .await;
    let person = app.awaiting_code(PHONE).await;
    let code = app.code();
    let text = app.sms.sent()[0].text.clone();
    assert_eq!(text.lines().last(), Some(format!("@id.example.com #{code}").as_str()), "{text}");
    assert_eq!(app.say(&person, &code).await.action(), "name_requested");
    app.finish().await;
}

// SEC-43
async fn a_code_without_a_domain_has_no_line_for_one(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.awaiting_code(PHONE).await;
    let text = app.sms.sent()[0].text.clone();
    assert!(text.lines().count() == 1 && !text.contains(['@', '#']), "{text}");
    assert!(Phone::parse(PHONE, None).is_ok_and(|phone| !text.contains(phone.e164())), "{text}");
    app.finish().await;
}
