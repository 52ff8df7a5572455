//! Where the database is.

use std::fmt;
use std::path::{Path, PathBuf};

use super::Error;

/// Which database, and how many connections to keep.
#[derive(Clone)]
pub struct Options {
    /// `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`.
    pub url: String,
    /// Connections kept open: for reading with SQLite (writes have one of their own), for everything with Postgres.
    pub connections: u32,
    /// A Postgres schema to live in, made where it is missing; SQLite has none.
    pub schema: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { url: "sqlite:data/vestibule.db".to_owned(), connections: 8, schema: None }
    }
}

/// The address may hold a password, so only its scheme is shown.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("url", &format_args!("{}:…", scheme(&self.url)))
            .field("connections", &self.connections)
            .field("schema", &self.schema)
            .finish()
    }
}

fn scheme(url: &str) -> &str {
    // Without a colon there is no telling what the text is; it may be a password in the wrong place.
    url.split_once(':').map_or("…", |(scheme, _)| scheme)
}

/// What an address points at.
pub(super) enum Target {
    /// A file.
    Sqlite(PathBuf),
    /// A server.
    Postgres(String),
}

impl Options {
    /// Reads the address.
    pub(super) fn target(&self) -> Result<Target, Error> {
        let refused = || Error::Address { scheme: scheme(&self.url).to_owned() };
        let (kind, rest) = self.url.split_once(':').ok_or_else(refused)?;
        match kind {
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                // An in-memory database is one per connection: the readers would never see what the writer wrote.
                if path.is_empty() || path.starts_with(':') {
                    return Err(refused());
                }
                Ok(Target::Sqlite(PathBuf::from(path)))
            }
            "postgres" | "postgresql" => Ok(Target::Postgres(self.url.clone())),
            _ => Err(refused()),
        }
    }
}

impl Options {
    /// The folder of the database's file; none where the database is a server.
    pub fn folder(&self) -> Option<PathBuf> {
        match self.target() {
            Ok(Target::Sqlite(path)) => path.parent().map(Path::to_owned),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Options {
        Options { url: url.to_owned(), ..Options::default() }
    }

    #[test]
    fn the_password_is_never_shown() {
        let shown = format!("{:?}", at("postgres://me:hunter2@db/app"));
        assert!(shown.contains("postgres") && !shown.contains("hunter2"), "{shown}");
        assert!(!format!("{:?}", at("hunter2")).contains("hunter2"));
    }

    #[test]
    fn only_files_and_servers_are_taken() {
        assert!(
            matches!(at("sqlite:a/b.db").target(), Ok(Target::Sqlite(p)) if p.as_path() == Path::new("a/b.db"))
        );
        assert!(
            matches!(at("sqlite:///a/b.db").target(), Ok(Target::Sqlite(p)) if p.as_path() == Path::new("/a/b.db"))
        );
        assert!(matches!(at("postgres://h/d").target(), Ok(Target::Postgres(_))));
        for wrong in ["sqlite:", "sqlite::memory:", "mysql://h/d", "app.db", ""] {
            assert!(matches!(at(wrong).target(), Err(Error::Address { .. })), "{wrong}");
        }
    }
}
