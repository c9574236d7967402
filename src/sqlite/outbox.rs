//! The outbox.

use async_trait::async_trait;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::error::failed;
use super::links::{self, Mark};
use super::rows::{Row, micros, revision_number};
use super::{SqliteStore, settle, statements};
use crate::store::{
    AppointmentId, Change, ChangeFate, ChangeId, Link, Outbox, RecordedChange, Revision,
    StoreError, TenantId,
};

macro_rules! change_columns {
    () => {
        "id, tenant, appointment, revision, origin, at, fate"
    };
}

statements! {
    /// A write comes first: a host's transaction that only read so far gets the write lock before it looks, not after.
    MAKE_LINK =
        "INSERT INTO calcom_links (tenant, appointment) SELECT ?1, ?2 \
         WHERE NOT EXISTS (SELECT 1 FROM calcom_changes WHERE tenant = ?1 AND appointment = ?2 AND revision = ?3) \
         ON CONFLICT (tenant, appointment) DO NOTHING";
    RECORD =
        "INSERT INTO calcom_changes (tenant, appointment, revision, origin, at, link) \
         SELECT ?1, ?2, ?3, ?4, ?5, id FROM calcom_links WHERE tenant = ?1 AND appointment = ?2 \
         ON CONFLICT (tenant, appointment, revision) DO NOTHING \
         RETURNING link";
    WAITING = concat!(
        "SELECT ", change_columns!(), " FROM calcom_changes \
         WHERE tenant = ?1 AND link = ?2 AND fate IS NULL ORDER BY id"
    );
    OF_APPOINTMENT = concat!(
        "SELECT ", change_columns!(), " FROM calcom_changes WHERE tenant = ?1 AND appointment = ?2 ORDER BY id"
    );
    END =
        "UPDATE calcom_changes SET fate = ?4 WHERE tenant = ?1 AND id = ?3 AND link = ?2 AND fate IS NULL";
}

impl SqliteStore {
    /// Records a change in the host's own transaction, so that the host's write and the change are stored together or not at
    /// all. The connection has to be one to the file of the store.
    ///
    /// # Errors
    ///
    /// As [`Outbox::record`]. Roll the transaction back then: a part of the change may be written in it.
    pub async fn record_change_in(
        connection: &mut SqliteConnection,
        change: &Change,
    ) -> Result<(), StoreError> {
        let revision = revision_number(change.revision)?;
        sqlx::query(MAKE_LINK)
            .bind(change.tenant.as_str())
            .bind(change.appointment.as_str())
            .bind(revision)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
        let recorded: Option<i64> = sqlx::query_scalar(RECORD)
            .bind(change.tenant.as_str())
            .bind(change.appointment.as_str())
            .bind(revision)
            .bind(change.origin.as_str())
            .bind(micros(change.at))
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed)?;
        if let Some(link) = recorded {
            links::mark(
                connection,
                &change.tenant,
                link.into(),
                Mark::Due,
                change.at,
            )
            .await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Outbox for SqliteStore {
    async fn record(&self, change: &Change) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        Self::record_change_in(&mut transaction, change).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn changes(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
    ) -> Result<Vec<(RecordedChange, Option<ChangeFate>)>, StoreError> {
        let rows = sqlx::query(OF_APPOINTMENT)
            .bind(tenant.as_str())
            .bind(appointment.as_str())
            .fetch_all(self.reads())
            .await
            .map_err(failed)?;
        rows.iter().map(decode).collect()
    }
}

fn decode(row: &SqliteRow) -> Result<(RecordedChange, Option<ChangeFate>), StoreError> {
    let row = Row::of("calcom_changes", row);
    let recorded = RecordedChange {
        id: row.number("id")?,
        change: Change {
            tenant: row.text("tenant")?,
            appointment: row.text("appointment")?,
            revision: Revision::new(row.count("revision")?),
            origin: row.word("origin")?,
            at: row.instant("at")?,
        },
    };
    Ok((recorded, row.word_if_any("fate")?))
}

/// The changes that wait for a link, oldest first.
pub(super) async fn waiting(
    connection: &mut SqliteConnection,
    link: &Link,
) -> Result<Vec<RecordedChange>, StoreError> {
    let rows = sqlx::query(WAITING)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .fetch_all(connection)
        .await
        .map_err(failed)?;
    rows.iter()
        .map(|row| decode(row).map(|(recorded, _)| recorded))
        .collect()
}

/// Stores how a change that waited for a link ended.
pub(super) async fn end(
    connection: &mut SqliteConnection,
    link: &Link,
    change: ChangeId,
    fate: &ChangeFate,
) -> Result<(), StoreError> {
    settle::end(connection, END, link, change.get(), fate.as_str()).await
}
