//! Every button of the review queue, and what it does at Cal.com.

use calcom::model::Booking;
use calcom::store::{AppointmentId, ReviewItem};
use calcom::testing::RecordedRequest;
use chrono::{DateTime, Utc};

use crate::browser::Browser;
use crate::host::{Host, at, move_to};
use crate::person::until;
use crate::visit::Visit;

/// How many writes Cal.com was asked for so far.
fn writes(host: &Host) -> usize {
    host.fake.writes().len()
}

/// Where a link at the page leads: finds an item in the queue, as a person does, and opens it.
async fn open_item(browser: &Browser, item: &ReviewItem, words: &str) {
    browser.open("t/salon").await;
    browser.go_to("Review").await;
    let link = format!("a[href$=\"/reviews/{}\"]", item.id);
    let row = browser.text_of(&link).await;
    assert_eq!(row, words);
    browser
        .press_within(&format!("tr:has({link})"), "link", words)
        .await;
    browser.is_headed(words).await;
    browser.sees("Open").await;
}

/// Reads what a button says it will do, presses it, and waits for its outcome on the page.
async fn decide(browser: &Browser, button: &str, effect: &str) {
    let said = browser.description("button", button).await;
    assert!(said.contains(effect), "{button:?} says: {said}");
    browser.press("button", button).await;
    browser.sees("decided by Hanna").await;
    browser
        .sees_no_more("The engine carries this out in its next turn")
        .await;
    assert!(
        browser.all("button", button).await.is_empty(),
        "it can be pressed again"
    );
}

async fn live(host: &Host, id: &AppointmentId) -> Booking {
    let booking = host.live_booking_of(id).await;
    booking.expect("a live booking")
}

async fn start_of(host: &Host, id: &AppointmentId) -> DateTime<Utc> {
    host.appointment(id).await.state.start
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn retry_does_again_what_failed() {
    let visit = Visit::start().await;
    let (host, browser) = (&visit.host, &visit.browser);
    let (id, item) = host.outage("a-101", Host::free(0)).await;
    open_item(browser, &item, "Cal.com was unreachable").await;
    assert!(host.fake.live_bookings().is_empty());
    host.fake.clear_faults();
    decide(browser, "Look again and retry", "Looks again and retries").await;
    host.is_in_sync(&id).await;
    assert_eq!(live(host, &id).await.start, Host::free(0));
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn taking_cal_coms_state_changes_the_appointment_only() {
    let visit = Visit::start().await;
    let (host, browser) = (&visit.host, &visit.browser);
    let (theirs, ours) = (at(1, 14, 0), at(1, 11, 0));
    let (id, item) = host.conflict("a-102", Host::free(1), theirs, ours).await;
    open_item(browser, &item, "Both sides changed").await;
    let before = writes(host);
    decide(
        browser,
        "Take Cal.com's state",
        "Nothing is changed at Cal.com",
    )
    .await;
    host.is_in_sync(&id).await;
    assert_eq!(start_of(host, &id).await, theirs);
    assert_eq!(live(host, &id).await.start, theirs);
    assert_eq!(writes(host), before);
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn forcing_the_appointments_state_changes_cal_com() {
    let visit = Visit::start().await;
    let (host, browser) = (&visit.host, &visit.browser);
    let (theirs, ours) = (at(1, 14, 0), at(1, 11, 0));
    let (id, item) = host.conflict("a-103", Host::free(1), theirs, ours).await;
    open_item(browser, &item, "Both sides changed").await;
    decide(
        browser,
        "Force the appointment's state",
        "Changes the booking at Cal.com",
    )
    .await;
    host.is_in_sync(&id).await;
    assert_eq!(start_of(host, &id).await, ours);
    assert_eq!(live(host, &id).await.start, ours);
    assert_eq!(host.fake.live_bookings().len(), 1);
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn forcing_a_cancellation_cancels_the_booking() {
    let visit = Visit::start().await;
    let (host, browser) = (&visit.host, &visit.browser);
    let id = host.agreed("a-104", Host::free(1)).await;
    let uid = host.booking_of(&id).await;
    host.lose_next_move();
    host.fake.move_booking(&uid, at(1, 15, 0)).await.unwrap();
    let cancel = |state: &mut calcom::store::AppointmentState| {
        state.status = calcom::store::AppointmentStatus::Cancelled;
    };
    host.change(&id, cancel).await;
    let item = host.item(calcom::store::ReviewReason::Conflict).await;
    open_item(browser, &item, "Both sides changed").await;
    decide(
        browser,
        "Force the appointment's state",
        "Cancels the booking at Cal.com",
    )
    .await;
    host.is_in_sync(&id).await;
    assert!(host.fake.live_bookings().is_empty());
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn an_accepted_difference_stays_and_later_changes_are_synced() {
    let visit = Visit::start().await;
    let (host, browser) = (&visit.host, &visit.browser);
    let (id, item) = host.not_expressible("a-105", Host::free(2)).await;
    open_item(browser, &item, "Cannot be expressed at Cal.com").await;
    browser.sees("ada@example.org").await;
    browser.sees("ada.marsh@example.com").await;
    let before = writes(host);
    decide(browser, "Accept the difference", "Changes neither side").await;
    host.is_in_sync(&id).await;
    assert_eq!(writes(host), before);
    let appointment = host.appointment(&id).await;
    let address = appointment.state.attendee.email.as_deref();
    assert_eq!(address, Some("ada@example.org"));
    let there = &live(host, &id).await.attendees[0];
    assert_eq!(there.email, "ada.marsh@example.com");

    host.change(&id, move_to(at(2, 16, 0))).await;
    host.is_in_sync(&id).await;
    assert_eq!(live(host, &id).await.start, at(2, 16, 0));
    host.has_no_items().await;
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn a_taken_slot_is_exchanged_for_one_that_is_picked() {
    let visit = Visit::start().await;
    let (host, browser) = (&visit.host, &visit.browser);
    let (id, item) = host.taken_slot("a-106", at(3, 10, 0)).await;
    open_item(browser, &item, "Slot taken").await;
    // Nothing is booked yet, so that there is nothing to take and nothing to change.
    for name in ["Take Cal.com's state", "Force the appointment's state"] {
        assert!(browser.all("button", name).await.is_empty(), "{name}");
    }
    let offered = browser.names("slot").await.len();
    assert_eq!(offered, item.evidence.alternatives.len());
    browser
        .press("link", "Look for free slots within the next 14 days")
        .await;
    // Those of today are unfolded, and late in the day they are fewer than what was offered before.
    let slots = "return document.querySelectorAll('fieldset.slots input[name=start]').length";
    until(browser, "more slots", async || {
        let listed = browser.run(slots, Vec::new()).await;
        (listed.as_u64() > Some(offered as u64)).then_some(())
    })
    .await;
    // The browser asks for a slot first.
    let before = writes(host);
    browser.press("button", "Book the chosen slot").await;
    let chosen = "return document.activeElement.name";
    until(browser, "a slot to be asked for", async || {
        (browser.run(chosen, Vec::new()).await == "start").then_some(())
    })
    .await;
    assert_eq!((writes(host), host.open_items().await.len()), (before, 1));

    let picked = at(4, 13, 0);
    browser.pick_slot(picked).await;
    browser
        .sees("Moves the appointment to the slot that you pick")
        .await;
    browser.press("button", "Book the chosen slot").await;
    browser.sees("decided by Hanna").await;
    browser
        .sees_no_more("The engine carries this out in its next turn")
        .await;
    host.is_in_sync(&id).await;
    assert_eq!(start_of(host, &id).await, picked);
    assert_eq!(live(host, &id).await.start, picked);
    // Ben keeps his.
    assert_eq!(host.fake.live_bookings().len(), 2);
    // The browser also names all the slots of folded days, at which it cannot ask.
    visit.browser.close(&["is not focusable"]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn dismissing_changes_nothing() {
    let visit = Visit::start().await;
    let (host, browser) = (&visit.host, &visit.browser);
    let (id, item) = host.taken_slot("a-107", at(3, 10, 0)).await;
    open_item(browser, &item, "Slot taken").await;
    let before = writes(host);
    decide(browser, "Dismiss", "Closes the item and changes nothing").await;
    browser.sees("Dismissed").await;
    host.has_no_items().await;
    assert_eq!(writes(host), before);
    assert_eq!(start_of(host, &id).await, at(3, 10, 0));
    assert_eq!(host.fake.live_bookings().len(), 1);
    visit.end().await;
}

/// Several items of several reasons at once; what cannot be resolved in this way is said beforehand and
/// left alone.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn several_items_are_resolved_together() {
    let visit = Visit::start().await;
    let (host, browser) = (&visit.host, &visit.browser);
    let first = host
        .conflict("a-201", at(0, 9, 0), at(0, 14, 0), at(0, 11, 0))
        .await;
    let second = host
        .conflict("a-202", at(1, 9, 0), at(1, 14, 0), at(1, 11, 0))
        .await;
    let outage = host.outage("a-203", at(2, 9, 0)).await;
    let reschedules =
        |request: &RecordedRequest| request.operation == calcom::testing::Operation::Reschedule;
    let before = host.fake.writes().into_iter().filter(reschedules).count();

    browser.open("t/salon/reviews").await;
    for item in [&first.1, &second.1, &outage.1] {
        let label = format!("Select item {}", item.id);
        browser.press("checkbox", &label).await;
    }
    browser
        .pick("3 selected:", "Force the appointment's state")
        .await;
    browser.press("button", "Resolve").await;
    // It is asked and said first, and nothing has happened yet.
    browser
        .sees_anywhere("Changes the booking at Cal.com to what the appointment says")
        .await;
    browser
        .sees_anywhere("it cannot be resolved in this way")
        .await;
    assert_eq!(host.open_items().await.len(), 3);
    browser
        .press("button", "Force the appointment's state: 2 items")
        .await;
    browser.sees_anywhere("2 of 2 items resolved").await;

    for (id, _) in [&first, &second] {
        host.is_in_sync(id).await;
        let ours = start_of(host, id).await;
        assert_eq!(live(host, id).await.start, ours);
    }
    let after = host.fake.writes().into_iter().filter(reschedules).count();
    assert_eq!(after, before + 2);
    let left = host.open_items().await;
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].id, outage.1.id);
    browser.open("t/salon/reviews").await;
    browser.sees("Cal.com was unreachable").await;
    visit.end().await;
}
