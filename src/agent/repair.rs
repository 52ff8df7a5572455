//! Conversation repair: the moves that steer a conversation itself, alike for every agent. What is worked on is left, begun
//! again, said again, or set aside for something else and come back to.
//!
//! It knows no agent's work, only that work is a [`Work`] which is set aside and taken up as a whole.
//!
//! Adding a move: its phrases in `classify/control.rs`, a `Control`, an outcome of `Classify`, and a handler here.

use super::handler::outcomes;
use super::{
    Error, Handler, Parked, Place, Registered, State, Turn, Work, authenticator, desk, orchestrator,
};
use crate::model::{AuthProgress, Route, SubIntent};
use crate::store::challenges;
use crate::store::messages::Role;
use crate::tool::{contact, otp};

pub(super) fn handlers() -> Vec<Registered> {
    vec![
        Registered::of::<Cancel>(),
        Registered::of::<StartOver>(),
        Registered::of::<Repeat>(),
        Registered::of::<ComeBack>(),
        Registered::of::<HandOff>(),
    ]
}

/// Sets aside what is worked on, with its question.
pub(super) fn leave_for_now(turn: &mut Turn) {
    let Some(waiting) = turn.waiting.take() else { return };
    let forgotten = turn.state.leave_for_now(&waiting.reply, turn.tools.now);
    forget(turn, forgotten);
}

/// Work that nobody comes back to: its open codes die with it.
fn forget(turn: &mut Turn, works: impl IntoIterator<Item = Work>) {
    let open = works.into_iter().filter_map(|work| work.challenge);
    turn.tools.unit.extend(open.map(|challenge| challenges::void(&challenge)));
}

/// Takes up a sign-in that was set aside, where there is one: nobody signs in twice at once.
pub(super) fn take_up_sign_in(turn: &mut Turn) {
    if turn.state.work.active().is_none()
        && let Some(work) = turn.state.take_sign_in()
    {
        turn.state.work = work;
    }
}

/// The waiting question, worded, so that an interruption can end with it.
pub(super) async fn reminder(turn: &mut Turn) -> Result<String, Error> {
    let Some(waiting) = &turn.waiting else { return Ok(String::new()) };
    let reply = waiting.reply.clone();
    worded(turn, &reply).await
}

/// The question of what is worked on, asked by that reply, with the choices it had.
async fn worded(turn: &mut Turn, reply: &str) -> Result<String, Error> {
    let mut values = turn.values.clone();
    values.extend(turn.state.work.question.clone());
    values.extend(turn.facts());
    if let Some(options) = turn.state.work.question.get("options") {
        turn.data.insert("options".to_owned(), options.clone());
    }
    let issued = otp::told(&turn.tools, turn.state.work.challenge.as_ref()).await?;
    // There is no code where none could be sent yet, or where it has ended; the question's own words say what to do then.
    let whereabouts = authenticator::whereabouts(issued.as_ref());
    values.extend(whereabouts.map(|(key, value)| (key.to_owned(), value)));
    Ok(turn.replies.say(&turn.tools.language, reply, &values)?)
}

outcomes! {
    /// Whether there was something to leave.
    CancelOutcome {
        /// It was left.
        Cancelled = "cancelled",
        /// An outside agent's answer was waited for, and what it was asked may be done all the same.
        Called = "called",
        /// A change of number or address was, which is called off with whatever else was begun.
        Change = "change",
        /// There was nothing.
        Nothing = "nothing",
    }
}

/// Leaves what was begun: an open code dies, and the conversation is as before its first message. What was set aside for it
/// is come back to.
#[derive(Debug)]
pub struct Cancel;

impl Handler for Cancel {
    const NAME: &'static str = "cancel";
    type Outcome = CancelOutcome;

    async fn run(turn: &mut Turn) -> Result<CancelOutcome, Error> {
        let active = turn.state.work.active();
        // A change that was set aside for what is left now is not called off with it.
        let calls_off =
            turn.state.set_aside.is_empty() || active == Some(Route::User(SubIntent::UpdateIdentity));
        let has_called = turn.state.work.call.is_some();
        let by_agent = active.as_ref().is_some_and(|active| turn.is_entered_by_name(active));
        turn.values.insert("by_agent".into(), by_agent.into());
        clear(turn);
        let mut called_off = false;
        if let Some(user) = turn.user.clone().filter(|_| turn.is_signed_in() && calls_off) {
            called_off = contact::cancel_open(&mut turn.tools, &user).await?;
        }
        Ok(match (active, called_off) {
            (_, true) => CancelOutcome::Change,
            (Some(_), false) if has_called => CancelOutcome::Called,
            (Some(_), false) => CancelOutcome::Cancelled,
            (None, false) => CancelOutcome::Nothing,
        })
    }
}

outcomes! {
    /// Beginning again always goes on.
    StartOverOutcome {
        /// All is forgotten that may be.
        Cleared = "cleared",
        /// An agent that people come to by its name is begun again.
        Agent = "agent",
    }
}

/// Forgets what was begun, and what was set aside, and begins again.
#[derive(Debug)]
pub struct StartOver;

impl Handler for StartOver {
    const NAME: &'static str = "start_over";
    type Outcome = StartOverOutcome;

    async fn run(turn: &mut Turn) -> Result<StartOverOutcome, Error> {
        let left = std::mem::take(&mut turn.state.set_aside);
        forget(turn, left.into_iter().map(|left| left.work));
        let active = turn.state.work.active().filter(|active| turn.is_entered_by_name(active));
        clear(turn);
        Ok(match active {
            Some(active) => {
                turn.heard.route = active;
                StartOverOutcome::Agent
            }
            None => StartOverOutcome::Cleared,
        })
    }
}

/// Forgets what is worked on; of somebody who is not signed in, everything but what was set aside. A sign-in that was is
/// gone on with from where it stood, and what waits for it waits on.
fn clear(turn: &mut Turn) {
    turn.call_off();
    let work = std::mem::take(&mut turn.state.work);
    turn.state.offered = false;
    turn.tools.unit.extend(work.challenge.as_ref().map(challenges::void));
    if !turn.is_signed_in() && turn.state.set_aside.iter().any(|left| left.work.is_sign_in()) {
        return;
    }
    turn.state.forget_requests();
    if turn.is_signed_in() {
        // The code that was met last tells a repeat of it from a wrong one.
        turn.state.work = Work { challenge: work.challenge, ..Work::default() };
        return;
    }
    turn.state = State {
        set_aside: std::mem::take(&mut turn.state.set_aside),
        progress: std::mem::take(&mut turn.state.progress),
        heard_of_desk: std::mem::take(&mut turn.state.heard_of_desk),
        ..State::default()
    };
    AuthProgress::start_over(&mut turn.state.progress);
}

/// Leaves work whose graph is another one by now, for that to begin again. What waits for a sign-in waits still.
pub fn begin_again(turn: &mut Turn) {
    let work = std::mem::take(&mut turn.state.work);
    turn.tools.unit.extend(work.challenge.as_ref().map(challenges::void));
    if !turn.is_signed_in() {
        AuthProgress::start_over(&mut turn.state.progress);
    }
}

outcomes! {
    /// Whether there was something to say again.
    RepeatOutcome {
        /// There was.
        Again = "again",
        /// Nothing was said yet.
        Nothing = "nothing",
    }
}

/// Says the question that waits again, or else the last answer.
#[derive(Debug)]
pub struct Repeat;

impl Handler for Repeat {
    const NAME: &'static str = "repeat";
    type Outcome = RepeatOutcome;

    async fn run(turn: &mut Turn) -> Result<RepeatOutcome, Error> {
        let mut words = reminder(turn).await?;
        if words.is_empty() {
            words = last_answer(turn).await?.unwrap_or_default();
        }
        if words.is_empty() {
            return Ok(RepeatOutcome::Nothing);
        }
        turn.values.insert("waiting".into(), words.into());
        Ok(RepeatOutcome::Again)
    }
}

/// What was answered last, as it is stored.
async fn last_answer(turn: &Turn) -> Result<Option<String>, Error> {
    let Some(conversation) = &turn.tools.conversation else { return Ok(None) };
    let last = turn.tools.store.messages(&turn.tools.actor, conversation, None, 1).await;
    let last = last.map_err(crate::tool::Error::from)?;
    Ok(last.into_iter().find(|message| message.role == Role::Assistant).map(|message| message.content))
}

outcomes! {
    /// Whether there is something to come back to.
    ComeBackOutcome {
        /// There is.
        Back = "back",
        /// There is nothing, or something else is asked first.
        Nothing = "nothing",
    }
}

/// Comes back to what was set aside, once what it was set aside for is done.
#[derive(Debug)]
pub struct ComeBack;

impl Handler for ComeBack {
    const NAME: &'static str = "come_back";
    type Outcome = ComeBackOutcome;

    async fn run(turn: &mut Turn) -> Result<ComeBackOutcome, Error> {
        turn.state.offered = false;
        let waits = |request: &Parked| request.waits(turn.tools.now);
        let follows = (turn.is_signed_in() && turn.state.next.iter().any(waits))
            || (turn.granted.session.is_some() && turn.state.requests().any(waits));
        if turn.state.work.active().is_some() || follows {
            return Ok(ComeBackOutcome::Nothing);
        }
        // Whoever has signed in meanwhile is not asked to.
        if turn.is_signed_in() || turn.granted.session.is_some() {
            let sign_in = turn.state.take_sign_in();
            forget(turn, sign_in);
        }
        let (left, lapsed) = turn.state.come_back(turn.tools.now);
        forget(turn, lapsed);
        let Some(left) = left else { return Ok(ComeBackOutcome::Nothing) };
        turn.state.work = left.work;
        turn.state.offered = true;
        let question = worded(turn, &left.reply).await?;
        turn.values.insert("question".into(), question.into());
        turn.saying.put(Place::Closing, "general.back_to");
        let route = turn.state.work.active();
        turn.context.insert("back_to".into(), route.as_ref().map(Route::as_str).into());
        Ok(ComeBackOutcome::Back)
    }
}

outcomes! {
    /// Whether there is somebody to hand to.
    HandOffOutcome {
        /// There is, and the conversation is theirs now.
        HandedOff = "handed_off",
        /// There is nobody.
        Nobody = "nobody",
    }
}

/// Hands the conversation to a person, where the operator has a desk. What is worked on is set aside meanwhile. By text
/// message nobody is: what the desk would say could not be sent without a charge and a limit of its own (D34).
#[derive(Debug)]
pub struct HandOff;

impl Handler for HandOff {
    const NAME: &'static str = "hand_off";
    type Outcome = HandOffOutcome;

    async fn run(turn: &mut Turn) -> Result<HandOffOutcome, Error> {
        let Some(quiet) = turn.desk.quiet.filter(|_| !turn.tools.is_by_text()) else {
            let waiting = reminder(turn).await?;
            turn.values.insert("waiting".into(), waiting.into());
            turn.values.insert("by_text".into(), turn.tools.is_by_text().into());
            return Ok(HandOffOutcome::Nobody);
        };
        let about = turn.state.work.active();
        if orchestrator::is_come_back_to(turn) {
            leave_for_now(turn);
        } else if about.is_some() {
            // The code that was met last tells a repeat of it from a wrong one.
            let left = std::mem::take(&mut turn.state.work);
            turn.state.work.challenge.clone_from(&left.challenge);
            forget(turn, [left]);
        }
        turn.state.offered = false;
        desk::begin(turn, quiet, about);
        Ok(HandOffOutcome::HandedOff)
    }
}
