//! Implements the engine's `EventTypeCatalog` port with the client.

use async_trait::async_trait;

use super::calendar::{CalendarError, CalendarErrorKind};
use super::services::{CatalogEntry, EventTypeCatalog};
use crate::client::{Client, ErrorKind};
use crate::model::{
    EventType, EventTypeId, EventTypeQuery, EventTypeSettings, EventTypeUpdate, NewEventType,
    SchedulingType, clean_line, clean_text,
};
use crate::store::ServiceDetails;

/// The key of an event type's metadata by which Cal.com marks what it derived from a team's
/// managed event type; nothing else tells it from a user's own.
const MANAGED: &str = "managedEventConfig";

impl From<&EventType> for CatalogEntry {
    /// The event type as a catalog lists it. Texts are cleaned, as all that comes from Cal.com is.
    fn from(read: &EventType) -> Self {
        let description = read.description.as_deref().unwrap_or_default();
        let details = ServiceDetails::new(clean_line(&read.title), read.length_in_minutes)
            .with_description(clean_text(description));
        let is_derived = read
            .metadata
            .as_ref()
            .is_some_and(|metadata| metadata.contains_key(MANAGED));
        let is_managed = is_derived
            || read.team_id.is_some()
            || read.scheduling_type == Some(SchedulingType::Managed);
        Self::new(read.id, &read.slug, details)
            .with_owner(read.owner_id)
            .with_hidden(read.hidden == Some(true))
            .with_managed(is_managed)
    }
}

#[async_trait]
impl EventTypeCatalog for Client {
    async fn list_event_types(&self) -> Result<Vec<CatalogEntry>, CalendarError> {
        // The list names nothing of the caller's unless it is asked by user name.
        let me = self.me().get().await?;
        let username = me.username.ok_or_else(|| {
            let message = "the account has no user name, by which its event types are listed";
            CalendarError::new(CalendarErrorKind::Rejected, message)
        })?;
        let query = EventTypeQuery::of_user(username);
        let listed = self.event_types().list(&query).await?;
        Ok(listed.iter().map(CatalogEntry::from).collect())
    }

    async fn read_event_type(
        &self,
        id: EventTypeId,
    ) -> Result<Option<CatalogEntry>, CalendarError> {
        match self.event_types().get(id).await {
            Ok(read) => Ok(Some(CatalogEntry::from(&read))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn create_event_type(
        &self,
        slug: &str,
        details: &ServiceDetails,
    ) -> Result<CatalogEntry, CalendarError> {
        let mut wanted = NewEventType::new(&details.name, slug, details.length_in_minutes);
        wanted.settings.description = details.description.clone();
        let created = self.event_types().create(&wanted).await?;
        Ok(CatalogEntry::from(&created))
    }

    async fn update_event_type(
        &self,
        id: EventTypeId,
        expected: &ServiceDetails,
        details: &ServiceDetails,
    ) -> Result<CatalogEntry, CalendarError> {
        let read = self.event_types().get(id).await?;
        if CatalogEntry::from(&read).details != *expected {
            let message = "the event type has changed since it was read";
            return Err(CalendarError::new(CalendarErrorKind::Contradicted, message));
        }
        let changes = update(&read, details);
        let updated = self.event_types().update(id, &changes).await?;
        Ok(CatalogEntry::from(&updated))
    }
}

/// The change, and what the server would drop if an update did not repeat it.
fn update(read: &EventType, details: &ServiceDetails) -> EventTypeUpdate {
    let all = EventTypeSettings::from(read);
    let mut lengths = all.length_in_minutes_options;
    if let Some(lengths) = &mut lengths
        && !lengths.contains(&details.length_in_minutes)
    {
        // The default length is one of those to choose from.
        lengths.push(details.length_in_minutes);
        lengths.sort_unstable();
    }
    let settings = EventTypeSettings {
        length_in_minutes_options: lengths,
        booker_layouts: all.booker_layouts,
        confirmation_policy: all.confirmation_policy,
        description: details.description.clone(),
        ..EventTypeSettings::default()
    };
    EventTypeUpdate::default()
        .with_title(&details.name)
        .with_length_in_minutes(details.length_in_minutes)
        .with_settings(settings)
}
