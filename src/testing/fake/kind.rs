//! Which Cal.com a fake is.

use std::time::Duration;

/// Which Cal.com a fake is: the two tell their subscribers in different ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerKind {
    /// A server of one's own: webhooks are sent before the call that caused them is answered, which waits for every receiver
    /// for up to 10 s, and are never tried again. A cancellation is carried out after that, everything else before.
    ///
    /// A receiver that waits for its own call deadlocks.
    #[default]
    SelfHosted,
    /// The hosted service: everything is carried out at once, and webhooks are sent some time after, each by itself so that
    /// order may invert. A body tells the booking as it is when it is first sent: its status, its times, its attendees.
    ///
    /// A delivery is tried up to three times with the same bytes, on 408, 429, 500, 502, 503, 504 and where nobody answers. An
    /// answer of 410 switches the subscription off.
    ///
    /// Deliveries carry the header `X-Cal-Webhook-Version`, and some bodies say more: `BOOKING_RESCHEDULED` a
    /// `cancellationReason`, the cancellation of one seat its `attendeeSeatId`. Routes that came after August 2025 exist, and
    /// are answered with 501.
    Hosted {
        /// The shortest delay of a webhook; 0.5 s was measured.
        min_delay: Duration,
        /// The longest delay of a webhook; 45 s was measured, with a median of 35 s.
        max_delay: Duration,
    },
}

impl ServerKind {
    pub(super) fn is_hosted(self) -> bool {
        matches!(self, Self::Hosted { .. })
    }
}
