//! What is printed of an agent.

use calcom::agents::{AgentPanel, AgentVersion, PushPlan, Trial};
use calcom::store::TenantId;
use serde_json::{Value, json};

use crate::output::{Output, Tone, plain};

pub(super) fn panel(output: &Output, tenant: &TenantId, panel: &AgentPanel) {
    let functions = panel.functions.iter().map(|line| {
        json!({
            "name": line.tool.as_str(),
            "is_on": line.is_on,
            "definition": line.definition,
        })
    });
    output.json(&json!({
        "tenant": tenant,
        "provider": panel.provider,
        "agent_id": panel.agent_id,
        "functions_url": panel.functions_url,
        "inbound_url": panel.inbound_url,
        "events_url": panel.events_url,
        "functions": functions.collect::<Vec<_>>(),
        "events": panel.events,
        "is_pushed": panel.is_pushed,
        "last_pushed": panel.last_pushed.as_ref().map(version),
        "last_test": panel.last_trial,
    }));
    let agent = panel.agent_id.as_deref().unwrap_or("none is named");
    output.line(plain(&format!("Tenant {tenant}: agent {agent}.")));
    for (name, url) in [
        ("Functions", &panel.functions_url),
        ("Inbound webhook", &panel.inbound_url),
        ("Call events", &panel.events_url),
    ] {
        let url = url.as_deref().unwrap_or("not known: set public_url");
        output.line(plain(&format!("{name}: {url}")));
    }
    let rows: Vec<Vec<String>> = panel
        .functions
        .iter()
        .map(|line| {
            let state = if line.is_on { "on" } else { "off" };
            vec![line.tool.as_str().to_owned(), state.to_owned()]
        })
        .collect();
    output.table(&["function", "state"], &rows);
    let events = match &panel.events {
        None => format!("as they are at {}", panel.provider),
        Some(events) if events.is_empty() => "none".to_owned(),
        Some(events) => {
            let names: Vec<&str> = events.iter().map(String::as_str).collect();
            names.join(", ")
        }
    };
    output.line(plain(&format!("Call events that are sent: {events}.")));
    match &panel.last_pushed {
        Some(version) => output.line(plain(&format!(
            "Pushed last: {} by {}.",
            output.time(version.at),
            version.by
        ))),
        None => output.line("Nothing was pushed yet."),
    }
    if !panel.is_pushed {
        let text = "What is chosen here was not pushed yet.";
        output.line(output.paint(Tone::Warning, text));
    }
    if let Some(trial) = &panel.last_trial {
        let tone = if trial.steps.is_good() {
            Tone::Good
        } else {
            Tone::Bad
        };
        let text = format!(
            "Tested last: {} by {}. {}",
            output.time(trial.at),
            trial.by,
            trial.steps.sentence()
        );
        output.line(output.paint(tone, &plain(&text)));
    }
}

pub(super) fn plan(output: &Output, tenant: &TenantId, plan: &PushPlan) {
    let name = plan.agent_name.as_deref().unwrap_or("without a name");
    output.line(plain(&format!(
        "Tenant {tenant}: agent {name} ({}).",
        plan.agent_id
    )));
    if plan.is_published {
        let text = "This version of the agent is published; if Retell refuses to change it, make a draft there.";
        output.line(output.paint(Tone::Warning, text));
    }
    for obstacle in &plan.obstacles {
        let text = format!("  {obstacle}: rename or remove it at Retell");
        output.line(output.paint(Tone::Bad, &plain(&text)));
    }
    for change in &plan.changes {
        output.line(plain(&format!("  {change}")));
    }
    if plan.changes.is_empty() && plan.obstacles.is_empty() {
        let text = "The agent is as it should be.";
        output.line(output.paint(Tone::Good, text));
    }
}

pub(super) fn trial(output: &Output, trial: &Trial) {
    let rows: Vec<Vec<String>> = trial
        .steps
        .steps
        .iter()
        .map(|step| {
            let mark = if step.is_good { "✔" } else { "✘" };
            vec![
                format!("{mark} {}", step.function),
                step.outcome.clone(),
                format!("{} ms", step.millis),
                step.said.clone(),
            ]
        })
        .collect();
    output.table(&["function", "outcome", "time", "said"], &rows);
    let tone = if trial.steps.is_good() {
        Tone::Good
    } else {
        Tone::Bad
    };
    output.line(output.paint(tone, &plain(&trial.steps.sentence())));
}

pub(super) fn versions(output: &Output, tenant: &TenantId, versions: &[AgentVersion]) {
    output.json(&json!({
        "tenant": tenant,
        "versions": versions.iter().map(version).collect::<Vec<_>>(),
    }));
    if versions.is_empty() {
        output.line("Nothing was changed yet.");
        return;
    }
    let rows: Vec<Vec<String>> = versions
        .iter()
        .map(|version| {
            vec![
                version.version.to_string(),
                output.time(version.at),
                version.by.clone(),
                version.what.clone(),
            ]
        })
        .collect();
    output.table(&["version", "when", "by", "what"], &rows);
}

pub(super) fn version(version: &AgentVersion) -> Value {
    json!({
        "version": version.version,
        "at": version.at,
        "by": version.by,
        "what": version.what,
        "settings": version.settings,
        "pushed": version.pushed,
    })
}
