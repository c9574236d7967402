//! `find_appointments`, `move_appointment` and `cancel_appointment`: what the caller has.

use chrono::{DateTime, Utc};

use super::super::books::{Bookable, Earlier, Entry, Wanted, Written};
use super::super::caller::Standing;
use super::super::input::{CancelAppointment, FindAppointments, MoveAppointment};
use super::super::outcome::{Doubt, Item, Outcome, Problem, Progress, Refusal};
use super::super::spoken::Spoken;
use super::super::tool::Tool;
use super::key::request_key;
use super::moment::{exactly, reading};
use super::session::{Asked, Session, Stop};
use crate::model::PhoneNumber;
use crate::store::AppointmentStatus;

/// Which of a caller's appointments is meant.
enum Which {
    This(Entry),
    /// The caller has none, and has named none.
    None,
}

impl Session {
    pub(super) async fn find(&self, input: FindAppointments) -> Result<Outcome, Stop> {
        let number = self.whose_number(&input.phone)?;
        let entries = self
            .books
            .of_number(&self.tenant, &number, self.now)
            .await?;
        let services = self.books.services(&self.tenant).await?;
        let kept = entries.iter().map(|entry| self.kept(entry, &services));
        Ok(Outcome::Appointments {
            appointments: kept.collect(),
        })
    }

    pub(super) async fn move_appointment(&self, input: MoveAppointment) -> Result<Outcome, Stop> {
        let number = self.whose_or_any(&input.phone, &input.appointment)?;
        let entry = match self.which(number.as_ref(), &input.appointment).await? {
            Which::This(entry) => entry,
            Which::None => return Ok(nothing()),
        };
        if !entry.status.is_live() {
            return Ok(refused(Refusal::WasCancelled));
        }
        if entry.start <= self.now {
            return Ok(refused(Refusal::HasBegun));
        }
        let services = self.books.services(&self.tenant).await?;
        let asked = self.asked_for(&entry, &services);
        let start = self.new_start(&asked, &entry, &input.when)?;
        if start == entry.start {
            let earlier = Earlier::Move;
            let written = self
                .books
                .settled(&self.tenant, entry.clone(), earlier, self.until)
                .await?;
            return self.moved(&asked, &entry, start, written, &services).await;
        }
        let end = start + chrono::TimeDelta::minutes(1);
        let is_free = self
            .free(&asked, start, end, Some(&entry))
            .await?
            .contains(&start);
        // Where it overlaps itself, only Cal.com can say whether it fits.
        let is_near = start < entry.end && entry.start < start + asked.wanted.length;
        let is_possible = is_near
            && self.fits(&asked, start)
            && !self
                .books
                .is_blocked(&self.tenant, asked.wanted, start, &entry, self.now)
                .await?;
        if !is_free && !is_possible {
            return Ok(self.taken(&asked, start, Some(&entry)).await?);
        }
        self.begin()?;
        let origin = &self.caller.origin;
        let written = self
            .books
            .move_to(&self.tenant, &entry, start, origin, self.now, self.until);
        let written = self.written(written.await)?;
        self.moved(&asked, &entry, start, written, &services).await
    }

    pub(super) async fn cancel_appointment(
        &self,
        input: CancelAppointment,
    ) -> Result<Outcome, Stop> {
        let number = self.whose_or_any(&input.phone, &input.appointment)?;
        let key = self.cancellation(number.as_ref(), &input);
        let services = self.books.services(&self.tenant).await?;
        let entry = match self.which(number.as_ref(), &input.appointment).await? {
            Which::This(entry) => entry,
            // The same request again, after it was carried out.
            Which::None => match self.recent.get(&key).await {
                Some(entry) => entry,
                None => return Ok(nothing()),
            },
        };
        if !entry.status.is_live() {
            let appointment = self.kept(&entry, &services);
            return Ok(Outcome::Cancelled { appointment });
        }
        if entry.start <= self.now {
            return Ok(refused(Refusal::HasBegun));
        }
        self.begin()?;
        let reason = input.reason.said();
        let origin = &self.caller.origin;
        let written = self
            .books
            .cancel(&self.tenant, &entry, reason, origin, self.now, self.until);
        Ok(match self.written(written.await)? {
            Written::Rejected => refused(Refusal::Rejected),
            Written::Ended => refused(Refusal::NotTheirs),
            Written::Done(_) | Written::Accepted(_) | Written::SlotTaken => {
                let appointment = self.kept(&entry, &services);
                let ended = Entry {
                    status: AppointmentStatus::Cancelled,
                    ..entry
                };
                self.recent.insert(key, ended).await;
                Outcome::Cancelled { appointment }
            }
        })
    }

    /// Whose appointments are meant. Whoever works for the tenant may name one by its id alone.
    fn whose_or_any(&self, phone: &Spoken, id: &Spoken) -> Result<Option<PhoneNumber>, Stop> {
        let is_named = phone.is_empty() && !id.is_empty();
        match self.caller.standing {
            Standing::Staff if is_named => Ok(None),
            _ => self.whose_number(phone).map(Some),
        }
    }

    /// What names a cancellation.
    fn cancellation(
        &self,
        number: Option<&PhoneNumber>,
        input: &CancelAppointment,
    ) -> crate::store::RequestKey {
        let conversation = self.caller.conversation.as_deref().unwrap_or_default();
        let arguments = serde_json::to_string(input).unwrap_or_default();
        let number = number.map(PhoneNumber::as_str).unwrap_or_default();
        let parts = [conversation, number, &arguments];
        request_key(self.tenant.id(), Tool::CancelAppointment, &parts)
    }

    /// Which of the caller's appointments is meant.
    async fn which(&self, number: Option<&PhoneNumber>, said: &Spoken) -> Result<Which, Stop> {
        if let Some(id) = said.said() {
            let found = self.books.of_id(&self.tenant, id, number).await?;
            return found
                .map(Which::This)
                .ok_or_else(|| refused(Refusal::NotTheirs).into());
        }
        let Some(number) = number else {
            return Err(Doubt::new(Item::Phone, Problem::Missing).into());
        };
        let mut entries = self.books.of_number(&self.tenant, number, self.now).await?;
        match entries.len() {
            0 => Ok(Which::None),
            1 => Ok(Which::This(entries.remove(0))),
            _ => {
                let readings = entries.iter().map(|entry| {
                    let mut reading = reading(self.zone_of_entry(entry), entry.start);
                    reading.value.clone_from(&entry.id);
                    reading
                });
                let doubt = Doubt::new(Item::Appointment, Problem::Ambiguous);
                Err(doubt.with_readings(readings).into())
            }
        }
    }

    fn zone_of_entry(&self, entry: &Entry) -> chrono_tz::Tz {
        self.zone(self.branch_of_entry(entry))
    }

    /// What an appointment would be asked for as.
    fn asked_for(&self, entry: &Entry, services: &[Bookable]) -> Asked<'_> {
        let length = entry.end - entry.start;
        let mut of_type = services
            .iter()
            .filter(|service| service.event_type == entry.event_type);
        let service = of_type.next().cloned().unwrap_or_else(|| Bookable {
            id: String::new(),
            name: String::new(),
            minutes: length.num_minutes().try_into().unwrap_or_default(),
            description: None,
            event_type: entry.event_type,
        });
        let branch = self.branch_of_entry(entry);
        Asked {
            service,
            branch,
            member: None,
            wanted: Wanted {
                event_type: entry.event_type,
                length,
                host: entry.host,
            },
            zone: self.zone(branch),
        }
    }

    /// When an appointment is to begin: a time without a day means its own day.
    fn new_start(
        &self,
        asked: &Asked<'_>,
        entry: &Entry,
        said: &Spoken,
    ) -> Result<DateTime<Utc>, Stop> {
        let mut when = self.when(asked.zone, said)?;
        if when.days.is_none() && when.instant.is_none() && when.time.is_some() {
            let day = entry.start.with_timezone(&asked.zone).date_naive();
            when.days = Some((day, day));
        }
        let start = exactly(&when, asked.zone, self.now)?;
        if start <= self.now {
            return Err(Doubt::new(Item::Date, Problem::InThePast).into());
        }
        Ok(start)
    }

    async fn moved(
        &self,
        asked: &Asked<'_>,
        before: &Entry,
        start: DateTime<Utc>,
        written: Written,
        services: &[Bookable],
    ) -> Result<Outcome, Stop> {
        let (entry, progress) = match written {
            Written::Done(entry) if entry.status == AppointmentStatus::Pending => {
                (entry, Progress::AwaitsConfirmation)
            }
            Written::Done(entry) => (entry, Progress::Confirmed),
            Written::Accepted(entry) => (entry, Progress::Accepted),
            Written::SlotTaken => return Ok(self.taken(asked, start, Some(before)).await?),
            Written::Rejected => return Ok(refused(Refusal::Rejected)),
            Written::Ended => return Ok(refused(Refusal::WasCancelled)),
        };
        Ok(Outcome::Moved {
            appointment: self.kept(&entry, services),
            progress,
        })
    }
}

fn refused(reason: Refusal) -> Outcome {
    Outcome::Refused { reason }
}

fn nothing() -> Outcome {
    Outcome::Appointments {
        appointments: Vec::new(),
    }
}
