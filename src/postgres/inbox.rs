//! The inbox.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgConnection;

use super::error::failed;
use super::rows::{Row, back, micros};
use super::settle::not_waiting;
use super::{PostgresStore, statements};
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
    /// What is ignored at the door is settled as it comes. Waits only for a transaction that stores,
    /// routes or settles the very same bytes and is about to commit.
    ACCEPT =
        "INSERT INTO notices \
           (kind, tenant, fingerprint, trigger_name, booking, rescheduled_from, sync_key, claim, body, source, \
            fate, settled_at, is_ignored) \
         VALUES ('delivery', $1, $2, $3, $4, $5, $6, $7, $8, $9, \
            $10, CASE WHEN $10 IS NOT NULL THEN clock_of_books() END, $10 IS NOT NULL) \
         ON CONFLICT (tenant, fingerprint) WHERE kind = 'delivery' AND (fate IS NULL OR is_ignored) DO NOTHING";
    OF_TENANT = concat!(
        "SELECT ", delivery_columns!(""), " FROM notices \
         WHERE kind = 'delivery' AND (tenant, id) > ($1, $2) AND tenant <= $1 ORDER BY tenant, id LIMIT $3"
    );
    WAITING = concat!(
        "SELECT ", delivery_columns!(""), " FROM notices \
         WHERE kind = 'delivery' AND fate IS NULL AND tenant = $1 \
           AND booking IN (SELECT name FROM keys WHERE tenant = $1 AND link = $2 AND kind = 'booking') \
         ORDER BY id"
    );
    /// Two ranges of an index that begins with the source.
    HEALTH =
        "SELECT source, fate, count(*) AS deliveries FROM notices \
         WHERE kind = 'delivery' AND tenant = $1 AND source IN ('webhook', 'sweep') \
           AND taken_at >= now_of_books() - $2 * interval '1 us' \
         GROUP BY source, fate";
    LAST_RECEIVED =
        "SELECT (EXTRACT(epoch FROM now_of_books() - max(taken_at)) * 1000000)::bigint \
         FROM notices WHERE kind = 'delivery' AND tenant = $1 AND source = 'webhook'";
    END =
        "UPDATE notices SET fate = ended.fate, settled_at = now_of_books() \
         FROM unnest($3, $4) AS ended (id, fate) \
         WHERE notices.id = ended.id AND notices.kind = 'delivery' AND notices.fate IS NULL AND notices.tenant = $1 \
           AND notices.booking IN (SELECT name FROM keys WHERE tenant = $1 AND link = $2 AND kind = 'booking')";
}

#[async_trait]
impl Inbox for PostgresStore {
    async fn accept(&self, delivery: NewDelivery) -> Result<Accepted, StoreError> {
        // Without a booking there is no link to look for.
        let fate = match (delivery.ignored, &delivery.booking) {
            (None, None) => Some(DeliveryFate::IgnoredNoBooking),
            (ignored, _) => ignored,
        };
        let stored = sqlx::query(ACCEPT)
            .bind(delivery.tenant.as_str())
            .bind(delivery.fingerprint.as_slice())
            .bind(delivery.trigger.as_str())
            .bind(delivery.booking.as_ref().map(BookingUid::as_str))
            .bind(delivery.rescheduled_from.as_ref().map(BookingUid::as_str))
            .bind(delivery.sync_key.as_ref().map(SyncKey::as_str))
            .bind(json(&delivery.claim))
            .bind(delivery.body.as_bytes())
            .bind(delivery.source.as_str())
            .bind(fate.as_ref().map(DeliveryFate::as_str))
            .execute(self.pool())
            .await
            .map_err(failed)?;
        Ok(match (stored.rows_affected(), fate) {
            (0, _) => Accepted::Duplicate,
            (_, None) => Accepted::Stored,
            (_, Some(_)) => Accepted::Ignored,
        })
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
            .fetch_all(self.pool())
            .await
            .map_err(failed)?;
        rows.iter().map(decode::delivery).collect()
    }

    async fn webhook_health(
        &self,
        tenant: &TenantId,
        within: Duration,
    ) -> Result<WebhookHealth, StoreError> {
        let rows = sqlx::query(HEALTH)
            .bind(tenant.as_str())
            .bind(back(within))
            .fetch_all(self.pool())
            .await
            .map_err(failed)?;
        let mut health = WebhookHealth::default();
        for row in &rows {
            let row = Row::of("notices", row);
            let fate: Option<DeliveryFate> = row.word_if_any("fate")?;
            health.count(
                &row.word("source")?,
                fate.as_ref(),
                row.count("deliveries")?,
            );
        }
        let last: Option<i64> = sqlx::query_scalar(LAST_RECEIVED)
            .bind(tenant.as_str())
            .fetch_one(self.pool())
            .await
            .map_err(failed)?;
        health.last_received_ago = last.map(micros);
        Ok(health)
    }
}

/// The deliveries that wait for a link, oldest first.
pub(super) async fn waiting(
    connection: &mut PgConnection,
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

/// Stores how deliveries that waited for a link ended. One that is named twice ends as was said last.
pub(super) async fn end(
    connection: &mut PgConnection,
    link: &Link,
    ended: &[(DeliveryId, DeliveryFate)],
) -> Result<(), StoreError> {
    let ended: BTreeMap<i64, &str> = ended
        .iter()
        .map(|(id, fate)| (id.get(), fate.as_str()))
        .collect();
    if ended.is_empty() {
        return Ok(());
    }
    let (ids, fates): (Vec<i64>, Vec<&str>) = ended.into_iter().unzip();
    let named = ids.len();
    let stored = sqlx::query(END)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .bind(ids)
        .bind(fates)
        .execute(connection)
        .await
        .map_err(failed)?;
    if usize::try_from(stored.rows_affected()) == Ok(named) {
        Ok(())
    } else {
        Err(not_waiting())
    }
}
