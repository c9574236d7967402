//! How a command fails: what happened, what to do next, and the exit code.

use std::error::Error as StdError;

use calcom::client;
use calcom::store::{StoreError, StoreErrorKind};
use calcom::sync::{self, CalendarError, CalendarErrorKind, SubscriptionError};

type Cause = Box<dyn StdError + Send + Sync>;

/// What kind of failure it is, which is its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Something was found wrong, or Cal.com says no to what was asked.
    Found,
    /// The command line or the configuration is wrong.
    Usage,
    /// Cal.com refuses the credentials.
    Refused,
    /// Cal.com cannot be reached, or does not answer properly.
    Unreachable,
    /// The database cannot be opened, read or written.
    Storage,
    /// What was named does not exist.
    NotFound,
    /// Interrupted, or not finished in time.
    Unfinished,
}

impl FailureKind {
    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Found => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Unreachable => 4,
            Self::Storage => 5,
            Self::NotFound => 6,
            Self::Unfinished => 7,
        }
    }

    /// The word in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Usage => "usage",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Storage => "storage",
            Self::NotFound => "not_found",
            Self::Unfinished => "unfinished",
        }
    }
}

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A failure with a message, and what to do next.
    #[error("{message}")]
    Told {
        kind: FailureKind,
        message: String,
        /// What to do next.
        advice: Option<String>,
        #[source]
        cause: Option<Cause>,
    },
    /// The command has printed what it found, and only the exit code is left to be said.
    #[error("something was found wrong")]
    Printed(FailureKind),
}

impl Failure {
    pub(crate) fn new(
        kind: FailureKind,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::Told {
            kind,
            message: message.into(),
            advice: Some(advice.into()),
            cause: None,
        }
    }

    /// The configuration is wrong.
    pub(crate) fn settings(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(FailureKind::Usage, message, advice)
    }

    /// What was named does not exist.
    pub(crate) fn not_found(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(FailureKind::NotFound, message, advice)
    }

    /// Interrupted by the user.
    pub(crate) fn interrupted() -> Self {
        Self::Told {
            kind: FailureKind::Unfinished,
            message: "interrupted".to_owned(),
            advice: None,
            cause: None,
        }
    }

    /// Adds the cause.
    #[must_use]
    pub(crate) fn because(mut self, error: impl Into<Cause>) -> Self {
        if let Self::Told { cause, .. } = &mut self {
            *cause = Some(error.into());
        }
        self
    }

    pub(crate) fn kind(&self) -> FailureKind {
        match self {
            Self::Told { kind, .. } | Self::Printed(kind) => *kind,
        }
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        self.kind().code()
    }

    /// What to do next.
    pub(crate) fn advice(&self) -> Option<&str> {
        match self {
            Self::Told { advice, .. } => advice.as_deref(),
            Self::Printed(_) => None,
        }
    }

    /// The message with all causes, in one line.
    pub(crate) fn told(&self) -> String {
        with_causes(self)
    }
}

/// An error with its causes, in one line.
pub(crate) fn with_causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some errors repeat their causes.
        if !next.is_empty() && !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let (kind, message, advice) = match error.kind() {
            StoreErrorKind::Conflict => (
                FailureKind::Found,
                "somebody else has changed it meanwhile",
                "look at it again, then decide again",
            ),
            StoreErrorKind::NotFound => (
                FailureKind::NotFound,
                "the database does not have it",
                "check the id and the tenant",
            ),
            StoreErrorKind::Invalid => (
                FailureKind::Usage,
                "the database refuses this",
                "correct what was asked for",
            ),
            StoreErrorKind::ReadOnly => (
                FailureKind::Storage,
                "the database cannot be written",
                "give this user write permission to the file and its folder, or the role to its schema",
            ),
            StoreErrorKind::NewerSchema => (
                FailureKind::Storage,
                "the database was written by a newer version of this program",
                "update this program",
            ),
            StoreErrorKind::Corrupt => (
                FailureKind::Storage,
                "the database holds something that cannot be read",
                "check that it is the right database, or restore a copy",
            ),
            _ => (
                FailureKind::Storage,
                "the database cannot be reached",
                "check its address, that it runs, and that this user may use it",
            ),
        };
        Self::new(kind, message, advice).because(error)
    }
}

impl From<sync::Error> for Failure {
    fn from(error: sync::Error) -> Self {
        match error {
            sync::Error::Store(error)
            | sync::Error::Directory(error)
            | sync::Error::Host(error) => error.into(),
            error => Self::new(
                FailureKind::Storage,
                "the sync failed",
                "run `calcom-sync check`",
            )
            .because(error),
        }
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        use client::ErrorKind as Kind;

        let (kind, message, advice) = match error.kind() {
            Kind::Unauthorized | Kind::Forbidden => (
                FailureKind::Refused,
                "Cal.com refuses the API key",
                "create a key in Cal.com's settings, under Developer, API keys, and put it into the settings",
            ),
            Kind::NotFound => (
                FailureKind::NotFound,
                "Cal.com does not have it, or not for this key",
                "check the id and whose key it is",
            ),
            Kind::Invalid => (
                FailureKind::Usage,
                "Cal.com cannot accept this",
                "correct what was asked for",
            ),
            Kind::SlotUnavailable | Kind::BookingLimitReached | Kind::Conflict => (
                FailureKind::Found,
                "Cal.com says no",
                "choose another time; `calcom-sync slots` shows what is free",
            ),
            Kind::RateLimited => (
                FailureKind::Unreachable,
                "Cal.com allows no more requests for now",
                "wait a minute and try again",
            ),
            Kind::UnknownEndpoint | Kind::VersionMismatch => (
                FailureKind::Unreachable,
                "the server does not answer as Cal.com's API v2 does",
                "check base_url: it ends in /v2, or in /api/v2 on your own server",
            ),
            _ => (
                FailureKind::Unreachable,
                "Cal.com cannot be reached, or does not answer properly",
                "check base_url and the network, then try again",
            ),
        };
        Self::new(kind, message, advice).because(error)
    }
}

impl From<CalendarError> for Failure {
    fn from(error: CalendarError) -> Self {
        let (kind, message, advice) = match error.kind() {
            CalendarErrorKind::Denied => (
                FailureKind::Refused,
                "Cal.com refuses the API key",
                "create a key in Cal.com's settings, under Developer, API keys, and put it into the settings",
            ),
            CalendarErrorKind::SlotTaken
            | CalendarErrorKind::Contradicted
            | CalendarErrorKind::Rejected => (
                FailureKind::Found,
                "Cal.com says no",
                "look at it again, then decide again",
            ),
            _ => (
                FailureKind::Unreachable,
                "Cal.com cannot be reached, or does not answer properly",
                "check base_url and the network, then try again",
            ),
        };
        Self::new(kind, message, advice).because(error)
    }
}

impl From<SubscriptionError> for Failure {
    fn from(error: SubscriptionError) -> Self {
        match error {
            SubscriptionError::Calendar(error) => error.into(),
            SubscriptionError::Directory(error) => error.into(),
            SubscriptionError::NotNamed => Self::settings(
                "it is not known under which address Cal.com reaches the webhooks",
                "set public_url to it",
            ),
            error => {
                Self::settings("the tenant is not configured", "check --tenant").because(error)
            }
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(
            FailureKind::Usage,
            "a file or an address cannot be used",
            "check that it exists and that this user may use it",
        )
        .because(error)
    }
}
