//! What has to hold after every history, whatever happened in it.

use chrono::TimeDelta;
use secrecy::ExposeSecret;

use super::STORE;
use super::history::History;
use super::plan::Actors;
use super::stand::Stand;
use super::trace::Promise;
use super::unsteady::Poison;
use crate::model::{Booking, BookingStatus, BookingUid, Trigger};
use crate::store::{
    Appointment, AppointmentState, AppointmentStatus, ChangeFate, Field, Link, LogEvent, Origin,
    Page, Person, Resolution, ReviewReason,
};
use crate::sync::{Inexpressible, SYNC_KEY_METADATA, Standing};
use crate::testing;
use serde_json::Value;

impl Stand<'_> {
    /// Counts what became of the cases that were given to people.
    pub(super) fn count(&self) {
        for entry in &self.log {
            match &entry.event {
                LogEvent::SentToReview { reason, .. } => self.world.tally.review(reason),
                LogEvent::ReviewResolved { resolution, .. } => {
                    self.world.tally.resolution(resolution);
                }
                _ => {}
            }
        }
    }

    /// 1: every change and every delivery has a fate, and what went to review is or was there.
    pub(super) async fn nothing_is_lost(&self) {
        let store = self.world.store();
        let tenant = &self.customer.id;
        for (appointment, link) in &self.pairs {
            let id = &appointment.id;
            let changes = store.changes(tenant, id, Page::first(100_000));
            let changes = changes.await.expect(STORE);
            // A host need not record what the engine has written.
            let is_recorded = !changes.is_empty()
                || (!self.world.host_records() && appointment.chain.is_some())
                || self.is_unrecorded(appointment)
                || is_nothing_to_book(appointment, link.as_ref())
                || self.is_poisoned(appointment);
            self.check(Promise::NothingLost, is_recorded, || {
                format!("{id} was never recorded")
            });
            for (recorded, fate) in changes {
                self.check(Promise::NothingLost, fate.is_some(), || {
                    format!("{recorded:?} has no fate; {link:?}")
                });
                let in_review = self.log.iter().any(|entry| {
                    matches!(entry.event, LogEvent::SentToReview { .. })
                        && entry.appointment.as_ref() == Some(id)
                });
                let holds = fate != Some(ChangeFate::InReview) || in_review;
                self.check(Promise::NothingLost, holds, || {
                    format!("{recorded:?} was never in review")
                });
            }
        }
        for (delivery, fate) in &self.inbox {
            self.check(Promise::NothingLost, fate.is_some(), || {
                format!("{delivery:?} has no fate")
            });
        }
    }

    /// 4: both sides agree, or a person is asked. Returns the pairs that do not because a webhook
    /// was lost for good, which is the known gap as long as nothing but webhooks tells of Cal.com's
    /// changes.
    pub(super) async fn both_sides_agree(&self) -> usize {
        let mut gaps = 0;
        for (appointment, link) in &self.pairs {
            if self.is_unrecorded(appointment) || self.may_be_a_late_write(appointment) {
                gaps += 1;
                continue;
            }
            let is_unreadable = link.is_none() && self.is_poisoned(appointment);
            if is_unreadable || is_nothing_to_book(appointment, link.as_ref()) {
                continue;
            }
            let Some(link) = link else {
                let found = format!("{appointment:?} has no link");
                self.broke(Promise::Convergence, found);
                continue;
            };
            let is_asked = self.is_in_review(link) || self.is_asked_about_chain(link);
            if is_asked || self.is_left_alone(appointment, link) {
                continue;
            }
            let Ok(standing) = Standing::of(link) else {
                let found = format!("the state of {link:?} is undecodable");
                self.broke(Promise::Convergence, found);
                continue;
            };
            self.check(Promise::Convergence, !standing.awaits_outcome(), || {
                format!("{standing:?} is unfinished")
            });
            let state = &appointment.state;
            let Some(uid) = &link.booking else {
                // A new appointment that claims to be Cal.com's is left alone: nothing of Cal.com's
                // origin is pushed.
                let is_left = !state.status.is_live() || appointment.origin == Origin::Calcom;
                // A person has said that it may be without one.
                let base = standing.base.as_ref();
                let is_accepted = base.is_some_and(|base| {
                    base.local.agrees_with(state) && !base.remote.status.is_live()
                });
                let is_left = is_left || (is_accepted && self.was_accepted(link));
                self.check(Promise::Convergence, is_left, || {
                    format!("{appointment:?} has no booking")
                });
                continue;
            };
            let booking = self.booking(uid);
            let booking = booking.as_ref();
            let (Some(booking), Some(base)) = (booking, standing.base.as_ref()) else {
                let found = format!("{link:?} has no base or no booking that there is");
                self.broke(Promise::Convergence, found);
                continue;
            };
            let is_untold = self.is_untold(booking);
            let remote = state_of(booking, &base.remote);
            let is_accepted = self.was_accepted(link);
            let apart = state.differences(&remote);
            let policy = &self.customer.policy;
            let accepted = Field::ALL
                .iter()
                .filter(|field| policy.inexpressible_of(**field) == Inexpressible::Accept);
            let mut apart_unaccepted = apart.without(accepted.copied().collect());
            // Cal.com cannot rename anybody, and a new booking is where its event type says.
            apart_unaccepted.name = false;
            apart_unaccepted.location = false;
            let agrees = base.local.agrees_with(state)
                && base.remote.agrees_with(&remote)
                && (apart_unaccepted.is_empty() || is_accepted);
            gaps += usize::from(!agrees && is_untold);
            self.check(Promise::Convergence, agrees || is_untold, || {
                format!("{appointment:?}\n{booking:?}\n{link:?}\n{standing:?}\n{apart:?}")
            });
        }
        for booking in &self.live {
            let Some(link) = self.link_of(&booking.uid).await else {
                let is_untold = self.is_untold(booking);
                let is_told = self.is_told_of_an_answer(&booking.uid);
                self.check(Promise::Convergence, is_told || is_untold, || {
                    format!("nobody knows {booking:?}")
                });
                gaps += usize::from(!is_told);
                continue;
            };
            let is_paired =
                link.appointment.is_some() && link.booking.as_ref() == Some(&booking.uid);
            if is_paired || self.is_in_review(&link) || self.was_dismissed(&link) {
                continue;
            }
            let is_untold = self.is_untold(booking);
            gaps += usize::from(is_untold);
            self.check(Promise::Convergence, is_untold, || {
                format!("{booking:?} has no appointment: {link:?}")
            });
        }
        gaps
    }

    /// Whether a webhook of what people did to this chain was lost for good, or none tells of it,
    /// and nobody has read the chain since.
    pub(super) fn is_untold(&self, booking: &Booking) -> bool {
        let whole = booking.uid.seat();
        let whole = whole.map_or(booking.uid.clone(), |(whole, _)| whole);
        // All seats of a booking are told of by its webhooks; who left it, or came to it, is told by
        // those of the other one.
        let is_kin = |other: &Booking| {
            other.uid == whole
                || other.ics_uid == booking.ics_uid && booking.ics_uid.is_some()
                || (other.recurring_booking_uid.is_some()
                    && other.recurring_booking_uid == booking.recurring_booking_uid)
        };
        let kin: Vec<&Booking> = self.all.iter().filter(|other| is_kin(other)).collect();
        let ledger = &self.world.exchange.ledger;
        let tenant = &self.customer.id;
        // Of two successors of one booking, it points to one; the other is found by its own webhook
        // only.
        let was_read = |known| {
            let mut chain = kin.iter().filter(|b| leads_to(&kin, b, booking));
            chain.any(|b| ledger.was_read_after(tenant, &b.uid, known))
        };
        // A series ended while one of its occurrences was being moved: what had told of it was
        // settled by the move, and an occurrence that nobody knew then is found by a sweep.
        let series = booking.recurring_booking_uid.as_ref();
        let has_ended = series.is_some_and(|series| ledger.has_series_ended(series));
        if has_ended && !self.world.is_swept && kin.iter().any(|b| b.rescheduled_to_uid.is_some()) {
            return true;
        }
        let mut changed = self.changed_untold.iter();
        let was_changed =
            changed.any(|(uid, at)| kin.iter().any(|b| b.uid == *uid) && !was_read(*at));
        was_changed
            || self.lost.iter().any(|(delivery, at)| {
                if !delivery.url.ends_with(self.customer.id.as_str()) {
                    return false;
                }
                let named = kin.iter().find(|b| b.uid == delivery.booking_uid);
                let left = left_by(delivery).filter(|_| booking.uid != whole);
                let left = kin.iter().find(|b| Some(&b.uid) == left.as_ref());
                let Some(about) = named.or(left) else {
                    return false;
                };
                let is_peoples = match delivery.trigger {
                    _ if booking.uid != whole => true,
                    Trigger::BookingCancelled => ledger.was_ended_by_people(&about.uid),
                    Trigger::BookingRescheduled => ledger.was_moved_by_people(&about.uid),
                    // The engine knows what it has made itself, even if nobody tells it.
                    Trigger::BookingCreated | Trigger::BookingRequested => {
                        about.metadata_str(SYNC_KEY_METADATA).is_none()
                            || about.rescheduled_from_uid.is_some()
                            || delivery.trigger == Trigger::BookingCreated
                                && about.event_type_id() == Some(self.customer.types.confirms)
                    }
                    _ => true,
                };
                // What is announced is carried out a moment later.
                let known = *at + TimeDelta::seconds(30);
                is_peoples && !was_read(known)
            })
    }

    /// Whether a person is asked about a later booking of the same chain, which could not be read: until
    /// it is, nobody knows that it is this pair's.
    fn is_asked_about_chain(&self, link: &Link) -> bool {
        let Some(own) = link.booking.as_ref().and_then(|uid| self.booking(uid)) else {
            return false;
        };
        let kin = self.all.iter().filter(|other| {
            own.ics_uid.is_some() && other.ics_uid == own.ics_uid && other.uid != own.uid
        });
        let kin: Vec<&BookingUid> = kin.map(|other| &other.uid).collect();
        let mut items = self.open.iter();
        items.any(|item| item.evidence.bookings.iter().any(|uid| kin.contains(&uid)))
    }

    /// Whether nobody can work on an appointment: it is planted, or of an event type of somebody
    /// else's.
    fn is_left_alone(&self, appointment: &Appointment, link: &Link) -> bool {
        let id = &appointment.id;
        let past = &self.world.exchange.past;
        if let Some(poison) = past.poison_of(&self.customer.id, id) {
            self.check(Promise::Convergence, link.booking.is_none(), || {
                format!("{id} was worked on")
            });
            let reason = match poison {
                Poison::Panics => ReviewReason::WorkFailed,
                Poison::Fails => ReviewReason::HostUnavailable,
            };
            let is_told = self.open.iter().any(|item| item.reason == reason);
            self.check(Promise::Convergence, is_told, || {
                format!("{id}: {:?}", self.open)
            });
            return true;
        }
        let is_foreign = !self.customer.owns(Some(appointment.state.event_type));
        is_foreign || self.was_dismissed(link)
    }

    /// Whether the host died before it recorded its latest change, and nothing has looked since.
    fn is_unrecorded(&self, appointment: &Appointment) -> bool {
        let past = &self.world.exchange.past;
        past.is_unrecorded(&self.customer.id, appointment)
    }

    /// Whether the host cannot read the appointment, nor any list that it is in.
    fn is_poisoned(&self, appointment: &Appointment) -> bool {
        let past = &self.world.exchange.past;
        past.poison_of(&self.customer.id, &appointment.id).is_some()
    }

    /// Whether the appointment's latest change may come from a worker that fell asleep between its
    /// last look at the lease and the write: where the host does not record what the engine writes,
    /// only a sweep finds that.
    fn may_be_a_late_write(&self, appointment: &Appointment) -> bool {
        let is_told = self.world.is_swept || self.world.host_records();
        !is_told && appointment.origin == Origin::Calcom
    }

    fn events_of(&self, link: &Link) -> impl Iterator<Item = &LogEvent> {
        let id = link.id;
        let entries = self.log.iter();
        let entries = entries.filter(move |entry| entry.link == Some(id));
        entries.map(|entry| &entry.event)
    }

    /// Whether a person has said that nothing is to be done about a case of it.
    pub(super) fn was_dismissed(&self, link: &Link) -> bool {
        let dismissed = |event: &LogEvent| matches!(event, LogEvent::ReviewResolved { resolution, .. } if *resolution == Resolution::Dismiss);
        let ledger = &self.world.exchange.ledger;
        ledger.was_dismissed(link.id) || self.events_of(link).any(dismissed)
    }

    /// Whether a person has said that its two sides may differ.
    fn was_accepted(&self, link: &Link) -> bool {
        let accepted = |event: &LogEvent| matches!(event, LogEvent::InstructionEnded { resolution, .. } if *resolution == Resolution::AcceptDifference);
        self.events_of(link).any(accepted)
    }

    /// A delivery is settled as contradicted only if its booking had not ended by then.
    pub(super) fn contradicts_rightly(&self) {
        for entry in &self.log {
            let LogEvent::Contradicted { booking, .. } = &entry.event else {
                continue;
            };
            let Some(booking) = self.all.iter().find(|known| known.uid == *booking) else {
                continue;
            };
            let had_ended = !booking.is_live() && booking.updated_at < Some(entry.at);
            self.check(Promise::NothingLost, !had_ended, || {
                format!("{entry:?} {booking:?}")
            });
        }
    }

    /// 3: nothing is written to Cal.com because of what was changed there.
    pub(super) fn writes_only_what_the_host_wants(&self) {
        let wrongs = self.world.exchange.ledger.wrongs();
        let promise = Promise::NoLoops;
        self.check(promise, wrongs.is_empty(), || format!("{wrongs:#?}"));
        let wrongs = self.world.exchange.past.wrongs();
        self.check(promise, wrongs.is_empty(), || format!("{wrongs:#?}"));
        if self.world.plan.actors == Actors::CalCom {
            let writes = self.world.fake.writes();
            self.check(promise, writes.is_empty(), || {
                format!("nobody at the host did anything: {writes:?}")
            });
        }
    }

    /// Where only the host makes changes nothing contradicts them, whatever was repeated, lost,
    /// late or cut off.
    pub(super) fn nobody_is_asked_in_vain(&self) {
        let impossible = [
            ReviewReason::Conflict,
            ReviewReason::RemoteEnded,
            ReviewReason::AppointmentMissing,
            ReviewReason::LinkLost,
            ReviewReason::BookingMissing,
            ReviewReason::TwoLiveBookings,
            ReviewReason::RevisionMissing,
        ];
        for item in &self.open {
            let landed_late =
                item.reason == ReviewReason::Conflict && item.evidence.base_local.is_none();
            let holds = landed_late || !impossible.contains(&item.reason);
            self.check(Promise::NobodyAskedInVain, holds, || format!("{item:?}"));
        }
    }

    /// 5: what one tenant is told names nothing of the other's.
    pub(super) fn is_apart_from(&self, other: &Stand<'_>) {
        for (_, link) in &self.pairs {
            let uid = link.as_ref().and_then(|link| link.booking.clone());
            let booking = uid.and_then(|uid| self.booking(&uid));
            let is_foreign = booking.is_some_and(|b| other.customer.owns(b.event_type_id()));
            self.check(Promise::TenantsApart, !is_foreign, || format!("{link:?}"));
        }
    }

    /// 9: nothing secret or personal in what is printed.
    pub(super) fn tells_no_secret(&self) {
        let printed = format!(
            "{:?} {:?} {:?} {:?} {:?} {:?}",
            self.world.engine(),
            self.world.store(),
            self.open,
            self.log,
            self.pairs,
            self.inbox
        );
        let (secret, key) = (self.customer.secret, self.customer.key.expose_secret());
        for word in ["@example.com", "Attendee", secret, key] {
            self.check(Promise::SecretsKept, !printed.contains(word), || {
                format!("{word} is in {printed}")
            });
        }
    }

    /// All that a write would change.
    pub(super) fn fingerprint(&self) -> String {
        let appointments: Vec<&Appointment> = self.pairs.iter().map(|(a, _)| a).collect();
        let bookings = self.live.iter().map(|b| (&b.uid, b.start, &b.status));
        format!("{appointments:?} {:?}", bookings.collect::<Vec<_>>())
    }
}

/// A booking in the host's terms; who attends is not told of one that has ended.
fn state_of(booking: &Booking, known: &AppointmentState) -> AppointmentState {
    let status = match booking.status {
        BookingStatus::Accepted => AppointmentStatus::Confirmed,
        BookingStatus::Pending => AppointmentStatus::Pending,
        _ => AppointmentStatus::Cancelled,
    };
    let attendee = booking.attendees.first().map(Person::from);
    let state = AppointmentState::new(
        status,
        booking.start,
        booking.end,
        booking.event_type_id().unwrap_or(known.event_type),
        attendee.unwrap_or(known.attendee.clone()),
    );
    let mut state = state.with_guests(&booking.guests);
    state.host = booking.hosts.first().and_then(|host| host.id);
    state.absent = booking.attendees.first().map(|attendee| attendee.absent);
    match &booking.location {
        Some(location) => state.with_location(location.as_str()),
        None => state,
    }
}

impl History {
    /// Returns how many pairs disagree because a webhook was lost for good.
    pub(super) async fn keeps_its_promises(&mut self) -> usize {
        let world = &self.world;
        let [salon, studio] = world.customers.each_ref();
        let (salon, studio) = (
            Stand::of(world, salon).await,
            Stand::of(world, studio).await,
        );
        let mut gaps = 0;
        for stand in [&salon, &studio] {
            stand.writes_only_what_the_host_wants();
            stand.nothing_is_lost().await;
            stand.nothing_is_doubled().await;
            stand.nothing_is_retiring().await;
            gaps += stand.both_sides_agree().await;
            stand.contradicts_rightly();
            stand.tells_no_secret();
            if world.plan.actors == Actors::Host {
                stand.nobody_is_asked_in_vain();
            }
        }
        salon.is_apart_from(&studio);
        studio.is_apart_from(&salon);
        if !world.findings.is_empty() {
            for stand in [&salon, &studio] {
                stand.tell(&self.chronicle);
            }
        }
        gaps
    }
}

/// The booking that a moved booking, or seat, has left, as the webhook names it.
fn left_by(delivery: &testing::Delivery) -> Option<BookingUid> {
    let body: Value = serde_json::from_slice(&delivery.body).ok()?;
    let left = body["payload"]["rescheduleUid"].as_str()?;
    Some(BookingUid::new(left))
}

/// Whether following a chain from one of its bookings leads to another.
fn leads_to(chain: &[&Booking], from: &Booking, to: &Booking) -> bool {
    let mut at = from;
    for _ in 0..chain.len() {
        if at.uid == to.uid {
            return true;
        }
        let next = at.rescheduled_to_uid.as_ref();
        match next.and_then(|next| chain.iter().find(|b| b.uid == *next)) {
            Some(next) => at = next,
            None => return false,
        }
    }
    false
}

/// Whether an appointment ended before anybody heard of it.
fn is_nothing_to_book(appointment: &Appointment, link: Option<&Link>) -> bool {
    link.is_none() && !appointment.state.status.is_live()
}
