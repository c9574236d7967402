//! The salon of the demo: what it offers, who comes, and when there is room.

use std::sync::{Mutex, MutexGuard, PoisonError};

use calcom::ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use calcom::model::{Booking, BookingUid, EventTypeId, PhoneNumber};
use calcom::store::{AppointmentId, AppointmentState, AppointmentStatus, Person};
use calcom::sync::{Branch, Places, StaffMember};
use calcom::testing::{FakeAccount, FakeCalcom, FakeCalcomBuilder, FakeEventType};
use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;

/// What the salon offers: slug, name, minutes.
const SERVICES: [(&str, &str, u32); 4] = [
    ("haircut", "Haircut", 30),
    ("beard-trim", "Beard trim", 30),
    ("colour-and-cut", "Colour and cut", 90),
    ("consultation", "Colour consultation", 30),
];

const FIRST_NAMES: [&str; 20] = [
    "Ann", "Ben", "Clara", "David", "Elif", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Katja",
    "Leo", "Mara", "Noah", "Olga", "Paul", "Rosa", "Samir", "Tilda", "Yusuf",
];
const LAST_NAMES: [&str; 12] = [
    "Adler", "Berg", "Costa", "Demir", "Engel", "Fischer", "Gross", "Haas", "Jung", "Keller",
    "Lang", "Novak",
];

/// The first and last hour in UTC at which something begins: within the salon's hours in summer and
/// in winter.
const HOURS: std::ops::Range<u32> = 7..16;
/// How many days ahead people book.
const DAYS: u32 = 10;
/// How often a time is guessed before the salon counts as full.
const GUESSES: usize = 200;

/// A service and its event type.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) name: &'static str,
    pub(super) event_type: EventTypeId,
    pub(super) length: TimeDelta,
}

/// The salon.
#[derive(Debug)]
pub(super) struct Salon {
    pub(super) fake: FakeCalcom,
    pub(super) services: Vec<Service>,
    chance: Mutex<Rng>,
    /// What somebody is to decide about, and nobody else touches: appointments, bookings, times.
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    appointments: Vec<AppointmentId>,
    bookings: Vec<BookingUid>,
    times: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

/// A fake with the salon's first member of staff and its first service.
pub(super) fn set_up(builder: FakeCalcomBuilder) -> FakeCalcomBuilder {
    let (slug, name, minutes) = SERVICES[0];
    builder
        .host(
            FakeAccount::new("hanna")
                .with_name("Hanna Weber")
                .with_hours(8..20),
        )
        .event_type(FakeEventType::new(slug, minutes).with_title(name))
}

/// The salon's two branches and its staff.
pub(super) fn places(event_types: &[i64], hosts: &[i64]) -> Places {
    let branch = |id: &str, name: &str, number: &str, hours: &str, event_types: &[i64]| {
        let mut branch = Branch::new(id.into(), name, "Europe/Berlin".into());
        branch.phone_numbers = number.parse::<PhoneNumber>().into_iter().collect();
        branch.opening_hours = hours.parse().unwrap_or_default();
        branch.event_types = event_types.iter().map(|id| (*id).into()).collect();
        branch
    };
    let (cutting, colouring) = event_types.split_at(event_types.len().min(2));
    let mitte = "Mon-Fri 08:00-20:00, Sat-Sun 09:00-18:00";
    let mitte = branch("mitte", "Salon Mitte", "+4930123456", mitte, cutting)
        .with_address("Linienstr. 1, 10178 Berlin");
    let west = "Mon-Sat 08:00-20:00, Sun 09:00-18:00";
    let west = branch("west", "Salon West", "+4930123457", west, colouring)
        .with_address("Kantstr. 100, 10627 Berlin");
    let mut hanna = StaffMember::new("hanna".into(), "Hanna Weber").with_branch("mitte".into());
    hanna.user = hosts.first().map(|id| (*id).into());
    let mut mia = StaffMember::new("mia".into(), "Mia Novak").with_branch("west".into());
    mia.event_types = colouring.iter().map(|id| (*id).into()).collect();
    Places::new([mitte, west], [hanna, mia])
}

impl Salon {
    /// Adds the rest to a fake that was [set up](set_up).
    pub(super) fn open(fake: FakeCalcom) -> Self {
        let mut services = Vec::new();
        for (index, (slug, name, minutes)) in SERVICES.into_iter().enumerate() {
            let event_type = match index {
                0 => fake.event_type_id(),
                _ => fake.add_event_type(FakeEventType::new(slug, minutes).with_title(name)),
            };
            services.push(Service {
                name,
                event_type,
                length: TimeDelta::minutes(minutes.into()),
            });
        }
        Self {
            fake,
            services,
            chance: Mutex::new(Rng::with_seed(SystemEntropy.next_u64())),
            kept: Mutex::default(),
        }
    }

    pub(super) fn chance(&self) -> MutexGuard<'_, Rng> {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn any_service(&self) -> &Service {
        let index = self.chance().usize(..self.services.len());
        &self.services[index]
    }

    pub(super) fn somebody(&self) -> Person {
        let mut chance = self.chance();
        let first = FIRST_NAMES[chance.usize(..FIRST_NAMES.len())];
        let last = LAST_NAMES[chance.usize(..LAST_NAMES.len())];
        let number = chance.u32(..1000);
        let email = format!("{first}.{last}.{number}@example.com").to_lowercase();
        Person::new(format!("{first} {last}"), email, "Europe/Berlin")
    }

    /// An appointment's state.
    pub(super) fn appointment(
        &self,
        service: &Service,
        start: DateTime<Utc>,
        person: Person,
    ) -> AppointmentState {
        let end = start + service.length;
        let status = AppointmentStatus::Confirmed;
        AppointmentState::new(status, start, end, service.event_type, person)
    }

    /// A time at which nobody else comes; `None` if none was found.
    pub(super) fn free_time(&self, length: TimeDelta) -> Option<DateTime<Utc>> {
        let live = self.upcoming();
        let kept = self.kept().times.clone();
        let taken = |start: DateTime<Utc>| {
            let end = start + length;
            let meets = |from: DateTime<Utc>, until: DateTime<Utc>| start < until && from < end;
            live.iter().any(|booking| meets(booking.start, booking.end))
                || kept.iter().any(|(from, until)| meets(*from, *until))
        };
        let today = SystemClock.now().date_naive();
        (0..GUESSES).find_map(|_| {
            let start = {
                let mut chance = self.chance();
                let day = today + TimeDelta::days(chance.u32(1..=DAYS).into());
                let minute = if chance.bool() { 30 } else { 0 };
                day.and_hms_opt(chance.u32(HOURS), minute, 0)?.and_utc()
            };
            (!taken(start)).then_some(start)
        })
    }

    /// All live bookings that are still to come.
    pub(super) fn upcoming(&self) -> Vec<Booking> {
        let now = SystemClock.now();
        let mut live = self.fake.live_bookings();
        live.retain(|booking| booking.start > now);
        live
    }

    /// One that may be moved or cancelled, if there is any.
    pub(super) fn any_booking(&self) -> Option<Booking> {
        let mut live = self.upcoming();
        let kept = self.kept().bookings.clone();
        live.retain(|booking| !kept.contains(&booking.uid));
        let index = (!live.is_empty()).then(|| self.chance().usize(..live.len()))?;
        Some(live.swap_remove(index))
    }

    /// Has an appointment and its booking left alone.
    pub(super) fn keep(&self, appointment: &AppointmentId, booking: Option<&BookingUid>) {
        let mut kept = self.kept();
        kept.appointments.push(appointment.clone());
        kept.bookings.extend(booking.cloned());
    }

    /// Keeps a time free.
    pub(super) fn keep_time(&self, start: DateTime<Utc>, length: TimeDelta) {
        self.kept().times.push((start, start + length));
    }

    /// Whether an appointment is to be left alone.
    pub(super) fn keeps(&self, appointment: &AppointmentId) -> bool {
        self.kept().appointments.contains(appointment)
    }
}
