//! How English is spelled.

use super::numbers::LEXICON;
use crate::agents::language::spelling::Speller;

const SPELLER: Speller = Speller {
    lexicon: LEXICON,
    no_digits: &[],
    zeros: &["oh", "o"],
    times: |word| match word {
        "double" => Some(2),
        "triple" | "treble" => Some(3),
        _ => None,
    },
    scale: |word| match word {
        "hundred" => Some("00"),
        "thousand" => Some("000"),
        _ => None,
    },
    sum: |tens, between, unit| {
        let fits = (1..10).contains(&unit) && (20..100).contains(&tens) && tens % 10 == 0;
        (fits && between.is_empty()).then_some(tens + unit)
    },
    symbol: |word| {
        Some(match word {
            "at" => '@',
            "dot" | "period" | "point" => '.',
            "underscore" => '_',
            "minus" | "dash" | "hyphen" => '-',
            "plus" => '+',
            _ => return None,
        })
    },
    lead: &[
        "email", "e-mail", "mail", "address", "is", "its", "it", "it's", "my", "the", "me",
        "reach", "yes", "please", "so", "and", "thats", "that's", "um", "uh",
    ],
    like: &["as", "in", "like", "for"],
    yes: &[
        "true",
        "yes",
        "1",
        "y",
        "yeah",
        "yep",
        "yup",
        "sure",
        "ok",
        "okay",
        "certainly",
        "absolutely",
        "definitely",
        "correct",
        "right",
        "course",
        "ja",
        "fine",
    ],
    no: &[
        "no", "not", "nope", "dont", "false", "never", "wrong", "nein", "don", "isn", "cannot",
        "can't",
    ],
};

/// Puts the digits of a phone number into figures.
pub(super) fn digits(text: &str) -> String {
    SPELLER.digits(text)
}

/// Puts an e-mail address together.
pub(super) fn email(text: &str) -> String {
    SPELLER.email(text)
}

/// Whether a text says yes.
pub(super) fn is_yes(text: &str) -> bool {
    SPELLER.is_yes(text)
}
