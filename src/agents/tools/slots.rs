//! `check_availability`, `find_next_slot` and `find_alternatives`.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::input::{CheckAvailability, FindAlternatives, FindNextSlot};
use super::super::outcome::{Doubt, Item, Offer, Outcome, Problem};
use super::super::spoken::Spoken;
use super::moment::{Moment, exactly, moment};
use super::session::{Asked, Session, Stop};

/// How many slots of a day are told.
const OF_A_DAY: usize = 24;
/// How many of the next slots are told.
const NEXT: usize = 3;
/// How much of a wish is looked through at a time.
const WEEK: TimeDelta = TimeDelta::days(7);
/// How many days are asked about at a time.
const STEP: TimeDelta = TimeDelta::days(14);
/// How far around a wish is looked that cannot be met.
const AROUND: TimeDelta = TimeDelta::days(7);

impl Session {
    pub(super) async fn check_availability(
        &self,
        input: CheckAvailability,
    ) -> Result<Outcome, Stop> {
        let asked = self
            .asked(&input.service, &input.branch, &input.staff)
            .await?;
        match self.moment(&asked, &input.when)? {
            Moment::At(instants) => self.check_instants(&asked, &instants).await,
            Moment::Within(spans) => {
                let Some(((from, _), (_, until))) = spans.first().zip(spans.last()) else {
                    return Err(Doubt::new(Item::Date, Problem::NotUnderstood).into());
                };
                if *until <= self.now {
                    return Err(Doubt::new(Item::Date, Problem::InThePast).into());
                }
                let slots = self.within(&asked, &spans).await?;
                if !slots.is_empty() {
                    let slots = slots.iter().take(OF_A_DAY);
                    return Ok(slots_of(slots.map(|slot| self.offer(&asked, *slot)), true));
                }
                self.nearest_to(&asked, *from, *until).await
            }
        }
    }

    /// Whether one of several instants is free.
    async fn check_instants(
        &self,
        asked: &Asked<'_>,
        instants: &[DateTime<Utc>],
    ) -> Result<Outcome, Stop> {
        let coming: Vec<_> = instants.iter().filter(|at| **at > self.now).collect();
        let (Some(first), Some(last)) = (coming.iter().min(), coming.iter().max()) else {
            return Err(Doubt::new(Item::Date, Problem::InThePast).into());
        };
        let end = **last + TimeDelta::minutes(1);
        let free = self.free(asked, **first, end, None).await?;
        let mut found = coming.iter().filter(|at| free.contains(at));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(Outcome::Free {
                slot: self.offer(asked, **one),
            }),
            (Some(_), Some(_)) => {
                let both = coming.iter().filter(|at| free.contains(at));
                Ok(slots_of(both.map(|at| self.offer(asked, **at)), true))
            }
            (None, _) => Ok(self.taken(asked, *coming[0], None).await?),
        }
    }

    pub(super) async fn find_next_slot(&self, input: FindNextSlot) -> Result<Outcome, Stop> {
        let asked = self
            .asked(&input.service, &input.branch, &input.staff)
            .await?;
        if input.wish.is_empty() {
            return self.earliest(&asked).await;
        }
        // A wish that is not understood is no reason to offer nothing.
        let spans = match self.moment(&asked, &input.wish) {
            Ok(Moment::Within(spans)) => spans,
            Ok(Moment::At(instants)) => {
                let coming: Vec<_> = instants.into_iter().filter(|at| *at > self.now).collect();
                let Some(first) = coming.first() else {
                    return Err(Doubt::new(Item::Date, Problem::InThePast).into());
                };
                let slots = self.nearest(&asked, *first, *first).await?;
                let is_met = slots.first().is_some_and(|slot| coming.contains(slot));
                return Ok(self.next(&asked, slots, is_met));
            }
            Err(Stop::With(outcome)) if is_lost(&outcome) => {
                return self.earliest(&asked).await;
            }
            Err(stop) => return Err(stop),
        };
        let Some(((from, _), (_, until))) = spans.first().zip(spans.last()) else {
            return self.earliest(&asked).await;
        };
        if *until <= self.now {
            return Err(Doubt::new(Item::Date, Problem::InThePast).into());
        }
        let mut slots = self.within(&asked, &spans).await?;
        if slots.is_empty() {
            return self.nearest_to(&asked, *from, *until).await;
        }
        slots.truncate(NEXT);
        Ok(self.next(&asked, slots, true))
    }

    pub(super) async fn find_alternatives(&self, input: FindAlternatives) -> Result<Outcome, Stop> {
        let asked = self
            .asked(&input.service, &input.branch, &input.staff)
            .await?;
        let wanted =
            match self.moment(&asked, &input.when)? {
                Moment::At(instants) => instants.into_iter().find(|at| *at > self.now),
                // The middle of what was said: "in the afternoon" is nearest to three o'clock.
                Moment::Within(spans) => spans
                    .into_iter()
                    .find(|(_, until)| *until > self.now)
                    .map(|(from, until)| {
                        let from = from.max(self.now);
                        from + (until - from) / 2
                    }),
            };
        let Some(wanted) = wanted else {
            return Err(Doubt::new(Item::Date, Problem::InThePast).into());
        };
        let slots = self.alternatives(&asked, wanted, None).await?;
        if slots.is_empty() {
            return Ok(self.nothing(&asked, wanted - AROUND, wanted + AROUND));
        }
        Ok(slots_of(slots, false))
    }

    /// What was said about a time.
    pub(super) fn moment(&self, asked: &Asked<'_>, said: &Spoken) -> Result<Moment, Stop> {
        let when = self.when(asked.zone, said)?;
        Ok(moment(&when, asked.zone, self.now)?)
    }

    /// The one instant that was said.
    pub(super) fn instant(
        &self,
        zone: chrono_tz::Tz,
        said: &Spoken,
    ) -> Result<DateTime<Utc>, Stop> {
        let when = self.when(zone, said)?;
        let at = exactly(&when, zone, self.now)?;
        if at <= self.now {
            return Err(Doubt::new(Item::Date, Problem::InThePast).into());
        }
        Ok(at)
    }

    pub(super) fn when(
        &self,
        zone: chrono_tz::Tz,
        said: &Spoken,
    ) -> Result<super::super::when::When, Stop> {
        let Some(said) = said.said() else {
            return Err(Doubt::new(Item::Date, Problem::Missing).into());
        };
        Ok(self.language.read_when(said, self.local_now(zone)))
    }

    /// The free slots within spans of time.
    async fn within(
        &self,
        asked: &Asked<'_>,
        spans: &[(DateTime<Utc>, DateTime<Utc>)],
    ) -> Result<Vec<DateTime<Utc>>, Stop> {
        let mut slots = Vec::new();
        let mut rest = spans;
        // A week at a time, for as long as more is to be told.
        while let Some((first, _)) = rest.first()
            && slots.len() < OF_A_DAY
        {
            let end = *first + WEEK;
            let (of_week, later) = rest.split_at(rest.partition_point(|(from, _)| *from < end));
            let until = of_week.last().map_or(end, |(_, until)| *until);
            let mut found = self.free(asked, *first, until, None).await?;
            found.retain(|slot| {
                of_week
                    .iter()
                    .any(|(from, until)| from <= slot && slot < until)
            });
            slots.extend(found);
            rest = later;
        }
        Ok(slots)
    }

    /// The earliest free slots.
    async fn earliest(&self, asked: &Asked<'_>) -> Result<Outcome, Stop> {
        let mut from = self.now;
        let end = self.now + self.horizon;
        while from < end {
            let until = (from + STEP).min(end);
            let mut slots = self.free(asked, from, until, None).await?;
            if !slots.is_empty() {
                slots.truncate(NEXT);
                return Ok(self.next(asked, slots, true));
            }
            from = until;
        }
        Ok(self.nothing(asked, self.now, end))
    }

    /// The free slots nearest to a span of time, within a week of it.
    async fn nearest(
        &self,
        asked: &Asked<'_>,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, Stop> {
        let mut slots = self
            .free(asked, from - AROUND, until + AROUND, None)
            .await?;
        let distance = |slot: &DateTime<Utc>| match slot {
            slot if *slot < from => from - *slot,
            slot if *slot >= until => *slot - until,
            _ => TimeDelta::zero(),
        };
        slots.sort_by_key(|slot| (distance(slot), *slot));
        slots.truncate(NEXT);
        Ok(slots)
    }

    /// The free slots nearest to a span in which nothing is free.
    async fn nearest_to(
        &self,
        asked: &Asked<'_>,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Outcome, Stop> {
        let slots = self.nearest(asked, from, until).await?;
        if slots.is_empty() {
            return Ok(self.nothing(asked, from, until));
        }
        Ok(self.next(asked, slots, false))
    }

    fn next(&self, asked: &Asked<'_>, slots: Vec<DateTime<Utc>>, as_wished: bool) -> Outcome {
        let offers = slots.into_iter().map(|slot| self.offer(asked, slot));
        let slots: Vec<Offer> = offers.collect();
        if slots.is_empty() {
            return self.nothing(asked, self.now, self.now + self.horizon);
        }
        Outcome::Slots { slots, as_wished }
    }

    fn nothing(&self, asked: &Asked<'_>, from: DateTime<Utc>, until: DateTime<Utc>) -> Outcome {
        let local = |at: DateTime<Utc>| at.with_timezone(&asked.zone).fixed_offset();
        Outcome::NothingFree {
            from: local(from.max(self.now)),
            until: local(until),
        }
    }
}

/// Whether something was said that was not understood.
fn is_lost(outcome: &Outcome) -> bool {
    let Outcome::Unclear { doubts } = outcome else {
        return false;
    };
    let mut doubts = doubts.iter();
    doubts.any(|doubt| doubt.problem == Problem::NotUnderstood)
}

fn slots_of(slots: impl IntoIterator<Item = Offer>, as_wished: bool) -> Outcome {
    Outcome::Slots {
        slots: slots.into_iter().collect(),
        as_wished,
    }
}
