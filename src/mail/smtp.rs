//! The sender of e-mails by SMTP.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::compose::{Composed, compose};
use super::link::{self, Link, later};
use super::{Mail, Message, Options, Sender, Server, Tls, Verdict};
use crate::model::Clock;

/// For how long a connection is kept for the next message. Servers end idle ones after a minute or some.
const IDLE: Duration = Duration::from_secs(30);
/// What share of the time a kept connection, or one of the server's addresses, may take of it.
const SHARE: u32 = 4;

/// The sender cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is a server and no sender.
    #[error("mail.smtp_url needs mail.from, the sender of e-mails")]
    NoSender,
    /// The file of certificates cannot be read.
    #[error("mail.ca_file: {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file has no certificate, or a broken one.
    #[error("mail.ca_file: {} has no certificate in PEM form, or a broken one", .0.display())]
    NoCertificate(PathBuf),
    /// The machine has no certificates to trust, or those given cannot be used.
    #[error("TLS to the mail server cannot be set up")]
    Tls(#[source] lettre::transport::smtp::Error),
}

/// Sends through one server, over a few connections that are kept for a while.
pub struct Smtp {
    link: Link,
    sender: Sender,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    places: Semaphore,
    kept: Mutex<Vec<Kept>>,
}

/// A connection that waits for the next message.
struct Kept {
    connection: AsyncSmtpConnection,
    since: Instant,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("server", &self.link.server).finish_non_exhaustive()
    }
}

impl Smtp {
    /// The sender that the options ask for; `None` where they name no server. It connects with the first message.
    pub fn new(options: &Options, clock: Arc<dyn Clock>) -> Result<Option<Self>, Error> {
        let Some(server) = options.smtp_url.clone() else { return Ok(None) };
        let sender = options.from.clone().ok_or(Error::NoSender)?;
        let tls = if server.tls == Tls::None { None } else { Some(tls(&server, options)?) };
        let domain = sender.address.key().rsplit('@').next().unwrap_or_default();
        let (hello, timeout) =
            (ClientId::Domain(domain.to_owned()), Duration::from_millis(options.timeout_ms));
        Ok(Some(Self {
            link: Link { server, tls, hello, dial: timeout / SHARE },
            sender,
            timeout,
            clock,
            places: Semaphore::new(usize::try_from(options.connections).unwrap_or(usize::MAX)),
            kept: Mutex::default(),
        }))
    }

    async fn hand_over(&self, message: &Message) -> Verdict {
        let Some(letter) = compose(message, &self.sender, self.clock.now()) else {
            return Verdict::Refused { code: "unfit".to_owned() };
        };
        // The two halves have a time each: one that was late in the first must not end as nobody-can-tell in the second.
        let deadline = Instant::now() + self.timeout;
        let Ok(Ok(_place)) = timeout_at(deadline, self.places.acquire()).await else {
            return later("busy");
        };
        let begun = timeout_at(deadline, self.begin(&letter)).await;
        let mut connection = match begun.unwrap_or_else(|_| Err(later("unreachable"))) {
            Ok(connection) => connection,
            Err(verdict) => return verdict,
        };
        // Given up on, a connection is dropped: what it says later would be taken for an answer to the next message.
        match timeout(self.timeout, link::say(&mut connection, &letter)).await {
            Err(_) => Verdict::Unknown { code: "late".to_owned() },
            Ok(Err(verdict)) => verdict,
            Ok(Ok(())) => {
                self.keep(connection);
                Verdict::Accepted { provider_id: letter.id }
            }
        }
    }

    /// The first half: all that comes before the message's words.
    async fn begin(&self, letter: &Composed) -> Result<AsyncSmtpConnection, Verdict> {
        let mut connection = if let Some(connection) = self.revived(letter).await {
            connection
        } else {
            let mut connection = self.link.open().await?;
            link::name_sender(&mut connection, letter).await?;
            connection
        };
        link::name_recipient(&mut connection, letter).await?;
        Ok(connection)
    }

    /// A kept connection that takes the sender's name. A server ends what is idle when it likes, and only the name was
    /// said, so that another connection may say it again. Where one has died the others are likely to have.
    async fn revived(&self, letter: &Composed) -> Option<AsyncSmtpConnection> {
        let mut connection = self.take()?;
        let named = timeout(self.timeout / SHARE, link::name_sender(&mut connection, letter)).await;
        if let Ok(Ok(())) = named {
            return Some(connection);
        }
        self.kept().clear();
        None
    }

    fn take(&self) -> Option<AsyncSmtpConnection> {
        let mut kept = self.kept();
        kept.retain(|kept| kept.since.elapsed() < IDLE);
        kept.pop().map(|kept| kept.connection)
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        self.kept().push(Kept { connection, since: Instant::now() });
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mail for Smtp {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Verdict> {
        Box::pin(self.hand_over(message))
    }
}

fn tls(server: &Server, options: &Options) -> Result<TlsParameters, Error> {
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(path) = &options.ca_file {
        let pem = std::fs::read(path).map_err(|source| Error::Unreadable { path: path.clone(), source })?;
        let none = || Error::NoCertificate(path.clone());
        // A file of anything else reads as an empty list of certificates.
        if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
            return Err(none());
        }
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|_| none())?);
    }
    builder.build().map_err(Error::Tls)
}
