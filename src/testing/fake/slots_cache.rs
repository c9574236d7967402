//! Answers about free slots, which the server repeats for a while.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

#[derive(Default)]
pub(super) struct SlotsCache {
    lifetime: Duration,
    /// By the query, with the time of each answer.
    answers: HashMap<String, (DateTime<Utc>, Value)>,
}

impl SlotsCache {
    pub(super) fn keep_for(&mut self, lifetime: Duration) {
        self.lifetime = lifetime;
    }

    /// The answer that the query got a short time ago.
    pub(super) fn get(&self, query: &str, now: DateTime<Utc>) -> Option<Value> {
        let (since, answer) = self.answers.get(query)?;
        let age = (now - *since).to_std().ok()?;
        (age < self.lifetime).then(|| answer.clone())
    }

    pub(super) fn put(&mut self, query: &str, now: DateTime<Utc>, answer: &Value) {
        let lifetime = self.lifetime;
        self.answers
            .retain(|_, (since, _)| (now - *since).to_std().is_ok_and(|age| age < lifetime));
        if !lifetime.is_zero() {
            self.answers.insert(query.to_owned(), (now, answer.clone()));
        }
    }
}
