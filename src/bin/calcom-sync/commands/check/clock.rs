//! The clock: ours against Cal.com's, by the `Date` of an answer.

use calcom::ambient::{Clock, SystemClock};
use calcom::client::Client;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::DATE;

use super::PATIENCE;
use super::line::Line;

const WHAT: &str = "clock";

/// How far the two may be apart. Signatures and due times would still hold; more is a clock that is
/// wrong.
const LARGEST: TimeDelta = TimeDelta::minutes(2);

/// Compares the clocks. Any answer will do, so that none of the account's secrets is sent; the error
/// is why it could not be done.
pub(super) async fn check(client: &Client) -> Result<Line, String> {
    let address = format!("{}/me", client.base_url().as_str().trim_end_matches('/'));
    let http = reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .build();
    let http = http.map_err(|_| "not checked, because no connection can be set up".to_owned())?;
    let before = SystemClock.now();
    let answer = http.get(address).send().await;
    let after = SystemClock.now();
    let answer = answer.map_err(|_| "not checked, because Cal.com did not answer".to_owned())?;
    let date = answer
        .headers()
        .get(DATE)
        .and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let Some(date) = date else {
        return Err("not checked, because Cal.com's answer says no time".to_owned());
    };
    let middle = before + (after - before) / 2;
    Ok(compare(middle, date.with_timezone(&Utc)))
}

fn compare(ours: DateTime<Utc>, theirs: DateTime<Utc>) -> Line {
    // The header has whole seconds.
    let ahead = ours - theirs;
    if ahead.abs() <= LARGEST {
        let seconds = ahead.num_seconds().abs();
        return Line::fine(
            WHAT,
            format!("agrees with Cal.com's, to {} s", seconds.max(1)),
        );
    }
    let side = if ahead > TimeDelta::zero() {
        "ahead of"
    } else {
        "behind"
    };
    Line::wrong(
        WHAT,
        format!(
            "this computer's clock is {} {side} Cal.com's",
            span(ahead.abs())
        ),
        "set it, and have it set by NTP",
    )
}

fn span(time: TimeDelta) -> String {
    let minutes = (time + TimeDelta::seconds(30)).num_minutes();
    match minutes {
        ..120 => format!("{minutes} min"),
        120..2880 => format!("{} h", (minutes + 30) / 60),
        _ => format!("{} days", (minutes + 720) / 1440),
    }
}
