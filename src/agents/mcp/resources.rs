//! What clients may read besides calling tools: services and opening hours.

use chrono::{NaiveTime, Weekday};
use rmcp::ErrorData;
use rmcp::model::{ReadResourceResult, Resource, ResourceContents};
use serde::Serialize;
use serde_json::Value;

use super::answer::unwritable;
use super::server::McpServer;
use crate::agents::{Caller, Outcome, ServiceLine, Tool};
use crate::model::{PhoneNumber, TimeZone};
use crate::sync::{Branch, BranchId, OpeningTime, Tenant};

const SERVICES: &str = "calcom://services";
const OPENING_HOURS: &str = "calcom://opening-hours";
const JSON: &str = "application/json";

/// All resources.
pub(super) fn listed() -> Vec<Resource> {
    let services = Resource::new(SERVICES, "services")
        .with_title("Services")
        .with_description("What can be booked, with the length of each service in minutes.");
    let opening_hours = Resource::new(OPENING_HOURS, "opening-hours")
        .with_title("Opening hours")
        .with_description(
            "The branches with their addresses, phone numbers, time zones and opening hours. A branch without \
             opening hours, and a business without branches, is open whenever a slot is free.",
        );
    [services, opening_hours]
        .map(|resource| resource.with_mime_type(JSON))
        .into()
}

impl McpServer {
    /// Reads a resource.
    pub(super) async fn read(&self, uri: &str) -> Result<ReadResourceResult, ErrorData> {
        let (uri, json) = match uri {
            SERVICES => (SERVICES, self.services().await?),
            OPENING_HOURS => (OPENING_HOURS, self.opening_hours().await?),
            // What comes from outside is not repeated.
            _ => {
                let message = "there is no such resource";
                return Err(ErrorData::resource_not_found(message, None));
            }
        };
        let contents = ResourceContents::text(json, uri).with_mime_type(JSON);
        Ok(ReadResourceResult::new(vec![contents]))
    }

    async fn services(&self) -> Result<String, ErrorData> {
        let (caller, tool) = (Caller::program(), Tool::ListServices);
        let answer = self
            .tools
            .call(&self.tenant, &caller, tool, Value::Null)
            .await;
        match answer.result {
            Outcome::Services { services } => written(&Services { services }),
            _ => Err(unavailable()),
        }
    }

    async fn opening_hours(&self) -> Result<String, ErrorData> {
        let tenant = self.tools.directory().tenant(&self.tenant);
        let within = self.tools.config().answer_within;
        match tokio::time::timeout(within, tenant).await {
            Ok(Ok(Some(tenant))) => written(&Hours::of(&tenant)),
            Ok(Ok(None)) | Err(_) => Err(unavailable()),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a tenant could not be read");
                Err(unavailable())
            }
        }
    }
}

fn unavailable() -> ErrorData {
    ErrorData::internal_error("it cannot be read now; try again later", None)
}

fn written(value: &impl Serialize) -> Result<String, ErrorData> {
    serde_json::to_string(value).map_err(unwritable)
}

#[derive(Serialize)]
struct Services {
    services: Vec<ServiceLine>,
}

#[derive(Serialize)]
struct Hours<'a> {
    time_zone: &'a TimeZone,
    branches: Vec<Place<'a>>,
}

#[derive(Serialize)]
struct Place<'a> {
    id: &'a BranchId,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
    phone_numbers: Vec<&'a PhoneNumber>,
    time_zone: &'a TimeZone,
    opening_hours: Vec<Span>,
}

#[derive(Serialize)]
struct Span {
    day: &'static str,
    from: String,
    until: String,
}

impl<'a> Hours<'a> {
    fn of(tenant: &'a Tenant) -> Self {
        Self {
            time_zone: &tenant.locale().time_zone,
            branches: tenant.branches().iter().map(Place::of).collect(),
        }
    }
}

impl<'a> Place<'a> {
    fn of(branch: &'a Branch) -> Self {
        Self {
            id: &branch.id,
            name: &branch.name,
            address: branch.address.as_deref(),
            phone_numbers: branch.phone_numbers.iter().collect(),
            time_zone: &branch.time_zone,
            opening_hours: branch.opening_hours.times().iter().map(Span::of).collect(),
        }
    }
}

impl Span {
    fn of(open: &OpeningTime) -> Self {
        let time = |time: NaiveTime| time.format("%H:%M").to_string();
        Self {
            day: match open.day {
                Weekday::Mon => "monday",
                Weekday::Tue => "tuesday",
                Weekday::Wed => "wednesday",
                Weekday::Thu => "thursday",
                Weekday::Fri => "friday",
                Weekday::Sat => "saturday",
                Weekday::Sun => "sunday",
            },
            from: time(open.from),
            until: match open.until {
                NaiveTime::MIN => "24:00".to_owned(),
                until => time(until),
            },
        }
    }
}
