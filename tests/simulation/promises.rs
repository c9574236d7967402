//! What has to hold after every history, whatever happened in it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use calcom::model::{Booking, BookingUid};
use calcom::store::{
    Appointment, ChainKey, ChangeFate, Link, LinkKey, LogEvent, Origin, Page, ReviewItem,
    ReviewReason,
};
use calcom::sync::{SYNC_KEY_METADATA, Standing};
use calcom::testing::{RequestOutcome, WebhookBody};
use secrecy::ExposeSecret;

use crate::history::History;
use crate::world::{Customer, World};

/// One tenant's side of the world after a history.
pub(crate) struct Stand<'a> {
    world: &'a World,
    customer: &'a Customer,
    /// The appointments, each with its link if it has one.
    pairs: Vec<(Appointment, Option<Link>)>,
    live: Vec<Booking>,
    open: Vec<ReviewItem>,
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

    async fn link_of(&self, uid: &BookingUid) -> Option<Link> {
        let key = LinkKey::Booking(uid.clone());
        let store = self.world.store();
        store.find(&self.customer.id, &key).await.unwrap()
    }

    fn is_in_review(&self, link: &Link) -> bool {
        self.open.iter().any(|item| item.link == Some(link.id))
    }

    fn has_two_live_bookings(&self, uid: &BookingUid) -> bool {
        let of_two = |item: &&ReviewItem| item.reason == ReviewReason::TwoLiveBookings;
        let mut items = self.open.iter().filter(of_two);
        items.any(|item| item.evidence.bookings.contains(uid))
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

    /// 2: one live booking an appointment, one appointment a chain.
    pub(crate) async fn nothing_is_doubled(&self) {
        let mut of_appointment: BTreeMap<String, Vec<BookingUid>> = BTreeMap::new();
        let mut of_key: BTreeMap<String, Vec<BookingUid>> = BTreeMap::new();
        for booking in &self.live {
            if let Some(key) = booking.metadata_str(SYNC_KEY_METADATA) {
                let uids = of_key.entry(key.to_owned()).or_default();
                uids.push(booking.uid.clone());
            }
            let link = self.link_of(&booking.uid).await;
            if let Some(id) = link.and_then(|link| link.appointment) {
                let uids = of_appointment.entry(id.to_string()).or_default();
                uids.push(booking.uid.clone());
            }
        }
        for (what, uids) in of_key.into_iter().chain(of_appointment) {
            let reported = uids.iter().all(|uid| self.has_two_live_bookings(uid));
            assert!(uids.len() < 2 || reported, "{what} has {uids:?}");
        }
        let mut owners: BTreeMap<ChainKey, BTreeSet<String>> = BTreeMap::new();
        for (appointment, link) in &self.pairs {
            let of_link = link.as_ref().and_then(|link| link.chain.clone());
            for chain in appointment.chain.clone().into_iter().chain(of_link) {
                let ids = owners.entry(chain).or_default();
                ids.insert(appointment.id.to_string());
            }
        }
        for (chain, ids) in owners {
            assert!(ids.len() < 2, "{chain} has the appointments {ids:?}");
        }
    }

    /// 4: both sides agree, or a person is asked.
    pub(crate) async fn both_sides_agree(&self) {
        for (appointment, link) in &self.pairs {
            let link = link.as_ref().expect("a recorded appointment has a link");
            if self.is_in_review(link) {
                continue;
            }
            let standing = Standing::of(link).unwrap();
            assert!(!standing.awaits_outcome(), "{standing:?} is unfinished");
            let state = &appointment.state;
            let Some(uid) = &link.booking else {
                // A new appointment that claims to be Cal.com's is left alone: nothing of Cal.com's origin is pushed.
                let is_left = !state.status.is_live() || appointment.origin == Origin::Calcom;
                assert!(is_left, "{appointment:?} has no booking");
                continue;
            };
            let booking = self.world.fake.booking(uid).expect("a known booking");
            let agrees = booking.is_live() == state.status.is_live()
                && (!booking.is_live() || (booking.start, booking.end) == (state.start, state.end));
            assert!(agrees, "{appointment:?}\n{booking:?}\n{link:?}");
            let base = standing.base.as_ref().expect("a pair has a base");
            assert!(base.local.agrees_with(state), "{appointment:?}\n{link:?}");
        }
        for booking in &self.live {
            let link = self.link_of(&booking.uid).await;
            let link = link.unwrap_or_else(|| panic!("nobody knows {booking:?}"));
            let is_paired =
                link.appointment.is_some() && link.booking.as_ref() == Some(&booking.uid);
            assert!(
                is_paired || self.is_in_review(&link),
                "{booking:?} has no appointment: {link:?}"
            );
        }
    }

    /// Where only the host makes changes nothing contradicts them, whatever was repeated, lost or cut off. Where bookings
    /// wait for a confirmation, Cal.com makes a change of its own; and a creation that lands after the host gave it up is
    /// known by nothing but its key.
    pub(crate) fn nobody_is_asked_in_vain(&self) {
        if self.customer.confirms {
            return;
        }
        let impossible = [
            ReviewReason::Conflict,
            ReviewReason::RemoteEnded,
            ReviewReason::AppointmentMissing,
            ReviewReason::LinkLost,
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
        let types = |pairs: &[(Appointment, Option<Link>)]| -> BTreeSet<_> {
            let states = pairs.iter().map(|(appointment, _)| &appointment.state);
            states.map(|state| state.event_type).collect()
        };
        let foreign = other.customer.event_type;
        assert!(!types(&self.pairs).contains(&foreign), "an appointment");
        for (_, link) in &self.pairs {
            let uid = link.as_ref().and_then(|link| link.booking.clone());
            let booking = uid.and_then(|uid| self.world.fake.booking(&uid));
            let is_foreign = booking.is_some_and(|b| b.event_type_id() == Some(foreign));
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
            self.world.engine, self.open, self.pairs
        );
        let (secret, key) = (self.customer.secret, self.customer.key.expose_secret());
        for word in ["@example.com", "Attendee", "Ann", secret, key] {
            assert!(!printed.contains(word), "{word} is in {printed}");
        }
    }

    /// All that a write would change.
    fn fingerprint(&self) -> String {
        let appointments: Vec<&Appointment> = self.pairs.iter().map(|(a, _)| a).collect();
        let bookings = self.live.iter().map(|b| (&b.uid, b.start, &b.status));
        format!("{appointments:?} {:?}", bookings.collect::<Vec<_>>())
    }
}

impl History {
    pub(crate) async fn keeps_its_promises(&mut self) {
        let world = &self.world;
        let [salon, studio] = world.customers.each_ref();
        let (salon, studio) = (
            Stand::of(world, salon).await,
            Stand::of(world, studio).await,
        );
        for stand in [&salon, &studio] {
            self.chronicle.note(format!(
                "checking {}: {:?}; live: {:?}; open: {:?}; asked: {:?}",
                stand.customer.id,
                stand.pairs,
                stand.live,
                stand.open,
                world.fake.writes()
            ));
            stand.nothing_is_lost().await;
            stand.nothing_is_doubled().await;
            stand.both_sides_agree().await;
            stand.tells_no_secret().await;
            if self.host_only {
                stand.nobody_is_asked_in_vain();
            }
        }
        salon.is_apart_from(&studio);
        studio.is_apart_from(&salon);
        let collisions = world.exchange.collisions.lock().unwrap();
        assert!(
            collisions.is_empty(),
            "written twice at once: {collisions:?}"
        );
    }

    fn applied_writes(&self) -> usize {
        let writes = self.world.fake.writes();
        let applied = writes.iter().filter(|write| {
            write.applied && matches!(write.outcome, RequestOutcome::Answered(200..=299))
        });
        applied.count()
    }

    async fn fingerprints(&self) -> [String; 2] {
        let [salon, studio] = self.world.customers.each_ref();
        let (salon, studio) = (
            Stand::of(&self.world, salon).await,
            Stand::of(&self.world, studio).await,
        );
        [salon.fingerprint(), studio.fingerprint()]
    }

    /// 3 and 6: after quiet nothing moves any more, by itself or because a webhook comes late or twice.
    pub(crate) async fn stays_at_rest(&mut self) {
        let (before, writes) = (self.fingerprints().await, self.applied_writes());
        let sent = self.world.fake.writes().len();
        for _ in 0..5 {
            self.world.advance(Duration::from_secs(600)).await;
            self.rest().await;
        }
        assert_eq!(self.world.fake.writes().len(), sent, "a loop");
        assert_eq!(
            self.fingerprints().await,
            before,
            "something moves by itself"
        );

        // What lies in review is dirty, and a webhook may be what it waits for.
        let [salon, studio] = self.world.customers.each_ref();
        let is_clean = self.world.reviews(salon).await.is_empty()
            && self.world.reviews(studio).await.is_empty();
        self.world.post.all_again().await;
        self.rest().await;
        if is_clean {
            self.late_deliveries().await;
            assert_eq!(
                self.world.fake.writes().len(),
                sent,
                "webhooks cause writes"
            );
        }
        assert_eq!(self.applied_writes(), writes, "webhooks cause writes");
        assert_eq!(
            self.fingerprints().await,
            before,
            "a late webhook moves something"
        );
    }

    /// For each booking there ever was one that says that it was just made, and one that it ended.
    async fn late_deliveries(&self) {
        for customer in &self.world.customers {
            for booking in self.world.fake.bookings() {
                if booking.event_type_id() != Some(customer.event_type) {
                    continue;
                }
                let (uid, start) = (booking.uid, booking.start);
                let late = [
                    WebhookBody::created(uid.clone(), start).with_reason("late"),
                    WebhookBody::cancelled(uid, start).with_reason("late"),
                ];
                for body in late {
                    let bytes = body.to_bytes();
                    let post = &self.world.post;
                    post.forge(&customer.id, customer.secret, &bytes).await;
                }
            }
        }
        self.rest().await;
    }

    /// 5: whatever one tenant is told of the other's bookings, nothing of the other's changes.
    pub(crate) async fn keeps_tenants_apart(&mut self) {
        let [salon, studio] = self.world.customers.each_ref();
        let before = self.fingerprints().await;
        let victim = Stand::of(&self.world, studio).await;
        let own = self.world.live_bookings(salon);
        for foreign in &victim.live {
            let mut bodies = vec![WebhookBody::cancelled(foreign.uid.clone(), foreign.start)];
            if let Some(own) = own.first() {
                let (uid, from) = (foreign.uid.clone(), own.uid.clone());
                let moved = WebhookBody::rescheduled(uid, foreign.start, from, own.start);
                bodies.push(moved);
            }
            for body in bodies {
                let bytes = body.with_reason("theirs").to_bytes();
                let post = &self.world.post;
                post.forge(&salon.id, salon.secret, &bytes).await;
            }
        }
        self.rest().await;
        assert_eq!(self.fingerprints().await[1], before[1], "a tenant's own");
        let after = Stand::of(&self.world, studio).await;
        assert_eq!(after.open, victim.open, "a tenant's reviews");
        let links = |stand: &Stand<'_>| format!("{:?}", stand.pairs);
        assert_eq!(links(&after), links(&victim), "a tenant's links");
    }
}
