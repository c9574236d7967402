//! The phases of a run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::kinds::{Bodies, number_in, tenant_of};
use crate::lane::Lane;
use crate::measure::{Latencies, Memory, processor_time, resident};
use crate::report::{Comparison, Limit, Stored, Wrong};
use crate::server::{END, LIMIT, LIST, Ports};
use crate::wire::KeptAlive;
use crate::{Failure, Options, Server};

/// How often the server's memory is looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(250);
/// How many times the endpoint and the bare handler take turns.
const TURNS: u32 = 4;

pub(crate) struct Run {
    pub(crate) lanes: Vec<Lane>,
    /// How many of these, the last ones, are slow senders.
    pub(crate) slow: usize,
    pub(crate) stored: Arc<AtomicU64>,
    pub(crate) ports: Ports,
    pub(crate) length: usize,
}

/// What came of the mix.
pub(crate) struct Mix {
    pub(crate) took: Duration,
    pub(crate) requests: u64,
    pub(crate) stored: u64,
    pub(crate) latencies: Latencies,
    pub(crate) memory: Memory,
    pub(crate) processor: Option<Duration>,
}

impl Run {
    pub(crate) fn new(options: &Options, ports: Ports, bodies: &Arc<Bodies>) -> Self {
        let slow = (options.connections / 5).max(1);
        let all = options.connections + slow;
        let stored = Arc::new(AtomicU64::new(0));
        let lane = |number| Lane::new(number, all, options.seed, ports, bodies, &stored);
        Self {
            lanes: (0..all).map(lane).collect(),
            slow: usize::try_from(slow).unwrap_or(usize::MAX),
            stored: Arc::clone(&stored),
            ports,
            length: bodies.length(),
        }
    }

    pub(crate) async fn mix(&mut self, options: &Options, server: &Server) -> Result<Mix, Failure> {
        let begun = Instant::now();
        let processor = processor_time(server.id);
        let until = begun + Duration::from_secs(options.seconds);
        let mut senders = JoinSet::new();
        let first_slow = self.lanes.len() - self.slow;
        for (place, mut lane) in self.lanes.drain(..).enumerate() {
            senders.spawn(async move {
                match place < first_slow {
                    true => lane.mix(until).await,
                    false => lane.drip(until).await,
                }
                (place, lane)
            });
        }
        let mut memory = Memory::default();
        let mut next_line = begun + Duration::from_secs(10);
        while Instant::now() < until {
            tokio::time::sleep(SAMPLE_EVERY).await;
            let Some(resident) = resident(server.id) else {
                continue;
            };
            #[expect(clippy::cast_precision_loss, reason = "a count of deliveries")]
            let stored = self.stored.load(Ordering::Relaxed) as f64;
            memory.add(resident, stored);
            if next_line <= Instant::now() {
                let seconds = begun.elapsed().as_secs();
                println!(
                    "{seconds:4} s: {stored} stored, {:.1} MiB",
                    resident / 1024.0 / 1024.0
                );
                next_line += Duration::from_secs(10);
            }
        }
        let took = begun.elapsed();
        // Slow senders are still being served, which is not counted.
        let stored = self.stored.load(Ordering::Relaxed);
        let processor = processor_time(server.id).zip(processor);
        self.lanes = in_order(senders).await?;
        let mut latencies = Latencies::default();
        for lane in &mut self.lanes {
            latencies.merge(&std::mem::take(&mut lane.latencies));
        }
        Ok(Mix {
            took,
            requests: self.lanes.iter().map(|lane| lane.tally.total()).sum(),
            stored,
            latencies: latencies.sorted(),
            memory,
            processor: processor.map(|(after, before)| after.saturating_sub(before)),
        })
    }

    /// Sends more than a source may, at once; then waits as it is told to, and tries again.
    pub(crate) async fn limit(&mut self) -> Result<Limit, Failure> {
        let lane = self.lanes.first_mut().ok_or("there is no connection")?;
        let mut kept = KeptAlive::new(self.ports.limited);
        let most = LIMIT.get();
        let begun = Instant::now();
        let mut accepted = BTreeMap::<_, u32>::new();
        let (mut refused, mut longest, mut wrong) = (0, 0, Wrong::default());
        for _ in 0..most * 4 {
            let (tenant, answer) = lane.limited(&mut kept).await?;
            let count = accepted.entry(tenant).or_default();
            if answer.status != 429 {
                *count += 1;
                continue;
            }
            refused += 1;
            let seconds = answer.retry_after.as_deref().map(str::parse::<u64>);
            match seconds {
                Some(Ok(seconds @ 1..=60)) => longest = longest.max(seconds),
                _ => wrong.add(format!("Retry-After is {:?}", answer.retry_after)),
            }
        }
        let given_back = begun.elapsed().as_secs_f64() * f64::from(most) / 60.0;
        for (tenant, count) in &accepted {
            let at_most = f64::from(most) + given_back.ceil();
            if *count < most || f64::from(*count) > at_most {
                wrong.add(format!(
                    "{count} of {tenant} were let through, and not {most}"
                ));
            }
        }
        tokio::time::sleep(Duration::from_secs(longest)).await;
        let (_, again) = lane.limited(&mut kept).await?;
        if again.status != 200 {
            wrong.add(format!("after Retry-After the answer is {}", again.status));
        }
        Ok(Limit {
            accepted: accepted.into_values().sum(),
            refused,
            longest,
            wrong,
        })
    }

    /// Valid bodies only, to the endpoint and to the bare handler in turn.
    pub(crate) async fn compare(&mut self, options: &Options) -> Result<Comparison, Failure> {
        let seconds = u32::try_from(options.seconds).unwrap_or(u32::MAX);
        let turn = (Duration::from_secs(1) * seconds / 10)
            .clamp(Duration::from_millis(400), Duration::from_secs(4));
        let mut comparison = Comparison::default();
        for number in 0..=TURNS {
            // Neither side is always the one that comes first.
            for is_bare in [number % 2 == 0, number % 2 != 0] {
                let (rate, latencies) = self.turn(is_bare, turn).await?;
                // The first turn of each warms it up.
                if number == 0 {
                    continue;
                }
                let side = match is_bare {
                    true => &mut comparison.bare,
                    false => &mut comparison.ours,
                };
                side.push((rate, latencies.percentile(99)));
            }
        }
        Ok(comparison)
    }

    async fn turn(&mut self, is_bare: bool, time: Duration) -> Result<(f64, Latencies), Failure> {
        let begun = Instant::now();
        let mut senders = JoinSet::new();
        let first_slow = self.lanes.len() - self.slow;
        let slow = self.lanes.split_off(first_slow);
        for (place, mut lane) in self.lanes.drain(..).enumerate() {
            senders.spawn(async move {
                let (count, latencies) = lane.only_valid(is_bare, begun + time).await;
                (place, (lane, count, latencies))
            });
        }
        let mut all = Latencies::default();
        let mut answered = 0;
        let done = in_order(senders).await?;
        let took = begun.elapsed();
        for (lane, count, latencies) in done {
            self.lanes.push(lane);
            answered += count;
            all.merge(&latencies);
        }
        self.lanes.extend(slow);
        #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
        let rate = answered as f64 / took.as_secs_f64();
        Ok((rate, all.sorted()))
    }

    /// Compares what is stored with what was accepted.
    pub(crate) async fn verify(
        &self,
        server: &mut Server,
        has_worker: bool,
    ) -> Result<Stored, Failure> {
        let mut counts: Vec<Vec<u8>> = Vec::new();
        for lane in &self.lanes {
            counts.push(vec![0; lane.accepted.len()]);
        }
        let mut stored = Stored::default();
        server.input.write_all(LIST.as_bytes()).await?;
        loop {
            let line = server.output.next_line().await?;
            let line = line.ok_or("the server has ended")?;
            if line == END {
                break;
            }
            let mut words = line.split(' ');
            let mut word = || words.next().unwrap_or_default();
            let (tenant, uid, fate) = (word(), word(), word());
            stored.deliveries += 1;
            stored.settled += u64::from(fate == "done");
            let number = match number_in(uid) {
                Ok(number) => number,
                Err(problem) => {
                    stored.wrong.add(problem);
                    continue;
                }
            };
            if tenant_of(number).0 != tenant {
                stored.wrong.add(format!("{uid} is stored for {tenant}"));
            }
            let lanes = self.lanes.iter().zip(&mut counts);
            let mut places =
                lanes.filter_map(|(lane, counts)| counts.get_mut(lane.place_of(number)?));
            match places.next() {
                Some(count) => *count = count.saturating_add(1),
                None => stored
                    .wrong
                    .add(format!("{uid} is stored and was not sent")),
            }
        }
        for (lane, counts) in self.lanes.iter().zip(&counts) {
            for (place, (accepted, count)) in lane.accepted.iter().zip(counts).enumerate() {
                let number = lane.number_at(place);
                let is_right = match (lane.withheld.contains(&number), has_worker) {
                    (true, _) => (*accepted, *count) == (0, 0),
                    (false, false) => (*accepted, *count) == (1, 1),
                    // What was settled may be stored again.
                    (false, true) => accepted == count && *count > 0,
                };
                if !is_right {
                    stored.wrong.add(format!(
                        "body {number} was accepted {accepted} times and is stored {count} times"
                    ));
                }
            }
        }
        Ok(stored)
    }
}

/// What the tasks return, by their places.
async fn in_order<T: 'static>(mut tasks: JoinSet<(usize, T)>) -> Result<Vec<T>, Failure> {
    let mut done = BTreeMap::new();
    while let Some(finished) = tasks.join_next().await {
        let (place, value) = finished?;
        done.insert(place, value);
    }
    Ok(done.into_values().collect())
}
