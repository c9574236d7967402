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
    /// The trigger of a webhook. There is no `BOOKING_CONFIRMED`: a confirmation arrives as `BOOKING_CREATED`.
    ///
    /// Source: Cal.com's webhook documentation of 2026 and what its servers send.
    Trigger {
        /// A booking was made, or a pending one was confirmed.
        BookingCreated = "BOOKING_CREATED",
        /// A payment was begun.
        BookingPaymentInitiated = "BOOKING_PAYMENT_INITIATED",
        /// A booking was paid.
        BookingPaid = "BOOKING_PAID",
        /// A booking was replaced by one at another time.
        BookingRescheduled = "BOOKING_RESCHEDULED",
        /// A booking waits for confirmation.
        BookingRequested = "BOOKING_REQUESTED",
        /// A booking was cancelled, or its attendee was asked to reschedule it.
        BookingCancelled = "BOOKING_CANCELLED",
        /// A pending booking was declined.
        BookingRejected = "BOOKING_REJECTED",
        /// Somebody was marked as absent, or no longer.
        BookingNoShowUpdated = "BOOKING_NO_SHOW_UPDATED",
        /// The place changed.
        BookingLocationUpdated = "BOOKING_LOCATION_UPDATED",
        /// The host changed.
        BookingReassigned = "BOOKING_REASSIGNED",
        /// A routing form was submitted.
        FormSubmitted = "FORM_SUBMITTED",
        /// A routing form was submitted and led to no event.
        FormSubmittedNoEvent = "FORM_SUBMITTED_NO_EVENT",
        /// A routing form fell back.
        RoutingFormFallbackHit = "ROUTING_FORM_FALLBACK_HIT",
        /// A meeting began; a flat body.
        MeetingStarted = "MEETING_STARTED",
        /// A meeting ended; a flat body.
        MeetingEnded = "MEETING_ENDED",
        /// A recording can be fetched.
        RecordingReady = "RECORDING_READY",
        /// A transcript can be fetched.
        RecordingTranscriptionGenerated = "RECORDING_TRANSCRIPTION_GENERATED",
        /// An instant meeting waits for a host.
        InstantMeeting = "INSTANT_MEETING",
        /// A host took an instant meeting.
        InstantMeetingAccepted = "INSTANT_MEETING_ACCEPTED",
        /// Somebody will be out of office.
        OooCreated = "OOO_CREATED",
        /// The hosts did not come to the video call.
        AfterHostsCalVideoNoShow = "AFTER_HOSTS_CAL_VIDEO_NO_SHOW",
        /// The guests did not come to the video call.
        AfterGuestsCalVideoNoShow = "AFTER_GUESTS_CAL_VIDEO_NO_SHOW",
        /// A delegated credential fails.
        DelegationCredentialError = "DELEGATION_CREDENTIAL_ERROR",
        /// A delegated credential's secret could not be rotated.
        DelegationCredentialSecretRotationFailed = "DELEGATION_CREDENTIAL_SECRET_ROTATION_FAILED",
        /// A delegated credential has to be rotated.
        DelegationCredentialRotationRequired = "DELEGATION_CREDENTIAL_ROTATION_REQUIRED",
        /// A delegated credential's secret was rotated.
        DelegationCredentialSecretRotated = "DELEGATION_CREDENTIAL_SECRET_ROTATED",
        /// An assignment was reported as wrong.
        WrongAssignmentReport = "WRONG_ASSIGNMENT_REPORT",
        /// An entry was declined in the calendar.
        CalendarEntryRejected = "CALENDAR_ENTRY_REJECTED",
        /// A test.
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
/// Serializing one writes the secret out, because the API's own form has it; `Debug` does not.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WebhookSubscription {
    /// The subscription.
    pub id: WebhookId,
    /// Where deliveries go.
    pub subscriber_url: String,
    /// Whether deliveries are sent. The hosted service turns it off when a receiver answers 410.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub active: bool,
    /// The triggers.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub triggers: Vec<Trigger>,
    /// The secret that signs deliveries; without one they are sent with the text `no-secret-provided`.
    #[serde(default, serialize_with = "expose")]
    pub secret: Option<SecretString>,
    /// The template of the body; with one, a body can be anything.
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

/// A webhook subscription to be made. `Debug` does not show the secret.
#[skip_serializing_none]
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewWebhook {
    /// Where deliveries are to go.
    pub subscriber_url: String,
    /// The triggers.
    pub triggers: Vec<Trigger>,
    /// Whether deliveries are sent.
    pub active: bool,
    /// The secret that signs deliveries.
    #[serde(serialize_with = "expose")]
    pub secret: Option<SecretString>,
    /// The template of the body. Leave it out if this crate is to read the deliveries.
    pub payload_template: Option<String>,
}

impl NewWebhook {
    /// An active subscription, signed with a secret.
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

    /// A subscription whose deliveries nobody can verify.
    pub fn unsigned(subscriber_url: impl Into<String>, triggers: impl Into<Vec<Trigger>>) -> Self {
        Self {
            subscriber_url: subscriber_url.into(),
            triggers: triggers.into(),
            active: true,
            secret: None,
            payload_template: None,
        }
    }

    /// Makes the subscription without sending deliveries yet.
    #[must_use]
    pub fn inactive(mut self) -> Self {
        self.active = false;
        self
    }

    /// Sets the template of the body. Leave it out if this crate is to read the deliveries.
    #[must_use]
    pub fn with_payload_template(mut self, template: impl Into<String>) -> Self {
        self.payload_template = Some(template.into());
        self
    }

    /// The triggers of everything that changes a booking, which the sync engine needs.
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

/// What to change about a webhook subscription. What is `None` stays as it is. `Debug` does not show the secret.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WebhookUpdate {
    /// Where deliveries are to go.
    pub subscriber_url: Option<String>,
    /// The triggers; replaces the whole list.
    pub triggers: Option<Vec<Trigger>>,
    /// Whether deliveries are sent.
    pub active: Option<bool>,
    /// The secret that signs deliveries.
    #[serde(serialize_with = "expose")]
    pub secret: Option<SecretString>,
    /// The template of the body.
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
