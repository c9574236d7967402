//! What happens between a write and the look at its outcome takes nothing away. Each of these was found by the simulation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::harness::{SECRET, World, ann, at, cancel, client, config, move_to};
use crate::hooked::{HookedHost, Hooks};
use async_trait::async_trait;
use calcom::ambient::Clock;
use calcom::model::{NewAttendee, NewBooking, Trigger};
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus,
    AppointmentWrite, ChainKey, Checkpoint, Claim, ClaimRequest, DeliveryFate, Links, Opaque,
    Origin, ReviewReason, StoreError, StoreErrorKind,
};
use calcom::sync::{ConflictPolicy, Engine, Standing, StaticTenants, SyncEngine, Tenant};
use calcom::testing::{FakeEventType, Fault, Operation, Then, WebhookBody};
use chrono::TimeDelta;

/// A booking of somebody else's, on another event type.
async fn foreign_booking(world: &World) -> calcom::model::Booking {
    let other = world.fake.add_user("other");
    let event_type = FakeEventType::new("other-30", 30).with_owner(other.id);
    let event_type = world.fake.add_event_type(event_type);
    let booking = NewBooking::new(event_type, at(9), NewAttendee::from(&ann()));
    world.fake.book(booking).await.unwrap()
}

const LEASE: Duration = Duration::from_secs(120);

async fn claim(world: &World) -> Claim {
    let request = ClaimRequest::new(LEASE, u16::MAX);
    world.store.claim(&request).await.unwrap().unwrap()
}

/// Claims the link of a booking, and stores that its appointment is about to be created, as the engine does.
async fn begin_creation(world: &World, chain: &ChainKey) -> Claim {
    let claim = claim(world).await;
    let mut link = claim.link.clone();
    link.chain = Some(chain.clone());
    let mut standing = serde_json::to_value(Standing::of(&link).unwrap()).unwrap();
    standing["creating_appointment"] = true.into();
    link.state = Some(Opaque::new(1, standing.to_string().into_bytes()));
    link.bare = false;
    let begun = world
        .store
        .checkpoint(&claim.lease, Checkpoint::new(link, LEASE));
    begun.await.unwrap();
    claim
}

/// The outcome of the first write was taken for somebody else's change at Cal.com: a conflict, or the host's change overruled.
#[tokio::test]
async fn a_change_after_an_unanswered_one_contradicts_nothing() {
    for policy in [ConflictPolicy::Review, ConflictPolicy::RemoteWins] {
        for cancels in [false, true] {
            let world = World::with(|tenant| tenant.with_conflict_policy(policy)).await;
            let made = world.make("a", at(0), Origin::Phone);
            world.drain().await;
            let lost = Fault::new(Operation::Reschedule, Then::ApplyThenDrop);
            world.fake.inject(lost);
            world.change(&made.id, Origin::Admin, move_to(at(2))).await;
            world.engine.step().await.unwrap().unwrap();
            if cancels {
                world.change(&made.id, Origin::Admin, cancel).await;
            } else {
                world.change(&made.id, Origin::Admin, move_to(at(4))).await;
            }
            world.settle().await;
            assert_eq!(world.review_reasons().await, [], "{policy:?} {cancels}");
            world.assert_in_step().await;
            let live = world.fake.live_bookings();
            let starts: Vec<_> = live.iter().map(|booking| booking.start).collect();
            assert_eq!(starts, if cancels { vec![] } else { vec![at(4)] });
        }
    }
}

#[tokio::test]
async fn a_revival_after_an_unanswered_cancellation_is_booked() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let lost = Fault::new(Operation::Cancel, Then::ApplyThenDrop);
    world.fake.inject(lost);
    world.change(&made.id, Origin::Admin, cancel).await;
    world.engine.step().await.unwrap().unwrap();
    let revive = |state: &mut AppointmentState| state.status = AppointmentStatus::Confirmed;
    world.change(&made.id, Origin::Admin, revive).await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, []);
    world.assert_in_step().await;
    assert_eq!(world.fake.live_bookings().len(), 1);
}

/// The refusal of the look-up was taken for one of the creation, which was then sent again under another key.
#[tokio::test]
async fn a_refused_look_up_does_not_forget_the_creation() {
    let world = World::new().await;
    let lost = Fault::new(Operation::CreateBooking, Then::ApplyThenDrop);
    world.fake.inject(lost);
    let refused = Fault::new(Operation::ListBookings, Then::status(400)).always();
    world.fake.inject(refused);
    let hold = Fault::new(Trigger::BookingCreated, Then::HoldWebhooks);
    world.fake.inject(hold.clone().always());
    let made = world.make("a", at(0), Origin::Phone);
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::Rejected]);
    world.fake.clear_faults();
    world.fake.inject(hold.always());
    // Moved meanwhile, so that no collision shows the first booking.
    world.change(&made.id, Origin::Admin, move_to(at(2))).await;
    world.settle().await;
    assert_eq!(world.fake.live_bookings().len(), 1);
    world.assert_in_step().await;
    assert_eq!(world.review_reasons().await, []);
}

/// A turn that found the booking and moved it in one go was cut off in the move: nothing of either was stored.
#[tokio::test]
async fn what_was_found_is_stored_before_the_next_write() {
    let world = World::new().await;
    let lost = Fault::new(Operation::CreateBooking, Then::ApplyThenDrop);
    world.fake.inject(lost);
    let hold = Fault::new(Trigger::BookingCreated, Then::HoldWebhooks);
    world.fake.inject(hold.always());
    let made = world.make("a", at(0), Origin::Phone);
    world.engine.step().await.unwrap().unwrap();
    world.change(&made.id, Origin::Admin, move_to(at(2))).await;
    world.clock.advance(Duration::from_secs(2));
    // The process dies in the middle of the second write.
    let slow = Then::DelayBefore(Duration::from_secs(60));
    world.fake.inject(Fault::new(Operation::Reschedule, slow));
    let step = world.engine.step();
    assert!(
        tokio::time::timeout(Duration::from_millis(300), step)
            .await
            .is_err()
    );
    let booked = world.fake.bookings()[0].uid.clone();
    assert_eq!(world.link_of(&made.id).await.booking, Some(booked));
    let base = world.standing_of(&made.id).await.base.unwrap();
    assert_eq!((base.local.start, base.remote.start), (at(0), at(0)));
    world.clock.advance(LEASE);
    world.drain().await;
    world.assert_in_step().await;
    assert_eq!(world.fake.live_bookings().len(), 1);
}

/// The booking was known to the link by its webhook, but not to the look-up, which searches where the last attempt was to be.
#[tokio::test]
async fn an_earlier_attempt_is_known_by_its_key_wherever_it_lies() {
    let world = World::new().await;
    let lost = Fault::new(Operation::CreateBooking, Then::ApplyThenDrop);
    world.fake.inject(lost);
    let made = world.make("a", at(0), Origin::Phone);
    world.engine.step().await.unwrap().unwrap();
    world.change(&made.id, Origin::Admin, move_to(at(72))).await;
    // As the engine does before a second attempt, and then it dies.
    world.clock.advance(Duration::from_secs(2));
    let claim = claim(&world).await;
    let standing = Standing::of(&claim.link).unwrap();
    assert!(standing.awaits_outcome(), "the creation is not on record");
    let begun = Checkpoint::new(claim.link.clone(), LEASE);
    let begun = world.store.checkpoint(&claim.lease, begun);
    begun.await.unwrap();
    let lease = LEASE;
    world.clock.advance(lease);
    world.settle().await;
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(world.fake.live_bookings().len(), 1);
    world.assert_in_step().await;
}

/// Deliveries that waited beside a foreign one were refused with it, and what they told of was never read.
#[tokio::test]
async fn a_foreign_delivery_takes_no_other_with_it() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let own = world.booking_of(&made.id).await;
    let foreign = foreign_booking(&world).await;
    world.fake.move_booking(&own, at(2)).await.unwrap();
    world.webhooks_arrive().await;
    world
        .receive(&WebhookBody::rescheduled(foreign.uid, at(9), own, at(0)))
        .await;
    world.drain().await;
    assert_eq!(world.appointment(&made.id).await.state.start, at(2));
    let fates = world.delivery_fates().await;
    assert_eq!(
        fates[1..],
        [
            Some(DeliveryFate::Applied),
            Some(DeliveryFate::RefusedForeign)
        ]
    );
}

/// A booking that was moved to one that cannot be found was taken for cancelled.
#[tokio::test]
async fn a_successor_that_cannot_be_found_ends_nothing() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.drain().await;
    let moved = world.fake.move_booking(&booking.uid, at(2)).await.unwrap();
    world.fake.forget(&moved.uid);
    world.drain().await;
    let appointment = world.store.appointments(&world.tenant).remove(0);
    assert!(appointment.state.status.is_live());
    assert_eq!(world.review_reasons().await, [ReviewReason::BookingMissing]);
}

/// A process died after the host had created the appointment; the host moved it, and then its booking ended. The link of the
/// booking had absorbed the one of the change and did not know of the appointment.
#[tokio::test]
async fn an_absorbed_change_names_the_appointment() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    let chain = ChainKey::new(booking.ics_uid.clone().unwrap());
    world.webhooks_arrive().await;
    let claim = begin_creation(&world, &chain).await;
    let write = AppointmentWrite::new(world.state(at(0)), Origin::Calcom, world.clock.now());
    let store = &world.store;
    let created = store.create_for_booking(&world.tenant, &chain, write).await;
    let made = created.unwrap();
    world.change(&made.id, Origin::Phone, move_to(at(2))).await;
    world.drain().await;
    let cancelled = world.fake.cancel_booking(&booking.uid, "ill").await;
    cancelled.unwrap();
    world.clock.advance(LEASE);
    world.settle().await;
    assert_eq!(world.link_of(&made.id).await.appointment, Some(made.id));
    assert_eq!(world.review_reasons().await, [ReviewReason::Conflict]);
    // The dead process comes back and may write nothing.
    let late = store.checkpoint(&claim.lease, Checkpoint::new(claim.link.clone(), LEASE));
    let error = late.await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::LeaseLost);
}

/// Of two successors one could not be read, and its delivery was settled all the same.
#[tokio::test]
async fn a_delivery_of_a_booking_that_cannot_be_found_is_reviewed() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.drain().await;
    world.fake.move_booking(&booking.uid, at(2)).await.unwrap();
    world.drain().await;
    let own = world.link_of_booking(&booking.uid).await.booking;
    let second = world.fake.force_second_successor(&booking.uid, at(4)).await;
    let second = second.unwrap();
    // The link's own is read first.
    let missing = Fault::new(Operation::GetBooking, Then::status(404)).skip_first(1);
    world.fake.inject(missing);
    world.drain().await;
    // Its delivery waits, and it is looked for again.
    assert_eq!(world.delivery_fates().await.last(), Some(&None));
    assert_eq!(world.link_of_booking(&second.uid).await.booking, own);
    world.settle().await;
    assert_eq!(
        world.review_reasons().await,
        [ReviewReason::TwoLiveBookings]
    );
}

/// The host took back its side of a conflict, and the booking's new time was never looked at again.
#[tokio::test]
async fn going_back_to_the_base_is_not_agreement() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let own = world.booking_of(&made.id).await;
    world.fake.move_booking(&own, at(2)).await.unwrap();
    world.change(&made.id, Origin::Admin, cancel).await;
    world.drain().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::Conflict]);
    let revive = |state: &mut AppointmentState| state.status = AppointmentStatus::Confirmed;
    world.change(&made.id, Origin::Admin, revive).await;
    world.drain().await;
    assert_eq!(world.appointment(&made.id).await.state.start, at(2));
    assert_eq!(world.review_reasons().await, []);
    world.assert_in_step().await;
}

/// Attempts at different times were far apart: the second one's look-up by its own time alone would have missed the first.
#[tokio::test]
async fn an_attempt_at_another_time_is_looked_up_there() {
    let world = World::new().await;
    world
        .fake
        .inject(Fault::new(Operation::CreateBooking, Then::ApplyThenDrop));
    // No webhook tells of it.
    world.fake.inject(Fault::new(
        calcom::model::Trigger::BookingCreated,
        Then::LoseWebhook,
    ));
    let made = world.make("a", at(0), Origin::Phone);
    world.engine.step().await.unwrap().unwrap();
    let later = at(24 * 20);
    world
        .change(&made.id, Origin::Admin, |state| {
            state.start = later;
            state.end = later + TimeDelta::minutes(30);
        })
        .await;
    // The look-up of the second attempt fails, so that only a third one can find the first.
    world
        .fake
        .inject(Fault::new(Operation::ListBookings, Then::status(500)));
    world.settle().await;
    world.assert_in_step().await;
    assert_eq!(world.fake.live_bookings().len(), 1);
    assert_eq!(world.fake.live_bookings()[0].start, later);
}

/// The booking ended while it was not known whether its appointment had been created.
#[tokio::test]
async fn an_appointment_of_unknown_outcome_is_ended_with_its_booking() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    // As the engine does it, and then the process dies before it can settle; the host records nothing.
    let chain = ChainKey::new(booking.ics_uid.clone().unwrap());
    world.webhooks_arrive().await;
    begin_creation(&world, &chain).await;
    let write = AppointmentWrite::new(world.state(at(0)), Origin::Calcom, world.clock.now());
    let made = world
        .store
        .create_for_booking(&world.tenant, &chain, write)
        .await
        .unwrap();
    world
        .fake
        .cancel_booking(&booking.uid, "over")
        .await
        .unwrap();
    world.settle().await;
    let status = world.appointment(&made.id).await.state.status;
    assert_eq!(status, AppointmentStatus::Cancelled);
    world.assert_in_step().await;
}

/// Reads through a replica that shows nothing yet, for as long as it is told to.
#[derive(Debug, Default)]
struct Replica {
    is_behind: AtomicBool,
}

#[async_trait]
impl Hooks for Replica {
    async fn instead_of_get(
        &self,
        _id: &AppointmentId,
    ) -> Option<Result<Option<Appointment>, StoreError>> {
        self.is_behind.load(Ordering::SeqCst).then_some(Ok(None))
    }
}

/// The appointment that the engine had just made was not visible in the host's replica yet. A person was told that it was gone, its
/// recorded write was settled, and a cancellation at Cal.com that came meanwhile was taken for agreed: the appointment stayed alive.
#[tokio::test]
async fn an_appointment_that_is_not_visible_yet_is_not_gone() {
    let world = World::new().await;
    let host = Arc::new(HookedHost {
        table: world.store.clone(),
        hooks: Replica::default(),
    });
    let tenant = Tenant::new(world.tenant.clone(), Arc::new(client(&world.fake)))
        .with_webhook_secret(SECRET)
        .with_event_type(world.fake.event_type_id());
    let tenants = Arc::new(StaticTenants::new([tenant]));
    let books = Arc::new(world.store.clone());
    let engine = Engine::builder(books, host.clone(), tenants)
        .config(config())
        .clock(world.clock.shared());
    let engine = Arc::new(engine.build());
    let booking = world.book(at(0)).await;
    world.webhooks_arrive().await;
    engine.step().await.unwrap().unwrap();
    host.hooks.is_behind.store(true, Ordering::SeqCst);
    world.drain_with(&engine).await;
    world
        .fake
        .cancel_booking(&booking.uid, "ill")
        .await
        .unwrap();
    for _ in 0..5 {
        world.clock.advance(Duration::from_secs(1));
        world.drain_with(&engine).await;
    }
    assert_eq!(world.review_reasons().await, []);
    host.hooks.is_behind.store(false, Ordering::SeqCst);
    for _ in 0..40 {
        world.clock.advance(Duration::from_secs(1));
        world.drain_with(&engine).await;
    }
    let appointment = world.store.appointments(&world.tenant).remove(0);
    assert_eq!(appointment.state.status, AppointmentStatus::Cancelled);
    assert_eq!(world.review_reasons().await, []);
}

/// A series was cancelled at Cal.com, which is told of its first booking only, and the host had changed that one: it went to review,
/// nobody looked at the others, and their appointments stayed alive.
#[tokio::test]
async fn a_series_ends_although_its_first_booking_is_in_review() {
    let world = World::new().await;
    let series = NewBooking::new(world.types.weekly, at(0), NewAttendee::from(&ann()));
    let first = world.fake.book(series).await.unwrap();
    world.settle().await;
    let appointments = world.store.appointments(&world.tenant);
    assert_eq!(appointments.len(), 4);
    let of_first = appointments
        .iter()
        .find(|a| a.state.start == at(0))
        .unwrap();
    let series = first.recurring_booking_uid.unwrap();
    world
        .fake
        .cancel_booking(&series.as_str().into(), "ill")
        .await
        .unwrap();
    world
        .change(&of_first.id, Origin::Admin, move_to(at(3)))
        .await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::Conflict]);
    for appointment in world.store.appointments(&world.tenant) {
        let lives = appointment.state.status.is_live();
        assert_eq!(lives, appointment.id == of_first.id, "{appointment:?}");
    }
}
