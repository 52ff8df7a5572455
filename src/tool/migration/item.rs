//! Items, and what can be one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::MigrationType;
use crate::tool::Error;

/// Most items of one list.
const MOST_ITEMS: usize = 500;
/// Largest list, in bytes of JSON.
const LARGEST: usize = 128 * 1024;
/// Longest id of an item, in characters.
const LONGEST_ID: usize = 128;
/// Most of one item.
const MOST_QUANTITY: u32 = 1_000_000;

/// What is gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DataKind {
    /// What is to be bought.
    Cart,
    /// What is liked.
    Favorites,
    /// What was looked at.
    History,
    /// How things are to be.
    Preferences,
}

impl DataKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Cart, Self::Favorites, Self::History, Self::Preferences];

    /// The name in paths and as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cart => "cart",
            Self::Favorites => "favorites",
            Self::History => "history",
            Self::Preferences => "preferences",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether it moves where that was asked for; preferences move with everything.
    pub(super) fn is_of(self, migration: MigrationType) -> bool {
        match migration {
            MigrationType::All => true,
            MigrationType::Cart => self == Self::Cart,
            MigrationType::Favorites => self == Self::Favorites,
            MigrationType::History => self == Self::History,
        }
    }
}

/// One item: its id, and what else a client keeps of it. All of it is data; nothing reads it but the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What it is.
    pub id: String,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Whatever else.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// Why items cannot be taken: where, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer} {what}")]
pub struct ItemsError {
    /// The JSON pointer from the body's root.
    pub pointer: String,
    /// What is wrong.
    pub what: String,
}

/// A list of items, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Items(Vec<Item>);

impl Items {
    /// Checks what a client sends.
    pub fn parse(kind: DataKind, value: Option<&Value>) -> Result<Self, ItemsError> {
        let wrong = |pointer: String, what: &str| ItemsError { pointer, what: what.to_owned() };
        let Some(Value::Array(values)) = value else {
            return Err(wrong("/items".to_owned(), "must be a list of items"));
        };
        if values.len() > MOST_ITEMS {
            return Err(wrong("/items".to_owned(), &format!("must be at most {MOST_ITEMS} items")));
        }
        let mut items: Vec<Item> = Vec::with_capacity(values.len());
        for (n, value) in values.iter().enumerate() {
            let at = |field: &str| format!("/items/{n}{field}");
            let item = Item::deserialize(value).map_err(|e| wrong(at(""), &e.to_string()))?;
            let is_id = !item.id.trim().is_empty()
                && item.id.chars().count() <= LONGEST_ID
                && !item.id.chars().any(char::is_control);
            if !is_id {
                let what = format!("must be 1 to {LONGEST_ID} characters, none of them a control character");
                return Err(wrong(at("/id"), &what));
            }
            if item.quantity.is_some_and(|q| q == 0 || q > MOST_QUANTITY) {
                return Err(wrong(at("/quantity"), &format!("must be from 1 to {MOST_QUANTITY}")));
            }
            if items.iter().any(|other| is_same(kind, other, &item)) {
                return Err(wrong(at("/id"), "is there twice"));
            }
            items.push(item);
        }
        let items = Self(items);
        let size = serde_json::to_vec(&items.0).map_or(usize::MAX, |text| text.len());
        if size > LARGEST {
            return Err(wrong("/items".to_owned(), &format!("must be at most {LARGEST} bytes of JSON")));
        }
        Ok(items)
    }

    /// Reads what was stored.
    pub(super) fn stored(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map(Self).map_err(|_| Error::Unreadable("items of a device"))
    }

    pub(super) fn to_text(&self) -> Result<String, Error> {
        serde_json::to_string(&self.0).map_err(|_| Error::Unreadable("items of a device"))
    }

    pub(super) fn of(items: Vec<Item>) -> Self {
        Self(items)
    }

    pub(super) fn into_items(self) -> Vec<Item> {
        self.0
    }

    /// The items.
    pub fn as_slice(&self) -> &[Item] {
        &self.0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a list can still take. A list that grows by taking others over keeps to the same limits as one that a client sends,
/// or it would grow without end, and could not be sent back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    items: usize,
    bytes: usize,
}

impl Room {
    /// That of an empty list.
    pub(super) fn whole() -> Self {
        // Each item brings a comma or the closing bracket; the opening one is nobody's.
        Self { items: MOST_ITEMS, bytes: LARGEST - 1 }
    }

    /// What is left beside some items.
    pub(super) fn beside(items: &[Item]) -> Self {
        let (whole, taken) = (Self::whole(), items.iter().map(size).fold(0, usize::saturating_add));
        Self { items: whole.items.saturating_sub(items.len()), bytes: whole.bytes.saturating_sub(taken) }
    }

    /// Takes the place of one more item, if there is enough.
    pub(super) fn take(&mut self, item: &Item) -> bool {
        let left = self.items.checked_sub(1).zip(self.bytes.checked_sub(size(item)));
        if let Some((items, bytes)) = left {
            *self = Self { items, bytes };
        }
        left.is_some()
    }

    /// Takes what an item needs more than it did before, if there is enough.
    pub(super) fn grow(&mut self, before: &Item, after: &Item) -> bool {
        let left = self.bytes.saturating_add(size(before)).checked_sub(size(after));
        self.bytes = left.unwrap_or(self.bytes);
        left.is_some()
    }
}

/// The bytes of an item in its list.
fn size(item: &Item) -> usize {
    serde_json::to_vec(item).map_or(usize::MAX, |text| text.len().saturating_add(1))
}

/// Whether two items are the same one. The same thing looked at twice is two items of a history.
pub(super) fn is_same(kind: DataKind, one: &Item, two: &Item) -> bool {
    one.id == two.id && (kind != DataKind::History || one.at == two.at)
}
