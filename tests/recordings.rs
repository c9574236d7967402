//! Every recorded exchange and delivery is read as what it is. A fixture that is not in a table here fails the test.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use calcom::client::{Error, ErrorKind, decode};
use calcom::model::{
    Booking, BookingAttendee, BookingOrSeries, BookingReference, BookingUid, BusyTime,
    CalendarEvent, CalendarLink, CalendarRef, ConnectUrl, ConnectedApp, ConnectedCalendars,
    CreatedTeam, DefaultConferencingApp, EventType, Membership, OAuthClientInfo, PrivateLink,
    Reassignment, Recording, RefreshedApiKey, Reservation, RoutedSlots, Schedule, SlotsByDay, Team,
    Trigger, User, VerifiedEmail, VerifiedPhone, WebhookSubscription,
};
use calcom::webhook::{SIGNATURE_HEADER, VerifyError, WebhookEvent, verify};
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn folder(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "fixtures", name]
        .iter()
        .collect()
}

/// The names of a folder's files with this extension, without it.
fn names(folder_name: &str, extension: &str) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder(folder_name)).unwrap();
    files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

fn read_json(folder_name: &str, name: &str) -> Value {
    let text = std::fs::read(folder(folder_name).join(format!("{name}.json"))).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// The answer of a recorded exchange. Headers are recorded by name; where their values matter, with these.
fn answer(name: &str) -> Response<Bytes> {
    answer_of(&read_json("exchanges", name))
}

fn answer_of(exchange: &Value) -> Response<Bytes> {
    let told = &exchange["response"];
    let status = u16::try_from(told["status"].as_u64().unwrap()).unwrap();
    let mut builder = Response::builder().status(status);
    for (header, value) in told["headers"].as_object().into_iter().flatten() {
        builder = builder.header(header, value.as_str().unwrap());
    }
    let body = match &told["body"] {
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    builder.body(body.into()).unwrap()
}

/// What an exchange was about, and so what its answer has to be read as.
#[derive(Clone, Copy, Debug)]
enum Resource {
    ApiKey,
    App,
    Apps,
    Attendees,
    Booking,
    BookingOrSeries,
    Bookings,
    BusyTimes,
    CalendarEvent,
    CalendarLinks,
    CalendarRef,
    Calendars,
    ConnectUrl,
    CreatedTeam,
    DefaultApp,
    EventType,
    EventTypeOrTypes,
    EventTypes,
    MaybeCalendarRef,
    MaybeEmail,
    MaybePhone,
    Membership,
    Memberships,
    Nothing,
    OAuthClient,
    PrivateLink,
    PrivateLinks,
    Reassignment,
    Recordings,
    References,
    Reservation,
    RoutedSlots,
    Schedule,
    Schedules,
    Slots,
    Team,
    Teams,
    Transcripts,
    User,
    VerifiedEmail,
    VerifiedEmails,
    VerifiedPhone,
    VerifiedPhones,
    Webhook,
    Webhooks,
}

/// Reads an answer as a resource, and returns the resource as JSON.
fn read_as(resource: Resource, answer: &Response<Bytes>) -> Result<Value, Error> {
    fn decoded<T: DeserializeOwned>(answer: &Response<Bytes>) -> Result<T, Error> {
        let now: DateTime<Utc> = "2026-11-20T23:50:00Z".parse().unwrap();
        decode("recorded", answer, now)
    }
    fn read<T: DeserializeOwned + Serialize>(answer: &Response<Bytes>) -> Result<Value, Error> {
        decoded::<T>(answer).map(|resource| serde_json::to_value(resource).unwrap())
    }
    /// What holds a secret is never written out.
    fn read_secret<T: DeserializeOwned>(answer: &Response<Bytes>) -> Result<Value, Error> {
        decoded::<T>(answer).map(|_| Value::Null)
    }
    let is_list = answer.body().windows(8).any(|bytes| bytes == b"\"data\":[");
    match resource {
        Resource::ApiKey => read_secret::<RefreshedApiKey>(answer),
        Resource::App => read::<ConnectedApp>(answer),
        Resource::Apps => read::<Vec<ConnectedApp>>(answer),
        Resource::Attendees => read::<Vec<BookingAttendee>>(answer),
        Resource::Booking => read::<Booking>(answer),
        Resource::BookingOrSeries => read::<BookingOrSeries>(answer),
        Resource::Bookings => read::<Vec<Booking>>(answer),
        Resource::BusyTimes => read::<Vec<BusyTime>>(answer),
        Resource::CalendarEvent => read::<CalendarEvent>(answer),
        Resource::CalendarLinks => read::<Vec<CalendarLink>>(answer),
        Resource::CalendarRef => read::<CalendarRef>(answer),
        Resource::Calendars => read::<ConnectedCalendars>(answer),
        Resource::ConnectUrl => read_secret::<ConnectUrl>(answer),
        Resource::CreatedTeam => read::<CreatedTeam>(answer),
        Resource::DefaultApp => read::<Option<DefaultConferencingApp>>(answer),
        Resource::EventType => read::<EventType>(answer),
        Resource::EventTypes => read::<Vec<EventType>>(answer),
        Resource::MaybeCalendarRef => read::<Option<CalendarRef>>(answer),
        Resource::MaybeEmail => read::<Option<VerifiedEmail>>(answer),
        Resource::MaybePhone => read::<Option<VerifiedPhone>>(answer),
        // A managed event type is answered with those of its members.
        Resource::EventTypeOrTypes if is_list => read::<Vec<EventType>>(answer),
        Resource::EventTypeOrTypes => read::<EventType>(answer),
        Resource::Membership => read::<Membership>(answer),
        Resource::Memberships => read::<Vec<Membership>>(answer),
        Resource::Nothing => read::<Option<Value>>(answer),
        Resource::OAuthClient => read::<OAuthClientInfo>(answer),
        Resource::PrivateLink => read::<PrivateLink>(answer),
        Resource::PrivateLinks => read::<Vec<PrivateLink>>(answer),
        Resource::Reassignment => read::<Reassignment>(answer),
        Resource::Recordings => read::<Vec<Recording>>(answer),
        Resource::References => read::<Vec<BookingReference>>(answer),
        Resource::Reservation => read::<Reservation>(answer),
        Resource::RoutedSlots => read::<RoutedSlots>(answer),
        Resource::Schedule => read::<Schedule>(answer),
        Resource::Schedules => read::<Vec<Schedule>>(answer),
        Resource::Slots => read::<SlotsByDay>(answer),
        Resource::Team => read::<Team>(answer),
        Resource::Teams => read::<Vec<Team>>(answer),
        Resource::Transcripts => read::<Vec<String>>(answer),
        Resource::User => read::<User>(answer),
        Resource::VerifiedEmail => read::<VerifiedEmail>(answer),
        Resource::VerifiedEmails => read::<Vec<VerifiedEmail>>(answer),
        Resource::VerifiedPhone => read::<VerifiedPhone>(answer),
        Resource::VerifiedPhones => read::<Vec<VerifiedPhone>>(answer),
        Resource::Webhook => read::<WebhookSubscription>(answer),
        Resource::Webhooks => read::<Vec<WebhookSubscription>>(answer),
    }
}

/// Every recorded exchange: what it was about, and how it failed if it did.
#[rustfmt::skip]
const EXCHANGES: &[(&str, Resource, Option<ErrorKind>)] = {
    use ErrorKind as E;
    use Resource as R;
    &[
        ("008-event-types-create-attendeelocs", R::EventType, None),
        ("011-me", R::User, None),
        ("013-event-types-list", R::EventTypes, None),
        ("014-event-types-list-no-filter", R::EventTypes, Some(E::NotFound)),
        ("016-event-types-list-wrong-version-default", R::EventTypes, Some(E::VersionMismatch)),
        ("017-event-types-get", R::EventType, None),
        ("019-event-types-update", R::EventType, None),
        ("020-event-types-create-duplicate-slug", R::EventType, Some(E::Invalid)),
        ("022-event-types-delete", R::Nothing, None),
        ("026-event-types-get-other-user", R::EventType, Some(E::NotFound)),
        ("027-schedules-list", R::Schedules, None),
        ("028-schedules-default", R::Schedule, None),
        ("029-schedules-get", R::Schedule, None),
        ("031-schedules-update", R::Schedule, None),
        ("032-schedules-create-bad-time", R::Schedule, Some(E::Invalid)),
        ("034-schedules-delete", R::Nothing, None),
        ("035-schedules-get-deleted", R::Schedule, Some(E::NotFound)),
        ("036-slots-default", R::Slots, None),
        ("037-slots-range", R::Slots, None),
        ("043-slots-seated", R::Slots, None),
        ("052-slots-no-version-header", R::Slots, Some(E::UnknownEndpoint)),
        ("054-slot-reservation-create", R::Reservation, None),
        ("055-slot-reservation-get", R::Reservation, None),
        ("058-slot-reservation-update", R::Reservation, None),
        ("059-slot-reservation-delete", R::Nothing, None),
        ("061-slot-reservation-noauth-with-duration", R::Reservation, Some(E::Unauthorized)),
        ("066-booking-create", R::BookingOrSeries, None),
        ("070-booking-get-no-version-header", R::Booking, Some(E::VersionMismatch)),
        ("083-booking-create-double-booking", R::BookingOrSeries, Some(E::SlotUnavailable)),
        ("086-booking-create-too-soon-min-notice", R::BookingOrSeries, Some(E::SlotUnavailable)),
        ("094-booking-create-missing-attendee", R::BookingOrSeries, Some(E::Invalid)),
        ("098-booking-create-bad-email", R::BookingOrSeries, Some(E::Invalid)),
        ("100-booking-create-bad-language", R::BookingOrSeries, Some(E::Invalid)),
        ("101-booking-create-unknown-property", R::BookingOrSeries, Some(E::Invalid)),
        ("107-booking-create-no-version-header", R::BookingOrSeries, Some(E::Invalid)),
        ("109-booking-create-empty-body", R::BookingOrSeries, Some(E::Invalid)),
        ("112-me-bad-key", R::User, Some(E::Unauthorized)),
        ("113-me-no-key", R::User, Some(E::Unauthorized)),
        ("119-unknown-route", R::User, Some(E::UnknownEndpoint)),
        ("121-booking-concurrent-identical-1", R::BookingOrSeries, Some(E::Conflict)),
        ("127-bookings-list-status-past", R::Bookings, None),
        ("136-bookings-list-take-skip", R::Bookings, None),
        ("137-bookings-list-take-too-large", R::Bookings, Some(E::Invalid)),
        ("145-bookings-list-noauth", R::Bookings, Some(E::Forbidden)),
        ("146-booking-reschedule", R::Booking, None),
        ("149-booking-reschedule-old-again", R::Booking, Some(E::Conflict)),
        ("154-booking-cancel-twice", R::Booking, Some(E::Conflict)),
        ("155-booking-reschedule-cancelled", R::Booking, Some(E::Conflict)),
        ("176-booking-create-requires-confirmation", R::BookingOrSeries, None),
        ("179-booking-confirm-other-user", R::Booking, Some(E::Unauthorized)),
        ("181-booking-confirm", R::Booking, None),
        ("182-booking-confirm-twice", R::Booking, Some(E::Invalid)),
        ("185-booking-decline", R::Booking, None),
        ("188-booking-cancel-rejected", R::Booking, None),
        ("197-booking-mark-absent-future-attendee", R::Booking, Some(E::Conflict)),
        ("205-booking-get-team", R::Booking, None),
        ("206-booking-reassign-auto", R::Reassignment, None),
        ("208-booking-reassign-to-user", R::Reassignment, None),
        ("209-booking-reassign-to-nonmember", R::Reassignment, Some(E::Invalid)),
        ("212-booking-update-location", R::Booking, Some(E::UnknownEndpoint)),
        ("213-booking-create-recurring", R::BookingOrSeries, None),
        ("220-booking-cancel-recurring-uid-all", R::Bookings, None),
        ("223-booking-create-seated-2-same-slot", R::BookingOrSeries, None),
        ("224-booking-create-seated-duplicate-attendee", R::BookingOrSeries, Some(E::SlotUnavailable)),
        ("226-booking-create-seated-full", R::BookingOrSeries, Some(E::SlotUnavailable)),
        ("233-booking-calendar-links", R::CalendarLinks, None),
        ("235-booking-mark-absent-attendee", R::Booking, None),
        ("238-booking-mark-absent-unknown-attendee", R::Booking, Some(E::Server)),
        ("239-booking-mark-absent-undo", R::Booking, None),
        ("245-webhooks-create-tmp", R::Webhook, None),
        ("247-webhooks-list-take-skip", R::Webhooks, None),
        ("248-webhooks-get", R::Webhook, None),
        ("250-webhooks-create-duplicate-url", R::Webhook, Some(E::Conflict)),
        ("251-webhooks-create-bad-trigger", R::Webhook, Some(E::Invalid)),
        ("254-webhooks-get-other-user", R::Webhook, Some(E::Forbidden)),
        ("256-webhooks-delete", R::Webhook, None),
        ("257-webhooks-delete-again", R::Webhook, Some(E::NotFound)),
        ("260-event-type-webhooks-create", R::Webhook, None),
        ("263-event-type-webhooks-delete", R::Webhook, None),
        ("277-rate-limit-7", R::User, Some(E::RateLimited)),
        ("280-booking-create-metadata-number-bool", R::BookingOrSeries, Some(E::Invalid)),
        ("311-booking-cancel-seat-host-without-reason", R::Booking, Some(E::Invalid)),
        ("314-booking-create-body-too-large", R::BookingOrSeries, Some(E::Invalid)),
        ("400-calendars-list-none", R::Calendars, None),
        ("406-calendars-ics-feed-save-unreachable", R::App, Some(E::Invalid)),
        ("409-calendars-ics-feed-save-again-adds-another-credential", R::App, None),
        ("410-calendars-ics-feed-check", R::Nothing, None),
        ("412-calendars-busy-times", R::BusyTimes, None),
        ("413-calendars-busy-times-timezone-instead-of-loggedinuserstz", R::BusyTimes, Some(E::Invalid)),
        ("419-calendars-busy-times-unknown-credential", R::BusyTimes, Some(E::Unauthorized)),
        ("424-selected-calendars-create", R::MaybeCalendarRef, None),
        ("425-selected-calendars-create-again", R::MaybeCalendarRef, None),
        ("434-destination-calendars-update-ics-not-allowed", R::CalendarRef, Some(E::Invalid)),
        ("442-selected-calendars-delete-again", R::CalendarRef, Some(E::NotFound)),
        ("443-calendars-google-check-not-connected", R::Nothing, Some(E::Invalid)),
        ("448-calendars-office365-connect", R::ConnectUrl, None),
        ("455-calendars-unified-event-patch-not-connected", R::CalendarEvent, Some(E::NotFound)),
        ("461-calendars-ics-feed-disconnect", R::App, None),
        ("463-conferencing-list-none", R::Apps, None),
        ("464-conferencing-default-none", R::DefaultApp, None),
        ("469-conferencing-daily-video-set-default", R::Nothing, None),
        ("470-conferencing-default-daily-video", R::DefaultApp, None),
        ("473-conferencing-zoom-auth-url", R::ConnectUrl, None),
        ("478-conferencing-google-meet-disconnect-not-installed", R::Nothing, Some(E::Invalid)),
        ("481-conferencing-google-meet-connect", R::App, None),
        ("488-stripe-check-not-connected", R::Nothing, Some(E::NotFound)),
        ("490-stripe-connect", R::ConnectUrl, Some(E::Invalid)),
        ("551-private-links-create-empty-body-refused", R::PrivateLink, Some(E::Invalid)),
        ("553-private-links-create-max-usage", R::PrivateLink, None),
        ("554-private-links-create-both", R::PrivateLink, Some(E::Invalid)),
        ("560-private-links-list", R::PrivateLinks, None),
        ("562-private-links-update-to-expires-at", R::PrivateLink, None),
        ("563-private-links-update-empty", R::PrivateLink, None),
        ("583-private-links-delete", R::Nothing, None),
        ("584-private-links-delete-again", R::Nothing, Some(E::NotFound)),
        ("641-calendars-unified-event-get-google-not-connected", R::CalendarEvent, Some(E::Unauthorized)),
        ("736-verified-emails-request-code", R::Nothing, None),
        ("740-verified-emails-verify-wrong-code", R::VerifiedEmail, Some(E::Invalid)),
        ("742-verified-emails-verify", R::VerifiedEmail, None),
        ("743-verified-emails-verify-rate-limited", R::VerifiedEmail, Some(E::RateLimited)),
        ("745-verified-emails-list-take-skip", R::VerifiedEmails, None),
        ("746-verified-emails-list-take-too-large", R::VerifiedEmails, Some(E::Invalid)),
        ("748-verified-emails-get-other-user", R::MaybeEmail, None),
        ("755-verified-phones-list", R::VerifiedPhones, None),
        ("760-team-verified-emails-verify", R::VerifiedEmail, None),
        ("763-team-verified-emails-list-not-member", R::VerifiedEmails, Some(E::Forbidden)),
        ("767-ooo-unknown-route", R::Nothing, Some(E::UnknownEndpoint)),
        ("778-api-keys-refresh", R::ApiKey, None),
        ("779-api-keys-refresh-old-key-is-dead", R::ApiKey, Some(E::Unauthorized)),
        ("784-api-keys-refresh-both", R::ApiKey, Some(E::Invalid)),
        ("790-routing-forms-calculate-slots-missing-range", R::RoutedSlots, Some(E::Invalid)),
        ("791-auth-oauth2-client-unknown-route", R::OAuthClient, Some(E::UnknownEndpoint)),
        ("940-me-with-expired-access-token", R::User, Some(E::Unauthorized)),
        ("950-booking-create-over-day-count-limit", R::BookingOrSeries, Some(E::BookingLimitReached)),
        ("952-booking-create-over-day-duration-limit", R::BookingOrSeries, Some(E::BookingLimitReached)),
        ("988-routing-forms-calculate-slots", R::RoutedSlots, None),
    ]
};

#[test]
fn every_recorded_exchange_is_in_the_table_and_says_what_it_shows() {
    let known: BTreeSet<String> = EXCHANGES.iter().map(|e| e.0.to_owned()).collect();
    assert_eq!(names("exchanges", "json"), known);
    for name in known {
        let shows = &read_json("exchanges", &name)["shows"];
        assert!(shows.as_str().is_some_and(|s| !s.is_empty()), "{name}");
    }
}

#[test]
fn every_recorded_answer_is_read_as_what_it_is() {
    for (name, resource, failure) in EXCHANGES {
        let told = read_as(*resource, &answer(name));
        let kind = told.as_ref().map_err(Error::kind).err();
        assert_eq!(kind, *failure, "{name}: {told:?}");
    }
}

/// What an answer has to be read as, by what was asked for.
#[rustfmt::skip]
const ROUTES: &[(&str, &str, Resource)] = {
    use Resource as R;
    &[
        ("GET", "/v2/me", R::User),
        ("PATCH", "/v2/me", R::User),
        ("GET", "/v2/event-types", R::EventTypes),
        ("POST", "/v2/event-types", R::EventType),
        ("GET", "/v2/event-types/*", R::EventType),
        ("PATCH", "/v2/event-types/*", R::EventType),
        ("DELETE", "/v2/event-types/*", R::Nothing),
        ("GET", "/v2/schedules", R::Schedules),
        ("POST", "/v2/schedules", R::Schedule),
        ("GET", "/v2/schedules/*", R::Schedule),
        ("PATCH", "/v2/schedules/*", R::Schedule),
        ("DELETE", "/v2/schedules/*", R::Nothing),
        ("GET", "/v2/slots", R::Slots),
        ("POST", "/v2/bookings", R::BookingOrSeries),
        ("GET", "/v2/bookings", R::Bookings),
        ("GET", "/v2/bookings/*", R::BookingOrSeries),
        ("POST", "/v2/bookings/*/reschedule", R::Booking),
        ("POST", "/v2/bookings/*/cancel", R::BookingOrSeries),
        ("POST", "/v2/bookings/*/confirm", R::Booking),
        ("POST", "/v2/bookings/*/decline", R::Booking),
        ("POST", "/v2/bookings/*/mark-absent", R::Booking),
        ("POST", "/v2/bookings/*/reassign", R::Reassignment),
        ("POST", "/v2/bookings/*/reassign/*", R::Reassignment),
        ("GET", "/v2/bookings/*/calendar-links", R::CalendarLinks),
        ("GET", "/v2/bookings/*/attendees", R::Attendees),
        ("GET", "/v2/bookings/*/recordings", R::Recordings),
        ("GET", "/v2/bookings/*/references", R::References),
        ("GET", "/v2/bookings/*/transcripts", R::Transcripts),
        ("GET", "/v2/webhooks", R::Webhooks),
        ("POST", "/v2/webhooks", R::Webhook),
        ("GET", "/v2/webhooks/*", R::Webhook),
        ("PATCH", "/v2/webhooks/*", R::Webhook),
        ("DELETE", "/v2/webhooks/*", R::Webhook),
        ("POST", "/v2/slots/reservations", R::Reservation),
        ("GET", "/v2/teams", R::Teams),
        ("POST", "/v2/teams", R::CreatedTeam),
        ("GET", "/v2/teams/*", R::Team),
        ("PATCH", "/v2/teams/*", R::Team),
        ("DELETE", "/v2/teams/*", R::Team),
        ("GET", "/v2/teams/*/memberships", R::Memberships),
        ("POST", "/v2/teams/*/memberships", R::Membership),
        ("GET", "/v2/teams/*/memberships/*", R::Membership),
        ("PATCH", "/v2/teams/*/memberships/*", R::Membership),
        ("DELETE", "/v2/teams/*/memberships/*", R::Membership),
        ("GET", "/v2/teams/*/schedules", R::Schedules),
        ("GET", "/v2/teams/*/event-types", R::EventTypes),
        ("POST", "/v2/teams/*/event-types", R::EventTypeOrTypes),
        ("GET", "/v2/teams/*/event-types/*", R::EventType),
        ("PATCH", "/v2/teams/*/event-types/*", R::EventTypeOrTypes),
        ("GET", "/v2/calendars", R::Calendars),
        ("GET", "/v2/calendars/busy-times", R::BusyTimes),
        ("POST", "/v2/calendars/ics-feed/save", R::App),
        ("GET", "/v2/calendars/*/check", R::Nothing),
        ("GET", "/v2/calendars/*/connect", R::ConnectUrl),
        ("POST", "/v2/calendars/*/credentials", R::Nothing),
        ("POST", "/v2/calendars/*/disconnect", R::App),
        ("GET", "/v2/calendars/*/event/*", R::CalendarEvent),
        ("PATCH", "/v2/calendars/*/events/*", R::CalendarEvent),
        ("POST", "/v2/selected-calendars", R::MaybeCalendarRef),
        ("DELETE", "/v2/selected-calendars", R::CalendarRef),
        ("PUT", "/v2/destination-calendars", R::CalendarRef),
        ("GET", "/v2/conferencing", R::Apps),
        ("GET", "/v2/conferencing/default", R::DefaultApp),
        ("POST", "/v2/conferencing/*/connect", R::App),
        ("POST", "/v2/conferencing/*/default", R::Nothing),
        ("DELETE", "/v2/conferencing/*/disconnect", R::Nothing),
        ("GET", "/v2/conferencing/*/oauth/auth-url", R::ConnectUrl),
        ("GET", "/v2/stripe/check", R::Nothing),
        ("GET", "/v2/stripe/connect", R::ConnectUrl),
        ("GET", "/v2/event-types/*/private-links", R::PrivateLinks),
        ("POST", "/v2/event-types/*/private-links", R::PrivateLink),
        ("PATCH", "/v2/event-types/*/private-links/*", R::PrivateLink),
        ("DELETE", "/v2/event-types/*/private-links/*", R::Nothing),
        ("GET", "/v2/verified-resources/emails", R::VerifiedEmails),
        ("GET", "/v2/verified-resources/emails/*", R::MaybeEmail),
        ("POST", "/v2/verified-resources/emails/verification-code/request", R::Nothing),
        ("POST", "/v2/verified-resources/emails/verification-code/verify", R::VerifiedEmail),
        ("GET", "/v2/verified-resources/phones", R::VerifiedPhones),
        ("GET", "/v2/verified-resources/phones/*", R::MaybePhone),
        ("POST", "/v2/verified-resources/phones/verification-code/request", R::Nothing),
        ("POST", "/v2/verified-resources/phones/verification-code/verify", R::VerifiedPhone),
        ("GET", "/v2/teams/*/verified-resources/emails", R::VerifiedEmails),
        ("GET", "/v2/teams/*/verified-resources/emails/*", R::MaybeEmail),
        ("POST", "/v2/teams/*/verified-resources/emails/verification-code/request", R::Nothing),
        ("POST", "/v2/teams/*/verified-resources/emails/verification-code/verify", R::VerifiedEmail),
        ("GET", "/v2/teams/*/verified-resources/phones", R::VerifiedPhones),
        ("GET", "/v2/teams/*/verified-resources/phones/*", R::MaybePhone),
        ("POST", "/v2/teams/*/verified-resources/phones/verification-code/request", R::Nothing),
        ("POST", "/v2/teams/*/verified-resources/phones/verification-code/verify", R::VerifiedPhone),
        ("POST", "/v2/api-keys/refresh", R::ApiKey),
        ("GET", "/v2/auth/oauth2/clients/*", R::OAuthClient),
        ("POST", "/v2/routing-forms/*/calculate-slots", R::RoutedSlots),
    ]
};

fn route(exchange: &Value) -> Option<Resource> {
    let method = exchange["request"]["method"].as_str()?;
    let path: Vec<&str> = exchange["request"]["path"].as_str()?.split('/').collect();
    let is_of = |template: &str| {
        let template: Vec<&str> = template.split('/').collect();
        let fits = |(part, pattern): (&&str, &&str)| *pattern == "*" || part == pattern;
        path.len() == template.len() && path.iter().zip(&template).all(fits)
    };
    let found = ROUTES.iter().find(|r| r.0 == method && is_of(r.1));
    found.map(|(_, _, resource)| *resource)
}

/// Reads an exchange as what it is; `None` if it is of another resource.
fn check_exchange(name: &str, exchange: &Value) -> Option<()> {
    let resource = route(exchange)?;
    let answer = answer_of(exchange);
    let told = read_as(resource, &answer);
    let kind = told.as_ref().map_err(Error::kind).err();
    let versioned = exchange["request"]["headers"]
        .get("cal-api-version")
        .is_some();
    let kinds: &[Option<ErrorKind>] = match answer.status().as_u16() {
        200..=299 if versioned => &[None],
        // Without a version the server answers in the shapes of 2024-04-15, where it has any.
        200..=299 => &[None, Some(ErrorKind::VersionMismatch)],
        400 | 422 => &[
            Some(ErrorKind::Invalid),
            Some(ErrorKind::Conflict),
            Some(ErrorKind::SlotUnavailable),
        ],
        401 => &[
            Some(ErrorKind::Unauthorized),
            Some(ErrorKind::BookingLimitReached),
        ],
        403 => &[Some(ErrorKind::Forbidden)],
        404 => &[Some(ErrorKind::NotFound), Some(ErrorKind::UnknownEndpoint)],
        409 => &[Some(ErrorKind::Conflict), Some(ErrorKind::SlotUnavailable)],
        413 => &[Some(ErrorKind::Invalid)],
        429 => &[Some(ErrorKind::RateLimited)],
        498 => &[Some(ErrorKind::Unauthorized)],
        _ => &[Some(ErrorKind::Server)],
    };
    assert!(kinds.contains(&kind), "{name} as {resource:?}: {told:?}");
    Some(())
}

#[test]
fn every_fixture_of_a_known_route_is_read() {
    let names = names("exchanges", "json");
    let read = names
        .iter()
        .filter_map(|name| check_exchange(name, &read_json("exchanges", name)));
    assert!(read.count() > 100);
}

/// More exchanges than are kept here: those in the directory that `CALCOM_EXCHANGES` names.
#[test]
fn every_exchange_elsewhere_of_a_known_route_is_read() {
    let Some(directory) = std::env::var_os("CALCOM_EXCHANGES") else {
        return;
    };
    let mut read = 0;
    for file in std::fs::read_dir(Path::new(&directory)).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|e| e == "json") {
            let exchange = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let name = path.display().to_string();
            read += usize::from(check_exchange(&name, &exchange).is_some());
        }
    }
    println!("{read} exchanges read");
    assert!(read > 0);
}

/// Keys that no type has, by resource and path, and why.
#[rustfmt::skip]
const OMITTED: &[(&str, &str, &str)] = {
    const INSTALLATION: &str = "Cal.com's own bookkeeping of an installed app";
    const SECRET: &str = "typed, but never serialized";
    const PLATFORM: &str = "only on the subscriptions of platforms and apps";
    const LOGO: &str = "null everywhere, and in no document";
    const REPEATED: &str = "repeats what the event type says";
    &[
        ("ApiKey", "", SECRET),
        ("App", "billingCycleStart", INSTALLATION),
        ("App", "delegationCredentialId", INSTALLATION),
        ("App", "key", INSTALLATION),
        ("App", "paymentStatus", INSTALLATION),
        ("App", "subscriptionId", INSTALLATION),
        ("App", "teamId", INSTALLATION),
        ("Calendars", "destinationCalendar", "typed, but empty in every recording"),
        ("ConnectUrl", "", SECRET),
        ("EventType", "calVideoSettings.createdAt", REPEATED),
        ("EventType", "calVideoSettings.eventTypeId", REPEATED),
        ("EventType", "calVideoSettings.updatedAt", REPEATED),
        ("Team", "appIconLogo", LOGO),
        ("Team", "appLogo", LOGO),
        ("Team", "calVideoLogo", LOGO),
        ("Webhook", "appId", PLATFORM),
        ("Webhook", "oAuthClientId", PLATFORM),
        ("Webhook", "platform", PLATFORM),
    ]
};

/// The resource that an answer consists of, one or many.
fn element(resource: Resource) -> &'static str {
    match resource {
        Resource::App | Resource::Apps => "App",
        Resource::Booking | Resource::BookingOrSeries | Resource::Bookings => "Booking",
        Resource::CalendarRef | Resource::MaybeCalendarRef => "CalendarRef",
        Resource::EventType | Resource::EventTypeOrTypes | Resource::EventTypes => "EventType",
        Resource::Membership | Resource::Memberships => "Membership",
        Resource::PrivateLink | Resource::PrivateLinks => "PrivateLink",
        Resource::Schedule | Resource::Schedules => "Schedule",
        Resource::Team | Resource::Teams => "Team",
        Resource::MaybeEmail | Resource::VerifiedEmail | Resource::VerifiedEmails => "Email",
        Resource::MaybePhone | Resource::VerifiedPhone | Resource::VerifiedPhones => "Phone",
        Resource::Webhook | Resource::Webhooks => "Webhook",
        Resource::ApiKey => "ApiKey",
        Resource::Attendees => "Attendee",
        Resource::BusyTimes => "BusyTime",
        Resource::CalendarEvent => "CalendarEvent",
        Resource::CalendarLinks => "CalendarLink",
        Resource::Calendars => "Calendars",
        Resource::ConnectUrl => "ConnectUrl",
        Resource::CreatedTeam => "CreatedTeam",
        Resource::DefaultApp => "DefaultApp",
        Resource::Nothing => "Nothing",
        Resource::OAuthClient => "OAuthClient",
        Resource::Reassignment => "Reassignment",
        Resource::Recordings => "Recording",
        Resource::References => "Reference",
        Resource::Reservation => "Reservation",
        Resource::RoutedSlots => "RoutedSlots",
        Resource::Slots => "Slots",
        Resource::Transcripts => "Transcript",
        Resource::User => "User",
    }
}

/// Every key in a value, as a path such as `hosts[].name`.
fn keys(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => {
            let path = if path.is_empty() {
                String::new()
            } else {
                format!("{path}[]")
            };
            for item in items {
                keys(item, &path, found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                keys(field, &path, found);
                found.insert(path);
            }
        }
        _ => {}
    }
}

type Keys = BTreeMap<&'static str, (BTreeSet<String>, BTreeSet<String>)>;

/// Adds the keys of an answer, and those of the resource that is read from it.
fn compare_keys(exchange: &Value, all: &mut Keys) {
    let answer = answer_of(exchange);
    let Some(resource) = route(exchange) else {
        return;
    };
    let Ok(read) = read_as(resource, &answer) else {
        return;
    };
    let data = &exchange["response"]["body"]["data"];
    let (answered, typed) = all.entry(element(resource)).or_default();
    keys(data, "", answered);
    keys(&read, "", typed);
    let mut nulls = Vec::new();
    find_nulls(data, String::new(), &mut nulls);
    for pointer in nulls {
        let mut path = BTreeSet::new();
        keys(&only(&pointer), "", &mut path);
        if !path.is_subset(typed) {
            typed.extend(probe(resource, data, &pointer));
        }
    }
}

/// Where a value is null.
fn find_nulls(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::Null => found.push(pointer),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                find_nulls(item, format!("{pointer}/{index}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                find_nulls(field, format!("{pointer}/{name}"), found);
            }
        }
        _ => {}
    }
}

/// A value with nothing but what the pointer names.
fn only(pointer: &str) -> Value {
    let segments = pointer.split('/').skip(1).collect::<Vec<_>>();
    segments.iter().rev().fold(Value::Null, |value, segment| {
        if segment.parse::<usize>().is_ok() {
            Value::Array(vec![value])
        } else {
            Value::Object([((*segment).to_owned(), value)].into_iter().collect())
        }
    })
}

/// The keys that are read if something stands where the answer has null: a null is not written
/// again, so that it does not tell whether its key is typed.
fn probe(resource: Resource, data: &Value, pointer: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for sample in [
        json!("2026-12-01T09:00:00Z"),
        json!("text"),
        json!(7),
        json!(true),
        json!({}),
        json!(["text"]),
    ] {
        let mut data = data.clone();
        *data.pointer_mut(pointer).unwrap() = sample;
        let body = json!({"status": "success", "data": data}).to_string();
        if let Ok(read) = read_as(resource, &Response::new(body.into())) {
            keys(&read, "", &mut found);
        }
    }
    found
}

/// The keys of the answers that no field and no list of omissions has.
fn lost_keys(all: &Keys) -> Vec<String> {
    let omitted = |element: &str, path: &str| {
        let is_under = |under: &str| {
            let rest = path.strip_prefix(under);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let mut listed = OMITTED.iter().filter(|(of, ..)| *of == element);
        listed.any(|(_, under, _)| under.is_empty() || is_under(under))
    };
    all.iter()
        .flat_map(|(element, (answered, typed))| {
            let lost = answered.difference(typed);
            let lost = lost.filter(|path| !omitted(element, path));
            lost.map(move |path| format!("{element}: {path}"))
        })
        .collect()
}

#[test]
fn every_key_of_every_recorded_answer_is_typed_or_left_out_on_purpose() {
    let mut all = Keys::new();
    for name in names("exchanges", "json") {
        compare_keys(&read_json("exchanges", &name), &mut all);
    }
    if let Some(directory) = std::env::var_os("CALCOM_EXCHANGES") {
        for file in std::fs::read_dir(Path::new(&directory)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|e| e == "json") {
                let exchange = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
                compare_keys(&exchange, &mut all);
            }
        }
    }
    assert!(all.len() > 20, "{all:?}");
    assert_eq!(lost_keys(&all), [""; 0]);
}

#[test]
fn a_recorded_limit_says_when_it_is_reset() {
    let error = read_as(Resource::User, &answer("277-rate-limit-7")).unwrap_err();
    assert_eq!(error.retry_after().unwrap().as_secs(), 10);
}

/// What a delivery is read as.
#[derive(Debug, PartialEq)]
enum Sort {
    Booking,
    NoShow,
    Template,
}

/// Every recorded delivery: what it is read as, its trigger, its booking, and whether its signature is ours. The subscription of
/// the template has another secret, and of those that were recorded as JSON the bytes are not the signed ones.
type Delivery = (
    &'static str,
    Sort,
    Option<&'static str>,
    Option<&'static str>,
    Result<(), VerifyError>,
);

#[rustfmt::skip]
const DELIVERIES: &[Delivery] = &[
    ("0001-BOOKING_CREATED", Sort::Booking, Some("BOOKING_CREATED"), Some("w2hQFc7JQpJy57fx4rkUUM"), Ok(())),
    ("0002-BOOKING_CREATED", Sort::Booking, Some("BOOKING_CREATED"), Some("hRocbBzoTr66HPURF7JjjJ"), Ok(())),
    ("0016-BOOKING_RESCHEDULED", Sort::Booking, Some("BOOKING_RESCHEDULED"), Some("e5XrwipMrYe4dr4ujdJbS1"), Ok(())),
    ("0023-BOOKING_CANCELLED", Sort::Booking, Some("BOOKING_CANCELLED"), Some("sevN5YQwcjBsh74rp3g3Fr"), Ok(())),
    ("0028-BOOKING_CREATED", Sort::Booking, Some("BOOKING_CREATED"), Some("htjZDM9z5KzZHj1nssqEmX"), Ok(())),
    ("0029-BOOKING_REQUESTED", Sort::Booking, Some("BOOKING_REQUESTED"), Some("fijhrPKvntVgZhRCD5HUpa"), Ok(())),
    ("0031-BOOKING_REJECTED", Sort::Booking, Some("BOOKING_REJECTED"), Some("fijhrPKvntVgZhRCD5HUpa"), Ok(())),
    ("0038-BOOKING_REQUESTED", Sort::Booking, Some("BOOKING_REQUESTED"), Some("7H3V4dxRFPqMm3m2wsZAwP"), Ok(())),
    ("0040-BOOKING_CREATED", Sort::Booking, Some("BOOKING_CREATED"), Some("9iuaniiCbKcbT7VbXz9tLk"), Ok(())),
    ("0046-BOOKING_RESCHEDULED", Sort::Booking, Some("BOOKING_RESCHEDULED"), Some("5j8zwtb4vZhxDWHhd7iDmE"), Ok(())),
    ("0050-BOOKING_CREATED", Sort::Booking, Some("BOOKING_CREATED"), Some("vPq39Zfr3Va7xen6K2S1RR"), Ok(())),
    ("0055-BOOKING_NO_SHOW_UPDATED", Sort::NoShow, Some("BOOKING_NO_SHOW_UPDATED"), Some("m17TcGAhvyqsSEnjriX3hF"), Ok(())),
    ("0061-BOOKING_CREATED", Sort::Booking, Some("BOOKING_CREATED"), Some("xj41bXMtMd1hYexGQ3DxuM"), Err(VerifyError::NoSecretAtSender)),
    ("0065-UNKNOWN", Sort::Template, None, None, Err(VerifyError::Mismatch)),
    ("0086-BOOKING_CANCELLED", Sort::Booking, Some("BOOKING_CANCELLED"), Some("6xx6qUCbfus1AG4sgE6kJc"), Ok(())),
    ("0223-BOOKING_CREATED", Sort::Booking, Some("BOOKING_CREATED"), Some("4u9aA29K8pEGSbN49rqgpK"), Ok(())),
    ("0229-BOOKING_CREATED", Sort::Booking, Some("BOOKING_CREATED"), Some("7MRTEGXdSoPQqFvNukj2QL"), Ok(())),
    ("0230-BOOKING_RESCHEDULED", Sort::Booking, Some("BOOKING_RESCHEDULED"), Some("aB7NTzpchid1rAhGjXnRkv"), Ok(())),
    ("0238-BOOKING_CREATED", Sort::Booking, Some("BOOKING_CREATED"), Some("mbo1GwdVr3CYtQFgw6Eyb1"), Ok(())),
    ("0239-BOOKING_CANCELLED", Sort::Booking, Some("BOOKING_CANCELLED"), Some("mbo1GwdVr3CYtQFgw6Eyb1"), Ok(())),
    ("0242-BOOKING_CANCELLED", Sort::Booking, Some("BOOKING_CANCELLED"), Some("1bmGvyAV167daficvnaK8M"), Ok(())),
    ("0300-BOOKING_CREATED", Sort::Booking, Some("BOOKING_CREATED"), Some("r45njbgVZqcCkm95osSYtg"), Err(VerifyError::Mismatch)),
    ("0302-BOOKING_RESCHEDULED", Sort::Booking, Some("BOOKING_RESCHEDULED"), Some("ofn54kttNeM9qJ4DMP7Aw1"), Err(VerifyError::Mismatch)),
    ("0309-BOOKING_REQUESTED", Sort::Booking, Some("BOOKING_REQUESTED"), Some("vhvSp3EijNBou9haxBABDf"), Err(VerifyError::Mismatch)),
    ("0320-BOOKING_CANCELLED", Sort::Booking, Some("BOOKING_CANCELLED"), Some("6rMXqBgp4MxhZEjDZfHZAe"), Err(VerifyError::Mismatch)),
];

fn body(name: &str) -> Vec<u8> {
    std::fs::read(folder("webhooks").join(format!("{name}.body"))).unwrap()
}

fn headers(name: &str) -> HeaderMap {
    let told = read_json("webhooks", name);
    let pairs = told["headers"].as_object().unwrap().iter();
    let header = |(name, value): (&String, &Value)| {
        let name: HeaderName = name.parse().unwrap();
        (
            name,
            HeaderValue::from_str(value.as_str().unwrap()).unwrap(),
        )
    };
    pairs.map(header).collect()
}

#[test]
fn every_recorded_delivery_is_in_the_table() {
    let known: BTreeSet<String> = DELIVERIES.iter().map(|d| d.0.to_owned()).collect();
    assert_eq!(names("webhooks", "body"), known);
    assert_eq!(names("webhooks", "json"), known);
}

#[test]
fn every_recorded_delivery_is_read_as_what_it_is() {
    for (name, sort, trigger, uid, _) in DELIVERIES {
        let event = WebhookEvent::parse(&body(name));
        let read = match &event {
            WebhookEvent::Booking(_) => Sort::Booking,
            WebhookEvent::NoShow(_) => Sort::NoShow,
            WebhookEvent::Template(_) => Sort::Template,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(read, *sort, "{name}");
        assert_eq!(event.trigger().map(Trigger::as_str), *trigger, "{name}");
        assert_eq!(event.booking_uid().map(BookingUid::as_str), *uid, "{name}");
        if let WebhookEvent::Booking(event) = event {
            assert!(event.created_at.is_some(), "{name}");
            assert!(event.start_time < event.end_time, "{name}");
            assert!(event.status.is_some(), "{name}");
            // That of a deleted event type is gone.
            let is_deleted = *name == "0242-BOOKING_CANCELLED";
            assert_eq!(event.event_type_id.is_none(), is_deleted, "{name}");
            assert!(event.organizer.is_some(), "{name}");
        }
    }
}

#[test]
fn every_recorded_delivery_is_believed_or_not_by_its_signature() {
    let secrets = ["whsec_loopback_test".into()];
    for (name, _, _, _, verdict) in DELIVERIES {
        let (headers, mut body) = (headers(name), body(name));
        assert_eq!(verify(&secrets, &headers, &body), *verdict, "{name}");
        assert!(headers.contains_key(SIGNATURE_HEADER));
        body.push(b' ');
        assert!(verify(&secrets, &headers, &body).is_err(), "{name}");
    }
}

#[test]
fn a_recorded_reschedule_names_both_bookings() {
    let WebhookEvent::Booking(event) = WebhookEvent::parse(&body("0016-BOOKING_RESCHEDULED"))
    else {
        panic!("not a booking event");
    };
    let former = event.reschedule_uid.unwrap();
    assert_ne!(former, event.uid);
    assert!(event.metadata.is_some());
}
