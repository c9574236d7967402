//! Rate budgets that the clients of several processes share.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::error::failed;
use super::rows::Row;
use super::{PostgresStore, statements};
use crate::ambient::{Entropy, SystemEntropy};
use crate::client::{BudgetRequest, BudgetState, CredentialId, Grant, SharedBudget, StoreFailure};
use crate::sql::json;
use crate::store::{StoreError, StoreErrorKind};

statements! {
    STATE =
        "SELECT now_of_books() AS now, b.revision, b.state \
         FROM (SELECT) one LEFT JOIN rate_budgets b ON b.credential = $1";
    CREATE =
        "INSERT INTO rate_budgets (credential, state, stored_at) VALUES ($1, $2, clock_of_books()) \
         ON CONFLICT (credential) DO NOTHING";
    REPLACE =
        "UPDATE rate_budgets SET state = $2, revision = revision + 1, stored_at = clock_of_books() \
         WHERE credential = $1 AND revision = $3";
}

/// How often a change is tried that others were faster than.
const ATTEMPTS: u32 = 20;
/// The longest pause before a further attempt.
const PAUSE: Duration = Duration::from_millis(10);

/// All processes with this schema share the budget of a credential, in windows by the database's
/// clock. A portion costs two statements, and no transaction or lock is held between them. The
/// credential is known by its SHA-256 alone.
#[async_trait]
impl SharedBudget for PostgresStore {
    async fn reserve(
        &self,
        credential: &CredentialId,
        request: &BudgetRequest,
    ) -> Result<Grant, StoreFailure> {
        let reserve = |state: &mut BudgetState, now| state.reserve(request, now);
        Ok(self.change_budget(credential, reserve).await?)
    }

    async fn block(&self, credential: &CredentialId, wait: Duration) -> Result<(), StoreFailure> {
        let block = |state: &mut BudgetState, now| state.block(wait, now);
        Ok(self.change_budget(credential, block).await?)
    }
}

impl PostgresStore {
    async fn change_budget<T>(
        &self,
        credential: &CredentialId,
        change: impl Fn(&mut BudgetState, DateTime<Utc>) -> T,
    ) -> Result<T, StoreError> {
        let credential = &credential.as_bytes()[..];
        for _ in 0..ATTEMPTS {
            let row = sqlx::query(STATE)
                .bind(credential)
                .fetch_one(self.pool())
                .await
                .map_err(failed)?;
            let row = Row::of("rate_budgets", &row);
            let revision: Option<i64> = row.number_if_any("revision")?;
            let before = match revision {
                Some(_) => row.json::<BudgetState>("state")?,
                None => BudgetState::default(),
            };
            let mut state = before.clone();
            let answer = change(&mut state, row.instant("now")?);
            if state == before {
                return Ok(answer);
            }
            let statement = if revision.is_some() { REPLACE } else { CREATE };
            let mut stored = sqlx::query(statement).bind(credential).bind(json(&state));
            if let Some(revision) = revision {
                stored = stored.bind(revision);
            }
            let stored = stored.execute(self.pool()).await.map_err(failed)?;
            if stored.rows_affected() > 0 {
                return Ok(answer);
            }
            let micros = u64::try_from(PAUSE.as_micros()).unwrap_or(u64::MAX);
            let pause = Duration::from_micros(SystemEntropy.next_u64() % micros);
            tokio::time::sleep(pause).await;
        }
        Err(StoreError::new(
            StoreErrorKind::Unavailable,
            "other processes change the rate budget all the time: try again",
        ))
    }
}
