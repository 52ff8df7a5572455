//! Audit events: what happened, without any value.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{ConversationId, DeviceId, EventId, SessionId, UserId};

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// The closed set of audit events.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
        pub enum EventKind {
            $($(#[$doc])* #[serde(rename = $name)] $variant),+
        }

        impl EventKind {
            /// The name as stored.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

kinds! {
    /// A code was asked for.
    OtpRequested = "otp_requested",
    /// The provider took the message.
    OtpSent = "otp_sent",
    /// The provider refused the message, or its answer never came.
    OtpSendFailed = "otp_send_failed",
    /// A code by e-mail was worded and sent to nobody: no address is known. It shows nowhere else (D5).
    OtpUnaddressed = "otp_unaddressed",
    /// A code was asked for and refused; the detail says which limit.
    OtpBlocked = "otp_blocked",
    /// The right code.
    OtpVerifyOk = "otp_verify_ok",
    /// A wrong code; the detail says how many tries are left.
    OtpVerifyFail = "otp_verify_fail",
    /// Too many wrong tries: the code is dead.
    OtpBurnt = "otp_burnt",
    /// A code came after its time.
    OtpExpired = "otp_expired",
    /// A code came again after it was used.
    OtpReplay = "otp_replay",
    /// An identifier was locked.
    LockSet = "lock_set",
    /// An identifier's lock was over when it was next asked about.
    LockEnd = "lock_end",
    /// Somebody signed in.
    LoginOk = "login_ok",
    /// Somebody signed in after wrong tries.
    LoginAfterFail = "login_after_fail",
    /// An account was made.
    Register = "register",
    /// A session was made.
    SessionCreated = "session_created",
    /// A session's token was exchanged for its successor.
    SessionRefreshed = "session_refreshed",
    /// An exchanged token came back after its grace: the session was ended.
    SessionReuseDetected = "session_reuse_detected",
    /// A session made room for a newer one.
    SessionEvicted = "session_evicted",
    /// A session was ended; the detail says by whom.
    SessionRevoked = "session_revoked",
    /// A device got another name.
    SessionRenamed = "session_renamed",
    /// A device gave back a code of an account and is trusted by it.
    DeviceTrusted = "device_trusted",
    /// An account trusts a device no more; the detail says why.
    DeviceForgotten = "device_forgotten",
    /// Somebody took along what is known of them.
    ExportMade = "export_made",
    /// The account's deletion was asked for.
    DeleteRequested = "delete_requested",
    /// It was called off by a sign-in.
    DeleteCancelled = "delete_cancelled",
    /// It was carried out; the account's id stands for nobody from then on.
    DeleteDone = "delete_done",
    /// The account has another name.
    NameChanged = "name_changed",
    /// Lists that a device gathered are being moved into an account; the detail says what was asked for.
    MigrationStarted = "migration_started",
    /// A list that a device gathered went into an account.
    MigrationApplied = "migration_applied",
    /// Somebody asked for what another device gathered.
    MigrationRejected = "migration_rejected",
    /// A new phone number or e-mail address was named.
    ContactChangeRequested = "contact_change_requested",
    /// The new phone number or e-mail address is in force.
    ContactChangeConfirmed = "contact_change_confirmed",
    /// The change was called off, or lapsed.
    ContactChangeCancelled = "contact_change_cancelled",
    /// The old phone number or e-mail address was told of the change.
    ContactOldNotified = "contact_old_notified",
    /// A second code was verified for one act.
    StepUpOk = "step_up_ok",
    /// An account was closed and its number given free.
    AccountDetached = "account_detached",
    /// A conversation was handed to the operator's desk.
    HandoffBegan = "handoff_began",
    /// The engine answers again; the detail says who ended it.
    HandoffEnded = "handoff_ended",
    /// Somebody reached for what is not theirs.
    AuthzDenied = "authz_denied",
    /// A webhook was called without a signature that holds; the detail says which, and more of them in a minute are not
    /// noted.
    WebhookBadSignature = "webhook_bad_signature",
}

/// One row of the audit log.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// The row's id.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// The account concerned, where one is known.
    pub user: Option<UserId>,
    /// The device that spoke.
    pub device: Option<DeviceId>,
    /// The session concerned.
    pub session: Option<SessionId>,
    /// The conversation it happened in.
    pub conversation: Option<ConversationId>,
    /// The address of the caller, whole: the audit table is the one place that keeps it.
    pub ip: Option<String>,
    /// Counts, reasons and ids; never a value.
    pub detail: Map<String, Value>,
}
