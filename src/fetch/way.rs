//! The clients, one for each way out. A connection is kept with the client that made it, so what was connected to under
//! one rule is never used under another.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;

use super::allow::{Allowed, Options};
use super::error::Error;
use super::resolve::{Admits, Checked, Resolver};

/// Longest time that a connection takes to be made, name and encryption included.
const CONNECT: Duration = Duration::from_secs(5);

/// How a host is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To public addresses and allowed networks.
    Guarded,
    /// To wherever the name leads, since the operator named it as an exception.
    Named,
    /// To this machine.
    Local,
    /// To wherever the name leads, through the system's proxy where there is one.
    Proxied,
}

/// The clients, each built when the first endpoint is its: a client reads all of the system's certificates, and most
/// processes need one or two of them.
#[derive(Debug)]
pub(super) struct Ways {
    names: Arc<dyn Resolver>,
    allow: Vec<Allowed>,
    guarded: OnceLock<Client>,
    named: OnceLock<Client>,
    local: OnceLock<Client>,
    proxied: OnceLock<Client>,
}

impl Ways {
    pub(super) fn new(options: &Options, names: Arc<dyn Resolver>) -> Self {
        Self {
            names,
            allow: options.allow.clone(),
            guarded: OnceLock::new(),
            named: OnceLock::new(),
            local: OnceLock::new(),
            proxied: OnceLock::new(),
        }
    }

    pub(super) fn client(&self, way: Way) -> Result<&Client, Error> {
        let client = match way {
            Way::Guarded => &self.guarded,
            Way::Named => &self.named,
            Way::Local => &self.local,
            Way::Proxied => &self.proxied,
        };
        if let Some(client) = client.get() {
            return Ok(client);
        }
        let built = self.build(way)?;
        Ok(client.get_or_init(|| built))
    }

    fn build(&self, way: Way) -> Result<Client, Error> {
        let admits = match way {
            Way::Guarded => Admits::Public(self.allow.clone()),
            Way::Named | Way::Proxied => Admits::Everything,
            Way::Local => Admits::Loopback,
        };
        let builder = Client::builder()
            .dns_resolver(Checked::new(&self.names, admits))
            .connect_timeout(CONNECT)
            // Both would send again what the rules have not seen.
            .redirect(Policy::none())
            .retry(reqwest::retry::never());
        // The environment's proxy would resolve the name itself, and reach what we must not.
        let builder = if way == Way::Proxied { builder } else { builder.no_proxy() };
        builder.build().map_err(|_| Error::Build)
    }
}
