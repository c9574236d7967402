//! Cal.com without a network: requests go to the fake in process, and a request that was sent goes
//! on whatever becomes of the engine that sent it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::ambient::Clock;
use crate::client;
use crate::model::{Booking, BookingQuery, BookingUid, EventTypeId, UserId, format_instant};
use crate::store::{Store, TenantId};
use crate::sync::{
    BookingPage, Calendar, CalendarError, CalendarErrorKind, EventTypeFacts, SYNC_KEY_METADATA,
    Write,
};
use crate::testing::FakeCalcom;
use async_trait::async_trait;
use bytes::Bytes;
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

impl Wire {
    async fn send<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        method: Method,
        path: String,
        body: Option<Value>,
        write: Option<&str>,
    ) -> Result<T, CalendarError> {
        let exchange = &self.exchange;
        exchange.chance.dawdle().await;
        if !exchange.online.load(Ordering::SeqCst) {
            return Err(unreachable());
        }
        let under_way = write.map(|what| exchange.ledger.begin(what));
        let is_cancellation = path.ends_with("/cancel");
        let version = match path.as_str() {
            path if path.starts_with("slots") => "2024-09-04",
            path if path.starts_with("event-types") => "2024-06-14",
            _ => "2024-08-13",
        };
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://fake/v2/{path}"))
            .header("cal-api-version", version)
            .header("content-type", "application/json")
            .header(
                "authorization",
                format!("Bearer {}", self.key.expose_secret()),
            )
            .body(body.map_or_else(Bytes::new, |body| body.to_string().into()))
            .expect("the request is well-formed");
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
        Ok(client::decode(operation, &response, exchange.clock.now())?)
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
        let (path, what) = ("bookings".to_owned(), Some(key.as_str()));
        let made = self.send("bookings.create", Method::POST, path, Some(body), what);
        // A series of one is answered as a list.
        let made = match made.await? {
            Value::Array(mut several) => several.swap_remove(0),
            one => one,
        };
        let made = self.answer_strangely(made);
        Ok(serde_json::from_value(made).expect("what was answered is a booking"))
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
        let path = format!("bookings/{uid}");
        let found = self
            .send("bookings.get", Method::GET, path, None, None)
            .await;
        match found {
            Ok(booking) => {
                let exchange = &self.exchange;
                exchange
                    .ledger
                    .read(&self.tenant, uid, exchange.clock.now());
                Ok(Some(booking))
            }
            // The engine's own adapter tells a missing booking from other refusals by the client's
            // kind of error.
            Err(error) if error.to_string().contains("no such resource") => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn bookings(&self, query: &BookingQuery) -> Result<Vec<Booking>, CalendarError> {
        let path = format!("bookings?{}", query_string(query));
        self.send("bookings.list", Method::GET, path, None, None)
            .await
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
        let mut method = Method::POST;
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
                method = Method::PATCH;
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
                start,
                reason,
                ..
            } => {
                let body = json!({"start": format_instant(*start), "reschedulingReason": reason});
                let path = format!("bookings/{booking}/reschedule");
                ("bookings.reschedule", booking, path, body)
            }
            Write::Cancel {
                booking, reason, ..
            } => {
                let body = json!({"cancellationReason": reason});
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
        let what = Some(uid.as_str());
        let written = self.send(operation, method, path, Some(body), what).await;
        match (write, written) {
            // Before the start it is refused, however often it is tried.
            (Write::MarkAbsent { .. }, Err(error))
                if error.kind() == CalendarErrorKind::Contradicted =>
            {
                let message = "an absence cannot be noted before the booking has begun";
                Err(CalendarError::new(CalendarErrorKind::Rejected, message))
            }
            (_, written) => written,
        }
    }

    async fn free_slots(
        &self,
        event_type: EventTypeId,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, CalendarError> {
        let (from, until) = (format_instant(from), format_instant(until));
        let path = format!("slots?eventTypeId={event_type}&start={from}&end={until}");
        let days: Value = self
            .send("slots.list", Method::GET, path, None, None)
            .await?;
        let slots = days.as_object().into_iter().flat_map(|days| days.values());
        let starts = slots
            .flat_map(|day| day.as_array().into_iter().flatten())
            .filter_map(|slot| slot["start"].as_str()?.parse().ok());
        Ok(starts.collect())
    }

    async fn event_type(&self, id: EventTypeId) -> Result<Option<EventTypeFacts>, CalendarError> {
        let path = format!("event-types/{id}");
        let found = self
            .send("event_types.get", Method::GET, path, None, None)
            .await;
        let found: Value = match found {
            Ok(found) => found,
            Err(error) if error.to_string().contains("no such resource") => return Ok(None),
            Err(error) => return Err(error),
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
        let _: Value = self
            .send("me", Method::GET, "me".to_owned(), None, None)
            .await?;
        Ok(())
    }
}
