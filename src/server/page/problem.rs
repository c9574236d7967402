//! What a request can come to instead of a page.

use http::StatusCode;

use crate::store::StoreErrorKind;
use crate::sync::{CalendarErrorKind, Error, ErrorKind, SubscriptionError};

/// Why there is no page. Each is shown in the layout of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// There is no such page, or none for this operator.
    NotFound,
    WrongMethod,
    /// The operator may look and not change.
    Forbidden,
    /// Sent by another site.
    CrossSite,
    /// Nobody is signed in.
    SignedOut,
    TooManyAttempts,
    TooManyStreams,
    /// What was sent makes no sense.
    Invalid(String),
    /// Somebody was faster, or it is not possible any more.
    Conflict(String),
    /// Something that the page needs does not answer.
    Unavailable(&'static str),
}

impl Problem {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Forbidden | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Unavailable(_) | Self::TooManyStreams => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// A heading and what to do.
    pub(super) fn words(&self) -> (&str, &str) {
        match self {
            Self::NotFound => (
                "Not found",
                "There is no such page, or it is not among those that you may see.",
            ),
            Self::WrongMethod => (
                "Not possible here",
                "This address does not take such a request. Go back and use the button on the page.",
            ),
            Self::Forbidden => (
                "Not permitted",
                "You may look at everything here and change nothing. Ask somebody with the role of an operator.",
            ),
            Self::CrossSite => (
                "Refused",
                "The request came from another site. Use the button on the page itself.",
            ),
            Self::SignedOut => (
                "Not signed in",
                "Sign in, or send a token as Authorization: Bearer.",
            ),
            Self::TooManyAttempts => (
                "Too many attempts",
                "Several attempts to sign in have failed. Try again in a minute.",
            ),
            Self::TooManyStreams => (
                "Too many live updates",
                "The page is open in too many places for live updates. Reload it to see what is new.",
            ),
            Self::Invalid(why) => ("This cannot be done", why),
            Self::Conflict(why) => ("This is not possible any more", why),
            Self::Unavailable(why) => ("Not available right now", why),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let kind = error.kind();
        let is_usual = matches!(
            kind,
            ErrorKind::Store(StoreErrorKind::NotFound | StoreErrorKind::Conflict)
                | ErrorKind::Host(StoreErrorKind::NotFound)
        );
        if !is_usual {
            tracing::warn!(error = %error, kind = ?kind, "a page could not be made");
        }
        match kind {
            ErrorKind::Store(StoreErrorKind::NotFound)
            | ErrorKind::Host(StoreErrorKind::NotFound)
            | ErrorKind::Directory(StoreErrorKind::NotFound) => Self::NotFound,
            _ => match explain(kind) {
                Said::Invalid(why) => Self::Invalid(why.to_owned()),
                Said::Conflict(why) => Self::Conflict(why.to_owned()),
                Said::Unavailable(why) => Self::Unavailable(why),
            },
        }
    }
}

enum Said {
    Invalid(&'static str),
    Conflict(&'static str),
    Unavailable(&'static str),
}

/// What a failure means, and what to do, in a sentence or two.
pub(super) fn sentence(error: &Error) -> &'static str {
    match explain(error.kind()) {
        Said::Invalid(why) | Said::Conflict(why) | Said::Unavailable(why) => why,
    }
}

fn explain(kind: ErrorKind) -> Said {
    match kind {
        ErrorKind::Store(kind) => match kind {
            StoreErrorKind::Conflict => Said::Conflict(
                "Somebody else has done this already, or it has changed meanwhile. Look again.",
            ),
            StoreErrorKind::NotFound => Said::Conflict("It is not there any more."),
            StoreErrorKind::Invalid => {
                Said::Invalid("It cannot be done in this way. Look at what the page offers.")
            }
            StoreErrorKind::ReadOnly => Said::Unavailable(
                "The engine's store cannot be written. Give the process write permission.",
            ),
            StoreErrorKind::NewerSchema => Said::Unavailable(
                "The engine's store was written by a newer version of this program. Update this one.",
            ),
            StoreErrorKind::Corrupt => Said::Unavailable(
                "A row of the engine's store cannot be read. It needs to be repaired by hand.",
            ),
            _ => Said::Unavailable(
                "The engine's store does not answer. Nothing is lost; try again in a moment.",
            ),
        },
        ErrorKind::Directory(_) => {
            Said::Unavailable("The list of tenants cannot be read. Try again in a moment.")
        }
        ErrorKind::Host(StoreErrorKind::NotFound) => {
            Said::Conflict("The host application has no such appointment.")
        }
        ErrorKind::Host(StoreErrorKind::Conflict) => Said::Conflict(
            "The host application changed the appointment at the same time. Look at it again.",
        ),
        ErrorKind::Host(StoreErrorKind::Invalid) => {
            Said::Invalid("The host application refused the change.")
        }
        ErrorKind::Host(_) => Said::Unavailable(
            "The host application's appointments cannot be reached. Try again in a moment.",
        ),
        ErrorKind::Calendar(kind) => match kind {
            CalendarErrorKind::Throttled => {
                Said::Unavailable("Cal.com asks for a pause. Try again in a minute.")
            }
            CalendarErrorKind::Denied => {
                Said::Unavailable("Cal.com refuses the tenant's credentials. Replace them first.")
            }
            CalendarErrorKind::Unsupported => {
                Said::Unavailable("This Cal.com server, or this connection, cannot do that.")
            }
            CalendarErrorKind::Unavailable => {
                Said::Unavailable("Cal.com does not answer. Try again in a moment.")
            }
            _ => Said::Unavailable("Cal.com refused the request."),
        },
    }
}

/// The same for the webhook subscription.
pub(super) fn subscription_sentence(error: SubscriptionError) -> &'static str {
    match error {
        SubscriptionError::UnknownTenant => "There is no such tenant.",
        SubscriptionError::NotNamed => {
            "No webhook address is set up for this tenant, so there is nothing to check. Name it where the tenant is set up."
        }
        SubscriptionError::NoSecret => {
            "No webhook secret is set up for this tenant, so that every webhook is refused. Set one up first."
        }
        SubscriptionError::Directory(error) => sentence(&Error::Directory(error)),
        SubscriptionError::Calendar(error) => sentence(&Error::Calendar(error)),
    }
}
