//! What mutation starts from: the recorded exchanges and deliveries, as inputs of each target.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use calcom::testing::{
    RetellBody, StandardWebhookBody, StripeBody, sign, sign_retell, sign_standard_webhook,
    sign_stripe,
};
use serde_json::{Value, json};

use crate::targets::model::{TYPES, Type};
use crate::targets::verify::{SECRETS, SIGNED, TWICE, UPPER};
use crate::targets::{client, dialects as agents, model, response, sqlite, verify, webhook};

/// The most examples of one type of `model`.
const EXAMPLES: usize = 6;

fn fixtures(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(folder);
    let files = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    paths.sort();
    paths
}

/// Whether a text can be read as a type. One that the type panics at is worth an example, too.
fn fits(type_: &Type, text: &str) -> bool {
    catch_unwind(|| (type_.round_trip)(text.as_bytes())).unwrap_or(true)
}

fn exchanges() -> Vec<Value> {
    let read = |path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    fixtures("exchanges", "json").iter().map(read).collect()
}

/// The inputs that a target starts from.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "webhook" => deliveries(),
        "model" => values(),
        "response" => responses(),
        "client" => calls(),
        "sqlite" => columns(),
        "text" => texts(),
        "tools" => tool_calls(),
        "phone" => phones(),
        "verify_calcom" => bookings(),
        "verify_retell" => calls_of_an_agent(),
        "verify_stripe" => payments(),
        "verify_standard" => standard(),
        "dialects" => dialects(),
        _ => panic!("no corpus for {target}"),
    }
}

fn deliveries() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for (index, path) in fixtures("webhooks", "body").iter().enumerate() {
        let body = std::fs::read(path).unwrap();
        let about = std::fs::read(path.with_extension("json")).unwrap();
        let about: Value = serde_json::from_slice(&about).unwrap();
        let signature = about["headers"]["x-cal-signature-256"]
            .as_str()
            .unwrap_or_default();
        // As it was sent; signed with a secret that is known here; with one-time passwords.
        for flags in [0, 1, 2, 3] {
            inputs.push(webhook::input(
                flags,
                b"secret",
                signature.as_bytes(),
                &body,
            ));
        }
        if index == 0 {
            inputs.push(webhook::input(4, b"", b"", &body));
            inputs.push(webhook::input(0, b"", b"no-secret-provided", &body));
        }
    }
    for body in [
        r#"{"triggerEvent":"OOO_CREATED","createdAt":"2026-12-01T08:00:00Z","payload":{"oooEntry":{"id":1}}}"#,
        r#"{"triggerEvent":"FORM_SUBMITTED","payload":{"formId":"f","responses":{"a":{"value":["x"]}}}}"#,
        r#"{"triggerEvent":"MEETING_ENDED","uid":"u","startTime":"2026-12-01T08:00:00Z","attendees":[{}]}"#,
        r#"{"triggerEvent":"PING","payload":null}"#,
        "who: {{name}}",
    ] {
        inputs.push(webhook::input(3, b"s", b"", body.as_bytes()));
    }
    inputs
}

/// Every object and array of the recordings, as an example of each type that it can be read as.
fn values() -> Vec<Vec<u8>> {
    fn collect<'a>(json: &'a Value, found: &mut Vec<&'a Value>) {
        match json {
            Value::Array(items) => items.iter().take(2).for_each(|item| collect(item, found)),
            Value::Object(object) => object.values().for_each(|value| collect(value, found)),
            _ => return,
        }
        found.push(json);
    }
    let exchanges = exchanges();
    let mut found = Vec::new();
    for exchange in &exchanges {
        collect(&exchange["response"]["body"], &mut found);
        collect(&exchange["request"]["body"], &mut found);
    }
    let mut texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    texts.extend(["\"accepted\"", "\"u\"", "7", "null"].map(str::to_owned));
    // The largest ones first, because they have the most fields.
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts.retain(|text| text.len() < 20_000);
    texts.dedup();
    let mut inputs = Vec::new();
    for (which, type_) in TYPES.iter().enumerate() {
        let fitting = texts.iter().filter(|text| fits(type_, text));
        inputs.extend(
            fitting
                .take(EXAMPLES)
                .map(|text| model::input(which, text.as_bytes())),
        );
    }
    inputs
}

/// The status and the body of every recorded response.
fn recorded() -> Vec<(u16, String)> {
    let exchanges = exchanges();
    let of = |exchange: &Value| {
        let response = &exchange["response"];
        let body = match &response["body"] {
            Value::String(text) => text.clone(),
            json => json.to_string(),
        };
        (
            u16::try_from(response["status"].as_u64().unwrap()).unwrap(),
            body,
        )
    };
    exchanges.iter().map(of).collect()
}

/// Headers as a server sends them.
const LIMITS: &[(u8, &[u8])] = &[(0, b"120"), (1, b"119"), (2, b"60"), (8, b"req-1")];
const EXHAUSTED: &[(u8, &[u8])] = &[(0, b"5"), (1, b"0"), (2, b"1790000030"), (7, b"20")];

fn responses() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for (index, (status, body)) in recorded().iter().enumerate() {
        let headers = if *status == 429 { EXHAUSTED } else { LIMITS };
        // Read as what it is, where it is anything, and as something else.
        let data = serde_json::from_str::<Value>(body).ok();
        let data = data
            .and_then(|body| body.get("data").cloned())
            .unwrap_or_default();
        let data = data.to_string();
        let fitting = TYPES
            .iter()
            .position(|type_| data.starts_with(['{', '[']) && fits(type_, &data));
        for which in [fitting.unwrap_or(0), index % TYPES.len()] {
            inputs.push(response::input(which, *status, headers, body.as_bytes()));
        }
    }
    inputs
}

fn calls() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for (index, (status, body)) in recorded().iter().enumerate() {
        let headers = if index % 3 == 0 { EXHAUSTED } else { LIMITS };
        let call = u8::try_from(index).unwrap_or_default() % client::CALLS;
        inputs.push(client::input(call, *status, headers, body.as_bytes()));
    }
    inputs
}

fn columns() -> Vec<Vec<u8>> {
    let state = r#"{"status":"confirmed","start":"2027-01-15T09:00:00Z","end":"2027-01-15T09:30:00Z","event_type":7,"attendee":{"name":"Ada","email":"ada@example.com","time_zone":"Europe/Berlin"}}"#;
    let contents: &[(u8, &[u8])] = &[
        (0, state.as_bytes()),
        (0, br#"{"kind":"retry","status":"cancelled","message":"m"}"#),
        (0, b"two"),
        (1, &[0xff; 8]),
        (1, &i64::MAX.to_le_bytes()),
        (1, &i64::MIN.to_le_bytes()),
        (2, b"\x00\xff"),
        (3, &f64::NAN.to_le_bytes()),
        (4, b"\xff\xfe"),
        (5, b""),
    ];
    (0..128)
        .flat_map(|column| {
            contents
                .iter()
                .map(move |(kind, bytes)| sqlite::input(column, *kind, bytes))
        })
        .collect()
}

fn texts() -> Vec<Vec<u8>> {
    [
        "2026-12-01T08:00:00Z",
        "2026-12-01T08:00:00.000Z",
        "2026-12-01T08:00:00+05:30",
        "2026-12-01T08:00:00",
        "0000-01-01T00:00:00-23:59",
        "9999-12-31T23:59:60.999999999Z",
        "Ann\u{202e}nnA\nlevel=ERROR",
        "code=abc&state=def",
        "error=access_denied&state=state-8c1f05d7e2a94b3",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// Numbers as people write them, after the letters of a region.
/// Every tool with arguments that are read, and with some that are not.
fn tool_calls() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 6] = [
        b"{}",
        b"null",
        br#"{"services": ["Haircut", 7, null], "start": "tomorrow at 2 pm"}"#,
        br#"{"service": "haircut", "when": "2026-12-03T14:30:00+01:00", "name": "Ben", "email": "b at x dot de"}"#,
        "haircut\x1fmorgen um halb drei\x1fBen\x1fnull eins f\u{fc}nf eins\x1fb punkt x at y punkt de\x1fDonnerstag\x1fviertel nach zwei\x1fa-1".as_bytes(),
        "Haircut\x1fnext Tuesday at seven\x1f \x1fdouble four\x1f@\x1fthe 31st of February\x1fmidnight\x1fa-2".as_bytes(),
    ];
    let mut inputs = Vec::new();
    for tool in calcom::agents::Tool::ALL {
        inputs.extend(texts.map(|text| super::targets::tools::input(tool, text)));
    }
    inputs
}

fn phones() -> Vec<Vec<u8>> {
    [
        "DE030 / 12 34 56",
        "AT+49 (0) 30 123456",
        "US0049 30 123456",
        "US(650) 253-0000",
        "IT06 1234 5678",
        "RU8 800 555 35 35",
        "AR011 15-2345-6789",
        "BR0 15 11 96123-4567",
        "MX044 55 1234 5678",
        "--+4930123456",
        "KZ8 701 234 5678",
        "AG4641234",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// A body as it is signed in time, too early and too late, twice, and with a header that was made for it.
fn verified(inputs: &mut Vec<Vec<u8>>, signature: &[u8], id: &[u8], body: &[u8]) {
    let time = verify::now().timestamp().to_string();
    let headers = [signature, id, time.as_bytes()];
    for (flags, seconds) in [
        (SIGNED, 0),
        (SIGNED | UPPER, -300),
        (SIGNED, 300),
        (SIGNED, -301),
        (SIGNED, i16::MAX),
        (SIGNED | TWICE, 0),
        (0, 0),
        (TWICE, 0),
    ] {
        inputs.push(verify::input(flags, seconds, headers, body));
    }
}

fn bookings() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for path in fixtures("webhooks", "body").iter().take(20) {
        let body = std::fs::read(path).unwrap();
        let signature = sign(SECRETS[0], &body);
        verified(&mut inputs, signature.as_bytes(), b"", &body);
    }
    verified(&mut inputs, b"no-secret-provided", b"", b"who: {{name}}");
    inputs
}

fn calls_of_an_agent() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    let book = RetellBody::function("book", json!({"day": "Thursday"}), "call_1");
    let bodies = [
        RetellBody::call_started("call_1"),
        RetellBody::call_ended("call_1"),
        RetellBody::call_analyzed("call_1"),
        RetellBody::event("transcript_updated", "call_1"),
        book.clone(),
        book.with_args_only(),
        RetellBody::call_inbound(),
    ];
    for body in bodies.map(|body| body.to_bytes()) {
        let signature = sign_retell(SECRETS[0], &body, verify::now());
        verified(&mut inputs, signature.as_bytes(), b"", &body);
        let swapped = signature.split_once(',').map(|(v, d)| format!("{d},{v}"));
        verified(&mut inputs, swapped.unwrap().as_bytes(), b"", &body);
    }
    let chat = br#"{"event":"chat_ended","chat":{"chat_id":"c\u0000"}}"#;
    verified(&mut inputs, b"v=17961120000000,d=00", b"", chat);
    inputs
}

fn payments() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    let paid = StripeBody::new("evt_1", "invoice.paid");
    let bodies = [
        paid.clone().with_object(json!({"id": "in_1"})),
        paid.with_object(json!({"id": ["in_1"]})),
        StripeBody::new("e".repeat(300), "balance.available").with_object(Value::Null),
    ];
    for body in bodies.map(|body| body.to_bytes()) {
        for secrets in [&SECRETS[..1], &["other", SECRETS[0]]] {
            let signature = sign_stripe(secrets, &body, verify::now());
            verified(&mut inputs, signature.as_bytes(), b"", &body);
        }
    }
    verified(
        &mut inputs,
        b"t=99999999999999999999,v1=00,v0=00",
        b"",
        b"{}",
    );
    inputs
}

fn standard() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    let body = StandardWebhookBody::new("msg_1", "user.created").to_bytes();
    for id in ["msg_1", "msg.1", ".", &"m".repeat(255)] {
        for body in [&body[..], b"1796112000.{}", b"{\"type\":7}", b"caf\xe9"] {
            let text = String::from_utf8_lossy(body);
            let signature = sign_standard_webhook(SECRETS[0], id, text.as_bytes(), verify::now());
            let several = format!("v1a,AA== v1,AA== {signature}");
            verified(&mut inputs, several.as_bytes(), id.as_bytes(), body);
        }
    }
    inputs
}

fn dialects() -> Vec<Vec<u8>> {
    let args = json!({"service": "Haircut", "when": "Thursday at two", "name": "Ann"});
    let book = RetellBody::function("book_appointment", args.clone(), "call_1")
        .with_field("retell_llm_dynamic_variables", json!({"language": "de"}))
        .with_field("direction", json!("outbound"));
    let bodies = [
        RetellBody::call_ended("call_1"),
        book.clone(),
        book.with_args_only(),
        RetellBody::call_inbound(),
    ];
    let retell = bodies.map(|body| body.to_json());
    let (name, arguments) = ("book_appointment", args.to_string());
    let function = json!({"name": name, "arguments": arguments});
    let call =
        json!({"type": "function_call", "call_id": "c", "name": name, "arguments": arguments});
    let own = "https://example.org/agents/retell/salon/functions";
    let functions = json!([
        {"type": "end_call", "name": "end_call"},
        {"type": "custom", "name": "book_appointment", "url": own, "timeout_ms": 15_000.0},
        {"type": "custom", "name": "list_services", "url": "https://other.example", "args_at_root": true},
        {"type": "custom", "name": "old", "url": format!("{own}/old"), "headers": {"a": "b"}},
        {"type": "book_appointment_cal", "name": "check_availability", "event_type_id": 1},
    ]);
    let engine = json!({"type": "retell-llm", "llm_id": "llm_1", "version": 3});
    let others = [
        json!({"conversation": "c", "tool_calls": [{"id": "c", "type": "function", "function": function}]}),
        json!({"output": [call, {"type": "message"}]}),
        json!([call, call]),
        functions.clone(),
        json!({"llm_id": "llm_1", "version": 3.0, "is_published": false, "general_tools": functions}),
        json!({"agent_id": "agent_1", "version": 3, "response_engine": engine, "webhook_events": ["call_ended"]}),
    ];
    let bodies: Vec<String> = retell.iter().chain(&others).map(Value::to_string).collect();
    let mut inputs = Vec::new();
    for body in &bodies {
        for named in ["", "book_appointment", "no_such_tool"] {
            inputs.push(agents::input(named.as_bytes(), body.as_bytes()));
        }
    }
    inputs
}
