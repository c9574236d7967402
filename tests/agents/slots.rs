//! Finding slots.

use calcom::agents::{Outcome, Problem, Tool};
use calcom::model::TimeZone;
use calcom::store::{AppointmentState, AppointmentStatus, AppointmentWrite, Origin, Person};
use calcom::sync::{Branch, OpeningTime, StaffMember};
use chrono::{NaiveTime, Weekday};
use serde_json::json;

use crate::salon::{ANN, BEN, Salon, calling, kind, number, shown, utc};

fn haircut(salon: &Salon, start: &str, end: &str) -> AppointmentWrite {
    let ben = Person::by_phone("Ben", BEN, "Europe/Berlin");
    let (start, end) = (utc(start), utc(end));
    let status = AppointmentStatus::Confirmed;
    let state = AppointmentState::new(status, start, end, salon.event_type(), ben);
    AppointmentWrite::new(state, Origin::Admin, start)
}

#[tokio::test]
async fn what_the_host_has_taken_is_not_offered_before_calcom_knows() {
    let mut salon = Salon::open().await;
    salon.rest();
    let write = haircut(&salon, "2026-12-03T09:00:00Z", "2026-12-03T09:30:00Z");
    salon.write_in("a-1", write);
    let ann = calling("call-1", ANN);
    // Another service of the same person's.
    for (service, when, is_free) in [
        ("Haarschnitt", "2026-12-03T10:00", false),
        ("Färben", "2026-12-03T09:30", false),
        ("Haarschnitt", "2026-12-03T10:30", true),
    ] {
        let arguments = json!({"service": service, "when": when});
        let answer = salon.call(&ann, Tool::CheckAvailability, arguments).await;
        assert_eq!(
            kind(&answer) == "free",
            is_free,
            "{service} {when}: {}",
            shown(&answer)
        );
    }
    let booked = salon
        .call(
            &ann,
            Tool::BookAppointment,
            crate::salon::booking("2026-12-03T10:00"),
        )
        .await;
    assert_eq!(kind(&booked), "taken", "{}", shown(&booked));
    let next = salon
        .call(
            &ann,
            Tool::FindNextSlot,
            json!({"service": "Haarschnitt", "wish": "2026-12-03T10:00"}),
        )
        .await;
    let Outcome::Slots {
        slots, as_wished, ..
    } = &next.result
    else {
        panic!("{}", shown(&next));
    };
    assert!(!as_wished);
    assert_eq!(slots[0].start.to_rfc3339(), "2026-12-03T09:30:00+01:00");
}

#[tokio::test]
async fn a_day_is_told_in_its_slots() {
    let salon = Salon::open().await;
    let ann = calling("call-1", ANN);
    let arguments = json!({"service": "Färben", "when": "2026-12-03"});
    let answer = salon.call(&ann, Tool::CheckAvailability, arguments).await;
    let Outcome::Slots {
        slots,
        as_wished: true,
        ..
    } = &answer.result
    else {
        panic!("{}", shown(&answer));
    };
    assert!(
        slots
            .iter()
            .all(|slot| slot.start.date_naive().to_string() == "2026-12-03")
    );
    assert!(slots.windows(2).all(|pair| pair[0].start < pair[1].start));
    let first = salon
        .call(&ann, Tool::FindNextSlot, json!({"service": "Färben"}))
        .await;
    let Outcome::Slots { slots, .. } = &first.result else {
        panic!("{}", shown(&first));
    };
    assert_eq!(slots.len(), 3);
    assert!(slots[0].start.to_utc() >= utc("2026-12-01T08:00:00Z"));
}

#[tokio::test]
async fn alternatives_are_five_and_near() {
    let salon = Salon::open().await;
    let ann = calling("call-1", ANN);
    let arguments = json!({"service": "Haarschnitt", "when": "2026-12-03T12:10"});
    let answer = salon.call(&ann, Tool::FindAlternatives, arguments).await;
    let Outcome::Slots { slots, .. } = &answer.result else {
        panic!("{}", shown(&answer));
    };
    let starts: Vec<String> = slots
        .iter()
        .map(|slot| slot.start.format("%H:%M").to_string())
        .collect();
    assert_eq!(starts, ["12:00", "12:30", "11:30", "13:00", "11:00"]);
}

#[tokio::test]
async fn services_in_a_row_are_added_up() {
    let salon = Salon::open().await;
    let ann = calling("call-1", ANN);
    let arguments = json!({"services": ["färben", "Haarschnit"], "start": "2026-12-03T10:00"});
    let answer = salon.call(&ann, Tool::CalculateDuration, arguments).await;
    let Outcome::Duration {
        minutes,
        end: Some(end),
        ..
    } = &answer.result
    else {
        panic!("{}", shown(&answer));
    };
    assert_eq!(
        (*minutes, end.to_rfc3339()),
        (90, "2026-12-03T11:30:00+01:00".to_owned())
    );
    let one = salon
        .call(&ann, Tool::CalculateDuration, json!({"services": "Färben"}))
        .await;
    assert!(
        matches!(one.result, Outcome::Duration { minutes: 60, .. }),
        "{}",
        shown(&one)
    );
    let listed = salon.call(&ann, Tool::ListServices, json!({})).await;
    assert!(matches!(&listed.result, Outcome::Services { services, .. } if services.len() == 2));
}

#[tokio::test]
async fn a_service_that_there_is_not_is_answered_with_those_that_there_are() {
    let salon = Salon::open().await;
    let ann = calling("call-1", ANN);
    let arguments = json!({"service": "Massage", "when": "2026-12-03"});
    let answer = salon.call(&ann, Tool::CheckAvailability, arguments).await;
    let Outcome::Unclear { doubts, .. } = &answer.result else {
        panic!("{}", shown(&answer));
    };
    assert_eq!(doubts[0].problem, Problem::NotKnown);
    assert_eq!(doubts[0].readings.len(), 2);
    for (when, problem) in [
        ("2020-01-01T10:00", Problem::InThePast),
        ("2020-01-01", Problem::InThePast),
        ("", Problem::Missing),
        ("blah", Problem::NotUnderstood),
        ("9999-12-31T23:59:59Z", Problem::NotUnderstood),
    ] {
        let arguments = json!({"service": "Färben", "when": when});
        let answer = salon.call(&ann, Tool::CheckAvailability, arguments).await;
        let Outcome::Unclear { doubts, .. } = &answer.result else {
            panic!("{when}: {}", shown(&answer));
        };
        assert_eq!(doubts[0].problem, problem, "{when}");
    }
}

fn at(time: &str) -> NaiveTime {
    time.parse().unwrap()
}

#[tokio::test]
async fn a_called_number_finds_its_branch() {
    let open = |day| OpeningTime::new(day, at("10:00:00"), at("12:00:00"));
    let salon = Salon::open_with(move |tenant| {
        let here = Branch::new("mitte".into(), "Mitte", TimeZone::new("Europe/Berlin"))
            .with_phone_number(number("+493011111111"));
        let there = Branch::new("lisbon".into(), "Lissabon", TimeZone::new("Europe/Lisbon"))
            .with_phone_number(number("+351211111111"))
            .with_opening_hours([open(Weekday::Thu)]);
        tenant.with_branch(here).with_branch(there)
    })
    .await;
    let there = calling("call-1", ANN).with_called(Some(number("+351211111111")));
    let arguments = json!({"service": "Färben", "when": "2026-12-03"});
    let answer = salon.call(&there, Tool::CheckAvailability, arguments).await;
    let Outcome::Slots { slots, .. } = &answer.result else {
        panic!("{}", shown(&answer));
    };
    let starts: Vec<String> = slots.iter().map(|slot| slot.start.to_rfc3339()).collect();
    assert_eq!(starts.first().unwrap(), "2026-12-03T10:00:00+00:00");
    assert_eq!(starts.last().unwrap(), "2026-12-03T11:00:00+00:00");
    assert_eq!(slots[0].branch.as_deref(), Some("Lissabon"));
    // Who wants another branch says so.
    let arguments = json!({"service": "Färben", "when": "2026-12-03T15:00", "branch": "mitte"});
    let answer = salon.call(&there, Tool::CheckAvailability, arguments).await;
    assert_eq!(kind(&answer), "free", "{}", shown(&answer));
}

#[tokio::test]
async fn a_member_of_staff_is_booked_for_what_they_offer() {
    let salon = Salon::open().await;
    let [haircut, colour] = salon.harness.event_types() else {
        panic!();
    };
    let (haircut, colour, host) = (*haircut, *colour, salon.harness.host());
    let salon = Salon::open_with(move |tenant| {
        let katja = StaffMember::new("katja".into(), "Katja")
            .with_user(host)
            .with_event_type(haircut);
        let omar = StaffMember::new("omar".into(), "Omar").with_event_type(colour);
        tenant.with_staff_member(katja).with_staff_member(omar)
    })
    .await;
    let ann = calling("call-1", ANN);
    for (service, staff, known) in [
        ("Haarschnitt", "Katja", true),
        ("Färben", "omar", true),
        ("Färben", "Katja", false),
        ("Haarschnitt", "Omar", false),
    ] {
        let arguments = json!({"service": service, "when": "2026-12-03T15:00", "staff": staff});
        let answer = salon.call(&ann, Tool::CheckAvailability, arguments).await;
        assert_eq!(
            kind(&answer) == "free",
            known,
            "{service}, {staff}: {}",
            shown(&answer)
        );
    }
    let nobody = json!({"service": "Färben", "when": "2026-12-03T15:00", "staff": "Zoe"});
    let answer = salon.call(&ann, Tool::CheckAvailability, nobody).await;
    assert!(
        matches!(&answer.result, Outcome::Unclear { doubts, .. } if doubts[0].readings.len() == 2)
    );
}
