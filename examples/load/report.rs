//! What is printed.

use std::fmt;
use std::time::Duration;

use crate::Options;
use crate::kinds::{Kind, TENANTS, Tally};
use crate::measure::Latencies;
use crate::run::{Mix, Run};
use crate::server::LIMIT;

impl Run {
    /// Prints what came of the mix, and returns what does not hold.
    pub(crate) fn report(&mut self, options: &Options, mix: &Mix) -> Wrong {
        let mut tally = Tally::default();
        for lane in &mut self.lanes {
            tally.add(std::mem::take(&mut lane.tally));
        }
        let mut wrong = Wrong::default();
        println!("{:<24} {:>9}   answered", "kind", "sent");
        for (kind, answers) in tally.kinds() {
            let sent: u64 = answers.iter().map(|(_, count)| count).sum();
            let said: Vec<_> = answers
                .iter()
                .map(|(answer, count)| format!("{answer}: {count}"))
                .collect();
            println!("{:<24} {sent:>9}   {}", kind.name(), said.join(", "));
            for (answer, count) in answers {
                if !kind.allows(answer, options.worker) {
                    wrong.add(format!("{}: {count} times {answer}", kind.name()));
                }
            }
        }
        let twins = [
            tally.answered(Kind::Twin, "200 stored"),
            tally.answered(Kind::Twin, "200 duplicate"),
        ];
        if !options.worker && twins[0] != twins[1] {
            wrong.add(format!(
                "of bodies sent twice at once, {twins:?} were stored and not"
            ));
        }
        #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
        let rate = |count: u64| count as f64 / mix.took.as_secs_f64();
        println!(
            "the mix: {:.0} requests/s, of which {:.0}/s were stored",
            rate(mix.requests),
            rate(mix.stored)
        );
        println!("valid ones in the mix: {}", Percentiles(&mix.latencies));
        if let Some(grows) = self.memory(options, mix) {
            wrong.add(grows);
        }
        wrong
    }

    fn memory(&self, options: &Options, mix: &Mix) -> Option<String> {
        if let Some(time) = mix.processor {
            #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
            let each = time.as_secs_f64() * 1e6 / mix.requests.max(1) as f64;
            println!(
                "the server's processor time: {:.1} s, {each:.0} µs a request",
                time.as_secs_f64()
            );
        }
        // A store in memory keeps the body and what it says, and makes room for more than there is.
        let kept = match options.over.as_str() {
            "memory" => u32::try_from(self.length).map_or(0.0, f64::from) * 2.0 + 4096.0,
            _ => 0.0,
        };
        let Some(growth) = mix.memory.growth(kept) else {
            println!("the server's memory: NOT MEASURED, as there is no /proc");
            return None;
        };
        println!("the server's memory: {growth}");
        (!growth.is_flat()).then(|| format!("the server's memory grows: {growth}"))
    }
}

struct Percentiles<'a>(&'a Latencies);

impl fmt::Display for Percentiles<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p95, p99] = [50, 95, 99].map(|percent| millis(self.0.percentile(percent)));
        let longest = millis(self.0.longest());
        write!(
            f,
            "p50 {p50:.1} ms, p95 {p95:.1} ms, p99 {p99:.1} ms, at most {longest:.1} ms"
        )
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

pub(crate) struct Limit {
    pub(crate) accepted: u32,
    pub(crate) refused: u32,
    pub(crate) longest: u64,
    pub(crate) wrong: Wrong,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "with {LIMIT} requests a minute for each of {} tenants: {} at once, then 429 {} times with Retry-After of at most {} s",
            TENANTS.len(),
            self.accepted,
            self.refused,
            self.longest
        )
    }
}

/// How many things of a kind that do not hold are told of.
const TOLD: usize = 10;

/// Requests a second and the 99th percentile of each turn.
#[derive(Default)]
pub(crate) struct Comparison {
    pub(crate) ours: Vec<(f64, Duration)>,
    pub(crate) bare: Vec<(f64, Duration)>,
}

/// The medians.
fn middle(turns: &[(f64, Duration)]) -> (f64, f64) {
    let mut rates: Vec<_> = turns.iter().map(|(rate, _)| *rate).collect();
    let mut latencies: Vec<_> = turns.iter().map(|(_, p99)| millis(*p99)).collect();
    rates.sort_by(f64::total_cmp);
    latencies.sort_by(f64::total_cmp);
    let of = |sorted: &[f64]| sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    (of(&rates), of(&latencies))
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rate, p99) = middle(&self.ours);
        let (bare_rate, bare_p99) = middle(&self.bare);
        writeln!(f, "valid ones only, in turns ({}):", self.ours.len())?;
        writeln!(f, "  the endpoint    {rate:>7.0} a second, p99 {p99:.1} ms")?;
        writeln!(
            f,
            "  a bare handler  {bare_rate:>7.0} a second, p99 {bare_p99:.1} ms"
        )?;
        let ratio = rate / bare_rate;
        write!(
            f,
            "  ratio           {ratio:>7.2}           p99 {:.1}",
            p99 / bare_p99
        )
    }
}

/// What the store holds in the end.
#[derive(Default)]
pub(crate) struct Stored {
    pub(crate) deliveries: u64,
    pub(crate) settled: u64,
    pub(crate) wrong: Wrong,
}

/// What does not hold: how much it is, and the beginning of it.
#[derive(Default)]
pub(crate) struct Wrong {
    pub(crate) count: u64,
    told: Vec<String>,
}

impl Wrong {
    pub(crate) fn add(&mut self, problem: String) {
        self.count += 1;
        if self.told.len() < TOLD {
            self.told.push(problem);
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.told.extend(other.told);
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.told {
            writeln!(f, "WRONG: {problem}")?;
        }
        match self.count {
            0 => write!(f, "load: everything holds"),
            count => write!(f, "load: {count} things do not hold"),
        }
    }
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the store: {} deliveries, of which {} are settled",
            self.deliveries, self.settled
        )
    }
}
