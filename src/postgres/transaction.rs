//! Transactions, whose beginning, end and duration are traced.

use std::ops::{Deref, DerefMut};

use sqlx::{PgConnection, Postgres, Transaction};
use tokio::time::Instant;

use super::error::failed;
use crate::store::StoreError;

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
