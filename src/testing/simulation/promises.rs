//! What has to hold after every history, whatever happened in it.

use secrecy::ExposeSecret;

use super::STORE;
use super::history::History;
use super::plan::Actors;
use super::stand::Stand;
use super::trace::Promise;
use super::unsteady::Poison;
use crate::model::{Booking, BookingStatus};
use crate::store::{
    Appointment, AppointmentState, AppointmentStatus, ChangeFate, Field, Link, LogEvent, Origin,
    Page, Person, Resolution, ReviewReason,
};
use crate::sync::{Inexpressible, Standing};

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
            let is_left = self.was_dismissed(&link) || self.may_stay_alone(booking, &link);
            if is_paired || self.is_in_review(&link) || is_left {
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

    /// Whether the host cannot read the appointment, nor any list that it is in.
    fn is_poisoned(&self, appointment: &Appointment) -> bool {
        let past = &self.world.exchange.past;
        past.poison_of(&self.customer.id, &appointment.id).is_some()
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

    /// Whether a person has said that this booking, as it is, may be without an appointment.
    fn may_stay_alone(&self, booking: &Booking, link: &Link) -> bool {
        let base = Standing::of(link).ok().and_then(|standing| standing.base);
        let is_accepted = base.is_some_and(|base| {
            let now = state_of(booking, &base.remote);
            !base.local.status.is_live() && base.remote.agrees_with(&now)
        });
        is_accepted
            && link.appointment.is_none()
            && link.booking.as_ref() == Some(&booking.uid)
            && self.was_accepted(link)
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

/// Whether an appointment ended before anybody heard of it.
fn is_nothing_to_book(appointment: &Appointment, link: Option<&Link>) -> bool {
    link.is_none() && !appointment.state.status.is_live()
}
