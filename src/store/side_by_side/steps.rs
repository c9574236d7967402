//! What a history may do next, done to both stores.

use super::{Held, Pair};
use crate::model::BookingUid;
use crate::store::*;

impl Pair {
    /// Takes one step, and tells which and how it ended.
    pub(super) async fn step(&mut self) -> String {
        match self.chance.u8(..100) {
            0..20 => self.record().await,
            20..40 => self.accept().await,
            40..60 => self.claim().await,
            60..65 => self.checkpoint().await,
            65..82 => self.settle().await,
            82..86 => self.absorb().await,
            86..90 => self.resolve().await,
            90..91 => {
                let tenant = self.tenant();
                self.memory.resume(&tenant).await.unwrap();
                self.tried.resume(&tenant).await.unwrap();
                "resume".to_owned()
            }
            91..92 => match self.chance.bool() {
                true => self.pause().await,
                false => self.append().await,
            },
            93..95 => self.sweep().await,
            95..97 => self.service_sync().await,
            92..93 => {
                let age = self.seconds(300);
                let retention = crate::store::Retention::of(age);
                let one = self.memory.prune(&retention, u32::MAX).await.unwrap();
                assert_eq!(one, self.tried.prune(&retention, u32::MAX).await.unwrap());
                format!("prune {}", one.total() > 0)
            }
            _ => {
                let while_later = self.seconds(40);
                self.clock.advance(while_later);
                if let Some(time) = &self.time {
                    time.pass(while_later).await;
                }
                "advance".to_owned()
            }
        }
    }

    /// Begins a sweep, or goes on with or ends one that was begun earlier.
    async fn sweep(&mut self) -> String {
        let (tenant, every, span) = (self.tenant(), self.seconds(40), self.seconds(40));
        let cursor = Opaque::new(1, vec![self.chance.u8(..)]);
        if self.chance.bool() {
            let memory = self.memory.begin_sweep(&tenant, every, span).await.unwrap();
            let tried = self.tried.begin_sweep(&tenant, every, span).await.unwrap();
            assert_eq!(memory, tried);
            let told = format!("begin sweep {}", memory.is_some());
            self.sweeps.extend(memory);
            return told;
        }
        let Some(lease) = self.chance.choice(self.sweeps.clone()) else {
            return "no sweep".to_owned();
        };
        if self.chance.bool() {
            let one = self.memory.advance_sweep(&lease, &cursor, span).await;
            let two = self.tried.advance_sweep(&lease, &cursor, span).await;
            return same_end("advance sweep", one, two);
        }
        let one = self.memory.end_sweep(&lease, &cursor, span).await;
        let two = self.tried.end_sweep(&lease, &cursor, span).await;
        same_end("end sweep", one, two)
    }

    /// Begins a sync of services, or goes on with or ends one that was begun earlier.
    async fn service_sync(&mut self) -> String {
        let (tenant, every, span) = (self.tenant(), self.seconds(40), self.seconds(40));
        if self.chance.bool() {
            let one = self.memory.begin_service_sync(&tenant, every, span).await;
            let two = self.tried.begin_service_sync(&tenant, every, span).await;
            let (one, two) = (one.unwrap(), two.unwrap());
            assert_eq!(one, two);
            let told = format!("begin service sync {}", one.is_some());
            self.service_syncs.extend(one);
            return told;
        }
        let Some(lease) = self.chance.choice(self.service_syncs.clone()) else {
            return "no service sync".to_owned();
        };
        let retry_in = self.maybe(|pair| pair.seconds(40));
        if self.chance.bool() {
            let one = self.memory.end_service_sync(&lease, retry_in, span).await;
            let two = self.tried.end_service_sync(&lease, retry_in, span).await;
            return same_end("end service sync", one, two);
        }
        let known = self.chance.choice(self.service_links.clone());
        let mut link = ServiceLink::new(self.maybe(|pair| pair.name("service", 3)), None);
        link.attempts = self.chance.u32(..5);
        link.state = self.maybe(|pair| Opaque::new(1, vec![pair.chance.u8(..)]));
        link.id = known.map(|(memory, _)| memory);
        let mut renamed = link.clone();
        renamed.id = known.map(|(_, tried)| tried);
        let one = self
            .memory
            .store_service_link(&lease, &link, retry_in, span);
        let one = one.await;
        let two = self
            .tried
            .store_service_link(&lease, &renamed, retry_in, span);
        let two = two.await;
        if let (Ok(memory), Ok(tried)) = (&one, &two) {
            self.service_links.insert(*memory, *tried);
        }
        same_end("store service link", one.map(drop), two.map(drop))
    }

    async fn record(&mut self) -> String {
        let change = Change::new(
            self.tenant(),
            self.name("appointment", 5),
            Revision::new(self.chance.u64(1..5)),
            Origin::Admin,
            self.clock_now(),
        );
        let source = self.maybe(|_| NoticeSource::Sweep);
        let change = change.with_source(source.unwrap_or(NoticeSource::Host));
        self.memory.record(&change).await.unwrap();
        self.tried.record(&change).await.unwrap();
        "record".to_owned()
    }

    async fn accept(&mut self) -> String {
        let mut new = NewDelivery::new(self.tenant(), [self.chance.u8(..20); 32], "TRIGGER");
        if self.chance.u8(..4) == 0 {
            new.source = NoticeSource::Sweep;
        }
        if self.chance.u8(..8) > 0 {
            new.booking = Some(self.name("booking", 8));
        }
        new.rescheduled_from = self.maybe(|pair| pair.name("booking", 8));
        new.sync_key = self.maybe(|pair| pair.name("key", 4));
        if self.chance.u8(..8) == 0 {
            new.ignored = Some(DeliveryFate::IgnoredTrigger);
        }
        new.claim = DeliveryClaim::new(AppointmentStatus::Cancelled, Some(self.clock_now()), None);
        let memory = self.memory.accept(new.clone()).await.unwrap();
        assert_eq!(memory, self.tried.accept(new).await.unwrap());
        format!("accept {memory:?}")
    }

    async fn claim(&mut self) -> String {
        let format = self.chance.u16(1..3);
        let lease = self.seconds(60);
        let after = self.maybe(Self::tenant);
        let request = ClaimRequest::new(lease, format).after(after);
        let memory = self.memory.claim(&request).await.unwrap();
        let tried = self.tried.claim(&request).await.unwrap();
        assert_eq!(memory.is_some(), tried.is_some(), "{memory:?} {tried:?}");
        let (Some(memory), Some(tried)) = (memory, tried) else {
            return "claim None".to_owned();
        };
        self.assert_same_link(&memory.link, &tried.link);
        assert_eq!(memory.lease.fence, tried.lease.fence);
        assert_eq!(memory.lease.marks, tried.lease.marks);
        assert_eq!(
            (
                memory.begun,
                memory.first_revision,
                memory.now,
                memory.books_since
            ),
            (
                tried.begun,
                tried.first_revision,
                tried.now,
                tried.books_since
            )
        );
        let changes = |claim: &Claim| -> Vec<_> {
            claim.changes.iter().map(|row| row.change.clone()).collect()
        };
        assert_eq!(changes(&memory), changes(&tried));
        let deliveries = |claim: &Claim| -> Vec<_> {
            let rows = claim.deliveries.iter();
            rows.map(|row| (row.booking.clone(), row.claim.clone(), row.received_at))
                .collect()
        };
        assert_eq!(deliveries(&memory), deliveries(&tried));
        assert_eq!(memory.marks.len(), tried.marks.len());
        for (one, other) in memory.marks.iter().zip(&tried.marks) {
            assert_eq!(one.source, other.source);
            assert_eq!(one.instruction.is_some(), other.instruction.is_some());
            if let (Some(one), Some(other)) = (&one.instruction, &other.instruction) {
                self.same_review(one.review, other.review);
                assert_eq!(
                    (&one.reason, &one.resolution, &one.by),
                    (&other.reason, &other.resolution, &other.by)
                );
            }
        }
        self.held.push(Held { memory, tried });
        "claim Some".to_owned()
    }

    /// One of the leases, which stays in hand: a lease is tried again after it was given back.
    fn any_held(&mut self) -> Option<usize> {
        (!self.held.is_empty()).then(|| {
            // The latest ones are worth the most.
            let back = self.chance.usize(..self.held.len().min(4));
            self.held.len() - 1 - back
        })
    }

    /// A link as a worker might store it, in both tongues.
    fn worked_on(&mut self, held: usize) -> (Link, Link) {
        let mut link = self.held[held].memory.link.clone();
        match self.chance.u8(..12) {
            0 => link.appointment = Some(self.name("appointment", 5)),
            1 => link.appointment = None,
            2..5 if link.appointment.is_none() => {
                link.appointment = Some(self.name("appointment", 5));
            }
            _ => {}
        }
        if self.chance.u8(..4) == 0 {
            link.booking = Some(self.name("booking", 8));
        }
        if self.chance.u8(..6) == 0 {
            link.chain = Some(self.name("chain", 6));
        }
        if self.chance.u8(..4) == 0 {
            link.sync_key = Some(self.name("key", 4));
        }
        link.series = self.maybe(|pair| pair.name("series", 2));
        link.bare = self.chance.u8(..3) > 0;
        let format = self.chance.u16(..3);
        link.state = self.maybe(|pair| Opaque::new(format, vec![pair.chance.u8(..); 3]));
        let mut other = link.clone();
        other.id = self.held[held].tried.link.id;
        (link, other)
    }

    fn chain_uids(&mut self) -> Vec<BookingUid> {
        let uid = self.maybe(|pair| pair.name("booking", 8));
        uid.into_iter().filter(|_| self.chance.bool()).collect()
    }

    async fn checkpoint(&mut self) -> String {
        let Some(held) = self.any_held() else {
            return "checkpoint nothing".to_owned();
        };
        let (link, other) = self.worked_on(held);
        let mut checkpoint = Checkpoint::new(link.clone(), self.seconds(60));
        checkpoint.chain_uids = self.chain_uids();
        checkpoint.log = vec![LogEvent::BaseMoved];
        let mut translated = checkpoint.clone();
        translated.link = other.clone();
        let Held { memory, tried } = &mut self.held[held];
        let one = self.memory.checkpoint(&memory.lease, checkpoint).await;
        let two = self.tried.checkpoint(&tried.lease, translated).await;
        if one.is_ok() {
            (memory.link, tried.link) = (link, other);
        }
        same_end("checkpoint", one, two)
    }

    async fn settle(&mut self) -> String {
        let Some(held) = self.any_held() else {
            return "settle nothing".to_owned();
        };
        let (link, other) = self.worked_on(held);
        let mut settlement = Settlement::new(link);
        settlement.chain_uids = self.chain_uids();
        settlement.wake = self.maybe(|pair| pair.seconds(100));
        if self.chance.u8(..3) == 0 {
            settlement.not_before = Some(self.seconds(50));
        }
        settlement.settled = self.chance.bool();
        settlement.mark_siblings = self.chance.u8(..3) == 0;
        settlement.log = vec![
            LogEvent::TenantPaused,
            LogEvent::SentToReview {
                reason: ReviewReason::Conflict,
            },
        ];
        for _ in 0..self.chance.u8(..3) {
            let evidence = ReviewEvidence::new(format!("{}", self.chance.u8(..)));
            let cause: String = self.name("cause", 3);
            let ends = [
                ReviewEnd::WithLinks,
                ReviewEnd::WithCause,
                ReviewEnd::ByPerson,
            ];
            let new = match self.chance.bool() {
                true => NewReview::of_tenant(cause, ReviewReason::SlotTaken, evidence),
                false => NewReview::of_link(ReviewReason::Conflict, evidence),
            };
            let ends = ends[self.chance.usize(..3)].clone();
            settlement.reviews.push(new.ending(ends));
        }
        if self.chance.u8(..4) == 0 {
            settlement.gone = vec![self.name("cause", 3)];
        }
        settlement.hold = match self.chance.u8(..12) {
            0 => Some(Hold::For(self.seconds(40))),
            1 => {
                let cause: String = self.name("cause", 3);
                Some(Hold::Pause(cause))
            }
            _ => None,
        };
        let mut translated = settlement.clone();
        translated.link = other;
        let resolved: Vec<_> = self.reviews.iter().map(|(one, two)| (*one, *two)).collect();
        if let Some((one, two)) = self.chance.choice(resolved) {
            settlement.outcomes = vec![(one, "done".to_owned())];
            translated.outcomes = vec![(two, "done".to_owned())];
        }
        let rows = &self.held[held];
        for (one, two) in rows.memory.changes.iter().zip(&rows.tried.changes) {
            if self.chance.u8(..4) > 0 {
                settlement.changes.push((one.id, ChangeFate::Pushed));
                translated.changes.push((two.id, ChangeFate::Pushed));
            }
        }
        for (one, two) in rows.memory.deliveries.iter().zip(&rows.tried.deliveries) {
            if self.chance.u8(..4) > 0 {
                settlement.deliveries.push((one.id, DeliveryFate::Agreed));
                translated.deliveries.push((two.id, DeliveryFate::Agreed));
            }
        }
        for (one, two) in rows.memory.marks.iter().zip(&rows.tried.marks) {
            if self.chance.u8(..4) > 0 {
                settlement.marks.push(one.id);
                translated.marks.push(two.id);
            }
        }
        let one = self.memory.settle(&rows.memory.lease, settlement).await;
        let two = self.tried.settle(&rows.tried.lease, translated).await;
        if let (Ok(one), Ok(two)) = (&one, &two) {
            assert_eq!(one.opened.len(), two.opened.len());
            for (one, two) in one.opened.clone().into_iter().zip(two.opened.clone()) {
                self.same_review(one, two);
            }
        }
        same_end("settle", one, two)
    }

    async fn absorb(&mut self) -> String {
        let Some(held) = self.any_held() else {
            return "absorb nothing".to_owned();
        };
        let known: Vec<_> = self.links.iter().map(|(one, two)| (*one, *two)).collect();
        let Some((one, two)) = self.chance.choice(known) else {
            return "absorb nothing".to_owned();
        };
        let Held { memory, tried } = &self.held[held];
        let one = self.memory.absorb(&memory.lease, one).await;
        let two = self.tried.absorb(&tried.lease, two).await;
        same_end("absorb", one, two)
    }

    async fn pause(&mut self) -> String {
        let tenant = self.tenant();
        let evidence = ReviewEvidence::new(format!("{}", self.chance.u8(..)));
        let cause: String = self.name("cause", 3);
        let review = NewReview::of_tenant(cause, ReviewReason::PausedByPerson, evidence);
        let ends = self.maybe(|_| ReviewEnd::WithCause);
        let review = review.ending(ends.unwrap_or(ReviewEnd::WithLinks));
        let one = self.memory.pause(&tenant, &review).await.unwrap();
        let two = self.tried.pause(&tenant, &review).await.unwrap();
        assert_eq!(one.is_some(), two.is_some());
        if let (Some(one), Some(two)) = (one, two) {
            self.same_review(one, two);
        }
        format!("pause {}", one.is_some())
    }

    async fn append(&mut self) -> String {
        let tenant = self.tenant();
        let appointment: Option<AppointmentId> = self.maybe(|pair| pair.name("appointment", 5));
        let event = match self.chance.bool() {
            true => LogEvent::operated(OperatorAction::Resync, "eve", "Done."),
            false => LogEvent::BaseMoved,
        };
        let about = appointment.as_ref();
        self.memory.append(&tenant, about, &event).await.unwrap();
        self.tried.append(&tenant, about, &event).await.unwrap();
        "append".to_owned()
    }

    async fn resolve(&mut self) -> String {
        let tenant = self.tenant();
        let known: Vec<_> = self.reviews.iter().map(|(one, two)| (*one, *two)).collect();
        let Some((one, two)) = self.chance.choice(known) else {
            return "resolve nothing".to_owned();
        };
        let resolution = match self.chance.u8(..3) {
            0 => Resolution::Retry,
            1 => Resolution::Rebook {
                start: self.clock_now(),
            },
            _ => Resolution::Dismiss,
        };
        let one = self.memory.resolve(&tenant, one, &resolution, "eve").await;
        let two = self.tried.resolve(&tenant, two, &resolution, "eve").await;
        if let (Ok(one), Ok(two)) = (&one, &two) {
            self.assert_same_item(one, two);
        }
        same_end("resolve", one, two)
    }
}

/// Both calls succeeded, or failed in the same way.
fn same_end<T, U>(call: &str, one: Result<T, StoreError>, two: Result<U, StoreError>) -> String {
    let one = one.err().map(|error| error.kind());
    assert_eq!(one, two.err().map(|error| error.kind()));
    format!("{call} {one:?}")
}
