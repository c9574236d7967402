//! What holds for the markup of every page: for screen readers, and for the policy that forbids everything inline.

use std::collections::BTreeSet;

use crate::world::{World, at, routes_of};

/// The start tags of a page, each with its name and its attributes.
fn tags(html: &str) -> Vec<(&str, &str)> {
    let starts = html.split('<').skip(1);
    let starts = starts.filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
    let starts = starts.filter_map(|rest| rest.split_once('>').map(|(tag, _)| tag));
    starts
        .map(|tag| tag.split_once(' ').unwrap_or((tag, "")))
        .collect()
}

fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let all = format!(" {attributes}");
    let at = all.find(&format!(" {name}=\""))? + name.len() + 2;
    attributes[at..].split('"').next()
}

fn check(path: &str, html: &str) {
    let tags = tags(html);
    let all = |name: &str| {
        tags.iter()
            .filter(|(tag, _)| *tag == name)
            .map(|(_, attributes)| *attributes)
            .collect::<Vec<_>>()
    };
    for (tag, attributes) in &tags {
        assert_eq!(
            attribute(attributes, "style"),
            None,
            "{path}: {tag} {attributes}"
        );
        assert!(!attributes.contains(" on"), "{path}: {tag} {attributes}");
    }
    assert!(all("style").is_empty(), "{path}");
    for script in all("script") {
        assert!(
            attribute(script, "src").is_some(),
            "{path}: an inline script"
        );
    }
    assert_eq!(attribute(all("html")[0], "lang"), Some("en"));
    assert_eq!((all("h1").len(), all("main").len()), (1, 1), "{path}");
    let mut level = 0;
    for (tag, _) in &tags {
        let digit = tag
            .strip_prefix('h')
            .and_then(|digit| digit.parse::<u32>().ok());
        if let Some(next) = digit {
            assert!(next <= level + 1, "{path}: h{next} after h{level}");
            level = next;
        }
    }
    let ids: Vec<&str> = tags
        .iter()
        .filter_map(|(_, attributes)| attribute(attributes, "id"))
        .collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "{path}: {ids:?}");
    for name in ["aria-labelledby", "aria-describedby", "for"] {
        for (tag, attributes) in &tags {
            if let Some(id) = attribute(attributes, name) {
                assert!(unique.contains(id), "{path}: {tag} {name}={id}");
            }
        }
    }
    let labelled: BTreeSet<&str> = all("label")
        .into_iter()
        .filter_map(|label| attribute(label, "for"))
        .collect();
    for name in ["input", "select"] {
        for field in all(name) {
            let kind = attribute(field, "type").unwrap_or_default();
            let is_wrapped = ["checkbox", "radio"].contains(&kind);
            let has_label = attribute(field, "id").is_some_and(|id| labelled.contains(id));
            assert!(
                kind == "hidden" || is_wrapped || has_label,
                "{path}: {field}"
            );
        }
    }
    assert_eq!(
        all("table").len(),
        all("caption").len(),
        "{path}: a table without a caption"
    );
    for cell in all("th") {
        assert!(attribute(cell, "scope").is_some(), "{path}: th {cell}");
    }
    for drawing in all("svg") {
        let is_named = attribute(drawing, "aria-label").is_some();
        assert!(
            is_named || attribute(drawing, "aria-hidden") == Some("true"),
            "{path}: {drawing}"
        );
    }
    for link in all("a") {
        if attribute(link, "target").is_some() {
            assert_eq!(
                attribute(link, "rel"),
                Some("noopener noreferrer"),
                "{path}: {link}"
            );
        }
    }
    for (tag, attributes) in &tags {
        for name in ["href", "src", "action"] {
            if let Some(address) = attribute(attributes, name) {
                let is_own = address.starts_with('/') || address.starts_with('#');
                let is_booking = address.starts_with("https://app.cal.com/booking/");
                assert!(is_own || is_booking, "{path}: {tag} {address}");
            }
        }
    }
}

#[tokio::test]
async fn every_page_is_accessible_and_has_nothing_inline() {
    let world = World::new().await;
    let item = world.conflict("a-1", 0).await.id.to_string();
    world.make("a-2", "Bob", at(9)).await;
    let mut seen = 0;
    for (method, path) in routes_of("salon", "a-1") {
        let path = path.replace("/reviews/a-1", &format!("/reviews/{item}"));
        if method == "GET" && !path.ends_with("/live") {
            check(&path, &world.get(&path).await.is(200).body);
            seen += 1;
        }
    }
    assert!(seen >= 9);
    for path in [
        "/",
        "/login",
        "/t/salon?told=paused",
        "/t/studio",
        "/t/studio/services",
        &format!("/t/salon/reviews/{item}?slots=1"),
        "/t/salon/activity?q=x&state=in_sync",
    ] {
        check(path, &world.get(path).await.is(200).body);
    }
    check("404", &world.get("/nowhere").await.is(404).body);
    let forms: [(&str, &[(&str, &str)]); 10] = [
        ("appointments", &[("action", "cancel"), ("id", "a-1")]),
        (
            "appointments",
            &[("action", "resync"), ("id", "a-1"), ("confirmed", "1")],
        ),
        ("reviews", &[("item", &item), ("resolution", "force_local")]),
        (
            "drift",
            &[
                ("mode", "repair"),
                ("from", "2026-12-01"),
                ("until", "2027-01-01"),
            ],
        ),
        ("services", &[]),
        ("webhook/test", &[]),
        ("webhook/repair", &[]),
        ("agents/function", &[("function", "list_services")]),
        ("agents/test", &[]),
        ("agents/push", &[]),
    ];
    for (path, fields) in forms {
        let shown = world.post(&format!("/t/salon/{path}"), fields).await;
        check(path, &shown.is(200).body);
    }
    check("actions", &world.get("/t/salon/actions").await.is(200).body);
}
