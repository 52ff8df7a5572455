//! What the spans of a turn tell of its end.

use tracing::Span;

use super::request::Answer;
use super::{Error, run};
use crate::model::{Action, Understanding};
use crate::{agent, trace};

/// Records in the turn's span, which is the current one, how it ended.
pub(super) fn ended(answered: Result<Answer, Error>) -> Result<Answer, Error> {
    match &answered {
        Ok(answer) => {
            trace::answered(answer.conversation.as_str(), answer.response.action.as_str());
            if answer.response.action == Action::InternalError {
                trace::failed(&Span::current(), Action::InternalError.as_str());
            }
        }
        Err(error) => trace::failed(&Span::current(), kind(error)),
    }
    answered
}

/// Records in the turn's span what its message was understood to mean.
pub(super) fn understood(heard: &Understanding) {
    let scores: Vec<String> = heard.scores.iter().map(|(route, p)| format!("{route} {p:.3}")).collect();
    let why = (heard.reasoning.as_str(), scores.join(", "));
    trace::understood(heard.route.as_str(), heard.confidence, (why.0, &why.1));
}

/// Records a failure in every graph that it ends.
pub(super) fn broke(run: &run::Run<'_>, error: &Error) {
    for span in run.spans() {
        trace::failed(span, kind(error));
    }
}

/// The kind of an error, in a word.
fn kind(error: &Error) -> &'static str {
    match error {
        Error::Invalid { .. } => "invalid",
        Error::Unauthorized => "unauthorized",
        Error::NotFound => "not_found",
        Error::Conflict(_) => "conflict",
        Error::TooMany { .. } => "too_many",
        Error::Store(_) => "store",
        Error::Agent(agent::Error::Tool(_)) => "tool",
        Error::Agent(_) => "agent",
        Error::Crypto(_) => "crypto",
        Error::State(_) | Error::Stored(_) => "state",
        Error::Graph { .. } => "graph",
        Error::Guard(_) => "guard",
        Error::Lost => "lost",
    }
}
