//! What an operator meets in the course of a day, and puts right from the page alone.

use calcom::model::Trigger;
use calcom::store::{AppointmentStatus, Origin, ReviewReason};
use calcom::sync::SyncEngine;
use calcom::testing::{Fault, Operation, Then};
use http::Method;

use crate::browser::Browser;
use crate::host::{Host, at, ben, clara, salon};
use crate::visit::Visit;

/// Opens the overview by its tab, and waits for what it says first.
async fn overview(browser: &Browser, verdict: &str) {
    browser.go_to("Overview").await;
    let what = format!("the verdict {verdict:?}");
    crate::person::until(browser, &what, async || {
        let told = browser.text_of(".verdict h2").await;
        (told == verdict).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn an_operators_day() {
    let visit = Visit::start().await;
    let (host, browser) = (&visit.host, &visit.browser);
    for day in 0..4 {
        let id = format!("a-{}", 701 + day);
        host.agreed(&id, at(day, 8, 0)).await;
    }
    browser.press("link", "salon").await;
    overview(browser, "In sync").await;

    a_conflict(host, browser).await;
    a_taken_slot(host, browser).await;
    a_wrong_key(host, browser).await;
    a_lost_webhook(host, browser).await;
    drift(host, browser).await;

    browser.go_to("Actions").await;
    for action in [
        "Take Cal.com's state",
        "Book another slot",
        "Resumed the sync",
        "Repair of the subscription",
        "Test of the webhook",
        "Drift check",
        "Drift repair",
    ] {
        browser.sees(action).await;
    }
    let rows = browser.names("row").await;
    // Without that of the heads, each names who did it.
    assert!(
        rows[1..].iter().all(|row| row.contains("Hanna")),
        "{rows:?}"
    );
    overview(browser, "In sync").await;
    visit.end().await;
}

async fn a_conflict(host: &Host, browser: &Browser) {
    let (theirs, ours) = (at(0, 14, 0), at(0, 11, 0));
    let (id, _) = host.conflict("a-710", at(0, 9, 0), theirs, ours).await;
    overview(browser, "1 needs a person").await;
    browser.press("link", "1 × Both sides changed").await;
    browser.press("link", "Both sides changed").await;
    browser
        .sees("The appointment and its booking were both changed, differently")
        .await;
    // Both starts are there, in the attendee's time zone.
    browser.sees("11:00 GMT").await;
    browser.sees("14:00 GMT").await;
    browser.press("button", "Take Cal.com's state").await;
    browser.sees("decided by Hanna").await;
    host.is_in_sync(&id).await;
    overview(browser, "In sync").await;
}

async fn a_taken_slot(host: &Host, browser: &Browser) {
    let (id, item) = host.taken_slot("a-711", at(1, 10, 0)).await;
    overview(browser, "1 needs a person").await;
    browser.press("link", "1 × Slot taken").await;
    browser.press("link", "Slot taken").await;
    browser.sees("Book another slot").await;
    let slot = item.evidence.alternatives[0];
    browser.pick_slot(slot).await;
    browser.press("button", "Book the chosen slot").await;
    browser.sees("decided by Hanna").await;
    host.is_in_sync(&id).await;
    assert_eq!(host.live_booking_of(&id).await.unwrap().start, slot);
    overview(browser, "In sync").await;
}

async fn a_wrong_key(host: &Host, browser: &Browser) {
    host.use_key(Some("cal_test_this_key_was_revoked"));
    let id = host
        .make("a-712", at(1, 15, 0), clara(), Origin::Phone)
        .await;
    host.item(ReviewReason::CredentialsRefused).await;
    overview(browser, "Paused: Cal.com refuses the credentials").await;
    browser.sees("Replace the tenant's key, then resume").await;
    // It stands in the queue, too, and tells what comes of resuming too early.
    browser.press("link", "1 × Credentials refused").await;
    browser.press("link", "Credentials refused").await;
    browser
        .sees("Replace the credentials first, or it is paused again")
        .await;

    host.use_key(None);
    overview(browser, "Paused: Cal.com refuses the credentials").await;
    browser.press("button", "Resume the sync").await;
    browser.sees("The sync goes on").await;
    host.is_in_sync(&id).await;
    assert!(host.live_booking_of(&id).await.is_some());
    overview(browser, "In sync").await;
}

async fn a_lost_webhook(host: &Host, browser: &Browser) {
    host.unsubscribe().await;
    let booking = host.book(at(2, 15, 0), &clara()).await;
    let swept = host.engine.sweep(&salon(), std::time::Duration::ZERO).await;
    assert!(swept.unwrap().is_some());
    host.engine.nudge();
    browser.go_to("Overview").await;
    browser
        .sees("1 change was found by a sweep, and no webhook told of them")
        .await;
    browser.go_to("Webhook").await;
    browser.sees("Webhooks are lost").await;
    browser
        .sees("No subscription leads here. A repair creates one.")
        .await;
    browser.press("button", "Repair the subscription").await;
    browser.sees("The subscription was created.").await;
    browser
        .sees("The subscription is there, active and signed")
        .await;
    browser.press("button", "Send a test").await;
    browser.sees("answered with 200").await;

    // What Cal.com tells arrives again.
    let told = host.fake.deliveries().len();
    host.fake
        .move_booking(&booking.uid, at(2, 16, 0))
        .await
        .unwrap();
    assert_eq!(host.fake.deliveries().len(), told + 1);
    browser.go_to("Activity").await;
    browser.sees("Clara Stein").await;
    overview(browser, "In sync").await;
}

async fn drift(host: &Host, browser: &Browser) {
    let id = host.agreed("a-713", at(3, 12, 0)).await;
    let uid = host.booking_of(&id).await;
    host.lose_next_move();
    host.fake.move_booking(&uid, at(3, 17, 0)).await.unwrap();
    browser.go_to("Drift").await;
    let slowly = || {
        let delay = Then::DelayBefore(std::time::Duration::from_millis(1_500));
        host.fake.inject(Fault::new(Operation::ListBookings, delay));
    };
    slowly();
    browser.press("button", "Check").await;
    browser.the("progressbar", "Comparing").await;
    browser
        .sees("1 difference found. Nothing was changed.")
        .await;
    browser.sees("Missing at Cal.com").await;
    browser.sees(id.as_str()).await;
    browser.sees("Start").await;
    assert_eq!(host.appointment(&id).await.state.start, at(3, 12, 0));

    browser.press("button", "Check and repair").await;
    browser
        .sees_anywhere("it may book, move or cancel at Cal.com")
        .await;
    slowly();
    browser.press("button", "Repair").await;
    browser.the("progressbar", "").await;
    browser.sees("1 difference found, and handed over").await;
    host.eventually("the repair", async || {
        let start = host.appointment(&id).await.state.start;
        (start == at(3, 17, 0)).then_some(())
    })
    .await;
    host.is_in_sync(&id).await;
    browser.press("button", "Check").await;
    browser.sees("Both sides agree within the window.").await;
}

/// Half of all appointments would be cancelled: the repair stops and asks.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn the_brake_asks_before_much_is_cancelled() {
    let visit = Visit::start().await;
    let (host, browser) = (&visit.host, &visit.browser);
    let id = host.agreed("a-720", at(0, 9, 0)).await;
    host.agreed("a-721", at(1, 9, 0)).await;
    let uid = host.booking_of(&id).await;
    let lost = Fault::new(Trigger::BookingCancelled, Then::LoseWebhook);
    host.fake.inject(lost);
    host.fake.cancel_booking(&uid, "ill").await.unwrap();
    browser.open("t/salon/drift").await;
    browser.press("button", "Check and repair").await;
    browser.press("button", "Repair").await;
    browser
        .sees("The brake has stopped the repair before it did anything")
        .await;
    browser.sees("it would cancel 1 of 2 appointments").await;
    assert!(host.appointment(&id).await.state.status.is_live());
    browser.press("button", "Repair without the brake").await;
    browser
        .sees_anywhere("Without the brake: it may cancel any number")
        .await;
    browser.press("button", "Repair").await;
    browser.sees("handed over").await;
    host.eventually("the end of the appointment", async || {
        let status = host.appointment(&id).await.state.status;
        (status == AppointmentStatus::Cancelled).then_some(())
    })
    .await;
    visit.end().await;
}

/// The work is paused by a person, waits, and goes on.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn a_pause_holds_everything_until_it_ends() {
    let visit = Visit::start().await;
    let (host, browser) = (&visit.host, &visit.browser);
    browser.press("link", "salon").await;
    browser.fill("Reason", "stocktaking").await;
    browser.press("button", "Pause the sync").await;
    browser
        .sees("The sync is paused. What comes in is stored and waits.")
        .await;
    let id = host.make("a-730", at(0, 9, 0), ben(), Origin::Phone).await;
    browser.go_to("Activity").await;
    browser.sees("Ben Okafor").await;
    browser.sees("Paused").await;
    assert!(host.fake.writes().is_empty());
    browser.go_to("Review").await;
    browser.press("link", "Paused by a person").await;
    browser.sees("Reason given: stocktaking").await;
    browser.press("button", "Resume").await;
    browser.sees("decided by Hanna").await;
    host.is_in_sync(&id).await;
    overview(browser, "In sync").await;
    visit.end().await;
}

/// Several appointments are cancelled from the list, with a reason that their attendees read.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn a_day_is_cancelled() {
    let visit = Visit::start().await;
    let (host, browser) = (&visit.host, &visit.browser);
    let ids = [
        host.agreed("a-740", at(0, 9, 0)).await,
        host.agreed("a-741", at(0, 10, 0)).await,
    ];
    let left = host.agreed("a-742", at(1, 9, 0)).await;
    browser.open("t/salon/activity").await;
    for id in &ids {
        let row = format!("tr:has(a[href$=\"/appointments/{id}\"])");
        browser.press_within(&row, "checkbox", "Select").await;
    }
    browser.press("button", "Cancel").await;
    browser
        .sees_anywhere("the attendee is told by e-mail")
        .await;
    assert_eq!(host.fake.live_bookings().len(), 3);
    browser
        .fill("Reason, as the attendees read it", "Hanna is ill.")
        .await;
    browser.press("button", "Cancel 2 appointments").await;
    browser.sees_anywhere("2 appointments cancelled").await;
    host.eventually("two ends at Cal.com", async || {
        (host.fake.live_bookings().len() == 1).then_some(())
    })
    .await;
    for id in &ids {
        let uid = host.booking_of(id).await;
        let booking = host.fake.booking(&uid).unwrap();
        let reason = booking.cancellation_reason.as_deref();
        assert_eq!(reason, Some("Hanna is ill."));
    }
    assert!(host.live_booking_of(&left).await.is_some());
    visit.end().await;
}

/// A service without an event type gets one.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn services_are_synced() {
    let visit = Visit::start().await;
    let (host, browser) = (&visit.host, &visit.browser);
    browser.open("t/salon/services").await;
    browser.sees("The service has no event type.").await;
    browser
        .press(
            "checkbox",
            "Create an event type for each service that has none",
        )
        .await;
    browser.press("button", "Sync services").await;
    browser.sees("Services were synced").await;
    browser.sees("Create the event type: done").await;
    let creates = host.fake.requests();
    let creates = creates.iter().filter(|request| {
        request.operation == Operation::CreateEventType && request.method == Method::POST
    });
    assert_eq!(creates.count(), 1);
    browser.press("link", "Back to the services").await;
    assert!(!browser.main_text().await.contains("has no event type"));
    visit.end().await;
}
