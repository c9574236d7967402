//! The script, the style sheet and the icon: no others are loaded.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

use super::answer::Asked;

const ASSETS: [(&str, &str, &str); 3] = [
    (
        "page.css",
        "text/css; charset=utf-8",
        include_str!("page.css"),
    ),
    (
        "page.js",
        "text/javascript; charset=utf-8",
        include_str!("page.js"),
    ),
    ("icon.svg", "image/svg+xml", include_str!("icon.svg")),
];

/// The version of all of them, which is in their paths: they can be kept for good.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut all = Sha256::new();
    for (_, _, content) in ASSETS {
        all.update(content);
    }
    hex::encode(&all.finalize()[..8])
});

/// The path of one of them.
pub(super) fn path(file: &str) -> String {
    format!("/assets/{}/{file}", *VERSION)
}

pub(super) fn answer(asked: &Asked) -> Response {
    let file = asked.params.get("file").unwrap_or_default();
    let found = ASSETS.iter().find(|(name, _, _)| *name == file);
    let Some((_, media_type, content)) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = HeaderValue::try_from(format!("\"{}\"", *VERSION));
    let tag = tag.expect("hexadecimal digits are a header's value");
    let is_current = asked.params.get("version") == Some(VERSION.as_str());
    let keep = if is_current {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let keep = HeaderValue::from_static(keep);
    let fields = [(header::CACHE_CONTROL, keep), (header::ETAG, tag.clone())];
    let known = asked.headers().get(header::IF_NONE_MATCH);
    let is_known = known.is_some_and(|known| {
        let known = known.to_str().unwrap_or_default();
        known.contains(VERSION.as_str())
    });
    if is_known {
        return (StatusCode::NOT_MODIFIED, fields).into_response();
    }
    let media_type = HeaderValue::from_static(media_type);
    (fields, [(header::CONTENT_TYPE, media_type)], *content).into_response()
}
