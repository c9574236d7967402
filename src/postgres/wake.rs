//! Waking workers when a door has recorded something, in whatever process and whatever language.

use std::time::Duration;

use sqlx::postgres::PgListener;

use super::PostgresStore;

/// How long to wait before a listener that could not connect tries again.
const RETRY: Duration = Duration::from_secs(1);

impl PostgresStore {
    /// Calls `wake` whenever `record_change`, `record_changes` or a watched table has recorded a
    /// change and the transaction was committed. Never ends; drop it to stop.
    ///
    /// Takes one connection of the pool for as long as it runs. After a connection is lost it
    /// connects again, and calls `wake` for what it may have missed. Workers that are not woken find
    /// the work by polling.
    ///
    /// ```no_run
    /// # use std::sync::Arc;
    /// # use calcom::postgres::PostgresStore;
    /// # use calcom::sync::{Engine, SyncEngine};
    /// # async fn run(store: PostgresStore, engine: Arc<Engine>) {
    /// let listening = tokio::spawn(async move { store.wake_on_change(|| engine.nudge()).await });
    /// # drop(listening);
    /// # }
    /// ```
    pub async fn wake_on_change(&self, wake: impl Fn() + Send) {
        let channel = format!("{}_due", self.schema());
        loop {
            if let Ok(mut listener) = self.listener(&channel).await {
                // Whatever was recorded before anybody listened.
                wake();
                // A lost connection is made again by the next call, which also listens again.
                while let Ok(_told_or_lost) = listener.try_recv().await {
                    wake();
                }
            }
            tracing::warn!(
                schema = self.schema(),
                "the connection that listens for changes was lost"
            );
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn listener(&self, channel: &str) -> Result<PgListener, sqlx::Error> {
        let mut listener = PgListener::connect_with(self.pool()).await?;
        listener.listen(channel).await?;
        Ok(listener)
    }
}
