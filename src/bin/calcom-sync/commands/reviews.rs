//! `reviews`: what needs a decision.

use std::time::Duration;

use calcom::model::clean_line;
use calcom::store::{
    AppointmentState, Differences, Field, Page, Resolution, ReviewFilter, ReviewId, ReviewItem,
    ReviewReason, StoreErrorKind, TenantId, Window,
};
use calcom::sync::{self, Choice, ErrorKind, Operations, SyncEngine, choices};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;

use super::common::{FailureView, StateView, booking_url, ended, find_review, tenant_flag, worse};
use crate::cli::{ResolutionWord, ReviewsCommand, ReviewsListArgs, ReviewsResolveArgs};
use crate::context::Context;
use crate::failure::{Failure, FailureKind};
use crate::output::{Output, Tone, plain, quoted};
use crate::{sentences, when};

/// How long a single decision is waited for unless told otherwise.
const WAIT: Duration = Duration::from_secs(10);
/// How often the outcome is looked for.
const LOOK: Duration = Duration::from_millis(200);
/// How long Cal.com may take to list free slots, which are an extra here.
const SLOTS_WITHIN: Duration = Duration::from_secs(5);
/// How far around the wanted start free slots are looked for, and how many are shown.
const SLOTS_AROUND: TimeDelta = TimeDelta::days(7);
const SLOTS_SHOWN: usize = 5;
/// How many items are read at once.
const PAGE: u32 = 100;

pub(crate) async fn run(
    context: &Context,
    output: &Output,
    command: ReviewsCommand,
) -> Result<(), Failure> {
    match command {
        ReviewsCommand::List(arguments) => list(context, output, arguments).await,
        ReviewsCommand::Show { id } => Box::pin(show(context, output, id)).await,
        ReviewsCommand::Resolve(arguments) => resolve(context, output, arguments).await,
    }
}

/// A review item without its evidence.
#[derive(Debug, Serialize)]
struct ItemView<'a> {
    id: i64,
    tenant: &'a str,
    appointment: Option<&'a str>,
    reason: &'a str,
    message: &'a str,
    is_open: bool,
    opened_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    count: u64,
    appointments: u32,
    resolved: Option<ResolvedView<'a>>,
}

#[derive(Debug, Serialize)]
struct ResolvedView<'a> {
    resolution: &'a str,
    by: &'a str,
    at: DateTime<Utc>,
    outcome: Option<&'a str>,
}

impl<'a> From<&'a ReviewItem> for ItemView<'a> {
    fn from(item: &'a ReviewItem) -> Self {
        let resolved = item.resolved.as_ref();
        Self {
            id: item.id.get(),
            tenant: item.tenant.as_str(),
            appointment: item.appointment.as_ref().map(|id| id.as_str()),
            reason: item.reason.as_str(),
            message: &item.evidence.message,
            is_open: resolved.is_none(),
            opened_at: item.opened_at,
            updated_at: item.updated_at,
            count: item.count,
            appointments: item.links,
            resolved: resolved.map(|resolved| ResolvedView {
                resolution: resolved.resolution.as_str(),
                by: &resolved.by,
                at: resolved.at,
                outcome: resolved.outcome.as_deref(),
            }),
        }
    }
}

async fn list(
    context: &Context,
    output: &Output,
    arguments: ReviewsListArgs,
) -> Result<(), Failure> {
    let filter = filter(&arguments)?;
    let limit = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
    let mut items: Vec<ReviewItem> = Vec::new();
    for tenant in context.selected()? {
        let mut after: Option<ReviewId> = None;
        while items.len() <= limit {
            let mut page = Page::first(PAGE);
            page.after = after;
            let read = context.engine.reviews(tenant, &filter, page).await?;
            after = read.last().map(|item| item.id);
            let is_last = read.len() < PAGE as usize;
            items.extend(read);
            if is_last {
                break;
            }
        }
    }
    items.sort_by_key(|item| (item.opened_at, item.id));
    let has_more = items.len() > limit;
    items.truncate(limit);
    let views: Vec<ItemView<'_>> = items.iter().map(ItemView::from).collect();
    output.json(&json!({"reviews": views, "has_more": has_more}));
    if items.is_empty() {
        output.line(if arguments.resolved {
            "No item was resolved."
        } else {
            "Nothing needs a decision."
        });
        return Ok(());
    }
    let several = context.selected()?.len() > 1;
    let mut headings = vec!["id", "since", "appointment", "why"];
    if several {
        headings.insert(1, "tenant");
    }
    if arguments.resolved {
        headings.push("decision");
    }
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            let about = match &item.appointment {
                Some(id) if item.link.is_some() => id.to_string(),
                _ => "(the tenant)".to_owned(),
            };
            let mut row = vec![
                item.id.to_string(),
                output.time(item.opened_at),
                about,
                sentences::of_reason(&item.reason).to_owned(),
            ];
            if several {
                row.insert(1, item.tenant.to_string());
            }
            if let Some(resolved) = &item.resolved {
                row.push(format!(
                    "{} by {}",
                    resolved.resolution.as_str(),
                    resolved.by
                ));
            }
            row
        })
        .collect();
    output.table(&headings, &rows);
    if has_more {
        output.line("There are more; see --limit.");
    }
    if arguments.resolved {
        return Ok(());
    }
    let first = items.first().map(|item| item.id);
    if let Some(first) = first {
        output.line(format!(
            "Look at one with: calcom-sync reviews show {first}"
        ));
    }
    ended(Some(FailureKind::Found))
}

fn filter(arguments: &ReviewsListArgs) -> Result<ReviewFilter, Failure> {
    let mut filter = if arguments.resolved {
        ReviewFilter::resolved()
    } else {
        ReviewFilter::open()
    };
    if let Some(word) = &arguments.reason {
        let reason = ReviewReason::from(word.replace('-', "_").as_str());
        if !ReviewReason::KNOWN.contains(&reason) {
            let known: Vec<&str> = ReviewReason::KNOWN.iter().map(|one| one.as_str()).collect();
            return Err(Failure::settings(
                format!("there is no reason {word:?}"),
                format!("use one of these: {}", known.join(", ")),
            ));
        }
        filter = filter.with_reason(reason);
    }
    if let Some(id) = &arguments.appointment {
        filter = filter.with_appointment(id.clone());
    }
    if let Some(age) = arguments.older_than {
        filter = filter.older_than(age);
    }
    Ok(filter)
}

/// A choice as it is shown.
#[derive(Debug, Serialize)]
struct ChoiceView {
    resolution: &'static str,
    /// The word on the command line.
    #[serde(skip)]
    word: &'static str,
    effect: String,
    is_suggested: bool,
    command: String,
}

async fn show(context: &Context, output: &Output, id: ReviewId) -> Result<(), Failure> {
    let (tenant, item) = find_review(context, id).await?;
    let of_item = choices(&item);
    let can_rebook = of_item
        .iter()
        .any(|choice| matches!(choice.resolution, Resolution::Rebook { .. }));
    let (slots, is_fresh) = if can_rebook {
        free_slots(context, &tenant, &item).await
    } else {
        (Vec::new(), false)
    };
    let views: Vec<ChoiceView> = of_item
        .iter()
        .filter_map(|choice| view_of(context, output, &tenant, id, choice, slots.first().copied()))
        .collect();
    if output.is_json() {
        print_json(context, output, &tenant, &item, &views, &slots, is_fresh);
        return Ok(());
    }
    let reason = sentences::of_reason(&item.reason);
    output.line(output.paint(Tone::Strong, &format!("Review item {id}: {reason}")));
    let about = match &item.appointment {
        Some(appointment) if item.link.is_some() => format!("Appointment {appointment}"),
        Some(appointment) => format!(
            "The tenant as a whole; {} involved, such as {appointment}",
            match item.links {
                1 => "1 appointment is".to_owned(),
                links => format!("{links} appointments are"),
            }
        ),
        None => "The tenant as a whole".to_owned(),
    };
    output.line(plain(&format!("{about}; tenant {tenant}.")));
    let times = match item.count {
        1 => "once".to_owned(),
        count => format!("{count} times, last at {}", output.time(item.updated_at)),
    };
    output.line(format!(
        "Opened {} ago, at {}; it happened {times}.",
        when::span(when::since(item.opened_at)),
        output.time(item.opened_at)
    ));
    output.line("");
    output.line(plain(&item.evidence.message));
    print_sides(output, &item);
    if !item.evidence.bookings.is_empty() {
        output.line("");
        output.line(output.paint(Tone::Strong, "Bookings"));
        for booking in &item.evidence.bookings {
            let url = booking_url(context, &tenant, booking.as_str());
            let url = url.unwrap_or_else(|| {
                "(set app_url to the address of your Cal.com to see a link)".to_owned()
            });
            output.line(format!("  {}  {url}", plain(booking.as_str())));
        }
    }
    if let Some(resolved) = &item.resolved {
        output.line("");
        let outcome = match &resolved.outcome {
            Some(outcome) => format!("; {}", plain(outcome)),
            None => String::new(),
        };
        output.line(format!(
            "Resolved by {} at {}: {}{outcome}.",
            plain(&resolved.by),
            output.time(resolved.at),
            resolved.resolution.as_str()
        ));
        return Ok(());
    }
    print_choices(output, &views);
    print_slots(output, &slots, is_fresh);
    Ok(())
}

fn print_choices(output: &Output, views: &[ChoiceView]) {
    output.line("");
    output.line(output.paint(Tone::Strong, "What you can do"));
    for view in views {
        let mark = if view.is_suggested {
            " (suggested)"
        } else {
            ""
        };
        output.line(format!("  {}{mark}: {}", view.word, view.effect));
        output.line(format!("      {}", view.command));
    }
}

fn print_slots(output: &Output, slots: &[DateTime<Utc>], is_fresh: bool) {
    if slots.is_empty() {
        return;
    }
    output.line("");
    let source = if is_fresh {
        "as Cal.com has them now"
    } else {
        "as they were when the item was opened; Cal.com does not answer now"
    };
    output.line(output.paint(Tone::Strong, &format!("Free slots for rebook, {source}")));
    for slot in slots {
        let (shown, typed) = (output.time(*slot), when::typed(*slot));
        output.line(format!("  {shown}  --start {typed}"));
    }
}

fn print_json(
    context: &Context,
    output: &Output,
    tenant: &TenantId,
    item: &ReviewItem,
    choices: &[ChoiceView],
    slots: &[DateTime<Utc>],
    is_fresh: bool,
) {
    let evidence = &item.evidence;
    let state = |state: &Option<AppointmentState>| state.as_ref().map(StateView::from);
    let bookings = evidence.bookings.iter().map(|booking| {
        let url = booking_url(context, tenant, booking.as_str());
        json!({"uid": booking, "url": url})
    });
    let differing = Field::ALL.iter().filter(|field| {
        let differences = differences(item);
        differences.contains(**field)
    });
    output.json(&json!({
        "review": ItemView::from(item),
        "evidence": {
            "base_local": state(&evidence.base_local),
            "base_remote": state(&evidence.base_remote),
            "local": state(&evidence.local),
            "remote": state(&evidence.remote),
            "differences": differing.collect::<Vec<_>>(),
        },
        "bookings": bookings.collect::<Vec<_>>(),
        "choices": choices,
        "free_slots": slots,
        "free_slots_are_fresh": is_fresh,
    }));
}

fn differences(item: &ReviewItem) -> Differences {
    match (&item.evidence.local, &item.evidence.remote) {
        (Some(local), Some(remote)) => local.differences(remote),
        _ => Differences::NONE,
    }
}

/// The states side by side.
fn print_sides(output: &Output, item: &ReviewItem) {
    let evidence = &item.evidence;
    let base = evidence
        .base_local
        .as_ref()
        .or(evidence.base_remote.as_ref());
    let sides = [base, evidence.local.as_ref(), evidence.remote.as_ref()];
    if sides.iter().all(Option::is_none) {
        return;
    }
    let differences = differences(item);
    let mut rows = Vec::new();
    for field in FIELDS {
        let cells: Vec<String> = sides
            .iter()
            .map(|side| {
                side.and_then(|state| cell(output, state, *field))
                    .unwrap_or_else(|| "-".to_owned())
            })
            .collect();
        if cells.iter().all(|cell| cell == "-") {
            continue;
        }
        let mut row = vec![field_name(*field).to_owned()];
        row.extend(cells);
        let differs = field
            .compared()
            .is_some_and(|field| differences.contains(field));
        row.push(if differs { "<- differs" } else { "" }.to_owned());
        rows.push(row);
    }
    output.line("");
    let headings = [
        "",
        "when they agreed",
        "appointment",
        "booking at Cal.com",
        "",
    ];
    output.table(&headings, &rows);
}

/// A line of the comparison: a compared field, or a further one that helps to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Compared(Field),
    Phone,
}

impl Line {
    fn compared(self) -> Option<Field> {
        match self {
            Self::Compared(field) => Some(field),
            Self::Phone => None,
        }
    }
}

const FIELDS: &[Line] = &[
    Line::Compared(Field::Status),
    Line::Compared(Field::Start),
    Line::Compared(Field::Length),
    Line::Compared(Field::EventType),
    Line::Compared(Field::Name),
    Line::Compared(Field::Email),
    Line::Phone,
    Line::Compared(Field::Host),
    Line::Compared(Field::Location),
    Line::Compared(Field::Guests),
    Line::Compared(Field::Notes),
    Line::Compared(Field::Absent),
    Line::Compared(Field::Responses),
    Line::Compared(Field::Metadata),
];

fn field_name(line: Line) -> &'static str {
    match line {
        Line::Compared(field) => sentences::of_field(field),
        Line::Phone => "phone",
    }
}

fn cell(output: &Output, state: &AppointmentState, line: Line) -> Option<String> {
    let short = |text: &str| {
        const LONGEST: usize = 40;
        let text = clean_line(text);
        if text.chars().count() <= LONGEST {
            return text.into_owned();
        }
        let cut: String = text.chars().take(LONGEST - 3).collect();
        format!("{cut}...")
    };
    let json = |value: serde_json::Result<serde_json::Value>| {
        let value = value.ok()?;
        let is_empty = value.as_object().is_some_and(serde_json::Map::is_empty);
        (!is_empty).then(|| short(&value.to_string()))
    };
    let person = &state.attendee;
    let field = match line {
        Line::Phone => return person.phone_number.as_deref().map(short),
        Line::Compared(field) => field,
    };
    match field {
        Field::Status => Some(state.status.as_str().to_owned()),
        Field::Start => Some(output.time(state.start)),
        Field::Length => {
            let length = (state.end - state.start).to_std().unwrap_or_default();
            Some(when::span(length))
        }
        Field::EventType => Some(state.event_type.to_string()),
        Field::Name => Some(short(&person.name)),
        Field::Email => person.email.as_deref().map(short),
        Field::Host => state.host.map(|host| host.to_string()),
        Field::Location => state.location.as_ref().map(|at| short(at.as_str())),
        Field::Guests => state.guests.as_ref().map(|guests| {
            let guests: Vec<&str> = guests.iter().collect();
            if guests.is_empty() {
                "none".to_owned()
            } else {
                short(&guests.join(", "))
            }
        }),
        Field::Notes => state.notes.as_ref().map(|notes| short(notes.as_str())),
        Field::Absent => state
            .absent
            .map(|absent| if absent { "yes" } else { "no" }.to_owned()),
        Field::Responses => state
            .responses
            .as_ref()
            .and_then(|answers| json(serde_json::to_value(answers))),
        Field::Metadata => state
            .metadata
            .as_ref()
            .and_then(|texts| json(serde_json::to_value(texts))),
        _ => None,
    }
}

/// The free slots nearest to the wanted start: as Cal.com has them now, or else those of the evidence;
/// and whether they are fresh.
async fn free_slots(
    context: &Context,
    tenant: &TenantId,
    item: &ReviewItem,
) -> (Vec<DateTime<Utc>>, bool) {
    let stored = item.evidence.alternatives.clone();
    let Some(local) = &item.evidence.local else {
        return (stored, false);
    };
    let from = (local.start - SLOTS_AROUND).max(when::now());
    let window = Window::new(from, local.start.max(from) + SLOTS_AROUND);
    let slots = context.engine.free_slots(tenant, local.event_type, window);
    match tokio::time::timeout(SLOTS_WITHIN, slots).await {
        Ok(Ok(mut slots)) => {
            slots.sort_by_key(|slot| (*slot - local.start).abs());
            slots.truncate(SLOTS_SHOWN);
            slots.sort_unstable();
            (slots, true)
        }
        _ => (stored, false),
    }
}

fn view_of(
    context: &Context,
    output: &Output,
    tenant: &TenantId,
    id: ReviewId,
    choice: &Choice,
    slot: Option<DateTime<Utc>>,
) -> Option<ChoiceView> {
    let (word, start) = match choice.resolution {
        Resolution::Retry => ("retry", None),
        Resolution::TakeRemote => ("take-remote", None),
        Resolution::ForceLocal => ("force-local", None),
        Resolution::AcceptDifference => ("accept-difference", None),
        Resolution::Rebook { start, .. } => ("rebook", Some(slot.unwrap_or(start))),
        Resolution::Dismiss => ("dismiss", None),
        _ => return None,
    };
    let start = start.map(|start| format!(" --start {}", when::typed(start)));
    Some(ChoiceView {
        resolution: snake(word),
        word,
        effect: choice.effect.clone(),
        is_suggested: choice.is_suggested,
        command: format!(
            "calcom-sync reviews resolve {id} {word}{}{}",
            start.unwrap_or_default(),
            tenant_flag(context, output, tenant)
        ),
    })
}

/// How far a decision has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Progress {
    /// There is nothing to carry out.
    Closed,
    /// A worker has carried it out.
    CarriedOut,
    /// Stored; a worker will carry it out.
    Stored,
    /// Refused, or not stored.
    Failed,
}

#[derive(Debug, Serialize)]
struct DecisionView {
    id: i64,
    tenant: Option<String>,
    resolution: &'static str,
    #[serde(skip)]
    word: &'static str,
    by: String,
    progress: Progress,
    outcome: Option<String>,
    /// Items that are open about the appointment now.
    open_again: Vec<i64>,
    error: Option<FailureView>,
}

async fn resolve(
    context: &Context,
    output: &Output,
    arguments: ReviewsResolveArgs,
) -> Result<(), Failure> {
    let by = arguments.operator.name();
    let resolution = resolution(&arguments)?;
    let wait = match arguments.wait {
        Some(wait) => Some(wait),
        None if arguments.ids.len() == 1 => Some(WAIT),
        None => None,
    };
    let mut found = None;
    let mut views = Vec::new();
    for id in &arguments.ids {
        let decided = decide(context, *id, &resolution, &by, wait).await;
        let (mut view, kind) = match decided {
            Ok(view) => {
                let is_late = view.progress == Progress::Stored
                    && arguments.wait.is_some_and(|wait| !wait.is_zero());
                let kind = if !view.open_again.is_empty() {
                    Some(FailureKind::Found)
                } else if is_late {
                    Some(FailureKind::Unfinished)
                } else {
                    None
                };
                (view, kind)
            }
            Err(failure) => {
                let kind = failure.kind();
                let view = DecisionView {
                    id: id.get(),
                    tenant: None,
                    resolution: snake(word_of(&resolution)),
                    word: word_of(&resolution),
                    by: by.clone(),
                    progress: Progress::Failed,
                    outcome: None,
                    open_again: Vec::new(),
                    error: Some(FailureView::from(&failure)),
                };
                if !output.is_json() {
                    output.failure(&failure);
                }
                (view, Some(kind))
            }
        };
        view.outcome = view.outcome.map(|outcome| plain(&outcome));
        print_decision(output, &view, wait);
        found = worse(found, kind);
        views.push(view);
    }
    output.json(&json!({"decisions": views}));
    ended(found)
}

fn print_decision(output: &Output, view: &DecisionView, wait: Option<Duration>) {
    let (id, word) = (view.id, view.word);
    match view.progress {
        Progress::Failed => {}
        Progress::Closed => output.line(format!("Item {id} is closed ({word}).")),
        Progress::CarriedOut => {
            let outcome = view.outcome.as_deref().unwrap_or_default();
            let tone = if view.open_again.is_empty() {
                Tone::Good
            } else {
                Tone::Warning
            };
            let text = match outcome.trim_end_matches('.') {
                "" | "carried out" => format!("Item {id}: the decision ({word}) was carried out."),
                outcome => format!("Item {id}: the decision ({word}) ended: {outcome}."),
            };
            output.line(output.paint(tone, &text));
        }
        Progress::Stored => {
            let none = match wait {
                Some(wait) if !wait.is_zero() => {
                    format!("; none has within {}", when::span(wait))
                }
                _ => String::new(),
            };
            output.line(format!(
                "Item {id}: the decision ({word}) is stored; a worker will carry it out{none}."
            ));
            if !none.is_empty() {
                output.line("See whether one runs: calcom-sync status");
            }
        }
    }
    for open in &view.open_again {
        output.line(format!(
            "It needs a decision again: calcom-sync reviews show {open}"
        ));
    }
}

fn resolution(arguments: &ReviewsResolveArgs) -> Result<Resolution, Failure> {
    let is_rebook = arguments.resolution == ResolutionWord::Rebook;
    if arguments.start.is_some() && !is_rebook {
        return Err(Failure::settings(
            "--start goes with rebook only",
            "leave it out, or decide rebook",
        ));
    }
    Ok(match arguments.resolution {
        ResolutionWord::Retry => Resolution::Retry,
        ResolutionWord::TakeRemote => Resolution::TakeRemote,
        ResolutionWord::ForceLocal => Resolution::ForceLocal,
        ResolutionWord::AcceptDifference => Resolution::AcceptDifference,
        ResolutionWord::Dismiss => Resolution::Dismiss,
        ResolutionWord::Rebook => {
            let start = arguments.start.ok_or_else(|| {
                Failure::settings("rebook needs a start", "add --start with the new start")
            })?;
            if start <= when::now() {
                return Err(Failure::settings(
                    "the new start lies in the past",
                    "choose a later one; `calcom-sync reviews show` lists free slots",
                ));
            }
            Resolution::rebook(start)
        }
    })
}

/// The word of JSON and of the database.
fn snake(word: &'static str) -> &'static str {
    match word {
        "take-remote" => "take_remote",
        "force-local" => "force_local",
        "accept-difference" => "accept_difference",
        word => word,
    }
}

fn word_of(resolution: &Resolution) -> &'static str {
    match resolution {
        Resolution::Retry => "retry",
        Resolution::TakeRemote => "take-remote",
        Resolution::ForceLocal => "force-local",
        Resolution::AcceptDifference => "accept-difference",
        Resolution::Rebook { .. } => "rebook",
        _ => "dismiss",
    }
}

async fn decide(
    context: &Context,
    id: ReviewId,
    resolution: &Resolution,
    by: &str,
    wait: Option<Duration>,
) -> Result<DecisionView, Failure> {
    let (tenant, before) = find_review(context, id).await?;
    let resolved = context.engine.resolve(&tenant, id, resolution.clone(), by);
    let resolved = resolved
        .await
        .map_err(|error| refused(&tenant, &before, resolution, error))?;
    context.engine.nudge();
    let mut view = DecisionView {
        id: id.get(),
        tenant: Some(tenant.to_string()),
        resolution: snake(word_of(resolution)),
        word: word_of(resolution),
        by: by.to_owned(),
        progress: Progress::Stored,
        outcome: None,
        open_again: Vec::new(),
        error: None,
    };
    if *resolution == Resolution::Dismiss || resolved.links == 0 {
        view.progress = Progress::Closed;
        return Ok(view);
    }
    let Some(wait) = wait.filter(|wait| !wait.is_zero()) else {
        return Ok(view);
    };
    let until = Instant::now() + wait;
    loop {
        let item = context.engine.review(&tenant, id).await?;
        let outcome = item.and_then(|item| item.resolved.and_then(|resolved| resolved.outcome));
        if let Some(outcome) = outcome {
            view.outcome = Some(outcome);
            view.progress = Progress::CarriedOut;
            break;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(view);
        }
        tokio::time::sleep(LOOK.min(left)).await;
    }
    if let Some(appointment) = &before.appointment {
        let open = ReviewFilter::open().with_appointment(appointment.clone());
        let open = context.engine.reviews(&tenant, &open, Page::first(10));
        let open = open.await?;
        view.open_again = open.iter().map(|item| item.id.get()).collect();
    }
    Ok(view)
}

/// Why a decision was refused, in terms of the item.
fn refused(
    tenant: &TenantId,
    item: &ReviewItem,
    resolution: &Resolution,
    error: sync::Error,
) -> Failure {
    let id = item.id;
    match error.kind() {
        ErrorKind::Store(StoreErrorKind::Conflict) => {
            let by = match &item.resolved {
                Some(resolved) => format!(" by {} ({})", resolved.by, resolved.resolution.as_str()),
                None => String::new(),
            };
            Failure::new(
                FailureKind::Found,
                format!("item {id} was resolved already{by}"),
                format!("look at it with: calcom-sync reviews show {id}"),
            )
        }
        ErrorKind::Store(StoreErrorKind::Invalid) => {
            let possible = choices(item);
            let possible: Vec<&str> = possible
                .iter()
                .map(|choice| word_of(&choice.resolution))
                .collect();
            let word = word_of(resolution);
            Failure::settings(
                format!("item {id} cannot be resolved with {word}"),
                format!("possible are: {}", possible.join(", ")),
            )
            .because(error)
        }
        ErrorKind::Store(StoreErrorKind::NotFound) => Failure::not_found(
            format!(
                "tenant {} has no review item {id} any more",
                quoted(tenant.as_str())
            ),
            "`calcom-sync reviews list` shows what is open",
        ),
        _ => error.into(),
    }
}
