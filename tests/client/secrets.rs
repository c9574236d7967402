//! What is never shown: the key, who takes part, what a stranger could use.

use std::error::Error as StdError;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calcom::client::{Client, Error, RetryPolicy};
use calcom::model::{
    BookingQuery, CancelParams, EventTypeId, NewAttendee, NewBooking, RescheduleParams,
};
use futures_util::StreamExt;
use serde_json::json;
use tracing_subscriber::fmt::format::FmtSpan;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::{KEY, RawServer, Reply, answering, builder, client, cut_answer, recorded};

/// What nobody may read: the key, addresses and names in every spelling in which they travel.
const SECRET: &[&str] = &[
    KEY,
    "ann@example.com",
    "ann%40example.com",
    "hanna@example.com",
    "guest@example.com",
    "Ann Attendee",
    "Ann+Attendee",
    "Ann%20Attendee",
    "Hanna Host",
    "+4930123456",
    "4930123456",
    "whsec_tests",
];

fn assert_discreet(text: &str) {
    for secret in SECRET {
        assert!(!text.contains(secret), "{secret:?} is in {text}");
    }
}

/// Everything that an error shows of itself, with all of its causes.
fn shown(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}");
    let mut cause: Option<&dyn StdError> = error.source();
    while let Some(error) = cause {
        text.push_str(&format!("\n{error}\n{error:?}"));
        cause = error.source();
    }
    text
}

fn wanted() -> NewBooking {
    let mut attendee = NewAttendee::new("Ann Attendee", "ann@example.com", "Europe/London".into());
    attendee.phone_number = Some("+4930123456".to_owned());
    let start = "2026-12-08T09:00:00Z".parse().unwrap();
    NewBooking::new(EventTypeId::new(2), start, attendee).with_guest("guest@example.com")
}

fn about_ann() -> BookingQuery {
    BookingQuery::default()
        .with_attendee_email("ann@example.com".to_owned())
        .with_attendee_name("Ann Attendee".to_owned())
        .with_take(1)
}

/// Calls that carry all there is to hide; the errors of those that failed.
async fn errors_of_all_calls(client: &Client) -> Vec<Error> {
    let bookings = client.bookings();
    let start = "2026-12-08T09:00:00Z".parse().unwrap();
    let moved = RescheduleParams::default()
        .with_reason("Ann Attendee is ill")
        .with_rescheduled_by("ann@example.com");
    let cancelled = CancelParams::reason("ann@example.com does not come");
    let uid = "u".into();
    let mut results = vec![
        client.me().get().await.map(drop),
        bookings.create(&wanted()).await.map(drop),
        bookings.list(&about_ann()).await.map(drop),
        bookings.reschedule(&uid, start, &moved).await.map(drop),
        bookings.cancel(&uid, &cancelled).await.map(drop),
        client
            .webhooks()
            .list(&calcom::model::WebhookQuery::default())
            .await
            .map(drop),
    ];
    let mut walk = std::pin::pin!(bookings.list_all(about_ann()));
    results.push(walk.next().await.map_or(Ok(()), |r| r.map(drop)));
    results.into_iter().filter_map(Result::err).collect()
}

/// Servers that repeat what they were sent wherever a server may.
async fn talkative_servers() -> Vec<MockServer> {
    let mut servers = Vec::new();
    let router = |request: &Request| {
        let asked = &request.url[url::Position::BeforePath..];
        let message = format!("Cannot {} {asked}", request.method);
        let body = json!({"status": "error", "path": asked, "error": {
            "code": "NotFoundException", "message": message, "details": {"message": message},
        }});
        ResponseTemplate::new(404).set_body_json(body)
    };
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(router).mount(&server).await;
    servers.push(server);

    let value = json!({"name": "Ann Attendee", "email": "ann@example.com"});
    let validation = json!({"status": "error", "error": {
        "code": "BadRequestException",
        "message": "Bad Request Exception for \"ann@example.com\", guest@example.com\nann@example.com",
        "details": {"errors": [{
            "target": {"attendee": value}, "value": value, "property": "attendee",
            "children": [{"property": "email", "value": "ann@example.com", "children": [],
                "constraints": {"isEmail": "ann@example.com must be an email"}}],
            "constraints": {"x": "attendee <ann@example.com> is wrong"},
        }]},
    }});
    let spelled = json!({"status": "error", "error": {
        "code": "BAD_REQUEST", "message": "responses - {email}ann@example.com_is_wrong, ",
    }});
    let bare = json!({"statusCode": 409, "message": "ann@example.com is there already"});
    let mut unreadable = crate::support::body("066-booking-create");
    unreadable["data"]["start"] = json!("ann@example.com");
    unreadable["data"]["attendees"][0]["absent"] = json!("Ann Attendee");
    let repeated = "<html>Ann Attendee ann@example.com hanna@example.com</html>";
    let answers = [
        ResponseTemplate::new(400).set_body_json(validation),
        ResponseTemplate::new(400).set_body_json(spelled),
        ResponseTemplate::new(409).set_body_json(bare),
        ResponseTemplate::new(200).set_body_json(unreadable),
        ResponseTemplate::new(200).set_body_string(repeated),
        ResponseTemplate::new(502).set_body_string(repeated),
        ResponseTemplate::new(200).set_body_string(&repeated[..20]),
        recorded("070-booking-get-no-version-header"),
        ResponseTemplate::new(302).insert_header("location", "https://ann@example.com/"),
        ResponseTemplate::new(200).set_delay(Duration::from_secs(30)),
    ];
    for answer in answers {
        servers.push(answering(answer).await);
    }
    servers
}

#[tokio::test]
async fn no_error_shows_the_key_or_a_person() {
    let mut bases: Vec<(String, usize)> = Vec::new();
    let servers = talkative_servers().await;
    // The old shapes and all others fail every call.
    bases.extend(servers.iter().map(|s| (format!("{}/v2", s.uri()), 7)));
    let cut = RawServer::start(vec![Reply::Close(cut_answer())]).await;
    bases.push((cut.base_url.clone(), 7));
    bases.push(("http://127.0.0.1:1/v2".to_owned(), 7));
    for (base, failures) in bases {
        let client = builder(&base)
            .retry(RetryPolicy::none())
            .attempt_timeout(Duration::from_millis(250))
            .build()
            .unwrap();
        let errors = errors_of_all_calls(&client).await;
        assert_eq!(errors.len(), failures, "{base}");
        for error in errors {
            assert_discreet(&shown(&error));
            // What the accessors tell is for logs too; the excerpt alone is not.
            for field in error.fields() {
                assert_discreet(field.message());
            }
            if let Some(api) = error.api() {
                assert_discreet(&format!("{api} {api:?} {}", api.message()));
            }
        }
    }
}

#[tokio::test]
async fn no_debug_shows_the_key_or_a_person() {
    let server = answering(recorded("136-bookings-list-take-skip")).await;
    let builder = builder(&format!("{}/v2", server.uri()));
    assert_discreet(&format!("{builder:?} {builder:#?}"));
    let client = builder.build().unwrap();
    let page = client.bookings().list(&about_ann()).await.unwrap();
    let handles = format!(
        "{client:?} {:?} {:?} {:?} {:?} {:?}",
        client.bookings(),
        client.slots(),
        client.event_types(),
        client.webhooks(),
        client.me()
    );
    assert_discreet(&handles);
    let params = RescheduleParams::default()
        .with_reason("Ann Attendee is ill")
        .with_rescheduled_by("ann@example.com");
    let cancelled = CancelParams::reason("Ann Attendee is ill");
    let (query, wanted) = (about_ann(), wanted());
    assert_discreet(&format!(
        "{page:?} {query:?} {wanted:?} {params:?} {cancelled:?}"
    ));
    assert_discreet(&format!(
        "{:?} {:?}",
        page.items[0].attendees, page.items[0].hosts
    ));
    let me = answering(recorded("011-me")).await;
    let user = crate::support::client(&me).me().get().await.unwrap();
    assert_discreet(&format!("{user:?}"));
}

/// A log that a test can read.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_trace_shows_the_key_or_a_person() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // For all threads, and so for all tests of this file's process: a scoped one would miss what another thread met first.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    tracing::callsite::rebuild_interest_cache();
    let well = answering(recorded("136-bookings-list-take-skip")).await;
    errors_of_all_calls(&client(&well)).await;
    for server in talkative_servers().await {
        let client = builder(&format!("{}/v2", server.uri()))
            .attempt_timeout(Duration::from_millis(100))
            .build()
            .unwrap();
        errors_of_all_calls(&client).await;
    }
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for word in [
        "bookings.create",
        "calcom.error",
        "calcom.request_id",
        "calcom.correlation_id",
        "http.client.request.duration",
        "trying again",
    ] {
        assert!(text.contains(word), "{word} is traced");
    }
    assert_discreet(&text);
}
