//! A typed client for Cal.com's API v2.
//!
//! [`Client`] has one handle per resource, such as [`Client::bookings`]; [`Client::request`]
//! reaches endpoints that have none. Each endpoint is called with the API version that its types
//! were made for. A call is retried only if that cannot carry it out twice.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use calcom::client::Client;
//! use calcom::model::{EventTypeId, NewAttendee, NewBooking};
//!
//! let client = Client::new(std::env::var("CALCOM_API_KEY")?)?;
//! let attendee = NewAttendee::new("Ann", "ann@example.com", "Europe/Berlin".into());
//! let start = "2026-12-08T09:00:00Z".parse()?;
//! let wanted = NewBooking::new(EventTypeId::new(42), start, attendee);
//! for booked in client.bookings().create(&wanted).await? {
//!     println!("{:?}", booked.status);
//! }
//! # Ok(())
//! # }
//! ```

mod answers;
mod any_request;
mod api_error;
mod api_keys;
mod availability;
mod booking_actions;
mod booking_details;
mod bookings;
mod breaker;
mod builder;
mod cache;
mod calendars;
mod conferencing;
mod error;
mod event_types;
mod gate;
mod held_slot;
mod http_service;
mod http_settings;
mod idempotency;
mod me;
mod oauth;
mod oauth_client;
mod oauth_tokens;
mod pages;
mod pkce;
mod portion;
mod private_links;
mod probe;
mod rate;
mod request;
mod reservations;
mod response;
mod retry;
mod routing_forms;
mod schedules;
mod send;
mod shared_budget;
mod sign_in;
mod slots;
mod stripe;
mod team_bookings;
mod team_event_types;
mod team_memberships;
mod team_schedules;
mod teams;
mod verified_resources;
mod version;
mod webhooks;

use std::fmt;
use std::sync::Arc;

use http::Method;
use secrecy::SecretString;
use serde::de::DeserializeOwned;

pub(crate) use answers::AnswerSummary;
pub use any_request::AnyRequest;
pub use api_error::{ApiError, FieldError};
pub use api_keys::ApiKeys;
pub use availability::{Alternative, AlternativesParams, Availability};
pub use bookings::Bookings;
pub use breaker::{BreakerPolicy, CircuitState, TripPolicy};
pub use builder::ClientBuilder;
pub use cache::{AvailabilityChanges, CachePolicy, Cached, Forgotten, Freshness};
pub use calendars::Calendars;
pub use conferencing::Conferencing;
pub use error::{Error, ErrorKind, Retryability};
pub use event_types::EventTypes;
pub use held_slot::HeldSlot;
pub(crate) use http_service::transport;
pub use http_service::{HttpError, HttpService};
pub use idempotency::{
    IDEMPOTENCY_METADATA, IdempotencyKey, IdempotencyRecord, IdempotencyStore,
    InMemoryIdempotencyStore, StoreFailure,
};
pub use me::Me;
pub use oauth::{Credentials, OAuthSession};
pub use oauth_client::{OAuthClient, OAuthClientBuilder};
pub use oauth_tokens::{InMemoryTokenStore, OAuthTokens, RefreshLease, RefreshTurn, TokenStore};
pub use pages::{ItemStream, Page};
pub use pkce::Pkce;
pub use private_links::PrivateLinks;
pub use probe::KnownVersions;
pub(crate) use rate::RateLeft;
pub use rate::RatePolicy;
pub use reservations::Reservations;
pub use response::{Pagination, decode};
pub use retry::RetryPolicy;
pub use routing_forms::RoutingForms;
pub use schedules::Schedules;
pub use shared_budget::{
    BudgetRequest, BudgetState, CredentialId, Grant, Heard, InMemorySharedBudget, SharedBudget,
};
pub use sign_in::SignIn;
pub use slots::Slots;
pub use stripe::Stripe;
pub use team_bookings::TeamBookings;
pub use team_event_types::TeamEventTypes;
pub use team_memberships::TeamMemberships;
pub use team_schedules::TeamSchedules;
pub use teams::Teams;
pub use verified_resources::VerifiedResources;
pub use version::{ApiVersion, ApiVersions};
pub use webhooks::Webhooks;

use crate::model::InvalidRequest;
use request::ApiRequest;
use send::Transport;
use webhooks::Scope;

/// A client for one Cal.com account. Cheap to clone; clones share connections, caches and limits.
#[derive(Clone)]
pub struct Client {
    transport: Arc<Transport>,
    versions: Arc<ApiVersions>,
}

impl Client {
    /// A client for the hosted service, with default settings.
    ///
    /// # Errors
    ///
    /// As [`ClientBuilder::build`].
    pub fn new(api_key: impl Into<SecretString>) -> Result<Self, Error> {
        Self::builder(api_key).build()
    }

    /// A client with the API key in the environment variable `CALCOM_API_KEY`, of the server at
    /// `CALCOM_BASE_URL` if that is set.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if there is no key, and as [`ClientBuilder::build`].
    pub fn from_env() -> Result<Self, Error> {
        const OPERATION: &str = "client.from_env";
        let key = std::env::var("CALCOM_API_KEY")
            .map_err(|_| Error::invalid_argument(OPERATION, "CALCOM_API_KEY", "is not set"))?;
        let builder = Self::builder(key);
        match std::env::var("CALCOM_BASE_URL") {
            Ok(url) => builder.base_url(&url).build(),
            Err(_) => builder.build(),
        }
    }

    /// Configures a client with an API key.
    pub fn builder(api_key: impl Into<SecretString>) -> ClientBuilder {
        ClientBuilder::new(Credentials::ApiKey(api_key.into()))
    }

    /// Configures a client with other credentials, such as an OAuth session.
    pub fn with_credentials(credentials: Credentials) -> ClientBuilder {
        ClientBuilder::new(credentials)
    }

    /// The base URL of the API.
    pub fn base_url(&self) -> &url::Url {
        &self.transport.base_url
    }

    /// The state of the circuit breaker.
    pub fn circuit(&self) -> CircuitState {
        self.transport.gate.circuit()
    }

    /// For how much longer no call is admitted.
    pub(crate) fn circuit_opens_in(&self) -> Option<std::time::Duration> {
        self.transport.gate.circuit_opens_in()
    }

    /// What is left of the rate budget, if there is one.
    pub(crate) fn rate_left(&self) -> Option<RateLeft> {
        self.transport.gate.rate_left()
    }

    /// How the latest requests went.
    pub(crate) fn answers(&self) -> AnswerSummary {
        self.transport.answers_summary()
    }

    /// How often the caches had the answer, and how often not.
    pub(crate) fn cache_hits_and_misses(&self) -> (u64, u64) {
        self.transport.memories.hits_and_misses()
    }

    /// Bookings: create, list, reschedule, cancel.
    pub fn bookings(&self) -> Bookings<'_> {
        Bookings::new(self)
    }

    /// Free slots.
    pub fn slots(&self) -> Slots<'_> {
        Slots::new(self)
    }

    /// Reservations, which hide a slot from others for a few minutes.
    pub fn reservations(&self) -> Reservations<'_> {
        Reservations::new(self)
    }

    /// Free slots from a cache, and ranked alternatives to a slot that is taken.
    pub fn availability(&self) -> Availability<'_> {
        Availability::new(self)
    }

    /// Event types.
    pub fn event_types(&self) -> EventTypes<'_> {
        EventTypes::new(self)
    }

    /// Schedules.
    pub fn schedules(&self) -> Schedules<'_> {
        Schedules::new(self)
    }

    /// Webhook subscriptions of the user.
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks::new(self, Scope::User)
    }

    /// Teams.
    pub fn teams(&self) -> Teams<'_> {
        Teams::new(self)
    }

    /// The connected calendars.
    pub fn calendars(&self) -> Calendars<'_> {
        Calendars::new(self)
    }

    /// The conferencing apps.
    pub fn conferencing(&self) -> Conferencing<'_> {
        Conferencing::new(self)
    }

    /// The connection to Stripe.
    pub fn stripe(&self) -> Stripe<'_> {
        Stripe::new(self)
    }

    /// The verified e-mail addresses and phone numbers of the user.
    pub fn verified_resources(&self) -> VerifiedResources<'_> {
        VerifiedResources::new(self, None)
    }

    /// The routing forms.
    pub fn routing_forms(&self) -> RoutingForms<'_> {
        RoutingForms::new(self)
    }

    /// The API key of this client.
    pub fn api_keys(&self) -> ApiKeys<'_> {
        ApiKeys::new(self)
    }

    /// The authenticated user.
    pub fn me(&self) -> Me<'_> {
        Me::new(self)
    }

    /// A request to any endpoint, for those without a method of their own. The path is given
    /// segment by segment, without `/v2`.
    pub fn request(
        &self,
        method: Method,
        path: impl IntoIterator<Item = impl Into<String>>,
    ) -> AnyRequest<'_> {
        AnyRequest::new(self, method, path)
    }

    fn get(&self, operation: &'static str, path: &[impl AsRef<str>]) -> ApiRequest {
        ApiRequest::new(operation, Method::GET, path)
    }

    fn post(&self, operation: &'static str, path: &[impl AsRef<str>]) -> ApiRequest {
        ApiRequest::new(operation, Method::POST, path)
    }

    fn patch(&self, operation: &'static str, path: &[impl AsRef<str>]) -> ApiRequest {
        ApiRequest::new(operation, Method::PATCH, path)
    }

    fn put(&self, operation: &'static str, path: &[impl AsRef<str>]) -> ApiRequest {
        ApiRequest::new(operation, Method::PUT, path)
    }

    fn delete(&self, operation: &'static str, path: &[impl AsRef<str>]) -> ApiRequest {
        ApiRequest::new(operation, Method::DELETE, path)
    }

    /// Makes a call and reads the `data` of its answer.
    async fn data<T: DeserializeOwned>(&self, request: ApiRequest) -> Result<T, Error> {
        let clock = &self.transport.clock;
        let read = |operation, answer: &_| response::decode(operation, answer, clock.now());
        self.transport.call(request, read).await
    }

    /// Makes a call and reads the whole body of its answer.
    async fn body<T: DeserializeOwned>(&self, request: ApiRequest) -> Result<T, Error> {
        let clock = &self.transport.clock;
        let read = |operation, answer: &_| response::decode_body(operation, answer, clock.now());
        self.transport.call(request, read).await
    }

    /// Makes a call and reads the page that it answers.
    async fn page<T: DeserializeOwned>(&self, request: ApiRequest) -> Result<Page<T>, Error> {
        let page: response::RawPage<T> = self.body(request).await?;
        Ok(page.into())
    }

    /// Makes a call of which only the success matters.
    async fn acknowledged(&self, request: ApiRequest) -> Result<(), Error> {
        let clock = &self.transport.clock;
        let read = |operation, answer: &_| {
            response::decode_acknowledgement(operation, answer, clock.now())
        };
        match self.transport.call(request, read).await {
            Err(error) if error.is_deleted_before() => Ok(()),
            result => result,
        }
    }

    /// Goes no further if what is to be sent breaks a rule that every server enforces.
    fn check(
        &self,
        operation: &'static str,
        check: impl FnOnce() -> Result<(), InvalidRequest>,
    ) -> Result<(), Error> {
        if !self.transport.local_checks {
            return Ok(());
        }
        check().map_err(|invalid| Error::refused(operation, &invalid))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.transport.base_url.as_str())
            .field("retry", &self.transport.retry)
            .finish_non_exhaustive()
    }
}
