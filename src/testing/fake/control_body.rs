//! The bodies that the [control API](super::control) takes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::fault::{Then, When};
use super::request::Operation;
use crate::model::Trigger;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Move {
    pub(super) start: DateTime<Utc>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Reason {
    pub(super) reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Advance {
    pub(super) advance_seconds: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Subscribe {
    pub(super) url: String,
    #[serde(default)]
    pub(super) secret: String,
    pub(super) triggers: Option<Vec<Trigger>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Release {
    pub(super) ids: Vec<usize>,
}

/// Where a fault strikes: an operation, `any`, `anyWrite`, or a trigger.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum On {
    Operation(Operation),
    Text(String),
}

impl TryFrom<On> for When {
    type Error = &'static str;

    fn try_from(on: On) -> Result<Self, Self::Error> {
        let text = match on {
            On::Operation(operation) => return Ok(Self::Operation(operation)),
            On::Text(text) => text,
        };
        let is_trigger = |text: &str| !text.is_empty() && text == text.to_ascii_uppercase();
        match text.as_str() {
            "any" => Ok(Self::Any),
            "anyWrite" => Ok(Self::AnyWrite),
            trigger if is_trigger(trigger) => Ok(Self::Delivery(Trigger::from(trigger))),
            _ => Err(
                "`on` is `any`, `anyWrite`, an operation such as `createBooking`, or a trigger such as `BOOKING_CREATED`",
            ),
        }
    }
}

/// What goes wrong. Delays are milliseconds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum What {
    DropBeforeApplying,
    ApplyThenDrop,
    TruncateBody,
    LoseWebhook,
    DoubleWebhook,
    HoldWebhooks,
    BookingLimitReached,
    DelayBefore(u64),
    DelayAfterApplying(u64),
    DelayWebhook(u64),
    Status(u16),
    TooManyRequests(u32),
    HtmlPage(u16),
    Answer {
        status: u16,
        #[serde(default)]
        headers: Map<String, Value>,
        #[serde(default)]
        body: Value,
    },
}

impl From<What> for Then {
    fn from(what: What) -> Self {
        let millis = Duration::from_millis;
        match what {
            What::DropBeforeApplying => Self::DropBeforeApplying,
            What::ApplyThenDrop => Self::ApplyThenDrop,
            What::TruncateBody => Self::TruncateBody,
            What::LoseWebhook => Self::LoseWebhook,
            What::DoubleWebhook => Self::DoubleWebhook,
            What::HoldWebhooks => Self::HoldWebhooks,
            What::BookingLimitReached => Self::booking_limit_reached(),
            What::DelayBefore(time) => Self::DelayBefore(millis(time)),
            What::DelayAfterApplying(time) => Self::DelayAfterApplying(millis(time)),
            What::DelayWebhook(time) => Self::DelayWebhook(millis(time)),
            What::Status(status) => Self::status(status),
            What::TooManyRequests(seconds) => Self::too_many_requests(seconds),
            What::HtmlPage(status) => Self::html_page(status),
            What::Answer {
                status,
                headers,
                body,
            } => Self::Answer {
                status,
                headers: headers
                    .into_iter()
                    .map(|(name, value)| (name, text(value)))
                    .collect(),
                body: text(body).into(),
            },
        }
    }
}

/// A string as it is, anything else as JSON.
fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewFault {
    pub(super) on: On,
    pub(super) then: What,
    /// `null`: until faults are cleared.
    #[serde(default = "once")]
    pub(super) times: Option<u32>,
    #[serde(default)]
    pub(super) skip_first: u32,
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of a serde default")]
fn once() -> Option<u32> {
    Some(1)
}
