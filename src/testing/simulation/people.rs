//! People at Cal.com, and the operators who decide what is in review.

use std::time::Duration;

use crate::ambient::Clock;
use crate::model::{Booking, BookingUid, NewAttendee, NewBooking};
use crate::store::{Resolution, ReviewItem, ReviewReason};
use crate::sync::SyncEngine;

use super::acts::ROOMS;
use super::coverage::{Act, Mishap};
use super::history::History;
use super::plan::Actors;
use super::tenants::Customer;
use super::trace::Promise;
use super::world::{SLOTS, person, slot};

impl History {
    pub(super) async fn somebody_at_cal_com_acts(&self) {
        let (customer, chance) = (self.customer(), &self.chance);
        let live = self.world.live_bookings(customer);
        let kind = chance.number(0..37);
        let Some(booking) = chance.pick(&live).filter(|_| kind >= 11) else {
            self.somebody_books(customer).await;
            return;
        };
        let (fake, ledger) = (&self.world.fake, &self.world.exchange.ledger);
        let start = slot(chance.number(0..SLOTS));
        let uid = &booking.uid;
        let moved = |moved: Option<Booking>| {
            let moved = moved.map(|booking| booking.uid);
            moved.iter().for_each(|uid| ledger.people_moved_to(uid));
            moved
        };
        let what = match kind {
            11..=18 => {
                self.world.tally.act(Act::PeopleMove);
                let successor = moved(fake.move_booking(uid, start).await.ok());
                format!("moved to {start}: {successor:?}")
            }
            19..=27 => self.somebody_cancels(booking).await,
            28..=29 => {
                self.world.tally.act(Act::PeopleConfirm);
                format!("confirmed: {}", fake.confirm(uid).await.is_ok())
            }
            30..=31 => {
                self.world.tally.act(Act::PeopleDecline);
                ledger.people_ended(uid);
                format!("declined: {}", fake.decline(uid, "no").await.is_ok())
            }
            32..=33 => {
                self.world.tally.act(Act::PeopleRelocate);
                let room = chance.one_of(&ROOMS);
                let relocated = fake.update_location(uid, room).await;
                if relocated.is_ok() && !self.world.plan.is_hosted() {
                    ledger.changed_untold(uid, self.world.clock.now());
                }
                format!("takes place in {room}: {}", relocated.is_ok())
            }
            34..=35 => {
                self.world.tally.act(Act::PeopleInvite);
                let guest = format!("friend{}@example.com", chance.number(0..3));
                let invited = fake.add_guests(uid, &[&guest]).await;
                if invited.is_ok() {
                    ledger.changed_untold(uid, self.world.clock.now());
                }
                format!("{guest} invited: {}", invited.is_ok())
            }
            _ => {
                self.world.tally.fault(Mishap::TwoSuccessors);
                let first = moved(fake.move_booking(uid, start).await.ok());
                let other = slot(chance.number(0..SLOTS));
                let second = moved(fake.force_second_successor(uid, other).await);
                format!("moved twice at once: {first:?}, {second:?}")
            }
        };
        self.note(format!("{}: at Cal.com {uid} {what}", customer.id));
    }

    async fn somebody_books(&self, customer: &Customer) {
        let chance = &self.chance;
        let start = slot(chance.number(0..SLOTS));
        let attendee = NewAttendee::from(&person(chance.number(0..3)));
        let event_type = customer.types.some(chance);
        let mut booking = NewBooking::new(event_type, start, attendee);
        if event_type == customer.types.lengths {
            booking = booking.with_length(chance.one_of(&[30, 60, 90]));
        }
        self.world.tally.act(Act::PeopleBook);
        let booked = self.world.fake.book(booking).await;
        let booked = booked.map(|booking| booking.uid);
        self.note(format!(
            "{}: {event_type} booked at {start}: {booked:?}",
            customer.id
        ));
    }

    /// One booking, or all that is left of its series. The subscribers are told first; as long as
    /// the slowest of them takes, nothing has ended.
    async fn somebody_cancels(&self, booking: &Booking) -> String {
        let (world, chance) = (&self.world, &self.chance);
        let series = booking.recurring_booking_uid.as_ref();
        let series = series.map(|series| BookingUid::new(series.as_str()));
        let whole = series.filter(|_| chance.percent(60));
        let uid = whole.clone().unwrap_or(booking.uid.clone());
        let ledger = &world.exchange.ledger;
        ledger.people_ended(&booking.uid);
        let act = match whole {
            Some(_) => Act::PeopleCancelSeries,
            None => Act::PeopleCancel,
        };
        world.tally.act(act);
        if whole.is_some() {
            for other in world.fake.bookings() {
                if other.recurring_booking_uid == booking.recurring_booking_uid {
                    ledger.people_ended(&other.uid);
                }
            }
        }
        if world.plan.is_hosted() || chance.percent(20) {
            let ended = world.fake.cancel_booking(&uid, "ill").await;
            return format!("cancelled as {uid}: {}", ended.is_ok());
        }
        let Ok(announced) = world.fake.announce_cancellation(&uid, "ill").await else {
            return format!("not to be cancelled as {uid}");
        };
        if chance.percent(4) {
            world.tally.fault(Mishap::NeverCarriedOut);
            return format!("announced as {uid} to end, and then the server stopped");
        }
        world.post.deliver_some().await;
        let lag = world.plan.lag;
        if world.setting.is_simulated() {
            tokio::spawn(async move {
                tokio::time::sleep(lag).await;
                let _ = announced.carry_out();
            });
        } else {
            self.engine_steps().await;
            world
                .advance(Duration::from_millis(chance.number(0..3000).into()))
                .await;
            self.engine_steps().await;
            let _ = announced.carry_out();
        }
        format!("announced as {uid} to end in {lag:?}")
    }

    pub(super) async fn somebody_resolves(&self) {
        let customer = self.customer();
        let open = self.world.reviews(customer).await;
        let Some(item) = self.chance.pick(&open) else {
            return;
        };
        let resolution = self.decision_on(item);
        if resolution == Resolution::ForceLocal {
            if let Some(id) = &item.appointment {
                self.world.exchange.ledger.force(&customer.id, id);
            } else if let Some(link) = item.link {
                self.world.exchange.ledger.force_nothing(link);
            }
        }
        let engine = self.world.engine();
        let resolved = engine.resolve(&customer.id, item.id, resolution.clone(), "eve");
        let is_taken = resolved.await.is_ok();
        self.note(format!(
            "{}: {resolution:?} of {:?} for {:?}: {is_taken}",
            customer.id, item.reason, item.appointment
        ));
        // What makes no sense for the item is refused.
        self.world.findings.check(
            Promise::NothingLost,
            is_taken || item.link.is_none(),
            || format!("{resolution:?} of {item:?} is refused"),
        );
    }

    fn decision_on(&self, item: &ReviewItem) -> Resolution {
        let chance = &self.chance;
        let alternatives = &item.evidence.alternatives;
        let start = chance.pick(alternatives).copied();
        let start = start.unwrap_or_else(|| slot(chance.number(0..SLOTS)));
        let rebook = Resolution::rebook(start);
        match (self.world.plan.actors, chance.number(0..14)) {
            // The item says that this would book it a second time.
            _ if item.reason == ReviewReason::LinkLost => Resolution::Retry,
            // What cannot be read is mended and tried again.
            _ if item.reason == ReviewReason::HostUnavailable => Resolution::Retry,
            _ if item.reason == ReviewReason::WorkFailed => Resolution::Retry,
            (Actors::CalCom, 0..=5) | (_, 0..=3) => Resolution::Retry,
            (Actors::CalCom, _) => Resolution::TakeRemote,
            (Actors::Host, _) => rebook,
            (_, 4..=5) => Resolution::TakeRemote,
            (_, 6..=7) => Resolution::ForceLocal,
            (_, 8..=9) => Resolution::AcceptDifference,
            (_, 10..=11) => rebook,
            _ => Resolution::Dismiss,
        }
    }
}
