//! Scripted faults: where they strike, and what goes wrong.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::request::Operation;
use crate::model::Trigger;

/// Where a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// Requests of this kind, and the webhooks they cause.
    Operation(Operation),
    /// Everything that changes bookings.
    AnyWrite,
    /// Everything.
    Any,
    /// Webhooks with this trigger; never requests.
    Delivery(Trigger),
}

impl From<Operation> for When {
    fn from(operation: Operation) -> Self {
        Self::Operation(operation)
    }
}

impl From<Trigger> for When {
    fn from(trigger: Trigger) -> Self {
        Self::Delivery(trigger)
    }
}

/// What goes wrong.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Then {
    /// Closes the connection without an answer; nothing is carried out.
    DropBeforeApplying,
    /// Carries out the request and sends its webhooks, but closes the connection without an answer.
    ApplyThenDrop,
    /// Delays the request before it is processed.
    DelayBefore(Duration),
    /// Carries out the request, and delays the answer.
    DelayAfterApplying(Duration),
    /// Answers this; nothing is carried out.
    #[non_exhaustive]
    Answer {
        /// The status.
        status: u16,
        /// The headers. Only the date and the content length are added.
        headers: Vec<(String, String)>,
        /// The body.
        body: Bytes,
    },
    /// Carries out the request, and truncates the answer's body.
    TruncateBody,
    /// Never sends the webhook.
    LoseWebhook,
    /// Sends the webhook twice, with the same bytes.
    DoubleWebhook,
    /// Delays the webhook; the answer does not wait for it.
    DelayWebhook(Duration),
    /// Holds the webhook until [`FakeCalcom::release`](super::FakeCalcom::release); the answer does
    /// not wait.
    HoldWebhooks,
}

impl Then {
    /// This answer; nothing is carried out.
    pub fn answer(status: u16, headers: Vec<(String, String)>, body: impl Into<Bytes>) -> Self {
        Self::Answer {
            status,
            headers,
            body: body.into(),
        }
    }

    /// An error in Cal.com's usual shape, such as 500, 502 or 503.
    pub fn status(status: u16) -> Self {
        let body = json!({
            "status": "error",
            "timestamp": "2026-01-01T00:00:00.000Z",
            "path": "/v2",
            "error": {"code": "INTERNAL_SERVER_ERROR", "message": "Internal server error"},
        });
        Self::json(status, Vec::new(), &body)
    }

    /// The 429 for a credential that is blocked for this many seconds.
    pub fn too_many_requests(reset_seconds: u32) -> Self {
        let message = "CustomThrottlerGuard - Too many requests. Please try again later.";
        let body = json!({
            "status": "error",
            "timestamp": "2026-01-01T00:00:00.000Z",
            "path": "/v2",
            "error": {"code": "ThrottlerException", "message": message, "details": message},
        });
        let header =
            |name: &str, value: u32| (format!("x-ratelimit-{name}-default"), value.to_string());
        let headers = vec![
            header("limit", 120),
            header("remaining", 0),
            header("reset", reset_seconds),
        ];
        Self::json(429, headers, &body)
    }

    /// The 401 of an event type whose booking limit is reached; see also
    /// [`with_daily_limit`](super::FakeEventType::with_daily_limit).
    pub fn booking_limit_reached() -> Self {
        let body = json!({"statusCode": 401, "message": "booking_limit_reached"});
        Self::json(401, Vec::new(), &body)
    }

    /// An HTML page with this status, as a proxy in front of the API sends it.
    pub fn html_page(status: u16) -> Self {
        Self::Answer {
            status,
            headers: vec![("content-type".into(), "text/html; charset=UTF-8".into())],
            body: format!(
                "<!DOCTYPE html><html><head><title>{status}</title></head><body><h1>Error {status}</h1></body></html>"
            )
            .into(),
        }
    }

    fn json(status: u16, mut headers: Vec<(String, String)>, body: &serde_json::Value) -> Self {
        headers.push((
            "content-type".into(),
            "application/json; charset=utf-8".into(),
        ));
        Self::Answer {
            status,
            headers,
            body: body.to_string().into(),
        }
    }

    fn is_about_webhooks(&self) -> bool {
        matches!(
            self,
            Self::LoseWebhook | Self::DoubleWebhook | Self::DelayWebhook(_) | Self::HoldWebhooks
        )
    }
}

impl fmt::Debug for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DropBeforeApplying => f.write_str("DropBeforeApplying"),
            Self::ApplyThenDrop => f.write_str("ApplyThenDrop"),
            Self::DelayBefore(delay) => f.debug_tuple("DelayBefore").field(delay).finish(),
            Self::DelayAfterApplying(delay) => {
                f.debug_tuple("DelayAfterApplying").field(delay).finish()
            }
            Self::Answer { status, .. } => f
                .debug_struct("Answer")
                .field("status", status)
                .finish_non_exhaustive(),
            Self::TruncateBody => f.write_str("TruncateBody"),
            Self::LoseWebhook => f.write_str("LoseWebhook"),
            Self::DoubleWebhook => f.write_str("DoubleWebhook"),
            Self::DelayWebhook(delay) => f.debug_tuple("DelayWebhook").field(delay).finish(),
            Self::HoldWebhooks => f.write_str("HoldWebhooks"),
        }
    }
}

/// One scripted fault. It strikes once by default.
///
/// ```
/// use calcom::testing::{Fault, Operation, Then};
///
/// // The second and third booking are made, but never answered.
/// let fault = Fault::new(Operation::CreateBooking, Then::ApplyThenDrop).skip_first(1).times(2);
/// # let _ = fault;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    when: When,
    then: Then,
    skip: u32,
    times: Option<u32>,
}

impl Fault {
    /// A fault that strikes once, at the first opportunity.
    pub fn new(when: impl Into<When>, then: Then) -> Self {
        Self {
            when: when.into(),
            then,
            skip: 0,
            times: Some(1),
        }
    }

    /// Strikes this many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Strikes until [`FakeCalcom::clear_faults`](super::FakeCalcom::clear_faults).
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    /// Skips the first opportunities.
    #[must_use]
    pub fn skip_first(mut self, occasions: u32) -> Self {
        self.skip = occasions;
        self
    }

    fn matches(&self, operation: Operation, trigger: Option<&Trigger>) -> bool {
        self.then.is_about_webhooks() == trigger.is_some()
            && match &self.when {
                When::Any => true,
                When::AnyWrite => operation.is_write(),
                When::Operation(wanted) => *wanted == operation,
                When::Delivery(wanted) => trigger == Some(wanted),
            }
    }
}

/// The pending faults. The earliest applicable one strikes; the others wait.
#[derive(Debug, Default)]
pub(super) struct Script(Vec<Fault>);

impl Script {
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What goes wrong with a request, or with a webhook where a trigger is given.
    pub(super) fn strike(
        &mut self,
        operation: Operation,
        trigger: Option<&Trigger>,
    ) -> Option<Then> {
        self.0.retain(|fault| fault.times != Some(0));
        for fault in &mut self.0 {
            if !fault.matches(operation, trigger) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            fault.times = fault.times.map(|left| left - 1);
            return Some(fault.then.clone());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_lets_pass_then_strikes_then_is_gone() {
        let mut script = Script::default();
        script.add(
            Fault::new(Operation::Cancel, Then::TruncateBody)
                .skip_first(1)
                .times(2),
        );
        let mut strike = |operation| script.strike(operation, None).is_some();
        assert!(!strike(Operation::Cancel));
        assert!(!strike(Operation::Reschedule));
        assert!(strike(Operation::Cancel));
        assert!(strike(Operation::Cancel));
        assert!(!strike(Operation::Cancel));
    }

    #[test]
    fn faults_of_requests_and_of_webhooks_do_not_mix() {
        let mut script = Script::default();
        script.add(Fault::new(When::Any, Then::LoseWebhook));
        assert_eq!(script.strike(Operation::Me, None), None);
        assert_eq!(
            script.strike(Operation::Cancel, Some(&Trigger::BookingCancelled)),
            Some(Then::LoseWebhook)
        );
    }
}
