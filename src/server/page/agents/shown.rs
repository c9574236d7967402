//! The parts of the page.

use maud::{Markup, html};
use serde_json::Value;

use super::PATH;
use crate::agents::{AgentConsole, AgentFunctionLine, AgentPanel, AgentVersion, Trial};
use crate::server::page::desk::Visit;
use crate::server::page::icons::{Icon, icon};
use crate::server::page::parts::{chip, empty, hidden, notice, outside, pager};
use crate::server::page::problem::Problem;
use crate::server::page::times;
use crate::server::page::words::Tone;
use crate::store::{DocumentVersion, Page};

/// How many versions a page lists.
const ROWS: u32 = 10;
pub(super) const FIRST: Page<DocumentVersion> = Page {
    after: None,
    limit: ROWS,
};

/// Whether the agent is as it is chosen here, as far as that is known without asking the provider.
pub(super) fn state(visit: &Visit, panel: &AgentPanel) -> Markup {
    html! {
        p.lead { "What the voice agent may do. What is chosen here is kept with its earlier versions, and changes nothing at " (panel.provider) " until it is pushed." }
        @if panel.functions_url.is_none() {
            (notice(Tone::Warn, "It is not known under which address this program is reached, so that nothing can be pushed or tested. Set its public address."))
        } @else if panel.agent_id.is_none() {
            (notice(Tone::Warn, "No agent is named, so that nothing can be pushed. Set its id where the tenant is set up."))
        } @else if panel.is_pushed {
            (notice(Tone::Good, "What is chosen here was pushed."))
        } @else {
            (notice(Tone::Warn, "What is chosen here was not pushed yet."))
        }
        dl.facts {
            div { dt { "Agent" } dd { @match &panel.agent_id { Some(id) => (outside(id)), None => "None" } } }
            div { dt { "Last push" } dd {
                @match &panel.last_pushed {
                    Some(version) => { (times::at(visit, version.at)) span.sub { "by " (outside(&version.by)) } }
                    None => "None yet",
                }
            } }
        }
        @if panel.functions_url.is_some() && panel.agent_id.is_some() {
            p { a.button href=(visit.link("/agents/diff")) { (icon(Icon::Compare)) "See what a push changes" } }
        }
    }
}

/// What is to be copied into the provider's settings by hand.
pub(super) fn addresses(panel: &AgentPanel) -> Markup {
    let rows = [
        ("functions-url", "Custom functions", &panel.functions_url),
        (
            "inbound-url",
            "Inbound webhook, at the phone number",
            &panel.inbound_url,
        ),
        ("events-url", "Call events", &panel.events_url),
    ];
    html! {
        @if panel.functions_url.is_some() {
            section.card aria-labelledby="addresses" {
                h2 #addresses { "Addresses" }
                p.hint { "A push sets those of the functions and of the call events. Copy the one of the inbound webhook." }
                @for (id, name, url) in rows {
                    @if let Some(url) = url {
                        div.copied { label for=(id) { (name) } input id=(id) type="text" readonly value=(url); }
                    }
                }
            }
        }
    }
}

pub(super) fn functions(visit: &Visit, panel: &AgentPanel) -> Markup {
    html! {
        section.card aria-labelledby="functions" {
            h2 #functions { "Functions" }
            table.rows.stack {
                caption.hidden { "Functions of the agent" }
                thead { tr {
                    th scope="col" { "Function" } th scope="col" { "What the model reads" } th scope="col" { "State" }
                    @if visit.operator.may_write() { th scope="col" { "Change" } }
                } }
                tbody { @for line in &panel.functions { (function(visit, line)) } }
            }
        }
    }
}

fn function(visit: &Visit, line: &AgentFunctionLine) -> Markup {
    let tool = line.tool;
    html! {
        tr {
            td.main data-label="Function" { (tool.title()) span.sub { (tool.as_str()) } }
            td.done data-label="What the model reads" {
                (tool.description())
                details { summary { "Definition and schema" span.hidden { " of " (tool.title()) } } (code(&line.definition)) }
            }
            td data-label="State" {
                @if line.is_on { (chip(Tone::Good, Icon::Check, "On")) } @else { (chip(Tone::Calm, Icon::Dash, "Off")) }
            }
            @if visit.operator.may_write() {
                td data-label="Change" {
                    form method="post" action=(visit.link("/agents/function")) {
                        (hidden("function", tool.as_str()))
                        @if !line.is_on { (hidden("on", "1")) }
                        button type="submit" {
                            @if line.is_on { "Switch off" } @else { "Switch on" }
                            span.hidden { ": " (tool.title()) }
                        }
                    }
                }
            }
        }
    }
}

fn code(value: &Value) -> Markup {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    html! { pre.text { code { (text) } } }
}

pub(super) fn events(visit: &Visit, panel: &AgentPanel) -> Markup {
    let is_chosen = |event: &str| {
        let chosen = panel.events.as_ref();
        chosen.is_some_and(|events| events.contains(event))
    };
    html! {
        section.card aria-labelledby="events" {
            h2 #events { "Call events" }
            @match &panel.events {
                None => p { "They are left as they are at " (panel.provider) "." },
                Some(events) if events.is_empty() => p { "None is sent." },
                Some(_) => {
                    ul.findings { @for event in panel.known_events { @if is_chosen(event) { li { (event) } } } }
                }
            }
            @if visit.operator.may_write() {
                form method="post" action=(visit.link("/agents/events")) {
                    fieldset.checks {
                        legend.hidden { "Call events that are sent" }
                        @for event in panel.known_events {
                            label { input type="checkbox" name="event" value=(event) checked[is_chosen(event)]; span { (event) } }
                        }
                    }
                    div.buttons {
                        button type="submit" name="mode" value="select" { "Select these events" }
                        button type="submit" name="mode" value="leave" { "Leave them as they are at " (panel.provider) }
                    }
                }
            }
        }
    }
}

pub(super) fn test(visit: &Visit, panel: &AgentPanel) -> Markup {
    html! {
        section.card aria-labelledby="test" {
            h2 #test { "Test" }
            @match &panel.last_trial {
                None => (empty("Nothing was tested yet.", "A test plays a short call against the address of the functions, and shows each answer.")),
                Some(trial) => (last_test(visit, trial)),
            }
            @if visit.operator.may_write() && panel.functions_url.is_some() {
                form method="post" action=(visit.link("/agents/test")) {
                    fieldset.checks {
                        legend.hidden { "How it is tested" }
                        label { input type="checkbox" name="book" value="1"; span { "Also book an appointment, and cancel it at once" } }
                    }
                    button.primary type="submit" { (icon(Icon::Plug)) "Play a test call" }
                }
            }
        }
    }
}

fn last_test(visit: &Visit, trial: &Trial) -> Markup {
    let tone = if trial.steps.is_good() {
        Tone::Good
    } else {
        Tone::Bad
    };
    html! {
        p.hint { "By " (outside(&trial.by)) ", " (times::at(visit, trial.at)) }
        (notice(tone, &trial.steps.sentence()))
        table.rows.stack {
            caption.hidden { "Answers to the last test" }
            thead { tr { th scope="col" { "Function" } th scope="col" { "Outcome" } th scope="col" { "What the agent would say" } th scope="col" { "Time" } } }
            tbody {
                @for step in &trial.steps.steps {
                    tr {
                        td.main data-label="Function" { (outside(&step.function)) }
                        td data-label="Outcome" {
                            @if step.is_good { (chip(Tone::Good, Icon::Check, "Good")) } @else { (chip(Tone::Bad, Icon::Alert, "Not good")) }
                            span.sub { (outside(&step.outcome)) }
                        }
                        td.done data-label="What the agent would say" { @if step.said.is_empty() { "Nothing" } @else { (outside(&step.said)) } }
                        td data-label="Time" { (step.millis) " ms" }
                    }
                }
            }
        }
    }
}

/// The versions of the settings, newest first.
pub(super) async fn versions(visit: &Visit, console: &dyn AgentConsole) -> Result<Markup, Problem> {
    let after = visit.query.get("after").and_then(|text| text.parse().ok());
    let page = match after {
        Some(after) => Page::after(after, ROWS),
        None => FIRST,
    };
    let versions = console.versions(&visit.tenant, page).await?;
    let last = versions.last().map(|version| version.version);
    let is_full = versions.len() >= page.rows();
    let next = last.filter(|_| is_full).map(|version| version.to_string());
    Ok(html! {
        section.card aria-labelledby="versions" {
            h2 #versions { "Versions" }
            @if versions.is_empty() {
                (empty("Nothing was changed yet.", "Every change and every push is kept here, with who made it."))
            } @else {
                table.rows.stack {
                    caption.hidden { "Versions of the settings" }
                    thead { tr {
                        th scope="col" { "Version" } th scope="col" { "When" } th scope="col" { "What" }
                        @if visit.operator.may_write() { th scope="col" { "Change" } }
                    } }
                    tbody {
                        @for (index, version) in versions.iter().enumerate() {
                            (row(visit, version, index == 0 && page.after.is_none()))
                        }
                    }
                }
                (pager(visit, PATH, next))
            }
        }
    })
}

fn row(visit: &Visit, version: &AgentVersion, is_newest: bool) -> Markup {
    html! {
        tr {
            td.main data-label="Version" { (version.version) }
            td data-label="When" { (times::at(visit, version.at)) span.sub { "by " (outside(&version.by)) } }
            td.done data-label="What" {
                (outside(&version.what))
                @if let Some(pushed) = &version.pushed {
                    @for change in &pushed.changes { span.sub { (outside(change)) } }
                    details {
                        summary { "Definitions as they were pushed" span.hidden { " with version " (version.version) } }
                        (code(&Value::from(pushed.functions.clone())))
                    }
                }
            }
            @if visit.operator.may_write() {
                td data-label="Change" {
                    @if is_newest {
                        "In use"
                    } @else {
                        form method="post" action=(visit.link("/agents/restore")) {
                            (hidden("version", &version.version.to_string()))
                            button type="submit" { "Restore" span.hidden { " version " (version.version) } }
                        }
                    }
                }
            }
        }
    }
}
