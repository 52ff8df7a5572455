//! Through whom messages leave, as the configuration says.

use std::sync::Arc;

use anyhow::Context;

use crate::config::Config;
use crate::dev_outbox::DevOutbox;
use crate::mail::{Mail, Smtp};
use crate::model::Clock;

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
