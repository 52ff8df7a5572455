//! Phone numbers: one normaliser, for accounts, for destinations and for every limiter's key (D6).
//!
//! What a number looks like in each country is the library's to say, which characters reach it is ours: libraries drop
//! letters, or dial them. Where a text has two readings that both exist it is refused, since a wrong guess sends
//! somebody's code to a stranger.
//!
//! Why `rlibphonenumber`: behind the same normaliser, the table in `fixtures/phones/spellings.toml` had 237 rows that
//! reached a library. It read 231 as they are meant and `phonenumber` 0.3 229. They differ on `+1 1 415…`, where the
//! latter keeps the trunk prefix, on a number of zeroes, which it cannot read at all, and on German numbers whose area
//! looks like the country code, where both guess and the two readings below decide. What decided is the rest: to read
//! and check a number takes it 2 to 4 µs, where the other takes 0.5 to 0.9 ms (release build); it adds 2.3 MB to a
//! binary and not 3.3; it follows the upstream tables monthly, and it brings no crate that is given up, as
//! `atomic-polyfill` is (RUSTSEC-2023-0089). Its price is 17 packages more in the lock file, nearly all of them only
//! to build it, and a first debug build of 39 s, where the other takes 22 s on two cores.
//!
//! Adding a spelling: a row in that table; `tests/it/contacts.rs` reads it.

use std::fmt;

use rlibphonenumber::{
    NumberLengthType, PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberFormat, PhoneNumberType,
    ValidationError,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_normalization::UnicodeNormalization;

use super::text::{digit, is_unseen};

/// Longest text that is looked at, in characters.
const LONGEST: usize = 40;
/// Most digits of a number, its country code among them (E.164).
const MOST_DIGITS: usize = 15;
/// How many digits a masked number shows, and a prefix lacks.
const TAIL: usize = 4;
/// What stands for the hidden digits. Its length is fixed, so that it does not tell the number's.
const HIDDEN: &str = "•••••••";

/// Why a text is not a phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// There is no digit in it.
    #[error("there are no digits in it")]
    NoDigits,
    /// A letter, an extension or another character that does not belong to a number.
    #[error("only digits, spaces and + ( ) - . can be part of a number")]
    ForeignCharacter,
    /// Not enough digits.
    #[error("it is too short")]
    TooShort,
    /// Too many digits, or more than one number.
    #[error("it is too long")]
    TooLong,
    /// No country can be told.
    #[error("the country code is missing")]
    CountryMissing,
    /// No number of its country looks like this.
    #[error("no number of that country looks like this")]
    NotANumber,
}

impl PhoneError {
    /// The machine code.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoDigits => "no_digits",
            Self::ForeignCharacter => "foreign_character",
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::CountryMissing => "country_missing",
            Self::NotANumber => "not_a_number",
        }
    }
}

/// Why no message is sent to a number, as far as the number itself tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unreachable {
    /// Its country has no number of this form.
    NoSuch,
    /// It is a landline and nothing else. A message to one is paid for and read by nobody.
    Landline,
    /// Nobody's phone: a premium or a free number, one that is forwarded, a voice mailbox. A message to some of them pays
    /// whoever asks for it.
    Special,
}

impl Unreachable {
    /// The machine code.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoSuch => "not_reachable",
            Self::Landline => "landline",
            Self::Special => "special_number",
        }
    }

    fn of(number: &PhoneNumber) -> Option<Self> {
        if !number.is_valid() {
            return Some(Self::NoSuch);
        }
        match number.get_type() {
            PhoneNumberType::FixedLine => Some(Self::Landline),
            PhoneNumberType::PremiumRate
            | PhoneNumberType::TollFree
            | PhoneNumberType::SharedCost
            | PhoneNumberType::PersonalNumber
            | PhoneNumberType::Pager
            | PhoneNumberType::UAN
            | PhoneNumberType::VoiceMail => Some(Self::Special),
            // Some countries do not tell landlines and mobile phones apart; a number of theirs may be either.
            _ => None,
        }
    }
}

/// The country whose numbers may be given without a country code, as an ISO 3166 code of two letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region(rlibphonenumber::Region);

impl Region {
    /// Reads a code such as `US`.
    pub fn parse(text: &str) -> Option<Self> {
        let region = rlibphonenumber::Region::from_code(text).ok().map(Self)?;
        region.country_code().map(|_| region)
    }

    /// Where a number is of where nothing says so.
    pub const AMERICA: Self = Self(rlibphonenumber::Region::US);

    /// The country, or the largest of them, whose numbers begin with that code.
    pub fn of_country_code(code: i32) -> Option<Self> {
        PHONE_NUMBER_UTIL.get_region_for_country_code(code).map(Self)
    }

    /// What its numbers begin with abroad; `None` for two letters that are no country.
    pub fn country_code(self) -> Option<i32> {
        PHONE_NUMBER_UTIL.get_country_code_for_region(self.0)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A possible phone number in E.164 form. Whether a message may be sent to it is [`Phone::is_valid`].
///
/// It has no `Display`; `Debug` and `Serialize` give the masked form, [`Phone::e164`] the number itself.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone {
    e164: Box<str>,
    country_code: i32,
    region: Option<rlibphonenumber::Region>,
    unreachable: Option<Unreachable>,
}

impl Phone {
    /// Reads the whole of `text` as one number. `region` is used where no country code is given.
    pub fn parse(text: &str, region: Option<Region>) -> Result<Self, PhoneError> {
        let plain = plain(text)?;
        match plain.bytes().filter(u8::is_ascii_digit).count() {
            0 => return Err(PhoneError::NoDigits),
            1..=5 => return Err(PhoneError::TooShort),
            // A number may follow the two zeroes that are dialled to leave a country.
            n if n > MOST_DIGITS + 2 => return Err(PhoneError::TooLong),
            _ => {}
        }
        let number = only_reading(&plain, region)?;
        let e164 = number.format_as(PhoneNumberFormat::E164).into_owned().into();
        Ok(Self {
            e164,
            country_code: number.country_code,
            region: PHONE_NUMBER_UTIL.get_region_for_number(&number),
            unreachable: Unreachable::of(&number),
        })
    }

    /// The number that manuals give as an example of a country's mobile phones, with other last two digits; `None` where
    /// there is none, or no message could be sent to it.
    pub fn example(region: Region, nth: u8) -> Option<Self> {
        let kind = PhoneNumberType::Mobile;
        let number = PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region.0, kind).ok()?;
        let e164 = number.format_as(PhoneNumberFormat::E164).into_owned();
        let start = e164.get(..e164.len().checked_sub(2)?)?;
        let found = Self::parse(&format!("{start}{:02}", nth % 100), None).ok()?;
        (found.is_valid() && found.region == Some(region.0)).then_some(found)
    }

    /// The number itself. For the store, the sender and the normalised key, and nowhere else.
    pub fn e164(&self) -> &str {
        &self.e164
    }

    /// The number without its last four digits. What is spent on one block of numbers is counted under it, since who
    /// pumps messages owns the block and never tries a number twice.
    pub fn prefix(&self) -> &str {
        self.e164.get(..self.tail_start()).unwrap_or_default()
    }

    /// The country it belongs to, as two letters; none for a number of no country, such as a satellite's.
    pub fn country(&self) -> Option<String> {
        self.region.map(|region| region.to_string())
    }

    /// Whether it belongs to that country.
    pub fn is_of(&self, country: Region) -> bool {
        self.region == Some(country.0)
    }

    /// Whether a message may be sent to it: its country has numbers of this form, and they are people's.
    pub fn is_valid(&self) -> bool {
        self.unreachable.is_none()
    }

    /// Why no message may be sent to it, where that is so.
    pub fn unreachable(&self) -> Option<Unreachable> {
        self.unreachable
    }

    /// Country code and the last four digits: `+1•••••••2671`.
    pub fn masked(&self) -> String {
        let tail = self.e164.get(self.tail_start()..).unwrap_or_default();
        format!("+{}{HIDDEN}{tail}", self.country_code)
    }

    fn tail_start(&self) -> usize {
        self.e164.len().saturating_sub(TAIL)
    }
}

/// The one number that a text can be.
///
/// Without a plus sign there may be two: `001 65…` is dialled in Hong Kong for Singapore and written elsewhere for
/// America, and German area codes begin with Germany's own country code. A reading that no country has is put aside;
/// between two that exist nothing decides, and a guess would send a code to a stranger.
fn only_reading(plain: &str, region: Option<Region>) -> Result<PhoneNumber, PhoneError> {
    if plain.starts_with('+') {
        return possible(plain, None);
    }
    let digits: String = plain.chars().filter(char::is_ascii_digit).collect();
    let abroad = digits.strip_prefix("00").map(|rest| possible(&format!("+{rest}"), None));
    let Some(region) = region else { return abroad.unwrap_or(Err(PhoneError::CountryMissing)) };
    let coded = region.country_code().is_some_and(|code| digits.starts_with(&code.to_string()));
    let coded = coded.then(|| possible(&format!("+{digits}"), None));
    let home = possible(plain, Some(region));
    let readings: Vec<_> = abroad.into_iter().chain([home]).chain(coded).collect();
    let mut existing = readings.iter().flatten().filter(|number| number.is_valid());
    if let Some(number) = existing.next() {
        return if existing.all(|other| other == number) {
            Ok(number.clone())
        } else {
            Err(PhoneError::CountryMissing)
        };
    }
    // The first reading is the likeliest, so that its fault is the one to tell.
    let possible = readings.iter().flatten().next().cloned();
    possible.map_or_else(|| readings.into_iter().next().unwrap_or(Err(PhoneError::NotANumber)), Ok)
}

/// Reads a number whose length its country has.
fn possible(text: &str, region: Option<Region>) -> Result<PhoneNumber, PhoneError> {
    let number = PhoneNumber::parse(text, region.map(|r| r.0)).map_err(|error| match error {
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn => PhoneError::TooShort,
        ParseError::TooLongNsn => PhoneError::TooLong,
        ParseError::InvalidCountryCode | ParseError::NotANumber(_) => PhoneError::NotANumber,
    })?;
    match number.is_possible_with_reason() {
        Ok(NumberLengthType::IsPossible) => {}
        Ok(NumberLengthType::IsPossibleLocalOnly) | Err(ValidationError::TooShort) => {
            return Err(PhoneError::TooShort);
        }
        Err(ValidationError::TooLong) => return Err(PhoneError::TooLong),
        Err(ValidationError::InvalidCountryCode | ValidationError::InvalidLength) => {
            return Err(PhoneError::NotANumber);
        }
    }
    let e164 = number.format_as(PhoneNumberFormat::E164);
    if e164.len() > MOST_DIGITS + 1 {
        return Err(PhoneError::TooLong);
    }
    // What is kept is read again from the store. A form that then loses a zero would be two accounts.
    match PhoneNumber::parse(&e164, None) {
        Ok(again) if again == number => Ok(number),
        _ => Err(PhoneError::NotANumber),
    }
}

/// NFKC, digits of every script to ASCII, format characters out, and nothing left but what a number may hold.
fn plain(text: &str) -> Result<String, PhoneError> {
    let mut out = String::new();
    for (n, c) in text.trim().nfkc().filter(|c| !is_unseen(*c)).enumerate() {
        if n >= LONGEST {
            return Err(PhoneError::TooLong);
        }
        match c {
            '0'..='9' | '+' | '(' | ')' | '-' | '.' | ' ' => out.push(c),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => out.push('-'),
            c if !c.is_control() => match digit(c) {
                Some(d) => out.push(d),
                None => return Err(PhoneError::ForeignCharacter),
            },
            _ => return Err(PhoneError::ForeignCharacter),
        }
    }
    let out = out.trim();
    let out = out.strip_prefix("(+").map_or(out.to_owned(), |rest| format!("+{}", rest.replacen(')', "", 1)));
    // A plus sign further on begins another number.
    if out.chars().skip(1).any(|c| c == '+') { Err(PhoneError::ForeignCharacter) } else { Ok(out) }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl Serialize for Phone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.masked())
    }
}

impl<'de> Deserialize<'de> for Phone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text, None).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Phone {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Phone".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "a phone number, E.164 where the country is known" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // How numbers are written is in `fixtures/phones/spellings.toml`, with its test in `tests/it/contacts.rs`.

    #[test]
    fn it_prints_masked_everywhere() {
        let phone = Phone::parse("+14155552671", None).unwrap();
        assert_eq!(phone.masked(), "+1•••••••2671");
        assert_eq!(format!("{phone:?}"), "+1•••••••2671");
        assert_eq!(serde_json::to_string(&phone).unwrap(), "\"+1•••••••2671\"");
    }

    #[test]
    fn its_prefix_is_its_block_of_numbers() {
        let prefix = |text: &str| Phone::parse(text, None).unwrap().prefix().to_owned();
        assert_eq!(prefix("+1 415 555 2671"), "+1415555");
        assert_eq!(prefix("+1 415 555 9999"), "+1415555");
        assert_eq!(prefix("+1 415 556 2671"), "+1415556");
        assert_eq!(prefix("+683 4002"), "+683");
    }

    #[test]
    fn a_region_is_a_country() {
        assert_eq!(Region::parse("us"), Region::parse("US"));
        for none in ["", "U", "USA", "ZZ", "001", "12", "ÜS"] {
            assert_eq!(Region::parse(none), None, "{none:?}");
        }
    }
}
