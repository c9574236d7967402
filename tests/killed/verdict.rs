//! What holds after the last kill, once a process was left to work until nothing was due any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use calcom::model::{Booking, BookingStatus, BookingUid};
use calcom::server::{WebhookConfig, webhooks_with};
use calcom::store::{
    Appointment, AppointmentStatus, Link, LinkId, LinkKey, Page, Resolution, ReviewItem,
    ReviewReason, Store,
};
use calcom::sync::{Engine, Standing, SyncConfig, SyncEngine, Worker};
use calcom::testing::FakeCalcom;

use crate::books::Books;
use crate::cal_com::ChangedThere;
use crate::doorman::Doorman;
use crate::salon::{LaterClock, Salon, TENANT, mark_of, mark_of_appointment};

/// What a person may be asked in the end: two people wanted the same slot, or both sides of one appointment changed.
const MAY_BE_ASKED: [ReviewReason; 3] = [
    ReviewReason::SlotTaken,
    ReviewReason::Conflict,
    ReviewReason::RemoteEnded,
];

/// The marks of the appointments that were changed, at either side.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) here: BTreeSet<String>,
    there: BTreeSet<String>,
    /// The bookings that people at Cal.com have moved others to.
    moved_to: BTreeSet<BookingUid>,
}

impl Changed {
    pub(crate) fn there(&mut self, changed: ChangedThere) {
        if let Some((mark, moved_to)) = changed {
            self.there.insert(mark);
            self.moved_to.extend(moved_to);
        }
    }
}

/// How long the last process may take, on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);

/// What comes due within this time is worked on.
const RUN: Duration = Duration::from_secs(60 * 60);

pub(crate) async fn judge(
    fake: &FakeCalcom,
    salon: &Salon,
    clock: &LaterClock,
    doorman: &Doorman,
    changed: Changed,
) -> String {
    let books = salon.place.open(clock).await;
    let engine = salon.engine(&books, clock);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    doorman.lead_to(listener.local_addr().unwrap().port());
    let unlimited = WebhookConfig::default().with_requests_per_minute(None);
    let router = webhooks_with(engine.clone(), unlimited);
    let receiver = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let last = Last {
        fake,
        salon,
        clock,
        store: books.store(),
        books,
        engine,
        changed,
    };
    let verdict = tokio::time::timeout(LIMIT, last.judge()).await;
    receiver.abort();
    verdict.expect("the last process comes to no rest in time")
}

struct Last<'a> {
    fake: &'a FakeCalcom,
    salon: &'a Salon,
    clock: &'a LaterClock,
    books: Books,
    store: Arc<dyn Store>,
    engine: Arc<Engine>,
    changed: Changed,
}

impl Last<'_> {
    async fn judge(&self) -> String {
        self.rest().await;
        self.retry_what_only_failed().await;
        self.sweep().await;
        let stands = self.stand().await;
        let writes = self.fake.writes().len();
        for _ in 0..3 {
            self.sweep().await;
        }
        let after = self.fake.writes();
        assert_eq!(
            after.len(),
            writes,
            "the writing goes on: {:?}",
            &after[writes..]
        );
        assert_eq!(self.stand().await, stands, "something still moves");
        stands
    }

    /// Works until nothing is due.
    async fn rest(&self) {
        let mut left = RUN;
        loop {
            let done = Worker::new(self.engine.clone()).drain().await.unwrap();
            if !done.is_empty() {
                continue;
            }
            let due = self.store.next_due(u16::MAX).await.unwrap();
            let Some(due) = due.filter(|due| *due <= left) else {
                return;
            };
            let due = due.max(Duration::from_millis(1));
            left = left.saturating_sub(due);
            self.advance(due).await;
        }
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.books.pass(by).await;
    }

    /// Finds what no webhook has told, and what nobody has recorded.
    async fn sweep(&self) {
        self.advance(Duration::from_secs(3 * 60)).await;
        let swept = self.engine.sweep(&TENANT, Duration::ZERO);
        let swept = swept.await.unwrap().expect("nobody else sweeps");
        assert!(swept.is_complete(), "{swept:?}");
        self.rest().await;
    }

    /// A person lets be tried again what nobody has anything to decide about.
    async fn retry_what_only_failed(&self) {
        let failed = [ReviewReason::RetriesExhausted, ReviewReason::WorkFailed];
        for item in self.reviews().await {
            if failed.contains(&item.reason) {
                let tenant = &*TENANT;
                let resolved = self
                    .engine
                    .resolve(tenant, item.id, Resolution::Retry, "eve");
                resolved.await.unwrap();
            }
        }
        self.rest().await;
    }

    async fn reviews(&self) -> Vec<ReviewItem> {
        let open = self.engine.open_reviews(&TENANT, Page::first(10_000));
        open.await.unwrap()
    }

    async fn link(&self, key: LinkKey) -> Option<Link> {
        let found = self.store.find(&TENANT, &key);
        found.await.unwrap()
    }

    /// Checks how both sides stand; returns it in words.
    async fn stand(&self) -> String {
        let appointments = self.salon.appointments(&self.books).await;
        let live = self.fake.live_bookings();
        let reviews = self.reviews().await;
        if let Some((mark, what)) = self.double(&appointments, &live, &reviews) {
            panic!("{mark} has {what}{}", self.history_of(&mark).await);
        }
        self.everything_has_a_fate(&appointments).await;
        let mut asked: BTreeMap<LinkId, &ReviewItem> = BTreeMap::new();
        let mut reasons: BTreeMap<&str, u32> = BTreeMap::new();
        for item in &reviews {
            let is_excused =
                item.reason == ReviewReason::TwoLiveBookings && self.made_by_people(item);
            assert!(
                MAY_BE_ASKED.contains(&item.reason) || is_excused,
                "{item:?}"
            );
            asked.insert(item.link.expect("an item of one link"), item);
            *reasons.entry(item.reason.as_str()).or_default() += 1;
        }
        for booking in &live {
            let link = self.link(LinkKey::Booking(booking.uid.clone())).await;
            let link = link.unwrap_or_else(|| panic!("nobody knows {booking:?}"));
            let id = link.appointment.as_ref();
            let id = id.unwrap_or_else(|| panic!("no appointment for {booking:?}"));
            assert!(
                appointments.iter().any(|appointment| appointment.id == *id),
                "{id} is gone, and its booking lives: {booking:?}"
            );
            let is_named = asked
                .get(&link.id)
                .is_some_and(|item| self.made_by_people(item));
            assert!(
                link.booking.as_ref() == Some(&booking.uid) || is_named,
                "{id} has left a booking alive: {booking:?}"
            );
        }
        let (mut agreeing, mut retired) = (0, 0);
        for appointment in &appointments {
            let key = LinkKey::Appointment(appointment.id.clone());
            let link = self.link(key).await;
            let link = link.unwrap_or_else(|| panic!("nobody knows {appointment:?}"));
            let standing = Standing::of(&link).unwrap();
            assert!(!standing.awaits_outcome(), "{appointment:?} {standing:?}");
            assert!(standing.late.is_empty(), "{appointment:?}");
            for replaced in standing
                .retired
                .iter()
                .chain(standing.retiring.iter().map(|r| &r.booking))
            {
                let booking = self
                    .fake
                    .booking(replaced)
                    .expect("a booking that there was");
                assert!(
                    !booking.is_live(),
                    "a replaced booking lives: {booking:?} {standing:?}"
                );
                retired += 1;
            }
            let booking = live
                .iter()
                .find(|booking| Some(&booking.uid) == link.booking.as_ref());
            if let Some(item) = asked.get(&link.id) {
                if let Some(why_not) = self.is_asked_in_vain(appointment, item) {
                    let (mark, _) = mark_of_appointment(appointment);
                    panic!("{mark} {why_not}{}", self.history_of(mark).await);
                }
                continue;
            }
            if let Some(difference) = difference(appointment, booking) {
                panic!(
                    "{difference}, and nobody is asked: {appointment:?} {:?} {booking:?} {standing:?}",
                    appointment.state.attendee.email
                );
            }
            agreeing += 1;
        }
        assert!(
            agreeing * 2 >= appointments.len(),
            "only {agreeing} of {} agree: {reasons:?}",
            appointments.len()
        );
        format!(
            "{} appointments, {retired} replaced bookings, {} live ones, {agreeing} agree, in review: {reasons:?}",
            appointments.len(),
            live.len()
        )
    }

    /// Whether people at Cal.com have moved every live booking that an item is about. Where the engine was about to replace one
    /// of them, and somebody has moved its new booking as well, each is somebody's wish.
    ///
    /// One need not be moved: the new one, where somebody moved the old one at the very moment at which the engine cancelled it to
    /// make room. Cal.com did both, and the new one was booked before anybody could know.
    fn made_by_people(&self, item: &ReviewItem) -> bool {
        let named = item.evidence.bookings.iter();
        let live = named.filter_map(|uid| self.fake.booking(uid));
        let live = live.filter(Booking::is_live);
        let (moved, left): (Vec<_>, Vec<_>) =
            live.partition(|booking| self.changed.moved_to.contains(&booking.uid));
        let given = SyncConfig::default().rebooking_reason;
        let made_room = |moved: &Booking| {
            let from = moved.rescheduled_from_uid.as_ref();
            let from = from.and_then(|from| self.fake.booking(from));
            from.is_some_and(|from| from.cancellation_reason.as_ref() == Some(&given))
        };
        match left.as_slice() {
            [] => true,
            [_] => moved.iter().any(made_room),
            _ => false,
        }
    }

    /// What there is twice, told by who it is for, whatever the books say.
    fn double(
        &self,
        appointments: &[Appointment],
        live: &[Booking],
        reviews: &[ReviewItem],
    ) -> Option<(String, &'static str)> {
        let mut bookings: BTreeMap<&str, Vec<&BookingUid>> = BTreeMap::new();
        for booking in live {
            let (mark, _) = mark_of(&booking.attendees[0].email);
            bookings.entry(mark).or_default().push(&booking.uid);
        }
        for (mark, uids) in bookings.into_iter().filter(|(_, uids)| uids.len() > 1) {
            let is_told = reviews.iter().any(|item| {
                let named = &item.evidence.bookings;
                self.made_by_people(item) && uids.iter().all(|uid| named.contains(uid))
            });
            if !is_told {
                return Some((mark.to_owned(), "several live bookings"));
            }
        }
        let mut marks = BTreeSet::new();
        for appointment in appointments {
            let (mark, _) = mark_of_appointment(appointment);
            if !marks.insert(mark) {
                return Some((mark.to_owned(), "several appointments"));
            }
        }
        None
    }

    /// A person is asked about a conflict only if both sides have changed, and not because the engine met its own write. Without a
    /// base that cannot be known: the process died when it had made the appointment and not yet stored that, and the staff
    /// changed it before the next one looked.
    fn is_asked_in_vain(&self, appointment: &Appointment, item: &ReviewItem) -> Option<String> {
        let (mark, _) = mark_of_appointment(appointment);
        let (here, there) = (
            self.changed.here.contains(mark),
            self.changed.there.contains(mark),
        );
        let is_right = match item.reason {
            ReviewReason::Conflict if item.evidence.base_local.is_none() => {
                here && (there || appointment.chain.is_some())
            }
            ReviewReason::Conflict | ReviewReason::RemoteEnded => here && there,
            _ => true,
        };
        (!is_right).then(|| format!("was changed here: {here}, there: {there}, and yet: {item:?}"))
    }

    /// All that was written about somebody, at both sides, for whoever looks into a failure.
    async fn history_of(&self, mark: &str) -> String {
        let is_theirs = |booking: &Booking| mark_of(&booking.attendees[0].email).0 == mark;
        let mut lines = Vec::new();
        let mut uids = BTreeSet::new();
        for booking in self
            .fake
            .bookings()
            .iter()
            .filter(|booking| is_theirs(booking))
        {
            lines.push(format!(
                "{:?} booking {} {:?} {} from {:?} to {:?}, cancelled because {:?}, {:?}",
                booking.created_at,
                booking.uid,
                booking.status,
                booking.start,
                booking.rescheduled_from_uid,
                booking.rescheduled_to_uid,
                booking.cancellation_reason,
                booking.attendees[0].email
            ));
            uids.insert(booking.uid.clone());
        }
        for write in self.fake.writes() {
            let body = write
                .body
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            let is_about = write.booking_uid().is_some_and(|uid| uids.contains(&uid));
            if is_about || body.contains(&format!("{mark}.")) {
                lines.push(format!("{:?} {write:?} {body}", write.at));
            }
        }
        let log = self.store.log(&TENANT, Page::first(1_000_000));
        let log = log.await.unwrap();
        for appointment in self.salon.appointments(&self.books).await {
            if mark_of_appointment(&appointment).0 != mark {
                continue;
            }
            lines.push(format!("{appointment:?}"));
            let changes = self
                .store
                .changes(&TENANT, &appointment.id, Page::first(10_000));
            lines.extend(
                changes
                    .await
                    .unwrap()
                    .iter()
                    .map(|change| format!("{change:?}")),
            );
            let link = self.link(LinkKey::Appointment(appointment.id)).await;
            if let Some(link) = link {
                lines.push(format!("{:?}", Standing::of(&link)));
                let of_link = log.iter().filter(|entry| entry.link == Some(link.id));
                lines.extend(of_link.map(|entry| format!("{:?} {:?}", entry.at, entry.event)));
            }
        }
        format!(":\n{}", lines.join("\n"))
    }

    /// Every change and every webhook that was taken in has come to an end.
    async fn everything_has_a_fate(&self, appointments: &[Appointment]) {
        let tenant = &*TENANT;
        for appointment in appointments {
            let changes = self
                .store
                .changes(tenant, &appointment.id, Page::first(10_000));
            for (change, fate) in changes.await.unwrap() {
                assert!(fate.is_some(), "{change:?}");
            }
        }
        let deliveries = self.store.deliveries(tenant, Page::first(100_000));
        for (delivery, fate) in deliveries.await.unwrap() {
            assert!(fate.is_some(), "{delivery:?}");
        }
    }
}

/// In what an appointment and its live booking differ.
fn difference(appointment: &Appointment, booking: Option<&Booking>) -> Option<&'static str> {
    let state = &appointment.state;
    let Some(booking) = booking else {
        return state.status.is_live().then_some("there is no booking");
    };
    let status = match booking.status {
        BookingStatus::Pending => AppointmentStatus::Pending,
        _ => AppointmentStatus::Confirmed,
    };
    let email = booking
        .attendees
        .first()
        .map(|attendee| attendee.email.as_str());
    let same = [
        ("another status", status == state.status),
        ("another start", booking.start == state.start),
        ("another end", booking.end == state.end),
        (
            "another event type",
            booking.event_type_id() == Some(state.event_type),
        ),
        ("another attendee", email == state.attendee.email.as_deref()),
    ];
    same.into_iter()
        .find(|(_, same)| !same)
        .map(|(what, _)| what)
}
