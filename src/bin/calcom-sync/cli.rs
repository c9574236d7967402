//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use calcom::model::EventTypeId;
use calcom::store::{AppointmentId, ReviewId};
use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::parse;

const AFTER_HELP: &str = "\
Settings come from a TOML file, then from the environment, then from flags; the last one wins. Without a
file, the environment is enough for one tenant: CALCOM_API_KEY, CALCOM_EVENT_TYPE_IDS and
CALCOM_WEBHOOK_SECRET. `calcom-sync serve` without a key starts a demo.

Exit codes:
  0  everything is fine
  1  something was found wrong, or Cal.com says no to what was asked
  2  the command line or the configuration is wrong
  3  Cal.com, or Retell, refuses the API key
  4  Cal.com, or Retell, cannot be reached, or does not answer properly
  5  the database cannot be opened, read or written
  6  what was named does not exist
  7  interrupted, or not finished in time";

/// Keeps your appointments and Cal.com's bookings in sync, and shows and repairs what is not.
#[derive(Debug, Parser)]
#[command(name = "calcom-sync", version, after_help = AFTER_HELP)]
#[command(propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// The settings file; `calcom-sync.toml` in the current folder, if there is one.
    #[arg(long, global = true, value_name = "FILE", env = "CALCOM_SYNC_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The tenant; needed only where several are configured.
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) tenant: Option<String>,
    /// The database: a SQLite file, or a `postgres://` address.
    // Not taken from the environment by the parser, which would show a password in its help.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// Whether to use colours.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Show times in UTC instead of this machine's time zone. JSON is always in UTC.
    #[arg(long, global = true)]
    pub(crate) utc: bool,
    /// Use the demo that runs in another terminal, instead of your own settings.
    #[arg(long, global = true)]
    pub(crate) demo: bool,
}

/// Who acts, for the record that `log` shows.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Operator {
    /// Who does it, for the record; the user who runs this otherwise.
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

/// Whether to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the sync: receive webhooks, do the work, serve the operations page. Without a key, a demo.
    Serve(ServeArgs),
    /// Check settings, database, key, event types, webhook, reachability and clock.
    Check(CheckArgs),
    /// Compare all appointments with all bookings over a span of time. Exit code 1 if they differ.
    Reconcile(ReconcileArgs),
    /// Compare your services with Cal.com's event types.
    #[command(subcommand)]
    Services(ServicesCommand),
    /// What needs a decision by a person.
    #[command(subcommand)]
    Reviews(ReviewsCommand),
    /// Everything that is known about one appointment, oldest first.
    History(HistoryArgs),
    /// How the sync is doing, or how one appointment is. Exit code 1 if somebody has to look.
    Status(StatusArgs),
    /// Pair appointments and bookings anew, after the sync's own records were lost.
    Rebuild(RebuildArgs),
    /// Delete finished records that are older than they are to be kept.
    Prune(PruneArgs),
    /// Erase everything that is kept about a tenant or a person.
    #[command(subcommand)]
    Erase(EraseCommand),
    /// The webhook subscription at Cal.com.
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// Voice agents at their providers.
    #[command(subcommand)]
    Agents(AgentsCommand),
    /// Serve the agents' tools to an MCP client, over standard input and output.
    Mcp(McpArgs),
    /// How fast the sync and its database are.
    Performance(PerformanceArgs),
    /// Read event types and free slots once, so that the first customer need not wait for it.
    WarmUp(WarmUpArgs),
    /// Take an appointment, which is then booked at Cal.com.
    Book(BookArgs),
    /// Move an appointment.
    Move(MoveArgs),
    /// Cancel an appointment.
    Cancel(CancelArgs),
    /// Show free slots.
    Slots(SlotsArgs),
    /// List branches and staff: opening hours, phone numbers, event types.
    Branches,
    /// Stop working for a tenant; webhooks and changes are still taken in.
    Pause(PauseArgs),
    /// Go on working for a tenant.
    Resume(ResumeArgs),
    /// What operators did: who, when, what.
    Log(LogArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The address to listen on, instead of the one in the settings (127.0.0.1:4680).
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Also write the log to files in this folder: a new one every day, 14 are kept.
    #[arg(long, value_name = "DIR")]
    pub(crate) log_file: Option<PathBuf>,
    /// The port of the demo's Cal.com. If it is taken, a free one is used.
    #[arg(long, value_name = "PORT", default_value_t = 4690)]
    pub(crate) demo_port: u16,
}

#[derive(Debug, Args)]
pub(crate) struct McpArgs {
    /// Only write appointments down; another process on the same database, such as `serve`, brings them to
    /// Cal.com.
    #[arg(long)]
    pub(crate) no_worker: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Also book a slot in the future, wait for its webhook, and cancel it.
    #[arg(long)]
    pub(crate) sync: bool,
    /// The event type to book with `--sync`; the tenant's first one otherwise.
    #[arg(long, value_name = "ID", requires = "sync")]
    pub(crate) event_type: Option<EventTypeId>,
    /// How long `--sync` waits for each step, such as `30s`.
    #[arg(long, value_name = "TIME", requires = "sync", value_parser = parse::duration, default_value = "30s")]
    pub(crate) wait: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct ReconcileArgs {
    /// Only report what differs (the default).
    #[arg(long, conflicts_with = "repair")]
    pub(crate) check_only: bool,
    /// Have what differs repaired by the workers.
    #[arg(long)]
    pub(crate) repair: bool,
    /// Repair even if that cancels more than a tenth of the appointments.
    #[arg(long, requires = "repair")]
    pub(crate) without_brake: bool,
    #[command(flatten)]
    pub(crate) span: SpanArgs,
    #[command(flatten)]
    pub(crate) operator: Operator,
}

impl Command {
    /// Whether being interrupted is its ordinary end.
    pub(crate) fn ends_by_interrupt(&self) -> bool {
        match self {
            Self::Status(arguments) => arguments.watch,
            Self::Performance(arguments) => arguments.live,
            _ => false,
        }
    }
}

/// A span of time.
#[derive(Clone, Debug, Args)]
pub(crate) struct SpanArgs {
    /// The first day, such as `2026-12-01`, or a time with its zone, such as `2026-12-01T09:00:00Z`.
    #[arg(long, value_name = "WHEN", value_parser = parse::instant)]
    pub(crate) from: Option<DateTime<Utc>>,
    /// The end, which itself is left out; days begin at midnight UTC.
    #[arg(long, value_name = "WHEN", value_parser = parse::instant)]
    pub(crate) until: Option<DateTime<Utc>>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServicesCommand {
    /// Create a service for each event type that has none, and keep pairs in agreement.
    Import(ServicesArgs),
    /// Report what differs, and change nothing. Exit code 1 if anything does.
    Check,
}

#[derive(Debug, Args)]
pub(crate) struct ServicesArgs {
    /// Also try again now what has failed, however often.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) operator: Operator,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReviewsCommand {
    /// List what is open. Exit code 1 if anything is.
    List(ReviewsListArgs),
    /// Show one item with its evidence and how it can be resolved.
    Show {
        /// The item's number.
        #[arg(value_name = "ID")]
        id: ReviewId,
    },
    /// Decide one item or several.
    Resolve(ReviewsResolveArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ReviewsListArgs {
    /// Only items with this reason, such as `conflict` or `slot_taken`.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Only items about this appointment.
    #[arg(long, value_name = "ID")]
    pub(crate) appointment: Option<AppointmentId>,
    /// Only items that are older than this, such as `24h`.
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub(crate) older_than: Option<Duration>,
    /// Show resolved items instead of open ones.
    #[arg(long)]
    pub(crate) resolved: bool,
    /// How many to show at most.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct ReviewsResolveArgs {
    /// The items' numbers.
    #[arg(value_name = "ID", required = true, num_args = 1..)]
    pub(crate) ids: Vec<ReviewId>,
    /// What to do.
    #[arg(value_enum, value_name = "RESOLUTION")]
    pub(crate) resolution: ResolutionWord,
    /// The new start, for `rebook`.
    #[arg(long, value_name = "WHEN", value_parser = parse::instant, required_if_eq("resolution", "rebook"))]
    pub(crate) start: Option<DateTime<Utc>>,
    /// How long to wait for a worker to carry it out: 10 s for one item, not at all for several.
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub(crate) wait: Option<Duration>,
    #[command(flatten)]
    pub(crate) operator: Operator,
}

/// How an item can be resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResolutionWord {
    /// Look again and try again.
    Retry,
    /// Take what Cal.com says.
    TakeRemote,
    /// Bring Cal.com to what the appointment says.
    ForceLocal,
    /// Let both sides differ as they do now.
    AcceptDifference,
    /// Move the appointment to `--start`, and book it there.
    Rebook,
    /// Close the item and do nothing.
    Dismiss,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// The appointment's id.
    #[arg(value_name = "APPOINTMENT")]
    pub(crate) appointment: AppointmentId,
    /// How many entries to show at most: the newest ones.
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// An appointment's id; without it, the whole tenant.
    #[arg(value_name = "APPOINTMENT")]
    pub(crate) appointment: Option<AppointmentId>,
    /// Show the appointments whose id, booking or customer contains this text.
    #[arg(long, value_name = "TEXT", conflicts_with = "appointment")]
    pub(crate) search: Option<String>,
    /// Show it again every two seconds until interrupted.
    #[arg(long)]
    pub(crate) watch: bool,
    /// How far back to count what was done, such as `24h`.
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "24h")]
    pub(crate) within: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct RebuildArgs {
    #[command(flatten)]
    pub(crate) span: SpanArgs,
    /// Do not ask whether to begin.
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) operator: Operator,
}

#[derive(Debug, Args)]
pub(crate) struct PruneArgs {
    /// How long finished records are kept, such as `90d`; without it, only the bodies of webhooks are
    /// emptied, after 30 days.
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub(crate) older_than: Option<Duration>,
    #[command(flatten)]
    pub(crate) operator: Operator,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EraseCommand {
    /// Erase everything that is kept about the tenant of `--tenant`.
    Tenant {
        /// Do not ask whether to erase.
        #[arg(long)]
        yes: bool,
    },
    /// Erase a person's data from the sync's records.
    Person(ErasePersonArgs),
}

#[derive(Debug, Args)]
#[group(id = "person", required = true, multiple = true)]
pub(crate) struct ErasePersonArgs {
    /// The person's e-mail address.
    #[arg(long, group = "person", value_name = "ADDRESS")]
    pub(crate) email: Option<String>,
    /// The person's phone number.
    #[arg(long, group = "person", value_name = "NUMBER")]
    pub(crate) phone: Option<String>,
    /// Only show what would be erased.
    #[arg(long)]
    pub(crate) check_only: bool,
    /// Do not ask whether to erase.
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) operator: Operator,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// Show whether the subscription is there and in order. Exit code 1 if not.
    Status,
    /// Create the subscription, or correct it.
    Repair(Operator),
    /// Send a signed test to the public address, and see whether it arrives.
    Test(Operator),
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentsCommand {
    /// The tenant's agent at Retell.
    #[command(subcommand)]
    Retell(RetellCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RetellCommand {
    /// Show the addresses, functions and call events as they are chosen here. With `--json`, also the
    /// functions' definitions, for pasting.
    Show,
    /// Compare the agent with what is chosen here. Exit code 1 if they differ.
    Diff,
    /// Make the agent what is chosen here. Without `--yes`, only say what would be changed, as `diff` does.
    Push(RetellPushArgs),
    /// Play a short call against the address of the functions, and show each answer. Exit code 1 if one is
    /// not as it should be.
    Test(RetellTestArgs),
    /// List the versions of what was chosen and pushed, newest first.
    Versions {
        /// How many to show at most.
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
    /// Choose again what was chosen in an earlier version.
    Restore {
        /// The version's number.
        #[arg(value_name = "VERSION")]
        number: i64,
        #[command(flatten)]
        operator: Operator,
    },
    /// Give the agent a function, or take it away.
    #[command(subcommand)]
    Functions(FunctionsCommand),
    /// Select the call events that are sent.
    #[command(subcommand)]
    Events(EventsCommand),
    /// Choose who takes the calls to a branch, and the greeting. `serve` goes by it when it starts again.
    Branch(RetellBranchArgs),
}

#[derive(Debug, Args)]
#[group(id = "of_branch", required = true, multiple = true)]
pub(crate) struct OfBranch {
    /// The agent that takes the calls, by Retell's id.
    #[arg(long, value_name = "ID")]
    pub(crate) agent: Option<String>,
    /// What the agent says first. `{branch}` stands for the branch's name.
    #[arg(long, value_name = "TEXT")]
    pub(crate) greeting: Option<String>,
    /// Take back what was chosen for the branch.
    #[arg(long, conflicts_with_all = ["agent", "greeting"])]
    pub(crate) clear: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RetellBranchArgs {
    /// The branch, by its id; see `branches`.
    #[arg(value_name = "BRANCH")]
    pub(crate) branch: String,
    #[command(flatten)]
    pub(crate) of_branch: OfBranch,
    #[command(flatten)]
    pub(crate) operator: Operator,
}

#[derive(Debug, Args)]
pub(crate) struct RetellPushArgs {
    /// Only say what would be changed (the default).
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Push it.
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) operator: Operator,
}

#[derive(Debug, Args)]
pub(crate) struct RetellTestArgs {
    /// Also book an appointment, and cancel it at once.
    #[arg(long)]
    pub(crate) book: bool,
    #[command(flatten)]
    pub(crate) operator: Operator,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FunctionsCommand {
    /// Give the agent a function.
    On {
        /// The function, such as `book_appointment`.
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        operator: Operator,
    },
    /// Take a function away from the agent.
    Off {
        /// The function, such as `cancel_appointment`.
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        operator: Operator,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// Have these call events sent, and no others.
    Select {
        /// The events, such as `call_ended`.
        #[arg(value_name = "EVENT", required = true, num_args = 1..)]
        names: Vec<String>,
        #[command(flatten)]
        operator: Operator,
    },
    /// Leave the call events as they are at Retell.
    Leave {
        #[command(flatten)]
        operator: Operator,
    },
}

#[derive(Debug, Args)]
#[group(id = "what", required = true, multiple = true)]
pub(crate) struct PerformanceArgs {
    /// Show the current figures again and again until interrupted.
    #[arg(long, group = "what")]
    pub(crate) live: bool,
    /// Print the current figures once.
    #[arg(long, group = "what")]
    pub(crate) report: bool,
    /// Show the database's indexes: how large they are and, with PostgreSQL, how much they are used.
    #[arg(long, group = "what")]
    pub(crate) index_stats: bool,
    /// Show slow statements; with SQLite, the program's own reads that are slow.
    #[arg(long, group = "what")]
    pub(crate) slow_queries: bool,
    /// From which time on a statement counts as slow.
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "100ms", requires = "slow_queries")]
    pub(crate) over: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct WarmUpArgs {
    /// How many days of free slots to read.
    #[arg(long, value_name = "N", default_value_t = 14)]
    pub(crate) days: u16,
}

/// Where, and with whom.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PlaceArgs {
    /// The branch, by its id or name; see `branches`. Times are shown in its time zone.
    #[arg(long, value_name = "BRANCH")]
    pub(crate) branch: Option<String>,
    /// The member of staff, by their id or name; see `branches`.
    #[arg(long, value_name = "NAME")]
    pub(crate) staff: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct BookArgs {
    /// The service, by its id or name, or the number of an event type; see `slots`.
    #[arg(value_name = "SERVICE")]
    pub(crate) service: String,
    /// When it begins, such as `2026-12-08T09:00:00Z`.
    #[arg(value_name = "START", value_parser = parse::instant)]
    pub(crate) start: DateTime<Utc>,
    /// The customer's name.
    #[arg(long)]
    pub(crate) name: String,
    /// The customer's e-mail address.
    #[arg(long, value_name = "ADDRESS", required_unless_present = "phone")]
    pub(crate) email: Option<String>,
    /// The customer's phone number, such as `+4930123456`; with `default_region` set, also without its
    /// country code.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) phone: Option<String>,
    /// The customer's time zone; the branch's or Europe/Berlin otherwise.
    #[arg(long, value_name = "ZONE")]
    pub(crate) time_zone: Option<String>,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// The length; that of the service or event type otherwise.
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub(crate) length: Option<Duration>,
    /// The id of the new appointment; a random one otherwise.
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<AppointmentId>,
    /// Wait until it is booked at Cal.com, for this long at most. If no worker takes it up within 3 s,
    /// this command does the work itself.
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub(crate) wait: Option<Duration>,
    #[command(flatten)]
    pub(crate) operator: Operator,
}

#[derive(Debug, Args)]
pub(crate) struct MoveArgs {
    /// The appointment's id.
    #[arg(value_name = "APPOINTMENT")]
    pub(crate) appointment: AppointmentId,
    /// The new start.
    #[arg(value_name = "START", value_parser = parse::instant)]
    pub(crate) start: DateTime<Utc>,
    /// Wait until it is moved at Cal.com, for this long at most; see `book`.
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub(crate) wait: Option<Duration>,
    #[command(flatten)]
    pub(crate) operator: Operator,
}

#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// The appointments' ids.
    #[arg(value_name = "APPOINTMENT", required = true, num_args = 1..)]
    pub(crate) appointments: Vec<AppointmentId>,
    /// The reason, which the customer is shown.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Wait until they are cancelled at Cal.com, for this long at most; see `book`.
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub(crate) wait: Option<Duration>,
    #[command(flatten)]
    pub(crate) operator: Operator,
}

#[derive(Debug, Args)]
pub(crate) struct SlotsArgs {
    /// The service, by its id or name, or the number of an event type; without it, all of the tenant's.
    #[arg(value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    #[command(flatten)]
    pub(crate) span: SpanArgs,
    /// The time zone to show them in; the branch's or this machine's otherwise.
    #[arg(long, value_name = "ZONE")]
    pub(crate) time_zone: Option<String>,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PauseArgs {
    /// Why, for the record.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) operator: Operator,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub(crate) operator: Operator,
}

#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// Only what this operator did.
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// Only what was done within this time, such as `7d`.
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub(crate) within: Option<Duration>,
    /// How many entries to show at most.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}
