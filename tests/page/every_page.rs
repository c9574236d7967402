//! Every page in both sizes and both colours: it fits, and all can use it.

use calcom::store::Origin;
use calcom::sync::Operations;

use crate::browser::{Browser, Look};
use crate::checks::Axe;
use crate::host::{Host, OPERATOR, ada, at, ben, clara, salon};
use crate::roles::PAGES;

/// A salon in the middle of its day, and the paths of all its pages.
pub(crate) async fn busy(host: &Host) -> Vec<(String, String)> {
    for (number, start) in [at(0, 8, 0), at(0, 12, 0), at(1, 16, 0)]
        .into_iter()
        .enumerate()
    {
        let who = [ada(), ben(), clara()][number].clone();
        let id = format!("a-{}", 601 + number);
        let id = host.make(&id, start, who, Origin::Phone).await;
        host.is_in_sync(&id).await;
    }
    let (conflicting, conflict) = host
        .conflict("a-610", at(2, 9, 0), at(2, 14, 0), at(2, 11, 0))
        .await;
    let (_, taken) = host.taken_slot("a-611", at(3, 10, 0)).await;
    let (_, dismissed) = host.not_expressible("a-612", at(4, 10, 0)).await;
    let dismiss = calcom::store::Resolution::Dismiss;
    host.resolve(dismissed.id, dismiss, "Hugo").await;
    let mut pages: Vec<(String, String)> = PAGES
        .iter()
        .map(|path| {
            let name = path.trim_start_matches('/');
            let name = if name.is_empty() { "overview" } else { name };
            (name.to_owned(), format!("t/salon{path}"))
        })
        .collect();
    let mut add = |name: &str, path: String| pages.push((name.to_owned(), path));
    add("tenants", String::new());
    add(
        "review-conflict",
        format!("t/salon/reviews/{}", conflict.id),
    );
    add(
        "review-slot",
        format!("t/salon/reviews/{}?slots=1", taken.id),
    );
    add(
        "review-dismissed",
        format!("t/salon/reviews/{}", dismissed.id),
    );
    add("reviews-all", "t/salon/reviews?show=all".to_owned());
    add("appointment", format!("t/salon/appointments/{conflicting}"));
    add("not-found", "t/salon/appointments/nothing".to_owned());
    pages
}

const LOOKS: [Look; 4] = [
    Look::DESK,
    Look::PHONE,
    Look::DESK.dark(),
    Look::PHONE.dark(),
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn every_page_fits_and_can_be_used_by_all() {
    let host = Host::start().await;
    let pages = busy(&host).await;
    let browser = Browser::start(&host.url()).await;
    let axe = Axe::load();
    let mut wrong = Vec::new();
    for look in LOOKS {
        browser.look(look).await;
        browser.open("login").await;
        wrong.extend(held(&browser, &axe, "sign-in", look).await);
    }
    browser.sign_in(OPERATOR).await;
    for (name, path) in &pages {
        for look in LOOKS {
            browser.look(look).await;
            browser.open(path).await;
            wrong.extend(held(&browser, &axe, name, look).await);
        }
    }
    assert!(
        wrong.is_empty(),
        "{} complaints:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    browser.close(&["status of 404"]).await;
}

/// What is wrong with the page that is open, after a picture of it.
async fn held(browser: &Browser, axe: &Axe, name: &str, look: Look) -> Vec<String> {
    browser.picture(&format!("{name}-{}", look.name())).await;
    let mut wrong = browser.complaints(axe).await;
    wrong.extend(browser.complaints_of_the_keyboard().await);
    wrong
        .into_iter()
        .map(|text| format!("{name} {}: {text}", look.name()))
        .collect()
}

/// The questions that are asked before something is done, as dialogs and as pages of their own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn every_question_and_every_outcome_can_be_read_by_all() {
    let host = Host::start().await;
    busy(&host).await;
    let browser = Browser::start(&host.url()).await;
    browser.sign_in(OPERATOR).await;
    let axe = Axe::load();
    let mut wrong = Vec::new();
    for look in [Look::DESK, Look::PHONE.dark()] {
        browser.look(look).await;
        browser.open("t/salon/appointments/a-601").await;
        browser.press("button", "Resync").await;
        browser
            .sees_anywhere("Both sides are read and compared")
            .await;
        wrong.extend(held(&browser, &axe, "question", look).await);
        browser
            .press_and_leave("button", "Resync 1 appointment")
            .await;
        browser.sees_anywhere("It is looked at anew").await;
        wrong.extend(held(&browser, &axe, "outcome", look).await);

        browser.open("t/salon/drift").await;
        browser.press_and_leave("button", "Check").await;
        browser.sees("ended").await;
        wrong.extend(held(&browser, &axe, "drift-checked", look).await);
        browser.press("button", "Check and repair").await;
        browser
            .sees_anywhere("If that would cancel more than 10 %")
            .await;
        wrong.extend(held(&browser, &axe, "drift-question", look).await);
    }
    host.engine
        .pause(&salon(), "Hugo", "maintenance until noon")
        .await
        .unwrap();
    for look in [Look::DESK, Look::PHONE.dark()] {
        browser.look(look).await;
        browser.open("t/salon").await;
        browser.sees("Resume the sync").await;
        wrong.extend(held(&browser, &axe, "overview-paused", look).await);
    }
    assert!(
        wrong.is_empty(),
        "{} complaints:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    browser.close(&[]).await;
}
