//! Ratios of two sides, sampled in turn.

use std::time::Duration;

const BLOCKS: usize = 5;

fn median(mut samples: Vec<Duration>) -> Duration {
    samples.sort_unstable();
    samples[samples.len() / 2]
}

/// The medians of two sides, block by block.
pub(crate) fn compare(
    samples: usize,
    ours: impl Fn() -> Duration,
    theirs: impl Fn() -> Duration,
) -> Vec<(Duration, Duration)> {
    let block = |_| {
        let (mut mine, mut other) = (Vec::new(), Vec::new());
        for turn in 0..samples.div_ceil(BLOCKS) {
            // Neither side is always the one that comes first.
            if turn % 2 == 0 {
                mine.push(ours());
                other.push(theirs());
            } else {
                other.push(theirs());
                mine.push(ours());
            }
        }
        (median(mine), median(other))
    };
    block(0);
    (0..BLOCKS).map(block).collect()
}

pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// Smallest, middle and largest.
pub(crate) fn spread(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    [
        values[0],
        values[values.len() / 2],
        values[values.len() - 1],
    ]
}

pub(crate) fn print_heading(ours: &str, theirs: &str) {
    println!(
        "\n{:<48} {ours:>9} {theirs:>9}   ratio (blocks)             goal",
        "medians, in microseconds"
    );
}

pub(crate) fn print_ratio(name: &str, goal: f64, blocks: &[(Duration, Duration)]) {
    let [_, ours, _] = spread(blocks.iter().map(|(ours, _)| micros(*ours)));
    let [_, theirs, _] = spread(blocks.iter().map(|(_, theirs)| micros(*theirs)));
    let ratios = blocks.iter().map(|(a, b)| micros(*a) / micros(*b));
    let [least, ratio, most] = spread(ratios);
    let met = if ratio <= goal { "met" } else { "MISSED" };
    println!(
        "{name:<48} {ours:>9.1} {theirs:>9.1}   {ratio:.3} ({least:.3} to {most:.3})   <= {goal:.2} {met}"
    );
}
