//! Between Rust values and columns.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::{Revision, StoreError, StoreErrorKind};

/// A value as it is stored in a column of JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain data with texts as keys is always JSON")
}

/// A revision as it is stored.
pub(crate) fn revision_number(revision: Revision) -> Result<i64, StoreError> {
    i64::try_from(revision.get()).map_err(|_| {
        StoreError::new(
            StoreErrorKind::Invalid,
            "a revision is larger than the database's largest whole number",
        )
    })
}

/// A row of one of the databases. `None` is NULL.
pub(crate) trait StoredRow {
    /// What the names of the store's tables begin with.
    const PREFIX: &'static str;

    fn text_of(&self, column: &str) -> Result<Option<String>, sqlx::Error>;
    fn integer_of(&self, column: &str) -> Result<Option<i64>, sqlx::Error>;
    fn boolean_of(&self, column: &str) -> Result<Option<bool>, sqlx::Error>;
    fn bytes_of(&self, column: &str) -> Result<Option<Vec<u8>>, sqlx::Error>;
    fn instant_of(&self, column: &str) -> Result<Option<DateTime<Utc>>, sqlx::Error>;
}

/// A row of one table. What cannot be read is reported by table and id, never by content.
pub(crate) struct Row<'r, R> {
    table: &'static str,
    pub(crate) row: &'r R,
}

impl<'r, R: StoredRow> Row<'r, R> {
    /// `table` is its name without the store's prefix.
    pub(crate) fn of(table: &'static str, row: &'r R) -> Self {
        Self { table, row }
    }

    fn required<T>(
        &self,
        column: &'static str,
        value: Result<Option<T>, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let value = value.ok().flatten();
        value.ok_or_else(|| self.corrupt(column))
    }

    fn optional<T>(
        &self,
        column: &'static str,
        value: Result<Option<T>, sqlx::Error>,
    ) -> Result<Option<T>, StoreError> {
        value.map_err(|_| self.corrupt(column))
    }

    /// A text that stands for a value of its own type.
    pub(crate) fn text<T: From<String>>(&self, column: &'static str) -> Result<T, StoreError> {
        let text = self.required(column, self.row.text_of(column))?;
        Ok(T::from(text))
    }

    pub(crate) fn text_if_any<T: From<String>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let text = self.optional(column, self.row.text_of(column))?;
        Ok(text.map(T::from))
    }

    /// A word of an open enumeration.
    pub(crate) fn word<T: for<'a> From<&'a str>>(
        &self,
        column: &'static str,
    ) -> Result<T, StoreError> {
        let word = self.required(column, self.row.text_of(column))?;
        Ok(T::from(word.as_str()))
    }

    pub(crate) fn word_if_any<T: for<'a> From<&'a str>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let word = self.optional(column, self.row.text_of(column))?;
        Ok(word.map(|word| T::from(word.as_str())))
    }

    /// A whole number that stands for a value of its own type.
    pub(crate) fn number<T: From<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        let number = self.required(column, self.row.integer_of(column))?;
        Ok(T::from(number))
    }

    pub(crate) fn number_if_any<T: From<i64>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let number = self.optional(column, self.row.integer_of(column))?;
        Ok(number.map(T::from))
    }

    /// A whole number within the bounds of its type, such as a revision.
    pub(crate) fn count<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        T::try_from(self.number(column)?).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn boolean(&self, column: &'static str) -> Result<bool, StoreError> {
        self.required(column, self.row.boolean_of(column))
    }

    pub(crate) fn bytes_if_any(&self, column: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        self.optional(column, self.row.bytes_of(column))
    }

    /// A SHA-256.
    #[cfg(feature = "client")]
    pub(crate) fn digest(&self, column: &'static str) -> Result<[u8; 32], StoreError> {
        let bytes = self.required(column, self.row.bytes_of(column))?;
        <[u8; 32]>::try_from(bytes).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn instant(&self, column: &'static str) -> Result<DateTime<Utc>, StoreError> {
        self.required(column, self.row.instant_of(column))
    }

    pub(crate) fn instant_if_any(
        &self,
        column: &'static str,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.optional(column, self.row.instant_of(column))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        let text = self.required(column, self.row.text_of(column))?;
        // Serde's own error may repeat what it read, and so it is left out.
        serde_json::from_str(&text).map_err(|_| self.corrupt(column))
    }

    /// A value that the row is worth reading without; `None` if there is none, or none that this
    /// version can read.
    pub(crate) fn json_if_readable<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let text = self.optional(column, self.row.text_of(column))?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    pub(crate) fn corrupt(&self, column: &'static str) -> StoreError {
        let id = match (self.row.integer_of("id"), self.row.text_of("id")) {
            (Ok(Some(number)), _) => number.to_string(),
            (_, Ok(Some(text))) => text,
            _ => "without id".to_owned(),
        };
        let (prefix, table) = (R::PREFIX, self.table);
        StoreError::new(
            StoreErrorKind::Corrupt,
            format!(
                "row {id} of {prefix}{table} cannot be read back (column {column}): restore it from a copy"
            ),
        )
    }
}
