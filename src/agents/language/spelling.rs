//! Phone numbers, e-mail addresses and answers that are spelled out, in any language.

use super::words::Lexicon;

/// How a language spells.
pub(super) struct Speller {
    pub(super) lexicon: Lexicon,
    /// Numbers that are other words as well, and so are no digits.
    pub(super) no_digits: &'static [&'static str],
    /// Words that are a zero among digits only.
    pub(super) zeros: &'static [&'static str],
    /// How often a word says that the digit or letter after it comes.
    pub(super) times: fn(&str) -> Option<usize>,
    /// The zeros that a word adds to the digits before it.
    pub(super) scale: fn(&str) -> Option<&'static str>,
    /// Whether two numbers in a row are one: "twenty five".
    pub(super) sum: fn(u32, &str, u32) -> Option<u32>,
    /// The character of an e-mail address that a word stands for.
    pub(super) symbol: fn(&str) -> Option<char>,
    /// Words before an address that are no part of it.
    pub(super) lead: &'static [&'static str],
    /// Words between a letter and a word that begins with it: "a as in apple".
    pub(super) like: &'static [&'static str],
    pub(super) yes: &'static [&'static str],
    pub(super) no: &'static [&'static str],
}

/// A piece of a text: what is between spaces and marks, or those.
struct Piece<'a> {
    text: &'a str,
    is_word: bool,
}

/// Splits a text into words, figures and what is between them.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Sort {
        Letters,
        Figures,
        Other,
    }
    let sort = |character: char| match character {
        _ if character.is_ascii_digit() => Sort::Figures,
        '\u{300}'..='\u{36f}' => Sort::Letters,
        _ if character.is_alphabetic() => Sort::Letters,
        _ => Sort::Other,
    };
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut current = None;
    for (at, character) in text.char_indices() {
        let next = sort(character);
        if current.is_some_and(|current| current != next) {
            let is_word = current != Some(Sort::Other);
            pieces.push(Piece {
                text: &text[start..at],
                is_word,
            });
            start = at;
        }
        current = Some(next);
    }
    if start < text.len() {
        let is_word = current != Some(Sort::Other);
        pieces.push(Piece {
            text: &text[start..],
            is_word,
        });
    }
    pieces
}

/// A piece of the answer.
struct Written {
    text: String,
    digits: bool,
    /// Whether it was in words.
    converted: bool,
}

impl Speller {
    fn fold(&self, word: &str) -> String {
        let word: String = word
            .chars()
            .filter(|character| !matches!(character, '\u{300}'..='\u{36f}'))
            .flat_map(char::to_lowercase)
            .collect();
        (self.lexicon.fold)(&word)
    }

    fn number(&self, folded: &str) -> Option<u32> {
        let number = (self.lexicon.number)(folded)?;
        (!self.no_digits.contains(&folded)).then_some(number)
    }

    /// Puts digits in words into figures.
    pub(super) fn digits(&self, text: &str) -> String {
        let pieces = pieces(text);
        let folded: Vec<String> = pieces.iter().map(|piece| self.fold(piece.text)).collect();
        let word = |at: usize| folded.get(at).map_or("", String::as_str);
        let is_figures = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
        let digit = |word: &str| {
            let number = self.number(word).or_else(|| word.parse().ok());
            number.filter(|number| *number < 10)
        };
        let numeric = |word: &str| {
            is_figures(word) || self.number(word).is_some() || (self.times)(word).is_some()
        };
        let mut written: Vec<Written> = Vec::new();
        let mut at = 0;
        while at < pieces.len() {
            let piece = &pieces[at];
            let after_digits = written.iter().rev().find(|piece| !is_gap(&piece.text));
            let after_digits = after_digits.is_some_and(|piece| piece.digits);
            let (text, used) = if !piece.is_word || is_figures(piece.text) {
                (None, 1)
            } else if let Some((digit, times)) = digit(word(at + 2)).zip((self.times)(word(at))) {
                (Some(digit.to_string().repeat(times)), 3)
            } else if let Some(number) = self.number(word(at)) {
                // "Sieben und zwanzig", "twenty five".
                let joined = |gap: usize| {
                    pieces
                        .get(gap)
                        .is_some_and(|gap| matches!(gap.text, " " | "-"))
                };
                let next = self.number(word(at + 2)).filter(|_| joined(at + 1));
                let two = next.and_then(|next| (self.sum)(number, "", next));
                let next = self
                    .number(word(at + 4))
                    .filter(|_| joined(at + 1) && joined(at + 3));
                let three = next.and_then(|next| (self.sum)(number, word(at + 2), next));
                match (two, three) {
                    (Some(sum), _) => (Some(sum.to_string()), 3),
                    (_, Some(sum)) => (Some(sum.to_string()), 5),
                    _ => (Some(number.to_string()), 1),
                }
            } else if word(at) == "plus" && numeric(word(at + 2)) {
                (Some("+".to_owned()), 1)
            } else if self.zeros.contains(&word(at)) && (after_digits || numeric(word(at + 2))) {
                (Some("0".to_owned()), 1)
            } else if let Some(zeros) = (self.scale)(word(at)).filter(|_| after_digits) {
                (Some(zeros.to_owned()), 1)
            } else {
                (None, 1)
            };
            let converted = text.is_some();
            written.push(Written {
                digits: converted || is_figures(piece.text),
                text: text.unwrap_or_else(|| piece.text.to_owned()),
                converted,
            });
            at += used;
        }
        let mut whole = String::with_capacity(text.len());
        for (at, piece) in written.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|before| written.get(before));
            let between = before
                .zip(written.get(at + 1))
                .is_some_and(|(before, after)| {
                    before.digits && after.digits && (before.converted || after.converted)
                });
            if !(between && is_gap(&piece.text)) {
                whole.push_str(&piece.text);
            }
        }
        whole
    }

    /// Puts an address together; a text that is none stays as it is.
    pub(super) fn email(&self, text: &str) -> String {
        let text = text.trim();
        if text.contains('@') && !text.contains(char::is_whitespace) {
            return text.to_owned();
        }
        self.address(text).unwrap_or_else(|| text.to_owned())
    }

    fn address(&self, text: &str) -> Option<String> {
        let parts = self.parts(text);
        let mut ats = (0..parts.len()).rev().filter(|at| parts[*at] == "@");
        ats.find_map(|at| {
            let local = self.local(&parts[..at]);
            let domain = domain(&parts[at + 1..]);
            is_address(&local, &domain).then(|| format!("{local}@{domain}"))
        })
    }

    /// The letters, words and symbols of an address.
    fn parts(&self, text: &str) -> Vec<String> {
        let mut words: Vec<&str> = Vec::new();
        for word in text.split_whitespace() {
            let word = word.trim_matches([',', ';', ':', '!', '?', '"', '(', ')', '<', '>']);
            let mut pieces = word.split('@').peekable();
            while let Some(piece) = pieces.next() {
                words.extend(Some(piece).filter(|piece| !piece.is_empty()));
                if pieces.peek().is_some() {
                    words.push("@");
                }
            }
        }
        let mut parts: Vec<String> = Vec::new();
        let mut at = 0;
        while at < words.len() {
            let word = words[at].to_lowercase();
            let folded = self.fold(words[at]);
            let is_letter = word.chars().count() == 1;
            let next = words.get(at + 1).map(|next| next.to_lowercase());
            let next_letter = next.filter(|next| next.chars().count() == 1);
            if let Some(symbol) = (self.symbol)(&folded) {
                parts.push(symbol.to_string());
            } else if let Some((times, letter)) = (self.times)(&folded).zip(next_letter) {
                parts.extend(std::iter::repeat_n(letter, times));
                at += 1;
            } else if let Some(number) = self.number(&folded) {
                parts.push(number.to_string());
            } else {
                parts.push(word);
            }
            at += 1;
            // "A wie Anton", "a as in apple".
            while is_letter
                && words
                    .get(at)
                    .is_some_and(|word| self.like.contains(&self.fold(word).as_str()))
            {
                let last = self.like.len() == 1 || self.fold(words[at]) != "as";
                at += if last { 2 } else { 1 };
            }
        }
        parts
    }

    /// What of the words before the `@` belongs to the address.
    fn local(&self, parts: &[String]) -> String {
        let stops = |part: &String| {
            part == "@"
                || self
                    .lead
                    .contains(&self.fold(part.trim_end_matches('.')).as_str())
        };
        let start = parts.iter().rposition(stops).map_or(0, |at| at + 1);
        parts[start..].concat()
    }

    /// Whether a text says yes.
    pub(super) fn is_yes(&self, text: &str) -> bool {
        let words: Vec<String> = pieces(text)
            .iter()
            .filter(|piece| piece.is_word)
            .map(|piece| self.fold(piece.text))
            .collect();
        let any = |of: &[&str]| words.iter().any(|word| of.contains(&word.as_str()));
        any(self.yes) && !any(self.no)
    }
}

/// Whether a piece only separates digits.
fn is_gap(text: &str) -> bool {
    text.chars()
        .all(|character| character.is_whitespace() || matches!(character, '-' | ',' | '.' | '/'))
}

/// What of the words after the `@` belongs to the address: up to the last word that a dot precedes.
fn domain(parts: &[String]) -> String {
    let mut domain = String::new();
    for (at, part) in parts.iter().enumerate() {
        let is_letter =
            |part: &str| part.chars().count() == 1 && part.chars().all(char::is_alphanumeric);
        let spelled = is_letter(part)
            && at
                .checked_sub(1)
                .is_some_and(|before| is_letter(&parts[before]));
        let is_symbol = matches!(part.as_str(), "." | "-");
        if domain.contains('.') && !(spelled || is_symbol || domain.ends_with(['.', '-'])) {
            break;
        }
        if part == "@" {
            break;
        }
        // The dot at the end of a sentence.
        let last = at + 1 == parts.len();
        domain.push_str(if last {
            part.trim_end_matches('.')
        } else {
            part
        });
    }
    domain.trim_end_matches('.').to_owned()
}

fn is_address(local: &str, domain: &str) -> bool {
    let local_fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '%');
    let is_local = !local.is_empty() && local.len() <= 64 && local.chars().all(local_fits);
    let label_fits = |label: &str| {
        let ends = label.starts_with('-') || label.ends_with('-');
        !label.is_empty() && !ends && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let top = domain.rsplit_once('.').map(|(_, top)| top);
    let is_top = top.is_some_and(|top| top.len() >= 2 && top.chars().all(char::is_alphabetic));
    let dotted = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    is_local && !dotted && is_top && domain.len() <= 250 && domain.split('.').all(label_fits)
}
