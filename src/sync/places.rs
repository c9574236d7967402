//! A tenant's branches and staff together: what is wrong with them, and what they are called.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveTime, Weekday};

use super::branch::{Branch, BranchId, StaffId, StaffMember};
use crate::model::{EventTypeId, PhoneNumber, UserId, is_time_zone};

/// A tenant's branches and staff.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Places {
    /// Its branches.
    pub branches: Vec<Branch>,
    /// Its staff.
    pub staff: Vec<StaffMember>,
}

/// What is wrong with a tenant's branches and staff. Phone numbers are not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceFlaw {
    /// Two branches have the same identifier.
    #[error("there are two branches {0}")]
    SameBranch(BranchId),
    /// Two members of staff have the same identifier.
    #[error("there are two members of staff {0}")]
    SameMember(StaffId),
    /// A phone number is given to two branches, so that a call finds the first one only.
    #[error("the branches {0} and {1} have the same phone number")]
    SharedNumber(BranchId, BranchId),
    /// A branch's time zone does not exist.
    #[error("the time zone of branch {0} does not exist")]
    UnknownTimeZone(BranchId),
    /// A branch's opening time ends before it begins.
    #[error("branch {0} closes on {1} before it opens")]
    EndsBeforeItBegins(BranchId, Weekday),
    /// A member of staff works at a branch that does not exist.
    #[error("{0} works at branch {1}, which does not exist")]
    UnknownBranch(StaffId, BranchId),
}

impl Places {
    /// These branches and this staff.
    pub fn new(
        branches: impl IntoIterator<Item = Branch>,
        staff: impl IntoIterator<Item = StaffMember>,
    ) -> Self {
        Self {
            branches: branches.into_iter().collect(),
            staff: staff.into_iter().collect(),
        }
    }

    /// Whether there are neither branches nor staff.
    pub fn is_empty(&self) -> bool {
        self.branches.is_empty() && self.staff.is_empty()
    }

    /// A branch, by its identifier or its name, in capital or small letters.
    pub fn branch(&self, word: &str) -> Option<&Branch> {
        let mut branches = self.branches.iter();
        let by_id = branches.find(|branch| branch.id.as_str() == word);
        by_id.or_else(|| {
            let mut branches = self.branches.iter();
            branches.find(|branch| is_named(&branch.name, word))
        })
    }

    /// A member of staff, by their identifier or name, in capital or small letters.
    pub fn member(&self, word: &str) -> Option<&StaffMember> {
        let mut staff = self.staff.iter();
        let by_id = staff.find(|member| member.id.as_str() == word);
        by_id.or_else(|| {
            let mut staff = self.staff.iter();
            staff.find(|member| is_named(&member.name, word))
        })
    }

    /// The member of staff with this Cal.com user.
    pub fn member_of_user(&self, user: UserId) -> Option<&StaffMember> {
        self.staff.iter().find(|member| member.user == Some(user))
    }

    /// Whose event type it is: the names of the staff and the branches that have it as one of their own.
    pub fn names_of_event_type(&self, id: EventTypeId) -> Vec<&str> {
        let staff = self.staff.iter();
        let staff = staff.filter(|member| member.event_types.contains(&id));
        let branches = self.branches.iter();
        let branches = branches.filter(|branch| branch.event_types.contains(&id));
        staff
            .map(|member| member.name.as_str())
            .chain(branches.map(|branch| branch.name.as_str()))
            .collect()
    }

    /// Everything that is wrong with them; nothing, if they are fine.
    pub fn check(&self) -> Vec<PlaceFlaw> {
        let mut flaws = Vec::new();
        let mut ids = BTreeSet::new();
        let mut owners: BTreeMap<&PhoneNumber, &BranchId> = BTreeMap::new();
        for branch in &self.branches {
            let id = &branch.id;
            if !ids.insert(id) {
                flaws.push(PlaceFlaw::SameBranch(id.clone()));
            }
            for number in &branch.phone_numbers {
                if let Some(first) = owners.insert(number, id) {
                    flaws.push(PlaceFlaw::SharedNumber(first.clone(), id.clone()));
                }
            }
            if !is_time_zone(branch.time_zone.as_str()) {
                flaws.push(PlaceFlaw::UnknownTimeZone(id.clone()));
            }
            for open in branch.opening_hours.times() {
                if open.until <= open.from && open.until != NaiveTime::MIN {
                    flaws.push(PlaceFlaw::EndsBeforeItBegins(id.clone(), open.day));
                }
            }
        }
        let mut members = BTreeSet::new();
        for member in &self.staff {
            if !members.insert(&member.id) {
                flaws.push(PlaceFlaw::SameMember(member.id.clone()));
            }
            let unknown = member.branches.iter().filter(|id| !ids.contains(id));
            flaws.extend(unknown.map(|id| PlaceFlaw::UnknownBranch(member.id.clone(), id.clone())));
        }
        flaws
    }
}

fn is_named(name: &str, word: &str) -> bool {
    name.trim().to_lowercase() == word.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::OpeningTime;

    fn branch(id: &str) -> Branch {
        Branch::new(id.into(), format!("Salon {id}"), "Europe/Berlin".into())
    }

    #[test]
    fn branches_and_staff_that_fit_have_no_flaw() {
        let number: PhoneNumber = "+4930123456".parse().unwrap();
        let until_midnight = OpeningTime::new(
            Weekday::Fri,
            "18:00:00".parse().unwrap(),
            "00:00:00".parse().unwrap(),
        );
        let mitte = branch("mitte")
            .with_phone_number(number)
            .with_opening_hours([until_midnight]);
        let hanna = StaffMember::new("hanna".into(), "Hanna").with_branch("mitte".into());
        let places = Places::new([mitte, branch("west")], [hanna]);
        assert_eq!(places.check(), []);
    }

    #[test]
    fn every_flaw_is_told() {
        let number: PhoneNumber = "+4930123456".parse().unwrap();
        let clock = |text: &str| text.parse().unwrap();
        let backward = OpeningTime::new(Weekday::Mon, clock("18:00:00"), clock("09:00:00"));
        let mut west = branch("west").with_phone_number(number.clone());
        west.time_zone = "Europe/Berlln".into();
        let mitte = branch("mitte")
            .with_phone_number(number)
            .with_opening_hours([backward]);
        let hanna = StaffMember::new("hanna".into(), "Hanna").with_branch("ost".into());
        let places = Places::new([mitte, west, branch("mitte")], [hanna.clone(), hanna]);
        let told: Vec<String> = places.check().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "branch mitte closes on Mon before it opens",
                "the branches mitte and west have the same phone number",
                "the time zone of branch west does not exist",
                "there are two branches mitte",
                "hanna works at branch ost, which does not exist",
                "there are two members of staff hanna",
                "hanna works at branch ost, which does not exist",
            ]
        );
    }

    #[test]
    fn branches_and_staff_are_found_by_id_and_by_name() {
        let hanna = StaffMember::new("h".into(), "Hanna Weber")
            .with_user(7.into())
            .with_event_type(42.into());
        let places = Places::new([branch("mitte").with_event_type(42.into())], [hanna]);
        assert_eq!(places.branch("mitte"), places.branch(" salon MITTE"));
        assert!(places.branch("mitte").is_some() && places.branch("west").is_none());
        assert_eq!(places.member("h"), places.member("hanna weber"));
        assert_eq!(places.member_of_user(7.into()), places.member("h"));
        assert_eq!(
            places.names_of_event_type(42.into()),
            ["Hanna Weber", "Salon mitte"]
        );
        assert!(places.names_of_event_type(43.into()).is_empty());
    }
}
