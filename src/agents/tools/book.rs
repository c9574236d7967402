//! `book_appointment`.

use super::super::books::{Earlier, Entry, Order, Written};
use super::super::input::BookAppointment;
use super::super::outcome::{Doubt, Item, Outcome, Problem, Progress, Refusal};
use super::super::tool::Tool;
use super::collect::name_of;
use super::key::request_key;
use super::names::fold;
use super::session::{Asked, Session, Stop};
use crate::model::PhoneNumber;
use crate::store::{AppointmentStatus, Origin, Person, RequestKey};

use chrono::{DateTime, TimeDelta, Utc};

/// How often one request may be overtaken by somebody else and made again.
const GENERATIONS: usize = 5;

/// What was found; or nothing, and the doubts about it beside the others.
fn noted<T>(found: Result<T, Stop>, doubts: &mut Vec<Doubt>) -> Result<Option<T>, Stop> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Stop::With(outcome)) => match *outcome {
            Outcome::Unclear { doubts: more } => {
                doubts.extend(more);
                Ok(None)
            }
            other => Err(other.into()),
        },
        Err(stop) => Err(stop),
    }
}

/// How an appointment's customer is reached.
struct Contact {
    phone: Option<PhoneNumber>,
    email: Option<String>,
}

impl Session {
    pub(super) async fn book(&self, input: BookAppointment) -> Result<Outcome, Stop> {
        let mut doubts = Vec::new();
        let asked = self.asked(&input.service, &input.branch, &input.staff);
        let asked = noted(asked.await, &mut doubts)?;
        let zone = match &asked {
            Some(asked) => asked.zone,
            None => self.zone(self.branch(&input.branch).ok().flatten()),
        };
        let start = noted(self.instant(zone, &input.when), &mut doubts)?;
        let name =
            name_of(&input.name).map_err(|problem| doubts.push(Doubt::new(Item::Name, problem)));
        let contact = self.contact(&input).map_err(|doubt| doubts.push(doubt));
        let (Some(asked), Some(start), Ok(name), Ok(contact)) = (asked, start, name, contact)
        else {
            return Ok(Outcome::Unclear { doubts });
        };
        self.book_at(&input, &asked, start, name, contact).await
    }

    fn contact(&self, input: &BookAppointment) -> Result<Contact, Doubt> {
        let phone = match input.phone.said() {
            Some(said) => {
                let number = self.phone(said);
                Some(number.ok_or_else(|| Doubt::new(Item::Phone, Problem::NotUnderstood))?)
            }
            None => self.caller.number.clone(),
        };
        let email = match input.email.said() {
            Some(said) => {
                let email = self.email(said);
                Some(email.ok_or_else(|| Doubt::new(Item::Email, Problem::NotUnderstood))?)
            }
            None => None,
        };
        match (&phone, &email) {
            (None, None) => Err(Doubt::new(Item::Contact, Problem::Missing)),
            // Cal.com refuses an attendee without an address on most event types.
            (Some(_), None) if !self.tenant.takes_phone_only() => {
                Err(Doubt::new(Item::Email, Problem::Missing))
            }
            _ => Ok(Contact { phone, email }),
        }
    }

    async fn book_at(
        &self,
        input: &BookAppointment,
        asked: &Asked<'_>,
        start: DateTime<Utc>,
        name: String,
        contact: Contact,
    ) -> Result<Outcome, Stop> {
        let (key, earlier) = self.request(input, asked, start, &name, &contact).await?;
        if let Some(entry) = earlier {
            return self.again(asked, entry).await;
        }
        if let Some(number) = &contact.phone
            && let Some(entry) = self.same(asked, start, &name, number).await?
        {
            return self.again(asked, entry).await;
        }
        let just_then = start + TimeDelta::minutes(1);
        let free = self.free(asked, start, just_then, None).await?;
        if !free.contains(&start) {
            // It may be this very request that has taken it, a moment ago.
            if let Some(entry) = self.books.requested(&self.tenant, &key).await? {
                return self.again(asked, entry).await;
            }
            if !self.books.refuses_what_is_taken() || !self.fits(asked, start) {
                return Ok(self.taken(asked, start, None).await?);
            }
        }
        self.begin()?;
        let order = Order {
            wanted: asked.wanted,
            start,
            person: self.person(asked, name, contact),
            notes: input.notes.said().map(str::to_owned),
            origin: self.caller.origin.clone(),
            now: self.now,
        };
        let written = self.books.take(&self.tenant, &key, order, self.until);
        let written = self.written(written.await)?;
        self.booked(asked, start, written).await
    }

    /// The key of a request, and what it has taken already.
    async fn request(
        &self,
        input: &BookAppointment,
        asked: &Asked<'_>,
        start: DateTime<Utc>,
        name: &str,
        contact: &Contact,
    ) -> Result<(RequestKey, Option<Entry>), Stop> {
        for generation in 0..GENERATIONS {
            let generation = generation.to_string();
            let parts = self.parts(input, asked, start, name, contact);
            let mut parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            parts.push(&generation);
            let key = request_key(self.tenant.id(), Tool::BookAppointment, &parts);
            let earlier = self.books.requested(&self.tenant, &key).await?;
            if !earlier
                .as_ref()
                .is_some_and(|entry| self.is_over(input, entry, start))
            {
                return Ok((key, earlier));
            }
        }
        Err(self.taken(asked, start, None).await?.into())
    }

    /// Whether what a request has taken is over, so that the same wish is a new request: it was overtaken by
    /// somebody else; or it has ended, and the caller wants it again. Where only the arguments name the
    /// request, also if it was moved elsewhere since.
    fn is_over(&self, input: &BookAppointment, entry: &Entry, start: DateTime<Utc>) -> bool {
        let again = self.language.is_yes(input.again.as_str());
        let is_elsewhere = self.caller.conversation.is_none() && entry.start != start;
        entry.is_overtaken || (again && !entry.status.is_live()) || is_elsewhere
    }

    /// What names a request: within a conversation the arguments as they came, else what they mean.
    fn parts(
        &self,
        input: &BookAppointment,
        asked: &Asked<'_>,
        start: DateTime<Utc>,
        name: &str,
        contact: &Contact,
    ) -> Vec<String> {
        if let Some(conversation) = &self.caller.conversation {
            // The fields of a struct have one order.
            let arguments = serde_json::to_string(input).unwrap_or_default();
            let mut parts = vec![conversation.clone(), arguments];
            // Other conversations than calls may last for days, in which "tomorrow" changes.
            if self.caller.origin != Origin::Phone {
                parts.push(start.to_rfc3339());
            }
            return parts;
        }
        let phone = contact
            .phone
            .as_ref()
            .map(|number| number.as_str().to_owned());
        vec![
            asked.wanted.event_type.to_string(),
            start.to_rfc3339(),
            fold(name),
            phone.unwrap_or_default(),
            contact.email.clone().unwrap_or_default(),
            self.language.is_yes(input.again.as_str()).to_string(),
        ]
    }

    /// What this person has already at this very time: the same wish in other words.
    async fn same(
        &self,
        asked: &Asked<'_>,
        start: DateTime<Utc>,
        name: &str,
        number: &PhoneNumber,
    ) -> Result<Option<Entry>, Stop> {
        let theirs = self.books.of_number(&self.tenant, number, self.now).await?;
        let is_same = |entry: &Entry| {
            entry.start == start
                && entry.event_type == asked.wanted.event_type
                && fold(&entry.name) == fold(name)
        };
        Ok(theirs.into_iter().find(is_same))
    }

    /// The answer to a request that has been carried out already.
    async fn again(&self, asked: &Asked<'_>, entry: Entry) -> Result<Outcome, Stop> {
        if !entry.status.is_live() {
            return Ok(Outcome::Refused {
                reason: Refusal::WasCancelled,
            });
        }
        let start = entry.start;
        let earlier = Earlier::Booking(&self.caller.origin, self.now);
        let written = self
            .books
            .settled(&self.tenant, entry, earlier, self.until)
            .await?;
        self.booked(asked, start, written).await
    }

    async fn booked(
        &self,
        asked: &Asked<'_>,
        start: DateTime<Utc>,
        written: Written,
    ) -> Result<Outcome, Stop> {
        let services = std::slice::from_ref(&asked.service);
        Ok(match written {
            Written::Done(entry) => Outcome::Booked {
                appointment: self.kept(&entry, services),
                progress: match entry.status {
                    AppointmentStatus::Pending => Progress::AwaitsConfirmation,
                    _ => Progress::Confirmed,
                },
            },
            Written::Accepted(entry) => Outcome::Booked {
                appointment: self.kept(&entry, services),
                progress: Progress::Accepted,
            },
            Written::SlotTaken => self.taken(asked, start, None).await?,
            Written::Rejected => Outcome::Refused {
                reason: Refusal::Rejected,
            },
            Written::Ended => Outcome::Refused {
                reason: Refusal::WasCancelled,
            },
        })
    }

    fn person(&self, asked: &Asked<'_>, name: String, contact: Contact) -> Person {
        let zone = asked.zone.name();
        let mut person = match contact.email {
            Some(email) => Person::new(name, email, zone),
            None => Person::by_phone(name, "", zone),
        };
        person.phone_number = contact.phone.map(|number| number.as_str().to_owned());
        person.language = Some(self.language.code().to_owned());
        person
    }
}
