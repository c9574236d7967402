//! A short-lived cache of event types, so that a booking costs one request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::calendar::{CalendarError, EventTypeFacts};
use crate::model::EventTypeId;
use crate::store::TenantId;

type Known = HashMap<(TenantId, EventTypeId), (Instant, Option<Arc<EventTypeFacts>>)>;

/// Cached event types, by tenant: what one tenant may see another may not.
#[derive(Debug, Default)]
pub(super) struct EventTypes(Mutex<Known>);

impl EventTypes {
    /// An event type from the cache, or freshly from `read`.
    pub(super) async fn get(
        &self,
        tenant: &TenantId,
        id: EventTypeId,
        ttl: Duration,
        read: impl Future<Output = Result<Option<EventTypeFacts>, CalendarError>>,
    ) -> Result<Option<Arc<EventTypeFacts>>, CalendarError> {
        let key = (tenant.clone(), id);
        let known = {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let found = known.get(&key).filter(|(at, _)| at.elapsed() < ttl);
            found.map(|(_, facts)| facts.clone())
        };
        if let Some(facts) = known {
            return Ok(facts);
        }
        let facts = read.await?.map(Arc::new);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (at, _)| at.elapsed() < ttl);
        known.insert(key, (Instant::now(), facts.clone()));
        Ok(facts)
    }
}
