//! Writing to Cal.com. Each write is stored as begun before it is sent, so that a crash in between is known.

use chrono::{DateTime, Utc};

use super::{Case, Stop, Turn};
use crate::model::{BookingUid, NewAttendee, NewBooking};
use crate::store::{AppointmentState, LogEvent, Origin, PendingWrite, ReviewReason, SyncKey};
use crate::sync::SYNC_KEY_METADATA;
use crate::sync::calendar::{CalendarError, CalendarErrorKind};

/// How often Cal.com may contradict what was just read from it before the turn gives way.
const MAX_CONTRADICTIONS: u32 = 2;

impl Turn<'_> {
    /// What is to be pushed, and by whom.
    fn wanted(&self) -> Result<(AppointmentState, Origin), Stop> {
        match &self.local {
            Some(local) => Ok((local.state.clone(), local.origin.clone())),
            // Unreachable by `decide`, which pushes only what is there.
            None => Err(self.case_of(ReviewReason::AppointmentMissing).into()),
        }
    }

    /// The booking that is to be changed.
    fn current_booking(&self) -> Result<BookingUid, Stop> {
        let booking = self.link.booking.clone();
        booking.ok_or_else(|| self.case_of(ReviewReason::BookingMissing).into())
    }

    pub(super) async fn create_booking(&mut self) -> Result<(), Stop> {
        let (state, origin) = self.wanted()?;
        // A second attempt goes out under the same key, so that either can be found by it; also one long after a first that was
        // given up, which may still be carried out. A link that has had a booking begins anew.
        let (earlier_key, mut attempts) = match &self.link.pending {
            Some(PendingWrite::CreateBooking {
                sync_key,
                state,
                earlier,
                ..
            }) => {
                let sent = std::iter::once(state).chain(earlier).cloned().collect();
                (Some(sync_key.clone()), sent)
            }
            _ if self.link.booking.is_none() => (self.link.sync_key.clone(), Vec::new()),
            _ => (None, Vec::new()),
        };
        let is_second = earlier_key.is_some();
        let sync_key = earlier_key.unwrap_or_else(|| self.engine.new_sync_key());
        attempts.retain(|sent: &AppointmentState| *sent != state);
        self.begin_write(PendingWrite::CreateBooking {
            sync_key: sync_key.clone(),
            state: state.clone(),
            revision: self.loaded_revision.unwrap_or_default(),
            earlier: attempts.clone(),
        })
        .await
        .map_err(Stop::Store)?;

        attempts.insert(0, state.clone());

        let attendee = NewAttendee::from(&state.attendee);
        let booking = NewBooking::new(state.event_type, state.start, attendee)
            .with_metadata(SYNC_KEY_METADATA, sync_key.as_str());
        match self.call(self.tenant.calendar.create(&booking)).await {
            Ok(created) => {
                self.log.push(LogEvent::BookingCreated {
                    booking: created.uid.clone(),
                    origin,
                });
                self.pushed = true;
                self.link.base = Some(state.clone());
                self.link.pending = None;
                self.take_remote(&created)?;
                if is_second {
                    self.check_for_rivals(&sync_key, &attempts).await?;
                }
                Ok(())
            }
            // Perhaps the one in the way is ours.
            Err(error) if is_collision(&error) => {
                self.read_remote().await?;
                if self.link.pending.is_some() {
                    self.link.pending = None;
                    return Err(self.slot_taken(&state, &error).await);
                }
                Ok(())
            }
            Err(error) => Err(self.after_refusal(error)),
        }
    }

    /// After a second attempt succeeded, the first one may have been carried out as well.
    async fn check_for_rivals(
        &mut self,
        sync_key: &SyncKey,
        attempts: &[AppointmentState],
    ) -> Result<(), Stop> {
        let found = self.look_up(sync_key, attempts).await?;
        let known = self.link.booking.clone();
        self.link.rivals = found
            .into_iter()
            .map(|(uid, _)| uid)
            .filter(|uid| Some(uid) != known.as_ref())
            .collect();
        if self.link.rivals.is_empty() {
            return Ok(());
        }
        self.read_remote().await
    }

    pub(super) async fn reschedule(&mut self, start: DateTime<Utc>) -> Result<(), Stop> {
        let (state, origin) = self.wanted()?;
        let from = self.current_booking()?;
        self.begin_write(PendingWrite::Reschedule {
            booking: from.clone(),
            start,
        })
        .await
        .map_err(Stop::Store)?;
        let call = self.tenant.calendar.reschedule(&from, start);
        match self.call(call).await {
            Ok(moved) => {
                self.log.push(LogEvent::BookingRescheduled {
                    from,
                    to: moved.uid.clone(),
                    origin,
                });
                self.finish_push(state, &moved)
            }
            Err(error) => self.after_failed_change(error, &state).await,
        }
    }

    pub(super) async fn cancel_booking(&mut self) -> Result<(), Stop> {
        let (state, origin) = self.wanted()?;
        let booking = self.current_booking()?;
        self.begin_write(PendingWrite::Cancel {
            booking: booking.clone(),
        })
        .await
        .map_err(Stop::Store)?;
        let reason = &self.engine.config.cancellation_reason;
        let call = self.tenant.calendar.cancel(&booking, reason);
        match self.call(call).await {
            Ok(cancelled) => {
                self.log
                    .push(LogEvent::BookingCancelled { booking, origin });
                self.finish_push(state, &cancelled)
            }
            Err(error) => self.after_failed_change(error, &state).await,
        }
    }

    fn finish_push(
        &mut self,
        state: AppointmentState,
        answer: &crate::model::Booking,
    ) -> Result<(), Stop> {
        self.pushed = true;
        self.link.base = Some(state);
        self.link.pending = None;
        self.take_remote(answer)
    }

    /// A move or a cancellation was refused: look at the booking, which may be where it was wanted already.
    async fn after_failed_change(
        &mut self,
        error: CalendarError,
        wanted: &AppointmentState,
    ) -> Result<(), Stop> {
        if !is_collision(&error) {
            return Err(self.after_refusal(error));
        }
        let before = self.remote.as_ref().map(|remote| remote.state.clone());
        let was_fresh = self.fresh;
        self.read_remote().await?;
        let now = self.remote.as_ref().map(|remote| remote.state.clone());
        if before != now {
            return Ok(());
        }
        if error.kind() == CalendarErrorKind::SlotTaken {
            self.link.pending = None;
            return Err(self.slot_taken(wanted, &error).await);
        }
        self.contradictions += 1;
        if was_fresh && self.contradictions >= MAX_CONTRADICTIONS {
            return Err(error.into());
        }
        Ok(())
    }

    /// A write that was refused as such has not happened; of any other failure that is not known.
    fn after_refusal(&mut self, error: CalendarError) -> Stop {
        if error.kind() == CalendarErrorKind::Rejected {
            self.link.pending = None;
        }
        error.into()
    }

    /// The case of a slot that belongs to somebody else, with free ones near it.
    async fn slot_taken(&self, wanted: &AppointmentState, error: &CalendarError) -> Stop {
        let config = &self.engine.config;
        let from = (wanted.start - config.alternatives_within).max(self.engine.clock.now());
        let until = wanted.start + config.alternatives_within;
        let calendar = &self.tenant.calendar;
        let slots = calendar.free_slots(wanted.event_type, from, until);
        // Alternatives are a kindness; the case stands without them.
        let mut slots = self.call(slots).await.unwrap_or_default();
        slots.sort_by_key(|slot| ((*slot - wanted.start).abs(), *slot));
        slots.truncate(config.max_alternatives);
        let mut case = Case::new(
            ReviewReason::SlotTaken,
            format!("The time that was wanted cannot be booked: {error}"),
        );
        case.alternatives = slots;
        case.into()
    }
}

/// Whether the refusal may come from an earlier attempt of ours.
fn is_collision(error: &CalendarError) -> bool {
    matches!(
        error.kind(),
        CalendarErrorKind::SlotTaken | CalendarErrorKind::Contradicted
    )
}
