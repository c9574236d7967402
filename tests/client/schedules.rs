//! `/schedules`: what each method sends, and what it makes of a recorded answer.

use calcom::client::{ApiVersion, ApiVersions, ErrorKind, FieldError};
use calcom::model::{
    NewSchedule, ScheduleAvailability, ScheduleId, ScheduleOverride, ScheduleUpdate, Weekday,
};
use chrono::NaiveTime;
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::support::{Sent, answering, builder, client, fixture, recorded, sent};

const VERSION: Option<&str> = Some("2024-06-11");

fn time(text: &str) -> NaiveTime {
    NaiveTime::parse_from_str(text, "%H:%M").unwrap()
}

#[tokio::test]
async fn list_reads_all() {
    let server = answering(recorded("027-schedules-list")).await;
    let listed = client(&server).schedules().list().await.unwrap();
    let expected = Sent::new("GET", "/v2/schedules", VERSION);
    assert_eq!(sent(&server).await, [expected]);
    assert!(listed.iter().any(|schedule| schedule.is_default));
}

#[tokio::test]
async fn default_reads_the_default_one_or_nothing() {
    let server = answering(recorded("028-schedules-default")).await;
    let read = client(&server)
        .schedules()
        .default()
        .await
        .unwrap()
        .unwrap();
    let expected = Sent::new("GET", "/v2/schedules/default", VERSION);
    assert_eq!(sent(&server).await, [expected]);
    assert!(read.is_default);
    assert_eq!(read.availability[0].days.len(), 5);
    let nothing = json!({"status": "success", "data": null});
    let server = answering(ResponseTemplate::new(200).set_body_json(nothing)).await;
    assert_eq!(client(&server).schedules().default().await.unwrap(), None);
}

#[tokio::test]
async fn get_sends_the_number() {
    let server = answering(recorded("029-schedules-get")).await;
    let read = client(&server).schedules().get(ScheduleId::new(1)).await;
    let expected = Sent::new("GET", "/v2/schedules/1", VERSION);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(read.unwrap().time_zone, "Europe/Berlin");
    let server = answering(recorded("035-schedules-get-deleted")).await;
    let read = client(&server).schedules().get(ScheduleId::new(4)).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn create_sends_what_was_said() {
    let server = answering(recorded("029-schedules-get")).await;
    let client = client(&server);
    let bare = NewSchedule::new("Evenings", "Europe/Berlin".into());
    client.schedules().create(&bare).await.unwrap();
    let date = "2026-12-24".parse().unwrap();
    let full = bare
        .with_availability(ScheduleAvailability::new(
            [Weekday::Thursday],
            time("18:00"),
            time("20:00"),
        ))
        .with_override(ScheduleOverride::new(date, time("10:00"), time("12:00")));
    client.schedules().create(&full).await.unwrap();
    let call = || Sent::new("POST", "/v2/schedules", VERSION);
    let expected = [
        call().body(json!({"name": "Evenings", "timeZone": "Europe/Berlin", "isDefault": false})),
        call().body(json!({
            "name": "Evenings",
            "timeZone": "Europe/Berlin",
            "isDefault": false,
            "availability": [{"days": ["Thursday"], "startTime": "18:00", "endTime": "20:00"}],
            "overrides": [{"date": "2026-12-24", "startTime": "10:00", "endTime": "12:00"}],
        })),
    ];
    assert_eq!(sent(&server).await, expected);
}

#[tokio::test]
async fn hours_that_are_none_are_named() {
    let server = answering(recorded("032-schedules-create-bad-time")).await;
    let hours = ScheduleAvailability::new([Weekday::from("Mon")], time("09:00"), time("20:00"));
    let wanted = NewSchedule::new("Bad", "Europe/Berlin".into()).with_availability(hours);
    let error = client(&server).schedules().create(&wanted).await;
    let error = error.unwrap_err();
    let fields: Vec<&str> = error.fields().iter().map(FieldError::field).collect();
    assert_eq!(fields, ["availability.0.days", "availability.0.startTime"]);
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn update_sends_only_what_changes() {
    let name = "031-schedules-update";
    let server = answering(recorded(name)).await;
    let update = ScheduleUpdate::default()
        .with_name("Evenings 2".to_owned())
        .with_availability(vec![ScheduleAvailability::new(
            [Weekday::Friday],
            time("18:00"),
            time("19:00"),
        )]);
    let client = client(&server);
    let id = ScheduleId::new(4);
    let changed = client.schedules().update(id, &update).await.unwrap();
    let body = fixture(name)["request"]["body"].clone();
    let expected = Sent::new("PATCH", "/v2/schedules/4", VERSION).body(body);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(changed.name, "Evenings 2");
    assert_eq!(changed.overrides.len(), 1);
}

#[tokio::test]
async fn delete_needs_no_data_in_the_answer() {
    let server = answering(recorded("034-schedules-delete")).await;
    let id = ScheduleId::new(4);
    client(&server).schedules().delete(id).await.unwrap();
    let expected = Sent::new("DELETE", "/v2/schedules/4", VERSION);
    assert_eq!(sent(&server).await, [expected]);
}

#[tokio::test]
async fn another_version_can_be_asked_for() {
    let server = answering(recorded("027-schedules-list")).await;
    let newer = ApiVersion::new("2026-10-01").unwrap();
    let versions = ApiVersions::default().with_schedules(newer);
    let base = format!("{}/v2", server.uri());
    let client = builder(&base).versions(versions).build().unwrap();
    client.schedules().list().await.unwrap();
    let expected = Sent::new("GET", "/v2/schedules", Some("2026-10-01"));
    assert_eq!(sent(&server).await, [expected]);
}
