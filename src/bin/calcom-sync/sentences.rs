//! What happened, in sentences. Pure; contains no personal data.

use calcom::store::{
    ChangeFate, Delivery, DeliveryFate, Field, HistoryEvent, LogEvent, NoticeSource,
    OperatorAction, Origin, RecordedChange, Resolution, ReviewItem, ReviewReason, Revision, Winner,
};
use calcom::sync::{SubscriptionFinding, SyncState, WriteKind};
use chrono::{DateTime, Utc};

/// How an instant is written within a sentence.
pub(crate) type WriteTime<'a> = &'a dyn Fn(DateTime<Utc>) -> String;

/// An entry of a history.
pub(crate) fn of_event(event: &HistoryEvent, time: WriteTime<'_>) -> String {
    match event {
        HistoryEvent::Change {
            recorded, ended, ..
        } => of_change(recorded, ended.as_ref().map(|(fate, _)| fate)),
        HistoryEvent::Delivery {
            delivery, ended, ..
        } => of_delivery(delivery, ended.as_ref().map(|(fate, _)| fate)),
        HistoryEvent::Log(entry) => of_log(&entry.event, time),
        HistoryEvent::Review(item) => of_review(item),
        _ => "Something that this version does not know.".to_owned(),
    }
}

/// A change of the appointment.
pub(crate) fn of_change(recorded: &RecordedChange, fate: Option<&ChangeFate>) -> String {
    let change = &recorded.change;
    let who = match &change.origin {
        Origin::Calcom => "The sync",
        origin => of_origin(origin),
    };
    let did = if change.revision == Revision::FIRST {
        "made"
    } else {
        "changed"
    };
    let found = match change.source {
        NoticeSource::Sweep => ", which a sweep found",
        _ => "",
    };
    let ended = match fate {
        None => "it waits for a worker",
        Some(ChangeFate::Pushed) => "Cal.com has it",
        Some(ChangeFate::Agreed) => "both sides agreed already",
        Some(ChangeFate::Superseded) => "a later revision took its place",
        Some(ChangeFate::SkippedOriginCalcom) => "Cal.com has it, because it came from there",
        Some(ChangeFate::SkippedNeverBooked) => {
            "it was not sent, because the appointment ended before it was booked"
        }
        Some(ChangeFate::Overruled) => "Cal.com's change took precedence",
        Some(ChangeFate::KeptAtHost) => "it is kept here only, and the difference is accepted",
        Some(ChangeFate::InReview) => "it needs a decision",
        Some(other) => other.as_str(),
    };
    let revision = change.revision;
    format!("{who} {did} the appointment (revision {revision}){found}; {ended}.")
}

/// A webhook, or what took its place.
pub(crate) fn of_delivery(delivery: &Delivery, fate: Option<&DeliveryFate>) -> String {
    let about = match &delivery.booking {
        Some(booking) => format!(" about booking {booking}"),
        None => String::new(),
    };
    let arrived = match &delivery.source {
        NoticeSource::Webhook => format!("Webhook {}{about} arrived", delivery.trigger),
        NoticeSource::Sweep => match &delivery.booking {
            Some(booking) => format!(
                "A comparison of both sides found that booking {booking} is to be looked at"
            ),
            None => "A comparison of both sides found something to look at".to_owned(),
        },
        NoticeSource::Seats => format!("News of the other seats{about} was passed on"),
        other => format!("Notice from {other}{about} arrived"),
    };
    let ended = match fate {
        None => "it waits for a worker",
        Some(DeliveryFate::Applied) => "it was applied to the appointment",
        Some(DeliveryFate::Agreed) => "both sides agreed already",
        Some(DeliveryFate::Contradicted) => "Cal.com never showed what it claims",
        Some(DeliveryFate::Overruled) => "our change took precedence",
        Some(DeliveryFate::InReview) => "it needs a decision",
        Some(DeliveryFate::IgnoredTrigger) => "it was ignored, because it changes no booking",
        Some(DeliveryFate::IgnoredUnknownTrigger) => {
            "it was ignored, because its trigger is unknown"
        }
        Some(DeliveryFate::IgnoredTemplate) => {
            "it was ignored, because a payload template made its body"
        }
        Some(DeliveryFate::IgnoredNoBooking) => "it was ignored, because it names no booking",
        Some(DeliveryFate::IgnoredEnded) => "it was ignored, because the booking had ended before",
        Some(DeliveryFate::IgnoredNotSynced) => {
            "it was ignored, because its event type is not synced"
        }
        Some(DeliveryFate::RefusedForeign) => {
            "it was refused, because the booking belongs to somebody else"
        }
        Some(other) => other.as_str(),
    };
    format!("{arrived}; {ended}.")
}

/// A line of the sync log.
pub(crate) fn of_log(event: &LogEvent, time: WriteTime<'_>) -> String {
    match event {
        LogEvent::BookingCreated {
            booking, origin, ..
        } => {
            let who = of_origin(origin);
            format!("{who} took the appointment, and booking {booking} was made at Cal.com.")
        }
        LogEvent::BookingAdopted { booking, .. } => {
            format!("An earlier attempt had succeeded after all: booking {booking} is there.")
        }
        LogEvent::BookingRescheduled { from, to, .. } => {
            format!("Booking {from} was moved at Cal.com; its successor is {to}.")
        }
        LogEvent::BookingReplaced { from, to, .. } => {
            format!("Booking {to} was made at Cal.com in the place of {from}.")
        }
        LogEvent::RebookingUndone { from, to, .. } => format!(
            "The replacement of booking {from} could not be booked, so that it was booked again as {to}."
        ),
        LogEvent::BookingCancelled { booking, .. } => {
            format!("Booking {booking} was cancelled at Cal.com.")
        }
        LogEvent::BookingAmended { booking, field, .. } => {
            let field = of_field(*field);
            format!("Booking {booking} was changed at Cal.com: {field}.")
        }
        LogEvent::AppointmentCreated { booking, .. } => {
            format!("The appointment was made here for booking {booking}.")
        }
        LogEvent::AppointmentUpdated { booking, .. } => match booking {
            Some(booking) => {
                format!("The appointment was changed here to what booking {booking} says.")
            }
            None => "The appointment was changed here to what Cal.com says.".to_owned(),
        },
        LogEvent::SkippedOriginCalcom => {
            "Nothing was sent to Cal.com, because the change came from there.".to_owned()
        }
        LogEvent::SkippedNeverBooked => {
            "Nothing was sent to Cal.com, because the appointment ended before it was booked."
                .to_owned()
        }
        LogEvent::NothingToDo { .. } => "Both sides were compared and agree.".to_owned(),
        LogEvent::BaseMoved => "Both sides had made the same change.".to_owned(),
        LogEvent::ConflictDecided { winner, .. } => match winner {
            Winner::Local => {
                "Both sides had changed; by policy, the appointment's change counts.".to_owned()
            }
            Winner::Remote => {
                "Both sides had changed; by policy, Cal.com's change counts.".to_owned()
            }
        },
        LogEvent::NotThereYet {
            booking, again_at, ..
        } => format!(
            "Cal.com does not show yet what a webhook says about booking {booking}; it is read again at {}.",
            time(*again_at)
        ),
        LogEvent::Contradicted { booking, .. } => {
            format!("Cal.com never showed what a webhook said about booking {booking}.")
        }
        LogEvent::FoundBySweep { booking, .. } => format!(
            "The change of booking {booking} was found by comparing both sides: no webhook had told of it."
        ),
        LogEvent::DifferenceAccepted => {
            "The difference between both sides was accepted.".to_owned()
        }
        LogEvent::LateBookingCancelled { booking, .. } => format!(
            "Booking {booking} came about too late to be wanted, and was cancelled at Cal.com."
        ),
        LogEvent::IgnoredNotSynced { booking, .. } => {
            format!("Booking {booking} was ignored: its event type is not synced.")
        }
        LogEvent::IgnoredEnded { booking, .. } => {
            format!("Booking {booking} was ignored: it had ended before it was known here.")
        }
        LogEvent::RetryScheduled {
            at,
            attempts,
            error,
            ..
        } => format!(
            "Attempt {attempts} failed: {}; the next one is at {}.",
            error.trim_end_matches('.'),
            time(*at)
        ),
        LogEvent::Postponed { until, .. } => {
            format!("All work of the tenant is held until {}.", time(*until))
        }
        LogEvent::SentToReview { reason, .. } => {
            format!("It needs a decision: {}.", of_reason(reason))
        }
        LogEvent::ReviewResolved {
            reason,
            resolution,
            by,
            ..
        } => match resolution {
            Resolution::Settled => format!(
                "The review item was closed by itself, because its cause is gone ({}).",
                of_reason(reason)
            ),
            resolution => format!(
                "{by} decided: {} ({}).",
                of_resolution(resolution, time),
                of_reason(reason)
            ),
        },
        LogEvent::InstructionEnded {
            resolution,
            outcome,
            ..
        } => format!(
            "The decision to {} ended: {}.",
            of_resolution(resolution, time),
            outcome.trim_end_matches('.')
        ),
        LogEvent::TenantPaused => "The tenant's work was paused.".to_owned(),
        LogEvent::Operated {
            action,
            by,
            outcome,
            ..
        } => {
            let did = of_action(action);
            match outcome.trim() {
                "" => format!("{by} {did}."),
                outcome => format!("{by} {did}: {}.", outcome.trim_end_matches('.')),
            }
        }
        _ => "Something that this version does not know.".to_owned(),
    }
}

/// A review item within a history, at the time when it was opened. Its decision is a line of the log.
pub(crate) fn of_review(item: &ReviewItem) -> String {
    let reason = of_reason(&item.reason);
    let id = item.id;
    match &item.resolved {
        None => format!("Review item {id} was opened, and is still open: {reason}."),
        Some(_) => format!("Review item {id} was opened, and is resolved by now: {reason}."),
    }
}

/// Who made a change, at the beginning of a sentence.
pub(crate) fn of_origin(origin: &Origin) -> &str {
    match origin {
        Origin::Calcom => "Cal.com",
        Origin::Admin => "Staff",
        Origin::Phone => "A phone agent",
        Origin::Api => "A program",
        Origin::System => "The application",
        other => other.as_str(),
    }
}

/// What an operator did, after the name.
pub(crate) fn of_action(action: &OperatorAction) -> &str {
    match action {
        OperatorAction::Pause => "paused the tenant",
        OperatorAction::Resume => "resumed the tenant",
        OperatorAction::Resync => "had the appointment compared anew",
        OperatorAction::Cancel => "cancelled the appointment",
        OperatorAction::CheckDrift => "looked for drift",
        OperatorAction::RepairDrift => "repaired drift",
        OperatorAction::SyncServices => "synced services",
        OperatorAction::RepairSubscription => "repaired the webhook subscription",
        OperatorAction::TestWebhook => "tested the webhook",
        OperatorAction::Rebuild => "rebuilt the books",
        OperatorAction::ErasePerson => "erased a person's data",
        OperatorAction::Book => "took the appointment",
        OperatorAction::Move => "moved the appointment",
        OperatorAction::Prune => "deleted old records",
        OperatorAction::SetUpAgent => "changed the settings of the agent",
        OperatorAction::PushAgent => "pushed to the agent",
        OperatorAction::TestAgent => "tested the agent",
        other => other.as_str(),
    }
}

/// Why something needs a decision, without a full stop.
pub(crate) fn of_reason(reason: &ReviewReason) -> &str {
    match reason {
        ReviewReason::Conflict => "both sides were changed, differently",
        ReviewReason::RetriesExhausted => "Cal.com failed on every attempt",
        ReviewReason::Rejected => "Cal.com refuses the request",
        ReviewReason::SlotTaken => "the slot is taken at Cal.com",
        ReviewReason::AnotherBooking => "Cal.com answered with another booking",
        ReviewReason::TwoLiveBookings => "the appointment has two live bookings",
        ReviewReason::NotExpressible => "Cal.com cannot take the change",
        ReviewReason::RequiredFieldMissing => "the event type requires an answer that is missing",
        ReviewReason::ForeignEventType => "the event type is none of the tenant's",
        ReviewReason::BookingMissing => "the booking is gone at Cal.com",
        ReviewReason::AppointmentMissing => "the appointment is gone here",
        ReviewReason::RevisionMissing => "a recorded change never became visible here",
        ReviewReason::ForeignBooking => "a webhook named somebody else's booking",
        ReviewReason::UnknownStatus => "the booking has an unknown status",
        ReviewReason::SeatedBooking => "the booking has no attendee",
        ReviewReason::RemoteEnded => "the booking has ended, and the appointment was changed",
        ReviewReason::OriginContradicted => "Cal.com holds another state than was said",
        ReviewReason::LinkLost => "it is unknown to which booking the appointment belongs",
        ReviewReason::CredentialsRefused => "Cal.com refuses the API key",
        ReviewReason::PausedByPerson => "somebody has paused the work",
        ReviewReason::TenantUnreadable => "the tenant's settings cannot be read",
        ReviewReason::HostRefused => "the database of the appointments refused",
        ReviewReason::HostUnavailable => "the database of the appointments did not answer",
        ReviewReason::WorkFailed => "the work itself broke down every time",
        ReviewReason::Undecodable => "the stored state cannot be read",
        ReviewReason::HandlerFailed => "the handler of another sender's event failed",
        other => other.as_str(),
    }
}

/// A decision, after "to".
pub(crate) fn of_resolution(resolution: &Resolution, time: WriteTime<'_>) -> String {
    let plain = match resolution {
        Resolution::Retry => "try again",
        Resolution::TakeRemote => "take what Cal.com says",
        Resolution::ForceLocal => "bring Cal.com to what the appointment says",
        Resolution::AcceptDifference => "accept the difference",
        Resolution::Rebook { start, .. } => return format!("rebook for {}", time(*start)),
        Resolution::Dismiss => "dismiss it",
        Resolution::Settled => "settle it",
        other => other.as_str(),
    };
    plain.to_owned()
}

/// How an appointment and its booking stand to each other.
pub(crate) fn of_state(state: SyncState) -> &'static str {
    match state {
        SyncState::Unknown => "nothing is known of it",
        SyncState::InReview => "it needs a decision",
        SyncState::Dismissed => {
            "its review item was dismissed, and nothing is done until either side changes"
        }
        SyncState::Paused => "it waits, because the tenant's work is paused",
        SyncState::Working => "a worker is at it",
        SyncState::Retrying => "the last attempt failed, and another one is planned",
        SyncState::Waiting => "it waits for a worker",
        SyncState::Skipped => "nothing is to be sent to Cal.com",
        SyncState::InSync => "both sides agree",
        _ => "its state is unknown to this version",
    }
}

/// The word for a state in JSON.
pub(crate) fn state_word(state: SyncState) -> &'static str {
    match state {
        SyncState::Unknown => "unknown",
        SyncState::InReview => "in_review",
        SyncState::Dismissed => "dismissed",
        SyncState::Paused => "paused",
        SyncState::Working => "working",
        SyncState::Retrying => "retrying",
        SyncState::Waiting => "waiting",
        SyncState::Skipped => "skipped",
        SyncState::InSync => "in_sync",
        _ => "other",
    }
}

/// A write to Cal.com that is under way.
pub(crate) fn of_write(kind: WriteKind) -> &'static str {
    match kind {
        WriteKind::Create => "the creation of a booking",
        WriteKind::Reschedule => "the move of a booking",
        WriteKind::Cancel => "the cancellation of a booking",
        WriteKind::Amend => "the change of a booking",
        _ => "a write",
    }
}

/// A compared field.
pub(crate) fn of_field(field: Field) -> &'static str {
    match field {
        Field::Status => "status",
        Field::Start => "start",
        Field::Length => "length",
        Field::EventType => "event type",
        Field::Email => "e-mail",
        Field::Name => "name",
        Field::Host => "host",
        Field::Location => "location",
        Field::Guests => "guests",
        Field::Notes => "notes",
        Field::Absent => "absent",
        Field::Responses => "answers",
        Field::Metadata => "metadata",
        _ => "another field",
    }
}

/// What is wrong with a webhook subscription: the word in JSON, and a sentence.
pub(crate) fn of_subscription(finding: &SubscriptionFinding) -> (&'static str, String) {
    match finding {
        SubscriptionFinding::Missing => (
            "missing",
            "No subscription at Cal.com goes to our address, so that nothing is heard from there."
                .to_owned(),
        ),
        SubscriptionFinding::Inactive { id, .. } => (
            "inactive",
            format!("Subscription {id} is switched off."),
        ),
        SubscriptionFinding::MissingTriggers { id, triggers, .. } => (
            "missing_triggers",
            format!("Subscription {id} lacks the triggers {}.", listed(triggers)),
        ),
        SubscriptionFinding::MissingNewerTriggers { id, triggers, .. } => (
            "missing_newer_triggers",
            format!(
                "Subscription {id} lacks the triggers {}, which only newer servers know. On an older one that does no harm; a repair finds out.",
                listed(triggers)
            ),
        ),
        SubscriptionFinding::Unsigned { id, .. } => (
            "unsigned",
            format!("Subscription {id} has no secret, so that its webhooks are refused here."),
        ),
        SubscriptionFinding::OtherSecret { id, .. } => (
            "other_secret",
            format!("Subscription {id} has another secret, so that its webhooks are refused here."),
        ),
        SubscriptionFinding::Template { id, .. } => (
            "template",
            format!(
                "Subscription {id} has a payload template, so that its webhooks cannot be read. Remove it in Cal.com's settings; a repair does not."
            ),
        ),
        SubscriptionFinding::Duplicate { id, .. } => (
            "duplicate",
            format!(
                "Subscription {id} goes to our address, too, so that webhooks come twice. That does no harm; delete it in Cal.com's settings."
            ),
        ),
        SubscriptionFinding::NoSecretHere => (
            "no_secret_here",
            "No webhook secret is configured here, so that every webhook is refused. Set webhook_secrets, or CALCOM_WEBHOOK_SECRET."
                .to_owned(),
        ),
        _ => (
            "other",
            "Something is wrong that this version does not know.".to_owned(),
        ),
    }
}

fn listed<T: ToString>(things: &[T]) -> String {
    let words: Vec<String> = things.iter().map(ToString::to_string).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use calcom::store::{Change, TenantId};

    use super::*;

    fn time(at: DateTime<Utc>) -> String {
        at.to_rfc3339()
    }

    #[test]
    fn every_known_word_has_a_sentence_of_its_own() {
        for reason in ReviewReason::KNOWN {
            let told = of_reason(reason);
            assert!(told.contains(' '), "{reason}");
        }
        for action in OperatorAction::KNOWN {
            assert!(of_action(action).contains(' '), "{action}");
        }
        let change = Change::new(
            TenantId::new("salon"),
            "a-1".into(),
            Revision::new(2),
            Origin::Phone,
            DateTime::UNIX_EPOCH,
        );
        let recorded = RecordedChange::new(1.into(), change);
        for fate in ChangeFate::KNOWN {
            let told = of_change(&recorded, Some(fate));
            assert!(
                !told.contains(fate.as_str()) || !fate.as_str().contains('_'),
                "{told}"
            );
        }
        let delivery = Delivery::new(1.into(), "BOOKING_CREATED", None, DateTime::UNIX_EPOCH);
        for fate in DeliveryFate::KNOWN {
            let told = of_delivery(&delivery, Some(fate));
            assert!(
                !told.contains(fate.as_str()) || !fate.as_str().contains('_'),
                "{told}"
            );
        }
    }

    #[test]
    fn sentences_end_with_one_full_stop() {
        let paused = LogEvent::operated(OperatorAction::Pause, "ann", "Holiday.");
        assert_eq!(of_log(&paused, &time), "ann paused the tenant: Holiday.");
        let silent = LogEvent::operated(OperatorAction::Resume, "ann", "");
        assert_eq!(of_log(&silent, &time), "ann resumed the tenant.");
    }

    #[test]
    fn a_change_says_who_made_it_and_how_it_ended() {
        let change = Change::new(
            TenantId::new("salon"),
            "a-1".into(),
            Revision::FIRST,
            Origin::Phone,
            DateTime::UNIX_EPOCH,
        );
        let recorded = RecordedChange::new(1.into(), change);
        assert_eq!(
            of_change(&recorded, None),
            "A phone agent made the appointment (revision 1); it waits for a worker."
        );
    }
}
