//! Webhook subscriptions.

use chrono::{DateTime, Utc};
use http::Method;
use serde_json::{Map, Value, json};

use super::answer::{Refusal, Reply};
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

    /// Reading a single one tells more than making or listing them, unless it is an event type's.
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
            let number = |name| {
                request
                    .parameter(name)
                    .and_then(|text| text.parse::<usize>().ok())
            };
            let list: Vec<Value> = self
                .subscriptions
                .iter()
                .filter(|subscription| in_scope(subscription))
                .skip(number("skip").unwrap_or(0))
                .take(number("take").unwrap_or(250))
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
                check_triggers(&body, false)?;
                let subscription = &mut self.subscriptions[index];
                if let Some(url) = body.get("subscriberUrl").and_then(Value::as_str) {
                    url.clone_into(&mut subscription.url);
                }
                if let Some(active) = body.get("active").and_then(Value::as_bool) {
                    subscription.active = active;
                }
                if let Some(secret) = body.get("secret").and_then(Value::as_str) {
                    subscription.secret = Some(secret.to_owned());
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
        let Some(active) = body.get("active").and_then(Value::as_bool) else {
            return Err(wrong(
                &body,
                "active",
                "isBoolean",
                "active must be a boolean value",
            ));
        };
        let Some(url) = text("subscriberUrl") else {
            return Err(wrong(
                &body,
                "subscriberUrl",
                "isString",
                "subscriberUrl must be a string",
            ));
        };
        check_triggers(&body, true)?;
        if self
            .subscriptions
            .iter()
            .any(|known| known.user == user && known.event_type == event_type && known.url == url)
        {
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
        subscription.active = active;
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

fn check_triggers(body: &Map<String, Value>, required: bool) -> Result<(), Refusal> {
    let known = |trigger: &Value| {
        trigger
            .as_str()
            .is_some_and(|word| TRIGGERS.contains(&word))
    };
    match body.get("triggers") {
        Some(Value::Array(words)) if words.iter().all(known) => Ok(()),
        None if !required => Ok(()),
        Some(Value::Array(_)) => Err(wrong(
            body,
            "triggers",
            "isEnum",
            &format!(
                "each value in triggers must be one of the following values: {}",
                TRIGGERS.join(", ")
            ),
        )),
        _ => Err(wrong(
            body,
            "triggers",
            "isArray",
            "triggers must be an array",
        )),
    }
}

fn wrong(
    body: &Map<String, Value>,
    property: &'static str,
    rule: &'static str,
    message: &str,
) -> Refusal {
    Refusal::Property {
        property,
        value: body.get(property).cloned().unwrap_or(Value::Null),
        constraint: (rule, message.to_owned()),
        target: Value::Object(body.clone()),
    }
}
