//! What the product suggests to say, it understands.

use serde_json::Map;
use vestibule::classify::{Classifier, Input, Options, goes_back};
use vestibule::model::{Control, Route, SessionAction, Slot, SubIntent};
use vestibule::prompt::{self, REPLIES, Replies, Source};

// S2-6
#[test]
fn every_suggestion_is_understood_in_every_language() {
    let replies = Replies::load(&prompt::Options::default(), &Source::compiled_in()).unwrap();
    let classifier = Classifier::new(&Options::default()).unwrap();
    for (key, _) in REPLIES.iter().filter(|(key, _)| key.starts_with("suggest.")) {
        for language in ["en", "es"] {
            let text = replies.say(language, key, &Map::new()).unwrap();
            // Whoever is handed to a person is not understood in anything but this.
            if *key == "suggest.assistant" {
                assert!(goes_back(&text), "{language} {key}: {text}");
                continue;
            }
            let waits = matches!(*key, "suggest.resend" | "suggest.by_email" | "suggest.cancel");
            let awaiting = waits.then_some(Slot::Otp);
            let heard = classifier.understand(&Input { text: &text, awaiting, ..Input::default() });
            let entities = &heard.entities;
            let (route, right) = match *key {
                "suggest.resend" => (SubIntent::Authenticate, heard.control == Some(Control::Resend)),
                "suggest.by_email" => (SubIntent::Authenticate, heard.control == Some(Control::Email)),
                "suggest.cancel" => (SubIntent::Authenticate, heard.control == Some(Control::Cancel)),
                "suggest.log_in" => (SubIntent::Authenticate, true),
                "suggest.profile" => {
                    (SubIntent::UpdateIdentity, entities.action == Some(SessionAction::View))
                }
                "suggest.change_name" => {
                    (SubIntent::UpdateIdentity, entities.field.as_deref() == Some("name"))
                }
                "suggest.change_email" => {
                    (SubIntent::UpdateIdentity, entities.field.as_deref() == Some("email"))
                }
                "suggest.sessions" => {
                    (SubIntent::ManageSessions, entities.action == Some(SessionAction::View))
                }
                "suggest.end_others" => (SubIntent::ManageSessions, entities.keep_current == Some(true)),
                "suggest.move_all" => (SubIntent::MigrateIdentity, entities.migration_type.is_some()),
                other => panic!("nobody says what {other} is to mean"),
            };
            assert!(
                !heard.unclear && heard.route == Route::User(route) && right,
                "{language} {key}: {heard:?}"
            );
        }
    }
}
