//! One call of a tool: who asks whom, when, in which language, and what is meant by what was said.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use moka::future::Cache;
use tokio::time::Instant;

use super::super::books::{Bookable, Books, Entry, Trouble, Wanted, Written};
use super::super::caller::{Caller, Standing};
use super::super::language::Language;
use super::super::outcome::{
    Doubt, Item, Kept, Offer, Outcome, Problem, Reading, Refusal, ServiceLine,
};
use super::super::spoken::Spoken;
use super::names::{Meant, fold, meant};
use crate::model::{EventTypeId, PhoneNumber, TimeZone, UserId};
use crate::store::{RequestKey, Window};
use crate::sync::{Branch, StaffMember, Tenant};

/// How many names are offered where nothing of the name is known.
const CHOICES: usize = 5;
/// How far around a time that is not free alternatives are looked for, and how many.
const ALTERNATIVES_WITHIN: TimeDelta = TimeDelta::days(7);
const ALTERNATIVES: usize = 5;

/// Why a tool ends before its end.
pub(super) enum Stop {
    /// With this outcome.
    With(Box<Outcome>),
    /// Because the books did not answer.
    Trouble(Trouble),
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<Outcome> for Stop {
    fn from(outcome: Outcome) -> Self {
        Self::With(Box::new(outcome))
    }
}

impl From<Doubt> for Stop {
    fn from(doubt: Doubt) -> Self {
        Self::from(Outcome::Unclear {
            doubts: vec![doubt],
        })
    }
}

/// One call of a tool.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) books: Arc<dyn Books>,
    pub(super) tenant: Arc<Tenant>,
    pub(super) caller: Caller,
    pub(super) language: Arc<dyn Language>,
    pub(super) now: DateTime<Utc>,
    /// How soon an appointment may begin, and how far ahead one is looked for.
    pub(super) notice: TimeDelta,
    pub(super) horizon: TimeDelta,
    /// When there has to be an answer.
    pub(super) until: Instant,
    /// Whether a write was begun.
    pub(super) has_begun: Arc<AtomicBool>,
    /// What was cancelled a short while ago, by the request that did it.
    pub(super) recent: Cache<RequestKey, Entry>,
}

/// What was asked for, found.
#[derive(Clone, Debug)]
pub(super) struct Asked<'a> {
    pub(super) service: Bookable,
    pub(super) branch: Option<&'a Branch>,
    pub(super) member: Option<&'a StaffMember>,
    pub(super) wanted: Wanted,
    pub(super) zone: Tz,
}

fn zone_of(name: &TimeZone) -> Option<Tz> {
    name.as_str().parse().ok()
}

impl Session {
    /// The time zone of a branch, or else the tenant's.
    pub(super) fn zone(&self, branch: Option<&Branch>) -> Tz {
        let of_branch = branch.and_then(|branch| zone_of(&branch.time_zone));
        let of_tenant = || zone_of(&self.tenant.locale().time_zone);
        of_branch.or_else(of_tenant).unwrap_or(Tz::UTC)
    }

    /// The time now, as a clock on the wall shows it.
    pub(super) fn local_now(&self, zone: Tz) -> NaiveDateTime {
        self.now.with_timezone(&zone).naive_local()
    }

    /// The branch that was named, or called, or is the only one.
    pub(super) fn branch(&self, said: &Spoken) -> Result<Option<&Branch>, Doubt> {
        let branches = self.tenant.branches();
        if let Some(said) = said.said() {
            return match meant(said, branches, |b| b.id.as_str(), |b| &b.name) {
                Meant::One(branch) => Ok(Some(branch)),
                Meant::Several(found) => {
                    let readings = found.iter().map(|b| Reading::new(b.id.as_str(), &b.name));
                    Err(Doubt::new(Item::Branch, Problem::Ambiguous).with_readings(readings))
                }
                // A business with one place is not asked which one.
                Meant::Nothing if branches.len() < 2 => Ok(branches.first()),
                Meant::Nothing => {
                    let all = branches.iter().take(CHOICES);
                    let readings = all.map(|b| Reading::new(b.id.as_str(), &b.name));
                    Err(Doubt::new(Item::Branch, Problem::NotKnown).with_readings(readings))
                }
            };
        }
        let called = self.caller.called.as_ref();
        let called = called.and_then(|number| self.tenant.branch_of_number(number));
        Ok(called.or(match branches {
            [only] => Some(only),
            _ => None,
        }))
    }

    /// The member of staff who was named.
    pub(super) fn member(&self, said: &Spoken) -> Result<Option<&StaffMember>, Doubt> {
        let Some(said) = said.said() else {
            return Ok(None);
        };
        let members = self.tenant.staff_members();
        match meant(said, members, |m| m.id.as_str(), |m| &m.name) {
            Meant::One(member) => Ok(Some(member)),
            Meant::Several(found) => {
                let readings = found.iter().map(|m| Reading::new(m.id.as_str(), &m.name));
                Err(Doubt::new(Item::Staff, Problem::Ambiguous).with_readings(readings))
            }
            Meant::Nothing => {
                let all = members.iter().take(CHOICES);
                let readings = all.map(|m| Reading::new(m.id.as_str(), &m.name));
                Err(Doubt::new(Item::Staff, Problem::NotKnown).with_readings(readings))
            }
        }
    }

    /// What can be booked at a branch with a member of staff.
    pub(super) async fn services(
        &self,
        branch: Option<&Branch>,
        member: Option<&StaffMember>,
    ) -> Result<Vec<Bookable>, Trouble> {
        let mut services = self.books.services(&self.tenant).await?;
        services.retain(|service| {
            branch.is_none_or(|branch| branch.offers(service.event_type))
                && member.is_none_or(|member| self.with_member(service, member).is_some())
        });
        Ok(services)
    }

    /// A service with a member of staff; `None` if they do not offer it.
    fn with_member(&self, service: &Bookable, member: &StaffMember) -> Option<Wanted> {
        let event_type = match member.user {
            Some(user) => self.tenant.event_type_with(service.event_type, user),
            None => service.event_type,
        };
        let is_theirs = member.event_types.contains(&event_type);
        let mut others = self.tenant.staff_members().iter();
        let is_anothers =
            others.any(|other| other.id != member.id && other.event_types.contains(&event_type));
        // What is nobody's own is a team's, and whoever has a user can be one of its hosts.
        let offers = is_theirs || (member.user.is_some() && !is_anothers);
        offers.then_some(Wanted {
            event_type,
            length: service.length(),
            host: member.user,
        })
    }

    /// The service that was named.
    pub(super) fn service(&self, said: &str, services: &[Bookable]) -> Result<Bookable, Doubt> {
        let reading = |one: &Bookable| Reading::new(&one.id, &one.name);
        match meant(said, services, |s| &s.id, |s| &s.name) {
            Meant::One(service) => Ok(service.clone()),
            Meant::Several(found) => Err(match self.whose(&found) {
                Some(members) => {
                    let readings = members.iter().map(|m| Reading::new(m.id.as_str(), &m.name));
                    Doubt::new(Item::Staff, Problem::Ambiguous).with_readings(readings)
                }
                None => Doubt::new(Item::Service, Problem::Ambiguous)
                    .with_readings(found.into_iter().take(CHOICES).map(reading)),
            }),
            Meant::Nothing => {
                let readings = services.iter().take(CHOICES).map(reading);
                Err(Doubt::new(Item::Service, Problem::NotKnown).with_readings(readings))
            }
        }
    }

    /// Whose these services are, if they have one name and one member of staff each.
    fn whose(&self, services: &[&Bookable]) -> Option<Vec<&StaffMember>> {
        let name = fold(&services.first()?.name);
        let mut members = Vec::new();
        for service in services {
            let mut owners = self.tenant.staff_members().iter();
            let owner = owners.find(|member| member.event_types.contains(&service.event_type))?;
            if fold(&service.name) != name {
                return None;
            }
            members.push(owner);
        }
        Some(members)
    }

    /// What is asked for: the service, where and with whom.
    pub(super) async fn asked(
        &self,
        service: &Spoken,
        branch: &Spoken,
        staff: &Spoken,
    ) -> Result<Asked<'_>, Stop> {
        let mut branch = self.branch(branch)?;
        let member = self.member(staff)?;
        let Some(said) = service.said() else {
            return Err(Doubt::new(Item::Service, Problem::Missing).into());
        };
        let services = self.services(branch, member).await?;
        let service = self.service(said, &services)?;
        let wanted = match member {
            Some(member) => self.with_member(&service, member),
            None => Some(Wanted {
                event_type: service.event_type,
                length: service.length(),
                host: None,
            }),
        };
        let Some(wanted) = wanted else {
            return Err(Doubt::new(Item::Service, Problem::NotKnown).into());
        };
        branch = branch.or_else(|| self.only_branch_of(wanted.event_type));
        let zone = self.zone(branch);
        Ok(Asked {
            service,
            branch,
            member,
            wanted,
            zone,
        })
    }

    /// The only branch at which an event type is booked.
    pub(super) fn only_branch_of(&self, event_type: EventTypeId) -> Option<&Branch> {
        let mut offering = self.tenant.branches().iter();
        let first = offering.by_ref().find(|branch| branch.offers(event_type));
        match offering.any(|branch| branch.offers(event_type)) {
            true => None,
            false => first,
        }
    }

    /// The free slots between two instants at which the branch is open, as far as they can be booked now.
    pub(super) async fn free(
        &self,
        asked: &Asked<'_>,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        moving: Option<&Entry>,
    ) -> Result<Vec<DateTime<Utc>>, Trouble> {
        let from = from.max(self.now + self.notice);
        if from >= until {
            return Ok(Vec::new());
        }
        let window = Window::new(from, until);
        let mut slots = self
            .books
            .free(&self.tenant, asked.wanted, window, moving, self.now)
            .await?;
        slots.retain(|slot| self.fits(asked, *slot));
        Ok(slots)
    }

    /// Whether the branch is open at a slot, and it is not too soon.
    pub(super) fn fits(&self, asked: &Asked<'_>, slot: DateTime<Utc>) -> bool {
        let hours = asked.branch.map(|branch| &branch.opening_hours);
        let is_open = hours.is_none_or(|hours| {
            let end = slot + asked.wanted.length;
            let local = |at: DateTime<Utc>| at.with_timezone(&asked.zone).naive_local();
            hours.is_empty() || hours.cover(local(slot), local(end))
        });
        is_open && slot >= self.now + self.notice
    }

    /// Notes that a write begins; or that it is too late for one: nothing is begun of which nobody hears.
    pub(super) fn begin(&self) -> Result<(), Stop> {
        if Instant::now() >= self.until {
            return Err(Outcome::Unavailable.into());
        }
        self.has_begun.store(true, Ordering::Release);
        Ok(())
    }

    /// How a write ended that was begun. Where that is in doubt, it is said so.
    pub(super) fn written(&self, ended: Result<Written, Trouble>) -> Result<Written, Stop> {
        ended.map_err(|trouble| {
            if !trouble.leaves_doubt() {
                self.has_begun.store(false, Ordering::Release);
                return trouble.into();
            }
            tracing::warn!(error = %trouble, "it is not known whether a write was carried out");
            Outcome::Unknown.into()
        })
    }

    /// Up to five free slots within seven days around a time, the nearest first.
    pub(super) async fn alternatives(
        &self,
        asked: &Asked<'_>,
        wanted: DateTime<Utc>,
        moving: Option<&Entry>,
    ) -> Result<Vec<Offer>, Trouble> {
        let around = (wanted - ALTERNATIVES_WITHIN, wanted + ALTERNATIVES_WITHIN);
        let mut slots = self.free(asked, around.0, around.1, moving).await?;
        slots.retain(|slot| *slot != wanted);
        slots.sort_by_key(|slot| ((*slot - wanted).abs(), *slot));
        slots.truncate(ALTERNATIVES);
        Ok(slots
            .into_iter()
            .map(|slot| self.offer(asked, slot))
            .collect())
    }

    /// That a time is not free, with alternatives.
    pub(super) async fn taken(
        &self,
        asked: &Asked<'_>,
        wanted: DateTime<Utc>,
        moving: Option<&Entry>,
    ) -> Result<Outcome, Trouble> {
        // That it is not free is told in time, and alternatives as far as they can be found.
        let looked_for = self.alternatives(asked, wanted, moving);
        let alternatives = match tokio::time::timeout_at(self.until, looked_for).await {
            Ok(found) => found?,
            Err(_) => Vec::new(),
        };
        Ok(Outcome::Taken {
            wanted: wanted.with_timezone(&asked.zone).fixed_offset(),
            alternatives,
        })
    }

    /// A slot as it is offered.
    pub(super) fn offer(&self, asked: &Asked<'_>, start: DateTime<Utc>) -> Offer {
        let local = start.with_timezone(&asked.zone).fixed_offset();
        Offer {
            start: local,
            end: local + asked.wanted.length,
            service: asked.service.name.clone(),
            // On an event type of a team's, who holds it is decided later.
            staff: asked
                .member
                .filter(|member| member.event_types.contains(&asked.wanted.event_type))
                .map(|member| member.name.clone()),
            branch: self.said_branch(asked.branch),
        }
    }

    /// A branch's name, if there are several.
    fn said_branch(&self, branch: Option<&Branch>) -> Option<String> {
        let branch = branch.filter(|_| self.tenant.branches().len() > 1)?;
        Some(branch.name.clone())
    }

    /// A service as it is told.
    pub(super) fn line(service: &Bookable) -> ServiceLine {
        ServiceLine {
            id: service.id.clone(),
            name: service.name.clone(),
            minutes: service.minutes,
            description: service.description.clone(),
        }
    }

    /// An appointment as it is told.
    pub(super) fn kept(&self, entry: &Entry, services: &[Bookable]) -> Kept {
        let branch = self.branch_of_entry(entry);
        let zone = self.zone(branch);
        let local = |at: DateTime<Utc>| at.with_timezone(&zone).fixed_offset();
        let minutes = (entry.end - entry.start).num_minutes();
        let of_type = |service: &&Bookable| service.event_type == entry.event_type;
        let by_length = |service: &&Bookable| i64::from(service.minutes) == minutes;
        let service = services
            .iter()
            .find(|service| of_type(service) && by_length(service))
            .or_else(|| services.iter().find(of_type));
        Kept {
            id: entry.id.clone(),
            start: local(entry.start),
            end: local(entry.end),
            service: service.map(|service| service.name.clone()),
            staff: self.name_of_staff(entry),
            branch: self.said_branch(branch),
        }
    }

    /// Where an appointment takes place, as far as its event type tells; or else the branch that is called.
    pub(super) fn branch_of_entry(&self, entry: &Entry) -> Option<&Branch> {
        let called = self.caller.called.as_ref();
        let called = called.and_then(|number| self.tenant.branch_of_number(number));
        let offering = called.filter(|branch| branch.offers(entry.event_type));
        self.only_branch_of(entry.event_type).or(offering)
    }

    /// Who holds an appointment.
    fn name_of_staff(&self, entry: &Entry) -> Option<String> {
        let members = self.tenant.staff_members();
        let of_user = |user: UserId| members.iter().find(|member| member.user == Some(user));
        let of_type = || {
            let mut owners = members
                .iter()
                .filter(|member| member.event_types.contains(&entry.event_type));
            let first = owners.next();
            first.filter(|_| owners.next().is_none())
        };
        let member = entry.host.and_then(of_user).or_else(of_type)?;
        Some(member.name.clone())
    }

    /// Whose appointments are meant: those of the number that a customer calls from; whatever number
    /// somebody of the staff names.
    pub(super) fn whose_number(&self, said: &Spoken) -> Result<PhoneNumber, Stop> {
        match (self.caller.standing, &self.caller.number, said.said()) {
            (Standing::Staff, _, Some(said)) => self
                .phone(said)
                .ok_or_else(|| Doubt::new(Item::Phone, Problem::NotUnderstood).into()),
            (Standing::Staff, None, None) => Err(Doubt::new(Item::Phone, Problem::Missing).into()),
            (_, Some(number), _) => Ok(number.clone()),
            (Standing::Customer, None, _) => Err(Stop::from(Outcome::Refused {
                reason: Refusal::NumberWithheld,
            })),
        }
    }

    /// A phone number as it was said.
    pub(super) fn phone(&self, said: &str) -> Option<PhoneNumber> {
        let digits = self.language.read_digits(said);
        let region = self.tenant.locale().region.as_deref();
        super::phone::read(&digits, region)
    }
}
