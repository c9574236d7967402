//! Which appointments were worked on lately.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::engine::Engine;
use super::error::Error;
use super::operate::Operations;
use super::status::{SyncState, SyncStatus};
use crate::store::{
    Appointment, AppointmentId, HistoryEvent, LogEvent, LogId, LogScope, Origin, Page, Person,
    TenantId,
};

/// How many lines of the log are read at once, and for one page at most.
const LINES_AT_ONCE: u32 = 100;
const LINES_A_PAGE: u32 = 1000;

/// Which appointments to list; by default all.
///
/// ```
/// use calcom::store::Origin;
/// use calcom::sync::{ActivityFilter, SyncState};
///
/// let filter = ActivityFilter::default()
///     .with_state(SyncState::InReview)
///     .with_origin(Origin::Phone)
///     .with_text("ann");
/// # let _ = filter;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActivityFilter {
    /// Only appointments in this state.
    pub state: Option<SyncState>,
    /// Only appointments whose latest change this origin made.
    pub origin: Option<Origin>,
    /// Only appointments of which the id, the booking's uid, or the attendee's name, e-mail address
    /// or phone number contains this text, whatever its case.
    pub text: Option<String>,
}

impl ActivityFilter {
    /// Only appointments in this state.
    #[must_use]
    pub fn with_state(mut self, state: SyncState) -> Self {
        self.state = Some(state);
        self
    }

    /// Only appointments whose latest change this origin made.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Only appointments in which this text is found.
    #[must_use]
    pub fn with_text(mut self, text: impl AsRef<str>) -> Self {
        let text = text.as_ref().trim().to_lowercase();
        self.text = (!text.is_empty()).then_some(text);
        self
    }

    fn lets_through(&self, activity: &Activity) -> bool {
        let status = &activity.status;
        self.state.is_none_or(|state| state == status.state)
            && self
                .origin
                .as_ref()
                .is_none_or(|origin| status.origin.as_ref() == Some(origin))
            && self
                .text
                .as_ref()
                .is_none_or(|text| activity.contains(text))
    }
}

/// An appointment that was worked on, or waits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Activity {
    /// When it was last worked on; for one that no worker has looked at, when its change was
    /// recorded.
    pub at: DateTime<Utc>,
    /// What was done last; `None` for one that waits.
    pub event: Option<LogEvent>,
    /// How it stands now.
    pub status: SyncStatus,
    /// The host's appointment, if the host has one and answers. Personal data.
    pub appointment: Option<Appointment>,
}

impl Activity {
    fn contains(&self, text: &str) -> bool {
        let found = |hay: &str| hay.to_lowercase().contains(text);
        let in_person = |person: &Person| {
            let more = [&person.email, &person.phone_number];
            found(&person.name) || more.into_iter().flatten().any(|part| found(part))
        };
        found(self.status.appointment.as_str())
            || self
                .status
                .booking
                .as_ref()
                .is_some_and(|uid| found(uid.as_str()))
            || self
                .appointment
                .as_ref()
                .is_some_and(|of_host| in_person(&of_host.state.attendee))
    }
}

/// A page of what was worked on, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActivityPage {
    /// The appointments, each at most once.
    pub rows: Vec<Activity>,
    /// After which line of the log the next page begins; `None` at the end. A page may be shorter
    /// than asked for, or empty, and have a next one: it looks at a bounded part of the log.
    pub next: Option<LogId>,
}

impl Engine {
    pub(super) async fn recent_activity(
        &self,
        tenant: &TenantId,
        filter: &ActivityFilter,
        page: Page<LogId>,
    ) -> Result<ActivityPage, Error> {
        let mut found = ActivityPage::default();
        let mut seen = BTreeSet::new();
        if page.after.is_none() {
            let waiting = self.store.waiting_changes(tenant, page.limit);
            for entry in self.store_call(waiting).await? {
                let HistoryEvent::Change { recorded, .. } = entry.event else {
                    continue;
                };
                let id = recorded.change.appointment;
                if seen.insert(id.clone()) {
                    let row = self.activity_of(tenant, id, entry.at, None).await?;
                    found.rows.extend(filter.lets_through(&row).then_some(row));
                }
            }
        }
        found.next = self
            .worked_on(tenant, filter, page, &mut seen, &mut found.rows)
            .await?;
        found.rows.sort_by_key(|row| std::cmp::Reverse(row.at));
        Ok(found)
    }

    /// Adds what the log names, until the page is full or has looked at enough of the log; returns
    /// where the next page begins.
    async fn worked_on(
        &self,
        tenant: &TenantId,
        filter: &ActivityFilter,
        page: Page<LogId>,
        seen: &mut BTreeSet<AppointmentId>,
        rows: &mut Vec<Activity>,
    ) -> Result<Option<LogId>, Error> {
        let mut last = page.after;
        let mut looked_at = 0;
        while looked_at < LINES_A_PAGE {
            let mut lines = Page::first(LINES_AT_ONCE);
            lines.after = last;
            let latest = self.store.latest(tenant, LogScope::All, lines);
            let lines = self.store_call(latest).await?;
            let is_end = lines.len() < LINES_AT_ONCE as usize;
            for line in lines {
                if rows.len() >= page.rows() {
                    return Ok(last);
                }
                last = Some(line.id);
                looked_at += 1;
                let Some(id) = line.appointment else {
                    continue;
                };
                if seen.insert(id.clone()) {
                    let row = self
                        .activity_of(tenant, id, line.at, Some(line.event))
                        .await?;
                    rows.extend(filter.lets_through(&row).then_some(row));
                }
            }
            if is_end {
                return Ok(None);
            }
        }
        Ok(last)
    }

    async fn activity_of(
        &self,
        tenant: &TenantId,
        id: AppointmentId,
        at: DateTime<Utc>,
        event: Option<LogEvent>,
    ) -> Result<Activity, Error> {
        let status = self.status(tenant, &id).await?;
        let appointment = self.host_call(self.appointments.get(tenant, &id)).await;
        Ok(Activity {
            at,
            event,
            status,
            // A host that does not answer keeps nobody from seeing what the books say.
            appointment: appointment.ok().flatten(),
        })
    }
}
