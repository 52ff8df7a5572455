//! Tools that a graph file calls by their names, with texts as arguments.
//!
//! What a file may call is what a signed-in person may do or see by one sentence. What wants a code of its own, or is
//! confirmed first, is left to the handlers that ask for it: no row here could hold its proof.
//!
//! Adding one: a row in [`callable`], an arm in [`call`].

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::identity::{UpdateUserName, UpdateUserNameAnswer};
use super::session::{
    RevokeSession, RevokeSessionAnswer, SignedIn, UpdateDeviceName, UpdateDeviceNameAnswer,
};
use super::{Error, Toolbox, identity, migration, session};
use crate::model::Assurance;
use crate::store::users::User;

/// A tool that a graph file may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Callable {
    /// Its name.
    pub name: &'static str,
    /// The level that the person must have.
    pub needs: Assurance,
    /// The arguments it must be given, all of them texts.
    pub takes: &'static [&'static str],
    /// The arguments it may be given besides.
    pub may_take: &'static [&'static str],
    /// Whether it may refuse; what only shows something does not.
    pub refuses: bool,
}

/// What a tool answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Called {
    /// It did what was asked; its answer, as its schema says.
    Done(Value),
    /// It refused, or was given what is no argument of its kind.
    Refused(Value),
}

/// Shows something of whoever is signed in.
const fn look(name: &'static str) -> Callable {
    Callable { name, needs: Assurance::SignedIn, takes: &[], may_take: &[], refuses: false }
}

/// Changes something of whoever is signed in.
const fn act(name: &'static str, takes: &'static [&'static str]) -> Callable {
    Callable { takes, refuses: true, ..look(name) }
}

/// Every tool that a graph file may call.
pub fn callable() -> &'static [Callable] {
    const ALL: &[Callable] = &[
        look("get_user_identity"),
        look("get_active_sessions"),
        look("get_user_devices"),
        Callable { needs: Assurance::Anonymous, ..look("get_device_data_summary") },
        act("update_user_name", &["full_name"]),
        Callable { may_take: &["device_id"], ..act("update_device_name", &["device_name"]) },
        act("revoke_session", &["session_id"]),
    ];
    ALL
}

/// Calls a tool for whoever acts. `None` where there is no such tool, or nobody with the level it needs.
pub async fn call(
    tools: &mut Toolbox,
    user: Option<&User>,
    (name, mut arguments): (&str, Map<String, Value>),
) -> Result<Option<Called>, Error> {
    if name == "get_device_data_summary" {
        let Some(device_id) = tools.actor.device().cloned() else { return Ok(None) };
        let summary =
            migration::get_device_data_summary(tools, migration::GetDeviceDataSummary { device_id }).await?;
        return Ok(Some(done(&summary)));
    }
    let (Some(who), Some(user)) = (SignedIn::of(&tools.actor), user) else { return Ok(None) };
    Ok(match name {
        "get_user_identity" => Some(done(&identity::get_user_identity(user, None, <_>::default()))),
        "get_active_sessions" => {
            Some(done(&session::get_active_sessions(tools, &who, <_>::default()).await?))
        }
        "get_user_devices" => Some(done(&session::get_user_devices(tools, &who, <_>::default()).await?)),
        "update_user_name" => Some(match read::<UpdateUserName>(arguments) {
            Some(arguments) => match identity::update_user_name(tools, user, &arguments) {
                answer @ UpdateUserNameAnswer::Updated { .. } => done(&answer),
                answer @ UpdateUserNameAnswer::Invalid { .. } => refused(&answer),
            },
            None => unread(),
        }),
        "update_device_name" => {
            // The device that speaks is meant where none is named.
            let own = || tools.actor.device().map_or(Value::Null, |device| device.as_str().into());
            arguments.entry("device_id").or_insert_with(own);
            Some(match read::<UpdateDeviceName>(arguments) {
                Some(arguments) => match session::update_device_name(tools, &who, arguments).await? {
                    answer @ UpdateDeviceNameAnswer::Renamed { .. } => done(&answer),
                    answer => refused(&answer),
                },
                None => unread(),
            })
        }
        "revoke_session" => Some(match read::<RevokeSession>(arguments) {
            Some(arguments) => match session::revoke_session(tools, &who, arguments).await? {
                answer @ RevokeSessionAnswer::Revoked => done(&answer),
                answer @ RevokeSessionAnswer::Unknown => refused(&answer),
            },
            None => unread(),
        }),
        _ => None,
    })
}

fn read<A: DeserializeOwned>(arguments: Map<String, Value>) -> Option<A> {
    serde_json::from_value(Value::Object(arguments)).ok()
}

/// An argument is no value of its kind, such as an id that nothing can have.
fn unread() -> Called {
    Called::Refused(serde_json::json!({ "result": "invalid", "reason": "no_such_value" }))
}

fn done(answer: &impl Serialize) -> Called {
    Called::Done(serde_json::to_value(answer).unwrap_or_default())
}

fn refused(answer: &impl Serialize) -> Called {
    Called::Refused(serde_json::to_value(answer).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::registry;

    #[test]
    fn what_a_file_may_call_is_a_tool_with_such_arguments() {
        for tool in callable() {
            let spec = registry().into_iter().find(|spec| spec.name == tool.name).expect(tool.name);
            for argument in tool.takes.iter().chain(tool.may_take) {
                let schema = &spec.parameters.as_value()["properties"][argument];
                assert!(schema.is_object(), "{}: {argument}", tool.name);
            }
        }
    }
}
