//! What happened and how things stand, in words. One sentence for each event, wherever it is shown.

use super::desk::Visit;
use super::icons::Icon;
use super::times;
use crate::model::{BookingUid, clean_line};
use crate::store::{
    ChangeFate, DeliveryFate, Field, LogEvent, NoticeSource, OperatorAction, Origin, Resolution,
    ReviewReason, Winner,
};
use crate::sync::SyncState;

/// How good something is. It is shown as a colour, with an icon and a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Busy,
    Warn,
    Bad,
    Calm,
}

impl Tone {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Busy => "busy",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Calm => "calm",
        }
    }
}

/// The states of an appointment, with the words of queries and of the page.
pub(super) const STATES: [(SyncState, &str, &str, Tone, Icon); 9] = [
    (
        SyncState::InSync,
        "in_sync",
        "In sync",
        Tone::Good,
        Icon::Check,
    ),
    (
        SyncState::Waiting,
        "waiting",
        "Waiting",
        Tone::Busy,
        Icon::Clock,
    ),
    (
        SyncState::Working,
        "working",
        "In progress",
        Tone::Busy,
        Icon::Play,
    ),
    (
        SyncState::Retrying,
        "retrying",
        "Retrying",
        Tone::Warn,
        Icon::Retry,
    ),
    (
        SyncState::InReview,
        "in_review",
        "Needs a person",
        Tone::Bad,
        Icon::Alert,
    ),
    (
        SyncState::Dismissed,
        "dismissed",
        "Dismissed",
        Tone::Warn,
        Icon::Dash,
    ),
    (
        SyncState::Paused,
        "paused",
        "Paused",
        Tone::Warn,
        Icon::Pause,
    ),
    (
        SyncState::Skipped,
        "skipped",
        "Nothing to push",
        Tone::Calm,
        Icon::Dash,
    ),
    (
        SyncState::Unknown,
        "unknown",
        "Not recorded",
        Tone::Calm,
        Icon::Dash,
    ),
];

pub(super) fn state_of_word(word: &str) -> Option<SyncState> {
    let found = STATES.iter().find(|(_, known, ..)| *known == word);
    found.map(|(state, ..)| *state)
}

pub(super) fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Calcom => "Cal.com".to_owned(),
        Origin::Admin => "Admin".to_owned(),
        Origin::Phone => "Phone".to_owned(),
        Origin::Api => "API".to_owned(),
        Origin::System => "System".to_owned(),
        other => clean_line(other.as_str()).into_owned(),
    }
}

pub(super) fn source(source: &NoticeSource) -> String {
    match source {
        NoticeSource::Host => "Host".to_owned(),
        NoticeSource::Webhook => "Webhook".to_owned(),
        NoticeSource::Sweep => "Sweep".to_owned(),
        NoticeSource::Seats => "Seats".to_owned(),
        other => clean_line(other.as_str()).into_owned(),
    }
}

/// How work has ended, as charts and tables count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Waiting,
    Well,
    Review,
    Nothing,
}

impl Ending {
    pub(super) fn of_change(fate: Option<&ChangeFate>) -> Self {
        match fate {
            None => Self::Waiting,
            Some(
                ChangeFate::Pushed
                | ChangeFate::Agreed
                | ChangeFate::Overruled
                | ChangeFate::KeptAtHost,
            ) => Self::Well,
            Some(ChangeFate::InReview) => Self::Review,
            Some(_) => Self::Nothing,
        }
    }

    pub(super) fn of_delivery(fate: Option<&DeliveryFate>) -> Self {
        match fate {
            None => Self::Waiting,
            Some(DeliveryFate::Applied | DeliveryFate::Agreed | DeliveryFate::Overruled) => {
                Self::Well
            }
            Some(
                DeliveryFate::InReview | DeliveryFate::Contradicted | DeliveryFate::RefusedForeign,
            ) => Self::Review,
            Some(_) => Self::Nothing,
        }
    }
}

pub(super) fn change_fate(fate: &ChangeFate) -> String {
    let words = match fate {
        ChangeFate::Pushed => "Written to Cal.com.",
        ChangeFate::Agreed => "Both sides already agreed.",
        ChangeFate::Superseded => "A later change took its place.",
        ChangeFate::SkippedOriginCalcom => "Not pushed: it came from Cal.com.",
        ChangeFate::SkippedNeverBooked => "Not pushed: it ended before it was ever booked.",
        ChangeFate::Overruled => "Cal.com's change took precedence.",
        ChangeFate::KeptAtHost => "Kept here: Cal.com cannot represent it.",
        ChangeFate::InReview => "Needs a person.",
        other => return clean_line(other.as_str()).into_owned(),
    };
    words.to_owned()
}

pub(super) fn delivery_fate(fate: &DeliveryFate) -> String {
    let words = match fate {
        DeliveryFate::Applied => "Applied to the appointment.",
        DeliveryFate::Agreed => "Both sides already agreed.",
        DeliveryFate::Contradicted => "Cal.com never showed what it claims.",
        DeliveryFate::Overruled => "The host's change took precedence.",
        DeliveryFate::InReview => "Needs a person.",
        DeliveryFate::IgnoredTrigger => "Ignored: it is not about a booking's state.",
        DeliveryFate::IgnoredUnknownTrigger => "Ignored: its trigger is unknown.",
        DeliveryFate::IgnoredTemplate => "Ignored: a payload template has made it unreadable.",
        DeliveryFate::IgnoredNoBooking => "Ignored: it names no booking.",
        DeliveryFate::IgnoredEnded => "Ignored: the booking had ended before the host knew of it.",
        DeliveryFate::IgnoredNotSynced => "Ignored: the event type is not synced.",
        DeliveryFate::RefusedForeign => "Refused: the booking is another tenant's.",
        other => return clean_line(other.as_str()).into_owned(),
    };
    words.to_owned()
}

pub(super) fn field(field: Field) -> &'static str {
    match field {
        Field::Status => "Status",
        Field::Start => "Start",
        Field::Length => "Length",
        Field::EventType => "Event type",
        Field::Email => "E-mail address",
        Field::Name => "Name",
        Field::Host => "Member of staff",
        Field::Location => "Location",
        Field::Guests => "Guests",
        Field::Notes => "Notes",
        Field::Absent => "Did not come",
        Field::Responses => "Answers",
        Field::Metadata => "Metadata",
    }
}

pub(super) fn reason(reason: &ReviewReason) -> String {
    let words = match reason {
        ReviewReason::Conflict => "Both sides changed",
        ReviewReason::RetriesExhausted => "Cal.com was unreachable",
        ReviewReason::Rejected => "Cal.com refused",
        ReviewReason::SlotTaken => "Slot taken",
        ReviewReason::AnotherBooking => "Another booking answered",
        ReviewReason::TwoLiveBookings => "Two live bookings",
        ReviewReason::NotExpressible => "Cannot be expressed at Cal.com",
        ReviewReason::RequiredFieldMissing => "A required answer is missing",
        ReviewReason::ForeignEventType => "Event type of somebody else",
        ReviewReason::BookingMissing => "Booking is gone",
        ReviewReason::AppointmentMissing => "Appointment is gone",
        ReviewReason::RevisionMissing => "Revision never became visible",
        ReviewReason::ForeignBooking => "Booking of somebody else",
        ReviewReason::UnknownStatus => "Unknown status",
        ReviewReason::SeatedBooking => "Booking without attendee",
        ReviewReason::RemoteEnded => "Booking has ended",
        ReviewReason::OriginContradicted => "Origin contradicted",
        ReviewReason::LinkLost => "Link is lost",
        ReviewReason::CredentialsRefused => "Credentials refused",
        ReviewReason::PausedByPerson => "Paused by a person",
        ReviewReason::TenantUnreadable => "Tenant cannot be read",
        ReviewReason::HostRefused => "Host application refused",
        ReviewReason::HostUnavailable => "Host application was unreachable",
        ReviewReason::WorkFailed => "The work itself failed",
        ReviewReason::Undecodable => "Books cannot be read",
        ReviewReason::HandlerFailed => "Handler of another sender's event failed",
        other => return clean_line(other.as_str()).into_owned(),
    };
    words.to_owned()
}

pub(super) fn resolution(resolution: &Resolution) -> &'static str {
    match resolution {
        Resolution::Retry => "Look again and retry",
        Resolution::TakeRemote => "Take Cal.com's state",
        Resolution::ForceLocal => "Force the appointment's state",
        Resolution::AcceptDifference => "Accept the difference",
        Resolution::Rebook { .. } => "Book another slot",
        Resolution::Dismiss => "Dismiss",
        Resolution::Settled => "Closed by itself",
    }
}

pub(super) fn action(action: &OperatorAction) -> String {
    let words = match action {
        OperatorAction::Pause => "Paused the sync",
        OperatorAction::Resume => "Resumed the sync",
        OperatorAction::Resync => "Resync",
        OperatorAction::Book => "New appointment",
        OperatorAction::Move => "Move of an appointment",
        OperatorAction::Cancel => "Cancellation",
        OperatorAction::CheckDrift => "Drift check",
        OperatorAction::RepairDrift => "Drift repair",
        OperatorAction::SyncServices => "Sync of services",
        OperatorAction::RepairSubscription => "Repair of the subscription",
        OperatorAction::TestWebhook => "Test of the webhook",
        OperatorAction::Rebuild => "Rebuild",
        OperatorAction::ErasePerson => "Erasure of a person",
        OperatorAction::Prune => "Deletion of old records",
        OperatorAction::SetUpAgent => "Settings of the agent",
        OperatorAction::PushAgent => "Push to the agent",
        OperatorAction::TestAgent => "Test of the agent",
        other => return clean_line(other.as_str()).into_owned(),
    };
    words.to_owned()
}

/// What happened, in a sentence.
pub(super) fn sentence(visit: &Visit, event: &LogEvent) -> String {
    let uid = |booking: &BookingUid| clean_line(booking.as_str()).into_owned();
    let when = |at| times::sentence(visit, at);
    match event {
        LogEvent::BookingCreated { booking, .. } => {
            format!("Booked at Cal.com as {}.", uid(booking))
        }
        LogEvent::BookingAdopted { booking } => format!(
            "A write without an answer had succeeded: booking {} was adopted.",
            uid(booking)
        ),
        LogEvent::BookingRescheduled { from, to, .. } => {
            format!("Moved at Cal.com: {} replaces {}.", uid(to), uid(from))
        }
        LogEvent::BookingReplaced { from, to, .. } => format!(
            "Booked anew at Cal.com: {} takes the place of {}.",
            uid(to),
            uid(from)
        ),
        LogEvent::RebookingUndone { from, to } => format!(
            "The replacement could not be booked, so {} was booked again as {}.",
            uid(from),
            uid(to)
        ),
        LogEvent::BookingCancelled { booking, .. } => {
            format!("Cancelled booking {} at Cal.com.", uid(booking))
        }
        LogEvent::BookingAmended {
            booking,
            field: changed,
            ..
        } => format!(
            "Changed at Cal.com, in place: {} of booking {}.",
            field(*changed).to_lowercase(),
            uid(booking)
        ),
        LogEvent::AppointmentCreated { booking } => {
            format!("Created the appointment for booking {}.", uid(booking))
        }
        LogEvent::AppointmentUpdated {
            booking: Some(booking),
        } => {
            format!("Updated the appointment to booking {}.", uid(booking))
        }
        LogEvent::AppointmentUpdated { booking: None } => {
            "Updated the appointment to Cal.com's state.".to_owned()
        }
        LogEvent::SkippedOriginCalcom => "Not pushed: the change came from Cal.com.".to_owned(),
        LogEvent::SkippedNeverBooked => {
            "Not pushed: the appointment ended before it was ever booked.".to_owned()
        }
        LogEvent::NothingToDo {
            changes,
            deliveries,
        } => {
            let looked = [
                (*changes > 0).then(|| count(*changes as u64, "change", "changes")),
                (*deliveries > 0).then(|| count(*deliveries as u64, "webhook", "webhooks")),
            ];
            let looked: Vec<String> = looked.into_iter().flatten().collect();
            match looked.join(" and ") {
                none if none.is_empty() => "Looked: both sides already agreed.".to_owned(),
                looked => format!("Looked because of {looked}: both sides already agreed."),
            }
        }
        LogEvent::BaseMoved => "Both sides had made the same change.".to_owned(),
        LogEvent::ConflictDecided { winner } => {
            let whose = match winner {
                Winner::Local => "the host's",
                Winner::Remote => "Cal.com's",
            };
            format!(
                "Both sides had changed, differently; by the tenant's policy, {whose} change prevails."
            )
        }
        LogEvent::NotThereYet {
            booking,
            looks,
            again_at,
        } => format!(
            "Cal.com does not show yet what was claimed of booking {} ({}); looking again at {}.",
            uid(booking),
            count(u64::from(*looks), "look", "looks"),
            when(*again_at)
        ),
        LogEvent::Contradicted { booking } => format!(
            "Cal.com never showed what was claimed of booking {}.",
            uid(booking)
        ),
        LogEvent::FoundBySweep { booking } => format!(
            "A sweep had found the change of booking {}: no webhook told of it.",
            uid(booking)
        ),
        LogEvent::DifferenceAccepted => "The difference was accepted.".to_owned(),
        LogEvent::LateBookingCancelled { booking } => format!(
            "Booking {} of ours was made too late to be wanted, and was cancelled.",
            uid(booking)
        ),
        LogEvent::IgnoredNotSynced { booking } => format!(
            "Ignored booking {}: its event type is not synced for this tenant.",
            uid(booking)
        ),
        LogEvent::IgnoredEnded { booking } => format!(
            "Ignored booking {}: it had ended before the host knew of it.",
            uid(booking)
        ),
        LogEvent::RetryScheduled {
            at,
            attempts,
            error,
        } => format!(
            "Attempt {attempts} failed ({}); the next one is at {}.",
            clean_line(error).trim_end_matches('.'),
            when(*at)
        ),
        LogEvent::Postponed { until } => {
            format!("All of the tenant's work waits until {}.", when(*until))
        }
        LogEvent::SentToReview { reason: why } => {
            format!("Sent to review: {}.", lower_first(&reason(why)))
        }
        LogEvent::ReviewResolved {
            reason: why,
            resolution: how,
            by,
        } => match how {
            Resolution::Settled => format!(
                "The review item closed by itself: {}.",
                lower_first(&reason(why))
            ),
            Resolution::Rebook { start } => format!(
                "{} resolved the review item “{}”: book another slot, {}.",
                clean_line(by),
                reason(why),
                when(*start)
            ),
            how => format!(
                "{} resolved the review item “{}”: {}.",
                clean_line(by),
                reason(why),
                lower_first(resolution(how))
            ),
        },
        LogEvent::InstructionEnded {
            resolution: how,
            outcome,
        } => format!(
            "Carried out “{}”: {}",
            lower_first(resolution(how)),
            clean_line(outcome)
        ),
        LogEvent::TenantPaused => "The tenant's work was paused.".to_owned(),
        LogEvent::Operated {
            action: done,
            by,
            outcome,
        } => format!(
            "{} by {}. {}",
            action(done),
            clean_line(by),
            clean_line(outcome)
        ),
    }
}

/// A number and its noun.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    let noun = if number == 1 { one } else { many };
    format!("{number} {noun}")
}

/// The text with a small first letter, for the middle of a sentence; names keep theirs.
pub(super) fn lower_first(text: &str) -> String {
    if text.starts_with("Cal.com") {
        return text.to_owned();
    }
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_word_has_a_sentence_of_its_own() {
        let reasons = ReviewReason::KNOWN
            .iter()
            .map(|one| (one.as_str(), reason(one)));
        let actions = OperatorAction::KNOWN
            .iter()
            .map(|one| (one.as_str(), action(one)));
        let changes = ChangeFate::KNOWN
            .iter()
            .map(|one| (one.as_str(), change_fate(one)));
        let deliveries = DeliveryFate::KNOWN
            .iter()
            .map(|one| (one.as_str(), delivery_fate(one)));
        for (word, words) in reasons.chain(actions).chain(changes).chain(deliveries) {
            assert_ne!(word, words);
        }
    }
}
