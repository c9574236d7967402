//! Rate budgets that the clients of several processes share.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::error::failed;
use super::rows::{Row, micros};
use super::{SqliteStore, statements};
use crate::client::{BudgetRequest, BudgetState, CredentialId, Grant, SharedBudget, StoreFailure};
use crate::sql::json;
use crate::store::StoreError;

statements! {
    STATE = "SELECT state FROM calcom_rate_budgets WHERE credential = ?1";
    STORE =
        "INSERT INTO calcom_rate_budgets (credential, state, stored_at) VALUES (?1, ?2, ?3) \
         ON CONFLICT (credential) DO UPDATE SET state = excluded.state, stored_at = excluded.stored_at";
}

/// All processes with this file share the budget of a credential. A portion costs one write. The
/// credential is known by its SHA-256 alone.
#[async_trait]
impl SharedBudget for SqliteStore {
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

impl SqliteStore {
    async fn change_budget<T>(
        &self,
        credential: &CredentialId,
        change: impl FnOnce(&mut BudgetState, DateTime<Utc>) -> T,
    ) -> Result<T, StoreError> {
        let credential = &credential.as_bytes()[..];
        let mut transaction = self.write().await?;
        let row = sqlx::query(STATE)
            .bind(credential)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        let mut state = match &row {
            Some(row) => Row::of("rate_budgets", row).json("state")?,
            None => BudgetState::default(),
        };
        let now = self.now();
        let answer = change(&mut state, now);
        sqlx::query(STORE)
            .bind(credential)
            .bind(json(&state))
            .bind(micros(now))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(answer)
    }
}
