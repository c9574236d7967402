//! `agents retell`: what is chosen for a voice agent, pushed to Retell and tested.

use calcom::agents::Tool;
use calcom::agents::retell::RetellAgentId;
use calcom::testing::FakeRetell;
use serde_json::json;

use crate::{World, actions, pair};

pub(crate) const KEY: &str = "key_that_nobody_may_read_0123456789";
/// A function that somebody has made at Retell.
const FOREIGN: &str = r#"{"type":"end_call",  "name":"end_call"}"#;

/// A salon with an agent at a Retell.
async fn salon() -> (World, FakeRetell, RetellAgentId) {
    let retell = FakeRetell::start(KEY).await.unwrap();
    let agent = retell.add_agent("Reception", [FOREIGN]);
    let mut world = World::new(false).await;
    let file = world.dir.path().join("retell.toml");
    let settings = format!(
        "[[tenants]]\nid = \"salon\"\n[[tenants.branches]]\nid = \"mitte\"\nname = \"Mitte\"\n\
         time_zone = \"Europe/Berlin\"\n[tenants.retell]\nbase_url = \"{}\"\n",
        retell.base_url()
    );
    std::fs::write(&file, settings).unwrap();
    world.set("CALCOM_SYNC_CONFIG", file.display().to_string());
    world.set("CALCOM_RETELL_API_KEY", KEY);
    world.set("CALCOM_RETELL_AGENT_ID", agent.as_str());
    (world, retell, agent)
}

/// How many requests of the API have changed something.
fn writes(retell: &FakeRetell) -> usize {
    let requests = retell.requests().into_iter();
    requests.filter(|request| request.method == "PATCH").count()
}

#[tokio::test]
async fn what_is_chosen_is_pushed_when_that_is_said() {
    let (world, retell, agent) = salon().await;
    let shown = world.run(&["agents", "retell", "show"]).await.is(0);
    shown
        .says(&format!("Tenant salon: agent {agent}."))
        .says("/agents/retell/salon/functions")
        .says("book_appointment          on")
        .says("Call events that are sent: as they are at Retell.")
        .says("Nothing was pushed yet.");
    let off = ["agents", "retell", "functions", "off", "cancel_appointment"];
    world
        .run(&off)
        .await
        .is(0)
        .says("Switched cancel_appointment off. This is version 1.");
    let events = ["agents", "retell", "events", "select", "call_ended"];
    world.run(&events).await.is(0).says("This is version 2.");
    assert!(retell.requests().is_empty(), "nothing is asked of Retell");

    world
        .run(&["agents", "retell", "diff"])
        .await
        .is(1)
        .says("add list_services")
        .says("send the events call_ended")
        .says_not("cancel_appointment")
        .says("agents retell push --yes");
    for dry in [&["--dry-run"][..], &[]] {
        let push = [&["agents", "retell", "push"], dry].concat();
        world.run(&push).await.is(1).says("Nothing was pushed.");
    }
    assert_eq!(writes(&retell), 0, "a dry run changes nothing");

    let push = ["agents", "retell", "push", "--yes", "--by", "eve"];
    world.run(&push).await.is(0).says("11 changes pushed.");
    let functions = retell.functions(&agent);
    assert_eq!(functions[0], FOREIGN);
    assert_eq!(functions.len(), Tool::ALL.len());
    assert_eq!(
        retell.agent(&agent)["webhook_events"],
        json!(["call_ended"])
    );
    let diff = world.run(&["agents", "retell", "diff"]).await;
    diff.is(0).says("The agent is as it should be.");
    let (code, again) = world.json(&["agents", "retell", "push", "--yes"]).await;
    assert_eq!((code, &again["plan"]["changes"]), (0, &json!([])));

    world
        .run(&["agents", "retell", "versions"])
        .await
        .is(0)
        .says("Pushed to Retell.")
        .says("eve");
    let restore = ["agents", "retell", "restore", "1"];
    let restored = world.run(&restore).await;
    restored
        .is(0)
        .says("Restored version 1. This is version 4.");
    let expected = [
        pair("hanna", "set_up_agent"),
        pair("hanna", "push_agent"),
        pair("eve", "push_agent"),
        pair("hanna", "set_up_agent"),
        pair("hanna", "set_up_agent"),
    ];
    assert_eq!(actions(&world).await, expected);
}

#[tokio::test]
async fn a_branch_has_an_agent_and_a_greeting_of_its_own() {
    let (world, _retell, _) = salon().await;
    let branch = ["agents", "retell", "branch"];
    let chosen = [
        &branch[..],
        &["mitte", "--agent", "agent_2", "--greeting", "Hi!"],
    ]
    .concat();
    world
        .run(&chosen)
        .await
        .is(0)
        .says("This is version 1.")
        .says("starts again");
    let unknown = [&branch[..], &["elsewhere", "--clear"]].concat();
    world.run(&unknown).await.is(6).tells("mitte");
    let nothing = [&branch[..], &["mitte"]].concat();
    world.run(&nothing).await.is(2);
    let (code, kept) = world.json(&["agents", "retell", "versions"]).await;
    let settings = &kept["versions"][0]["settings"]["branches"]["mitte"];
    assert_eq!(
        (code, settings),
        (0, &json!({"agent_id": "agent_2", "greeting": "Hi!"}))
    );
    let clear = [&branch[..], &["mitte", "--clear"]].concat();
    world.run(&clear).await.is(0).says("This is version 2.");
}

#[tokio::test]
async fn definitions_are_printed_for_pasting() {
    let (world, _retell, _) = salon().await;
    let shown = world.run(&["agents", "retell", "show", "--json"]).await;
    let shown: serde_json::Value = serde_json::from_str(&shown.is(0).out).unwrap();
    let functions = shown["functions"].as_array().unwrap();
    assert_eq!(functions.len(), Tool::ALL.len());
    for function in functions {
        assert_eq!(function["is_on"], true);
        let definition = &function["definition"];
        assert_eq!(definition["name"], function["name"]);
        assert_eq!(definition["parameters"]["type"], "object");
        let url = definition["url"].as_str().unwrap();
        assert!(url.ends_with("/agents/retell/salon/functions"), "{url}");
    }
    assert_eq!(shown["is_pushed"], false);
}

#[tokio::test]
async fn what_cannot_be_done_is_told_with_its_exit_code() {
    let (mut world, retell, agent) = salon().await;
    let unknown = ["agents", "retell", "functions", "off", "sing"];
    world.run(&unknown).await.is(6).tells("book_appointment");
    let unknown = ["agents", "retell", "events", "select", "call_imagined"];
    world.run(&unknown).await.is(6).tells("call_analyzed");
    let missing = ["agents", "retell", "restore", "7"];
    world.run(&missing).await.is(6).tells("not kept");
    // Nobody serves the functions.
    world
        .run(&["agents", "retell", "test"])
        .await
        .is(1)
        .says("✘ list_services")
        .says("answered with 404");
    let (code, shown) = world.json(&["agents", "retell", "test"]).await;
    assert_eq!((code, &shown["is_good"]), (1, &json!(false)));

    let other = retell.add_agent_of_kind("Flow", "conversation-flow");
    world.set("CALCOM_RETELL_AGENT_ID", other.as_str());
    let diff = world.run(&["agents", "retell", "diff"]).await;
    diff.is(1).tells("conversation-flow");
    world.set("CALCOM_RETELL_AGENT_ID", "agent_of_nobody");
    world.run(&["agents", "retell", "diff"]).await.is(6);
    world.set("CALCOM_RETELL_AGENT_ID", agent.as_str());
    world.set("CALCOM_RETELL_API_KEY", "key_that_is_wrong");
    let refused = world.run(&["agents", "retell", "push", "--yes"]).await;
    refused.is(3).tells("401");
    assert_eq!(writes(&retell), 0);
    world.environment.remove("CALCOM_RETELL_API_KEY");
    let nothing = world.run(&["agents", "retell", "show"]).await;
    nothing.is(2).tells("tenants.retell.api_key");
    world.environment.remove("CALCOM_SYNC_CONFIG");
    world.environment.remove("CALCOM_RETELL_AGENT_ID");
    let nothing = world.run(&["agents", "retell", "show"]).await;
    nothing.is(2).tells("no tenant has a voice agent");
}
