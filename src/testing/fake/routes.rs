//! The operations that Cal.com has, whether the fake serves them or not.

use http::Method;

/// The published operations (OpenAPI document of August 2026) that a self-hosted server of August
/// 2025 has too.
const ROUTES: &str = include_str!("routes.txt");

/// Published operations that the same server answered with the 404 of an unknown route, or that
/// came later.
const NEWER_ROUTES: &str = include_str!("routes_newer.txt");

/// The operation that a request asks for, as the document writes it, such as `GET
/// /v2/schedules/{scheduleId}`.
pub(super) fn documented(method: &Method, segments: &[&str], with_newer: bool) -> Option<String> {
    let newer = if with_newer { NEWER_ROUTES } else { "" };
    // Fixed words come before names of the caller's: `schedules/default` is not
    // `schedules/{scheduleId}`.
    let path = ROUTES
        .lines()
        .chain(newer.lines())
        .filter_map(|line| line.split_once(' '))
        .filter(|(methods, _)| methods.split(',').any(|known| known == method.as_str()))
        .map(|(_, path)| path)
        .filter(|path| matches(path, segments))
        .min_by_key(|path| path.matches('{').count())?;
    Some(format!("{method} /v2/{path}"))
}

fn matches(path: &str, segments: &[&str]) -> bool {
    let mut parts = path.split('/');
    segments.iter().all(|segment| {
        parts.next().is_some_and(|part| {
            (part.starts_with('{') && !segment.is_empty()) || part.eq_ignore_ascii_case(segment)
        })
    }) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_named_as_the_document_names_them() {
        let get = |path: &str, newer| {
            let segments: Vec<&str> = path.split('/').collect();
            documented(&Method::GET, &segments, newer)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            get("schedules/default", false),
            some("GET /v2/schedules/default")
        );
        assert_eq!(
            get("schedules/3", false),
            some("GET /v2/schedules/{scheduleId}")
        );
        assert_eq!(get("schedules/3/x", false), None);
        assert_eq!(get("nope", true), None);
        assert_eq!(get("bookings/by-seat/x", false), None);
        assert_eq!(
            get("bookings/by-seat/x", true),
            some("GET /v2/bookings/by-seat/{seatUid}")
        );
    }
}
