//! Assertions about both sides, and what they print.

use super::Sides;
use crate::store::{LogEntry, StoreError};

/// How many lines of the sync log a failing assertion prints.
const LINES: usize = 30;

/// Asserts that the appointments and the bookings of a tenant are in sync, and that nothing is left
/// to do: see [`Sides::differences`].
///
/// # Panics
///
/// If they are not, with both sides of every difference and the end of the sync log, without
/// personal data. Also if the store or the repository fails.
pub async fn assert_in_sync(sides: &Sides) {
    let found = sides.differences().await;
    let text = complaint(sides, "the two sides are not in sync", found).await;
    assert!(text.is_empty(), "{text}");
}

/// Asserts that no appointment has two live bookings, and no chain of bookings two appointments: see
/// [`Sides::doubles`].
///
/// # Panics
///
/// If one has, with both of them and the end of the sync log, without personal data. Also if the
/// store or the repository fails.
pub async fn assert_no_doubles(sides: &Sides) {
    let found = sides.doubles().await;
    let text = complaint(sides, "something exists twice", found).await;
    assert!(text.is_empty(), "{text}");
}

/// What to print; nothing if nothing was found.
pub(super) async fn complaint(
    sides: &Sides,
    what: &str,
    found: Result<Vec<String>, StoreError>,
) -> String {
    let found = match found {
        Ok(found) if found.is_empty() => return String::new(),
        Ok(found) => found,
        Err(error) => vec![format!("the store or the repository fails: {error}")],
    };
    let mut text = format!("tenant {}: {what}\n", sides.tenant());
    for line in &found {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
    match sides.last_of_log(LINES).await {
        Ok(log) if log.is_empty() => text.push_str("the sync log is empty"),
        Ok(log) => {
            text.push_str("the end of the sync log:");
            for entry in &log {
                text.push_str("\n  ");
                text.push_str(&line(entry));
            }
        }
        Err(error) => text.push_str(&format!("the sync log cannot be read: {error}")),
    }
    text
}

fn line(entry: &LogEntry) -> String {
    let at = crate::model::format_instant(entry.at);
    let about = entry.appointment.as_ref();
    let about = about.map_or("no appointment yet".to_owned(), |id| {
        format!("appointment {id}")
    });
    format!("{at} {about}: {:?}", entry.event)
}
