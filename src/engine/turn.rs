//! The four phases of a turn.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::{Instrument, info, info_span};

use super::commit::{Committed, Decided, Stands};
use super::hearing::{Chunks, Kept};
use super::meanwhile::Waiter;
use super::observer::Passed;
use super::request::{Answer, Caller, Request};
use super::run;
use super::{Engine, Error, traced};
use crate::agent::{Granted, Offered, Saying, State, Turn, Waiting, orchestrator};
use crate::bus::Boundary;
use crate::classify::Input;
use crate::graph::Graph;
use crate::model::{Actor, Control, ConversationId, MessageId, Owner, TurnRng, Understanding, UserId};
use crate::store::conversations::Conversation;
use crate::store::{Meter, Unit};
use crate::tool::Toolbox;
use crate::trace;

/// How often a turn runs again because its rows changed under it. Each time somebody else's turn went through; twenty who
/// sign in to one account at once, on several nodes, must all come to their end.
const MOST_RUNS: usize = 32;

/// A request with what stays the same over its runs.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) caller: Caller,
    pub(super) request: Request,
    pub(super) owner: Owner,
    pub(super) message_id: String,
    pub(super) scope: String,
    pub(super) body_hash: Vec<u8>,
    pub(super) chunks: Option<Chunks>,
    /// The name of its place in the queue.
    pub(super) place: String,
    /// The messages that are answered together with it.
    pub(super) joined: Vec<Arc<Waiter>>,
}

/// A place in a queue, held.
type Place = tokio::sync::OwnedMutexGuard<()>;

/// One run's result.
pub(super) enum Attempt {
    Answered(Box<Answer>),
    /// A row had changed, or somebody else is signing in to the same account, which is then named.
    Stale(Option<UserId>),
    /// A text message asks for something else than the session under which its number's question waits is for.
    Elsewhere,
    /// These came meanwhile and are to be answered together with it.
    Joined(Vec<Arc<Waiter>>),
}

impl Engine {
    /// Answers one message. The turn runs to its end even if nobody waits for the answer any more.
    pub async fn turn(self: &Arc<Self>, caller: Caller, request: Request) -> Result<Answer, Error> {
        self.turn_in_chunks(caller, request, None).await
    }

    /// The same; pieces of an answer that is still being made go to `chunks`. They are provisional: the answer holds.
    pub async fn turn_in_chunks(
        self: &Arc<Self>,
        caller: Caller,
        request: Request,
        chunks: Option<Chunks>,
    ) -> Result<Answer, Error> {
        let engine = self.present();
        request.check()?;
        let owner = caller.actor.owner().ok_or(Error::Unauthorized)?;
        let message_id = request.message_id.clone().unwrap_or_else(|| self.message_id());
        // A token that a sign-in exchanged is good for one thing: hearing that sign-in's answer again.
        if caller.repeats_only.as_ref().is_some_and(|only| *only != message_id) {
            return Err(Error::Unauthorized);
        }
        let span = info_span!("turn", actor = %caller.actor.as_str());
        let call = Call {
            owner,
            message_id,
            scope: request.scope(),
            body_hash: request.body_hash(),
            caller,
            request,
            chunks,
            place: String::new(),
            joined: Vec::new(),
        };
        let workflow = trace::workflow(&engine.talk.graphs.root().name);
        let answered = async move { traced::ended(Box::pin(engine.answer(call)).await) };
        let task = self.tasks.spawn(Meter::inherited(answered.instrument(workflow).instrument(span)));
        task.await.map_err(|_| Error::Lost)?
    }

    pub(super) fn message_id(&self) -> String {
        let n = self.unnamed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut rng = self.parts.randomness.stream(&format!("message/{n}"));
        MessageId::new(self.now(), &mut rng).to_string()
    }

    async fn answer(&self, mut call: Call) -> Result<Answer, Error> {
        // A repeat waits for the turn it repeats, which may only just have made the conversation it now finds.
        let name = format!("message/{}/{}/{}", call.owner, call.scope, call.message_id);
        let _message = self.queue.enter(&name).await;
        call.place = self.place_of(&call).await?;
        let mut free = self.queue.enter_if_free(&call.place);
        if free.is_none() {
            // Rare; boxed, it doesn't make the future of every turn larger.
            let _ticket = Box::pin(self.stand_in_line(&call)).await?;
            free = Some(self.queue.enter(&call.place).await);
        }
        let _place = free;
        let (mut line, mut kept, own) = (None, Kept::default(), call.request.text.clone());
        for _ in 0..MOST_RUNS {
            if let Some(answer) = self.repeated(&call).await? {
                return Ok(answer);
            }
            if call.caller.repeats_only.is_some() {
                return Err(Error::Unauthorized);
            }
            if !call.joined.is_empty() {
                Box::pin(self.put_together(&mut call, &own)).await?;
            }
            match Box::pin(self.attempt(&call, &mut line, &mut kept)).await {
                Ok(Attempt::Answered(answer)) => return Ok(*answer),
                Ok(Attempt::Stale(Some(account))) if line.is_none() => {
                    line = Some(self.queue.enter(account.as_str()).await);
                }
                Ok(Attempt::Stale(_)) => {}
                Ok(Attempt::Joined(more)) => {
                    kept.other_words();
                    call.joined.extend(more);
                }
                Ok(Attempt::Elsewhere) => {
                    self.keep_usage(&call, &kept).await;
                    self.end_channel_session(&call.caller.actor).await?;
                    return Err(Error::Unauthorized);
                }
                Err(e) => {
                    self.keep_usage(&call, &kept).await;
                    return self.excuse(&call, e.surfaced()).await;
                }
            }
        }
        self.keep_usage(&call, &kept).await;
        Err(Error::Conflict("the conversation kept changing; nothing was done, please send it again"))
    }

    /// The name under which turns queue: the conversation's, or the project's while there is none.
    async fn place_of(&self, call: &Call) -> Result<String, Error> {
        if let Some(id) = &call.request.conversation {
            return Ok(place(&call.owner, id.as_str()));
        }
        let project = call.request.project();
        let current = self.store().current_conversation(&call.caller.actor, project).await?;
        Ok(place(&call.owner, current.as_ref().map_or(project, |c| c.id.as_str())))
    }

    /// The conversation a request is about, if there is one. Somebody else's is not found.
    pub(super) async fn conversation_of(&self, call: &Call) -> Result<Option<Conversation>, Error> {
        let actor = &call.caller.actor;
        match &call.request.conversation {
            Some(id) => Ok(Some(self.store().conversation(actor, id).await?.ok_or(Error::NotFound)?)),
            None => Ok(self.store().current_conversation(actor, call.request.project()).await?),
        }
    }

    async fn attempt(
        &self,
        call: &Call,
        line: &mut Option<Place>,
        kept: &mut Kept,
    ) -> Result<Attempt, Error> {
        let now = self.now();
        let mut rng =
            self.parts.randomness.stream(&format!("{}/{}/{}", call.owner, call.scope, call.message_id));
        let (place, conversation, state) = self.conversation_and_state(call, now, &mut rng).await?;

        let (waiting, found) = (self.asked(&state), state.work.frames.clone());
        let meanwhile = waiting.as_ref().map(|waiting| waiting.meanwhile);
        let heard = self.hear(call, (&conversation, &state), waiting.as_ref(), kept).await?;
        let mut toolbox = self.toolbox(call, &conversation, now, rng);
        if let Some(language) = self.spoken(call, &heard) {
            self.talk.replies.language(Some(language)).clone_into(&mut toolbox.language);
        }
        let mut turn = self.open(toolbox, heard, state, waiting).await?;
        if turn.tools.is_by_text() && turn.is_signed_in() && !orchestrator::stays(&turn) {
            return Ok(Attempt::Elsewhere);
        }
        let steps = self.run_message(&mut turn).await?;
        let passed = Passed::of(&turn, (found, steps));
        let mut response = turn.response.take().ok_or(crate::agent::Error::Silent)?;
        self.generate(call, &turn, &mut response, kept).await;

        self.parts.boundaries.pass(Boundary::Decided).await;
        let more = self.latecomers(call, meanwhile);
        if !more.is_empty() {
            return Ok(Attempt::Joined(more));
        }
        // Sign-ins to one account go one after the other, so that none meets the others at their guard time and again.
        let account = turn.granted.session.as_ref().map(|grant| grant.user_id.clone());
        if let (Some(account), None) = (&account, &line) {
            *line = self.queue.enter_if_free(account.as_str());
            if line.is_none() {
                return Ok(Attempt::Stale(Some(account.clone())));
            }
        }
        let (usage, tier) = (self.usage(&conversation.id, kept), turn.heard.tier);
        let decided = Decided { call, conversation, place, turn, response, usage };
        let committed = match self.commit(decided).await? {
            Committed::Done(done) => {
                kept.counted();
                done
            }
            Committed::Stale => return Ok(Attempt::Stale(account)),
            Committed::Unauthorized => return Err(Error::Unauthorized),
        };
        self.parts.boundaries.pass(Boundary::Committed).await;
        if let Some(observer) = &self.parts.observer {
            observer.tell(&passed);
        }
        // Boxed, as there is rarely anything, so that it doesn't make the future of every turn larger.
        let done = Box::pin(self.follow_up(call, *committed)).await;
        let answer = self.deliver(call, done).await;
        info!(
            conversationId = %answer.conversation,
            action = answer.response.action.as_str(),
            tier = tier.as_str(),
            promptLength = call.request.text.chars().count(),
            steps = passed.steps.len(),
            "Turn answered"
        );
        Ok(Attempt::Answered(Box::new(answer)))
    }

    /// The conversation that a message is for, with its state: the one that stands, or a new one.
    async fn conversation_and_state(
        &self,
        call: &Call,
        now: Timestamp,
        rng: &mut TurnRng,
    ) -> Result<(Stands, Conversation, State), Error> {
        let before = self.conversation_of(call).await?;
        let stored = before.as_ref().map(|c| self.state_of(c)).transpose();
        match (before, stored) {
            (Some(conversation), Ok(Some(mut state))) => {
                // What a message asked for is done with that message, or not at all.
                if call.caller.actor.user().is_some() {
                    state.forget_requests();
                }
                Ok((Stands::Kept, conversation, state))
            }
            (Some(unread), Err(e)) if !unread.current || !self.begins_anew(call) => Err(e),
            (unread, _) => {
                let place = if unread.is_some() { Stands::Replaces } else { Stands::Fresh };
                Ok((place, new_conversation(call, now, rng), State::default()))
            }
        }
    }

    /// Whether a message begins a new conversation in the place of one that cannot be read. Its row is kept.
    fn begins_anew(&self, call: &Call) -> bool {
        let input = Input { text: &call.request.text, ..Input::default() };
        self.talk.classifier.understand(&input).control == Some(Control::StartOver)
    }

    pub(super) fn toolbox(
        &self,
        call: &Call,
        conversation: &Conversation,
        now: Timestamp,
        rng: TurnRng,
    ) -> Toolbox {
        let locale = call.request.locale.as_deref().or(conversation.locale.as_deref());
        Toolbox {
            now,
            device_token: call.caller.device_token.clone(),
            claimed: call.caller.claimed.clone(),
            ip: call.caller.ip.clone(),
            conversation: Some(conversation.id.clone()),
            message_id: call.message_id.clone(),
            language: self.talk.replies.language(locale).to_owned(),
            ..self.bare_toolbox(call.caller.actor.clone(), rng)
        }
    }

    /// Tools for whoever acts, outside of any conversation and request.
    pub(super) fn bare_toolbox(&self, actor: Actor, rng: TurnRng) -> Toolbox {
        Toolbox {
            unit: Unit::new(),
            store: self.parts.store.clone(),
            keys: Arc::clone(&self.parts.keys),
            limits: self.parts.limits.clone(),
            served: self.parts.served.clone(),
            options: self.parts.options.clone(),
            boundaries: self.parts.boundaries.clone(),
            now: self.now(),
            rng,
            actor,
            device_token: None,
            claimed: None,
            ip: None,
            conversation: None,
            message_id: String::new(),
            language: self.talk.replies.language(None).to_owned(),
        }
    }

    /// Derives anew what is true of the person: never from the stored state, always from the credential and the store.
    pub(super) async fn open(
        &self,
        tools: Toolbox,
        heard: Understanding,
        mut state: State,
        waiting: Option<Waiting>,
    ) -> Result<Turn, Error> {
        let mut user = None;
        if let Some(id) = tools.actor.user() {
            user = Some(self.store().user(&tools.actor, id).await?.ok_or(Error::Unauthorized)?);
        }
        state.progress.device_id = tools.actor.device().cloned().or(state.progress.device_id);
        state.progress.user_authenticated = user.is_some();
        state.progress.locked_until = state.progress.locked_until.filter(|&until| until > tools.now);
        Ok(Turn {
            assurance: run::assurance(&tools.actor),
            tools,
            heard,
            agents: self.offered(),
            owned: false,
            state,
            waiting,
            phone: None,
            proof: None,
            cleared: None,
            stepped_up: None,
            user,
            data: serde_json::Map::new(),
            values: serde_json::Map::new(),
            context: serde_json::Map::new(),
            saying: Saying::default(),
            rest: Vec::new(),
            desk: self.at_desk(),
            carries_on: false,
            generate: false,
            response: None,
            granted: Granted::default(),
            replies: Arc::clone(&self.talk.replies),
        })
    }

    fn offered(&self) -> Vec<Offered> {
        let offered = |graph: &Graph| Offered { name: graph.name.clone(), needs: graph.needs };
        self.talk.graphs.agents().map(offered).collect()
    }

    /// The language of a message that asks for something; an answer to a question, such as a name, is in no language.
    fn spoken(&self, call: &Call, heard: &Understanding) -> Option<&str> {
        let is_answer = heard.answers || heard.rejected.is_some();
        (call.request.locale.is_none() && call.request.said.is_none() && !is_answer)
            .then(|| self.talk.classifier.language(&call.request.text))
            .flatten()
            .filter(|spoken| self.talk.replies.language(Some(spoken)) == *spoken)
    }
}

/// The owner is part of the name: somebody who names a conversation that is not theirs must neither learn from the wait
/// that it is busy nor make its owner wait.
pub(super) fn place(owner: &Owner, name: &str) -> String {
    format!("{owner}/{name}")
}

fn new_conversation(call: &Call, now: Timestamp, rng: &mut TurnRng) -> Conversation {
    Conversation {
        id: ConversationId::new(now, rng),
        owner: call.owner.clone(),
        project: call.request.project().to_owned(),
        version: 1,
        state: String::new(),
        locale: call.request.locale.clone(),
        title: None,
        current: true,
        pinned: false,
        archived: false,
        message_count: 0,
        created_at: now,
        last_message_at: now,
    }
}
