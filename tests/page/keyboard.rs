//! The page without a mouse, and the page without scripts.

use calcom::model::Trigger;
use calcom::testing::{Fault, Then};
use fantoccini::key::Key;

use crate::browser::Browser;
use crate::host::{Host, OPERATOR, at};
use crate::person::until;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn an_item_is_resolved_with_the_keyboard_alone() {
    let host = Host::start().await;
    let (theirs, ours) = (at(1, 14, 0), at(1, 11, 0));
    let (id, _) = host.conflict("a-401", Host::free(1), theirs, ours).await;
    let browser = Browser::start(&host.url()).await;
    browser.open("").await;
    // The field for the token has the focus by itself.
    until(&browser, "the focus", async || {
        (browser.focused().await == "textbox Token").then_some(())
    })
    .await;
    browser.type_text(OPERATOR).await;
    browser.key(Key::Enter).await;
    // There is one tenant to look after, and so nothing to choose.
    browser.is_headed("Overview").await;
    browser.tab_to("link Skip to the content").await;
    browser.tab_to("link Review").await;
    browser.key(Key::Enter).await;
    browser.tab_to("link Both sides changed").await;
    browser.key(Key::Enter).await;
    browser.sees("What can be done").await;
    browser.tab_to("button Take Cal.com's state").await;
    browser.key(Key::Space).await;
    browser.sees("decided by Hanna").await;
    host.is_in_sync(&id).await;
    assert_eq!(host.appointment(&id).await.state.start, theirs);
    browser.close(&[]).await;
}

/// A dialog takes the focus, keeps it, and gives it back.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn a_dialog_is_left_with_the_escape_key() {
    let host = Host::start().await;
    let id = host.agreed("a-402", Host::free(0)).await;
    let browser = Browser::start(&host.url()).await;
    browser.sign_in(OPERATOR).await;
    browser.open(&format!("t/salon/appointments/{id}")).await;
    browser.mark().await;
    browser.tab_to("button Cancel").await;
    browser.key(Key::Enter).await;
    browser.sees_anywhere("This cannot be undone").await;
    assert!(browser.is_marked().await, "it is a dialog, no other page");
    // Or in the browser's own surroundings.
    let is_inside = "return !!document.activeElement.closest('dialog') || document.activeElement === document.body";
    for _ in 0..6 {
        assert_eq!(browser.run(is_inside, Vec::new()).await, true);
        browser.key(Key::Tab).await;
    }
    browser.key(Key::Escape).await;
    let is_open = "return !!document.querySelector('dialog[open]')";
    assert_eq!(browser.run(is_open, Vec::new()).await, false);
    assert_eq!(browser.focused().await, "button Cancel");
    assert_eq!(host.fake.live_bookings().len(), 1);
    browser.close(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn everything_is_done_without_scripts() {
    let host = Host::start().await;
    let (theirs, ours) = (at(1, 14, 0), at(1, 11, 0));
    let (conflicting, _) = host.conflict("a-403", Host::free(1), theirs, ours).await;
    let browser = Browser::start(&host.url()).await;
    browser.without_script().await;
    browser.sign_in(OPERATOR).await;
    browser.go_to("Review").await;
    browser.press("link", "Both sides changed").await;
    browser
        .press("button", "Force the appointment's state")
        .await;
    browser.sees("decided by Hanna").await;
    host.is_in_sync(&conflicting).await;
    let booking = host.live_booking_of(&conflicting).await.unwrap();
    assert_eq!(booking.start, ours);

    // Two bookings are cancelled at Cal.com, and the host hears of neither.
    let first = host.agreed("a-404", Host::free(2)).await;
    let second = host.agreed("a-405", Host::free(3)).await;
    let lost = Fault::new(Trigger::BookingCancelled, Then::LoseWebhook);
    host.fake.inject(lost.times(2));
    for id in [&first, &second] {
        let uid = host.booking_of(id).await;
        host.fake.cancel_booking(&uid, "ill").await.unwrap();
    }
    browser.go_to("Activity").await;
    for id in [&first, &second] {
        let row = format!("tr:has(a[href$=\"/appointments/{id}\"])");
        browser.press_within(&row, "checkbox", "Select").await;
    }
    browser.press("button", "Resync").await;
    browser.is_headed("Resync 2 appointments?").await;
    browser.press("button", "Resync 2 appointments").await;
    browser.sees("It is looked at anew").await;
    for id in [&first, &second] {
        let what = format!("the end of {id}");
        host.eventually(&what, async || {
            let status = host.appointment(id).await.state.status;
            (!status.is_live()).then_some(())
        })
        .await;
    }
    browser.close(&[]).await;
}
