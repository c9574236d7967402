//! A Cal.com of one's own: see [`FakeCalcom`].

mod account;
mod amend;
mod announced;
mod answer;
mod booking_details;
mod booking_fields;
mod builder;
mod calendar;
mod calendars;
mod cancel;
mod control;
mod control_body;
mod core;
mod create;
mod delivery;
mod end;
mod event_type;
mod event_type_checks;
mod event_type_locations;
mod event_type_request;
mod event_type_writes;
mod event_types;
mod fault;
mod free;
mod history;
mod hours;
mod input;
mod iso;
mod kind;
mod limit;
mod list;
mod notice;
mod person;
mod place;
mod request;
mod reschedule;
mod reservations;
mod routes;
mod schedule;
mod schedules;
mod seat;
mod server;
mod shape;
mod shared;
mod slots;
mod slots_cache;
mod state;
mod subscriptions;
mod users;
mod validate;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
use url::Url;

pub use account::FakeAccount;
pub use announced::AnnouncedCancellation;
pub use answer::Refused;
pub use builder::FakeCalcomBuilder;
pub use calendar::FakeCalendar;
pub use event_type::FakeEventType;
pub use fault::{Fault, Then, When};
pub use history::{Delivery, DeliveryOutcome, RecordedRequest, RequestOutcome};
pub use kind::ServerKind;
pub use request::Operation;

use crate::model::{EventTypeId, Trigger, UserId, WebhookId};
use request::Request;
use server::Server;
use shared::{Shared, lock};
use subscriptions::Subscription;

/// A fake Cal.com server on a loopback port: it keeps bookings, answers as the real API was
/// recorded to, and sends signed webhooks.
///
/// This is a handle; clones share one fake, which stops when the last one is dropped or
/// [`shutdown`](Self::shutdown) is called.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::model::{NewAttendee, NewBooking};
/// use calcom::testing::FakeCalcom;
///
/// let fake = FakeCalcom::start().await?;
/// let ann = NewAttendee::new("Ann", "ann@example.com", "Europe/London".into());
/// let start = "2099-12-08T09:00:00Z".parse()?;
/// let booking = fake.book(NewBooking::new(fake.event_type_id(), start, ann)).await?;
/// assert_eq!(fake.live_bookings()[0].uid, booking.uid);
/// # fake.shutdown().await; Ok(()) }
/// ```
///
/// # What is served
///
/// `/v2/me`; bookings (create, get, list, reschedule, cancel, confirm, decline, mark absent,
/// calendar links, references); slots and their reservations; event types and their webhooks;
/// schedules; webhooks; calendars (list, busy times, selected, destination) and the default app for
/// video calls, under `/v2` and `/api/v2`. Bookings are in version 2024-08-13, slots and
/// reservations in 2024-09-04, event types in 2024-06-14, schedules in 2024-06-11 only, with what
/// the real server makes of a missing, unknown or wrong version. The attendees of a booking are on
/// [hosted](ServerKind::Hosted) servers only.
///
/// Users have keys, time zones and working hours of their own ([`FakeAccount`]): those of their
/// default schedule, which the API can change. [`FakeEventType`] lists what can be set on an event
/// type; other settings of the API are returned as sent and have no effect. Tests connect a
/// [`FakeCalendar`] themselves.
///
/// Any other operation of Cal.com is answered with 501 and the operation's name; unknown paths get
/// Cal.com's 404. E-mails, payments, payload templates and OAuth are not supported.
///
/// Its accuracy is measured: `tests/fake_sequences` replays requests recorded on a real server, and
/// `fixtures/differences.json` lists every answer that differs, with the reason. See also
/// `docs/fake.md`.
///
/// # Cancellations
///
/// A self-hosted server announces every cancellation before carrying it out, and so does the fake:
/// it sends the webhook to all subscribers, waits for their answers (up to 10 s each), ends the
/// booking after a further [lag](FakeCalcomBuilder::cancellation_lag), and only then answers the
/// call. Until then every answer shows the booking unchanged.
/// [`announce_cancellation`](Self::announce_cancellation) stops in between.
///
/// Everything else is carried out, announced and answered, in this order.
///
/// The hosted service behaves differently: see [`ServerKind::Hosted`].
///
/// # Paused time
///
/// Delays use `tokio::time`, so they elapse at once when it is paused. But a paused runtime also
/// advances time while it waits for the network, so that timeouts fire too early, including the 10
/// s for a receiver.
#[derive(Clone)]
pub struct FakeCalcom {
    shared: Arc<Shared>,
    /// `None` in the handle of the control API, which must not keep the fake alive.
    owner: Option<Arc<Owner>>,
    event_type: i64,
}

/// Stops everything when the last handle is dropped.
struct Owner {
    shared: Arc<Shared>,
    server: Mutex<Option<Server>>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        // Dropping the tasks aborts them.
        drop(self.shared.take_tasks());
    }
}

impl fmt::Debug for FakeCalcom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeCalcom")
            .field("address", &self.shared.address)
            .field("kind", &self.shared.kind)
            .finish_non_exhaustive()
    }
}

/// A user of a fake.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FakeUser {
    /// The user's id.
    pub id: UserId,
    /// The user's API key.
    pub api_key: SecretString,
}

impl FakeCalcom {
    fn new(shared: Arc<Shared>, server: Server, event_type: i64) -> Self {
        let owner = Owner {
            shared: Arc::clone(&shared),
            server: Mutex::new(Some(server)),
        };
        Self {
            shared,
            owner: Some(Arc::new(owner)),
            event_type,
        }
    }

    /// A handle that does not keep the fake alive.
    fn borrowed(shared: Arc<Shared>) -> Self {
        let event_type = lock(&shared.state).first_event_type();
        Self {
            shared,
            owner: None,
            event_type,
        }
    }

    /// Starts a fake with the defaults of [`FakeCalcomBuilder`].
    ///
    /// # Errors
    ///
    /// If no port can be listened on.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Configures a fake.
    pub fn builder() -> FakeCalcomBuilder {
        FakeCalcomBuilder::default()
    }

    /// The API's base URL, ending in `/v2/`. It stays the same while the fake is offline.
    ///
    /// # Panics
    ///
    /// Never: a socket address makes a URL.
    pub fn base_url(&self) -> Url {
        format!("http://{}/v2/", self.shared.address)
            .parse()
            .expect("a socket address makes a URL")
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// The API key of the first user; "hanna" by default.
    pub fn api_key(&self) -> SecretString {
        lock(&self.shared.state).users[0].api_key.clone().into()
    }

    /// The id of the first user, host of the first event type.
    pub fn host_id(&self) -> UserId {
        UserId::new(lock(&self.shared.state).users[0].id)
    }

    /// The first event type.
    pub fn event_type_id(&self) -> EventTypeId {
        EventTypeId::new(self.event_type)
    }

    /// Adds an event type, replacing one with the same id.
    pub fn add_event_type(&self, event_type: FakeEventType) -> EventTypeId {
        EventTypeId::new(lock(&self.shared.state).add_event_type(event_type))
    }

    /// Adds a user, by user name or with full settings.
    pub fn add_user(&self, account: impl Into<FakeAccount>) -> FakeUser {
        let user = lock(&self.shared.state).add_user(account.into());
        FakeUser {
            id: UserId::new(user.id),
            api_key: user.api_key.into(),
        }
    }

    /// Subscribes to webhooks about the first user's bookings; an empty secret means none.
    pub fn subscribe(
        &self,
        url: impl Into<String>,
        secret: &str,
        triggers: impl Into<Vec<Trigger>>,
    ) -> WebhookId {
        self.subscribe_as(self.host_id(), url, secret, triggers)
    }

    /// Subscribes to webhooks about a user's bookings, with triggers that the API need not accept.
    pub(in crate::testing) fn subscribe_as(
        &self,
        user: UserId,
        url: impl Into<String>,
        secret: &str,
        triggers: impl Into<Vec<Trigger>>,
    ) -> WebhookId {
        let now = self.shared.clock.now();
        let mut state = lock(&self.shared.state);
        let id = state.uuid();
        let secret = (!secret.is_empty()).then(|| secret.to_owned());
        let triggers = triggers.into().iter().map(ToString::to_string).collect();
        state.subscriptions.push(Subscription::new(
            id.clone(),
            user.get(),
            url.into(),
            secret,
            triggers,
            now,
        ));
        WebhookId::new(id)
    }

    /// Advances the fake's clock relative to the one it was given. Delays, which use the runtime's
    /// clock, are unaffected.
    pub fn advance_clock(&self, by: Duration) {
        self.shared.clock.advance(by);
    }

    /// Adds a fault to the script. The earliest applicable fault strikes.
    pub fn inject(&self, fault: Fault) {
        lock(&self.shared.script).add(fault);
    }

    /// Removes all pending faults.
    pub fn clear_faults(&self) {
        lock(&self.shared.script).clear();
    }

    /// Closes the listener and all connections: new connections are refused. Requests and webhooks
    /// in progress continue.
    pub async fn go_offline(&self) {
        let server = self.owner.as_ref();
        let server = server.and_then(|owner| lock(&owner.server).take());
        if let Some(server) = server {
            server.stop().await;
        }
    }

    /// Listens again, on the same port.
    ///
    /// # Errors
    ///
    /// If the port has been taken meanwhile, or the fake was shut down.
    pub async fn come_back(&self) -> io::Result<()> {
        if self.shared.was_shut_down() {
            return Err(io::Error::other("the fake was shut down"));
        }
        let Some(owner) = &self.owner else {
            return Err(io::Error::other(
                "only the owner of a fake can bring it back",
            ));
        };
        if lock(&owner.server).is_some() {
            return Ok(());
        }
        let listener = server::listen(self.shared.address).await?;
        let server = Server::start(listener, Arc::clone(&self.shared));
        *lock(&owner.server) = Some(server);
        Ok(())
    }

    /// Stops everything and waits for it: requests and webhooks in progress are aborted.
    pub async fn shutdown(&self) {
        let tasks = self.shared.take_tasks();
        self.go_offline().await;
        if let Some(mut tasks) = tasks {
            tasks.shutdown().await;
        }
    }

    /// All requests received, in order.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        lock(&self.shared.requests).clone()
    }

    /// All received requests that would change bookings, in order, whatever their outcome.
    pub fn writes(&self) -> Vec<RecordedRequest> {
        let requests = lock(&self.shared.requests);
        requests
            .iter()
            .filter(|request| request.operation.is_write())
            .cloned()
            .collect()
    }

    /// All webhook deliveries, in the order of their causes.
    pub fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.shared.deliveries).clone()
    }

    /// Sends webhooks held by [`Then::HoldWebhooks`], in this order, once each; waits for the
    /// receiver's answers.
    ///
    /// Ids of deliveries that are not held are skipped.
    pub async fn release(&self, deliveries: &[usize]) {
        for &id in deliveries {
            let held = {
                let mut all = lock(&self.shared.deliveries);
                all.get_mut(id).is_some_and(|delivery| {
                    let held = delivery.outcome == DeliveryOutcome::Held;
                    if held {
                        delivery.outcome = DeliveryOutcome::Open;
                    }
                    held
                })
            };
            if held {
                self.shared.attempt(id).await;
            }
        }
    }

    /// Handles a request without the network, including faults and history. `None` means that the
    /// connection would be closed without an answer.
    ///
    /// The URI's path begins with `/v2` or `/api/v2`.
    pub async fn exchange(&self, request: http::Request<Bytes>) -> Option<http::Response<Bytes>> {
        let (head, body) = request.into_parts();
        let target = head
            .uri
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        let request = Request::new(head.method, target, head.headers, body);
        let response = Arc::clone(&self.shared).receive(request).await?;
        let mut builder = http::Response::builder().status(response.answer.status);
        for (name, value) in &response.answer.headers {
            builder = builder.header(name, value);
        }
        let body = response.answer.body;
        let end = if response.truncated {
            body.len() / 2
        } else {
            body.len()
        };
        builder.body(body.slice(..end)).ok()
    }
}
