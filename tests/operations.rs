//! Every operation that Cal.com publishes: served by a method of the client, left out on purpose, or administration. Each method
//! is called, and has to send a request to its operation and to no other.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use calcom::client::{
    Client, Credentials, Error, OAuthClient, OAuthSession, OAuthTokens, StoreFailure, TokenStore,
};
use calcom::model::{
    ApiKeyRefresh, AttendeeId, BookingLocation, BookingQuery, BusyTimesQuery, CalendarEventUpdate,
    CalendarIntegration, CalendarProvider, CalendarSelection, CancelParams, ConferencingApp,
    CredentialId, DestinationCalendarParams, EventTypeId, EventTypeQuery, EventTypeUpdate,
    MarkAbsentParams, MembershipId, MembershipParams, MembershipQuery, NewAttendee, NewBooking,
    NewEventType, NewGuest, NewIcsFeed, NewReservation, NewSchedule, NewTeamEventType, NewWebhook,
    PrivateLinkParams, RescheduleParams, RoutedSlotQuery, RoutingFormAnswers, ScheduleId,
    ScheduleUpdate, SchedulingType, SlotQuery, TeamEventTypeQuery, TeamEventTypeUpdate, TeamId,
    TeamParams, TeamScheduleQuery, UserId, UserUpdate, VerifiedEmailId, VerifiedPhoneId,
    VerifiedResourceQuery, WebhookQuery, WebhookUpdate,
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
    BookingLocation::attendee_defined("at the lake")
}

fn team_event_type() -> NewTeamEventType {
    NewTeamEventType::new(event_type(), SchedulingType::Collective, [USER])
}

fn feed() -> CalendarSelection {
    CalendarSelection::new(CalendarIntegration::IcsFeed, "x", CREDENTIAL)
}

fn busy_times() -> BusyTimesQuery {
    let day = at().date_naive();
    BusyTimesQuery::new("Europe/Berlin", day, day).with_calendar(CREDENTIAL, "x")
}

fn app(client: &Client) -> OAuthClient {
    OAuthClient::builder("app", "https://example.org/callback")
        .base_url(client.base_url().as_str())
        .build()
        .unwrap()
}

/// A host that keeps no tokens.
#[derive(Debug)]
struct NoStore;

#[async_trait]
impl TokenStore for NoStore {
    async fn save(&self, _tokens: &OAuthTokens) -> Result<(), StoreFailure> {
        Ok(())
    }
}

/// A session whose access token has expired, so that the first call refreshes it.
fn expired(
    client: &Client,
    session: impl FnOnce(OAuthTokens, Arc<NoStore>) -> OAuthSession,
) -> Client {
    let tokens = OAuthTokens::new("access", "refresh").with_expiry(DateTime::UNIX_EPOCH);
    Client::with_credentials(Credentials::OAuth(session(tokens, Arc::new(NoStore))))
        .base_url(client.base_url().as_str())
        .build()
        .unwrap()
}

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CREDENTIAL: CredentialId = CredentialId::new(9);
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

    "GET" "/v2/calendars" => "calendars().list", |c| c.calendars().list();
    "GET" "/v2/calendars/busy-times" => "calendars().busy_times", |c| c.calendars().busy_times(&busy_times());
    "POST" "/v2/calendars/ics-feed/save" => "calendars().save_ics_feed", |c| c.calendars().save_ics_feed(&NewIcsFeed::new(["https://example.org/a.ics"]));
    "GET" "/v2/calendars/ics-feed/check" => "calendars().check(IcsFeed)", |c| c.calendars().check(&CalendarProvider::IcsFeed);
    "GET" "/v2/calendars/{calendar}/check" => "calendars().check", |c| c.calendars().check(&CalendarProvider::Google);
    "GET" "/v2/calendars/{calendar}/connect" => "calendars().connect_url", |c| c.calendars().connect_url(&CalendarProvider::Google, None);
    "POST" "/v2/calendars/{calendar}/credentials" => "calendars().save_apple_credentials", |c| c.calendars().save_apple_credentials("ann@example.com", "password");
    "POST" "/v2/calendars/{calendar}/disconnect" => "calendars().disconnect", |c| c.calendars().disconnect(&CalendarProvider::Google, CREDENTIAL);
    "GET" "/v2/calendars/{calendar}/event/{eventUid}" => "calendars().event", |c| c.calendars().event(&CalendarProvider::Google, &"x".into());
    "PATCH" "/v2/calendars/{calendar}/events/{eventUid}" => "calendars().update_event", |c| c.calendars().update_event(&CalendarProvider::Google, &"x".into(), &CalendarEventUpdate::default());
    "POST" "/v2/selected-calendars" => "calendars().select", |c| c.calendars().select(&feed());
    "DELETE" "/v2/selected-calendars" => "calendars().deselect", |c| c.calendars().deselect(&feed());
    "PUT" "/v2/destination-calendars" => "calendars().set_destination", |c| c.calendars().set_destination(&DestinationCalendarParams::new(CalendarIntegration::Google, "x"));

    "GET" "/v2/conferencing" => "conferencing().list", |c| c.conferencing().list();
    "GET" "/v2/conferencing/default" => "conferencing().default", |c| c.conferencing().default();
    "POST" "/v2/conferencing/{app}/connect" => "conferencing().connect", |c| c.conferencing().connect(&ConferencingApp::GoogleMeet);
    "POST" "/v2/conferencing/{app}/default" => "conferencing().set_default", |c| c.conferencing().set_default(&ConferencingApp::Zoom);
    "DELETE" "/v2/conferencing/{app}/disconnect" => "conferencing().disconnect", |c| c.conferencing().disconnect(&ConferencingApp::Zoom);
    "GET" "/v2/conferencing/{app}/oauth/auth-url" => "conferencing().auth_url", |c| c.conferencing().auth_url(&ConferencingApp::Zoom, "https://example.org", "https://example.org");
    "GET" "/v2/stripe/check" => "stripe().check", |c| c.stripe().check();
    "GET" "/v2/stripe/connect" => "stripe().connect_url", |c| c.stripe().connect_url();

    "POST" "/v2/verified-resources/emails/verification-code/request" => "verified_resources().request_email_code", |c| c.verified_resources().request_email_code("ann@example.com");
    "POST" "/v2/verified-resources/emails/verification-code/verify" => "verified_resources().verify_email", |c| c.verified_resources().verify_email("ann@example.com", "123456");
    "GET" "/v2/verified-resources/emails" => "verified_resources().list_emails", |c| c.verified_resources().list_emails(&VerifiedResourceQuery::default());
    "GET" "/v2/verified-resources/emails/{id}" => "verified_resources().get_email", |c| c.verified_resources().get_email(VerifiedEmailId::new(1));
    "POST" "/v2/verified-resources/phones/verification-code/request" => "verified_resources().request_phone_code", |c| c.verified_resources().request_phone_code("+4930123456");
    "POST" "/v2/verified-resources/phones/verification-code/verify" => "verified_resources().verify_phone", |c| c.verified_resources().verify_phone("+4930123456", "123456");
    "GET" "/v2/verified-resources/phones" => "verified_resources().list_phones", |c| c.verified_resources().list_phones(&VerifiedResourceQuery::default());
    "GET" "/v2/verified-resources/phones/{id}" => "verified_resources().get_phone", |c| c.verified_resources().get_phone(VerifiedPhoneId::new(1));

    "POST" "/v2/routing-forms/{routingFormId}/calculate-slots" => "routing_forms().calculate_slots", |c| c.routing_forms().calculate_slots(&"x".into(), &RoutingFormAnswers::default(), &RoutedSlotQuery::new(at(), at()));
    "POST" "/v2/api-keys/refresh" => "api_keys().refresh", |c| c.api_keys().refresh(&ApiKeyRefresh::default());
    "POST" "/v2/auth/oauth2/token" => "OAuthClient::exchange", |c| app(&c).exchange("code", VERIFIER);
    "POST" "/v2/auth/oauth2/token" => "OAuthSession::new", |c| expired(&c, |tokens, store| OAuthSession::new("app", tokens, store)).me().get();
    "POST" "/v2/oauth/{clientId}/refresh" => "OAuthSession::managed_user", |c| expired(&c, |tokens, store| OAuthSession::managed_user("app", "secret", tokens, store)).me().get();
    "GET" "/v2/auth/oauth2/clients/{clientId}" => "OAuthClient::registration", |c| app(&c).registration();

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
    "POST" "/v2/teams/{teamId}/verified-resources/emails/verification-code/request" => "teams().verified_resources(id).request_email_code", |c| c.teams().verified_resources(TEAM).request_email_code("ann@example.com");
    "POST" "/v2/teams/{teamId}/verified-resources/emails/verification-code/verify" => "teams().verified_resources(id).verify_email", |c| c.teams().verified_resources(TEAM).verify_email("ann@example.com", "123456");
    "GET" "/v2/teams/{teamId}/verified-resources/emails" => "teams().verified_resources(id).list_emails", |c| c.teams().verified_resources(TEAM).list_emails(&VerifiedResourceQuery::default());
    "GET" "/v2/teams/{teamId}/verified-resources/emails/{id}" => "teams().verified_resources(id).get_email", |c| c.teams().verified_resources(TEAM).get_email(VerifiedEmailId::new(1));
    "POST" "/v2/teams/{teamId}/verified-resources/phones/verification-code/request" => "teams().verified_resources(id).request_phone_code", |c| c.teams().verified_resources(TEAM).request_phone_code("+4930123456");
    "POST" "/v2/teams/{teamId}/verified-resources/phones/verification-code/verify" => "teams().verified_resources(id).verify_phone", |c| c.teams().verified_resources(TEAM).verify_phone("+4930123456", "123456");
    "GET" "/v2/teams/{teamId}/verified-resources/phones" => "teams().verified_resources(id).list_phones", |c| c.teams().verified_resources(TEAM).list_phones(&VerifiedResourceQuery::default());
    "GET" "/v2/teams/{teamId}/verified-resources/phones/{id}" => "teams().verified_resources(id).get_phone", |c| c.teams().verified_resources(TEAM).get_phone(VerifiedPhoneId::new(1));
    "DELETE" "/v2/teams/{teamId}/memberships/{membershipId}" => "teams().memberships(id).delete", |c| c.teams().memberships(TEAM).delete(MEMBERSHIP);
};

/// What of a user's own API is left to `Client::request`, and why.
#[rustfmt::skip]
const LEFT_OUT: &[(&str, &str, &str)] = {
    const BROWSER: &str = "the provider sends the user's browser there after consent; no application calls it";
    const PHONE_CALLS: &str = "calls by a robot, which take the API key in the body";
    &[
        ("GET", "/v2/calendars/{calendar}/save", BROWSER),
        ("GET", "/v2/conferencing/{app}/oauth/callback", BROWSER),
        ("GET", "/v2/stripe/save", BROWSER),
        ("POST", "/v2/teams/{teamId}/event-types/{eventTypeId}/create-phone-call", PHONE_CALLS),
    ]
};

/// Where organizations, their members, managed users and OAuth clients are administered. Some of what a user would call their own
/// is published there only: out-of-office entries, workflows, and an organization's teams.
const ADMINISTRATION: &[&str] = &["/v2/organizations/", "/v2/oauth-clients"];

/// Whether a path is one of this template, whose parameters stand for anything but another template's word.
fn is_of(path: &str, template: &str) -> bool {
    const WORDS: &[&str] = &[
        "busy-times",
        "by-seat",
        "default",
        "ics-feed",
        "reservations",
    ];
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

/// The operations of the published document of August 2026.
fn published() -> BTreeSet<(&'static str, &'static str)> {
    include_str!("../fixtures/operations.txt")
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .collect()
}

fn served() -> BTreeSet<(&'static str, &'static str)> {
    SERVED.iter().map(|o| (o.0, o.1)).collect()
}

fn left_out() -> BTreeSet<(&'static str, &'static str)> {
    LEFT_OUT.iter().map(|o| (o.0, o.1)).collect()
}

fn administration() -> BTreeSet<(&'static str, &'static str)> {
    let administers = |path: &str| ADMINISTRATION.iter().any(|prefix| path.starts_with(prefix));
    published()
        .into_iter()
        .filter(|(_, path)| administers(path))
        .collect()
}

#[test]
fn every_method_stands_here_once() {
    let names: BTreeSet<&str> = SERVED.iter().map(|operation| operation.2).collect();
    assert_eq!(names.len(), SERVED.len());
    assert_eq!(left_out().len(), LEFT_OUT.len());
    assert!(LEFT_OUT.iter().all(|(_, _, reason)| !reason.is_empty()));
}

#[test]
fn every_published_operation_is_served_or_left_out_or_administration() {
    let parts = [served(), left_out(), administration()];
    let all: BTreeSet<_> = parts.iter().flatten().copied().collect();
    let published = published();
    let missing: Vec<_> = published.difference(&all).collect();
    assert!(
        missing.is_empty(),
        "neither served nor left out: {missing:?}"
    );
    let unknown: Vec<_> = all.difference(&published).collect();
    assert!(unknown.is_empty(), "not published: {unknown:?}");
    let sum: usize = parts.iter().map(BTreeSet::len).sum();
    assert_eq!(sum, published.len(), "an operation is in two lists");
}

#[test]
fn the_readme_tells_the_numbers() {
    let sentence = format!(
        "Of the {} operations that Cal.com published for API v2 in August 2026, {} are typed, {} are deliberately left to \
         `Client::request`, and {} administer organizations, managed users and OAuth clients.",
        published().len(),
        served().len(),
        left_out().len(),
        administration().len(),
    );
    let readme = include_str!("../README.md");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(readme).contains(&words(&sentence)), "{sentence}");
}
