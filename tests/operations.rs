//! Every operation that Cal.com publishes for a user's own resources, and the method of the client that serves it. Each method
//! is called, and has to send a request to its operation and to no other.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::BTreeSet;
use std::pin::Pin;

use calcom::client::{Client, Error};
use calcom::model::{
    AttendeeId, BookingLocation, BookingQuery, CancelParams, EventTypeId, EventTypeQuery,
    EventTypeUpdate, MarkAbsentParams, MembershipId, MembershipParams, MembershipQuery,
    NewAttendee, NewBooking, NewEventType, NewGuest, NewReservation, NewSchedule, NewTeamEventType,
    NewWebhook, PrivateLinkParams, RescheduleParams, ScheduleId, ScheduleUpdate, SchedulingType,
    SlotQuery, TeamEventTypeQuery, TeamEventTypeUpdate, TeamId, TeamParams, TeamScheduleQuery,
    UserId, UserUpdate, WebhookQuery, WebhookUpdate,
};
use chrono::{DateTime, Utc};
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

type Call = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

/// A method of the published document, its path, the client's method for it, and a call of that.
type Operation = (&'static str, &'static str, &'static str, fn(Client) -> Call);

macro_rules! operations {
    ($($method:literal $path:literal => $name:literal, |$client:ident| $call:expr;)+) => {
        &[$((
            $method,
            $path,
            $name,
            |$client: Client| Box::pin(async move { $call.await.map(drop) }),
        )),+]
    };
}

fn at() -> DateTime<Utc> {
    "2026-12-08T09:00:00Z".parse().unwrap()
}

fn attendee() -> NewAttendee {
    NewAttendee::new("Ann", "ann@example.com", "Europe/London".into())
}

fn booking() -> NewBooking {
    NewBooking::new(EVENT_TYPE, at(), attendee())
}

fn event_type() -> NewEventType {
    NewEventType::new("Intro", "intro-30", 30)
}

fn webhook() -> NewWebhook {
    NewWebhook::new("https://example.org", NewWebhook::booking_triggers(), "s")
}

fn there() -> BookingLocation {
    BookingLocation::AttendeeDefined {
        location: "at the lake".to_owned(),
    }
}

fn team_event_type() -> NewTeamEventType {
    NewTeamEventType::new(event_type(), SchedulingType::Collective, [USER])
}

const EVENT_TYPE: EventTypeId = EventTypeId::new(2);
const SCHEDULE: ScheduleId = ScheduleId::new(4);
const TEAM: TeamId = TeamId::new(7);
const USER: UserId = UserId::new(3);
const MEMBERSHIP: MembershipId = MembershipId::new(70);

/// What the client serves. An operation can be served by several methods.
#[rustfmt::skip]
const SERVED: &[Operation] = operations! {
    "GET" "/v2/bookings" => "bookings().list", |c| c.bookings().list(&BookingQuery::default());
    "POST" "/v2/bookings" => "bookings().create", |c| c.bookings().create(&booking());
    "POST" "/v2/bookings" => "bookings().create_instant", |c| c.bookings().create_instant(&booking());
    "GET" "/v2/bookings/by-seat/{seatUid}" => "bookings().get_by_seat", |c| c.bookings().get_by_seat(&"x".into());
    "GET" "/v2/bookings/{bookingUid}" => "bookings().get", |c| c.bookings().get(&"x".into());
    "GET" "/v2/bookings/{bookingUid}" => "bookings().get_series", |c| c.bookings().get_series(&"x".into());
    "GET" "/v2/bookings/{bookingUid}/recordings" => "bookings().recordings", |c| c.bookings().recordings(&"x".into());
    "GET" "/v2/bookings/{bookingUid}/transcripts" => "bookings().transcripts", |c| c.bookings().transcripts(&"x".into());
    "POST" "/v2/bookings/{bookingUid}/reschedule" => "bookings().reschedule", |c| c.bookings().reschedule(&"x".into(), at(), &RescheduleParams::default());
    "POST" "/v2/bookings/{bookingUid}/cancel" => "bookings().cancel", |c| c.bookings().cancel(&"x".into(), &CancelParams::default());
    "POST" "/v2/bookings/{bookingUid}/cancel" => "bookings().cancel_series", |c| c.bookings().cancel_series(&"x".into(), &CancelParams::default());
    "POST" "/v2/bookings/{bookingUid}/cancel" => "bookings().cancel_with_subsequent", |c| c.bookings().cancel_with_subsequent(&"x".into(), &CancelParams::default());
    "POST" "/v2/bookings/{bookingUid}/mark-absent" => "bookings().mark_absent", |c| c.bookings().mark_absent(&"x".into(), &MarkAbsentParams::host());
    "POST" "/v2/bookings/{bookingUid}/reassign" => "bookings().reassign", |c| c.bookings().reassign(&"x".into());
    "POST" "/v2/bookings/{bookingUid}/reassign/{userId}" => "bookings().reassign_to", |c| c.bookings().reassign_to(&"x".into(), USER, None);
    "POST" "/v2/bookings/{bookingUid}/confirm" => "bookings().confirm", |c| c.bookings().confirm(&"x".into());
    "POST" "/v2/bookings/{bookingUid}/decline" => "bookings().decline", |c| c.bookings().decline(&"x".into(), None);
    "GET" "/v2/bookings/{bookingUid}/calendar-links" => "bookings().calendar_links", |c| c.bookings().calendar_links(&"x".into());
    "GET" "/v2/bookings/{bookingUid}/references" => "bookings().references", |c| c.bookings().references(&"x".into(), None);
    "GET" "/v2/bookings/{bookingUid}/conferencing-sessions" => "bookings().conferencing_sessions", |c| c.bookings().conferencing_sessions(&"x".into());
    "PATCH" "/v2/bookings/{bookingUid}/location" => "bookings().update_location", |c| c.bookings().update_location(&"x".into(), &there());
    "GET" "/v2/bookings/{bookingUid}/attendees" => "bookings().attendees", |c| c.bookings().attendees(&"x".into());
    "POST" "/v2/bookings/{bookingUid}/attendees" => "bookings().add_attendee", |c| c.bookings().add_attendee(&"x".into(), &attendee());
    "GET" "/v2/bookings/{bookingUid}/attendees/{attendeeId}" => "bookings().attendee", |c| c.bookings().attendee(&"x".into(), AttendeeId::new(1));
    "POST" "/v2/bookings/{bookingUid}/guests" => "bookings().add_guests", |c| c.bookings().add_guests(&"x".into(), &[NewGuest::new("guest@example.com")]);

    "GET" "/v2/slots" => "slots().list", |c| c.slots().list(&SlotQuery::new(EVENT_TYPE, at(), at()));
    "POST" "/v2/slots/reservations" => "reservations().create", |c| c.reservations().create(&NewReservation::new(EVENT_TYPE, at()));
    "GET" "/v2/slots/reservations/{uid}" => "reservations().get", |c| c.reservations().get(&"x".into());
    "PATCH" "/v2/slots/reservations/{uid}" => "reservations().update", |c| c.reservations().update(&"x".into(), &NewReservation::new(EVENT_TYPE, at()));
    "DELETE" "/v2/slots/reservations/{uid}" => "reservations().delete", |c| c.reservations().delete(&"x".into());

    "GET" "/v2/event-types" => "event_types().list", |c| c.event_types().list(&EventTypeQuery::default());
    "POST" "/v2/event-types" => "event_types().create", |c| c.event_types().create(&event_type());
    "GET" "/v2/event-types/{eventTypeId}" => "event_types().get", |c| c.event_types().get(EVENT_TYPE);
    "PATCH" "/v2/event-types/{eventTypeId}" => "event_types().update", |c| c.event_types().update(EVENT_TYPE, &EventTypeUpdate::default());
    "DELETE" "/v2/event-types/{eventTypeId}" => "event_types().delete", |c| c.event_types().delete(EVENT_TYPE);
    "GET" "/v2/event-types/{eventTypeId}/webhooks" => "event_types().webhooks(id).list", |c| c.event_types().webhooks(EVENT_TYPE).list(&WebhookQuery::default());
    "POST" "/v2/event-types/{eventTypeId}/webhooks" => "event_types().webhooks(id).create", |c| c.event_types().webhooks(EVENT_TYPE).create(&webhook());
    "DELETE" "/v2/event-types/{eventTypeId}/webhooks" => "event_types().delete_webhooks", |c| c.event_types().delete_webhooks(EVENT_TYPE);
    "GET" "/v2/event-types/{eventTypeId}/webhooks/{webhookId}" => "event_types().webhooks(id).get", |c| c.event_types().webhooks(EVENT_TYPE).get(&"x".into());
    "PATCH" "/v2/event-types/{eventTypeId}/webhooks/{webhookId}" => "event_types().webhooks(id).update", |c| c.event_types().webhooks(EVENT_TYPE).update(&"x".into(), &WebhookUpdate::default());
    "DELETE" "/v2/event-types/{eventTypeId}/webhooks/{webhookId}" => "event_types().webhooks(id).delete", |c| c.event_types().webhooks(EVENT_TYPE).delete(&"x".into());
    "GET" "/v2/event-types/{eventTypeId}/private-links" => "event_types().private_links(id).list", |c| c.event_types().private_links(EVENT_TYPE).list();
    "POST" "/v2/event-types/{eventTypeId}/private-links" => "event_types().private_links(id).create", |c| c.event_types().private_links(EVENT_TYPE).create(&PrivateLinkParams::uses(1));
    "PATCH" "/v2/event-types/{eventTypeId}/private-links/{linkId}" => "event_types().private_links(id).update", |c| c.event_types().private_links(EVENT_TYPE).update(&"x".into(), &PrivateLinkParams::uses(1));
    "DELETE" "/v2/event-types/{eventTypeId}/private-links/{linkId}" => "event_types().private_links(id).delete", |c| c.event_types().private_links(EVENT_TYPE).delete(&"x".into());

    "GET" "/v2/schedules" => "schedules().list", |c| c.schedules().list();
    "POST" "/v2/schedules" => "schedules().create", |c| c.schedules().create(&NewSchedule::new("Evenings", "Europe/Berlin".into()));
    "GET" "/v2/schedules/default" => "schedules().default", |c| c.schedules().default();
    "GET" "/v2/schedules/{scheduleId}" => "schedules().get", |c| c.schedules().get(SCHEDULE);
    "PATCH" "/v2/schedules/{scheduleId}" => "schedules().update", |c| c.schedules().update(SCHEDULE, &ScheduleUpdate::default());
    "DELETE" "/v2/schedules/{scheduleId}" => "schedules().delete", |c| c.schedules().delete(SCHEDULE);

    "GET" "/v2/webhooks" => "webhooks().list", |c| c.webhooks().list(&WebhookQuery::default());
    "POST" "/v2/webhooks" => "webhooks().create", |c| c.webhooks().create(&webhook());
    "GET" "/v2/webhooks/{webhookId}" => "webhooks().get", |c| c.webhooks().get(&"x".into());
    "PATCH" "/v2/webhooks/{webhookId}" => "webhooks().update", |c| c.webhooks().update(&"x".into(), &WebhookUpdate::default());
    "DELETE" "/v2/webhooks/{webhookId}" => "webhooks().delete", |c| c.webhooks().delete(&"x".into());

    "GET" "/v2/me" => "me().get", |c| c.me().get();
    "PATCH" "/v2/me" => "me().update", |c| c.me().update(&UserUpdate::default());

    "GET" "/v2/teams" => "teams().list", |c| c.teams().list();
    "POST" "/v2/teams" => "teams().create", |c| c.teams().create(&TeamParams::named("Sales"));
    "GET" "/v2/teams/{teamId}" => "teams().get", |c| c.teams().get(TEAM);
    "PATCH" "/v2/teams/{teamId}" => "teams().update", |c| c.teams().update(TEAM, &TeamParams::default());
    "DELETE" "/v2/teams/{teamId}" => "teams().delete", |c| c.teams().delete(TEAM);
    "POST" "/v2/teams/{teamId}/invite" => "teams().invite", |c| c.teams().invite(TEAM);
    "GET" "/v2/teams/{teamId}/bookings" => "teams().bookings(id).list", |c| c.teams().bookings(TEAM).list(&BookingQuery::default());
    "GET" "/v2/teams/{teamId}/schedules" => "teams().schedules(id).list", |c| c.teams().schedules(TEAM).list(&TeamScheduleQuery::default());
    "GET" "/v2/teams/{teamId}/event-types" => "teams().event_types(id).list", |c| c.teams().event_types(TEAM).list(&TeamEventTypeQuery::default());
    "POST" "/v2/teams/{teamId}/event-types" => "teams().event_types(id).create", |c| c.teams().event_types(TEAM).create(&team_event_type());
    "GET" "/v2/teams/{teamId}/event-types/{eventTypeId}" => "teams().event_types(id).get", |c| c.teams().event_types(TEAM).get(EVENT_TYPE);
    "PATCH" "/v2/teams/{teamId}/event-types/{eventTypeId}" => "teams().event_types(id).update", |c| c.teams().event_types(TEAM).update(EVENT_TYPE, &TeamEventTypeUpdate::default());
    "DELETE" "/v2/teams/{teamId}/event-types/{eventTypeId}" => "teams().event_types(id).delete", |c| c.teams().event_types(TEAM).delete(EVENT_TYPE);
    "GET" "/v2/teams/{teamId}/event-types/{eventTypeId}/webhooks" => "teams().event_types(id).webhooks(id).list", |c| c.teams().event_types(TEAM).webhooks(EVENT_TYPE).list(&WebhookQuery::default());
    "POST" "/v2/teams/{teamId}/event-types/{eventTypeId}/webhooks" => "teams().event_types(id).webhooks(id).create", |c| c.teams().event_types(TEAM).webhooks(EVENT_TYPE).create(&webhook());
    "DELETE" "/v2/teams/{teamId}/event-types/{eventTypeId}/webhooks" => "teams().event_types(id).delete_webhooks", |c| c.teams().event_types(TEAM).delete_webhooks(EVENT_TYPE);
    "GET" "/v2/teams/{teamId}/event-types/{eventTypeId}/webhooks/{webhookId}" => "teams().event_types(id).webhooks(id).get", |c| c.teams().event_types(TEAM).webhooks(EVENT_TYPE).get(&"x".into());
    "PATCH" "/v2/teams/{teamId}/event-types/{eventTypeId}/webhooks/{webhookId}" => "teams().event_types(id).webhooks(id).update", |c| c.teams().event_types(TEAM).webhooks(EVENT_TYPE).update(&"x".into(), &WebhookUpdate::default());
    "DELETE" "/v2/teams/{teamId}/event-types/{eventTypeId}/webhooks/{webhookId}" => "teams().event_types(id).webhooks(id).delete", |c| c.teams().event_types(TEAM).webhooks(EVENT_TYPE).delete(&"x".into());
    "GET" "/v2/teams/{teamId}/memberships" => "teams().memberships(id).list", |c| c.teams().memberships(TEAM).list(&MembershipQuery::default());
    "POST" "/v2/teams/{teamId}/memberships" => "teams().memberships(id).create", |c| c.teams().memberships(TEAM).create(USER, &MembershipParams::default());
    "GET" "/v2/teams/{teamId}/memberships/{membershipId}" => "teams().memberships(id).get", |c| c.teams().memberships(TEAM).get(MEMBERSHIP);
    "PATCH" "/v2/teams/{teamId}/memberships/{membershipId}" => "teams().memberships(id).update", |c| c.teams().memberships(TEAM).update(MEMBERSHIP, &MembershipParams::default());
    "DELETE" "/v2/teams/{teamId}/memberships/{membershipId}" => "teams().memberships(id).delete", |c| c.teams().memberships(TEAM).delete(MEMBERSHIP);
};

/// What is left to `Client::request`, and why.
#[rustfmt::skip]
const LEFT_OUT: &[(&str, &str, &str)] = {
    const PHONE_CALLS: &str = "calls by a robot, which take the API key in the body";
    const VERIFIED: &str = "addresses and numbers for workflows, which this crate does not know";
    &[
        ("POST", "/v2/teams/{teamId}/event-types/{eventTypeId}/create-phone-call", PHONE_CALLS),
        ("POST", "/v2/teams/{teamId}/verified-resources/emails/verification-code/request", VERIFIED),
        ("POST", "/v2/teams/{teamId}/verified-resources/emails/verification-code/verify", VERIFIED),
        ("POST", "/v2/teams/{teamId}/verified-resources/phones/verification-code/request", VERIFIED),
        ("POST", "/v2/teams/{teamId}/verified-resources/phones/verification-code/verify", VERIFIED),
        ("GET", "/v2/teams/{teamId}/verified-resources/emails", VERIFIED),
        ("GET", "/v2/teams/{teamId}/verified-resources/emails/{id}", VERIFIED),
        ("GET", "/v2/teams/{teamId}/verified-resources/phones", VERIFIED),
        ("GET", "/v2/teams/{teamId}/verified-resources/phones/{id}", VERIFIED),
    ]
};

/// Whether a path is one of this template, whose parameters stand for anything but another template's word.
fn is_of(path: &str, template: &str) -> bool {
    const WORDS: &[&str] = &["by-seat", "default", "reservations"];
    let (path, template): (Vec<_>, Vec<_>) =
        (path.split('/').collect(), template.split('/').collect());
    path.len() == template.len()
        && path.iter().zip(&template).all(|(part, pattern)| {
            if pattern.starts_with('{') {
                !part.is_empty() && !WORDS.contains(part)
            } else {
                part == pattern
            }
        })
}

#[tokio::test]
async fn every_method_sends_its_operation_and_nothing_else() {
    for (method, template, name, call) in SERVED {
        let server = MockServer::start().await;
        // An answer that nothing is made of and that is not worth a second attempt.
        let refusal = ResponseTemplate::new(400).set_body_json(json!({"message": "no"}));
        let refused = Mock::given(any()).respond_with(refusal);
        refused.mount(&server).await;
        let base = format!("{}/v2", server.uri());
        let client = Client::builder("cal_live_0123").base_url(&base);
        let result = call(client.build().unwrap()).await;
        assert!(result.unwrap_err().api().is_some(), "{name}");
        let sent = server.received_requests().await.unwrap();
        assert_eq!(sent.len(), 1, "{name}");
        assert_eq!(sent[0].method.as_str(), *method, "{name}");
        let path = sent[0].url.path();
        assert!(is_of(path, template), "{name}: {path} is not {template}");
    }
}

#[test]
fn every_method_stands_here_once_and_no_operation_is_both_served_and_left_out() {
    let names: BTreeSet<&str> = SERVED.iter().map(|operation| operation.2).collect();
    assert_eq!(names.len(), SERVED.len());
    let served: BTreeSet<(&str, &str)> = SERVED.iter().map(|o| (o.0, o.1)).collect();
    for (method, path, reason) in LEFT_OUT {
        assert!(!served.contains(&(*method, *path)), "{method} {path}");
        assert!(!reason.is_empty());
    }
}
