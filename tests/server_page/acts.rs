//! What each form does, besides resolving review items.

use std::time::Duration;

use calcom::ambient::Clock;
use calcom::model::WebhookQuery;
use calcom::store::{
    AppointmentRepository, AppointmentStatus, OperatorAction, ReviewReason, ServiceDetails,
    ServiceWrite, StoreErrorKind,
};
use calcom::sync::{Operations, SyncState};
use calcom::testing::{Fault, Operation, StoreFault, StoreOperation, StoreTrouble, Then};

use crate::world::{Answer, World, at};

#[tokio::test]
async fn pausing_and_resuming() {
    let world = World::new().await;
    let answer = world
        .post(
            "/t/salon/pause",
            &[("reason", "maintenance\u{202e} until noon")],
        )
        .await;
    assert_eq!(answer.is(303).location(), "/t/salon?told=paused");
    let day = Duration::from_secs(86_400);
    let counts = world
        .engine
        .overview(&world.salon, day)
        .await
        .unwrap()
        .counts;
    assert!(counts.is_paused);
    assert_eq!(counts.reviews[0].reason, ReviewReason::PausedByPerson);
    world
        .post("/t/salon/pause", &[])
        .await
        .is(409)
        .says("paused already");
    world
        .get("/t/salon/actions")
        .await
        .says("maintenance until noon")
        .says("hanna");
    let answer = world.post("/t/salon/resume", &[]).await;
    assert_eq!(answer.is(303).location(), "/t/salon?told=resumed");
    assert!(
        !world
            .engine
            .overview(&world.salon, day)
            .await
            .unwrap()
            .counts
            .is_paused
    );
    let (resumed, paused) = (OperatorAction::Resume, OperatorAction::Pause);
    let by = |action| ("hanna".to_owned(), action);
    assert_eq!(world.actions().await, [by(resumed), by(paused)]);
}

#[tokio::test]
async fn appointments_are_cancelled_after_the_page_has_asked() {
    let world = World::new().await;
    let ids = [
        world.make("a/1", "Ann", at(0)).await,
        world.make("a-2", "Bob", at(1)).await,
    ];
    world.work().await;
    assert_eq!(world.fake.live_bookings().len(), 2);
    let fields = [
        ("action", "cancel"),
        ("id", "a/1"),
        ("id", "a-2"),
        ("id", "none"),
    ];
    let asked = world.post("/t/salon/appointments", &fields).await;
    asked
        .is(200)
        .says("Cancel 3 appointments?")
        .says("id=\"confirm\"")
        .says("Ann")
        .says("Bob");
    asked
        .says("its booking at Cal.com; the attendee is told by e-mail")
        .says("this will fail");
    world.work().await;
    assert_eq!(
        world.fake.live_bookings().len(),
        2,
        "nothing was done before"
    );
    assert!(world.actions().await.is_empty());
    let confirmed = [
        &fields[..],
        &[("confirmed", "1"), ("reason", "Hanna is ill.")],
    ]
    .concat();
    let done = world.post("/t/salon/appointments", &confirmed).await;
    done.is(200)
        .says("2 of 3 appointments cancelled")
        .says("has no such appointment");
    world.work().await;
    assert!(world.fake.live_bookings().is_empty());
    for id in &ids {
        let found = world.store.get(&world.salon, id).await.unwrap().unwrap();
        assert_eq!(found.state.status, AppointmentStatus::Cancelled);
    }
    let bookings = world.fake.bookings();
    let why = bookings[0].cancellation_reason.as_deref();
    assert_eq!(why, Some("Hanna is ill."));
    let actions = world.actions().await;
    assert_eq!(
        actions,
        vec![("hanna".to_owned(), OperatorAction::Cancel); 3]
    );
    world
        .get("/t/salon/appointments/a-2")
        .await
        .says("Cancellation by hanna.");
}

#[tokio::test]
async fn appointments_are_resynced() {
    let world = World::new().await;
    let id = world.make("a-1", "Ann", at(0)).await;
    world.work().await;
    // Nobody tells of this change.
    let found = world.store.get(&world.salon, &id).await.unwrap().unwrap();
    let mut state = found.state.clone();
    (state.start, state.end) = (at(3), at(3) + chrono::TimeDelta::minutes(30));
    let write = calcom::store::AppointmentWrite::new(state, found.origin, world.clock.now());
    world
        .store
        .update(&world.salon, &id, found.revision, write)
        .await
        .unwrap();
    world.work().await;
    assert_eq!(world.fake.live_bookings()[0].start, at(0));
    let fields = [("action", "resync"), ("id", "a-1")];
    world
        .post("/t/salon/appointments", &fields)
        .await
        .is(200)
        .says("Resync 1 appointment?");
    let fields = [&fields[..], &[("confirmed", "1")]].concat();
    let done = world.post("/t/salon/appointments", &fields).await;
    done.is(200)
        .says("1 appointment to be looked at")
        .says("It is looked at anew.");
    world.work().await;
    assert_eq!(world.fake.live_bookings()[0].start, at(3));
    let status = world.engine.status(&world.salon, &id).await.unwrap();
    assert_eq!(status.state, SyncState::InSync);
    assert_eq!(
        world.actions().await,
        [("hanna".to_owned(), OperatorAction::Resync)]
    );
}

#[tokio::test]
async fn a_form_that_makes_no_sense_is_refused_with_a_reason() {
    let world = World::new().await;
    let many: Vec<String> = (0..201).map(|number| format!("a-{number}")).collect();
    let mut many: Vec<(&str, &str)> = many.iter().map(|id| ("id", id.as_str())).collect();
    many.push(("action", "cancel"));
    let forms: [(&str, &[(&str, &str)]); 9] = [
        ("appointments", &[]),
        ("appointments", &[("action", "resync")]),
        ("appointments", &[("action", "delete"), ("id", "a")]),
        ("appointments", &many),
        ("reviews", &[("resolution", "retry")]),
        ("reviews", &[("item", "x"), ("resolution", "retry")]),
        (
            "drift",
            &[
                ("mode", "check"),
                ("from", "2026-12-01"),
                ("until", "2026-12-01"),
            ],
        ),
        (
            "drift",
            &[
                ("mode", "check"),
                ("from", "2026-12-01"),
                ("until", "9999-12-01"),
            ],
        ),
        (
            "drift",
            &[("mode", "check"), ("from", "x"), ("until", "2026-12-02")],
        ),
    ];
    for (path, fields) in forms {
        world
            .post(&format!("/t/salon/{path}"), fields)
            .await
            .is(422)
            .says("This cannot be done");
    }
    assert!(world.actions().await.is_empty());
}

#[tokio::test]
async fn an_action_that_cannot_be_written_down_is_said() {
    let world = World::new().await;
    world.make("a-1", "Ann", at(0)).await;
    let fails = StoreTrouble::Fails(StoreErrorKind::Unavailable);
    let fault = StoreFault::new(StoreOperation::AppendLog, fails);
    world.faulty.inject(fault.clone());
    let fields = [("action", "resync"), ("id", "a-1"), ("confirmed", "1")];
    let done = world.post("/t/salon/appointments", &fields).await;
    done.is(200).says("could not be written down").says("Done");
    world.faulty.inject(fault);
    let paused = world.post("/t/salon/pause", &[]).await;
    let told = world.get(paused.is(303).location()).await;
    told.says("The sync is paused, but this could not be written down");
}

async fn ended_drift(world: &World) -> Answer {
    for _ in 0..500 {
        let shown = world.get("/t/salon/drift").await;
        if shown.body.contains(" · ended ") {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the job does not end");
}

#[tokio::test]
async fn drift_is_checked_and_repaired_in_the_background() {
    let world = World::new().await;
    let id = world.make("a-1", "Ann", at(0)).await;
    world.work().await;
    world.make("a-2", "Bob", at(2)).await;
    world.work().await;
    let found = world.store.get(&world.salon, &id).await.unwrap().unwrap();
    let mut state = found.state.clone();
    (state.start, state.end) = (at(5), at(5) + chrono::TimeDelta::minutes(30));
    let write = calcom::store::AppointmentWrite::new(state, found.origin, world.clock.now());
    world
        .store
        .update(&world.salon, &id, found.revision, write)
        .await
        .unwrap();
    world.clock.advance(Duration::from_secs(3_600));

    world
        .get("/t/salon/drift")
        .await
        .says("Nothing has been checked");
    let window = [
        ("from", "2026-12-01"),
        ("until", "2027-01-01"),
        ("brake", "10"),
    ];
    let check = [&window[..], &[("mode", "check")]].concat();
    let started = world.post("/t/salon/drift", &check).await;
    assert_eq!(started.is(303).location(), "/t/salon/drift");
    let checked = ended_drift(&world).await;
    checked
        .says("1 difference found. Nothing was changed.")
        .says("Differs in")
        .says("Start");
    checked
        .says("/t/salon/appointments/a-1")
        .says("started by <bdi>hanna");
    world.work().await;
    assert_eq!(world.fake.live_bookings()[0].start, at(0));

    let repair = [&window[..], &[("mode", "repair")]].concat();
    let asked = world.post("/t/salon/drift", &repair).await;
    asked.is(200).says("id=\"confirm\"").says("more than 10 %");
    let repair = [&repair[..], &[("confirmed", "1")]].concat();
    world.post("/t/salon/drift", &repair).await.is(303);
    ended_drift(&world)
        .await
        .says("1 difference found, and handed over");
    world.work().await;
    assert!(
        world
            .fake
            .live_bookings()
            .iter()
            .any(|booking| booking.start == at(5))
    );
    let (repaired, checked) = (OperatorAction::RepairDrift, OperatorAction::CheckDrift);
    let by = |action| ("hanna".to_owned(), action);
    assert_eq!(world.actions().await, [by(repaired), by(checked)]);
    world
        .get("/t/studio/drift")
        .await
        .says("Nothing has been checked");
}

#[tokio::test]
async fn a_repair_that_would_cancel_too_much_asks() {
    let world = World::new().await;
    for number in 0..4 {
        world.make(&format!("a-{number}"), "Ann", at(number)).await;
    }
    world.work().await;
    // The host cancels most of them, and tells nobody.
    for number in 0..3 {
        let id = format!("a-{number}").as_str().into();
        let found = world.store.get(&world.salon, &id).await.unwrap().unwrap();
        let mut state = found.state.clone();
        state.status = AppointmentStatus::Cancelled;
        let write = calcom::store::AppointmentWrite::new(state, found.origin, world.clock.now());
        world
            .store
            .update(&world.salon, &id, found.revision, write)
            .await
            .unwrap();
    }
    world.clock.advance(Duration::from_secs(3_600));
    let repair = |brake| {
        [
            ("from", "2026-12-01"),
            ("until", "2027-01-01"),
            ("mode", "repair"),
            ("brake", brake),
            ("confirmed", "1"),
        ]
    };
    world.post("/t/salon/drift", &repair("10")).await.is(303);
    let braked = ended_drift(&world).await;
    braked
        .says("The brake has stopped the repair")
        .says("cancel 3 of 4")
        .says("without the brake");
    world.work().await;
    assert_eq!(world.fake.live_bookings().len(), 4);
    let asked = world.post("/t/salon/drift", &repair("none")[..4]).await;
    asked.is(200).says("Without the brake");
    world.post("/t/salon/drift", &repair("none")).await.is(303);
    ended_drift(&world).await.says("handed over");
    world.work().await;
    assert_eq!(world.fake.live_bookings().len(), 1);
}

#[tokio::test]
async fn services_are_synced() {
    let world = World::new().await;
    let write = ServiceWrite::new(ServiceDetails::new("Colour", 90), world.clock.now());
    world
        .store
        .create_service(&world.salon, &"colour".into(), write)
        .unwrap();
    let shown = world.get("/t/salon/services").await;
    shown
        .says("colour")
        .says("The service has no event type.")
        .says("Create the event type");
    let done = world
        .post("/t/salon/services", &[("import", "1"), ("export", "1")])
        .await;
    done.is(200).says("2 done; 2 of 2 in sync.");
    assert_eq!(world.store.services(&world.salon).len(), 2);
    assert_eq!(
        world.actions().await,
        [("hanna".to_owned(), OperatorAction::SyncServices)]
    );
    world
        .get("/t/salon/actions")
        .await
        .says("2 done; 2 of 2 in sync.");
}

#[tokio::test]
async fn the_webhook_is_tested_and_repaired() {
    let world = World::new().await;
    let tested = world.post("/t/salon/webhook/test", &[]).await;
    tested
        .is(200)
        .says("came back through the webhook")
        .says("answered with 200, ignored");
    let query = WebhookQuery::default();
    for known in world.client.webhooks().list(&query).await.unwrap().items {
        world.client.webhooks().delete(&known.id).await.unwrap();
    }
    world
        .get("/t/salon/webhook")
        .await
        .says("No subscription leads here.");
    let repaired = world.post("/t/salon/webhook/repair", &[]).await;
    repaired
        .is(200)
        .says("The subscription was created.")
        .says("hears of everything");
    world
        .get("/t/salon/webhook")
        .await
        .says("hears of everything");
    let (repaired, tested) = (
        OperatorAction::RepairSubscription,
        OperatorAction::TestWebhook,
    );
    let by = |action| ("hanna".to_owned(), action);
    assert_eq!(world.actions().await, [by(repaired), by(tested)]);
    world
        .post("/t/studio/webhook/test", &[])
        .await
        .is(200)
        .says("No webhook address is set up");
}

#[tokio::test]
async fn a_check_can_be_stopped_and_no_second_one_begins_beside_it() {
    let world = World::new().await;
    let late = Then::DelayBefore(Duration::from_secs(4));
    world
        .fake
        .inject(Fault::new(Operation::ListBookings, late).always());
    let check = [
        ("mode", "check"),
        ("from", "2026-12-01"),
        ("until", "2027-01-01"),
    ];
    world.post("/t/salon/drift", &check).await.is(303);
    let running = world.get("/t/salon/drift").await;
    running.is(200).says("<progress").says("Comparing, 0 %");
    let second = world.post("/t/salon/drift", &check).await;
    second.is(409).says("is under way");
    // Another tenant's is its own.
    world.get("/t/studio/drift").await.does_not_say("<progress");
    world.post("/t/salon/drift/stop", &[]).await.is(303);
    let stopped = world.get("/t/salon/drift").await;
    stopped.says("It was stopped before its end.");
    let checked = ("hanna".to_owned(), OperatorAction::CheckDrift);
    assert_eq!(world.actions().await, [checked]);
    world.post("/t/salon/drift/stop", &[]).await.is(303);
    assert_eq!(world.actions().await.len(), 1);
    world.fake.clear_faults();
    world.post("/t/salon/drift", &check).await.is(303);
    ended_drift(&world).await.says("Both sides agree");
}
