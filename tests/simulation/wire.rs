//! Cal.com without a network: requests go to the fake in process, and a request that was sent goes on whatever becomes of the
//! engine that sent it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use calcom::ambient::Clock;
use calcom::client;
use calcom::model::{Booking, BookingQuery, BookingUid, EventTypeId, UserId, format_instant};
use calcom::sync::{
    Calendar, CalendarError, CalendarErrorKind, EventTypeFacts, SYNC_KEY_METADATA, Write,
};
use calcom::testing::{FakeCalcom, ManualClock};
use chrono::{DateTime, Utc};
use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::post::Post;

/// What is the same for every wire of a world.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) fake: FakeCalcom,
    pub(crate) post: Post,
    pub(crate) clock: ManualClock,
    pub(crate) chance: Chance,
    pub(crate) online: Arc<AtomicBool>,
    /// What is being written at the moment, by its sync key or uid.
    pub(crate) under_way: Arc<Mutex<BTreeSet<String>>>,
    /// What was written twice at once.
    pub(crate) collisions: Arc<Mutex<Vec<String>>>,
}

/// One tenant's way to Cal.com.
pub(crate) struct Wire {
    pub(crate) exchange: Exchange,
    pub(crate) key: SecretString,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

/// A write that is under way until this is dropped.
struct UnderWay<'a>(&'a Exchange, String);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.lock().unwrap().remove(&self.1);
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
    ) -> Result<T, CalendarError> {
        let exchange = &self.exchange;
        exchange.chance.dawdle().await;
        if !exchange.online.load(Ordering::SeqCst) {
            return Err(unreachable());
        }
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
            .unwrap();
        let (fake, post) = (exchange.fake.clone(), exchange.post.clone());
        let sent = tokio::spawn(async move {
            let answer = fake.exchange(request).await;
            post.deliver_some().await;
            answer
        });
        let answer = sent.await.unwrap();
        exchange.chance.dawdle().await;
        let response = answer.ok_or_else(unreachable)?;
        Ok(client::decode(operation, &response, exchange.clock.now())?)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        what: &str,
        operation: &'static str,
        path: String,
        body: Value,
    ) -> Result<T, CalendarError> {
        let exchange = &self.exchange;
        if !exchange.under_way.lock().unwrap().insert(what.to_owned()) {
            let mut collisions = exchange.collisions.lock().unwrap();
            collisions.push(format!("{operation} of {what}"));
        }
        let _under_way = UnderWay(exchange, what.to_owned());
        self.send(operation, Method::POST, path, Some(body)).await
    }
}

#[async_trait]
impl Calendar for Wire {
    async fn booking(&self, uid: &BookingUid) -> Result<Option<Booking>, CalendarError> {
        let path = format!("bookings/{uid}");
        let found = self.send("bookings.get", Method::GET, path, None).await;
        match found {
            Ok(booking) => Ok(Some(booking)),
            // The engine's own adapter tells a missing booking from other refusals by the client's kind of error.
            Err(error) if error.to_string().contains("no such resource") => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn bookings(&self, query: &BookingQuery) -> Result<Vec<Booking>, CalendarError> {
        let mut url: url::Url = "http://fake/bookings?take=250".parse().unwrap();
        url.query_pairs_mut().extend_pairs(query.to_pairs());
        let path = format!("bookings?{}", url.query().unwrap_or_default());
        self.send("bookings.list", Method::GET, path, None).await
    }

    async fn write(&self, write: &Write) -> Result<Booking, CalendarError> {
        match write {
            Write::Create(booking) => {
                let body = serde_json::to_value(booking).unwrap();
                let key = body["metadata"][SYNC_KEY_METADATA].as_str().unwrap_or("");
                let key = key.to_owned();
                let path = "bookings".to_owned();
                let made: Value = self.post(&key, "bookings.create", path, body).await?;
                // A series of one is answered as a list.
                let made = match made {
                    Value::Array(mut several) => several.swap_remove(0),
                    one => one,
                };
                Ok(serde_json::from_value(made).unwrap())
            }
            Write::Reschedule {
                booking,
                start,
                reason,
            } => {
                let path = format!("bookings/{booking}/reschedule");
                let body = json!({"start": format_instant(*start), "reschedulingReason": reason});
                self.post(booking.as_str(), "bookings.reschedule", path, body)
                    .await
            }
            Write::Cancel { booking, reason } => {
                let path = format!("bookings/{booking}/cancel");
                let body = json!({"cancellationReason": reason});
                self.post(booking.as_str(), "bookings.cancel", path, body)
                    .await
            }
            other => panic!("the simulation knows no {other:?}"),
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
        let days: Value = self.send("slots.list", Method::GET, path, None).await?;
        let slots = days.as_object().into_iter().flat_map(|days| days.values());
        let starts = slots
            .flat_map(|day| day.as_array().into_iter().flatten())
            .filter_map(|slot| slot["start"].as_str()?.parse().ok());
        Ok(starts.collect())
    }

    async fn event_type(&self, id: EventTypeId) -> Result<Option<EventTypeFacts>, CalendarError> {
        let path = format!("event-types/{id}");
        let found = self.send("event_types.get", Method::GET, path, None).await;
        let found: Value = match found {
            Ok(found) => found,
            Err(error) if error.to_string().contains("no such resource") => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut facts = EventTypeFacts::default();
        facts.recurs = found["recurrence"].is_object();
        let lengths = found["lengthInMinutesOptions"].as_array();
        let lengths = lengths.into_iter().flatten().filter_map(Value::as_u64);
        facts.lengths = lengths
            .map(|minutes| u32::try_from(minutes).unwrap())
            .collect();
        facts.hosts = found["ownerId"]
            .as_i64()
            .map(UserId::new)
            .into_iter()
            .collect();
        Ok(Some(facts))
    }

    async fn account(&self) -> Result<(), CalendarError> {
        let _: Value = self.send("me", Method::GET, "me".to_owned(), None).await?;
        Ok(())
    }
}
