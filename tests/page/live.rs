//! What changes while a page is open appears in it, without loading it again.

use calcom::store::Origin;

use crate::host::{Host, ada, at, clara};
use crate::person::until;
use crate::visit::Visit;

/// Whatever is drawn on the page, as it is drawn.
const DRAWN: &str = "return [...document.querySelectorAll('main svg[role=img], main .chart')].map((chart) => chart.outerHTML).join()";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn a_booking_at_cal_com_appears_in_the_activity() {
    let visit = Visit::start().await;
    let (host, browser) = (&visit.host, &visit.browser);
    browser.open("t/salon/activity").await;
    browser.sees("Nothing has been worked on yet").await;
    browser.mark().await;
    let booking = host.book(at(0, 9, 0), &clara()).await;
    browser.sees("Clara Stein").await;
    browser.sees(booking.uid.as_str()).await;
    browser.sees("In sync").await;
    assert!(browser.is_marked().await);

    // What is selected is not taken away, and what is new waits for it.
    browser.press("checkbox", "Select Clara Stein").await;
    let ada = host.make("a-301", at(0, 10, 0), ada(), Origin::Phone).await;
    host.is_in_sync(&ada).await;
    browser
        .sees_anywhere("newer entries wait for your selection")
        .await;
    let chosen = browser.the("checkbox", "Select Clara Stein").await;
    assert!(chosen.is_selected().await.unwrap());
    chosen.click().await.unwrap();
    browser.press("textbox", "Search").await;
    browser.sees("Ada Marsh").await;
    assert!(browser.is_marked().await);
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn the_overview_counts_and_draws_what_happens() {
    let visit = Visit::start().await;
    let (host, browser) = (&visit.host, &visit.browser);
    browser.open("t/salon").await;
    browser.mark().await;
    let text = browser.main_text().await;
    let mut drawn = browser.run(DRAWN, Vec::new()).await;
    for hour in [9, 10] {
        host.book(at(0, hour, 0), &clara()).await;
        drawn = until(browser, "another chart", async || {
            let now = browser.run(DRAWN, Vec::new()).await;
            (now != drawn).then_some(now)
        })
        .await;
    }
    assert!(
        drawn.as_str().unwrap().contains("ended within 24 hours"),
        "{drawn}"
    );
    assert_ne!(browser.main_text().await, text);
    assert!(browser.is_marked().await);

    // The badge beside the queue's tab, too.
    host.taken_slot("a-302", Host::free(2)).await;
    until(browser, "a badge", async || {
        let names = browser.names("link").await;
        names.contains(&"Review 1 open".to_owned()).then_some(())
    })
    .await;
    assert!(browser.is_marked().await);
    visit.end().await;
}

/// An item that somebody else resolves shows that, and offers no button any more.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn what_somebody_else_resolves_is_seen_at_once() {
    let visit = Visit::start().await;
    let (host, browser) = (&visit.host, &visit.browser);
    let (_, item) = host.not_expressible("a-303", Host::free(1)).await;
    browser.open(&format!("t/salon/reviews/{}", item.id)).await;
    browser.mark().await;
    browser.the("button", "Accept the difference").await;
    let accept = calcom::store::Resolution::AcceptDifference;
    host.resolve(item.id, accept, "Hugo").await;
    browser.sees("decided by Hugo").await;
    browser
        .sees_no_more("The engine carries this out in its next turn")
        .await;
    assert!(
        browser
            .all("button", "Accept the difference")
            .await
            .is_empty()
    );
    assert!(browser.is_marked().await);
    visit.end().await;
}
