//! Idempotency keys of the client.

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::error::failed;
use super::rows::Row;
use super::{PostgresStore, statements};
use crate::client::{IdempotencyKey, IdempotencyRecord, IdempotencyStore, StoreFailure};
use crate::model::BookingUid;
use crate::store::{StoreError, StoreErrorKind};

statements! {
    /// A key that is too old is taken as new.
    BEGIN =
        "INSERT INTO idempotency_keys AS k (key, fingerprint, stored_at) VALUES ($1, $2, clock_of_books()) \
         ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, booking = NULL, stored_at = excluded.stored_at \
             WHERE k.stored_at < excluded.stored_at - interval '24 hours'";
    RECORD = "SELECT fingerprint, booking FROM idempotency_keys WHERE key = $1";
    FINISH =
        "INSERT INTO idempotency_keys (key, fingerprint, booking, stored_at) VALUES ($1, $2, $3, clock_of_books()) \
         ON CONFLICT (key) DO UPDATE \
             SET fingerprint = excluded.fingerprint, booking = excluded.booking, stored_at = excluded.stored_at";
    FORGET = "DELETE FROM idempotency_keys WHERE key = $1";
}

/// How often a key is looked for that others begin and forget at the same time.
const ATTEMPTS: u32 = 5;

/// Keys are valid in all processes with this schema, for 24 hours by the database's clock. A row
/// holds the SHA-256 of the key and of the request, and the uid of the booking.
/// [`prune`](crate::store::Upkeep::prune) removes what is older.
#[async_trait]
impl IdempotencyStore for PostgresStore {
    async fn begin(
        &self,
        key: &IdempotencyKey,
        fingerprint: [u8; 32],
    ) -> Result<Option<IdempotencyRecord>, StoreFailure> {
        let key = hashed(key);
        for _ in 0..ATTEMPTS {
            let begun = sqlx::query(BEGIN)
                .bind(&key[..])
                .bind(&fingerprint[..])
                .execute(self.pool())
                .await
                .map_err(failed)?;
            if begun.rows_affected() > 0 {
                return Ok(None);
            }
            let row = sqlx::query(RECORD)
                .bind(&key[..])
                .fetch_optional(self.pool())
                .await
                .map_err(failed)?;
            // If it was forgotten in between, it is new.
            if let Some(row) = row {
                let row = Row::of("idempotency_keys", &row);
                let mut record = IdempotencyRecord::new(row.digest("fingerprint")?);
                record.booking = row.text_if_any::<BookingUid>("booking")?;
                return Ok(Some(record));
            }
        }
        let busy = "others begin and forget this key all the time: try again";
        Err(StoreError::new(StoreErrorKind::Unavailable, busy).into())
    }

    async fn finish(
        &self,
        key: &IdempotencyKey,
        record: IdempotencyRecord,
    ) -> Result<(), StoreFailure> {
        sqlx::query(FINISH)
            .bind(&hashed(key)[..])
            .bind(&record.fingerprint[..])
            .bind(record.booking.as_ref().map(BookingUid::as_str))
            .execute(self.pool())
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn forget(&self, key: &IdempotencyKey) -> Result<(), StoreFailure> {
        sqlx::query(FORGET)
            .bind(&hashed(key)[..])
            .execute(self.pool())
            .await
            .map_err(failed)?;
        Ok(())
    }
}

fn hashed(key: &IdempotencyKey) -> [u8; 32] {
    Sha256::digest(key.as_str()).into()
}
