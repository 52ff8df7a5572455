//! Why there is no answer. No variant holds a path, a query or anything that the other side sent.

use std::error::Error as _;

use reqwest::Url;
use tracing::debug;

use super::resolve::Forbidden;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nobody may call that host. Nothing was sent.
    #[error("`{host}` must not be called: {why}")]
    NotAllowed {
        /// The host.
        host: String,
        /// Which rule says so.
        why: &'static str,
    },
    /// The text is no address that can be called.
    #[error("this is no address that can be called: {0}")]
    BadUrl(BadUrl),
    /// There was no connection: no such name, nobody there, no agreement on encryption. Nothing was sent.
    #[error("the server could not be reached")]
    Unreachable,
    /// Time was up. The request may have been sent.
    #[error("the server took too long")]
    Late,
    /// The connection broke. The request may have been sent.
    #[error("the connection broke before there was a whole answer")]
    Broken,
    /// The answer is larger than was asked for.
    #[error("the answer is too large")]
    TooLarge,
    /// There was another redirect after the last one that is followed.
    #[error("there were too many redirects")]
    TooManyRedirects,
    /// A redirect led to where nothing was sent.
    #[error("a redirect could not be followed")]
    Redirected(#[source] Box<Error>),
    /// The client, or a request, cannot be built.
    #[error("the HTTP client or the request cannot be built")]
    Build,
}

/// What is wrong with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// It is no URL.
    #[error("it is no URL")]
    Unreadable,
    /// It is of another scheme.
    #[error("it is neither https nor http")]
    Scheme,
    /// It names a user or a password.
    #[error("it names a user or a password")]
    UserInfo,
    /// The path leads out of its base.
    #[error("the path leads out of its base")]
    Path,
}

impl Error {
    /// Whether the other side may have got the request. Where it has not, the request can be sent again.
    pub fn was_sent(&self) -> bool {
        match self {
            Self::NotAllowed { .. } | Self::BadUrl(_) | Self::Unreachable | Self::Build => false,
            Self::Late | Self::Broken | Self::TooLarge | Self::TooManyRedirects | Self::Redirected(_) => true,
        }
    }

    pub(super) fn not_allowed(url: &Url, why: &'static str) -> Self {
        Self::NotAllowed { host: url.host_str().unwrap_or_default().to_owned(), why }
    }

    /// The same, after somebody else has got the request already.
    pub(super) fn after_a_redirect(self) -> Self {
        if self.was_sent() { self } else { Self::Redirected(Box::new(self)) }
    }

    /// What kept a response from coming.
    pub(super) fn of(error: &reqwest::Error) -> Self {
        tell(error);
        let forbidden = causes(error).into_iter().find_map(|cause| cause.downcast_ref());
        if let Some(Forbidden { host, why }) = forbidden {
            return Self::NotAllowed { host: host.clone(), why };
        }
        // A connection that took too long to make is both, and nothing was sent over it.
        match () {
            () if error.is_builder() => Self::Build,
            () if error.is_connect() => Self::Unreachable,
            () if error.is_timeout() => Self::Late,
            () => Self::Broken,
        }
    }

    /// What kept the body of a response from coming.
    pub(super) fn of_an_answer(error: &reqwest::Error) -> Self {
        tell(error);
        if error.is_timeout() { Self::Late } else { Self::Broken }
    }
}

fn causes(error: &reqwest::Error) -> Vec<&(dyn std::error::Error + 'static)> {
    let mut all = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        all.push(cause);
        next = cause.source();
    }
    all
}

/// Tells the log what the variants leave out: a certificate that is not trusted is mended in another way than a name that
/// is not known. The error itself would show the URL; its causes do not.
fn tell(error: &reqwest::Error) {
    let causes: Vec<String> = causes(error).iter().map(ToString::to_string).collect();
    debug!(cause = causes.join(": "), "A request failed on its way");
}
