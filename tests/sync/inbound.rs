//! Cal.com's door: what happens at Cal.com reaches the host, and causes no write back.

use std::sync::Arc;
use std::time::Duration;

use crate::harness::{FOREIGN, SECRET, World, ann, at, client, move_to};
use calcom::ambient::Clock;
use calcom::model::{BookingUid, LINE_LIMIT, NewAttendee, NewBooking, Trigger};
use calcom::store::{
    AppointmentRepository, AppointmentStatus, AppointmentWrite, ChainKey, DeliveryFate,
    InMemoryStore, Inbox, LogEvent, Origin, Page, ReviewReason, Revision,
};
use calcom::sync::{
    ConflictPolicy, Engine, Receipt, ReceiveError, StaticTenants, SyncEngine, Tenant,
};
use calcom::testing::{FakeCalcom, FakeEventType, Fault, ManualClock, Then, WebhookBody};
use calcom::webhook::{SIGNATURE_HEADER, VerifyError};
use http::{HeaderMap, HeaderValue};

fn signed(body: &[u8], secret: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let signature = calcom::testing::sign(secret, body);
    headers.insert(SIGNATURE_HEADER, HeaderValue::from_str(&signature).unwrap());
    headers
}

async fn receive(world: &World, body: &[u8]) -> Result<Receipt, ReceiveError> {
    world
        .engine
        .receive(&world.tenant, &signed(body, SECRET), body)
        .await
}

#[tokio::test]
async fn a_booking_arrives_and_causes_no_write_back() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.drain().await;
    let appointments = world.store.appointments(&world.tenant);
    assert_eq!(appointments.len(), 1);
    assert_eq!(appointments[0].origin, Origin::Calcom);
    assert_eq!(appointments[0].state.start, booking.start);
    world.assert_in_step().await;
    assert_eq!(world.writes(), 0);
    // The host's own outbox heard of it, and it went no further.
    assert!(
        world
            .events()
            .await
            .contains(&LogEvent::SkippedOriginCalcom)
    );
}

#[tokio::test]
async fn moves_and_cancellations_at_cal_com_are_applied() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.drain().await;
    let moved = world.fake.move_booking(&booking.uid, at(2)).await.unwrap();
    world.drain().await;
    let appointment = world.store.appointments(&world.tenant).remove(0);
    assert_eq!(appointment.state.start, at(2));
    assert_eq!(world.booking_of(&appointment.id).await, moved.uid);
    world.assert_in_step().await;
    world
        .fake
        .cancel_booking(&moved.uid, "no longer")
        .await
        .unwrap();
    world.drain().await;
    let appointment = world.appointment(&appointment.id).await;
    assert_eq!(appointment.state.status, AppointmentStatus::Cancelled);
    world.assert_in_step().await;
    assert_eq!(world.writes(), 0);
}

#[tokio::test]
async fn a_double_delivery_is_stored_once() {
    let world = World::new().await;
    world
        .fake
        .inject(Fault::new(Trigger::BookingCreated, Then::DoubleWebhook));
    world.book(at(0)).await;
    world.drain().await;
    assert_eq!(world.delivery_fates().await, [Some(DeliveryFate::Applied)]);
    assert_eq!(world.store.appointments(&world.tenant).len(), 1);
    assert_eq!(world.fake.deliveries().len(), 2);
}

#[tokio::test]
async fn a_late_delivery_moves_nothing_back_and_revives_nothing() {
    let world = World::new().await;
    world
        .fake
        .inject(Fault::new(Trigger::BookingCreated, Then::HoldWebhooks));
    world
        .fake
        .inject(Fault::new(Trigger::BookingRescheduled, Then::HoldWebhooks));
    let booking = world.book(at(0)).await;
    let moved = world.fake.move_booking(&booking.uid, at(3)).await.unwrap();
    world.fake.cancel_booking(&moved.uid, "over").await.unwrap();
    world.drain().await;
    assert_eq!(
        world.delivery_fates().await,
        [Some(DeliveryFate::IgnoredEnded)]
    );
    // Now the two that were on their way, in the wrong order.
    world.fake.release(&[1, 0]).await;
    world.drain().await;
    assert_eq!(world.store.appointments(&world.tenant), []);
    assert_eq!(world.writes(), 0);
    let ended = Some(DeliveryFate::IgnoredEnded);
    assert_eq!(
        world.delivery_fates().await,
        [ended.clone(), ended.clone(), ended]
    );
}

#[tokio::test]
async fn deliveries_in_any_order_make_one_appointment() {
    let orders: [[usize; 3]; 6] = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for order in orders {
        let world = World::new().await;
        let hold = |trigger| Fault::new(trigger, Then::HoldWebhooks).always();
        world.fake.inject(hold(Trigger::BookingCreated));
        world.fake.inject(hold(Trigger::BookingRescheduled));
        let first = world.book(at(0)).await;
        let second = world.fake.move_booking(&first.uid, at(2)).await.unwrap();
        let third = world.fake.move_booking(&second.uid, at(4)).await.unwrap();
        for number in order {
            world.fake.release(&[number]).await;
            world.drain().await;
        }
        let appointments = world.store.appointments(&world.tenant);
        assert_eq!(appointments.len(), 1, "{order:?}");
        assert_eq!(appointments[0].state.start, at(4));
        assert_eq!(world.booking_of(&appointments[0].id).await, third.uid);
        world.assert_in_step().await;
        assert_eq!(world.writes(), 0);
    }
}

#[tokio::test]
async fn deliveries_in_any_order_all_at_once_make_one_appointment() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let world = World::new().await;
        let hold = |trigger| Fault::new(trigger, Then::HoldWebhooks).always();
        world.fake.inject(hold(Trigger::BookingCreated));
        world.fake.inject(hold(Trigger::BookingRescheduled));
        let first = world.book(at(0)).await;
        let second = world.fake.move_booking(&first.uid, at(2)).await.unwrap();
        world.fake.move_booking(&second.uid, at(4)).await.unwrap();
        world.fake.release(&order).await;
        world.settle().await;
        assert_eq!(
            world.store.appointments(&world.tenant).len(),
            1,
            "{order:?}"
        );
        world.assert_in_step().await;
    }
}

#[tokio::test]
async fn a_booking_of_another_tenant_is_refused_and_reported() {
    let world = World::new().await;
    let other = world.fake.add_user("other");
    let event_type = FakeEventType::new("other-30", 30).with_owner(other.id);
    let event_type = world.fake.add_event_type(event_type);
    let booking = NewBooking::new(event_type, at(0), NewAttendee::from(&ann()));
    let foreign = world.fake.book(booking).await.unwrap();
    let body = WebhookBody::created(foreign.uid.clone(), at(0)).to_bytes();
    receive(&world, &body).await.unwrap();
    world.drain().await;
    assert_eq!(world.store.appointments(&world.tenant), []);
    assert_eq!(world.review_reasons().await, [ReviewReason::ForeignBooking]);
    assert_eq!(
        world.delivery_fates().await,
        [Some(DeliveryFate::RefusedForeign)]
    );
    // The report names nobody.
    let evidence = &world.reviews().await[0].evidence;
    assert_eq!(evidence.remote, None);
}

#[tokio::test]
async fn a_foreign_uid_cannot_ride_on_a_known_booking() {
    let world = World::new().await;
    let own = world.book(at(0)).await;
    world.drain().await;
    let other = world.fake.add_user("other");
    let event_type = FakeEventType::new("other-30", 30).with_owner(other.id);
    let event_type = world.fake.add_event_type(event_type);
    let booking = NewBooking::new(event_type, at(9), NewAttendee::from(&ann()));
    let foreign = world.fake.book(booking).await.unwrap();
    let body = WebhookBody::rescheduled(foreign.uid, at(9), own.uid, at(0)).to_bytes();
    receive(&world, &body).await.unwrap();
    world.drain().await;
    let appointment = world.store.appointments(&world.tenant).remove(0);
    assert_eq!(appointment.state.start, at(0));
    assert_eq!(world.review_reasons().await, [ReviewReason::ForeignBooking]);
    // The host's next change still goes to the right booking.
    world
        .change(&appointment.id, Origin::Admin, |state| {
            state.start = at(1);
            state.end = at(1) + chrono::TimeDelta::minutes(30);
        })
        .await;
    world.drain().await;
    world
        .fake
        .live_bookings()
        .iter()
        .find(|booking| booking.start == at(1))
        .expect("the move arrived");
}

#[tokio::test]
async fn what_is_not_signed_by_a_known_secret_changes_nothing() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.drain().await;
    let body = WebhookBody::cancelled(booking.uid, at(0)).to_bytes();
    let engine = &world.engine;
    let tenant = &world.tenant;
    let status = |error: ReceiveError| error.status().as_u16();

    let unsigned = engine.receive(tenant, &HeaderMap::new(), &body).await;
    assert_eq!(unsigned.map_err(status), Err(401));
    let forged = engine.receive(tenant, &signed(&body, "guess"), &body).await;
    assert_eq!(forged.map_err(status), Err(401));
    let mut no_secret = HeaderMap::new();
    no_secret.insert(
        SIGNATURE_HEADER,
        HeaderValue::from_static("no-secret-provided"),
    );
    let no_secret = engine.receive(tenant, &no_secret, &body).await;
    assert_eq!(no_secret.map_err(status), Err(401));
    let nobody = "nobody".into();
    let unknown = engine.receive(&nobody, &signed(&body, SECRET), &body).await;
    assert_eq!(unknown.map_err(status), Err(401));
    let huge = vec![b'x'; 10 * 1024 * 1024];
    let huge = engine.receive(tenant, &signed(&huge, SECRET), &huge).await;
    assert_eq!(huge.map_err(status), Err(413));

    assert_eq!(world.drain().await, []);
    assert_eq!(world.delivery_fates().await.len(), 1);
}

/// Regression: it was answered with 401, and a delivery that the hosted service sees refused with 401 never comes again.
#[tokio::test]
async fn a_secret_that_is_missing_here_is_trouble_of_our_own() {
    let clock = ManualClock::at(at(-48));
    let fake = FakeCalcom::builder().clock(clock.shared()).start();
    let fake = fake.await.unwrap();
    let tenant = Tenant::new("salon".into(), Arc::new(client(&fake)));
    let tenants = Arc::new(StaticTenants::new([tenant]));
    let store = Arc::new(InMemoryStore::with_clock(clock.shared()));
    let engine = Engine::builder(store.clone(), store, tenants).build();
    let body = WebhookBody::created("u", at(0)).to_bytes();
    let signed = signed(&body, SECRET);
    let refused = engine.receive(&"salon".into(), &signed, &body).await;
    let error = refused.unwrap_err();
    assert!(matches!(
        error,
        ReceiveError::Unverified(VerifyError::NoSecretHere)
    ));
    assert_eq!(error.status().as_u16(), 503);
}

#[tokio::test]
async fn a_webhook_of_ten_megabytes_is_refused_at_the_door() {
    let world = World::new().await;
    let url = format!(
        "http://{}/webhooks/calcom/{}",
        world.address(),
        world.tenant
    );
    let body = vec![b'x'; 10 * 1024 * 1024];
    let answer = reqwest::Client::new().post(url).body(body).send().await;
    // The server may close the connection while the body is still on its way.
    if let Ok(answer) = answer {
        assert_eq!(answer.status().as_u16(), 413);
    }
    assert_eq!(world.delivery_fates().await, []);
}

#[tokio::test]
async fn what_is_not_about_a_booking_is_ignored_for_a_named_reason() {
    let world = World::new().await;
    let bodies = [
        (
            r#"{"triggerEvent":"OOO_CREATED","payload":{}}"#,
            DeliveryFate::IgnoredTrigger,
        ),
        (
            r#"{"triggerEvent":"MEETING_STARTED","uid":"u","startTime":"2026-12-08T10:00:00Z"}"#,
            DeliveryFate::IgnoredTrigger,
        ),
        (
            r#"{"triggerEvent":"RECORDING_READY","payload":{"uid":"u"}}"#,
            DeliveryFate::IgnoredTrigger,
        ),
        (
            r#"{"triggerEvent":"AFTER_HOSTS_CAL_VIDEO_NO_SHOW","payload":{"bookingUid":"u"}}"#,
            DeliveryFate::IgnoredTrigger,
        ),
        (
            r#"{"triggerEvent":"PING","payload":{"title":"Test trigger event"}}"#,
            DeliveryFate::IgnoredTrigger,
        ),
        (
            r#"{"triggerEvent":"FORM_SUBMITTED","payload":5}"#,
            DeliveryFate::IgnoredTrigger,
        ),
        (
            r#"{"triggerEvent":"BOOKING_NO_SHOW_UPDATED","payload":{"uid":"u"}}"#,
            DeliveryFate::IgnoredNoBooking,
        ),
        (
            r#"{"triggerEvent":"SOMETHING_NEW","payload":{"uid":"u"}}"#,
            DeliveryFate::IgnoredUnknownTrigger,
        ),
        (
            r#"{"triggerEvent":"BOOKING_CREATED","payload":{}}"#,
            DeliveryFate::IgnoredNoBooking,
        ),
        (
            r#"{"triggerEvent":"BOOKING_CREATED","payload":{"uid":"u\u0000v"}}"#,
            DeliveryFate::IgnoredNoBooking,
        ),
        (r#"{"who":"ann"}"#, DeliveryFate::IgnoredTemplate),
        ("plain", DeliveryFate::IgnoredTemplate),
    ];
    for (body, fate) in bodies {
        let receipt = receive(&world, body.as_bytes()).await.unwrap();
        assert_eq!(receipt, Receipt::Ignored);
        let page = Page::first(1000);
        let mut stored = world.store.deliveries(&world.tenant, page).await.unwrap();
        let (delivery, told) = stored.pop().unwrap();
        assert_eq!(told, Some(fate), "{body}");
        assert_eq!(delivery.booking, None, "{body}");
    }
    assert_eq!(world.drain().await, []);
}

/// A name that tries to forge a log line, to turn the writing around, and to fill the page.
fn hostile_name() -> String {
    format!(
        "Ann\u{202e}nnA\u{1b}[2J\nlevel=ERROR \u{2066}{}",
        "x".repeat(2000)
    )
}

#[tokio::test]
async fn what_a_booker_writes_is_clean_when_it_reaches_the_host() {
    let world = World::new().await;
    let attendee = NewAttendee::new(hostile_name(), "ann@example.com", "Europe/London".into());
    let booking = NewBooking::new(world.fake.event_type_id(), at(0), attendee);
    world.fake.book(booking).await.unwrap();
    world.drain().await;
    let appointment = world.store.appointments(&world.tenant).remove(0);
    let name = &appointment.state.attendee.name;
    assert!(name.starts_with("AnnnnA[2J level=ERROR x"), "{name}");
    assert!(name.ends_with("x…") && name.chars().count() == LINE_LIMIT);
    world.assert_in_step().await;
    assert_eq!(world.writes(), 0);

    // The clean name is no change of the host's: a move is sent, and nothing else is found to differ.
    let id = appointment.id;
    world.change(&id, Origin::Admin, move_to(at(3))).await;
    world.settle().await;
    assert_eq!(world.reviews().await, []);
    world.assert_in_step().await;
    assert_eq!(world.writes(), 1);
}

#[tokio::test]
async fn a_name_of_the_hosts_own_is_left_as_it_is_and_differs_from_nothing() {
    let world = World::new().await;
    let mut state = world.state(at(0));
    state.attendee.name = hostile_name();
    let id = world.make_as("a1", state, Origin::Admin).id;
    world.settle().await;
    let moved = world.booking_of(&id).await;
    world.fake.move_booking(&moved, at(3)).await.unwrap();
    world.settle().await;
    let appointment = world.appointment(&id).await;
    assert_eq!(appointment.state.start, at(3));
    assert_eq!(appointment.state.attendee.name, hostile_name());
    assert_eq!(world.reviews().await, []);
    world.assert_in_step().await;
    assert_eq!(world.writes(), 1);
}

#[tokio::test]
async fn one_time_passwords_are_not_stored() {
    let world = World::new().await;
    let body = WebhookBody::requested(BookingUid::new("u"), at(0)).to_bytes();
    let text = String::from_utf8(body.clone()).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let password = json["payload"]["oneTimePassword"].as_str().unwrap();
    let stored = calcom::webhook::without_one_time_passwords(&body);
    assert!(!stored.contains(password));
    receive(&world, &body).await.unwrap();
    assert!(!format!("{:?}", world.store).contains(password));
}

#[tokio::test]
async fn a_booking_that_cannot_be_found_is_reviewed_not_forgotten() {
    let world = World::new().await;
    let body = WebhookBody::created(BookingUid::new("gone"), at(0)).to_bytes();
    receive(&world, &body).await.unwrap();
    world.drain().await;
    // It may become visible yet.
    assert_eq!(world.review_reasons().await, []);
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::BookingMissing]);
}

#[tokio::test]
async fn a_status_that_nobody_has_seen_is_reviewed() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.drain().await;
    assert!(world.fake.set_status(&booking.uid, "teleported"));
    let body = WebhookBody::no_show(booking.uid, true).to_bytes();
    receive(&world, &body).await.unwrap();
    world.drain().await;
    let reviews = world.reviews().await;
    assert_eq!(reviews[0].reason, ReviewReason::UnknownStatus);
    assert!(reviews[0].evidence.message.contains("teleported"));
}

/// Moved twice at once, and one of the two branches ended: the other one is the appointment's, although a webhook of the ended one
/// came before anything said whose it is.
#[tokio::test]
async fn the_live_one_of_two_successors_stands() {
    for end_comes_first in [true, false] {
        let world = World::new().await;
        let booking = world.book(at(0)).await;
        world.drain().await;
        for trigger in [Trigger::BookingRescheduled, Trigger::BookingCancelled] {
            let hold = Fault::new(trigger, Then::HoldWebhooks);
            world.fake.inject(hold.always());
        }
        let known = world.fake.deliveries().len();
        let fake = &world.fake;
        let first = fake.move_booking(&booking.uid, at(2)).await.unwrap();
        let second = fake.force_second_successor(&booking.uid, at(4)).await;
        let next = fake
            .move_booking(&second.unwrap().uid, at(6))
            .await
            .unwrap();
        fake.cancel_booking(&next.uid, "ill").await.unwrap();
        // That the second one was moved on is never told.
        let (moves, end) = ([known, known + 1], [known + 3]);
        let order = if end_comes_first {
            [&end[..], &moves[..]]
        } else {
            [&moves[..], &end[..]]
        };
        for told in order {
            // Whose webhook comes first is worked on first.
            world.clock.advance(Duration::from_secs(1));
            fake.release(told).await;
        }
        while world.engine.step().await.unwrap().is_some() {}
        world.settle().await;
        // Not even for a while was a person asked.
        let is_asked = |event: &LogEvent| matches!(event, LogEvent::SentToReview { .. });
        assert!(!world.events().await.iter().any(is_asked));
        let link = world.link_of_booking(&booking.uid).await;
        assert_eq!(link.booking, Some(first.uid), "{end_comes_first}");
        let appointment = world.appointment(&link.appointment.unwrap()).await;
        assert_eq!(appointment.state.start, at(2));
        world.assert_in_step().await;
    }
}

#[tokio::test]
async fn two_live_successors_are_found_and_reviewed() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.drain().await;
    world.fake.move_booking(&booking.uid, at(2)).await.unwrap();
    let second = world
        .fake
        .force_second_successor(&booking.uid, at(4))
        .await
        .unwrap();
    world.drain().await;
    assert_eq!(
        world.review_reasons().await,
        [ReviewReason::TwoLiveBookings]
    );
    let item = world.reviews().await.remove(0);
    assert_eq!(item.evidence.bookings.len(), 2);
    // A retry does not forget the second one while it lives.
    world
        .engine
        .resolve(
            &world.tenant,
            item.id,
            calcom::store::Resolution::Retry,
            "eve",
        )
        .await
        .unwrap();
    world.drain().await;
    assert_eq!(
        world.review_reasons().await,
        [ReviewReason::TwoLiveBookings]
    );
    let kept = world.booking_of(&item.appointment.unwrap()).await;
    let other = if kept == second.uid {
        booking.uid
    } else {
        second.uid
    };
    let other = world
        .fake
        .booking(&other)
        .and_then(|b| b.rescheduled_to_uid)
        .unwrap_or(other);
    world.fake.cancel_booking(&other, "double").await.unwrap();
    world.drain().await;
    assert_eq!(world.review_reasons().await, []);
    world.assert_in_step().await;
}

#[tokio::test]
async fn conflicts_follow_the_tenants_policy() {
    for (policy, expected) in [
        (ConflictPolicy::Review, None),
        (ConflictPolicy::RemoteWins, Some(at(2))),
        (ConflictPolicy::LocalWins, Some(at(4))),
    ] {
        let world = World::with(|tenant| tenant.with_conflict_policy(policy)).await;
        let booking = world.book(at(0)).await;
        world.drain().await;
        let appointment = world.store.appointments(&world.tenant).remove(0);
        world.fake.move_booking(&booking.uid, at(2)).await.unwrap();
        world
            .change(&appointment.id, Origin::Admin, |state| {
                state.start = at(4);
                state.end = at(4) + chrono::TimeDelta::minutes(30);
            })
            .await;
        world.drain().await;
        match expected {
            Some(start) => {
                assert_eq!(world.appointment(&appointment.id).await.state.start, start);
                world.assert_in_step().await;
            }
            None => {
                assert_eq!(world.review_reasons().await, [ReviewReason::Conflict]);
                assert_eq!(world.writes(), 0);
                let evidence = world.reviews().await.remove(0).evidence;
                assert_eq!(evidence.local.unwrap().start, at(4));
                assert_eq!(evidence.remote.unwrap().start, at(2));
                assert_eq!(evidence.base_local.unwrap().start, at(0));
            }
        }
    }
}

#[tokio::test]
async fn a_series_is_cancelled_by_one_delivery() {
    let world = World::new().await;
    let booking = NewBooking::new(world.types.weekly, at(0), NewAttendee::from(&ann()));
    let first = world.fake.book(booking).await.unwrap();
    world.drain().await;
    assert_eq!(world.store.appointments(&world.tenant).len(), 4);
    let series = first.recurring_booking_uid.clone().unwrap();
    let client = crate::harness::client(&world.fake);
    let cancelled = client
        .bookings()
        .cancel_series(&series, &calcom::model::CancelParams::reason("holiday"))
        .await
        .unwrap();
    assert_eq!(cancelled.len(), 4);
    world.drain().await;
    let live = world
        .store
        .appointments(&world.tenant)
        .iter()
        .filter(|appointment| appointment.state.status.is_live())
        .count();
    assert_eq!(live, 0);
    world.assert_in_step().await;
}

#[tokio::test]
async fn a_crash_between_the_hosts_write_and_ours_is_harmless() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    // As the engine does it, before it could settle: and then the host even changes the appointment.
    let chain = ChainKey::new(booking.ics_uid.clone().unwrap());
    let write = AppointmentWrite::new(world.state(at(0)), Origin::Calcom, world.clock.now());
    let made = world
        .store
        .create_for_booking(&world.tenant, &chain, write)
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(world.store.appointments(&world.tenant).len(), 1);
    assert_eq!(world.fake.live_bookings().len(), 1);
    assert_eq!(world.writes(), 0);
    assert_eq!(world.appointment(&made.id).await.revision, Revision::FIRST);
    world.assert_in_step().await;
}

#[tokio::test]
async fn echoes_a_minute_later_cause_nothing() {
    let world = World::new().await;
    world
        .fake
        .inject(Fault::new(Trigger::BookingCreated, Then::HoldWebhooks));
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    world.clock.advance(Duration::from_secs(60));
    world.fake.release(&[0]).await;
    world.drain().await;
    world.assert_in_step().await;
    assert_eq!(world.writes(), 1);
    assert_eq!(world.appointment(&made.id).await.revision, Revision::FIRST);
    assert_eq!(world.delivery_fates().await, [Some(DeliveryFate::Agreed)]);
}

#[tokio::test]
async fn an_unknown_event_type_is_not_the_tenants() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world
        .change(&made.id, Origin::Phone, |state| state.event_type = FOREIGN)
        .await;
    world.drain().await;
    assert_eq!(
        world.review_reasons().await,
        [ReviewReason::ForeignEventType]
    );
    assert_eq!(world.writes(), 0);
}

/// Of two successors that have both ended, the link's own stands for the appointment, whichever ended last.
#[tokio::test]
async fn of_bookings_that_have_all_ended_the_links_own_stands() {
    for own_ends_first in [true, false] {
        let world = World::new().await;
        let booking = world.book(at(0)).await;
        world.drain().await;
        let own = world.fake.move_booking(&booking.uid, at(2)).await.unwrap();
        world.drain().await;
        let second = world.fake.force_second_successor(&booking.uid, at(4)).await;
        let second = second.unwrap();
        world.drain().await;
        let link = world.link_of_booking(&booking.uid).await;
        let kept = link.booking.unwrap();
        let other = if kept == own.uid { second.uid } else { own.uid };
        let ends = if own_ends_first {
            [&kept, &other]
        } else {
            [&other, &kept]
        };
        // Both ends become known at once.
        let hold = Fault::new(Trigger::BookingCancelled, Then::HoldWebhooks);
        world.fake.inject(hold.always());
        for uid in ends {
            world.clock.advance(Duration::from_secs(60));
            world.fake.cancel_booking(uid, "ill").await.unwrap();
        }
        let count = world.fake.deliveries().len();
        world.fake.release(&(0..count).collect::<Vec<_>>()).await;
        world.settle().await;
        let link = world.link_of_booking(&booking.uid).await;
        assert_eq!(link.booking, Some(kept), "{own_ends_first}");
        assert_eq!(world.review_reasons().await, []);
        let appointment = world.store.appointments(&world.tenant).remove(0);
        assert!(!appointment.state.status.is_live());
    }
}

/// A second successor at the very time of the first says nothing new of the first, and is a second booking all the same.
#[tokio::test]
async fn a_second_booking_at_the_same_time_is_no_echo() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.drain().await;
    world.fake.move_booking(&booking.uid, at(2)).await.unwrap();
    world.drain().await;
    let second = world.fake.force_second_successor(&booking.uid, at(2)).await;
    let second = second.unwrap();
    world.settle().await;
    let items = world.reviews().await;
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].reason, ReviewReason::TwoLiveBookings);
    assert!(items[0].evidence.bookings.contains(&second.uid));
}

/// What a delivery claims otherwise than the base has it is read: another start, another end, another status.
#[tokio::test]
async fn only_what_says_nothing_new_is_an_echo() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.settle().await;
    let uid = booking.uid;
    let echo = WebhookBody::created(uid.clone(), at(0)).with_length(30);
    let others = [
        WebhookBody::created(uid.clone(), at(1)).with_length(30),
        WebhookBody::created(uid.clone(), at(0)).with_length(45),
        // Ends when the booking does.
        WebhookBody::created(uid.clone(), at(-1)).with_length(90),
        WebhookBody::requested(uid.clone(), at(0)).with_length(30),
        WebhookBody::cancelled(uid, at(0)).with_length(30),
    ];
    let before = world.requests();
    world.receive(&echo).await;
    world.settle().await;
    assert_eq!(world.requests(), before, "an echo costs no request");
    for (index, other) in others.iter().enumerate() {
        let before = world.requests();
        world.receive(other).await;
        world.drain().await;
        assert!(world.requests() > before, "the {index}. was not looked at");
    }
    world.settle().await;
    world.assert_in_step().await;
}
