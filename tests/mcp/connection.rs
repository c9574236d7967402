//! Over one connection, as over standard input and output.

use std::time::Duration;

use calcom::agents::Tool;
use calcom::agents::mcp::{McpErrorKind, serve};
use calcom::model::TimeZone;
use calcom::sync::{Branch, OpeningTime};
use chrono::{NaiveTime, Weekday};
use rmcp::model::{CallToolRequestParams, ErrorCode, ReadResourceRequestParams};
use rmcp::service::ServiceError;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, split};

use crate::client::{book_ten_times, booking, call, connected, outcome, read, texts};
use crate::salon::{ANN, Salon, number};

#[tokio::test]
async fn every_tool_is_listed_with_its_schemas_and_hints() {
    let salon = Salon::open().await;
    let client = connected(salon.tools.clone(), salon.tenant.as_str()).await;
    let info = client.peer_info().unwrap();
    assert!(
        info.instructions
            .as_ref()
            .unwrap()
            .contains("list_services")
    );
    let tools = client.list_all_tools().await.unwrap();
    assert_eq!(tools.len(), 10);
    for (tool, listed) in Tool::ALL.into_iter().zip(&tools) {
        let listed = serde_json::to_value(listed).unwrap();
        assert_eq!(listed["name"], tool.as_str());
        assert_eq!(listed["title"], tool.title());
        assert_eq!(listed["description"], tool.description());
        assert_eq!(listed["inputSchema"]["type"], "object");
        assert_eq!(listed["outputSchema"]["type"], "object");
        let hints = tool.hints();
        let expected = json!({
            "title": tool.title(),
            "readOnlyHint": hints.read_only,
            "destructiveHint": hints.destructive,
            "idempotentHint": true,
            "openWorldHint": false,
        });
        assert_eq!(listed["annotations"], expected, "{tool}");
    }
}

#[tokio::test]
async fn every_tool_can_be_called() {
    let salon = Salon::open().await;
    let client = connected(salon.tools.clone(), salon.tenant.as_str()).await;
    let slot = json!({"service": "Haarschnitt", "when": "2026-12-03T10:00"});
    for (tool, arguments, expected) in [
        (Tool::ListServices, json!({}), "services"),
        (Tool::CheckAvailability, slot.clone(), "free"),
        (
            Tool::FindNextSlot,
            json!({"service": "Haarschnitt"}),
            "slots",
        ),
        (Tool::FindAlternatives, slot, "slots"),
        (
            Tool::CalculateDuration,
            json!({"services": ["Färben"]}),
            "duration",
        ),
        (
            Tool::CollectAppointmentData,
            json!({"name": "Anna Schmidt"}),
            "collected",
        ),
        (Tool::BookAppointment, booking(), "booked"),
        (
            Tool::FindAppointments,
            json!({"phone": ANN}),
            "appointments",
        ),
        (
            Tool::MoveAppointment,
            json!({"phone": ANN, "when": "2026-12-03T11:00"}),
            "moved",
        ),
        (Tool::BookAppointment, json!({}), "unclear"),
    ] {
        let result = call(&client, tool, arguments).await;
        let structured = result.structured_content.as_ref().unwrap();
        assert_eq!(outcome(&result), expected, "{tool}: {structured:#}");
        assert_eq!(result.is_error, Some(false), "{tool}");
        // The sentence, and what a program needs, for clients that show texts only.
        let [say, json] = texts(&result)[..] else {
            panic!("{tool}");
        };
        assert_eq!(structured["say"], say);
        let json: Value = serde_json::from_str(json).unwrap();
        assert_eq!(structured["result"], json);
    }
    let [kept] = &salon.appointments()[..] else {
        panic!("one appointment");
    };
    let cancel = json!({"phone": ANN, "appointment": kept.id.as_str()});
    let result = call(&client, Tool::CancelAppointment, cancel).await;
    assert_eq!(outcome(&result), "cancelled");
}

#[tokio::test]
async fn a_booking_that_comes_ten_times_at_once_books_once() {
    let salon = Salon::open().await;
    let tenant = salon.tenant.as_str();
    let client = connected(salon.tools.clone(), tenant).await;
    let id = book_ten_times(&client, &booking()).await;
    // And over another connection.
    let other = connected(salon.tools.clone(), tenant).await;
    assert_eq!(book_ten_times(&other, &booking()).await, id);
    assert_eq!(salon.appointments().len(), 1);
    assert_eq!(salon.harness.fake().live_bookings().len(), 1);
}

#[tokio::test]
async fn services_and_opening_hours_can_be_read() {
    let time = |text: &str| text.parse::<NaiveTime>().unwrap();
    let hours = [
        OpeningTime::new(Weekday::Mon, time("09:00:00"), time("18:30:00")),
        OpeningTime::new(Weekday::Sat, time("10:00:00"), NaiveTime::MIN),
    ];
    let salon = Salon::open_with(move |tenant| {
        let mitte = Branch::new("mitte".into(), "Mitte", TimeZone::new("Europe/Berlin"))
            .with_phone_number(number("+493011111111"))
            .with_address("Linienstr. 1")
            .with_opening_hours(hours);
        tenant.with_branch(mitte)
    })
    .await;
    let client = connected(salon.tools.clone(), salon.tenant.as_str()).await;
    let listed = client.list_all_resources().await.unwrap();
    let uris: Vec<&str> = listed.iter().map(|one| one.uri.as_str()).collect();
    assert_eq!(uris, ["calcom://services", "calcom://opening-hours"]);
    let services = read(&client, uris[0]).await;
    let names: Vec<&Value> = services["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|service| &service["name"])
        .collect();
    assert!(names.contains(&&json!("Färben")) && names.len() == 2);
    let expected = json!({
        "time_zone": "Europe/Berlin",
        "branches": [{
            "id": "mitte",
            "name": "Mitte",
            "address": "Linienstr. 1",
            "phone_numbers": ["+493011111111"],
            "time_zone": "Europe/Berlin",
            "opening_hours": [
                {"day": "monday", "from": "09:00", "until": "18:30"},
                {"day": "saturday", "from": "10:00", "until": "24:00"},
            ],
        }],
    });
    assert_eq!(read(&client, uris[1]).await, expected);
    let unknown = ReadResourceRequestParams::new("calcom://customers");
    let error = client.read_resource(unknown).await.unwrap_err();
    assert!(matches!(error, ServiceError::McpError(_)), "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_done_now_is_marked_as_an_error() {
    let salon = Salon::open().await;
    let client = connected(salon.tools.clone(), "nobody").await;
    let result = call(&client, Tool::ListServices, json!({})).await;
    assert_eq!(outcome(&result), "unavailable");
    assert_eq!(result.is_error, Some(true));
    let services = ReadResourceRequestParams::new("calcom://services");
    assert!(client.read_resource(services).await.is_err());
    let params = CallToolRequestParams::new("drop_table");
    let error = client.call_tool(params).await.unwrap_err();
    let ServiceError::McpError(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.code, ErrorCode::INVALID_PARAMS);
    assert!(!error.message.contains("drop_table"));
}

/// A conversation by hand: each request with the answer that belongs to it.
#[tokio::test]
async fn whatever_is_sent_is_answered() {
    let salon = Salon::open().await;
    let (ours, theirs) = tokio::io::duplex(1024 * 1024);
    let (read, write) = split(theirs);
    let (tools, tenant) = (salon.tools.clone(), salon.tenant.clone());
    let serving = tokio::spawn(async move { serve(tools, tenant, read, write).await });
    let (answers, mut requests) = split(ours);
    let mut answers = BufReader::new(answers).lines();
    let begin = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
    let begin = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": begin});
    requests
        .write_all(format!("{begin}\n").as_bytes())
        .await
        .unwrap();
    let begun: Value = serde_json::from_str(&answers.next_line().await.unwrap().unwrap()).unwrap();
    assert_eq!(begun["result"]["protocolVersion"], "2025-06-18");
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    // Parameters that are a list are none of the protocol's; it goes on after them as after the rest.
    let list = json!({"jsonrpc": "2.0", "id": 99, "method": "tools/call", "params": []});
    let long = "x".repeat(300_000);
    let noise = format!("{initialized}\nno JSON at all\n\n{list}\n{long}\n");
    requests.write_all(noise.as_bytes()).await.unwrap();

    let as_text = json!({"service": "Färben"}).to_string();
    let all = [
        (
            "tools/call",
            json!({"name": "find_next_slot", "arguments": as_text}),
            "slots",
        ),
        (
            "tools/call",
            json!({"name": "find_next_slot", "arguments": [1, 2]}),
            "unclear",
        ),
        (
            "tools/call",
            json!({"name": "find_next_slot", "arguments": "{broken"}),
            "unclear",
        ),
        (
            "tools/call",
            json!({"name": "find_next_slot", "arguments": {"service": {"a": [null]}}}),
            "unclear",
        ),
        (
            "tools/call",
            json!({"name": "list_services", "arguments": null}),
            "services",
        ),
        ("tools/call", json!({"name": "list_services"}), "services"),
        ("tools/call", json!({"name": 7}), "-32602"),
        (
            "tools/call",
            json!({"name": "nothing", "arguments": 1}),
            "-32602",
        ),
        ("secrets/list", json!({}), "-32601"),
        ("prompts/list", json!({}), "-32601"),
        ("ping", json!({}), "ping"),
    ];
    for (id, (method, params, expected)) in all.into_iter().enumerate() {
        let id = id + 1;
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let line = format!("{request}\n");
        requests.write_all(line.as_bytes()).await.unwrap();
        let answer = loop {
            let line = tokio::time::timeout(Duration::from_secs(20), answers.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("no answer to {request}"));
            let line = line.unwrap().unwrap();
            let answer: Value = serde_json::from_str(&line).unwrap();
            // Those to what was no request name none.
            if answer["id"] == id {
                break answer;
            }
            assert!(
                answer["id"].is_null() && answer["error"].is_object(),
                "{answer}"
            );
        };
        let became = match &answer["error"]["code"] {
            Value::Null if method == "ping" => "ping".to_owned(),
            Value::Null => {
                let result = &answer["result"]["structuredContent"]["result"];
                result["outcome"].as_str().unwrap().to_owned()
            }
            code => code.to_string(),
        };
        assert_eq!(became, expected, "{request} {answer}");
    }
    requests.shutdown().await.unwrap();
    assert_eq!(serving.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_client_that_goes_at_once_is_no_error_and_one_that_does_not_begin_is() {
    let salon = Salon::open().await;
    for (said, expected) in [
        ("", None),
        (
            "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1,\"reason\":\"Anna\"}}\n",
            Some(McpErrorKind::Protocol),
        ),
    ] {
        let (mut ours, theirs) = tokio::io::duplex(4096);
        let (read, write) = split(theirs);
        ours.write_all(said.as_bytes()).await.unwrap();
        ours.shutdown().await.unwrap();
        let served = serve(salon.tools.clone(), salon.tenant.clone(), read, write).await;
        let error = served.err();
        assert_eq!(error.map(|error| error.kind()), expected, "{said}");
        assert!(error.is_none_or(|error| !format!("{error} {error:?}").contains("Anna")));
        let mut rest = String::new();
        let _ = ours.read_to_string(&mut rest).await;
    }
}
