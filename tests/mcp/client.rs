//! An MCP client, and what it is asked to do.

use calcom::agents::{Tool, Tools, mcp};
use futures_util::future::join_all;
use rmcp::RoleClient;
use rmcp::ServiceExt;
use rmcp::model::{CallToolRequestParams, CallToolResult, ReadResourceRequestParams};
use rmcp::service::RunningService;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::{Value, json};

use crate::salon::ANN;

pub(crate) type Client = RunningService<RoleClient, ()>;

/// A client that is connected to a tenant's tools.
pub(crate) async fn connected(tools: Tools, tenant: &str) -> Client {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (read, write) = tokio::io::split(theirs);
    let tenant = tenant.to_owned();
    tokio::spawn(async move { mcp::serve(tools, tenant, read, write).await.unwrap() });
    ().serve(ours).await.unwrap()
}

/// A client of an address, with a token.
pub(crate) async fn over_http(address: &str, token: &str) -> Option<Client> {
    let config = StreamableHttpClientTransportConfig::with_uri(address).auth_header(token);
    ().serve(StreamableHttpClientTransport::from_config(config))
        .await
        .ok()
}

pub(crate) async fn call(client: &Client, tool: Tool, arguments: Value) -> CallToolResult {
    let Value::Object(arguments) = arguments else {
        panic!("arguments are an object");
    };
    let params = CallToolRequestParams::new(tool.as_str()).with_arguments(arguments);
    client.call_tool(params).await.unwrap()
}

/// The outcome's word.
pub(crate) fn outcome(result: &CallToolResult) -> &str {
    let structured = result.structured_content.as_ref().unwrap();
    structured["result"]["outcome"].as_str().unwrap()
}

/// The result's texts.
pub(crate) fn texts(result: &CallToolResult) -> Vec<&str> {
    let texts = result.content.iter().filter_map(|block| block.as_text());
    texts.map(|text| text.text.as_str()).collect()
}

pub(crate) async fn read(client: &Client, uri: &str) -> Value {
    let result = client
        .read_resource(ReadResourceRequestParams::new(uri))
        .await
        .unwrap();
    let contents = serde_json::to_value(&result.contents[0]).unwrap();
    assert_eq!(contents["uri"], uri);
    assert_eq!(contents["mimeType"], "application/json");
    serde_json::from_str(contents["text"].as_str().unwrap()).unwrap()
}

pub(crate) fn booking() -> Value {
    json!({"service": "Haarschnitt", "when": "2026-12-03T10:00", "name": "Anna Schmidt", "phone": ANN})
}

/// Makes the same booking ten times at once, and returns the id of the one appointment that all answers name.
pub(crate) async fn book_ten_times(client: &Client, arguments: &Value) -> String {
    let calls = (0..10).map(|_| call(client, Tool::BookAppointment, arguments.clone()));
    let results = join_all(calls).await;
    let ids: Vec<String> = results
        .iter()
        .map(|result| {
            let structured = result.structured_content.as_ref().unwrap();
            assert_eq!(outcome(result), "booked", "{structured:#}");
            let id = &structured["result"]["appointment"]["id"];
            id.as_str().unwrap().to_owned()
        })
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    ids.into_iter().next().unwrap()
}
