//! The outbox.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::PgConnection;

use super::error::failed;
use super::rows::Stamp;
use super::settle::not_waiting;
use super::{PostgresStore, statements};
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
    /// Written so that the planner does not walk all changes of the tenant by their ids.
    OF_APPOINTMENT = concat!(
        "WITH own AS MATERIALIZED (SELECT ", change_columns!(), " FROM notices \
           WHERE kind = 'change' AND tenant = $1 AND appointment = $2) \
         SELECT * FROM own WHERE id > $3 ORDER BY id LIMIT $4"
    );
    WAITING = concat!(
        "SELECT ", change_columns!(), " FROM notices \
         WHERE kind = 'change' AND fate IS NULL AND tenant = $1 AND appointment = $2 ORDER BY id"
    );
    FIRST_REVISION =
        "SELECT revision FROM notices WHERE kind = 'change' AND tenant = $1 AND appointment = $2 \
         ORDER BY revision LIMIT 1";
    /// A change may have been handed out before it was routed; there is nothing left to route.
    END =
        "UPDATE notices SET fate = ended.fate, settled_at = now_of_books() \
         FROM unnest($3, $4) AS ended (id, fate) \
         WHERE notices.id = ended.id AND notices.kind = 'change' AND notices.fate IS NULL \
           AND notices.tenant = $1 AND notices.appointment = $2";
}

/// The statement that records a change, with the schema's name, since a host's connection does not
/// look there. Waits only for a transaction that has recorded the same revision and is still open.
pub(super) fn record_in(schema: &str) -> String {
    format!(
        "INSERT INTO \"{schema}\".notices (kind, tenant, appointment, revision, origin, at, source) \
         VALUES ('change', $1, $2, $3, $4, $5, $6) \
         ON CONFLICT (tenant, appointment, revision) WHERE kind = 'change' DO NOTHING"
    )
}

impl PostgresStore {
    /// Records a change in the host's own transaction, so that the host's write and the change are
    /// stored together or not at all. The connection has to be one to the database of the store; its
    /// `search_path` and its isolation level do not matter. Inserts one row and locks nothing.
    ///
    /// It waits in one case: another transaction has recorded the same revision of the same
    /// appointment and is still open.
    ///
    /// # Errors
    ///
    /// As [`Outbox::record`]. After an error PostgreSQL refuses every further statement of the
    /// transaction until it is rolled back.
    pub async fn record_change_in(
        &self,
        connection: &mut PgConnection,
        change: &Change,
    ) -> Result<(), StoreError> {
        sqlx::query(self.record_statement())
            .bind(change.tenant.as_str())
            .bind(change.appointment.as_str())
            .bind(revision_number(change.revision)?)
            .bind(change.origin.as_str())
            .bind(Stamp(change.at))
            .bind(change.source.as_str())
            .execute(connection)
            .await
            .map_err(failed)?;
        Ok(())
    }
}

#[async_trait]
impl Outbox for PostgresStore {
    async fn record(&self, change: &Change) -> Result<(), StoreError> {
        // One statement is a transaction of its own.
        let mut connection = self.pool().acquire().await.map_err(failed)?;
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
            .fetch_all(self.pool())
            .await
            .map_err(failed)?;
        rows.iter().map(decode::change).collect()
    }
}

/// The changes that wait for a link, oldest first.
pub(super) async fn waiting(
    connection: &mut PgConnection,
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
    connection: &mut PgConnection,
    link: &Link,
) -> Result<Option<Revision>, StoreError> {
    let Some(appointment) = &link.appointment else {
        return Ok(None);
    };
    let first: Option<i64> = sqlx::query_scalar(FIRST_REVISION)
        .bind(link.tenant.as_str())
        .bind(appointment.as_str())
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    Ok(first
        .and_then(|number| u64::try_from(number).ok())
        .map(Revision::new))
}

/// Stores how changes that waited for a link ended. One that is named twice ends as was said last.
pub(super) async fn end(
    connection: &mut PgConnection,
    link: &Link,
    ended: &[(ChangeId, ChangeFate)],
) -> Result<(), StoreError> {
    let ended: BTreeMap<i64, &str> = ended
        .iter()
        .map(|(id, fate)| (id.get(), fate.as_str()))
        .collect();
    if ended.is_empty() {
        return Ok(());
    }
    let Some(appointment) = &link.appointment else {
        return Err(not_waiting());
    };
    let (ids, fates): (Vec<i64>, Vec<&str>) = ended.into_iter().unzip();
    let named = ids.len();
    let stored = sqlx::query(END)
        .bind(link.tenant.as_str())
        .bind(appointment.as_str())
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
