//! What a message was understood to mean.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Control, Phone};

/// The four kinds of identity work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubIntent {
    /// Sign in or register.
    Authenticate,
    /// See, end or rename sessions and devices.
    ManageSessions,
    /// Move what an anonymous device gathered into the account.
    MigrateIdentity,
    /// Change name, e-mail or phone.
    UpdateIdentity,
}

impl SubIntent {
    /// All four, in the order of the seed's table.
    pub const ALL: [Self; 4] =
        [Self::Authenticate, Self::ManageSessions, Self::MigrateIdentity, Self::UpdateIdentity];

    /// The wire name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::ManageSessions => "manage_sessions",
            Self::MigrateIdentity => "migrate_identity",
            Self::UpdateIdentity => "update_identity",
        }
    }

    /// Reads a wire name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }

    /// The sub-intent that the graph of that name serves; every other graph is a route by its own name.
    pub fn of_graph(name: &str) -> Option<Self> {
        Some(match name {
            "authenticator" => Self::Authenticate,
            "session_manager" => Self::ManageSessions,
            "identity_migrator" => Self::MigrateIdentity,
            "identity_manager" => Self::UpdateIdentity,
            _ => return None,
        })
    }
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// To one of the identity agents.
    User(SubIntent),
    /// To an agent that a graph file adds.
    Agent(String),
    /// To the general agent: greetings, small talk, questions about what can be done here.
    General,
    /// Nowhere: this is not what the product is for.
    OutOfScope,
}

impl Route {
    /// The name used in contexts and traces.
    pub fn as_str(&self) -> &str {
        match self {
            Self::User(sub_intent) => sub_intent.as_str(),
            Self::Agent(name) => name,
            Self::General => "general",
            Self::OutOfScope => "out_of_scope",
        }
    }
}

/// What an `ask` node waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// A phone number to sign in with.
    Phone,
    /// A code.
    Otp,
    /// A person's name.
    Name,
    /// An e-mail address.
    Email,
    /// A phone number to change to.
    NewPhone,
    /// Which field to change.
    Field,
    /// Which device or session is meant.
    Device,
    /// A new name for a device.
    DeviceName,
    /// What to migrate.
    MigrationType,
    /// Yes or no.
    Confirm,
    /// Whatever is said, or what a pattern finds in it.
    Text,
}

impl Slot {
    /// Every slot.
    pub const ALL: [Self; 11] = [
        Self::Phone,
        Self::Otp,
        Self::Name,
        Self::Email,
        Self::NewPhone,
        Self::Field,
        Self::Device,
        Self::DeviceName,
        Self::MigrationType,
        Self::Confirm,
        Self::Text,
    ];

    /// The name used in graph files, contexts and training rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Otp => "otp",
            Self::Name => "name",
            Self::Email => "email",
            Self::NewPhone => "new_phone",
            Self::Field => "field",
            Self::Device => "device",
            Self::DeviceName => "device_name",
            Self::MigrationType => "migration_type",
            Self::Confirm => "confirm",
            Self::Text => "text",
        }
    }

    /// Reads a slot's name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// What is to be done with sessions or devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionAction {
    /// List the sessions.
    View,
    /// List the devices.
    Devices,
    /// End one or more sessions.
    Revoke,
    /// Give a device another name.
    Rename,
}

/// What is to be migrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MigrationType {
    /// Everything.
    All,
    /// The shopping cart.
    Cart,
    /// Favourites.
    Favorites,
    /// Browsing history.
    History,
}

/// A field of the identity and its new value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldValue {
    /// `name`, `email` or `phone`.
    pub field: String,
    /// The new value.
    pub value: String,
}

/// What was found in a message. Absent entities are left out on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Entities {
    /// A possible phone number, E.164. Held as a [`Phone`] so that it is masked wherever it is printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// A code of 4 to 8 ASCII digits, as given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otp_code: Option<String>,
    /// What to do with sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<SessionAction>,
    /// Whether every session is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoke_all: Option<bool>,
    /// Whether the session that speaks is to be kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_current: Option<bool>,
    /// Which session or device: its place in the list, its id, or `current`, `other`, `last`, `oldest`, `today`,
    /// `yesterday`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_ref: Option<String>,
    /// Which device, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// The name a device is to get.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_device_name: Option<String>,
    /// What to migrate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration_type: Option<MigrationType>,
    /// Which field to change: `name`, `email` or `phone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The new value of that field, or the name that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Every field and its new value, where several are to change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldValue>,
}

impl Entities {
    /// Whether somebody only wants to look at something.
    pub fn looks(&self) -> bool {
        matches!(self.action, Some(SessionAction::View | SessionAction::Devices))
    }
}

/// The classification as seed 002 names it: the wire form, and the schema a model must answer in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SubIntentClassification {
    /// Which of the four.
    pub sub_intent: SubIntent,
    /// From 0 to 1; calibrated, so that 0.8 is right four times out of five.
    pub confidence: f64,
    /// What was found.
    pub entities: Entities,
    /// What is still needed.
    pub missing_entities: Vec<String>,
    /// Why, in a few words; never the person's text.
    pub reasoning: String,
}

/// Which tier of the cascade decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// A deterministic rule.
    Rule,
    /// The local classifier.
    Local,
    /// A language model.
    Llm,
}

impl Tier {
    /// All of them, the surest and cheapest first.
    pub const ALL: [Self; 3] = [Self::Rule, Self::Local, Self::Llm];

    /// The name in configuration, contexts and traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Local => "local",
            Self::Llm => "llm",
        }
    }
}

impl std::str::FromStr for Tier {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|tier| tier.as_str() == text).ok_or(())
    }
}

/// Its name on the wire.
impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A text that was plainly meant for the awaited slot and cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The slot.
    pub slot: Slot,
    /// A machine code for why: `no_digits`, `too_short`, `too_long`, `letters`, `extension`, `country_missing`, ….
    pub reason: &'static str,
}

/// What classification hands to the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Understanding {
    /// Where the message goes.
    pub route: Route,
    /// From 0 to 1.
    pub confidence: f64,
    /// Whether the engine must ask rather than act on `route`.
    pub unclear: bool,
    /// Whether the text fills the awaited slot (the entity is then in `entities`).
    pub answers: bool,
    /// A move that steers the conversation itself.
    pub control: Option<Control>,
    /// What was found.
    pub entities: Entities,
    /// What the route still needs.
    pub missing: Vec<&'static str>,
    /// A failed try at the awaited slot.
    pub rejected: Option<Rejected>,
    /// Who decided.
    pub tier: Tier,
    /// Each request by itself, in the order they were said, where the message holds several; else empty.
    pub requests: Vec<Understanding>,
    /// Whether a model alone names an act, which the person is then asked to confirm.
    pub proposed: bool,
    /// What the local classifier thinks, the likeliest routes first; empty where it was not asked.
    pub scores: Vec<(String, f64)>,
    /// Why, in a few words; never the person's text.
    pub reasoning: String,
}

impl Understanding {
    /// What a rule is sure of.
    pub fn by_rule(route: Route, entities: Entities, reasoning: impl Into<String>) -> Self {
        Self {
            route,
            confidence: 1.0,
            unclear: false,
            answers: false,
            control: None,
            entities,
            missing: Vec::new(),
            rejected: None,
            tier: Tier::Rule,
            requests: Vec::new(),
            proposed: false,
            scores: Vec::new(),
            reasoning: reasoning.into(),
        }
    }

    /// The seed's form, where the route is one of its four.
    pub fn classification(&self) -> Option<SubIntentClassification> {
        let Route::User(sub_intent) = self.route else { return None };
        Some(SubIntentClassification {
            sub_intent,
            confidence: self.confidence,
            entities: self.entities.clone(),
            missing_entities: self.missing.iter().map(|&m| m.to_owned()).collect(),
            reasoning: self.reasoning.clone(),
        })
    }
}
