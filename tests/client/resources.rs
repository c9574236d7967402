//! Slots, event types, webhooks and the user: what each method sends, and what it makes of a recorded answer.

use calcom::client::ErrorKind;
use calcom::model::{
    EventTypeId, EventTypeQuery, EventTypeTarget, NewWebhook, SlotFormat, SlotQuery, SlotsByDay,
    TimeZone, Trigger, WebhookId, WebhookQuery,
};
use chrono::{DateTime, NaiveDate, Utc};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use wiremock::matchers::{any, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Sent, answering, body, client, recorded, sent, success};

const SLOTS: Option<&str> = Some("2024-09-04");
const EVENT_TYPES: Option<&str> = Some("2024-06-14");

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn query(target: impl Into<EventTypeTarget>) -> SlotQuery {
    SlotQuery::new(
        target,
        at("2026-12-07T00:00:00Z"),
        at("2026-12-09T00:00:00Z"),
    )
}

#[tokio::test]
async fn slots_list_sends_an_event_type_and_a_span_and_reads_starts() {
    let server = answering(recorded("036-slots-default")).await;
    let asked = query(EventTypeId::new(2));
    let slots: SlotsByDay = client(&server).slots().list(&asked).await.unwrap();
    let expected = Sent::new("GET", "/v2/slots", SLOTS).query(&[
        ("eventTypeId", "2"),
        ("start", "2026-12-07T00:00:00Z"),
        ("end", "2026-12-09T00:00:00Z"),
    ]);
    assert_eq!(sent(&server).await, [expected]);
    let first = &slots[&day("2026-12-07")][0];
    assert_eq!((first.start, first.end), (at("2026-12-07T08:00:00Z"), None));
}

#[tokio::test]
async fn slots_list_sends_every_parameter_and_reads_ends_and_seats() {
    let server = answering(recorded("037-slots-range")).await;
    let mut asked = query(EventTypeTarget::user("hanna", "intro-30"))
        .with_time_zone("Europe/Berlin")
        .with_format(SlotFormat::Range);
    asked.duration = Some(60);
    asked.booking_uid_to_reschedule = Some("u1".into());
    let slots = client(&server).slots().list(&asked).await.unwrap();
    let expected = Sent::new("GET", "/v2/slots", SLOTS).query(&[
        ("eventTypeSlug", "intro-30"),
        ("username", "hanna"),
        ("start", "2026-12-07T00:00:00Z"),
        ("end", "2026-12-09T00:00:00Z"),
        ("timeZone", "Europe/Berlin"),
        ("duration", "60"),
        ("format", "range"),
        ("bookingUidToReschedule", "u1"),
    ]);
    assert_eq!(sent(&server).await, [expected]);
    let first = &slots[&day("2026-12-07")][0];
    assert_eq!(first.end, Some(at("2026-12-07T08:30:00Z")));

    let server = answering(recorded("043-slots-seated")).await;
    let asked = query(EventTypeTarget::team("sales", "workshop"));
    let slots = client(&server).slots().list(&asked).await.unwrap();
    let first = &slots[&day("2026-12-07")][0];
    assert_eq!(
        (first.seats_remaining, first.seats_total),
        (Some(3), Some(3))
    );
    let team = ("teamSlug".to_owned(), "sales".to_owned());
    assert!(sent(&server).await[0].query.contains(&team));
}

#[tokio::test]
async fn event_types_list_sends_the_filters_and_reads_the_list() {
    let server = answering(recorded("013-event-types-list")).await;
    let client = client(&server);
    let mut asked = EventTypeQuery::of_user("hanna");
    let listed = client.event_types().list(&asked).await.unwrap();
    asked.event_slug = Some("intro-30".to_owned());
    client.event_types().list(&asked).await.unwrap();
    let nobody = EventTypeQuery::default();
    client.event_types().list(&nobody).await.unwrap();
    let call = || Sent::new("GET", "/v2/event-types", EVENT_TYPES);
    let expected = [
        call().query(&[("username", "hanna")]),
        call().query(&[("username", "hanna"), ("eventSlug", "intro-30")]),
        call(),
    ];
    assert_eq!(sent(&server).await, expected);
    let body = body("013-event-types-list");
    for (read, told) in listed.iter().zip(body["data"].as_array().unwrap()) {
        assert_eq!(read.id.get(), told["id"]);
        assert_eq!(read.slug, told["slug"]);
        assert_eq!(read.length_in_minutes, told["lengthInMinutes"]);
    }
    assert_eq!(listed.len(), 2);
}

#[tokio::test]
async fn event_types_get_sends_the_number_and_reads_the_event_type() {
    let server = answering(recorded("017-event-types-get")).await;
    let got = client(&server).event_types().get(EventTypeId::new(2)).await;
    let expected = Sent::new("GET", "/v2/event-types/2", EVENT_TYPES);
    assert_eq!(sent(&server).await, [expected]);
    let event_type = got.unwrap();
    assert_eq!(event_type.slug, "intro-30");
    assert_eq!(event_type.length_in_minutes, 30);
    assert!(!event_type.is_seated());
    assert!(!event_type.requires_confirmation());
}

#[tokio::test]
async fn webhooks_create_sends_the_secret_and_no_version() {
    let server = answering(recorded("245-webhooks-create-tmp")).await;
    let mut wanted = NewWebhook::new(
        "https://example.org/calcom",
        [Trigger::BookingCreated, Trigger::BookingCancelled],
        "whsec_tests",
    );
    let client = client(&server);
    let made = client.webhooks().create(&wanted).await.unwrap();
    wanted.secret = None;
    wanted.active = false;
    wanted.payload_template = Some("{{uid}}".to_owned());
    client.webhooks().create(&wanted).await.unwrap();
    let triggers = ["BOOKING_CREATED", "BOOKING_CANCELLED"];
    let url = "https://example.org/calcom";
    let expected = [
        json!({"subscriberUrl": url, "triggers": triggers, "active": true, "secret": "whsec_tests"}),
        json!({"subscriberUrl": url, "triggers": triggers, "active": false, "payloadTemplate": "{{uid}}"}),
    ];
    let expected = expected.map(|body| Sent::new("POST", "/v2/webhooks", None).body(body));
    assert_eq!(sent(&server).await, expected);
    assert_eq!(made.id.as_str(), "f874acb4-e298-4888-a2e2-51224e3e579c");
    assert_eq!(made.triggers, [Trigger::BookingCreated]);
    assert!(made.secret.is_none());
}

#[tokio::test]
async fn webhooks_list_reads_subscriptions() {
    let server = answering(recorded("247-webhooks-list-take-skip")).await;
    let listed = client(&server)
        .webhooks()
        .list_all(WebhookQuery::default())
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    let expected = Sent::new("GET", "/v2/webhooks", None).query(&[("take", "250")]);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].subscriber_url, "http://127.0.0.1:4600/tmp");
    assert!(!listed[0].active);
}

#[tokio::test]
async fn webhooks_list_walks_full_pages() {
    let server = MockServer::start().await;
    let subscription = body("247-webhooks-list-take-skip")["data"][0].clone();
    let page = |length: usize| {
        let data: Vec<Value> = vec![subscription.clone(); length];
        ResponseTemplate::new(200).set_body_json(json!({"status": "success", "data": data}))
    };
    let first = Mock::given(query_param_is_missing("skip")).respond_with(page(250));
    first.mount(&server).await;
    let rest = Mock::given(any()).respond_with(page(3));
    rest.mount(&server).await;
    let listed = client(&server)
        .webhooks()
        .list_all(WebhookQuery::default())
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    assert_eq!(listed.len(), 253);
    let sent = sent(&server).await;
    let call = |query: &[(&str, &str)]| Sent::new("GET", "/v2/webhooks", None).query(query);
    let first = call(&[("take", "250")]);
    assert_eq!(sent, [first, call(&[("take", "250"), ("skip", "250")])]);
}

#[tokio::test]
async fn a_list_that_ignores_skip_ends_in_an_error() {
    let subscription = body("247-webhooks-list-take-skip")["data"][0].clone();
    let server = answering(success(&json!(vec![subscription; 250]))).await;
    let mut listed = client(&server).webhooks().list_all(WebhookQuery::default());
    let mut read = 0;
    let error = loop {
        match listed.next().await.unwrap() {
            Ok(_) => read += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(read, 25_000);
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.to_string().contains("`skip`"), "{error}");
    assert!(listed.next().await.is_none());
}

#[tokio::test]
async fn webhooks_delete_sends_the_id_and_needs_no_particular_answer() {
    let server = answering(recorded("256-webhooks-delete")).await;
    let id = WebhookId::new("f874acb4-e298-4888-a2e2-51224e3e579c");
    client(&server).webhooks().delete(&id).await.unwrap();
    let path = "/v2/webhooks/f874acb4-e298-4888-a2e2-51224e3e579c";
    assert_eq!(sent(&server).await, [Sent::new("DELETE", path, None)]);
    let bare = ResponseTemplate::new(200).set_body_json(json!({"status": "success"}));
    let server = answering(bare).await;
    client(&server).webhooks().delete(&id).await.unwrap();
}

#[tokio::test]
async fn a_subscription_keeps_its_secret() {
    let server = MockServer::start().await;
    let mut body = body("248-webhooks-get");
    body["data"]["secret"] = json!("whsec_tests");
    body["data"] = json!([body["data"]]);
    let answer = ResponseTemplate::new(200).set_body_json(&body);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let listed = client(&server)
        .webhooks()
        .list_all(WebhookQuery::default())
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    assert_eq!(
        listed[0].secret.as_ref().unwrap().expose_secret(),
        "whsec_tests"
    );
    assert!(!format!("{listed:?}").contains("whsec_tests"));
}

#[tokio::test]
async fn me_get_sends_no_version_and_reads_the_user() {
    let server = answering(recorded("011-me")).await;
    let user = client(&server).me().get().await.unwrap();
    assert_eq!(sent(&server).await, [Sent::new("GET", "/v2/me", None)]);
    assert_eq!(user.email, "hanna@example.com");
    assert_eq!(
        user.time_zone.as_ref().map(TimeZone::as_str),
        Some("Europe/Berlin")
    );
    assert_eq!(user.id.get(), 1);
}
