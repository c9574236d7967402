//! Rows of the stores' tables as the values of the ports.

use super::row::{Row, StoredRow};
use crate::store::{
    Appointment, Change, ChangeFate, Delivery, DeliveryFate, EventClaim, EventLease, Instruction,
    Link, LogEntry, Mark, MarkSource, NewReview, NewSenderEvent, NoticeSource, Opaque, Reason,
    RecordedChange, Resolution, Resolved, ReviewEvidence, ReviewItem, Revision, SenderEvent,
    SenderEventRecord, Service, ServiceDetails, ServiceLink, ServiceWrite, StoreError,
};

/// A link with its place in the queue.
pub(crate) struct QueuedLink {
    pub(crate) link: Link,
    pub(crate) fence: i64,
    pub(crate) marks: i64,
    pub(crate) begun: u32,
}

pub(crate) fn link<R: StoredRow>(row: &R) -> Result<QueuedLink, StoreError> {
    let row = Row::of("links", row);
    let mut link = Link::new(row.text("tenant")?, row.number("id")?);
    link.appointment = row.text_if_any("appointment")?;
    link.booking = row.text_if_any("booking")?;
    link.chain = row.text_if_any("chain")?;
    link.series = row.text_if_any("series")?;
    link.sync_key = row.text_if_any("sync_key")?;
    link.bare = row.boolean("is_bare")?;
    // A number that is no format is one that nobody can read.
    let format = u16::try_from(row.number::<i64>("format")?).unwrap_or(u16::MAX);
    let state = row.bytes_if_any("state")?;
    link.state = state.map(|bytes| Opaque::new(format, bytes));
    Ok(QueuedLink {
        link,
        fence: row.number("fence")?,
        marks: row.number("marks")?,
        begun: u32::try_from(row.number::<i64>("begun")?).unwrap_or(u32::MAX),
    })
}

pub(crate) fn mark<R: StoredRow>(row: &R) -> Result<Mark, StoreError> {
    let row = Row::of("notices", row);
    let source: MarkSource = row.word("source")?;
    let mark = Mark::new(row.number("id")?, source);
    // A decision that this version cannot read is none that it can carry out; the mark still says
    // *look here*.
    let resolution = row.json_if_readable("resolution")?;
    let (Some(review), Some(resolution)) = (row.number_if_any("review")?, resolution) else {
        return Ok(mark);
    };
    let reason = row.word("reason")?;
    let resolved_by: String = row.text("resolved_by")?;
    let instruction = Instruction::new(review, reason, resolution, resolved_by);
    Ok(mark.with_instruction(instruction))
}

pub(crate) fn change<R: StoredRow>(
    row: &R,
) -> Result<(RecordedChange, Option<ChangeFate>), StoreError> {
    let row = Row::of("notices", row);
    let change = Change::new(
        row.text("tenant")?,
        row.text("appointment")?,
        Revision::new(row.count("revision")?),
        row.word("origin")?,
        row.instant("at")?,
    );
    // A host that inserts the row itself need not say that it did.
    let source = row.word_if_any("source")?;
    let change = change.with_source(source.unwrap_or(NoticeSource::Host));
    let recorded = RecordedChange::new(row.number("id")?, change);
    Ok((recorded, row.word_if_any("fate")?))
}

pub(crate) fn delivery<R: StoredRow>(
    row: &R,
) -> Result<(Delivery, Option<DeliveryFate>), StoreError> {
    let row = Row::of("notices", row);
    let delivery = Delivery::new(
        row.number("id")?,
        row.text::<String>("trigger_name")?,
        row.text_if_any("booking")?,
        row.instant("taken_at")?,
    );
    // A claim that this version cannot read says no more than *look here*, which is enough.
    let claim = row.json_if_readable("claim")?.unwrap_or_default();
    let delivery = delivery.with_claim(claim);
    let delivery = delivery.with_source(row.word("source")?);
    Ok((delivery, row.word_if_any("fate")?))
}

pub(crate) fn log_entry<R: StoredRow>(row: &R) -> Result<LogEntry, StoreError> {
    let row = Row::of("log", row);
    let entry = LogEntry::new(
        row.number("id")?,
        row.instant("at")?,
        row.text("tenant")?,
        row.json("event")?,
    );
    Ok(entry.about(row.number_if_any("link")?, row.text_if_any("appointment")?))
}

pub(crate) fn review<R: StoredRow>(row: &R) -> Result<ReviewItem, StoreError> {
    let row = Row::of("reviews", row);
    let evidence = row.json_if_readable("evidence")?.unwrap_or_else(|| {
        ReviewEvidence::new(
            "What was stored with this item cannot be read back: a newer version of this crate wrote it, or it is damaged. \
             Look at both sides yourself.",
        )
    });
    let cause: String = row.text("cause")?;
    let new = NewReview::of_tenant(cause, row.word("reason")?, evidence).ending(row.word("ends")?);
    let opened_at = row.instant("opened_at")?;
    let mut item = ReviewItem::new(row.number("id")?, row.text("tenant")?, new, opened_at);
    item.link = row.number_if_any("link")?;
    item.appointment = row.text_if_any("appointment")?;
    item.links = u32::try_from(row.number::<i64>("links")?).unwrap_or(u32::MAX);
    item.count = u64::try_from(row.number::<i64>("count")?).unwrap_or(0);
    item.updated_at = row.instant("updated_at")?;
    if row.text_if_any::<String>("resolution")?.is_some() {
        item.resolved = Some(resolved(&row)?);
    }
    Ok(item)
}

fn resolved<R: StoredRow>(row: &Row<'_, R>) -> Result<Resolved, StoreError> {
    let resolution: Option<Resolution> = row.json_if_readable("resolution")?;
    let outcome: Option<String> = row.text_if_any("outcome")?;
    // The item is closed all the same; what was decided is unknown, and that is said.
    let unknown = || "The decision cannot be read back: a newer version of this crate stored it.";
    let outcome = match resolution {
        Some(_) => outcome,
        None => outcome.or_else(|| Some(unknown().to_owned())),
    };
    let mut resolved = Resolved::new(
        resolution.unwrap_or(Resolution::Settled),
        row.text::<String>("resolved_by")?,
        row.instant("resolved_at")?,
    );
    resolved.outcome = outcome;
    Ok(resolved)
}

pub(crate) fn appointment<R: StoredRow>(row: &R) -> Result<Appointment, StoreError> {
    let row = Row::of("appointments", row);
    let appointment = Appointment::new(
        row.text("id")?,
        Revision::new(row.count("revision")?),
        row.word("origin")?,
        row.json("state")?,
        row.instant("updated_at")?,
    );
    let reason: Option<String> = row.text_if_any("reason")?;
    Ok(appointment
        .with_chain(row.text_if_any("chain")?)
        .with_reason(reason.map(Reason::from)))
}

pub(crate) fn service<R: StoredRow>(row: &R) -> Result<Service, StoreError> {
    let row = Row::of("services", row);
    let name: String = row.text("name")?;
    let mut details = ServiceDetails::new(name, row.count("length_in_minutes")?);
    details.description = row.text_if_any("description")?;
    let write = ServiceWrite::new(details, row.instant("updated_at")?)
        .with_active(row.boolean("is_active")?)
        .with_event_type(row.number_if_any("event_type")?);
    let revision = Revision::new(row.count("revision")?);
    Ok(Service::new(row.text("id")?, revision, write))
}

pub(crate) fn service_link<R: StoredRow>(row: &R) -> Result<ServiceLink, StoreError> {
    let row = Row::of("service_links", row);
    let mut link = ServiceLink::new(
        row.text_if_any("service")?,
        row.number_if_any("event_type")?,
    );
    link.id = Some(row.number("id")?);
    link.status = row.word("status")?;
    link.attempts = row.count("attempts")?;
    link.last_error = row.text_if_any("last_error")?;
    link.next_attempt = row.instant_if_any("next_attempt")?;
    link.updated_at = Some(row.instant("updated_at")?);
    link.state = match row.bytes_if_any("state")? {
        Some(bytes) => Some(Opaque::new(row.count("format")?, bytes)),
        None => None,
    };
    Ok(link)
}

/// An event of a sender, without its body.
fn sender_event<R: StoredRow>(row: &Row<'_, R>) -> Result<SenderEvent, StoreError> {
    let (tenant, sender) = (row.text("tenant")?, row.text("sender")?);
    let (event_id, event): (String, String) = (row.text("event_id")?, row.text("event")?);
    let new = NewSenderEvent::new(tenant, sender, event_id, event)
        .with_order_key(row.text_if_any("order_key")?)
        .with_signed_at(row.instant_if_any("signed_at")?);
    Ok(SenderEvent::new(
        row.number("id")?,
        new,
        row.instant("taken_at")?,
    ))
}

fn attempts<R: StoredRow>(row: &Row<'_, R>) -> Result<u32, StoreError> {
    Ok(u32::try_from(row.number::<i64>("attempts")?).unwrap_or(u32::MAX))
}

pub(crate) fn event_claim<R: StoredRow>(row: &R, body: String) -> Result<EventClaim, StoreError> {
    let row = Row::of("sender_events", row);
    let mut event = sender_event(&row)?;
    event.body = body;
    let lease = EventLease::new(event.tenant.clone(), event.id, row.number("fence")?);
    let review = row.number_if_any("review")?;
    Ok(EventClaim::new(lease, event, attempts(&row)?, review))
}

pub(crate) fn event_record<R: StoredRow>(row: &R) -> Result<SenderEventRecord, StoreError> {
    let row = Row::of("sender_events", row);
    let mut record = SenderEventRecord::new(sender_event(&row)?);
    record.attempts = attempts(&row)?;
    record.review = row.number_if_any("review")?;
    record.is_parked = row.boolean("is_parked")?;
    record.fate = row.word_if_any("fate")?;
    Ok(record)
}
