//! Documents in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::InMemoryStore;
use crate::store::documents::{Document, DocumentVersion, Documents, NewVersion};
use crate::store::error::StoreError;
use crate::store::page::Page;
use crate::store::tenant::TenantId;

/// The versions that are kept, by tenant, name and number.
#[derive(Default)]
pub(super) struct DocumentBooks {
    versions: BTreeMap<(TenantId, String, DocumentVersion), Document>,
}

impl DocumentBooks {
    /// Removes some versions of a tenant's documents.
    pub(super) fn erase(&mut self, tenant: &TenantId, limit: usize) -> u64 {
        let own = self.versions.keys().filter(|(owner, ..)| owner == tenant);
        let keys: Vec<_> = own.take(limit).cloned().collect();
        for key in &keys {
            self.versions.remove(key);
        }
        u64::try_from(keys.len()).unwrap_or(u64::MAX)
    }

    /// The versions of one document that are lower than `below`, newest first.
    fn of(
        &self,
        tenant: &TenantId,
        name: &str,
        below: DocumentVersion,
    ) -> impl Iterator<Item = &Document> {
        let key = |version| (tenant.clone(), name.to_owned(), version);
        let versions = self
            .versions
            .range(key(DocumentVersion::new(i64::MIN))..key(below));
        versions.rev().map(|(_, document)| document)
    }
}

/// Higher than every version there is.
const TOP: DocumentVersion = DocumentVersion::new(i64::MAX);

#[async_trait]
impl Documents for InMemoryStore {
    async fn document(
        &self,
        tenant: &TenantId,
        name: &str,
    ) -> Result<Option<Document>, StoreError> {
        let inner = self.lock();
        let newest = inner.documents.of(tenant, name, TOP).next();
        Ok(newest.cloned())
    }

    async fn document_versions(
        &self,
        tenant: &TenantId,
        name: &str,
        page: Page<DocumentVersion>,
    ) -> Result<Vec<Document>, StoreError> {
        let inner = self.lock();
        let below = page.after.unwrap_or(TOP);
        let versions = inner.documents.of(tenant, name, below);
        Ok(versions.take(page.rows()).cloned().collect())
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
        let mut inner = self.lock();
        let newest = inner.documents.of(tenant, name, TOP).next();
        let newest = newest.map_or(0, |document| document.version.get());
        if newest != new.expected {
            return Err(NewVersion::conflict());
        }
        let version = DocumentVersion::new(new.version);
        let document = Document::new(version, body, by, now);
        let versions = &mut inner.documents.versions;
        versions.insert((tenant.clone(), name.to_owned(), version), document.clone());
        versions.retain(|(owner, other, version), _| {
            owner != tenant || other != name || version.get() > new.pruned
        });
        Ok(document)
    }
}
