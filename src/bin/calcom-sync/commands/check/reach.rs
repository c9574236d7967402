//! The public address: whether this program answers there.

use http::StatusCode;
use serde_json::Value;

use super::PATIENCE;
use super::line::{Line, Lines};
use crate::failure::with_causes;
use crate::settings::{Settings, TenantSettings};

const WHAT: &str = "public address";

/// Knocks at the door for webhooks, which refuses what is not signed in words of its own.
pub(super) async fn check(settings: &Settings, tenant: &TenantSettings, lines: &mut Lines<'_>) {
    let Some(url) = settings.webhook_url(&tenant.id) else {
        lines.push(Line::skipped(
            WHAT,
            "not checked, because public_url is not set",
        ));
        return;
    };
    lines.push(match knock(&url).await {
        Ok(true) => Line::fine(WHAT, format!("calcom-sync answers at {url}")),
        Ok(false) => Line::wrong(
            WHAT,
            format!("something else than calcom-sync answers at {url}"),
            "check public_url and the proxy: it has to pass that path on as it is",
        ),
        Err(error) => {
            tracing::debug!(error = %with_causes(&error), "the public address was not reached");
            Line::wrong(
                WHAT,
                format!("nothing answers at {url}, seen from this computer"),
                "start `calcom-sync serve`, or check public_url and the proxy",
            )
        }
    });
}

/// Whether it is our door that refuses an empty, unsigned delivery.
async fn knock(url: &str) -> reqwest::Result<bool> {
    let http = reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let request = http
        .post(url)
        .header("x-correlation-id", "calcom-sync-check");
    let answer = request.send().await?;
    let expected = [
        StatusCode::UNAUTHORIZED,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    let is_expected = expected.contains(&answer.status());
    let text = answer.text().await?;
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    let code = body["code"].as_str().unwrap_or_default();
    Ok(is_expected && ["unverified", "unavailable", "rate_limited"].contains(&code))
}
