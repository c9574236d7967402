//! What people do on Cal.com's own pages, and oddities that a test may force.

use bytes::Bytes;
use chrono::{DateTime, SubsecRound, Utc};
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Value, json};

use super::FakeCalcom;
use super::answer::{Refused, Reply};
use super::request::{Operation, Request};
use super::shape::booking_json;
use super::shared::lock;
use super::state::{Record, State};
use crate::model::{Booking, BookingUid, NewBooking, SeatUid};
use crate::testing::payload::Kind;

impl FakeCalcom {
    /// Books as an attendee, as on the public page. For a series, returns the first booking.
    ///
    /// Like the methods below, this sends webhooks exactly as the API does, and under
    /// [`ServerKind::SelfHosted`](super::ServerKind::SelfHosted) waits for the receiver. It is not
    /// a request: it does not appear in [`requests`](Self::requests), and only webhook faults
    /// apply.
    ///
    /// # Errors
    ///
    /// If Cal.com would refuse it.
    pub async fn book(&self, booking: NewBooking) -> Result<Booking, Refused> {
        let body = serde_json::to_value(&booking).unwrap_or_default();
        self.book_with(&body).await
    }

    /// Books as an attendee, with a raw body.
    pub(super) async fn book_with(&self, body: &Value) -> Result<Booking, Refused> {
        self.act(Operation::CreateBooking, None, "/v2/bookings", body)
            .await
    }

    /// Moves a booking as its host.
    ///
    /// # Errors
    ///
    /// If Cal.com would refuse it.
    pub async fn move_booking(
        &self,
        uid: &BookingUid,
        start: DateTime<Utc>,
    ) -> Result<Booking, Refused> {
        let host = self.host_of(uid);
        let email = lock(&self.shared.state).user(host).email;
        let body = json!({"start": crate::model::format_instant(start), "rescheduledBy": email});
        let path = format!("/v2/bookings/{uid}/reschedule");
        self.act(Operation::Reschedule, Some(host), &path, &body)
            .await
    }

    /// Cancels a booking as its host. When this returns it has ended; on a self-hosted server, only
    /// after all subscribers have answered.
    ///
    /// # Errors
    ///
    /// If Cal.com would refuse it, as it does without a reason.
    pub async fn cancel_booking(&self, uid: &BookingUid, reason: &str) -> Result<Booking, Refused> {
        let body = json!({"cancellationReason": reason});
        let path = format!("/v2/bookings/{uid}/cancel");
        self.act(Operation::Cancel, Some(self.host_of(uid)), &path, &body)
            .await
    }

    /// Gives up one seat of a booking, as its attendee. When this returns nobody holds it.
    ///
    /// # Errors
    ///
    /// If Cal.com would refuse it, as it does if nobody holds the seat.
    pub async fn give_up_seat(&self, uid: &BookingUid, seat: &SeatUid) -> Result<Booking, Refused> {
        let path = format!("/v2/bookings/{uid}/cancel");
        let body = json!({"seatUid": seat});
        self.act(Operation::Cancel, None, &path, &body).await
    }

    /// Moves one seat to another time, as its attendee, and returns the booking that it is in now.
    ///
    /// # Errors
    ///
    /// If Cal.com would refuse it, as it does if no seat is left at that time.
    pub async fn move_seat(
        &self,
        uid: &BookingUid,
        seat: &SeatUid,
        start: DateTime<Utc>,
    ) -> Result<Booking, Refused> {
        let path = format!("/v2/bookings/{uid}/reschedule");
        let body = json!({"start": crate::model::format_instant(start), "seatUid": seat});
        self.act(Operation::Reschedule, None, &path, &body).await
    }

    /// Confirms a pending booking as its host.
    ///
    /// # Errors
    ///
    /// If Cal.com would refuse it.
    pub async fn confirm(&self, uid: &BookingUid) -> Result<Booking, Refused> {
        let path = format!("/v2/bookings/{uid}/confirm");
        self.act(
            Operation::Confirm,
            Some(self.host_of(uid)),
            &path,
            &json!({}),
        )
        .await
    }

    /// Changes the location of a booking to an address, as its host.
    ///
    /// # Errors
    ///
    /// If Cal.com would refuse it.
    pub async fn update_location(
        &self,
        uid: &BookingUid,
        location: &str,
    ) -> Result<Booking, Refused> {
        let body = json!({"location": {"type": "address", "address": location}});
        let path = format!("/v2/bookings/{uid}/location");
        let host = Some(self.host_of(uid));
        self.act(Operation::UpdateLocation, host, &path, &body)
            .await
    }

    /// Adds guests to a booking, as its host. No webhook tells of it.
    ///
    /// # Errors
    ///
    /// If Cal.com would refuse it.
    pub async fn add_guests(&self, uid: &BookingUid, guests: &[&str]) -> Result<Booking, Refused> {
        let guests = guests.iter().map(|email| json!({"email": email}));
        let body = json!({"guests": guests.collect::<Value>()});
        let path = format!("/v2/bookings/{uid}/guests");
        let host = Some(self.host_of(uid));
        self.act(Operation::AddGuests, host, &path, &body).await
    }

    /// Says whether an attendee of a booking that has begun did not come, as its host.
    ///
    /// # Errors
    ///
    /// If Cal.com would refuse it, as it does before the booking has begun.
    pub async fn mark_absent(
        &self,
        uid: &BookingUid,
        email: &str,
        absent: bool,
    ) -> Result<Booking, Refused> {
        let body = json!({"attendees": [{"email": email, "absent": absent}]});
        let path = format!("/v2/bookings/{uid}/mark-absent");
        let host = Some(self.host_of(uid));
        self.act(Operation::MarkAbsent, host, &path, &body).await
    }

    /// Declines a pending booking as its host.
    ///
    /// # Errors
    ///
    /// If Cal.com would refuse it.
    pub async fn decline(&self, uid: &BookingUid, reason: &str) -> Result<Booking, Refused> {
        let body = json!({"reason": reason});
        let path = format!("/v2/bookings/{uid}/decline");
        self.act(Operation::Decline, Some(self.host_of(uid)), &path, &body)
            .await
    }

    /// All bookings, including ended ones, in creation order.
    pub fn bookings(&self) -> Vec<Booking> {
        let state = lock(&self.shared.state);
        state
            .bookings
            .iter()
            .map(|record| typed(&state, record))
            .collect()
    }

    /// One booking.
    pub fn booking(&self, uid: &BookingUid) -> Option<Booking> {
        let state = lock(&self.shared.state);
        state
            .booking(uid.as_str())
            .map(|record| typed(&state, record))
    }

    /// All confirmed and pending bookings, in creation order.
    pub fn live_bookings(&self) -> Vec<Booking> {
        self.bookings()
            .into_iter()
            .filter(Booking::is_live)
            .collect()
    }

    /// Gives a rescheduled booking a second live successor, as two concurrent reschedules do on the
    /// real server; reschedules a booking that was not. `None` if it does not exist.
    ///
    /// Sends the webhook of a reschedule. The old booking points to the newer successor.
    pub async fn force_second_successor(
        &self,
        uid: &BookingUid,
        start: DateTime<Utc>,
    ) -> Option<Booking> {
        let run = |state: &mut State, arrival| {
            let old = state.booking(uid.as_str())?.clone();
            let new = state.successor(&old, arrival, start.trunc_subsecs(3));
            state.replace(&old, &new.uid, arrival);
            state.tell_moved(Kind::Rescheduled, arrival, &old, &new);
            let booking = typed(state, &new);
            state.bookings.push(new);
            Some(booking)
        };
        self.shared.carry_out(Operation::Reschedule, run).await
    }

    /// Sets any status, known or not, without a webhook. False if the booking does not exist.
    pub fn set_status(&self, uid: &BookingUid, status: impl Into<String>) -> bool {
        let now = self.shared.clock.now().trunc_subsecs(3);
        let mut state = lock(&self.shared.state);
        let order = state.next_in_order();
        let Some(record) = state.booking_mut(uid.as_str()) else {
            return false;
        };
        record.status = status.into();
        record.updated_at = now;
        record.ended = if record.is_live() { None } else { Some(order) };
        true
    }

    /// Deletes a booking, without a webhook: it is answered with 404 and appears in no list. False
    /// if it does not exist.
    pub fn forget(&self, uid: &BookingUid) -> bool {
        let mut state = lock(&self.shared.state);
        let before = state.bookings.len();
        state.bookings.retain(|record| record.uid != uid.as_str());
        state.bookings.len() < before
    }

    pub(super) fn host_of(&self, uid: &BookingUid) -> i64 {
        let state = lock(&self.shared.state);
        state
            .bookings
            .iter()
            .find(|record| {
                record.uid == uid.as_str() || record.recurring_uid.as_deref() == Some(uid.as_str())
            })
            .map_or(state.users[0].id, |record| record.host)
    }

    /// Does what a request to the API would do, without the network, the limits and the faults of
    /// requests.
    async fn act(
        &self,
        operation: Operation,
        user: Option<i64>,
        path: &str,
        body: &Value,
    ) -> Result<Booking, Refused> {
        let request = self.request(user, path, body);
        let run = |state: &mut State, arrival| state.route(arrival, operation, &request);
        let (_, reply) = self.shared.process(operation, run).await;
        Ok(first(reply?))
    }

    /// A request as a user would send it, or somebody without a key.
    pub(super) fn request(&self, user: Option<i64>, path: &str, body: &Value) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert("cal-api-version", HeaderValue::from_static("2024-08-13"));
        if let Some(user) = user {
            let key = lock(&self.shared.state).user(user).api_key;
            if let Ok(value) = HeaderValue::from_str(&format!("Bearer {key}")) {
                headers.insert(header::AUTHORIZATION, value);
            }
        }
        Request::new(Method::POST, path, headers, Bytes::from(body.to_string()))
    }
}

/// The booking of an answer, of a series the first.
pub(super) fn first(mut reply: Reply) -> Booking {
    let mut data = reply.body["data"].take();
    if let Value::Array(series) = &mut data {
        data = series.first().cloned().unwrap_or_default();
    }
    read(data)
}

fn typed(state: &State, record: &Record) -> Booking {
    read(booking_json(state, record))
}

fn read(json: Value) -> Booking {
    serde_json::from_value(json).expect("the fake tells bookings in the model's shape")
}
