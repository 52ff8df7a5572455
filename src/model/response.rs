//! The standard answer of every agent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $success:literal;)+) => {
        /// What an answer is, as a closed set. Each action says whether the person's request went on as asked.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Action {
            $($(#[$doc])* #[serde(rename = $name)] $variant),+
        }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The wire name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// True for every question the engine asks on the way and for every result, false for refusals and
            /// failures.
            pub fn success(self) -> bool {
                match self { $(Self::$variant => $success),+ }
            }
        }
    };
}

actions! {
    /// A phone number is asked for.
    PhoneRequested = "phone_requested", true;
    /// A code was sent.
    OtpSent = "otp_sent", true;
    /// The code is asked for again.
    OtpRequested = "otp_requested", true;
    /// A name is asked for.
    NameRequested = "name_requested", true;
    /// Somebody signed in to an account they had.
    LoginSuccessful = "login_successful", true;
    /// Somebody made an account and is signed in.
    RegistrationSuccessful = "registration_successful", true;
    /// There was nothing to do: this person is signed in.
    AlreadyAuthenticated = "already_authenticated", true;
    /// The session that spoke has ended.
    LoggedOut = "logged_out", true;
    /// The live sessions.
    SessionsListed = "sessions_listed", true;
    /// The devices.
    DevicesListed = "devices_listed", true;
    /// One session was ended.
    SessionRevoked = "session_revoked", true;
    /// Several sessions were ended, or all.
    SessionsRevoked = "sessions_revoked", true;
    /// The engine asks whether it really is to do that.
    ConfirmationRequested = "confirmation_requested", true;
    /// A device has another name.
    DeviceRenamed = "device_renamed", true;
    /// A change waits for its code, or for its time.
    PendingVerification = "pending_verification", true;
    /// What a device gathered is in the account.
    MigrationSuccessful = "migration_successful", true;
    /// The device had nothing that the account had not.
    NothingToMigrate = "nothing_to_migrate", true;
    /// What the device has gathered.
    DeviceDataSummary = "device_data_summary", true;
    /// What is known of the person.
    IdentityShown = "identity_shown", true;
    /// A change is in force.
    IdentityUpdated = "identity_updated", true;
    /// The engine asks what was meant.
    ClarificationNeeded = "clarification_needed", true;
    /// More has to be known before it can be done.
    DetailsRequested = "details_requested", true;
    /// What was begun was left.
    Cancelled = "cancelled", true;
    /// What can be done here.
    Help = "help", true;
    /// A person at the operator's desk answers in the engine's stead; with an empty message where there is nothing to say.
    HandedOff = "handed_off", true;
    /// The engine answers again.
    Resumed = "resumed", true;
    /// A greeting or small talk was answered.
    Answered = "answered", true;
    /// The code is wrong.
    OtpInvalid = "otp_invalid", false;
    /// The code is too old.
    OtpExpired = "otp_expired", false;
    /// Too many wrong tries at this code.
    OtpAttemptsExceeded = "otp_attempts_exceeded", false;
    /// Too many codes were asked for, or too soon.
    OtpSendLimited = "otp_send_limited", false;
    /// The message could not be delivered.
    OtpNotDelivered = "otp_not_delivered", false;
    /// The number is locked for a while.
    AccountLocked = "account_locked", false;
    /// That needs somebody who is signed in.
    AuthenticationRequired = "authentication_required", false;
    /// That needs a code of its own first.
    StepUpRequired = "step_up_required", false;
    /// The number alone does not open the account.
    SecondProofRequired = "second_proof_required", false;
    /// The account has all the sessions it may have.
    SessionLimit = "session_limit", false;
    /// There is no such session, or it is somebody else's.
    SessionUnknown = "session_unknown", false;
    /// There is no such device, or it is somebody else's.
    DeviceUnknown = "device_unknown", false;
    /// A value cannot be taken; the reason is in `data`.
    InvalidValue = "invalid_value", false;
    /// An outside service does not answer.
    Unavailable = "unavailable", false;
    /// Not something this product does.
    OutOfScope = "out_of_scope", false;
    /// Something is broken on our side; the error id is in `data`.
    InternalError = "internal_error", false;
}

impl Action {
    /// Reads a wire name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|a| a.as_str() == text)
    }
}

/// What every agent answers, on every path, errors included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeResponse {
    /// What this answer is.
    pub action: Action,
    /// Whether the person's request went on as asked.
    pub success: bool,
    /// `message` for the person, and what belongs to the action.
    pub data: Map<String, Value>,
    /// How the message was understood and where the person stands.
    pub context: Map<String, Value>,
}

impl NodeResponse {
    /// An answer with its text; `success` follows from the action.
    pub fn new(action: Action, message: impl Into<String>) -> Self {
        let mut data = Map::new();
        data.insert("message".into(), Value::String(message.into()));
        Self { action, success: action.success(), data, context: Map::new() }
    }

    /// The text for the person.
    pub fn message(&self) -> &str {
        self.data.get("message").and_then(Value::as_str).unwrap_or_default()
    }
}
