//! Writing to the host's repository, with origin `Calcom`.

use super::{Stop, Turn};
use crate::store::{AppointmentWrite, LinkKey, LogEvent, Origin, PendingWrite, StoreErrorKind};

impl Turn<'_> {
    pub(super) async fn create_appointment(&mut self) -> Result<(), Stop> {
        let (Some(remote), Some(chain), Some(booking)) = (
            self.remote.clone(),
            self.link.chain.clone(),
            self.link.booking.clone(),
        ) else {
            return Err(self
                .case_of(crate::store::ReviewReason::BookingMissing)
                .into());
        };
        let pending = PendingWrite::CreateAppointment {
            chain: chain.clone(),
        };
        if let Err(error) = self.begin_write(pending).await {
            if error.kind() == StoreErrorKind::Conflict {
                self.absorb_if_other(&LinkKey::Chain(chain)).await?;
            }
            return Err(Stop::Store(error));
        }
        let write = AppointmentWrite {
            state: remote.state.clone(),
            origin: Origin::Calcom,
            at: self.engine.clock.now(),
        };
        let appointments = &self.engine.appointments;
        let created = appointments
            .create_for_booking(&self.link.tenant, &chain, write)
            .await
            .map_err(Stop::Host)?;
        self.link.appointment = Some(created.id.clone());
        self.loaded_revision = Some(created.revision);
        // An earlier call may have created it, and the host may have changed it since; then the next round decides.
        if created.state.agrees_with(&remote.state) {
            self.link.base = Some(remote.state);
        }
        self.local = Some(created);
        self.link.pending = None;
        self.applied = true;
        self.log.push(LogEvent::AppointmentCreated { booking });
        Ok(())
    }

    pub(super) async fn update_appointment(&mut self) -> Result<(), Stop> {
        let (Some(local), Some(remote)) = (self.local.clone(), self.remote.clone()) else {
            return Err(self
                .case_of(crate::store::ReviewReason::AppointmentMissing)
                .into());
        };
        let write = AppointmentWrite {
            state: remote.state.clone().keeping_details_of(&local.state),
            origin: Origin::Calcom,
            at: self.engine.clock.now(),
        };
        let appointments = &self.engine.appointments;
        let updated = appointments
            .update(&self.link.tenant, &local.id, local.revision, write)
            .await;
        match updated {
            Ok(updated) => {
                let ends = local.state.status.is_live() && !remote.state.status.is_live();
                self.ended_series |= ends && self.link.series.is_some();
                self.link.base = Some(remote.state);
                self.local = Some(updated);
                self.applied = true;
                self.log.push(LogEvent::AppointmentUpdated {
                    booking: self.link.booking.clone(),
                });
                Ok(())
            }
            // The host wrote meanwhile, or removed it: look, and decide again.
            Err(error)
                if matches!(
                    error.kind(),
                    StoreErrorKind::Conflict | StoreErrorKind::NotFound
                ) =>
            {
                self.load_local().await
            }
            Err(error) => Err(Stop::Host(error)),
        }
    }
}
