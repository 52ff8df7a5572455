//! The orchestrator: where a message goes.

use serde_json::{Value, json};

use super::handler::outcomes;
use super::{Error, Handler, Parked, Place, Registered, Turn, desk, repair, suggest};
use crate::model::{
    Action, Assurance, Control, Entities, MigrationType, Phone, Route, SessionAction, Slot, SubIntent,
    Understanding,
};

/// How likely a route is, from 0 to 1, that is offered where no route is likely enough: one in five is a guess worth a look.
const LEAST_OFFERED: f64 = 0.2;

pub(super) fn handlers() -> Vec<Registered> {
    vec![Registered::of::<Classify>(), Registered::of::<UserManagement>()]
}

outcomes! {
    /// Where the message goes.
    ClassifyOutcome {
        /// To the question that waits.
        Resume = "resume",
        /// To the identity agents.
        UserManagement = "user_management",
        /// To the agent of a graph file that it names.
        Agent = "agent",
        /// To the general agent.
        General = "general",
        /// "What can you do?"
        Help = "help",
        /// Nowhere.
        OutOfScope = "out_of_scope",
        /// The engine asks back.
        Unclear = "unclear",
        /// The engine asks which of the likeliest is meant.
        WhichOf = "which_of",
        /// The person is asked whether that is meant.
        Confirm = "confirm",
        /// A phone is lost.
        LostPhone = "lost_phone",
        /// What was begun is left.
        Cancel = "cancel",
        /// What was begun begins again.
        StartOver = "start_over",
        /// What was said last is said again.
        Repeat = "repeat",
        /// A person is asked for.
        Human = "human",
        /// Nowhere here: a person answers.
        Desk = "desk",
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
        if desk::is_at_it(turn) {
            return Ok(To::Desk);
        }
        in_order(turn)?;
        let to = route(turn);
        if matches!(to, To::Help | To::General) {
            let also = suggest::agents(turn)?;
            turn.values.insert("also".into(), also.into());
        }
        if matches!(to, To::Help | To::General | To::Unclear | To::OutOfScope) {
            let waiting = repair::reminder(turn).await?;
            turn.values.insert("waiting".into(), waiting.into());
        }
        let is_left = match to {
            To::UserManagement | To::Agent | To::Confirm => interrupts(turn),
            To::LostPhone => turn.is_signed_in() && is_come_back_to(turn),
            _ => false,
        };
        if is_left {
            repair::leave_for_now(turn);
        }
        // What waits for the sign-in is what was asked for last.
        let parks = !turn.is_signed_in() && turn.heard.route != Route::User(SubIntent::Authenticate);
        let goes_on = matches!(to, To::UserManagement | To::Agent) && !turn.rest.is_empty();
        if goes_on || (parks && to == To::UserManagement) {
            turn.state.next = std::mem::take(&mut turn.rest);
            turn.state.next_of = Some(turn.tools.message_id.clone());
        }
        if to == To::Unclear && turn.waiting.is_none() && turn.heard.control.is_none() {
            let choices = choices(turn)?;
            if choices.len() > 1 {
                turn.tell("options", choices);
                return Ok(To::WhichOf);
            }
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
        Some(Control::Human) => return To::Human,
        Some(Control::Lost) => return To::LostPhone,
        Some(Control::Repeat) => return To::Repeat,
        // Resend, correct, yes and no mean something only to the question that waits, if it knows them.
        Some(control) if knows(turn, control) => return To::Resume,
        // "Shall we go on?"
        Some(Control::Yes) if turn.state.offered && turn.waiting.is_some() => return To::Repeat,
        Some(Control::No) if turn.state.offered && turn.waiting.is_some() => return To::Cancel,
        // Whoever was led to the sign-in by something else, and wants none, goes on with what they were at.
        Some(Control::No) if refuses_sign_in(turn) => return To::Cancel,
        _ => {}
    }
    // An act that a model alone read out of an answer is put to the person like any other.
    if turn.heard.proposed && !turn.heard.unclear {
        return To::Confirm;
    }
    if turn.waiting.is_some() && (turn.heard.answers || turn.heard.rejected.is_some()) {
        return To::Resume;
    }
    // A question that was asked under other graphs cannot be answered any more; an outside agent's answer is on its way.
    let is_stranded = turn.waiting.is_none() && !turn.state.work.frames.is_empty();
    if turn.heard.unclear || turn.heard.control.is_some() {
        return if is_stranded { To::Resume } else { To::Unclear };
    }
    match &turn.heard.route {
        // What would have been an answer is nothing else.
        Route::OutOfScope if is_stranded && turn.state.work.call.is_none() => To::Resume,
        Route::User(_) => To::UserManagement,
        route if signs_in_first(turn, route) => To::UserManagement,
        route if turn.is_entered_by_name(route) => To::Agent,
        Route::General => To::General,
        // An agent that people do not come to by its name is nowhere.
        Route::Agent(_) | Route::OutOfScope => To::OutOfScope,
    }
}

/// Whether a message stays with the question that waits: it answers it, leaves it, or asks for nothing that would be done.
pub fn stays(turn: &Turn) -> bool {
    use ClassifyOutcome as To;
    let is_idle =
        |to: To| matches!(to, To::Help | To::Human | To::Repeat | To::General | To::OutOfScope | To::Unclear);
    let to = route(turn);
    turn.waiting.is_some() && (is_idle(to) || matches!(to, To::Resume | To::Cancel))
}

fn refuses_sign_in(turn: &Turn) -> bool {
    !turn.state.set_aside.is_empty() && turn.waiting.as_ref().is_some_and(|asked| asked.slot == Slot::Phone)
}

/// Whether somebody who is not signed in signs in before they come there. The sign-in itself is one.
fn signs_in_first(turn: &Turn, route: &Route) -> bool {
    let needs = |name: &String| {
        turn.agents.iter().any(|agent| agent.name == *name && agent.needs >= Assurance::SignedIn)
    };
    !turn.is_signed_in()
        && match route {
            Route::User(_) => true,
            Route::Agent(name) => needs(name),
            Route::General | Route::OutOfScope => false,
        }
}

fn knows(turn: &Turn, control: Control) -> bool {
    let name = control.as_str();
    turn.waiting.as_ref().is_some_and(|w| w.outcomes.iter().any(|o| o == name))
}

/// Of several requests in one message the sign-in comes first and what ends this session last; all but the first wait.
fn in_order(turn: &mut Turn) -> Result<(), Error> {
    let mut requests = std::mem::take(&mut turn.heard.requests);
    // "Log out and log me in again" is about one thing, and stays what it is as a whole.
    let is_odd = |request: &Understanding| match request.route {
        Route::User(SubIntent::Authenticate) => turn.is_signed_in(),
        _ => !turn.is_signed_in() && ends_here(request),
    };
    if requests.is_empty() || requests.iter().any(is_odd) {
        return Ok(());
    }
    if turn.tools.is_by_text() {
        // A session that a text message opens is for one act (D34).
        turn.saying.put(Place::Closing, "general.one_at_a_time");
        return Ok(());
    }
    let is_signed_in = turn.is_signed_in();
    let number = number_beside(&requests).filter(|_| !is_signed_in).cloned();
    requests.sort_by_key(|request| match request.route {
        Route::User(SubIntent::Authenticate) => 0,
        _ if ends_here(request) => 3,
        // What needs a sign-in begins with one; it must not be waited for in the middle of something else.
        Route::Agent(_) if !is_signed_in && !signs_in_first(turn, &request.route) => 2,
        _ => 1,
    });
    let mut requests = requests.into_iter();
    turn.heard = requests.next().unwrap_or_else(|| turn.heard.clone());
    let mut next = Vec::new();
    for mut request in requests {
        if !is_signed_in {
            moves_everything(&mut request);
        }
        next.push(Parked::request(&mut turn.tools, &request)?);
    }
    let is_agent = matches!(turn.heard.route, Route::Agent(_));
    if is_agent && !is_signed_in && !signs_in_first(turn, &turn.heard.route) {
        // Nothing of it needs a sign-in, after which the rest would be done.
        turn.saying.put(Place::Closing, "general.rest_later");
        return Ok(());
    }
    turn.phone = number;
    turn.rest = next;
    Ok(())
}

/// Whether a request ends the session that speaks.
fn ends_here(request: &Understanding) -> bool {
    let asked = &request.entities;
    let is_other = |reference: &str| reference != "current";
    let names_another = asked.session_ref.as_deref().is_some_and(is_other)
        || asked.device_name.is_some()
        || asked.keep_current == Some(true);
    asked.action == Some(SessionAction::Revoke) && !names_another
}

/// A sign-in takes everything over by itself; whoever asked for a part of it is told of all of it.
fn moves_everything(asked: &mut Understanding) {
    if asked.route == Route::User(SubIntent::MigrateIdentity) {
        asked.entities.migration_type = Some(MigrationType::All);
        asked.entities.action = None;
    }
}

/// Whether a request is for another agent than the one whose question waits, which is then come back to. A request to the
/// same agent takes the place of what it asked, unless somebody only wants to look at something.
fn interrupts(turn: &Turn) -> bool {
    let Some(active) = turn.state.work.active() else { return false };
    let looks = turn.heard.entities.looks();
    let elsewhere = match &turn.heard.route {
        // Whoever is not signed in comes to the sign-in whatever they ask for.
        route if signs_in_first(turn, route) => active != Route::User(SubIntent::Authenticate),
        route => *route != active || looks,
    };
    elsewhere && is_come_back_to(turn)
}

/// Whether an agent's work is come back to after something else. What is being confirmed or recovered is left for good.
pub fn comes_back(agent: &str) -> bool {
    !["understood", "lost_phone"].contains(&agent)
}

/// Whether there is a question that is come back to where something else is asked for.
pub(super) fn is_come_back_to(turn: &Turn) -> bool {
    turn.waiting.is_some()
        && match turn.state.work.active() {
            Some(Route::User(_)) => true,
            Some(Route::Agent(name)) => comes_back(&name),
            _ => false,
        }
}

/// The likeliest things that a message may ask for, in words that are understood.
fn choices(turn: &Turn) -> Result<Vec<Value>, Error> {
    let mut choices = Vec::new();
    for (route, probability) in &turn.heard.scores {
        let words = match SubIntent::parse(route) {
            Some(SubIntent::Authenticate) if turn.is_signed_in() => continue,
            Some(SubIntent::Authenticate) => Some("suggest.log_in".to_owned()),
            Some(SubIntent::ManageSessions) => Some("suggest.sessions".to_owned()),
            Some(SubIntent::UpdateIdentity) => Some("suggest.profile".to_owned()),
            Some(SubIntent::MigrateIdentity) => Some("suggest.move_all".to_owned()),
            None => suggest::agent(turn, route),
        };
        if let Some(words) = words.filter(|_| *probability >= LEAST_OFFERED) {
            let words = suggest::said(turn, &words)?;
            choices.push(json!({ "label": words, "value": words }));
        }
    }
    Ok(choices)
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
        if !turn.is_signed_in() {
            repair::take_up_sign_in(turn);
        }
        if turn.heard.route != Route::User(SubIntent::Authenticate) && !turn.is_signed_in() {
            return sign_in_first(turn);
        }
        let Route::User(sub_intent) = turn.heard.route else {
            return Ok(UserManagementOutcome::Authenticate);
        };
        if let Some(phone) = turn.phone.take() {
            turn.heard.entities.phone.get_or_insert(phone);
        }
        // Whoever forges a text's sender may have asked for something before; a sign-in that its owner begins must not
        // carry that out.
        if turn.tools.is_by_text() && !turn.is_signed_in() {
            turn.state.forget_requests();
        }
        Ok(match sub_intent {
            SubIntent::ManageSessions => UserManagementOutcome::ManageSessions,
            SubIntent::MigrateIdentity => UserManagementOutcome::MigrateIdentity,
            SubIntent::UpdateIdentity => UserManagementOutcome::UpdateIdentity,
            SubIntent::Authenticate => UserManagementOutcome::Authenticate,
        })
    }
}

/// The number to sign in with that is given along with several requests. Beside an act it may be what that is for: the
/// phone that is signed out, the number that a number is changed to.
fn number_beside(requests: &[Understanding]) -> Option<&Phone> {
    let is_change = |asked: &Entities| asked.field.as_deref() == Some("phone") && !asked.looks();
    if requests.iter().any(|request| is_change(&request.entities) && request.entities.value.is_none()) {
        return None;
    }
    let belongs = |request: &&Understanding| match request.route {
        Route::User(SubIntent::Authenticate | SubIntent::MigrateIdentity) => !is_change(&request.entities),
        Route::User(SubIntent::ManageSessions | SubIntent::UpdateIdentity) => request.entities.looks(),
        Route::Agent(_) | Route::General | Route::OutOfScope => false,
    };
    requests.iter().filter(belongs).find_map(|request| request.entities.phone.as_ref())
}

/// Parks a request until somebody signs in, and begins with that (D15).
fn sign_in_first(turn: &mut Turn) -> Result<UserManagementOutcome, Error> {
    let heard = &turn.heard.entities;
    let ends_here = heard.action == Some(SessionAction::Revoke)
        && heard.revoke_all.is_none()
        && heard.session_ref.is_none()
        && heard.device_name.is_none();
    if turn.heard.route == Route::User(SubIntent::ManageSessions) && ends_here {
        return Ok(UserManagementOutcome::LoggedOut);
    }
    moves_everything(&mut turn.heard);
    turn.state.parked = Some(Parked::of(turn)?);
    turn.saying.lead("auth.sign_in_first", Action::AuthenticationRequired);
    // A number that was given along is the one to sign in with, unless it is what a change is to be.
    let is_change =
        turn.heard.route == Route::User(SubIntent::UpdateIdentity) && !turn.heard.entities.looks();
    let given = turn.heard.entities.phone.take().filter(|_| !is_change);
    let phone = turn.phone.take().or(given);
    turn.heard.entities = Entities { phone, ..Entities::default() };
    Ok(UserManagementOutcome::SignInFirst)
}
