//! Settlements that leave something to a person.

use std::time::Duration;

use super::{Case, Turn};
use crate::model::BookingUid;
use crate::store::{
    ChangeFate, DeliveryFate, LogEvent, NewReview, NoticeSource, ReviewEnd, ReviewEvidence,
    ReviewReason, Settlement,
};
use crate::sync::standing::Standing;

/// How long a link that is in review waits at least before it is looked at by itself.
const SHORTEST_LOOK: Duration = Duration::from_secs(1);

pub(super) const HELD_BY_ANOTHER: &str = "The booking, or the appointment, belongs to another pair already. End one of the two, then retry.";

impl Turn<'_> {
    /// Sends the link to review.
    pub(super) fn in_review(&mut self, case: &Case) -> Settlement {
        if !self.fresh {
            // What deliveries name was not read, and they are settled with the case: nothing else
            // would lead to it.
            let own = self.link.booking.clone();
            self.standing.rivals = self.met_bookings();
            self.standing.rivals.retain(|met| Some(met) != own.as_ref());
        }
        // The delivery may be the only one about the whole series.
        self.mark_siblings |= self.leaves_an_end_unread();
        let review = self.review(case);
        // Writes to Cal.com that may have been carried out stay on record, to be looked for next
        // time: what went to review need have nothing to do with them. Until both sides agree, the
        // base does not stand for Cal.com: were the host to go back to it, that would look like
        // agreement.
        self.standing.verify = true;
        self.standing.attempts = 0;
        // A claim that it was time to look for goes with the case.
        let now = self.claim.now;
        self.standing.doubts.retain(|doubt| doubt.again_at > now);
        // What may land still does; from now on it is only looked for.
        self.standing.in_review = true;
        self.standing.last.failed(now, &case.message);
        self.plan_next_look();
        self.forget_what_cannot_land();
        self.log.push(LogEvent::SentToReview {
            reason: case.reason.clone(),
        });
        self.end_instructions(&format!("a person has to decide again: {}", case.message));
        let mut settlement = self.settlement();
        settlement.marks = self.heeded_marks(true);
        settlement.wake = self.next_wake().map(|wake| wake.max(SHORTEST_LOOK));
        self.settle_changes(&mut settlement, &ChangeFate::InReview);
        self.settle_deliveries(&mut settlement, &DeliveryFate::InReview);
        // The case as it stands now is the only one of the link.
        settlement.settled = true;
        settlement.reviews.push(review);
        settlement
    }

    /// The deliveries that name bookings that are not the tenant's are refused, or ignored. They
    /// say nothing about the rest.
    pub(super) fn report_strays(&self, settlement: &mut Settlement) {
        let mut foreign = Vec::new();
        for (booking, fate) in &self.strays {
            if *fate == DeliveryFate::RefusedForeign {
                foreign.push(booking.clone());
            } else {
                settlement.log.push(LogEvent::IgnoredNotSynced {
                    booking: booking.clone(),
                });
            }
        }
        let is_told = self.claim.deliveries.iter().any(|delivery| {
            let named = delivery.booking.as_ref();
            delivery.source == NoticeSource::Webhook
                && named.is_some_and(|uid| foreign.contains(uid))
        });
        if !is_told {
            return;
        }
        settlement.log.push(LogEvent::SentToReview {
            reason: ReviewReason::ForeignBooking,
        });
        let mut evidence = ReviewEvidence::new(
            "A webhook that is signed with this tenant's secret names a booking whose event type and hosts are not the tenant's. Nothing was read from it. Find out who knows the secret, then dismiss the item.",
        );
        evidence.bookings = foreign;
        let reason = ReviewReason::ForeignBooking;
        let cause = reason.as_str().to_owned();
        let review = NewReview::of_tenant(cause, reason, evidence);
        settlement.reviews.push(review.ending(ReviewEnd::ByPerson));
    }

    /// The link was only looked at, and its case stands.
    pub(super) fn still_in_review(&mut self) -> Settlement {
        self.standing.verify = true;
        self.plan_next_look();
        self.forget_what_cannot_land();
        let mut settlement = self.settlement();
        settlement.wake = self.next_wake().map(|wake| wake.max(SHORTEST_LOOK));
        settlement
    }

    pub(super) fn review(&self, case: &Case) -> NewReview {
        let message = match self.what_stands() {
            Some(stands) => format!("{} {stands}", case.message),
            None => case.message.clone(),
        };
        let mut evidence = ReviewEvidence::new(message);
        let base = self.standing.base.as_ref();
        evidence.base_local = base.map(|base| base.local.clone());
        evidence.base_remote = base.map(|base| base.remote.clone());
        evidence.local = self.local.as_ref().map(|local| local.state.clone());
        evidence.remote = self.remote.as_ref().map(|remote| remote.state.clone());
        evidence.bookings = self.link.booking.iter().cloned().collect();
        let retiring = self.standing.retiring.iter().map(|r| &r.booking);
        let others = self.standing.rivals.iter().chain(&case.bookings);
        for booking in others.chain(retiring) {
            if !evidence.bookings.contains(booking) {
                evidence.bookings.push(booking.clone());
            }
        }
        evidence.alternatives.clone_from(&case.alternatives);
        match &case.tenant_cause {
            Some(cause) => NewReview::of_tenant(cause.clone(), case.reason.clone(), evidence),
            None => NewReview::of_link(case.reason.clone(), evidence),
        }
    }

    /// Another link holds what this one was to hold; a person has to find out which is right.
    pub(super) fn held_by_another(&mut self) -> Settlement {
        let case = Case::new(ReviewReason::TwoLiveBookings, HELD_BY_ANOTHER);
        let review = self.review(&case);
        let mut link = self.claim.link.clone();
        let mut standing = Standing::of(&link).unwrap_or_default();
        // Writes that were begun stay on record, and are looked for.
        let wake = self.next_look_for_landings();
        standing.pending = std::mem::take(&mut self.standing.pending);
        standing.generation = self.standing.generation;
        standing.last.clone_from(&self.standing.last);
        standing.verify = true;
        standing.in_review = true;
        // The bookings that were met go with the case too: their deliveries are settled by it, and
        // nothing else names them.
        standing.rivals = self.met_bookings();
        // What is in doubt goes with the case.
        standing.doubts.clear();
        self.standing.doubts.clear();
        self.end_instructions("a person has to decide again");
        link.sync_key.clone_from(&self.link.sync_key);
        standing.put_into(&mut link);
        let mut settlement = Settlement::new(link);
        settlement.log = vec![LogEvent::SentToReview {
            reason: case.reason,
        }];
        settlement.reviews = vec![review];
        settlement.outcomes = std::mem::take(&mut self.outcomes);
        settlement.wake = wake.map(|wake| wake.max(SHORTEST_LOOK));
        settlement.marks = self.heeded_marks(true);
        self.settle_changes(&mut settlement, &ChangeFate::InReview);
        self.settle_deliveries(&mut settlement, &DeliveryFate::InReview);
        settlement
    }

    /// The tenant's bookings that the link, or a delivery, says are the appointment's.
    pub(super) fn met_bookings(&self) -> Vec<BookingUid> {
        let deliveries = self.claim.deliveries.iter();
        let named = deliveries.filter_map(|delivery| delivery.booking.as_ref());
        let mut met: Vec<BookingUid> = Vec::new();
        for uid in self.standing.rivals.iter().chain(named) {
            if !self.strays.contains_key(uid) && !met.contains(uid) {
                met.push(uid.clone());
            }
        }
        met
    }
}
