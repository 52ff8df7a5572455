//! The spellings of phone numbers and e-mail addresses: one account and one limiter key, or a refusal (D6, D18).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::prelude::*;
use serde::Deserialize;

use vestibule::crypto::Keys;
use vestibule::mask;
use vestibule::model::{Email, EmailError, Phone, PhoneError, Region, Secret, Unreachable, is_unseen};

/// Regions that must not change a number that carries its country code.
const REGIONS: [Option<&str>; 5] = [None, Some("US"), Some("GB"), Some("IT"), Some("AR")];
/// Longer than any text that is read.
const HUGE: usize = 100_000;

fn fixture<T: for<'de> Deserialize<'de>>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn keys() -> Keys {
    Keys::derive(&Secret::new("an instance key that is used in tests only"), &["p1".to_owned()]).unwrap()
}

/// `fixtures/phones/spellings.toml`.
#[derive(Deserialize)]
struct Phones {
    account: Vec<Numbers>,
    unsendable: Vec<Numbers>,
    refused: Vec<Numbers>,
}

#[derive(Deserialize)]
struct Numbers {
    #[serde(default)]
    number: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    anywhere: Vec<String>,
    #[serde(default)]
    national: BTreeMap<String, Vec<String>>,
}

impl Numbers {
    /// Every text with the region that it is read with.
    fn spellings(&self) -> Vec<(&str, Option<&str>)> {
        let anywhere = self.anywhere.iter().flat_map(|text| REGIONS.map(|region| (text.as_str(), region)));
        let national = self.national.iter().flat_map(|(region, texts)| {
            let region = (region != "none").then_some(region.as_str());
            texts.iter().map(move |text| (text.as_str(), region))
        });
        anywhere.chain(national).collect()
    }
}

fn phone(text: &str, region: Option<&str>) -> Result<Phone, PhoneError> {
    let region = region.map(|code| Region::parse(code).unwrap_or_else(|| panic!("no region {code}")));
    Phone::parse(text, region)
}

/// Why no message can be sent there.
fn code(phone: &Phone) -> Option<&'static str> {
    assert_eq!(phone.is_valid(), phone.unreachable().is_none());
    phone.unreachable().map(Unreachable::code)
}

// SEC-29, D6
#[test]
fn a_phone_number_has_one_account_and_one_limiter_key_however_it_is_spelled() {
    let phones: Phones = fixture("fixtures/phones/spellings.toml");
    let keys = keys();
    let (mut wrong, mut texts, mut owners) = (Vec::new(), 0, BTreeMap::new());
    for entry in phones.account.iter().chain(&phones.unsendable) {
        let why = Some(entry.reason.as_str()).filter(|reason| !reason.is_empty());
        texts += entry.anywhere.len() + entry.national.values().map(Vec::len).sum::<usize>();
        let mut found = BTreeSet::new();
        for (text, region) in entry.spellings() {
            match phone(text, region) {
                Ok(read) if read.e164() == entry.number && code(&read) == why => {
                    found.insert(keys.lookup("phone", read.e164()));
                }
                other => wrong.push(format!(
                    "{text:?} in {region:?}: {:?}, not {} {why:?}",
                    other.map(|p| (p.e164().to_owned(), code(&p))),
                    entry.number
                )),
            }
        }
        for key in found {
            let before = owners.insert(key, &entry.number);
            assert!(before.is_none(), "two accounts have one key: {before:?} and {}", entry.number);
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let all = ["not_reachable", "landline", "special_number"];
    let met: BTreeSet<&str> = phones.unsendable.iter().map(|entry| entry.reason.as_str()).collect();
    assert_eq!(met, BTreeSet::from(all));
    assert!(texts >= 100, "{texts} spellings are too few to show anything");
}

// SEC-29
#[test]
fn what_is_no_single_phone_number_is_refused_with_its_reason() {
    let phones: Phones = fixture("fixtures/phones/spellings.toml");
    let mut wrong = Vec::new();
    for entry in &phones.refused {
        for (text, region) in entry.spellings() {
            match phone(text, region) {
                Err(error) if error.code() == entry.reason => {}
                other => wrong.push(format!(
                    "{text:?} in {region:?}: {:?}, not {}",
                    other.map(|p| p.e164().to_owned()),
                    entry.reason
                )),
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let all = ["no_digits", "foreign_character", "too_short", "too_long", "country_missing", "not_a_number"];
    let met: BTreeSet<&str> = phones.refused.iter().map(|entry| entry.reason.as_str()).collect();
    assert_eq!(met, BTreeSet::from(all));
    for text in ["4", "+", "0", "+1 ", "(", "\u{0661}", "\u{fdfa}", "9\u{200b}"] {
        assert!(phone(&text.repeat(HUGE), Some("US")).is_err(), "{text:?} repeated");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is read keeps the digits that tell people apart, and reads itself again.
    #[test]
    fn no_digit_of_a_phone_number_is_changed(
        text in "(\\+|00|\\+1|\\+44|\\+39|\\+54|\\+55|0|1)?[0-9 ().-]{4,16}",
        region in prop::sample::select(vec![None, Some("US"), Some("GB"), Some("IT"), Some("AR"), Some("BR"), Some("HK"), Some("DE")]),
    ) {
        let Ok(read) = phone(&text, region) else { return Ok(()) };
        let given: String = text.chars().filter(char::is_ascii_digit).collect();
        // What stands before the hidden digits is the country code, which need not be given.
        let masked = read.masked();
        let national = read.e164().strip_prefix(masked.split('•').next().unwrap()).unwrap();
        let kept = &national[national.len().saturating_sub(6)..];
        prop_assert!(given.ends_with(kept), "{text:?} in {region:?} became {}", read.e164());
        prop_assert_eq!(phone(read.e164(), region), Ok(read));
    }

    /// The masker hides as much as the parser reads, in whatever spelling.
    #[test]
    fn no_email_address_is_stored_with_a_message(
        local in "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.ａ＋．㏄\u{200b}\u{2060}-]{1,20}",
        sign in "[@＠\u{fe6b}]",
        domain in "[a-zA-Z0-9üßжあ例\u{93f}\u{b7}\u{200d}-]{1,12}([.。．][a-z0-9ü例-]{1,8}){0,2}[.。｡][a-z例]{2,5}",
        around in prop::sample::select(vec![("", ""), ("write to ", " please"), ("(", ")"), ("it's <", ">."), ("to:", ", thanks"), ("发到 ", "，谢谢"), ("\"", "\"!")]),
    ) {
        let given = format!("{local}{sign}{domain}");
        if Email::parse(&given).is_ok() {
            let (before, after) = around;
            let masked = mask::text(&format!("{before}{given}{after}"));
            let first = local.chars().find(|c| !is_unseen(*c)).unwrap();
            prop_assert_eq!(masked, format!("{}{}{}@{}{}", before, first, mask::HIDDEN, mask::HIDDEN, after), "{}", given);
        }
    }

    #[test]
    fn any_text_is_an_email_address_or_is_not(text in "\\PC{0,20}@\\PC{0,20}") {
        if let Ok(read) = Email::parse(&text) {
            prop_assert!(read.as_str().is_ascii() && read.as_str().len() <= 254, "{text:?}");
            prop_assert_eq!(Email::parse(read.as_str()).map(|again| again.as_str().to_owned()), Ok(read.as_str().to_owned()));
            prop_assert_eq!(Email::parse(read.key()).map(|again| again.key().to_owned()), Ok(read.key().to_owned()));
        }
    }

    #[test]
    fn any_text_is_a_phone_number_or_is_not(text in "\\PC{0,50}", region in prop::sample::select(vec![None, Some("US"), Some("DE")])) {
        if let Ok(read) = phone(&text, region) {
            prop_assert!(read.e164().len() <= 16 && read.e164()[1..].bytes().all(|b| b.is_ascii_digit()));
        }
    }
}

/// `fixtures/emails/spellings.toml`.
#[derive(Deserialize)]
struct Emails {
    account: Vec<Addresses>,
    refused: Vec<Addresses>,
}

#[derive(Deserialize)]
struct Addresses {
    #[serde(default)]
    key: String,
    #[serde(default)]
    reason: String,
    texts: Vec<String>,
}

// SEC-30
#[test]
fn an_email_address_has_one_account_and_one_limiter_key_however_it_is_spelled() {
    let emails: Emails = fixture("fixtures/emails/spellings.toml");
    let (mut wrong, mut owners) = (Vec::new(), BTreeSet::new());
    for entry in &emails.account {
        assert!(owners.insert(&entry.key), "two accounts have one key: {}", entry.key);
        for text in &entry.texts {
            match Email::parse(text) {
                Ok(read) if read.key() == entry.key && read.as_str().eq_ignore_ascii_case(read.key()) => {
                    let masked = mask::text(&format!("write to {} please", text.trim()));
                    let hidden = format!("{}@{} please", mask::HIDDEN, mask::HIDDEN);
                    assert!(
                        masked.ends_with(&hidden)
                            && masked.chars().count() == "write to ".len() + 1 + hidden.chars().count(),
                        "{text:?} is stored as {masked}"
                    );
                }
                other => wrong.push(format!(
                    "{text:?}: {:?}, not {}",
                    other.map(|e| e.key().to_owned()),
                    entry.key
                )),
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

// SEC-30
#[test]
fn what_is_no_email_address_is_refused_with_its_reason() {
    let emails: Emails = fixture("fixtures/emails/spellings.toml");
    let mut wrong = Vec::new();
    for entry in &emails.refused {
        for text in &entry.texts {
            match Email::parse(text) {
                Err(error) if error.code() == entry.reason => {}
                other => wrong.push(format!(
                    "{text:?}: {:?}, not {}",
                    other.map(|e| e.key().to_owned()),
                    entry.reason
                )),
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let met: BTreeSet<&str> = emails.refused.iter().map(|entry| entry.reason.as_str()).collect();
    assert_eq!(met.len(), 9, "every reason has its texts: {met:?}");
    let texts: usize = emails.account.iter().chain(&emails.refused).map(|entry| entry.texts.len()).sum();
    assert!(texts >= 60, "{texts} spellings are too few to show anything");
    for text in ["a", "@", "a@", "a.", ".", "\u{200b}", "\u{fdfa}", "é", "a@b.c "] {
        assert!(Email::parse(&text.repeat(HUGE)).is_err(), "{text:?} repeated");
    }
    assert_eq!(Email::parse(&format!("anna@{}com", "a.".repeat(HUGE))), Err(EmailError::TooLong));
}
