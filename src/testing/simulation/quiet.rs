//! Quiet returns: nothing breaks any more, all webhooks arrive, and everything that is due is
//! worked on.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::STORE;
use super::history::History;
use super::trace::Promise;
use crate::store::{Resolution, ReviewReason};
use crate::sync::SyncEngine;

/// More steps than any history should need.
const ENOUGH_STEPS: usize = 3000;
/// How young a change at Cal.com a sweep leaves to its webhook, and a little more.
pub(super) const WEBHOOK_LAG: Duration = Duration::from_secs(150);
/// How often those who have to be asked are asked.
const ENOUGH_ROUNDS: usize = 12;

impl History {
    /// Ends what is wrong with the world, and lets the engine come to rest.
    pub(super) async fn come_to_rest(&mut self) {
        self.chronicle.note("quiet returns");
        self.mend().await;
        let world = &self.world;
        world.post.arrive_promptly(100);
        // What lies about is carried out now, and whoever sleeps has lost the lease.
        world.advance(Duration::from_secs(300)).await;
        self.rest().await;
        self.wake_all().await;
        for round in 0..ENOUGH_ROUNDS {
            self.rest().await;
            if !self.retry_what_failed(round < 2).await {
                return;
            }
        }
        let found = "what was retried failed again and again";
        self.world.findings.broke(Promise::ComesToRest, found);
    }

    /// Ends what is broken.
    pub(super) async fn mend(&self) {
        let world = &self.world;
        world.host_fails.store(0, Ordering::SeqCst);
        world.exchange.past.catch_up();
        world.fake.clear_faults();
        world.post.keep_all();
        world.set_online(true).await;
    }

    /// What no webhook told and no host recorded is found by a sweep, and then both sides agree.
    pub(super) async fn sweeps_and_rests(&mut self) {
        self.chronicle.note("both sides are swept");
        // What is younger is left to its webhook; by the clock of whoever wrote it, which may be ahead.
        self.world.advance(2 * WEBHOOK_LAG).await;
        let report = self.sweep_whole().await;
        self.note(format!("sweep: {report}"));
        self.world.is_swept = true;
        self.world.exchange.past.was_swept();
        self.come_to_rest().await;
    }

    /// Works until nothing is due at any time and no webhook is on its way.
    pub(super) async fn rest(&self) {
        let world = &self.world;
        for _ in 0..ENOUGH_STEPS {
            world.post.deliver(100).await;
            let reports = self.next_steps().await;
            let reports: Vec<_> = reports.into_iter().flatten().collect();
            for report in &reports {
                self.chronicle.note(format!("rest: {report:?}"));
            }
            if !reports.is_empty() {
                continue;
            }
            let due = world.store().next_due(u16::MAX).await.expect(STORE);
            match due {
                Some(due) => {
                    world.advance(due + Duration::from_millis(1)).await;
                }
                None if world.post.waiting() == 0 => return,
                None => {}
            }
        }
        let found = "something is due again and again";
        self.world.findings.broke(Promise::ComesToRest, found);
    }

    /// Resolves what no person has to decide; whether there was anything.
    async fn retry_what_failed(&self, is_early: bool) -> bool {
        let mut any = false;
        for customer in &self.world.customers {
            for item in self.world.reviews(customer).await {
                let passing = [
                    ReviewReason::RetriesExhausted,
                    ReviewReason::CredentialsRefused,
                    ReviewReason::RevisionMissing,
                    ReviewReason::AppointmentMissing,
                    ReviewReason::WorkFailed,
                ];
                // One row of the host's can never be read.
                let is_waiting = item.reason == ReviewReason::HostUnavailable && is_early;
                let is_poison = item.reason == ReviewReason::WorkFailed && !is_early;
                if is_poison {
                    continue;
                }
                if is_waiting || passing.contains(&item.reason) {
                    self.chronicle
                        .note(format!("{}: retry {:?}", customer.id, item.reason));
                    let engine = self.world.engine();
                    let retry = Resolution::Retry;
                    engine
                        .resolve(&customer.id, item.id, retry, "eve")
                        .await
                        .expect(STORE);
                    any = true;
                }
            }
        }
        any
    }
}
