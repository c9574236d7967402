//! The bookkeeping is lost: nothing is booked a second time.

use std::sync::Arc;

use crate::harness::{SECRET, World, at, client, config, move_to};
use calcom::store::{
    AppointmentRepository, Change, InMemoryStore, LinkKey, Links, LogEvent, Origin, Outbox, Page,
    Reviews, Revision, Store, SyncLog,
};
use calcom::sync::{Engine, StaticTenants, Tenant};
use calcom::testing::SeededEntropy;

/// New, empty books beside the host's old appointments.
fn with_new_books(world: &World, books: &InMemoryStore) -> Arc<Engine> {
    let tenant = Tenant::new(world.tenant.clone(), Arc::new(client(&world.fake)))
        .with_webhook_secret(SECRET)
        .with_event_type(world.fake.event_type_id())
        .with_event_type(world.types.confirm)
        .with_host(world.fake.host_id());
    let books: Arc<dyn Store> = Arc::new(books.clone());
    let host: Arc<dyn AppointmentRepository> = Arc::new(world.store.clone());
    let engine = Engine::builder(books, host, Arc::new(StaticTenants::new([tenant])))
        .config(config())
        .clock(world.clock.shared())
        .entropy(Arc::new(SeededEntropy::new(9)));
    Arc::new(engine.build())
}

async fn record(world: &World, books: &InMemoryStore, revision: Revision) {
    let id = "a".into();
    let at = world.appointment(&id).await.updated_at;
    let change = Change::new(world.tenant.clone(), id, revision, Origin::Admin, at);
    books.record(&change).await.unwrap();
}

#[tokio::test]
async fn a_booking_that_was_made_before_the_books_were_lost_is_found() {
    for moved_since in [false, true] {
        let world = World::new().await;
        // On this type Cal.com would take a second request at another time without a word.
        let mut state = world.state(at(0));
        state.event_type = world.types.confirm;
        let made = world.make_as("a", state, Origin::Phone);
        world.settle().await;
        let uid = world.booking_of(&made.id).await;
        assert_eq!(world.writes(), 1);
        world.clock.advance(std::time::Duration::from_secs(60));

        let books = InMemoryStore::with_clock(world.clock.shared());
        let engine = with_new_books(&world, &books);
        if moved_since {
            // Farther than any window around the start.
            world.change(&made.id, Origin::Admin, move_to(at(80))).await;
        }
        let revision = world.appointment(&made.id).await.revision;
        record(&world, &books, revision).await;
        world.drain_with(&engine).await;
        assert_eq!(world.writes(), 1, "nothing was booked twice");
        assert_eq!(world.fake.live_bookings().len(), 1);
        let key = LinkKey::Appointment(made.id.clone());
        let link = books.find(&world.tenant, &key).await.unwrap().unwrap();
        assert_eq!(link.booking, Some(uid));
        let open = books.open_reviews(&world.tenant, Page::first(9));
        // Which of two times holds, nobody can know without the books.
        assert_eq!(open.await.unwrap().len(), usize::from(moved_since));
    }
}

/// An appointment that is as young as the books needs no look before its first booking.
#[tokio::test]
async fn a_new_appointment_is_not_looked_for() {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let list = calcom::testing::Operation::ListBookings;
    let requests = world.fake.requests();
    assert!(requests.iter().all(|request| request.operation != list));
    let log = world.store.log(&world.tenant, Page::first(100)).await;
    let created = |event: &LogEvent| matches!(event, LogEvent::BookingCreated { .. });
    assert!(log.unwrap().iter().any(|entry| created(&entry.event)));
}
