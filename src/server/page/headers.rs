//! The headers that keep the page from being used by other sites.

use axum::response::Response;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::config::OperationsConfig;
use super::routes::Page;

/// Nothing is loaded, sent or framed but from and to the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const ALWAYS: [(HeaderName, &str); 8] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Without any, browsers would send `Origin: null` with the page's own forms, which are then refused
    // where a browser says nothing better: over plain HTTP.
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
];

/// Adds them to a response.
pub(super) fn complete(mut response: Response, page: Page, is_secure: bool) -> Response {
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if page != Page::Asset || !headers.contains_key(header::CACHE_CONTROL) {
        let none = HeaderValue::from_static("no-store");
        headers.insert(header::CACHE_CONTROL, none);
    }
    if is_secure {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

/// Whether a request came over HTTPS.
pub(super) fn is_secure(config: &OperationsConfig, headers: &HeaderMap) -> bool {
    let proxy = || {
        let value = headers.get("x-forwarded-proto");
        let value = value.and_then(|value| value.to_str().ok());
        let first = value.and_then(|value| value.split(',').next());
        first.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
    };
    config.is_secure.unwrap_or_else(proxy)
}

/// Whether a form was sent by the page itself, as far as the browser says. Every browser says one or the
/// other with a `POST`; a client that says neither is none, and sends no cookie of somebody else's.
pub(super) fn is_same_site(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text(&HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    match text(&header::ORIGIN) {
        None => true,
        Some(origin) => {
            let rest = origin.split_once("://").map(|(_, authority)| authority);
            let authority = rest.and_then(|rest| rest.parse::<Authority>().ok());
            let host = text(&header::HOST).and_then(|host| host.parse::<Authority>().ok());
            authority.is_some() && authority == host
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_taken_from_the_page_itself_only() {
        let taken = |fields: &[(&'static str, &str)]| {
            let fields = fields.iter();
            let fields =
                fields.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
            is_same_site(&fields.collect())
        };
        let host = ("host", "ops.example.com:8443");
        assert!(taken(&[host]));
        assert!(taken(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(taken(&[host, ("origin", "https://OPS.example.com:8443")]));
        for site in ["cross-site", "same-site", "none", "", "?"] {
            assert!(!taken(&[host, ("sec-fetch-site", site)]), "{site}");
        }
        for origin in [
            "null",
            "",
            "https://ops.example.com",
            "https://ops.example.com:8443.evil.example",
            "https://evil.example:8443",
            "https://ops.example.com:8443@evil.example",
        ] {
            assert!(!taken(&[host, ("origin", origin)]), "{origin}");
        }
        assert!(!taken(&[("origin", "https://ops.example.com")]));
    }
}
