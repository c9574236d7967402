//! After quiet nothing moves any more: not by itself, not because a webhook comes late or twice,
//! not because of another tenant.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::Duration;

use super::STORE;
use super::history::History;
use super::stand::Stand;
use super::trace::Promise;
use crate::store::{Link, LinkId, LogEvent, Page, Resolution};
use crate::sync::Standing;
use crate::testing::{Operation, RequestOutcome, WebhookBody};

impl History {
    /// How many writes have changed something. A creation that is answered with a booking that
    /// there was already has not; a seat in one is found by the fingerprints.
    fn applied_writes(&self) -> usize {
        let writes = self.world.fake.writes();
        let applied = writes.iter().filter(|write| {
            write.operation != Operation::CreateBooking
                && write.applied
                && matches!(write.outcome, RequestOutcome::Answered(200..=299))
        });
        applied.count() + self.world.fake.bookings().len()
    }

    /// What can be seen of a history from outside.
    pub(super) async fn outcome(&self) -> String {
        let world = &self.world;
        let mut outcome = format!("{:?}", world.fake.writes());
        for customer in &world.customers {
            Stand::of(world, customer).await.count();
            let appointments = world.appointments(customer).await;
            outcome += &format!("{appointments:?}");
        }
        outcome + &format!("{:?}", world.fake.bookings())
    }

    async fn fingerprints(&self) -> [String; 2] {
        let [salon, studio] = self.world.customers.each_ref();
        let (salon, studio) = (
            Stand::of(&self.world, salon).await,
            Stand::of(&self.world, studio).await,
        );
        [salon.fingerprint(), studio.fingerprint()]
    }

    /// 3 and 6: after quiet nothing moves any more, by itself or because a webhook comes late or
    /// twice.
    pub(super) async fn stays_at_rest(&mut self) {
        self.what_lands_late_is_undone().await;
        let (before, writes) = (self.fingerprints().await, self.applied_writes());
        let sent = self.world.exchange.ledger.writers().len();
        for _ in 0..5 {
            self.world.advance(Duration::from_secs(600)).await;
            self.rest().await;
        }
        let writers = self.world.exchange.ledger.writers().len();
        self.is_same(Promise::NoLoops, &writers, &sent, "a loop");
        let now = self.fingerprints().await;
        self.is_same(Promise::NoLoops, &now, &before, "something moves by itself");

        // What lies in review is dirty, and a webhook may be what it waits for.
        let dirty = self.links_in_review().await;
        let writers = self.world.exchange.ledger.writers().len();
        self.world.post.all_again().await;
        self.rest().await;
        if dirty.is_empty() {
            self.late_deliveries().await;
            let writers = self.world.exchange.ledger.writers().len();
            self.is_same(Promise::NoLoops, &writers, &sent, "webhooks cause writes");
            let applied = self.applied_writes();
            self.is_same(Promise::NoLoops, &applied, &writes, "webhooks cause writes");
            let (promise, now) = (Promise::NoResurrection, self.fingerprints().await);
            self.is_same(promise, &now, &before, "a late webhook moves something");
            return;
        }
        let (mut dirty, mut known) = (dirty, writers);
        // One that is settled can make room for the next.
        for _ in 0..5 {
            let all = self.world.exchange.ledger.writers();
            for link in &all[known..] {
                let findings = &self.world.findings;
                findings.check(Promise::NoLoops, dirty.contains(link), || {
                    format!("a webhook causes a write of {link}")
                });
            }
            if all.len() == known {
                break;
            }
            (dirty, known) = (self.links_in_review().await, all.len());
            self.world.post.all_again().await;
            self.rest().await;
        }
        let (before, sent) = (self.fingerprints().await, self.applied_writes());
        self.world.post.all_again().await;
        self.rest().await;
        let applied = self.applied_writes();
        self.is_same(Promise::NoLoops, &applied, &sent, "webhooks cause writes");
        let (promise, now) = (Promise::NoResurrection, self.fingerprints().await);
        self.is_same(promise, &now, &before, "a webhook moves it again");
    }

    /// Notes what has changed that was to stay as it was.
    fn is_same<T: PartialEq + Debug>(&self, promise: Promise, now: &T, before: &T, what: &str) {
        let findings = &self.world.findings;
        findings.check(promise, now == before, || {
            format!("{what}: {before:?}, now {now:?}")
        });
    }

    /// What was sent before may still land, and is undone once it no longer can: by a link that
    /// waits for that, and by no other.
    async fn what_lands_late_is_undone(&self) {
        let (before, waiting) = (self.settled().await, self.waiting_links().await);
        let known = self.world.exchange.ledger.writers().len();
        for _ in 0..2 {
            self.world.advance(Duration::from_secs(600)).await;
            self.rest().await;
        }
        for link in &self.world.exchange.ledger.writers()[known..] {
            let findings = &self.world.findings;
            findings.check(Promise::NoLoops, waiting.contains(link), || {
                format!("{link} writes by itself")
            });
        }
        let after = self.settled().await;
        for (link, stood) in before {
            let stands = after.get(&link);
            let holds = waiting.contains(&link) || stands == Some(&stood);
            self.world.findings.check(Promise::NoLoops, holds, || {
                format!("{link} moves by itself: {stood}, {stands:?}")
            });
        }
    }

    /// The links whose writes may still land, or which have a booking to cancel that landed late.
    async fn waiting_links(&self) -> BTreeSet<LinkId> {
        let under_way = self.world.exchange.ledger.under_way();
        let mut waiting = BTreeSet::new();
        for (id, link) in self.links().await {
            // What cannot be decoded is found elsewhere, and waits for nothing.
            let standing = Standing::of(&link).unwrap_or_default();
            let keys = [
                link.sync_key.map(|key| key.to_string()),
                link.booking.map(|uid| uid.to_string()),
            ];
            let mut keys = keys.iter().flatten();
            let is_under_way = keys.any(|key| under_way.contains(key));
            if is_under_way || !standing.pending.is_empty() || !standing.late.is_empty() {
                waiting.insert(id);
            }
        }
        waiting
    }

    /// What each link stands for: the host's half, and the live booking.
    async fn settled(&self) -> BTreeMap<LinkId, String> {
        let mut settled = BTreeMap::new();
        for customer in &self.world.customers {
            let stand = Stand::of(&self.world, customer).await;
            for booking in &stand.live {
                if let Some(link) = stand.link_of(&booking.uid).await {
                    let live = (&booking.uid, booking.start, &booking.status);
                    settled.insert(link.id, format!("{live:?}"));
                }
            }
            for (appointment, link) in &stand.pairs {
                if let Some(link) = link {
                    *settled.entry(link.id).or_default() += &format!("{appointment:?}");
                }
            }
        }
        settled
    }

    /// The links of every appointment and of every live booking.
    async fn links(&self) -> BTreeMap<LinkId, Link> {
        let mut links = BTreeMap::new();
        for customer in &self.world.customers {
            let stand = Stand::of(&self.world, customer).await;
            for booking in &stand.live {
                let link = stand.link_of(&booking.uid).await;
                links.extend(link.map(|link| (link.id, link)));
            }
            let paired = stand.pairs.into_iter().filter_map(|(_, link)| link);
            links.extend(paired.map(|link| (link.id, link)));
        }
        links
    }

    /// The links that lie in review, and those whose item was dismissed, which settles nothing: a
    /// webhook is one more reason to process the change. An alarm about a booking of somebody
    /// else's holds nothing up.
    async fn links_in_review(&self) -> Vec<LinkId> {
        let mut links = Vec::new();
        for customer in &self.world.customers {
            let open = self.world.reviews(customer).await;
            links.extend(open.into_iter().filter_map(|item| item.link));
            let store = self.world.store();
            let log = store.log(&customer.id, Page::first(100_000));
            let dismissed = log.await.expect(STORE).into_iter().filter(|entry| {
                matches!(&entry.event, LogEvent::ReviewResolved { resolution, .. } if *resolution == Resolution::Dismiss)
            });
            links.extend(dismissed.filter_map(|entry| entry.link));
        }
        links
    }

    /// For each booking there ever was one that says that it was just made, and one that it ended.
    async fn late_deliveries(&self) {
        for customer in &self.world.customers {
            for booking in self.world.fake.bookings() {
                if !customer.owns(booking.event_type_id()) {
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
    pub(super) async fn keeps_tenants_apart(&mut self) {
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
        let (promise, now) = (Promise::TenantsApart, self.fingerprints().await);
        self.is_same(promise, &now[1], &before[1], "a tenant's own");
        let after = Stand::of(&self.world, studio).await;
        self.is_same(promise, &after.open, &victim.open, "a tenant's reviews");
        let links = |stand: &Stand<'_>| format!("{:?}", stand.pairs);
        let (now, before) = (links(&after), links(&victim));
        self.is_same(promise, &now, &before, "a tenant's links");
    }
}
