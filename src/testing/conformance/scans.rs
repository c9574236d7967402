//! What a scan promises: the whole window, in one order, page by page.

use super::steps::{patiently, same};
use super::table::AppointmentTable;
use crate::store::{Appointment, AppointmentId, AppointmentStatus, TenantId, Window};

/// More than any promise writes.
const WHOLE: u32 = 100;

fn window(table: &AppointmentTable) -> Window {
    Window::new(table.at(60), table.at(120))
}

/// Creates appointments inside, at the edges of and outside the window `[60, 120)`, and returns the
/// ids of those inside, by start and else in no order.
async fn fill(table: &AppointmentTable) -> Vec<AppointmentId> {
    let mut inside = Vec::new();
    let starts = [90, 59, 60, 119, 120, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90];
    for (n, start) in (0_usize..).zip(starts) {
        let write = table.write_of(table.state_of(n, start), 0);
        let created = table.create(&format!("chain {n}"), write).await;
        if (60..120).contains(&start) {
            inside.push((start, created.id));
        }
    }
    inside.sort();
    inside.into_iter().map(|(_, id)| id).collect()
}

fn ids(found: &[Appointment]) -> Vec<AppointmentId> {
    found.iter().map(|found| found.id.clone()).collect()
}

fn sorted(mut ids: Vec<AppointmentId>) -> Vec<AppointmentId> {
    ids.sort();
    ids
}

/// A scan gives the appointments that begin in the window, the first instant included and the last
/// not, by start.
pub async fn a_scan_walks_the_window_in_order(table: &AppointmentTable) {
    const PROMISE: &str = "a scan walks the window in order";
    let expected = fill(table).await;
    let found = table.scan(window(table), None, WHOLE).await;
    let met = sorted(ids(&found));
    same(PROMISE, "what is met", &met, &sorted(expected));
    let starts: Vec<_> = found.iter().map(|found| found.state.start).collect();
    assert!(
        starts.is_sorted(),
        "{PROMISE}: the starts are not in order: {starts:?}"
    );
    for one in &found {
        let read = table.known(&one.id).await;
        assert!(
            read == *one,
            "{PROMISE}: what a scan gives is what is read by its id: {one:?} is met, and {read:?} \
             is read"
        );
    }
    let nothing = Window::new(table.at(600), table.at(700));
    let found = table.scan(nothing, None, WHOLE).await;
    same(PROMISE, "what an empty window gives", &ids(&found), &vec![]);
}

/// Pages of any size give what one page gives, in the same order, also where many appointments
/// begin at once: none is missed, none is met twice.
pub async fn pages_miss_nothing_and_repeat_nothing(table: &AppointmentTable) {
    fill(table).await;
    let whole = ids(&table.scan(window(table), None, WHOLE).await);
    for size in [1, 2, 3, 7] {
        let mut met = Vec::new();
        let mut after = None;
        while met.len() <= whole.len() {
            let page = table.scan(window(table), after, size).await;
            let Some(last) = page.last() else {
                break;
            };
            assert!(
                page.len() <= usize::try_from(size).unwrap_or_default(),
                "a page is no longer than it was asked for: {} of at most {size}",
                page.len()
            );
            after = Some((last.state.start, last.id.clone()));
            met.extend(ids(&page));
        }
        let promise = format!("pages of {size} miss nothing and repeat nothing");
        same(&promise, "what is met", &met, &whole);
    }
}

/// A scan goes on after a position, whether or not the appointment that stood there is there still.
pub async fn a_scan_goes_on_from_where_it_stood(table: &AppointmentTable) {
    fill(table).await;
    let whole = table.scan(window(table), None, WHOLE).await;
    let stood = &whole[whole.len() / 2];
    let after = Some((stood.state.start, stood.id.clone()));
    let rest = ids(&whole[whole.len() / 2 + 1..]);
    // It moves out of the window meanwhile.
    table.update(stood, table.write(300, 1)).await;
    let found = table.scan(window(table), after, WHOLE).await;
    let promise = "a scan goes on from where it stood";
    same(promise, "the rest", &ids(&found), &rest);
}

/// A scan gives what has ended, too: that an appointment was cancelled is what a sweep looks for.
pub async fn a_scan_gives_what_has_ended(table: &AppointmentTable) {
    let statuses = [
        AppointmentStatus::Pending,
        AppointmentStatus::Confirmed,
        AppointmentStatus::Cancelled,
        AppointmentStatus::Declined,
    ];
    let mut expected = Vec::new();
    for (n, status) in (0_usize..).zip(statuses) {
        let mut write = table.write_of(table.state_of(n, 90), 0);
        write.state.status = status;
        expected.push(table.create(&format!("chain {n}"), write).await.id);
    }
    let found = table.scan(window(table), None, WHOLE).await;
    let promise = "a scan gives what has ended";
    let met = sorted(ids(&found));
    same(promise, "what is met", &met, &sorted(expected));
}

/// A scan gives the appointments of one tenant.
pub async fn a_scan_does_not_reach_across_tenants(table: &AppointmentTable) {
    let Some(other) = table.other_tenant() else {
        return;
    };
    table.create("chain", table.write(90, 0)).await;
    for tenant in [other, &TenantId::new("nobody")] {
        let page = patiently(|| table.repository.scan(tenant, window(table), None, WHOLE)).await;
        let page = page.expect("a window is scanned");
        assert!(
            page.is_empty(),
            "a scan does not reach across tenants: {tenant} meets an appointment of another tenant"
        );
    }
}
