//! The demo: a salon with a fake Cal.com in this process, where something happens all the time.

mod life;
mod salon;
mod stage;
mod state;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use calcom::ambient::{Entropy, SystemEntropy};
use calcom::model::NewWebhook;
use calcom::store::{Retention, TenantId};
use calcom::sync::ConflictPolicy;
use calcom::testing::{FakeCalcom, FakeCalcomBuilder};
use secrecy::{ExposeSecret, SecretString};

use self::salon::Salon;
use self::state::{Published, State};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::{DatabaseUrl, McpSettings, Role, Settings, TenantSettings, TokenSettings, webhook_path};

/// The demo's only tenant.
const TENANT: &str = "demo";

/// A demo that runs in this process.
pub(crate) struct Demo {
    salon: Salon,
    settings: Settings,
    /// Removed when the demo ends.
    published: Published,
    folder: Option<TemporaryFolder>,
}

impl Demo {
    /// Starts the fake Cal.com and publishes how to reach the demo, which will receive webhooks at
    /// an address.
    pub(crate) async fn start(
        settings: Settings,
        address: SocketAddr,
        port: u16,
    ) -> Result<Self, Failure> {
        state::refuse_second().await?;
        // The uids of another run must not come again: a database may have been kept.
        let seed = SystemEntropy.next_u64();
        let on = |port| {
            let builder = FakeCalcom::builder()
                .seed(seed)
                .address((Ipv4Addr::LOCALHOST, port).into())
                // As a self-hosted server does.
                .cancellation_lag(Duration::from_millis(60))
                .control_api();
            salon::set_up(builder)
        };
        let fake = start_on(on, port).await?;
        let salon = Salon::open(fake);
        let (folder, database) = if settings.is_database_named {
            (None, settings.database.clone())
        } else {
            let folder = TemporaryFolder::create()?;
            let file = folder.path.join("demo.sqlite");
            (Some(folder), DatabaseUrl::Sqlite(file))
        };
        let state = State {
            tenant: TENANT.to_owned(),
            database: database.exposed(),
            schema: database.schema().map(ToOwned::to_owned),
            base_url: salon.fake.base_url().to_string(),
            api_key: salon.fake.api_key(),
            webhook_secret: random_secret(),
            sync_key_secret: random_secret(),
            token: random_secret(),
            listen: address,
            event_types: salon
                .services
                .iter()
                .map(|service| service.event_type.get())
                .collect(),
            hosts: vec![salon.fake.host_id().get()],
        };
        let settings = state.settings(&settings)?;
        let url = format!("http://{address}{}", webhook_path(&TenantId::new(TENANT)));
        salon
            .fake
            .subscribe(url, state.webhook_secret.expose_secret(), all_triggers());
        let published = state.publish()?;
        Ok(Self {
            salon,
            settings,
            published,
            folder,
        })
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The address of the fake Cal.com.
    pub(crate) fn calcom(&self) -> String {
        self.salon.fake.base_url().to_string()
    }

    /// Makes what is there when the page is opened: appointments, and items that need a decision.
    pub(crate) async fn set_the_stage(&self, context: &Context) -> Result<(), Failure> {
        stage::set(&self.salon, context).await
    }

    /// Lets people book, move and cancel, for ever.
    pub(crate) async fn live(&self, context: &Context, output: &Output) -> Result<(), Failure> {
        life::live(&self.salon, context, output).await
    }

    /// Leaves nothing behind.
    pub(crate) async fn end(self) {
        self.salon.fake.shutdown().await;
        drop(self.published);
        drop(self.folder);
    }
}

/// The settings of the demo that runs in another process.
pub(crate) fn settings_of_running(own: &Settings) -> Result<Settings, Failure> {
    state::State::read()?.settings(own)
}

async fn start_on(on: impl Fn(u16) -> FakeCalcomBuilder, port: u16) -> Result<FakeCalcom, Failure> {
    let started = match on(port).start().await {
        Ok(fake) => return Ok(fake),
        Err(_) => on(0).start().await,
    };
    started.map_err(|error| {
        Failure::settings("the demo's Cal.com cannot be started", "try again").because(error)
    })
}

/// What the engine needs to hear, newer triggers included.
fn all_triggers() -> Vec<calcom::model::Trigger> {
    let expected = calcom::sync::ExpectedSubscription::new("", Vec::new());
    let mut triggers = NewWebhook::booking_triggers();
    triggers.extend(expected.newer_triggers);
    triggers
}

pub(crate) fn random_secret() -> SecretString {
    let words = [SystemEntropy.next_u64(), SystemEntropy.next_u64()];
    format!("{:016x}{:016x}", words[0], words[1]).into()
}

/// A folder that only this user may look into, removed with everything in it.
#[derive(Debug)]
struct TemporaryFolder {
    path: PathBuf,
}

impl TemporaryFolder {
    fn create() -> Result<Self, Failure> {
        let name = format!("calcom-sync-demo-{:016x}", SystemEntropy.next_u64());
        let path = std::env::temp_dir().join(name);
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt;
            builder.mode(0o700);
        }
        builder.create(&path)?;
        Ok(Self { path })
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // What cannot be removed is left to the system, which clears its folder now and then.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

impl State {
    /// The settings of the demo; the log and the like are those of this process.
    fn settings(&self, own: &Settings) -> Result<Settings, Failure> {
        let broken = || {
            Failure::settings(
                "the demo's state file cannot be read",
                "stop the demo and start it again with `calcom-sync serve`",
            )
        };
        let database = DatabaseUrl::parse(self.database.expose_secret(), self.schema.clone())
            .map_err(|_| broken())?;
        let public_url = format!("http://{}", self.listen);
        let event_types: BTreeSet<_> = self.event_types.iter().map(|id| (*id).into()).collect();
        let tenant = TenantSettings {
            id: TenantId::new(&self.tenant),
            api_key: self.api_key.clone(),
            base_url: Some(self.base_url.clone()),
            api_version: None,
            webhook_secrets: vec![self.webhook_secret.clone()],
            event_types,
            hosts: self.hosts.iter().map(|id| (*id).into()).collect(),
            phone_only_domain: Some("phone.example.com".to_owned()),
            app_url: None,
            conflicts: ConflictPolicy::Review,
            retell: None,
            mcp: Some(McpSettings {
                token: self.token.clone(),
            }),
            default_region: "DE".parse().ok(),
            places: salon::places(&self.event_types, &self.hosts),
        };
        let token = TokenSettings {
            name: "demo".to_owned(),
            token: self.token.clone(),
            role: Role::Operator,
            tenants: BTreeSet::new(),
        };
        let mut settings = own.clone();
        settings.file = None;
        settings.is_demo = true;
        settings.database = database;
        settings.is_database_named = true;
        settings.listen = self.listen;
        settings.public_url = Some(public_url.parse().map_err(|_| broken())?);
        settings.sync_key_secret = Some(self.sync_key_secret.clone());
        // So that it can run for as long as somebody likes to look.
        settings.keep = Retention::of(Duration::from_secs(60 * 60));
        // All of its webhooks come from one source.
        settings.webhooks.requests_per_minute = None;
        settings.tenants = vec![tenant];
        settings.tokens = vec![token];
        // Nobody is to be told of people who do not exist.
        settings.notify = None;
        settings.mail = None;
        Ok(settings)
    }
}
