//! People at the host.

use chrono::TimeDelta;

use super::coverage::{Act, Mishap};
use super::history::History;
use super::tenants::Customer;
use super::unsteady::Poison;
use super::world::{SLOTS, person, slot, wish};
use crate::store::{AppointmentState, AppointmentStatus, Guests, Origin};

/// Where appointments take place.
pub(super) const ROOMS: [&str; 3] = ["Room 1", "Room 2", "Room 3"];

impl History {
    /// Two appointments that nobody can work on: reading one panics, reading the other fails.
    pub(super) async fn plant_poison(&self) {
        for (poison, hour) in [(Poison::Panics, 20), (Poison::Fails, 21)] {
            let customer = self.customer();
            let start = slot(0) + TimeDelta::hours(hour);
            let state = wish(customer.types.plain, start, 30, 0);
            let made = self.world.make(customer, state, Origin::Phone).await;
            let past = &self.world.exchange.past;
            past.plant(&customer.id, &made.id, poison);
            self.note(format!("{}: {} {poison:?}", customer.id, made.id));
        }
    }

    pub(super) async fn host_acts(&self) {
        let (customer, chance) = (self.customer(), &self.chance);
        let start = slot(chance.number(0..SLOTS));
        let origin = match chance.number(0..25) {
            0..=1 => Origin::Calcom,
            2..=12 => Origin::Phone,
            _ => Origin::Admin,
        };
        let mut all = self.world.appointments(customer).await;
        let past = &self.world.exchange.past;
        all.retain(|found| past.poison_of(&customer.id, &found.id).is_none());
        let kind = chance.number(0..53);
        let Some(found) = chance.pick(&all).filter(|_| kind >= 12) else {
            self.host_makes_one(customer, origin).await;
            return;
        };
        let act = match kind {
            12..=23 => Act::HostMoves,
            24..=29 => Act::HostCancels,
            30..=33 => Act::HostRevives,
            34..=35 => Act::HostLengthens,
            36..=37 => Act::HostRenames,
            38 => Act::HostGivesAway,
            39..=41 => Act::HostDeclines,
            42..=43 => Act::HostRelocates,
            44..=45 => Act::HostInvites,
            46 => Act::HostMovesAndRelocates,
            47..=48 => Act::HostChangesService,
            49..=50 => Act::HostReassigns,
            _ => Act::HostNotesAbsence,
        };
        let whom = chance.number(0..3);
        let service = chance.one_of(&customer.types.all());
        let staff = chance.one_of(&customer.staff);
        self.note(format!(
            "{}: {} {} at {start} ({origin})",
            customer.id,
            act.as_str(),
            found.id
        ));
        self.world.tally.act(act);
        let event_type = found.state.event_type;
        let of_its_kind = match act {
            Act::HostMoves if event_type == customer.types.course => Some(Act::HostMovesSeat),
            Act::HostCancels if event_type == customer.types.course => Some(Act::HostGivesUpSeat),
            Act::HostMoves if event_type == customer.types.weekly => Some(Act::HostMovesOccurrence),
            Act::HostCancels if event_type == customer.types.weekly => {
                Some(Act::HostCancelsOccurrence)
            }
            _ => None,
        };
        if let Some(act) = of_its_kind {
            self.world.tally.act(act);
        }
        let change = self.world.change(customer, found, origin, |state| {
            let move_it = |state: &mut AppointmentState| {
                state.end = start + (state.end - state.start);
                state.start = start;
            };
            let room = ROOMS[whom as usize % ROOMS.len()];
            match act {
                Act::HostMoves => move_it(state),
                Act::HostCancels => state.status = AppointmentStatus::Cancelled,
                Act::HostLengthens => state.end += TimeDelta::minutes(30),
                Act::HostRenames => state.attendee.name += " Corrected",
                Act::HostGivesAway => state.attendee = person(whom),
                Act::HostDeclines => state.status = AppointmentStatus::Declined,
                Act::HostRelocates => state.location = Some(room.into()),
                Act::HostInvites => {
                    let known = state.guests.iter().flat_map(Guests::iter);
                    let known: Vec<String> = known.map(str::to_owned).collect();
                    let guest = format!("guest{whom}@example.com");
                    state.guests = Some(known.into_iter().chain([guest]).collect());
                }
                Act::HostMovesAndRelocates => {
                    state.location = Some(room.into());
                    move_it(state);
                }
                Act::HostChangesService => state.event_type = service,
                Act::HostReassigns => state.host = Some(staff),
                Act::HostNotesAbsence => state.absent = Some(whom > 0),
                _ => state.status = AppointmentStatus::Confirmed,
            }
        });
        change.await;
    }

    async fn host_makes_one(&self, customer: &Customer, origin: Origin) {
        let chance = &self.chance;
        let start = slot(chance.number(0..SLOTS));
        let (event_type, act) = match chance.number(0..60) {
            // Not the tenant's own: nothing may be sent for it.
            0 => {
                let [salon, studio] = self.world.customers.each_ref();
                let other = if salon.id == customer.id {
                    studio
                } else {
                    salon
                };
                (other.types.plain, Act::HostMakesForeign)
            }
            _ => (customer.types.some(chance), Act::HostMakes),
        };
        let minutes = if event_type == customer.types.lengths {
            chance.one_of(&[30, 60, 90])
        } else if chance.percent(4) {
            // Cal.com knows no such length: it books its own.
            50
        } else {
            30
        };
        let state = wish(event_type, start, minutes, chance.number(0..3));
        let made = self.world.make(customer, state, origin.clone()).await;
        self.world.tally.act(act);
        if event_type == customer.types.course {
            self.world.tally.act(Act::HostTakesSeat);
        }
        self.note(format!(
            "{}: host makes {} of {event_type} at {start}, {minutes} min ({origin})",
            customer.id, made.id
        ));
    }

    /// A worker compares both sides with the books while everything else goes on, and may die at
    /// it.
    pub(super) async fn somebody_sweeps(&mut self) {
        if !self.world.plan.sweeps {
            return;
        }
        self.world.tally.act(Act::Sweep);
        if self.chance.percent(30) {
            self.cut_off_a_sweep().await;
            self.world.tally.fault(Mishap::SweepCutOff);
            return;
        }
        let report = self.sweep_once().await;
        self.note(format!("sweep: {report}"));
    }
}
