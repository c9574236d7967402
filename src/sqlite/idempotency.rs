//! Idempotency keys of the client.

use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::error::failed;
use super::rows::{Row, micros, micros_before};
use super::{SqliteStore, statements};
use crate::client::{IdempotencyKey, IdempotencyRecord, IdempotencyStore, StoreFailure};
use crate::model::BookingUid;

/// How long a key returns the same booking.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

statements! {
    /// A key that is too old is taken as new.
    BEGIN =
        "INSERT INTO calcom_idempotency_keys (key, fingerprint, stored_at) VALUES (?1, ?2, ?3) \
         ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, booking = NULL, stored_at = excluded.stored_at \
             WHERE calcom_idempotency_keys.stored_at < ?4";
    RECORD = "SELECT fingerprint, booking FROM calcom_idempotency_keys WHERE key = ?1";
    FINISH =
        "INSERT INTO calcom_idempotency_keys (key, fingerprint, booking, stored_at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (key) DO UPDATE \
             SET fingerprint = excluded.fingerprint, booking = excluded.booking, stored_at = excluded.stored_at";
    FORGET = "DELETE FROM calcom_idempotency_keys WHERE key = ?1";
}

/// Keys are valid in all processes with this file, for 24 hours. A row holds the SHA-256 of the key
/// and of the request, and the uid of the booking. [`prune`](crate::store::Upkeep::prune) removes
/// what is older.
#[async_trait]
impl IdempotencyStore for SqliteStore {
    async fn begin(
        &self,
        key: &IdempotencyKey,
        fingerprint: [u8; 32],
    ) -> Result<Option<IdempotencyRecord>, StoreFailure> {
        let key = hashed(key);
        let now = self.now();
        let mut transaction = self.write().await?;
        let begun = sqlx::query(BEGIN)
            .bind(&key[..])
            .bind(&fingerprint[..])
            .bind(micros(now))
            .bind(micros_before(now, KEPT_FOR))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        let known = if begun.rows_affected() > 0 {
            None
        } else {
            let row = sqlx::query(RECORD)
                .bind(&key[..])
                .fetch_one(&mut *transaction)
                .await
                .map_err(failed)?;
            let row = Row::of("idempotency_keys", &row);
            let mut record = IdempotencyRecord::new(row.digest("fingerprint")?);
            record.booking = row.text_if_any::<BookingUid>("booking")?;
            Some(record)
        };
        transaction.commit().await.map_err(failed)?;
        Ok(known)
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
            .bind(micros(self.now()))
            .execute(self.writes())
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn forget(&self, key: &IdempotencyKey) -> Result<(), StoreFailure> {
        sqlx::query(FORGET)
            .bind(&hashed(key)[..])
            .execute(self.writes())
            .await
            .map_err(failed)?;
        Ok(())
    }
}

fn hashed(key: &IdempotencyKey) -> [u8; 32] {
    Sha256::digest(key.as_str()).into()
}
