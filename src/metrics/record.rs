//! Recording through the facade.

use std::time::Duration;

use ::metrics::{Label, counter, gauge, histogram};

type Labels<'a> = &'a [(&'static str, &'static str)];

fn labels(labels: Labels<'_>) -> Vec<Label> {
    let labels = labels.iter();
    labels
        .map(|(name, value)| Label::from_static_parts(name, value))
        .collect()
}

pub(super) fn add(name: &'static str, with: Labels<'_>) {
    counter!(name, labels(with)).increment(1);
}

pub(super) fn set(name: &'static str, with: Labels<'_>, value: f64) {
    gauge!(name, labels(with)).set(value);
}

pub(super) fn observe(name: &'static str, with: Labels<'_>, duration: Duration) {
    histogram!(name, labels(with)).record(duration.as_secs_f64());
}
