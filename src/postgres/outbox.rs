//! The outbox.

use async_trait::async_trait;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, SqlSafeStr};

use super::error::failed;
use super::rows::Stamp;
use super::transaction::alone;
use super::{PostgresStore, statements};
use crate::sql::{decode, revision_number};
use crate::store::{
    AppointmentId, Change, ChangeFate, ChangeId, Outbox, Page, RecordedChange, StoreError, TenantId,
};

macro_rules! change_columns {
    () => {
        "id, tenant, appointment, revision, origin, at, source, fate"
    };
}
pub(super) use change_columns;

statements! {
    /// Waits only for a transaction that has recorded the same revision and is still open.
    RECORD =
        "INSERT INTO notices (kind, tenant, appointment, revision, origin, at, source) \
         VALUES ('change', $1, $2, $3, $4, $5, $6) \
         ON CONFLICT (tenant, appointment, revision) WHERE kind = 'change' DO NOTHING";
    /// Written so that the planner does not walk all changes of the tenant by their ids.
    OF_APPOINTMENT = concat!(
        "WITH own AS MATERIALIZED (SELECT ", change_columns!(), " FROM notices \
           WHERE kind = 'change' AND tenant = $1 AND appointment = $2) \
         SELECT * FROM own WHERE id > $3 ORDER BY id LIMIT $4"
    );
}

/// The statement that records a change in a host's transaction, with the schema's name, since the
/// host's connection does not look there. Notifies the workers when the transaction commits.
pub(super) fn record_in(schema: &str) -> String {
    format!(
        "WITH recorded AS ( \
           INSERT INTO \"{schema}\".notices (kind, tenant, appointment, revision, origin, at, source) \
           VALUES ('change', $1, $2, $3, $4, $5, $6) \
           ON CONFLICT (tenant, appointment, revision) WHERE kind = 'change' DO NOTHING \
           RETURNING tenant \
         ) \
         SELECT pg_notify('{schema}_due', tenant) FROM recorded \
         WHERE current_setting('calcom.notify', true) IS DISTINCT FROM 'off'"
    )
}

fn bound<'q>(
    statement: impl SqlSafeStr,
    change: &'q Change,
) -> Result<Query<'q, Postgres, PgArguments>, StoreError> {
    Ok(sqlx::query(statement)
        .bind(change.tenant.as_str())
        .bind(change.appointment.as_str())
        .bind(revision_number(change.revision)?)
        .bind(change.origin.as_str())
        .bind(Stamp(change.at))
        .bind(change.source.as_str()))
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
        let record = bound(self.record_statement(), change)?;
        record.execute(connection).await.map_err(failed)?;
        Ok(())
    }
}

#[async_trait]
impl Outbox for PostgresStore {
    async fn record(&self, change: &Change) -> Result<(), StoreError> {
        // One statement is a transaction of its own, and recording a revision again does nothing. It
        // is not grouped: one that waits for a host's open transaction would hold up the others.
        let recorded = self.retried(|| async {
            let record = bound(RECORD, change)?;
            alone("record", record.execute(self.pool())).await
        });
        if recorded.await?.rows_affected() > 0 {
            self.tell_workers(&change.tenant);
        }
        Ok(())
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
