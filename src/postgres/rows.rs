//! Between Rust values and columns.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgRow, PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Row as _, Type, TypeInfo as _};

use crate::store::{Revision, StoreError, StoreErrorKind};

/// PostgreSQL counts from the beginning of 2000, in microseconds.
const EPOCH: i64 = 946_684_800_000_000;
/// The type `timestamptz`.
const TIMESTAMPTZ: Oid = Oid(1184);
const MICROS_A_YEAR: i64 = 31_556_952_000_000;
/// The longest time that can be added to the database's clock such that chrono can still read the
/// sum. Nobody sees it end.
const LONGEST_AHEAD: i64 = 100_000 * MICROS_A_YEAR;
/// The longest time that can be subtracted: PostgreSQL's first year is 4714 BC.
const LONGEST_BACK: i64 = 5_000 * MICROS_A_YEAR;

/// An instant as it is stored: microseconds, finer parts cut off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp(pub(super) DateTime<Utc>);

impl Type<Postgres> for Stamp {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }

    fn compatible(ty: &PgTypeInfo) -> bool {
        ty.name().eq_ignore_ascii_case("timestamptz")
    }
}

impl Encode<'_, Postgres> for Stamp {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let micros = self.0.timestamp_micros().saturating_sub(EPOCH);
        <i64 as Encode<'_, Postgres>>::encode(micros, buffer)
    }
}

impl<'r> Decode<'r, Postgres> for Stamp {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        if value.format() != PgValueFormat::Binary {
            return Err("an instant came as text".into());
        }
        let bytes: [u8; 8] = value.as_bytes()?.try_into()?;
        // Also what no calendar knows, such as infinity.
        i64::from_be_bytes(bytes)
            .checked_add(EPOCH)
            .and_then(DateTime::from_timestamp_micros)
            .map(Self)
            .ok_or_else(|| "an instant is out of range".into())
    }
}

/// A time that is added to the database's clock, in microseconds.
pub(super) fn ahead(wait: Duration) -> i64 {
    length(wait, LONGEST_AHEAD)
}

/// A time that is subtracted from the database's clock, in microseconds.
pub(super) fn back(age: Duration) -> i64 {
    length(age, LONGEST_BACK)
}

fn length(time: Duration, longest: i64) -> i64 {
    i64::try_from(time.as_micros()).map_or(longest, |micros| micros.min(longest))
}

/// A count of microseconds that the database has worked out; a negative one is none.
pub(super) fn micros(count: i64) -> Duration {
    Duration::from_micros(u64::try_from(count).unwrap_or_default())
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
            "a revision is larger than PostgreSQL's largest whole number",
        )
    })
}

/// A row of one table. What cannot be read is reported by table and id, never by content.
pub(super) struct Row<'r> {
    table: &'static str,
    row: &'r PgRow,
}

impl<'r> Row<'r> {
    pub(super) fn of(table: &'static str, row: &'r PgRow) -> Self {
        Self { table, row }
    }

    pub(super) fn get<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: Decode<'r, Postgres> + Type<Postgres>,
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
        Ok(self.get::<Stamp>(column)?.0)
    }

    pub(super) fn instant_if_any(
        &self,
        column: &'static str,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        Ok(self.get::<Option<Stamp>>(column)?.map(|stamp| stamp.0))
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
        let number = self.row.try_get::<i64, _>("id").map(|id| id.to_string());
        let id = number
            .or_else(|_| self.row.try_get::<String, _>("id"))
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
