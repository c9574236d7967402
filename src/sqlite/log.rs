//! The sync log.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::error::failed;
use super::rows::micros;
use super::{SqliteStore, statements};
use crate::sql::{decode, json};
use crate::store::{
    AppointmentId, Link, LinkId, LogEntry, LogEvent, LogId, LogScope, Page, StoreError, SyncLog,
    TenantId,
};

/// Whether a line has an actor ([`LogEvent::actor`]); the condition of the index, word for word.
macro_rules! by_person {
    () => {
        r#"(event GLOB '{"event":"operated",*' OR (event GLOB '{"event":"review_resolved",*' AND event NOT GLOB '*,"resolution":{"kind":"settled"},*'))"#
    };
}

statements! {
    WRITE = "INSERT INTO calcom_log (at, tenant, link, appointment, event) VALUES (?1, ?2, ?3, ?4, ?5)";
    LATEST =
        "SELECT id, at, tenant, link, appointment, event FROM calcom_log INDEXED BY calcom_log_tenant \
         WHERE tenant = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
    LATEST_BY_PERSONS = concat!(
        "SELECT id, at, tenant, link, appointment, event FROM calcom_log INDEXED BY calcom_log_by_person \
         WHERE tenant = ?1 AND id < ?2 AND ", by_person!(), " ORDER BY id DESC LIMIT ?3"
    );
    READ =
        "SELECT id, at, tenant, link, appointment, event FROM calcom_log WHERE tenant = ?1 AND id > ?2 \
         ORDER BY id LIMIT ?3";
}

/// What a line of the log is about.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) link: Option<LinkId>,
    pub(super) appointment: Option<&'a AppointmentId>,
}

impl<'a> Subject<'a> {
    pub(super) fn of_link(link: &'a Link) -> Self {
        Self {
            tenant: &link.tenant,
            link: Some(link.id),
            appointment: link.appointment.as_ref(),
        }
    }

    pub(super) fn of_tenant(tenant: &'a TenantId) -> Self {
        Self {
            tenant,
            link: None,
            appointment: None,
        }
    }
}

#[async_trait]
impl SyncLog for SqliteStore {
    async fn log(&self, tenant: &TenantId, page: Page<LogId>) -> Result<Vec<LogEntry>, StoreError> {
        let rows = sqlx::query(READ)
            .bind(tenant.as_str())
            .bind(page.after.map_or(i64::MIN, LogId::get))
            .bind(i64::from(page.limit))
            .fetch_all(self.reads())
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
            .fetch_all(self.reads())
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
        let mut transaction = self.write().await?;
        let mut subject = Subject::of_tenant(tenant);
        subject.appointment = appointment;
        write(&mut transaction, subject, event, self.now()).await?;
        transaction.commit().await.map_err(failed)
    }
}

pub(super) async fn write(
    connection: &mut SqliteConnection,
    subject: Subject<'_>,
    event: &LogEvent,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query(WRITE)
        .bind(micros(at))
        .bind(subject.tenant.as_str())
        .bind(subject.link.map(LinkId::get))
        .bind(subject.appointment.map(AppointmentId::as_str))
        .bind(json(event))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
