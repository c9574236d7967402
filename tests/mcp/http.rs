//! Over HTTP.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use calcom::SecretString;
use calcom::agents::{Tool, Tools};
use calcom::server::{McpConfig, ProgramAccess, mcp, mcp_with};
use http::{HeaderMap, HeaderName, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::client::{book_ten_times, booking, call, outcome, over_http};
use crate::salon::Salon;

pub(crate) const TOKEN: &str = "token-of-the-salon";
pub(crate) const OTHERS: &str = "token-of-the-studio";

/// Opens the tenant of the salon, and one named `studio`.
pub(crate) fn access(tenant: &str) -> ProgramAccess {
    let tokens = [(tenant, TOKEN), ("studio", OTHERS)];
    ProgramAccess::tokens(tokens.map(|(tenant, token)| (tenant, SecretString::from(token))))
}

/// Serves it on loopback, and returns its address.
async fn served(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    format!("http://{address}")
}

pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// A request as a client makes it, with other headers in the place of its own.
pub(crate) async fn ask(
    router: &Router,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: String,
) -> Answered {
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = method.parse().unwrap();
    *request.uri_mut() = path.parse().unwrap();
    let usual = [
        ("host", "localhost:4680"),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("authorization", "Bearer token-of-the-salon"),
    ];
    for (name, value) in usual.iter().chain(headers) {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    Answered {
        status: parts.status,
        headers: parts.headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    }
}

pub(crate) fn request(tool: &str, arguments: &Value) -> String {
    let params = json!({"name": tool, "arguments": arguments});
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string()
}

fn path(salon: &Salon) -> String {
    format!("/mcp/{}", salon.tenant)
}

fn door(salon: &Salon) -> Router {
    mcp(salon.tools.clone(), access(salon.tenant.as_str()))
}

#[tokio::test]
async fn a_client_lists_the_tools_and_ten_bookings_at_once_book_once() {
    let salon = Salon::open().await;
    let address = format!("{}{}", served(door(&salon)).await, path(&salon));
    let client = over_http(&address, TOKEN).await.unwrap();
    assert_eq!(client.list_all_tools().await.unwrap().len(), 10);
    let id = book_ten_times(&client, &booking()).await;
    let other = over_http(&address, TOKEN).await.unwrap();
    assert_eq!(book_ten_times(&other, &booking()).await, id);
    assert_eq!(salon.appointments().len(), 1);
    assert_eq!(salon.harness.fake().live_bookings().len(), 1);
    let found = json!({"phone": crate::salon::ANN});
    let found = call(&client, Tool::FindAppointments, found).await;
    assert_eq!(outcome(&found), "appointments");
    // A client with another token is not let in.
    assert!(over_http(&address, OTHERS).await.is_none());
    assert!(over_http(&address, "").await.is_none());
}

#[tokio::test]
async fn nobody_is_let_in_without_the_tenants_token() {
    let salon = Salon::open().await;
    let door = door(&salon);
    let path = path(&salon);
    let body = request("list_services", &json!({}));
    let mut refusals = Vec::new();
    for (path, token) in [
        (path.as_str(), OTHERS),
        (&path, "token-of-the-salom"),
        (&path, ""),
        ("/mcp/studio", TOKEN),
        ("/mcp/nobody", TOKEN),
        ("/mcp/%ff", TOKEN),
    ] {
        let token = format!("Bearer {token}");
        let headers = [("authorization", token.as_str()), ("x-request-id", "r-1")];
        for method in ["POST", "GET", "DELETE"] {
            let answered = ask(&door, (method, path), &headers, body.clone()).await;
            assert_eq!(answered.status, 401, "{method} {path}");
            assert_eq!(answered.headers["www-authenticate"], "Bearer");
            refusals.push(answered.body);
        }
    }
    // An unknown tenant is not told apart from a wrong token.
    assert!(refusals.iter().all(|body| *body == refusals[0]));
    let answered = ask(&door, ("POST", &path), &[], body.clone()).await;
    assert_eq!(answered.status, 200);
    let closed = mcp(salon.tools.clone(), ProgramAccess::nobody());
    assert_eq!(ask(&closed, ("POST", &path), &[], body).await.status, 401);
}

#[tokio::test]
async fn a_session_of_another_server_is_refused_and_none_is_given() {
    let salon = Salon::open().await;
    let (door, path) = (door(&salon), path(&salon));
    let begin = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
    let begin = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": begin});
    let begun = ask(&door, ("POST", &path), &[], begin.to_string()).await;
    assert_eq!(begun.status, 200);
    assert_eq!(begun.body["result"]["protocolVersion"], "2025-06-18");
    assert!(!begun.headers.contains_key("mcp-session-id"));
    let session = [("mcp-session-id", "0a1b2c3d-0000-4000-8000-000000000000")];
    let body = request("list_services", &json!({}));
    for method in ["POST", "GET", "DELETE"] {
        let answered = ask(&door, (method, &path), &session, body.clone()).await;
        assert_eq!(answered.status, 404, "{method}");
        let answered = ask(&door, (method, &path), &[], body.clone()).await;
        let expected = if method == "POST" { 200 } else { 405 };
        assert_eq!(answered.status, expected, "{method}");
    }
}

#[tokio::test]
async fn other_names_and_other_pages_are_refused() {
    let salon = Salon::open().await;
    let path = path(&salon);
    let body = request("list_services", &json!({}));
    let config = McpConfig::new(access(salon.tenant.as_str()))
        .with_host("sync.example.com")
        .with_origin("https://app.example.com:443");
    let wider = mcp_with(salon.tools.clone(), config);
    let mut nameless = McpConfig::new(access(salon.tenant.as_str()));
    nameless.hosts.clear();
    let nameless = mcp_with(salon.tools.clone(), nameless);
    let own = door(&salon);
    for (door, name, value, expected) in [
        (&own, "host", "127.0.0.1:4680", 200),
        (&own, "host", "[::1]:4680", 200),
        (&own, "host", "sync.example.com", 403),
        (&own, "host", "localhost.example.com", 403),
        (&own, "origin", "https://app.example.com", 403),
        (&own, "origin", "http://localhost:4680", 403),
        (&own, "origin", "null", 403),
        (&wider, "host", "sync.example.com", 200),
        (&wider, "host", "sync.example.com:443", 200),
        (&wider, "origin", "https://app.example.com", 200),
        (&wider, "origin", "http://app.example.com", 403),
        (&nameless, "host", "localhost", 200),
        (&nameless, "host", "sync.example.com", 403),
    ] {
        let answered = ask(door, ("POST", &path), &[(name, value)], body.clone()).await;
        assert_eq!(answered.status, expected, "{name}: {value}");
    }
}

#[tokio::test]
async fn bodies_are_limited_and_malformed_ones_answered() {
    let salon = Salon::open().await;
    let (door, path) = (door(&salon), path(&salon));
    let large = request("list_services", &json!({"branch": "x".repeat(300_000)}));
    let as_text = request("find_next_slot", &json!("{\"service\": \"Färben\"}"));
    let list = request("find_next_slot", &json!([1]));
    for (body, status, outcome) in [
        (large, 413, None),
        ("{".to_owned(), 400, None),
        ("[]".to_owned(), 400, None),
        (String::new(), 400, None),
        (as_text, 200, Some("slots")),
        (list, 200, Some("unclear")),
    ] {
        let shown: String = body.chars().take(80).collect();
        let answered = ask(&door, ("POST", &path), &[], body).await;
        if outcome.is_none() && status == 400 {
            assert!(answered.status.is_client_error(), "{shown}");
            continue;
        }
        assert_eq!(answered.status, status, "{shown}");
        let became = &answered.body["result"]["structuredContent"]["result"]["outcome"];
        assert_eq!(became.as_str(), outcome, "{shown}");
    }
    let plain = [("content-type", "text/plain")];
    let body = request("list_services", &json!({}));
    assert_eq!(ask(&door, ("POST", &path), &plain, body).await.status, 415);
}

/// For tests of several tenants.
pub(crate) fn door_over(tools: Tools) -> Router {
    mcp(tools, access("salon"))
}
