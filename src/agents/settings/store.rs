//! The settings of agents and their versions, in the documents of a store.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{AgentSettings, Pushed};
use crate::agents::trial::{Trial, TrialSteps};
use crate::model::clean_line;
use crate::store::{
    Document, DocumentVersion, Documents, Page, StoreError, StoreErrorKind, TenantId,
};

/// The document of the settings.
const SETTINGS: &str = "agents";
/// The document of the last test. By itself, so that tests push no version of the settings away.
const TRIAL: &str = "agents.test";
/// How often a change is tried that met another one.
const ATTEMPTS: u32 = 5;
/// How many versions are read at once.
const AT_ONCE: u32 = 20;

/// One version of a tenant's settings.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AgentVersion {
    /// Its number.
    pub version: DocumentVersion,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Who made it.
    pub by: String,
    /// What was done, in one sentence.
    pub what: String,
    /// The settings.
    pub settings: AgentSettings,
    /// What was sent to the provider, if this was a push.
    pub pushed: Option<Pushed>,
}

/// What is in the document.
#[derive(Serialize, Deserialize)]
struct Body {
    what: String,
    #[serde(default)]
    settings: AgentSettings,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pushed: Option<Pushed>,
}

/// Reads and changes the settings of tenants' agents.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
///
/// use calcom::agents::{AgentSettingsStore, Tool};
/// use calcom::store::{InMemoryStore, Page, TenantId};
///
/// let store = AgentSettingsStore::new(Arc::new(InMemoryStore::new()));
/// let tenant = TenantId::new("salon");
/// let switched = store
///     .change(&tenant, "eve", "Switched cancel_appointment off.", |settings| {
///         settings.switch(Tool::CancelAppointment, false);
///     })
///     .await?;
/// assert!(!switched.settings.is_on(Tool::CancelAppointment));
/// assert_eq!(store.versions(&tenant, Page::first(10)).await?.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AgentSettingsStore {
    documents: Arc<dyn Documents>,
}

impl AgentSettingsStore {
    /// Settings in the documents of a store.
    pub fn new(documents: Arc<dyn Documents>) -> Self {
        Self { documents }
    }

    /// The newest version; `None` if nothing was ever chosen.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](StoreErrorKind::Unavailable), or [`Corrupt`](StoreErrorKind::Corrupt) if it
    /// cannot be read.
    pub async fn newest(&self, tenant: &TenantId) -> Result<Option<AgentVersion>, StoreError> {
        let document = self.documents.document(tenant, SETTINGS).await?;
        document.map(read).transpose()
    }

    /// The settings as they are.
    ///
    /// # Errors
    ///
    /// As for [`newest`](Self::newest).
    pub async fn settings(&self, tenant: &TenantId) -> Result<AgentSettings, StoreError> {
        let newest = self.newest(tenant).await?;
        Ok(newest.map(|known| known.settings).unwrap_or_default())
    }

    /// The versions that are kept, newest first.
    ///
    /// # Errors
    ///
    /// As for [`newest`](Self::newest).
    pub async fn versions(
        &self,
        tenant: &TenantId,
        page: Page<DocumentVersion>,
    ) -> Result<Vec<AgentVersion>, StoreError> {
        let versions = self.documents.document_versions(tenant, SETTINGS, page);
        versions.await?.into_iter().map(read).collect()
    }

    /// One version; `None` if it is not kept.
    ///
    /// # Errors
    ///
    /// As for [`newest`](Self::newest).
    pub async fn version(
        &self,
        tenant: &TenantId,
        version: DocumentVersion,
    ) -> Result<Option<AgentVersion>, StoreError> {
        let above = DocumentVersion::new(version.get().saturating_add(1));
        let found = self.versions(tenant, Page::after(above, 1)).await?;
        Ok(found.into_iter().find(|known| known.version == version))
    }

    /// The version that was pushed last; `None` if none of those that are kept was.
    ///
    /// # Errors
    ///
    /// As for [`newest`](Self::newest).
    pub async fn last_pushed(&self, tenant: &TenantId) -> Result<Option<AgentVersion>, StoreError> {
        let mut page = Page::first(AT_ONCE);
        loop {
            let versions = self.versions(tenant, page).await?;
            let last = versions.last().map(|known| known.version);
            let is_full = versions.len() >= page.rows();
            let mut versions = versions.into_iter();
            if let Some(pushed) = versions.find(|known| known.pushed.is_some()) {
                return Ok(Some(pushed));
            }
            match last {
                Some(last) if is_full => page = Page::after(last, AT_ONCE),
                _ => return Ok(None),
            }
        }
    }

    /// Changes the settings, and returns the version that has the change: if nothing differs, the newest
    /// one as it is. `change` may be called several times, if somebody else saves at the same time.
    ///
    /// # Errors
    ///
    /// [`Conflict`](StoreErrorKind::Conflict) if others were faster again and again, and those of
    /// [`newest`](Self::newest).
    pub async fn change(
        &self,
        tenant: &TenantId,
        by: &str,
        what: &str,
        change: impl Fn(&mut AgentSettings) + Send + Sync,
    ) -> Result<AgentVersion, StoreError> {
        let mut attempt = 1;
        loop {
            let newest = self.newest(tenant).await?;
            let mut settings = match &newest {
                Some(known) => known.settings.clone(),
                None => AgentSettings::default(),
            };
            change(&mut settings);
            match newest {
                Some(known) if known.settings == settings => return Ok(known),
                newest => {
                    let expected = newest.map(|known| known.version);
                    let saved = self.save(tenant, expected, by, what, settings, None);
                    match saved.await {
                        Err(error) if lost(&error) && attempt < ATTEMPTS => attempt += 1,
                        saved => return saved,
                    }
                }
            }
        }
    }

    /// Keeps what was pushed, as a version of its own, with the settings as they are now.
    ///
    /// # Errors
    ///
    /// As for [`change`](Self::change).
    pub async fn keep_pushed(
        &self,
        tenant: &TenantId,
        by: &str,
        what: &str,
        pushed: &Pushed,
    ) -> Result<AgentVersion, StoreError> {
        let mut attempt = 1;
        loop {
            let newest = self.newest(tenant).await?;
            let expected = newest.as_ref().map(|known| known.version);
            let settings = newest.map(|known| known.settings).unwrap_or_default();
            let saved = self.save(tenant, expected, by, what, settings, Some(pushed.clone()));
            match saved.await {
                Err(error) if lost(&error) && attempt < ATTEMPTS => attempt += 1,
                saved => return saved,
            }
        }
    }

    /// Makes the settings what they were in an earlier version.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StoreErrorKind::NotFound) if the version is not kept, and those of
    /// [`change`](Self::change).
    pub async fn restore(
        &self,
        tenant: &TenantId,
        version: DocumentVersion,
        by: &str,
    ) -> Result<AgentVersion, StoreError> {
        let earlier = self.version(tenant, version).await?;
        let earlier = earlier.ok_or_else(|| {
            StoreError::new(
                StoreErrorKind::NotFound,
                "this version of the settings is not kept",
            )
        })?;
        let what = format!("Restored version {version}.");
        let restore = |settings: &mut AgentSettings| *settings = earlier.settings.clone();
        self.change(tenant, by, &what, restore).await
    }

    /// How the last test ended; `None` if there was none.
    ///
    /// # Errors
    ///
    /// As for [`newest`](Self::newest).
    pub async fn last_trial(&self, tenant: &TenantId) -> Result<Option<Trial>, StoreError> {
        let document = self.documents.document(tenant, TRIAL).await?;
        document.map(read_trial).transpose()
    }

    /// Keeps how a test ended.
    ///
    /// # Errors
    ///
    /// As for [`change`](Self::change).
    pub async fn keep_trial(
        &self,
        tenant: &TenantId,
        by: &str,
        steps: &TrialSteps,
    ) -> Result<Trial, StoreError> {
        let body = json(steps)?;
        let mut attempt = 1;
        loop {
            let known = self.documents.document(tenant, TRIAL).await?;
            let expected = known.map(|known| known.version);
            let saved = self
                .documents
                .save_document(tenant, TRIAL, expected, &body, by);
            match saved.await {
                Err(error) if lost(&error) && attempt < ATTEMPTS => attempt += 1,
                saved => return read_trial(saved?),
            }
        }
    }

    async fn save(
        &self,
        tenant: &TenantId,
        expected: Option<DocumentVersion>,
        by: &str,
        what: &str,
        settings: AgentSettings,
        pushed: Option<Pushed>,
    ) -> Result<AgentVersion, StoreError> {
        let what = clean_line(what).into_owned();
        let body = json(&Body {
            what,
            settings,
            pushed,
        })?;
        let saved = self
            .documents
            .save_document(tenant, SETTINGS, expected, &body, by);
        read(saved.await?)
    }
}

fn lost(error: &StoreError) -> bool {
    error.kind() == StoreErrorKind::Conflict
}

fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|cause| {
        let message = "the agent's settings cannot be written";
        StoreError::new(StoreErrorKind::Invalid, message).with_source(cause)
    })
}

fn unreadable(version: DocumentVersion) -> StoreError {
    StoreError::new(
        StoreErrorKind::Corrupt,
        format!("version {version} of the agent's settings cannot be read"),
    )
}

fn read(document: Document) -> Result<AgentVersion, StoreError> {
    let body: Body =
        serde_json::from_str(&document.body).map_err(|_| unreadable(document.version))?;
    Ok(AgentVersion {
        version: document.version,
        at: document.at,
        by: document.by,
        what: body.what,
        settings: body.settings,
        pushed: body.pushed,
    })
}

fn read_trial(document: Document) -> Result<Trial, StoreError> {
    let steps = serde_json::from_str(&document.body).map_err(|_| unreadable(document.version))?;
    Ok(Trial {
        at: document.at,
        by: document.by,
        steps,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::tool::Tool;
    use crate::store::InMemoryStore;

    fn tenant() -> TenantId {
        TenantId::new("salon")
    }

    fn empty() -> (InMemoryStore, AgentSettingsStore) {
        let store = InMemoryStore::new();
        (store.clone(), AgentSettingsStore::new(Arc::new(store)))
    }

    async fn switch(store: &AgentSettingsStore, tool: Tool, on: bool) -> AgentVersion {
        let change = |settings: &mut AgentSettings| settings.switch(tool, on);
        let changed = store.change(&tenant(), "eve", "Switched.", change).await;
        changed.unwrap()
    }

    #[tokio::test]
    async fn a_change_is_a_version_and_no_change_is_none() {
        let (_, store) = empty();
        assert_eq!(store.newest(&tenant()).await.unwrap(), None);
        let first = switch(&store, Tool::BookAppointment, false).await;
        assert_eq!((first.version.get(), first.by.as_str()), (1, "eve"));
        assert_eq!(switch(&store, Tool::BookAppointment, false).await, first);
        let second = switch(&store, Tool::BookAppointment, true).await;
        assert_eq!(second.version.get(), 2);
        let versions = store.versions(&tenant(), Page::first(9)).await.unwrap();
        assert_eq!(versions, [second, first]);
    }

    #[tokio::test]
    async fn changes_at_once_are_all_made() {
        let (_, store) = empty();
        let tools = [
            Tool::ListServices,
            Tool::BookAppointment,
            Tool::MoveAppointment,
        ];
        let tasks = tools.map(|tool| {
            let store = store.clone();
            tokio::spawn(async move { switch(&store, tool, false).await })
        });
        for task in tasks {
            task.await.unwrap();
        }
        let settings = store.settings(&tenant()).await.unwrap();
        assert!(tools.iter().all(|tool| !settings.is_on(*tool)));
    }

    #[cfg(feature = "conformance")]
    #[tokio::test]
    async fn a_change_that_met_another_one_is_made_again_a_few_times() {
        use crate::testing::{FaultyStore, StoreFault, StoreOperation, StoreTrouble};

        let faulty = FaultyStore::new(Arc::new(InMemoryStore::new()));
        let store = AgentSettingsStore::new(Arc::new(faulty.clone()));
        let conflict = StoreTrouble::Fails(StoreErrorKind::Conflict);
        let save = StoreOperation::SaveDocument;
        faulty.inject(StoreFault::new(save, conflict));
        let changed = switch(&store, Tool::ListServices, false).await;
        assert_eq!(changed.version.get(), 1);
        assert_eq!(faulty.faults().calls(save), 2);
        faulty.inject(StoreFault::new(save, conflict).always());
        let pushed = Pushed::new("agent_1", Vec::new());
        let salon = tenant();
        let lost = store.keep_pushed(&salon, "eve", "Pushed.", &pushed);
        assert_eq!(lost.await.unwrap_err().kind(), StoreErrorKind::Conflict);
        assert_eq!(faulty.faults().calls(save), 2 + u64::from(ATTEMPTS));
    }

    #[tokio::test]
    async fn what_was_pushed_is_kept_and_earlier_settings_come_back() {
        let (_, store) = empty();
        let tenant = tenant();
        assert_eq!(store.last_pushed(&tenant).await.unwrap(), None);
        let off = switch(&store, Tool::ListServices, false).await;
        let pushed = Pushed::new("agent_1", vec!["definition".into()]);
        let kept = store.keep_pushed(&tenant, "bob", "Pushed.", &pushed).await;
        let kept = kept.unwrap();
        assert_eq!(kept.settings, off.settings);
        for round in 0..30 {
            switch(&store, Tool::BookAppointment, round % 2 == 1).await;
        }
        let on = switch(&store, Tool::ListServices, true).await;
        assert_eq!(on.pushed, None);
        let last = store.last_pushed(&tenant).await.unwrap();
        assert_eq!(last.as_ref(), Some(&kept));
        assert_eq!(last.unwrap().pushed, Some(pushed));
        let restored = store.restore(&tenant, off.version, "eve").await.unwrap();
        assert_eq!(restored.settings, off.settings);
        assert_eq!(restored.what, "Restored version 1.");
        assert!(restored.version > on.version);
        let missing = store.restore(&tenant, 99.into(), "eve").await.unwrap_err();
        assert_eq!(missing.kind(), StoreErrorKind::NotFound);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_told_without_its_content() {
        let (documents, store) = empty();
        let body = r#"{"what": "private"#;
        let tenant = tenant();
        let saved = documents.save_document(&tenant, SETTINGS, None, body, "eve");
        saved.await.unwrap();
        let error = store.settings(&tenant).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt);
        assert!(!format!("{error:?}").contains("private"), "{error:?}");
    }

    #[tokio::test]
    async fn a_test_is_kept_apart_from_the_versions() {
        let (_, store) = empty();
        assert_eq!(store.last_trial(&tenant()).await.unwrap(), None);
        for by in ["eve", "bob"] {
            let steps = TrialSteps::default();
            let kept = store.keep_trial(&tenant(), by, &steps).await.unwrap();
            assert_eq!(kept.by, by);
            assert_eq!(store.last_trial(&tenant()).await.unwrap(), Some(kept));
        }
        assert_eq!(store.newest(&tenant()).await.unwrap(), None);
    }
}
