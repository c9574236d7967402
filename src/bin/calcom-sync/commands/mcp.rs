//! `mcp`: a tenant's tools for the MCP client that has started this process. Standard output is the client's.

use std::sync::Arc;

use calcom::agents::mcp::{McpError, McpErrorKind, serve_stdio};
use calcom::sync::{SyncEngine, Worker, WorkerConfig};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cli::{Global, McpArgs};
use crate::context::Context;
use crate::failure::{Failure, FailureKind};
use crate::logs;
use crate::settings::Settings;
use crate::signals::Stop;

pub(crate) async fn run(flags: &Global, arguments: McpArgs) -> Result<(), Failure> {
    let mut stop = Stop::listen();
    let settings = Settings::load(flags)?;
    let _logs = logs::start(&settings.log, "warn")?;
    let context = tokio::select! {
        context = Context::open(settings) => context?,
        () = stop.told() => return Err(Failure::interrupted()),
    };
    let tenant = context.tenant()?.clone();
    let work = (!arguments.no_worker).then(|| Work::begin(&context));
    let served = tokio::select! {
        served = serve_stdio(context.tools.clone(), tenant) => served.map_err(Failure::from),
        // An MCP client may end its servers in this way.
        () = stop.told() => Ok(()),
    };
    tokio::select! {
        () = async {
            if let Some(work) = work {
                work.end().await;
            }
            context.notifiers.flush().await;
        } => served,
        () = stop.told() => Err(Failure::interrupted()),
    }
}

/// Brings to Cal.com what the tools take, beside them.
struct Work {
    stop: watch::Sender<bool>,
    worker: JoinHandle<()>,
}

impl Work {
    fn begin(context: &Context) -> Self {
        let engine: Arc<dyn SyncEngine> = context.engine.clone();
        let mut config = WorkerConfig::default();
        config.retention = context.settings.keep;
        let worker = Worker::new(engine).with_config(config);
        let (stop, mut stopping) = watch::channel(false);
        let worker = tokio::spawn(async move {
            let stop = async {
                // A sender that is gone is a stop, too.
                let _ = stopping.wait_for(|stop| *stop).await;
            };
            worker.run_until(stop).await;
        });
        Self { stop, worker }
    }

    /// Finishes what has begun.
    async fn end(self) {
        let _ = self.stop.send(true);
        // A panic has been reported already.
        let _ = self.worker.await;
    }
}

impl From<McpError> for Failure {
    fn from(error: McpError) -> Self {
        let (kind, advice) = match error.kind() {
            McpErrorKind::Protocol => (
                FailureKind::Usage,
                "start it from an MCP client, which talks to it over standard input and output",
            ),
            McpErrorKind::Connection => (FailureKind::Unfinished, "start it again"),
            _ => (
                FailureKind::Unfinished,
                "report this as a defect of calcom-sync",
            ),
        };
        Self::new(kind, error.to_string(), advice)
    }
}
