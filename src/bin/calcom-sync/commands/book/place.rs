//! The branch and the member of staff that an appointment is for.

use calcom::model::EventTypeId;
use calcom::sync::{Branch, StaffMember};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::cli::PlaceArgs;
use crate::failure::Failure;
use crate::settings::TenantSettings;

/// What was named with `--branch` and `--staff`.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) branch: Option<&'a Branch>,
    pub(super) member: Option<&'a StaffMember>,
}

impl<'a> Place<'a> {
    pub(super) fn of(settings: &'a TenantSettings, named: &PlaceArgs) -> Result<Self, Failure> {
        let unknown = |what: &str, word: &String| {
            Failure::not_found(
                format!("there is no {what} {word:?}"),
                "`calcom-sync branches` lists branches and staff",
            )
        };
        let branch = match &named.branch {
            Some(word) => Some(
                settings
                    .places
                    .branch(word)
                    .ok_or_else(|| unknown("branch", word))?,
            ),
            None => None,
        };
        let member = match &named.staff {
            Some(word) => Some(
                settings
                    .places
                    .member(word)
                    .ok_or_else(|| unknown("member of staff", word))?,
            ),
            None => None,
        };
        if let (Some(branch), Some(member)) = (branch, member)
            && !member.branches.is_empty()
            && !member.branches.contains(&branch.id)
        {
            return Err(Failure::settings(
                format!("{} does not work at {}", member.name, branch.name),
                "`calcom-sync branches` shows who works where",
            ));
        }
        Ok(Self { branch, member })
    }

    /// Whether an event type is booked there and with them.
    pub(super) fn offers(&self, id: EventTypeId) -> bool {
        let at_branch = self.branch.is_none_or(|branch| branch.offers(id));
        let of_member = self
            .member
            .is_none_or(|member| member.event_types.is_empty() || member.event_types.contains(&id));
        at_branch && of_member
    }

    /// Refuses an event type that is booked elsewhere, or with somebody else.
    pub(super) fn check(&self, id: EventTypeId) -> Result<(), Failure> {
        if self.offers(id) {
            return Ok(());
        }
        let names: Vec<&str> = self
            .branch
            .map(|branch| branch.name.as_str())
            .into_iter()
            .chain(self.member.map(|member| member.name.as_str()))
            .collect();
        Err(Failure::settings(
            format!(
                "event type {id} cannot be booked with {}",
                names.join(" and ")
            ),
            "`calcom-sync branches` shows what can",
        ))
    }

    /// The branch's time zone.
    pub(super) fn zone(&self) -> Option<Tz> {
        self.branch?.time_zone.as_str().parse().ok()
    }

    /// Whether the branch is open, as far as that is known.
    pub(super) fn is_open(&self, start: DateTime<Utc>, length: TimeDelta) -> bool {
        let Some((branch, zone)) = self.branch.zip(self.zone()) else {
            return true;
        };
        let there = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
        branch.opening_hours.is_empty()
            || branch
                .opening_hours
                .cover(there(start), there(start + length))
    }
}
