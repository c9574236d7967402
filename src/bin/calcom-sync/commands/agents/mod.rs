//! `agents`: voice agents at their providers.

mod told;

use std::collections::BTreeSet;

use calcom::agents::retell::{RETELL_CALL_EVENTS, RetellConsole};
use calcom::agents::{
    AgentConsole, AgentSettings, AgentVersion, BranchAgent, ConsoleError, ConsoleErrorKind, Tool,
    TrialParams,
};
use calcom::store::{DocumentVersion, OperatorAction, Page, TenantId};
use serde_json::json;

use super::common::{note, tenant_flag};
use crate::cli::{
    AgentsCommand, EventsCommand, FunctionsCommand, OfBranch, Operator, RetellBranchArgs,
    RetellCommand,
};
use crate::context::Context;
use crate::failure::{Failure, FailureKind};
use crate::output::{Output, Tone, counted, plain};

pub(crate) async fn run(
    context: &Context,
    output: &Output,
    command: AgentsCommand,
) -> Result<(), Failure> {
    let AgentsCommand::Retell(command) = command;
    let desk = Desk {
        context,
        output,
        tenant: context.tenant()?,
        console: context.agents()?,
    };
    match command {
        RetellCommand::Show => desk.show().await,
        RetellCommand::Diff => desk.diff(None).await,
        RetellCommand::Push(arguments) if arguments.yes => desk.push(&arguments.operator).await,
        RetellCommand::Push(_) => desk.diff(Some("--yes")).await,
        RetellCommand::Test(arguments) => desk.test(arguments.book, &arguments.operator).await,
        RetellCommand::Versions { limit } => desk.versions(limit).await,
        RetellCommand::Restore { number, operator } => desk.restore(number.into(), &operator).await,
        RetellCommand::Functions(FunctionsCommand::On { name, operator }) => {
            desk.switch(&name, true, &operator).await
        }
        RetellCommand::Functions(FunctionsCommand::Off { name, operator }) => {
            desk.switch(&name, false, &operator).await
        }
        RetellCommand::Events(EventsCommand::Select { names, operator }) => {
            desk.select_events(Some(names), &operator).await
        }
        RetellCommand::Events(EventsCommand::Leave { operator }) => {
            desk.select_events(None, &operator).await
        }
        RetellCommand::Branch(arguments) => desk.set_branch(arguments).await,
    }
}

struct Desk<'a> {
    context: &'a Context,
    output: &'a Output,
    tenant: &'a TenantId,
    console: &'a RetellConsole,
}

impl Desk<'_> {
    async fn show(&self) -> Result<(), Failure> {
        let panel = self.console.panel(self.tenant).await?;
        told::panel(self.output, self.tenant, &panel);
        let flag = self.flag();
        self.output.line(plain(&format!(
            "See what a push changes: calcom-sync agents retell diff{flag}"
        )));
        Ok(())
    }

    /// Says what a push changes. `push` is the flag that has it pushed, if that was asked for.
    async fn diff(&self, push: Option<&str>) -> Result<(), Failure> {
        let plan = self.console.plan(self.tenant).await?;
        self.output.json(&json!({
            "tenant": self.tenant,
            "plan": plan,
            "is_pushed": false,
        }));
        told::plan(self.output, self.tenant, &plan);
        if plan.changes.is_empty() && plan.obstacles.is_empty() {
            return Ok(());
        }
        if plan.obstacles.is_empty() {
            let flag = self.flag();
            let how = match push {
                Some(how) => format!("Nothing was pushed. To push it, add {how}."),
                None => format!("Push it with: calcom-sync agents retell push --yes{flag}"),
            };
            self.output.line(plain(&how));
        }
        Err(Failure::Printed(FailureKind::Found))
    }

    async fn push(&self, operator: &Operator) -> Result<(), Failure> {
        let by = operator.name();
        let pushed = self.console.push(self.tenant, &by, None).await;
        let outcome = match &pushed {
            Ok(plan) => format!("{} pushed", counted(plan.changes.len() as u64, "change")),
            Err(error) => plain(&error.to_string()),
        };
        self.note(OperatorAction::PushAgent, &by, &outcome).await;
        let plan = pushed?;
        self.output.json(&json!({
            "tenant": self.tenant,
            "plan": plan,
            "is_pushed": true,
            "by": by,
        }));
        told::plan(self.output, self.tenant, &plan);
        if !plan.changes.is_empty() {
            self.output.line(plain(&format!(
                "{} pushed. Publish the agent at Retell, if it has to be published.",
                counted(plan.changes.len() as u64, "change")
            )));
        }
        Ok(())
    }

    async fn test(&self, book: bool, operator: &Operator) -> Result<(), Failure> {
        let by = operator.name();
        let params = TrialParams::default().with_booking(book);
        let progress = self.output.progress(None, "Calling");
        let tested = self.console.test(self.tenant, &by, params).await;
        drop(progress);
        let trial = tested?;
        let sentence = trial.steps.sentence();
        self.note(OperatorAction::TestAgent, &by, &sentence).await;
        let is_good = trial.steps.is_good();
        self.output.json(&json!({
            "tenant": self.tenant,
            "is_good": is_good,
            "test": trial,
        }));
        told::trial(self.output, &trial);
        if is_good {
            return Ok(());
        }
        self.output.line(plain(&format!(
            "Check that `calcom-sync serve` runs and is reached at its public address: calcom-sync check{}",
            self.flag()
        )));
        Err(Failure::Printed(FailureKind::Found))
    }

    async fn versions(&self, limit: u32) -> Result<(), Failure> {
        let versions = self
            .console
            .versions(self.tenant, Page::first(limit))
            .await?;
        told::versions(self.output, self.tenant, &versions);
        Ok(())
    }

    async fn restore(&self, version: DocumentVersion, operator: &Operator) -> Result<(), Failure> {
        let by = operator.name();
        let restored = self.console.restore(self.tenant, &by, version).await;
        self.changed(restored?, &by).await
    }

    async fn switch(&self, name: &str, on: bool, operator: &Operator) -> Result<(), Failure> {
        let tool: Tool = name.parse().map_err(|_| {
            let names: Vec<&str> = Tool::ALL.iter().map(|tool| tool.as_str()).collect();
            Failure::not_found(
                format!("there is no function {}", plain(name)),
                format!("use one of these: {}", names.join(", ")),
            )
        })?;
        let by = operator.name();
        let switched = self.console.switch(self.tenant, &by, tool, on).await;
        self.changed(switched?, &by).await
    }

    async fn select_events(
        &self,
        names: Option<Vec<String>>,
        operator: &Operator,
    ) -> Result<(), Failure> {
        let mut all = names.iter().flatten();
        if let Some(unknown) = all.find(|name| !RETELL_CALL_EVENTS.contains(&name.as_str())) {
            return Err(Failure::not_found(
                format!("Retell has no call event {}", plain(unknown)),
                format!("use some of these: {}", RETELL_CALL_EVENTS.join(", ")),
            ));
        }
        let by = operator.name();
        let events = names.map(BTreeSet::from_iter);
        let selected = self.console.select_events(self.tenant, &by, events).await;
        self.changed(selected?, &by).await
    }

    async fn set_branch(&self, arguments: RetellBranchArgs) -> Result<(), Failure> {
        let branches = &self.context.settings_of(self.tenant)?.places.branches;
        let known = branches
            .iter()
            .find(|known| known.id.as_str() == arguments.branch);
        let branch = known.ok_or_else(|| {
            let names: Vec<&str> = branches.iter().map(|known| known.id.as_str()).collect();
            let advice = match names.as_slice() {
                [] => "name the branches in the settings, under [[tenants.branches]]".to_owned(),
                _ => format!("use one of these: {}", names.join(", ")),
            };
            let what = format!("there is no branch {}", plain(&arguments.branch));
            Failure::not_found(what, advice)
        })?;
        let OfBranch {
            agent,
            greeting,
            clear,
        } = arguments.of_branch;
        let what = match clear {
            true => format!("Took back what was chosen for branch {}.", branch.id),
            false => format!("Chose who takes the calls to branch {}.", branch.id),
        };
        let by = arguments.operator.name();
        let change = |settings: &mut AgentSettings| {
            let mut chosen = settings.of_branch(&branch.id).cloned().unwrap_or_default();
            if clear {
                chosen = BranchAgent::default();
            }
            if agent.is_some() {
                chosen.agent_id.clone_from(&agent);
            }
            if greeting.is_some() {
                chosen.greeting.clone_from(&greeting);
            }
            settings.set_branch(&branch.id, chosen);
        };
        let store = self.console.settings();
        let version = store.change(self.tenant, &by, &what, change).await?;
        self.note(OperatorAction::SetUpAgent, &by, &version.what)
            .await;
        self.output.json(&json!({
            "tenant": self.tenant,
            "version": told::version(&version),
        }));
        let text = format!("{} This is version {}.", version.what, version.version);
        self.output
            .line(self.output.paint(Tone::Good, &plain(&text)));
        let next = "`calcom-sync serve` goes by it when it starts again.";
        self.output.line(plain(next));
        Ok(())
    }

    async fn changed(&self, version: AgentVersion, by: &str) -> Result<(), Failure> {
        self.note(OperatorAction::SetUpAgent, by, &version.what)
            .await;
        self.output.json(&json!({
            "tenant": self.tenant,
            "version": told::version(&version),
        }));
        let text = format!("{} This is version {}.", version.what, version.version);
        self.output
            .line(self.output.paint(Tone::Good, &plain(&text)));
        self.output.line(plain(&format!(
            "Have it pushed with: calcom-sync agents retell push{}",
            self.flag()
        )));
        Ok(())
    }

    async fn note(&self, action: OperatorAction, by: &str, outcome: &str) {
        let (context, output, tenant) = (self.context, self.output, self.tenant);
        note(context, output, tenant, None, action, by, outcome).await;
    }

    fn flag(&self) -> String {
        tenant_flag(self.context, self.output, self.tenant)
    }
}

impl From<ConsoleError> for Failure {
    fn from(error: ConsoleError) -> Self {
        let (kind, advice) = match error.kind() {
            ConsoleErrorKind::NotSetUp => (
                FailureKind::Usage,
                "set it in [tenants.retell] of the settings, and public_url",
            ),
            ConsoleErrorKind::Unauthorized => (
                FailureKind::Refused,
                "put another key of the Retell account into the settings",
            ),
            ConsoleErrorKind::NotFound => (
                FailureKind::NotFound,
                "check the agent's id, or see the versions with `calcom-sync agents retell versions`",
            ),
            ConsoleErrorKind::Unavailable => (
                FailureKind::Unreachable,
                "check the network, then try again",
            ),
            ConsoleErrorKind::Store(_) => (
                FailureKind::Storage,
                "check the database's address, that it runs, and that this user may use it",
            ),
            _ => (FailureKind::Found, "change it at Retell, then try again"),
        };
        let message = error.to_string();
        match std::error::Error::source(&error).map(ToString::to_string) {
            Some(cause) if cause != message => Self::new(kind, message, advice).because(cause),
            _ => Self::new(kind, message, advice),
        }
    }
}
