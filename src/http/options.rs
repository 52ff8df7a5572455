//! What the HTTP rim can be told.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where to listen, whom to believe, and how much to take.
#[derive(Debug, Clone)]
pub struct Options {
    /// Address and port to listen on; port 0 lets the system choose one.
    pub addr: SocketAddr,
    /// The address that others reach it under, without a path at the end; none is known by default.
    pub public_url: Option<String>,
    /// Proxies whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Longest time one request may take, in milliseconds.
    pub request_timeout_ms: u64,
    /// Largest request body, in bytes.
    pub body_limit: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
            trusted_proxies: Vec::new(),
            request_timeout_ms: 30_000,
            body_limit: 1024 * 1024,
        }
    }
}
