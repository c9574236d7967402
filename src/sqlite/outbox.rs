//! The outbox.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::error::failed;
use super::rows::micros;
use super::settle::not_waiting;
use super::{SqliteStore, statements};
use crate::sql::{decode, revision_number};
use crate::store::{
    AppointmentId, Change, ChangeFate, ChangeId, Link, Outbox, Page, RecordedChange, Revision,
    StoreError, TenantId,
};

macro_rules! change_columns {
    () => {
        "id, tenant, appointment, revision, origin, at, source, fate"
    };
}
pub(super) use change_columns;

statements! {
    RECORD =
        "INSERT INTO calcom_notices (tenant, kind, taken_at, appointment, revision, origin, at, source) \
         VALUES (?1, 'change', ?2, ?3, ?4, ?5, ?6, ?7) \
         ON CONFLICT (tenant, appointment, revision) WHERE kind = 'change' DO NOTHING";
    OF_APPOINTMENT = concat!(
        "SELECT ", change_columns!(), " FROM calcom_notices \
         WHERE tenant = ?1 AND appointment = ?2 AND kind = 'change' AND id > ?3 ORDER BY id LIMIT ?4"
    );
    WAITING = concat!(
        "SELECT ", change_columns!(), " FROM calcom_notices \
         WHERE tenant = ?1 AND appointment = ?2 AND kind = 'change' AND fate IS NULL ORDER BY id"
    );
    FIRST_REVISION =
        "SELECT MIN(revision) FROM calcom_notices WHERE tenant = ?1 AND appointment = ?2 AND kind = 'change'";
    /// A change may have been handed out before it was routed; there is nothing left to route.
    END =
        "UPDATE calcom_notices SET fate = ?4, settled_at = ?5, routed = 1 \
         WHERE id = ?3 AND tenant = ?1 AND appointment = ?2 AND kind = 'change' AND fate IS NULL";
}

impl SqliteStore {
    /// Records a change in the host's own transaction, so that the host's write and the change are
    /// stored together or not at all. The connection has to be one to the file of the store.
    /// Inserts one row.
    ///
    /// SQLite has one writer: from the transaction's first write until it ends, every other write
    /// to the file waits, in this process and in others, webhooks included. Ask nobody anything in
    /// between.
    ///
    /// # Errors
    ///
    /// As [`Outbox::record`]; nothing was written then. A transaction that has read before another
    /// one wrote cannot write any more: that is
    /// [`Unavailable`](crate::store::StoreErrorKind::Unavailable) too, and only a new transaction
    /// helps. One that begins with `BEGIN IMMEDIATE` is safe from it.
    pub async fn record_change_in(
        &self,
        connection: &mut SqliteConnection,
        change: &Change,
    ) -> Result<(), StoreError> {
        sqlx::query(RECORD)
            .bind(change.tenant.as_str())
            .bind(micros(self.now()))
            .bind(change.appointment.as_str())
            .bind(revision_number(change.revision)?)
            .bind(change.origin.as_str())
            .bind(micros(change.at))
            .bind(change.source.as_str())
            .execute(connection)
            .await
            .map_err(failed)?;
        Ok(())
    }
}

#[async_trait]
impl Outbox for SqliteStore {
    async fn record(&self, change: &Change) -> Result<(), StoreError> {
        // One statement is a transaction of its own.
        let mut connection = self.writes().acquire().await.map_err(failed)?;
        self.record_change_in(&mut connection, change).await
    }

    async fn changes(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
        page: Page<ChangeId>,
    ) -> Result<Vec<(RecordedChange, Option<ChangeFate>)>, StoreError> {
        let rows = sqlx::query(OF_APPOINTMENT)
            .bind(tenant.as_str())
            .bind(appointment.as_str())
            .bind(page.after.map_or(i64::MIN, ChangeId::get))
            .bind(i64::from(page.limit))
            .fetch_all(self.reads())
            .await
            .map_err(failed)?;
        rows.iter().map(decode::change).collect()
    }
}

/// The changes that wait for a link, oldest first.
pub(super) async fn waiting(
    connection: &mut SqliteConnection,
    link: &Link,
) -> Result<Vec<RecordedChange>, StoreError> {
    let Some(appointment) = &link.appointment else {
        return Ok(Vec::new());
    };
    let rows = sqlx::query(WAITING)
        .bind(link.tenant.as_str())
        .bind(appointment.as_str())
        .fetch_all(connection)
        .await
        .map_err(failed)?;
    rows.iter()
        .map(|row| decode::change(row).map(|(recorded, _)| recorded))
        .collect()
}

/// The lowest revision that was recorded for the link's appointment, settled or not.
pub(super) async fn first_revision(
    connection: &mut SqliteConnection,
    link: &Link,
) -> Result<Option<Revision>, StoreError> {
    let Some(appointment) = &link.appointment else {
        return Ok(None);
    };
    let first: Option<i64> = sqlx::query_scalar(FIRST_REVISION)
        .bind(link.tenant.as_str())
        .bind(appointment.as_str())
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    Ok(first
        .and_then(|number| u64::try_from(number).ok())
        .map(Revision::new))
}

/// Stores how a change that waited for a link ended.
pub(super) async fn end(
    connection: &mut SqliteConnection,
    link: &Link,
    change: ChangeId,
    fate: &ChangeFate,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(appointment) = &link.appointment else {
        return Err(not_waiting());
    };
    let ended = sqlx::query(END)
        .bind(link.tenant.as_str())
        .bind(appointment.as_str())
        .bind(change.get())
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
