//! The orchestrator: where a message goes, and the moves that steer the conversation itself.

use super::handler::outcomes;
use super::{Error, Handler, Parked, Registered, State, Turn, authenticator};
use crate::graph::Say;
use crate::model::{Action, AuthProgress, Control, Entities, MigrationType, Route, SessionAction, SubIntent};
use crate::store::challenges;
use crate::tool::{contact, otp};

pub(super) fn handlers() -> Vec<Registered> {
    vec![
        Registered::of::<Classify>(),
        Registered::of::<UserManagement>(),
        Registered::of::<Cancel>(),
        Registered::of::<StartOver>(),
    ]
}

outcomes! {
    /// Where the message goes.
    ClassifyOutcome {
        /// To the question that waits.
        Resume = "resume",
        /// To the identity agents.
        UserManagement = "user_management",
        /// To the general agent.
        General = "general",
        /// "What can you do?"
        Help = "help",
        /// Nowhere.
        OutOfScope = "out_of_scope",
        /// The engine asks back.
        Unclear = "unclear",
        /// The person is asked whether that is meant.
        Confirm = "confirm",
        /// A phone is lost.
        LostPhone = "lost_phone",
        /// What was begun is left.
        Cancel = "cancel",
        /// What was begun begins again.
        StartOver = "start_over",
    }
}

/// Reads the classification, which was made before the graph ran, and calls nothing.
#[derive(Debug)]
pub struct Classify;

impl Handler for Classify {
    const NAME: &'static str = "classify";
    type Outcome = ClassifyOutcome;

    async fn run(turn: &mut Turn) -> Result<ClassifyOutcome, Error> {
        use ClassifyOutcome as To;
        let to = route(turn);
        if matches!(to, To::Unclear | To::OutOfScope) {
            let waiting = reminder(turn).await?;
            turn.values.insert("waiting".into(), waiting.into());
        }
        Ok(to)
    }
}

fn route(turn: &Turn) -> ClassifyOutcome {
    use ClassifyOutcome as To;
    match turn.heard.control {
        Some(Control::Cancel) => return To::Cancel,
        Some(Control::StartOver) => return To::StartOver,
        Some(Control::Help) => return To::Help,
        Some(Control::Lost) => return To::LostPhone,
        // Resend, correct, yes and no mean something only to the question that waits, if it knows them.
        Some(control) if knows(turn, control) => return To::Resume,
        _ => {}
    }
    // An act that a model alone read out of an answer is put to the person like any other.
    if turn.heard.proposed && !turn.heard.unclear {
        return To::Confirm;
    }
    if turn.waiting.is_some() && (turn.heard.answers || turn.heard.rejected.is_some()) {
        return To::Resume;
    }
    if turn.heard.unclear || turn.heard.control.is_some() {
        // A question that was asked under other graphs cannot be answered any more.
        let is_stranded = turn.waiting.is_none() && !turn.state.frames.is_empty();
        return if is_stranded { To::Resume } else { To::Unclear };
    }
    match &turn.heard.route {
        Route::User(_) => To::UserManagement,
        Route::General => To::General,
        // No graph adds an agent that could be routed to by name; such a name is nowhere.
        Route::Agent(_) | Route::OutOfScope => To::OutOfScope,
    }
}

/// Whether a message stays with the question that waits: it answers it, leaves it, or asks for nothing that would be done.
pub fn stays(turn: &Turn) -> bool {
    use ClassifyOutcome as To;
    let is_idle = |to: To| matches!(to, To::Help | To::General | To::OutOfScope | To::Unclear);
    let to = route(turn);
    turn.waiting.is_some() && (is_idle(to) || matches!(to, To::Resume | To::Cancel))
}

fn knows(turn: &Turn, control: Control) -> bool {
    let name = control.as_str();
    turn.waiting.as_ref().is_some_and(|w| w.outcomes.iter().any(|o| o == name))
}

/// The waiting question, worded, so that an interruption can end with it.
async fn reminder(turn: &mut Turn) -> Result<String, Error> {
    let Some(waiting) = &turn.waiting else { return Ok(String::new()) };
    let mut values = turn.values.clone();
    values.extend(turn.state.question.clone());
    if let Some(options) = turn.state.question.get("options") {
        turn.data.insert("options".to_owned(), options.clone());
    }
    let issued = otp::issued(&turn.tools, turn.state.challenge.as_ref()).await?;
    // No code is known where none could be sent yet; the question's own words are to say what there is to do then.
    let whereabouts = authenticator::whereabouts(issued.as_ref());
    values.extend(whereabouts.map(|(key, value)| (key.to_owned(), value)));
    Ok(turn.replies.say(&turn.tools.language, &waiting.reply, &values)?)
}

outcomes! {
    /// Which identity agent.
    UserManagementOutcome {
        /// Signing in and registering.
        Authenticate = "authenticate",
        /// Sessions and devices.
        ManageSessions = "manage_sessions" grants SignedIn,
        /// Moving a device's data.
        MigrateIdentity = "migrate_identity" grants SignedIn,
        /// Name, e-mail, phone.
        UpdateIdentity = "update_identity" grants SignedIn,
        /// To the sign-in, because what was asked for needs one; it waits until then.
        SignInFirst = "sign_in_first",
        /// A log-out of somebody who is not signed in.
        LoggedOut = "logged_out",
    }
}

/// The sub-agent router of seed 002: four sub-intents, four agents.
#[derive(Debug)]
pub struct UserManagement;

impl Handler for UserManagement {
    const NAME: &'static str = "user_management_agent";
    type Outcome = UserManagementOutcome;

    async fn run(turn: &mut Turn) -> Result<UserManagementOutcome, Error> {
        let Route::User(sub_intent) = turn.heard.route else {
            return Ok(UserManagementOutcome::Authenticate);
        };
        if sub_intent != SubIntent::Authenticate && !turn.is_signed_in() {
            return sign_in_first(turn, sub_intent);
        }
        // Whoever forges a text's sender may have asked for something before; a sign-in that its owner begins must not
        // carry that out.
        if turn.tools.is_by_text() && !turn.is_signed_in() {
            turn.state.parked = None;
        }
        Ok(match sub_intent {
            SubIntent::ManageSessions => UserManagementOutcome::ManageSessions,
            SubIntent::MigrateIdentity => UserManagementOutcome::MigrateIdentity,
            SubIntent::UpdateIdentity => UserManagementOutcome::UpdateIdentity,
            SubIntent::Authenticate => UserManagementOutcome::Authenticate,
        })
    }
}

/// Parks a request until somebody signs in, and begins with that (D15).
fn sign_in_first(turn: &mut Turn, sub_intent: SubIntent) -> Result<UserManagementOutcome, Error> {
    let heard = &turn.heard.entities;
    let ends_here = heard.action == Some(SessionAction::Revoke)
        && heard.revoke_all.is_none()
        && heard.session_ref.is_none()
        && heard.device_name.is_none();
    if sub_intent == SubIntent::ManageSessions && ends_here {
        return Ok(UserManagementOutcome::LoggedOut);
    }
    if sub_intent == SubIntent::MigrateIdentity {
        // A sign-in takes everything over by itself; whoever asked for a part of it is told of all of it.
        turn.heard.entities.migration_type = Some(MigrationType::All);
        turn.heard.entities.action = None;
    }
    turn.state.parked = Some(Parked::of(turn, sub_intent)?);
    turn.lead = Some(Say { reply: "auth.sign_in_first".to_owned(), action: Action::AuthenticationRequired });
    // A number that was given along is the one to sign in with, unless it is what a change is to be.
    let phone = turn.heard.entities.phone.take().filter(|_| sub_intent != SubIntent::UpdateIdentity);
    turn.heard.entities = Entities { phone, ..Entities::default() };
    Ok(UserManagementOutcome::SignInFirst)
}

outcomes! {
    /// Whether there was something to leave.
    CancelOutcome {
        /// It was left.
        Cancelled = "cancelled",
        /// A change of number or address was, which is called off with whatever else was begun.
        Change = "change",
        /// There was nothing.
        Nothing = "nothing",
    }
}

/// Leaves what was begun: an open code dies, and the conversation is as before its first message.
#[derive(Debug)]
pub struct Cancel;

impl Handler for Cancel {
    const NAME: &'static str = "cancel";
    type Outcome = CancelOutcome;

    async fn run(turn: &mut Turn) -> Result<CancelOutcome, Error> {
        let begun = !turn.state.frames.is_empty();
        clear(turn);
        let mut called_off = false;
        if let Some(user) = turn.user.clone().filter(|_| turn.is_signed_in()) {
            called_off = contact::cancel_open(&mut turn.tools, &user).await?;
        }
        Ok(match (begun, called_off) {
            (_, true) => CancelOutcome::Change,
            (true, false) => CancelOutcome::Cancelled,
            (false, false) => CancelOutcome::Nothing,
        })
    }
}

outcomes! {
    /// Beginning again always goes on.
    StartOverOutcome {
        /// All is forgotten that may be.
        Cleared = "cleared",
    }
}

/// Forgets what was begun and begins again.
#[derive(Debug)]
pub struct StartOver;

impl Handler for StartOver {
    const NAME: &'static str = "start_over";
    type Outcome = StartOverOutcome;

    async fn run(turn: &mut Turn) -> Result<StartOverOutcome, Error> {
        clear(turn);
        Ok(StartOverOutcome::Cleared)
    }
}

fn clear(turn: &mut Turn) {
    turn.state.frames.clear();
    turn.state.change = None;
    turn.state.understood = None;
    if let Some(challenge) = &turn.state.challenge {
        turn.tools.unit.push(challenges::void(challenge));
    }
    if turn.is_signed_in() {
        return;
    }
    turn.state = State { progress: std::mem::take(&mut turn.state.progress), ..State::default() };
    AuthProgress::start_over(&mut turn.state.progress);
}
