//! Cleans untrusted text: one rule for strings from Cal.com before they reach a host, a log line or
//! a page.
//!
//! Anyone who books can provide such text. Control characters, which could forge log lines or
//! control a terminal, and bidirectional formatting characters, which could disguise the text, are
//! removed. Overlong text is truncated with an ellipsis. Cleaning is idempotent.
//!
//! Applied to attendees that become a host's `Person`, to the messages of review items, to the
//! causes of failures in log lines and in the sync log, and to what `client` errors quote. Webhook
//! events and `model` types contain strings as they were received.

use std::borrow::Cow;

/// Maximum length of [`clean_line`], in characters; enough for the longest valid e-mail address.
pub const LINE_LIMIT: usize = 320;

/// Maximum length of [`clean_text`], in characters.
pub const TEXT_LIMIT: usize = 4000;

/// Cleans a name, an address or a title: one line of at most [`LINE_LIMIT`] characters.
///
/// Line breaks and tabs become spaces. All other control characters and bidirectional formatting
/// characters (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069) are removed. Overlong
/// text is truncated and ends with `…`.
///
/// ```
/// let name = calcom::model::clean_line("Ann\u{202e}nnA\nlevel=ERROR");
/// assert_eq!(name, "AnnnnA level=ERROR");
/// ```
pub fn clean_line(text: &str) -> Cow<'_, str> {
    clean(text, LINE_LIMIT, |c| match c {
        '\n' | '\t' => Some(' '),
        _ => Some(c),
    })
}

/// Cleans notes, reasons and messages: like [`clean_line`], but keeps line feeds and tabs, and
/// allows [`TEXT_LIMIT`] characters.
pub fn clean_text(text: &str) -> Cow<'_, str> {
    clean(text, TEXT_LIMIT, Some)
}

fn clean(text: &str, limit: usize, space: fn(char) -> Option<char>) -> Cow<'_, str> {
    let keep = |c: char| match c {
        '\n' | '\t' => space(c),
        // Other characters that break lines.
        '\u{2028}' | '\u{2029}' => space('\n'),
        c if c.is_control() || steers_direction(c) => None,
        c => Some(c),
    };
    let is_clean = text.chars().all(|c| keep(c) == Some(c));
    if is_clean && text.chars().nth(limit).is_none() {
        return Cow::Borrowed(text);
    }
    let mut cleaned: String = text.chars().filter_map(keep).take(limit + 1).collect();
    if let Some((too_far, _)) = cleaned.char_indices().nth(limit) {
        cleaned.truncate(too_far);
        cleaned.pop();
        cleaned.push('…');
    }
    Cow::Owned(cleaned)
}

fn steers_direction(c: char) -> bool {
    matches!(
        c,
        '\u{061c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_no_controls() {
        let hostile = "A\u{1b}[31mn\u{7}n\u{85}\r\n\u{202e}\u{2066}B\u{200e}\tC\u{2028}D\0\u{61c}";
        assert_eq!(clean_line(hostile), "A[31mnn B C D");
        assert_eq!(clean_text(hostile), "A[31mnn\nB\tC\nD");
    }

    #[test]
    fn ordinary_text_is_not_touched() {
        for text in [
            "",
            "  Ann  ",
            "Zoë Ø",
            "שלום",
            "👩\u{200d}🔬",
            &"x".repeat(LINE_LIMIT),
        ] {
            assert!(matches!(clean_line(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn what_is_too_long_ends_with_an_ellipsis() {
        let cut = clean_line(&"é".repeat(LINE_LIMIT + 1)).into_owned();
        assert_eq!(cut.chars().count(), LINE_LIMIT);
        assert!(cut.ends_with("é…"));
        let cut = clean_text(&"é".repeat(10 * TEXT_LIMIT)).into_owned();
        assert_eq!(cut.chars().count(), TEXT_LIMIT);
    }

    proptest::proptest! {
        #[test]
        fn cleaning_is_done_after_once(text in "(\\PC|\\p{Cc}|[\u{200e}\u{202a}-\u{202e}\u{2066}-\u{2069}\u{2028}]){0,700}") {
            for cleaned in [clean_line(&text), clean_text(&text)] {
                proptest::prop_assert!(!cleaned.chars().any(|c| steers_direction(c) || (c.is_control() && c != '\n' && c != '\t')));
            }
            let once = clean_line(&text);
            proptest::prop_assert!(once.chars().count() <= LINE_LIMIT);
            proptest::prop_assert!(!once.contains(['\n', '\t']));
            proptest::prop_assert_eq!(clean_line(&once), once.clone());
            let once = clean_text(&text);
            proptest::prop_assert_eq!(clean_text(&once), once.clone());
        }
    }
}
