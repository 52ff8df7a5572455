//! Through whom messages leave, as the configuration says.

use std::sync::Arc;

use anyhow::Context;
use tracing::warn;

use super::sources::Broken;
use crate::config::Config;
use crate::dev_outbox::DevOutbox;
use crate::fetch::Fetch;
use crate::handoff::{Desk, Webhook};
use crate::mail::{Mail, Smtp};
use crate::model::{Clock, Profile};
use crate::sms::{Gateway, Sender, Sms, twilio};
use crate::worker::{Outside, OverHttp};

/// The sender of text messages: the one that is configured, or `local` where there is one. A service without a sender
/// does not start: people would wait for codes that went nowhere.
pub(super) fn sms(
    config: &Config,
    outside: (&Fetch, &Arc<dyn Clock>),
    local: impl FnOnce() -> Option<Arc<DevOutbox>>,
) -> anyhow::Result<Arc<dyn Sms>> {
    let public_url = public_url(config);
    let public_url = public_url.as_deref();
    Ok(match config.sms.sender() {
        Sender::Twilio => Arc::new(twilio::Messages::new(&config.sms, outside, public_url)?),
        Sender::Verify => Arc::new(twilio::Verify::new(&config.sms, outside, public_url)?),
        Sender::Gateway => Arc::new(Gateway::new(&config.sms, outside)?),
        Sender::Auto | Sender::Development => local().context(
            "the profile `prod` needs a sender of text messages: set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and \
             TWILIO_FROM, or VESTIBULE__SMS__GATEWAY_URL and VESTIBULE__SMS__GATEWAY_SECRET",
        )?,
    })
}

/// The sender of e-mails: the mail server that is named, or `local` where there is one. A service without a sender does
/// not start: people would wait for codes that went nowhere.
pub(super) fn mail(
    config: &Config,
    clock: &Arc<dyn Clock>,
    local: impl FnOnce() -> Option<Arc<DevOutbox>>,
) -> anyhow::Result<Arc<dyn Mail>> {
    if let Some(smtp) = Smtp::new(&config.mail, Arc::clone(clock))? {
        return Ok(Arc::new(smtp));
    }
    let local =
        local().context("the profile `prod` needs a sender of e-mails: set mail.smtp_url and mail.from")?;
    Ok(local)
}

/// The door to outside agents, at the addresses that are configured.
pub(super) fn outside(config: &Config, fetch: &Fetch) -> anyhow::Result<Arc<dyn Outside>> {
    let over_http = OverHttp::new(fetch, &config.graph);
    Ok(Arc::new(over_http.map_err(|error| Broken::setting("graph.addresses", error))?))
}

/// Whether the addresses and secrets of outside agents are such that the engine starts.
pub fn may_be_called(config: &Config) -> anyhow::Result<()> {
    outside(config, &Fetch::new(&config.fetch)?).map(drop)
}

/// The operator's desk, where the configuration has one; `double` in its place.
pub(super) fn desk(
    config: &Config,
    outside: (&Fetch, &Arc<dyn Clock>),
    double: Option<Arc<dyn Desk>>,
) -> anyhow::Result<Option<Arc<dyn Desk>>> {
    let reply_to = config.http.public_url.as_deref();
    let reply_to = reply_to.map(|url| format!("{}/webhooks/handoff", url.trim_end_matches('/')));
    let desk = Webhook::new(&config.handoff, reply_to, outside)?.map(|desk| Arc::new(desk) as Arc<dyn Desk>);
    Ok(desk.map(|desk| double.unwrap_or(desk)))
}

/// The address that Twilio reports to. Without one that was configured, a stand-in for Twilio that is called plainly, as
/// on this machine only, reaches this service where it listens; Twilio itself would refuse such an address, and the
/// message with it.
fn public_url(config: &Config) -> Option<String> {
    let given = config.http.public_url.clone();
    let is_stand_in = config.profile != Profile::Prod && config.sms.base_url.starts_with("http://");
    let local = (is_stand_in && config.http.addr.port() != 0).then(|| format!("http://{}", config.http.addr));
    // What is reported is proved by the token alone.
    if config.sms.auth_token.is_none() {
        if given.is_some() && config.sms.account_sid.is_some() {
            warn!(
                "Twilio is not told where to report what became of messages: without sms.auth_token nothing proves it"
            );
        }
        return None;
    }
    let is_twilio = matches!(config.sms.sender(), Sender::Twilio | Sender::Verify);
    if config.profile == Profile::Prod && is_twilio && given.is_none() {
        warn!("Twilio is not told where to report what became of messages: set http.public_url");
    }
    given.or(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(profile: Profile, (public, base): (Option<&str>, &str), port: u16) -> Option<String> {
        let mut config = Config { profile, ..Config::default() };
        config.http.public_url = public.map(str::to_owned);
        config.http.addr.set_port(port);
        config.sms.base_url = base.to_owned();
        config.sms.auth_token = Some(crate::model::Secret::new("token"));
        public_url(&config)
    }

    #[test]
    fn twilio_reports_to_where_it_can_reach_this_service() {
        let (twilio, fake) = ("https://api.twilio.com", "http://127.0.0.1:9");
        let url = "https://id.example.com";
        for profile in [Profile::Dev, Profile::Test, Profile::Prod] {
            assert_eq!(of(profile, (Some(url), twilio), 80).as_deref(), Some(url));
            assert_eq!(of(profile, (None, twilio), 80), None);
            assert_eq!(of(profile, (None, fake), 0), None);
        }
        assert_eq!(of(Profile::Test, (None, fake), 80).as_deref(), Some("http://127.0.0.1:80"));
        assert_eq!(of(Profile::Dev, (Some(url), fake), 80).as_deref(), Some(url));
        assert_eq!(of(Profile::Prod, (None, fake), 80), None);
    }
}
