//! The countries that codes are sent to.

use super::{Country, Options};
use crate::model::{Phone, Region};

/// Where codes by text message go, and where they do not: messages to some countries are dear, and whoever earns by them
/// asks for many. Nothing is served that was not named.
#[derive(Debug, Clone)]
pub enum Served {
    /// Everywhere, to numbers of no country too, such as a satellite's or an international network's.
    All,
    /// To numbers of these countries. A number of no country is of none of them.
    Only(Vec<Region>),
}

impl Served {
    /// What the list says, and the configured region where it says nothing.
    pub fn of(options: &Options, region: Option<Region>) -> Self {
        let mut named = Vec::new();
        for country in &options.countries {
            match country {
                Country::All => return Self::All,
                Country::One(country) => named.push(*country),
            }
        }
        if named.is_empty() {
            named.extend(region);
        }
        Self::Only(named)
    }

    /// Whether a code may go to that number.
    pub fn takes(&self, phone: &Phone) -> bool {
        match self {
            Self::All => true,
            Self::Only(countries) => countries.iter().any(|country| phone.is_of(*country)),
        }
    }

    /// Whether it takes no number at all.
    pub fn is_nobody(&self) -> bool {
        matches!(self, Self::Only(countries) if countries.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(countries: &[&str], region: Option<&str>) -> Served {
        let countries = countries.iter().map(|text| text.parse().unwrap()).collect();
        Served::of(&Options { countries, ..Options::default() }, region.and_then(Region::parse))
    }

    fn takes(served: &Served, phone: &str) -> bool {
        served.takes(&Phone::parse(phone, None).unwrap())
    }

    // SEC-34
    #[test]
    fn what_was_not_named_is_not_served() {
        let (america, canada, spain) = ("+14155552671", "+14165550123", "+34612345678");
        let default = served(&[], Some("US"));
        assert_eq!([america, canada, spain].map(|phone| takes(&default, phone)), [true, false, false]);
        // A list stands for itself: the region is how numbers are read, and not where messages go.
        let named = served(&["ES", "CA"], Some("US"));
        assert_eq!([america, canada, spain].map(|phone| takes(&named, phone)), [false, true, true]);
        let nothing = served(&[], None);
        assert_eq!([america, canada, spain].map(|phone| takes(&nothing, phone)), [false, false, false]);
        assert!(nothing.is_nobody() && !default.is_nobody());
    }

    // SEC-34
    #[test]
    fn a_number_of_no_country_is_served_with_all_of_them_only() {
        let every = served(&["ES", "all"], None);
        assert!(!every.is_nobody());
        for phone in ["+870773111632", "+88216123456789", "+883510000000001", "+34612345678"] {
            assert!(takes(&every, phone), "{phone}");
        }
        for phone in ["+870773111632", "+88216123456789", "+883510000000001"] {
            assert!(!takes(&served(&["US", "GB", "ES"], Some("US")), phone), "{phone}");
        }
    }
}
