//! `branches`: where a tenant works, and who works there.

use calcom::model::EventTypeId;
use calcom::sync::{Branch, Places, StaffMember};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Output, Tone, plain};

pub(crate) fn run(context: &Context, output: &Output) -> Result<(), Failure> {
    let tenant = context.tenant()?;
    let places = &context.settings_of(tenant)?.places;
    let branches: Vec<Value> = places.branches.iter().map(branch_view).collect();
    let staff: Vec<Value> = places.staff.iter().map(member_view).collect();
    output.json(&json!({"tenant": tenant, "branches": branches, "staff": staff}));
    if places.is_empty() {
        output.line(plain(&format!(
            "Tenant {tenant} names no branches and no staff. They are set up in the settings file."
        )));
    }
    for branch in &places.branches {
        print_branch(output, branch);
    }
    for member in &places.staff {
        print_member(output, places, member);
    }
    Ok(())
}

fn branch_view(branch: &Branch) -> Value {
    json!({
        "id": branch.id,
        "name": branch.name,
        "time_zone": branch.time_zone,
        "opening_hours": branch.opening_hours.to_string(),
        "phone_numbers": branch.phone_numbers,
        "event_types": branch.event_types,
        "address": branch.address,
    })
}

fn member_view(member: &StaffMember) -> Value {
    json!({
        "id": member.id,
        "name": member.name,
        "user": member.user,
        "event_types": member.event_types,
        "branches": member.branches,
    })
}

fn print_branch(output: &Output, branch: &Branch) {
    let heading = format!("Branch {} ({})", branch.name, branch.id);
    output.line(output.paint(Tone::Strong, &plain(&heading)));
    let hours = branch.opening_hours.to_string();
    let hours = if hours.is_empty() {
        "as Cal.com says".to_owned()
    } else {
        hours
    };
    output.line(plain(&format!("  Open: {hours}, {}", branch.time_zone)));
    let numbers: Vec<String> = branch
        .phone_numbers
        .iter()
        .map(calcom::model::PhoneNumber::international)
        .collect();
    if !numbers.is_empty() {
        output.line(format!("  Called under: {}", numbers.join(", ")));
    }
    output.line(format!(
        "  Event types: {}",
        listed(branch.event_types.iter(), "all of the tenant's")
    ));
    if let Some(address) = &branch.address {
        output.line(plain(&format!("  Address: {address}")));
    }
}

fn print_member(output: &Output, places: &Places, member: &StaffMember) {
    let heading = format!("Staff {} ({})", member.name, member.id);
    output.line(output.paint(Tone::Strong, &plain(&heading)));
    if let Some(user) = member.user {
        output.line(format!("  Cal.com user: {user}"));
    }
    output.line(format!(
        "  Event types of their own: {}",
        listed(member.event_types.iter(), "none")
    ));
    let names: Vec<&str> = member
        .branches
        .iter()
        .filter_map(|id| places.branch(id.as_str()))
        .map(|branch| branch.name.as_str())
        .collect();
    if !names.is_empty() {
        output.line(plain(&format!("  Works at: {}", names.join(", "))));
    }
}

fn listed<'a>(ids: impl Iterator<Item = &'a EventTypeId>, none: &str) -> String {
    let ids: Vec<String> = ids.map(ToString::to_string).collect();
    if ids.is_empty() {
        none.to_owned()
    } else {
        ids.join(", ")
    }
}
