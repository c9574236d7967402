//! `warm-up`: what the first customer would otherwise wait for.

use std::time::Duration;

use calcom::client;
use calcom::model::{EventTypeId, EventTypeQuery, SlotQuery};
use calcom::store::TenantId;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::common::{FailureView, ended, worse};
use crate::cli::WarmUpArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Output, plain};
use crate::when;

/// A step: what it was, how long it took, and what it brought.
struct Step {
    what: String,
    took: Duration,
    result: Result<String, Failure>,
}

struct Steps<'a> {
    output: &'a Output,
    done: Vec<Step>,
}

impl Steps<'_> {
    /// Takes a step, and notes how long it takes.
    async fn take<T, E: Into<Failure>>(
        &mut self,
        what: impl Into<String>,
        work: impl Future<Output = Result<T, E>>,
        tell: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let what = what.into();
        let progress = self.output.progress(None, &what);
        let begun = Instant::now();
        let result = work.await;
        let took = begun.elapsed();
        drop(progress);
        let (value, result) = match result {
            Ok(value) => {
                let told = tell(&value);
                (Some(value), Ok(told))
            }
            Err(error) => (None, Err(error.into())),
        };
        self.done.push(Step { what, took, result });
        value
    }
}

pub(crate) async fn run(
    context: &Context,
    output: &Output,
    arguments: WarmUpArgs,
) -> Result<(), Failure> {
    let mut found = None;
    let mut views = Vec::new();
    for tenant in context.selected()? {
        let mut steps = Steps {
            output,
            done: Vec::new(),
        };
        Box::pin(warm_up(context, tenant, arguments.days, &mut steps)).await?;
        print(output, tenant, &steps.done);
        let failed = steps
            .done
            .iter()
            .filter_map(|step| step.result.as_ref().err());
        for failure in failed {
            found = worse(found, Some(failure.kind()));
        }
        views.push(view_of(tenant, &steps.done));
    }
    output.json(&json!({"tenants": views}));
    ended(found)
}

async fn warm_up(
    context: &Context,
    tenant: &TenantId,
    days: u16,
    steps: &mut Steps<'_>,
) -> Result<(), Failure> {
    let client = context.client(tenant)?;
    let paused = context.store.is_paused(tenant);
    steps
        .take("database", paused, |_| "connected, tables ready".to_owned())
        .await;
    let me = client.me();
    let account = steps
        .take("account", me.get(), |me| {
            let name = me.username.as_deref().or(me.name.as_deref());
            format!("the key of {}", name.unwrap_or("a user"))
        })
        .await;
    let Some(account) = account else {
        // With a refused key or without a connection, nothing more will come.
        return Ok(());
    };
    // The list names nothing of the caller's unless it is asked by user name.
    let every = account
        .username
        .map_or_else(EventTypeQuery::default, EventTypeQuery::of_user);
    let event_types = client.event_types();
    let all = event_types.list(&every);
    let listed = steps
        .take("event types", all, |all| {
            format!("{} in the account", all.len())
        })
        .await;
    let configured = &context.settings_of(tenant)?.event_types;
    let ids: Vec<EventTypeId> = if configured.is_empty() {
        let listed = listed.iter().flatten();
        listed.map(|event_type| event_type.id).collect()
    } else {
        configured.iter().copied().collect()
    };
    let from = when::now();
    let until = from + TimeDelta::days(i64::from(days.max(1)));
    for id in ids {
        let slots = slots(client, id, from, until);
        let what = format!("slots of event type {id}");
        steps
            .take(what, slots, |found| {
                format!("{found} free within {days} days")
            })
            .await;
    }
    Ok(())
}

async fn slots(
    client: &client::Client,
    id: EventTypeId,
    from: chrono::DateTime<chrono::Utc>,
    until: chrono::DateTime<chrono::Utc>,
) -> Result<usize, client::Error> {
    let query = SlotQuery::new(id, from, until);
    let by_day = client.slots().list(&query).await?;
    Ok(by_day.values().map(Vec::len).sum())
}

fn print(output: &Output, tenant: &TenantId, steps: &[Step]) {
    output.line(plain(&format!("Tenant {tenant}")));
    let rows: Vec<Vec<String>> = steps
        .iter()
        .map(|step| {
            let told = match &step.result {
                Ok(told) => told.clone(),
                Err(failure) => format!("failed: {}", failure.told()),
            };
            vec![format!("  {}", step.what), when::span(step.took), told]
        })
        .collect();
    output.table(&["  step", "took", "result"], &rows);
    for step in steps {
        if let Err(failure) = &step.result
            && let Some(advice) = failure.advice()
        {
            output.line(plain(&format!(
                "  What to do about the {}: {advice}.",
                step.what
            )));
        }
    }
    let total: Duration = steps.iter().map(|step| step.took).sum();
    output.line(format!("  {} in all.", when::span(total)));
}

fn view_of(tenant: &TenantId, steps: &[Step]) -> Value {
    let steps = steps.iter().map(|step| {
        json!({
            "step": step.what,
            "took_ms": step.took.as_secs_f64() * 1000.0,
            "result": step.result.as_ref().ok(),
            "error": step.result.as_ref().err().map(FailureView::from),
        })
    });
    json!({"tenant": tenant, "steps": steps.collect::<Vec<_>>()})
}
