//! The page on which a tenant's voice agent is set up.

use calcom::agents::{AgentConsole, Tool};
use calcom::store::{OperatorAction, Page, StoreErrorKind};
use calcom::testing::{StoreFault, StoreOperation, StoreTrouble};

use crate::retell::Retell;
use crate::world::{HANNA, VERA, World};

fn actions(names: &[OperatorAction]) -> Vec<(String, OperatorAction)> {
    let names = names.iter();
    names
        .map(|name| ("hanna".to_owned(), name.clone()))
        .collect()
}

#[tokio::test]
async fn the_page_shows_what_is_to_be_copied_and_what_the_agent_may_do() {
    let world = World::new().await;
    let page = world.get("/t/salon/agents").await;
    page.is(200)
        .says("value=\"https://sync.example.com/agents/retell/salon/functions\"")
        .says("value=\"https://sync.example.com/agents/retell/salon/inbound\"")
        .says("value=\"https://sync.example.com/agents/retell/salon/events\"");
    for tool in Tool::ALL {
        page.says(tool.as_str())
            .says(tool.description().split('"').next().unwrap());
    }
    // The schema, escaped.
    page.says("&quot;required&quot;: [")
        .says("timeout_ms")
        .says("Switch off")
        .does_not_say("Switch on");
    page.says("call_analyzed")
        .says("They are left as they are at Retell.")
        .says("was not pushed yet")
        .says("Nothing was tested yet.")
        .says("Nothing was changed yet.");
    let viewer = world.send("GET", "/t/salon/agents", Some(VERA), String::new(), &[]);
    let viewer = viewer.await;
    viewer
        .is(200)
        .says("timeout_ms")
        .does_not_say("Switch off")
        .does_not_say("Play a test call");
    // Nothing was read from Retell for any of it.
    assert!(world.retell.requests().is_empty());
}

#[tokio::test]
async fn where_no_agent_is_set_up_there_is_no_tab() {
    let world = World::new().await;
    world.get("/t/salon").await.says("href=\"/t/salon/agents\"");
    world
        .get("/t/studio")
        .await
        .is(200)
        .does_not_say("/t/studio/agents");
    world
        .get("/t/studio/agents")
        .await
        .is(200)
        .says("No voice agent is set up for this tenant.");
    let push = world.post("/t/studio/agents/push", &[]).await;
    push.is(409).says("No voice agent is set up");
    let world = World::with(|mut config| {
        config.agents = None;
        config
    })
    .await;
    world
        .get("/t/salon")
        .await
        .is(200)
        .does_not_say("/t/salon/agents");
    world.get("/t/salon/agents").await.is(404);
    world.post("/t/salon/agents/test", &[]).await.is(404);
}

#[tokio::test]
async fn what_is_chosen_is_a_version_and_pushed_after_the_differences_were_seen() {
    let world = World::new().await;
    let off = [("function", "cancel_appointment")];
    let switched = world.post("/t/salon/agents/function", &off).await;
    switched
        .is(200)
        .says("Cancel an appointment is switched off.")
        .says("Switched cancel_appointment off.")
        .says("Switch on");
    let events = [
        ("mode", "select"),
        ("event", "call_ended"),
        ("event", "call_analyzed"),
    ];
    let selected = world.post("/t/salon/agents/events", &events).await;
    selected
        .is(200)
        .says("2 call events are selected.")
        .says("was not pushed yet");
    assert!(world.retell.requests().is_empty(), "nothing was pushed");

    let diff = world.get("/t/salon/agents/diff").await;
    diff.is(200)
        .says("Add list_services")
        .says("Send the events call_analyzed, call_ended")
        .says("id=\"confirm\"")
        .does_not_say("cancel_appointment");
    assert_eq!(world.retell.writes(), 0, "looking changes nothing");
    let viewer = world.send(
        "GET",
        "/t/salon/agents/diff",
        Some(VERA),
        String::new(),
        &[],
    );
    viewer
        .await
        .is(200)
        .says("Add list_services")
        .does_not_say("id=\"confirm\"");

    // Without a plan, it is shown first.
    let asked = world.post("/t/salon/agents/push", &[]).await;
    asked.is(200).says("id=\"confirm\"");
    assert_eq!(world.retell.writes(), 0);
    let plan = Retell::plan_of(&asked.body);
    let pushed = world.post("/t/salon/agents/push", &[("plan", &plan)]).await;
    // Nine functions, the address of the events, and the events.
    pushed
        .is(200)
        .says("11 changes were pushed to the agent.")
        .says("What is chosen here was pushed.")
        .says("Pushed to Retell.");
    let names = world.retell.function_names();
    assert_eq!(names.len(), Tool::ALL.len() - 1);
    assert!(!names.contains(&"cancel_appointment".to_owned()));
    let agent = world.retell.agent();
    let url = "https://sync.example.com/agents/retell/salon/events";
    assert_eq!(agent["webhook_url"], url);
    assert_eq!(agent["webhook_events"].as_array().unwrap().len(), 2);
    let again = world.get("/t/salon/agents/diff").await;
    again
        .is(200)
        .says("nothing would be changed")
        .does_not_say("id=\"confirm\"");
    let expected = [
        OperatorAction::PushAgent,
        OperatorAction::SetUpAgent,
        OperatorAction::SetUpAgent,
    ];
    assert_eq!(world.actions().await, actions(&expected));
    let versions = world.console.versions(&world.salon, Page::first(9));
    let versions = versions.await.unwrap();
    assert_eq!(versions.len(), 3);
    let pushed = versions[0].pushed.as_ref().unwrap();
    assert_eq!(pushed.functions.len(), Tool::ALL.len() - 1);
    assert_eq!(pushed.changes.len(), 11);
}

#[tokio::test]
async fn what_has_changed_since_it_was_shown_is_not_pushed() {
    let world = World::new().await;
    let shown = world.get("/t/salon/agents/diff").await;
    let plan = Retell::plan_of(&shown.body);
    let off = [("function", "list_services")];
    world.post("/t/salon/agents/function", &off).await.is(200);
    let refused = world.post("/t/salon/agents/push", &[("plan", &plan)]).await;
    refused
        .is(200)
        .says("have changed since the differences were shown")
        .says("id=\"confirm\"");
    assert_eq!(world.retell.writes(), 0);
    // A name that something else has is an obstacle.
    world.retell.add_function(
        r#"{"type":"check_availability_cal","name":"check_availability","cal_api_key":"cal_secret"}"#,
    );
    let obstacle = world.get("/t/salon/agents/diff").await;
    obstacle
        .is(200)
        .says("Check_availability is already the name of a check_availability_cal.")
        .does_not_say("cal_secret")
        .does_not_say("id=\"confirm\"");
}

#[tokio::test]
async fn an_earlier_version_comes_back() {
    let world = World::new().await;
    let off = [("function", "book_appointment")];
    world.post("/t/salon/agents/function", &off).await.is(200);
    let on = [("function", "book_appointment"), ("on", "1")];
    let switched = world.post("/t/salon/agents/function", &on).await;
    switched.is(200).does_not_say("Switch on");
    let restored = world
        .post("/t/salon/agents/restore", &[("version", "1")])
        .await;
    restored
        .is(200)
        .says("Version 1 is restored.")
        .says("Switch on");
    world
        .post("/t/salon/agents/restore", &[("version", "99")])
        .await
        .is(404);
    for (path, field) in [
        ("restore", ("version", "x")),
        ("function", ("function", "sing")),
        ("events", ("mode", "x")),
    ] {
        let path = format!("/t/salon/agents/{path}");
        world.post(&path, &[field]).await.is(422);
    }
    let unknown = [("mode", "select"), ("event", "call_imagined")];
    world.post("/t/salon/agents/events", &unknown).await.is(422);
    assert_eq!(world.actions().await.len(), 3);
}

#[tokio::test]
async fn a_test_shows_each_answer() {
    let world = World::new().await;
    let tested = world.post("/t/salon/agents/test", &[]).await;
    tested
        .is(200)
        .says("All 4 calls were answered as they should be.")
        .says("<td class=\"main\" data-label=\"Function\"><bdi>list_services</bdi></td>")
        .says("Answer to &lt;list_services&gt;.");
    assert_eq!(world.retell.booked(), (0, 0));
    let tested = world.post("/t/salon/agents/test", &[("book", "1")]).await;
    tested
        .is(200)
        .says("All 6 calls were answered as they should be.");
    assert_eq!(world.retell.booked(), (1, 1));
    world.retell.close_endpoint();
    let failed = world.post("/t/salon/agents/test", &[]).await;
    failed
        .is(200)
        .says("1 of 1 calls were not answered as they should be.")
        .says("answered with 502");
    // It stays to be seen.
    let page = world.get("/t/salon/agents").await;
    page.says("answered with 502").says("hanna");
    let expected = vec![OperatorAction::TestAgent; 3];
    assert_eq!(world.actions().await, actions(&expected));
}

#[tokio::test]
async fn what_retell_refuses_is_said() {
    let world = World::new().await;
    world.retell.refuse_key();
    let diff = world.get("/t/salon/agents/diff").await;
    diff.is(200)
        .says("Retell answered 401 Unauthorized: no such key. Replace the key")
        .does_not_say("id=\"confirm\"");
    let push = world.post("/t/salon/agents/push", &[("plan", "0")]).await;
    push.is(200).says("Replace the key");
    let page = world.get("/t/salon/agents").await;
    page.is(200).says("was not pushed yet");
    assert_eq!(
        world.actions().await,
        actions(&[OperatorAction::PushAgent]),
        "that it failed is written down, too"
    );
}

#[tokio::test]
async fn what_was_pushed_and_could_not_be_kept_is_said() {
    let world = World::new().await;
    let shown = world.get("/t/salon/agents/diff").await;
    let plan = Retell::plan_of(&shown.body);
    let trouble = StoreTrouble::Fails(StoreErrorKind::Unavailable);
    let fault = StoreFault::new(StoreOperation::SaveDocument, trouble);
    world.faulty.inject(fault);
    let push = world.post("/t/salon/agents/push", &[("plan", &plan)]).await;
    push.is(503).says("store does not answer");
    // Pushing again keeps it.
    let shown = world.get("/t/salon/agents/diff").await;
    shown.is(200).says("nothing would be changed");
    let plan = calcom::agents::PushPlan::new(crate::retell::AGENT).fingerprint();
    let again = world.post("/t/salon/agents/push", &[("plan", &plan)]).await;
    again
        .is(200)
        .says("0 changes were pushed")
        .says("What is chosen here was pushed.");
}

#[tokio::test]
async fn long_lists_of_versions_come_in_pages() {
    let world = World::new().await;
    for round in 0..12 {
        let on: &[(&str, &str)] = if round % 2 == 0 { &[] } else { &[("on", "1")] };
        let fields = [&[("function", "list_services")], on].concat();
        world
            .post("/t/salon/agents/function", &fields)
            .await
            .is(200);
    }
    let first = world.get("/t/salon/agents").await;
    first.is(200).says("after=3").says("In use");
    let next = world.get("/t/salon/agents?after=3").await;
    next.is(200)
        .says("value=\"1\"")
        .does_not_say("In use")
        .says("Back to the first page");
    let signed_out = world.send("GET", "/t/salon/agents", None, String::new(), &[]);
    signed_out.await.is(401);
    assert!(!HANNA.is_empty());
}
