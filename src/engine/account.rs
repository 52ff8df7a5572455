//! One's own account outside the chat: a step-up, the name, an export, the end.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tracing::error;

use super::said::PROJECT;
use super::{Caller, Engine, Error, checkpoint};
use crate::agent::State;
use crate::model::{ChallengeId, ConversationId, SessionId};
use crate::store::{Applied, Conversation, User, conversations, outbox};
use crate::tool::identity::{UpdateUserName, UpdateUserNameAnswer, update_user_name};
use crate::tool::otp::{self, Purpose, SendOtpAnswer, SteppedUp, VerifyOtp, VerifyOtpAnswer};
use crate::tool::{self, Toolbox};

/// How often an act is decided anew because the rows it was decided on changed.
const MOST_RUNS: usize = 8;
/// Most accounts erased in one sweep.
const BATCH: u32 = 16;

impl Engine {
    /// Sends a step-up code to the account's own contact.
    pub async fn begin_step_up(&self, caller: &Caller) -> Result<SendOtpAnswer, Error> {
        let now = self.now();
        for _ in 0..MOST_RUNS {
            let (mut tools, user, session) = self.own(caller).await?;
            let sent = otp::send_step_up(&mut tools, &user, session).await?;
            let Some((_, answer)) = sent else { return Ok(SendOtpAnswer::Unreachable) };
            if let SendOtpAnswer::Limited { until } | SendOtpAnswer::Exhausted { until } = answer {
                self.kept(caller, tools).await?;
                return Err(Error::TooMany { until, now });
            }
            if self.kept(caller, tools).await? {
                return Ok(answer);
            }
        }
        Err(busy())
    }

    /// Checks a step-up code; gives until when it stands for one act.
    pub async fn finish_step_up(
        &self,
        caller: &Caller,
        (id, code): (ChallengeId, &str),
    ) -> Result<(VerifyOtpAnswer, Timestamp), Error> {
        // One name for all runs, so that a try is charged once.
        let message_id = self.message_id();
        for _ in 0..MOST_RUNS {
            let (tools, ..) = self.own(caller).await?;
            let mut tools = Toolbox { message_id: message_id.clone(), ..tools };
            let otp_code = code.to_owned();
            let ask = VerifyOtp { challenge_id: Some(id.clone()), otp_code, purpose: Purpose::StepUp };
            let answer = otp::verify_otp(&mut tools, ask).await?;
            let until = tools.now + SignedDuration::from_mins(i64::from(tools.options.step_up_minutes));
            if self.kept(caller, tools).await? {
                return Ok((answer, until));
            }
        }
        Err(busy())
    }

    /// Gives the account another name; the outer error is a fault, the inner one why it cannot be a name.
    pub async fn rename(&self, caller: &Caller, full_name: &str) -> Result<Result<String, String>, Error> {
        for _ in 0..MOST_RUNS {
            let (mut tools, user, _) = self.own(caller).await?;
            let ask = UpdateUserName { full_name: full_name.to_owned() };
            match update_user_name(&mut tools, &user, &ask) {
                UpdateUserNameAnswer::Invalid { reason } => return Ok(Err(reason)),
                UpdateUserNameAnswer::Updated { full_name } if self.kept(caller, tools).await? => {
                    return Ok(Ok(full_name));
                }
                UpdateUserNameAnswer::Updated { .. } => {}
            }
        }
        Err(busy())
    }

    /// Everything that is the person's; `None` where no step-up stands for it.
    pub async fn export(&self, caller: &Caller, step_up: &ChallengeId) -> Result<Option<Value>, Error> {
        for _ in 0..MOST_RUNS {
            let (mut tools, user, _) = self.own(caller).await?;
            let Some(proof) = proof(&tools, step_up).await? else { return Ok(None) };
            let all = tool::account::export(&mut tools, &proof, &user).await?;
            if self.kept(caller, tools).await? {
                return Ok(Some(all));
            }
        }
        Err(busy())
    }

    /// Asks for the account's deletion; false where no step-up stands for it.
    pub async fn delete_account(&self, caller: &Caller, step_up: &ChallengeId) -> Result<bool, Error> {
        for _ in 0..MOST_RUNS {
            let (mut tools, user, _) = self.own(caller).await?;
            let Some(proof) = proof(&tools, step_up).await? else { return Ok(false) };
            tool::account::request_deletion(&mut tools, &proof, &user).await?;
            if self.kept(caller, tools).await? {
                return Ok(true);
            }
        }
        Err(busy())
    }

    /// Erases the accounts whose deletion was asked for long enough ago. Any node may; the guards let one of them.
    pub async fn erase_due_accounts(&self, now: Timestamp) -> Result<(), Error> {
        let before = now - tool::account::REVERSIBLE;
        for user in self.store().users_to_erase(&crate::model::Actor::System, before, BATCH).await? {
            let mut tools = self.session_toolbox(&Caller::system(None));
            tool::account::erase_account(&mut tools, &user);
            match self.store().apply(&tools.actor, tools.unit.into_writes()).await {
                // It was called off in this very moment, or another node was faster.
                Ok(Applied::Done | Applied::Stale { .. }) => {}
                // One account that cannot be erased does not keep those behind it.
                Err(e) => error!(userId = %user.id, error = %crate::mask::chain(&e), "Account not erased"),
            }
        }
        Ok(())
    }

    /// The signed-in person's tools, in the conversation that their step-ups belong to.
    async fn own(&self, caller: &Caller) -> Result<(Toolbox, User, SessionId), Error> {
        let (Some(id), Some(session)) = (caller.actor.user(), caller.actor.session()) else {
            return Err(Error::Unauthorized);
        };
        let user = self.store().user(&caller.actor, id).await?.ok_or(Error::Unauthorized)?;
        let mut tools = self.session_toolbox(caller);
        let current = self.store().current_conversation(&caller.actor, PROJECT).await?;
        let conversation = if let Some(current) = current {
            current.id
        } else {
            let made = new_conversation(&mut tools)?;
            tools.unit.push(conversations::insert(&made));
            made.id
        };
        tools.conversation = Some(conversation);
        Ok((tools, user, session.clone()))
    }

    async fn kept(&self, caller: &Caller, tools: Toolbox) -> Result<bool, Error> {
        let writes = tools.unit.into_writes();
        let queued: Vec<_> = writes.iter().filter_map(outbox::queued).collect();
        if self.store().apply(&caller.actor, writes).await? != Applied::Done {
            return Ok(false);
        }
        for effect in &queued {
            self.parts.deliveries.queued(effect);
        }
        Ok(true)
    }
}

async fn proof(tools: &Toolbox, step_up: &ChallengeId) -> Result<Option<SteppedUp>, Error> {
    Ok(otp::stepped_up(tools, Some(step_up)).await?)
}

fn new_conversation(tools: &mut Toolbox) -> Result<Conversation, Error> {
    Ok(Conversation {
        id: ConversationId::new(tools.now, &mut tools.rng),
        owner: tools.actor.owner().ok_or(Error::Unauthorized)?,
        project: PROJECT.to_owned(),
        version: 1,
        state: checkpoint::encode(&State::default())?,
        locale: None,
        title: None,
        current: true,
        pinned: false,
        archived: false,
        message_count: 0,
        created_at: tools.now,
        last_message_at: tools.now,
    })
}

fn busy() -> Error {
    Error::Conflict("too many requests at once; please send it again")
}
