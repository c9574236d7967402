//! Where a notice came from.

use crate::model::open_enum;

open_enum! {
    /// Who told of a change or a delivery. It decides nothing; the log and the health report tell
    /// them apart by it.
    NoticeSource {
        /// The host, which recorded its change.
        Host = "host",
        /// A webhook of Cal.com's.
        Webhook = "webhook",
        /// A sweep, which found a difference that nobody had told of.
        Sweep = "sweep",
        /// The engine, which passes on what was heard of a booking with seats to its seats.
        Seats = "seats",
    }
}
