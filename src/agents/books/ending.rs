//! How a write ends that the engine brings to Cal.com.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::engine::{EngineBooks, entry_of};
use super::{Entry, Trouble, Written};
use crate::store::{AppointmentId, ReviewId, ReviewReason};
use crate::sync::{SyncState, SyncStatus, Tenant};

/// The pauses between two looks at how far the engine is: they grow from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LAST_PAUSE: Duration = Duration::from_millis(400);

impl EngineBooks {
    /// The review items in which an appointment is involved already.
    pub(super) async fn reviews(
        &self,
        tenant: &Tenant,
        id: &AppointmentId,
    ) -> Result<BTreeSet<ReviewId>, Trouble> {
        let status = self.operations.status(tenant.id(), id).await?;
        Ok(status.reviews.iter().map(|(id, _)| *id).collect())
    }

    /// Watches the engine until a write of an appointment has ended, or the time is over. Review items from
    /// before the write say nothing about it.
    async fn watch(
        &self,
        tenant: &Tenant,
        id: &AppointmentId,
        before: &BTreeSet<ReviewId>,
        until: Instant,
    ) -> Result<End, Trouble> {
        let mut pause = FIRST_PAUSE;
        loop {
            let status = self.operations.status(tenant.id(), id).await?;
            if let Some(end) = End::of(&status, before) {
                return Ok(end);
            }
            let next = Instant::now() + pause;
            if next >= until {
                return Ok(End::Open);
            }
            tokio::time::sleep_until(next).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// The end of a write, with the appointment as it is now. The write itself is stored: where its end
    /// cannot be found out, it is open.
    pub(super) async fn ended(
        &self,
        tenant: &Tenant,
        entry: Entry,
        before: &BTreeSet<ReviewId>,
        until: Instant,
    ) -> (End, Entry) {
        let id = AppointmentId::new(&entry.id);
        let looked = tokio::time::timeout_at(until + LAST_PAUSE, async {
            let end = self.watch(tenant, &id, before, until).await?;
            let current = self.desk.get(tenant.id(), &id).await?;
            Ok::<_, Trouble>((end, current))
        });
        match looked.await {
            Ok(Ok((end, current))) => {
                let entry = current.map_or(entry, |current| entry_of(&current));
                (end, entry)
            }
            Ok(Err(trouble)) => {
                tracing::warn!(error = %trouble, "how a write ended could not be found out");
                (End::Open, entry)
            }
            Err(_) => (End::Open, entry),
        }
    }
}

/// What has become of a write.
pub(super) enum End {
    Done,
    SlotTaken,
    Rejected,
    Open,
}

impl End {
    fn of(status: &SyncStatus, before: &BTreeSet<ReviewId>) -> Option<Self> {
        if status.is_paused {
            return Some(Self::Open);
        }
        // No turn has looked at the write yet.
        if status.waiting_changes > 0 {
            return None;
        }
        let since = status.reviews.iter().filter(|(id, _)| !before.contains(id));
        let since: Vec<&ReviewReason> = since.map(|(_, reason)| reason).collect();
        match status.state {
            SyncState::InSync | SyncState::Skipped | SyncState::Dismissed => Some(Self::Done),
            SyncState::InReview if since.contains(&&ReviewReason::SlotTaken) => {
                Some(Self::SlotTaken)
            }
            // An outage goes by, and what it held up is done then. What was open before stays so.
            SyncState::InReview
                if since
                    .iter()
                    .all(|reason| **reason == ReviewReason::RetriesExhausted) =>
            {
                Some(Self::Open)
            }
            SyncState::InReview => Some(Self::Rejected),
            _ => None,
        }
    }

    pub(super) fn written(self, entry: Entry) -> Written {
        match self {
            Self::Done => Written::Done(entry),
            Self::SlotTaken => Written::SlotTaken,
            Self::Rejected => Written::Rejected,
            Self::Open => Written::Accepted(entry),
        }
    }
}
