//! What has to hold after every history, whatever happened in it.

use calcom::model::{Booking, BookingStatus, BookingUid, Trigger};
use calcom::store::{
    Appointment, AppointmentState, AppointmentStatus, ChangeFate, Link, LinkKey, LogEvent, Origin,
    Page, Person, Resolution, ReviewItem, ReviewReason,
};
use calcom::sync::{SYNC_KEY_METADATA, Standing};
use chrono::TimeDelta;
use secrecy::ExposeSecret;

use crate::history::{Chronicle, History};
use crate::host::{FAILS, PANICS};
use crate::plan::Actors;
use crate::tenants::Customer;
use crate::world::World;

/// One tenant's side of the world after a history.
pub(crate) struct Stand<'a> {
    pub(crate) world: &'a World,
    pub(crate) customer: &'a Customer,
    /// The appointments, each with its link if it has one.
    pub(crate) pairs: Vec<(Appointment, Option<Link>)>,
    pub(crate) live: Vec<Booking>,
    pub(crate) open: Vec<ReviewItem>,
}

impl<'a> Stand<'a> {
    pub(crate) async fn of(world: &'a World, customer: &'a Customer) -> Self {
        let store = world.store();
        let mut pairs = Vec::new();
        for appointment in world.appointments(customer).await {
            let key = LinkKey::Appointment(appointment.id.clone());
            let link = store.find(&customer.id, &key).await.unwrap();
            pairs.push((appointment, link));
        }
        Self {
            world,
            customer,
            pairs,
            live: world.live_bookings(customer),
            open: world.reviews(customer).await,
        }
    }

    pub(crate) async fn link_of(&self, uid: &BookingUid) -> Option<Link> {
        let key = LinkKey::Booking(uid.clone());
        let store = self.world.store();
        store.find(&self.customer.id, &key).await.unwrap()
    }

    fn is_in_review(&self, link: &Link) -> bool {
        self.open.iter().any(|item| item.link == Some(link.id))
    }

    /// Whether a person is told that Cal.com has answered a creation with this booking, which does not say whose it is.
    fn is_told_of_an_answer(&self, uid: &BookingUid) -> bool {
        let mut items = self.open.iter();
        items.any(|item| {
            item.reason == ReviewReason::AnotherBooking && item.evidence.bookings.contains(uid)
        })
    }

    /// Puts the log and the inbox into the chronicle.
    async fn tell(&self, chronicle: &Chronicle) {
        let store = self.world.store();
        let log = store.log(&self.customer.id, Page::first(100_000)).await;
        for entry in log.unwrap() {
            let at = entry.at.format("%T%.3f");
            chronicle.note(format!("log: {at} {:?} {:?}", entry.link, entry.event));
        }
        let inbox = store.deliveries(&self.customer.id, Page::first(100_000));
        for (delivery, fate) in inbox.await.unwrap() {
            let (trigger, booking) = (delivery.trigger, delivery.booking);
            let at = delivery.received_at.format("%T%.3f");
            chronicle.note(format!("inbox: {at} {trigger} {booking:?} {fate:?}"));
        }
    }

    /// 1: every change and every delivery has a fate, and what went to review is or was there.
    pub(crate) async fn nothing_is_lost(&self) {
        let store = self.world.store();
        let tenant = &self.customer.id;
        let log = store.log(tenant, Page::first(100_000)).await.unwrap();
        for (appointment, link) in &self.pairs {
            let id = &appointment.id;
            let changes = store
                .changes(tenant, id, Page::first(100_000))
                .await
                .unwrap();
            assert!(!changes.is_empty(), "{id} was never recorded");
            for (recorded, fate) in changes {
                let fate = fate.unwrap_or_else(|| panic!("{recorded:?} has no fate; {link:?}"));
                let in_review = log.iter().any(|entry| {
                    matches!(entry.event, LogEvent::SentToReview { .. })
                        && entry.appointment.as_ref() == Some(id)
                });
                assert!(
                    fate != ChangeFate::InReview || in_review,
                    "{recorded:?} was never in review"
                );
            }
        }
        for (delivery, fate) in store
            .deliveries(tenant, Page::first(100_000))
            .await
            .unwrap()
        {
            assert!(fate.is_some(), "{delivery:?} has no fate");
        }
    }

    /// 4: both sides agree, or a person is asked. Returns the pairs that do not because a webhook was lost for good, which is
    /// the known gap as long as nothing but webhooks tells of Cal.com's changes.
    pub(crate) async fn both_sides_agree(&self) -> usize {
        let mut gaps = 0;
        for (appointment, link) in &self.pairs {
            let link = link.as_ref().expect("a recorded appointment has a link");
            if self.is_in_review(link) || self.is_left_alone(appointment, link).await {
                continue;
            }
            let standing = Standing::of(link).unwrap();
            assert!(!standing.awaits_outcome(), "{standing:?} is unfinished");
            let state = &appointment.state;
            let Some(uid) = &link.booking else {
                // A new appointment that claims to be Cal.com's is left alone: nothing of Cal.com's origin is pushed.
                let is_left = !state.status.is_live() || appointment.origin == Origin::Calcom;
                // A person has said that it may be without one.
                let base = standing.base.as_ref();
                let is_accepted = base.is_some_and(|base| {
                    base.local.agrees_with(state) && !base.remote.status.is_live()
                });
                let is_left = is_left || (is_accepted && self.was_accepted(link).await);
                assert!(is_left, "{appointment:?} has no booking");
                continue;
            };
            let booking = self.world.fake.booking(uid).expect("a known booking");
            let is_untold = self.is_untold(&booking);
            let base = standing.base.as_ref().expect("a pair has a base");
            let remote = state_of(&booking, &base.remote);
            let is_accepted = self.was_accepted(link).await;
            let apart = state.differences(&remote);
            let mut apart_unaccepted = apart;
            // Cal.com cannot rename anybody, and a new booking is where its event type says.
            apart_unaccepted.name = false;
            apart_unaccepted.location = false;
            let agrees = base.local.agrees_with(state)
                && base.remote.agrees_with(&remote)
                && (apart_unaccepted.is_empty() || is_accepted);
            gaps += usize::from(!agrees && is_untold);
            assert!(
                agrees || is_untold,
                "{appointment:?}\n{booking:?}\n{link:?}\n{standing:?}\n{apart:?}"
            );
        }
        for booking in &self.live {
            let Some(link) = self.link_of(&booking.uid).await else {
                let is_untold = self.is_untold(booking);
                let is_told = self.is_told_of_an_answer(&booking.uid);
                assert!(is_told || is_untold, "nobody knows {booking:?}");
                gaps += usize::from(!is_told);
                continue;
            };
            let is_paired =
                link.appointment.is_some() && link.booking.as_ref() == Some(&booking.uid);
            if is_paired || self.is_in_review(&link) || self.was_dismissed(&link).await {
                continue;
            }
            let is_untold = self.is_untold(booking);
            gaps += usize::from(is_untold);
            assert!(is_untold, "{booking:?} has no appointment: {link:?}");
        }
        gaps
    }

    /// Whether a webhook of what people did to this chain was lost for good, and nobody has read the chain since.
    pub(crate) fn is_untold(&self, booking: &Booking) -> bool {
        let all = self.world.fake.bookings();
        let is_kin = |other: &Booking| {
            other.ics_uid == booking.ics_uid
                || (other.recurring_booking_uid.is_some()
                    && other.recurring_booking_uid == booking.recurring_booking_uid)
        };
        let kin: Vec<&Booking> = all.iter().filter(|other| is_kin(other)).collect();
        let ledger = &self.world.exchange.ledger;
        self.world.post.lost().iter().any(|(delivery, at)| {
            if !delivery.url.ends_with(self.customer.id.as_str()) {
                return false;
            }
            let Some(about) = kin.iter().find(|b| b.uid == delivery.booking_uid) else {
                return false;
            };
            let is_peoples = match delivery.trigger {
                Trigger::BookingCancelled => ledger.was_ended_by_people(&about.uid),
                Trigger::BookingRescheduled => ledger.was_moved_by_people(&about.uid),
                // The engine knows what it has made itself, even if nobody tells it.
                Trigger::BookingCreated | Trigger::BookingRequested => {
                    about.metadata_str(SYNC_KEY_METADATA).is_none()
                        || about.rescheduled_from_uid.is_some()
                        || delivery.trigger == Trigger::BookingCreated
                            && self.customer.types.confirms == about.event_type_id().unwrap()
                }
                _ => true,
            };
            // What is announced is carried out a moment later.
            let known = *at + TimeDelta::seconds(30);
            let tenant = &self.customer.id;
            // Of two successors of one booking, it points to one; the other is found by its own webhook only.
            let mut chain = kin.iter().filter(|b| leads_to(&kin, b, booking));
            let was_read = chain.any(|b| ledger.was_read_after(tenant, &b.uid, known));
            is_peoples && !was_read
        })
    }

    /// Whether nobody can work on an appointment: it is planted, or of an event type of somebody else's.
    async fn is_left_alone(&self, appointment: &Appointment, link: &Link) -> bool {
        let id = appointment.id.as_str();
        if [PANICS, FAILS].contains(&id) {
            assert_eq!(link.booking, None, "{id} was worked on");
            let reason = match id {
                PANICS => ReviewReason::WorkFailed,
                _ => ReviewReason::HostUnavailable,
            };
            let mut open = self.open.iter();
            assert!(
                open.any(|item| item.reason == reason),
                "{id}: {:?}",
                self.open
            );
            return true;
        }
        let is_foreign = !self.customer.owns(Some(appointment.state.event_type));
        is_foreign || self.was_dismissed(link).await
    }

    async fn events_of(&self, link: &Link) -> Vec<LogEvent> {
        let store = self.world.store();
        let log = store.log(&self.customer.id, Page::first(100_000)).await;
        let log = log.unwrap().into_iter();
        log.filter(|entry| entry.link == Some(link.id))
            .map(|entry| entry.event)
            .collect()
    }

    /// Whether a person has said that nothing is to be done about a case of it.
    async fn was_dismissed(&self, link: &Link) -> bool {
        let dismissed = |event: &LogEvent| matches!(event, LogEvent::ReviewResolved { resolution, .. } if *resolution == Resolution::Dismiss);
        self.events_of(link).await.iter().any(dismissed)
    }

    /// Whether a person has said that its two sides may differ.
    async fn was_accepted(&self, link: &Link) -> bool {
        let accepted = |event: &LogEvent| matches!(event, LogEvent::InstructionEnded { resolution, .. } if *resolution == Resolution::AcceptDifference);
        self.events_of(link).await.iter().any(accepted)
    }

    /// A delivery is settled as contradicted only if its booking had not ended by then.
    pub(crate) async fn contradicts_rightly(&self) {
        let store = self.world.store();
        let log = store.log(&self.customer.id, Page::first(100_000)).await;
        for entry in log.unwrap() {
            let LogEvent::Contradicted { booking, .. } = &entry.event else {
                continue;
            };
            let Some(booking) = self.world.fake.booking(booking) else {
                continue;
            };
            let had_ended = !booking.is_live() && booking.updated_at < Some(entry.at);
            assert!(!had_ended, "{entry:?} {booking:?}");
        }
    }

    /// 3: nothing is written to Cal.com because of what was changed there.
    pub(crate) async fn writes_only_what_the_host_wants(&self) {
        let wrongs = self.world.exchange.ledger.wrongs();
        assert!(wrongs.is_empty(), "{wrongs:#?}");
        let wrongs = self.world.exchange.past.wrongs();
        assert!(wrongs.is_empty(), "{wrongs:#?}");
        if self.world.plan.actors == Actors::CalCom {
            let writes = self.world.fake.writes();
            assert!(
                writes.is_empty(),
                "nobody at the host did anything: {writes:?}"
            );
        }
    }

    /// Where only the host makes changes nothing contradicts them, whatever was repeated, lost, late or cut off.
    pub(crate) fn nobody_is_asked_in_vain(&self) {
        let impossible = [
            ReviewReason::Conflict,
            ReviewReason::RemoteEnded,
            ReviewReason::AppointmentMissing,
            ReviewReason::LinkLost,
            ReviewReason::BookingMissing,
            ReviewReason::TwoLiveBookings,
            ReviewReason::RevisionMissing,
        ];
        for item in &self.open {
            let landed_late =
                item.reason == ReviewReason::Conflict && item.evidence.base_local.is_none();
            assert!(
                landed_late || !impossible.contains(&item.reason),
                "{item:?}"
            );
        }
    }

    /// 5: what one tenant is told names nothing of the other's.
    pub(crate) fn is_apart_from(&self, other: &Stand<'_>) {
        for (_, link) in &self.pairs {
            let uid = link.as_ref().and_then(|link| link.booking.clone());
            let booking = uid.and_then(|uid| self.world.fake.booking(&uid));
            let is_foreign = booking.is_some_and(|b| other.customer.owns(b.event_type_id()));
            assert!(!is_foreign, "{link:?}");
        }
    }

    /// 9: nothing secret or personal in what is printed.
    pub(crate) async fn tells_no_secret(&self) {
        let store = self.world.store();
        let tenant = &self.customer.id;
        let log = store.log(tenant, Page::first(100_000)).await.unwrap();
        let deliveries = store
            .deliveries(tenant, Page::first(100_000))
            .await
            .unwrap();
        let printed = format!(
            "{:?} {store:?} {:?} {log:?} {:?} {deliveries:?}",
            self.world.engine(),
            self.open,
            self.pairs
        );
        let (secret, key) = (self.customer.secret, self.customer.key.expose_secret());
        for word in ["@example.com", "Attendee", secret, key] {
            assert!(!printed.contains(word), "{word} is in {printed}");
        }
    }

    /// All that a write would change.
    pub(crate) fn fingerprint(&self) -> String {
        let appointments: Vec<&Appointment> = self.pairs.iter().map(|(a, _)| a).collect();
        let bookings = self.live.iter().map(|b| (&b.uid, b.start, &b.status));
        format!("{appointments:?} {:?}", bookings.collect::<Vec<_>>())
    }
}

/// A booking in the host's terms; who attends is not told of one that has ended.
fn state_of(booking: &Booking, known: &AppointmentState) -> AppointmentState {
    let status = match booking.status {
        BookingStatus::Accepted => AppointmentStatus::Confirmed,
        BookingStatus::Pending => AppointmentStatus::Pending,
        _ => AppointmentStatus::Cancelled,
    };
    let attendee = booking.attendees.first().map(Person::from);
    let state = AppointmentState::new(
        status,
        booking.start,
        booking.end,
        booking.event_type_id().unwrap(),
        attendee.unwrap_or(known.attendee.clone()),
    );
    let state = state.with_guests(&booking.guests);
    match &booking.location {
        Some(location) => state.with_location(location.as_str()),
        None => state,
    }
}

impl History {
    /// Returns how many pairs disagree because a webhook was lost for good.
    pub(crate) async fn keeps_its_promises(&mut self) -> usize {
        let world = &self.world;
        let [salon, studio] = world.customers.each_ref();
        let (salon, studio) = (
            Stand::of(world, salon).await,
            Stand::of(world, studio).await,
        );
        let mut gaps = 0;
        for stand in [&salon, &studio] {
            self.chronicle.note(format!(
                "checking {}: {:?}; live: {:?}; open: {:?}; asked: {:?}",
                stand.customer.id,
                stand.pairs,
                stand.live,
                stand.open,
                world.fake.writes()
            ));
            stand.tell(&self.chronicle).await;
            stand.writes_only_what_the_host_wants().await;
            stand.nothing_is_lost().await;
            stand.nothing_is_doubled().await;
            gaps += stand.both_sides_agree().await;
            stand.contradicts_rightly().await;
            stand.tells_no_secret().await;
            if world.plan.actors == Actors::Host {
                stand.nobody_is_asked_in_vain();
            }
        }
        salon.is_apart_from(&studio);
        studio.is_apart_from(&salon);
        gaps
    }
}

/// Whether following a chain from one of its bookings leads to another.
fn leads_to(chain: &[&Booking], from: &Booking, to: &Booking) -> bool {
    let mut at = from;
    for _ in 0..chain.len() {
        if at.uid == to.uid {
            return true;
        }
        let next = at.rescheduled_to_uid.as_ref();
        match next.and_then(|next| chain.iter().find(|b| b.uid == *next)) {
            Some(next) => at = next,
            None => return false,
        }
    }
    false
}
