//! Who sees what.

use crate::browser::Browser;
use crate::host::{Host, STUDIO_OPERATOR, VIEWER};

/// The pages of a tenant, by their paths.
pub(crate) const PAGES: [&str; 8] = [
    "",
    "/activity",
    "/reviews",
    "/drift",
    "/services",
    "/webhook",
    "/agents",
    "/actions",
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn a_viewer_sees_everything_and_no_button_that_writes() {
    let host = Host::start().await;
    let (id, item) = host.taken_slot("a-501", Host::free(1)).await;
    let browser = Browser::start(&host.url()).await;
    browser.sign_in(VIEWER).await;
    let mut paths: Vec<String> = PAGES.iter().map(|path| format!("t/salon{path}")).collect();
    paths.push(format!("t/salon/reviews/{}", item.id));
    paths.push(format!("t/salon/appointments/{id}"));
    for path in paths {
        browser.open(&path).await;
        assert_ne!(browser.heading().await, "Not found", "{path}");
        let mut buttons = browser.names("button").await;
        // Signing out, and looking for something.
        buttons.retain(|name| !["Sign out", "Filter"].contains(&name.as_str()));
        assert_eq!(buttons, [] as [String; 0], "{path}");
        let posts = "return [...document.querySelectorAll('form[method=post] [type=submit], form[method=post] button')].map((one) => one.closest('form').action).filter((action) => !action.endsWith('/logout'))";
        let posts = browser.run(posts, Vec::new()).await;
        assert_eq!(posts, serde_json::json!([]), "{path}");
        assert!(browser.names("checkbox").await.is_empty(), "{path}");
    }
    browser.close(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn another_tenants_pages_are_not_found() {
    let host = Host::start().await;
    let (id, item) = host.taken_slot("a-502", Host::free(1)).await;
    let browser = Browser::start(&host.url()).await;
    browser.sign_in(STUDIO_OPERATOR).await;
    assert!(
        !browser.text().await.contains("salon"),
        "no name of a tenant"
    );
    browser.open("t/nobody").await;
    let nobody = browser.main_text().await;
    browser.is_headed("Not found").await;
    let mut paths: Vec<String> = PAGES.iter().map(|path| format!("t/salon{path}")).collect();
    paths.push(format!("t/salon/reviews/{}", item.id));
    paths.push(format!("t/salon/appointments/{id}"));
    // What is the salon's is not at the studio's own addresses either.
    paths.push(format!("t/studio/reviews/{}", item.id));
    paths.push(format!("t/studio/appointments/{id}"));
    for path in paths {
        browser.open(&path).await;
        assert_eq!(browser.main_text().await, nobody, "{path}");
        assert!(!browser.text().await.contains("Ada"), "{path}");
    }
    browser.open("t/studio").await;
    browser.is_headed("Overview").await;
    browser.close(&["status of 404"]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn a_wrong_token_signs_nobody_in() {
    let host = Host::start().await;
    let browser = Browser::start(&host.url()).await;
    browser.open("t/salon/reviews").await;
    browser.is_headed("Sign in").await;
    browser.fill("Token", "not-the-token-of-anybody").await;
    browser.press("button", "Sign in").await;
    browser.sees("This token is not known").await;
    // Whoever has the right one is led to where they were going.
    browser.fill("Token", VIEWER).await;
    browser.press("button", "Sign in").await;
    browser.sees("Nothing needs a person").await;
    assert!(browser.path().await.ends_with("/t/salon/reviews"));
    browser.press("button", "Sign out").await;
    browser.is_headed("Sign in").await;
    browser.open("t/salon").await;
    browser.is_headed("Sign in").await;
    browser.close(&["status of 401"]).await;
}
