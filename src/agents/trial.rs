//! A test of an agent's endpoint: a short call is played against it, and each answer is looked at.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::settings::AgentSettings;
use super::tool::Tool;
use crate::model::clean_line;

/// How much of an answer is kept, in characters.
const LONGEST_ANSWER: usize = 300;

/// A test that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Trial {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Who had it made.
    pub by: String,
    /// How it went.
    #[serde(flatten)]
    pub steps: TrialSteps,
}

/// How a test went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrialSteps {
    /// The calls of functions, in their order.
    pub steps: Vec<TrialStep>,
}

impl TrialSteps {
    /// Whether every call was answered as it should be.
    pub fn is_good(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| step.is_good)
    }

    /// How it went, in one sentence.
    pub fn sentence(&self) -> String {
        let bad = self.steps.iter().filter(|step| !step.is_good).count();
        let all = self.steps.len();
        match bad {
            0 => format!("All {all} calls were answered as they should be."),
            bad => format!("{bad} of {all} calls were not answered as they should be."),
        }
    }
}

/// One call of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrialStep {
    /// The function.
    pub function: String,
    /// Whether it was answered as it should be.
    pub is_good: bool,
    /// What came of it: a kind of outcome, or what is wrong.
    pub outcome: String,
    /// What the agent would say, cut off where it is long.
    pub said: String,
    /// How long the answer took.
    pub millis: u64,
}

/// The answer to a call of a function, as it came.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// How long it took.
    pub took: Duration,
}

impl EndpointAnswer {
    /// An answer.
    pub fn new(status: u16, body: impl Into<Vec<u8>>, took: Duration) -> Self {
        Self {
            status,
            body: body.into(),
            took,
        }
    }
}

impl fmt::Debug for EndpointAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointAnswer")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .field("took", &self.took)
            .finish()
    }
}

/// Calls a function at an endpoint as a provider would, within one conversation.
#[async_trait]
pub trait Endpoint: fmt::Debug + Send + Sync {
    /// Calls a function.
    ///
    /// # Errors
    ///
    /// What is wrong, in a few words, if there was no answer.
    async fn call(&self, function: Tool, arguments: &Value) -> Result<EndpointAnswer, String>;
}

/// How a test is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrialParams {
    /// Whether an appointment is booked, and cancelled at once. Default: no.
    pub book: bool,
}

impl TrialParams {
    /// Sets whether an appointment is booked, and cancelled at once.
    #[must_use]
    pub fn with_booking(mut self, book: bool) -> Self {
        self.book = book;
        self
    }
}

/// Plays a short call: lists services, looks for a free slot, has appointment data checked; and books
/// and cancels, if that is asked for. Functions that are switched off are left out.
pub async fn play(
    endpoint: &dyn Endpoint,
    settings: &AgentSettings,
    params: TrialParams,
) -> TrialSteps {
    let mut call = Call {
        endpoint,
        settings,
        steps: Vec::new(),
    };
    call.play(params).await;
    TrialSteps { steps: call.steps }
}

struct Call<'a> {
    endpoint: &'a dyn Endpoint,
    settings: &'a AgentSettings,
    steps: Vec<TrialStep>,
}

impl Call<'_> {
    async fn play(&mut self, params: TrialParams) {
        let language = "en";
        let listed = self
            .ask(Tool::ListServices, json!({"language": language}))
            .await;
        let service = listed.as_ref().and_then(|result| {
            let first = result.get("services")?.get(0)?;
            first.get("id")?.as_str().map(str::to_owned)
        });
        let Some(service) = service else {
            return;
        };
        let arguments = json!({"service": service, "when": "tomorrow", "language": language});
        self.ask(Tool::CheckAvailability, arguments).await;
        let arguments = json!({"service": service, "language": language});
        let found = self.ask(Tool::FindNextSlot, arguments).await;
        let slot = found.as_ref().and_then(|result| {
            let first = result.get("slots")?.get(0)?;
            first.get("start")?.as_str().map(str::to_owned)
        });
        let arguments = json!({
            "name": "Test Call",
            "service": service,
            "date": "tomorrow",
            "language": language,
        });
        self.ask(Tool::CollectAppointmentData, arguments).await;
        let Some(slot) = slot.filter(|_| params.book) else {
            return;
        };
        if ![Tool::BookAppointment, Tool::CancelAppointment]
            .iter()
            .all(|tool| self.settings.is_on(*tool))
        {
            return;
        }
        let arguments = json!({
            "service": service,
            "when": slot,
            "name": "Test Call",
            "notes": "A test; it is cancelled at once.",
            "language": language,
        });
        let booked = self.ask(Tool::BookAppointment, arguments).await;
        let appointment = booked.as_ref().and_then(|result| {
            let id = result.get("appointment")?.get("id")?;
            id.as_str().map(str::to_owned)
        });
        let Some(appointment) = appointment else {
            return;
        };
        let arguments =
            json!({"appointment": appointment, "reason": "A test.", "language": language});
        self.ask(Tool::CancelAppointment, arguments).await;
    }

    /// The structured result, if the call was answered as it should be.
    async fn ask(&mut self, function: Tool, arguments: Value) -> Option<Value> {
        if !self.settings.is_on(function) {
            return None;
        }
        let answered = self.endpoint.call(function, &arguments).await;
        let (step, result) = judge(function, answered);
        let is_good = step.is_good;
        self.steps.push(step);
        result.filter(|_| is_good)
    }
}

/// What an answer is worth.
fn judge(function: Tool, answered: Result<EndpointAnswer, String>) -> (TrialStep, Option<Value>) {
    let step = |is_good, outcome: &str, said: &str, took: Duration| TrialStep {
        function: function.as_str().to_owned(),
        is_good,
        outcome: bounded(outcome),
        said: bounded(said),
        millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    };
    let answer = match answered {
        Ok(answer) => answer,
        Err(why) => return (step(false, &why, "", Duration::ZERO), None),
    };
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let said = body.get("say").and_then(Value::as_str).unwrap_or_default();
    if !(200..300).contains(&answer.status) {
        let status = format!("answered with {}", answer.status);
        return (step(false, &status, said, answer.took), None);
    }
    let result = body.get("result").cloned();
    let outcome = result
        .as_ref()
        .and_then(|result| result.get("outcome")?.as_str());
    let Some(outcome) = outcome else {
        let outcome = "answered, and not as the tools do";
        return (step(false, outcome, said, answer.took), None);
    };
    let is_good = match function {
        // What is missing is told, and that is as it should be.
        Tool::CollectAppointmentData => outcome == "collected",
        Tool::BookAppointment => outcome == "booked",
        Tool::CancelAppointment => outcome == "cancelled",
        Tool::ListServices => {
            let services = result
                .as_ref()
                .and_then(|result| result.get("services")?.as_array());
            services.is_some_and(|services| !services.is_empty())
        }
        _ => !["unclear", "refused", "unavailable"].contains(&outcome),
    };
    let outcome = match (function, is_good) {
        (Tool::ListServices, false) => "there is no service to book",
        _ => outcome,
    };
    (
        step(is_good && !said.is_empty(), outcome, said, answer.took),
        result,
    )
}

fn bounded(text: &str) -> String {
    clean_line(text).chars().take(LONGEST_ANSWER).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Answers as it was told, and remembers what it was asked.
    #[derive(Debug, Default)]
    struct Scripted {
        asked: Mutex<Vec<(Tool, Value)>>,
        breaks_at: Option<Tool>,
    }

    #[async_trait]
    impl Endpoint for Scripted {
        async fn call(&self, function: Tool, arguments: &Value) -> Result<EndpointAnswer, String> {
            self.asked
                .lock()
                .unwrap()
                .push((function, arguments.clone()));
            if self.breaks_at == Some(function) {
                return Ok(EndpointAnswer::new(500, "oops", Duration::ZERO));
            }
            let result = match function {
                Tool::ListServices => json!({"outcome": "services", "services": [{"id": "s-1"}]}),
                Tool::FindNextSlot => {
                    json!({"outcome": "slots", "slots": [{"start": "2026-12-08T09:00:00+01:00"}]})
                }
                Tool::CollectAppointmentData => json!({"outcome": "collected"}),
                Tool::BookAppointment => {
                    json!({"outcome": "booked", "appointment": {"id": "a-1"}})
                }
                Tool::CancelAppointment => json!({"outcome": "cancelled"}),
                _ => json!({"outcome": "nothing_free"}),
            };
            let body = json!({"say": "A sentence.", "result": result}).to_string();
            Ok(EndpointAnswer::new(200, body, Duration::from_millis(7)))
        }
    }

    impl Scripted {
        fn functions(&self) -> Vec<Tool> {
            let asked = self.asked.lock().unwrap();
            asked.iter().map(|(function, _)| *function).collect()
        }
    }

    #[tokio::test]
    async fn nothing_is_booked_unless_it_is_asked_for() {
        let endpoint = Scripted::default();
        let settings = AgentSettings::default();
        let played = play(&endpoint, &settings, TrialParams::default()).await;
        assert!(played.is_good(), "{played:?}");
        assert_eq!(played.steps[0].millis, 7);
        let asked = endpoint.functions();
        assert_eq!(asked.len(), 4);
        assert!(asked.iter().all(|tool| tool.hints().read_only), "{asked:?}");
    }

    #[tokio::test]
    async fn what_is_booked_is_cancelled() {
        let endpoint = Scripted::default();
        let settings = AgentSettings::default();
        let params = TrialParams::default().with_booking(true);
        let played = play(&endpoint, &settings, params).await;
        assert!(played.is_good(), "{played:?}");
        let asked = endpoint.asked.lock().unwrap();
        let [.., (book, booked), (cancel, cancelled)] = &asked[..] else {
            panic!("{asked:?}")
        };
        assert_eq!(
            (*book, *cancel),
            (Tool::BookAppointment, Tool::CancelAppointment)
        );
        assert_eq!(booked["when"], "2026-12-08T09:00:00+01:00");
        assert_eq!(cancelled["appointment"], "a-1");
    }

    #[tokio::test]
    async fn a_function_that_is_switched_off_is_not_called() {
        let params = TrialParams::default().with_booking(true);
        for off in [Tool::BookAppointment, Tool::CancelAppointment] {
            let endpoint = Scripted::default();
            let mut settings = AgentSettings::default();
            settings.switch(off, false);
            play(&endpoint, &settings, params).await;
            let asked = endpoint.functions();
            assert!(!asked.contains(&Tool::BookAppointment), "{asked:?}");
        }
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told_and_the_rest_is_left_out_if_it_needs_it() {
        let endpoint = Scripted {
            breaks_at: Some(Tool::ListServices),
            ..Scripted::default()
        };
        let params = TrialParams::default().with_booking(true);
        let played = play(&endpoint, &AgentSettings::default(), params).await;
        assert!(!played.is_good());
        assert_eq!(played.steps.len(), 1);
        assert_eq!(played.steps[0].outcome, "answered with 500");
        assert!(!TrialSteps::default().is_good(), "nothing was tested");
    }

    #[test]
    fn answers_that_are_not_the_tools_are_not_good() {
        let judged = |function, body: &str| {
            let answer = EndpointAnswer::new(200, body, Duration::ZERO);
            judge(function, Ok(answer)).0.is_good
        };
        assert!(!judged(Tool::ListServices, "hello"));
        assert!(!judged(
            Tool::ListServices,
            r#"{"say": "None.", "result": {"outcome": "services", "services": []}}"#
        ));
        assert!(!judged(
            Tool::CheckAvailability,
            r#"{"say": "Sorry.", "result": {"outcome": "unavailable"}}"#
        ));
        assert!(!judged(
            Tool::CheckAvailability,
            r#"{"result": {"outcome": "free"}}"#
        ));
        assert!(judged(
            Tool::CheckAvailability,
            r#"{"say": "Yes.", "result": {"outcome": "free"}}"#
        ));
        let long = EndpointAnswer::new(
            200,
            format!(r#"{{"say": "{}"}}"#, "x".repeat(9999)),
            Duration::ZERO,
        );
        assert_eq!(
            judge(Tool::ListServices, Ok(long)).0.said.len(),
            LONGEST_ANSWER
        );
    }
}
