//! Between Rust values and columns.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row as _, Sqlite, Type};

use crate::sql::{self, StoredRow};
use crate::store::StoreError;

/// An instant as it is stored: microseconds since the epoch, finer parts cut off.
pub(super) fn micros(instant: DateTime<Utc>) -> i64 {
    instant.timestamp_micros()
}

/// The instant that lies a while after another, as it is stored.
pub(super) fn micros_after(instant: DateTime<Utc>, wait: Duration) -> i64 {
    micros(instant).saturating_add(length(wait))
}

/// The instant that lies a while before another, as it is stored.
pub(super) fn micros_before(instant: DateTime<Utc>, wait: Duration) -> i64 {
    micros(instant).saturating_sub(length(wait))
}

fn length(wait: Duration) -> i64 {
    i64::try_from(wait.as_micros()).unwrap_or(i64::MAX)
}

pub(super) type Row<'r> = sql::Row<'r, SqliteRow>;

impl StoredRow for SqliteRow {
    const PREFIX: &'static str = "calcom_";

    fn text_of(&self, column: &str) -> Result<Option<String>, sqlx::Error> {
        self.try_get(column)
    }

    fn integer_of(&self, column: &str) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(column)
    }

    fn boolean_of(&self, column: &str) -> Result<Option<bool>, sqlx::Error> {
        self.try_get(column)
    }

    fn bytes_of(&self, column: &str) -> Result<Option<Vec<u8>>, sqlx::Error> {
        self.try_get(column)
    }

    fn instant_of(&self, column: &str) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
        let micros: Option<i64> = self.try_get(column)?;
        let instant = |micros| {
            let instant = DateTime::from_timestamp_micros(micros);
            instant.ok_or_else(|| sqlx::Error::Decode("an instant is out of range".into()))
        };
        micros.map(instant).transpose()
    }
}

impl<'r> Row<'r> {
    pub(super) fn get<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite>,
    {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }
}
