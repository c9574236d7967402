//! Which appointments were worked on lately.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::engine::Engine;
use super::error::Error;
use super::status::{SyncState, SyncStatus};
use crate::store::{
    Appointment, AppointmentId, HistoryEvent, LogEvent, LogId, LogScope, Origin, Page, Person,
    TenantId,
};

/// How many lines of the log are read at once, and how many of them, and of the changes that wait, are
/// looked at for one page.
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

    /// Only appointments in which this text is found; with a blank one, all.
    #[must_use]
    pub fn with_text(mut self, text: impl AsRef<str>) -> Self {
        let text = text.as_ref().trim();
        self.text = (!text.is_empty()).then(|| text.to_owned());
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
        let text = text.to_lowercase();
        let found = |hay: &str| hay.to_lowercase().contains(&text);
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

/// A page of what was worked on, newest first. The first page begins with what waits, as far as it has
/// room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActivityPage {
    /// The appointments, each at most once. A later page may name one again, with what was done
    /// earlier.
    pub rows: Vec<Activity>,
    /// The line of the log after which the next page begins; `None` at the end. A page may be shorter
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
        let mut found = Listing::new(self, tenant, filter, page.rows());
        if page.after.is_none() {
            found.add_waiting().await?;
        }
        let next = found.add_worked_on(page.after).await?;
        let mut rows = found.rows;
        rows.sort_by_key(|row| Reverse(row.at));
        Ok(ActivityPage { rows, next })
    }
}

/// A page in the making.
struct Listing<'a> {
    engine: &'a Engine,
    tenant: &'a TenantId,
    filter: &'a ActivityFilter,
    /// How many rows it may have.
    limit: usize,
    rows: Vec<Activity>,
    seen: BTreeSet<AppointmentId>,
    /// Whether the host has answered so far. One that has not is asked for no further row: a page
    /// waits for it once.
    host_answers: bool,
}

impl<'a> Listing<'a> {
    fn new(
        engine: &'a Engine,
        tenant: &'a TenantId,
        filter: &'a ActivityFilter,
        limit: usize,
    ) -> Self {
        Self {
            engine,
            tenant,
            filter,
            limit,
            rows: Vec::new(),
            seen: BTreeSet::new(),
            host_answers: true,
        }
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= self.limit
    }

    /// Adds appointments with changes that wait.
    async fn add_waiting(&mut self) -> Result<(), Error> {
        let store = &self.engine.store;
        let waiting = store.waiting_changes(self.tenant, LINES_A_PAGE);
        for entry in self.engine.store_call(waiting).await? {
            if self.is_full() {
                break;
            }
            if let HistoryEvent::Change { recorded, .. } = entry.event {
                self.add(recorded.change.appointment, entry.at, None)
                    .await?;
            }
        }
        Ok(())
    }

    /// Adds what the log names, until the page is full or enough of the log was looked at; returns
    /// where the next page begins.
    async fn add_worked_on(&mut self, after: Option<LogId>) -> Result<Option<LogId>, Error> {
        // No entry has this id: it stands before the newest one.
        let mut last = after.unwrap_or(LogId::new(i64::MAX));
        let mut looked_at = 0;
        while looked_at < LINES_A_PAGE {
            let page = Page::after(last, LINES_AT_ONCE);
            let latest = self.engine.store.latest(self.tenant, LogScope::All, page);
            let lines = self.engine.store_call(latest).await?;
            let is_end = lines.len() < page.rows();
            for line in lines {
                if self.is_full() {
                    return Ok(Some(last));
                }
                last = line.id;
                looked_at += 1;
                if let Some(id) = line.appointment {
                    self.add(id, line.at, Some(line.event)).await?;
                }
            }
            if is_end {
                return Ok(None);
            }
        }
        Ok(Some(last))
    }

    /// Adds an appointment that is not on the page yet, if the filter lets it through.
    async fn add(
        &mut self,
        id: AppointmentId,
        at: DateTime<Utc>,
        event: Option<LogEvent>,
    ) -> Result<(), Error> {
        if !self.seen.insert(id.clone()) {
            return Ok(());
        }
        let engine = self.engine;
        let status = engine.store.link_status(self.tenant, &id);
        let mut status = SyncStatus::of(id.clone(), engine.store_call(status).await?);
        let mut appointment = None;
        if self.host_answers {
            let found = engine.appointments.get(self.tenant, &id);
            let found = engine.host_call(found).await;
            // A host that does not answer keeps nobody from seeing what the books say.
            self.host_answers = found.is_ok();
            appointment = found.ok().flatten();
        }
        if let Some(of_host) = &appointment {
            status.is_of(of_host);
        }
        let row = Activity {
            at,
            event,
            status,
            appointment,
        };
        if self.filter.lets_through(&row) {
            self.rows.push(row);
        }
        Ok(())
    }
}
