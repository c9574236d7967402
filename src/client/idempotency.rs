//! Creating a booking exactly once, by means of an idempotency key.
//!
//! Cal.com does not support idempotency keys (it ignores the header, as observed), so the key is
//! stored in the booking's metadata. When it is unknown whether an earlier attempt was carried out,
//! the booking is looked up by its key before anything is sent again.

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

/// The metadata key under which the idempotency key is stored.
pub const IDEMPOTENCY_METADATA: &str = "calcomIdempotencyKey";

/// How long a key returns the same booking.
const REMEMBERED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// How many keys are kept in memory.
const REMEMBERED: u64 = 100_000;

/// The maximum length of a metadata value.
const LONGEST_KEY: usize = 500;

/// The delays before each lookup of a booking whose outcome is unknown.
///
/// There are several, because a request abandoned on this side may still be carried out by the
/// server.
const LOOKUPS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(500),
    Duration::from_secs(1),
];

/// How far from the start a booking is looked up, in hours. The filters are inclusive.
const LOOKUP_HOURS: i64 = 24;

text_id! {
    /// The caller's identifier for a booking that is to be created once, such as an order number.
    ///
    /// At most 500 characters long. It is stored at Cal.com with the booking.
    IdempotencyKey
}

/// What is stored for an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdempotencyRecord {
    /// The SHA-256 of the request that the key was first used with.
    pub fingerprint: [u8; 32],
    /// The booking; `None` while it is unknown whether there is one.
    pub booking: Option<BookingUid>,
}

impl IdempotencyRecord {
    /// A record of a request with this fingerprint, whose booking is unknown.
    pub fn new(fingerprint: [u8; 32]) -> Self {
        Self {
            fingerprint,
            booking: None,
        }
    }

    /// Sets the booking.
    #[must_use]
    pub fn with_booking(mut self, uid: BookingUid) -> Self {
        self.booking = Some(uid);
        self
    }
}

/// The error of an [`IdempotencyStore`].
pub type StoreFailure = Box<dyn std::error::Error + Send + Sync>;

/// Storage for idempotency keys. A store shared by several processes makes keys valid across them.
///
/// # Contract
///
/// - [`begin`](Self::begin) is atomic: of two concurrent calls with a new key, one returns `None`.
/// - A record is kept for at least 24 hours; after that it may be discarded.
#[async_trait]
pub trait IdempotencyStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a new key as begun and returns `None`, or returns the existing record of a known key.
    async fn begin(
        &self,
        key: &IdempotencyKey,
        fingerprint: [u8; 32],
    ) -> Result<Option<IdempotencyRecord>, StoreFailure>;

    /// Stores the booking of a key.
    async fn finish(
        &self,
        key: &IdempotencyKey,
        record: IdempotencyRecord,
    ) -> Result<(), StoreFailure>;

    /// Deletes a key whose booking certainly was not created.
    async fn forget(&self, key: &IdempotencyKey) -> Result<(), StoreFailure>;
}

/// Stores keys in memory, for 24 hours.
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
        // Unlike `or_insert`, this lets one of several concurrent callers insert.
        let entry = self.0.entry_by_ref(key).or_insert_with(async { begun });
        let entry = entry.await;
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

/// The keys of a client: their store, and a lock per key for the calls in progress.
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
    /// Creates a booking exactly once per key.
    ///
    /// The same key returns the same booking for 24 hours, also across processes if they share a
    /// store (see [`ClientBuilder::idempotency_store`](super::ClientBuilder::idempotency_store)).
    ///
    /// If the response to an attempt is lost, the booking is looked up by its key. If it cannot be
    /// found, the error reports that the outcome is unknown
    /// ([`IfIdempotent`](Retryability::IfIdempotent)): call again with the same key, which repeats
    /// the lookup before anything is sent. The lookup filters by the attendee's e-mail address and
    /// the time, so the attendee needs an e-mail address, or the time must be one that few other
    /// bookings share. For a recurring event type, the first booking is returned.
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
    /// Same as [`create`](Self::create). Also [`Conflict`](ErrorKind::Conflict) if Cal.com responds
    /// with an existing booking that was created with another key, [`Invalid`](ErrorKind::Invalid)
    /// if the key is empty, too long, or was used for another booking, and
    /// [`Transport`](ErrorKind::Transport), without sending anything, if the key store fails.
    pub async fn create_once(
        &self,
        key: &IdempotencyKey,
        booking: &NewBooking,
    ) -> Result<Booking, Error> {
        if key.as_str().is_empty() || key.as_str().encode_utf16().count() > LONGEST_KEY {
            return Err(Error::invalid_argument(
                OPERATION,
                "key",
                "must be 1 to 500 characters long",
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
                    "has already been used for another booking",
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
                // If the attendee already holds this very slot, Cal.com returns the existing
                // booking (observed with an event type that requires confirmation).
                Some(_) => Error::other_booking(OPERATION),
                None => Error::unanswered(OPERATION, "the response contains no booking"),
            },
            Err(error) => error,
        };
        // A response that cannot be deserialized still means that the booking was created.
        let may_have_happened = error.retryability() == Retryability::IfIdempotent
            || error.kind() == ErrorKind::Decode
            || error.kind() == ErrorKind::VersionMismatch;
        // The conflicting booking, or the one that reached the limit, may be ours, created by an
        // attempt that this process does not know of.
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
            // If the lookup fails as well, report the first failure.
            if let Ok(Some(found)) = self.look_up(key, booking).await {
                return self.remember(key, fingerprint, found).await;
            }
        }
        if !may_have_happened && !attempted_before {
            // Nothing was created, so the key can be reused, perhaps for another time.
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
        // The booking exists, so failing to store its uid only costs a lookup next time.
        if let Err(cause) = self
            .client()
            .transport
            .idempotency
            .store
            .finish(key, record)
            .await
        {
            tracing::warn!(error = %cause, "the booking of an idempotency key could not be stored");
        }
        Ok(booking)
    }

    /// Looks up the booking created with a key.
    ///
    /// The filters only narrow the search; the key decides.
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
            // Rescheduling copies the metadata; the original booking is the one that replaced none.
            if is_made_under(key, &found) && found.rescheduled_from_uid.is_none() {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// Whether a booking carries this key.
fn is_made_under(key: &IdempotencyKey, booking: &Booking) -> bool {
    let mut keys = booking.metadata_values(IDEMPOTENCY_METADATA);
    keys.any(|known| known == key.as_str())
}

/// Hashes a booking request, to recognize a repeated one.
fn fingerprint(booking: &NewBooking) -> Result<[u8; 32], Error> {
    let json =
        serde_json::to_vec(booking).map_err(|cause| Error::unserializable(OPERATION, cause))?;
    Ok(Sha256::digest(json).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A seat keeps its metadata, and the answer shows those of all seats.
    #[test]
    fn a_seat_is_known_by_its_key_among_others() {
        let seat = |uid: &str, key: &str| {
            json!({
                "name": uid, "email": format!("{uid}@example.com"), "timeZone": "UTC",
                "absent": false, "seatUid": uid, "metadata": {IDEMPOTENCY_METADATA: key},
            })
        };
        let booking: Booking = serde_json::from_value(json!({
            "id": 1, "uid": "course", "status": "accepted", "start": "2027-01-14T09:00:00Z",
            "end": "2027-01-14T10:00:00Z", "eventTypeId": 6, "hosts": [],
            "attendees": [seat("s1", "first"), seat("s2", "second")],
        }))
        .unwrap();
        let is_made_under = |key: &str| {
            let key = IdempotencyKey::new(key);
            is_made_under(&key, &booking)
        };
        assert!(is_made_under("first") && is_made_under("second"));
        assert!(!is_made_under("third"));
    }
}
