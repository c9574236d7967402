//! Mutation: a few changes of one example, by a generator with a seed.

use fastrand::Rng;

/// The longest input.
const LONGEST: usize = 64 * 1024;

/// Values that a reader of JSON may not expect.
const VALUES: &[&str] = &[
    "null",
    "true",
    "0",
    "-1",
    "1.5",
    "1e400",
    "-0.0",
    "9223372036854775807",
    "18446744073709551616",
    "\"\"",
    "\"\\ud83d\"",
    "\"\\u0000\"",
    "\"\u{202e}\u{7}\u{2028}\"",
    "\"0000-01-01T00:00:00-23:59\"",
    "\"9999-12-31T23:59:60.999999999Z\"",
    "\"12:34:56\"",
    "\"America/St_Johns\"",
    "[]",
    "[null]",
    "{}",
    "{\"type\":\"\"}",
    "{\"type\":null}",
];

/// Pieces of text that a reader looks for.
const WORDS: &[&str] = &[
    "\"oneTimePassword\":\"x\",",
    "\"triggerEvent\":\"BOOKING_CREATED\",",
    "\"triggerEvent\":\"FORM_SUBMITTED\",",
    "\"payload\":null,",
    "\"createdAt\":5,",
    "\"template\":\"t\"",
    "\"type\":\"unknown\",",
    "\"data\":",
    "\"error\":",
    "\"message\":",
    "\"details\":{\"errors\":[{\"property\":\"a\"}]},",
    "\"uid\":\"u\",",
    " property is wrong,",
    " - {",
    " , ",
    "ann@example.com",
    "\\u",
    "\\",
    "\"",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "v=",
    "d=",
    "t=",
    "v1=",
    "v1,",
    "1796112000",
    "1796112000000",
    "\u{0}",
    "&",
    "=",
    "%",
];

/// A new input from one example, with pieces of the others.
pub fn mutate(rng: &mut Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = corpus[rng.usize(..corpus.len())].clone();
    for _ in 0..=rng.usize(..6) {
        change(rng, &mut input, corpus);
    }
    input.truncate(LONGEST);
    input
}

fn change(rng: &mut Rng, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let (from, to) = range(rng, input);
    match rng.u8(..12) {
        0 if from < input.len() => input[from] ^= 1 << rng.u8(..8),
        1 if from < input.len() => input[from] = rng.u8(..),
        // The head of an input says what is done with the rest.
        2 if !input.is_empty() => {
            let at = rng.usize(..input.len().min(8));
            input[at] = rng.u8(..);
        }
        3 => drop(input.drain(from..to)),
        4 => {
            let piece = input[from..to].to_vec();
            input.splice(to..to, piece);
        }
        5 => {
            let other = &corpus[rng.usize(..corpus.len())];
            let (start, end) = range(rng, other);
            input.splice(from..to, other[start..end].iter().copied());
        }
        6 => {
            let word = WORDS[rng.usize(..WORDS.len())];
            input.splice(from..from, word.bytes());
        }
        7 => input.truncate(to),
        8 => {
            let piece = b"{\"a\":[".repeat(rng.usize(..100));
            input.splice(from..from, piece);
        }
        _ => replace_value(rng, input),
    }
}

/// A part of the input; short ones are as frequent as long ones.
fn range(rng: &mut Rng, input: &[u8]) -> (usize, usize) {
    let from = rng.usize(..=input.len());
    let longest = 1 << rng.u32(..12);
    let length = rng.usize(..=longest);
    (from, input.len().min(from + length))
}

/// Replaces the value of a key by another one, or by that of another key.
fn replace_value(rng: &mut Rng, input: &mut Vec<u8>) {
    let values = values(input);
    if values.is_empty() {
        return;
    }
    let (from, to) = values[rng.usize(..values.len())];
    let new = if rng.bool() {
        VALUES[rng.usize(..VALUES.len())].as_bytes().to_vec()
    } else {
        let (from, to) = values[rng.usize(..values.len())];
        input[from..to].to_vec()
    };
    input.splice(from..to, new);
}

/// Where the values are that follow a colon.
fn values(input: &[u8]) -> Vec<(usize, usize)> {
    let mut values = Vec::new();
    for (colon, _) in input.iter().enumerate().filter(|(_, byte)| **byte == b':') {
        let from = colon + 1;
        let (mut depth, mut in_string, mut to) = (0_usize, false, from);
        while let Some(byte) = input.get(to) {
            match byte {
                b'\\' if in_string => to += 1,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b',' if !in_string && depth == 0 => break,
                b'}' | b']' if !in_string => match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => break,
                },
                _ => {}
            }
            to += 1;
        }
        values.push((from, to.min(input.len())));
        // Enough to choose from.
        if values.len() >= 400 {
            break;
        }
    }
    values
}
