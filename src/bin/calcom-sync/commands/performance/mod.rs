//! `performance`: how fast the sync and its database are, measured now.

mod database;
mod print;

use std::time::Duration;

use calcom::store::{NoticeSource, Page, ReviewFilter, TenantId, Waits, Window};
use calcom::sync::{ActivityFilter, Operations};
use chrono::TimeDelta;
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;

use self::database::Slow;
use self::print::{print_figures, print_indexes, print_slow};
use crate::cli::PerformanceArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::when;

/// How often live figures are shown.
const EVERY: Duration = Duration::from_secs(2);
/// How many times the round trip to the database, and the one to Cal.com, are measured.
const ROUND_TRIPS: usize = 20;
const CALLS: usize = 5;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);
/// The format of the books that this version reads.
const FORMAT: u16 = 1;

/// How long something took, of several times.
#[derive(Clone, Copy, Debug, Serialize)]
struct Took {
    times: usize,
    median_ms: f64,
    longest_ms: f64,
}

impl Took {
    fn of(mut spans: Vec<Duration>) -> Option<Self> {
        spans.sort_unstable();
        let longest = *spans.last()?;
        let median = *spans.get(spans.len() / 2)?;
        Some(Self {
            times: spans.len(),
            median_ms: millis(median),
            longest_ms: millis(longest),
        })
    }
}

/// How long one read took.
#[derive(Clone, Debug, Serialize)]
struct Read {
    what: &'static str,
    took_ms: f64,
}

/// How long notices or changes waited within the last day.
#[derive(Clone, Copy, Debug, Serialize)]
struct Lag {
    count: u64,
    mean_ms: f64,
    longest_ms: f64,
}

impl Lag {
    fn of<'a>(all: impl Iterator<Item = &'a Waits>) -> Option<Self> {
        let mut sum = Self {
            count: 0,
            mean_ms: 0.0,
            longest_ms: 0.0,
        };
        let mut total = 0.0;
        for waits in all {
            sum.count += waits.count;
            // Counts of rows are far below 2^52.
            total += millis(waits.mean) * waits.count as f64;
            sum.longest_ms = sum.longest_ms.max(millis(waits.longest));
        }
        sum.mean_ms = total / sum.count as f64;
        (sum.count > 0).then_some(sum)
    }
}

/// A tenant's figures.
#[derive(Clone, Debug, Serialize)]
struct TenantFigures {
    tenant: TenantId,
    reads: Vec<Read>,
    webhook_lag: Option<Lag>,
    change_lag: Option<Lag>,
    /// What ended within the last day, and within its busiest hour.
    ended_per_hour: f64,
    ended_in_busiest_hour: u64,
    queue_due: u64,
    oldest_due_seconds: Option<u64>,
    /// Absent in live figures, which would use up the rate limit.
    calcom_round_trip: Option<Took>,
    calcom_error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Figures {
    database: String,
    database_round_trip: Option<Took>,
    tenants: Vec<TenantFigures>,
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}

pub(crate) async fn run(
    context: &Context,
    output: &Output,
    arguments: PerformanceArgs,
) -> Result<(), Failure> {
    if !arguments.live {
        return once(context, output, &arguments).await;
    }
    let mut is_first = true;
    loop {
        output.new_screen(is_first);
        match once(context, output, &arguments).await {
            Ok(()) => {}
            Err(failure) if is_first => return Err(failure),
            Err(failure) => output.failure(&failure),
        }
        is_first = false;
        tokio::time::sleep(EVERY).await;
    }
}

async fn once(
    context: &Context,
    output: &Output,
    arguments: &PerformanceArgs,
) -> Result<(), Failure> {
    let with_report = arguments.report || arguments.live;
    let figures = if with_report {
        Some(figures(context, !arguments.live).await?)
    } else {
        None
    };
    let indexes = if arguments.index_stats {
        Some(database::indexes(&context.settings).await?)
    } else {
        None
    };
    let slow = if arguments.slow_queries {
        Some(slow(context, arguments.over).await?)
    } else {
        None
    };
    output.json(&json!({
        "at": when::now(),
        "report": figures,
        "indexes": indexes,
        "slow_queries": slow,
    }));
    if let Some(figures) = &figures {
        print_figures(output, figures);
    }
    if let Some(indexes) = &indexes {
        print_indexes(output, indexes);
    }
    if let Some(slow) = &slow {
        print_slow(output, slow, arguments.over);
    }
    Ok(())
}

async fn timed<T, E: Into<Failure>>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<(T, Duration), Failure> {
    let begun = Instant::now();
    let value = work.await.map_err(Into::into)?;
    Ok((value, begun.elapsed()))
}

async fn figures(context: &Context, asks_calcom: bool) -> Result<Figures, Failure> {
    let selected = context.selected()?;
    let mut spans = Vec::new();
    if let Some(tenant) = selected.first() {
        for _ in 0..ROUND_TRIPS {
            let (_, took) = timed(context.store.is_paused(tenant)).await?;
            spans.push(took);
        }
    }
    let mut tenants = Vec::new();
    for tenant in selected {
        tenants.push(of_tenant(context, tenant, asks_calcom).await?);
    }
    Ok(Figures {
        database: context.settings.database.to_string(),
        database_round_trip: Took::of(spans),
        tenants,
    })
}

/// The reads that people and workers wait for, timed.
async fn reads(context: &Context, tenant: &TenantId) -> Result<Vec<Read>, Failure> {
    let mut reads = Vec::new();
    let mut add = |what, took| {
        reads.push(Read {
            what,
            took_ms: millis(took),
        });
    };
    let engine = &context.engine;
    let (_, took) = timed(engine.overview(tenant, DAY)).await?;
    add("overview of the last 24 h", took);
    let (_, took) = timed(engine.activity(tenant, DAY, HOUR)).await?;
    add("activity of the last 24 h by hours", took);
    let (recent, took) =
        timed(engine.recent(tenant, &ActivityFilter::default(), Page::first(20))).await?;
    add("20 appointments that were worked on last", took);
    let some = recent
        .rows
        .first()
        .map(|row| row.status.appointment.clone());
    let some = some.unwrap_or_else(|| "none".into());
    let (_, took) = timed(engine.status(tenant, &some)).await?;
    add("status of one appointment", took);
    let (_, took) = timed(engine.history(tenant, &some, Page::first(100))).await?;
    add("history of one appointment", took);
    let (_, took) = timed(engine.reviews(tenant, &ReviewFilter::open(), Page::first(100))).await?;
    add("open review items", took);
    let (_, took) = timed(engine.actions(tenant, Page::first(100))).await?;
    add("what operators did", took);
    let (_, took) = timed(context.store.next_due(FORMAT)).await?;
    add("whether work is due", took);
    let now = when::now();
    let week = Window::new(now, now + TimeDelta::days(7));
    let (_, took) = timed(context.appointments.scan(tenant, week, None, 100)).await?;
    add("100 appointments of the next week", took);
    Ok(reads)
}

async fn of_tenant(
    context: &Context,
    tenant: &TenantId,
    asks_calcom: bool,
) -> Result<TenantFigures, Failure> {
    let reads = reads(context, tenant).await?;
    let overview = context.engine.overview(tenant, DAY).await?;
    let slices = context.engine.activity(tenant, DAY, HOUR).await?;
    let changes = slices.iter().flat_map(|slice| &slice.changes);
    let deliveries = slices.iter().flat_map(|slice| &slice.deliveries);
    let webhooks = deliveries.filter(|one| one.source == NoticeSource::Webhook);
    let per_hour: Vec<u64> = slices
        .iter()
        .map(|slice| {
            let changes = slice.changes.iter().map(|one| one.waits.count);
            let deliveries = slice.deliveries.iter().map(|one| one.waits.count);
            changes.chain(deliveries).sum()
        })
        .collect();
    let (calcom_round_trip, calcom_error) = if asks_calcom {
        match calls(context, tenant).await {
            Ok(took) => (took, None),
            Err(failure) => (None, Some(failure.told())),
        }
    } else {
        (None, None)
    };
    Ok(TenantFigures {
        tenant: tenant.clone(),
        reads,
        webhook_lag: Lag::of(webhooks.map(|one| &one.waits)),
        change_lag: Lag::of(changes.map(|one| &one.waits)),
        ended_per_hour: per_hour.iter().sum::<u64>() as f64 / 24.0,
        ended_in_busiest_hour: per_hour.iter().copied().max().unwrap_or(0),
        queue_due: overview.counts.due,
        oldest_due_seconds: overview.counts.oldest_due.map(|oldest| oldest.as_secs()),
        calcom_round_trip,
        calcom_error,
    })
}

/// How long Cal.com takes to answer the cheapest call. The client keeps no record of its calls.
async fn calls(context: &Context, tenant: &TenantId) -> Result<Option<Took>, Failure> {
    let client = context.client(tenant)?;
    let mut spans = Vec::new();
    for _ in 0..CALLS {
        let (_, took) = timed(client.me().get()).await?;
        spans.push(took);
    }
    Ok(Took::of(spans))
}

/// Slow statements, of the database's own record and as measured.
#[derive(Debug, Serialize)]
struct SlowFigures {
    over_ms: f64,
    #[serde(flatten)]
    of_database: Slow,
    /// The program's own reads that are over the threshold.
    reads: Vec<OfTenant>,
    /// How many of them were measured.
    reads_measured: usize,
}

#[derive(Debug, Serialize)]
struct OfTenant {
    tenant: TenantId,
    #[serde(flatten)]
    read: Read,
}

async fn slow(context: &Context, over: Duration) -> Result<SlowFigures, Failure> {
    let of_database = database::slow(&context.settings, over).await?;
    let mut slow = Vec::new();
    let mut measured = 0;
    for tenant in context.selected()? {
        for read in reads(context, tenant).await? {
            measured += 1;
            if read.took_ms >= millis(over) {
                slow.push(OfTenant {
                    tenant: tenant.clone(),
                    read,
                });
            }
        }
    }
    Ok(SlowFigures {
        over_ms: millis(over),
        of_database,
        reads: slow,
        reads_measured: measured,
    })
}
