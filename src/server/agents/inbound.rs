//! A call that is about to be taken: which agent takes it, and what that one is told.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeZone, Timelike};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::desk::Desk;
use crate::agents::dialect::retell::{InboundAnswer, InboundCall};
use crate::agents::{Caller, Outcome, Scene, Tool};
use crate::sync::{Branch, Tenant};

/// How long the caller's next appointment is looked for. Retell waits 10 s for the answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(7);

impl Desk {
    /// How a call is taken.
    pub(super) async fn take_call(&self, tenant: &Tenant, call: &InboundCall) -> InboundAnswer {
        let branch = call.to.as_ref().and_then(|to| tenant.branch_of_number(to));
        let now = self.now_at(tenant, branch);
        let caller = Caller::on_the_phone(String::new(), call.from.clone())
            .with_conversation(None)
            .with_called(call.to.clone())
            .with_language(tenant.locale().language.clone());
        let next = self.next_appointment(tenant, &caller, now).await;
        let language = self.tools.language(None, Some(tenant));
        let mut answer = InboundAnswer {
            override_agent_id: self
                .config
                .agent_of(tenant.id(), branch.map(|branch| &branch.id))
                .cloned(),
            dynamic_variables: BTreeMap::new(),
            metadata: Map::new(),
        };
        let id = branch.map(|branch| &branch.id);
        let greeting = self.config.greeting_of(tenant.id(), id, language.code());
        let mut set = |name: &str, value: String| {
            answer.dynamic_variables.insert(name.to_owned(), value);
        };
        let name = branch.map_or("", |branch| &branch.name);
        set("branch", name.to_owned());
        let address = branch.and_then(|branch| branch.address.clone());
        set("branch_address", address.unwrap_or_default());
        set(
            "greeting",
            match greeting {
                Some(text) => text.replace("{branch}", name),
                None => greeting_at(language.code(), name, now),
            },
        );
        set("language", language.code().to_owned());
        set("time_zone", now.timezone().name().to_owned());
        set("date", now.format("%Y-%m-%d").to_string());
        set("weekday", now.format("%A").to_string());
        set("time", now.format("%H:%M").to_string());
        set("known_caller", next.is_some().to_string());
        set("next_appointment", next.unwrap_or_default());
        if let Some(branch) = branch {
            let id = Value::from(branch.id.as_str());
            answer.metadata.insert("branch".to_owned(), id);
        }
        answer
    }

    /// The time now, where the business is.
    pub(super) fn now_at(&self, tenant: &Tenant, branch: Option<&Branch>) -> DateTime<Tz> {
        let zone = branch.map_or(&tenant.locale().time_zone, |branch| &branch.time_zone);
        let zone: Tz = zone.as_str().parse().unwrap_or(Tz::UTC);
        zone.from_utc_datetime(&self.tools.clock().now().naive_utc())
    }

    /// A sentence about the caller's next appointment; `None` if they have none, or it takes too long to
    /// find out.
    async fn next_appointment(
        &self,
        tenant: &Tenant,
        caller: &Caller,
        now: DateTime<Tz>,
    ) -> Option<String> {
        caller.number.as_ref()?;
        let (tool, arguments) = (Tool::FindAppointments, Value::Object(Map::new()));
        let found = self.tools.call(tenant.id(), caller, tool, arguments);
        let found = tokio::time::timeout(ANSWER_WITHIN, found).await.ok()?;
        let Outcome::Appointments { appointments } = found.result else {
            return None;
        };
        let appointments = vec![appointments.into_iter().next()?];
        let language = self.tools.language(None, Some(tenant));
        let scene = Scene::new(tool, now.naive_local());
        Some(language.say(&Outcome::Appointments { appointments }, &scene))
    }
}

/// A greeting for the time of day, in a language that there is one in.
fn greeting_at(language: &str, branch: &str, now: DateTime<Tz>) -> String {
    let at = match branch {
        "" => String::new(),
        branch => format!(", {branch}"),
    };
    match (language, now.hour()) {
        ("de", 4..=10) => format!("Guten Morgen{at}. Wie kann ich Ihnen helfen?"),
        ("de", 11..=17) => format!("Guten Tag{at}. Wie kann ich Ihnen helfen?"),
        ("de", _) => format!("Guten Abend{at}. Wie kann ich Ihnen helfen?"),
        ("en", 4..=11) => format!("Good morning{at}. How can I help you?"),
        ("en", 12..=17) => format!("Good afternoon{at}. How can I help you?"),
        ("en", _) => format!("Good evening{at}. How can I help you?"),
        _ => String::new(),
    }
}
