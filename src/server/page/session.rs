//! Sessions: a signed cookie that names the operator, and nothing kept here.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue, header};

use super::access::{Access, Operator, Token};

const COOKIE: &str = "calcom_operations";
/// How long a session lasts.
const SESSION: Duration = Duration::from_secs(12 * 60 * 60);

/// The cookie that begins a session.
pub(super) fn begin(token: &Token, now: DateTime<Utc>, attributes: Attributes<'_>) -> HeaderValue {
    let name = hex::encode(&token.operator.name);
    let until = (now + SESSION).timestamp();
    let signature = token.sign(&message(&name, until, attributes.path));
    attributes.cookie(&format!("{name}.{until}.{signature}"), SESSION)
}

/// The cookie that ends it.
pub(super) fn end(attributes: Attributes<'_>) -> HeaderValue {
    attributes.cookie("", Duration::ZERO)
}

/// Whose session a request belongs to.
pub(super) fn operator<'a>(
    access: &'a Access,
    headers: &HeaderMap,
    now: DateTime<Utc>,
    path: &str,
) -> Option<&'a Operator> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let mut cookies = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    cookies.find_map(|value| {
        let mut parts = value.splitn(3, '.');
        let (name, until, signature) = (parts.next()?, parts.next()?, parts.next()?);
        let until: i64 = until.parse().ok()?;
        let decoded = String::from_utf8(hex::decode(name).ok()?).ok()?;
        let token = access.token_named(&decoded)?;
        let is_signed = token.has_signed(&message(name, until, path), signature);
        (is_signed && now.timestamp() < until).then_some(&token.operator)
    })
}

fn message(name: &str, until: i64, path: &str) -> String {
    format!("{name}.{until}.{path}")
}

/// What a cookie is restricted to.
#[derive(Clone, Copy)]
pub(super) struct Attributes<'a> {
    pub(super) path: &'a str,
    pub(super) is_secure: bool,
}

impl Attributes<'_> {
    fn cookie(self, value: &str, age: Duration) -> HeaderValue {
        let Self { path, is_secure } = self;
        let secure = if is_secure { "; Secure" } else { "" };
        let age = age.as_secs();
        let cookie = format!(
            "{COOKIE}={value}; Path={path}; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"
        );
        HeaderValue::try_from(cookie).unwrap_or(HeaderValue::from_static(""))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::server::page::access::Role;

    const AT: Attributes<'static> = Attributes {
        path: "/",
        is_secure: true,
    };

    fn access(secret: &str) -> Access {
        Access::tokens([Token::new("hänna; x=1", secret, Role::Viewer)])
    }

    fn sent_back(cookie: &HeaderValue) -> HeaderMap {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        let all = format!("a=b; {pair}; {COOKIE}x=1");
        HeaderMap::from_iter([(header::COOKIE, all.parse().unwrap())])
    }

    #[test]
    fn a_session_lasts_twelve_hours_and_as_long_as_its_token() {
        let (secret, now) = ("sixteen-bytes-!!", DateTime::UNIX_EPOCH);
        let ours = access(secret);
        let token = ours.token_with(secret).unwrap();
        let headers = sent_back(&begin(token, now, AT));
        let is_in = |access: &Access, later: TimeDelta, path| {
            operator(access, &headers, now + later, path).is_some()
        };
        assert!(is_in(&ours, TimeDelta::seconds(12 * 60 * 60 - 1), "/"));
        assert!(!is_in(&ours, TimeDelta::seconds(12 * 60 * 60), "/"));
        assert!(!is_in(&ours, TimeDelta::zero(), "/other"));
        assert!(!is_in(&access("another-16-bytes"), TimeDelta::zero(), "/"));
        assert!(!is_in(&access("too short"), TimeDelta::zero(), "/"));
        let ended = sent_back(&end(AT));
        assert!(operator(&ours, &ended, now, "/").is_none());
    }

    #[test]
    fn a_session_that_was_changed_is_none() {
        let (secret, now) = ("sixteen-bytes-!!", DateTime::UNIX_EPOCH);
        let ours = access(secret);
        let cookie = begin(ours.token_with(secret).unwrap(), now, AT);
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        for at in pair.find('=').unwrap() + 1..pair.len() {
            let mut changed = pair.as_bytes().to_vec();
            changed[at] ^= 1;
            let Ok(value) = HeaderValue::from_bytes(&changed) else {
                continue;
            };
            let headers = HeaderMap::from_iter([(header::COOKIE, value)]);
            assert!(operator(&ours, &headers, now, "/").is_none(), "byte {at}");
        }
    }
}
