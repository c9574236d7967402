//! `reconcile`: compares both sides over a span of time.

use std::sync::Mutex;
use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use calcom::model::BookingUid;
use calcom::store::{AppointmentId, OperatorAction, TenantId, Window};
use calcom::sync::{
    AuditObserver, AuditParams, AuditProgress, AuditReport, AuditStop, Drift, DriftKind, SyncEngine,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

use super::common::{FailureView, ended, note, stopped, tenant_flag, worse};
use crate::cli::{Operator, ReconcileArgs};
use crate::context::Context;
use crate::failure::{Failure, FailureKind};
use crate::output::{Output, Progress, Tone, counted, plain, quoted};
use crate::{sentences, when};

/// The window unless told otherwise.
const DAYS_BEHIND: i64 = 7;
const DAYS_AHEAD: i64 = 90;
/// How many differences are shown.
const SHOWN: usize = 100;

pub(crate) async fn run(
    context: &Context,
    output: &Output,
    arguments: ReconcileArgs,
) -> Result<(), Failure> {
    let window = arguments.span.window(DAYS_BEHIND, DAYS_AHEAD)?;
    let how = How {
        window,
        repairs: arguments.repair,
        without_brake: arguments.without_brake,
    };
    let mut found = None;
    let mut reports = Vec::new();
    for tenant in context.selected()? {
        let report = Box::pin(one(context, output, tenant, how, &arguments.operator)).await?;
        found = worse(found, report.kind);
        reports.push(report.view);
    }
    output.json(&json!({"tenants": reports}));
    ended(found)
}

#[derive(Clone, Copy, Debug)]
struct How {
    window: Window,
    repairs: bool,
    without_brake: bool,
}

impl How {
    /// The command line that goes on from an instant.
    fn command(self, from: DateTime<Utc>, tenant_flag: &str) -> String {
        let mut command = format!(
            "calcom-sync reconcile --from {} --until {}",
            when::typed(from),
            when::typed(self.window.until)
        );
        if self.repairs {
            command.push_str(" --repair");
        }
        if self.without_brake {
            command.push_str(" --without-brake");
        }
        command.push_str(tenant_flag);
        command
    }
}

/// Shows how far a comparison has come, and says how to go on if it is dropped before its end.
#[derive(Debug)]
struct Watcher {
    output: Output,
    how: How,
    tenant_flag: String,
    progress: Progress,
    reached: Mutex<Option<DateTime<Utc>>>,
}

impl Watcher {
    fn reached(&self) -> DateTime<Utc> {
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        reached.unwrap_or(self.how.window.from)
    }
}

#[async_trait]
impl AuditObserver for Watcher {
    async fn drift(&self, _drift: &Drift) {}

    async fn progress(&self, progress: &AuditProgress) {
        // A repair first counts everything, and has done nothing until then.
        if progress.repairing || !self.how.repairs {
            let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
            *reached = Some(progress.reached);
        }
        let days = (progress.reached - self.how.window.from).num_days();
        self.progress.at(u64::try_from(days).unwrap_or(0));
        self.progress.says(if progress.repairing {
            "Repairing, by days"
        } else {
            "Comparing, by days"
        });
    }
}

/// Says how to go on when the comparison is interrupted, which drops it where it stands.
struct Interrupted(Option<Arc<Watcher>>);

impl Drop for Interrupted {
    fn drop(&mut self) {
        let Some(watcher) = self.0.take() else {
            return;
        };
        let reached = watcher.reached();
        let output = &watcher.output;
        output.note(plain(&format!(
            "calcom-sync: what starts before {} is done; go on with:\n",
            output.time(reached)
        )));
        output.note(format!(
            "  {}",
            plain(&watcher.how.command(reached, &watcher.tenant_flag))
        ));
    }
}

#[derive(Debug, Serialize)]
struct DriftView<'a> {
    kind: &'static str,
    appointment: Option<&'a str>,
    booking: Option<&'a str>,
    other_booking: Option<&'a str>,
    start: DateTime<Utc>,
    fields: Vec<&'static str>,
    in_review: bool,
}

impl<'a> From<&'a Drift> for DriftView<'a> {
    fn from(drift: &'a Drift) -> Self {
        let kind = match drift.kind {
            DriftKind::MissingHere => "missing_here",
            DriftKind::MissingThere => "missing_there",
            DriftKind::Differs => "differs",
            DriftKind::Doubled => "doubled",
            _ => "other",
        };
        Self {
            kind,
            appointment: drift.appointment.as_ref().map(AppointmentId::as_str),
            booking: drift.booking.as_ref().map(BookingUid::as_str),
            other_booking: drift.rival.as_ref().map(BookingUid::as_str),
            start: drift.start,
            fields: fields_of(drift),
            in_review: drift.in_review,
        }
    }
}

fn fields_of(drift: &Drift) -> Vec<&'static str> {
    let fields = calcom::store::Field::ALL.iter();
    let differing = fields.filter(|field| drift.fields.contains(**field));
    differing.map(|field| sentences::of_field(*field)).collect()
}

struct Compared {
    view: serde_json::Value,
    kind: Option<FailureKind>,
}

async fn one(
    context: &Context,
    output: &Output,
    tenant: &TenantId,
    how: How,
    operator: &Operator,
) -> Result<Compared, Failure> {
    let window = how.window;
    let days = (window.until - window.from).num_days().max(1);
    let watcher = Arc::new(Watcher {
        output: output.clone(),
        how,
        tenant_flag: tenant_flag(context, output, tenant),
        progress: output.progress(u64::try_from(days).ok(), "Comparing, by days"),
        reached: Mutex::new(None),
    });
    let params = if how.repairs {
        AuditParams::repair(window)
    } else {
        AuditParams::check(window)
    };
    let params = if how.without_brake {
        params.without_brake()
    } else {
        params
    };
    let params = params.with_kept(SHOWN).with_observer(watcher.clone());
    let mut interrupted = Interrupted(Some(Arc::clone(&watcher)));
    let report = context.engine.audit(tenant, params).await;
    interrupted.0 = None;
    let report = report?;
    let reached = match report.brake {
        // It has counted to the end, and done nothing.
        Some(_) => window.from,
        None => watcher.reached(),
    };
    drop(interrupted);
    drop(watcher);
    let go_on = how.command(reached, &tenant_flag(context, output, tenant));
    let failure = failure_of(&report, &go_on);
    let by = operator.name();
    let action = if how.repairs {
        OperatorAction::RepairDrift
    } else {
        OperatorAction::CheckDrift
    };
    let outcome = outcome_of(&report, how);
    note(context, output, tenant, None, action, &by, &outcome).await;
    print(context, output, tenant, &report, how, &go_on);
    if let Some(failure) = &failure
        && !output.is_json()
    {
        output.failure(failure);
    }
    let is_wrong = if how.repairs {
        // What needs a decision is left alone by a repair.
        report.counts.in_review > 0 || report.brake.is_some() || report.has_gaps
    } else {
        report.counts.drift() > 0 || report.has_gaps
    };
    let kind = failure.as_ref().map(Failure::kind);
    let kind = kind.or(is_wrong.then_some(FailureKind::Found));
    Ok(Compared {
        view: view_of(&report, how, failure.as_ref(), &go_on),
        kind,
    })
}

/// Why it stopped early, the brake aside.
fn failure_of(report: &AuditReport, go_on: &str) -> Option<Failure> {
    match &report.stopped {
        None | Some(AuditStop::Brake) => None,
        Some(stop) => Some(stopped(stop, go_on)),
    }
}

fn outcome_of(report: &AuditReport, how: How) -> String {
    let counts = &report.counts;
    let mut outcome = format!(
        "{} among {} and {}",
        counted(counts.drift(), "difference"),
        counted(counts.appointments_read, "appointment"),
        counted(counts.bookings_read, "booking")
    );
    if report.stopped.is_some() && report.brake.is_none() {
        outcome.push_str("; stopped early");
    } else if how.repairs {
        let put_up = report.notices_given + report.changes_recorded;
        outcome.push_str(&match report.brake {
            Some(_) => "; the brake stopped the repair".to_owned(),
            None => format!("; given to the workers: {put_up}"),
        });
    }
    outcome
}

fn view_of(
    report: &AuditReport,
    how: How,
    failure: Option<&Failure>,
    go_on: &str,
) -> serde_json::Value {
    let counts = &report.counts;
    let drift: Vec<DriftView<'_>> = report.drift.iter().map(DriftView::from).collect();
    json!({
        "tenant": report.tenant,
        "from": how.window.from,
        "until": how.window.until,
        "mode": if how.repairs { "repair" } else { "check" },
        "appointments_read": counts.appointments_read,
        "bookings_read": counts.bookings_read,
        "in_step": counts.in_step,
        "accepted": counts.accepted,
        "too_recent": counts.too_recent,
        "in_flight": counts.in_flight,
        "foreign": counts.foreign,
        "not_comparable": counts.not_comparable,
        "differences": counts.drift(),
        "missing_here": counts.missing_here,
        "missing_there": counts.missing_there,
        "differing": counts.differing,
        "doubled": counts.doubled,
        "in_review": counts.in_review,
        "would_cancel": counts.would_cancel,
        "given_to_workers": report.notices_given + report.changes_recorded,
        "drift": drift,
        "has_gaps": report.has_gaps,
        "brake": report.brake.map(|brake| json!({
            "would_cancel": brake.would_cancel,
            "appointments": brake.appointments,
            "allowed": brake.allowed,
        })),
        "is_complete": report.is_complete(),
        "go_on": (!report.is_complete()).then_some(go_on),
        "error": failure.map(FailureView::from),
    })
}

fn print(
    context: &Context,
    output: &Output,
    tenant: &TenantId,
    report: &AuditReport,
    how: How,
    go_on: &str,
) {
    let counts = &report.counts;
    let (from, until) = (output.time(how.window.from), output.time(how.window.until));
    output.line(plain(&format!(
        "Tenant {tenant}, from {from} until {until}: compared {} and {}.",
        counted(counts.appointments_read, "appointment"),
        counted(counts.bookings_read, "booking")
    )));
    let lines = [
        (counts.in_step, "agree"),
        (counts.accepted, "differ in a way that was accepted"),
        (
            counts.too_recent,
            "were written too recently to be compared",
        ),
        (counts.in_flight, "are being written at this moment"),
        (counts.foreign, "bookings are none of the tenant's"),
        (counts.not_comparable, "bookings cannot be compared"),
        (counts.missing_here, "bookings have no appointment here"),
        (
            counts.missing_there,
            "appointments have no booking at Cal.com",
        ),
        (counts.differing, "pairs differ"),
        (counts.doubled, "appointments have a second live booking"),
    ];
    for (number, what) in lines {
        if number > 0 {
            output.line(format!("  {number:>6}  {what}"));
        }
    }
    if !report.drift.is_empty() {
        print_drift(output, report);
    }
    let flag = tenant_flag(context, output, tenant);
    if let Some(brake) = report.brake {
        let text = format!(
            "The repair was stopped before it did anything: it would cancel {} appointments or bookings of {}, and may cancel {}.",
            brake.would_cancel, brake.appointments, brake.allowed
        );
        output.line(output.paint(Tone::Bad, &text));
        output.line(
            "Such a number usually means that one side was read or lost wrongly. Look at what is listed above. If it is right:",
        );
        output.line(plain(&format!("  {go_on} --without-brake")));
        return;
    }
    if report.has_gaps {
        output.line("Cal.com's list left some bookings out, so that this is not the whole truth. Run the same again.");
    }
    if counts.in_review > 0 {
        output.line(plain(&format!(
            "To be decided by somebody: {}; see with: calcom-sync reviews list{flag}",
            counted(counts.in_review, "difference")
        )));
    }
    if report.stopped.is_some() {
        return;
    }
    let drift = counts.drift();
    if drift == 0 {
        output.line(output.paint(Tone::Good, "No differences."));
    } else if how.repairs {
        output.line(plain(&format!(
            "Given to the workers: {}. See the result with the same command without --repair.",
            counted(report.notices_given + report.changes_recorded, "difference")
        )));
    } else if drift > counts.in_review {
        let repair = How {
            repairs: true,
            ..how
        };
        output.line("Nothing was changed. Have it repaired with:");
        let command = repair.command(how.window.from, &flag);
        output.line(plain(&format!("  {command}")));
    }
}

fn print_drift(output: &Output, report: &AuditReport) {
    output.line("");
    let rows: Vec<Vec<String>> = report
        .drift
        .iter()
        .map(|drift| {
            let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
            let what = match drift.kind {
                DriftKind::MissingHere => "no appointment here".to_owned(),
                DriftKind::MissingThere => "no booking at Cal.com".to_owned(),
                DriftKind::Differs => format!("differs in {}", fields_of(drift).join(", ")),
                DriftKind::Doubled => match &drift.rival {
                    Some(rival) => format!("second booking, beside {rival}"),
                    None => "second booking".to_owned(),
                },
                _ => "differs".to_owned(),
            };
            let what = if drift.in_review {
                format!("{what} (in review)")
            } else {
                what
            };
            vec![
                output.time(drift.start),
                or_none(drift.appointment.as_ref().map(|id| quoted(id.as_str()))),
                or_none(drift.booking.as_ref().map(ToString::to_string)),
                what,
            ]
        })
        .collect();
    output.table(&["start", "appointment", "booking", "what"], &rows);
    let shown = u64::try_from(report.drift.len()).unwrap_or(u64::MAX);
    let more = report.counts.drift().saturating_sub(shown);
    if more > 0 {
        output.line(format!("... and {more} more."));
    }
    output.line("");
}
