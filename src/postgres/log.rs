//! The sync log.

use async_trait::async_trait;
use sqlx::PgConnection;

use super::error::failed;
use super::{PostgresStore, statements};
use crate::sql::{decode, json};
use crate::store::{
    AppointmentId, LinkId, LogEntry, LogEvent, LogId, LogScope, Page, StoreError, SyncLog, TenantId,
};

/// Whether a line has an actor ([`LogEvent::actor`]); the condition of the index, word for word.
macro_rules! by_person {
    () => {
        r#"(event LIKE '{"event":"operated",%' OR (event LIKE '{"event":"review\_resolved",%' AND event NOT LIKE '%,"resolution":{"kind":"settled"},%'))"#
    };
}

statements! {
    /// Ids are drawn under the tenant's lock, which is held until the transaction is visible: nobody
    /// who reads on after the last id that was seen misses a line.
    WRITE = "INSERT INTO log (tenant, at, link, appointment, event) VALUES ($1, now_of_books(), $2, $3, $4)";
    LATEST =
        "SELECT id, at, tenant, link, appointment, event FROM log WHERE tenant = $1 AND id < $2 \
         ORDER BY tenant DESC, id DESC LIMIT $3";
    LATEST_BY_PERSONS = concat!(
        "SELECT id, at, tenant, link, appointment, event FROM log WHERE tenant = $1 AND id < $2 AND ", by_person!(),
        " ORDER BY tenant DESC, id DESC LIMIT $3"
    );
    READ =
        "SELECT id, at, tenant, link, appointment, event FROM log WHERE tenant = $1 AND id > $2 \
         ORDER BY tenant, id LIMIT $3";
}

/// What a line of the log is about.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) link: Option<LinkId>,
    pub(super) appointment: Option<&'a AppointmentId>,
}

#[async_trait]
impl SyncLog for PostgresStore {
    async fn log(&self, tenant: &TenantId, page: Page<LogId>) -> Result<Vec<LogEntry>, StoreError> {
        let rows = sqlx::query(READ)
            .bind(tenant.as_str())
            .bind(page.after.map_or(i64::MIN, LogId::get))
            .bind(i64::from(page.limit))
            .fetch_all(self.pool())
            .await
            .map_err(failed)?;
        rows.iter().map(decode::log_entry).collect()
    }

    async fn latest(
        &self,
        tenant: &TenantId,
        scope: LogScope,
        page: Page<LogId>,
    ) -> Result<Vec<LogEntry>, StoreError> {
        let statement = match scope {
            LogScope::All => LATEST,
            LogScope::ByPersons => LATEST_BY_PERSONS,
        };
        let rows = sqlx::query(statement)
            .bind(tenant.as_str())
            .bind(page.after.map_or(i64::MAX, LogId::get))
            .bind(i64::from(page.limit))
            .fetch_all(self.pool())
            .await
            .map_err(failed)?;
        rows.iter().map(decode::log_entry).collect()
    }

    async fn append(
        &self,
        tenant: &TenantId,
        appointment: Option<&AppointmentId>,
        event: &LogEvent,
    ) -> Result<(), StoreError> {
        let subject = Subject {
            tenant,
            link: None,
            appointment,
        };
        self.retried(|| async {
            let mut transaction = self.begin_for("append log", tenant).await?;
            let written = write(&mut transaction, subject, event).await;
            transaction.end(written).await
        })
        .await
    }
}

/// Writes a line. The transaction holds the tenant's lock.
pub(super) async fn write(
    connection: &mut PgConnection,
    subject: Subject<'_>,
    event: &LogEvent,
) -> Result<(), StoreError> {
    sqlx::query(WRITE)
        .bind(subject.tenant.as_str())
        .bind(subject.link.map(LinkId::get))
        .bind(subject.appointment.map(AppointmentId::as_str))
        .bind(json(event))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
