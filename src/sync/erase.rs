//! Erasing a tenant, and one person.

use super::engine::Engine;
use super::persons::{
    PersonFinding, PersonOutcome, PersonPlace, PersonQuery, PersonReport, anonymize,
    without_persons,
};
use super::standing::{Base, Standing};
use crate::store::{
    Erased, Link, LinkKey, Opaque, Page, ReviewFilter, StoreError, StoreErrorKind, TenantId,
};

/// How many rows of each kind one transaction erases.
const ROWS: u32 = 500;
/// How many bodies are read at once; each may be large.
const BODIES: u32 = 32;
/// How many times a link that changes meanwhile is read again.
const MAX_CONFLICTS: u32 = 3;

impl Engine {
    pub(super) async fn erase_whole(&self, tenant: &TenantId) -> Result<Erased, StoreError> {
        let mut erased = Erased::default();
        while !erased.is_done {
            let batch = self.store.erase_tenant(tenant, ROWS);
            erased = erased.and(self.store_call(batch).await?);
        }
        Ok(erased)
    }

    /// Searches all that can hold personal data, and erases it if asked to.
    pub(super) async fn search_person(
        &self,
        tenant: &TenantId,
        person: &PersonQuery,
        erase: bool,
    ) -> Result<PersonReport, StoreError> {
        let mut report = PersonReport::default();
        self.search_bodies(tenant, person, erase, &mut report)
            .await?;
        self.search_events(tenant, person, erase, &mut report)
            .await?;
        self.search_reviews(tenant, person, erase, &mut report)
            .await?;
        self.search_links(tenant, person, erase, &mut report)
            .await?;
        Ok(report)
    }

    async fn search_bodies(
        &self,
        tenant: &TenantId,
        person: &PersonQuery,
        erase: bool,
        report: &mut PersonReport,
    ) -> Result<(), StoreError> {
        let mut page = Page::first(BODIES);
        loop {
            let bodies = self.store_call(self.store.bodies(tenant, page)).await?;
            let Some(last) = bodies.last() else {
                return Ok(());
            };
            page = Page::after(last.delivery, BODIES);
            let mut found = Vec::new();
            for stored in &bodies {
                report.bodies_searched += 1;
                if !person.is_in_body(&stored.body) {
                    continue;
                }
                found.push(stored.delivery);
                report.findings.push(PersonFinding {
                    place: PersonPlace::Delivery(stored.delivery),
                    appointment: None,
                    booking: stored.booking.clone(),
                    outcome: outcome(erase),
                });
            }
            if erase && !found.is_empty() {
                let emptied = self.store.empty_bodies(tenant, &found);
                self.store_call(emptied).await?;
            }
        }
    }

    async fn search_events(
        &self,
        tenant: &TenantId,
        person: &PersonQuery,
        erase: bool,
        report: &mut PersonReport,
    ) -> Result<(), StoreError> {
        let mut page = Page::first(BODIES);
        loop {
            let bodies = self.store.event_bodies(tenant, page);
            let bodies = self.store_call(bodies).await?;
            let Some(last) = bodies.last() else {
                return Ok(());
            };
            page = Page::after(last.event, BODIES);
            let mut over = Vec::new();
            for stored in &bodies {
                report.events_searched += 1;
                if !person.is_in_body(&stored.body) {
                    continue;
                }
                let outcome = if stored.is_over {
                    over.push(stored.event);
                    outcome(erase)
                } else if erase {
                    PersonOutcome::KeptInUse
                } else {
                    PersonOutcome::Found
                };
                report.findings.push(PersonFinding {
                    place: PersonPlace::Event(stored.event),
                    appointment: None,
                    booking: None,
                    outcome,
                });
            }
            if erase && !over.is_empty() {
                let emptied = self.store.empty_event_bodies(tenant, &over);
                self.store_call(emptied).await?;
            }
        }
    }

    async fn search_reviews(
        &self,
        tenant: &TenantId,
        person: &PersonQuery,
        erase: bool,
        report: &mut PersonReport,
    ) -> Result<(), StoreError> {
        let all = ReviewFilter::default();
        let mut page = Page::first(ROWS);
        loop {
            let items = self.store.reviews(tenant, &all, page);
            let items = self.store_call(items).await?;
            let Some(last) = items.last() else {
                return Ok(());
            };
            page = Page::after(last.id, ROWS);
            for item in items {
                report.reviews_searched += 1;
                if !person.is_in_evidence(&item.evidence) {
                    continue;
                }
                report.findings.push(PersonFinding {
                    place: PersonPlace::Review(item.id),
                    appointment: item.appointment,
                    booking: item.evidence.bookings.first().cloned(),
                    outcome: outcome(erase),
                });
                if erase {
                    let evidence = without_persons(item.evidence, person);
                    let replaced = self.store.replace_evidence(tenant, item.id, evidence);
                    match self.store_call(replaced).await {
                        // It was pruned meanwhile.
                        Err(error) if error.kind() == StoreErrorKind::NotFound => {}
                        replaced => replaced?,
                    }
                }
            }
        }
    }

    async fn search_links(
        &self,
        tenant: &TenantId,
        person: &PersonQuery,
        erase: bool,
        report: &mut PersonReport,
    ) -> Result<(), StoreError> {
        let mut page = Page::first(ROWS);
        loop {
            let links = self.store_call(self.store.links(tenant, page)).await?;
            let Some(last) = links.last() else {
                return Ok(());
            };
            page = Page::after(last.id, ROWS);
            for link in links {
                report.links_searched += 1;
                let (id, appointment) = (link.id, link.appointment.clone());
                let booking = link.booking.clone();
                let outcome = if erase {
                    self.erase_from_link(link, person).await?
                } else {
                    search_link(&link, person)
                };
                report.findings.extend(outcome.map(|outcome| PersonFinding {
                    place: PersonPlace::Link(id),
                    appointment,
                    booking,
                    outcome,
                }));
            }
        }
    }

    /// Erases a person from what is remembered of a pair; `None` if they are not in it.
    async fn erase_from_link(
        &self,
        mut link: Link,
        person: &PersonQuery,
    ) -> Result<Option<PersonOutcome>, StoreError> {
        for _ in 0..=MAX_CONFLICTS {
            let (state, outcome) = match without_person(&link, person) {
                Ok(Some(erased)) => erased,
                Ok(None) => return Ok(None),
                Err(outcome) => return Ok(Some(outcome)),
            };
            let replaced = self.store.replace_state(&link, state);
            match self.store_call(replaced).await {
                Ok(()) => return Ok(Some(outcome)),
                Err(error) if error.kind() == StoreErrorKind::NotFound => return Ok(None),
                Err(error) if error.kind() == StoreErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
            let key = LinkKey::Id(link.id);
            let found = self.store.find(&link.tenant, &key);
            let Some(again) = self.store_call(found).await? else {
                return Ok(None);
            };
            link = again;
        }
        Ok(Some(PersonOutcome::KeptInUse))
    }
}

fn outcome(erase: bool) -> PersonOutcome {
    if erase {
        PersonOutcome::Erased
    } else {
        PersonOutcome::Found
    }
}

/// Whether what is remembered of a pair names a person.
fn search_link(link: &Link, person: &PersonQuery) -> Option<PersonOutcome> {
    let Ok(standing) = Standing::of(link) else {
        return Some(PersonOutcome::Undecodable);
    };
    is_in_standing(&standing, person).then_some(PersonOutcome::Found)
}

fn is_in_standing(standing: &Standing, person: &PersonQuery) -> bool {
    standing.base.iter().any(|base| is_in_base(base, person)) || is_in_work(standing, person)
}

fn is_in_base(base: &Base, person: &PersonQuery) -> bool {
    person.is_in_state(&base.local) || person.is_in_state(&base.remote)
}

/// Whether work in hand names a person: the result of a write that was never answered is looked for
/// by the attendee that was sent, and a booking whose replacement fails is booked again.
fn is_in_work(standing: &Standing, person: &PersonQuery) -> bool {
    let mut pending = standing.pending.iter();
    let retiring = standing.retiring.iter();
    let mut bases = retiring.filter_map(|retiring| retiring.base.as_ref());
    let mut in_vain = standing.no_room_for.iter();
    pending.any(|write| person.is_in_state(&write.state))
        || bases.any(|base| is_in_base(base, person))
        || in_vain.any(|state| person.is_in_state(state))
}

/// What is to be remembered of a pair without a person; `None` if they are not in it.
fn without_person(
    link: &Link,
    person: &PersonQuery,
) -> Result<Option<(Opaque, PersonOutcome)>, PersonOutcome> {
    let mut standing = Standing::of(link).map_err(|_| PersonOutcome::Undecodable)?;
    if !is_in_standing(&standing, person) {
        return Ok(None);
    }
    let outcome = if is_in_work(&standing, person) {
        PersonOutcome::KeptForPendingWrite
    } else {
        PersonOutcome::Erased
    };
    if let Some(base) = &mut standing.base {
        for side in [&mut base.local, &mut base.remote] {
            // One side may say less than the other; both are about the same person.
            anonymize(side);
        }
    }
    Ok(Some((standing.to_opaque(), outcome)))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::model::EventTypeId;
    use crate::store::{AppointmentState, AppointmentStatus, LinkId, Person};

    fn state(name: &str) -> AppointmentState {
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let ann = Person::new(name, "ann@example.com", "UTC");
        AppointmentState::new(
            AppointmentStatus::Confirmed,
            start,
            start,
            EventTypeId::new(7),
            ann,
        )
        .with_notes("wears glasses")
    }

    #[test]
    fn what_is_left_of_a_pair_names_nobody_and_looks_like_no_change() {
        let standing = Standing {
            base: Some(Base::new(state("Ann"), state("Anne"))),
            ..Standing::default()
        };
        let mut link = Link::new(TenantId::new("salon"), LinkId::new(1));
        standing.put_into(&mut link);
        let person = PersonQuery::email("ann@example.com");
        let (state_left, outcome) = without_person(&link, &person).unwrap().unwrap();
        assert_eq!(outcome, PersonOutcome::Erased);
        let text = String::from_utf8(state_left.bytes().to_vec()).unwrap();
        for word in ["Ann", "example", "glasses"] {
            assert!(!text.contains(word), "{word} is left in {text}");
        }
        link.state = Some(state_left);
        assert_eq!(without_person(&link, &person), Ok(None));
        let base = Standing::of(&link).unwrap().base.unwrap();
        let now = state("Somebody Else");
        assert!(now.changes_since(&base.local).is_empty());
        assert!(base.remote.changes_since(&now).is_empty());
        let mut moved = now;
        moved.start += chrono::TimeDelta::hours(1);
        assert!(moved.changes_since(&base.local).start);
    }

    #[test]
    fn others_are_left_alone() {
        let standing = Standing {
            base: Some(Base::new(state("Ann"), state("Ann"))),
            ..Standing::default()
        };
        let mut link = Link::new(TenantId::new("salon"), LinkId::new(1));
        standing.put_into(&mut link);
        let bob = PersonQuery::email("bob@example.com").or_name("Bob");
        assert_eq!(without_person(&link, &bob), Ok(None));
        link.state = Some(Opaque::new(1, b"{".to_vec()));
        assert_eq!(without_person(&link, &bob), Err(PersonOutcome::Undecodable));
    }
}
