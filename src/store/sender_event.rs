//! An event of a sender other than Cal.com, as it comes, as it is kept, and as its handler gets it.

use std::fmt;

use chrono::{DateTime, Utc};

use super::review::ReviewId;
use super::tenant::TenantId;
use crate::model::id::number_id;
use crate::model::open_enum;
use crate::webhook::Sender;

number_id! {
    /// Identifies one stored event of a sender. Larger ones were taken in later.
    SenderEventId
}

open_enum! {
    /// How an event ended.
    SenderEventFate {
        /// A handler has taken it.
        Handled = "handled",
        /// The handler failed, and a person has dismissed the review item.
        Dismissed = "dismissed",
    }
}

/// A verified event to be stored. `Debug` shows neither its body nor its order key.
///
/// The sender's id, the event's name and the order key have at most 255 bytes, and no text contains
/// a NUL.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewSenderEvent {
    /// The tenant that received it.
    pub tenant: TenantId,
    /// Who sent it.
    pub sender: Sender,
    /// What names it, as its sender does: duplicates are recognized by it.
    pub event_id: String,
    /// The event's name, such as `call_ended`.
    pub event: String,
    /// What it is about: events with the same key are handled one after the other, as they came.
    /// `None` if it stands alone.
    pub order_key: Option<String>,
    /// When it was signed; `None` where the sender does not say.
    pub signed_at: Option<DateTime<Utc>>,
    /// The body. Personal data: adapters must not log it.
    pub body: String,
}

impl NewSenderEvent {
    /// An event that stands alone, with an empty body.
    pub fn new(
        tenant: TenantId,
        sender: Sender,
        event_id: impl Into<String>,
        event: impl Into<String>,
    ) -> Self {
        Self {
            tenant,
            sender,
            event_id: event_id.into(),
            event: event.into(),
            order_key: None,
            signed_at: None,
            body: String::new(),
        }
    }

    /// Sets what it is about.
    #[must_use]
    pub fn with_order_key(mut self, key: impl Into<Option<String>>) -> Self {
        self.order_key = key.into();
        self
    }

    /// Sets when it was signed.
    #[must_use]
    pub fn with_signed_at(mut self, at: impl Into<Option<DateTime<Utc>>>) -> Self {
        self.signed_at = at.into();
        self
    }

    /// Sets its body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }
}

impl fmt::Debug for NewSenderEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSenderEvent")
            .field("tenant", &self.tenant)
            .field("sender", &self.sender)
            .field("event_id", &self.event_id)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

/// An event as its handler gets it. `Debug` shows neither its body nor its order key.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SenderEvent {
    /// The row id.
    pub id: SenderEventId,
    /// The tenant that received it.
    pub tenant: TenantId,
    /// Who sent it.
    pub sender: Sender,
    /// What names it, as its sender does.
    pub event_id: String,
    /// The event's name.
    pub event: String,
    /// What it is about.
    pub order_key: Option<String>,
    /// When it was signed; `None` where the sender does not say.
    pub signed_at: Option<DateTime<Utc>>,
    /// When it was received, by the store's clock.
    pub received_at: DateTime<Utc>,
    /// The body, as text; bytes that were no UTF-8 are replaced.
    pub body: String,
}

impl SenderEvent {
    /// An event as it was stored; called by stores.
    pub fn new(id: SenderEventId, new: NewSenderEvent, received_at: DateTime<Utc>) -> Self {
        Self {
            id,
            tenant: new.tenant,
            sender: new.sender,
            event_id: new.event_id,
            event: new.event,
            order_key: new.order_key,
            signed_at: new.signed_at,
            received_at,
            body: new.body,
        }
    }
}

impl fmt::Debug for SenderEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SenderEvent")
            .field("id", &self.id)
            .field("tenant", &self.tenant)
            .field("sender", &self.sender)
            .field("event_id", &self.event_id)
            .field("event", &self.event)
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}

/// A line of the list of events: everything but the body. `Debug` does not show the order key.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SenderEventRecord {
    /// The row id.
    pub id: SenderEventId,
    /// Who sent it.
    pub sender: Sender,
    /// What names it, as its sender does.
    pub event_id: String,
    /// The event's name.
    pub event: String,
    /// What it is about.
    pub order_key: Option<String>,
    /// When it was signed; `None` where the sender does not say.
    pub signed_at: Option<DateTime<Utc>>,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// How many times it has been claimed since it was received, or since a person had it retried.
    pub attempts: u32,
    /// Its newest review item.
    pub review: Option<ReviewId>,
    /// Whether it waits for that item to be resolved.
    pub is_parked: bool,
    /// How it ended; `None` if it has not.
    pub fate: Option<SenderEventFate>,
}

impl SenderEventRecord {
    /// The line of an event that waits and was never claimed; called by stores.
    pub fn new(event: SenderEvent) -> Self {
        Self {
            id: event.id,
            sender: event.sender,
            event_id: event.event_id,
            event: event.event,
            order_key: event.order_key,
            signed_at: event.signed_at,
            received_at: event.received_at,
            attempts: 0,
            review: None,
            is_parked: false,
            fate: None,
        }
    }
}

impl fmt::Debug for SenderEventRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SenderEventRecord")
            .field("id", &self.id)
            .field("sender", &self.sender)
            .field("event_id", &self.event_id)
            .field("event", &self.event)
            .field("attempts", &self.attempts)
            .field("review", &self.review)
            .field("is_parked", &self.is_parked)
            .field("fate", &self.fate)
            .finish_non_exhaustive()
    }
}

/// The body of an event. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredEventBody {
    /// The event.
    pub event: SenderEventId,
    /// Whether the event has ended, so that nobody needs its body any more.
    pub is_over: bool,
    /// The body. Personal data.
    pub body: String,
}

impl StoredEventBody {
    /// The body of an event.
    pub fn new(event: SenderEventId, is_over: bool, body: String) -> Self {
        Self {
            event,
            is_over,
            body,
        }
    }
}

impl fmt::Debug for StoredEventBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredEventBody")
            .field("event", &self.event)
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}
