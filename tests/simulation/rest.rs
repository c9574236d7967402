//! After quiet nothing moves any more: not by itself, not because a webhook comes late or twice, not because of another tenant.

use std::time::Duration;

use calcom::store::LinkId;
use calcom::testing::{RequestOutcome, WebhookBody};

use crate::history::History;
use crate::promises::Stand;

impl History {
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
        // What was sent before may still land, and is undone once it no longer can.
        for _ in 0..2 {
            self.world.advance(Duration::from_secs(600)).await;
            self.rest().await;
        }
        let (before, writes) = (self.fingerprints().await, self.applied_writes());
        let sent = self.world.exchange.ledger.writers().len();
        for _ in 0..5 {
            self.world.advance(Duration::from_secs(600)).await;
            self.rest().await;
        }
        assert_eq!(self.world.exchange.ledger.writers().len(), sent, "a loop");
        assert_eq!(
            self.fingerprints().await,
            before,
            "something moves by itself"
        );

        // What lies in review is dirty, and a webhook may be what it waits for.
        let dirty = self.links_in_review().await;
        let writers = self.world.exchange.ledger.writers().len();
        self.world.post.all_again().await;
        self.rest().await;
        if dirty.is_empty() {
            self.late_deliveries().await;
            assert_eq!(
                self.world.exchange.ledger.writers().len(),
                sent,
                "webhooks cause writes"
            );
            assert_eq!(self.applied_writes(), writes, "webhooks cause writes");
            assert_eq!(
                self.fingerprints().await,
                before,
                "a late webhook moves something"
            );
            return;
        }
        let (mut dirty, mut known) = (dirty, writers);
        // One that is settled can make room for the next.
        for _ in 0..5 {
            let all = self.world.exchange.ledger.writers();
            for link in &all[known..] {
                assert!(dirty.contains(link), "a webhook causes a write of {link}");
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
        assert_eq!(self.applied_writes(), sent, "webhooks cause writes");
        assert_eq!(
            self.fingerprints().await,
            before,
            "a webhook moves it again"
        );
    }

    /// The links about which a person is asked. An alarm about a booking of somebody else's holds nothing up.
    async fn links_in_review(&self) -> Vec<LinkId> {
        let mut links = Vec::new();
        for customer in &self.world.customers {
            let open = self.world.reviews(customer).await;
            links.extend(open.into_iter().filter_map(|item| item.link));
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
