//! Which Cal.com a fake is.

use std::time::Duration;

/// The kind of Cal.com server to imitate: they differ in how they send webhooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerKind {
    /// A self-hosted server: webhooks are sent before the call that caused them is answered,
    /// waiting up to 10 s for every receiver, and are never retried. A cancellation is carried out
    /// after that, everything else before.
    ///
    /// A receiver that waits for its own call to return deadlocks.
    #[default]
    SelfHosted,
    /// The hosted service: everything is carried out at once, and webhooks are sent later, each
    /// independently, so that their order may invert. A body shows the booking as it is when first
    /// sent: its status, times and attendees.
    ///
    /// A delivery is attempted up to three times with the same bytes, on 408, 429, 500, 502, 503,
    /// 504 and network errors. An answer of 410 switches the subscription off.
    ///
    /// Deliveries carry the header `X-Cal-Webhook-Version`, and some bodies have more fields:
    /// `cancellationReason` in `BOOKING_RESCHEDULED`, `attendeeSeatId` in the cancellation of a
    /// seat. Of the routes added after August 2025, attendees, location and guests are served, and
    /// the others are answered with 501.
    #[non_exhaustive]
    Hosted {
        /// The shortest delay of a webhook; 0.5 s was measured.
        min_delay: Duration,
        /// The longest delay of a webhook; 45 s was measured, with a median of 35 s.
        max_delay: Duration,
    },
}

impl ServerKind {
    /// The hosted service, with webhooks delayed by a random time between these.
    pub const fn hosted(min_delay: Duration, max_delay: Duration) -> Self {
        Self::Hosted {
            min_delay,
            max_delay,
        }
    }

    pub(super) fn is_hosted(self) -> bool {
        matches!(self, Self::Hosted { .. })
    }
}
