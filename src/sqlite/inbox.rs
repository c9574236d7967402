//! The inbox.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::error::failed;
use super::rows::{Row, micros, micros_before};
use super::settle::not_waiting;
use super::{SqliteStore, statements};
use crate::model::BookingUid;
use crate::sql::{decode, json};
use crate::store::{
    Accepted, Delivery, DeliveryFate, DeliveryId, Inbox, Link, NewDelivery, Page, StoreError,
    SyncKey, TenantId, WebhookHealth,
};

macro_rules! delivery_columns {
    ($of:literal) => {
        concat!(
            $of,
            "id, ",
            $of,
            "trigger_name, ",
            $of,
            "booking, ",
            $of,
            "claim, ",
            $of,
            "taken_at, ",
            $of,
            "source, ",
            $of,
            "fate"
        )
    };
}
pub(super) use delivery_columns;

statements! {
    /// What is ignored at the door is settled and routed as it comes.
    ACCEPT =
        "INSERT INTO calcom_notices \
           (tenant, kind, taken_at, fingerprint, trigger_name, booking, rescheduled_from, sync_key, claim, body, \
            source, fate, settled_at, routed, at_door) \
         VALUES (?1, 'delivery', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, \
            ?11, ?10, CASE WHEN ?10 IS NULL THEN NULL ELSE ?2 END, ?10 IS NOT NULL, ?10 IS NOT NULL) \
         ON CONFLICT (tenant, fingerprint) WHERE kind = 'delivery' AND (fate IS NULL OR at_door = 1) DO NOTHING";
    OF_TENANT = concat!(
        "SELECT ", delivery_columns!(""), " FROM calcom_notices \
         WHERE tenant = ?1 AND id > ?2 AND kind = 'delivery' ORDER BY id LIMIT ?3"
    );
    WAITING = concat!(
        "SELECT ", delivery_columns!("n."), " FROM calcom_keys k CROSS JOIN calcom_notices n \
         WHERE k.tenant = ?1 AND k.link = ?2 AND k.kind = 'booking' \
           AND n.tenant = k.tenant AND n.booking = k.name AND n.kind = 'delivery' AND n.fate IS NULL \
         ORDER BY n.id"
    );
    /// Two ranges of an index that begins with the source.
    HEALTH =
        "SELECT source, fate, COUNT(*) AS deliveries FROM calcom_notices \
         WHERE tenant = ?1 AND source IN ('webhook', 'sweep') AND taken_at >= ?2 AND kind = 'delivery' \
         GROUP BY source, fate";
    LAST_RECEIVED =
        "SELECT MAX(taken_at) FROM calcom_notices WHERE tenant = ?1 AND source = 'webhook' AND kind = 'delivery'";
    END =
        "UPDATE calcom_notices SET fate = ?4, settled_at = ?5, routed = 1 \
         WHERE id = ?3 AND tenant = ?1 AND kind = 'delivery' AND fate IS NULL \
           AND EXISTS (SELECT 1 FROM calcom_keys k \
             WHERE k.tenant = ?1 AND k.kind = 'booking' AND k.name = calcom_notices.booking AND k.link = ?2)";
}

#[async_trait]
impl Inbox for SqliteStore {
    async fn accept(&self, delivery: NewDelivery) -> Result<Accepted, StoreError> {
        let store = self.clone();
        self.arriving()
            .store(delivery, move |group| store.clone().accept_group(group))
            .await
    }

    async fn deliveries(
        &self,
        tenant: &TenantId,
        page: Page<DeliveryId>,
    ) -> Result<Vec<(Delivery, Option<DeliveryFate>)>, StoreError> {
        let rows = sqlx::query(OF_TENANT)
            .bind(tenant.as_str())
            .bind(page.after.map_or(i64::MIN, DeliveryId::get))
            .bind(i64::from(page.limit))
            .fetch_all(self.reads())
            .await
            .map_err(failed)?;
        rows.iter().map(decode::delivery).collect()
    }

    async fn webhook_health(
        &self,
        tenant: &TenantId,
        within: Duration,
    ) -> Result<WebhookHealth, StoreError> {
        let now = self.now();
        let rows = sqlx::query(HEALTH)
            .bind(tenant.as_str())
            .bind(micros_before(now, within))
            .fetch_all(self.reads())
            .await
            .map_err(failed)?;
        let mut health = WebhookHealth::default();
        for row in &rows {
            let row = Row::of("calcom_notices", row);
            let fate: Option<DeliveryFate> = row.word_if_any("fate")?;
            health.count(
                &row.word("source")?,
                fate.as_ref(),
                row.count("deliveries")?,
            );
        }
        let last: Option<i64> = sqlx::query_scalar(LAST_RECEIVED)
            .bind(tenant.as_str())
            .fetch_one(self.reads())
            .await
            .map_err(failed)?;
        health.last_received_ago = last.map(|last| {
            let ago = micros(now).saturating_sub(last);
            Duration::from_micros(u64::try_from(ago).unwrap_or_default())
        });
        Ok(health)
    }
}

impl SqliteStore {
    /// Stores deliveries in one transaction. What SQLite refuses is refused alone.
    async fn accept_group(self, group: Vec<NewDelivery>) -> Vec<Result<Accepted, StoreError>> {
        let for_all = |error: StoreError| group.iter().map(move |_| Err(error.for_another()));
        let mut transaction = match self.write().await {
            Ok(transaction) => transaction,
            Err(error) => return for_all(error).collect(),
        };
        let mut answers = Vec::with_capacity(group.len());
        for delivery in &group {
            answers.push(accept_in(&mut transaction, delivery, self.now()).await);
        }
        // A failure that ended the transaction, such as a full disk, fails here for all of them.
        match transaction.commit().await {
            Ok(()) => answers,
            Err(error) => for_all(failed(error)).collect(),
        }
    }
}

async fn accept_in(
    connection: &mut SqliteConnection,
    delivery: &NewDelivery,
    now: DateTime<Utc>,
) -> Result<Accepted, StoreError> {
    let fate = delivery.fate_at_door();
    let stored = sqlx::query(ACCEPT)
        .bind(delivery.tenant.as_str())
        .bind(micros(now))
        .bind(delivery.fingerprint.as_slice())
        .bind(delivery.trigger.as_str())
        .bind(delivery.booking.as_ref().map(BookingUid::as_str))
        .bind(delivery.rescheduled_from.as_ref().map(BookingUid::as_str))
        .bind(delivery.sync_key.as_ref().map(SyncKey::as_str))
        .bind(json(&delivery.claim))
        .bind(delivery.body.as_str())
        .bind(fate.as_ref().map(DeliveryFate::as_str))
        .bind(delivery.source.as_str())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(Accepted::of(stored.rows_affected() > 0, fate.as_ref()))
}

/// The deliveries that wait for a link, oldest first.
pub(super) async fn waiting(
    connection: &mut SqliteConnection,
    link: &Link,
) -> Result<Vec<Delivery>, StoreError> {
    let rows = sqlx::query(WAITING)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .fetch_all(connection)
        .await
        .map_err(failed)?;
    rows.iter()
        .map(|row| decode::delivery(row).map(|(delivery, _)| delivery))
        .collect()
}

/// Stores how a delivery that waited for a link ended.
pub(super) async fn end(
    connection: &mut SqliteConnection,
    link: &Link,
    delivery: DeliveryId,
    fate: &DeliveryFate,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let ended = sqlx::query(END)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .bind(delivery.get())
        .bind(fate.as_str())
        .bind(micros(now))
        .execute(connection)
        .await
        .map_err(failed)?;
    match ended.rows_affected() {
        0 => Err(not_waiting()),
        _ => Ok(()),
    }
}
