//! What the processes with one schema tell each other: that a door has recorded something, and that
//! availability has changed.

use std::fmt;
use std::time::Duration;

#[cfg(feature = "client")]
use futures_util::future::join_all;
use sqlx::postgres::{PgListener, PgNotification};

use super::PostgresStore;
use super::error::failed;
#[cfg(feature = "client")]
use crate::client::{Client, Forgotten};
use crate::store::TenantId;

/// How long to wait before a listener that could not connect tries again.
const RETRY: Duration = Duration::from_secs(1);

/// The channel's name after the schema's. More than four bytes do not fit behind the longest schema.
const DUE: &str = "_due";
#[cfg(feature = "client")]
const OLD: &str = "_old";
#[cfg(feature = "client")]
const NOTIFY: &str = "SELECT pg_notify($1, $2)";
/// Minimum time between two notifications.
const TELLING_PAUSE: Duration = Duration::from_millis(10);
const TELL_WORKERS: &str =
    "SELECT pg_notify(current_schema() || '_due', tenant) FROM unnest($1::text[]) AS tenant";

impl PostgresStore {
    /// Calls `wake` whenever any process has stored a webhook or recorded a change: through this
    /// crate, by `record_change` or `record_changes` in SQL, or by writing to a watched table. Never
    /// ends; drop it to stop.
    ///
    /// Takes one connection of the pool for as long as it runs. After a connection is lost it
    /// connects again, and calls `wake` for what it may have missed. Workers that are not woken find
    /// the work by polling. [`listening`](Self::listening) also keeps caches up to date, over the
    /// same connection.
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
        self.listening().wake(wake).run().await;
    }

    /// Notifies the workers of other processes that new work for a tenant has been committed, in the
    /// background and in batches: PostgreSQL serializes the commits of transactions that notify, which
    /// would slow down concurrent callers. If a notification fails, polling finds the work.
    pub(super) fn tell_workers(&self, tenant: &TenantId) {
        let store = self.clone();
        self.telling().submit(tenant.clone(), move |tenants| {
            let store = store.clone();
            async move {
                let names: Vec<_> = tenants.iter().map(TenantId::as_str).collect();
                let told = sqlx::query(TELL_WORKERS).bind(names);
                if let Err(error) = told.execute(store.pool()).await.map_err(failed) {
                    tracing::debug!(%error, "workers of other processes were not notified");
                }
                tokio::time::sleep(TELLING_PAUSE).await;
                Vec::new()
            }
        });
    }

    /// Listens to the other processes with this schema, over one connection of the pool.
    pub fn listening(&self) -> PostgresListening<'_> {
        PostgresListening {
            store: self,
            wake: None,
            #[cfg(feature = "client")]
            caches: Vec::new(),
        }
    }

    async fn listener(&self, channels: &[String]) -> Result<PgListener, sqlx::Error> {
        let mut listener = PgListener::connect_with(self.pool()).await?;
        for channel in channels {
            listener.listen(channel).await?;
        }
        Ok(listener)
    }
}

/// What to do when another process says something; see [`PostgresStore::listening`].
#[must_use = "nothing is heard until it runs"]
pub struct PostgresListening<'a> {
    store: &'a PostgresStore,
    wake: Option<Box<dyn Fn() + Send + 'a>>,
    #[cfg(feature = "client")]
    caches: Vec<Cache>,
}

impl fmt::Debug for PostgresListening<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresListening")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl<'a> PostgresListening<'a> {
    /// Calls `wake` as [`wake_on_change`](PostgresStore::wake_on_change) does.
    pub fn wake(mut self, wake: impl Fn() + Send + 'a) -> Self {
        self.wake = Some(Box::new(wake));
        self
    }

    /// Keeps the [cached availability](Client::availability) of a client up to date with the clients
    /// that are listening under the same name: whatever one of them forgets, because it wrote
    /// something or received a webhook, the others forget too. Use one name for all clients of one
    /// account, such as that of the tenant; other processes learn only its hash.
    ///
    /// After a lost connection, everything is forgotten.
    ///
    /// ```no_run
    /// # use std::sync::Arc;
    /// # use calcom::client::Client;
    /// # use calcom::postgres::PostgresStore;
    /// # use calcom::sync::{Engine, SyncEngine};
    /// # async fn run(store: PostgresStore, engine: Arc<Engine>, client: Client) {
    /// tokio::spawn(async move {
    ///     let listening = store.listening().wake(|| engine.nudge());
    ///     listening.forget("salon", &client).run().await;
    /// });
    /// # }
    /// ```
    #[cfg(feature = "client")]
    pub fn forget(mut self, account: &str, client: &Client) -> Self {
        let number = self.caches.len();
        self.caches
            .push(Cache::new(account, number, client.clone()));
        self
    }

    /// Listens. Never ends; drop it to stop.
    pub async fn run(self) {
        let Self {
            store,
            wake,
            #[cfg(feature = "client")]
            caches,
        } = self;
        let mut channels = Vec::new();
        if wake.is_some() {
            channels.push(format!("{}{DUE}", store.schema()));
        }
        #[cfg(feature = "client")]
        if !caches.is_empty() {
            channels.push(format!("{}{OLD}", store.schema()));
        }
        #[cfg(feature = "client")]
        let telling = join_all(caches.iter().map(|cache| cache.tell(store)));
        #[cfg(feature = "client")]
        let hearing = &caches;
        let heard = move |told: Option<&PgNotification>| {
            let is_due = |told: &PgNotification| told.channel().ends_with(DUE);
            if let Some(wake) = &wake
                && told.is_none_or(is_due)
            {
                wake();
            }
            #[cfg(feature = "client")]
            for cache in hearing {
                cache.hear(told);
            }
        };
        let listening = listen(store, &channels, heard);
        #[cfg(feature = "client")]
        tokio::join!(listening, telling);
        #[cfg(not(feature = "client"))]
        listening.await;
    }
}

/// Passes on what is heard; nothing, when something may have been missed.
async fn listen(
    store: &PostgresStore,
    channels: &[String],
    heard: impl FnMut(Option<&PgNotification>) + Send,
) {
    let mut heard = heard;
    loop {
        if let Ok(mut listener) = store.listener(channels).await {
            // Whatever was said before anybody listened.
            heard(None);
            // A lost connection is made again, and listened on, before it is told.
            while let Ok(told_or_lost) = listener.try_recv().await {
                heard(told_or_lost.as_ref());
            }
        }
        tracing::warn!(
            schema = store.schema(),
            "the connection that listens to other processes was lost"
        );
        tokio::time::sleep(RETRY).await;
    }
}

/// The cache of one client.
#[cfg(feature = "client")]
struct Cache {
    client: Client,
    /// The hash of the account's name.
    account: String,
    /// By which the client knows what it has said itself.
    speaker: String,
}

#[cfg(feature = "client")]
impl Cache {
    fn new(account: &str, number: usize, client: Client) -> Self {
        use crate::ambient::{Entropy, SystemEntropy};
        use sha2::{Digest, Sha256};

        Self {
            client,
            account: hex::encode(&Sha256::digest(account)[..16]),
            speaker: format!("{:016x}.{number}", SystemEntropy.next_u64()),
        }
    }

    /// Forgets what another client says that it has forgotten; everything, if something may have been
    /// missed.
    fn hear(&self, told: Option<&PgNotification>) {
        let Some(told) = told else {
            self.client.availability().forget(Forgotten::Everything);
            return;
        };
        if !told.channel().ends_with(OLD) {
            return;
        }
        let mut words = told.payload().split(' ');
        let (account, speaker) = (words.next(), words.next());
        if account == Some(self.account.as_str()) && speaker != Some(self.speaker.as_str()) {
            let what = match words.next() {
                Some("slots") => Forgotten::Slots,
                _ => Forgotten::Everything,
            };
            self.client.availability().forget(what);
        }
    }

    /// Says what the client forgets.
    async fn tell(&self, store: &PostgresStore) {
        let channel = format!("{}{OLD}", store.schema());
        let mut changes = self.client.availability().changes();
        loop {
            let what = match changes.next().await {
                Forgotten::Slots => "slots",
                _ => "everything",
            };
            let payload = format!("{} {} {what}", self.account, self.speaker);
            while let Err(error) = sqlx::query(NOTIFY)
                .bind(&channel)
                .bind(&payload)
                .execute(store.pool())
                .await
            {
                tracing::warn!(
                    error = %failed(error),
                    "other processes could not be told that availability has changed"
                );
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}
