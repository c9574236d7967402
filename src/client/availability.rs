//! Cached availability, and alternatives to a slot that is taken.

use std::cmp::Ordering;
use std::sync::Arc;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::Client;
use super::cache::{AvailabilityChanges, Cached, Forgotten, Freshness};
use super::error::Error;
use crate::model::{
    EventType, EventTypeId, EventTypeTarget, Slot, SlotQuery, SlotsByDay, TimeZone,
};
use crate::webhook::WebhookEvent;

/// The cached availability of event types.
///
/// Obtained from [`Client::availability`].
///
/// The cache is invalidated by every write through the same client, whether or not a response
/// arrived, and when a webhook receiver calls [`observe`](Self::observe). Other clients, and those of
/// other processes, learn of it through [`changes`](Self::changes). While Cal.com is
/// unreachable, the last known response is returned, marked as [`Stale`](Freshness::Stale).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let fake = calcom::testing::FakeCalcom::start().await?;
/// # let client = calcom::client::Client::builder(fake.api_key()).base_url(fake.base_url().as_str()).build()?;
/// # let event_type = fake.event_type_id();
/// use calcom::client::AlternativesParams;
///
/// let wanted = "2099-12-08T09:00:00Z".parse()?;
/// let availability = client.availability();
/// if !availability.is_free(event_type, wanted).await?.value {
///     let near = AlternativesParams::default().with_max(3).with_same_day();
///     for alternative in availability.alternatives(event_type, wanted, &near).await?.value {
///         println!("{} is free", alternative.slot.start);
///     }
/// }
/// # fake.shutdown().await; Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Availability<'a> {
    client: &'a Client,
}

/// Parameters of the search for alternative slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlternativesParams {
    within: TimeDelta,
    max: usize,
    time_zone: Option<Tz>,
    prefer_same_day: bool,
    prefer_time_of_day: Option<NaiveTime>,
}

impl Default for AlternativesParams {
    /// Up to 5 alternatives within 7 days, by UTC days, without preferences.
    fn default() -> Self {
        Self {
            within: TimeDelta::days(7),
            max: 5,
            time_zone: Some(Tz::UTC),
            prefer_same_day: false,
            prefer_time_of_day: None,
        }
    }
}

impl AlternativesParams {
    /// Sets how far an alternative may be from the wanted slot, before and after it.
    #[must_use]
    pub fn with_within(mut self, within: TimeDelta) -> Self {
        self.within = within.abs();
        self
    }

    /// Sets the maximum number of alternatives.
    #[must_use]
    pub fn with_max(mut self, max: usize) -> Self {
        self.max = max;
        self
    }

    /// Sets the time zone used for days and times of day. The default is UTC.
    #[must_use]
    pub fn with_time_zone(mut self, time_zone: impl Into<TimeZone>) -> Self {
        self.time_zone = time_zone.into().as_str().parse().ok();
        self
    }

    /// Prefers slots on the same day.
    #[must_use]
    pub fn with_same_day(mut self) -> Self {
        self.prefer_same_day = true;
        self
    }

    /// Prefers slots near a time of day.
    #[must_use]
    pub fn with_time_of_day(mut self, time: NaiveTime) -> Self {
        self.prefer_time_of_day = Some(time);
        self
    }

    /// Returns the distance of a slot from the wanted one, in minutes. Smaller is better.
    ///
    /// The score is the distance in time, plus a whole day if the same day is preferred and the
    /// slot is on another one, plus four times the circular distance from the preferred time of
    /// day, if there is one.
    pub fn score(&self, wanted: DateTime<Utc>, slot: DateTime<Utc>) -> i64 {
        const DAY: i64 = 24 * 60;
        let mut score = (slot - wanted).num_minutes().abs();
        let time_zone = self.time_zone.unwrap_or(Tz::UTC);
        let (there, here) = (
            slot.with_timezone(&time_zone),
            wanted.with_timezone(&time_zone),
        );
        if self.prefer_same_day && there.date_naive() != here.date_naive() {
            score += DAY;
        }
        if let Some(time) = self.prefer_time_of_day {
            let apart = (there.time() - time).num_minutes().abs();
            score += 4 * apart.min(DAY - apart);
        }
        score
    }
}

/// A free slot and its distance from the wanted one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alternative {
    /// The slot.
    pub slot: Slot,
    /// The slot's [`AlternativesParams::score`].
    pub score: i64,
}

impl<'a> Availability<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    pub(super) fn client(&self) -> &'a Client {
        self.client
    }

    /// Lists the free slots that match a query.
    ///
    /// # Errors
    ///
    /// Same as [`Slots::list`](super::Slots::list), unless a stale response is returned instead.
    pub async fn slots(&self, query: &SlotQuery) -> Result<Cached<Arc<SlotsByDay>>, Error> {
        let memory = &self.client.transport.memories.slots;
        let load = || async { self.client.slots().list(query).await };
        memory.get(query, load).await
    }

    /// Returns whether a slot begins at exactly this instant.
    ///
    /// Queries and caches a whole UTC day, so checking other slots of that day needs no further
    /// request.
    ///
    /// # Errors
    ///
    /// Same as [`slots`](Self::slots).
    pub async fn is_free(
        &self,
        target: impl Into<EventTypeTarget>,
        start: DateTime<Utc>,
    ) -> Result<Cached<bool>, Error> {
        let midnight = start.date_naive().and_time(NaiveTime::MIN).and_utc();
        let query = SlotQuery::new(target, midnight, midnight + TimeDelta::days(1));
        let found = self.slots(&query).await?;
        Ok(found.map(|days| days.values().flatten().any(|slot| slot.start == start)))
    }

    /// Lists the free slots nearest to a wanted one, best first, without the wanted slot itself.
    ///
    /// # Errors
    ///
    /// Same as [`slots`](Self::slots), and [`Invalid`](super::ErrorKind::Invalid) if the time zone
    /// does not exist.
    pub async fn alternatives(
        &self,
        target: impl Into<EventTypeTarget>,
        wanted: DateTime<Utc>,
        params: &AlternativesParams,
    ) -> Result<Cached<Vec<Alternative>>, Error> {
        if params.time_zone.is_none() {
            return Err(Error::invalid_argument(
                "availability.alternatives",
                "timeZone",
                "must be an IANA time zone, such as Europe/Berlin",
            ));
        }
        let now = self.client.transport.clock.now();
        let from = (wanted - params.within).max(now);
        let until = wanted + params.within;
        if until <= from {
            return Ok(Cached {
                value: Vec::new(),
                freshness: Freshness::Fresh,
            });
        }
        // Rounded to whole hours, so that repeating the question a moment later hits the cache.
        let query = SlotQuery::new(target, whole_hour(from), until);
        let found = self.slots(&query).await?;
        Ok(found.map(|days| nearest(days.values().flatten(), wanted, from, params)))
    }

    /// Loads responses into the cache in advance. Returns the number of queries that failed.
    pub async fn warm_up(&self, queries: &[SlotQuery]) -> usize {
        let loads = queries.iter().map(|query| self.slots(query));
        let loaded = futures_util::future::join_all(loads).await;
        loaded.iter().filter(|answer| answer.is_err()).count()
    }

    /// Retrieves an event type, which is cached for longer than slots are.
    ///
    /// # Errors
    ///
    /// Same as [`EventTypes::get`](super::EventTypes::get), unless a stale response is returned
    /// instead.
    pub async fn event_type(&self, id: EventTypeId) -> Result<Cached<Arc<EventType>>, Error> {
        let memory = &self.client.transport.memories.event_types;
        let load = || async { self.client.event_types().get(id).await };
        memory.get(&id, load).await
    }

    /// Invalidates the cache entries affected by a webhook event.
    pub fn observe(&self, event: &WebhookEvent) {
        if matches!(event, WebhookEvent::Booking(_)) {
            self.client.transport.memories.forget_slots();
        }
    }

    /// Invalidates the whole cache, for use after changes made elsewhere.
    pub fn invalidate(&self) {
        self.client.transport.memories.forget_all();
    }

    /// What this client forgets from now on, to be told to other processes.
    ///
    /// Over PostgreSQL, `PostgresStore::listening` does so.
    pub fn changes(&self) -> AvailabilityChanges {
        AvailabilityChanges::of(self.client)
    }

    /// Forgets what another process has forgotten. It is not among this client's
    /// [`changes`](Self::changes).
    pub fn forget(&self, what: Forgotten) {
        self.client.transport.memories.forget(what);
    }
}

fn whole_hour(instant: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = instant.timestamp().rem_euclid(3600);
    instant
        - TimeDelta::seconds(seconds)
        - TimeDelta::nanoseconds(i64::from(instant.timestamp_subsec_nanos()))
}

/// Selects the best slots. A pure function.
fn nearest<'s>(
    slots: impl Iterator<Item = &'s Slot>,
    wanted: DateTime<Utc>,
    not_before: DateTime<Utc>,
    params: &AlternativesParams,
) -> Vec<Alternative> {
    let mut found: Vec<Alternative> = slots
        .filter(|slot| slot.start != wanted && slot.start >= not_before)
        .filter(|slot| (slot.start - wanted).abs() <= params.within)
        .map(|slot| Alternative {
            slot: slot.clone(),
            score: params.score(wanted, slot.start),
        })
        .collect();
    let order = |a: &Alternative, b: &Alternative| -> Ordering {
        (a.score, a.slot.start).cmp(&(b.score, b.slot.start))
    };
    found.sort_by(order);
    found.truncate(params.max);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(text: &str) -> Slot {
        let json = serde_json::json!({ "start": text });
        serde_json::from_value(json).unwrap()
    }

    fn starts(found: &[Alternative]) -> Vec<String> {
        found
            .iter()
            .map(|a| a.slot.start.format("%d %H:%M").to_string())
            .collect()
    }

    fn best(params: &AlternativesParams) -> Vec<String> {
        let slots: Vec<Slot> = [
            "2026-12-07T22:30:00Z",
            "2026-12-08T09:00:00Z",
            "2026-12-08T10:00:00Z",
            "2026-12-08T15:00:00Z",
            "2026-12-09T09:00:00Z",
            "2026-12-20T09:00:00Z",
        ]
        .map(slot)
        .into();
        let wanted = "2026-12-08T00:30:00Z".parse().unwrap();
        let early = "2026-12-01T00:00:00Z".parse().unwrap();
        starts(&nearest(slots.iter(), wanted, early, params))
    }

    #[test]
    fn the_nearest_come_first_and_the_far_ones_not_at_all() {
        let found = best(&AlternativesParams::default());
        assert_eq!(
            found,
            ["07 22:30", "08 09:00", "08 10:00", "08 15:00", "09 09:00"]
        );
        let few = AlternativesParams::default().with_max(1);
        assert_eq!(best(&few), ["07 22:30"]);
    }

    #[test]
    fn the_same_day_is_that_of_the_time_zone() {
        let by_utc = AlternativesParams::default().with_same_day();
        assert_eq!(best(&by_utc)[0], "08 09:00");
        // In New York it is still the 7th.
        let there = by_utc.with_time_zone("America/New_York");
        assert_eq!(best(&there)[0], "07 22:30");
    }

    #[test]
    fn a_time_of_day_is_near_around_the_clock() {
        let afternoon = NaiveTime::from_hms_opt(15, 0, 0).unwrap();
        let params = AlternativesParams::default().with_time_of_day(afternoon);
        assert_eq!(best(&params)[0], "08 15:00");
        let midnight = NaiveTime::from_hms_opt(23, 59, 0).unwrap();
        let params = AlternativesParams::default().with_time_of_day(midnight);
        assert_eq!(best(&params)[0], "07 22:30");
    }
}
