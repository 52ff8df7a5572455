//! One connection to the server, step by step, with what a failure of each step means.
//!
//! Until a recipient is named, a refusal is none of the message but of us or of the moment: the message may come later,
//! and an operator is told. From then on, what the server refuses for good is refused.

use std::net::SocketAddr;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Code, Severity};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::compose::Composed;
use super::plain::Plain;
use super::{Server, Tls, Verdict};

/// The answer to `DATA` that asks for the message.
const GO_ON: u16 = 354;

/// The way to a server.
pub(super) struct Link {
    pub(super) server: Server,
    /// Absent where nothing is encrypted.
    pub(super) tls: Option<TlsParameters>,
    pub(super) hello: ClientId,
    /// Longest wait for one of the server's addresses.
    pub(super) dial: Duration,
}

impl Link {
    /// A connection that is greeted, encrypted and signed in.
    pub(super) async fn open(&self) -> Result<AsyncSmtpConnection, Verdict> {
        let mut connection = match (self.server.tls, &self.tls) {
            (Tls::Whole, Some(_)) | (Tls::None, None) => {
                self.whole(self.tls.clone()).await.map_err(|e| not_open(&e))?
            }
            (Tls::Upgraded, Some(tls)) => self.upgraded(tls.clone()).await?,
            _ => return Err(later("tls")),
        };
        if connection.is_encrypted() == (self.server.tls == Tls::None) {
            return Err(later("tls"));
        }
        self.sign_in(&mut connection).await?;
        Ok(connection)
    }

    async fn whole(&self, tls: Option<TlsParameters>) -> Result<AsyncSmtpConnection, Error> {
        let address = (self.server.host.as_str(), self.server.port);
        AsyncSmtpConnection::connect_tokio1(address, Some(self.dial), &self.hello, tls, None).await
    }

    async fn upgraded(&self, tls: TlsParameters) -> Result<AsyncSmtpConnection, Verdict> {
        let stream = Box::new(Plain::new(self.dial().await.ok_or_else(|| later("unreachable"))?));
        let connected = AsyncSmtpConnection::connect_with_transport(stream, &self.hello).await;
        let mut connection = connected.map_err(|e| not_open(&e))?;
        let upgraded = connection.starttls(tls, &self.hello).await;
        upgraded.map_err(|e| e.status().map_or_else(|| later("tls"), |code| later(told(code))))?;
        Ok(connection)
    }

    /// A connection to the first of the server's addresses that answers.
    async fn dial(&self) -> Option<TcpStream> {
        let found = tokio::net::lookup_host((self.server.host.as_str(), self.server.port)).await.ok()?;
        for address in found.collect::<Vec<SocketAddr>>() {
            if let Ok(Ok(stream)) = timeout(self.dial, TcpStream::connect(address)).await {
                return Some(stream);
            }
        }
        None
    }

    async fn sign_in(&self, connection: &mut AsyncSmtpConnection) -> Result<(), Verdict> {
        let Some(given) = &self.server.credentials else { return Ok(()) };
        let given = Credentials::new(given.user.expose().to_owned(), given.password.expose().to_owned());
        match connection.auth(&[Mechanism::Plain, Mechanism::Login], &given).await {
            Ok(response) if is_done(response.code()) => Ok(()),
            Ok(response) => Err(later(told(response.code()))),
            Err(e) if e.is_permanent() || e.is_client() => {
                let code = e.status().map_or_else(|| "no_auth".to_owned(), told);
                tracing::error!(code, "The mail server refuses the user and password of mail.smtp_url");
                Err(later(code))
            }
            Err(e) => Err(not_open(&e)),
        }
    }
}

/// Says from whom a message is.
pub(super) async fn name_sender(
    connection: &mut AsyncSmtpConnection,
    letter: &Composed,
) -> Result<(), Verdict> {
    match connection.command(Mail::new(Some(letter.from.clone()), Vec::new())).await {
        Ok(response) if is_done(response.code()) => Ok(()),
        Ok(response) => Err(later(told(response.code()))),
        Err(e) => {
            if let Some(code) = e.status().filter(|_| e.is_permanent()) {
                tracing::error!(code = told(code), "The mail server refuses the sender of mail.from");
            }
            Err(not_open(&e))
        }
    }
}

/// Says to whom it is, and asks the server to take it.
pub(super) async fn name_recipient(
    connection: &mut AsyncSmtpConnection,
    letter: &Composed,
) -> Result<(), Verdict> {
    let refused = |e: Error| refusal(&e).unwrap_or_else(|| later("unreachable"));
    let recipient = Rcpt::new(letter.to.clone(), Vec::new());
    let response = connection.command(recipient).await.map_err(refused)?;
    if !is_done(response.code()) {
        return Err(later(told(response.code())));
    }
    let response = connection.command(Data).await.map_err(refused)?;
    if response.has_code(GO_ON) { Ok(()) } else { Err(later(told(response.code()))) }
}

/// Says the message itself. From here on it may have been taken.
pub(super) async fn say(connection: &mut AsyncSmtpConnection, letter: &Composed) -> Result<(), Verdict> {
    let cut_off = || Verdict::Unknown { code: "cut_off".to_owned() };
    match connection.message(&letter.bytes).await {
        Ok(response) if is_done(response.code()) => Ok(()),
        Ok(_) => Err(cut_off()),
        Err(e) => Err(refusal(&e).unwrap_or_else(cut_off)),
    }
}

/// To be handed over again later.
pub(super) fn later(code: impl Into<String>) -> Verdict {
    Verdict::Later { code: code.into(), after: None }
}

/// What the server says against a message, if it says something.
fn refusal(error: &Error) -> Option<Verdict> {
    let code = told(error.status()?);
    Some(if error.is_permanent() { Verdict::Refused { code } } else { later(code) })
}

/// A failure before anything was said of the message.
fn not_open(error: &Error) -> Verdict {
    match error.status() {
        Some(code) => later(told(code)),
        None if is_of_tls(error) => later("tls"),
        None => later("unreachable"),
    }
}

/// The library takes a failed handshake for one of the connection; what is wrong with TLS is wrong data there.
fn is_of_tls(error: &Error) -> bool {
    let mut cause = Some(error as &(dyn std::error::Error + 'static));
    while let Some(error) = cause {
        if let Some(e) = error.downcast_ref::<std::io::Error>() {
            return e.kind() == std::io::ErrorKind::InvalidData;
        }
        cause = error.source();
    }
    error.is_tls()
}

fn is_done(code: Code) -> bool {
    code.severity == Severity::PositiveCompletion
}

fn told(code: Code) -> String {
    format!("smtp_{code}")
}
