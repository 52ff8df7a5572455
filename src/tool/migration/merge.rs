//! What becomes of two lists that are one person's (D17).
//!
//! A list that an account took others over into holds no more than one that a client sends. What does not fit is left out,
//! and it is never what the account had: it would otherwise lose its own preferences to a device's.

use super::item::{DataKind, Item, Items, Room, is_same};

/// Unites an account's items with a device's, and says how many the account has gained: cart quantities add up to the cap,
/// favourites unite, history is in the order of time, and of preferences the account's win.
pub(super) fn merge(kind: DataKind, (own, new): (Items, Items), cap: u32) -> (Items, u32) {
    if kind == DataKind::History {
        return in_time(own, new);
    }
    let mut merged = own.into_items();
    let mut room = Room::beside(&merged);
    let mut gained = 0;
    for item in new.into_items() {
        let took = if let Some(kept) = merged.iter_mut().find(|kept| is_same(kind, kept, &item)) {
            kind == DataKind::Cart && add(kept, &item, cap, &mut room)
        } else {
            // Nothing but a cart has a cap; an item that no amount was said of stays without one.
            let quantity = item.quantity.map(|q| if kind == DataKind::Cart { q.min(cap) } else { q });
            let item = Item { quantity, ..item };
            let fits = room.take(&item);
            if fits {
                merged.push(item);
            }
            fits
        };
        gained += u32::from(took);
    }
    (Items::of(merged), gained)
}

/// Adds what the device has of an item to what the account has, and says whether that made it more. An amount that the
/// account already has beyond the cap stays; nothing is taken away.
fn add(kept: &mut Item, new: &Item, cap: u32, room: &mut Room) -> bool {
    let (have, more) = (kept.quantity.unwrap_or(1), new.quantity.unwrap_or(1));
    let sum = have.saturating_add(more).min(cap);
    let after = Item { quantity: Some(sum), ..kept.clone() };
    let grows = sum > have && room.grow(kept, &after);
    if grows {
        *kept = after;
    }
    grows
}

/// History in the order of time. It is the one list whose oldest items go, whoever brought them.
fn in_time(own: Items, new: Items) -> (Items, u32) {
    let mut all: Vec<(Item, bool)> = own.into_items().into_iter().map(|item| (item, false)).collect();
    for item in new.into_items() {
        if !all.iter().any(|(kept, _)| is_same(DataKind::History, kept, &item)) {
            all.push((item, true));
        }
    }
    all.sort_by_key(|(item, _)| item.at);
    let mut room = Room::whole();
    let fitting = all.iter().rev().take_while(|(item, _)| room.take(item)).count();
    let kept = all.split_off(all.len().saturating_sub(fitting));
    let gained = kept.iter().filter(|(_, is_new)| *is_new).count();
    let items = kept.into_iter().map(|(item, _)| item).collect();
    (Items::of(items), u32::try_from(gained).unwrap_or(u32::MAX))
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

    // D17: an amount beyond the cap does not come in with an item that the account has not, either.
    #[test]
    fn the_cap_holds_for_what_is_new_and_what_is_full_gains_nothing() {
        let new =
            items(DataKind::Cart, &json!([{ "id": "a", "quantity": 5000 }, { "id": "b", "quantity": 1 }]));
        let own = items(DataKind::Cart, &json!([{ "id": "b", "quantity": 99 }]));
        let (united, gained) = merge(DataKind::Cart, (own, new), 99);
        let want = json!([{ "id": "b", "quantity": 99 }, { "id": "a", "quantity": 99 }]);
        assert_eq!((united, gained), (items(DataKind::Cart, &want), 1));
        let many = items(DataKind::Favorites, &json!([{ "id": "a", "quantity": 5000 }]));
        assert_eq!(merge(DataKind::Favorites, (Items::default(), many.clone()), 99), (many, 1));
    }

    fn named(prefix: &str, n: usize, more: &str) -> Items {
        let list: Vec<_> = (0..n).map(|i| json!({ "id": format!("{prefix}-{i}"), "more": more })).collect();
        items(DataKind::Favorites, &json!(list))
    }

    // D17: a full account keeps what is its own, and what is told is what came in.
    #[test]
    fn what_does_not_fit_is_left_out_and_is_never_the_accounts_own() {
        for kind in [DataKind::Cart, DataKind::Favorites, DataKind::Preferences] {
            let own = named("own", 499, "");
            let (united, gained) = merge(kind, (own.clone(), named("new", 10, "")), 99);
            assert_eq!((united.len(), gained), (500, 1), "{kind:?}");
            assert_eq!(&united.as_slice()[..499], own.as_slice(), "{kind:?}");
            assert_eq!(united.as_slice()[499].id, "new-0", "{kind:?}");

            let large = named("own", 4, &"x".repeat(30_000));
            let (united, gained) = merge(kind, (large.clone(), named("new", 3, &"y".repeat(5_000))), 99);
            assert_eq!((united.len(), gained), (6, 2), "{kind:?}");
            assert_eq!(&united.as_slice()[..4], large.as_slice(), "{kind:?}");
            // What was taken over can be sent back.
            assert!(Items::parse(kind, Some(&json!(united.as_slice()))).is_ok(), "{kind:?}");
        }
    }

    // D17: an amount that makes a list too large stays as it is.
    #[test]
    fn a_list_grows_to_its_limit_to_the_byte() {
        let one = |quantity: u32, fill: usize| {
            items(DataKind::Cart, &json!([{ "id": "a", "quantity": quantity, "more": "x".repeat(fill) }]))
        };
        let frame = serde_json::to_vec(one(9, 0).as_slice()).unwrap().len();
        let full = 128 * 1024 - frame;
        for (fill, quantity, gained) in [(full, 9, 0), (full - 1, 12, 1)] {
            assert_eq!(merge(DataKind::Cart, (one(9, fill), one(3, 0)), 99), (one(quantity, fill), gained));
        }
    }

    // D17
    #[test]
    fn the_oldest_of_a_history_go() {
        let day =
            |year: i32, n: usize| json!({ "id": format!("p-{n}"), "at": format!("{year}-01-01T00:00:00Z") });
        let of = |year: i32, n: usize| {
            items(DataKind::History, &json!((0..n).map(|i| day(year, i)).collect::<Vec<_>>()))
        };
        let (united, gained) = merge(DataKind::History, (of(2025, 300), of(2026, 300)), 99);
        assert_eq!((united.len(), gained), (500, 300));
        let (united, gained) = merge(DataKind::History, (of(2026, 300), of(2025, 300)), 99);
        assert_eq!((united.len(), gained), (500, 200));
        assert_eq!(united.as_slice()[200..], of(2026, 300).as_slice()[..]);
    }
}
