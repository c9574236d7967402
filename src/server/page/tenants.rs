//! The first page: which tenant?

use maud::html;

use super::desk::Visit;
use super::fields::segment;
use super::layout::View;
use super::parts::{empty, outside};
use super::problem::Problem;
use crate::store::TenantId;

/// How many tenants a page lists.
const ROWS: u32 = 100;

pub(super) async fn view(visit: &Visit) -> Result<View, Problem> {
    let after = visit.query.get("after").map(TenantId::new);
    let mut tenants = Vec::new();
    let mut next = None;
    match &visit.operator.tenants {
        None => {
            tenants = visit.engine().tenants(after.as_ref(), ROWS).await?;
            let is_full = tenants.len() >= ROWS as usize;
            next = tenants.last().filter(|_| is_full).map(ToString::to_string);
        }
        Some(theirs) => {
            for tenant in theirs {
                if visit.engine().setup(tenant).await?.is_some() {
                    tenants.push(tenant.clone());
                }
            }
        }
    }
    let list = html! {
        @if tenants.is_empty() {
            (empty("There are no tenants that you may see.", "They are set up in the program that runs the sync."))
        } @else {
            ul.tenants {
                @for tenant in &tenants {
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
    Ok(View::new("Tenants").still(list))
}
