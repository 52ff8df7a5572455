//! One turn, as handlers see it.

use serde_json::{Map, Value};

use super::{AtDesk, Parked, Saying, State};
use crate::graph::{Meanwhile, Pattern};
use crate::model::{Assurance, EffectId, FACTS, NodeResponse, Phone, Route, Slot, Understanding};
use crate::prompt::Replies;
use crate::store::outbox;
use crate::store::users::User;
use crate::tool::Toolbox;
use crate::tool::contact::Cleared;
use crate::tool::otp::{CodeVerified, SteppedUp};
use crate::tool::session::Grant;

/// What a turn gives beyond its answer.
#[derive(Debug, Default)]
pub struct Granted {
    /// A new session.
    pub session: Option<Grant>,
    /// A queued message whose first try the answer waits for.
    pub effect: Option<EffectId>,
}

/// A question that waits for its answer.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// What it waits for.
    pub slot: Slot,
    /// What becomes of a message that comes while the answer is being looked at.
    pub meanwhile: Meanwhile,
    /// The reply that asks for it.
    pub reply: String,
    /// What the answer must look like, where it is a text.
    pub pattern: Option<Pattern>,
    /// The outcomes its node knows besides `answered`.
    pub outcomes: Vec<String>,
}

impl Waiting {
    /// Whether its node leads on where somebody corrects what they answered before.
    pub fn corrects(&self) -> bool {
        self.outcomes.iter().any(|outcome| outcome == "correct")
    }
}

/// An agent of a graph file that people come to by what they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Its name.
    pub name: String,
    /// What must be proved of the person before.
    pub needs: Assurance,
}

/// Everything a handler may look at and add to.
#[derive(Debug)]
pub struct Turn {
    /// The tools, with the turn's unit.
    pub tools: Toolbox,
    /// What the message was understood to mean.
    pub heard: Understanding,
    /// The agents of graph files that people come to.
    pub agents: Vec<Offered>,
    /// What the conversation remembers.
    pub state: State,
    /// Whether the conversation is an account's, in a turn that no person began. It is for words alone, and proves nothing.
    pub owned: bool,
    /// What is proved of the person so far in this turn.
    pub assurance: Assurance,
    /// The question the conversation waited with when the turn began.
    pub waiting: Option<Waiting>,
    /// The number under way from one handler to the next; it is never stored as such.
    pub phone: Option<Phone>,
    /// The proof of a verified code.
    pub proof: Option<CodeVerified>,
    /// The proof that the number may open its account.
    pub cleared: Option<Cleared>,
    /// The proof of a step-up.
    pub stepped_up: Option<SteppedUp>,
    /// The account, once it is known.
    pub user: Option<User>,
    /// Data of the answer.
    pub data: Map<String, Value>,
    /// Values for the reply's text that are not part of the answer.
    pub values: Map<String, Value>,
    /// Further context of the answer.
    pub context: Map<String, Value>,
    /// What the answer says.
    pub saying: Saying,
    /// What the message asks for besides.
    pub rest: Vec<Parked>,
    /// The operator's desk.
    pub desk: AtDesk,
    /// The finished answer.
    pub response: Option<NodeResponse>,
    /// What the turn gives beyond its answer.
    pub granted: Granted,
    /// Whether the turn goes on with a request that the person has just confirmed.
    pub carries_on: bool,
    /// Whether the answer may be said in a language model's words.
    pub generate: bool,
    /// The texts.
    pub replies: std::sync::Arc<Replies>,
}

impl Turn {
    /// Adds to the answer's data.
    pub fn tell(&mut self, key: &str, value: impl Into<Value>) {
        self.data.insert(key.to_owned(), value.into());
    }

    /// What every text is given besides its own values, named as in [`crate::model::FACTS`].
    pub fn facts(&self) -> Map<String, Value> {
        // By text message nobody stays signed in, so nobody is told that they are.
        let signed_in = self.owned || (self.is_signed_in() && !self.tools.is_by_text());
        let [language, is_signed_in] = FACTS;
        let facts =
            [(language, Value::from(self.tools.language.as_str())), (is_signed_in, Value::from(signed_in))];
        facts.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
    }

    /// Whether a route is that of a graph file's agent that people come to by its name.
    pub fn is_entered_by_name(&self, route: &Route) -> bool {
        matches!(route, Route::Agent(name) if self.agents.iter().any(|agent| agent.name == *name))
    }

    /// Nobody waits any more for what an outside agent is asked: what was not asked yet is not.
    pub fn call_off(&mut self) {
        let (call, now) = (self.state.work.call.take(), self.tools.now);
        self.tools.unit.extend(call.map(|call| outbox::call_off(&call, now)));
    }

    /// Whether somebody is signed in.
    pub fn is_signed_in(&self) -> bool {
        self.assurance >= Assurance::SignedIn
    }
}
