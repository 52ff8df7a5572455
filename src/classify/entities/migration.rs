//! What is to be migrated.

use crate::classify::text::{Words, is_near};
use crate::model::MigrationType;

/// The kinds and their words. Scripts that do not part words are looked for inside a word.
const KINDS: [(MigrationType, &str, &str); 3] = [
    (
        MigrationType::Cart,
        "cart|carts|basket|bag|trolley|carrito|cesta|carro|panier|warenkorb|carrinho|sacola|kart",
        "カート|购物车|سلة|سلتي",
    ),
    (
        MigrationType::Favorites,
        "favorites|favourites|favorite|favourite|favorits|favs|fav|faves|wishlist|wishlists|wish|liked|likes|saved|favoritos|favorito|deseos|guardados|favoris|favoriten|merkliste|wunschliste",
        "お気に入り|收藏|المفضلة",
    ),
    (
        MigrationType::History,
        "history|purchase|purchases|purchased|bought|orders|order|compras|pedidos|commandes|achats|bestellungen|browsing|browsed|viewed|looked|viewing|visited|seen|searches|historial|historique|verlauf|historico|navegacion",
        "履歴|历史|السجل|سجل",
    ),
];
const EVERYTHING: &str = "everything|all|guest|whole|todo|todos|todas|invitado|tout|toutes|tous|alles|alle|gastkonto|tudo|tous|sab|sabkuch";
const EVERYTHING_INSIDE: &str = "全部|すべて|所有|كل|游客|ゲスト";

/// The kind that a message names. Of several the first counts: what a person names first is what they came for.
pub(in crate::classify) fn kind(words: &Words) -> Option<MigrationType> {
    let first = |listed: &str, inside: &str| {
        words.as_slice().iter().enumerate().position(|(n, word)| {
            let named = is_near(word, listed) || inside.split('|').any(|i| word.contains(i));
            named && !is_denied(words, n)
        })
    };
    let named = KINDS.iter().filter_map(|(kind, listed, inside)| Some((first(listed, inside)?, *kind)));
    let named = named.min_by_key(|(at, _)| *at).map(|(_, kind)| kind);
    // "All my favourites" are the favourites; "everything" alone is everything.
    named.or_else(|| first(EVERYTHING, EVERYTHING_INSIDE).map(|_| MigrationType::All))
}

/// The kind that is to be moved besides something else, as in "log in and transfer my wish list".
pub(super) fn also_moved(words: &Words) -> Option<MigrationType> {
    const ACTS: &str = "transfer|move|migrate|merge|bring|import|keep|carry|copy|transfiere|pasa|mueve|trae|conserva|importa|transfere|transferir|ubertrage|ubertragen|ubernehmen";
    let asks = words.any(ACTS) && !is_forbidden(words);
    asks.then(|| kind(words)).flatten()
}

/// Whether a message forbids to migrate. A route taken all the same would do what was not wanted.
pub(in crate::classify) fn is_forbidden(words: &Words) -> bool {
    const ACTS: &str = "transfer|move|migrate|copy|merge|bring|import|sync|carry|touch|transfieras|pases|migres|muevas|importes|copies";
    words.contain(&format!("dont|never|no want|need|wish? you|me? to? {ACTS}"))
        || words.contain(&format!("do|should|must not {ACTS}"))
}

/// Whether a message asks what there is rather than for moving it.
pub(in crate::classify) fn asks_what(words: &Words) -> bool {
    let asks =
        words.start("what|which|how|show|list|see|que|cuantos|cuantas|muestra|muestrame|hay|is|do|does");
    let about = words.contain("would|can|could|will|is|are|there be? moved|migrated|transferred|to|move?")
        || words.contain("do i have|is|on|in")
        || words.contain("summary|resumen|overview")
        || words.contain("tiene|tengo|hay en? este?")
        || words.contain(
            "pasaria|pasarian|moveria|moverian|migraria|migrarian|transferiria|transferirian|trasladaria|trasladarian",
        )
        || words.contain("is|does this|my device|phone have?");
    asks && about
}

/// Whether the word is one that is *not* to be migrated: "not the cart", "except my history".
fn is_denied(words: &Words, at: usize) -> bool {
    let before = words.as_slice().get(at.saturating_sub(3)..at).unwrap_or_default();
    before.iter().any(|w| {
        matches!(w.as_str(), "not" | "except" | "without" | "excluding" | "menos" | "excepto" | "sin")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        use MigrationType::{All, Cart, Favorites, History};
        for (text, want) in [
            ("Transfer my cart after login", Some(Cart)),
            ("move all my favourites", Some(Favorites)),
            ("my browsing history please", Some(History)),
            ("move everything", Some(All)),
            ("merge my guest account", Some(All)),
            ("the favourites, not the cart", Some(Favorites)),
            ("everything except my history", Some(All)),
            ("pasa mi carrito", Some(Cart)),
            ("把我的购物车转移", Some(Cart)),
            ("move my favortes", Some(Favorites)),
            ("the pages I visited, all of them", Some(History)),
            ("migrate my data", None),
            ("connect the purchases I made as guest to my account", Some(History)),
        ] {
            assert_eq!(kind(&Words::of(text)), want, "{text:?}");
        }
    }

    #[test]
    fn what_is_moved_besides_is_asked_for() {
        let moved = |text: &str| also_moved(&Words::of(text));
        assert_eq!(moved("log in and transfer my wishlist"), Some(MigrationType::Favorites));
        assert_eq!(moved("log in, but don't transfer my cart"), None);
        assert_eq!(moved("log in and show all"), None);
    }

    #[test]
    fn what_there_is_is_asked_and_moving_it_is_said() {
        for (text, want) in [
            ("what would be moved?", true),
            ("¿qué se migraría a mi cuenta?", true),
            ("¿qué datos se moverían?", true),
            ("¿qué hay en este dispositivo?", true),
            ("pasa mi carrito a mi cuenta", false),
            ("me gustaría que se migraría todo", false),
            ("move everything", false),
        ] {
            assert_eq!(asks_what(&Words::of(text)), want, "{text:?}");
        }
    }
}
