//! Answers, and the several shapes in which Cal.com says no.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::cancel::Cancellation;

/// What is sent back.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![(
                "content-type".into(),
                "application/json; charset=utf-8".into(),
            )],
            body: body.to_string().into(),
        }
    }

    /// The answer to a CORS preflight request.
    pub(super) fn to_preflight() -> Self {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Self {
            status: 204,
            headers: vec![
                header("access-control-allow-origin", "*"),
                header(
                    "access-control-allow-methods",
                    "GET,HEAD,PUT,PATCH,POST,DELETE",
                ),
                header("vary", "Access-Control-Request-Headers"),
            ],
            body: Bytes::new(),
        }
    }

    /// What is sent back for a request to `target` that came at `now`, with these headers among
    /// others.
    pub(super) fn to_request(
        result: Result<Reply, Refusal>,
        headers: Vec<(String, String)>,
        now: DateTime<Utc>,
        target: &str,
    ) -> Self {
        let mut answer = match result {
            Ok(reply) => Self::json(reply.status, &reply.body),
            Err(refusal) => refusal.into_answer(now, target),
        };
        answer.headers.extend(headers);
        answer
    }
}

/// The good end of a request.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Reply {
    pub(super) fn data(status: u16, data: Value) -> Self {
        let body = [("status".into(), json!("success")), ("data".into(), data)];
        Self {
            status,
            body: Value::Object(body.into_iter().collect()),
        }
    }

    /// An answer that says nothing but that it went well.
    pub(super) fn success() -> Self {
        Self {
            status: 200,
            body: json!({"status": "success"}),
        }
    }
}

/// What a request comes to once it was judged.
pub(super) enum Step {
    /// It has been carried out.
    Done(Reply),
    /// It is a cancellation that subscribers are to hear of before it is carried out.
    Announced(Cancellation),
}

/// The bad end of a request, in the shape that the real server gives it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refusal {
    /// With `code`, `message` and `details`: nearly all of them.
    Usual { status: u16, message: String },
    /// A validation that names its properties.
    Properties { target: Value, wrong: Vec<Wrong> },
    /// A validation that names several properties, each as the server's validator writes it; see
    /// [`Checks`].
    ///
    /// [`Checks`]: super::validate::Checks
    Invalid(Vec<Value>),
    /// A word that is none of those that can be chosen from.
    Choice {
        message: &'static str,
        choices: &'static str,
    },
    /// `code` and `message` only, as zod and tRPC leave them.
    Short {
        status: u16,
        code: &'static str,
        message: String,
    },
    /// `statusCode` and `message` only.
    Bare { status: u16, message: String },
    /// The 429.
    TooManyRequests,
    /// The way in which the old version refuses a booking.
    OldBooking { target: Value },
}

/// What is wrong with one property of a body or a query.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wrong {
    pub(super) property: &'static str,
    /// Omitted if the property is missing.
    pub(super) value: Option<Value>,
    pub(super) constraints: Vec<(&'static str, String)>,
}

impl Wrong {
    fn into_json(self, target: &Value) -> Value {
        let constraints: Map<String, Value> = self
            .constraints
            .into_iter()
            .map(|(rule, message)| (rule.to_owned(), message.into()))
            .collect();
        let mut json = json!({
            "target": target,
            "property": self.property,
            "children": [],
            "constraints": constraints,
        });
        if let Some(value) = self.value {
            json["value"] = value;
        }
        json
    }
}

impl Refusal {
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::usual(400, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::usual(404, message)
    }

    pub(super) fn usual(status: u16, message: impl Into<String>) -> Self {
        Self::Usual {
            status,
            message: message.into(),
        }
    }

    pub(super) fn bare(status: u16, message: impl Into<String>) -> Self {
        Self::Bare {
            status,
            message: message.into(),
        }
    }

    pub(super) fn zod(message: impl Into<String>) -> Self {
        Self::Short {
            status: 400,
            code: "BAD_REQUEST",
            message: message.into(),
        }
    }

    pub(super) fn trpc(status: u16, message: &str) -> Self {
        Self::Short {
            status,
            code: "TRPCError",
            message: message.into(),
        }
    }

    /// What the server says when it fails to read a number of a path, among others.
    pub(super) fn broken() -> Self {
        Self::Short {
            status: 500,
            code: "INTERNAL_SERVER_ERROR",
            message: "There was an error, please try again later.".into(),
        }
    }

    /// What the real server serves and the fake does not.
    pub(super) fn not_served(operation: &str) -> Self {
        Self::usual(501, format!("FakeCalcom does not serve {operation}."))
    }

    pub(super) fn unknown_route(method: &str, target: &str) -> Self {
        Self::not_found(format!("Cannot {method} {target}"))
    }

    /// The answer, given when and to what it is sent.
    pub(super) fn into_answer(self, now: DateTime<Utc>, target: &str) -> Answer {
        let error = |status: u16, error: Value| {
            let body = json!({
                "status": "error",
                "timestamp": now.to_rfc3339_opts(SecondsFormat::Millis, true),
                "path": target,
                "error": error,
            });
            Answer::json(status, &body)
        };
        match self {
            Self::Usual { status, message } => {
                let (code, name) = words(status);
                error(
                    status,
                    json!({
                        "code": code,
                        "message": message,
                        "details": {"message": message, "error": name, "statusCode": status},
                    }),
                )
            }
            Self::Properties { target, wrong } => {
                let errors = wrong.into_iter().map(|wrong| wrong.into_json(&target));
                error(400, validation(&errors.collect()))
            }
            Self::Choice { message, choices } => error(
                400,
                json!({
                    "code": "BadRequestException",
                    "message": message,
                    "details": {"message": message, "error": choices, "statusCode": 400},
                }),
            ),
            Self::Invalid(errors) => error(400, validation(&json!(errors))),
            Self::Short {
                status,
                code,
                message,
            } => error(status, json!({"code": code, "message": message})),
            Self::Bare { status, message } => {
                Answer::json(status, &json!({"statusCode": status, "message": message}))
            }
            Self::TooManyRequests => {
                let message = "CustomThrottlerGuard - Too many requests. Please try again later.";
                error(
                    429,
                    json!({"code": "ThrottlerException", "message": message, "details": message}),
                )
            }
            Self::OldBooking { target } => {
                let wrong = |property: &str, rule: &str, message: &str| json!({"target": target, "property": property, "children": [], "constraints": {rule: message}});
                error(
                    400,
                    validation(&json!([
                        wrong(
                            "timeZone",
                            "isTimeZone",
                            "timeZone must be a valid IANA time-zone"
                        ),
                        wrong("language", "isString", "language must be a string"),
                        wrong("metadata", "isObject", "metadata must be an object"),
                    ])),
                )
            }
        }
    }
}

fn validation(errors: &Value) -> Value {
    json!({
        "code": "BadRequestException",
        "message": "Bad Request Exception",
        "details": {"errors": errors},
    })
}

fn words(status: u16) -> (&'static str, &'static str) {
    match status {
        400 => ("BadRequestException", "Bad Request"),
        401 => ("UnauthorizedException", "Unauthorized"),
        403 => ("ForbiddenException", "Forbidden"),
        404 => ("NotFoundException", "Not Found"),
        409 => ("ConflictException", "Conflict"),
        422 => ("UnprocessableEntityException", "Unprocessable Entity"),
        501 => ("NotImplementedException", "Not Implemented"),
        _ => ("InternalServerErrorException", "Internal Server Error"),
    }
}

/// What the fake would not do, and why, in Cal.com's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused with status {status}: {message}")]
#[non_exhaustive]
pub struct Refused {
    /// The status with which the API would have answered.
    pub status: u16,
    /// The message with which the API would have answered.
    pub message: String,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let (status, message) = match refusal {
            Refusal::Usual { status, message }
            | Refusal::Short {
                status, message, ..
            }
            | Refusal::Bare { status, message } => (status, message),
            Refusal::Properties { wrong, .. } => {
                let words = wrong.into_iter().flat_map(|wrong| wrong.constraints);
                let words: Vec<String> = words.map(|(_, words)| words).collect();
                (400, words.join(", "))
            }
            Refusal::Choice { message, .. } => (400, message.into()),
            Refusal::TooManyRequests => (429, "Too many requests".into()),
            Refusal::OldBooking { .. } | Refusal::Invalid(_) => {
                (400, "Bad Request Exception".into())
            }
        };
        Self { status, message }
    }
}
