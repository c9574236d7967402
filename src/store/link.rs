//! Links: the pairs of one appointment and the newest booking of its chain.

use std::fmt;

use super::appointment::{AppointmentId, ChainKey};
use super::error::StoreError;
use super::tenant::TenantId;
use crate::model::id::{number_id, text_id};
use crate::model::{BookingUid, RecurringBookingUid};

number_id! {
    /// Names one link of a tenant.
    LinkId
}
text_id! {
    /// An opaque name for the creation of one booking. It is stored before the call and travels in the booking's metadata, so
    /// that a booking whose creation was never answered can be recognized.
    SyncKey
}

/// Bytes that the engine writes and only the engine reads. A store keeps them as they are; `Debug` shows their number.
#[derive(Clone, PartialEq, Eq)]
pub struct Opaque {
    format: u16,
    bytes: Vec<u8>,
}

impl Opaque {
    /// Bytes of a format.
    pub fn new(format: u16, bytes: Vec<u8>) -> Self {
        Self { format, bytes }
    }

    /// The format. A store hands a link only to a worker that knows its format, so that during a rolling deployment what a
    /// newer version wrote is left to the newer version.
    pub fn format(&self) -> u16 {
        self.format
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Opaque(format {}, {} bytes)",
            self.format,
            self.bytes.len()
        )
    }
}

/// A pair of one appointment and the newest booking of its chain; either side may be missing for a while.
///
/// The fields are the keys that a store indexes. What the engine remembers about the pair is opaque to the store; read it with
/// [`Standing::of`](crate::sync::Standing::of).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// Whose link.
    pub tenant: TenantId,
    /// Its name.
    pub id: LinkId,
    /// The appointment; `None` until a booking that came from Cal.com has been read.
    pub appointment: Option<AppointmentId>,
    /// The newest booking that is known of the chain.
    pub booking: Option<BookingUid>,
    /// The key of the chain, once it is known.
    pub chain: Option<ChainKey>,
    /// The series that the booking belongs to.
    pub series: Option<RecurringBookingUid>,
    /// The name under which the newest booking that we asked for was created.
    pub sync_key: Option<SyncKey>,
    /// Whether the link is no more than a name for one side, so that it can be absorbed by the link of the pair. Set by the
    /// engine with everything that it stores.
    pub bare: bool,
    /// What the engine remembers; `None` for a link that was just made.
    pub state: Option<Opaque>,
}

impl Link {
    /// A link that holds nothing yet.
    pub fn new(tenant: TenantId, id: LinkId) -> Self {
        Self {
            tenant,
            id,
            appointment: None,
            booking: None,
            chain: None,
            series: None,
            sync_key: None,
            bare: true,
            state: None,
        }
    }

    /// All keys under which a store has to find the link once it is stored: its own, and the other bookings of its chain.
    pub fn keys(&self, chain_uids: &[BookingUid]) -> Vec<LinkKey> {
        let uids = chain_uids.iter().chain(&self.booking).cloned();
        uids.map(LinkKey::Booking)
            .chain(self.appointment.clone().map(LinkKey::Appointment))
            .chain(self.chain.clone().map(LinkKey::Chain))
            .chain(self.sync_key.clone().map(LinkKey::SyncKey))
            .collect()
    }

    /// The link with the appointment that the store has given it, by absorbing another link, since it was claimed.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::StoreErrorKind::Conflict) if it got another one than it has now.
    pub fn keeping_appointment_of(mut self, stored: &Self) -> Result<Self, StoreError> {
        match (&self.appointment, &stored.appointment) {
            (Some(own), Some(stored)) if own != stored => {
                return Err(StoreError::conflict(
                    "the link has another appointment already",
                ));
            }
            (None, Some(stored)) => self.appointment = Some(stored.clone()),
            _ => {}
        }
        Ok(self)
    }
}

/// By what a link is looked for, among one tenant's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LinkKey {
    /// By its own name.
    Id(LinkId),
    /// By its appointment.
    Appointment(AppointmentId),
    /// By any booking of its chain.
    Booking(BookingUid),
    /// By the key of its chain.
    Chain(ChainKey),
    /// By the key under which its booking was created.
    SyncKey(SyncKey),
}
