//! Routing forms: what is sent, and what is made of a recorded answer.

use crate::support::{Sent, answering, client, fixture, recorded, sent};
use calcom::client::ErrorKind;
use calcom::model::{EventTypeId, RoutedSlotQuery, RoutingFormAnswers, RoutingFormId, SlotFormat};

#[tokio::test]
async fn answers_to_a_routing_form_lead_to_slots() {
    let name = "988-routing-forms-calculate-slots";
    let server = answering(recorded(name)).await;
    let form = RoutingFormId::new("11111111-2222-4333-8444-555555555555");
    let answers = RoutingFormAnswers::default().with_answer("name", "Ann");
    let (from, to) = ("2027-04-26T00:00:00Z", "2027-04-27T00:00:00Z");
    let query = RoutedSlotQuery::new(from.parse().unwrap(), to.parse().unwrap())
        .with_time_zone("Europe/Berlin")
        .with_duration(60)
        .with_format(SlotFormat::Range)
        .with_booking_to_reschedule("u1".into());
    let client_of = client(&server);
    let forms = client_of.routing_forms();
    let routed = forms
        .calculate_slots(&form, &answers, &query)
        .await
        .unwrap();
    let path = format!("/v2/routing-forms/{form}/calculate-slots");
    let expected = Sent::new("POST", &path, Some("2024-09-04"))
        .query(&[
            ("start", from),
            ("end", to),
            ("timeZone", "Europe/Berlin"),
            ("duration", "60"),
            ("format", "range"),
            ("bookingUidToReschedule", "u1"),
        ])
        .body(fixture(name)["request"]["body"].clone());
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(routed.event_type_id, EventTypeId::new(34));
    assert_eq!(routed.slots[&"2027-04-26".parse().unwrap()].len(), 2);
    assert!(!format!("{answers:?}").contains("Ann"));

    let name = "790-routing-forms-calculate-slots-missing-range";
    let server = answering(recorded(name)).await;
    let client_of = client(&server);
    let forms = client_of.routing_forms();
    let error = forms.calculate_slots(&form, &answers, &query).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.fields().len(), 2);
}
