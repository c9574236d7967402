//! Senders: each sends one request after the other, and counts the answers.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use calcom::testing::{NO_SECRET, sign};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::kinds::{
    Bodies, CLOSED, HUNG_UP, Kind, LARGEST_BODY, TENANTS, Tally, UNKNOWN_TENANT, tenant_of,
};
use crate::measure::Latencies;
use crate::server::{Ports, READ_TIMEOUT};
use crate::wire::{Answer, Connection, Framing, KeptAlive, chunk, head};

/// How many accepted bodies a lane remembers, to send one of them again.
const REMEMBERED: usize = 32;
/// How long a slow sender waits between two bytes.
const DRIP: Duration = Duration::from_millis(100);

/// One connection's worth of requests.
pub(crate) struct Lane {
    number: u64,
    of: u64,
    bodies: Arc<Bodies>,
    ports: Ports,
    chance: fastrand::Rng,
    round: Vec<Kind>,
    /// How many bodies to be refused it has sent.
    refused: u64,
    recent: VecDeque<u64>,
    /// How often each of its valid bodies was accepted: one byte each is all that is kept of them.
    pub(crate) accepted: Vec<u8>,
    /// Those that the limit of requests has kept out.
    pub(crate) withheld: BTreeSet<u64>,
    pub(crate) tally: Tally,
    pub(crate) latencies: Latencies,
    pub(crate) stored: Arc<AtomicU64>,
}

impl Lane {
    pub(crate) fn new(
        number: u64,
        of: u64,
        seed: u64,
        ports: Ports,
        bodies: &Arc<Bodies>,
        stored: &Arc<AtomicU64>,
    ) -> Self {
        let seed = seed
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add(number);
        let chance = fastrand::Rng::with_seed(seed);
        Self {
            number,
            of,
            bodies: Arc::clone(bodies),
            ports,
            chance,
            round: Vec::new(),
            refused: 0,
            recent: VecDeque::with_capacity(REMEMBERED),
            accepted: Vec::new(),
            withheld: BTreeSet::new(),
            tally: Tally::default(),
            latencies: Latencies::default(),
            stored: Arc::clone(stored),
        }
    }

    /// Sends the mix.
    pub(crate) async fn mix(&mut self, until: Instant) {
        let mut kept = KeptAlive::new(self.ports.door);
        let mut second = KeptAlive::new(self.ports.door);
        while Instant::now() < until {
            let kind = match self.round.pop() {
                Some(kind) => kind,
                None => {
                    self.round = Kind::round(&mut self.chance);
                    continue;
                }
            };
            match kind {
                Kind::Twin => self.twins(&mut kept, &mut second).await,
                // Nothing is there yet to be sent again.
                Kind::Duplicate if self.recent.is_empty() => {}
                _ => {
                    let answer = self.one(kind, &mut kept).await;
                    self.tally.count(kind, &word_of(answer));
                }
            }
        }
    }

    async fn one(&mut self, kind: Kind, kept: &mut KeptAlive) -> io::Result<String> {
        match kind {
            Kind::Valid | Kind::Chunked => self.valid(kind, kept).await,
            Kind::Duplicate => {
                let number = self.recent[self.chance.usize(..self.recent.len())];
                let request = Delivery::of(&self.bodies, number);
                let answer = kept.ask(&request.whole()).await?;
                Ok(self.judge(number, &request, &answer))
            }
            Kind::Forged | Kind::OtherSecret | Kind::Unsigned | Kind::UnknownTenant => {
                let request = self.unverifiable(kind);
                Ok(code_of(&kept.ask(&request).await?))
            }
            Kind::TooLarge | Kind::TooLargeChunked => self.too_large(kind).await,
            Kind::Truncated => self.truncated().await,
            _ => self.garbage().await,
        }
    }

    /// The number of a new valid body.
    fn next_number(&mut self) -> u64 {
        let number = self.accepted.len() as u64 * self.of + self.number;
        self.accepted.push(0);
        number
    }

    fn next_refused(&mut self, kind: Kind) -> u64 {
        self.refused += 1;
        kind.refused(self.refused * self.of + self.number)
    }

    /// What an answer says, and counts it if the body was accepted.
    fn judge(&mut self, number: u64, delivery: &Delivery, answer: &Answer) -> String {
        let said = Said::of(answer);
        let name = hex::encode(Sha256::digest(&delivery.body));
        if said.is_about_a_delivery(answer) && said.delivery != Some(name.as_str()) {
            return format!("{} with the name of another delivery", answer.status);
        }
        if said.code == "stored" {
            let place = usize::try_from(number / self.of).unwrap_or(usize::MAX);
            if let Some(count) = self.accepted.get_mut(place) {
                *count = count.saturating_add(1);
            }
            self.stored.fetch_add(1, Ordering::Relaxed);
        }
        code_of(answer)
    }

    async fn valid(&mut self, kind: Kind, kept: &mut KeptAlive) -> io::Result<String> {
        let number = self.next_number();
        let delivery = Delivery::of(&self.bodies, number);
        let request = match kind {
            Kind::Chunked => delivery.chunked(),
            _ => delivery.whole(),
        };
        let begun = Instant::now();
        let answer = kept.ask(&request).await?;
        self.latencies.add(begun.elapsed(), &mut self.chance);
        let word = self.judge(number, &delivery, &answer);
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(number);
        Ok(word)
    }

    /// The same new body over two connections at once.
    async fn twins(&mut self, first: &mut KeptAlive, second: &mut KeptAlive) {
        let number = self.next_number();
        let delivery = Delivery::of(&self.bodies, number);
        let request = delivery.whole();
        let (first, second) = tokio::join!(first.ask(&request), second.ask(&request));
        for answer in [first, second] {
            let word = answer.map(|answer| self.judge(number, &delivery, &answer));
            self.tally.count(Kind::Twin, &word_of(word));
        }
    }

    fn unverifiable(&mut self, kind: Kind) -> Vec<u8> {
        let number = self.next_refused(kind);
        let body = self.bodies.body(number);
        let (tenant, secret) = tenant_of(number);
        let other = TENANTS.iter().find(|(name, _)| *name != tenant);
        let other = other.map_or("", |(_, secret)| *secret);
        let unsigned = [
            None,
            Some(NO_SECRET.to_owned()),
            Some("not hexadecimal".to_owned()),
        ];
        let (tenant, signature) = match kind {
            Kind::UnknownTenant => (UNKNOWN_TENANT, Some(sign(secret, &body))),
            Kind::OtherSecret => (tenant, Some(sign(other, &body))),
            Kind::Unsigned => (
                tenant,
                unsigned[self.chance.usize(..unsigned.len())].clone(),
            ),
            // Another body's signature, with the right secret.
            _ => (tenant, Some(sign(secret, &self.bodies.body(number + 16)))),
        };
        let mut request = head(tenant, signature.as_deref(), Framing::Length(body.len()));
        request.extend(body);
        request
    }

    /// A body that goes on beyond the limit, and is signed up to there.
    async fn too_large(&mut self, kind: Kind) -> io::Result<String> {
        let number = self.next_refused(kind);
        let (tenant, secret) = tenant_of(number);
        let mut body = self.bodies.body(number);
        body.resize(LARGEST_BODY, b' ');
        let signature = sign(secret, &body);
        let mut connection = Connection::open(self.ports.door).await?;
        let begun = match kind {
            Kind::TooLarge => {
                let mut request = head(tenant, Some(&signature), Framing::Length(1 << 30));
                request.extend(&body);
                connection.send(&request).await
            }
            _ => {
                let mut request = head(tenant, Some(&signature), Framing::Chunked);
                for piece in body.chunks(16 * 1024) {
                    request.extend(chunk(piece));
                }
                request.extend(chunk(&[b' '; 1024]));
                request.extend(chunk(&[]));
                connection.send(&request).await
            }
        };
        // The server may answer and close before it has read everything.
        let answer = connection.answer().await;
        match (begun, answer?) {
            (_, Some(answer)) => Ok(code_of(&answer)),
            (Err(error), None) => Err(error),
            (Ok(()), None) => Ok(CLOSED.to_owned()),
        }
    }

    /// A body that ends early, and is signed as if it were whole.
    async fn truncated(&mut self) -> io::Result<String> {
        let number = self.next_refused(Kind::Truncated);
        let delivery = Delivery::of(&self.bodies, number);
        let mut connection = Connection::open(self.ports.door).await?;
        let request = match self.chance.bool() {
            true => delivery.with_length(delivery.body.len() + 100),
            false => {
                let mut request = delivery.head(Framing::Chunked);
                request.extend(chunk(&delivery.body));
                request
            }
        };
        connection.send(&request).await?;
        if self.chance.bool() {
            return Ok(HUNG_UP.to_owned());
        }
        connection.finish().await?;
        let answer = connection.answer().await;
        Ok(answer
            .ok()
            .flatten()
            .map_or(CLOSED.to_owned(), |answer| code_of(&answer)))
    }

    async fn garbage(&mut self) -> io::Result<String> {
        let mut connection = Connection::open(self.ports.door).await?;
        let request = match self.chance.u8(..4) {
            // The beginning of a TLS handshake.
            0 => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
            1 => std::iter::repeat_with(|| self.chance.u8(..))
                .take(512)
                .collect(),
            2 => b"POST /webhooks/calcom/salon HTTP/1.1\r\ncontent-length: -1\r\n\r\n".to_vec(),
            _ => {
                let mut endless = b"POST /webhooks/calcom/salon HTTP/1.1\r\nx: ".to_vec();
                endless.resize(1 << 20, b'x');
                endless
            }
        };
        // The server may close before it has read everything.
        let _ = connection.send(&request).await;
        let _ = connection.finish().await;
        let answer = connection.answer().await.ok().flatten();
        Ok(answer.map_or(CLOSED.to_owned(), |answer| answer.status.to_string()))
    }

    /// Sends bodies byte by byte, each until the server has had enough of it.
    pub(crate) async fn drip(&mut self, until: Instant) {
        while Instant::now() < until {
            let answer = self.slow().await;
            self.tally.count(Kind::Slow, &word_of(answer));
        }
    }

    async fn slow(&mut self) -> io::Result<String> {
        let number = self.next_refused(Kind::Slow);
        let delivery = Delivery::of(&self.bodies, number);
        let mut connection = Connection::open(self.ports.door).await?;
        let begun = Instant::now();
        let request = delivery.with_length(delivery.body.len() + 10_000);
        connection.send(&request).await?;
        let answer = loop {
            if let Some(answer) = connection.answer_within(DRIP).await {
                break answer?;
            }
            if begun.elapsed() > READ_TIMEOUT * 5 {
                return Ok("no answer in time".to_owned());
            }
            connection.send(b" ").await?;
        };
        let Some(answer) = answer else {
            return Ok(CLOSED.to_owned());
        };
        // Nothing is held for it any longer.
        match connection.answer().await {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Ok(format!("{}, but left open", code_of(&answer)))
            }
            _ => Ok(code_of(&answer)),
        }
    }

    /// Sends valid bodies only, to the door or to the bare handler, and returns how many were answered
    /// with 200, and how fast.
    pub(crate) async fn only_valid(&mut self, is_bare: bool, until: Instant) -> (u64, Latencies) {
        let mut latencies = Latencies::default();
        let port = if is_bare {
            self.ports.bare
        } else {
            self.ports.door
        };
        let mut kept = KeptAlive::new(port);
        let mut answered = 0;
        // The bare handler stores nothing, so its bodies have numbers of their own.
        let mut bare_number = self.number;
        while Instant::now() < until {
            let number = if is_bare {
                bare_number
            } else {
                self.next_number()
            };
            bare_number += self.of;
            let delivery = Delivery::of(&self.bodies, number);
            let request = delivery.whole();
            let begun = Instant::now();
            let answer = kept.ask(&request).await;
            latencies.add(begun.elapsed(), &mut self.chance);
            answered += u64::from(answer.as_ref().is_ok_and(|answer| answer.status == 200));
            if !is_bare {
                let word = answer.map(|answer| self.judge(number, &delivery, &answer));
                self.tally.count(Kind::Valid, &word_of(word));
            }
        }
        (answered, latencies)
    }

    /// Sends one valid body to the door that limits requests, and returns its tenant and the answer.
    pub(crate) async fn limited(
        &mut self,
        kept: &mut KeptAlive,
    ) -> io::Result<(&'static str, Answer)> {
        let number = self.next_number();
        let delivery = Delivery::of(&self.bodies, number);
        let answer = kept.ask(&delivery.whole()).await?;
        let word = self.judge(number, &delivery, &answer);
        if answer.status == 429 {
            self.withheld.insert(number);
        }
        self.tally.count(Kind::Limited, &word);
        Ok((delivery.tenant, answer))
    }

    /// Where a number stands among the lane's valid bodies, if it is one of them.
    pub(crate) fn place_of(&self, number: u64) -> Option<usize> {
        let place = usize::try_from(number / self.of).ok()?;
        (number % self.of == self.number && place < self.accepted.len()).then_some(place)
    }

    pub(crate) fn number_at(&self, place: usize) -> u64 {
        place as u64 * self.of + self.number
    }
}

/// A signed body for a tenant.
struct Delivery {
    tenant: &'static str,
    signature: String,
    body: Vec<u8>,
}

impl Delivery {
    fn of(bodies: &Bodies, number: u64) -> Self {
        let body = bodies.body(number);
        let (tenant, secret) = tenant_of(number);
        Self {
            tenant,
            signature: sign(secret, &body),
            body,
        }
    }

    fn head(&self, framing: Framing) -> Vec<u8> {
        head(self.tenant, Some(&self.signature), framing)
    }

    fn whole(&self) -> Vec<u8> {
        self.with_length(self.body.len())
    }

    /// Announces another length than it has.
    fn with_length(&self, length: usize) -> Vec<u8> {
        let mut request = self.head(Framing::Length(length));
        request.extend(&self.body);
        request
    }

    fn chunked(&self) -> Vec<u8> {
        let mut request = self.head(Framing::Chunked);
        for piece in self.body.chunks(1000) {
            request.extend(chunk(piece));
        }
        request.extend(chunk(&[]));
        request
    }
}

/// What we read of an answer.
#[derive(Default, Deserialize)]
struct Said<'a> {
    #[serde(default)]
    code: &'a str,
    #[serde(default)]
    delivery: Option<&'a str>,
}

impl<'a> Said<'a> {
    fn of(answer: &'a Answer) -> Self {
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    fn is_about_a_delivery(&self, answer: &Answer) -> bool {
        answer.status == 200 && !self.code.is_empty()
    }
}

fn code_of(answer: &Answer) -> String {
    format!("{} {}", answer.status, Said::of(answer).code)
}

fn word_of(answer: io::Result<String>) -> String {
    answer.unwrap_or_else(|error| format!("no answer: {}", error.kind()))
}
