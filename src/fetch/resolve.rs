//! Names, resolved for a connection that is about to be made, and checked there.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{canonical, forbidden};
use super::allow::Allowed;

/// Whoever knows the addresses of names.
pub trait Resolver: Debug + Send + Sync {
    /// The addresses of a name.
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
pub(super) fn system() -> Arc<dyn Resolver> {
    Arc::new(System)
}

#[derive(Debug)]
struct System;

impl Resolver for System {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(
            async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|found| found.ip()).collect()) },
        )
    }
}

/// Which addresses a client connects to.
#[derive(Debug)]
pub(super) enum Admits {
    Everything,
    Loopback,
    /// Those that are public, and those of the networks among the exceptions.
    Public(Vec<Allowed>),
}

impl Admits {
    /// Why an address is not connected to.
    fn refuses(&self, address: IpAddr) -> Option<&'static str> {
        match self {
            Self::Everything => None,
            Self::Loopback if canonical(address).is_loopback() => None,
            Self::Loopback => Some("its name has an address of another machine"),
            Self::Public(allow) if allow.iter().any(|allowed| allowed.holds(address)) => None,
            Self::Public(_) => forbidden(address),
        }
    }
}

/// A name has no address that may be connected to.
#[derive(Debug, thiserror::Error)]
#[error("`{host}` has no address that may be connected to: {why}")]
pub(super) struct Forbidden {
    pub(super) host: String,
    pub(super) why: &'static str,
}

/// A client's resolver: what it gives is what is connected to.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    names: Arc<dyn Resolver>,
    admits: Arc<Admits>,
}

impl Checked {
    pub(super) fn new(names: &Arc<dyn Resolver>, admits: Admits) -> Self {
        Self { names: Arc::clone(names), admits: Arc::new(admits) }
    }

    /// The addresses of a name that may be connected to; those that may not are left out, and one has to be left.
    async fn addresses(
        &self,
        host: &str,
    ) -> Result<Vec<SocketAddr>, Box<dyn std::error::Error + Send + Sync>> {
        let all = self.names.resolve(host).await?;
        let mut refused = None;
        let mut admitted = Vec::with_capacity(all.len());
        for address in all {
            match self.admits.refuses(address) {
                Some(why) => refused = Some(why),
                // The client puts the URL's port in the place of 0.
                None => admitted.push(SocketAddr::new(address, 0)),
            }
        }
        match refused {
            Some(why) if admitted.is_empty() => Err(Box::new(Forbidden { host: host.to_owned(), why })),
            _ => Ok(admitted),
        }
    }
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let admitted = this.addresses(name.as_str()).await?;
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}
