//! Transactions, whose beginning, end and duration are traced.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::{PgConnection, Postgres, Transaction};
use tokio::time::Instant;

use super::PostgresStore;
use super::error::{failed, is_lost_connection, is_lost_race};
use crate::ambient::{Entropy, SystemEntropy};
use crate::store::StoreError;

/// How often a transaction is tried that lost against another one, or lost its connection.
const ATTEMPTS: u32 = 3;
/// The longest pause before the second attempt; it doubles with each.
const PAUSE: Duration = Duration::from_millis(20);

/// An open transaction. One that is dropped is rolled back a moment later, and until then nobody
/// else gets its locks; so what fails is rolled back by [`end`](Self::end).
pub(super) struct Traced {
    transaction: Transaction<'static, Postgres>,
    trace: Trace,
}

impl Traced {
    pub(super) fn new(transaction: Transaction<'static, Postgres>, trace: Trace) -> Self {
        Self { transaction, trace }
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit().await.map_err(failed)?;
        self.trace.committed();
        Ok(())
    }

    /// Ends the transaction as its work has ended.
    pub(super) async fn end<T>(self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        if done.is_ok() {
            self.commit().await?;
        } else {
            // The error that is told is the first one.
            let _ = self.transaction.rollback().await;
        }
        done
    }
}

impl Deref for Traced {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.transaction
    }
}

impl DerefMut for Traced {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}

/// Traces one transaction, the wait for its connection included: what was not committed by the time
/// this is dropped was rolled back, or its end is unknown.
pub(super) struct Trace {
    name: &'static str,
    since: Instant,
    is_committed: bool,
}

impl Trace {
    pub(super) fn begin(name: &'static str) -> Self {
        tracing::debug!(transaction = name, "transaction begins");
        Self {
            name,
            since: Instant::now(),
            is_committed: false,
        }
    }

    pub(super) fn committed(mut self) {
        self.is_committed = true;
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        let (transaction, duration) = (self.name, self.since.elapsed());
        if self.is_committed {
            tracing::debug!(transaction, ?duration, "transaction committed");
        } else {
            tracing::debug!(transaction, ?duration, "transaction rolled back");
        }
    }
}

/// Traces a statement that is a transaction of its own.
pub(super) async fn alone<T>(
    name: &'static str,
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    let trace = Trace::begin(name);
    let done = statement.await.map_err(failed)?;
    trace.committed();
    Ok(done)
}

impl PostgresStore {
    /// Repeats a whole transaction that was rolled back for another one's sake, or whose connection
    /// was lost, when it may have been committed. `attempt` begins and commits it.
    pub(super) async fn retried<T, F, A>(&self, mut attempt: F) -> Result<T, StoreError>
    where
        F: FnMut() -> A,
        A: Future<Output = Result<T, StoreError>>,
    {
        let mut pause = PAUSE;
        for _ in 1..ATTEMPTS {
            match attempt().await {
                Err(error) if is_lost_race(&error) => tokio::time::sleep(jittered(pause)).await,
                // The others that are idle were probably lost with it.
                Err(error) if is_lost_connection(&error) => self.trust().lost(),
                answer => return answer,
            }
            pause *= 2;
        }
        attempt().await
    }
}

/// A part of a pause by chance, so that two that lost against each other do not meet again.
fn jittered(pause: Duration) -> Duration {
    let micros = u64::try_from(pause.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(SystemEntropy.next_u64() % micros.max(1))
}
