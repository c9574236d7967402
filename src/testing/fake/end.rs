//! Confirming, declining, and who did not come.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::answer::{Refusal, Reply};
use super::input::{only, text};
use super::request::Request;
use super::shape::{booking_json, millis};
use super::state::{Arrival, State};
use crate::testing::payload::Kind;

impl State {
    /// Confirms a pending booking, or declines it.
    pub(super) fn judge(
        &mut self,
        arrival: Arrival,
        request: &Request,
        uid: &str,
        confirm: bool,
    ) -> Result<Reply, Refusal> {
        let caller = self.permitted(request)?;
        let body = request.object()?;
        let Some(record) = self.booking(uid).cloned() else {
            return Err(Refusal::not_found(format!(
                "Booking with uid={uid} not found"
            )));
        };
        if record.host != caller.id {
            return Err(Refusal::trpc(
                401,
                "You are not authorized to access this resource",
            ));
        }
        // Observed: whatever is not accepted can be confirmed and declined, ended ones too.
        if record.status == "accepted" {
            return Err(Refusal::trpc(
                400,
                "Bad request: Please check your request data and try again",
            ));
        }
        let kind = if confirm {
            if let Some(record) = self.booking_mut(uid) {
                record.status = "accepted".into();
                record.confirmed = true;
                record.ended = None;
                record.updated_at = arrival.now;
            }
            Kind::Confirmed
        } else {
            self.end(arrival.now, uid, "rejected");
            Kind::Rejected
        };
        let reason = text(&body, "reason");
        if let Some(record) = self.booking_mut(uid).filter(|_| !confirm) {
            record.rejection_reason.clone_from(&reason);
        }
        self.notify(kind, arrival.now, &record, None, |facts| {
            facts.reason = reason;
        });
        self.read(uid, 200)
    }

    /// Marks who did not come.
    pub(super) fn mark_absent(
        &mut self,
        arrival: Arrival,
        request: &Request,
        uid: &str,
    ) -> Result<Reply, Refusal> {
        self.permitted(request)?;
        let body = request.object()?;
        only(&body, &["host", "attendees"])?;
        let Some(record) = self.booking(uid).cloned() else {
            return Err(Refusal::not_found(format!(
                "Booking with uid={uid} was not found in the database"
            )));
        };
        if arrival.now < record.start {
            return Err(Refusal::bad_request(format!(
                "Bookings can only be marked as absent after their scheduled start time. Current time in UTC+0: {}, Booking start time in UTC+0: {}",
                millis(arrival.now),
                millis(record.start)
            )));
        }
        let marks = marks(&body);
        let known = |email: &str| record.attendees.iter().any(|a| a.person.email == email);
        if !marks.iter().all(|(email, _)| known(email)) {
            return Err(Refusal::bare(500, "Failed to update no-show status"));
        }
        let mut told = Vec::new();
        if let Some(record) = self.booking_mut(uid) {
            if let Some(absent) = body.get("host").and_then(Value::as_bool) {
                record.absent_host = absent;
            }
            for attendee in &mut record.attendees {
                if let Some((_, absent)) = marks
                    .iter()
                    .find(|(email, _)| *email == attendee.person.email)
                {
                    attendee.person.absent = *absent;
                    told.push(attendee.person.clone());
                }
            }
            record.updated_at = arrival.now;
        }
        if !told.is_empty() {
            self.notify(Kind::NoShow, arrival.now, &record, Some(told), |_| {});
        }
        self.read(uid, 200)
    }

    /// Ends a booking that was live; one that was not stays ended when it was.
    pub(super) fn end(&mut self, now: DateTime<Utc>, uid: &str, status: &str) {
        let order = self.next_in_order();
        if let Some(record) = self.booking_mut(uid) {
            record.status = status.into();
            record.updated_at = now;
            record.ended = record.ended.or(Some(order));
        }
    }

    pub(super) fn read(&self, uid: &str, status: u16) -> Result<Reply, Refusal> {
        self.booking(uid)
            .map(|record| Reply::data(status, booking_json(self, record)))
            .ok_or_else(|| Refusal::bare(500, "Internal server error"))
    }
}

fn marks(body: &Map<String, Value>) -> Vec<(String, bool)> {
    body.get("attendees")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|mark| {
            let email = mark.get("email")?.as_str()?.to_owned();
            let absent = mark.get("absent").and_then(Value::as_bool).unwrap_or(true);
            Some((email, absent))
        })
        .collect()
}
