//! `serve`: the sync itself. Workers, the webhook receiver and the operations page in one process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use calcom::server::{LiveStreams, SignInLinks};
use calcom::sync::{Monitor, SyncEngine, Worker, WorkerConfig};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cli::{Global, ServeArgs};
use crate::context::Context;
use crate::database::Database;
use crate::demo::Demo;
use crate::failure::Failure;
use crate::output::{Output, Tone};
use crate::settings::{Settings, webhook_path};
use crate::signals::Stop;
use crate::{logs, router};

/// How long open connections are waited for when the program stops.
const CLOSING: Duration = Duration::from_secs(5);

pub(crate) async fn run(
    flags: &Global,
    output: &Output,
    arguments: ServeArgs,
) -> Result<(), Failure> {
    let mut settings = Settings::load(flags)?;
    if let Some(listen) = arguments.listen {
        settings.listen = listen;
    }
    if let Some(folder) = arguments.log_file {
        settings.log.dir = Some(folder);
    }
    if settings.has_key() {
        let _logs = logs::start(&settings.log, "info")?;
        serve(settings, output).await
    } else {
        let _logs = logs::start(&settings.log, "error")?;
        demonstrate(settings, output, arguments.demo_port).await
    }
}

async fn serve(settings: Settings, output: &Output) -> Result<(), Failure> {
    let mut stop = Stop::listen();
    // A port that is taken is told before anything is opened.
    let listener = listen(settings.listen).await?;
    let context = tokio::select! {
        context = Context::open(settings) => context?,
        () = stop.told() => return Err(Failure::interrupted()),
    };
    let mut config = WorkerConfig::default();
    config.retention = context.settings.keep;
    let serving = Serving::receiving(&context, listener)
        .await?
        .working(&context, config);
    greet(&context, &serving, output, None)?;
    watch_subscriptions(&context);
    stop.told().await;
    output.line("Stopping; press Ctrl-C again to stop at once.");
    tokio::select! {
        () = async {
            serving.stop().await;
            context.notifiers.flush().await;
        } => Ok(()),
        () = stop.told() => Err(Failure::interrupted()),
    }
}

async fn demonstrate(settings: Settings, output: &Output, port: u16) -> Result<(), Failure> {
    let mut stop = Stop::listen();
    let listener = match TcpListener::bind(settings.listen).await {
        Ok(listener) => listener,
        // Nothing outside the demo knows its address.
        Err(_) => listen(SocketAddr::new(settings.listen.ip(), 0)).await?,
    };
    let address = listener.local_addr()?;
    let demo = Demo::start(settings, address, port).await?;
    let context = Context::open(demo.settings().clone()).await?;
    let mut config = WorkerConfig::default();
    config.poll_interval = Duration::from_millis(200);
    config.retention = context.settings.keep;
    let serving = Serving::receiving(&context, listener).await?;
    tokio::select! {
        set = demo.set_the_stage(&context) => set?,
        () = stop.told() => return Ok(()),
    }
    let serving = serving.working(&context, config);
    greet(&context, &serving, output, Some(&demo))?;
    let ended = tokio::select! {
        ended = demo.live(&context, output) => ended,
        () = stop.told() => Ok(()),
    };
    tokio::select! {
        () = serving.stop() => {}
        () = stop.told() => {}
    }
    demo.end().await;
    ended
}

pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::settings(
            format!("{address} cannot be listened on"),
            "choose another address with --listen, or stop the program that uses it",
        )
        .because(error)
    })
}

/// What runs until it is stopped.
struct Serving {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    /// The workers and the other background tasks.
    workers: Vec<JoinHandle<()>>,
    /// Links that sign in to the operations page once.
    links: SignInLinks,
    live: LiveStreams,
}

/// How often measurements are brought up to date, so that they do not pile up where nobody reads them.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

impl Serving {
    /// Receives webhooks and serves the page.
    async fn receiving(context: &Context, listener: TcpListener) -> Result<Self, Failure> {
        let address = listener.local_addr()?;
        let (stop, mut stopping) = watch::channel(false);
        let monitor = Arc::new(Monitor::new(context.engine.clone()));
        let metrics = install_metrics()?;
        let (links, live) = (SignInLinks::default(), LiveStreams::default());
        let parts = router::Parts {
            monitor: Arc::clone(&monitor),
            metrics: metrics.clone(),
            links: links.clone(),
            live: live.clone(),
            agents: router::agents_config(context).await?,
        };
        let router = router::router(context, parts);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, service).with_graceful_shutdown(async move {
            // A sender that is gone is a stop, too.
            let _ = stopping.wait_for(|stop| *stop).await;
        });
        let server = tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the server stopped");
            }
        });
        let mut serving = Self {
            address,
            stop,
            server,
            workers: Vec::new(),
            links,
            live,
        };
        serving.beside(async move { monitor.run_until(std::future::pending()).await });
        serving.beside(async move {
            loop {
                tokio::time::sleep(METRICS_UPKEEP).await;
                metrics.run_upkeep();
            }
        });
        Ok(serving)
    }

    /// Runs something beside the server, until that stops.
    fn beside(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        let mut stopping = self.stop.subscribe();
        self.workers.push(tokio::spawn(async move {
            tokio::select! {
                () = work => {}
                _ = stopping.wait_for(|stop| *stop) => {}
            }
        }));
    }

    /// Works, too.
    fn working(mut self, context: &Context, config: WorkerConfig) -> Self {
        let engine: Arc<dyn SyncEngine> = context.engine.clone();
        let worker = Worker::new(engine).with_config(config);
        let mut stopping = self.stop.subscribe();
        self.workers.push(tokio::spawn(async move {
            let stop = async {
                let _ = stopping.wait_for(|stop| *stop).await;
            };
            worker.run_until(stop).await;
        }));
        if let Database::Postgres(store) = &context.database {
            let (store, engine) = (store.clone(), context.engine.clone());
            self.beside(async move { store.wake_on_change(|| engine.nudge()).await });
        }
        self
    }

    /// Finishes what has begun. Connections that stay open, such as those of a page that is looked
    /// at, are closed.
    async fn stop(self) {
        let Self {
            stop,
            mut server,
            workers,
            live,
            ..
        } = self;
        let _ = stop.send(true);
        live.end();
        if tokio::time::timeout(CLOSING, &mut server).await.is_err() {
            server.abort();
        }
        for worker in workers {
            // A panic has been reported already.
            let _ = worker.await;
        }
    }
}

/// Has measurements collected, for `/metrics`.
fn install_metrics() -> Result<PrometheusHandle, Failure> {
    let cannot = |error| {
        Failure::settings(
            "measurements cannot be collected",
            "report this as a defect of calcom-sync",
        )
        .because(error)
    };
    let builder = PrometheusBuilder::new()
        .set_buckets(&calcom::metrics::BUCKETS)
        .map_err(cannot)?;
    let handle = builder.install_recorder().map_err(cannot)?;
    calcom::metrics::describe();
    Ok(handle)
}

fn greet(
    context: &Context,
    serving: &Serving,
    output: &Output,
    demo: Option<&Demo>,
) -> Result<(), Failure> {
    let settings = &context.settings;
    let address = serving.address;
    let link = serving.links.mint(router::first_operator(context))?;
    let page = format!("http://{address}{link}");
    let webhooks: Vec<(String, String)> = context
        .tenants
        .iter()
        .map(|tenant| {
            let url = settings.webhook_url(tenant);
            let url = url.unwrap_or_else(|| format!("http://{address}{}", webhook_path(tenant)));
            (tenant.to_string(), url)
        })
        .collect();
    let with_mcp = settings.tenants.iter().filter(|tenant| tenant.mcp.is_some());
    let base = settings.public_url.as_ref().map_or_else(
        || format!("http://{address}"),
        |url| url.as_str().trim_end_matches('/').to_owned(),
    );
    let mcp: Vec<(String, String)> = with_mcp
        .map(|tenant| (tenant.id.to_string(), format!("{base}/mcp/{}", tenant.id)))
        .collect();
    output.json(&json!({
        "listening": address,
        "page": page,
        "webhooks": webhooks.iter().map(|(tenant, url)| json!({"tenant": tenant, "url": url})).collect::<Vec<_>>(),
        "mcp": mcp.iter().map(|(tenant, url)| json!({"tenant": tenant, "url": url})).collect::<Vec<_>>(),
        "database": settings.database.to_string(),
        "demo": demo.map(|demo| json!({"calcom": demo.calcom()})),
    }));
    output.line(format!(
        "calcom-sync {} is running{}.",
        env!("CARGO_PKG_VERSION"),
        if demo.is_some() { " as a demo" } else { "" }
    ));
    let item = |name: &str, value: &str| output.line(format!("  {name:<17}{value}"));
    item("Operations page", &output.paint(Tone::Strong, &page));
    match settings.tokens.first().filter(|_| demo.is_some()) {
        Some(token) => item(
            "",
            &format!(
                "(the link signs in once; the token is {})",
                token.token.expose_secret()
            ),
        ),
        None => item(
            "",
            "(the link signs in once, within ten minutes; after that, a token of the settings does)",
        ),
    }
    for (tenant, url) in &webhooks {
        item("Webhooks", &format!("{tenant}: {url}"));
    }
    for (tenant, url) in &mcp {
        item("MCP", &format!("{tenant}: {url}"));
    }
    item("Database", &settings.database.to_string());
    match demo {
        Some(demo) => {
            item("Cal.com", &format!("{} (a fake one, in this process)", demo.calcom()));
            output.line("In another terminal, `calcom-sync --demo status` and all other commands use the same demo.");
            output.line(
                "For your own account, set CALCOM_API_KEY, CALCOM_EVENT_TYPE_IDS and CALCOM_WEBHOOK_SECRET, or write \
                 calcom-sync.toml; then run `calcom-sync check`.",
            );
        }
        None if settings.public_url.is_none() => output.line(
            "Set public_url to the address under which Cal.com reaches this program, then run `calcom-sync webhook repair`.",
        ),
        None => {}
    }
    output.line("Press Ctrl-C to stop.");
    Ok(())
}

/// Says once in the log where webhooks do not come as they should.
fn watch_subscriptions(context: &Context) {
    let of_tenants = context
        .tenants
        .iter()
        .filter(|tenant| context.settings.webhook_url(tenant).is_some());
    for tenant in of_tenants {
        let (engine, tenant) = (context.engine.clone(), tenant.clone());
        tokio::spawn(async move {
            match engine.check_subscription(&tenant).await {
                Ok(report) if report.is_healthy() => {}
                Ok(_) => tracing::warn!(
                    %tenant,
                    "webhooks get lost: the subscription at Cal.com is not in order; see `calcom-sync check`"
                ),
                Err(error) => {
                    let error = crate::failure::with_causes(&error);
                    tracing::warn!(%tenant, error, "the webhook subscription cannot be checked");
                }
            }
        });
    }
}
