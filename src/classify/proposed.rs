//! What of a model's proposal counts: what the readers find goes first, and its values only where the message holds them.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::entities::{Message, of_route};
use super::text::Words;
use crate::model::{Email, Entities, MigrationType, Phone, Route, SessionAction, SubIntent};

/// Words for a session that stand in no list of names.
const REFERENCES: [&str; 6] = ["current", "last", "oldest", "other", "today", "yesterday"];

/// Entities for a route, and whether the model alone names an act that the person is to confirm.
pub(super) struct Merged {
    pub(super) entities: Entities,
    pub(super) proposed: bool,
}

/// Joins what the readers find with what a model proposes. `agrees` says that the local classifier chose the same route;
/// where it did not, what the readers find may be a quotation or a wish of somebody else's, and an act is confirmed.
pub(super) fn merge(message: &Message<'_>, route: &Route, proposal: &Value, agrees: bool) -> Merged {
    let mut entities = of_route(message, route);
    let proposal = Proposal { of: proposal, words: message.words };
    let proposed = match route {
        Route::User(SubIntent::ManageSessions) => sessions(&mut entities, &proposal, agrees),
        Route::User(SubIntent::MigrateIdentity) => migration(&mut entities, &proposal, agrees),
        Route::User(SubIntent::UpdateIdentity) => identity(&mut entities, &proposal, agrees),
        Route::User(SubIntent::Authenticate) => {
            // A number in a text that speaks of something else is not one to send a code to; it is asked for.
            entities.phone = entities.phone.filter(|_| agrees);
            false
        }
        _ => false,
    };
    Merged { entities, proposed }
}

fn sessions(found: &mut Entities, proposal: &Proposal<'_>, agrees: bool) -> bool {
    let by_reader = found.action.is_some();
    let action: Option<SessionAction> = found.action.or_else(|| proposal.named("action"));
    let acts = matches!(action, Some(SessionAction::Revoke | SessionAction::Rename));
    let has_target = found.session_ref.is_some() || found.device_name.is_some() || found.revoke_all.is_some();
    found.action = action;
    let mut is_models = !by_reader || !agrees;
    if !has_target && acts {
        let all = proposal.flag("revoke_all").or(proposal.flag("keep_current"));
        if action == Some(SessionAction::Revoke) && all.is_some() {
            found.revoke_all = all;
            found.keep_current = proposal.flag("keep_current");
        } else {
            found.session_ref = proposal.reference();
            found.device_name = proposal.held("device_name");
        }
        is_models |= all.is_some() || found.session_ref.is_some() || found.device_name.is_some();
    }
    if action == Some(SessionAction::Rename) && found.new_device_name.is_none() {
        found.new_device_name = proposal.held("new_device_name");
        is_models |= found.new_device_name.is_some();
        if found.new_device_name.is_none() && !has_target {
            // The name is asked for, and which device it is for is asked or said with it.
            (found.session_ref, found.device_name) = (None, None);
        }
    }
    // Ending all is confirmed by its own agent.
    let ends_all = found.revoke_all.is_some() && found.keep_current.is_none();
    match action {
        Some(SessionAction::Revoke) => is_models && !ends_all,
        Some(SessionAction::Rename) => is_models && found.new_device_name.is_some(),
        _ => false,
    }
}

/// A kind that the model alone names, and a move that it alone sees, are confirmed. A question what there is to move moves
/// nothing.
fn migration(found: &mut Entities, proposal: &Proposal<'_>, agrees: bool) -> bool {
    let by_reader = found.migration_type.is_some();
    found.migration_type = found.migration_type.or_else(|| proposal.named::<MigrationType>("migration_type"));
    let is_models = !by_reader && found.migration_type.is_some();
    found.action.is_none() && (!agrees || is_models)
}

/// Numbers and addresses prove themselves by their codes; a name is changed at once.
fn identity(found: &mut Entities, proposal: &Proposal<'_>, agrees: bool) -> bool {
    if found.action.is_some() {
        return false;
    }
    if !agrees {
        // Whatever else a text that speaks of something else names is asked for.
        found.changes.clear();
        found.phone = None;
        found.value = found.value.take().filter(|_| found.field.as_deref() == Some("name"));
    }
    if found.value.is_some() || !found.changes.is_empty() {
        return !agrees;
    }
    let field = found.field.clone().or_else(|| proposal.field());
    found.value =
        field.as_deref().filter(|field| agrees || *field == "name").and_then(|f| proposal.value_of(f));
    found.field = field;
    found.value.is_some() && found.field.as_deref() == Some("name")
}

struct Proposal<'a> {
    of: &'a Value,
    words: &'a Words,
}

impl Proposal<'_> {
    fn named<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        serde_json::from_value(self.of.get(key)?.clone()).ok()
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.of.get(key)?.as_bool().filter(|flag| *flag)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.of.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    /// A text whose words the message holds in that order.
    fn held(&self, key: &str) -> Option<String> {
        self.text(key).filter(|text| self.holds(text)).map(str::to_owned)
    }

    fn holds(&self, text: &str) -> bool {
        let (said, all) = (Words::of(text), self.words.as_slice());
        said.len() > 0 && all.windows(said.len()).any(|run| run == said.as_slice())
    }

    fn reference(&self) -> Option<String> {
        let text = self.text("session_ref")?;
        (REFERENCES.contains(&text) || self.holds(text)).then(|| text.to_owned())
    }

    fn field(&self) -> Option<String> {
        self.text("field").filter(|field| ["name", "email", "phone"].contains(field)).map(str::to_owned)
    }

    fn value_of(&self, field: &str) -> Option<String> {
        let value = self.held("value")?;
        match field {
            "email" => Email::parse(&value).ok().map(|email| email.key().to_owned()),
            "phone" => Phone::parse(&value, None).ok().map(|phone| phone.e164().to_owned()),
            _ => Some(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(text: &str, route: SubIntent, proposal: &Value) -> Merged {
        given(text, route, proposal, false)
    }

    fn given(text: &str, route: SubIntent, proposal: &Value, agrees: bool) -> Merged {
        let words = Words::of(text);
        merge(&Message::plain(text, &words, None), &Route::User(route), proposal, agrees)
    }

    #[test]
    fn what_readers_find_goes_first() {
        let lie =
            json!({ "action": "revoke", "revoke_all": true, "phone": "+15550001111", "otp_code": "000000" });
        let seen = merged("show my sessions", SubIntent::ManageSessions, &lie);
        assert_eq!(seen.entities.action, Some(SessionAction::View));
        assert!(!seen.proposed && seen.entities.revoke_all.is_none());
        assert!(seen.entities.phone.is_none() && seen.entities.otp_code.is_none());
        let renamed = json!({ "field": "name", "value": "Mallory" });
        let own = given("change my name to Anna", SubIntent::UpdateIdentity, &renamed, true);
        assert_eq!((own.entities.value.as_deref(), own.proposed), (Some("Anna"), false));
    }

    #[test]
    fn an_act_that_the_model_alone_names_is_to_be_confirmed() {
        let all = json!({ "action": "revoke", "revoke_all": true });
        let ended = merged("melde mich überall ab", SubIntent::ManageSessions, &all);
        assert!(!ended.proposed && ended.entities.revoke_all == Some(true), "its agent asks by itself");
        let others = json!({ "action": "revoke", "revoke_all": true, "keep_current": true });
        assert!(merged("alle anderen sollen raus", SubIntent::ManageSessions, &others).proposed);
        let name = json!({ "field": "name", "value": "Marie Curie" });
        let changed = merged("je m'appelle désormais Marie Curie", SubIntent::UpdateIdentity, &name);
        assert!(changed.proposed || changed.entities.value.as_deref() == Some("Marie Curie"));
        assert!(
            merged("hol meinen korb", SubIntent::MigrateIdentity, &json!({ "migration_type": "cart" }))
                .proposed
        );
    }

    #[test]
    fn what_readers_find_where_the_local_classifier_disagrees_is_confirmed() {
        let none = json!({});
        for (text, route) in [
            ("she wrote: change my name to Mallory", SubIntent::UpdateIdentity),
            ("and to cross means to end it for good", SubIntent::ManageSessions),
            ("they say: move my cart over", SubIntent::MigrateIdentity),
        ] {
            assert!(given(text, route, &none, false).proposed, "{text}");
            assert!(!given(text, route, &none, true).proposed, "{text}");
        }
    }

    #[test]
    fn what_is_asked_is_what_is_done() {
        let others = json!({ "action": "revoke", "keep_current": true, "device_name": "them" });
        let ended = merged("end them bitte", SubIntent::ManageSessions, &others);
        assert!(
            ended.proposed && ended.entities.revoke_all == Some(true) && ended.entities.device_name.is_none()
        );
        let nameless = json!({ "action": "rename", "session_ref": "oldest" });
        let renamed = merged("neuer name bitte", SubIntent::ManageSessions, &nameless);
        assert!(!renamed.proposed && renamed.entities.session_ref.is_none());
        let all = json!({ "migration_type": "all" });
        assert!(given("hmm, whichever", SubIntent::MigrateIdentity, &all, true).proposed);
    }

    #[test]
    fn values_that_nobody_said_are_dropped() {
        let made_up = json!({ "action": "revoke", "device_name": "kitchen tablet", "session_ref": "ses_1" });
        let none = merged("abmelden bitte", SubIntent::ManageSessions, &made_up);
        assert!(none.entities.device_name.is_none() && none.entities.session_ref.is_none());
        let mail = json!({ "field": "email", "value": "evil@attacker.example" });
        let kept = merged("meine adresse ist neu", SubIntent::UpdateIdentity, &mail);
        assert_eq!(kept.entities.value, None);
        let odd = json!({ "action": 7, "revoke_all": "yes", "field": ["name"], "value": { "a": 1 } });
        for route in SubIntent::ALL {
            let merged = merged("hm", route, &odd);
            assert!(!merged.proposed || route == SubIntent::MigrateIdentity);
        }
        assert!(!merged("hm", SubIntent::ManageSessions, &json!(null)).proposed);
    }
}
