//! How a fake is set up.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use super::FakeCalcom;
use super::account::FakeAccount;
use super::event_type::FakeEventType;
use super::kind::ServerKind;
use super::server::Server;
use super::shared::{Setup, Shared};
use super::state::State;
use crate::ambient::{Clock, SystemClock};

/// Configures a [`FakeCalcom`].
pub struct FakeCalcomBuilder {
    seed: u64,
    rate_limit: u32,
    setup: Setup,
    address: SocketAddr,
    host: FakeAccount,
    event_type: FakeEventType,
    slots_cache: Duration,
}

impl fmt::Debug for FakeCalcomBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeCalcomBuilder")
            .field("seed", &self.seed)
            .field("kind", &self.setup.kind)
            .field("rate_limit", &self.rate_limit)
            .finish_non_exhaustive()
    }
}

impl Default for FakeCalcomBuilder {
    fn default() -> Self {
        Self {
            seed: 0,
            rate_limit: 100_000,
            setup: Setup {
                clock: Arc::new(SystemClock),
                kind: ServerKind::default(),
                processing_time: Duration::from_millis(5),
                cancellation_lag: Duration::from_millis(5),
                has_control_api: false,
            },
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            host: "hanna".into(),
            event_type: FakeEventType::new("intro-30", 30).with_title("Intro 30"),
            slots_cache: Duration::from_secs(2),
        }
    }
}

impl FakeCalcomBuilder {
    /// The seed for every uid, key and delay. Default: 0. The same seed, clock and requests give
    /// the same answers.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The clock, instead of the system clock; see [`ManualClock`](crate::testing::ManualClock).
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.setup.clock = clock;
        self
    }

    /// The kind of server. Default: self-hosted.
    #[must_use]
    pub fn server(mut self, kind: ServerKind) -> Self {
        self.setup.kind = kind;
        self
    }

    /// The number of requests per minute and credential, by the fake's clock; above it the fake
    /// answers 429 for 60 s. Default: 100,000; Cal.com allows an API key 120.
    #[must_use]
    pub fn rate_limit(mut self, requests_per_minute: u32) -> Self {
        self.rate_limit = requests_per_minute;
        self
    }

    /// How long every change of a booking takes, by the runtime's clock. Default: 5 ms.
    ///
    /// Changes arriving within that time do not see each other: identical bookings get 409, and
    /// overlapping ones are both made, as on the real server. With zero, changes never race.
    #[must_use]
    pub fn processing_time(mut self, time: Duration) -> Self {
        self.setup.processing_time = time;
        self
    }

    /// The time, by the runtime's clock, between the last subscriber's answer to the webhook of a
    /// cancellation and the cancellation itself. Default: 5 ms; 39 to 78 ms were measured on a
    /// self-hosted server.
    ///
    /// Until then the booking reads as before; see [`FakeCalcom`]. The hosted service has no such
    /// lag.
    #[must_use]
    pub fn cancellation_lag(mut self, lag: Duration) -> Self {
        self.setup.cancellation_lag = lag;
        self
    }

    /// How long, by the fake's clock, an answer of `GET /v2/slots` is repeated for the same query,
    /// whatever is booked meanwhile. Default: 2 s, as measured on a self-hosted server.
    #[must_use]
    pub fn slots_cache(mut self, time: Duration) -> Self {
        self.slots_cache = time;
        self
    }

    /// The address to listen on. Default: a free port on loopback.
    #[must_use]
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Serves a control API under `/_fake` on the same port, for programs in any language. Requests
    /// and responses are JSON; it needs no key, and shows those of all users. Off by default.
    ///
    /// | operation | what it does |
    /// | --- | --- |
    /// | `GET /_fake` | base URL, time, users with their keys, event types, operations |
    /// | `GET /_fake/bookings` | all bookings, ended ones too |
    /// | `POST /_fake/bookings` | books as an attendee; takes the body of `POST /v2/bookings` |
    /// | `POST /_fake/bookings/{uid}/move` `{start}` | the host moves a booking |
    /// | `POST /_fake/bookings/{uid}/cancel` `{reason?}` | the host cancels a booking |
    /// | `POST /_fake/bookings/{uid}/confirm`, `…/decline` `{reason?}` | the host decides on a request |
    /// | `GET /_fake/requests` | all requests to the API, with their outcomes |
    /// | `GET /_fake/webhooks` | all webhook deliveries |
    /// | `POST /_fake/webhooks` `{url, secret?, triggers?}` | subscribes to the first user's bookings |
    /// | `POST /_fake/webhooks/release` `{ids}` | sends held deliveries |
    /// | `POST /_fake/faults` `{on, then, times?, skipFirst?}` | scripts a [`Fault`](super::Fault) |
    /// | `DELETE /_fake/faults` | clears all faults |
    /// | `GET /_fake/clock`, `POST /_fake/clock` `{advanceSeconds}` | reads or advances the clock |
    ///
    /// `on` is `any`, `anyWrite`, an [`Operation`](super::Operation) in camel case, or a trigger.
    /// `then` is a [`Then`](super::Then) in camel case, with delays in milliseconds:
    /// `"applyThenDrop"`, `{"delayBefore": 500}`, `{"status": 503}`, `{"tooManyRequests": 30}`,
    /// `{"answer": {"status": 200, "headers": {}, "body": "…"}}`. `times` is 1 by default; `null`
    /// means until faults are cleared.
    #[must_use]
    pub fn control_api(mut self) -> Self {
        self.setup.has_control_api = true;
        self
    }

    /// The first user. Default: "hanna".
    #[must_use]
    pub fn host(mut self, account: impl Into<FakeAccount>) -> Self {
        self.host = account.into();
        self
    }

    /// The first event type. Default: `intro-30`, of 30 minutes.
    #[must_use]
    pub fn event_type(mut self, event_type: FakeEventType) -> Self {
        self.event_type = event_type;
        self
    }

    /// Starts the fake, with one user and one event type.
    ///
    /// # Errors
    ///
    /// If no port can be listened on, or the HTTP client for webhooks cannot be set up.
    pub async fn start(self) -> io::Result<FakeCalcom> {
        let listener = TcpListener::bind(self.address).await?;
        let address = listener.local_addr()?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .build()
            .map_err(io::Error::other)?;
        let mut state = State::new(self.seed, self.rate_limit);
        state.base = format!("http://{address}");
        state.hosted = self.setup.kind.is_hosted();
        state.slots_cache.keep_for(self.slots_cache);
        state.add_user(self.host);
        let event_type = state.add_event_type(self.event_type);
        let shared = Arc::new(Shared::new(state, self.setup, http, address));
        let server = Server::start(listener, Arc::clone(&shared));
        Ok(FakeCalcom::new(shared, server, event_type))
    }
}
