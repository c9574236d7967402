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
        /// A sweep or an audit, which found a difference that nobody had told of; or a rebuild.
        Sweep = "sweep",
        /// The engine, which passes on what was heard of a booking with seats to its seats.
        Seats = "seats",
    }
}
