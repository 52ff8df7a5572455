//! Where a mail server is and how it is spoken to, read from one address.

use std::net::IpAddr;
use std::str::FromStr;

use crate::fetch::Url;
use crate::model::Secret;

/// A mail server: `smtps://USER:PASSWORD@HOST`, `smtp://USER:PASSWORD@HOST`, or `smtp://HOST?tls=none` on this machine.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How what is said is kept from others.
    pub tls: Tls,
    /// As whom one signs in.
    pub credentials: Option<Credentials>,
}

/// How what is said to a server is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte.
    Whole,
    /// After `STARTTLS`, without which nothing is said.
    Upgraded,
    /// Not at all: the server is on this machine.
    None,
}

/// A user and a password. Providers give keys as users too, so neither is told.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user.
    pub user: Secret,
    /// The password.
    pub password: Secret,
}

/// Why a text is not the address of a mail server. It never repeats the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// It is no such address.
    #[error("it is not smtps://USER:PASSWORD@HOST, smtp://USER:PASSWORD@HOST or smtp://HOST?tls=none")]
    Form,
    /// There is a user without a password, or a password without a user.
    #[error("a user needs a password, and a password a user")]
    HalfCredentials,
    /// It would be spoken to in the clear over a network.
    #[error(
        "`tls=none` is for a server on this machine: codes and the password would be readable on the way"
    )]
    Readable,
}

impl Server {
    /// Whether it is on this machine.
    pub fn is_local(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

impl FromStr for Server {
    type Err = ServerError;

    fn from_str(text: &str) -> Result<Self, ServerError> {
        // The reader of addresses would drop line breaks and tabs; a password never has them unencoded.
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ServerError::Form);
        }
        let url = Url::parse(text).map_err(|_| ServerError::Form)?;
        let (tls, port) = match (url.scheme(), url.query()) {
            ("smtps", None) => (Tls::Whole, 465),
            ("smtp", None) => (Tls::Upgraded, 587),
            ("smtp", Some("tls=none")) => (Tls::None, 25),
            _ => return Err(ServerError::Form),
        };
        let host = host(&url).ok_or(ServerError::Form)?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(ServerError::Form);
        }
        let server = Self { host, port: url.port().unwrap_or(port), tls, credentials: credentials(&url)? };
        if server.tls == Tls::None && !server.is_local() {
            return Err(ServerError::Readable);
        }
        Ok(server)
    }
}

/// The host, without the brackets of an address.
fn host(url: &Url) -> Option<String> {
    let host = url.host_str()?.to_ascii_lowercase();
    if let Some(address) = host.strip_prefix('[') {
        return Some(address.trim_end_matches(']').to_owned());
    }
    let is_name = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    (is_name && !host.is_empty()).then_some(host)
}

fn credentials(url: &Url) -> Result<Option<Credentials>, ServerError> {
    match (url.username(), url.password().unwrap_or_default()) {
        ("", "") => Ok(None),
        ("", _) | (_, "") => Err(ServerError::HalfCredentials),
        (user, password) => {
            let (user, password) = (decoded(user)?, decoded(password)?);
            Ok(Some(Credentials { user, password }))
        }
    }
}

/// The text behind `%40` and its like. A NUL parts user and password where they are sent, so none may be in them.
fn decoded(text: &str) -> Result<Secret, ServerError> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2).ok_or(ServerError::Form)?;
        let is_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        let byte = u8::from_str_radix(digits, 16).ok().filter(|byte| is_hex && *byte != 0);
        bytes.push(byte.ok_or(ServerError::Form)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).map(Secret::new).map_err(|_| ServerError::Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, u16, Tls), ServerError> {
        text.parse::<Server>().map(|s| (s.host, s.port, s.tls))
    }

    #[test]
    fn three_forms_are_read() {
        let host = || "mail.example.com".to_owned();
        assert_eq!(read("smtps://u:p@mail.example.com"), Ok((host(), 465, Tls::Whole)));
        assert_eq!(read("smtps://Mail.Example.com:2465/"), Ok((host(), 2465, Tls::Whole)));
        assert_eq!(read("smtp://u:p@mail.example.com"), Ok((host(), 587, Tls::Upgraded)));
        assert_eq!(read("smtp://localhost?tls=none"), Ok(("localhost".to_owned(), 25, Tls::None)));
        assert_eq!(read("smtp://[::1]:1025?tls=none"), Ok(("::1".to_owned(), 1025, Tls::None)));
        let server: Server = "smtps://ann%40x.com:p%3A%2f%25%C3%A9@mail.example.com".parse().unwrap();
        let given = server.credentials.as_ref().unwrap();
        assert_eq!((given.user.expose(), given.password.expose()), ("ann@x.com", "p:/%é"));
        assert!(!format!("{server:?}").contains("ann"));
    }

    #[test]
    fn anything_else_is_refused_and_not_repeated() {
        for bad in [
            "",
            "mail.example.com",
            "http://mail.example.com",
            "smtp:mail.example.com",
            "smtps://",
            "smtps://u:p@mail.example.com?tls=none",
            "smtp://u:p@mail.example.com?tls=maybe",
            "smtp://mail.example.com/inbox",
            "smtp://mail.example.com#x",
            "smtp://mail example.com",
            "smtp://mail.example.com\r\n",
            "smtp://mail_example%0d.com",
            "smtps://u:p%0@mail.example.com",
            "smtps://u:p%zz@mail.example.com",
            "smtps://u:p%+1@mail.example.com",
            "smtps://u%00x:p@mail.example.com",
            "smtps://u:p%ff@mail.example.com",
        ] {
            assert_eq!(read(bad), Err(ServerError::Form), "{bad}");
        }
        for half in
            ["smtps://u@mail.example.com", "smtps://u:@mail.example.com", "smtps://:p@mail.example.com"]
        {
            assert_eq!(read(half), Err(ServerError::HalfCredentials), "{half}");
        }
        for readable in ["mail.example.com", "10.0.0.1", "[::2]", "localhost.example.com", "127.example.com"]
        {
            let read = read(&format!("smtp://{readable}?tls=none"));
            assert_eq!(read, Err(ServerError::Readable), "{readable}");
        }
    }
}
