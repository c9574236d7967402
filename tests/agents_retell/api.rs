//! The client of Retell's API against a FakeRetell.

use calcom::agents::Tool;
use calcom::agents::dialect::retell::{FunctionSettings, RetellEndpoints};
use calcom::agents::retell::{
    FunctionChange, RetellClient, RetellErrorKind, WebhookSettings, diff, diff_webhook,
};
use calcom::testing::FakeRetell;
use http::Method;
use serde_json::json;

/// Blanks, a number that does not survive being read, and keys that are unknown and not sorted.
const OTHERS: [&str; 2] = [
    r#"{"type":"end_call",  "name":"end_call"}"#,
    r#"{"z":1.10,"type":"custom","name":"loyalty","url":"https://other.example/x","a":123456789012345678901234567890}"#,
];

fn endpoints() -> RetellEndpoints {
    RetellEndpoints::new(&"https://example.org/".parse().unwrap(), &"salon".into())
}

fn settings() -> FunctionSettings {
    FunctionSettings::new(endpoints().functions)
}

#[tokio::test]
async fn functions_are_pushed_and_others_stay_byte_for_byte() {
    let retell = FakeRetell::start("key_test").await.unwrap();
    let id = retell.add_agent("Receptionist", OTHERS);
    let client = retell.client();
    let agent = client.agent(&id, None).await.unwrap();
    assert_eq!(agent.name.as_deref(), Some("Receptionist"));
    // A dry run writes nothing.
    let engine = client.engine(&agent).await.unwrap();
    let planned = diff(&engine.functions, &settings());
    assert_eq!(planned.len(), Tool::ALL.len());
    assert_eq!(retell.functions(&id), OTHERS);
    let pushed = client.push_functions(&agent, &settings()).await.unwrap();
    assert_eq!(pushed, planned);
    let functions = retell.functions(&id);
    assert_eq!(functions[..2], OTHERS);
    assert_eq!(functions.len(), 2 + Tool::ALL.len());
    // Nothing is left to do, and so nothing is sent.
    assert_eq!(
        client.push_functions(&agent, &settings()).await.unwrap(),
        []
    );
    let less = settings().without(Tool::MoveAppointment);
    let name = "move_appointment".to_owned();
    let removed = client.push_functions(&agent, &less).await.unwrap();
    assert_eq!(
        removed.iter().map(FunctionChange::name).collect::<Vec<_>>(),
        [&name]
    );
    assert_eq!(retell.functions(&id)[..2], OTHERS);
    let requests = retell.requests();
    let writes = requests
        .iter()
        .filter(|request| request.method == Method::PATCH);
    let targets: Vec<&str> = writes.map(|request| request.target.as_str()).collect();
    assert_eq!(targets, ["/update-retell-llm/llm_00000001?version=0"; 2]);
}

#[tokio::test]
async fn webhook_settings_are_pushed_and_nothing_else_of_the_agent() {
    let retell = FakeRetell::start("key_test").await.unwrap();
    let id = retell.add_agent("Receptionist", []);
    let client = retell.client();
    let agent = client.agent(&id, None).await.unwrap();
    let before = retell.agent(&id);
    let url = endpoints().events;
    let wanted = WebhookSettings::default()
        .with_url(url.as_str())
        .with_events(["call_ended", "call_analyzed"]);
    assert_eq!(diff_webhook(&agent, &wanted).len(), 2);
    assert_eq!(client.push_webhook(&agent, &wanted).await.unwrap().len(), 2);
    assert_eq!(client.push_webhook(&agent, &wanted).await.unwrap(), []);
    let mut expected = before;
    expected["webhook_url"] = json!(url.as_str());
    expected["webhook_events"] = json!(["call_analyzed", "call_ended"]);
    assert_eq!(retell.agent(&id), expected);
    let requests = retell.requests();
    let mut writes = requests
        .iter()
        .filter(|request| request.method == Method::PATCH);
    let written: serde_json::Value = serde_json::from_slice(&writes.next().unwrap().body).unwrap();
    assert_eq!(written.as_object().unwrap().len(), 2);
    assert!(writes.next().is_none());
    // What is left open stays as it is.
    let only_url = WebhookSettings::default().with_url("https://elsewhere.example/");
    let changes = client.push_webhook(&agent, &only_url).await.unwrap();
    let expected = format!("send events to https://elsewhere.example/ instead of {url}");
    assert_eq!(changes[0].to_string(), expected);
    assert_eq!(changes.len(), 1);
    let requests = retell.requests();
    let written = &requests.last().unwrap().body;
    assert_eq!(
        &written[..],
        br#"{"webhook_url":"https://elsewhere.example/"}"#
    );
}

#[tokio::test]
async fn a_published_version_is_refused_and_the_draft_is_changed() {
    let retell = FakeRetell::start("key_test").await.unwrap();
    let id = retell.add_agent("Receptionist", OTHERS);
    retell.publish(&id);
    let client = retell.client();
    let versions = client.agent_versions(&id).await.unwrap();
    let published: Vec<bool> = versions.iter().map(|agent| agent.is_published).collect();
    assert_eq!(published, [true, false]);
    let refused = client
        .push_functions(&versions[0], &settings())
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), RetellErrorKind::Refused);
    assert_eq!(refused.status().map(|status| status.as_u16()), Some(400));
    let wanted = WebhookSettings::default().with_url("https://example.org/");
    let refused = client
        .push_webhook(&versions[0], &wanted)
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), RetellErrorKind::Refused);
    assert_eq!(retell.functions(&id), OTHERS);
    let latest = client.agent(&id, None).await.unwrap();
    assert_eq!(latest, versions[1]);
    client.push_functions(&latest, &settings()).await.unwrap();
    let first = client.agent(&id, Some(0)).await.unwrap();
    assert_eq!(
        client.engine(&first).await.unwrap().functions.len(),
        OTHERS.len()
    );
}

#[tokio::test]
async fn what_goes_wrong_says_what_to_do() {
    let retell = FakeRetell::start("key_test").await.unwrap();
    let taken =
        r#"{"type":"book_appointment_cal","name":"book_appointment","cal_api_key":"cal_live_1"}"#;
    let id = retell.add_agent("Receptionist", [taken]);
    let flow = retell.add_agent_of_kind("Flow", "conversation-flow");
    let client = retell.client();
    let kind = |error: calcom::agents::retell::RetellError| error.kind();
    let agent = client.agent(&id, None).await.unwrap();
    let refused = client
        .push_functions(&agent, &settings())
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("book_appointment_cal"),
        "{refused}"
    );
    assert_eq!(kind(refused), RetellErrorKind::Unsupported);
    assert_eq!(retell.functions(&id), [taken]);
    let flow = client.agent(&flow, None).await.unwrap();
    assert_eq!(
        kind(client.engine(&flow).await.unwrap_err()),
        RetellErrorKind::Unsupported
    );
    let unknown = client.agent(&"agent_9".into(), None).await.unwrap_err();
    assert_eq!(kind(unknown), RetellErrorKind::NotFound);
    for id in ["", "..", "a/b", "a?b"] {
        let invalid = client.agent(&id.into(), None).await.unwrap_err();
        assert_eq!(kind(invalid), RetellErrorKind::Invalid, "{id}");
    }
    let stranger = RetellClient::new("key_of_another")
        .unwrap()
        .with_base_url(retell.base_url());
    let refused = stranger.agent(&id, None).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Retell answered 401 Unauthorized: Invalid API key"
    );
    assert_eq!(kind(refused), RetellErrorKind::Unauthorized);
    assert!(!format!("{stranger:?}").contains("key_of"));
    let nowhere = retell
        .client()
        .with_base_url("http://127.0.0.1:1/".parse().unwrap());
    let unreached = nowhere.agent(&id, None).await.unwrap_err();
    assert_eq!(kind(unreached), RetellErrorKind::Unavailable);
}
