//! Writing to the host's repository, with origin `Calcom`. Each write is preceded by a checkpoint,
//! so that a worker whose lease was taken over writes nothing.

use super::{Case, RemoteSide, Stop, Turn};
use crate::store::{
    AppointmentState, AppointmentWrite, Differences, LinkKey, LogEvent, Origin, ReviewReason,
    StoreErrorKind,
};
use crate::sync::standing::Base;

impl Turn<'_> {
    pub(super) async fn create_appointment(&mut self) -> Result<(), Stop> {
        let (Some(remote), Some(chain), Some(booking)) = (
            self.remote.clone(),
            self.link.chain.clone(),
            self.link.booking.clone(),
        ) else {
            return Err(Case::of(ReviewReason::BookingMissing).into());
        };
        // The appointment that the link has is missing. Another one for the same booking would be the
        // second.
        if self.link.appointment.is_some() {
            return Err(Case::of(ReviewReason::AppointmentMissing).into());
        }
        self.standing.creating_appointment = true;
        if let Err(error) = self.checkpoint().await {
            if error.kind() == StoreErrorKind::Conflict {
                self.absorb_if_other(&LinkKey::Chain(chain)).await?;
            }
            return Err(Stop::Store(error));
        }
        let write = self.write_of(remote.state.clone());
        let appointments = &self.engine.appointments;
        let created = appointments.create_for_booking(&self.link.tenant, &chain, write);
        let created = self.engine.host_call(created).await.map_err(Stop::Host)?;
        self.has_written(&created);
        let created = self.as_booked(created);
        self.link.appointment = Some(created.id.clone());
        self.loaded_revision = Some(created.revision);
        // An earlier call may have created it, and the host may have changed it since; then the
        // next round decides.
        if created.state.agrees_with(&remote.state) {
            self.standing.base = Some(Base::new(created.state.clone(), remote.state));
        }
        self.local = Some(created);
        self.standing.creating_appointment = false;
        self.applied = true;
        self.log.push(LogEvent::AppointmentCreated { booking });
        Ok(())
    }

    pub(super) async fn update_appointment(&mut self, state: AppointmentState) -> Result<(), Stop> {
        let (Some(local), Some(remote)) = (self.local.clone(), self.remote.clone()) else {
            return Err(Case::of(ReviewReason::AppointmentMissing).into());
        };
        self.checkpoint().await.map_err(Stop::Store)?;
        let write = self.write_of(state.keeping_details_of(&local.state));
        let appointments = &self.engine.appointments;
        let updated = appointments.update(&self.link.tenant, &local.id, local.revision, write);
        match self.engine.host_call(updated).await {
            Ok(updated) => {
                self.has_written(&updated);
                let updated = self.as_booked(updated);
                // What the host won, and Cal.com cannot take, stays at the host.
                if self.winner.is_some() && !updated.state.agrees_with(&remote.state) {
                    self.log.push(LogEvent::DifferenceAccepted);
                }
                self.standing.base = Some(Base::new(updated.state.clone(), remote.state));
                self.standing.owed = Differences::NONE;
                self.local = Some(updated);
                self.applied = true;
                self.log.push(LogEvent::AppointmentUpdated {
                    booking: self.link.booking.clone(),
                });
                Ok(())
            }
            // The host wrote meanwhile, or removed it, or another worker did: look at both sides,
            // and decide again.
            Err(error)
                if matches!(
                    error.kind(),
                    StoreErrorKind::Conflict | StoreErrorKind::NotFound
                ) =>
            {
                self.look_at_both_sides(remote).await
            }
            Err(error) => Err(Stop::Host(error)),
        }
    }

    /// Re-reads both sides, under a lease that still holds.
    async fn look_at_both_sides(&mut self, known: RemoteSide) -> Result<(), Stop> {
        self.checkpoint().await.map_err(Stop::Store)?;
        self.load_local().await?;
        self.remote = Some(known);
        self.read_remote().await
    }

    fn write_of(&self, state: AppointmentState) -> AppointmentWrite {
        let reason = self
            .remote
            .as_ref()
            .and_then(|remote| remote.reason.clone());
        let state = self.tenant.as_kept(state);
        let write = AppointmentWrite::new(state, Origin::Calcom, self.engine.clock.now());
        let write = write.with_reason(reason);
        match &self.link.booking {
            Some(booking) => write.with_booking(booking.clone()),
            None => write,
        }
    }
}
