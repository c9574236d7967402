//! `list_services` and `calculate_duration`.

use chrono::TimeDelta;

use super::super::input::{CalculateDuration, ListServices};
use super::super::outcome::{Doubt, Item, Outcome, Problem};
use super::session::{Session, Stop};

/// How many services are added up: more than anybody has in a row.
const MOST: usize = 20;

impl Session {
    pub(super) async fn list_services(&self, input: ListServices) -> Result<Outcome, Stop> {
        let branch = self.branch(&input.branch)?;
        let member = self.member(&input.staff)?;
        let services = self.services(branch, member).await?;
        Ok(Outcome::Services {
            services: services.iter().map(Self::line).collect(),
        })
    }

    pub(super) async fn calculate_duration(
        &self,
        input: CalculateDuration,
    ) -> Result<Outcome, Stop> {
        let branch = self.branch(&Default::default())?;
        let said: Vec<&str> = input.services.iter().filter_map(|one| one.said()).collect();
        if said.is_empty() {
            return Err(Doubt::new(Item::Services, Problem::Missing).into());
        }
        let all = self.services(branch, None).await?;
        let mut services = Vec::new();
        for name in said.into_iter().take(MOST) {
            services.push(self.service(name, &all)?);
        }
        let minutes = services.iter().map(|service| service.minutes);
        let minutes = minutes.fold(0, u32::saturating_add);
        let of_service = || self.only_branch_of(services.first()?.event_type);
        let zone = self.zone(branch.or_else(of_service));
        let end = match input.start.is_empty() {
            true => None,
            false => {
                let start = self.instant(zone, &input.start)?;
                start.checked_add_signed(TimeDelta::minutes(minutes.into()))
            }
        };
        Ok(Outcome::Duration {
            services: services.iter().map(Self::line).collect(),
            minutes,
            end: end.map(|end| end.with_timezone(&zone).fixed_offset()),
        })
    }
}
