//! Cal.com's resources as plain data. One resource a file; no I/O.
//!
//! Unknown fields are ignored, unknown enumeration words survive a round trip as `Other`, instants are UTC whatever their
//! spelling, and what servers were seen to leave out is optional. `Debug` never shows a person or a secret. What is sent has a
//! `check`, which the client calls first.

mod attendee;
mod booking;
mod booking_query;
mod booking_request;
mod check;
mod event_type;
pub(crate) mod id;
mod open_enum;
mod schedule;
mod slot;
mod time;
mod user;
mod webhook_subscription;
pub(crate) mod word;

pub use attendee::{Attendee, Host};
pub use booking::{Booking, BookingOrSeries, BookingStatus, EventTypeRef, Metadata};
pub use booking_query::{BookingFilter, BookingQuery, SortOrder};
pub use booking_request::{
    CancelParams, EventTypeTarget, NewAttendee, NewBooking, RescheduleParams,
};
pub use check::{InvalidRequest, Violation};
pub use event_type::{EventType, EventTypeUser, Frequency, Recurrence, Seats};
pub use id::{
    BookingId, BookingUid, EventTypeId, RecurringBookingUid, ScheduleId, SeatUid, TeamId, UserId,
    WebhookId,
};
pub use schedule::{Availability, Schedule, ScheduleOverride, Weekday};
pub use slot::{Slot, SlotFormat, SlotQuery, SlotTarget, SlotsByDay};
pub use time::{format_instant, parse_instant};
pub use user::User;
pub use webhook_subscription::{NewWebhook, Trigger, WebhookSubscription};

pub(crate) use open_enum::open_enum;
pub(crate) use time::Instant as InstantFormat;
