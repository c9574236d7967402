//! Latencies and the server's memory.

use std::time::Duration;

/// How many latencies a lane keeps.
const KEPT: usize = 10_000;
const MIB: f64 = 1024.0 * 1024.0;
/// How much memory may grow apart from what the store itself keeps there.
const TOLERATED_GROWTH: f64 = 16.0 * MIB;
const TOLERATED_RATIO: f64 = 1.3;

/// A random sample of latencies, and the longest.
#[derive(Default)]
pub(crate) struct Latencies {
    sample: Vec<Duration>,
    count: usize,
    longest: Duration,
}

impl Latencies {
    pub(crate) fn add(&mut self, latency: Duration, chance: &mut fastrand::Rng) {
        self.count += 1;
        self.longest = self.longest.max(latency);
        if self.sample.len() < KEPT {
            self.sample.push(latency);
        } else if let Some(place) = self.sample.get_mut(chance.usize(..self.count)) {
            *place = latency;
        }
    }

    /// Adds those of another lane, which has seen about as many.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.sample.extend_from_slice(&other.sample);
        self.count += other.count;
        self.longest = self.longest.max(other.longest);
    }

    pub(crate) fn sorted(mut self) -> Self {
        self.sample.sort_unstable();
        self
    }

    /// Of those that were [sorted](Self::sorted).
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let place = (self.sample.len() * percent / 100).min(self.sample.len().saturating_sub(1));
        self.sample.get(place).copied().unwrap_or_default()
    }

    pub(crate) fn longest(&self) -> Duration {
        self.longest
    }
}

/// The resident memory of a process in bytes; `None` where there is no `/proc`.
pub(crate) fn resident(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u32 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(f64::from(kib) * 1024.0)
}

/// The time that a process has had on a processor.
pub(crate) fn processor_time(process: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The program's name, in brackets, can contain anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: Option<u64> = ticks.map(|ticks| ticks.parse::<u64>().ok()).sum();
    // A tick is a hundredth of a second on every architecture of Linux.
    Some(Duration::from_millis(ticks? * 10))
}

/// What the server's memory was while it worked, and how much the store held by then.
#[derive(Default)]
pub(crate) struct Memory(Vec<(f64, f64)>);

/// The memory of the second quarter of a run against that of the last.
pub(crate) struct Growth {
    pub(crate) before: f64,
    pub(crate) after: f64,
    pub(crate) peak: f64,
    pub(crate) tolerated: f64,
}

impl Memory {
    pub(crate) fn add(&mut self, resident: f64, stored: f64) {
        self.0.push((resident, stored));
    }

    /// `kept` is how many bytes of memory a stored delivery may take up: none, unless the store keeps
    /// them there. `None` if there are too few samples.
    pub(crate) fn growth(&self, kept: f64) -> Option<Growth> {
        let quarter = self.0.len() / 4;
        if quarter == 0 {
            return None;
        }
        let (before, stored_before) = mean(&self.0[quarter..2 * quarter]);
        let (after, stored_after) = mean(&self.0[self.0.len() - quarter..]);
        let peak = self.0.iter().map(|(resident, _)| *resident);
        let of_store = (stored_after - stored_before) * kept;
        Some(Growth {
            before,
            after,
            peak: peak.fold(0.0, f64::max),
            tolerated: before * TOLERATED_RATIO + TOLERATED_GROWTH + of_store,
        })
    }
}

impl Growth {
    pub(crate) fn is_flat(&self) -> bool {
        self.after <= self.tolerated
    }
}

fn mean(samples: &[(f64, f64)]) -> (f64, f64) {
    let (mut resident, mut stored) = (0.0, 0.0);
    for sample in samples {
        resident += sample.0;
        stored += sample.1;
    }
    let count: f64 = samples.iter().map(|_| 1.0).sum();
    (resident / count, stored / count)
}

impl std::fmt::Display for Growth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [before, after, peak, tolerated] =
            [self.before, self.after, self.peak, self.tolerated].map(|bytes| bytes / MIB);
        write!(
            f,
            "{before:.1} MiB in the second quarter, {after:.1} MiB in the last (tolerated: {tolerated:.1}), {peak:.1} MiB at most"
        )
    }
}
