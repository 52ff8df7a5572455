//! Names of intents from the agent that came before (D20): a message that is exactly such a name routes where the
//! name's work is done now.

use crate::model::{Route, SubIntent};

/// The legacy name and what does its work.
const NAMES: &[(&str, SubIntent)] = &[
    ("login", SubIntent::Authenticate),
    ("register", SubIntent::Authenticate),
    ("authentication_agent", SubIntent::Authenticate),
    ("logout", SubIntent::ManageSessions),
    ("session_management", SubIntent::ManageSessions),
    ("update_identity", SubIntent::UpdateIdentity),
    ("migrate_data", SubIntent::MigrateIdentity),
    ("authenticate", SubIntent::Authenticate),
    ("manage_sessions", SubIntent::ManageSessions),
    ("migrate_identity", SubIntent::MigrateIdentity),
];

/// The route of a message that is a legacy or current name and nothing else.
pub(super) fn route(text: &str) -> Option<Route> {
    let text = text.trim();
    let (_, sub_intent) = NAMES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name))?;
    Some(Route::User(*sub_intent))
}

/// The name that will be taken no more one day, if a message is that.
pub(super) fn deprecated(text: &str) -> Option<&'static str> {
    const OLD: &str = "authentication_agent";
    text.trim().eq_ignore_ascii_case(OLD).then_some(OLD)
}
