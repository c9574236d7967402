//! Figures for people.

use std::time::Duration;

use super::database::Indexes;
use super::{Figures, Lag, SlowFigures};
use crate::output::{Output, Tone, plain};
use crate::when;

fn told(ms: f64) -> String {
    when::span(Duration::from_secs_f64(ms.max(0.0) / 1000.0))
}

pub(super) fn print_figures(output: &Output, figures: &Figures) {
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

pub(super) fn print_indexes(output: &Output, indexes: &Indexes) {
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

pub(super) fn print_slow(output: &Output, slow: &SlowFigures, over: Duration) {
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
