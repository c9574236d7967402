//! Icons: drawn inline, and never the only way in which something is said.

use maud::{Markup, PreEscaped, html};

/// An icon by what it draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Icon {
    Check,
    Clock,
    Alert,
    Pause,
    Play,
    Retry,
    Cross,
    Dash,
    Link,
    Person,
    Pulse,
    List,
    Inbox,
    Compare,
    Tag,
    Plug,
    Scroll,
    #[cfg(feature = "agents")]
    Phone,
}

pub(super) fn icon(icon: Icon) -> Markup {
    let drawing = match icon {
        Icon::Check => r#"<path d="m3 8.5 3.2 3.2L13 5"/>"#,
        Icon::Clock => r#"<circle cx="8" cy="8" r="6"/><path d="M8 4.5V8l2.3 1.6"/>"#,
        Icon::Alert => {
            r#"<path d="M8 2 14.5 13.5h-13Z"/><path d="M8 6.4v3.2"/><path d="M8 11.6v.1"/>"#
        }
        Icon::Pause => r#"<path d="M5.5 3.5v9M10.5 3.5v9"/>"#,
        Icon::Play => r#"<path d="M5 3.2 12.5 8 5 12.8Z"/>"#,
        Icon::Retry => r#"<path d="M13 8a5 5 0 1 1-1.5-3.6"/><path d="M13.2 2.2v2.9h-2.9"/>"#,
        Icon::Cross => r#"<path d="m4 4 8 8M12 4l-8 8"/>"#,
        Icon::Dash => r#"<path d="M3.5 8h9"/>"#,
        Icon::Link => {
            r#"<path d="M6.5 3.5h-3v9h9v-3"/><path d="M9.5 2.8h3.7v3.7"/><path d="M13 3 7.5 8.5"/>"#
        }
        Icon::Person => {
            r#"<circle cx="8" cy="5.3" r="2.6"/><path d="M3 13.5c.6-2.6 2.5-4 5-4s4.4 1.4 5 4"/>"#
        }
        Icon::Pulse => r#"<path d="M1.5 8.5h3l2-5 3 9 2-4h3"/>"#,
        Icon::List => r#"<path d="M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.1M2.5 8h.1M2.5 12h.1"/>"#,
        Icon::Inbox => {
            r#"<path d="M2 9.5 4 3h8l2 6.5v3.5H2Z"/><path d="M2 9.5h3.6l.9 1.5h3l.9-1.5H14"/>"#
        }
        Icon::Compare => r#"<path d="M5 3v10M11 3v10"/><path d="M2 6h3M11 10h3M2 10h3M11 6h3"/>"#,
        Icon::Tag => r#"<path d="M2.5 2.5h5l6 6-5 5-6-6Z"/><path d="M5.4 5.4v.1"/>"#,
        Icon::Plug => {
            r#"<path d="M5.5 2v3.5M10.5 2v3.5"/><path d="M3.5 5.5h9V8a4.5 4.5 0 0 1-9 0Z"/><path d="M8 12.5V15"/>"#
        }
        #[cfg(feature = "agents")]
        Icon::Phone => {
            r#"<path d="M3.5 2.5h2.7l1.1 3-1.5 1.2a8 8 0 0 0 3.5 3.5l1.2-1.5 3 1.1v2.7c0 .6-.5 1-1 1A10.5 10.5 0 0 1 2.5 3.5c0-.6.4-1 1-1Z"/>"#
        }
        Icon::Scroll => r#"<path d="M4 2h8v12H4Z"/><path d="M6.3 5.3h3.4M6.3 8h3.4M6.3 10.7h2"/>"#,
    };
    html! {
        svg.icon viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false" {
            (PreEscaped(drawing))
        }
    }
}
