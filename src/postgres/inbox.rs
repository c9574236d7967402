//! The inbox.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;

use super::error::{failed, is_reported};
use super::rows::{Row, back, micros};
use super::transaction::alone;
use super::{PostgresStore, statements};
use crate::model::BookingUid;
use crate::sql::{decode, json};
use crate::store::{
    Accepted, Delivery, DeliveryFate, DeliveryId, Inbox, NewDelivery, Page, StoreError, SyncKey,
    TenantId, WebhookHealth,
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

/// Stores deliveries. What is ignored at the door is settled as it comes. Waits only for a transaction
/// that stores, routes or settles the very same bytes and is about to commit.
macro_rules! accept {
    ($deliveries:literal) => {
        concat!(
            "INSERT INTO notices \
               (kind, tenant, fingerprint, trigger_name, booking, rescheduled_from, sync_key, claim, body, source, \
                fate, settled_at, is_ignored) \
             SELECT 'delivery', tenant, fingerprint, trigger_name, booking, rescheduled_from, sync_key, claim, body, source, \
               fate, CASE WHEN fate IS NOT NULL THEN clock_of_books() END, fate IS NOT NULL \
             FROM ",
            $deliveries,
            " ON CONFLICT (tenant, fingerprint) WHERE kind = 'delivery' AND (fate IS NULL OR is_ignored) DO NOTHING \
             RETURNING tenant, fingerprint"
        )
    };
}

statements! {
    /// For one that comes alone, at half the cost.
    ACCEPT = accept!(
        "(VALUES ($1::text, $2::bytea, $3::text, $4::text, $5::text, $6::text, $7::text, $8::bytea, $9::text, $10::text)) AS came \
           (tenant, fingerprint, trigger_name, booking, rescheduled_from, sync_key, claim, body, source, fate)"
    );
    /// In the order in which another group waits, too.
    ACCEPT_GROUP = accept!(
        "unnest($1::text[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[], \
           $9::text[], $10::text[]) WITH ORDINALITY AS came \
           (tenant, fingerprint, trigger_name, booking, rescheduled_from, sync_key, claim, body, source, fate, n) \
         ORDER BY tenant, fingerprint, n"
    );
    OF_TENANT = concat!(
        "SELECT ", delivery_columns!(""), " FROM notices \
         WHERE kind = 'delivery' AND tenant = $1 AND id > $2 ORDER BY tenant, id LIMIT $3"
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
}

#[async_trait]
impl Inbox for PostgresStore {
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

impl PostgresStore {
    /// Stores deliveries in one transaction. If the database refuses it, each has one of its own, so
    /// that a bad one fails alone.
    async fn accept_group(self, group: Vec<NewDelivery>) -> Vec<Result<Accepted, StoreError>> {
        if let [alone] = group.as_slice() {
            return vec![self.accept_alone(alone).await];
        }
        match self.retried(|| self.accept_all(&group)).await {
            Ok(accepted) => accepted.into_iter().map(Ok).collect(),
            Err(error) if is_reported(&error) => {
                let mut answers = Vec::with_capacity(group.len());
                for alone in &group {
                    answers.push(self.accept_alone(alone).await);
                }
                answers
            }
            Err(error) => group.iter().map(|_| Err(error.for_another())).collect(),
        }
    }

    async fn accept_alone(&self, new: &NewDelivery) -> Result<Accepted, StoreError> {
        let fate = new.fate_at_door();
        let stored = self.retried(|| {
            let stored = sqlx::query(ACCEPT)
                .bind(new.tenant.as_str())
                .bind(new.fingerprint.as_slice())
                .bind(new.trigger.as_str())
                .bind(new.booking.as_ref().map(BookingUid::as_str))
                .bind(new.rescheduled_from.as_ref().map(BookingUid::as_str))
                .bind(new.sync_key.as_ref().map(SyncKey::as_str))
                .bind(json(&new.claim))
                .bind(new.body.as_bytes())
                .bind(new.source.as_str())
                .bind(fate.as_ref().map(DeliveryFate::as_str));
            alone("accept", stored.execute(self.pool()))
        });
        let is_new = stored.await?.rows_affected() > 0;
        Ok(self.accepted(new, fate.as_ref(), is_new))
    }

    /// Stores deliveries in one transaction, and says of each whether it was new.
    async fn accept_all(&self, group: &[NewDelivery]) -> Result<Vec<Accepted>, StoreError> {
        let fates: Vec<_> = group.iter().map(NewDelivery::fate_at_door).collect();
        let stored = sqlx::query(ACCEPT_GROUP)
            .bind(column(group, |new| new.tenant.as_str()))
            .bind(column(group, |new| new.fingerprint.as_slice()))
            .bind(column(group, |new| new.trigger.as_str()))
            .bind(column(group, |new| {
                new.booking.as_ref().map(BookingUid::as_str)
            }))
            .bind(column(group, |new| {
                new.rescheduled_from.as_ref().map(BookingUid::as_str)
            }))
            .bind(column(group, |new| {
                new.sync_key.as_ref().map(SyncKey::as_str)
            }))
            .bind(column(group, |new| json(&new.claim)))
            .bind(column(group, |new| new.body.as_bytes()))
            .bind(column(group, |new| new.source.as_str()))
            .bind(column(&fates, |fate| {
                fate.as_ref().map(DeliveryFate::as_str)
            }))
            .fetch_all(self.pool());
        let rows = alone("accept", stored).await?;
        let mut stored = BTreeSet::new();
        for row in &rows {
            let row = Row::of("notices", row);
            stored.insert((row.get::<&str>("tenant")?, row.get::<&[u8]>("fingerprint")?));
        }
        // Of the same bytes twice in one group, the first are those that were stored.
        let answers = group.iter().zip(&fates).map(|(new, fate)| {
            let is_new = stored.remove(&(new.tenant.as_str(), new.fingerprint.as_slice()));
            self.accepted(new, fate.as_ref(), is_new)
        });
        Ok(answers.collect())
    }

    fn accepted(&self, new: &NewDelivery, fate: Option<&DeliveryFate>, is_new: bool) -> Accepted {
        if is_new && fate.is_none() {
            self.tell_workers(&new.tenant);
        }
        Accepted::of(is_new, fate)
    }
}

/// One column of what is stored together.
fn column<'a, T: 'a, C>(each: impl IntoIterator<Item = &'a T>, of: impl Fn(&'a T) -> C) -> Vec<C> {
    each.into_iter().map(of).collect()
}
