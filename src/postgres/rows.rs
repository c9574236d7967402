//! Between Rust values and columns.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgRow, PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Row as _, Type, TypeInfo as _};

use crate::sql::{self, StoredRow};
use crate::store::StoreError;

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

pub(super) type Row<'r> = sql::Row<'r, PgRow>;

impl StoredRow for PgRow {
    const PREFIX: &'static str = "";

    fn text_of(&self, column: &str) -> Result<Option<String>, sqlx::Error> {
        self.try_get(column)
    }

    fn integer_of(&self, column: &str) -> Result<Option<i64>, sqlx::Error> {
        let small = || Ok(self.try_get::<Option<i32>, _>(column)?.map(i64::from));
        self.try_get(column).or_else(|_: sqlx::Error| small())
    }

    fn boolean_of(&self, column: &str) -> Result<Option<bool>, sqlx::Error> {
        self.try_get(column)
    }

    fn bytes_of(&self, column: &str) -> Result<Option<Vec<u8>>, sqlx::Error> {
        self.try_get(column)
    }

    fn instant_of(&self, column: &str) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
        Ok(self
            .try_get::<Option<Stamp>, _>(column)?
            .map(|stamp| stamp.0))
    }
}

impl<'r> Row<'r> {
    pub(super) fn get<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: Decode<'r, Postgres> + Type<Postgres>,
    {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }
}
