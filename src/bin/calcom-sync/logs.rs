//! The log: to standard error, and to files that are rotated.

use std::io::IsTerminal;
use std::path::Path;

use tracing::{Level, Metadata};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::failure::Failure;
use crate::settings::LogSettings;

/// How many days are kept.
const KEPT_FILES: usize = 14;

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Writes what is left when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    _file: Option<WorkerGuard>,
}

/// Starts the log. `default` is the level where the settings name none.
pub(crate) fn start(settings: &LogSettings, default: &str) -> Result<Logs, Failure> {
    let level = settings.level.as_deref().unwrap_or(default);
    let mut layers: Vec<BoxedLayer> = vec![layer(
        settings.json,
        std::io::stderr().is_terminal(),
        level,
        std::io::stderr,
    )?];
    let mut logs = Logs::default();
    if let Some(folder) = &settings.dir {
        let (writer, guard) = tracing_appender::non_blocking(appender(folder)?);
        // A file is kept to be searched later, so that it always has the usual lines.
        let level = settings.level.as_deref().unwrap_or("info");
        layers.push(layer(settings.json, false, level, writer)?);
        logs._file = Some(guard);
    }
    // Only a second start in the same process could fail.
    let _ = tracing_subscriber::registry().with(layers).try_init();
    Ok(logs)
}

fn appender(folder: &Path) -> Result<RollingFileAppender, Failure> {
    let cannot = |error: Box<dyn std::error::Error + Send + Sync>| {
        Failure::settings(
            format!("no log can be written in {}", folder.display()),
            "name a folder that this user may write in",
        )
        .because(error)
    };
    // The appender would report it only line by line.
    std::fs::create_dir_all(folder).map_err(|error| cannot(error.into()))?;
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("calcom-sync")
        .filename_suffix("log")
        .max_log_files(KEPT_FILES)
        .build(folder)
        .map_err(|error| cannot(error.into()))
}

/// Whether a line names no customer, as far as that is known of libraries: MCP's logs whole messages below
/// warnings.
fn is_discreet(line: &Metadata<'_>) -> bool {
    *line.level() <= Level::WARN || !line.target().starts_with("rmcp")
}

fn layer<W>(
    is_json: bool,
    is_for_a_person: bool,
    level: &str,
    writer: W,
) -> Result<BoxedLayer, Failure>
where
    W: for<'a> fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(level).map_err(|error| {
        Failure::settings(
            format!("the log level {level:?} cannot be understood"),
            "write error, warn, info or debug, or a filter such as info,sqlx=warn",
        )
        .because(error)
    })?;
    let filter = filter.and(filter_fn(is_discreet));
    let layer = fmt::layer().with_writer(writer).with_ansi(false);
    Ok(if is_json {
        layer.json().with_filter(filter).boxed()
    } else if is_for_a_person {
        layer
            .with_target(false)
            .compact()
            .with_filter(filter)
            .boxed()
    } else {
        layer.with_filter(filter).boxed()
    })
}
