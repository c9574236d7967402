//! Sends the requests of a sequence, one after the other, and compares the answers.

use std::time::Duration;

use calcom::testing::ManualClock;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::compare::Comparison;
use crate::mapping::{Mapping, singular, time_of};
use crate::receiver::Receiver;
use crate::recorded::{Asked, Exchange, Sequence, Told};
use crate::report::Finding;
use crate::server::Server;

/// How long a recorder may have waited before it looked again: longer than the server repeats an answer.
const PAUSE: Duration = Duration::from_secs(3);

/// One server, on which one sequence is played.
pub(crate) struct Player {
    pub(crate) server: Server,
    pub(crate) clock: ManualClock,
    pub(crate) mapping: Mapping,
    http: reqwest::Client,
    /// Only where deliveries were recorded: a subscription is seen by whoever lists them.
    receiver: Option<Receiver>,
}

/// An answer of the fake.
pub(crate) struct Answer {
    pub(crate) status: u16,
    content_type: Option<String>,
    pub(crate) body: Value,
}

pub(crate) async fn replay(sequence: &Sequence) -> Vec<Finding> {
    let mut player = Player::start(sequence).await;
    let mut findings = Vec::new();
    for exchange in &sequence.exchanges {
        let differences = player.play(exchange).await;
        findings.push(Finding {
            name: exchange.name.clone(),
            differences,
        });
    }
    findings
}

impl Player {
    pub(crate) async fn start(sequence: &Sequence) -> Self {
        let times = sequence.exchanges.iter().filter_map(happened);
        let begin = times
            .min()
            .unwrap_or_else(|| "2026-11-21T12:00:00Z".parse().unwrap());
        let clock = ManualClock::at(begin - TimeDelta::seconds(5));
        let server = Server::start(&clock).await;
        let listens = sequence
            .exchanges
            .iter()
            .any(|exchange| exchange.answer.is_some());
        let receiver = if listens {
            Some(Receiver::start(&server.fake).await)
        } else {
            None
        };
        let mut mapping = Mapping::default();
        server.keep_numbers(&mut mapping);
        Self {
            server,
            clock,
            mapping,
            receiver,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// The fake's clock follows the recording's and never goes back.
    pub(crate) fn follow(&self, exchange: &Exchange) {
        let now = calcom::ambient::Clock::now(&self.clock);
        let next =
            happened(exchange).filter(|time| *time > now && *time - now < TimeDelta::days(1));
        match next {
            Some(time) => self.clock.set(time),
            None => self.clock.advance(Duration::from_millis(1)),
        }
    }

    async fn play(&mut self, exchange: &Exchange) -> Vec<String> {
        self.follow(exchange);
        let Some(told) = &exchange.response else {
            return self.play_deliveries(exchange).await;
        };
        let mut answer = self.send(&exchange.request).await;
        let mut differences = self.learn_and_compare(&exchange.request, told, &answer);
        if !differences.is_empty() && exchange.request.method == "GET" {
            // The recording does not tell how long the recorder waited before a read.
            self.clock.advance(PAUSE);
            answer = self.send(&exchange.request).await;
            let later = self.learn_and_compare(&exchange.request, told, &answer);
            if later.is_empty() {
                differences = later;
            }
        }
        differences
    }

    fn learn_and_compare(&mut self, asked: &Asked, told: &Told, answer: &Answer) -> Vec<String> {
        let kind = singular(
            asked
                .path
                .split('/')
                .filter(|part| !part.is_empty())
                .nth(1)
                .unwrap_or_default(),
        );
        self.mapping.learn(&told.body, &answer.body, &kind);
        let mut comparison = self.comparison();
        comparison.equal("status", told.status, answer.status);
        comparison.equal("content-type", &told.content_type, &answer.content_type);
        comparison.compare("", "", &kind, &told.body, &answer.body);
        comparison.differences
    }

    /// Makes a call of which the recording knows what it delivered.
    async fn play_deliveries(&mut self, exchange: &Exchange) -> Vec<String> {
        let receiver = self.receiver.clone().unwrap();
        let answer = self.send(&exchange.request).await;
        let arrived = receiver.take_after_answer(exchange.deliveries.len()).await;
        for (name, pointer) in &exchange.learn {
            if let Some(Value::String(text)) = answer.body.pointer(pointer) {
                self.mapping.pair(name, text);
            }
        }
        for (recorded, arrived) in exchange.deliveries.iter().zip(&arrived) {
            self.mapping.learn(&recorded.body, &arrived.body, "");
        }
        let mut comparison = self.comparison();
        comparison.equal("status", exchange.answer, Some(answer.status));
        comparison.equal("deliveries", exchange.deliveries.len(), arrived.len());
        for (index, (recorded, arrived)) in exchange.deliveries.iter().zip(&arrived).enumerate() {
            let at = |what: &str| format!("delivery {index} {what}");
            comparison.equal(
                &at("before the answer"),
                recorded.before_the_answer,
                arrived.before_the_answer,
            );
            comparison.equal(
                &at("booking at arrival"),
                &recorded.status_at_arrival,
                &arrived.status_at_arrival,
            );
            comparison.equal(&at("headers"), &recorded.headers, &arrived.headers);
            comparison.compare(&at(""), "", "", &recorded.body, &arrived.body);
        }
        comparison.differences
    }

    pub(crate) fn comparison(&self) -> Comparison<'_> {
        Comparison {
            mapping: &self.mapping,
            now: calcom::ambient::Clock::now(&self.clock),
            differences: Vec::new(),
        }
    }

    pub(crate) async fn send(&self, asked: &Asked) -> Answer {
        let request = self.request(asked);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let content_type = response
            .headers()
            .get("content-type")
            .map(|kind| kind.to_str().unwrap().to_owned());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or_else(|_| json!({"__raw": text}));
        Answer {
            status,
            content_type,
            body,
        }
    }

    /// A request as it was recorded, for the things of the replay.
    pub(crate) fn request(&self, asked: &Asked) -> reqwest::RequestBuilder {
        let mut target = self.mapping.path(&asked.path);
        if !asked.query.is_empty() {
            target = format!("{target}?{}", self.mapping.query(&asked.query));
        }
        let url = format!("http://{}{target}", self.server.fake.address());
        let mut request = self.http.request(asked.method.parse().unwrap(), url);
        if let Some(authorization) = self.server.authorization(asked.caller.as_deref()) {
            request = request.header("authorization", authorization);
        }
        if let Some(version) = &asked.version {
            request = request.header("cal-api-version", version);
        }
        for (name, value) in &asked.headers {
            request = request.header(name, value);
        }
        let body = match &asked.body {
            Value::Null => return request,
            Value::String(text) => self.mapping.text(text),
            body => self.mapping.body(body).to_string(),
        };
        match &asked.content_type {
            None => request = request.header("content-type", "application/json"),
            Some(Some(kind)) => request = request.header("content-type", kind),
            Some(None) => {}
        }
        request.body(body)
    }
}

/// When an exchange took place, as far as its answer tells.
fn happened(exchange: &Exchange) -> Option<DateTime<Utc>> {
    if let Some(told) = &exchange.response {
        return if exchange.request.method == "GET" && told.status < 400 {
            None
        } else {
            time_of(&told.body)
        };
    }
    let first = exchange.deliveries.first()?;
    time_of(&first.body)
}
