//! Error responses: converts Cal.com's several formats into one type.
//!
//! The formats were observed on a server of August 2025: the usual `{status, error: {code, message,
//! details}}`, with validation errors in `details.errors` or written out in the message; the same
//! without details from Zod and tRPC; and a bare `{statusCode, message}`. A proxy in front may
//! respond with HTML.
//!
//! According to the documentation, the OAuth endpoints respond with `{error, error_description}`.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::error::ErrorKind;
use super::rate::seconds_until;
use crate::model::{clean_line, clean_text};

/// The maximum length of the stored excerpt of an unreadable body.
const EXCERPT_CHARS: usize = 300;

/// How long Cal.com blocks by default after a limit is exceeded; used for a 429 without that
/// information.
const DEFAULT_BLOCK: Duration = Duration::from_secs(60);

/// A rejected field and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    field: String,
    message: String,
}

impl FieldError {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: clean_line(&field.into()).into_owned(),
            message: clean_text(&message.into()).into_owned(),
        }
    }

    /// Returns the path of the field, such as `attendee.timeZone`.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Returns the reason, as given by the server, or by this crate if nothing was sent.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// Cal.com's error response.
///
/// E-mail addresses in its message are masked, and its strings are cleaned with [`clean_text`]. The
/// rejected values that it repeats are not kept.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    code: Option<String>,
    message: String,
    fields: Vec<FieldError>,
    request_id: Option<String>,
    excerpt: Option<String>,
}

impl ApiError {
    /// Returns the HTTP status code.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns Cal.com's error code, such as `BadRequestException`.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns Cal.com's message; empty if the response had none.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the rejected fields, as far as the response names them, and at most 200.
    pub fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    /// Returns the server's request id, for support requests.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Returns the beginning of a response in an unknown format.
    ///
    /// It may contain anything, so it is not part of `Debug` or `Display`.
    pub fn excerpt(&self) -> Option<&str> {
        self.excerpt.as_deref()
    }

    /// Parses an error response of any format.
    pub(crate) fn parse(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let json: Option<Value> = serde_json::from_slice(body).ok();
        // The usual format wraps the error; the bare one is the error.
        let error = json
            .as_ref()
            .map(|json| json.get("error").filter(|e| e.is_object()).unwrap_or(json));
        let text = |key: &str| error.and_then(|e| e.get(key)).and_then(Value::as_str);
        // The OAuth endpoints use the format of RFC 6749, with the code as a plain string.
        let oauth_code = json
            .as_ref()
            .filter(|json| json.get("message").is_none())
            .and_then(|json| json.get("error"))
            .and_then(Value::as_str);
        let raw_message = text("message")
            .or_else(|| oauth_code.and(text("error_description")))
            .unwrap_or_default();
        let mut fields = Vec::new();
        if let Some(errors) = error.and_then(|e| e.pointer("/details/errors")) {
            collect_constraints(errors, "", 0, &mut fields);
        }
        if fields.is_empty() {
            fields = fields_in_message(raw_message);
        }
        Self {
            code: text("code")
                .or(oauth_code)
                .map(|code| clean_line(code).into_owned()),
            message: clean_text(&mask_addresses(raw_message.trim())).into_owned(),
            excerpt: raw_message.is_empty().then(|| excerpt(body)),
            ..Self::of_status(status, headers, fields)
        }
    }

    /// Describes a response that should have been a success but cannot be deserialized.
    pub(crate) fn unreadable(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        Self {
            excerpt: Some(excerpt(body)),
            ..Self::of_status(status, headers, Vec::new())
        }
    }

    fn of_status(status: StatusCode, headers: &HeaderMap, fields: Vec<FieldError>) -> Self {
        let request_id = headers.get("x-request-id").and_then(|id| id.to_str().ok());
        Self {
            status,
            code: None,
            message: String::new(),
            fields,
            request_id: request_id.map(str::to_owned),
            excerpt: None,
        }
    }

    /// Returns the kind of error, which determines what to do about it.
    pub(crate) fn kind(&self) -> ErrorKind {
        let says = |words: &str| self.message.contains(words);
        match self.status.as_u16() {
            400 | 422
                if says("already has booking at this time or is not available")
                    || says("no_available_users_found_error")
                    || says("can't be booked at the \"start\" time provided")
                    || says("already reserved") =>
            {
                ErrorKind::SlotUnavailable
            }
            // Only reservations are rejected like this: the slot is reserved, booked or full.
            422 if says("Can't reserve") || says("no more seats left") => {
                ErrorKind::SlotUnavailable
            }
            // A full course, and somebody who has a seat in it already.
            409 if says("No more seats left") || says("already_signed_up") => {
                ErrorKind::SlotUnavailable
            }
            400 if says("because it has been cancelled")
                || says("can only be marked as absent after") =>
            {
                ErrorKind::Conflict
            }
            // Bare, without a code: rejections of the credential have one.
            401 if self.code.is_none()
                && ["booking_limit_reached", "duration_limit_reached"]
                    .contains(&self.message.as_str()) =>
            {
                ErrorKind::BookingLimitReached
            }
            // 498: an expired access token.
            401 | 498 => ErrorKind::Unauthorized,
            403 => ErrorKind::Forbidden,
            // The message of the router or a proxy, as opposed to that of a resource.
            404 if self.message.is_empty() || self.message.starts_with("Cannot ") => {
                ErrorKind::UnknownEndpoint
            }
            404 => ErrorKind::NotFound,
            408 => ErrorKind::Server,
            409 => ErrorKind::Conflict,
            429 => ErrorKind::RateLimited,
            400..=499 => ErrorKind::Invalid,
            500..=599 => ErrorKind::Server,
            // Redirects are not followed, because that would send the key elsewhere.
            _ => ErrorKind::UnknownEndpoint,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status.as_u16())?;
        if let Some(code) = &self.code {
            write!(f, ", {code}")?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if let Some(id) = &self.request_id {
            write!(f, "; request {id}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("status", &self.status.as_u16())
            .field("code", &self.code)
            .field("message", &self.message)
            .field("fields", &self.fields)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(body)
        .chars()
        .take(EXCERPT_CHARS)
        .collect()
}

/// Masks every word that contains an `@`, and the query of every path, because it repeats the
/// parameters of the request, including names and addresses.
fn mask_addresses(text: &str) -> String {
    let mask = |word: &str| {
        if word.contains('@') {
            return "[address]".to_owned();
        }
        match word.split_once('?') {
            Some((path, query)) if path.starts_with('/') && !query.is_empty() => {
                format!("{path}?[query]")
            }
            _ => word.to_owned(),
        }
    };
    text.split(' ').map(mask).collect::<Vec<_>>().join(" ")
}

/// The maximum nesting depth of validation errors that are parsed.
const MAX_DEPTH: usize = 16;

/// The maximum number of rejected fields that are parsed.
const MAX_FIELDS: usize = 200;

/// Parses class-validator's tree: `[{property, children, constraints: {rule: message}}]`.
fn collect_constraints(errors: &Value, parent: &str, depth: usize, fields: &mut Vec<FieldError>) {
    if depth == MAX_DEPTH {
        return;
    }
    for error in errors.as_array().into_iter().flatten() {
        let property = error.get("property").and_then(Value::as_str).unwrap_or("?");
        let path = path_of(parent, property);
        let constraints = error.get("constraints").and_then(Value::as_object);
        for message in constraints.into_iter().flat_map(|c| c.values()) {
            if fields.len() == MAX_FIELDS {
                return;
            }
            let message = message.as_str().unwrap_or_default();
            fields.push(FieldError::new(path.clone(), mask_addresses(message)));
        }
        if let Some(children) = error.get("children") {
            collect_constraints(children, &path, depth + 1, fields);
        }
    }
}

/// The path of a field within its parent, truncated: a response whose paths were kept in full while
/// they are put together would take time in proportion to the square of its length.
fn path_of(parent: &str, property: &str) -> String {
    if parent.is_empty() {
        clean_line(property).into_owned()
    } else {
        clean_line(&format!("{parent}.{property}")).into_owned()
    }
}

/// Parses the rejected fields from a message that lists validation errors.
fn fields_in_message(message: &str) -> Vec<FieldError> {
    const CLASS_VALIDATOR: &str = " property is wrong,";
    const ZOD: &str = " - ";
    if message.contains(CLASS_VALIDATOR) {
        spelled_fields(message, CLASS_VALIDATOR, " , ")
    } else if message.trim_end().ends_with(',') {
        spelled_fields(message, ZOD, ", ")
    } else {
        Vec::new()
    }
}

/// Parses `field MARK why SEP field MARK why SEP`.
///
/// A field whose *why* is another field is its parent.
fn spelled_fields(message: &str, mark: &str, separator: &str) -> Vec<FieldError> {
    let mut parts = message.split(mark);
    let mut field = parts.next().unwrap_or_default().trim().to_owned();
    let rest: Vec<&str> = parts.collect();
    let mut fields = Vec::new();
    let mut depth = 0;
    for (index, part) in rest.iter().enumerate() {
        let is_last = index + 1 == rest.len();
        let (why, next) = if is_last {
            (*part, "")
        } else {
            part.rsplit_once(separator).unwrap_or(("", part))
        };
        let why = why.trim().trim_end_matches(',').trim();
        if why.is_empty() {
            if depth < MAX_DEPTH {
                field = path_of(&field, next.trim());
            }
            depth += 1;
            continue;
        }
        depth = 0;
        if fields.len() == MAX_FIELDS {
            break;
        }
        // Zod's format for a booking field: `responses - {email}error_required_field`.
        let (path, why) = match why.strip_prefix('{').and_then(|w| w.split_once('}')) {
            Some((inner, why)) => (format!("{field}.{inner}"), why),
            None => (field.clone(), why),
        };
        fields.push(FieldError::new(path, mask_addresses(why)));
        next.trim().clone_into(&mut field);
    }
    fields
}

/// Returns how long to wait after a 429.
///
/// There is no `Retry-After`; the reset of each named limit is given in seconds from now. The
/// longest wait is used: waiting too long costs seconds, while repeated excess can lock the
/// account.
pub(crate) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Duration {
    let resets = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str();
        if !name.starts_with("x-ratelimit-reset") && name != "retry-after" {
            return None;
        }
        let reset: u64 = value.to_str().ok()?.trim().parse().ok()?;
        Some(seconds_until(reset, now))
    });
    resets.max().unwrap_or(DEFAULT_BLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LINE_LIMIT, TEXT_LIMIT};
    use serde_json::json;

    fn fields(message: &str) -> Vec<(String, String)> {
        fields_in_message(message)
            .into_iter()
            .map(|f| (f.field, f.message))
            .collect()
    }

    fn pair(field: &str, message: &str) -> (String, String) {
        (field.to_owned(), message.to_owned())
    }

    #[test]
    fn fields_are_read_from_spelled_out_messages() {
        assert_eq!(
            fields(
                "start property is wrong,start must be a valid ISO 8601 date string , attendee property is wrong,attendee should not be null or undefined "
            ),
            [
                pair("start", "start must be a valid ISO 8601 date string"),
                pair("attendee", "attendee should not be null or undefined"),
            ]
        );
        assert_eq!(
            fields(
                "attendee property is wrong, language property is wrong,language must be one of the following values: ar, ca, de "
            ),
            [pair(
                "attendee.language",
                "language must be one of the following values: ar, ca, de"
            )]
        );
        assert_eq!(
            fields(
                "metadata.b - Expected string, received boolean, metadata.n - Expected string, received number, "
            ),
            [
                pair("metadata.b", "Expected string, received boolean"),
                pair("metadata.n", "Expected string, received number"),
            ]
        );
        assert_eq!(
            fields("responses - {email}error_required_field, "),
            [pair("responses.email", "error_required_field")]
        );
        assert_eq!(fields("Attempting to book a meeting in the past."), []);
    }

    #[test]
    fn addresses_are_masked() {
        let body = br#"{"statusCode":400,"message":"no user ann@example.com here"}"#;
        let error = ApiError::parse(StatusCode::BAD_REQUEST, &HeaderMap::new(), body);
        assert_eq!(error.message(), "no user [address] here");
        assert!(!format!("{error:?} {error}").contains("ann@"));
    }

    #[test]
    fn what_the_server_says_cannot_forge_a_log_line() {
        let body = json!({"error": {"code": "BAD\u{1b}[2J\n", "message": format!("no\u{202e}\u{7} {}", "x".repeat(9000)),
            "details": {"errors": [{"property": "a\nb", "constraints": {"c": "d\u{202e}e"}}]}}});
        let body = body.to_string();
        let error = ApiError::parse(StatusCode::BAD_REQUEST, &HeaderMap::new(), body.as_bytes());
        assert_eq!(error.code(), Some("BAD[2J "));
        assert!(error.message().starts_with("no xxx") && error.message().ends_with('…'));
        assert_eq!(error.message().chars().count(), TEXT_LIMIT);
        assert_eq!(error.fields(), [FieldError::new("a b", "de")]);
    }

    #[test]
    fn a_long_list_of_fields_costs_no_more_than_its_length() {
        let parse = |body: &Value| {
            let body = body.to_string();
            ApiError::parse(StatusCode::BAD_REQUEST, &HeaderMap::new(), body.as_bytes())
        };
        // Whole paths would be 10 GB together.
        let child = json!({"property": "c", "constraints": {"a": "b"}});
        let tree = json!([{"property": "p".repeat(1_000_000), "children": vec![child; 10_000]}]);
        let error = parse(&json!({"error": {"details": {"errors": tree}}}));
        assert_eq!(error.fields().len(), MAX_FIELDS);
        let spelled = parse(&json!({"message": "a - b, ".repeat(10_000)}));
        assert_eq!(spelled.fields().len(), MAX_FIELDS);
        let nested = parse(&json!({"message": "a property is wrong,".repeat(50_000) + "why "}));
        assert_eq!(nested.fields().len(), 1);
        assert_eq!(path_of(&"p".repeat(400), "c").chars().count(), LINE_LIMIT);
    }

    #[test]
    fn resets_are_spans_or_instants() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let reset = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, http::HeaderValue::from_static(value));
            }
            retry_after(&headers, now).as_secs()
        };
        assert_eq!(reset(&[]), 60);
        assert_eq!(reset(&[("x-ratelimit-reset-default", "7")]), 7);
        assert_eq!(reset(&[("x-ratelimit-reset-default", "1790000030")]), 30);
        assert_eq!(
            reset(&[
                ("x-ratelimit-reset-short", "10"),
                ("x-ratelimit-reset-long", "50")
            ]),
            50
        );
        assert_eq!(reset(&[("x-ratelimit-reset-default", "soon")]), 60);
    }
}
