//! Documents: small texts of a tenant's, such as settings, with their earlier versions.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::error::{StoreError, StoreErrorKind};
use super::page::Page;
use super::tenant::TenantId;
use crate::model::id::number_id;

number_id! {
    /// The number of a version of a document: the first is 1, and each is one more than the last.
    DocumentVersion
}

/// One version of a document. `Debug` does not show the body.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document {
    /// Which version it is.
    pub version: DocumentVersion,
    /// The text. Only its owner reads it; no personal data.
    pub body: String,
    /// Who saved it, as the caller names persons.
    pub by: String,
    /// When it was saved, by the store's clock.
    pub at: DateTime<Utc>,
}

impl Document {
    /// Creates a document; called by stores.
    pub fn new(
        version: DocumentVersion,
        body: impl Into<String>,
        by: impl Into<String>,
        at: DateTime<Utc>,
    ) -> Self {
        Self {
            version,
            body: body.into(),
            by: by.into(),
            at,
        }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("version", &self.version)
            .field("bytes", &self.body.len())
            .field("by", &self.by)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// Small texts of tenants', each with a name and with its earlier versions.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::store::{Documents, InMemoryStore, Page, StoreErrorKind, TenantId};
///
/// let store = InMemoryStore::new();
/// let tenant = TenantId::new("salon");
/// let first = store.save_document(&tenant, "agents", None, "{}", "eve").await?;
/// // Who does not know the newest version overwrites nothing.
/// let late = store.save_document(&tenant, "agents", None, "[]", "bob").await;
/// assert_eq!(late.unwrap_err().kind(), StoreErrorKind::Conflict);
/// store.save_document(&tenant, "agents", Some(first.version), "[]", "bob").await?;
/// let versions = store.document_versions(&tenant, "agents", Page::first(10)).await?;
/// assert_eq!(versions.len(), 2);
/// assert_eq!(versions[0].by, "bob");
/// # Ok(())
/// # }
/// ```
///
/// # Contract
///
/// - A document is named by its tenant and its name; different names do not affect each other, nor
///   do tenants.
/// - Saving is a compare-and-swap on the newest version: of several that expect the same one, one
///   succeeds. The version saved is one more than the expected one, and 1 if none is expected.
/// - Body and name of the saver are kept unchanged; the store sets the time by its own clock.
/// - The newest [`KEPT_VERSIONS`] are kept. Saving removes those before them in the same
///   transaction.
/// - A save that fails with [`Unavailable`](StoreErrorKind::Unavailable) may have been carried out:
///   read the document to find out.
#[async_trait]
pub trait Documents: fmt::Debug + Send + Sync + 'static {
    /// The newest version; `None` if the tenant has no document of this name.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](StoreErrorKind::Unavailable) or [`Corrupt`](StoreErrorKind::Corrupt).
    async fn document(&self, tenant: &TenantId, name: &str)
    -> Result<Option<Document>, StoreError>;

    /// One page of the versions that are kept, newest first. The next page begins
    /// [after](Page::after) the last version of this one.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](StoreErrorKind::Unavailable) or [`Corrupt`](StoreErrorKind::Corrupt).
    async fn document_versions(
        &self,
        tenant: &TenantId,
        name: &str,
        page: Page<DocumentVersion>,
    ) -> Result<Vec<Document>, StoreError>;

    /// Saves a new version, if the newest one is still the expected one; `None` if there is to be
    /// none yet.
    ///
    /// # Errors
    ///
    /// [`Conflict`](StoreErrorKind::Conflict) if another version is the newest, or
    /// [`Invalid`](StoreErrorKind::Invalid) if the name is empty or longer than
    /// [`MAX_DOCUMENT_NAME`], the body is larger than [`MAX_DOCUMENT_BODY`], or any of the texts
    /// contains a NUL; then nothing was saved.
    async fn save_document(
        &self,
        tenant: &TenantId,
        name: &str,
        expected: Option<DocumentVersion>,
        body: &str,
        by: &str,
    ) -> Result<Document, StoreError>;
}

/// How many versions of a document are kept.
pub const KEPT_VERSIONS: u32 = 100;
/// The largest body of a document, in bytes.
pub const MAX_DOCUMENT_BODY: usize = 256 * 1024;
/// The longest name of a document, in bytes.
pub const MAX_DOCUMENT_NAME: usize = 100;

/// What a store is about to save, checked.
#[derive(Debug)]
pub(crate) struct NewVersion {
    /// The newest version that is expected; 0 if there is to be none.
    pub(crate) expected: i64,
    /// The version to be saved.
    pub(crate) version: i64,
    /// Versions up to this one are no longer kept.
    pub(crate) pruned: i64,
}

impl NewVersion {
    /// The version after the expected one.
    ///
    /// # Errors
    ///
    /// [`Invalid`](StoreErrorKind::Invalid) if a text is out of bounds.
    pub(crate) fn after(
        expected: Option<DocumentVersion>,
        name: &str,
        body: &str,
        by: &str,
    ) -> Result<Self, StoreError> {
        if name.is_empty() || name.len() > MAX_DOCUMENT_NAME {
            let message = format!("a document's name has 1 to {MAX_DOCUMENT_NAME} bytes");
            return Err(StoreError::new(StoreErrorKind::Invalid, message));
        }
        if body.len() > MAX_DOCUMENT_BODY {
            let message = format!("a document has at most {MAX_DOCUMENT_BODY} bytes");
            return Err(StoreError::new(StoreErrorKind::Invalid, message));
        }
        if [name, body, by].iter().any(|text| text.contains('\0')) {
            let message = "a document contains no NUL";
            return Err(StoreError::new(StoreErrorKind::Invalid, message));
        }
        // None is numbered below 1, so that such a one can only be expected in vain.
        let expected = expected.map_or(0, |version| match version.get() {
            known if known >= 1 => known,
            _ => i64::MAX,
        });
        let version = expected.saturating_add(1);
        Ok(Self {
            expected,
            version,
            pruned: version.saturating_sub(i64::from(KEPT_VERSIONS)),
        })
    }

    /// The answer to a save that expected another version than the newest.
    pub(crate) fn conflict() -> StoreError {
        StoreError::conflict("the document has been saved by somebody else")
    }
}
