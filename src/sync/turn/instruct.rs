//! What persons have decided, handed to the turn.

use chrono::{DateTime, Utc};

use super::{Stop, Turn};
use crate::store::{AppointmentWrite, Instruction, MarkId, Origin, Resolution, StoreErrorKind};
use crate::sync::decide::Order;

impl Turn<'_> {
    /// The newest instruction that waits, if there is one.
    pub(super) fn instruction(&self) -> Option<&Instruction> {
        let marks = self.claim.marks.iter().rev();
        marks.filter_map(|mark| mark.instruction.as_ref()).next()
    }

    /// Takes what was decided into the turn.
    pub(super) async fn take_instructions(&mut self) -> Result<(), Stop> {
        let Some(instruction) = self.instruction().cloned() else {
            return Ok(());
        };
        self.order = match instruction.resolution {
            Resolution::TakeRemote => Some(Order::TakeRemote),
            Resolution::ForceLocal => Some(Order::ForceLocal),
            Resolution::AcceptDifference => Some(Order::AcceptDifference),
            _ => None,
        };
        match instruction.resolution {
            Resolution::Retry => self.standing.attempts = 0,
            Resolution::Rebook { start } => self.move_appointment(start).await?,
            _ => {}
        }
        Ok(())
    }

    /// Moves the appointment to a slot that a person has chosen; the booking follows as it follows every change of the host's.
    async fn move_appointment(&mut self, start: DateTime<Utc>) -> Result<(), Stop> {
        let Some(local) = self.local.clone() else {
            return Ok(());
        };
        if local.state.start == start {
            return Ok(());
        }
        let mut state = local.state.clone();
        state.end = start + (state.end - state.start);
        state.start = start;
        self.checkpoint().await.map_err(Stop::Store)?;
        let write = AppointmentWrite::new(state, Origin::System, self.engine.clock.now());
        let appointments = &self.engine.appointments;
        let update = appointments.update(&self.link.tenant, &local.id, local.revision, write);
        match self.engine.host_call(update).await {
            Ok(updated) => {
                self.local = Some(updated);
                Ok(())
            }
            Err(error) if error.kind() == StoreErrorKind::Conflict => self.load_local().await,
            Err(error) => Err(Stop::Host(error)),
        }
    }

    /// The marks that this turn has heeded. An order that could not be carried out yet waits for the next turn.
    pub(super) fn heeded_marks(&self, is_done: bool) -> Vec<MarkId> {
        let marks = self.claim.marks.iter();
        marks
            .filter(|mark| {
                let resolution = mark.instruction.as_ref().map(|i| &i.resolution);
                is_done || resolution.is_none_or(|resolution| *resolution == Resolution::Retry)
            })
            .map(|mark| mark.id)
            .collect()
    }
}
