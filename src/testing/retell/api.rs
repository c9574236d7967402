//! The API, as far as it is served.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::book::Book;

/// Answers one request.
pub(super) fn serve(
    book: &mut Book,
    method: &Method,
    target: &str,
    body: &Bytes,
) -> (StatusCode, String) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut query = form_urlencoded::parse(query.as_bytes());
    let version = query.find(|(key, _)| key == "version");
    let version = match version.map(|(_, version)| version.parse::<usize>()) {
        None => None,
        Some(Ok(version)) => Some(version),
        Some(Err(_)) => return refused(StatusCode::BAD_REQUEST, "version must be a number"),
    };
    let mut segments = path.trim_start_matches('/').split('/');
    let (operation, id) = (segments.next().unwrap_or_default(), segments.next());
    let Some(id) = id.filter(|_| segments.next().is_none()) else {
        return missing();
    };
    let answer = match (method.as_str(), operation) {
        ("GET", "get-agent") => book.agent(id, version).map(|(_, agent)| Ok(agent)),
        ("GET", "get-agent-versions") => book.agent_versions(id).map(Ok),
        ("GET", "get-retell-llm") => book.engine(id, version).map(|(_, engine)| Ok(engine)),
        ("PATCH", "update-agent") => book.agent(id, version).map(|(version, _)| {
            let changes: Map<String, Value> =
                serde_json::from_slice(body).map_err(|_| StatusCode::BAD_REQUEST)?;
            book.update_agent(id, version, changes)?;
            Ok(book.agent(id, Some(version)).unwrap_or_default().1)
        }),
        ("PATCH", "update-retell-llm") => book.engine(id, version).map(|(version, _)| {
            let update: Update =
                serde_json::from_slice(body).map_err(|_| StatusCode::BAD_REQUEST)?;
            if names_are_unique(&update.general_tools) {
                book.update_engine(id, version, update.general_tools)?;
                Ok(book.engine(id, Some(version)).unwrap_or_default().1)
            } else {
                Err(StatusCode::UNPROCESSABLE_ENTITY)
            }
        }),
        _ => None,
    };
    match answer {
        None => missing(),
        Some(Ok(answer)) => (StatusCode::OK, answer),
        Some(Err(status)) => refused(status, "The version is published, or the body is not valid"),
    }
}

/// The one field of an engine that is ever changed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    general_tools: Vec<Box<RawValue>>,
}

fn names_are_unique(functions: &[Box<RawValue>]) -> bool {
    let name = |json: &RawValue| -> Option<String> {
        let function: Value = serde_json::from_str(json.get()).ok()?;
        Some(function.get("name")?.as_str()?.to_owned())
    };
    let mut names: Vec<Option<String>> = functions.iter().map(|json| name(json)).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    names.len() == all && names.iter().all(Option::is_some)
}

fn missing() -> (StatusCode, String) {
    refused(StatusCode::NOT_FOUND, "Not found")
}

pub(super) fn refused(status: StatusCode, message: &str) -> (StatusCode, String) {
    let body = json!({"status": "error", "message": message});
    (status, body.to_string())
}
