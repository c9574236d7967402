//! The settings of the tenant's voice agent, and what can be done about them.

mod shown;

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::desk::Visit;
use super::layout::View;
use super::parts::{confirm, hidden, notice, outside, unless_noted};
use super::problem::Problem;
use super::words::{Tone, count};
use crate::agents::{
    AgentConsole, AgentPanel, ConsoleError, ConsoleErrorKind, PushPlan, Tool, TrialParams,
};
use crate::store::{DocumentVersion, OperatorAction, StoreError};
use crate::sync::Error;

/// Where the page is, below the tenant's.
const PATH: &str = "/agents";

/// The page, or that there is nothing to set up.
pub(super) async fn view(visit: &Visit) -> Result<View, Problem> {
    shown(visit, html! {}).await
}

async fn shown(visit: &Visit, told: Markup) -> Result<View, Problem> {
    let console = console(visit)?;
    let panel = match panel(visit, console).await? {
        Ok(panel) => panel,
        Err(why) => return Ok(not_set_up(&why)),
    };
    let versions = shown::versions(visit, console).await?;
    Ok(View::new("Agent")
        .still(told)
        .still(shown::state(visit, &panel))
        .still(shown::addresses(&panel))
        .still(shown::functions(visit, &panel))
        .still(shown::events(visit, &panel))
        .still(shown::test(visit, &panel))
        .still(versions))
}

fn not_set_up(why: &str) -> View {
    View::new("Agent").still(html! { (notice(Tone::Calm, why)) })
}

/// The host has given the page what it needs, or there is no such page.
fn console(visit: &Visit) -> Result<&dyn AgentConsole, Problem> {
    visit.agents().ok_or(Problem::NotFound)
}

/// How the agent is set up; or why it is not.
async fn panel(
    visit: &Visit,
    console: &dyn AgentConsole,
) -> Result<Result<AgentPanel, String>, Problem> {
    if !console.has_agent(&visit.tenant) {
        // The store is asked all the same: a page that cannot be trusted says so.
        console.versions(&visit.tenant, shown::FIRST).await?;
        let why =
            "No voice agent is set up for this tenant. Set one up where the tenant is set up.";
        return Ok(Err(why.to_owned()));
    }
    console
        .panel(&visit.tenant)
        .await
        .map(Ok)
        .map_err(Problem::from)
}

/// What is said of a failure of the provider's; a failure of the store's is a page of its own.
fn failed(error: ConsoleError) -> Result<String, Problem> {
    match error.kind() {
        ConsoleErrorKind::Store(_) => Err(error.into()),
        kind => {
            let advice = match kind {
                ConsoleErrorKind::Unauthorized => "Replace the key where the tenant is set up.",
                ConsoleErrorKind::NotFound => "Check which agent is meant.",
                ConsoleErrorKind::Unavailable => "Try again in a moment.",
                ConsoleErrorKind::Stale => "Look at the differences again.",
                _ => "",
            };
            let what = upper_first(&error.to_string());
            Ok(format!("{what}. {advice}").trim_end().to_owned())
        }
    }
}

impl From<ConsoleError> for Problem {
    fn from(error: ConsoleError) -> Self {
        match error.kind() {
            ConsoleErrorKind::Store(kind) => {
                Error::Store(StoreError::new(kind, error.to_string())).into()
            }
            ConsoleErrorKind::NotFound => Self::NotFound,
            _ => Self::Conflict(upper_first(&format!("{error}."))),
        }
    }
}

fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// What differs between the agent and what is chosen here; and the button that pushes it.
pub(super) async fn diff(visit: &Visit) -> Result<View, Problem> {
    let console = console(visit)?;
    if let Err(why) = panel(visit, console).await? {
        return Ok(not_set_up(&why));
    }
    differences(visit, console, html! {}).await
}

async fn differences(
    visit: &Visit,
    console: &dyn AgentConsole,
    told: Markup,
) -> Result<View, Problem> {
    let view = View::new("What a push changes").still(told);
    let back = html! { p { a.button href=(visit.link(PATH)) { "Back to the agent" } } };
    let plan = match console.plan(&visit.tenant).await {
        Ok(plan) => plan,
        Err(error) => {
            let why = failed(error)?;
            return Ok(view.still(html! { (notice(Tone::Bad, &why)) (back) }));
        }
    };
    let may_push =
        visit.operator.may_write() && plan.obstacles.is_empty() && !plan.changes.is_empty();
    Ok(view.still(html! {
        @if may_push {
            (confirm(
                &visit.link("/agents/push"),
                &listed(&plan),
                &hidden("plan", &plan.fingerprint()),
                "Push to the agent",
                &visit.link(PATH),
            ))
        } @else {
            (listed(&plan))
            (back)
        }
    }))
}

fn listed(plan: &PushPlan) -> Markup {
    html! {
        p {
            "Agent " (outside(plan.agent_name.as_deref().unwrap_or("without a name")))
            " (" (outside(&plan.agent_id)) ")"
        }
        @if plan.is_published {
            (notice(Tone::Warn, "This version of the agent is published. If the provider refuses to change it, make a draft there first."))
        }
        @for obstacle in &plan.obstacles {
            (notice(Tone::Bad, &format!("{}. Rename or remove it at the provider first.", upper_first(obstacle))))
        }
        @if plan.changes.is_empty() {
            (notice(Tone::Good, "The agent is as it should be: nothing would be changed."))
        } @else {
            ul.findings { @for change in &plan.changes { li { (outside(&upper_first(change))) "." } } }
        }
    }
}

/// Switches a function on or off.
pub(super) async fn switch(visit: &Visit) -> Result<View, Problem> {
    let console = console(visit)?;
    panel(visit, console).await?.map_err(Problem::Conflict)?;
    let name = visit.form.get("function").unwrap_or_default();
    let tool: Tool = name
        .parse()
        .map_err(|_| Problem::Invalid("There is no such function.".to_owned()))?;
    let on = visit.form.is_set("on");
    let by = visit.operator.name.as_str();
    let switched = console.switch(&visit.tenant, by, tool, on).await;
    switched?;
    let text = format!(
        "{} is switched {}. Push it, so that the agent knows.",
        tool.title(),
        if on { "on" } else { "off" }
    );
    done(visit, OperatorAction::SetUpAgent, Tone::Good, &text).await
}

/// Selects the call events.
pub(super) async fn select_events(visit: &Visit) -> Result<View, Problem> {
    let console = console(visit)?;
    let panel = panel(visit, console).await?.map_err(Problem::Conflict)?;
    let events = match visit.form.get("mode") {
        Some("leave") => None,
        Some("select") => {
            let chosen = visit.form.all("event");
            let known = |event: &&str| panel.known_events.contains(event);
            if !chosen.iter().all(known) {
                let why = "There is no such call event.";
                return Err(Problem::Invalid(why.to_owned()));
            }
            let chosen: BTreeSet<String> = chosen.iter().map(ToString::to_string).collect();
            Some(chosen)
        }
        _ => {
            let why = "Select call events, or leave them to the provider.";
            return Err(Problem::Invalid(why.to_owned()));
        }
    };
    let text = match &events {
        None => "The call events are left as they are at the provider.".to_owned(),
        Some(events) => {
            let events = count(events.len() as u64, "call event is", "call events are");
            format!("{events} selected. Push it, so that the agent knows.")
        }
    };
    let by = visit.operator.name.as_str();
    let selected = console.select_events(&visit.tenant, by, events).await;
    selected?;
    done(visit, OperatorAction::SetUpAgent, Tone::Good, &text).await
}

/// Restores an earlier version of the settings.
pub(super) async fn restore(visit: &Visit) -> Result<View, Problem> {
    let console = console(visit)?;
    panel(visit, console).await?.map_err(Problem::Conflict)?;
    let version = visit.form.get("version").and_then(|text| text.parse().ok());
    let version: DocumentVersion =
        version.ok_or_else(|| Problem::Invalid("Choose a version.".to_owned()))?;
    let by = visit.operator.name.as_str();
    let restored = console.restore(&visit.tenant, by, version).await;
    restored?;
    let text = format!("Version {version} is restored. Push it, so that the agent knows.");
    done(visit, OperatorAction::SetUpAgent, Tone::Good, &text).await
}

/// Pushes what was shown; shows it first, if it was not.
pub(super) async fn push(visit: &Visit) -> Result<View, Problem> {
    let console = console(visit)?;
    panel(visit, console).await?.map_err(Problem::Conflict)?;
    let Some(plan) = visit.form.get("plan") else {
        return differences(visit, console, html! {}).await;
    };
    let by = visit.operator.name.as_str();
    match console.push(&visit.tenant, by, Some(plan)).await {
        Ok(plan) => {
            let changes = count(plan.changes.len() as u64, "change was", "changes were");
            let text = format!("{changes} pushed to the agent.");
            done(visit, OperatorAction::PushAgent, Tone::Good, &text).await
        }
        Err(error) if error.kind() == ConsoleErrorKind::Stale => {
            let text = failed(error)?;
            let told = html! { div role="status" { (notice(Tone::Warn, &text)) } };
            differences(visit, console, told).await
        }
        Err(error) => {
            let text = failed(error)?;
            done(visit, OperatorAction::PushAgent, Tone::Bad, &text).await
        }
    }
}

/// Plays a test call.
pub(super) async fn test(visit: &Visit) -> Result<View, Problem> {
    let console = console(visit)?;
    panel(visit, console).await?.map_err(Problem::Conflict)?;
    let params = TrialParams::default().with_booking(visit.form.is_set("book"));
    let by = visit.operator.name.as_str();
    let (tone, text) = match console.test(&visit.tenant, by, params).await {
        Ok(trial) if trial.steps.is_good() => (Tone::Good, trial.steps.sentence()),
        Ok(trial) => (Tone::Bad, trial.steps.sentence()),
        Err(error) => (Tone::Bad, failed(error)?),
    };
    done(visit, OperatorAction::TestAgent, tone, &text).await
}

async fn done(
    visit: &Visit,
    action: OperatorAction,
    tone: Tone,
    text: &str,
) -> Result<View, Problem> {
    let noted = visit.note(None, action, text).await;
    let told = html! {
        div role="status" { (notice(tone, text)) }
        (unless_noted(noted))
    };
    shown(visit, told).await
}
