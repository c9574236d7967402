//! Between Rust values and columns.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row as _, Sqlite, Type};

use crate::store::{Revision, StoreError, StoreErrorKind};

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

/// A value as it is stored in a column of JSON.
pub(super) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain data with texts as keys is always JSON")
}

/// A revision as it is stored.
pub(super) fn revision_number(revision: Revision) -> Result<i64, StoreError> {
    i64::try_from(revision.get()).map_err(|_| {
        StoreError::new(
            StoreErrorKind::Invalid,
            "a revision is larger than SQLite's largest whole number",
        )
    })
}

/// A row of one table. What cannot be read is reported by table and id, never by content.
pub(super) struct Row<'r> {
    table: &'static str,
    row: &'r SqliteRow,
}

impl<'r> Row<'r> {
    pub(super) fn of(table: &'static str, row: &'r SqliteRow) -> Self {
        Self { table, row }
    }

    pub(super) fn get<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite>,
    {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }

    /// A text that stands for a value of its own type.
    pub(super) fn text<T: From<String>>(&self, column: &'static str) -> Result<T, StoreError> {
        self.get::<String>(column).map(T::from)
    }

    pub(super) fn text_if_any<T: From<String>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.get::<Option<String>>(column)?.map(T::from))
    }

    /// A word of an open enumeration.
    pub(super) fn word<T: for<'a> From<&'a str>>(
        &self,
        column: &'static str,
    ) -> Result<T, StoreError> {
        Ok(T::from(self.get::<&str>(column)?))
    }

    pub(super) fn word_if_any<T: for<'a> From<&'a str>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.get::<Option<&str>>(column)?.map(T::from))
    }

    /// A whole number that stands for a value of its own type.
    pub(super) fn number<T: From<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        self.get::<i64>(column).map(T::from)
    }

    /// A whole number that is never negative, such as a revision.
    pub(super) fn count<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        T::try_from(self.get::<i64>(column)?).map_err(|_| self.corrupt(column))
    }

    pub(super) fn instant(&self, column: &'static str) -> Result<DateTime<Utc>, StoreError> {
        DateTime::from_timestamp_micros(self.get(column)?).ok_or_else(|| self.corrupt(column))
    }

    pub(super) fn instant_if_any(
        &self,
        column: &'static str,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let micros: Option<i64> = self.get(column)?;
        let instant = micros.map(DateTime::from_timestamp_micros);
        instant
            .map(|at| at.ok_or_else(|| self.corrupt(column)))
            .transpose()
    }

    pub(super) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        // Serde's own error may repeat what it read, and so it is left out.
        serde_json::from_str(self.get(column)?).map_err(|_| self.corrupt(column))
    }

    /// A value that the row is worth reading without; `None` if there is none, or none that this
    /// version can read.
    pub(super) fn json_if_readable<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let text: Option<&str> = self.get(column)?;
        Ok(text.and_then(|text| serde_json::from_str(text).ok()))
    }

    pub(super) fn corrupt(&self, column: &'static str) -> StoreError {
        let id = self
            .row
            .try_get_unchecked::<String, _>("id")
            .unwrap_or_else(|_| "without id".to_owned());
        StoreError::new(
            StoreErrorKind::Corrupt,
            format!(
                "row {id} of {} cannot be read back (column {column}): restore it from a copy",
                self.table
            ),
        )
    }
}
