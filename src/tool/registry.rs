//! Every tool, as others see it: its name from seed 002, and the schemas of what it takes and answers.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use super::{identity, migration, otp, session};

/// A tool as others see it.
#[derive(Debug, Clone, Serialize)]
pub struct Spec {
    /// The name from seed 002.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// What it takes.
    pub parameters: Schema,
    /// What it answers.
    pub answer: Schema,
}

fn spec<A: JsonSchema, R: JsonSchema>(name: &'static str, description: &'static str) -> Spec {
    let schema = |of: fn(&mut SchemaGenerator) -> Schema| of(&mut SchemaGenerator::default());
    Spec {
        name,
        description,
        parameters: schema(SchemaGenerator::root_schema_for::<A>),
        answer: schema(SchemaGenerator::root_schema_for::<R>),
    }
}

/// Every tool.
pub fn registry() -> Vec<Spec> {
    [codes(), sessions(), identities(), migrations()].concat()
}

fn codes() -> Vec<Spec> {
    vec![
        spec::<otp::SendOtp, otp::SendOtpAnswer>("send_otp", "Sends a one-time code to a phone number."),
        spec::<otp::VerifyOtp, otp::VerifyOtpAnswer>("verify_otp", "Checks the code that was sent last."),
        spec::<otp::CheckUserExists, otp::CheckUserExistsAnswer>(
            "check_user_exists",
            "Finds the account of a verified phone number. Internal: it asks for the proof of a verified code.",
        ),
        spec::<otp::CreateUser, otp::CreateUserAnswer>(
            "create_user",
            "Makes an account for a verified phone number.",
        ),
    ]
}

fn sessions() -> Vec<Spec> {
    vec![
        spec::<session::CreateSession, session::CreateSessionAnswer>(
            "create_session",
            "Signs an account in on the device that verified the code.",
        ),
        spec::<session::GetActiveSessions, session::ActiveSessions>(
            "get_active_sessions",
            "Lists the person's live sessions.",
        ),
        spec::<session::RevokeSession, session::RevokeSessionAnswer>(
            "revoke_session",
            "Ends one of the person's sessions.",
        ),
        spec::<session::RevokeAllSessions, session::RevokeAllSessionsAnswer>(
            "revoke_all_sessions",
            "Ends the person's other sessions, or all of them and the trust in every device.",
        ),
        spec::<session::GetUserDevices, session::OwnDevices>(
            "get_user_devices",
            "Lists the devices the person signed in on.",
        ),
        spec::<session::UpdateDeviceName, session::UpdateDeviceNameAnswer>(
            "update_device_name",
            "Gives one of the person's devices a name.",
        ),
        spec::<session::ForgetDevice, session::ForgetDeviceAnswer>(
            "forget_device",
            "Forgets one of the person's devices: its sessions and its trust end.",
        ),
    ]
}

fn identities() -> Vec<Spec> {
    vec![
        spec::<identity::GetUserIdentity, identity::UserIdentity>(
            "get_user_identity",
            "Shows what is known of the person, contacts masked without a fresh step-up.",
        ),
        spec::<identity::UpdateUserName, identity::UpdateUserNameAnswer>(
            "update_user_name",
            "Gives the person another name.",
        ),
        spec::<identity::UpdateUserEmail, Option<otp::SendOtpAnswer>>(
            "update_user_email",
            "Sends a code to a new e-mail address, after a step-up.",
        ),
        spec::<identity::UpdateUserPhone, otp::SendOtpAnswer>(
            "update_user_phone",
            "Sends a code to a new phone number, after a step-up.",
        ),
        spec::<identity::UpdateUserProfile, identity::UpdateUserProfileAnswer>(
            "update_user_profile",
            "Changes several fields: the name at once, contacts after a step-up and a code each.",
        ),
    ]
}

fn migrations() -> Vec<Spec> {
    vec![
        spec::<migration::MigrateDeviceData, migration::MigrateDeviceDataAnswer>(
            "migrate_device_data",
            "Moves what the device that asks has gathered into the account.",
        ),
        spec::<migration::GetDeviceDataSummary, Option<migration::Counts>>(
            "get_device_data_summary",
            "Counts what the device that asks has gathered.",
        ),
        spec::<migration::LinkDeviceToUser, migration::LinkDeviceToUserAnswer>(
            "link_device_to_user",
            "Makes the device that asks the account's.",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_object_parameters_and_a_description() {
        for tool in registry() {
            let parameters = tool.parameters.as_value();
            assert_eq!(parameters["type"], "object", "{}", tool.name);
            assert!(tool.description.ends_with('.'), "{}", tool.name);
        }
    }
}
