//! Webhook subscriptions.

use chrono::{DateTime, Utc};
use http::Method;
use serde_json::{Map, Value, json};

use super::answer::{Refusal, Reply, Wrong};
use super::request::Request;
use super::shape::millis;
use super::state::State;

/// The triggers that the recorded server accepts.
const TRIGGERS: [&str; 18] = [
    "BOOKING_CREATED",
    "BOOKING_PAYMENT_INITIATED",
    "BOOKING_PAID",
    "BOOKING_RESCHEDULED",
    "BOOKING_REQUESTED",
    "BOOKING_CANCELLED",
    "BOOKING_REJECTED",
    "BOOKING_NO_SHOW_UPDATED",
    "FORM_SUBMITTED",
    "MEETING_ENDED",
    "MEETING_STARTED",
    "RECORDING_READY",
    "INSTANT_MEETING",
    "RECORDING_TRANSCRIPTION_GENERATED",
    "OOO_CREATED",
    "AFTER_HOSTS_CAL_VIDEO_NO_SHOW",
    "AFTER_GUESTS_CAL_VIDEO_NO_SHOW",
    "FORM_SUBMITTED_NO_EVENT",
];

/// The triggers of the hosted service that the recorded server refuses, by Cal.com's documentation of
/// 2026.
const NEWER_TRIGGERS: [&str; 11] = [
    "BOOKING_LOCATION_UPDATED",
    "BOOKING_REASSIGNED",
    "ROUTING_FORM_FALLBACK_HIT",
    "INSTANT_MEETING_ACCEPTED",
    "DELEGATION_CREDENTIAL_ERROR",
    "DELEGATION_CREDENTIAL_SECRET_ROTATION_FAILED",
    "DELEGATION_CREDENTIAL_ROTATION_REQUIRED",
    "DELEGATION_CREDENTIAL_SECRET_ROTATED",
    "WRONG_ASSIGNMENT_REPORT",
    "CALENDAR_ENTRY_REJECTED",
    "PING",
];

#[derive(Clone)]
pub(super) struct Subscription {
    pub(super) id: String,
    pub(super) user: i64,
    /// The event type whose bookings it hears of; all of the user's if absent.
    pub(super) event_type: Option<i64>,
    pub(super) url: String,
    pub(super) active: bool,
    pub(super) triggers: Vec<String>,
    pub(super) secret: Option<String>,
    template: Option<String>,
    created_at: DateTime<Utc>,
}

impl Subscription {
    pub(super) fn new(
        id: String,
        user: i64,
        url: String,
        secret: Option<String>,
        triggers: Vec<String>,
        created_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            user,
            event_type: None,
            url,
            active: true,
            triggers,
            secret,
            template: None,
            created_at,
        }
    }

    fn to_json(&self) -> Value {
        let mut json = json!({
            "id": self.id,
            "payloadTemplate": self.template,
            "triggers": self.triggers,
            "subscriberUrl": self.url,
            "active": self.active,
            "secret": self.secret,
        });
        match self.event_type {
            Some(event_type) => json["eventTypeId"] = json!(event_type),
            None => json["userId"] = json!(self.user),
        }
        json
    }

    /// Reading a single one returns more fields than creating or listing, unless it belongs to an
    /// event type.
    fn to_full_json(&self) -> Value {
        let mut json = self.to_json();
        if self.event_type.is_some() {
            return json;
        }
        if let Value::Object(fields) = &mut json {
            for absent in [
                "teamId",
                "eventTypeId",
                "appId",
                "time",
                "timeUnit",
                "oAuthClientId",
            ] {
                fields.insert(absent.into(), Value::Null);
            }
            fields.insert("platform".into(), json!(false));
            fields.insert("createdAt".into(), json!(millis(self.created_at)));
        }
        json
    }
}

impl State {
    /// The subscriptions of the caller, or of one of their event types.
    pub(super) fn webhooks(
        &mut self,
        now: DateTime<Utc>,
        request: &Request,
        event_type: Option<&str>,
        id: Option<&str>,
    ) -> Result<Reply, Refusal> {
        let user = self.authenticated(request)?.id;
        let event_type = match event_type {
            Some(id) => Some(self.event_type_with_webhooks(user, id)?),
            None => None,
        };
        let in_scope = move |subscription: &Subscription| {
            subscription.user == user && subscription.event_type == event_type
        };
        let Some(id) = id else {
            if request.method == Method::POST {
                return self.create_webhook(now, request, user, event_type);
            }
            if request.method == Method::DELETE {
                let before = self.subscriptions.len();
                self.subscriptions
                    .retain(|subscription| !in_scope(subscription));
                let deleted = before - self.subscriptions.len();
                return Ok(Reply::data(
                    200,
                    json!(format!("{deleted} webhooks deleted")),
                ));
            }
            let (take, skip) = page(request)?;
            let mut own: Vec<&Subscription> = self
                .subscriptions
                .iter()
                .filter(|subscription| in_scope(subscription))
                .collect();
            // Observed: in the order of their numbers, which are random.
            own.sort_by(|a, b| a.id.cmp(&b.id));
            let list: Vec<Value> = own
                .into_iter()
                .skip(skip)
                .take(take)
                .map(Subscription::to_json)
                .collect();
            return Ok(Reply::data(200, json!(list)));
        };
        let Some(index) = self.subscriptions.iter().position(|known| known.id == id) else {
            return Err(Refusal::not_found(format!("Webhook ({id}) not found")));
        };
        let found = &self.subscriptions[index];
        if !in_scope(found) {
            return Err(match (event_type, found.event_type) {
                (None, _) => Refusal::usual(
                    403,
                    format!(
                        "IsUserWebhookGuard - user with id=({user}) is not the owner of webhook with id=({id})"
                    ),
                ),
                (Some(_), None) => Refusal::bad_request(format!(
                    "IsUserEventTypeWebhookGuard - Webhook ({id}) is not associated with an event type"
                )),
                (Some(event_type), Some(_)) => Refusal::usual(
                    403,
                    format!(
                        "IsUserEventTypeWebhookGuard - Webhook ({id}) is not associated with event type ({event_type})"
                    ),
                ),
            });
        }
        match request.method {
            Method::DELETE => Ok(Reply::data(200, self.subscriptions.remove(index).to_json())),
            Method::PATCH => {
                let body = request.object()?;
                check(&body, false, self.hosted)?;
                let url = body.get("subscriberUrl").and_then(Value::as_str);
                if url.is_some_and(|url| self.is_taken(user, event_type, url, id)) {
                    return Err(Refusal::Short {
                        status: 409,
                        code: "CONFLICT",
                        message: "Invalid Input: Trying to create a record that already exists."
                            .into(),
                    });
                }
                let subscription = &mut self.subscriptions[index];
                if let Some(url) = url {
                    url.clone_into(&mut subscription.url);
                }
                if let Some(active) = body.get("active").and_then(Value::as_bool) {
                    subscription.active = active;
                }
                // A null takes it away.
                if let Some(secret) = body.get("secret") {
                    subscription.secret = secret.as_str().map(ToOwned::to_owned);
                }
                if let Some(template) = body.get("payloadTemplate") {
                    subscription.template = template.as_str().map(ToOwned::to_owned);
                }
                if body.contains_key("triggers") {
                    subscription.triggers = triggers(&body);
                }
                Ok(Reply::data(200, subscription.to_json()))
            }
            _ => Ok(Reply::data(200, self.subscriptions[index].to_full_json())),
        }
    }

    /// The number of an event type whose subscriptions a user can see.
    fn event_type_with_webhooks(&self, user: i64, id: &str) -> Result<i64, Refusal> {
        let number = id.parse::<i64>().ok();
        let found = number.and_then(|id| Some((id, self.event_type(id)?)));
        let Some((number, event_type)) = found else {
            return Err(Refusal::not_found(format!(
                "IsUserEventTypeWebhookGuard - Event type ({id}) not found"
            )));
        };
        if self.owner(event_type).id != user {
            return Err(Refusal::usual(
                403,
                format!(
                    "IsUserEventTypeWebhookGuard - User ({user}) is not the owner of event type ({id})"
                ),
            ));
        }
        Ok(number)
    }

    /// Whether another subscription of the same scope goes to an address.
    fn is_taken(&self, user: i64, event_type: Option<i64>, url: &str, except: &str) -> bool {
        self.subscriptions.iter().any(|known| {
            known.user == user
                && known.event_type == event_type
                && known.url == url
                && known.id != except
        })
    }

    fn create_webhook(
        &mut self,
        now: DateTime<Utc>,
        request: &Request,
        user: i64,
        event_type: Option<i64>,
    ) -> Result<Reply, Refusal> {
        let body = request.object()?;
        let text = |name: &str| {
            body.get(name)
                .and_then(Value::as_str)
                .map(ToOwned::to_owned)
        };
        check(&body, true, self.hosted)?;
        let url = text("subscriberUrl").unwrap_or_default();
        if self.is_taken(user, event_type, &url, "") {
            let whose = if event_type.is_some() {
                "event type"
            } else {
                "user"
            };
            return Err(Refusal::usual(
                409,
                format!("Webhook with this subscriber url already exists for this {whose}"),
            ));
        }
        let mut subscription =
            Subscription::new(self.uuid(), user, url, text("secret"), triggers(&body), now);
        subscription.event_type = event_type;
        subscription.active = body.get("active") == Some(&Value::Bool(true));
        subscription.template = text("payloadTemplate");
        let json = subscription.to_json();
        self.subscriptions.push(subscription);
        Ok(Reply::data(201, json))
    }
}

fn triggers(body: &Map<String, Value>) -> Vec<String> {
    body.get("triggers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(ToOwned::to_owned)
        .collect()
}

/// Refuses properties of the wrong kind, and in a new subscription those that are missing.
fn check(body: &Map<String, Value>, is_new: bool, hosted: bool) -> Result<(), Refusal> {
    let must = |property: &'static str, rule: &'static str, message: &str, fits: bool| {
        let value = body.get(property);
        (!fits && (is_new || value.is_some())).then(|| Wrong {
            property,
            value: value.cloned(),
            constraints: vec![(rule, message.to_owned())],
        })
    };
    let is = |property: &str, kind: fn(&Value) -> bool| body.get(property).is_some_and(kind);
    let mut wrong: Vec<Wrong> = [
        must(
            "active",
            "isBoolean",
            "active must be a boolean value",
            is("active", Value::is_boolean),
        ),
        must(
            "subscriberUrl",
            "isString",
            "subscriberUrl must be a string",
            is("subscriberUrl", Value::is_string),
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    wrong.extend(wrong_triggers(body.get("triggers"), is_new, hosted));
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Refusal::Properties {
        target: Value::Object(body.clone()),
        wrong,
    })
}

fn wrong_triggers(triggers: Option<&Value>, required: bool, hosted: bool) -> Option<Wrong> {
    let newer = if hosted { &NEWER_TRIGGERS[..] } else { &[] };
    let is_known = |word: &str| TRIGGERS.contains(&word) || newer.contains(&word);
    let known = |word: &Value| word.as_str().is_some_and(is_known);
    let (in_list, is_array) = match triggers {
        None if !required => return None,
        Some(Value::Array(words)) => (words.iter().all(known), true),
        Some(word) => (known(word), false),
        None => (false, false),
    };
    let mut constraints = Vec::new();
    if !in_list {
        let words = [&TRIGGERS[..], newer].concat().join(", ");
        let message =
            format!("each value in triggers must be one of the following values: {words}");
        constraints.push(("isEnum", message));
    }
    if !is_array {
        constraints.push(("isArray", "triggers must be an array".to_owned()));
    }
    (!constraints.is_empty()).then(|| Wrong {
        property: "triggers",
        value: triggers.cloned(),
        constraints,
    })
}

/// How many to take, and how many to skip before.
fn page(request: &Request) -> Result<(usize, usize), Refusal> {
    let number = |name: &str| request.parameter(name).map(str::parse::<i64>);
    let (take, skip) = (number("take"), number("skip"));
    let json = |number: &Option<Result<i64, _>>, default: i64| match number {
        None => json!(default),
        Some(number) => number.as_ref().map_or(Value::Null, |number| json!(number)),
    };
    let target = json!({"take": json(&take, 250), "skip": json(&skip, 0)});
    let wrong = |property: &'static str, number: Option<i64>, least: i64, most: Option<i64>| {
        let mut constraints = Vec::new();
        if let Some(most) = most.filter(|most| number.is_none_or(|number| number > *most)) {
            constraints.push(("max", format!("{property} must not be greater than {most}")));
        }
        if number.is_none_or(|number| number < least) {
            constraints.push(("min", format!("{property} must not be less than {least}")));
        }
        if number.is_none() {
            let message =
                format!("{property} must be a number conforming to the specified constraints");
            constraints.push(("isNumber", message));
        }
        (!constraints.is_empty()).then(|| Wrong {
            property,
            value: Some(number.map_or(Value::Null, Value::from)),
            constraints,
        })
    };
    let (take, skip) = (
        take.map_or(Some(250), Result::ok),
        skip.map_or(Some(0), Result::ok),
    );
    let wrong: Vec<Wrong> = [
        wrong("take", take, 1, Some(250)),
        wrong("skip", skip, 0, None),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !wrong.is_empty() {
        return Err(Refusal::Properties { target, wrong });
    }
    let size = |number: Option<i64>| usize::try_from(number.unwrap_or(0)).unwrap_or(0);
    Ok((size(take), size(skip)))
}
