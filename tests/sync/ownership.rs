//! Tenants: nothing crosses, nothing is sent where it does not belong, and what nobody syncs is no alarm.

use std::sync::Arc;

use crate::harness::{World, ann, at, cancel, client, config};
use calcom::model::{NewAttendee, NewBooking};
use calcom::store::{DeliveryFate, Origin, Page, Resolution, ReviewReason, Tenants};
use calcom::sync::{Engine, StaticTenants, SyncEngine, Tenant};
use calcom::testing::{FakeEventType, Fault, Operation, SeededEntropy, Then};

/// Creating a booking needs no authorization at Cal.com: the engine is the only guard.
#[tokio::test]
async fn nothing_is_booked_on_an_event_type_that_is_not_the_tenants() {
    let world = World::new().await;
    let other = world.fake.add_user("other");
    let theirs = FakeEventType::new("other-30", 30).with_owner(other.id);
    let theirs = world.fake.add_event_type(theirs);
    for n in 0..3 {
        let mut state = world.state(at(n));
        state.event_type = theirs;
        world.make_as(&format!("a{n}"), state, Origin::Phone);
    }
    world.settle().await;
    assert_eq!(world.writes(), 0);
    // One event type that is not the tenant's is one case, whatever is booked on it.
    let items = world.reviews().await;
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].reason, ReviewReason::ForeignEventType);
    assert_eq!(items[0].links, 3);
}

/// A tenant that names hosts only books event types that its hosts hold, and no others.
#[tokio::test]
async fn a_tenant_of_hosts_books_what_its_hosts_hold() {
    let world = World::new().await;
    let tenant = Tenant::new(world.tenant.clone(), Arc::new(client(&world.fake)))
        .with_host(world.fake.host_id());
    let engine = engine_for(&world, [tenant]);
    world.make("own", at(0), Origin::Phone);
    world.drain_with(&engine).await;
    assert_eq!(world.fake.live_bookings().len(), 1);

    let other = world.fake.add_user("other");
    let theirs = FakeEventType::new("other-30", 30).with_owner(other.id);
    let mut state = world.state(at(1));
    state.event_type = world.fake.add_event_type(theirs);
    world.make_as("theirs", state, Origin::Phone);
    world.drain_with(&engine).await;
    assert_eq!(world.writes(), 1);
    assert_eq!(
        world.review_reasons().await,
        [ReviewReason::ForeignEventType]
    );
}

fn engine_for(world: &World, tenants: impl IntoIterator<Item = Tenant>) -> Arc<Engine> {
    let store = Arc::new(world.store.clone());
    let tenants = Arc::new(StaticTenants::new(tenants));
    let engine = Engine::builder(store.clone(), store, tenants)
        .config(config())
        .clock(world.clock.shared())
        .entropy(Arc::new(SeededEntropy::new(1)));
    Arc::new(engine.build())
}

/// A person at Cal.com who works for two tenants: each booking is one tenant's.
#[tokio::test]
async fn a_booking_belongs_to_one_tenant() {
    let world = World::new().await;
    let second = FakeEventType::new("at-the-other-salon", 30);
    let second = world.fake.add_event_type(second);
    let booking = NewBooking::new(second, at(0), NewAttendee::from(&ann()));
    let booking = world.fake.book(booking).await.unwrap();
    let host = world.fake.host_id();
    let tenant =
        |name: &str| Tenant::new(name.into(), Arc::new(client(&world.fake))).with_host(host);
    let a = tenant("a").with_event_type(world.fake.event_type_id());
    let b = tenant("b").with_event_type(second);
    assert!(!a.owns(&booking));
    assert!(b.owns(&booking));
}

/// A webhook signed with one tenant's secret tells nothing of another's booking. Where both tenants are one user at Cal.com, whose
/// webhooks tell of both, that is no alarm.
#[tokio::test]
async fn a_booking_of_another_tenant_is_not_taken() {
    for is_same_user in [true, false] {
        let world = World::new().await;
        let second = FakeEventType::new("at-the-other-salon", 30);
        let second = world.fake.add_event_type(second);
        let tenant = |name: &str, event_type| {
            Tenant::new(name.into(), Arc::new(client(&world.fake))).with_event_type(event_type)
        };
        let host = world.fake.host_id();
        let first = tenant(world.tenant.as_str(), world.fake.event_type_id());
        let first = if is_same_user {
            first.with_host(host)
        } else {
            first
        };
        let engine = engine_for(&world, [first, tenant("other", second).with_host(host)]);
        let booking = NewBooking::new(second, at(0), NewAttendee::from(&ann()));
        world.fake.book(booking).await.unwrap();
        world.drain_with(&engine).await;
        assert_eq!(world.store.appointments(&world.tenant), []);
        let (fate, reviews) = if is_same_user {
            (DeliveryFate::IgnoredNotSynced, vec![])
        } else {
            let alarm = vec![ReviewReason::ForeignBooking];
            (DeliveryFate::RefusedForeign, alarm)
        };
        assert_eq!(world.delivery_fates().await, [Some(fate)]);
        assert_eq!(world.review_reasons().await, reviews);
    }
}

/// The webhook of a user tells of all event types of that user.
#[tokio::test]
async fn another_event_type_of_the_same_user_is_no_alarm() {
    for names_the_host in [true, false] {
        let world = World::new().await;
        let mut tenant = Tenant::new(world.tenant.clone(), Arc::new(client(&world.fake)))
            .with_event_type(world.fake.event_type_id());
        if names_the_host {
            tenant = tenant.with_host(world.fake.host_id());
        }
        let engine = engine_for(&world, [tenant]);
        let private = world.fake.add_event_type(FakeEventType::new("coffee", 30));
        for n in 0..20 {
            let booking = NewBooking::new(private, at(n), NewAttendee::from(&ann()));
            world.fake.book(booking).await.unwrap();
        }
        world.drain_with(&engine).await;
        assert_eq!(world.review_reasons().await, []);
        let fates = world.delivery_fates().await;
        assert_eq!(fates, vec![Some(DeliveryFate::IgnoredNotSynced); 20]);
        assert_eq!(world.store.appointments(&world.tenant), []);
    }
}

/// One user of Cal.com's works for two tenants: the webhook of each tells of the bookings of both.
#[tokio::test]
async fn another_tenants_booking_of_the_same_user_is_no_alarm() {
    let world = World::new().await;
    let second = FakeEventType::new("at-the-other-salon", 30);
    let second = world.fake.add_event_type(second);
    let tenant =
        |id| Tenant::new(id, Arc::new(client(&world.fake))).with_host(world.fake.host_id());
    let salon = tenant(world.tenant.clone()).with_event_type(world.fake.event_type_id());
    let other = tenant("other".into()).with_event_type(second);
    let engine = engine_for(&world, [salon, other]);
    let booking = NewBooking::new(second, at(0), NewAttendee::from(&ann()));
    world.fake.book(booking).await.unwrap();
    world.drain_with(&engine).await;
    assert_eq!(world.review_reasons().await, []);
    let fates = world.delivery_fates().await;
    assert_eq!(fates, [Some(DeliveryFate::IgnoredNotSynced)]);
    assert_eq!(world.store.appointments(&world.tenant), []);
}

/// A full booking limit answers 401, and the key is fine.
#[tokio::test]
async fn a_full_booking_limit_pauses_nobody() {
    let world = World::new().await;
    let full = Fault::new(Operation::CreateBooking, Then::booking_limit_reached());
    world.fake.inject(full);
    world.make("a", at(0), Origin::Phone);
    world.drain().await;
    world.make("b", at(1), Origin::Phone);
    world.drain().await;
    assert!(!world.store.is_paused(&world.tenant).await.unwrap());
    assert_eq!(world.review_reasons().await, [ReviewReason::Rejected]);
    let message = &world.reviews().await[0].evidence.message;
    assert!(message.contains("booking_limit_reached"), "{message}");
    assert_eq!(world.fake.live_bookings().len(), 1);
}

/// 403 for one booking is that booking's case, as long as the account itself is accepted.
#[tokio::test]
async fn one_forbidden_booking_does_not_stop_the_tenant() {
    for status in [401, 403] {
        let world = World::new().await;
        let made = world.make("a", at(0), Origin::Phone);
        world.drain().await;
        let denied = Fault::new(Operation::Cancel, Then::status(status));
        world.fake.inject(denied.always());
        world.change(&made.id, Origin::Admin, cancel).await;
        world.drain().await;
        for n in 1..=5 {
            world.make(&format!("b{n}"), at(n), Origin::Phone);
        }
        world.drain().await;
        for _ in 0..3 {
            world.resolve(Resolution::Retry).await;
            world.drain().await;
        }
        assert_eq!(world.fake.live_bookings().len(), 6);
        assert!(!world.store.is_paused(&world.tenant).await.unwrap());
        assert_eq!(world.review_reasons().await, [ReviewReason::Rejected]);
    }
}

#[tokio::test]
async fn a_paused_tenant_has_an_open_item_as_long_as_the_pause_lasts() {
    let world = World::new().await;
    let denied = Fault::new(calcom::testing::When::Any, Then::status(401));
    world.fake.inject(denied.always());
    world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let paused = async || world.store.is_paused(&world.tenant).await.unwrap();
    assert!(paused().await);
    let item = world.reviews().await.remove(0);
    let dismissed = world
        .engine
        .resolve(&world.tenant, item.id, Resolution::Dismiss, "eve");
    dismissed.await.unwrap_err();
    assert_eq!(
        world.review_reasons().await,
        [ReviewReason::CredentialsRefused]
    );

    // Whoever resumes the tenant in another way closes it too.
    world.fake.clear_faults();
    world.store.resume(&world.tenant).await.unwrap();
    assert!(!paused().await);
    assert_eq!(world.review_reasons().await, []);
    world.drain().await;
    world.assert_in_step().await;
    assert_eq!(world.fake.live_bookings().len(), 1);
}

#[tokio::test]
async fn a_maintenance_page_is_not_a_hundred_cases() {
    let world = World::new().await;
    let page = Fault::new(calcom::testing::When::Any, Then::html_page(404));
    world.fake.inject(page.clone().always());
    for n in 0..10 {
        world.make(&format!("a{n}"), at(n), Origin::Phone);
    }
    world.drain().await;
    world.fake.clear_faults();
    world.settle().await;
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(world.fake.live_bookings().len(), 10);

    // One that lasts is one case, and one retry covers all of it.
    world.fake.inject(page.always());
    for n in 10..20 {
        world.make(&format!("a{n}"), at(n), Origin::Phone);
    }
    world.settle().await;
    let items = world.reviews().await;
    assert_eq!(items.len(), 1, "{items:?}");
    assert_eq!(items[0].reason, ReviewReason::RetriesExhausted);
    assert_eq!(items[0].links, 10);
    world.fake.clear_faults();
    world.resolve(Resolution::Retry).await;
    world.settle().await;
    world.assert_in_step().await;
    assert_eq!(world.fake.live_bookings().len(), 20);
}

/// A report of a foreign booking stays until a person closes it; many are one.
#[tokio::test]
async fn reports_of_foreign_bookings_are_one_item_that_a_person_closes() {
    let world = World::new().await;
    let other = world.fake.add_user("other");
    let theirs = FakeEventType::new("other-30", 30).with_owner(other.id);
    let theirs = world.fake.add_event_type(theirs);
    for n in 0..3 {
        let booking = NewBooking::new(theirs, at(n), NewAttendee::from(&ann()));
        let foreign = world.fake.book(booking).await.unwrap();
        let body = calcom::testing::WebhookBody::created(foreign.uid, at(n));
        world.receive(&body).await;
    }
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::ForeignBooking]);
    let item = world.resolve(Resolution::Dismiss).await;
    assert_eq!(item.count, 3);
    assert_eq!(world.reviews().await, []);
    let closed = world.engine.open_reviews(&world.tenant, Page::first(9));
    assert_eq!(closed.await.unwrap(), []);
}
