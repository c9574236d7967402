//! What a command works with: the engine over the configured database and tenants.

use std::collections::BTreeMap;
use std::sync::Arc;

use calcom::agents::Tools;
use calcom::agents::dialect::retell::RetellEndpoints;
use calcom::agents::retell::{RetellAccount, RetellAgentId, RetellClient, RetellConsole};
use calcom::client::{ApiVersion, ApiVersions, Client, ClientBuilder};
use calcom::store::{AppointmentRepository, ServiceRepository, Store, TenantId};
use calcom::sync::{Engine, Locale, StaticTenants, Tenant, TenantServices};
use calcom::webhook::RetellVerifier;

use crate::database::Database;
use crate::failure::{Failure, FailureKind};
use crate::notifiers::Notifiers;
use crate::settings::{Settings, TenantSettings};

/// Everything that is configured, opened.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) engine: Arc<Engine>,
    /// All configured tenants, in the order of their ids.
    pub(crate) tenants: Vec<TenantId>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) appointments: Arc<dyn AppointmentRepository>,
    pub(crate) services: Arc<dyn ServiceRepository>,
    pub(crate) database: Database,
    pub(crate) settings: Settings,
    /// Who hears of what a person should hear of; to be flushed at the end by whoever works.
    pub(crate) notifiers: Notifiers,
    clients: BTreeMap<TenantId, Client>,
    /// The voice agents of the tenants that have one; `None` if no tenant has.
    pub(crate) console: Option<Arc<RetellConsole>>,
    /// The agents' tools.
    pub(crate) tools: Tools,
}

impl Context {
    /// Opens the database, and sets up the engine. Sends nothing to Cal.com.
    pub(crate) async fn open(settings: Settings) -> Result<Self, Failure> {
        if !settings.has_key() {
            return Err(Failure::settings(
                "no Cal.com API key is configured",
                "set CALCOM_API_KEY, or write a settings file; `calcom-sync serve` without a key starts a demo, \
                 which other commands use with --demo",
            ));
        }
        // What is mistyped is told before a database is created for it.
        selected(&settings)?;
        Notifiers::of(&settings)?;
        let database = Database::open(&settings.database)
            .await
            .map_err(|error| of_database(&settings, error.into()))?;
        Self::over(settings, database)
    }

    /// Sets up the engine over an open database.
    pub(crate) fn over(settings: Settings, database: Database) -> Result<Self, Failure> {
        let services = database.services();
        let mut clients = BTreeMap::new();
        let mut tenants = Vec::new();
        for tenant in &settings.tenants {
            let client = client(tenant, &database)?;
            let url = settings.webhook_url(&tenant.id);
            tenants.push(of_settings(tenant, &client, Arc::clone(&services), url));
            clients.insert(tenant.id.clone(), client);
        }
        let directory = Arc::new(StaticTenants::new(tenants));
        let (store, appointments) = (database.store(), database.appointments());
        let builder = Engine::builder(
            Arc::clone(&store),
            Arc::clone(&appointments),
            directory.clone(),
        );
        let console = console(&settings, &store)?;
        let notifiers = Notifiers::of(&settings)?;
        let builder = builder.notifier(Arc::new(notifiers.clone()));
        let builder = match &settings.sync_key_secret {
            Some(secret) => builder.sync_key_secret(secret.clone()),
            None => builder,
        };
        let engine = Arc::new(builder.build());
        let tools = Tools::over_engine(&engine, database.desk(), directory).build();
        Ok(Self {
            engine,
            tenants: clients.keys().cloned().collect(),
            store,
            appointments,
            services,
            database,
            settings,
            notifiers,
            clients,
            console,
            tools,
        })
    }

    /// The one tenant that a command is about: that of `--tenant`, or the only one.
    pub(crate) fn tenant(&self) -> Result<&TenantId, Failure> {
        match (&self.settings.selected, self.tenants.as_slice()) {
            (Some(id), known) => known
                .iter()
                .find(|known| *known == id)
                .ok_or_else(|| unknown(id, known)),
            (None, [only]) => Ok(only),
            (None, known) => Err(Failure::settings(
                format!("several tenants are configured: {}", listed(known)),
                "say with --tenant which one is meant",
            )),
        }
    }

    /// The tenants that a command is about: that of `--tenant`, or all.
    pub(crate) fn selected(&self) -> Result<Vec<&TenantId>, Failure> {
        match self.settings.selected {
            Some(_) => Ok(vec![self.tenant()?]),
            None => Ok(self.tenants.iter().collect()),
        }
    }

    /// The client with a tenant's key.
    pub(crate) fn client(&self, tenant: &TenantId) -> Result<&Client, Failure> {
        let client = self.clients.get(tenant);
        client.ok_or_else(|| unknown(tenant, &self.tenants))
    }

    /// The voice agents.
    pub(crate) fn agents(&self) -> Result<&RetellConsole, Failure> {
        self.console.as_deref().ok_or_else(|| {
            Failure::settings(
                "no tenant has a voice agent at Retell",
                "set api_key and agent_id in [tenants.retell] of the settings",
            )
        })
    }

    /// A tenant's settings.
    pub(crate) fn settings_of(&self, tenant: &TenantId) -> Result<&TenantSettings, Failure> {
        let mut known = self.settings.tenants.iter();
        let found = known.find(|known| known.id == *tenant);
        found.ok_or_else(|| unknown(tenant, &self.tenants))
    }
}

/// The voice agents of all tenants that have one.
fn console(
    settings: &Settings,
    store: &Arc<dyn Store>,
) -> Result<Option<Arc<RetellConsole>>, Failure> {
    let mut accounts = Vec::new();
    for tenant in &settings.tenants {
        let Some(retell) = &tenant.retell else {
            continue;
        };
        let mut client = RetellClient::new(retell.api_key.clone()).map_err(of_retell)?;
        if let Some(url) = &retell.base_url {
            client = client.with_base_url(url.clone());
        }
        let endpoints = settings.public_url.as_ref();
        let endpoints = endpoints.map(|url| RetellEndpoints::new(url, &tenant.id));
        let account = RetellAccount::new(client, retell.api_key.clone())
            .with_agent(retell.agent_id.as_ref().map(RetellAgentId::new))
            .with_endpoints(endpoints)
            .with_called(retell.called_number.clone());
        accounts.push((tenant.id.clone(), account));
    }
    if accounts.is_empty() {
        return Ok(None);
    }
    let console = RetellConsole::new(Arc::clone(store) as _, accounts).map_err(of_retell)?;
    Ok(Some(Arc::new(console)))
}

fn of_retell(error: calcom::agents::retell::RetellError) -> Failure {
    Failure::settings(
        "the client for Retell cannot be set up",
        "check [tenants.retell] of the settings",
    )
    .because(error)
}

/// Whether the tenant of `--tenant` is configured.
fn selected(settings: &Settings) -> Result<(), Failure> {
    let Some(id) = &settings.selected else {
        return Ok(());
    };
    let known: Vec<TenantId> = settings.tenants.iter().map(|t| t.id.clone()).collect();
    if known.contains(id) {
        return Ok(());
    }
    Err(unknown(id, &known))
}

fn unknown(id: &TenantId, known: &[TenantId]) -> Failure {
    Failure::not_found(
        format!("tenant {id} is not configured"),
        format!("use one of these: {}", listed(known)),
    )
}

fn listed(tenants: &[TenantId]) -> String {
    let mut names: Vec<&str> = tenants.iter().map(TenantId::as_str).collect();
    names.sort_unstable();
    names.join(", ")
}

/// A failure of the database, which it names.
pub(crate) fn of_database(settings: &Settings, failure: Failure) -> Failure {
    match failure {
        Failure::Told {
            kind: kind @ FailureKind::Storage,
            message,
            advice,
            cause,
        } => Failure::Told {
            kind,
            message: format!("{message} ({})", settings.database),
            advice,
            cause,
        },
        other => other,
    }
}

/// A client with a tenant's key. Where several machines may work on one database, they share the key's
/// rate limit.
fn client(tenant: &TenantSettings, database: &Database) -> Result<Client, Failure> {
    let builder = client_builder(tenant)?;
    let builder = match database {
        Database::Postgres(store) => builder.shared_budget(Arc::new(store.clone())),
        Database::Sqlite(_) => builder,
    };
    built(builder, tenant)
}

/// What a client with a tenant's key begins with.
pub(crate) fn client_builder(tenant: &TenantSettings) -> Result<ClientBuilder, Failure> {
    let mut builder = Client::builder(tenant.api_key.clone());
    if let Some(url) = &tenant.base_url {
        builder = builder.base_url(url);
    }
    if let Some(version) = &tenant.api_version {
        let version = ApiVersion::new(version).ok_or_else(|| {
            Failure::settings(
                format!("the api_version of tenant {} is none", tenant.id),
                "write a date such as 2024-08-13, or leave it out",
            )
        })?;
        builder = builder.versions(ApiVersions::default().with_bookings(version));
    }
    Ok(builder)
}

/// The client, or what is wrong with its settings.
pub(crate) fn built(builder: ClientBuilder, tenant: &TenantSettings) -> Result<Client, Failure> {
    builder.build().map_err(|error| {
        Failure::settings(
            format!("Cal.com's client for tenant {} cannot be set up", tenant.id),
            "check its api_key and base_url",
        )
        .because(error)
    })
}

fn of_settings(
    settings: &TenantSettings,
    client: &Client,
    services: Arc<dyn ServiceRepository>,
    webhook_url: Option<String>,
) -> Tenant {
    let client = Arc::new(client.clone());
    let mut tenant = Tenant::new(settings.id.clone(), client.clone())
        .with_services(TenantServices::new(services, client.clone()))
        .with_locale(locale(settings))
        .with_conflict_policy(settings.conflicts);
    for secret in &settings.webhook_secrets {
        tenant = tenant.with_webhook_secret(secret.clone());
    }
    for id in &settings.event_types {
        tenant = tenant.with_event_type(*id);
    }
    for id in &settings.hosts {
        tenant = tenant.with_host(*id);
    }
    for branch in &settings.places.branches {
        tenant = tenant.with_branch(branch.clone());
    }
    for member in &settings.places.staff {
        tenant = tenant.with_staff_member(member.clone());
    }
    if let Some(domain) = &settings.phone_only_domain {
        tenant = tenant.with_phone_only_domain(domain);
    }
    if let Some(url) = webhook_url {
        tenant = tenant.with_subscription(client, url);
    }
    if let Some(retell) = &settings.retell {
        let verifier = RetellVerifier::new([retell.api_key.clone()]);
        tenant = tenant.with_sender(Arc::new(verifier));
    }
    tenant
}

/// In whose words times and phone numbers are: those of the branches, if they agree.
fn locale(settings: &TenantSettings) -> Locale {
    let mut locale = Locale::default();
    let branches = settings.places.branches.iter();
    let mut zones = branches.map(|branch| &branch.time_zone);
    if let Some(zone) = zones.next()
        && zones.all(|other| other == zone)
    {
        locale.time_zone = zone.clone();
    }
    locale.region = settings.default_region.map(|region| region.to_string());
    locale
}
