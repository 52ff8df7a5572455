//! A row, and what may be read from it.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use crate::model::{DeviceId, IdError, Owner, UserId};
use crate::store::Error;

/// One row of an answer; columns are counted from 0.
#[derive(Debug)]
pub(in crate::store) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident -> $kind:ty;)+) => {
        $($(#[$doc])*
        pub(in crate::store) fn $name(&self, i: usize) -> Result<$kind, Error> {
            match self {
                Self::Sqlite(row) => row.try_get(i),
                Self::Postgres(row) => row.try_get(i),
            }
            .map_err(|source| self.corrupt(i, source))
        })+
    };
}

impl Row {
    getters! {
        /// Text.
        text -> String;
        /// Text or null.
        maybe_text -> Option<String>;
        /// An integer.
        int -> i64;
        /// An integer or null.
        maybe_int -> Option<i64>;
        /// Bytes.
        bytes -> Vec<u8>;
        /// Bytes or null.
        maybe_bytes -> Option<Vec<u8>>;
    }

    /// 0 or 1.
    pub(in crate::store) fn flag(&self, i: usize) -> Result<bool, Error> {
        match self.int(i)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.corrupt(i, format!("{other} is neither 0 nor 1"))),
        }
    }

    /// Microseconds since 1970.
    pub(in crate::store) fn time(&self, i: usize) -> Result<Timestamp, Error> {
        Timestamp::from_microsecond(self.int(i)?).map_err(|source| self.corrupt(i, source))
    }

    /// Microseconds since 1970 or null.
    pub(in crate::store) fn maybe_time(&self, i: usize) -> Result<Option<Timestamp>, Error> {
        let Some(micros) = self.maybe_int(i)? else { return Ok(None) };
        Timestamp::from_microsecond(micros).map(Some).map_err(|source| self.corrupt(i, source))
    }

    /// An id.
    pub(in crate::store) fn id<T: TryFrom<String, Error = IdError>>(&self, i: usize) -> Result<T, Error> {
        T::try_from(self.text(i)?).map_err(|source| self.corrupt(i, source))
    }

    /// An id or null.
    pub(in crate::store) fn maybe_id<T>(&self, i: usize) -> Result<Option<T>, Error>
    where
        T: TryFrom<String, Error = IdError>,
    {
        let Some(text) = self.maybe_text(i)? else { return Ok(None) };
        T::try_from(text).map(Some).map_err(|source| self.corrupt(i, source))
    }

    /// An owner: a device or an account.
    pub(in crate::store) fn owner(&self, i: usize) -> Result<Owner, Error> {
        let text = self.text(i)?;
        let owner = if text.starts_with(DeviceId::PREFIX) {
            DeviceId::try_from(text).map(Owner::Device)
        } else {
            UserId::try_from(text).map(Owner::User)
        };
        owner.map_err(|source| self.corrupt(i, source))
    }

    /// A value of a closed set, by its stored name.
    pub(in crate::store) fn named<T>(&self, i: usize, parse: fn(&str) -> Option<T>) -> Result<T, Error> {
        let text = self.text(i)?;
        // The value itself is left out: a row of the wrong column could hold anything.
        parse(&text).ok_or_else(|| self.corrupt(i, "the name is not of the closed set"))
    }

    fn corrupt(&self, i: usize, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        use sqlx::Column as _;
        let name = match self {
            Self::Sqlite(row) => row.columns().get(i).map(|column| column.name().to_owned()),
            Self::Postgres(row) => row.columns().get(i).map(|column| column.name().to_owned()),
        };
        Error::Corrupt { column: name.unwrap_or_else(|| i.to_string()), source: source.into() }
    }
}
