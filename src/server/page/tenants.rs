//! The first page: which tenant?

use axum::response::Response;
use maud::html;

use super::answer::redirect;
use super::desk::Visit;
use super::fields::segment;
use super::layout::{self, View};
use super::parts::{empty, outside};
use super::problem::Problem;
use crate::store::TenantId;

/// How many tenants a page lists.
const ROWS: u32 = 100;

/// The list of tenants; or where to go instead, if there is but one to choose.
pub(super) async fn answer(visit: &Visit) -> Result<Response, Problem> {
    let (tenants, next) = seen(visit).await?;
    if let ([only], None) = (tenants.as_slice(), visit.query.get("after")) {
        let only = format!("/t/{}", segment(only.as_str()));
        return Ok(redirect(&visit.desk.link(&only)));
    }
    Ok(layout::page(visit, list(visit, &tenants, next)).await)
}

/// The tenants that the operator may see, and after which one the next page begins.
async fn seen(visit: &Visit) -> Result<(Vec<TenantId>, Option<String>), Problem> {
    let after = visit.query.get("after").map(TenantId::new);
    let Some(theirs) = &visit.operator.tenants else {
        let tenants = visit.engine().tenants(after.as_ref(), ROWS).await?;
        let is_full = tenants.len() >= ROWS as usize;
        let next = tenants.last().filter(|_| is_full).map(ToString::to_string);
        return Ok((tenants, next));
    };
    let mut tenants = Vec::new();
    for tenant in theirs {
        if visit.engine().setup(tenant).await?.is_some() {
            tenants.push(tenant.clone());
        }
    }
    Ok((tenants, None))
}

fn list(visit: &Visit, tenants: &[TenantId], next: Option<String>) -> View {
    let list = html! {
        @if tenants.is_empty() {
            (empty("There are no tenants that you may see.", "They are set up in the program that runs the sync."))
        } @else {
            ul.tenants {
                @for tenant in tenants {
                    li { a href=(visit.desk.link(&format!("/t/{}", segment(tenant.as_str())))) { (outside(tenant.as_str())) } }
                }
            }
        }
        @if let Some(next) = next {
            nav.pager aria-label="Pages of this list" {
                a.button rel="next" href={ (visit.desk.link("/")) (visit.query.query_with("after", Some(&next))) } { "Next page" }
            }
        }
    };
    View::new("Tenants").still(list)
}
