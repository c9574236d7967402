//! People at Cal.com, and the operators who decide what is in review.

use std::time::Duration;

use crate::ambient::Clock;
use crate::model::{Booking, BookingUid, NewAttendee, NewBooking, SeatUid};
use crate::store::{LinkId, Resolution, ReviewItem, ReviewReason};
use crate::sync::{Standing, SyncEngine};
use crate::testing::AnnouncedCancellation;
use chrono::{DateTime, Utc};

use super::acts::ROOMS;
use super::coverage::{Act, Mishap};
use super::history::History;
use super::plan::Actors;
use super::stand::Stand;
use super::tenants::Customer;
use super::trace::Promise;
use super::world::{SLOTS, person, slot};

impl History {
    pub(super) async fn somebody_at_cal_com_acts(&self) {
        let (customer, chance) = (self.customer(), &self.chance);
        let live = self.world.live_bookings(customer);
        let kind = chance.number(0..40);
        let Some(booking) = chance.pick(&live).filter(|_| kind >= 11) else {
            self.somebody_books(customer).await;
            return;
        };
        let (fake, ledger) = (&self.world.fake, &self.world.exchange.ledger);
        let start = slot(chance.number(0..SLOTS));
        let uid = &booking.uid;
        if let Some(seat) = chance.pick(&booking.attendees)
            && let Some(seat) = seat.seat_uid.clone()
            && let 11..=27 | 34..=36 = kind
        {
            let what = match kind {
                11..=18 | 34..=36 => self.somebody_moves_a_seat(uid, &seat, start).await,
                _ if chance.percent(70) => self.somebody_gives_up_a_seat(uid, &seat).await,
                _ => {
                    self.world.tally.act(Act::PeopleCancelCourse);
                    self.somebody_cancels(booking).await
                }
            };
            self.note(format!("{}: at Cal.com {uid} {what}", customer.id));
            return;
        }
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
            37..=39 => {
                self.world.tally.act(Act::PeopleNoteAbsence);
                let attendees = booking.attendees.iter();
                let emails: Vec<&str> = attendees.map(|held| held.email.as_str()).collect();
                let whom = chance.pick(&emails).copied().unwrap_or_default();
                let absent = chance.percent(70);
                let noted = fake.mark_absent(uid, whom, absent).await;
                format!("{absent} of {whom}: {}", noted.is_ok())
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
        if event_type == customer.types.course {
            self.world.tally.act(Act::PeopleTakeSeat);
        }
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
            if let Some(series) = &booking.recurring_booking_uid {
                ledger.series_ended(series);
            }
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
        self.ends_later(announced).await
    }

    async fn somebody_moves_a_seat(
        &self,
        uid: &BookingUid,
        seat: &SeatUid,
        start: DateTime<Utc>,
    ) -> String {
        self.world.tally.act(Act::PeopleMoveSeat);
        let moved = self.world.fake.move_seat(uid, seat, start).await;
        let moved = moved.ok().map(|booking| booking.uid);
        let ledger = &self.world.exchange.ledger;
        if let Some(uid) = &moved {
            ledger.people_moved_to(uid);
        }
        format!("seat {seat} moved to {start}: {moved:?}")
    }

    async fn somebody_gives_up_a_seat(&self, uid: &BookingUid, seat: &SeatUid) -> String {
        let (world, chance) = (&self.world, &self.chance);
        world.tally.act(Act::PeopleGiveUpSeat);
        world.exchange.ledger.people_ended(uid);
        if world.plan.is_hosted() || chance.percent(20) {
            let given_up = world.fake.give_up_seat(uid, seat).await;
            return format!("seat {seat} given up: {}", given_up.is_ok());
        }
        let Ok(announced) = world.fake.announce_seat_given_up(uid, seat).await else {
            return format!("seat {seat} not to be given up");
        };
        self.ends_later(announced).await
    }

    /// What was announced is carried out a moment later, or never.
    async fn ends_later(&self, announced: AnnouncedCancellation) -> String {
        let (world, chance) = (&self.world, &self.chance);
        let uid = announced.booking_uid().clone();
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
        if resolution == Resolution::Dismiss && item.link.is_none() {
            let dropped = self.links_waiting(customer).await;
            self.world.exchange.ledger.dismiss(dropped);
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

    /// The links that are in review without an item of their own.
    async fn links_waiting(&self, customer: &Customer) -> Vec<LinkId> {
        let stand = Stand::of(&self.world, customer).await;
        let links = stand.pairs.iter().filter_map(|(_, link)| link.as_ref());
        let waiting = links.filter(|link| {
            let standing = Standing::of(link).unwrap_or_default();
            standing.in_review && !stand.is_in_review(link)
        });
        waiting.map(|link| link.id).collect()
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
