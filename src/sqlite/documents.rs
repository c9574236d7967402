//! Documents and their versions.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::error::failed;
use super::rows::{Row, micros};
use super::{SqliteStore, statements};
use crate::store::{Document, DocumentVersion, Documents, NewVersion, Page, StoreError, TenantId};

statements! {
    NEWEST =
        "SELECT version, body, author, at FROM calcom_documents \
         WHERE tenant = ?1 AND name = ?2 ORDER BY version DESC LIMIT 1";
    VERSIONS =
        "SELECT version, body, author, at FROM calcom_documents \
         WHERE tenant = ?1 AND name = ?2 AND version < ?3 ORDER BY version DESC LIMIT ?4";
    SAVE =
        "INSERT INTO calcom_documents (tenant, name, version, body, author, at) \
         SELECT ?1, ?2, ?4, ?5, ?6, ?7 \
         WHERE ?3 = COALESCE((SELECT MAX(version) FROM calcom_documents WHERE tenant = ?1 AND name = ?2), 0) \
         RETURNING version, body, author, at";
    PRUNE = "DELETE FROM calcom_documents WHERE tenant = ?1 AND name = ?2 AND version <= ?3";
}

#[async_trait]
impl Documents for SqliteStore {
    async fn document(
        &self,
        tenant: &TenantId,
        name: &str,
    ) -> Result<Option<Document>, StoreError> {
        let newest = sqlx::query(NEWEST)
            .bind(tenant.as_str())
            .bind(name)
            .fetch_optional(self.reads())
            .await
            .map_err(failed)?;
        newest.as_ref().map(decode).transpose()
    }

    async fn document_versions(
        &self,
        tenant: &TenantId,
        name: &str,
        page: Page<DocumentVersion>,
    ) -> Result<Vec<Document>, StoreError> {
        let rows = sqlx::query(VERSIONS)
            .bind(tenant.as_str())
            .bind(name)
            .bind(page.after.map_or(i64::MAX, DocumentVersion::get))
            .bind(i64::from(page.limit))
            .fetch_all(self.reads())
            .await
            .map_err(failed)?;
        rows.iter().map(decode).collect()
    }

    async fn save_document(
        &self,
        tenant: &TenantId,
        name: &str,
        expected: Option<DocumentVersion>,
        body: &str,
        by: &str,
    ) -> Result<Document, StoreError> {
        let new = NewVersion::after(expected, name, body, by)?;
        let now = self.now();
        let mut transaction = self.write().await?;
        let saved = sqlx::query(SAVE)
            .bind(tenant.as_str())
            .bind(name)
            .bind(new.expected)
            .bind(new.version)
            .bind(body)
            .bind(by)
            .bind(micros(now))
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        let saved = decode(&saved.ok_or_else(NewVersion::conflict)?)?;
        sqlx::query(PRUNE)
            .bind(tenant.as_str())
            .bind(name)
            .bind(new.pruned)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(saved)
    }
}

fn decode(row: &SqliteRow) -> Result<Document, StoreError> {
    let row = Row::of("documents", row);
    let (body, by) = (row.get::<String>("body")?, row.get::<String>("author")?);
    Ok(Document::new(
        row.number("version")?,
        body,
        by,
        row.instant("at")?,
    ))
}
