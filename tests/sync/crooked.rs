//! A Cal.com that does not keep to what it was asked for, or takes its time: what comes back is checked once more.

use std::sync::Arc;
use std::time::Duration;

use crate::harness::{World, ann, at, cancel, client, config};
use async_trait::async_trait;
use calcom::client::Client;
use calcom::model::{Booking, BookingQuery, BookingUid, EventTypeId, NewAttendee, NewBooking};
use calcom::store::{
    AppointmentRepository, Change, InMemoryStore, LinkKey, Links, Origin, Outbox, Page,
    ReviewReason, Reviews, Revision, Store,
};
use calcom::sync::{
    BookingPage, Calendar, CalendarError, Engine, EventTypeFacts, SYNC_KEY_METADATA, Standing,
    StaticTenants, SyncEngine, Tenant, TurnOutcome, Write,
};
use calcom::testing::{FakeEventType, Fault, Operation, SeededEntropy, Then};
use chrono::{DateTime, Utc};
use tokio::sync::Notify;

/// Lists whatever there is, books on an event type of its own choice, and keeps what was read of one booking for a while.
#[derive(Debug)]
struct Crooked {
    client: Client,
    books_on: Option<EventTypeId>,
    keeps: Option<Arc<Kept>>,
    /// The answer to a creation names no key.
    is_silent: bool,
}

/// What was read of a booking does not arrive before it is let go.
#[derive(Debug)]
struct Kept {
    booking: BookingUid,
    is_read: Notify,
    go: Notify,
}

#[async_trait]
impl Calendar for Crooked {
    async fn booking(&self, uid: &BookingUid) -> Result<Option<Booking>, CalendarError> {
        let read = Calendar::booking(&self.client, uid).await;
        if let Some(kept) = self.keeps.as_ref().filter(|kept| kept.booking == *uid) {
            kept.is_read.notify_one();
            kept.go.notified().await;
        }
        read
    }

    async fn bookings(&self, _: &BookingQuery) -> Result<Vec<Booking>, CalendarError> {
        Calendar::bookings(&self.client, &BookingQuery::default()).await
    }

    async fn bookings_page(&self, _: &BookingQuery) -> Result<BookingPage, CalendarError> {
        self.client.bookings_page(&BookingQuery::default()).await
    }

    async fn write(&self, write: &Write) -> Result<Booking, CalendarError> {
        let mut write = write.clone();
        if let (Write::Create(booking), Some(event_type)) = (&mut write, self.books_on) {
            booking.event_type = event_type.into();
        }
        let mut answer = self.client.write(&write).await?;
        if self.is_silent && matches!(write, Write::Create(_)) {
            answer.metadata = None;
        }
        Ok(answer)
    }

    async fn free_slots(
        &self,
        event_type: EventTypeId,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, CalendarError> {
        self.client.free_slots(event_type, from, until).await
    }

    async fn event_type(&self, id: EventTypeId) -> Result<Option<EventTypeFacts>, CalendarError> {
        self.client.event_type(id).await
    }

    async fn account(&self) -> Result<(), CalendarError> {
        self.client.account().await
    }
}

fn engine_over(
    world: &World,
    books: &InMemoryStore,
    change: impl FnOnce(&mut Crooked),
) -> Arc<Engine> {
    let mut calendar = Crooked {
        client: client(&world.fake),
        books_on: None,
        keeps: None,
        is_silent: false,
    };
    change(&mut calendar);
    let tenant = Tenant::new(world.tenant.clone(), Arc::new(calendar))
        .with_event_type(world.fake.event_type_id())
        .with_host(world.fake.host_id());
    let books: Arc<dyn Store> = Arc::new(books.clone());
    let host: Arc<dyn AppointmentRepository> = Arc::new(world.store.clone());
    let engine = Engine::builder(books, host, Arc::new(StaticTenants::new([tenant])))
        .config(config())
        .clock(world.clock.shared())
        .entropy(Arc::new(SeededEntropy::new(3)));
    Arc::new(engine.build())
}

fn strangers_event_type(world: &World) -> EventTypeId {
    let other = world.fake.add_user("other");
    let theirs = FakeEventType::new("other-30", 30).with_owner(other.id);
    world.fake.add_event_type(theirs)
}

/// The answer to a creation does not say whose the booking is, its webhook is lost, and the host cancels: the booking is looked for
/// all the same, and ends with its appointment.
#[tokio::test]
async fn a_booking_whose_answer_named_no_key_is_not_left_behind() {
    let world = World::new().await;
    let lost = Fault::new(Operation::CreateBooking, Then::LoseWebhook);
    world.fake.inject(lost);
    let made = world.make("a", at(0), Origin::Phone);
    let engine = engine_over(&world, &world.store, |crooked| crooked.is_silent = true);
    world.drain_with(&engine).await;
    assert_eq!(world.review_reasons().await, [ReviewReason::AnotherBooking]);
    assert_eq!(world.fake.live_bookings().len(), 1);
    world.change(&made.id, Origin::Phone, cancel).await;
    world.settle().await;
    assert_eq!(world.fake.live_bookings(), []);
    assert_eq!(world.review_reasons().await, []);
}

/// A booking that carries the key of one of ours, on an event type that is not the tenant's, is not taken for it.
#[tokio::test]
async fn a_private_booking_with_our_key_is_not_found_again() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let own = world.booking_of(&made.id).await;
    let booking = world.fake.booking(&own).unwrap();
    let key = booking.metadata_str(SYNC_KEY_METADATA).unwrap().to_owned();
    // Only a private one of the same user is left, and the books are lost.
    world.fake.forget(&own);
    let private = world.fake.add_event_type(FakeEventType::new("coffee", 30));
    let private = NewBooking::new(private, at(5), NewAttendee::from(&ann()));
    let private = private.with_metadata(SYNC_KEY_METADATA, key);
    world.fake.book(private).await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    let books = InMemoryStore::with_clock(world.clock.shared());
    let engine = engine_over(&world, &books, |_| {});
    let change = Change::new(
        world.tenant.clone(),
        made.id.clone(),
        made.revision,
        Origin::Phone,
        made.updated_at,
    );
    books.record(&change).await.unwrap();
    world.drain_with(&engine).await;
    let link = LinkKey::Appointment(made.id.clone());
    let link = books.find(&world.tenant, &link).await.unwrap().unwrap();
    let booked = world.fake.booking(&link.booking.clone().unwrap()).unwrap();
    assert_eq!(booked.start, at(0));
    // It is the first booking as far as anybody can know.
    assert_eq!(Standing::of(&link).unwrap().generation, 1);
    let open = books.open_reviews(&world.tenant, Page::first(9));
    assert_eq!(open.await.unwrap(), []);
}

/// A booking that was made on another event type than was asked for is not kept in silence.
#[tokio::test]
async fn a_booking_that_was_made_elsewhere_is_reviewed() {
    let world = World::new().await;
    let elsewhere = strangers_event_type(&world);
    let engine = engine_over(&world, &world.store, |crooked| {
        crooked.books_on = Some(elsewhere);
    });
    world.make("a", at(0), Origin::Phone);
    world.drain_with(&engine).await;
    assert_eq!(world.fake.live_bookings().len(), 1);
    assert_eq!(world.review_reasons().await, [ReviewReason::ForeignBooking]);
}

/// A worker sleeps through its lease over what it has read of a move; meanwhile the move is taken back, and another worker finds
/// nothing to do. What it has read does not reach the host, whose appointment nobody has written since.
#[tokio::test]
async fn what_was_read_under_a_lost_lease_does_not_reach_the_host() {
    let world = World::new().await;
    let booking = world.book(at(0)).await;
    world.drain().await;
    let moved = world.fake.move_booking(&booking.uid, at(2)).await.unwrap();
    let kept = Arc::new(Kept {
        booking: moved.uid.clone(),
        is_read: Notify::new(),
        go: Notify::new(),
    });
    let slow = engine_over(&world, &world.store, |crooked| {
        crooked.keeps = Some(kept.clone());
    });
    world.webhooks_arrive().await;
    let sleeper = tokio::spawn(async move { slow.step().await });
    kept.is_read.notified().await;
    world.fake.move_booking(&moved.uid, at(0)).await.unwrap();
    world.clock.advance(Duration::from_secs(121));
    world.drain().await;
    kept.go.notify_one();
    let report = sleeper.await.unwrap().unwrap().unwrap();
    assert_eq!(report.outcome, TurnOutcome::LeaseLost);
    let appointment = world.store.appointments(&world.tenant).remove(0);
    assert_eq!(appointment.state.start, at(0));
    assert_eq!(appointment.revision, Revision::FIRST);
    world.assert_in_step().await;
}
