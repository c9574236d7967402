//! `collect_appointment_data`: checks what was understood so far.

use chrono::NaiveTime;

use super::super::caller::Standing;
use super::super::input::CollectAppointmentData;
use super::super::outcome::{Collected, Doubt, Item, Outcome, Problem};
use super::super::spoken::Spoken;
use super::super::when::WhenTime;
use super::moment::exactly;
use super::session::{Session, Stop};
use crate::model::is_email;

impl Session {
    pub(super) async fn collect(&self, input: CollectAppointmentData) -> Result<Outcome, Stop> {
        let mut data = Collected::default();
        let mut open = Vec::new();
        let mut branch = self.branch(&input.branch).unwrap_or_else(|doubt| {
            open.push(doubt);
            None
        });
        let member = self.member(&input.staff).unwrap_or_else(|doubt| {
            open.push(doubt);
            None
        });
        data.branch = branch.map(|branch| branch.name.clone());
        data.staff = member.map(|member| member.name.clone());
        match input.service.said() {
            None => open.push(Doubt::new(Item::Service, Problem::Missing)),
            Some(said) => {
                let services = self.services(branch, member).await?;
                match self.service(said, &services) {
                    Ok(service) => {
                        // Its times are those of the branch where it is offered.
                        branch = branch.or_else(|| self.only_branch_of(service.event_type));
                        data.service = Some(service.name);
                    }
                    Err(doubt) => open.push(doubt),
                }
            }
        }
        self.collect_time(&input, branch, &mut data, &mut open);
        match name_of(&input.name) {
            Ok(name) => data.name = Some(name),
            Err(problem) => open.push(Doubt::new(Item::Name, problem)),
        }
        self.collect_contact(&input, &mut data, &mut open);
        data.notes = input.notes.said().map(str::to_owned);
        Ok(Outcome::Collected { data, open })
    }

    fn collect_time(
        &self,
        input: &CollectAppointmentData,
        branch: Option<&crate::sync::Branch>,
        data: &mut Collected,
        open: &mut Vec<Doubt>,
    ) {
        let zone = self.zone(branch);
        let now = self.local_now(zone);
        let read_date = |said| self.language.read_when(said, now);
        let read_time = |said| self.language.read_time(said, now);
        let of_date = input.date.said().map(read_date).unwrap_or_default();
        let of_time = input.time.said().map(read_time).unwrap_or_default();
        // Both may stand in either field.
        let mut when = of_date;
        if when.days.is_none() && when.instant.is_none() {
            when.days = of_time.days;
            when.other_days = of_time.other_days;
            when.instant = of_time.instant;
        }
        if of_time.time.is_some() && when.instant.is_none() {
            when.time = of_time.time;
        }
        let was_said = [(Item::Date, &input.date), (Item::Time, &input.time)];
        if when.is_nothing() {
            for (item, said) in was_said {
                let problem = match said.is_empty() {
                    true => Problem::Missing,
                    false => Problem::NotUnderstood,
                };
                open.push(Doubt::new(item, problem));
            }
            return;
        }
        if let (None, Some((first, last))) = (when.instant, when.days)
            && first == last
            && when.other_days.is_empty()
        {
            data.date = Some(first.to_string());
            if first < now.date() {
                open.push(Doubt::new(Item::Date, Problem::InThePast));
                return;
            }
        } else if when.instant.is_none() && when.days.is_none() {
            open.push(match input.date.is_empty() {
                true => Doubt::new(Item::Date, Problem::Missing),
                false => Doubt::new(Item::Date, Problem::NotUnderstood),
            });
        }
        if let Some(WhenTime::At(time)) = when.time {
            data.time = Some(hours_and_minutes(time));
        }
        if when.days.is_none() && when.instant.is_none() {
            return;
        }
        match exactly(&when, zone, self.now) {
            Ok(start) if start <= self.now => open.push(Doubt::new(Item::Time, Problem::InThePast)),
            Ok(start) => {
                let local = start.with_timezone(&zone);
                data.date = Some(local.date_naive().to_string());
                data.time = Some(hours_and_minutes(local.time()));
                data.start = Some(local.fixed_offset());
                if let Some(branch) = branch
                    && !branch.opening_hours.is_empty()
                    && !branch
                        .opening_hours
                        .cover(local.naive_local(), local.naive_local())
                {
                    open.push(Doubt::new(Item::Time, Problem::Closed));
                }
            }
            // A span of days that is no single day.
            Err(doubt) if doubt.item == Item::Time && data.date.is_none() => {
                let nothing_of_a_day = doubt.problem == Problem::Missing;
                open.push(match nothing_of_a_day {
                    true => Doubt::new(Item::Date, Problem::NotUnderstood),
                    false => doubt,
                });
            }
            Err(doubt) if doubt.problem == Problem::Missing && !input.time.is_empty() => {
                open.push(Doubt::new(doubt.item, Problem::NotUnderstood));
            }
            Err(doubt) => open.push(doubt),
        }
    }

    fn collect_contact(
        &self,
        input: &CollectAppointmentData,
        data: &mut Collected,
        open: &mut Vec<Doubt>,
    ) {
        if let Some(said) = input.phone.said() {
            match self.phone(said) {
                Some(number) => data.phone = Some(number.as_str().to_owned()),
                None => open.push(Doubt::new(Item::Phone, Problem::NotUnderstood)),
            }
        } else if self.caller.standing == Standing::Customer {
            let calling = self.caller.number.as_ref();
            data.phone = calling.map(|number| number.as_str().to_owned());
        }
        if let Some(said) = input.email.said() {
            match self.email(said) {
                Some(email) => data.email = Some(email),
                None => open.push(Doubt::new(Item::Email, Problem::NotUnderstood)),
            }
        }
        let was_said = !input.phone.is_empty() || !input.email.is_empty();
        if data.phone.is_none() && data.email.is_none() && !was_said {
            open.push(Doubt::new(Item::Contact, Problem::Missing));
        }
    }

    /// An e-mail address as it was said or spelled.
    pub(super) fn email(&self, said: &str) -> Option<String> {
        let email = self.language.read_email(said);
        is_email(&email).then_some(email)
    }
}

/// A name: some letters.
pub(super) fn name_of(said: &Spoken) -> Result<String, Problem> {
    let Some(name) = said.said() else {
        return Err(Problem::Missing);
    };
    match name.chars().any(char::is_alphabetic) {
        true => Ok(name.to_owned()),
        false => Err(Problem::NotUnderstood),
    }
}

fn hours_and_minutes(time: NaiveTime) -> String {
    time.format("%H:%M").to_string()
}
