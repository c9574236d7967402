//! The settings of the salon's voice agent.

use calcom::agents::Tool;

use crate::visit::Visit;

/// What an operator chooses, sees the effect of, and pushes; and a test call through the real doors.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn an_agent_is_set_up_pushed_and_tested() {
    let visit = Visit::start().await;
    let (host, browser) = (&visit.host, &visit.browser);
    browser.open("t/salon").await;
    browser.go_to("Agent").await;
    browser.is_headed("Agent").await;
    let cancellation = "form:has(input[value=cancel_appointment])";
    browser
        .press_within(cancellation, "button", "Switch off")
        .await;
    browser.sees("Cancel an appointment is switched off.").await;
    browser.press("checkbox", "call_ended").await;
    browser.press("button", "Select these events").await;
    browser.sees("1 call event is selected.").await;
    assert!(host.retell.requests().is_empty(), "nothing was pushed");

    browser.press("link", "See what a push changes").await;
    browser.is_headed("What a push changes").await;
    browser.sees("Add list_services.").await;
    browser.press("button", "Push to the agent").await;
    browser.sees("11 changes were pushed to the agent.").await;
    browser.sees("What is chosen here was pushed.").await;
    let functions = host.retell.functions(&host.agent);
    assert_eq!(functions.len(), Tool::ALL.len() - 1);
    let events = &host.retell.agent(&host.agent)["webhook_events"];
    assert_eq!(*events, serde_json::json!(["call_ended"]));

    browser.press("button", "Play a test call").await;
    browser
        .sees("All 4 calls were answered as they should be.")
        .await;
    browser.sees("Haircut").await;
    assert!(host.fake.live_bookings().is_empty());

    browser.press("button", "Restore version 1").await;
    browser.sees("Version 1 is restored.").await;
    browser.go_to("Actions").await;
    browser.sees("Push to the agent").await;
    browser.sees("Test of the agent").await;
    visit.end().await;
}
