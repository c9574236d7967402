//! The input of a decision: both sides, and what is known besides.

use chrono::{DateTime, Utc};

use super::policy::SyncPolicy;
use super::standing::Base;
use crate::store::{AppointmentState, Differences, Origin};

/// The host's side.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Local<'a> {
    /// Its state.
    pub state: &'a AppointmentState,
    /// Who made its latest change.
    pub origin: &'a Origin,
    /// When.
    pub updated_at: DateTime<Utc>,
    /// Whether the appointment was created for a booking.
    pub from_booking: bool,
}

impl<'a> Local<'a> {
    /// An appointment that was not created for a booking.
    pub const fn new(
        state: &'a AppointmentState,
        origin: &'a Origin,
        updated_at: DateTime<Utc>,
    ) -> Self {
        Self {
            state,
            origin,
            updated_at,
            from_booking: false,
        }
    }

    /// Sets whether the appointment was created for a booking.
    #[must_use]
    pub const fn with_from_booking(mut self, from_booking: bool) -> Self {
        self.from_booking = from_booking;
        self
    }
}

/// Cal.com's side: the newest booking of the chain.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Remote<'a> {
    /// Its state.
    pub state: &'a AppointmentState,
    /// When it last changed, if known.
    pub updated_at: Option<DateTime<Utc>>,
}

impl<'a> Remote<'a> {
    /// A booking in this state, and when it last changed, if known.
    pub const fn new(state: &'a AppointmentState, updated_at: Option<DateTime<Utc>>) -> Self {
        Self { state, updated_at }
    }
}

/// A reviewer's order about how to bring the two sides into agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Order {
    /// Bring Cal.com's state to the appointment.
    TakeRemote,
    /// Bring the appointment's state to Cal.com.
    ForceLocal,
    /// Let the sides differ as they do now.
    AcceptDifference,
}

/// The input of a decision: by default, neither side and nothing known.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Facts<'a> {
    /// Both sides as they were when they last agreed.
    pub base: Option<&'a Base>,
    /// The host's side, if there is an appointment.
    pub local: Option<Local<'a>>,
    /// Cal.com's side, if there is a booking.
    pub remote: Option<Remote<'a>>,
    /// The tenant's policies.
    pub policy: SyncPolicy,
    /// The fields that this server is known not to be able to change.
    pub unsupported: Differences,
    /// The fields in which Cal.com's response to our own write differs from what was sent, and the
    /// appointment has not been updated yet.
    pub owed: Differences,
    /// A reviewer's order, if there is one.
    pub order: Option<Order>,
}

impl<'a> Facts<'a> {
    /// Sets both sides as they were when they last agreed.
    #[must_use]
    pub fn with_base(mut self, base: Option<&'a Base>) -> Self {
        self.base = base;
        self
    }

    /// Sets the host's side.
    #[must_use]
    pub fn with_local(mut self, local: Option<Local<'a>>) -> Self {
        self.local = local;
        self
    }

    /// Sets Cal.com's side.
    #[must_use]
    pub fn with_remote(mut self, remote: Option<Remote<'a>>) -> Self {
        self.remote = remote;
        self
    }

    /// Sets the policies.
    #[must_use]
    pub fn with_policy(mut self, policy: impl Into<SyncPolicy>) -> Self {
        self.policy = policy.into();
        self
    }

    /// Sets the fields that this server is known not to be able to change.
    #[must_use]
    pub fn with_unsupported(mut self, fields: Differences) -> Self {
        self.unsupported = fields;
        self
    }

    /// Sets the fields in which the appointment still has to follow Cal.com's response to our own
    /// write.
    #[must_use]
    pub fn with_owed(mut self, fields: Differences) -> Self {
        self.owed = fields;
        self
    }

    /// Sets a reviewer's order.
    #[must_use]
    pub fn with_order(mut self, order: Option<Order>) -> Self {
        self.order = order;
        self
    }
}
