//! Writing to Cal.com. Each write is stored as begun before it is sent, so that a crash in between
//! is known.

use chrono::{DateTime, Utc};

use super::{Case, Stop, Turn};
use crate::model::{Booking, BookingUid, EventTypeId, NewBooking, SeatUid, clean_text};
use crate::store::{AppointmentState, AppointmentStatus, LogEvent, Origin, ReviewReason, SyncKey};
use crate::sync::SYNC_KEY_METADATA;
use crate::sync::calendar::{CalendarError, CalendarErrorKind, EventTypeFacts, Write};
use crate::sync::failure;
use crate::sync::new_booking::{missing_answers, new_booking};
use crate::sync::review::with_causes;
use crate::sync::seats;
use crate::sync::standing::SentWrite;
use crate::sync::state::project;

/// How often Cal.com may contradict what was just read from it before the turn gives way.
const MAX_CONTRADICTIONS: u32 = 2;

impl Turn<'_> {
    /// What is to be pushed, and by whom.
    pub(super) fn wanted(&self) -> Result<(AppointmentState, Origin), Stop> {
        match (&self.local, &self.remote) {
            (Some(local), _) => Ok((local.state.clone(), local.origin.clone())),
            // A person has said that the booking of an appointment that is gone is to go too.
            (None, Some(remote)) => {
                let mut state = remote.state.clone();
                state.status = AppointmentStatus::Cancelled;
                Ok((state, Origin::System))
            }
            (None, None) => Err(Case::of(ReviewReason::AppointmentMissing).into()),
        }
    }

    /// The booking that is to be changed.
    pub(super) fn current_booking(&self) -> Result<BookingUid, Stop> {
        let booking = self.link.booking.clone();
        booking.ok_or_else(|| Case::of(ReviewReason::BookingMissing).into())
    }

    /// What is known of the event type, if it is the tenant's. Creating a booking needs no
    /// authorization at Cal.com, so this is the only guard.
    pub(super) async fn own_event_type(&self, id: EventTypeId) -> Result<EventTypeFacts, Stop> {
        let foreign = || {
            let message = format!(
                "The appointment's event type {id} is not one of the tenant's, and nothing was sent. Name it for the tenant, or change the appointment, then retry."
            );
            let case = Case::new(ReviewReason::ForeignEventType, message);
            Stop::from(case.shared(format!("{}/{id}", ReviewReason::ForeignEventType)))
        };
        let names_it = self.tenant.event_types.contains(&id);
        if !names_it {
            let owner = self.engine.tenants.tenant_of_event_type(id);
            let owner = self.engine.host_call(owner).await.map_err(Stop::Host)?;
            let is_anothers = owner.is_some_and(|owner| owner != self.tenant.id);
            if is_anothers || !self.tenant.event_types.is_empty() {
                return Err(foreign());
            }
        }
        let read = self.call(self.tenant.calendar.event_type(id));
        let ttl = self.engine.config.event_type_ttl;
        let known = &self.engine.event_types;
        let facts = known.get(&self.tenant.id, id, ttl, read).await?;
        match facts {
            Some(facts)
                if names_it || facts.hosts.iter().any(|h| self.tenant.hosts.contains(h)) =>
            {
                Ok((*facts).clone())
            }
            // Named by the tenant and not readable with its key, as a colleague's or a team's can be:
            // Cal.com decides. It may recur, and a count is ignored if it does not.
            None if names_it => Ok(EventTypeFacts {
                recurs: true,
                ..EventTypeFacts::default()
            }),
            _ => Err(foreign()),
        }
    }

    pub(super) fn new_booking(
        &self,
        state: &AppointmentState,
        facts: &EventTypeFacts,
        sync_key: &SyncKey,
    ) -> NewBooking {
        let defaults = self.tenant.defaults_of(state.event_type);
        new_booking(state, facts, defaults).with_metadata(SYNC_KEY_METADATA, sync_key.as_str())
    }

    /// A booking that lacks a required answer is refused; which one it is, the server says badly.
    fn require_answers(
        &self,
        state: &AppointmentState,
        facts: &EventTypeFacts,
    ) -> Result<(), Stop> {
        let defaults = self.tenant.defaults_of(state.event_type);
        let missing = missing_answers(state, facts, defaults);
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!(
            "The event type {} requires an answer to: {}. Give it with the appointment, or a default for the tenant, then retry.",
            state.event_type,
            missing.join(", ")
        );
        Err(Case::new(ReviewReason::RequiredFieldMissing, message).into())
    }

    /// Books the appointment, in place of another booking if one is named.
    pub(super) async fn create(&mut self, replaces: Option<BookingUid>) -> Result<(), Stop> {
        let (state, origin) = self.wanted()?;
        let Some(appointment) = self.link.appointment.clone() else {
            return Err(Case::of(ReviewReason::AppointmentMissing).into());
        };
        let facts = self.own_event_type(state.event_type).await?;
        if replaces.is_none() && self.find_lost_booking(&state).await? {
            return Ok(());
        }
        self.require_answers(&state, &facts)?;
        // Every attempt of one generation goes out under the same key, so that each can be found by
        // it; also one long after a first that was given up, which may still be carried out.
        let keys = &self.engine.sync_keys;
        let generation = self.standing.generation;
        let sync_key = keys.derive(&self.link.tenant, &appointment, generation);
        let write = SentWrite::create(sync_key.clone()).replacing(replaces.clone());
        self.link.sync_key = Some(sync_key.clone());
        self.begin(write.clone(), &state);
        self.checkpoint().await.map_err(Stop::Store)?;

        let booking = self.new_booking(&state, &facts, &sync_key);
        let sent = Write::Create(Box::new(booking));
        let created = self.send(&sent).await;
        match created.map(|created| seats::answered(created, None)) {
            // The one that is to be replaced: it is in the way.
            Ok(created) if replaces.as_ref() == Some(&created.uid) => {
                self.refused(&write, &state);
                let message = "Cal.com answered with the booking that is to be replaced";
                let error = CalendarError::new(CalendarErrorKind::SlotTaken, message);
                self.make_room(created.uid, &state, &error).await
            }
            Ok(created) if created.metadata_str(SYNC_KEY_METADATA) != Some(sync_key.as_str()) => {
                // Somebody's existing booking: none was made for this appointment. An answer that
                // names no key at all does not prove that; the booking is looked for by ours.
                if created.metadata_str(SYNC_KEY_METADATA).is_some() {
                    self.refused(&write, &state);
                }
                let message = "Cal.com answered the creation with an existing booking of the same attendee at the same start, which is not this appointment's. Move one of the two appointments, then retry.";
                let case = Case::new(ReviewReason::AnotherBooking, message);
                Err(case.about([created.uid]).into())
            }
            Ok(created) => {
                let to = created.uid.clone();
                let gone = self.standing.retiring.take_if(|retiring| retiring.is_gone);
                let from = replaces.clone().or(gone.map(|gone| gone.booking));
                self.log.push(match from {
                    Some(from) => LogEvent::BookingReplaced { from, to, origin },
                    None => LogEvent::BookingCreated {
                        booking: to,
                        origin,
                    },
                });
                if let Some(old) = replaces {
                    let base = self.standing.base.clone();
                    self.has_been_replaced(old, base);
                }
                self.standing.generation += 1;
                self.landed(&write, &state);
                self.answered(&write, &state, &created)?;
                if !self.is_ours(&created).await? {
                    let message = "The booking that was made is on an event type or a host that is not this tenant's. Cancel it at Cal.com.";
                    return Err(Case::new(ReviewReason::ForeignBooking, message).into());
                }
                if !self.standing.pending.is_empty() {
                    // An earlier attempt may have been carried out as well.
                    self.read_remote().await?;
                }
                Ok(())
            }
            // Perhaps the one in the way is ours.
            Err(error) if is_collision(&error) => {
                self.read_remote().await?;
                if self.landed {
                    return Ok(());
                }
                self.refused(&write, &state);
                // Of creations that come at once the server refuses all but one, whether there is room
                // for them or not.
                let attempts = self.standing.attempts;
                if error.kind() == CalendarErrorKind::Contradicted
                    && failure::attempt(attempts, &self.engine.config, 0).is_some()
                {
                    return Err(error.into());
                }
                if let Some(old) = replaces {
                    return self.make_room(old, &state, &error).await;
                }
                let taken = self.slot_taken(&state, &error).await;
                Err(self.undo_rebooking(taken).await)
            }
            Err(error) if error.kind() == CalendarErrorKind::Rejected => {
                let rejected = self.after_refusal(error, &write, &state);
                Err(self.undo_rebooking(rejected).await)
            }
            Err(error) => Err(self.after_refusal(error, &write, &state)),
        }
    }

    pub(super) async fn reschedule(&mut self, start: DateTime<Utc>) -> Result<(), Stop> {
        let (state, origin) = self.wanted()?;
        let from = self.current_booking()?;
        let write = SentWrite::Reschedule {
            booking: from.clone(),
            start,
        };
        self.begin(write.clone(), &state);
        self.checkpoint().await.map_err(Stop::Store)?;
        let (booking, seat) = whole_and_seat(&from);
        let sent = Write::Reschedule {
            booking,
            seat,
            start,
            reason: self.reason_or(&self.engine.config.rescheduling_reason),
        };
        let moved = self.send(&sent).await;
        match moved.map(|moved| seats::answered(moved, Some(&from))) {
            Ok(moved) => {
                self.log.push(LogEvent::BookingRescheduled {
                    from,
                    to: moved.uid.clone(),
                    origin,
                });
                self.landed(&write, &state);
                self.answered(&write, &state, &moved)
            }
            Err(error) => self.after_failed_change(error, &write, &state).await,
        }
    }

    pub(super) async fn cancel_booking(&mut self) -> Result<(), Stop> {
        let (state, origin) = self.wanted()?;
        let booking = self.current_booking()?;
        let reason = self.reason_or(&self.engine.config.cancellation_reason);
        let write = SentWrite::cancel(booking.clone()).because(reason.clone());
        self.begin(write.clone(), &state);
        self.checkpoint().await.map_err(Stop::Store)?;
        let sent = cancellation(&booking, reason);
        let cancelled = self.send(&sent).await;
        match cancelled.map(|cancelled| as_named(cancelled, &booking)) {
            Ok(cancelled) => {
                self.log
                    .push(LogEvent::BookingCancelled { booking, origin });
                self.landed(&write, &state);
                self.answered(&write, &state, &cancelled)
            }
            Err(error) => self.after_failed_change(error, &write, &state).await,
        }
    }

    /// The host's reason for its latest change, or else a general one. The attendee reads it.
    pub(super) fn reason_or(&self, general: &str) -> String {
        let local = self
            .local
            .as_ref()
            .filter(|local| local.origin != Origin::Calcom);
        let reason = local.and_then(|local| local.reason.as_ref());
        let reason = reason.map(|reason| clean_text(reason.as_str()).trim().to_owned());
        let reason = reason.filter(|reason| !reason.is_empty());
        reason.unwrap_or_else(|| general.to_owned())
    }

    /// Takes the answer to a write: Cal.com may have given the booking another length, or left it
    /// pending.
    pub(super) fn answered(
        &mut self,
        write: &SentWrite,
        sent: &AppointmentState,
        answer: &Booking,
    ) -> Result<(), Stop> {
        let remote = project(answer, Some(sent));
        // What cannot be put into the host's terms is told when it is taken.
        let remote = remote.unwrap_or_else(|_| sent.clone());
        let wish = self.wish;
        self.take_answer(write, wish, sent, remote);
        self.take_remote(answer)
    }

    /// A move or a cancellation was refused: look at the booking, which may be where it was wanted
    /// already.
    pub(super) async fn after_failed_change(
        &mut self,
        error: CalendarError,
        write: &SentWrite,
        wanted: &AppointmentState,
    ) -> Result<(), Stop> {
        if !is_collision(&error) {
            return Err(self.after_refusal(error, write, wanted));
        }
        let before = self.remote.as_ref().map(|remote| remote.state.clone());
        let was_fresh = self.fresh;
        self.read_remote().await?;
        if self.landed {
            return Ok(());
        }
        self.refused(write, wanted);
        let now = self.remote.as_ref().map(|remote| remote.state.clone());
        if before != now {
            return Ok(());
        }
        if error.kind() == CalendarErrorKind::SlotTaken {
            return Err(self.slot_taken(wanted, &error).await);
        }
        self.contradictions += 1;
        if was_fresh && self.contradictions >= MAX_CONTRADICTIONS {
            return Err(error.into());
        }
        Ok(())
    }

    /// A write that was refused as such has not happened; of any other failure that is not known.
    pub(super) fn after_refusal(
        &mut self,
        error: CalendarError,
        write: &SentWrite,
        state: &AppointmentState,
    ) -> Stop {
        if is_refused(&error) {
            self.refused(write, state);
        }
        error.into()
    }

    /// The case of a slot that belongs to somebody else, with free ones near it.
    pub(super) async fn slot_taken(
        &self,
        wanted: &AppointmentState,
        error: &CalendarError,
    ) -> Stop {
        let config = &self.engine.config;
        let from = (wanted.start - config.alternatives_within).max(self.claim.now);
        let until = wanted.start + config.alternatives_within;
        let calendar = &self.tenant.calendar;
        let slots = calendar.free_slots(wanted.event_type, from, until);
        // Alternatives are a kindness; the case stands without them.
        let mut slots = self.call(slots).await.unwrap_or_default();
        slots.sort_by_key(|slot| ((*slot - wanted.start).abs(), *slot));
        slots.truncate(config.max_alternatives);
        let message = format!(
            "The time that was wanted cannot be booked: {}. Rebook at one of the free slots, or move or cancel the appointment.",
            with_causes(error)
        );
        let mut case = Case::new(ReviewReason::SlotTaken, message);
        case.alternatives = slots;
        case.into()
    }

    /// Cancels live bookings that the engine itself had made and that are not wanted any more,
    /// without asking anybody.
    pub(super) async fn cancel_late_landings(&mut self, late: Vec<BookingUid>) -> Result<(), Stop> {
        for booking in late {
            self.checkpoint().await.map_err(Stop::Store)?;
            let sent = cancellation(&booking, self.engine.config.cancellation_reason.clone());
            match self.send(&sent).await {
                Ok(_) => {}
                // It has ended by itself, or is ending: the next read says so.
                Err(error) if error.kind() == CalendarErrorKind::Contradicted => {}
                Err(error) => return Err(error.into()),
            }
            self.standing.rivals.retain(|rival| *rival != booking);
            self.standing.late.retain(|late| *late != booking);
            self.log.push(LogEvent::LateBookingCancelled { booking });
        }
        Ok(())
    }
}

/// The booking that a uid names, and the seat of it if it names one.
pub(super) fn whole_and_seat(uid: &BookingUid) -> (BookingUid, Option<SeatUid>) {
    match uid.seat() {
        Some((whole, seat)) => (whole, Some(seat)),
        None => (uid.clone(), None),
    }
}

/// The booking, or the seat of it, that a uid names.
pub(super) fn as_named(booking: Booking, uid: &BookingUid) -> Booking {
    match uid.seat() {
        Some((_, seat)) => seats::seat_of(&booking, &seat),
        None => booking,
    }
}

/// The cancellation of a booking, or of one seat.
pub(super) fn cancellation(uid: &BookingUid, reason: String) -> Write {
    let (booking, seat) = whole_and_seat(uid);
    Write::Cancel {
        booking,
        seat,
        reason,
    }
}

/// Whether a call was certainly not carried out.
pub(super) fn is_refused(error: &CalendarError) -> bool {
    matches!(
        error.kind(),
        CalendarErrorKind::Rejected
            | CalendarErrorKind::Denied
            | CalendarErrorKind::Throttled
            | CalendarErrorKind::Unsupported
    )
}

/// Whether the refusal may come from an earlier attempt of ours.
pub(super) fn is_collision(error: &CalendarError) -> bool {
    matches!(
        error.kind(),
        CalendarErrorKind::SlotTaken | CalendarErrorKind::Contradicted
    )
}
