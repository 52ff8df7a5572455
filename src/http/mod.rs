//! Floor 6: the HTTP rim.
//!
//! It turns requests into calls of the engine and answers into envelopes, and is the only place that knows a status
//! code. It decides nothing about rights: `caller.rs` reads what was presented, the engine says who that is, and what
//! belongs to somebody else is not found.
//!
//! Adding a route: a handler in the file of its subject, a row in `router`, and a row in the table of
//! `tests/it/http/routes.rs`, which tries every kind of caller on it.

mod account;
mod agent;
mod auth;
mod body;
mod caller;
mod conversations;
mod cookies;
mod dev;
mod device_data;
mod envelope;
mod guard;
mod handoff;
mod metrics;
mod ops;
mod options;
mod page;
mod params;
mod sessions;
mod sign_in;
mod stream;
mod traceparent;
mod twilio;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, patch, post, put};

pub use dev::CLOCK;
pub use envelope::ApiError;
pub use options::Options;
pub use twilio::Twilio;

use crate::clock::MovableClock;
use crate::crypto::Keys;
use crate::engine::Engine;
use crate::model::{Profile, Secret};

/// What the routes work with.
#[derive(Debug)]
pub struct Parts {
    /// The engine.
    pub engine: Arc<Engine>,
    /// Opens what the development outbox keeps.
    pub keys: Arc<Keys>,
    /// How the process is run.
    pub profile: Profile,
    /// Settings.
    pub options: Options,
    /// What Twilio's requests are known by.
    pub twilio: Twilio,
    /// What the operator's desk signs with. Without it nobody is the desk.
    pub desk_secret: Option<Secret>,
    /// The clock that `POST /test/clock` moves; only in the profile `test`.
    pub test_clock: Option<Arc<MovableClock>>,
}

/// The parts, as handlers share them.
pub type Shared = Arc<Parts>;

/// Every route that the profile has.
pub fn router(parts: Parts) -> Router {
    let shared: Shared = Arc::new(parts);
    let mut router = Router::new()
        .route("/", get(page::index))
        .route("/web/{file}", get(page::file))
        .route("/favicon.ico", get(page::icon))
        .route("/health", get(ops::health))
        .route("/ready", get(ops::ready))
        .route("/metrics", get(metrics::metrics))
        .route("/.well-known/jwks.json", get(ops::jwks))
        .route("/webhooks/handoff", post(handoff::desk))
        .route("/webhooks/twilio/status", post(twilio::status))
        .route("/webhooks/twilio/sms", post(twilio::sms))
        .route("/api/devices", post(auth::new_device))
        .route("/api/auth/login", post(sign_in::sign_in))
        .route("/api/auth/register", post(sign_in::sign_in))
        .route("/api/auth/refresh", post(auth::refresh))
        .route("/api/auth/logout", post(auth::logout))
        .route("/api/auth/step-up", post(account::step_up))
        .route("/api/me", get(auth::me))
        .route("/api/me", patch(account::change))
        .route("/api/me", delete(account::delete))
        .route("/api/me/export", get(account::export))
        .route("/api/sessions", get(sessions::list))
        .route("/api/sessions", delete(sessions::end_many))
        .route("/api/sessions/{id}", delete(sessions::end_one))
        .route("/api/devices", get(sessions::devices))
        .route("/api/devices/{id}", delete(sessions::forget))
        .route("/api/devices/{id}", patch(sessions::rename))
        .route("/api/device-data/{kind}", get(device_data::show))
        .route("/api/device-data/{kind}", put(device_data::put))
        .route("/api/agent/run", post(stream::run))
        .route("/api/agent/run-sync", post(agent::run_sync))
        .route("/api/agent/usage", get(agent::usage))
        .route("/api/agent/conversations", get(conversations::list))
        .route("/api/agent/conversations/{id}", get(conversations::one))
        .route("/api/agent/conversations/{id}/messages", get(conversations::messages));
    if shared.profile != Profile::Prod {
        router = router.route("/dev/outbox", get(dev::outbox));
    }
    if shared.profile == Profile::Test {
        router = router.route("/test/clock", post(dev::clock));
    }
    guard::around(router.fallback(guard::unknown).method_not_allowed_fallback(guard::not_allowed), &shared)
        .with_state(shared)
}
