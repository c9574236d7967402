//! Seats of seated bookings.

use super::id::{BookingUid, SeatUid};

/// Separates a booking's uid from a seat's. It occurs in neither: both are letters, digits and hyphens.
const SEPARATOR: char = '#';

impl BookingUid {
    /// Names one seat of this booking, as `booking#seat`.
    ///
    /// The sync engine treats a seat as a booking of its own and names it in this way. Cal.com's
    /// endpoints do not know such a name.
    #[must_use]
    pub fn with_seat(&self, seat: &SeatUid) -> Self {
        Self::new(format!("{self}{SEPARATOR}{seat}"))
    }

    /// The booking and its seat, if this names [one seat](Self::with_seat).
    pub fn seat(&self) -> Option<(Self, SeatUid)> {
        let (booking, seat) = self.as_str().split_once(SEPARATOR)?;
        Some((Self::new(booking), SeatUid::new(seat)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_taken_apart_again() {
        let (booking, seat) = (BookingUid::new("vPq39"), SeatUid::new("28ca56b4-da2a"));
        let one = booking.with_seat(&seat);
        assert_eq!(one.as_str(), "vPq39#28ca56b4-da2a");
        assert_eq!(one.seat(), Some((booking.clone(), seat)));
        assert_eq!(booking.seat(), None);
    }
}
