//! Links: the pairs of one appointment and the newest booking of its chain.

use std::fmt;

use super::appointment::{AppointmentId, ChainKey};
use super::error::StoreError;
use super::tenant::TenantId;
use crate::model::id::{number_id, text_id};
use crate::model::{BookingUid, RecurringBookingUid};

number_id! {
    /// Identifies one link of a tenant.
    LinkId
}
text_id! {
    /// An opaque key for the creation of one booking. It is stored before the call and travels in
    /// the booking's metadata, so that a booking whose creation was never answered can be
    /// recognized.
    SyncKey
}

/// Bytes that only the engine writes and reads. A store keeps them unchanged; `Debug` shows only
/// their length.
#[derive(Clone, PartialEq, Eq)]
pub struct Opaque {
    format: u16,
    bytes: Vec<u8>,
}

impl Opaque {
    /// Bytes in a given format.
    pub fn new(format: u16, bytes: Vec<u8>) -> Self {
        Self { format, bytes }
    }

    /// The format number. A store hands a link only to workers that know its format, so that during
    /// a rolling deployment links written by the newer version are left to it.
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

/// A pair of one appointment and the newest booking of its chain; either side may be missing for a
/// while.
///
/// The fields are the keys that a store indexes. What the engine remembers about the pair is opaque
/// to the store; read it with [`Standing::of`](crate::sync::Standing::of).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// The tenant that owns the link.
    pub tenant: TenantId,
    /// The link's id.
    pub id: LinkId,
    /// The appointment; `None` until a booking made at Cal.com has been read.
    pub appointment: Option<AppointmentId>,
    /// The newest known booking of the chain.
    pub booking: Option<BookingUid>,
    /// The chain key, once known.
    pub chain: Option<ChainKey>,
    /// The series that the booking belongs to.
    pub series: Option<RecurringBookingUid>,
    /// The sync key of the newest booking that the engine has created.
    pub sync_key: Option<SyncKey>,
    /// Whether the link merely names one side, so that the link of the pair may absorb it. The
    /// engine sets it with everything it stores.
    pub bare: bool,
    /// The engine's memory of the pair; `None` for a new link.
    pub state: Option<Opaque>,
}

impl Link {
    /// An empty link.
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

    /// All keys by which a store must find the link once it is stored: its own, and the other
    /// bookings of its chain.
    pub fn keys(&self, chain_uids: &[BookingUid]) -> Vec<LinkKey> {
        let uids = chain_uids.iter().chain(&self.booking).cloned();
        uids.map(LinkKey::Booking)
            .chain(self.appointment.clone().map(LinkKey::Appointment))
            .chain(self.chain.clone().map(LinkKey::Chain))
            .chain(self.sync_key.clone().map(LinkKey::SyncKey))
            .collect()
    }

    /// The link with the appointment that its stored version has gained, by absorption, since it
    /// was claimed.
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

/// A key by which to find a link among one tenant's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LinkKey {
    /// By its id.
    Id(LinkId),
    /// By its appointment.
    Appointment(AppointmentId),
    /// By any booking of its chain.
    Booking(BookingUid),
    /// By its chain key.
    Chain(ChainKey),
    /// By the sync key of its booking.
    SyncKey(SyncKey),
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
impl LinkKey {
    /// The key's kind and name, as they are stored; a link's id is none of its keys.
    pub(crate) fn parts(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Id(_) => None,
            Self::Appointment(id) => Some(("appointment", id.as_str())),
            Self::Booking(uid) => Some(("booking", uid.as_str())),
            Self::Chain(chain) => Some(("chain", chain.as_str())),
            Self::SyncKey(sync_key) => Some(("sync_key", sync_key.as_str())),
        }
    }
}
