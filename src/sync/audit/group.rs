//! The rows of both sides that have one start.

use std::collections::{HashMap, HashSet};

use crate::model::{Booking, BookingUid};
use crate::store::{Appointment, AppointmentId};

/// How many rows of one start are held of each side. Of more than that, both rows of a pair may no
/// longer be at hand, and are read by their ids.
pub(super) const MAX_GROUP: usize = 500;

/// Rows that start at the same time.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) bookings: Vec<Booking>,
    pub(super) appointments: Vec<Appointment>,
    by_uid: HashMap<BookingUid, usize>,
    by_id: HashMap<AppointmentId, usize>,
    /// The appointments that were compared with their bookings.
    compared: HashSet<AppointmentId>,
}

impl Group {
    pub(super) fn add_booking(&mut self, booking: Booking) {
        self.by_uid.insert(booking.uid.clone(), self.bookings.len());
        self.bookings.push(booking);
    }

    pub(super) fn add_appointment(&mut self, appointment: Appointment) {
        self.by_id
            .insert(appointment.id.clone(), self.appointments.len());
        self.appointments.push(appointment);
    }

    pub(super) fn booking(&self, uid: &BookingUid) -> Option<&Booking> {
        self.bookings.get(*self.by_uid.get(uid)?)
    }

    pub(super) fn appointment(&self, id: &AppointmentId) -> Option<&Appointment> {
        self.appointments.get(*self.by_id.get(id)?)
    }

    pub(super) fn note_compared(&mut self, id: &AppointmentId) {
        if self.by_id.contains_key(id) {
            self.compared.insert(id.clone());
        }
    }

    pub(super) fn is_compared(&self, id: &AppointmentId) -> bool {
        self.compared.contains(id)
    }
}
