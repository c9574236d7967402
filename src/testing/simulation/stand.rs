//! How one tenant's side of the world stands after a history.

use chrono::{DateTime, Utc};

use super::STORE;
use super::history::Chronicle;
use super::ledger::known;
use super::tenants::Customer;
use super::trace::Promise;
use super::world::World;
use crate::model::{Booking, BookingUid};
use crate::store::{
    Appointment, Delivery, DeliveryFate, Link, LinkKey, LogEntry, Page, ReviewItem, ReviewReason,
};
use crate::sync::seats::seats_of;
use crate::testing;

/// One tenant's side of the world after a history, read once.
pub(super) struct Stand<'a> {
    pub(super) world: &'a World,
    pub(super) customer: &'a Customer,
    /// The appointments, each with its link if it has one.
    pub(super) pairs: Vec<(Appointment, Option<Link>)>,
    /// All bookings there ever were, of whomever; those with seats as a whole.
    pub(super) all: Vec<Booking>,
    /// The tenant's live bookings, and each seat as one.
    pub(super) live: Vec<Booking>,
    pub(super) open: Vec<ReviewItem>,
    pub(super) log: Vec<LogEntry>,
    pub(super) inbox: Vec<(Delivery, Option<DeliveryFate>)>,
    /// The webhooks that were lost for good, and when; none once a sweep has looked.
    pub(super) lost: Vec<(testing::Delivery, DateTime<Utc>)>,
    /// The bookings that people changed in a way of which no webhook tells, and when; none once a
    /// sweep has looked.
    pub(super) changed_untold: Vec<(BookingUid, DateTime<Utc>)>,
}

impl<'a> Stand<'a> {
    pub(super) async fn of(world: &'a World, customer: &'a Customer) -> Self {
        let (store, tenant) = (world.store(), &customer.id);
        let mut pairs = Vec::new();
        for appointment in world.appointments(customer).await {
            let key = LinkKey::Appointment(appointment.id.clone());
            let link = store.find(tenant, &key).await.expect(STORE);
            pairs.push((appointment, link));
        }
        let (log, inbox) = (
            store.log(tenant, Page::first(100_000)).await,
            store.deliveries(tenant, Page::first(100_000)).await,
        );
        let all = world.fake.bookings();
        let (lost, changed_untold) = if world.is_swept {
            (Vec::new(), Vec::new())
        } else {
            (
                world.post.lost(),
                world.exchange.ledger.all_changed_untold(),
            )
        };
        let live = all.iter().filter(|booking| booking.is_live());
        let live = live.filter(|booking| customer.owns(booking.event_type_id()));
        let live = live.cloned().flat_map(seats_of);
        Self {
            world,
            customer,
            pairs,
            live: live.collect(),
            all,
            open: world.reviews(customer).await,
            log: log.expect(STORE),
            inbox: inbox.expect(STORE),
            lost,
            changed_untold,
        }
    }

    /// One booking, or a seat as one.
    pub(super) fn booking(&self, uid: &BookingUid) -> Option<Booking> {
        known(&self.world.fake, uid)
    }

    /// Notes what is wrong unless the promise holds.
    pub(super) fn check(&self, promise: Promise, holds: bool, found: impl FnOnce() -> String) {
        self.world.findings.check(promise, holds, found);
    }

    pub(super) fn broke(&self, promise: Promise, found: String) {
        self.world.findings.broke(promise, found);
    }

    pub(super) async fn link_of(&self, uid: &BookingUid) -> Option<Link> {
        let key = LinkKey::Booking(uid.clone());
        let store = self.world.store();
        store.find(&self.customer.id, &key).await.expect(STORE)
    }

    pub(super) fn is_in_review(&self, link: &Link) -> bool {
        self.open.iter().any(|item| item.link == Some(link.id))
    }

    /// Whether a person is told that Cal.com has answered a creation with this booking, which does
    /// not say whose it is.
    pub(super) fn is_told_of_an_answer(&self, uid: &BookingUid) -> bool {
        let mut items = self.open.iter();
        items.any(|item| {
            item.reason == ReviewReason::AnotherBooking && item.evidence.bookings.contains(uid)
        })
    }

    /// Puts all there is into the chronicle.
    pub(super) fn tell(&self, chronicle: &Chronicle) {
        chronicle.note(format!(
            "checked {}: {:?}; live: {:?}; open: {:?}; asked: {:?}",
            self.customer.id,
            self.pairs,
            self.live,
            self.open,
            self.world.fake.writes()
        ));
        for entry in &self.log {
            let at = entry.at.format("%T%.3f");
            chronicle.note(format!("log: {at} {:?} {:?}", entry.link, entry.event));
        }
        for (delivery, fate) in &self.inbox {
            let (trigger, booking) = (&delivery.trigger, &delivery.booking);
            let at = delivery.received_at.format("%T%.3f");
            chronicle.note(format!("inbox: {at} {trigger} {booking:?} {fate:?}"));
        }
    }
}
