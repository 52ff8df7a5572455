//! Floor 0: the one way out over HTTP. Whoever calls out goes through [`Fetch`], and a house rule holds them to it.
//!
//! An address is checked once, with who named it ([`Trust`]), and becomes an [`Endpoint`]. What an operator wrote into the
//! configuration may lead anywhere, but is plain on this machine only. What a person named, or what a stored setting
//! holds, leads to public addresses over https: the addresses of a name are checked after resolution, in the resolver of
//! the connection itself, so there is no second look-up that could be answered in another way. Both have the operator's
//! exceptions in [`Options`]. Redirects are followed here, each hop checked like the first, and credentials stay with
//! the host that they were given for.
//!
//! It does not know what is sent nor what an answer means; it never tries again, and an [`Error`] says whether the other
//! side may have got the request, so that whoever knows the request can decide. It keeps no text and no URL in an error.
//!
//! It stands on floor 0, beside `trace`, because capabilities of floor 1 such as `llm` and `sms` stand on it. It imports
//! nothing of the crate.
//!
//! Adding a kind of address that nobody may be led to: a row in `address.rs`. Adding a header that may follow a redirect
//! to another host: a row of `PASSED_ON` in `redirect.rs`. Adding somebody who calls out: take a [`Fetch`] from `app`, and an
//! [`Endpoint`] with the right [`Trust`].

mod address;
mod allow;
mod endpoint;
mod error;
mod redirect;
mod resolve;
pub mod signed;
mod way;

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

pub use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
pub use reqwest::{Body, Client, Method, Request as Drafted, Response, StatusCode, Url};

pub use allow::{Allowed, Options};
pub use endpoint::{Endpoint, Trust};
pub use error::{BadUrl, Error};
pub use resolve::Resolver;

use redirect::Hop;
use way::Ways;

/// A request.
///
/// What is secret belongs into `headers`: a body follows a redirect with status 307 or 308 to wherever it leads.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where it goes.
    pub to: Endpoint,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; empty is none.
    pub body: Vec<u8>,
    /// Longest time for all of it, redirects and the answer's body included. A connection is given five seconds to be
    /// made, and one that is not is [`Error::Unreachable`]; with less time than that it is [`Error::Late`], which does not
    /// tell whether anything was sent.
    pub timeout: Duration,
    /// Largest answer that is read, in bytes.
    pub most: usize,
    /// Most redirects that are followed. With 0 a redirect is an answer like another.
    pub redirects: u8,
}

/// Headers and bodies may hold secrets.
impl Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).field("to", &self.to).finish_non_exhaustive()
    }
}

/// What the other side answered, whatever its status.
#[derive(Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as it came.
    pub body: Vec<u8>,
}

/// Headers and bodies may hold secrets.
impl Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// The way out. A clone is the same one.
#[derive(Clone)]
pub struct Fetch(Arc<Parts>);

struct Parts {
    options: Options,
    ways: Ways,
}

/// The clients would show the proxy, which may have a password.
impl Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fetch").field(&self.0.options).finish()
    }
}

impl Fetch {
    /// The way out, with the operator's exceptions. Nothing is connected to yet.
    pub fn new(options: &Options) -> Result<Self, Error> {
        Self::with_resolver(options, resolve::system())
    }

    /// The same with another resolver of names.
    pub fn with_resolver(options: &Options, names: Arc<dyn Resolver>) -> Result<Self, Error> {
        let ways = Ways::new(options, names);
        Ok(Self(Arc::new(Parts { options: options.clone(), ways })))
    }

    /// Checks an address that somebody named, as far as that can be done without resolving it, and builds the client for
    /// it, so that a start fails where there is no encryption.
    pub fn endpoint(&self, url: &str, trust: Trust) -> Result<Endpoint, Error> {
        let endpoint = self.0.options.endpoint(url, trust)?;
        self.client(&endpoint)?;
        Ok(endpoint)
    }

    /// Sends a request, follows redirects, and reads the answer.
    pub async fn send(&self, request: Request) -> Result<Answer, Error> {
        let timeout = request.timeout;
        tokio::time::timeout(timeout, self.follow(request)).await.map_err(|_| Error::Late)?
    }

    /// Sends a request that a library made, to the host of an endpoint. Redirects are not followed, and neither the time
    /// nor the body is bounded: that is up to whoever reads the response.
    pub async fn execute(&self, to: &Endpoint, request: Drafted) -> Result<Response, Error> {
        let url = request.url();
        if url.origin() != to.url().origin() {
            return Err(Error::not_allowed(url, "the request is for another host than its endpoint"));
        }
        endpoint::well_formed(url)?;
        self.client(to)?.execute(request).await.map_err(|error| Error::of(&error))
    }

    /// The client that a library drafts its requests with, where it wants one; they are sent by [`Fetch::execute`].
    pub fn client(&self, to: &Endpoint) -> Result<&Client, Error> {
        self.0.ways.client(to.way())
    }

    async fn follow(&self, request: Request) -> Result<Answer, Error> {
        let Request { method, to, headers, body, most, redirects, .. } = request;
        let mut hop = Hop { method, to, headers, body };
        let mut followed = 0;
        loop {
            // Whoever sent us on has got the request, whatever becomes of the next one.
            let sent = |error: Error| if followed > 0 { error.after_a_redirect() } else { error };
            let response = self.once(&hop).await.map_err(sent)?;
            let next = if redirects > 0 { redirect::location(&response) } else { None };
            let Some(location) = next else { return read(response, most).await };
            if followed == redirects {
                return Err(Error::TooManyRedirects);
            }
            followed += 1;
            hop = hop.next(response.status(), location, &self.0.options).map_err(Error::after_a_redirect)?;
        }
    }

    async fn once(&self, hop: &Hop) -> Result<Response, Error> {
        let client = self.client(&hop.to)?;
        client.execute(hop.request()).await.map_err(|error| Error::of(&error))
    }
}

/// Reads a body up to a size.
async fn read(mut response: Response, most: usize) -> Result<Answer, Error> {
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| Error::of_an_answer(&error))? {
        if body.len().saturating_add(piece.len()) > most {
            return Err(Error::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Answer { status, headers, body })
}
