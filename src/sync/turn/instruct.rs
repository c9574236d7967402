//! Resolutions of review items, carried out by the turn.

use chrono::{DateTime, Utc};

use super::{Case, Stop, Turn};
use crate::store::{
    AppointmentWrite, Instruction, LogEvent, MarkId, Origin, Resolution, ReviewReason,
};
use crate::sync::facts::Order;

impl Turn<'_> {
    /// The waiting decisions, oldest first.
    fn instructions(&self) -> impl Iterator<Item = &Instruction> {
        let marks = self.claim.marks.iter();
        marks.filter_map(|mark| mark.instruction.as_ref())
    }

    /// The newest waiting decision. A retry only asks for another look, so it does not displace an
    /// order.
    pub(super) fn instruction(&self) -> Option<&Instruction> {
        let orders = self
            .instructions()
            .filter(|i| i.resolution != Resolution::Retry);
        orders.last().or_else(|| self.instructions().last())
    }

    /// Applies the waiting decisions to the turn.
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
        // A turn that could not finish hands the decision to the next one; what the host does
        // meanwhile counts again.
        if self.standing.obeyed == Some(instruction.review) {
            return Ok(());
        }
        self.standing.attempts = 0;
        if let Resolution::Rebook { start } = instruction.resolution {
            self.move_appointment(start).await?;
        }
        self.standing.obeyed = Some(instruction.review);
        Ok(())
    }

    /// Moves the appointment to the slot that the reviewer chose; the booking follows as with any
    /// change by the host.
    async fn move_appointment(&mut self, start: DateTime<Utc>) -> Result<(), Stop> {
        let Some(local) = self.local.clone() else {
            return Err(Case::of(ReviewReason::AppointmentMissing).into());
        };
        if local.state.start == start {
            return Ok(());
        }
        let mut state = self.tenant.as_kept(local.state.clone());
        state.end = start + (state.end - state.start);
        state.start = start;
        self.checkpoint().await.map_err(Stop::Store)?;
        let write = AppointmentWrite::new(state, Origin::System, self.engine.clock.now());
        let appointments = &self.engine.appointments;
        let update = appointments.update(&self.link.tenant, &local.id, local.revision, write);
        // The host wrote meanwhile: the next turn moves what it wrote.
        let moved = self.engine.host_call(update).await.map_err(Stop::Host)?;
        self.has_written(&moved);
        self.local = Some(self.as_booked(moved));
        Ok(())
    }

    /// The outcomes of the waiting decisions, in one sentence each.
    pub(super) fn end_instructions(&mut self, outcome: &str) {
        let obeyed = self.instruction().map(|instruction| instruction.review);
        let mut ended: Vec<Instruction> = Vec::new();
        for instruction in self.instructions() {
            if ended.iter().all(|known| known.review != instruction.review) {
                ended.push(instruction.clone());
            }
        }
        for instruction in ended {
            let is_retry = instruction.resolution == Resolution::Retry;
            let outcome = if is_retry || Some(instruction.review) == obeyed {
                outcome.to_owned()
            } else {
                "another decision came after it".to_owned()
            };
            self.log.push(LogEvent::InstructionEnded {
                resolution: instruction.resolution,
                outcome: outcome.clone(),
            });
            self.outcomes.push((instruction.review, outcome));
        }
        self.standing.obeyed = None;
    }

    /// The marks handled by this turn. A decision that could not be carried out yet waits for the
    /// next one.
    pub(super) fn heeded_marks(&self, is_done: bool) -> Vec<MarkId> {
        let marks = self.claim.marks.iter();
        marks
            .filter(|mark| is_done || mark.instruction.is_none())
            .map(|mark| mark.id)
            .collect()
    }
}
