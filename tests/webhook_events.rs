//! Events tell everything that a delivery says: every key of every recorded body can be read from the event, whatever it holds,
//! and an event survives being written and read again.
//!
//! `CALCOM_WEBHOOKS` names further recordings, separated by colons: folders of `.body` files, and files of
//! `[{"deliveries": [{"body": …}]}]`.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::path::{Path, PathBuf};

use calcom::model::parse_instant;
use calcom::webhook::WebhookEvent;
use proptest::prelude::*;
use serde_json::{Value, json};

const PASSWORD: &str = "oneTimePassword";

fn fixtures() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "fixtures", "webhooks"]
        .iter()
        .collect()
}

/// The bodies of one folder or file, by name.
fn bodies_of(path: &Path) -> Vec<(String, Vec<u8>)> {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    if path.is_file() {
        let calls: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let deliveries = calls.as_array().unwrap().iter().enumerate();
        let deliveries = deliveries.flat_map(|(index, call)| {
            let told = call["deliveries"].as_array().unwrap().iter();
            told.map(move |delivery| (index, &delivery["body"]))
        });
        return deliveries
            .map(|(index, body)| (format!("{} {index}", name(path)), body.to_string().into()))
            .collect();
    }
    let files = std::fs::read_dir(path).unwrap();
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "body"));
    paths.sort();
    assert!(!paths.is_empty(), "no bodies in {}", path.display());
    let read = |path: PathBuf| (name(&path), std::fs::read(path).unwrap());
    paths.into_iter().map(read).collect()
}

fn bodies() -> Vec<(String, Vec<u8>)> {
    let mut bodies = bodies_of(&fixtures());
    if let Ok(more) = std::env::var("CALCOM_WEBHOOKS") {
        for path in more.split(':') {
            bodies.extend(bodies_of(Path::new(path)));
        }
    }
    bodies
}

/// The recorded deliveries in Cal.com's own form; what a template made is left out.
fn deliveries() -> Vec<(String, Value)> {
    let json = |(name, body): (String, Vec<u8>)| Some((name, serde_json::from_slice(&body).ok()?));
    let all = bodies().into_iter().filter_map(json);
    all.filter(|(_, json): &(String, Value)| json.get("triggerEvent").is_some())
        .collect()
}

fn parse(json: &Value) -> WebhookEvent {
    WebhookEvent::parse(json.to_string().as_bytes())
}

/// The paths of all keys and items, as JSON pointers.
fn paths(json: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match json {
        Value::Object(object) => {
            let escape = |key: &str| key.replace('~', "~0").replace('/', "~1");
            let entries = object.iter();
            entries.map(|(key, value)| (escape(key), value)).collect()
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .map(|(index, value)| (index.to_string(), value))
                .collect()
        }
        _ => Vec::new(),
    };
    for (key, value) in children {
        let path = format!("{at}/{key}");
        paths(value, &path, found);
        found.push(path);
    }
}

fn paths_of(json: &Value) -> Vec<String> {
    let mut found = Vec::new();
    paths(json, "", &mut found);
    found.retain(|path| !path.contains(PASSWORD));
    found
}

/// Whether an event says what stood at one place of a body. Instants may be spelled differently, and null is absent.
fn says(written: Option<&Value>, sent: &Value) -> bool {
    match (written, sent) {
        // What a container holds is looked at in its own places.
        (Some(Value::Object(_)), Value::Object(_)) => true,
        (Some(Value::Array(written)), Value::Array(sent)) => written.len() == sent.len(),
        (Some(Value::String(written)), Value::String(sent)) => {
            written == sent
                || (parse_instant(sent).is_some() && parse_instant(written) == parse_instant(sent))
        }
        (None, Value::Null) => true,
        (Some(written), sent) => written == sent,
        (None, _) => false,
    }
}

#[test]
fn every_key_of_every_recorded_body_can_be_read_key_by_key() {
    let (mut bodies_seen, mut keys_seen) = (0, 0);
    for (name, body) in bodies() {
        bodies_seen += 1;
        let event = WebhookEvent::parse(&body);
        let written = serde_json::to_value(&event).unwrap();
        if let WebhookEvent::Template(made) = &event {
            assert_eq!(made.as_str().as_bytes(), body, "{name}");
            continue;
        }
        assert!(!matches!(event, WebhookEvent::Other(_)), "{name}");
        let sent: Value = serde_json::from_slice(&body).unwrap();
        for path in paths_of(&sent) {
            keys_seen += 1;
            let value = sent.pointer(&path).unwrap();
            assert!(
                says(written.pointer(&path), value),
                "{name}: {path} is lost"
            );
        }
        // Nothing is made up either.
        for path in paths_of(&written) {
            assert!(sent.pointer(&path).is_some(), "{name}: {path} was not sent");
        }
    }
    println!("{keys_seen} keys of {bodies_seen} bodies");
    assert!(bodies_seen >= 24 && keys_seen > 1000);
}

/// Every recorded key has a field: what nobody has seen is the only thing that `extra` is for.
#[test]
fn every_recorded_key_has_a_field_of_its_own() {
    for (name, json) in deliveries() {
        let extras = match parse(&json) {
            WebhookEvent::Booking(event) => {
                let people = event.attendees.iter().flatten();
                let mut extras: Vec<_> = people.map(|a| a.extra.clone()).collect();
                extras.extend(event.organizer.iter().map(|host| host.extra.clone()));
                if let Some(team) = &event.team {
                    extras.push(team.extra.clone());
                    let members = team.members.iter().flatten();
                    extras.extend(members.map(|host| host.extra.clone()));
                }
                let answers = event.responses.iter().chain(&event.user_fields_responses);
                extras.extend(answers.flat_map(|a| a.values()).map(|a| a.extra.clone()));
                extras.extend(event.recurring_event.iter().map(|r| r.extra.clone()));
                let apps = event.apps_status.iter().flatten();
                extras.extend(apps.map(|app| app.extra.clone()));
                extras.extend([event.extra, event.root]);
                extras
            }
            WebhookEvent::NoShow(event) => {
                let people = event.attendees.iter().flatten();
                let mut extras: Vec<_> = people.map(|a| a.extra.clone()).collect();
                extras.extend([event.extra, event.root]);
                extras
            }
            other => panic!("{name}: {other:?}"),
        };
        assert!(
            extras.iter().all(serde_json::Map::is_empty),
            "{name}: {extras:?}"
        );
    }
}

/// Whatever a key holds, one day: what is of another type than was recorded is found under the same key.
#[test]
fn a_value_of_any_other_type_is_found_where_it_stood() {
    let odd = [json!({"odd": [1, null]}), json!(7.5), json!("odd")];
    for (name, sent) in deliveries() {
        for path in paths_of(&sent) {
            if path == "/triggerEvent" {
                continue;
            }
            for value in &odd {
                let mut changed = sent.clone();
                *changed.pointer_mut(&path).unwrap() = value.clone();
                let written = serde_json::to_value(parse(&changed)).unwrap();
                assert_eq!(written.pointer(&path), Some(value), "{name}: {path}");
            }
        }
    }
}

#[test]
fn a_key_that_nobody_has_seen_is_found_where_it_stood() {
    for (name, sent) in deliveries() {
        let mut objects: Vec<String> = paths_of(&sent);
        objects.push(String::new());
        objects.retain(|path| sent.pointer(path).is_some_and(Value::is_object));
        for path in objects {
            let mut changed = sent.clone();
            changed.pointer_mut(&path).unwrap()["neverSeen"] = json!({"deep": [1, null]});
            let written = serde_json::to_value(parse(&changed)).unwrap();
            let found = written.pointer(&format!("{path}/neverSeen"));
            assert_eq!(found, Some(&json!({"deep": [1, null]})), "{name}: {path}");
        }
    }
}

#[test]
fn one_time_passwords_are_kept_nowhere() {
    for (name, sent) in deliveries() {
        let mut objects = paths_of(&sent);
        objects.push(String::new());
        objects.retain(|path| sent.pointer(path).is_some_and(Value::is_object));
        for trigger in [
            sent["triggerEvent"].clone(),
            json!("NEW_THING"),
            json!("OOO_CREATED"),
        ] {
            let mut changed = sent.clone();
            changed["triggerEvent"] = trigger;
            for path in &objects {
                changed.pointer_mut(path).unwrap()[PASSWORD] = json!("7a64f019");
            }
            let event = parse(&changed);
            let written = serde_json::to_string(&event).unwrap();
            assert!(
                !written.contains("7a64f019") && !written.contains(PASSWORD),
                "{name}"
            );
            // Nor by a store that gives one back.
            let mut stored = serde_json::to_value(&event).unwrap();
            stored["payload"][PASSWORD] = json!("7a64f019");
            let read: WebhookEvent = serde_json::from_value(stored).unwrap();
            assert_eq!(read, event, "{name}");
        }
        // A body without a trigger is what a template made.
        let mut template = sent.clone();
        template.as_object_mut().unwrap().remove("triggerEvent");
        template["payload"][PASSWORD] = json!("7a64f019");
        let written = serde_json::to_string(&parse(&template)).unwrap();
        assert!(!written.contains("7a64f019"), "{name}");
    }
}

/// The identifiers and words that `Debug` shows.
const SHOWN: [&str; 6] = [
    "triggerEvent",
    "createdAt",
    "uid",
    "bookingUid",
    "rescheduleUid",
    "status",
];

#[test]
fn debug_shows_no_text_of_a_person() {
    for (name, mut json) in deliveries() {
        for path in paths_of(&json) {
            let key = path.rsplit('/').next().unwrap();
            let value = json.pointer_mut(&path).unwrap();
            let is_text = value
                .as_str()
                .is_some_and(|text| parse_instant(text).is_none());
            if is_text && !SHOWN.contains(&key) {
                *value = json!("leaked");
            }
        }
        let event = parse(&json);
        assert!(
            !format!("{event:?} {event:#?}").contains("leaked"),
            "{name}"
        );
        let WebhookEvent::Booking(event) = event else {
            continue;
        };
        let (people, host, team) = (&event.attendees, &event.organizer, &event.team);
        let rest = (&event.responses, &event.apps_status, &event.recurring_event);
        let hosts = format!("{people:?} {host:?} {team:?}");
        assert!(hosts.contains("EventAttendee"), "{hosts}");
        // The answers are named by the event type's own fields, not by the person.
        let shown = format!("{hosts} {rest:?}");
        assert!(!shown.contains("leaked"), "{name}: {shown}");
    }
}

fn survives(event: &WebhookEvent) -> Result<(), TestCaseError> {
    let text = serde_json::to_string(event).unwrap();
    let read: WebhookEvent = serde_json::from_str(&text).unwrap();
    prop_assert_eq!(read.trigger(), event.trigger());
    prop_assert!(read == *event, "{}", text);
    prop_assert_eq!(&serde_json::to_string(&read).unwrap(), &text);
    if !matches!(event, WebhookEvent::Template(_)) {
        // A stored event is a body as well.
        prop_assert!(WebhookEvent::parse(text.as_bytes()) == *event);
    }
    Ok(())
}

#[test]
fn every_recorded_event_survives_being_written_and_read() {
    for (name, body) in bodies() {
        let event = WebhookEvent::parse(&body);
        survives(&event).unwrap_or_else(|error| panic!("{name}: {error}"));
        if let WebhookEvent::Booking(event) = event {
            assert!(event.created_at.is_some(), "{name}");
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("2026-11-20T23:43:30.467+01:00")),
        Just(json!("2026-11-20T23:43:30")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(
                "[a-z]{1,6}|name|uid|payload|createdAt|template|oneTimePassword",
                inner,
                0..4
            )
            .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_mutated_event_survives_being_written_and_read(
        chosen in any::<prop::sample::Index>(),
        trigger in prop::option::of("BOOKING_PAID|BOOKING_NO_SHOW_UPDATED|MEETING_ENDED|RECORDING_READY|FORM_SUBMITTED|OOO_CREATED|PING|INSTANT_MEETING|AFTER_HOSTS_CAL_VIDEO_NO_SHOW|NEW_THING"),
        is_flat in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(any_json())), 0..6),
        beside in prop::collection::btree_map("[a-z]{1,6}", any_json(), 0..3),
    ) {
        let recorded = deliveries();
        let mut json = chosen.get(&recorded).1.clone();
        for (at, change) in changes {
            let all = paths_of(&json);
            let path = at.get(&all);
            match change {
                Some(value) => *json.pointer_mut(path).unwrap() = value,
                None => {
                    let (parent, key) = path.rsplit_once('/').unwrap();
                    if let Some(Value::Object(object)) = json.pointer_mut(parent) {
                        object.remove(key);
                    }
                }
            }
            if !json.is_object() || paths_of(&json).is_empty() {
                break;
            }
        }
        if let Some(trigger) = trigger {
            json["triggerEvent"] = json!(trigger);
        }
        if is_flat && let Some(Value::Object(payload)) = json.as_object_mut().unwrap().remove("payload") {
            json.as_object_mut().unwrap().extend(payload);
        }
        json.as_object_mut().unwrap().extend(beside);
        survives(&parse(&json))?;
    }

    #[test]
    fn damaged_bytes_survive_being_written_and_read(
        chosen in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let recorded = bodies();
        let mut body = chosen.get(&recorded).1.clone();
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        survives(&WebhookEvent::parse(&body))?;
    }
}

/// Bodies of triggers that were not recorded, in the shapes that Cal.com documents.
fn documented() -> Vec<Value> {
    let attendee = json!({"id": 101, "email": "leaked@example.com", "name": "leaked", "timeZone": "UTC", "phoneNumber": null,
        "locale": "en", "bookingId": 100, "noShow": false});
    let user = json!({"id": 1, "email": "leaked@example.com", "name": "leaked", "timeZone": "UTC", "username": "leaked"});
    let meeting = |trigger: &str| {
        json!({"triggerEvent": trigger, "id": 100, "uid": "u", "userId": 10, "userPrimaryEmail": "leaked@example.com",
            "eventTypeId": 50, "title": "leaked", "startTime": "2026-12-08T10:00:00.000Z", "endTime": "2026-12-08T10:15:00.000Z",
            "createdAt": "2026-12-01T09:45:00.000Z", "status": "ACCEPTED", "paid": false, "metadata": {}, "user": user,
            "responses": {"name": {"label": "your_name", "value": "leaked", "isHidden": false}}, "attendees": [attendee],
            "payment": [], "references": [], "oneTimePassword": null, "dynamicEventSlugRef": null, "scheduledJobs": []})
    };
    let recording = |trigger: &str| {
        json!({"triggerEvent": trigger, "createdAt": "2026-12-08T11:00:00.000Z", "payload": {"type": "leaked", "title": "leaked",
            "uid": "u", "startTime": "2026-12-08T10:00:00.000Z", "attendees": [attendee], "organizer": user,
            "downloadLink": "https://leaked.example.com/r?token=t", "downloadLinks": {"recording": "https://leaked.example.com/r",
            "transcription": [{"format": "vtt", "link": "https://leaked.example.com/t.vtt"}]}}})
    };
    let form = |trigger: &str| {
        json!({"triggerEvent": trigger, "createdAt": "2026-12-01T12:00:00.000Z", "Your name": ["leaked"], "payload": {
            "formId": "f", "formName": "leaked", "teamId": null, "responseId": 7, "redirect": {"type": "x", "value": "leaked"},
            "responses": {"Your name": {"value": ["leaked"], "response": [{"label": "leaked", "id": "o"}]}}}})
    };
    let no_show = |trigger: &str| {
        json!({"triggerEvent": trigger, "createdAt": "2026-12-08T10:05:00.000Z", "payload": {"title": "leaked", "bookingId": 123,
            "bookingUid": "u", "startTime": "2026-12-08T10:00:00.000Z", "attendees": [attendee], "participants": [],
            "hostEmail": "leaked@example.com", "noShowHost": true, "guests": [attendee], "eventType": {"id": 789},
            "webhook": {"id": "w", "subscriberUrl": "https://leaked.example.com"}, "message": "leaked did not come"}})
    };
    vec![
        meeting("MEETING_STARTED"),
        meeting("MEETING_ENDED"),
        recording("RECORDING_READY"),
        recording("RECORDING_TRANSCRIPTION_GENERATED"),
        form("FORM_SUBMITTED"),
        form("FORM_SUBMITTED_NO_EVENT"),
        form("ROUTING_FORM_FALLBACK_HIT"),
        no_show("AFTER_HOSTS_CAL_VIDEO_NO_SHOW"),
        no_show("AFTER_GUESTS_CAL_VIDEO_NO_SHOW"),
        json!({"triggerEvent": "OOO_CREATED", "createdAt": "2026-12-01T08:00:00.000Z", "payload": {"oooEntry": {"id": 100,
            "start": "2026-12-05T00:00:00+00:00", "end": "2026-12-07T23:59:59+00:00", "notes": "leaked", "reasonId": 5,
            "reason": {"emoji": "x", "reason": "leaked"}, "user": user, "toUser": null, "uuid": "leaked"}}}),
        json!({"triggerEvent": "INSTANT_MEETING", "createdAt": "2026-12-01T12:00:00.000Z", "payload": {"uid": "u",
            "triggerEvent": "INSTANT_MEETING", "responses": {"name": "leaked", "guests": ["leaked"]}, "eventTypeId": 100,
            "connectAndJoinUrl": "https://leaked.example.com/join?token=t", "eventTypeTitle": "leaked", "customInputs": {}}}),
        json!({"triggerEvent": "PING", "createdAt": "2026-12-01T12:00:00.000Z", "payload": {"type": "Test", "title": "leaked",
            "startTime": "2026-12-01T12:00:00.000Z", "attendees": [attendee], "organizer": user}}),
        json!({"triggerEvent": "BOOKING_PAYMENT_INITIATED", "createdAt": "2026-12-01T12:00:00.000Z", "payload": {"uid": "u",
            "paymentId": 500, "paymentData": {"externalId": "leaked"}, "metadata": {"bookingId": 100}, "status": "PENDING",
            "attendeeIcsContent": "leaked", "cancelledDates": null, "organizationId": 5}}),
    ]
}

#[test]
fn documented_deliveries_are_read_as_what_they_are() {
    for sent in documented() {
        let event = parse(&sent);
        let trigger = sent["triggerEvent"].as_str().unwrap();
        assert_eq!(event.trigger().unwrap().as_str(), trigger);
        let written = serde_json::to_value(&event).unwrap();
        let is_flat = sent.get("payload").is_none();
        for path in paths_of(&sent) {
            let is_around = ["/triggerEvent", "/createdAt"].contains(&path.as_str());
            let place = if is_flat && !is_around {
                format!("/payload{path}")
            } else {
                path.clone()
            };
            let value = sent.pointer(&path).unwrap();
            assert!(
                says(written.pointer(&place), value),
                "{trigger}: {path} is lost"
            );
        }
        survives(&event).unwrap();
        let shown = format!("{event:?}");
        assert!(!shown.contains("leaked"), "{shown}");
        assert!(
            !matches!(event, WebhookEvent::Other(_) | WebhookEvent::Template(_)),
            "{trigger}"
        );
    }
}

#[test]
fn documented_deliveries_have_typed_fields() {
    for event in documented().iter().map(parse) {
        match event {
            WebhookEvent::Meeting(event) => {
                assert_eq!(event.created_at, "2026-12-01T09:45:00Z".parse().ok());
                assert_eq!(event.start_time, "2026-12-08T10:00:00Z".parse().ok());
                assert_eq!(event.booking_id.unwrap().get(), 100);
                assert_eq!(event.user.unwrap().name.as_deref(), Some("leaked"));
                assert_eq!(event.attendees.unwrap()[0].booking_id.unwrap().get(), 100);
                let left: Vec<&String> = event.extra.keys().collect();
                assert_eq!(left, ["dynamicEventSlugRef", "scheduledJobs"]);
                assert!(event.root.is_empty());
            }
            WebhookEvent::Recording(event) => {
                let links = event.download_links.unwrap();
                assert!(!format!("{links:?}").contains("leaked"));
                let transcript = links.transcription.unwrap().remove(0);
                assert!(!format!("{transcript:?}").contains("leaked"));
                assert!(transcript.link.unwrap().ends_with(".vtt"));
                assert!(event.download_link.unwrap().contains("token"));
            }
            WebhookEvent::VideoNoShow(event) => {
                assert_eq!(event.booking_uid.unwrap().as_str(), "u");
                assert_eq!(
                    (event.no_show_host, event.guests.unwrap().len()),
                    (Some(true), 1)
                );
                assert!(event.extra.is_empty());
            }
            WebhookEvent::Form(event) => {
                assert_eq!(event.form_id.as_deref(), Some("f"));
                assert_eq!(event.root["Your name"], json!(["leaked"]));
                let answer = &event.responses.unwrap()["Your name"];
                assert_eq!(answer.response.as_ref().unwrap()[0]["id"], "o");
            }
            WebhookEvent::OutOfOffice(event) => {
                let entry = event.entry.unwrap();
                assert_eq!(entry.end, "2026-12-07T23:59:59Z".parse().ok());
                assert_eq!(entry.reason.unwrap().reason.as_deref(), Some("leaked"));
                assert_eq!(
                    (entry.user.unwrap().id.unwrap().get(), entry.to_user),
                    (1, None)
                );
            }
            WebhookEvent::InstantMeeting(event) => {
                assert!(event.connect_and_join_url.unwrap().contains("token"));
                assert_eq!(event.responses.unwrap()["name"], "leaked");
            }
            WebhookEvent::Ping(event) => assert_eq!(event.attendees.unwrap().len(), 1),
            WebhookEvent::Booking(event) => {
                assert_eq!(
                    (event.payment_id, event.organization_id),
                    (Some(500), Some(5))
                );
                assert!(event.extra.is_empty());
            }
            other => panic!("{other:?}"),
        }
    }
}
