//! How German is spelled.

use super::numbers::LEXICON;
use crate::agents::language::spelling::Speller;

const SPELLER: Speller = Speller {
    lexicon: LEXICON,
    no_digits: &["ein"],
    zeros: &[],
    times: |word| match word {
        "doppel" | "doppelt" | "zweimal" => Some(2),
        "dreimal" => Some(3),
        _ => None,
    },
    scale: |word| (word == "hundert").then_some("00"),
    sum: |unit, between, tens| {
        let fits = (1..10).contains(&unit) && (20..100).contains(&tens) && tens % 10 == 0;
        (fits && between == "und").then_some(unit + tens)
    },
    symbol: |word| {
        Some(match word {
            "at" | "klammeraffe" | "affenschwanz" => '@',
            "punkt" | "dot" => '.',
            "unterstrich" | "underscore" => '_',
            "minus" | "bindestrich" | "strich" | "dash" => '-',
            "plus" => '+',
            _ => return None,
        })
    },
    lead: &[
        "email",
        "e-mail",
        "mail",
        "mailadresse",
        "e-mail-adresse",
        "emailadresse",
        "adresse",
        "ist",
        "lautet",
        "die",
        "meine",
        "das",
        "ware",
        "bitte",
        "also",
        "ja",
        "unter",
        "ich",
        "bin",
        "und",
        "zwar",
        "heisst",
        "ahm",
    ],
    like: &["wie"],
    // In the folded form: "tru" is "true".
    yes: &[
        "tru",
        "yes",
        "1",
        "ja",
        "jawohl",
        "jo",
        "jep",
        "klar",
        "genau",
        "gerne",
        "gern",
        "richtig",
        "stimmt",
        "wahr",
        "ok",
        "okay",
        "naturlich",
        "selbstverstandlich",
        "einverstanden",
        "y",
    ],
    no: &[
        "nein", "nicht", "no", "false", "kein", "keine", "keinen", "ne", "nee", "nie", "falsch",
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
