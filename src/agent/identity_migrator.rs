//! The identity migrator: what an anonymous device gathered moves into the account (S2-36…39, D17).

use serde_json::{Map, Value, json};

use super::handler::outcomes;
use super::{Error, Handler, Parked, Registered, Turn};
use crate::model::{Assurance, DeviceId, MigrationType, Route, SessionAction, SubIntent, UserId};
use crate::tool::migration::{
    self, Counts, GetDeviceDataSummary, LinkDeviceToUser, LinkDeviceToUserAnswer, MigrateDeviceData,
    MigrateDeviceDataAnswer,
};

pub(super) fn handlers() -> Vec<Registered> {
    vec![
        Registered::of::<TakeMigration>(),
        Registered::of::<MigrateData>(),
        Registered::of::<SummariseData>(),
    ]
}

outcomes! {
    /// What is asked for.
    TakeMigrationOutcome {
        /// Something is to be moved.
        Ready = "ready",
        /// What there is is to be told.
        Summary = "summary",
        /// What is to be moved was not said.
        Missing = "missing",
    }
}

/// Takes what is to be moved from what was said.
#[derive(Debug)]
pub struct TakeMigration;

impl Handler for TakeMigration {
    const NAME: &'static str = "take_migration";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = TakeMigrationOutcome;

    async fn run(turn: &mut Turn) -> Result<TakeMigrationOutcome, Error> {
        if turn.heard.entities.action == Some(SessionAction::View) {
            return Ok(TakeMigrationOutcome::Summary);
        }
        if turn.heard.entities.migration_type.is_some() {
            return Ok(TakeMigrationOutcome::Ready);
        }
        let mut options = Vec::new();
        for key in ["migration.all", "migration.cart", "migration.favorites", "migration.history"] {
            let label = turn.replies.say(&turn.tools.language, key, &Map::new())?;
            options.push(json!({ "label": label, "value": label }));
        }
        turn.tell("options", options);
        Ok(TakeMigrationOutcome::Missing)
    }
}

outcomes! {
    /// Whether the account gained something.
    MigrateOutcome {
        /// It did.
        Moved = "moved",
        /// There was nothing that it had not.
        Nothing = "nothing",
    }
}

/// Moves it.
#[derive(Debug)]
pub struct MigrateData;

impl Handler for MigrateData {
    const NAME: &'static str = "migrate_data";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = MigrateOutcome;

    async fn run(turn: &mut Turn) -> Result<MigrateOutcome, Error> {
        let unproven = || Error::Unproven(Self::NAME);
        let user_id = turn.tools.actor.user().cloned().ok_or_else(unproven)?;
        let device_id = turn.tools.actor.device().cloned().ok_or_else(unproven)?;
        let link = LinkDeviceToUser { user_id: user_id.clone(), device_id: device_id.clone() };
        if migration::link_device_to_user(&mut turn.tools, &link) == LinkDeviceToUserAnswer::Unknown {
            return Err(unproven());
        }
        let what = turn.heard.entities.migration_type.unwrap_or(MigrationType::All);
        let moved = take_over(turn, (user_id, device_id), what).await?;
        let counts = moved.unwrap_or_default();
        turn.tell("migration_results", json!(counts));
        turn.tell("total_items", counts.total());
        Ok(if moved.is_some() { MigrateOutcome::Moved } else { MigrateOutcome::Nothing })
    }
}

outcomes! {
    /// A summary always comes.
    SummaryOutcome {
        /// Here it is.
        Shown = "shown",
    }
}

/// Tells what the device has gathered.
#[derive(Debug)]
pub struct SummariseData;

impl Handler for SummariseData {
    const NAME: &'static str = "summarise_data";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = SummaryOutcome;

    async fn run(turn: &mut Turn) -> Result<SummaryOutcome, Error> {
        let device_id = turn.tools.actor.device().cloned().ok_or(Error::Unproven(Self::NAME))?;
        let counts =
            migration::get_device_data_summary(&turn.tools, GetDeviceDataSummary { device_id }).await?;
        let counts = counts.ok_or(Error::Unproven(Self::NAME))?;
        turn.values.insert("parts".into(), parts(counts));
        turn.tell("summary", json!(counts));
        turn.tell("total_items", counts.total());
        Ok(SummaryOutcome::Shown)
    }
}

/// What a sign-in takes over by itself (S2-39); the answer stays the sign-in's.
pub(super) async fn after_sign_in(turn: &mut Turn, user_id: &UserId) -> Result<(), Error> {
    let now = turn.tools.now;
    let is_move = |request: &Parked| request.route == Route::User(SubIntent::MigrateIdentity);
    let waits = turn.state.requests().any(|request| is_move(request) && request.waits(now));
    let Some(device_id) = turn.tools.actor.device().cloned().filter(|_| !waits) else { return Ok(()) };
    if let Some(counts) = take_over(turn, (user_id.clone(), device_id), MigrationType::All).await? {
        turn.tell("migration_results", json!(counts));
        turn.tell("total_items", counts.total());
    }
    Ok(())
}

async fn take_over(
    turn: &mut Turn,
    (user_id, device_id): (UserId, DeviceId),
    migration_type: MigrationType,
) -> Result<Option<Counts>, Error> {
    let ask = MigrateDeviceData { user_id, device_id, migration_type };
    match migration::migrate_device_data(&mut turn.tools, ask).await? {
        MigrateDeviceDataAnswer::Migrated { migration_results } => {
            turn.state.progress.migration_completed = true;
            turn.state.progress.migrated_data =
                json!(migration_results).as_object().cloned().unwrap_or_default();
            turn.values.insert("parts".into(), parts(migration_results));
            Ok(Some(migration_results))
        }
        MigrateDeviceDataAnswer::Nothing => Ok(None),
        // The device is the one of the credential; nobody names another here.
        MigrateDeviceDataAnswer::Unknown => Err(Error::Unproven("migrate_data")),
    }
}

/// The kinds there is something of, for the reply.
fn parts(counts: Counts) -> Value {
    let all = [
        ("cart", counts.cart_items),
        ("favorites", counts.favorites),
        ("history", counts.history),
        ("preferences", counts.preferences),
    ];
    all.into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| json!({ "kind": kind, "count": count }))
        .collect()
}
