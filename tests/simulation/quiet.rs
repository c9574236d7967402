//! Quiet returns: nothing breaks any more, all webhooks arrive, and everything that is due is worked on.

use std::sync::atomic::Ordering;
use std::time::Duration;

use calcom::store::{Resolution, ReviewReason};
use calcom::sync::SyncEngine;

use crate::history::History;

/// More steps than any history should need.
const ENOUGH_STEPS: usize = 3000;
/// How often those who have to be asked are asked.
const ENOUGH_ROUNDS: usize = 12;

impl History {
    /// Ends what is wrong with the world, and lets the engine come to rest.
    pub(crate) async fn come_to_rest(&mut self) {
        self.chronicle.note("quiet returns");
        let world = &self.world;
        world.host_fails.store(0, Ordering::SeqCst);
        world.fake.clear_faults();
        world.post.keep_all();
        world.set_online(true).await;
        world.post.arrive_promptly(100);
        // What lies about is carried out now.
        world.advance(Duration::from_secs(300)).await;
        for _ in 0..ENOUGH_ROUNDS {
            self.rest().await;
            if !self.retry_what_failed().await {
                return;
            }
        }
        panic!("no rest: what was retried failed again and again");
    }

    /// Works until nothing is due at any time and no webhook is on its way.
    pub(crate) async fn rest(&self) {
        let world = &self.world;
        for _ in 0..ENOUGH_STEPS {
            world.post.deliver(100).await;
            if let Some(report) = world.engine.step().await.unwrap() {
                self.chronicle.note(format!("rest: {report:?}"));
                continue;
            }
            let due = world.store().next_due(u16::MAX).await.unwrap();
            match due {
                Some(due) => {
                    world.advance(due + Duration::from_millis(1)).await;
                }
                None if world.post.waiting() == 0 => return,
                None => {}
            }
        }
        panic!("no rest: something is due again and again");
    }

    /// Resolves what no person has to decide; whether there was anything.
    async fn retry_what_failed(&self) -> bool {
        let mut any = false;
        for customer in &self.world.customers {
            for item in self.world.reviews(customer).await {
                let passing = [
                    ReviewReason::RetriesExhausted,
                    ReviewReason::CredentialsRefused,
                ];
                if passing.contains(&item.reason) {
                    self.chronicle
                        .note(format!("{}: retry {:?}", customer.id, item.reason));
                    let engine = &self.world.engine;
                    let retry = Resolution::Retry;
                    engine
                        .resolve(&customer.id, item.id, retry, "eve")
                        .await
                        .unwrap();
                    any = true;
                }
            }
        }
        any
    }
}
