//! What a mail says: counts in its subject, and one line for each event. No personal data.

use std::fmt::Write as _;

use calcom::store::ReviewReason;
use calcom::sync::{Notification, NotificationEvent};
use url::Url;

use super::digest::Batch;

pub(super) fn subject(batch: &Batch) -> String {
    let count = |wanted: &dyn Fn(&NotificationEvent) -> bool| {
        let all = batch.notifications.iter();
        all.filter(|notification| wanted(&notification.event))
            .count()
    };
    let reviews = count(&|event| matches!(event, NotificationEvent::ReviewOpened { .. }));
    let paused = count(&|event| matches!(event, NotificationEvent::TenantPaused { .. }));
    let silent = count(&|event| matches!(event, NotificationEvent::WebhookSilent { .. }));
    let named = u64::try_from(reviews + paused + silent).unwrap_or(u64::MAX);
    let all = u64::try_from(batch.notifications.len()).unwrap_or(u64::MAX) + batch.left_out;
    let others = all.saturating_sub(named);
    let mut parts = Vec::new();
    if paused > 0 {
        parts.push(format!("{paused} stopped"));
    }
    if silent > 0 {
        parts.push(format!("{silent} without webhooks"));
    }
    match reviews {
        0 => {}
        1 => parts.push("1 item needs a decision".to_owned()),
        count => parts.push(format!("{count} items need a decision")),
    }
    match others {
        0 => {}
        count if parts.is_empty() => {
            let events = if count == 1 { "event" } else { "events" };
            parts.push(format!("{count} {events}"));
        }
        count => parts.push(format!("{count} more")),
    }
    format!("Calendar sync: {}", parts.join(", "))
}

pub(super) fn body(batch: &Batch, page: Option<&Url>) -> String {
    let mut text = String::new();
    for notification in &batch.notifications {
        let at = notification.at.format("%Y-%m-%d %H:%M UTC");
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{at}  {}: {}.",
            notification.tenant,
            told(notification)
        );
    }
    if batch.left_out > 0 {
        let _ = writeln!(
            text,
            "… and {} more that are not listed here.",
            batch.left_out
        );
    }
    text.push_str("\nWhat needs a decision is shown by `calcom-sync reviews list`");
    match page {
        Some(page) => {
            let _ = writeln!(text, ", and at {page}.");
        }
        None => text.push_str(".\n"),
    }
    text
}

fn told(notification: &Notification) -> String {
    match &notification.event {
        NotificationEvent::ReviewOpened {
            review,
            reason,
            appointment,
            ..
        } => {
            let about = match appointment {
                Some(appointment) => format!(" (appointment {appointment})"),
                None => String::new(),
            };
            format!(
                "item {review} needs a decision: {}{about}",
                reason_told(reason)
            )
        }
        NotificationEvent::TenantPaused { .. } => {
            "Cal.com refuses the API key, and nothing is synced until it is replaced".to_owned()
        }
        NotificationEvent::TenantResumed => "the sync goes on".to_owned(),
        NotificationEvent::WebhookSilent {
            seconds,
            found_by_sweep,
            ..
        } => format!(
            "no webhook came for {} min, although {found_by_sweep} bookings changed",
            seconds / 60
        ),
        NotificationEvent::WebhookHeard => "webhooks come again".to_owned(),
        NotificationEvent::Digest { since, counts, .. } => {
            let mut parts = Vec::new();
            for count in counts {
                let what = match &count.reason {
                    Some(reason) => reason_told(reason),
                    None => count.event.replace('_', " "),
                };
                parts.push(format!("{} times: {what}", count.count));
            }
            format!("since {}: {}", since.format("%H:%M UTC"), parts.join("; "))
        }
        other => other.as_str().replace('_', " "),
    }
}

fn reason_told(reason: &ReviewReason) -> String {
    let text = match reason {
        ReviewReason::Conflict => "both sides changed the appointment",
        ReviewReason::RetriesExhausted => "Cal.com could not be reached",
        ReviewReason::Rejected => "Cal.com refuses the appointment",
        ReviewReason::SlotTaken => "the time is taken at Cal.com",
        ReviewReason::TwoLiveBookings => "the appointment has two bookings at Cal.com",
        ReviewReason::NotExpressible => "the change cannot be made at Cal.com",
        ReviewReason::ForeignEventType => "the event type is not the tenant's",
        ReviewReason::BookingMissing => "the booking is gone from Cal.com",
        ReviewReason::AppointmentMissing => "the appointment is gone",
        ReviewReason::CredentialsRefused => "Cal.com refuses the API key",
        ReviewReason::RemoteEnded => "it was cancelled at Cal.com and changed here",
        other => return other.as_str().replace('_', " "),
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn batch(events: &[serde_json::Value]) -> Batch {
        let of = |event: &serde_json::Value| {
            let mut whole = json!({"tenant": "salon", "at": "2026-12-01T09:00:00Z"});
            let event = event.as_object().unwrap().clone();
            whole.as_object_mut().unwrap().extend(event);
            serde_json::from_value(whole).unwrap()
        };
        Batch {
            notifications: events.iter().map(of).collect(),
            left_out: 0,
        }
    }

    #[test]
    fn the_subject_counts_and_the_body_has_a_line_for_each() {
        let mut batch = batch(&[
            json!({"event": "review_opened", "review": 12, "reason": "conflict", "appointment": "a-1"}),
            json!({"event": "review_opened", "review": 13, "reason": "slot_taken"}),
            json!({"event": "tenant_paused"}),
            json!({"event": "webhook_heard"}),
        ]);
        assert_eq!(
            subject(&batch),
            "Calendar sync: 1 stopped, 2 items need a decision, 1 more"
        );
        let text = body(&batch, None);
        let first = "2026-12-01 09:00 UTC  salon: item 12 needs a decision: both sides changed the appointment (appointment a-1).";
        assert_eq!(text.lines().next(), Some(first));
        assert_eq!(
            text.lines().filter(|line| line.starts_with("2026")).count(),
            4
        );
        batch.left_out = 3;
        assert!(subject(&batch).ends_with("4 more"), "{}", subject(&batch));
    }

    #[test]
    fn one_event_alone_is_told_as_one() {
        let one = batch(&[json!({"event": "webhook_heard"})]);
        assert_eq!(subject(&one), "Calendar sync: 1 event");
    }
}
