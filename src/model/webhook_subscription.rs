//! Webhook subscriptions and their triggers.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

use super::id::{EventTypeId, TeamId, UserId, WebhookId};
use super::open_enum::open_enum;
use super::setters::setters;
use super::time::Instant;

open_enum! {
    /// A webhook trigger.
    ///
    /// There is no `BOOKING_CONFIRMED`: a confirmation arrives as `BOOKING_CREATED`.
    ///
    /// Source: Cal.com's webhook documentation of 2026, and what its servers send.
    Trigger {
        /// A booking was created, or a pending one was confirmed.
        BookingCreated = "BOOKING_CREATED",
        /// A payment was initiated.
        BookingPaymentInitiated = "BOOKING_PAYMENT_INITIATED",
        /// A booking was paid.
        BookingPaid = "BOOKING_PAID",
        /// A booking was rescheduled, that is, replaced by one at another time.
        BookingRescheduled = "BOOKING_RESCHEDULED",
        /// A booking is waiting for confirmation.
        BookingRequested = "BOOKING_REQUESTED",
        /// A booking was cancelled, or its attendee was asked to reschedule it.
        BookingCancelled = "BOOKING_CANCELLED",
        /// A pending booking was declined.
        BookingRejected = "BOOKING_REJECTED",
        /// Someone was marked as absent, or as present again.
        BookingNoShowUpdated = "BOOKING_NO_SHOW_UPDATED",
        /// The location of a booking changed.
        BookingLocationUpdated = "BOOKING_LOCATION_UPDATED",
        /// The host of a booking changed.
        BookingReassigned = "BOOKING_REASSIGNED",
        /// A routing form was submitted.
        FormSubmitted = "FORM_SUBMITTED",
        /// A routing form was submitted without leading to an event.
        FormSubmittedNoEvent = "FORM_SUBMITTED_NO_EVENT",
        /// A routing form used its fallback.
        RoutingFormFallbackHit = "ROUTING_FORM_FALLBACK_HIT",
        /// A meeting started. The payload is flat.
        MeetingStarted = "MEETING_STARTED",
        /// A meeting ended. The payload is flat.
        MeetingEnded = "MEETING_ENDED",
        /// A recording is ready for download.
        RecordingReady = "RECORDING_READY",
        /// A transcript is ready for download.
        RecordingTranscriptionGenerated = "RECORDING_TRANSCRIPTION_GENERATED",
        /// An instant meeting is waiting for a host.
        InstantMeeting = "INSTANT_MEETING",
        /// A host accepted an instant meeting.
        InstantMeetingAccepted = "INSTANT_MEETING_ACCEPTED",
        /// Someone created an out-of-office entry.
        OooCreated = "OOO_CREATED",
        /// The hosts did not join the video call.
        AfterHostsCalVideoNoShow = "AFTER_HOSTS_CAL_VIDEO_NO_SHOW",
        /// The guests did not join the video call.
        AfterGuestsCalVideoNoShow = "AFTER_GUESTS_CAL_VIDEO_NO_SHOW",
        /// A delegation credential failed.
        DelegationCredentialError = "DELEGATION_CREDENTIAL_ERROR",
        /// The secret of a delegation credential could not be rotated.
        DelegationCredentialSecretRotationFailed = "DELEGATION_CREDENTIAL_SECRET_ROTATION_FAILED",
        /// A delegation credential has to be rotated.
        DelegationCredentialRotationRequired = "DELEGATION_CREDENTIAL_ROTATION_REQUIRED",
        /// The secret of a delegation credential was rotated.
        DelegationCredentialSecretRotated = "DELEGATION_CREDENTIAL_SECRET_ROTATED",
        /// An assignment was reported as wrong.
        WrongAssignmentReport = "WRONG_ASSIGNMENT_REPORT",
        /// A calendar entry was declined.
        CalendarEntryRejected = "CALENDAR_ENTRY_REJECTED",
        /// A test delivery.
        Ping = "PING",
    }
}

fn expose<S: Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    secret
        .as_ref()
        .map(ExposeSecret::expose_secret)
        .serialize(serializer)
}

/// A webhook subscription.
///
/// Serializing it includes the secret, as in the API's own format; `Debug` does not show it.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WebhookSubscription {
    /// The subscription's id.
    pub id: WebhookId,
    /// The URL that deliveries are sent to.
    pub subscriber_url: String,
    /// Whether deliveries are sent.
    ///
    /// The hosted service disables it when a receiver responds with 410.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub active: bool,
    /// The triggers.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub triggers: Vec<Trigger>,
    /// The secret that signs deliveries.
    ///
    /// Without one, the signature is the string `no-secret-provided`.
    #[serde(default, serialize_with = "expose")]
    pub secret: Option<SecretString>,
    /// The payload template. With one, a payload can have any format.
    #[serde(default)]
    pub payload_template: Option<String>,
    /// The user whose bookings it covers.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// The event type whose bookings it covers.
    #[serde(default)]
    pub event_type_id: Option<EventTypeId>,
    /// The team whose bookings it covers.
    #[serde(default)]
    pub team_id: Option<TeamId>,
    /// How long after the start nobody has to have come, in `time_unit`s, for the triggers about
    /// absence from a Cal Video call.
    #[serde(default)]
    pub time: Option<u32>,
    /// The unit of `time`, such as `MINUTE`.
    #[serde(default)]
    pub time_unit: Option<String>,
    /// When it was created.
    #[serde_as(as = "Option<Instant>")]
    #[serde(default)]
    pub created_at: Option<DateTime<Utc>>,
}

/// Parameters for creating a webhook subscription. `Debug` does not show the secret.
#[skip_serializing_none]
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewWebhook {
    /// The URL that deliveries are sent to.
    pub subscriber_url: String,
    /// The triggers.
    pub triggers: Vec<Trigger>,
    /// Whether deliveries are sent.
    pub active: bool,
    /// The secret that signs deliveries.
    #[serde(serialize_with = "expose")]
    pub secret: Option<SecretString>,
    /// The payload template. Leave it out if this crate receives the deliveries.
    pub payload_template: Option<String>,
}

impl NewWebhook {
    /// Creates parameters for an active subscription that is signed with a secret.
    pub fn new(
        subscriber_url: impl Into<String>,
        triggers: impl Into<Vec<Trigger>>,
        secret: impl Into<SecretString>,
    ) -> Self {
        Self {
            subscriber_url: subscriber_url.into(),
            triggers: triggers.into(),
            active: true,
            secret: Some(secret.into()),
            payload_template: None,
        }
    }

    /// Creates parameters for an active subscription without a secret, whose deliveries cannot be
    /// verified.
    pub fn unsigned(subscriber_url: impl Into<String>, triggers: impl Into<Vec<Trigger>>) -> Self {
        Self {
            subscriber_url: subscriber_url.into(),
            triggers: triggers.into(),
            active: true,
            secret: None,
            payload_template: None,
        }
    }

    /// Creates the subscription without sending deliveries yet.
    #[must_use]
    pub fn inactive(mut self) -> Self {
        self.active = false;
        self
    }

    /// Sets the payload template. Leave it out if this crate receives the deliveries.
    #[must_use]
    pub fn with_payload_template(mut self, template: impl Into<String>) -> Self {
        self.payload_template = Some(template.into());
        self
    }

    /// Returns the triggers of all changes to bookings, which the sync engine needs.
    pub fn booking_triggers() -> Vec<Trigger> {
        vec![
            Trigger::BookingCreated,
            Trigger::BookingRequested,
            Trigger::BookingRescheduled,
            Trigger::BookingCancelled,
            Trigger::BookingRejected,
            Trigger::BookingNoShowUpdated,
        ]
    }
}

/// Parameters for updating a webhook subscription.
///
/// `None` leaves a value unchanged. `Debug` does not show the secret.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WebhookUpdate {
    /// The URL that deliveries are sent to.
    pub subscriber_url: Option<String>,
    /// The triggers. Replaces the whole list.
    pub triggers: Option<Vec<Trigger>>,
    /// Whether deliveries are sent.
    pub active: Option<bool>,
    /// The secret that signs deliveries.
    #[serde(serialize_with = "expose")]
    pub secret: Option<SecretString>,
    /// The payload template.
    pub payload_template: Option<String>,
}

setters! {
    WebhookUpdate {
        with_active => active: bool,
        ;
        with_subscriber_url => subscriber_url: String,
        with_triggers => triggers: Vec<Trigger>,
        with_secret => secret: SecretString,
        with_payload_template => payload_template: String,
    }
}
