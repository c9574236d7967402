//! `pause` and `resume`: whether a tenant is worked for.

use calcom::store::OperatorAction;
use calcom::sync::Operations;
use serde_json::json;

use super::common::{note, tell, tenant_flag};
use crate::cli::{PauseArgs, ResumeArgs};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Output, plain};

pub(crate) async fn pause(
    context: &Context,
    output: &Output,
    arguments: PauseArgs,
) -> Result<(), Failure> {
    let tenant = context.tenant()?;
    let by = arguments.operator.name();
    let why = arguments.reason.unwrap_or_default();
    let is_new = context.engine.pause(tenant, &by, &why).await?;
    if is_new {
        let action = OperatorAction::Pause;
        note(context, output, tenant, None, action, &by, &why).await;
    }
    tell(context, output).await;
    output.json(&json!({"tenant": tenant, "is_paused": true, "was_paused": !is_new, "by": by}));
    let flag = tenant_flag(context, output, tenant);
    if is_new {
        output.line(plain(&format!(
            "Tenant {tenant} is paused. Webhooks and changes are still taken in, and wait. Work in progress is finished."
        )));
    } else {
        output.line(plain(&format!("Tenant {tenant} was paused already.")));
    }
    output.line(plain(&format!("Go on with: calcom-sync resume{flag}")));
    Ok(())
}

pub(crate) async fn resume(
    context: &Context,
    output: &Output,
    arguments: ResumeArgs,
) -> Result<(), Failure> {
    let tenant = context.tenant()?;
    let by = arguments.operator.name();
    let was_paused = context.store.is_paused(tenant).await?;
    context.engine.resume(tenant).await?;
    let outcome = if was_paused { "" } else { "it was not paused" };
    let action = OperatorAction::Resume;
    note(context, output, tenant, None, action, &by, outcome).await;
    tell(context, output).await;
    output.json(&json!({"tenant": tenant, "is_paused": false, "was_paused": was_paused, "by": by}));
    output.line(plain(&if was_paused {
        format!("Tenant {tenant} is worked for again; what has waited is done now.")
    } else {
        format!("Tenant {tenant} was not paused. A hold, if there was one, is over.")
    }));
    Ok(())
}
