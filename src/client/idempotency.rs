//! Booking exactly once: a key of the caller's makes a repeated creation the same booking.
//!
//! Cal.com knows no idempotency key (the header is ignored, observed), so the key travels in the booking's metadata. Where it is
//! not known whether an earlier attempt was carried out, the booking is looked up by it before anything is sent again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use moka::future::Cache;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use super::bookings::Bookings;
use super::error::{Error, ErrorKind, Retryability};
use crate::model::id::text_id;
use crate::model::{Booking, BookingQuery, BookingUid, EventTypeTarget, NewBooking};

/// The metadata key under which the idempotency key travels.
pub const IDEMPOTENCY_METADATA: &str = "calcomIdempotencyKey";

/// For how long a key gives back the same booking.
const REMEMBERED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// How many keys are remembered in memory.
const REMEMBERED: u64 = 100_000;

/// The longest value that metadata can hold.
const LONGEST_KEY: usize = 500;

/// How often, and after what waits, a booking of unknown outcome is looked up before the call gives up: a request that was given
/// up on this side may still be carried out on the other.
const LOOKUPS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(500),
    Duration::from_secs(1),
];

/// How far around the start a booking is looked up, in hours; the filters are inclusive.
const LOOKUP_HOURS: i64 = 24;

text_id! {
    /// The caller's name for one booking that is to be made once, such as an order's number; at most 500 characters. It is
    /// stored at Cal.com, with the booking.
    IdempotencyKey
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdempotencyRecord {
    /// The SHA-256 of the request that the key was first used for.
    pub fingerprint: [u8; 32],
    /// The booking; `None` while it is not known whether there is one.
    pub booking: Option<BookingUid>,
}

impl IdempotencyRecord {
    /// What a store has kept of a key.
    pub fn new(fingerprint: [u8; 32], booking: Option<BookingUid>) -> Self {
        Self {
            fingerprint,
            booking,
        }
    }
}

/// A failure of an [`IdempotencyStore`].
pub type StoreFailure = Box<dyn std::error::Error + Send + Sync>;

/// Where keys are remembered. With a store that several processes share, a key is good across them.
///
/// # Contract
///
/// - [`begin`](Self::begin) is atomic: of two calls at once with a new key, one returns `None`.
/// - A record is kept for at least 24 hours; after that it may be forgotten.
#[async_trait]
pub trait IdempotencyStore: fmt::Debug + Send + Sync + 'static {
    /// Remembers a key as begun if it is new and returns `None`, or returns what is known of it.
    async fn begin(
        &self,
        key: &IdempotencyKey,
        fingerprint: [u8; 32],
    ) -> Result<Option<IdempotencyRecord>, StoreFailure>;

    /// Remembers the booking of a key.
    async fn finish(
        &self,
        key: &IdempotencyKey,
        record: IdempotencyRecord,
    ) -> Result<(), StoreFailure>;

    /// Forgets a key whose booking was certainly not made.
    async fn forget(&self, key: &IdempotencyKey) -> Result<(), StoreFailure>;
}

/// Keys in memory, for 24 hours.
#[derive(Clone, Debug)]
pub struct InMemoryIdempotencyStore(Cache<IdempotencyKey, IdempotencyRecord>);

impl Default for InMemoryIdempotencyStore {
    fn default() -> Self {
        Self(remembering())
    }
}

fn remembering<V: Clone + Send + Sync + 'static>() -> Cache<IdempotencyKey, V> {
    Cache::builder()
        .max_capacity(REMEMBERED)
        .time_to_live(REMEMBERED_FOR)
        .build()
}

#[async_trait]
impl IdempotencyStore for InMemoryIdempotencyStore {
    async fn begin(
        &self,
        key: &IdempotencyKey,
        fingerprint: [u8; 32],
    ) -> Result<Option<IdempotencyRecord>, StoreFailure> {
        let begun = IdempotencyRecord {
            fingerprint,
            booking: None,
        };
        let entry = self.0.entry_by_ref(key).or_insert(begun).await;
        Ok((!entry.is_fresh()).then(|| entry.into_value()))
    }

    async fn finish(
        &self,
        key: &IdempotencyKey,
        record: IdempotencyRecord,
    ) -> Result<(), StoreFailure> {
        self.0.insert(key.clone(), record).await;
        Ok(())
    }

    async fn forget(&self, key: &IdempotencyKey) -> Result<(), StoreFailure> {
        self.0.invalidate(key).await;
        Ok(())
    }
}

/// The keys of a client: what is remembered, and who is at work on which.
#[derive(Debug)]
pub(super) struct IdempotencyKeys {
    store: Arc<dyn IdempotencyStore>,
    at_work: Cache<IdempotencyKey, Arc<Mutex<()>>>,
}

impl IdempotencyKeys {
    pub(super) fn new(store: Arc<dyn IdempotencyStore>) -> Self {
        Self {
            store,
            at_work: remembering(),
        }
    }
}

const OPERATION: &str = "bookings.create_once";

impl Bookings<'_> {
    /// Makes a booking once, however often it is asked for: the same key gives back the same booking for 24 hours, and across
    /// processes if the client was given a store that they share.
    ///
    /// If the answer to an attempt never came, the booking is looked up by its key. If it cannot be found, the error says that the
    /// outcome is unknown ([`IfIdempotent`](Retryability::IfIdempotent)): call again with the same key, which looks again before
    /// it sends anything. The attendee needs an e-mail address or a time that few others share, because that is what the lookup
    /// goes by. Of a recurring event type, the first booking is returned.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use calcom::model::{NewAttendee, NewBooking};
    /// # let fake = calcom::testing::FakeCalcom::start().await?;
    /// # let client = calcom::client::Client::builder(fake.api_key()).base_url(fake.base_url().as_str()).build()?;
    /// # let ann = NewAttendee::new("Ann", "ann@example.com", "Europe/London".into());
    /// # let booking = NewBooking::new(fake.event_type_id(), "2099-12-08T09:00:00Z".parse()?, ann);
    /// let order = "order-1001".into();
    /// let first = client.bookings().create_once(&order, &booking).await?;
    /// let again = client.bookings().create_once(&order, &booking).await?;
    /// assert_eq!(first.uid, again.uid);
    /// # fake.shutdown().await; Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create); [`Conflict`](ErrorKind::Conflict) also if Cal.com answers with a
    /// booking that was made under another key, instead of making one; [`Invalid`](ErrorKind::Invalid) if the key is empty or too long, or was used for another
    /// booking; [`Transport`](ErrorKind::Transport) if the store of keys fails, in which case nothing is sent.
    pub async fn create_once(
        &self,
        key: &IdempotencyKey,
        booking: &NewBooking,
    ) -> Result<Booking, Error> {
        if key.as_str().is_empty() || key.as_str().encode_utf16().count() > LONGEST_KEY {
            return Err(Error::invalid_argument(
                OPERATION,
                "key",
                "has to have 1 to 500 characters",
            ));
        }
        let keys = &self.client().transport.idempotency;
        let fingerprint = fingerprint(booking)?;
        let turn = keys
            .at_work
            .get_with_by_ref(key, async { Arc::default() })
            .await;
        let _turn = turn.lock().await;
        let known = keys.store.begin(key, fingerprint).await;
        let known = known.map_err(|cause| Error::key_store(OPERATION, cause))?;
        let attempted_before = known.is_some();
        if let Some(record) = known {
            if record.fingerprint != fingerprint {
                return Err(Error::invalid_argument(
                    OPERATION,
                    "key",
                    "was used for another booking",
                ));
            }
            let found = match record.booking {
                Some(uid) => Some(self.get(&uid).await?),
                None => self.look_up(key, booking).await?,
            };
            if let Some(found) = found {
                return self.remember(key, fingerprint, found).await;
            }
        }
        self.attempt(key, fingerprint, booking, attempted_before)
            .await
    }

    async fn attempt(
        &self,
        key: &IdempotencyKey,
        fingerprint: [u8; 32],
        booking: &NewBooking,
        attempted_before: bool,
    ) -> Result<Booking, Error> {
        let named = booking
            .clone()
            .with_metadata(IDEMPOTENCY_METADATA, key.as_str());
        let error = match self.create(&named).await {
            Ok(created) => match created.into_first() {
                Some(first) if is_made_under(key, &first) => {
                    return self.remember(key, fingerprint, first).await;
                }
                // To an attendee who already holds this very slot, Cal.com gives the existing booking
                // back (observed with an event type that needs confirmation).
                Some(_) => Error::other_booking(OPERATION),
                None => Error::unanswered(OPERATION, "the answer holds no booking"),
            },
            Err(error) => error,
        };
        // An answer that cannot be read is the answer to a booking that was made.
        let may_have_happened = error.retryability() == Retryability::IfIdempotent
            || error.kind() == ErrorKind::Decode
            || error.kind() == ErrorKind::VersionMismatch;
        // The booking in the way, or the one that filled the day, may be ours, made by an attempt that this process knows nothing of.
        let may_be_ours = matches!(
            error.kind(),
            ErrorKind::SlotUnavailable | ErrorKind::Conflict | ErrorKind::BookingLimitReached
        );
        let lookups = match (may_have_happened, may_be_ours) {
            (true, _) => LOOKUPS.len(),
            (false, true) => 1,
            (false, false) => 0,
        };
        for wait in LOOKUPS.into_iter().take(lookups) {
            tokio::time::sleep(wait).await;
            // If looking fails as well, what is known is the first failure.
            if let Ok(Some(found)) = self.look_up(key, booking).await {
                return self.remember(key, fingerprint, found).await;
            }
        }
        if !may_have_happened && !attempted_before {
            // Nothing was made: the key is free for another try, at another time perhaps.
            let forgotten = self.client().transport.idempotency.store.forget(key).await;
            forgotten.map_err(|cause| Error::key_store(OPERATION, cause))?;
        }
        Err(error)
    }

    async fn remember(
        &self,
        key: &IdempotencyKey,
        fingerprint: [u8; 32],
        booking: Booking,
    ) -> Result<Booking, Error> {
        let record = IdempotencyRecord {
            fingerprint,
            booking: Some(booking.uid.clone()),
        };
        // The booking is made: that its uid could not be remembered costs a lookup next time, and no more.
        if let Err(cause) = self
            .client()
            .transport
            .idempotency
            .store
            .finish(key, record)
            .await
        {
            tracing::warn!(error = %cause, "the idempotency key's booking could not be remembered");
        }
        Ok(booking)
    }

    /// The booking that was made under a key. The filters narrow the search and are not trusted.
    async fn look_up(
        &self,
        key: &IdempotencyKey,
        booking: &NewBooking,
    ) -> Result<Option<Booking>, Error> {
        let hours = chrono::TimeDelta::hours(LOOKUP_HOURS);
        let mut query = BookingQuery {
            attendee_email: booking.attendee.email.clone(),
            after_start: Some(booking.start - hours),
            before_end: Some(booking.start + hours),
            ..BookingQuery::default()
        };
        if let EventTypeTarget::Id { event_type_id, .. } = booking.event_type {
            query.event_type_ids = vec![event_type_id];
        }
        let mut listed = self.list_all(query);
        while let Some(found) = listed.next().await {
            let found = found?;
            // Metadata travels along a chain; the one that was made is the one that replaced none.
            if is_made_under(key, &found) && found.rescheduled_from_uid.is_none() {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// Whether a booking carries this key.
fn is_made_under(key: &IdempotencyKey, booking: &Booking) -> bool {
    booking.metadata_str(IDEMPOTENCY_METADATA) == Some(key.as_str())
}

/// What makes a request the same one.
fn fingerprint(booking: &NewBooking) -> Result<[u8; 32], Error> {
    let json =
        serde_json::to_vec(booking).map_err(|cause| Error::unserializable(OPERATION, cause))?;
    Ok(Sha256::digest(json).into())
}
