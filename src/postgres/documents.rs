//! Documents and their versions.

use async_trait::async_trait;
use sqlx::postgres::PgRow;

use super::error::failed;
use super::rows::Row;
use super::{PostgresStore, statements};
use crate::store::{Document, DocumentVersion, Documents, NewVersion, Page, StoreError, TenantId};

statements! {
    NEWEST =
        "SELECT version, body, author, at FROM documents \
         WHERE tenant = $1 AND name = $2 ORDER BY version DESC LIMIT 1";
    VERSIONS =
        "SELECT version, body, author, at FROM documents \
         WHERE tenant = $1 AND name = $2 AND version < $3 ORDER BY version DESC LIMIT $4";
    /// Of two that save the same version at once, the second waits for the first and then inserts
    /// nothing.
    SAVE =
        "WITH saved AS ( \
             INSERT INTO documents (tenant, name, version, body, author, at) \
             SELECT $1, $2, $4, $5, $6, now_of_books() \
             WHERE $3 = COALESCE((SELECT max(version) FROM documents WHERE tenant = $1 AND name = $2), 0) \
             ON CONFLICT DO NOTHING RETURNING version, body, author, at), \
         pruned AS ( \
             DELETE FROM documents \
             WHERE tenant = $1 AND name = $2 AND version <= $7 AND EXISTS (SELECT FROM saved)) \
         SELECT version, body, author, at FROM saved";
}

#[async_trait]
impl Documents for PostgresStore {
    async fn document(
        &self,
        tenant: &TenantId,
        name: &str,
    ) -> Result<Option<Document>, StoreError> {
        let newest = sqlx::query(NEWEST)
            .bind(tenant.as_str())
            .bind(name)
            .fetch_optional(self.pool())
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
            .fetch_all(self.pool())
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
        let saved = sqlx::query(SAVE)
            .bind(tenant.as_str())
            .bind(name)
            .bind(new.expected)
            .bind(new.version)
            .bind(body)
            .bind(by)
            .bind(new.pruned)
            .fetch_optional(self.pool())
            .await
            .map_err(failed)?;
        decode(&saved.ok_or_else(NewVersion::conflict)?)
    }
}

fn decode(row: &PgRow) -> Result<Document, StoreError> {
    let row = Row::of("documents", row);
    let (body, by) = (row.get::<String>("body")?, row.get::<String>("author")?);
    Ok(Document::new(
        row.number("version")?,
        body,
        by,
        row.instant("at")?,
    ))
}
