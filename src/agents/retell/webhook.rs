//! Where an agent's call events are sent. Pure.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::parts::RetellAgent;

/// What an agent's webhook settings should be; what is `None` is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookSettings {
    /// Where call events are sent.
    pub url: Option<String>,
    /// The events that are sent, such as `call_ended`.
    pub events: Option<BTreeSet<String>>,
}

impl WebhookSettings {
    /// Sets where call events are sent.
    #[must_use]
    pub fn with_url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Sets which events are sent.
    #[must_use]
    pub fn with_events<E: Into<String>>(mut self, events: impl IntoIterator<Item = E>) -> Self {
        self.events = Some(events.into_iter().map(Into::into).collect());
        self
    }
}

/// One difference between an agent's webhook settings and what they should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum WebhookChange {
    /// Events are sent elsewhere.
    #[non_exhaustive]
    Url {
        /// Where they are sent; `None` for where the account says.
        from: Option<String>,
        /// Where they should be sent.
        to: String,
    },
    /// Other events are sent.
    #[non_exhaustive]
    Events {
        /// Those that are sent; `None` for Retell's default.
        from: Option<BTreeSet<String>>,
        /// Those that should be sent.
        to: BTreeSet<String>,
    },
}

impl fmt::Display for WebhookChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |events: &BTreeSet<String>| {
            let events: Vec<&str> = events.iter().map(String::as_str).collect();
            events.join(", ")
        };
        match self {
            Self::Url { from, to } => {
                let from = from.as_deref().unwrap_or("the account's URL");
                write!(f, "send events to {to} instead of {from}")
            }
            Self::Events { from, to } => {
                let from = from.as_ref().map_or("Retell's default".to_owned(), list);
                write!(f, "send the events {} instead of {from}", list(to))
            }
        }
    }
}

/// What would have to change.
pub fn diff_webhook(agent: &RetellAgent, wanted: &WebhookSettings) -> Vec<WebhookChange> {
    let mut changes = Vec::new();
    if let Some(to) = &wanted.url
        && agent.webhook_url.as_ref() != Some(to)
    {
        changes.push(WebhookChange::Url {
            from: agent.webhook_url.clone(),
            to: to.clone(),
        });
    }
    if let Some(to) = &wanted.events
        && agent.webhook_events.as_ref() != Some(to)
    {
        changes.push(WebhookChange::Events {
            from: agent.webhook_events.clone(),
            to: to.clone(),
        });
    }
    changes
}
