//! What becomes of two lists that are one person's (D17).

use super::item::{DataKind, Item, Items, is_same};

/// Unites an account's items with a device's, and says how many the account has gained: cart quantities add up to the cap,
/// favourites unite, history is in the order of time, and of preferences the account's win.
pub(super) fn merge(kind: DataKind, (own, new): (Items, Items), cap: u32) -> (Items, u32) {
    let mut merged = own.into_items();
    let mut gained = 0;
    for item in new.into_items() {
        match merged.iter_mut().find(|kept| is_same(kind, kept, &item)) {
            Some(kept) if kind == DataKind::Cart => {
                kept.quantity = Some(added(kept, &item, cap));
                gained += 1;
            }
            Some(_) => {}
            None => {
                merged.push(item);
                gained += 1;
            }
        }
    }
    if kind == DataKind::History {
        merged.sort_by_key(|item| item.at);
    }
    (Items::of(merged), gained)
}

/// An amount that the account already has beyond the cap stays; nothing is taken away.
fn added(kept: &Item, new: &Item, cap: u32) -> u32 {
    let (have, more) = (kept.quantity.unwrap_or(1), new.quantity.unwrap_or(1));
    have.saturating_add(more).min(cap).max(have)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn items(kind: DataKind, value: &serde_json::Value) -> Items {
        Items::parse(kind, Some(value)).unwrap()
    }

    // S2-36, D17
    #[test]
    fn lists_unite_by_their_kind() {
        for (kind, own, new, merged, gained) in [
            (
                DataKind::Cart,
                json!([{ "id": "a", "quantity": 2 }, { "id": "b" }]),
                json!([{ "id": "a", "quantity": 3 }, { "id": "b", "quantity": 98 }, { "id": "c", "note": "x" }]),
                json!([{ "id": "a", "quantity": 5 }, { "id": "b", "quantity": 99 }, { "id": "c", "note": "x" }]),
                3,
            ),
            (
                DataKind::Favorites,
                json!([{ "id": "a" }]),
                json!([{ "id": "a" }, { "id": "b" }]),
                json!([{ "id": "a" }, { "id": "b" }]),
                1,
            ),
            (
                DataKind::History,
                json!([{ "id": "a", "at": "2026-01-02T00:00:00Z" }]),
                json!([{ "id": "a", "at": "2026-01-01T00:00:00Z" }, { "id": "a", "at": "2026-01-02T00:00:00Z" }]),
                json!([{ "id": "a", "at": "2026-01-01T00:00:00Z" }, { "id": "a", "at": "2026-01-02T00:00:00Z" }]),
                1,
            ),
            (
                DataKind::Preferences,
                json!([{ "id": "theme", "value": "dark" }]),
                json!([{ "id": "theme", "value": "light" }, { "id": "size", "value": 2 }]),
                json!([{ "id": "theme", "value": "dark" }, { "id": "size", "value": 2 }]),
                1,
            ),
        ] {
            let (united, count) = merge(kind, (items(kind, &own), items(kind, &new)), 99);
            assert_eq!((united, count), (items(kind, &merged), gained), "{kind:?}");
        }
        let much = items(DataKind::Cart, &json!([{ "id": "a", "quantity": 500 }]));
        let (united, _) =
            merge(DataKind::Cart, (much.clone(), items(DataKind::Cart, &json!([{ "id": "a" }]))), 99);
        assert_eq!(united, much);
    }
}
