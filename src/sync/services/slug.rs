//! Slugs of the event types that are created for services.
//!
//! A slug ends in a mark that depends on nothing but the service, so that an event type whose
//! creation was never answered is recognized, whatever has become of the name since, and even if the
//! books were lost.

/// The number of characters of a mark.
pub(super) const MARK: usize = 16;
/// How much of the name a slug repeats.
const MAX_NAME: usize = 40;

/// The slug for a service.
pub(super) fn slug(name: &str, mark: &str) -> String {
    let mut slug = String::new();
    for character in name.chars().flat_map(char::to_lowercase) {
        if slug.len() >= MAX_NAME {
            break;
        }
        if character.is_ascii_alphanumeric() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let name = slug.trim_end_matches('-');
    match name {
        "" => format!("service-{mark}"),
        name => format!("{name}-{mark}"),
    }
}

/// The mark at the end of a slug, if it has one.
pub(super) fn mark_of(slug: &str) -> Option<&str> {
    let (_, mark) = slug.rsplit_once('-')?;
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    (mark.len() == MARK && mark.chars().all(is_hex)).then_some(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "0123456789abcdef";

    #[test]
    fn a_slug_reads_like_the_name_and_ends_in_the_mark() {
        assert_eq!(slug("Cut & Dry!", GIVEN), format!("cut-dry-{GIVEN}"));
        assert_eq!(slug("  Färben ", GIVEN), format!("f-rben-{GIVEN}"));
        assert_eq!(slug("剪髮", GIVEN), format!("service-{GIVEN}"));
    }

    proptest::proptest! {
        #[test]
        fn every_name_makes_a_slug_that_gives_the_mark_back(name: String) {
            let slug = slug(&name, GIVEN);
            proptest::prop_assert_eq!(mark_of(&slug), Some(GIVEN));
            proptest::prop_assert!(slug.len() <= MAX_NAME + 1 + MARK);
            let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            proptest::prop_assert!(slug.chars().all(is_fine));
        }

        #[test]
        fn reading_a_mark_never_panics(slug: String) {
            let mark = mark_of(&slug);
            proptest::prop_assert!(mark.is_none_or(|mark| mark.len() == MARK));
        }
    }
}
