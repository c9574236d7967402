//! `performance`: how fast the sync and its database are, measured now.

use std::time::Duration;

use calcom::store::{NoticeSource, Page, ReviewFilter, TenantId, Waits, Window};
use calcom::sync::{ActivityFilter, Operations};
use chrono::TimeDelta;
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;

use super::database_figures::{self, Indexes, Slow};
use crate::cli::PerformanceArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Output, Tone, plain};
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
        Some(database_figures::indexes(&context.settings).await?)
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

fn told(ms: f64) -> String {
    when::span(Duration::from_secs_f64(ms.max(0.0) / 1000.0))
}

fn print_figures(output: &Output, figures: &Figures) {
    let round_trip = match &figures.database_round_trip {
        Some(took) => format!(
            "a round trip takes {}, {} at most of {}",
            told(took.median_ms),
            told(took.longest_ms),
            took.times
        ),
        None => "not measured".to_owned(),
    };
    output.line(plain(&format!(
        "Database {}: {round_trip}.",
        figures.database
    )));
    for tenant in &figures.tenants {
        output.line("");
        let heading = format!("Tenant {}", tenant.tenant);
        output.line(output.paint(Tone::Strong, &plain(&heading)));
        let lag = |what: &str, lag: &Option<Lag>| {
            output.line(match lag {
                Some(lag) => format!(
                    "  {what} of the last 24 h waited for {} on average, {} at most ({} of them).",
                    told(lag.mean_ms),
                    told(lag.longest_ms),
                    lag.count
                ),
                None => format!("  {what}: none within the last 24 h."),
            });
        };
        lag("Webhooks", &tenant.webhook_lag);
        lag("Changes", &tenant.change_lag);
        output.line(format!(
            "  {:.1} changes and notices ended per hour of the last 24 h; {} in the busiest hour.",
            tenant.ended_per_hour, tenant.ended_in_busiest_hour
        ));
        let oldest = match tenant.oldest_due_seconds {
            Some(seconds) => format!(
                ", and the oldest has waited for {}",
                when::span(Duration::from_secs(seconds))
            ),
            None => String::new(),
        };
        output.line(format!("  {} are due now{oldest}.", tenant.queue_due));
        match (&tenant.calcom_round_trip, &tenant.calcom_error) {
            (Some(took), _) => output.line(format!(
                "  Cal.com answers in {}, {} at most of {} calls just now. Times of earlier calls are not kept.",
                told(took.median_ms),
                told(took.longest_ms),
                took.times
            )),
            (None, Some(error)) => {
                let text = plain(&format!("  Cal.com does not answer: {error}."));
                output.line(output.paint(Tone::Bad, &text));
            }
            (None, None) => {}
        }
        let rows: Vec<Vec<String>> = tenant
            .reads
            .iter()
            .map(|read| vec![format!("  {}", read.what), told(read.took_ms)])
            .collect();
        output.table(&["  read", "took"], &rows);
    }
}

fn print_indexes(output: &Output, indexes: &Indexes) {
    output.line("");
    let size = |bytes: Option<i64>| match bytes {
        Some(bytes) => format!("{:.1} KiB", bytes as f64 / 1024.0),
        None => "?".to_owned(),
    };
    let rows: Vec<Vec<String>> = indexes
        .indexes
        .iter()
        .map(|index| {
            let scans = match index.scans {
                Some(0) if index.is_unique => "0 (but keeps rows unique)".to_owned(),
                Some(0) => "0 (unused)".to_owned(),
                Some(scans) => scans.to_string(),
                None => "?".to_owned(),
            };
            vec![
                index.table.clone(),
                index.name.clone(),
                scans,
                size(index.bytes),
            ]
        })
        .collect();
    output.table(&["table", "index", "scans", "size"], &rows);
    for note in &indexes.notes {
        output.line(plain(note));
    }
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
    let of_database = database_figures::slow(&context.settings, over).await?;
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

fn print_slow(output: &Output, slow: &SlowFigures, over: Duration) {
    output.line("");
    if let Some(recorded) = &slow.of_database.recorded {
        output.line(format!(
            "Statements that took {} or longer on average: {}.",
            when::span(over),
            recorded.len()
        ));
        let rows: Vec<Vec<String>> = recorded
            .iter()
            .map(|one| {
                vec![
                    one.calls.to_string(),
                    told(one.mean_ms),
                    told(one.longest_ms),
                    one.statement.clone(),
                ]
            })
            .collect();
        if !rows.is_empty() {
            output.table(&["calls", "mean", "longest", "statement"], &rows);
        }
    }
    if let Some(running) = &slow.of_database.running {
        output.line(format!(
            "Statements that have been running for {} or longer just now: {}.",
            when::span(over),
            running.len()
        ));
        let rows: Vec<Vec<String>> = running
            .iter()
            .map(|one| {
                vec![
                    one.process.to_string(),
                    told(one.for_ms),
                    one.statement.clone(),
                ]
            })
            .collect();
        if !rows.is_empty() {
            output.table(&["process", "for", "statement"], &rows);
        }
    }
    output.line(format!(
        "Reads of this program that took {} or longer just now: {} of {}.",
        when::span(over),
        slow.reads.len(),
        slow.reads_measured
    ));
    let rows: Vec<Vec<String>> = slow
        .reads
        .iter()
        .map(|one| {
            vec![
                one.tenant.to_string(),
                one.read.what.to_owned(),
                told(one.read.took_ms),
            ]
        })
        .collect();
    if !rows.is_empty() {
        output.table(&["tenant", "read", "took"], &rows);
    }
    for note in &slow.of_database.notes {
        output.line(plain(note));
    }
}
