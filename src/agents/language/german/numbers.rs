//! German words and numbers.

use crate::agents::language::words::Lexicon;

/// German words, looked up without regard to how umlauts are written.
pub(super) const LEXICON: Lexicon = Lexicon {
    fold,
    number,
    ordinal,
};

/// `ä` and `ae` become `a`, and so on, as speech recognition writes either or drops the dots.
fn fold(word: &str) -> String {
    let word = word
        .replace('ä', "a")
        .replace('ö', "o")
        .replace('ü', "u")
        .replace('ß', "ss");
    word.replace("ae", "a")
        .replace("oe", "o")
        .replace("ue", "u")
}

/// A number from 0 to 12.
fn simple(word: &str) -> Option<u32> {
    Some(match word {
        "null" => 0,
        "ein" | "eins" => 1,
        "zwei" | "zwo" => 2,
        "drei" => 3,
        "vier" => 4,
        "funf" => 5,
        "sechs" => 6,
        "sieben" => 7,
        "acht" => 8,
        "neun" => 9,
        "zehn" => 10,
        "elf" => 11,
        "zwolf" => 12,
        _ => return None,
    })
}

fn tens(word: &str) -> Option<u32> {
    Some(match word {
        "zwanzig" => 20,
        "dreissig" => 30,
        "vierzig" => 40,
        "funfzig" => 50,
        "sechzig" => 60,
        "siebzig" => 70,
        "achtzig" => 80,
        "neunzig" => 90,
        _ => return None,
    })
}

fn below_a_hundred(word: &str) -> Option<u32> {
    if let Some(number) = simple(word).or_else(|| tens(word)) {
        return Some(number);
    }
    if let Some(stem) = word.strip_suffix("zehn") {
        return match stem {
            "sech" => Some(16),
            "sieb" => Some(17),
            _ => simple(stem)
                .filter(|unit| (3..10).contains(unit))
                .map(|unit| unit + 10),
        };
    }
    let (unit, ten) = word.split_once("und")?;
    let unit = simple(unit).filter(|unit| (1..10).contains(unit))?;
    Some(tens(ten)? + unit)
}

/// A number in words: up to 2099, as years have it.
fn number(word: &str) -> Option<u32> {
    if let Some(rest) = word.strip_prefix("zweitausend") {
        let rest = rest.strip_prefix("und").unwrap_or(rest);
        return if rest.is_empty() {
            Some(2_000)
        } else {
            Some(2_000 + below_a_hundred(rest)?)
        };
    }
    if let Some((hundreds, rest)) = word.split_once("hundert") {
        let hundreds = if hundreds.is_empty() {
            1
        } else {
            simple(hundreds).filter(|hundreds| (1..10).contains(hundreds))?
        };
        let rest = rest.strip_prefix("und").unwrap_or(rest);
        let rest = if rest.is_empty() {
            Some(0)
        } else {
            below_a_hundred(rest)
        };
        return Some(hundreds * 100 + rest?);
    }
    below_a_hundred(word)
}

/// An ordinal in words: up to 31.
fn ordinal(word: &str) -> Option<u32> {
    let stem = ["ten", "ter", "tem", "tes", "te"];
    let stem = stem.iter().find_map(|end| word.strip_suffix(end))?;
    match stem {
        "ers" => return Some(1),
        "drit" => return Some(3),
        "sieb" => return Some(7),
        "ach" => return Some(8),
        _ => {}
    }
    let number = match stem.strip_suffix('s') {
        Some(stem) => below_a_hundred(stem).filter(|number| (20..32).contains(number)),
        None => below_a_hundred(stem).filter(|number| (2..20).contains(number)),
    };
    number.filter(|number| *number != 3)
}
