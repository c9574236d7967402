//! Cal.com without a network: requests go to the fake in process, and a request that was sent goes
//! on whatever becomes of the engine that sent it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::ambient::Clock;
use crate::client;
use crate::model::{Booking, BookingQuery, BookingUid, EventTypeId, UserId, format_instant};
use crate::store::{Store, TenantId};
use crate::sync::seats::seats_of;
use crate::sync::{
    BookingPage, Calendar, CalendarError, CalendarErrorKind, EventTypeFacts, SYNC_KEY_METADATA,
    SyncConfig, Write, failure_of,
};
use crate::testing::FakeCalcom;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::chance::Chance;
use super::clock::SimClock;
use super::coverage::{Mishap, Tally};
use super::ledger::{Ledger, Writer};
use super::post::Post;
use super::unsteady::Past;

/// What is the same for every wire of a world.
#[derive(Clone)]
pub(super) struct Exchange {
    pub(super) fake: FakeCalcom,
    pub(super) post: Post,
    pub(super) clock: SimClock,
    pub(super) chance: Chance,
    pub(super) online: Arc<AtomicBool>,
    pub(super) ledger: Ledger,
    pub(super) past: Past,
    pub(super) tally: Tally,
    /// How long after its announcement a cancellation is carried out.
    pub(super) lag: Duration,
    /// Whether answers differ from what was asked for, now and then.
    pub(super) strange: bool,
    /// The calls that somebody waits for.
    pub(super) calls: Calls,
}

/// A count of calls that are under way; clones count together.
#[derive(Clone, Default)]
pub(super) struct Calls(Arc<AtomicUsize>);

impl Calls {
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// One more, until what is returned is dropped.
    fn begin(&self) -> impl Drop + use<> {
        self.0.fetch_add(1, Ordering::SeqCst);
        CallEnds(self.clone())
    }
}

struct CallEnds(Calls);

impl Drop for CallEnds {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// One tenant's way to Cal.com.
pub(super) struct Wire {
    pub(super) exchange: Exchange,
    pub(super) tenant: TenantId,
    pub(super) event_types: Vec<EventTypeId>,
    pub(super) store: Arc<dyn Store>,
    pub(super) key: SecretString,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

fn unreachable() -> CalendarError {
    CalendarError::new(CalendarErrorKind::Unavailable, "no answer came")
}

/// One call to Cal.com.
struct Call<'a> {
    operation: &'static str,
    method: Method,
    path: String,
    body: Option<Value>,
    /// What is written, by its sync key or uid.
    writes: Option<&'a str>,
    /// As an attendee, who has no key.
    anonymous: bool,
}

impl<'a> Call<'a> {
    fn get(operation: &'static str, path: String) -> Self {
        Self {
            operation,
            method: Method::GET,
            path,
            body: None,
            writes: None,
            anonymous: false,
        }
    }

    fn write(operation: &'static str, path: String, body: Value, what: &'a str) -> Self {
        Self {
            method: Method::POST,
            body: Some(body),
            writes: Some(what),
            ..Self::get(operation, path)
        }
    }
}

impl Wire {
    async fn send<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, CalendarError> {
        Ok(self.try_send(call).await??)
    }

    /// Tells what Cal.com refuses from what does not reach it.
    async fn try_send<T: DeserializeOwned>(
        &self,
        call: Call<'_>,
    ) -> Result<Result<T, client::Error>, CalendarError> {
        let Call {
            operation, path, ..
        } = call;
        let exchange = &self.exchange;
        let _waits = exchange.calls.begin();
        let begun = exchange.clock.now();
        exchange.chance.dawdle().await;
        // Whoever has slept for so long gives the call up on waking. The runtime's timers see to that,
        // but not where they follow another clock than the history's.
        let slept = (exchange.clock.now() - begun).to_std().unwrap_or_default();
        if !exchange.online.load(Ordering::SeqCst) || slept >= SyncConfig::default().call_timeout {
            return Err(unreachable());
        }
        let now = exchange.clock.now();
        let under_way = call.writes.map(|what| exchange.ledger.begin(what, now));
        let is_cancellation = path.ends_with("/cancel");
        let version = match path.as_str() {
            path if path.starts_with("slots") => "2024-09-04",
            path if path.starts_with("event-types") => "2024-06-14",
            _ => "2024-08-13",
        };
        let mut request = http::Request::builder()
            .method(call.method)
            .uri(format!("http://fake/v2/{path}"))
            .header("cal-api-version", version)
            .header("content-type", "application/json");
        if !call.anonymous {
            let key = format!("Bearer {}", self.key.expose_secret());
            request = request.header("authorization", key);
        }
        let body = call.body.map(|body| body.to_string().into());
        let request = request.body(body.unwrap_or_default());
        let request = request.expect("the request is well-formed");
        let (fake, post) = (exchange.fake.clone(), exchange.post.clone());
        let lag = exchange.lag;
        let sent = tokio::spawn(async move {
            let _under_way = under_way;
            let arrives_meanwhile = async {
                // Whoever cancels tells the subscribers first, and waits for them.
                tokio::time::sleep(lag / 2).await;
                post.deliver_some().await;
            };
            let answer = if is_cancellation {
                futures_util::future::join(fake.exchange(request), arrives_meanwhile)
                    .await
                    .0
            } else {
                fake.exchange(request).await
            };
            post.deliver_some().await;
            answer
        });
        let answer = sent.await.expect("the fake does not panic");
        exchange.chance.dawdle().await;
        let response = answer.ok_or_else(unreachable)?;
        let now = exchange.clock.now();
        Ok(client::decode(operation, &response, now))
    }

    /// What Cal.com takes a creation for, where it is strange: another length is booked than the
    /// one that was asked for.
    fn ask_strangely(&self, body: &mut Value) {
        let Some(asked) = body["lengthInMinutes"].as_u64() else {
            return;
        };
        if self.exchange.strange && self.exchange.chance.percent(20) {
            self.exchange.tally.fault(Mishap::StrangeLength);
            body["lengthInMinutes"] = json!(if asked == 30 { 60 } else { 30 });
        }
    }

    /// What of the answer to a creation arrives, where Cal.com is strange: it does not say whose
    /// the booking is.
    fn answer_strangely(&self, mut answer: Value) -> Value {
        if self.exchange.strange && self.exchange.chance.percent(4) {
            self.exchange.tally.fault(Mishap::AnswerWithoutKey);
            answer["metadata"] = json!({});
        }
        answer
    }

    async fn create(&self, booking: &crate::model::NewBooking) -> Result<Booking, CalendarError> {
        let mut body = serde_json::to_value(booking).expect("a booking is JSON");
        let key = body["metadata"][SYNC_KEY_METADATA].as_str().unwrap_or("");
        let key = key.to_owned();
        self.ask_strangely(&mut body);
        let call = Call::write("bookings.create", "bookings".to_owned(), body, &key);
        // A series of one is answered as a list.
        let made = match self.send(call).await? {
            Value::Array(mut several) => several.swap_remove(0),
            one => one,
        };
        let made = self.answer_strangely(made);
        Ok(serde_json::from_value(made).expect("what was answered is a booking"))
    }
}

/// What a write is about: a booking, or one seat of it.
pub(super) fn named(fake: &FakeCalcom, booking: &BookingUid, write: &Write) -> BookingUid {
    match write {
        Write::MarkAbsent { attendee, .. } => {
            let seats = fake.booking(booking).into_iter().flat_map(seats_of);
            let is_theirs =
                |seat: &Booking| seat.attendees.iter().any(|held| held.email == *attendee);
            let mut theirs = seats.filter(is_theirs).map(|seat| seat.uid);
            match (theirs.next(), theirs.next()) {
                (Some(seat), None) => seat,
                // Nobody's any more, or Cal.com cannot tell two seats of one person apart.
                _ => booking.clone(),
            }
        }
        Write::Reschedule {
            seat: Some(seat), ..
        }
        | Write::Cancel {
            seat: Some(seat), ..
        } => booking.with_seat(seat),
        _ => booking.clone(),
    }
}

/// As many rows as there can be, unless the query says how many.
fn query_string(query: &BookingQuery) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    if query.take.is_none() {
        pairs.append_pair("take", "250");
    }
    pairs.extend_pairs(query.to_pairs()).finish()
}

#[async_trait]
impl Calendar for Wire {
    async fn booking(&self, uid: &BookingUid) -> Result<Option<Booking>, CalendarError> {
        let call = Call::get("bookings.get", format!("bookings/{uid}"));
        match self.try_send(call).await? {
            Ok(booking) => {
                let exchange = &self.exchange;
                exchange
                    .ledger
                    .read(&self.tenant, uid, exchange.clock.now());
                Ok(Some(booking))
            }
            Err(error) if error.kind() == client::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn bookings(&self, query: &BookingQuery) -> Result<Vec<Booking>, CalendarError> {
        let path = format!("bookings?{}", query_string(query));
        self.send(Call::get("bookings.list", path)).await
    }

    async fn bookings_page(&self, query: &BookingQuery) -> Result<BookingPage, CalendarError> {
        let rows = self.bookings(query).await?;
        let is_full = u32::try_from(rows.len()).ok() == query.take;
        Ok(BookingPage::new(rows).with_more(is_full))
    }

    async fn write(&self, write: &Write) -> Result<Booking, CalendarError> {
        let exchange = &self.exchange;
        let writer = Writer {
            tenant: &self.tenant,
            event_types: &self.event_types,
            store: &*self.store,
            past: &exchange.past,
            fake: &exchange.fake,
        };
        exchange.ledger.check(write, &writer).await;
        exchange.tally.write(write);
        let (operation, uid, path, body) = match write {
            Write::Create(booking) => return self.create(booking).await,
            Write::Confirm { booking, .. } => {
                let path = format!("bookings/{booking}/confirm");
                ("bookings.confirm", booking, path, json!({}))
            }
            Write::Decline {
                booking, reason, ..
            } => {
                let path = format!("bookings/{booking}/decline");
                ("bookings.decline", booking, path, json!({"reason": reason}))
            }
            Write::UpdateLocation {
                booking, location, ..
            } => {
                let path = format!("bookings/{booking}/location");
                let body = json!({"location": location});
                ("bookings.update_location", booking, path, body)
            }
            Write::AddGuests {
                booking, guests, ..
            } => {
                let guests = guests.iter().map(|email| json!({"email": email}));
                let body = json!({"guests": guests.collect::<Value>()});
                let path = format!("bookings/{booking}/guests");
                ("bookings.add_guests", booking, path, body)
            }
            Write::Reschedule {
                booking,
                seat,
                start,
                reason,
            } => {
                let start = format_instant(*start);
                let body = match seat {
                    // A reason is refused for a single seat.
                    Some(seat) => json!({"start": start, "seatUid": seat}),
                    None => json!({"start": start, "reschedulingReason": reason}),
                };
                let path = format!("bookings/{booking}/reschedule");
                ("bookings.reschedule", booking, path, body)
            }
            Write::Cancel {
                booking,
                seat,
                reason,
            } => {
                let body = match seat {
                    // As its attendee: a host's key cannot do it.
                    Some(seat) => json!({"seatUid": seat}),
                    None => json!({"cancellationReason": reason}),
                };
                let path = format!("bookings/{booking}/cancel");
                ("bookings.cancel", booking, path, body)
            }
            Write::MarkAbsent {
                booking,
                attendee,
                absent,
            } => {
                let body = json!({"attendees": [{"email": attendee, "absent": absent}]});
                let path = format!("bookings/{booking}/mark-absent");
                ("bookings.mark_absent", booking, path, body)
            }
            Write::Reassign { booking, to } => {
                let path = format!("bookings/{booking}/reassign/{to}");
                ("bookings.reassign_to", booking, path, json!({}))
            }
        };
        let named = named(&exchange.fake, uid, write);
        let mut call = Call::write(operation, path, body, named.as_str());
        if let Write::UpdateLocation { .. } = write {
            call.method = Method::PATCH;
        }
        call.anonymous = matches!(write, Write::Cancel { seat: Some(_), .. });
        if let Write::Reassign { .. } = write {
            let reassigned = self.try_send::<Value>(call).await?;
            reassigned.map_err(|error| failure_of(write, error))?;
            // The answer names the new host only.
            let read = Call::get("bookings.get", format!("bookings/{uid}"));
            return self.send(read).await;
        }
        let written = self.try_send(call).await?;
        written.map_err(|error| failure_of(write, error))
    }

    async fn free_slots(
        &self,
        event_type: EventTypeId,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, CalendarError> {
        let (from, until) = (format_instant(from), format_instant(until));
        let path = format!("slots?eventTypeId={event_type}&start={from}&end={until}");
        let days: Value = self.send(Call::get("slots.list", path)).await?;
        let slots = days.as_object().into_iter().flat_map(|days| days.values());
        let starts = slots
            .flat_map(|day| day.as_array().into_iter().flatten())
            .filter_map(|slot| slot["start"].as_str()?.parse().ok());
        Ok(starts.collect())
    }

    async fn event_type(&self, id: EventTypeId) -> Result<Option<EventTypeFacts>, CalendarError> {
        let call = Call::get("event_types.get", format!("event-types/{id}"));
        let found: Value = match self.try_send(call).await? {
            Ok(found) => found,
            Err(error) if error.kind() == client::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let lengths = found["lengthInMinutesOptions"].as_array();
        let lengths = lengths.into_iter().flatten().filter_map(Value::as_u64);
        let owner = found["ownerId"].as_i64().map(UserId::new);
        Ok(Some(EventTypeFacts {
            recurs: found["recurrence"].is_object(),
            lengths: lengths
                .filter_map(|minutes| u32::try_from(minutes).ok())
                .collect(),
            hosts: owner.into_iter().collect(),
            ..EventTypeFacts::default()
        }))
    }

    async fn account(&self) -> Result<(), CalendarError> {
        let _: Value = self.send(Call::get("me", "me".to_owned())).await?;
        Ok(())
    }
}
