//! The inbox.

use async_trait::async_trait;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::error::failed;
use super::links::{self, Mark};
use super::rows::{Row, micros};
use super::{SqliteStore, settle, statements};
use crate::model::BookingUid;
use crate::store::{
    Accepted, Delivery, DeliveryFate, DeliveryId, Inbox, Link, LinkId, LinkKey, NewDelivery,
    StoreError, SyncKey, TenantId,
};

macro_rules! delivery_columns {
    () => {
        "id, trigger_name, booking, received_at, fate"
    };
}

statements! {
    STORE =
        "INSERT INTO calcom_deliveries \
           (tenant, fingerprint, received_at, trigger_name, booking, rescheduled_from, sync_key, body, fate) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
         ON CONFLICT (tenant, fingerprint) DO NOTHING \
         RETURNING id";
    MAKE_LINK = "INSERT INTO calcom_links (tenant, booking) VALUES (?1, ?2) RETURNING id";
    ASSIGN = "UPDATE calcom_deliveries SET link = ?3 WHERE tenant = ?1 AND id = ?2";
    WAITING = concat!(
        "SELECT ", delivery_columns!(), " FROM calcom_deliveries \
         WHERE tenant = ?1 AND link = ?2 AND fate IS NULL ORDER BY id"
    );
    OF_TENANT = concat!(
        "SELECT ", delivery_columns!(), " FROM calcom_deliveries WHERE tenant = ?1 ORDER BY id"
    );
    END =
        "UPDATE calcom_deliveries SET fate = ?4 WHERE tenant = ?1 AND id = ?3 AND link = ?2 AND fate IS NULL";
}

#[async_trait]
impl Inbox for SqliteStore {
    async fn accept(&self, delivery: NewDelivery) -> Result<Accepted, StoreError> {
        let mut transaction = self.write().await?;
        // Without a booking there is no link to look for.
        let fate = match (&delivery.ignored, &delivery.booking) {
            (None, None) => Some(DeliveryFate::IgnoredNoBooking),
            (ignored, _) => ignored.clone(),
        };
        let Some(id) = store(&mut transaction, &delivery, fate.as_ref()).await? else {
            return Ok(Accepted::Duplicate);
        };
        let link = match &delivery.booking {
            Some(booking) if fate.is_none() => {
                Some(assign(&mut transaction, &delivery, booking, id).await?)
            }
            _ => None,
        };
        transaction.commit().await.map_err(failed)?;
        Ok(Accepted::Stored { link })
    }

    async fn deliveries(
        &self,
        tenant: &TenantId,
    ) -> Result<Vec<(Delivery, Option<DeliveryFate>)>, StoreError> {
        let rows = sqlx::query(OF_TENANT)
            .bind(tenant.as_str())
            .fetch_all(self.reads())
            .await
            .map_err(failed)?;
        rows.iter().map(decode).collect()
    }
}

fn decode(row: &SqliteRow) -> Result<(Delivery, Option<DeliveryFate>), StoreError> {
    let row = Row::of("calcom_deliveries", row);
    let delivery = Delivery {
        id: row.number("id")?,
        trigger: row.get("trigger_name")?,
        booking: row.text_if_any("booking")?,
        received_at: row.instant("received_at")?,
    };
    Ok((delivery, row.word_if_any("fate")?))
}

/// Stores the delivery; `None` if the same bytes were stored before.
async fn store(
    connection: &mut SqliteConnection,
    delivery: &NewDelivery,
    fate: Option<&DeliveryFate>,
) -> Result<Option<DeliveryId>, StoreError> {
    let id: Option<i64> = sqlx::query_scalar(STORE)
        .bind(delivery.tenant.as_str())
        .bind(delivery.fingerprint.as_slice())
        .bind(micros(delivery.received_at))
        .bind(delivery.trigger.as_str())
        .bind(delivery.booking.as_ref().map(BookingUid::as_str))
        .bind(delivery.rescheduled_from.as_ref().map(BookingUid::as_str))
        .bind(delivery.sync_key.as_ref().map(SyncKey::as_str))
        .bind(delivery.body.as_str())
        .bind(fate.map(DeliveryFate::as_str))
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    Ok(id.map(DeliveryId::new))
}

/// Gives the delivery to the link that it is about, and marks that one.
async fn assign(
    connection: &mut SqliteConnection,
    delivery: &NewDelivery,
    booking: &BookingUid,
    id: DeliveryId,
) -> Result<LinkId, StoreError> {
    let tenant = &delivery.tenant;
    let link = match find_link(connection, delivery, booking).await? {
        Some(link) => link,
        None => make_link(connection, tenant, booking).await?,
    };
    links::remember_uid(connection, tenant, booking, link).await?;
    sqlx::query(ASSIGN)
        .bind(tenant.as_str())
        .bind(id.get())
        .bind(link.get())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    links::mark(connection, tenant, link, Mark::Due, delivery.received_at).await?;
    Ok(link)
}

async fn find_link(
    connection: &mut SqliteConnection,
    delivery: &NewDelivery,
    booking: &BookingUid,
) -> Result<Option<LinkId>, StoreError> {
    let keys = [
        Some(LinkKey::Booking(booking.clone())),
        delivery.rescheduled_from.clone().map(LinkKey::Booking),
        delivery.sync_key.clone().map(LinkKey::SyncKey),
    ];
    for key in keys.into_iter().flatten() {
        if let Some(found) = links::find(connection, &delivery.tenant, &key).await? {
            return Ok(Some(found.link.id));
        }
    }
    Ok(None)
}

async fn make_link(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    booking: &BookingUid,
) -> Result<LinkId, StoreError> {
    let id: i64 = sqlx::query_scalar(MAKE_LINK)
        .bind(tenant.as_str())
        .bind(booking.as_str())
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    Ok(id.into())
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
        .map(|row| decode(row).map(|(delivery, _)| delivery))
        .collect()
}

/// Stores how a delivery that waited for a link ended.
pub(super) async fn end(
    connection: &mut SqliteConnection,
    link: &Link,
    delivery: DeliveryId,
    fate: &DeliveryFate,
) -> Result<(), StoreError> {
    settle::end(connection, END, link, delivery.get(), fate.as_str()).await
}
