//! A week at a salon: three members of staff, five services, a course with seats and a weekly
//! appointment, told from both sides.

use std::sync::Arc;
use std::time::Duration;

use calcom::model::{EventTypeId, NewAttendee, NewBooking, RescheduleParams, UserId};
use calcom::store::{
    Appointment, AppointmentId, AppointmentState, AppointmentStatus, Guests, Origin, Person,
};
use calcom::sync::Engine;
use calcom::testing::{FakeAccount, FakeEventType};
use chrono::{DateTime, TimeDelta, Utc};

use crate::harness::{World, at, cancel, client, hosted};

/// Hanna's salon. Hanna, Ben and Cleo cut hair, each on an event type of their own; Hanna also does
/// colour, consultations and massages, and teaches a course.
struct Salon {
    world: World,
    engine: Arc<Engine>,
    ben: UserId,
    cut_with_ben: EventTypeId,
    cut_with_cleo: EventTypeId,
}

impl Salon {
    async fn opens() -> Self {
        let world = World::on(hosted(), |tenant| tenant).await;
        let fake = &world.fake;
        let colleague = |name: &str| {
            let user = fake.add_user(FakeAccount::new(name));
            let cut = FakeEventType::new(format!("cut-with-{name}"), 30).with_owner(user.id);
            (user.id, fake.add_event_type(cut))
        };
        let hanna = (fake.host_id(), fake.event_type_id());
        let (ben, cleo) = (colleague("ben"), colleague("cleo"));
        let engine = world.engine_with(|tenant| {
            let tenant = tenant.with_staff([hanna, ben, cleo]);
            tenant.with_phone_only_domain("phone.salon.example")
        });
        Self {
            world,
            engine,
            ben: ben.0,
            cut_with_ben: ben.1,
            cut_with_cleo: cleo.1,
        }
    }

    /// Everybody works, and all webhooks arrive, until nothing is left to do.
    async fn time_passes(&self) {
        for seconds in [0, 1, 1, 5, 5, 30, 150] {
            self.world.clock.advance(Duration::from_secs(seconds));
            self.world.drain_with(&self.engine).await;
        }
        assert_eq!(self.world.review_reasons().await, []);
    }

    /// Nothing is left to do, and the calendars do not keep each other busy.
    async fn all_is_quiet(&self) {
        self.time_passes().await;
        let writes = self.world.writes();
        self.time_passes().await;
        assert_eq!(self.world.writes(), writes);
    }

    /// The receptionist enters an appointment.
    fn enters(
        &self,
        id: &str,
        who: Person,
        service: EventTypeId,
        start: DateTime<Utc>,
        minutes: i64,
    ) -> AppointmentId {
        let state = AppointmentState::new(
            AppointmentStatus::Confirmed,
            start,
            start + TimeDelta::minutes(minutes),
            service,
            who,
        );
        self.world.make_as(id, state, Origin::Phone).id
    }

    /// The receptionist changes an appointment.
    async fn changes(&self, id: &AppointmentId, edit: impl FnOnce(&mut AppointmentState)) {
        self.world.change(id, Origin::Admin, edit).await;
        self.time_passes().await;
    }

    async fn booking(&self, id: &AppointmentId) -> calcom::model::Booking {
        let uid = self.world.booking_of(id).await;
        let whole = uid.seat().map_or(uid, |(whole, _)| whole);
        self.world.fake.booking(&whole).expect("a booking")
    }

    /// Who sits in the course at a time, by Cal.com.
    fn course_at(&self, start: DateTime<Utc>) -> Vec<String> {
        let live = self.world.fake.live_bookings().into_iter();
        let course =
            live.filter(|b| b.start == start && b.event_type_id() == Some(self.world.types.course));
        let mut names: Vec<String> = course.flat_map(|b| b.attendees).map(|a| a.name).collect();
        names.sort();
        names
    }

    fn appointments_of(&self, name: &str) -> Vec<Appointment> {
        let all = self
            .world
            .store
            .appointments(&self.world.tenant)
            .into_iter();
        let mut theirs: Vec<_> = all.filter(|a| a.state.attendee.name == name).collect();
        theirs.sort_by_key(|appointment| appointment.state.start);
        theirs
    }
}

fn person(name: &str) -> Person {
    let email = format!("{}@example.com", name.to_lowercase());
    Person::new(name, email, "Europe/Berlin")
}

fn to(start: DateTime<Utc>) -> impl FnOnce(&mut AppointmentState) {
    move |state| {
        let length = state.end - state.start;
        state.start = start;
        state.end = start + length;
    }
}

#[tokio::test]
async fn a_week_at_the_salon() {
    let salon = Salon::opens().await;
    let world = &salon.world;
    let cut = world.fake.event_type_id();
    let (colour, course) = (world.types.lengths, world.types.course);

    // Monday. Ann calls for a haircut with Hanna, and Phil, who has no e-mail address, for a colour.
    let ann = salon.enters("ann", person("Ann"), cut, at(0), 30);
    let phil = Person::by_phone("Phil", "+4915112345678", "Europe/Berlin");
    let phil = salon.enters("phil", phil, colour, at(1), 60);
    salon.time_passes().await;
    assert_eq!(
        salon.booking(&ann).await.hosts[0].id,
        Some(world.fake.host_id())
    );
    let there = salon.booking(&phil).await;
    assert_eq!((there.end - there.start).num_minutes(), 60);
    assert_eq!(world.appointment(&phil).await.state.attendee.email, None);

    // Hanna is ill in the morning: Ben takes over.
    salon
        .changes(&ann, |state| state.host = Some(salon.ben))
        .await;
    let there = salon.booking(&ann).await;
    assert_eq!(there.event_type_id(), Some(salon.cut_with_ben));
    assert_eq!(there.hosts[0].id, Some(salon.ben));

    // Phil wants highlights as well, which takes half an hour more.
    salon
        .changes(&phil, |state| {
            state.end = state.start + TimeDelta::minutes(90);
        })
        .await;
    let there = salon.booking(&phil).await;
    assert_eq!((there.end - there.start).num_minutes(), 90);

    // Dora books on the salon's page, and then wants a colour instead of a cut.
    let dora = NewBooking::new(cut, at(3), NewAttendee::from(&person("Dora")));
    world.fake.book(dora).await.unwrap();
    salon.time_passes().await;
    let dora = salon.appointments_of("Dora").remove(0).id;
    salon
        .changes(&dora, |state| state.event_type = colour)
        .await;
    assert_eq!(salon.booking(&dora).await.event_type_id(), Some(colour));

    // She brings a friend.
    salon
        .changes(&dora, |state| {
            state.guests = Some(["eve@example.com"].iter().collect());
        })
        .await;
    assert_eq!(salon.booking(&dora).await.guests, ["eve@example.com"]);

    // Tuesday. The course fills up: two by phone, one on the page.
    let day = 24;
    let sam = salon.enters("sam", person("Sam"), course, at(day), 60);
    salon.time_passes().await;
    let tess = salon.enters("tess", person("Tess"), course, at(day), 60);
    salon.time_passes().await;
    let uma = NewBooking::new(course, at(day), NewAttendee::from(&person("Uma")));
    world.fake.book(uma).await.unwrap();
    salon.time_passes().await;
    assert_eq!(salon.course_at(at(day)), ["Sam", "Tess", "Uma"]);
    let uma = salon.appointments_of("Uma").remove(0).id;

    // Tess gives her seat up at the reception, and the course moves to the afternoon.
    salon.changes(&tess, cancel).await;
    assert_eq!(salon.course_at(at(day)), ["Sam", "Uma"]);
    for id in [&sam, &uma] {
        salon.changes(id, to(at(day + 5))).await;
    }
    assert_eq!(salon.course_at(at(day)), [""; 0]);
    assert_eq!(salon.course_at(at(day + 5)), ["Sam", "Uma"]);

    // Wednesday. Vera books four massages, one a week, on the page.
    let weekly = world.types.weekly;
    let vera = NewBooking::new(weekly, at(2 * day), NewAttendee::from(&person("Vera")));
    world.fake.book(vera).await.unwrap();
    salon.time_passes().await;
    let massages = salon.appointments_of("Vera");
    assert_eq!(massages.len(), 4);

    // She moves the second one on the page, and the salon the third one.
    let week = 7 * day;
    let second = world.booking_of(&massages[1].id).await;
    let start = at(2 * day + week + 2);
    let calendar = client(&world.fake);
    let by_vera = RescheduleParams::default();
    calendar
        .bookings()
        .reschedule(&second, start, &by_vera)
        .await
        .unwrap();
    salon.time_passes().await;
    salon
        .changes(&massages[2].id, to(at(2 * day + 2 * week + 4)))
        .await;
    let starts: Vec<_> = salon
        .appointments_of("Vera")
        .iter()
        .map(|a| a.state.start)
        .collect();
    let moved = [0, week + 2, 2 * week + 4, 3 * week].map(|hours| at(2 * day + hours));
    assert_eq!(starts, moved);

    // At the end of the week both calendars hold the same, and nothing was booked twice.
    salon.all_is_quiet().await;
    let mut live = world.fake.live_bookings();
    let course = live.iter().filter(|b| b.start == at(day + 5)).count();
    assert_eq!(course, 1, "one booking for the course");
    live.retain(|booking| booking.start != at(day + 5));
    let appointments = world.store.appointments(&world.tenant);
    let mut single: Vec<_> = appointments
        .iter()
        .filter(|a| a.state.status.is_live())
        .collect();
    single.retain(|appointment| appointment.state.start != at(day + 5));
    assert_eq!(live.len(), single.len());
    for appointment in single {
        let booking = salon.booking(&appointment.id).await;
        assert!(booking.is_live());
        assert_eq!(booking.start, appointment.state.start);
        assert_eq!(booking.end, appointment.state.end);
    }
    assert_ne!(salon.cut_with_ben, salon.cut_with_cleo);
    let guests = world.appointment(&dora).await.state.guests;
    assert_eq!(guests.map(|guests: Guests| guests.iter().count()), Some(1));
}
