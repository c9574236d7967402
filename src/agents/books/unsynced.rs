//! What the host's appointments take of a window that Cal.com's free slots do not show.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::engine::{EngineBooks, PAGE};
use super::overlap::{Span, overlaps};
use super::{Entry, Trouble, Wanted};
use crate::model::{EventTypeId, UserId};
use crate::store::{AppointmentId, AppointmentState, Window};
use crate::sync::{SyncState, Tenant};

/// The longest appointment that can reach into a window from before.
const LONGEST: TimeDelta = TimeDelta::days(1);
/// How long Cal.com may repeat an answer about free slots that it gave before an appointment was booked.
const REPEATED_FOR: TimeDelta = TimeDelta::minutes(1);
/// How many appointments are looked up in the books for one question.
const STATUSES: usize = 200;

impl EngineBooks {
    /// What the host's appointments take of a window that Cal.com does not know yet, or has known for so
    /// short a time that its free slots need not show it.
    pub(super) async fn unknown_to_calcom(
        &self,
        tenant: &Tenant,
        wanted: Wanted,
        (window, slots): (Window, &[DateTime<Utc>]),
        moving: Option<&Entry>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Span>, Trouble> {
        let reaching = Window::new(window.from - LONGEST, window.until);
        let mut after: Option<(DateTime<Utc>, AppointmentId)> = None;
        let mut hosts = HostsOf::new(tenant);
        let mut taken = Vec::new();
        let mut asked = 0;
        loop {
            let page = self.desk.scan(tenant.id(), reaching, after.take(), PAGE);
            let page = page.await?;
            let Some(last) = page.last() else {
                break;
            };
            after = Some((last.state.start, last.id.clone()));
            for appointment in page {
                let state = &appointment.state;
                let span = (state.start, state.end);
                let is_itself = moving.is_some_and(|moving| moving.id == appointment.id.as_str());
                let matters = state.status.is_live()
                    && !is_itself
                    && slots
                        .iter()
                        .any(|slot| overlaps(*slot, wanted.length, span));
                if !matters || are_others(wanted, state) {
                    continue;
                }
                // In doubt, a slot is not offered.
                asked += 1;
                let is_known = asked <= STATUSES
                    && self
                        .is_known_to_calcom(tenant, &appointment.id, now)
                        .await?;
                if !is_known && hosts.share_somebody(wanted, state).await {
                    taken.push(span);
                }
            }
        }
        Ok(taken)
    }

    async fn is_known_to_calcom(
        &self,
        tenant: &Tenant,
        id: &AppointmentId,
        now: DateTime<Utc>,
    ) -> Result<bool, Trouble> {
        let status = self.operations.status(tenant.id(), id).await?;
        let since = status.last.succeeded_at;
        let is_old = since.is_none_or(|since| now - since > REPEATED_FOR);
        Ok(status.state == SyncState::InSync && is_old)
    }
}

/// Whether an appointment is certainly held by somebody else than the wanted one.
fn are_others(wanted: Wanted, state: &AppointmentState) -> bool {
    let hosts = wanted.host.zip(state.host);
    state.event_type != wanted.event_type && hosts.is_some_and(|(ours, theirs)| ours != theirs)
}

/// Who can hold appointments of an event type, asked once for each.
struct HostsOf<'a> {
    tenant: &'a Tenant,
    known: BTreeMap<EventTypeId, Option<Vec<UserId>>>,
}

impl<'a> HostsOf<'a> {
    fn new(tenant: &'a Tenant) -> Self {
        Self {
            tenant,
            known: BTreeMap::new(),
        }
    }

    /// `None` if nothing can be found out about it.
    async fn of(&mut self, event_type: EventTypeId) -> Option<Vec<UserId>> {
        if let Some(known) = self.known.get(&event_type) {
            return known.clone();
        }
        let found = self.tenant.calendar().event_type(event_type).await;
        let hosts = found.ok().flatten().map(|facts| facts.hosts);
        let hosts = hosts.filter(|hosts| !hosts.is_empty());
        self.known.insert(event_type, hosts.clone());
        hosts
    }

    /// Whether an appointment can be held by somebody whom the wanted one needs. In doubt, it can.
    async fn share_somebody(&mut self, wanted: Wanted, state: &AppointmentState) -> bool {
        if state.event_type == wanted.event_type {
            return true;
        }
        let theirs = match state.host {
            Some(host) => Some(vec![host]),
            None => self.of(state.event_type).await,
        };
        let ours = match wanted.host {
            Some(host) => Some(vec![host]),
            None => self.of(wanted.event_type).await,
        };
        match (theirs, ours) {
            (Some(theirs), Some(ours)) => theirs.iter().any(|host| ours.contains(host)),
            _ => true,
        }
    }
}
