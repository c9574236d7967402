//! Branches and staff in the settings file.

use std::collections::BTreeSet;

use calcom::model::{EventTypeId, PhoneNumber, Region, TimeZone, UserId};
use calcom::sync::{Branch, BranchId, OpeningHours, PlaceFlaw, Places, StaffId, StaffMember};
use chrono_tz::Tz;
use serde::Deserialize;

use crate::failure::Failure;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BranchFile {
    id: String,
    name: String,
    time_zone: String,
    /// Each as in `Mon-Fri 09:00-18:00`.
    #[serde(default)]
    opening_hours: Vec<String>,
    #[serde(default)]
    phone_numbers: Vec<String>,
    #[serde(default)]
    event_types: BTreeSet<i64>,
    address: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StaffFile {
    id: String,
    name: String,
    user: Option<i64>,
    #[serde(default)]
    event_types: BTreeSet<i64>,
    #[serde(default)]
    branches: BTreeSet<String>,
}

/// Checks everything that a tenant says about its branches and staff.
pub(super) fn check(
    branches: Vec<BranchFile>,
    staff: Vec<StaffFile>,
    region: Option<Region>,
    wrong: &impl Fn(&str, &str) -> Failure,
) -> Result<Places, Failure> {
    let mut known = Vec::new();
    for branch in branches {
        known.push(branch.check(region, wrong)?);
    }
    let mut members = Vec::new();
    for member in staff {
        members.push(member.check(wrong)?);
    }
    let places = Places::new(known, members);
    match places.check().first() {
        Some(flaw) => {
            let setting = match flaw {
                PlaceFlaw::SameMember(_) | PlaceFlaw::UnknownBranch(..) => "tenants.staff",
                _ => "tenants.branches",
            };
            Err(wrong(setting, &format!("is wrong: {flaw}")))
        }
        None => Ok(places),
    }
}

impl BranchFile {
    fn check(
        self,
        region: Option<Region>,
        wrong: &impl Fn(&str, &str) -> Failure,
    ) -> Result<Branch, Failure> {
        let id = self.id.trim();
        if id.is_empty() || self.name.trim().is_empty() {
            return Err(wrong("tenants.branches", "has one without an id or a name"));
        }
        if self.time_zone.parse::<Tz>().is_err() {
            let problem = format!("of {id} is no time zone: write one as in Europe/Berlin");
            return Err(wrong("tenants.branches.time_zone", &problem));
        }
        let hours: OpeningHours = self.opening_hours.join(",").parse().map_err(|_| {
            let problem =
                format!("of {id} cannot be read: write them as in \"Mon-Fri 09:00-18:00\"");
            wrong("tenants.branches.opening_hours", &problem)
        })?;
        let zone = TimeZone::new(&self.time_zone);
        let mut branch = Branch::new(BranchId::new(id), self.name.trim(), zone)
            .with_opening_hours(hours.times().iter().copied());
        for text in &self.phone_numbers {
            let number = PhoneNumber::parse(text, region).map_err(|why| {
                let problem = format!(
                    "of {id} has an invalid phone number: {why}. Write it as in +4930123456, or set default_region"
                );
                wrong("tenants.branches.phone_numbers", &problem)
            })?;
            branch = branch.with_phone_number(number);
        }
        for event_type in self.event_types {
            branch = branch.with_event_type(EventTypeId::new(event_type));
        }
        if let Some(address) = self.address {
            branch = branch.with_address(address);
        }
        Ok(branch)
    }
}

impl StaffFile {
    fn check(self, wrong: &impl Fn(&str, &str) -> Failure) -> Result<StaffMember, Failure> {
        let id = self.id.trim();
        if id.is_empty() || self.name.trim().is_empty() {
            return Err(wrong(
                "tenants.staff",
                "has somebody without an id or a name",
            ));
        }
        let mut member = StaffMember::new(StaffId::new(id), self.name.trim());
        if let Some(user) = self.user {
            member = member.with_user(UserId::new(user));
        }
        for event_type in self.event_types {
            member = member.with_event_type(EventTypeId::new(event_type));
        }
        for branch in &self.branches {
            member = member.with_branch(BranchId::new(branch.trim()));
        }
        Ok(member)
    }
}
