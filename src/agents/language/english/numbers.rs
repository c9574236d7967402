//! English words and numbers.

use crate::agents::language::words::{Kind, Lexicon, Token};

/// English words.
pub(super) const LEXICON: Lexicon = Lexicon {
    fold: str::to_owned,
    number,
    ordinal,
};

const UNITS: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

const TENS: [&str; 8] = [
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

const ORDINALS: [&str; 20] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
];

/// The place of a word among some words.
fn place(words: &[&str], word: &str) -> Option<u32> {
    let place = words.iter().position(|known| *known == word)?;
    u32::try_from(place).ok()
}

fn number(word: &str) -> Option<u32> {
    let word = if word == "fourty" { "forty" } else { word };
    place(&UNITS, word).or_else(|| place(&TENS, word).map(|tens| (tens + 2) * 10))
}

fn ordinal(word: &str) -> Option<u32> {
    let short = place(&ORDINALS, word).map(|place| place + 1);
    short.or((word == "thirtieth").then_some(30))
}

/// Puts together what is said in several words: "twenty-five", "thirty first", "twenty twenty-six", "5th".
pub(super) fn prepare(tokens: Vec<Token>) -> Vec<Token> {
    let mut whole: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(mut token) = tokens.next() {
        let tens = match token.kind {
            Kind::Number(tens) if token.figures == 0 && tens >= 20 && tens % 10 == 0 => Some(tens),
            _ => None,
        };
        if let Some(tens) = tens {
            let dash = tokens.next_if(|next| next.kind == Kind::Mark('-'));
            let unit = tokens.next_if(|next| match next.kind {
                Kind::Number(unit) | Kind::Ordinal(unit) => {
                    next.figures == 0 && (1..10).contains(&unit)
                }
                _ => false,
            });
            match unit.map(|unit| unit.kind) {
                Some(Kind::Number(unit)) => token.kind = Kind::Number(tens + unit),
                Some(Kind::Ordinal(unit)) => token.kind = Kind::Ordinal(tens + unit),
                _ => {}
            }
            whole.push(token);
            if unit_is_missing(whole.last(), tens) {
                whole.extend(dash);
            }
            continue;
        }
        if let Kind::Number(day) = token.kind
            && token.figures > 0
            && tokens
                .next_if(|next| {
                    next.glued && ["st", "nd", "rd", "th"].contains(&next.text.as_str())
                })
                .is_some()
        {
            token.kind = Kind::Ordinal(day);
            token.figures = 0;
        }
        whole.push(token);
    }
    whole
}

/// Whether a number of tens stayed alone.
fn unit_is_missing(token: Option<&Token>, tens: u32) -> bool {
    token.is_some_and(|token| token.kind == Kind::Number(tens))
}
