//! Connected calendars: what each method sends, and what it makes of a recorded answer.

use calcom::client::ErrorKind;
use calcom::model::{
    BusyTimesQuery, CalendarEventAttendee, CalendarEventStatus, CalendarEventTime,
    CalendarEventUpdate, CalendarIntegration, CalendarProvider, CalendarSelection,
    ConnectedCalendars, CredentialId, DestinationCalendarParams, NewIcsFeed,
};
use serde_json::{Value, json};

use crate::support::{Sent, answering, client, fixture, recorded, sent, success};

const FEED: &str = "http://127.0.0.1:4777/second.ics";
const CREDENTIAL: CredentialId = CredentialId::new(9);

fn request_body(name: &str) -> Value {
    fixture(name)["request"]["body"].clone()
}

fn selection() -> CalendarSelection {
    CalendarSelection::new(CalendarIntegration::IcsFeed, FEED, CREDENTIAL)
}

fn connected() -> Value {
    let calendar = json!({"externalId": "hanna@example.com", "integration": "google_calendar",
        "name": "Hanna Host", "primary": true, "readOnly": false, "email": "hanna@example.com",
        "isSelected": true, "credentialId": 4, "delegationCredentialId": null});
    json!({
        "connectedCalendars": [{
            "integration": {"appData": null, "name": "Google Calendar", "type": "google_calendar",
                "slug": "google-calendar", "categories": ["calendar"], "locationOption": null},
            "credentialId": 4, "delegationCredentialId": null,
            "primary": calendar, "calendars": [calendar],
        }],
        "destinationCalendar": {"id": 2, "integration": "google_calendar", "eventTypeId": null,
            "externalId": "hanna@example.com", "primaryEmail": "hanna@example.com", "userId": 3,
            "credentialId": 4, "name": "Hanna Host", "primary": true, "readOnly": false,
            "email": "hanna@example.com", "integrationTitle": "Google Calendar"},
    })
}

#[tokio::test]
async fn list_reads_connections_and_the_destination_or_none() {
    let server = answering(recorded("400-calendars-list-none")).await;
    let list = client(&server).calendars().list().await.unwrap();
    assert_eq!(
        sent(&server).await,
        [Sent::new("GET", "/v2/calendars", None)]
    );
    assert!(list.connected_calendars.is_empty() && list.destination_calendar.is_none());

    let server = answering(success(&connected())).await;
    let list = client(&server).calendars().list().await.unwrap();
    let connection = &list.connected_calendars[0];
    assert_eq!(connection.primary.as_ref(), connection.calendars.first());
    assert!(connection.calendars[0].is_selected);
    let destination = list.destination_calendar.as_ref().unwrap();
    assert_eq!(destination.integration, Some(CalendarIntegration::Google));
    let written = serde_json::to_value(&list).unwrap();
    let read: ConnectedCalendars = serde_json::from_value(written).unwrap();
    assert_eq!(read, list);
    let shown = format!("{list:?}");
    assert!(!shown.contains("hanna") && !shown.contains("Host"));
}

#[tokio::test]
async fn busy_times_names_the_calendars_and_the_time_zone_under_both_names() {
    let server = answering(recorded("412-calendars-busy-times")).await;
    let (from, to) = ("2027-03-25".parse().unwrap(), "2027-03-27".parse().unwrap());
    let query = BusyTimesQuery::new("Europe/Berlin", from, to)
        .with_calendar(CREDENTIAL, FEED)
        .with_calendar(CredentialId::new(10), "ann@example.com");
    let busy = client(&server)
        .calendars()
        .busy_times(&query)
        .await
        .unwrap();
    let expected = Sent::new("GET", "/v2/calendars/busy-times", None).query(&[
        ("timeZone", "Europe/Berlin"),
        ("loggedInUsersTz", "Europe/Berlin"),
        ("dateFrom", "2027-03-25"),
        ("dateTo", "2027-03-27"),
        ("calendarsToLoad[0][credentialId]", "9"),
        ("calendarsToLoad[0][externalId]", FEED),
        ("calendarsToLoad[1][credentialId]", "10"),
        ("calendarsToLoad[1][externalId]", "ann@example.com"),
    ]);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(busy.len(), 4);
    assert_eq!(busy[0].source.as_deref(), Some("ics-feed"));
    assert!(!format!("{query:?}").contains("ann@"));
}

#[tokio::test]
async fn feeds_are_connected_checked_and_disconnected() {
    let name = "409-calendars-ics-feed-save-again-adds-another-credential";
    let server = answering(recorded(name)).await;
    let feed = NewIcsFeed::new(["http://127.0.0.1:4777/feed.ics", FEED]);
    let client_of = client(&server);
    let calendars = client_of.calendars();
    let made = calendars.save_ics_feed(&feed).await.unwrap();
    let writable = feed.clone().with_read_only(false);
    calendars.save_ics_feed(&writable).await.unwrap();
    let call = || Sent::new("POST", "/v2/calendars/ics-feed/save", None);
    let mut writable = request_body(name);
    writable["readOnly"] = json!(false);
    let expected = [call().body(request_body(name)), call().body(writable)];
    assert_eq!(sent(&server).await, expected);
    assert_eq!(
        (made.id, made.kind.as_str()),
        (CREDENTIAL, "ics-feed_calendar")
    );
    assert!(!format!("{feed:?}").contains("127.0.0.1"));

    let server = answering(recorded("410-calendars-ics-feed-check")).await;
    let feeds = CalendarProvider::IcsFeed;
    client(&server).calendars().check(&feeds).await.unwrap();
    let expected = Sent::new("GET", "/v2/calendars/ics-feed/check", None);
    assert_eq!(sent(&server).await, [expected]);

    let name = "461-calendars-ics-feed-disconnect";
    let server = answering(recorded(name)).await;
    let client = client(&server);
    let ended = client.calendars().disconnect(&feeds, CREDENTIAL).await;
    assert_eq!(ended.unwrap().id, CREDENTIAL);
    let expected = Sent::new("POST", "/v2/calendars/ics-feed/disconnect", None);
    assert_eq!(sent(&server).await, [expected.body(request_body(name))]);
}

#[tokio::test]
async fn the_address_to_connect_at_is_a_secret() {
    let server = answering(recorded("448-calendars-office365-connect")).await;
    let client = client(&server);
    let back = "http://localhost:4601/done";
    let (calendars, outlook) = (client.calendars(), CalendarProvider::Office365);
    let url = calendars.connect_url(&outlook, Some(back)).await.unwrap();
    calendars.connect_url(&outlook, None).await.unwrap();
    let call = || Sent::new("GET", "/v2/calendars/office365/connect", None);
    let expected = [call().query(&[("redir", back)]), call()];
    assert_eq!(sent(&server).await, expected);
    assert!(url.expose().contains("cal_test"));
    assert!(!format!("{url:?} {url:#?}").contains("cal_test"));
}

#[tokio::test]
async fn a_provider_that_is_not_connected_is_refused() {
    let server = answering(recorded("443-calendars-google-check-not-connected")).await;
    let google = CalendarProvider::Google;
    let error = client(&server).calendars().check(&google).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn apple_credentials_are_sent_and_acknowledged() {
    let server = answering(recorded("410-calendars-ics-feed-check")).await;
    let client = client(&server);
    let calendars = client.calendars();
    let saved = calendars.save_apple_credentials("x@example.com", "aaaa-bbbb-cccc-dddd");
    saved.await.unwrap();
    let body = json!({"username": "x@example.com", "password": "aaaa-bbbb-cccc-dddd"});
    let expected = Sent::new("POST", "/v2/calendars/apple/credentials", None).body(body);
    assert_eq!(sent(&server).await, [expected]);
}

#[tokio::test]
async fn a_calendar_is_selected_once_and_deselected() {
    let name = "424-selected-calendars-create";
    let server = answering(recorded(name)).await;
    let selected = client(&server).calendars().select(&selection()).await;
    let expected = Sent::new("POST", "/v2/selected-calendars", None).body(request_body(name));
    assert_eq!(sent(&server).await, [expected]);
    let selected = selected.unwrap().unwrap();
    assert_eq!(selected.credential_id, Some(CREDENTIAL));

    let server = answering(recorded("425-selected-calendars-create-again")).await;
    let again = client(&server).calendars().select(&selection()).await;
    assert_eq!(again.unwrap(), None);

    let server = answering(recorded(name)).await;
    let delegated = selection().with_delegation_credential("d");
    let gone = client(&server).calendars().deselect(&delegated).await;
    let expected = Sent::new("DELETE", "/v2/selected-calendars", None).query(&[
        ("integration", "ics-feed_calendar"),
        ("externalId", FEED),
        ("credentialId", "9"),
        ("delegationCredentialId", "d"),
    ]);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(gone.unwrap().external_id, FEED);
    assert!(!format!("{delegated:?} {selected:?}").contains(FEED));
}

#[tokio::test]
async fn the_destination_calendar_is_set() {
    let answer = json!({"userId": 3, "integration": "google_calendar",
        "externalId": "hanna@example.com", "credentialId": null});
    let server = answering(success(&answer)).await;
    let google = CalendarIntegration::Google;
    let wanted = DestinationCalendarParams::new(google, "hanna@example.com");
    let set = client(&server).calendars().set_destination(&wanted).await;
    let body = json!({"integration": "google_calendar", "externalId": "hanna@example.com"});
    let expected = Sent::new("PUT", "/v2/destination-calendars", None).body(body);
    assert_eq!(sent(&server).await, [expected]);
    let set = set.unwrap();
    assert_eq!(set.credential_id, None);
    assert!(!format!("{set:?} {wanted:?}").contains("hanna"));
}

#[tokio::test]
async fn an_event_is_read_and_changed() {
    let event = json!({
        "id": "gcal-1", "title": "Ann and Hanna", "description": null, "source": "google",
        "start": {"time": "2026-12-08T10:00:00+01:00", "timeZone": "Europe/Berlin"},
        "end": {"time": "2026-12-08T09:30:00Z", "timeZone": "Europe/Berlin"},
        "locations": [{"type": "video", "url": "https://meet.example.org/secret"}],
        "attendees": [{"email": "ann@example.com", "responseStatus": "needsAction", "self": false}],
        "hosts": [{"email": "hanna@example.com", "responseStatus": null}],
        "calendarEventOwner": {"email": "hanna@example.com", "self": true},
        "status": "accepted",
    });
    let server = answering(success(&event)).await;
    let client = client(&server);
    let (google, id) = (CalendarProvider::Google, "gcal-1".into());
    let read = client.calendars().event(&google, &id).await.unwrap();
    let start = CalendarEventTime::new("2026-12-08T09:00:00Z".parse().unwrap(), "Europe/Berlin");
    let end = CalendarEventTime::new("2026-12-08T09:30:00Z".parse().unwrap(), "Europe/Berlin");
    let ann = CalendarEventAttendee::new("ann@example.com").with_optional(true);
    let update = CalendarEventUpdate::default()
        .with_times(start.clone(), end)
        .with_title("Ann")
        .with_attendees([ann]);
    let changed = client
        .calendars()
        .update_event(&google, &id, &update)
        .await
        .unwrap();
    let body = json!({
        "start": {"time": "2026-12-08T09:00:00Z", "timeZone": "Europe/Berlin"},
        "end": {"time": "2026-12-08T09:30:00Z", "timeZone": "Europe/Berlin"},
        "title": "Ann",
        "attendees": [{"email": "ann@example.com", "optional": true}],
    });
    let expected = [
        Sent::new("GET", "/v2/calendars/google/event/gcal-1", None),
        Sent::new("PATCH", "/v2/calendars/google/events/gcal-1", None).body(body),
    ];
    assert_eq!(sent(&server).await, expected);
    assert_eq!((&read.start, &read), (&start, &changed));
    assert_eq!(read.status, Some(CalendarEventStatus::Accepted));
    let shown = format!("{read:?} {update:?} {:?}", read.attendees);
    for secret in ["ann@", "hanna@", "Ann", "meet.example.org"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
